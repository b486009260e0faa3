//! Names of files: what every file system, shell and Git takes for the same one file.
//!
//! A path is judged by itself ([`check`]) and beside others ([`clashes`]). Knows no disk: what a path leads to, and
//! whether a link stands on the way, is another question.

use std::borrow::Cow;

use gix_validate::path::component;
use unicase::UniCase;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// Bytes that one part of a path may have: what ext4, APFS and NTFS take.
pub const MAX_PART: usize = 255;
/// Bytes that a whole path may have: `PATH_MAX` of macOS, the smallest of the systems that labc runs on.
pub const MAX_PATH: usize = 1024;

/// Checks that a path can name a file of the lab, of its output, or a pattern's folder: relative, with `/`, and the
/// same file on every system.
///
/// # Errors
/// A phrase that says what is wrong with it.
pub fn check(path: &str) -> Result<(), String> {
    if path.len() > MAX_PATH {
        let length = path.len();
        return Err(format!(
            "a path has at most {MAX_PATH} bytes, and this one has {length}"
        ));
    }
    if path.starts_with('/') || path.contains('\\') || path.contains(':') {
        return Err("a path is relative to the lab's folder, with `/`".to_owned());
    }
    path.split('/').try_for_each(check_part)
}

fn check_part(part: &str) -> Result<(), String> {
    let wrong = |phrase: &str| Err(phrase.to_owned());
    match part {
        "" | "." => return wrong("a path has no empty part"),
        ".." => return wrong("a path cannot leave the lab's folder"),
        _ => {}
    }
    if part.len() > MAX_PART {
        let length = part.len();
        return Err(format!(
            "a part of a path has at most {MAX_PART} bytes, and one has {length}"
        ));
    }
    if part.chars().any(char::is_control) {
        return wrong("a path has no control characters");
    }
    if part.chars().any(is_invisible) {
        return wrong("a path has no characters that nobody sees");
    }
    if let Some(letter) = part.chars().find(|letter| "*?\"<>|".contains(*letter)) {
        return Err(format!("a path has no `{letter}`, which Windows refuses"));
    }
    if part.starts_with(['-', '~']) {
        return Err(format!("no part of a path begins with `{}`", &part[..1]));
    }
    match component(part.into(), None, component::Options::default()) {
        Err(component::Error::DotGitDir) => return wrong("a path cannot go into `.git`"),
        Err(component::Error::WindowsReservedName) => return device(part),
        _ if is_device(part) => return device(part),
        _ => {}
    }
    if part.ends_with(['.', ' ']) {
        return wrong("no part of a path ends with a dot or a blank, which Windows drops");
    }
    if !is_nfc(part) {
        return wrong("a path is in Unicode's composed form (NFC), as a keyboard types it");
    }
    Ok(())
}

fn device(part: &str) -> Result<(), String> {
    Err(format!("`{part}` is a device to Windows"))
}

/// Windows' serial and parallel ports that Git lets pass: the number zero, and the superscript digits of Latin-1.
fn is_device(part: &str) -> bool {
    let stem = part.split(['.', ' ']).next().unwrap_or_default();
    let mut letters = stem.chars();
    let number = letters.next_back();
    let port = letters.as_str();
    (port.eq_ignore_ascii_case("com") || port.eq_ignore_ascii_case("lpt"))
        && number.is_some_and(|number| "0\u{b9}\u{b2}\u{b3}".contains(number))
}

/// Characters that change what a path looks like, or that HFS+ drops: joiners, direction marks, tags.
fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Two paths that cannot stand in one folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clash<'a> {
    /// The earlier one in the order of the paths.
    pub first: &'a str,
    /// The later one.
    pub second: &'a str,
    /// Why.
    pub kind: ClashKind,
}

/// Why two paths cannot stand in one folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClashKind {
    /// They are one to a file system that ignores case, or how a letter is composed.
    Same,
    /// The first is a file, and to the second it is a folder.
    Folder,
}

/// Every clash among the paths of files, each path with one other at most. A path that is given twice is none.
pub fn clashes<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<Clash<'a>> {
    let mut files: Vec<(Cow<'_, str>, &str)> =
        paths.into_iter().map(|path| (folded(path), path)).collect();
    files.sort();
    files.dedup_by(|next, last| next.1 == last.1);
    let mut clashes = Vec::new();
    for same in files.chunk_by(|left, right| left.0 == right.0) {
        clashes.extend(same[1..].iter().map(|(_, second)| Clash {
            first: same[0].1,
            second,
            kind: ClashKind::Same,
        }));
    }
    files.dedup_by(|next, last| next.0 == last.0);
    let file = |folder: &str| {
        let at = files.binary_search_by(|(key, _)| key.as_ref().cmp(folder));
        at.ok().map(|at| files[at].1)
    };
    let mut before = "";
    let mut clash = None;
    for (key, path) in &files {
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        // Files of one folder lie side by side, so each folder is looked up once.
        if folder != before {
            let mut folders = key.match_indices('/').map(|(at, _)| &key[..at]);
            clash = folders.find_map(file);
            before = folder;
        }
        clashes.extend(clash.map(|first| Clash {
            first,
            second: path,
            kind: ClashKind::Folder,
        }));
    }
    clashes.sort_by_key(|clash| (clash.first, clash.second));
    clashes
}

