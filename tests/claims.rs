//! Holds the labs of real systems to the documents that their owners wrote: what each document claims stands in the file
//! of the compiled tree that `tests/claims/LAB.toml` names, and `tests/labs/README.md` is the table of it.
//!
//! `LABC_BLESS=1` writes the table that is true now.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use labc::diag::Diagnostics;
use labc::source::{SourceKind, Sources};
use labc::syntax::toml;
use labc::value::{Node, Value};

/// A document's system and what it claims.
struct Document {
    /// The lab's name.
    name: String,
    /// Its folder.
    folder: PathBuf,
    /// Lines of YAML that the owner wrote by hand, and what was counted.
    owner: (i64, String),
    claims: Vec<Claim>,
}

struct Claim {
    says: String,
    fulfilled: Result<File, String>,
}

/// A file of the tree and what stands in it.
struct File {
    path: String,
    holds: Vec<String>,
}

#[test]
fn every_claim_stands_in_its_file() {
    let documents = documents();
    assert_eq!(documents.len(), 5, "five systems");
    let mut wrong = Vec::new();
    for document in &documents {
        for claim in &document.claims {
            let Ok(file) = &claim.fulfilled else { continue };
            let text = fs::read_to_string(document.folder.join(&file.path));
            let Ok(text) = text else {
                wrong.push(format!(
                    "{}: no file {}: {}",
                    document.name, file.path, claim.says
                ));
                continue;
            };
            for part in file.holds.iter().filter(|part| !text.contains(*part)) {
                wrong.push(format!(
                    "{}: {} does not hold `{part}`: {}",
                    document.name, file.path, claim.says
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn most_claims_are_held_by_a_file() {
    for document in documents() {
        let held = document
            .claims
            .iter()
            .filter(|claim| claim.fulfilled.is_ok());
        let (held, all) = (held.count(), document.claims.len());
        assert!(all >= 20, "{} has only {all} claims", document.name);
        assert!(held * 10 >= all * 8, "{}: {held} of {all}", document.name);
    }
}

/// Somebody who moves to labc writes a quarter of what they wrote by hand, at most.
#[test]
fn a_lab_is_a_quarter_of_what_its_owner_wrote() {
    for document in documents() {
        let lines = lines(&document);
        let (owner, _) = document.owner;
        assert!(
            4 * lines <= owner,
            "{}: {lines} lines for {owner}",
            document.name
        );
    }
}

#[test]
fn the_table_is_true() {
    let path = root().join("tests/labs/README.md");
    let made = table(&documents());
    if std::env::var_os("LABC_BLESS").is_some_and(|value| value == "1") {
        fs::write(path, made).expect("the table can be written");
        return;
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == made,
        "tests/labs/README.md is not what tests/claims says: LABC_BLESS=1 cargo test --test claims"
    );
}

fn table(documents: &[Document]) -> String {
    let mut text = String::from(
        "# The labs\n\n\
         Each folder is a lab, compared as a whole with what is compiled. Five of them are systems that exist, written from the\n\
         documents of their owners; `nostramo` is the lab at the root of the repository. The tables below are made from\n\
         `tests/claims/` by `tests/claims.rs`, which looks each claim up in the tree.\n\n\
         | lab | lines of lab.toml | lines of YAML by hand | share | claims | of these in the tree |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for document in documents {
        let (lines, (owner, counted)) = (lines(document), &document.owner);
        let held = document
            .claims
            .iter()
            .filter(|claim| claim.fulfilled.is_ok());
        let share = 100 * lines / owner;
        let (claims, held) = (document.claims.len(), held.count());
        let name = &document.name;
        writeln!(
            text,
            "| {name} | {lines} | {owner} ({counted}) | {share} % | {claims} | {held} |"
        )
        .expect("a string takes it");
    }
    for document in documents {
        write!(
            text,
            "\n## {}\n\n| the document says | where it stands |\n| --- | --- |\n",
            document.name
        )
        .expect("a string takes it");
        for claim in &document.claims {
            let place = match &claim.fulfilled {
                Ok(file) => format!("[`{}`]({})", file.path, link(document, &file.path)),
                Err(why) => format!("nowhere: {why}"),
            };
            writeln!(text, "| {} | {} |", cell(&claim.says), cell(&place))
                .expect("a string takes it");
        }
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The path of a file of a lab's tree from `tests/labs/`.
fn link(document: &Document, path: &str) -> String {
    if document.folder == root() {
        return format!("../../{path}");
    }
    format!("{}/{path}", document.name)
}

/// All lines of a lab, comments too.
fn lines(document: &Document) -> i64 {
    let text = fs::read_to_string(document.folder.join("lab.toml")).expect("a lab");
    let lines = text.lines().count();
    lines.try_into().expect("a lab is not that long")
}

fn documents() -> Vec<Document> {
    let folder = fs::read_dir(root().join("tests/claims")).expect("the folder of claims");
    let mut paths: Vec<PathBuf> = folder
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths.iter().map(|path| document(path)).collect()
}

fn document(path: &Path) -> Document {
    let text = fs::read_to_string(path).expect("claims");
    let name = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .expect("a name")
        .to_owned();
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let source = sources.add(name.clone(), text.as_str().into(), SourceKind::Lab);
    let tree = toml::read(source, &text, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{} is no TOML", path.display());
    let owner = tree
        .get("owner")
        .unwrap_or_else(|| panic!("{name}: [owner]"));
    let Some(Value::Int(lines)) = owner.get("lines").map(|node| node.value.clone()) else {
        panic!("{name}: lines");
    };
    let counted = owner
        .get("counted")
        .and_then(Node::as_str)
        .expect("counted");
    let claims = tree.get("claims").and_then(Node::as_list).expect("claims");
    let folder = root().join("tests/labs").join(&name);
    Document {
        folder: if folder.is_dir() {
            folder
        } else {
            root().to_owned()
        },
        owner: (lines, counted.to_owned()),
        claims: claims
            .iter()
            .map(|claim| self::claim(&name, claim))
            .collect(),
        name,
    }
}

fn claim(name: &str, node: &Node) -> Claim {
    let text = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let says = text("says").unwrap_or_else(|| panic!("{name}: a claim says something"));
    let holds = node
        .get("holds")
        .and_then(Node::as_list)
        .unwrap_or_default();
    let holds: Vec<String> = holds
        .iter()
        .filter_map(Node::as_str)
        .map(str::to_owned)
        .collect();
    let fulfilled = match (text("file"), text("cannot")) {
        (Some(path), None) if !holds.is_empty() => Ok(File { path, holds }),
        (None, Some(why)) => Err(why),
        _ => panic!("{name}: `{says}` has a file that holds something, or a reason why none can"),
    };
    Claim { says, fulfilled }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
