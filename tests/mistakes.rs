//! The mistakes that people really made, in labc: `tests/mistakes/M0NN.md` each, made in the lab of the system that it is from.
//!
//! A page begins with `# M0NN: what went wrong` and `lab: NAME`. Behind that come one or more sections:
//!
//! - `## reported`: `diff` blocks that make the mistake in `lab.toml` (or the file whose path stands behind `diff`), whole
//!   files, and a `text` block with the errors and warnings.
//! - `## impossible` and `## documented`: the lab cannot say it, or what is compiled is right by construction; `holds PATH` blocks
//!   show it, whose lines stand in that file of the lab's tree.
//! - `## not judged`: why a compiler cannot know, or does not yet.
//!
//! `tests/mistakes/README.md` is the table of all; `LABC_BLESS=1` writes it, and what is said.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk"
)]

mod pages;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use labc::compile;
use labc::diag::report::{Colour, text};
use labc::diag::{Diagnostics, Severity};
use labc::world::World;
use pages::{Page, pages, root};

/// How many of the mistakes there are, and how many of them labc has to deal with.
const MISTAKES: usize = 70;
const DEALT_WITH: usize = 45;

/// What becomes of a mistake.
const KINDS: [&str; 4] = ["reported", "impossible", "documented", "not judged"];

struct Mistake {
    page: Page,
    id: String,
    what: String,
    lab: PathBuf,
    /// The title and the first line of each section.
    sections: Vec<(String, usize)>,
}

