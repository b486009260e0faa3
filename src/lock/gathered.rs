//! Files that gather lines of many components, locked line by line: with one hash each, any two changes of the lab would
//! meet in that hash, and no two pull requests could be merged one after the other.
//!
//! The entry of such a file has a short digest for each of its lines, so Git merges the entry as it merges the file.

use std::borrow::Cow;

use crate::emit::{Output, sha256};

/// The files; whatever else labc writes is of one component, or of what all share.
const GATHERED: [&str; 3] = [
    "out/README.md",
    "out/kustomization.yaml",
    "out/renovate.json",
];

/// Letters of a line's SHA-256 that are kept. They tell labc's own lines from others' where nobody tries to deceive;
/// whether a file is what the sources make is decided by its bytes.
const KEPT: usize = 8;

/// Whether a file is locked line by line.
pub(super) fn is_gathered(path: &str) -> bool {
    GATHERED.contains(&path)
}

/// The digest of each line of a file.
pub(super) fn lines(bytes: &[u8]) -> Vec<String> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines
        .map(|line| {
            let mut digest = sha256(line);
            digest.truncate(KEPT);
            digest
        })
        .collect()
}

/// What stands for a file whose lines have these digests.
pub(super) fn of_lines(lines: &[String]) -> String {
    sha256(lines.join("\n").as_bytes())
}

/// Whether a text is the digest of a line.
pub(super) fn is_line(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == KEPT && text.bytes().all(digit)
}

/// What stands for bytes at a path wherever labc tells its own from a hand's: their SHA-256, or that of the digests of
/// their lines.
pub(super) fn digest(path: &str, bytes: &[u8]) -> String {
    if is_gathered(path) {
        of_lines(&lines(bytes))
    } else {
        sha256(bytes)
    }
}

/// Whether this stands for the bytes at a path: as [`digest`] has it, or as the first format of the lock had it, which knew
/// but one SHA-256 for every file.
pub(super) fn stands_for(known: &str, path: &str, bytes: &[u8]) -> bool {
    known == digest(path, bytes) || is_gathered(path) && known == sha256(bytes)
}

/// What [`digest`] gives for an output, whose SHA-256 is known.
pub(super) fn of_output(output: &Output) -> Cow<'_, str> {
    if is_gathered(&output.path) {
        Cow::Owned(digest(&output.path, &output.bytes))
    } else {
        Cow::Borrowed(&output.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::{digest, is_line, lines};

    #[test]
    fn every_other_line_and_a_missing_line_break_are_seen() {
        let of = |text: &str| digest("out/README.md", text.as_bytes());
        let text = "a\n\nb\n";
        for other in [
            "a\nb\n",
            "a\n\nb",
            "a\n\n\nb\n",
            "\na\nb\n",
            "a\n\nc\n",
            "a\r\n\nb\n",
            "",
        ] {
            assert_ne!(of(text), of(other), "{other:?}");
        }
        assert!(lines(text.as_bytes()).iter().all(|line| is_line(line)));
        assert!(lines(b"").is_empty());
    }
}
