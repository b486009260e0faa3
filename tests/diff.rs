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
use labc::diff::{Base, Cause, Committed, Diff, Kind, Made, diff};
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
        let compiled = compiled(files);
        let said = report::text(&compiled.diagnostics, &compiled.sources, Colour::No);
        assert!(!compiled.diagnostics.has_errors(), "{said}");
        Lab::of(compiled)
    }

    /// None where the lab is wrong.
    fn try_new(files: &Files) -> Option<Self> {
        let compiled = compiled(files);
        (!compiled.diagnostics.has_errors()).then(|| Lab::of(compiled))
    }

    fn of(compiled: Compiled) -> Self {
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

fn compiled(files: &Files) -> Compiled {
    let world = files
        .iter()
        .map(|(path, text)| (path.clone(), text.as_bytes().to_vec()));
    compile(&World::Memory(world.collect())).expect("memory does not fail")
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

/// What is dangerous in objects is so where nothing is known of the base but what is committed there.
#[test]
fn objects_are_judged_without_the_sources_of_the_base() {
    let mut seen = 0;
    for name in ["custom", "exposure", "immutable", "listeners", "privilege"] {
        let page = Page::read(&root().join(format!("tests/diff/{name}.md")));
        let files = page.base(&named);
        let base = Lab::new(&files);
        let outputs = base.outputs.iter();
        let committed = Committed {
            other: outputs
                .map(|output| (output.path.clone(), Some(output.bytes.clone())))
                .collect(),
            ..Committed::default()
        };
        for (title, files) in page.edits(&files) {
            let target = Lab::new(&files);
            let blind = Base {
                made: None,
                committed: Some(committed.clone()),
            };
            let dangers = |diff: &Diff| -> Vec<String> {
                // That nothing explains a removal is about causes, of which nothing is known.
                let told = diff
                    .dangers
                    .iter()
                    .filter(|danger| !danger.is_unexplained());
                told.map(|danger| danger.message.clone()).collect()
            };
            let knowing = dangers(&compared(&base, &target));
            seen += knowing.len();
            let told = dangers(&diff(&blind, target.made()));
            assert_eq!(told, knowing, "{name}: {title}");
        }
    }
    assert!(seen > 30, "only {seen} dangers");
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

/// Each component of some labs is disabled beside a change that has nothing to do with it: what goes follows from the one,
/// and of all differences nearly none is left without a line of the sources.
#[test]
fn what_a_component_takes_with_it_is_explained() {
    let (mut all, mut untold) = (0, Vec::new());
    for name in ["nostramo", "ragas"] {
        let files = named(name);
        let base = Lab::new(&files);
        let text = &files["lab.toml"];
        assert!(
            text.contains("\ntimezone = \""),
            "{name} has another time zone"
        );
        let beside = text.replacen("\ntimezone = \"", "\ntimezone = \"Europe/Rome\" # \"", 1);
        for header in component_headers(text) {
            let lab = beside.replacen(&header, &format!("{header}\nenabled = false"), 1);
            let mut files = files.clone();
            files.insert("lab.toml".to_owned(), lab);
            // Not every component can go alone.
            let Some(target) = Lab::try_new(&files) else {
                continue;
            };
            let diff = compared(&base, &target);
            for change in &diff.changes {
                let fields = change
                    .fields
                    .iter()
                    .map(|field| (field.path.to_string(), &field.causes));
                let whole = (change.fields.is_empty()).then(|| (String::new(), &change.causes));
                for (path, causes) in fields.chain(whole) {
                    all += 1;
                    if causes.contains(&Cause::Sources) {
                        untold.push(format!("{name} {header} {} {path}", change.subject));
                    }
                    let removed = change.kind == Kind::Removed && path.is_empty();
                    let is_named = |cause: &Cause| matches!(cause, Cause::Source(index) if diff.sources[*index].key.as_deref() != Some("lab.timezone"));
                    assert!(
                        !removed || causes.iter().any(is_named),
                        "{header}: {}",
                        change.subject
                    );
                }
            }
        }
    }
    println!("explained: {} of {all} differences", all - untold.len());
    assert!(all > 300, "only {all} differences");
    assert!(untold.len() * 50 < all, "{}", untold.join("\n"));
}

/// The headers of the components of a lab that have one.
fn component_headers(lab: &str) -> Vec<String> {
    let is_component = |line: &&str| {
        let name = ["[apps.", "[infrastructure."]
            .iter()
            .find_map(|layer| line.strip_prefix(layer));
        name.and_then(|name| name.strip_suffix(']'))
            .is_some_and(|name| !name.contains('.'))
    };
    lab.lines()
        .filter(is_component)
        .map(str::to_owned)
        .collect()
}
