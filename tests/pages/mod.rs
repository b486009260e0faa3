//! Markdown pages that tests run: fenced blocks, edits in the form of a diff, and what is said, which `LABC_BLESS=1` writes.

#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A Markdown file by its lines, and where its fenced blocks are.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) lines: Vec<String>,
    /// What stands behind the opening fence, the line of that fence, and of the closing one.
    pub(crate) blocks: Vec<(String, usize, usize)>,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        let lines: Vec<String> = read(path).lines().map(str::to_owned).collect();
        let mut blocks = Vec::new();
        let mut open: Option<(String, usize)> = None;
        for (index, line) in lines.iter().enumerate() {
            open = match (open, line.strip_prefix("```")) {
                (None, Some(info)) => Some((info.to_owned(), index)),
                (Some((info, start)), Some("")) => {
                    blocks.push((info, start, index));
                    None
                }
                (open, _) => open,
            };
        }
        assert!(
            open.is_none(),
            "a block of {} is not closed",
            path.display()
        );
        let path = path.to_owned();
        Page {
            path,
            lines,
            blocks,
        }
    }

    pub(crate) fn body(&self, start: usize, end: usize) -> String {
        self.lines[start + 1..end]
            .iter()
            .map(|line| format!("{line}\n"))
            .collect()
    }

    /// The text of the block number `index` of a kind.
    pub(crate) fn block(&self, kind: &str, index: usize) -> Option<String> {
        let mut found = self.blocks.iter().filter(|(info, _, _)| info == kind);
        found
            .nth(index)
            .map(|(_, start, end)| self.body(*start, *end))
    }

    pub(crate) fn edited(&self, lab: &str, diff: &str) -> String {
        let side = |other: char| -> String {
            let lines = diff.lines().filter(|line| !line.starts_with(other));
            lines
                .map(|line| format!("{}\n", line.get(1..).unwrap_or_default()))
                .collect()
        };
        let (old, new) = (side('+'), side('-'));
        let times = lab.matches(&old).count();
        let path = self.path.display();
        assert!(
            !old.is_empty() && times == 1,
            "{path}: found {times} times:\n{old}"
        );
        lab.replacen(&old, &new, 1)
    }

    /// What differs from the `text` blocks; blessed, they are rewritten and nothing does.
    pub(crate) fn compare(&self, said: &[String]) -> Vec<String> {
        let texts: Vec<&(String, usize, usize)> = self
            .blocks
            .iter()
            .filter(|(info, _, _)| info == "text")
            .collect();
        assert_eq!(
            texts.len(),
            said.len(),
            "{} has other blocks",
            self.path.display()
        );
        if std::env::var_os("LABC_BLESS").is_some_and(|value| value == "1") {
            let mut lines = self.lines.clone();
            for ((_, start, end), said) in texts.iter().zip(said).rev() {
                lines.splice(start + 1..*end, said.lines().map(str::to_owned));
            }
            fs::write(&self.path, lines.join("\n") + "\n").expect("the file can be written");
            return Vec::new();
        }
        let pairs = texts.iter().zip(said);
        pairs
            .map(|((_, start, end), said)| (self.body(*start, *end), start, said))
            .filter(|(expected, _, said)| expected != *said)
            .map(|(expected, line, said)| {
                let path = self.path.display();
                format!(
                    "{path}:{}: expected\n{expected}\nbut it says\n{said}",
                    line + 1
                )
            })
            .collect()
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Markdown files of a folder, sorted.
pub(crate) fn pages(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths
}

/// Files by path.
pub(crate) type Files = BTreeMap<String, String>;

impl Page {
    /// The files that a page shows beside `lab.toml`: the path stands behind the language.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let named = self.blocks.iter().filter_map(|(info, start, end)| {
            let (_, path) = info.split_once(' ')?;
            Some((path.to_owned(), self.body(*start, *end)))
        });
        named.filter(|(path, _)| path != "lab.toml").collect()
    }

    /// The lab that the cases edit: the one that the first line names, or the files before the first case.
    pub(crate) fn base(&self, named: &dyn Fn(&str) -> Files) -> Files {
        if let Some(name) = self.lines[0].strip_prefix("base: ") {
            return named(name);
        }
        let own = self.block("toml lab.toml", 0).expect("a lab of its own");
        let mut files = Files::from([("lab.toml".to_owned(), completed(&own))]);
        for (info, start, end) in self
            .blocks
            .iter()
            .filter(|(_, start, _)| *start < self.first_case())
        {
            let (_, path) = info.split_once(' ').expect("a path behind the language");
            if path != "lab.toml" {
                files.insert(path.to_owned(), self.body(*start, *end));
            }
        }
        files
    }

    fn first_case(&self) -> usize {
        let first = self.lines.iter().position(|line| line.starts_with("## "));
        first.expect("a case")
    }

    /// Each case's title, and the base after its edits: one lab a `text` block.
    pub(crate) fn edits(&self, base: &Files) -> Vec<(String, Files)> {
        let mut labs = Vec::new();
        let mut files = base.clone();
        for (info, start, end) in &self.blocks {
            if *start < self.first_case() {
                continue;
            }
            let body = self.body(*start, *end);
            match info.split_once(' ').unwrap_or((info, "lab.toml")) {
                ("text", _) => {
                    let files = std::mem::replace(&mut files, base.clone());
                    labs.push((self.title_before(*start), files));
                }
                ("diff", path) => {
                    let file = files.get_mut(path);
                    let file =
                        file.unwrap_or_else(|| panic!("no `{path}` in {}", self.path.display()));
                    *file = self.edited(file, &body);
                }
                (_, path) => {
                    files.insert(path.to_owned(), body);
                }
            }
        }
        labs
    }

    fn title_before(&self, line: usize) -> String {
        let mut above = self.lines[..line].iter().rev();
        let title = above.find_map(|line| line.strip_prefix("## "));
        title.expect("a case has a title").to_owned()
    }
}

/// The lab of a page, and the tables of the minimal lab whose names it does not have.
pub(crate) fn completed(lab: &str) -> String {
    let name = |line: &str| {
        let name = line
            .trim_start_matches('[')
            .split(['.', ']'])
            .next()
            .map(str::to_owned);
        name.filter(|_| line.starts_with('['))
    };
    let present: Vec<String> = lab.lines().filter_map(name).collect();
    let minimal = read(&root().join("tests/messages/minimal.toml"));
    let missing = minimal.split("\n\n").filter(|table| {
        let name = table.lines().next().and_then(name);
        name.is_some_and(|name| !present.contains(&name))
    });
    missing.fold(lab.to_owned(), |lab, table| format!("{lab}\n{table}\n"))
}
