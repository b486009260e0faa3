//! Runs every page of a danger and every file of `tests/diff/`: a lab, edits of it, and what `labc diff` tells about each. `LABC_BLESS=1` writes what
//! is told now into the files.
//!
//! A file begins with `base: NAME`, `tests/diff/NAME.toml` or a lab of `tests/labs/`, or shows a lab of its own before its first
//! `##`. Each of its cases, under a `##`, has ```` ```diff ```` blocks and whole files, as those of `tests/messages/`, and a
//! ```` ```text ```` block. A case whose title begins with `harmless` tells of no danger, and every other one of at least one,
//! where the file's first line that begins with `dangers:` names the code.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk"
)]

mod pages;

use labc::diag::Code;
use labc::diag::report::{self, Colour};
use labc::diff::show::{Report, Side, text};
use labc::diff::{Base, Diff, Made, diff};
use labc::emit::{Output, emit};
use labc::world::{Read, World};
use labc::{Compiled, compile};
use pages::{Files, Page, completed, pages, read, root};

/// A lab that compiles.
struct Lab {
    compiled: Compiled,
    outputs: Vec<Output>,
}

impl Lab {
    fn new(files: &Files) -> Self {
        let world = files
            .iter()
            .map(|(path, text)| (path.clone(), text.as_bytes().to_vec()));
        let compiled = compile(&World::Memory(world.collect())).expect("memory does not fail");
        let said = report::text(&compiled.diagnostics, &compiled.sources, Colour::No);
        assert!(!compiled.diagnostics.has_errors(), "{said}");
        let product = compiled.product.as_ref().expect("a lab without errors");
        let outputs = emit(&product.tree);
        Lab { compiled, outputs }
    }

    fn made(&self) -> Made<'_> {
        let product = self.compiled.product.as_ref().expect("it compiled");
        Made {
            lab: &product.lab,
            sources: &self.compiled.sources,
            tree: &product.tree,
            outputs: &self.outputs,
        }
    }
}

/// The files of a lab of this repository, but for its tree.
fn named(name: &str) -> Files {
    let folder = root().join("tests/labs").join(name);
    if !folder.is_dir() {
        let text = read(&root().join(format!("tests/diff/{name}.toml")));
        return Files::from([("lab.toml".to_owned(), text)]);
    }
    let world = World::open(folder).expect("the folder is there");
    let paths = world.list("").expect("it can be listed");
    let source = paths.iter().filter(|path| !path.starts_with("out/"));
    source
        .map(|path| match world.read(path).expect("it can be read") {
            Read::Bytes(bytes) => (path.clone(), String::from_utf8(bytes).expect("text")),
            other => panic!("{path}: {other:?}"),
        })
        .collect()
}

fn compared(base: &Lab, target: &Lab) -> Diff {
    let base = Base {
        made: Some(base.made()),
        committed: None,
    };
    diff(&base, target.made())
}

fn told(diff: &Diff) -> String {
    let side = |name: &str| Side {
        name: name.to_owned(),
        ..Side::default()
    };
    let report = Report {
        base: side("base"),
        target: side("target"),
        diff: Some(diff),
        acknowledged: Vec::new(),
    };
    text(&report, Colour::No)
}

#[test]
fn every_case_tells_what_changes() {
    let mut wrong = Vec::new();
    let cases = pages("tests/diff");
    assert!(!cases.is_empty(), "no case was found");
    for path in cases {
        let page = Page::read(&path);
        let dangers = page
            .lines
            .iter()
            .find_map(|line| line.strip_prefix("dangers: "));
        let files = page.base(&named);
        let base = Lab::new(&files);
        let mut said = Vec::new();
        for (title, files) in page.edits(&files) {
            let diff = compared(&base, &Lab::new(&files));
            let text = told(&diff);
            if let Some(code) = dangers {
                let is_there = text.contains(&format!("[{code}]"));
                if is_there == title.starts_with("harmless") {
                    wrong.push(format!("{}: {title}: {code}?\n{text}", path.display()));
                }
            }
            said.push(text);
        }
        wrong.extend(page.compare(&said));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Codes that want a tree on disk that its sources do not make: they are run by other tests.
const ELSEWHERE: [&str; 1] = ["L1101"];

/// The page of each danger shows a lab, an edit of it and what is told.
#[test]
fn every_page_shows_its_danger() {
    let mut wrong = Vec::new();
    for code in Code::all().filter(|code| code.group() == 11) {
        let page = Page::read(&root().join(format!("src/diag/codes/{code}.md")));
        let Some(lab) = page.block("toml lab.toml", 0) else {
            assert!(
                ELSEWHERE.contains(&code.to_string().as_str()),
                "{code} shows no lab"
            );
            continue;
        };
        let lab = completed(&lab);
        let edit = page.block("diff", 0).expect("an edit of the lab");
        let files = |lab: String| Files::from([("lab.toml".to_owned(), lab)]);
        let (base, target) = (files(lab.clone()), files(page.edited(&lab, &edit)));
        let told = told(&compared(&Lab::new(&base), &Lab::new(&target)));
        assert!(
            told.contains(&format!("[{code}]")),
            "{code} is not told:\n{told}"
        );
        wrong.extend(page.compare(&[told]));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_changes_between_equals() {
    let files = named("home-ops");
    let (one, other) = (Lab::new(&files), Lab::new(&files));
    let diff = compared(&one, &other);
    assert!(
        diff.changes.is_empty() && diff.sources.is_empty(),
        "{}",
        told(&diff)
    );
}
