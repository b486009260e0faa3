//! The journal as text: which bytes an interrupted build may have left at which path. It is labc's own and short-lived;
//! one that is not whole says so, and nothing is guessed from it.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::is_output;
use crate::diag::{Code, Diagnostic};
use crate::world::JOURNAL;

/// The SHA-256 of everything that labc itself may have written at a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// Hashes by path.
    pub paths: BTreeMap<String, BTreeSet<String>>,
}

/// The first line up to the number of the format.
const TITLE: &str = "labc journal ";

/// The format of the journal.
const VERSION: u32 = 1;

/// The last line up to the number of lines before it.
const END: &str = "end ";

impl Journal {
    /// Adds bytes that labc may have written.
    pub fn add(&mut self, path: &str, sha256: &str) {
        if !self.paths.contains_key(path) {
            self.paths.insert(path.to_owned(), BTreeSet::new());
        }
        if let Some(hashes) = self.paths.get_mut(path) {
            hashes.insert(sha256.to_owned());
        }
    }

    /// The text of the journal: a title, a line for each path and hash, and the number of those lines.
    pub fn encode(&self) -> String {
        let mut text = format!("{TITLE}{VERSION}\n");
        let mut lines = 0_usize;
        for (path, hashes) in &self.paths {
            for sha256 in hashes {
                text.push_str(sha256);
                text.push_str("  ");
                text.push_str(path);
                text.push('\n');
                lines += 1;
            }
        }
        text.push_str(&format!("{END}{lines}\n"));
        text
    }

    /// The journal that bytes hold.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, Box<Diagnostic>> {
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
        let (title, rest) = text
            .split_once('\n')
            .ok_or_else(|| damaged("it has no title"))?;
        let version = title
            .strip_prefix(TITLE)
            .and_then(|version| version.parse::<u32>().ok())
            .ok_or_else(|| damaged("it has no title"))?;
        if version != VERSION {
            return Err(newer(version));
        }
        let mut journal = Journal::default();
        let mut lines = rest.split_inclusive('\n');
        let mut count = 0_usize;
        while let Some(line) = lines.next() {
            let line = line.strip_suffix('\n');
            let line = line.ok_or_else(|| damaged("its last line is cut off"))?;
            if let Some(end) = line.strip_prefix(END) {
                return match lines.next() {
                    None if end == count.to_string() => Ok(journal),
                    _ => Err(damaged("its end does not fit the rest")),
                };
            }
            let (sha256, path) =
                entry(line).ok_or_else(|| damaged("a line is no hash and path"))?;
            journal.add(path, sha256);
            count += 1;
        }
        Err(damaged("its end is missing"))
    }
}

/// The hash and the path of a line.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (sha256, path) = line.split_once("  ")?;
    (is_sha256(sha256) && is_output(path)).then_some((sha256, path))
}

/// Whether a text is a SHA-256 in lowercase hexadecimal.
pub(super) fn is_sha256(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(digit)
}

fn damaged(why: &str) -> Box<Diagnostic> {
    let message = format!("`{JOURNAL}` is damaged: {why}");
    let diagnostic = Diagnostic::error(Code::JOURNAL, None, message)
        .note("an interrupted build left it, so that the next one knows its files from yours")
        .help("look at `git status` for changes in `out/` that are yours, then run `labc build --force`");
    Box::new(diagnostic)
}

fn newer(version: u32) -> Box<Diagnostic> {
    let message = format!("`{JOURNAL}` has format {version}, and this labc knows {VERSION}");
    let diagnostic = Diagnostic::error(Code::JOURNAL, None, message)
        .note("another labc was interrupted while it built this lab")
        .help("run `labc build` with that labc");
    Box::new(diagnostic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Journal {
        let mut journal = Journal::default();
        journal.add("out/b c.yaml", &"1".repeat(64));
        journal.add("out/a", &"2".repeat(64));
        journal.add("out/a", &"f".repeat(64));
        journal
    }

    #[test]
    fn what_is_written_is_read() {
        for journal in [journal(), Journal::default()] {
            assert_eq!(Journal::decode(journal.encode().as_bytes()), Ok(journal));
        }
    }

    #[test]
    fn every_cut_and_every_other_byte_is_found() {
        let text = journal().encode();
        for end in 0..text.len() {
            assert!(
                Journal::decode(&text.as_bytes()[..end]).is_err(),
                "cut at {end}"
            );
        }
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = 0;
            assert!(Journal::decode(&bytes).is_err(), "another byte at {at}");
        }
        assert!(Journal::decode(format!("{text}x").as_bytes()).is_err());
        let newer = text.replace("journal 1", "journal 2");
        let newer = Journal::decode(newer.as_bytes()).expect_err("a newer one");
        assert!(newer.message.contains("format 2"));
    }
}