#[test]
fn every_mistake_is_what_its_page_says() {
    let mut wrong = Vec::new();
    for mistake in mistakes() {
        let files = files(&mistake.lab);
        assert_eq!(
            said(&files),
            "",
            "{} is wrong by itself",
            mistake.lab.display()
        );
        let said = mistake.reports(&files);
        for (message, title) in said.iter().zip(mistake.titles("text")) {
            let path = mistake.page.path.display();
            assert!(
                !message.is_empty() && title == "reported",
                "{path}: nothing is said"
            );
        }
        wrong.extend(mistake.page.compare(&said));
        wrong.extend(mistake.shows());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_true() {
    let mistakes = mistakes();
    assert_eq!(mistakes.len(), MISTAKES);
    let dealt_with = mistakes
        .iter()
        .filter(|mistake| mistake.is_dealt_with())
        .count();
    assert!(dealt_with >= DEALT_WITH, "only {dealt_with} of {MISTAKES}");
    let made = table(&mistakes, dealt_with);
    let path = root().join("tests/mistakes/README.md");
    if std::env::var_os("LABC_BLESS").is_some_and(|value| value == "1") {
        fs::write(path, made).expect("the table can be written");
        return;
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == made,
        "tests/mistakes/README.md is not true: LABC_BLESS=1 cargo test --test mistakes"
    );
}

fn table(mistakes: &[Mistake], dealt_with: usize) -> String {
    let mut text = format!(
        "# Mistakes that people really made\n\n\
         {MISTAKES} mistakes of five real repositories, and what becomes of each in labc: {dealt_with} are reported with a message,\n\
         impossible (the lab cannot say it, or the output is right by construction), or documented (the document that was wrong is\n\
         compiled). Each page is run by `tests/mistakes.rs`.\n\n\
         | mistake | system | what | in labc |\n| --- | --- | --- | --- |\n"
    );
    for mistake in mistakes {
        let (id, what) = (&mistake.id, mistake.what.replace('|', "\\|"));
        let lab = mistake.lab.file_name().and_then(|name| name.to_str());
        let lab = lab.filter(|_| mistake.lab != root()).unwrap_or("nostramo");
        let kinds: Vec<&str> = mistake.sections.iter().map(|(title, _)| &**title).collect();
        let codes = mistake.codes().join(", ");
        let codes = if codes.is_empty() {
            codes
        } else {
            format!(" ({codes})")
        };
        writeln!(
            text,
            "| [{id}]({id}.md) | {lab} | {what} | {}{codes} |",
            kinds.join(", ")
        )
        .expect("a string takes it");
    }
    text
}

impl Mistake {
    fn read(path: &Path) -> Self {
        let page = Page::read(path);
        let name = path.display();
        let title = page.lines[0]
            .strip_prefix("# ")
            .and_then(|title| title.split_once(": "));
        let (id, what) = title.unwrap_or_else(|| panic!("{name}: `# M0NN: what went wrong`"));
        assert_eq!(
            path.file_stem().and_then(|stem| stem.to_str()),
            Some(id),
            "{name}"
        );
        let lab = page
            .lines
            .iter()
            .find_map(|line| line.strip_prefix("lab: "));
        let lab = lab.unwrap_or_else(|| panic!("{name}: `lab: NAME`"));
        let lab = match lab {
            "nostramo" => root().to_owned(),
            lab => root().join("tests/labs").join(lab),
        };
        assert!(lab.join("lab.toml").is_file(), "{name}: no such lab");
        let sections = page.lines.iter().enumerate();
        let sections =
            sections.filter_map(|(at, line)| Some((line.strip_prefix("## ")?.to_owned(), at)));
        let sections: Vec<(String, usize)> = sections.collect();
        assert!(!sections.is_empty(), "{name}: no section");
        for (title, _) in &sections {
            assert!(
                KINDS.contains(&title.as_str()),
                "{name}: `{title}` is none of {KINDS:?}"
            );
        }
        let (id, what) = (id.to_owned(), what.to_owned());
        Mistake {
            page,
            id,
            what,
            lab,
            sections,
        }
    }

    fn is_dealt_with(&self) -> bool {
        self.sections.iter().any(|(title, _)| title != "not judged")
    }

    /// The section that a line is in.
    fn section(&self, line: usize) -> &str {
        let above = self.sections.iter().rev().find(|(_, at)| *at < line);
        above.map_or("", |(title, _)| title)
    }

    /// The sections of the blocks of a kind.
    fn titles(&self, kind: &str) -> Vec<&str> {
        let blocks = self.page.blocks.iter().filter(|(info, ..)| info == kind);
        blocks.map(|(_, start, _)| self.section(*start)).collect()
    }

    /// What is said of the lab with each mistake made in it: one a `text` block.
    fn reports(&self, lab: &Files) -> Vec<String> {
        let mut all = Vec::new();
        let mut files = lab.clone();
        for (info, start, end) in &self.page.blocks {
            let body = self.page.body(*start, *end);
            match info.split_once(' ').unwrap_or((info, "lab.toml")) {
                ("text", _) => all.push(said(&std::mem::replace(&mut files, lab.clone()))),
                ("holds", _) => {}
                ("diff", path) => {
                    let text = files
                        .get(path)
                        .unwrap_or_else(|| panic!("{}: no `{path}`", self.id));
                    let text = String::from_utf8(text.clone()).expect("sources are text");
                    files.insert(path.to_owned(), self.page.edited(&text, &body).into_bytes());
                }
                (_, path) => {
                    files.insert(path.to_owned(), body.into_bytes());
                }
            }
        }
        all
    }

    /// What the tree does not hold of what the page shows of it.
    fn shows(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (info, start, end) in &self.page.blocks {
            let Some(path) = info.strip_prefix("holds ") else {
                continue;
            };
            let there = fs::read_to_string(self.lab.join(path)).unwrap_or_default();
            let body = self.page.body(*start, *end);
            let missing = body.lines().filter(|line| !there.contains(line.trim()));
            wrong.extend(missing.map(|line| format!("{}: {path} does not hold `{line}`", self.id)));
        }
        for (title, at) in &self.sections {
            let shown = self.page.blocks.iter().any(|(info, start, _)| {
                info.starts_with("holds ") && self.section(*start) == title && start > at
            });
            if ["impossible", "documented"].contains(&title.as_str()) && !shown {
                wrong.push(format!("{}: `{title}` shows nothing of the tree", self.id));
            }
        }
        wrong
    }

    /// The codes of its messages.
    fn codes(&self) -> Vec<String> {
        let mut codes: Vec<String> = Vec::new();
        for (info, start, end) in &self.page.blocks {
            if info != "text" {
                continue;
            }
            for line in self.page.body(*start, *end).lines() {
                let code = line.split_once('[').and_then(|(word, rest)| {
                    let is_message = ["error", "warning"].contains(&word);
                    rest.split_once(']').filter(|_| is_message)
                });
                codes.extend(code.map(|(code, _)| code.to_owned()));
            }
        }
        codes.sort();
        codes.dedup();
        codes
    }
}

/// Files by path.
type Files = BTreeMap<String, Vec<u8>>;

/// The sources of a lab.
fn files(lab: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![lab.to_owned()];
    while let Some(folder) = folders.pop() {
        // Of the repository's own folder only the lab is one.
        if folder == *root() {
            let text = fs::read(lab.join("lab.toml")).expect("a lab");
            files.insert("lab.toml".to_owned(), text);
            continue;
        }
        for entry in fs::read_dir(folder).expect("a folder of the lab") {
            let path = entry.expect("an entry").path();
            let name = path
                .strip_prefix(lab)
                .expect("below the lab")
                .to_str()
                .expect("UTF-8");
            match (path.is_dir(), name) {
                (_, "out" | "lab.lock" | ".labc") => {}
                (true, _) => folders.push(path),
                (false, name) => {
                    files.insert(name.to_owned(), fs::read(&path).expect("a file"));
                }
            }
        }
    }
    files
}

/// The errors and warnings about a lab.
fn said(files: &Files) -> String {
    let compiled = compile(&World::Memory(files.clone())).expect("memory does not fail");
    let mut loud = Diagnostics::default();
    let all = compiled.diagnostics.iter();
    for found in all.filter(|found| found.severity != Severity::Note) {
        loud.push(found.clone());
    }
    text(&loud, &compiled.sources, Colour::No)
}

fn mistakes() -> Vec<Mistake> {
    let pages = pages("tests/mistakes");
    let cases = pages.iter().filter(|path| !path.ends_with("README.md"));
    cases.map(|path| Mistake::read(path)).collect()
}
