//! Every line of every lab's tree has a story, and the path that it names leads back to it. What the transcripts of
//! `tests/explain/` cannot show is here, too: files that are no YAML of labc's.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use labc::compile;
use labc::diag::report::Colour;
use labc::emit::emit;
use labc::explain::{self, Place, explain};
use labc::lower::{Content, OutFile, Text};
use labc::source::{Origin, SourceKind, Sources, Span};
use labc::value::{Node, Value};
use labc::world::World;
use rayon::prelude::*;

fn labs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = fs::read_dir(root.join("tests/labs")).expect("the folder of labs");
    folder
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect()
}

#[test]
fn every_line_has_a_story_and_its_path_leads_back() {
    let mut told = 0;
    for lab in labs() {
        let compiled =
            compile(&World::open(&lab).expect("the folder is there")).expect("the lab can be read");
        let product = compiled.product.expect("the lab compiles");
        let outputs = emit(&product.tree);
        let files = product.tree.files.par_iter().zip(&outputs);
        told += files
            .map(|(file, output)| every_line_of(file, &output.bytes, &lab, &compiled.sources))
            .sum::<usize>();
    }
    assert!(told > 1000, "only {told} lines were explained");
}

/// How many lines of a file were explained, each with the path that it names.
fn every_line_of(file: &OutFile, bytes: &[u8], lab: &Path, sources: &Sources) -> usize {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    let is_yaml = matches!(file.content, Content::Yaml(_));
    let mut told = 0;
    for line in 1..=lines {
        let place = format!("{}: {}:{line}", lab.display(), file.path);
        let story = match explain(file, &Place::Line(line), sources) {
            Ok(story) => story,
            Err(_) if is_yaml && line == 1 => continue,
            Err(refusal) => panic!("{place}: {}", refusal.message),
        };
        told += 1;
        assert_eq!(story.line, line, "{place}");
        let Some(path) = story.path.filter(|path| !path.0.is_empty()) else {
            continue;
        };
        assert!(!story.causes.is_empty(), "{place} has no cause");
        let typed = Place::Path(path.to_string());
        let again = explain(file, &typed, sources);
        let again = again.unwrap_or_else(|refusal| panic!("{place}: {}", refusal.message));
        assert_eq!(again.path, Some(path), "{place}");
        assert!(again.line <= line, "{place} begins behind itself");
    }
    let behind = explain(file, &Place::Line(lines + 2), sources);
    assert!(behind.is_err(), "{} has no line {}", file.path, lines + 2);
    told
}

/// A lab whose only source has this text, and the span of a part of it.
fn source(text: &str, part: &str) -> (Sources, Span) {
    let mut sources = Sources::default();
    let id = sources.add("lab.toml".to_owned(), text.into(), SourceKind::Lab);
    let start = text.find(part).expect("the text has it");
    (sources, Span::new(id, start, start + part.len()))
}

#[test]
fn a_line_of_text_is_made_by_what_it_came_from() {
    let (sources, span) = source("[nodes]\ncp-1 = 1\n", "cp-1");
    let mut text = Text::default();
    text.own("#!/bin/sh");
    text.line("talosctl apply cp-1", Origin::at(span));
    let file = OutFile::text("out/talos/apply.sh", text);
    let story = explain(&file, &Place::Line(2), &sources).expect("it is explained");
    let told = explain::text(&story, &sources, Colour::No);
    assert!(told.contains(": `talosctl apply cp-1`\n"), "{told}");
    assert_eq!(story.causes[0].role.text, "the lab says so: `nodes.cp-1`");
    let own = explain(&file, &Place::Line(1), &sources).expect("it is explained");
    assert!(own.causes.is_empty());
    let path = explain(&file, &Place::Path("nodes".to_owned()), &sources);
    assert!(
        path.expect_err("text has no paths")
            .message
            .contains("no YAML")
    );
    assert!(explain(&file, &Place::Line(3), &sources).is_err());
}

#[test]
fn a_copied_file_is_explained_as_a_whole() {
    let (sources, span) = source("[secrets.x]\nfrom = \"sops\"\n", "\"sops\"");
    let file = OutFile {
        path: "out/apps/x/secret.yaml".to_owned(),
        content: Content::Bytes(b"a: 1\nb: 2\n".to_vec(), Origin::at(span)),
        executable: false,
    };
    let story = explain(&file, &Place::Line(2), &sources).expect("it is explained");
    let told = explain::text(&story, &sources, Colour::No);
    assert!(told.contains("the whole file is copied"), "{told}");
    assert_eq!(
        story.causes[0].role.text,
        "the lab says so: `secrets.x.from`"
    );
}

#[test]
fn of_several_documents_the_first_that_has_a_path_is_meant() {
    let (sources, span) = source("[vars]\na = 1\nb = 2\n", "2");
    let document = |key: &str| {
        let mut node = Node::new(Value::map(), Origin::at(span));
        node.insert(key, Node::new(2i64, Origin::at(span)));
        node
    };
    let documents = ["a", "b.c", "b"].map(|key| Arc::new(document(key)));
    let file = OutFile {
        path: "out/x.yaml".to_owned(),
        content: Content::Yaml(documents.into()),
        executable: false,
    };
    let at = |path: &str| explain(&file, &Place::Path(path.to_owned()), &sources);
    assert_eq!(at("a").expect("the first has it").line, 2);
    assert_eq!(at("b.c").expect("the second has it").line, 4);
    assert_eq!(at("\"b.c\"").expect("a key may be quoted").line, 4);
    assert_eq!(at("b").expect("the third has it").line, 6);
    assert!(at("c").is_err());
}