/// What a file system that ignores case and composition takes a path for: Unicode's canonical caseless form.
pub fn folded(path: &str) -> Cow<'_, str> {
    let is_folded = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if path.bytes().all(is_folded) {
        return Cow::Borrowed(path);
    }
    let decomposed: String = path.nfd().collect();
    let folded = UniCase::unicode(decomposed).to_folded_case();
    Cow::Owned(folded.nfc().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn real_paths_pass() {
        let real = [
            "lab.toml",
            "modules/longhorn/module.toml",
            "secrets/app.sops.yaml",
            "values/Größe 2.yaml",
            ".labc/journal",
            ".github/workflows/a.yaml",
            ".gitignore",
            "out/apps/x/manifests/clusterrole-system_x.rbac.authorization.k8s.io.yaml",
            "console/auxiliary/nullable/com10",
        ];
        for path in real {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn hostile_paths_do_not() {
        let long_part = "a".repeat(MAX_PART + 1);
        let long_path = "abcdefg/".repeat(MAX_PATH / 8) + "a";
        let hostile = [
            "",
            "/etc/passwd",
            "..",
            "../x",
            "a/../b",
            "./a",
            "a//b",
            "a/",
            "C:/x",
            "C:x",
            "a\\b",
            "a\0b",
            "a\nb",
            "a\u{7f}",
            "a\u{85}",
            "-rf",
            "a/-x",
            "~/x",
            "~root",
            "a.",
            "a /b",
            "a. ",
            "a*",
            "a?",
            "a\"",
            "a<",
            "a>",
            "a|b",
            "CON",
            "con.yaml",
            "a/NUL",
            "nul.tar.gz",
            "aux",
            "PRN.txt",
            "COM1",
            "com9.x",
            "LPT0",
            "COM0",
            "COM¹",
            "lpt².txt",
            "CONIN$",
            "conout$",
            ".git",
            ".GIT",
            "a/.Git/config",
            ".git ",
            ".git.",
            ".git::$INDEX_ALLOCATION",
            "git~1",
            "GIT~1/config",
            ".g\u{200c}it",
            ".gi\u{200d}t",
            ".\u{200e}git",
            ".git\u{feff}",
            "a\u{202e}b",
            "a\u{2066}b",
            "e\u{301}",
            "\u{212b}",
            "a\u{ad}b",
            &long_part,
            &long_path,
        ];
        for path in hostile {
            assert!(check(path).is_err(), "{path:?} passes");
        }
    }

    #[test]
    fn names_that_are_one_to_some_file_system_clash() {
        let same = [
            ("a/B", "a/b"),
            ("straße", "STRASSE"),
            ("\u{e9}", "E\u{301}"),
            ("ﬁle", "FILE"),
            ("σ", "ς"),
        ];
        for (left, right) in same {
            let found = clashes([left, right]);
            assert_eq!(found.len(), 1, "{left} {right}");
            assert_eq!(found[0].kind, ClashKind::Same);
        }
        assert_eq!(clashes(["a", "b", "a/c"])[0].kind, ClashKind::Folder);
        assert_eq!(clashes(["A/c/d", "a"]).len(), 1);
        assert!(clashes(["a", "a", "ab/c", "b/a"]).is_empty());
    }

    /// Letters that rules speak of, among others.
    fn paths() -> impl Strategy<Value = String> {
        let letters = prop::sample::select(
            "abcGITgitCONnul1~-.:/\\ *?\u{200c}\u{301}éß\u{202e}\t¹"
                .chars()
                .collect::<Vec<_>>(),
        );
        prop::collection::vec(prop_oneof![4 => letters, 1 => any::<char>()], 0..24)
            .prop_map(|letters| letters.into_iter().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) })]

        /// What passes is below every folder that it is joined to, and has none of the forbidden letters.
        #[test]
        fn a_path_that_passes_stays_below(path in paths()) {
            if check(&path).is_ok() {
                let parts: Vec<_> = std::path::Path::new(&path).components().collect();
                let normal = |part: &std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
                prop_assert!(!parts.is_empty() && parts.iter().all(normal));
                prop_assert!(path.split('/').count() == parts.len());
                prop_assert!(!path.to_lowercase().split('/').any(|part| part.starts_with(".git") && part.len() == 4));
                prop_assert!(path.chars().all(|letter| !letter.is_control()));
                prop_assert!(is_nfc(&path));
            }
        }

        /// A part that is refused makes every path refused that it is a part of.
        #[test]
        fn a_wrong_part_is_wrong_everywhere(part in paths(), before in "[a-z]{1,4}", after in "[a-z]{1,4}") {
            if check(&part).is_err() && part.len() < 200 {
                let path = format!("{before}/{part}/{after}");
                prop_assert!(check(&path).is_err(), "{path:?}");
            }
        }

        /// Folding twice is folding once, and two paths clash exactly where their folded forms are equal.
        #[test]
        fn clashes_follow_the_folded_form(left in paths(), right in paths()) {
            let once = folded(&left);
            prop_assert_eq!(folded(&once), once.as_ref());
            if !left.contains('/') && !right.contains('/') && left != right {
                let equal = folded(&left) == folded(&right);
                prop_assert_eq!(!clashes([left.as_str(), right.as_str()]).is_empty(), equal);
            }
        }

        /// The order of the paths does not matter.
        #[test]
        fn order_does_not_matter(mut all in prop::collection::vec("[aAbB/]{1,5}", 0..8)) {
            all.sort();
            let forward = clashes(all.iter().map(String::as_str)).len();
            let backward = clashes(all.iter().rev().map(String::as_str)).len();
            prop_assert_eq!(forward, backward);
        }
    }
}
