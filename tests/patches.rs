//! Patches from outside: cases as files, JSON patches and merge patches against the `json-patch` crate, and strategic
//! merge patches against the real `kubectl kustomize`.
//!
//! A case is a folder below `tests/patches/`: `base.yaml` (resources), `patch.yaml` (one `[[patches]]` entry, or a list
//! of them), and what becomes of it: `expected.yaml` (resources) or `message.txt` (the messages, where the patch
//! fails), and `origins.txt` where the origins are the point. `LABC_BLESS=1` accepts texts that differ.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads its cases and runs kubectl"
)]

#[path = "oracles/json_patch.rs"]
mod json_patch_crate;
#[path = "oracles/kustomize.rs"]
mod kustomize;

use std::path::{Path, PathBuf};
use std::{env, fs};

use labc::diag::{Diagnostics, report};
use labc::parse::table::Table;
use labc::render::patch::{self, Changes, Patch, PatchKind};
use labc::source::{SourceKind, Sources};
use labc::syntax::yaml;
use labc::value::Node;
use serde_json::Value as Json;

#[test]
fn every_case_is_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/patches");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the cases")
        .map(|entry| entry.expect("a case").path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn check(case: &Path) -> Result<(), String> {
    let mut lab = Lab::default();
    let text = |name: &str| fs::read_to_string(case.join(name)).expect("the case's file");
    let mut resources = lab.read("base.yaml", &text("base.yaml"));
    let entries = lab.read("patch.yaml", &text("patch.yaml"));
    let mut deleted = Vec::new();
    for entry in entries.iter().flat_map(items) {
        deleted.extend(lab.patch(&mut resources, entry).deleted);
    }
    let mut index = 0..;
    resources.retain(|_| !deleted.contains(&index.next().expect("endless")));
    let messages = lab.messages();
    if messages.is_empty() == case.join("message.txt").exists() {
        return Err(format!(
            "{}: message.txt or not?\n{messages}",
            case.display()
        ));
    }
    if !messages.is_empty() {
        return compare(&case.join("message.txt"), &messages);
    }
    let expected = lab.read("expected.yaml", &text("expected.yaml"));
    if resources != expected {
        return Err(format!("{}: {resources:#?}", case.display()));
    }
    if case.join("origins.txt").exists() {
        compare(&case.join("origins.txt"), &lab.origins(&resources))?;
    }
    Ok(())
}

/// The elements of a list, or the one value that is none.
fn items(node: &Node) -> &[Node] {
    node.as_list().unwrap_or(std::slice::from_ref(node))
}

fn compare(file: &Path, text: &str) -> Result<(), String> {
    if fs::read_to_string(file).is_ok_and(|expected| expected == text) {
        return Ok(());
    }
    if env::var_os("LABC_BLESS").is_some() {
        fs::write(file, text).expect("the blessed text");
        return Ok(());
    }
    Err(format!("{} should be:\n{text}", file.display()))
}

/// Texts, what is read from them, and what is wrong with it.
#[derive(Default)]
struct Lab {
    sources: Sources,
    diagnostics: Diagnostics,
}

impl Lab {
    fn read(&mut self, name: &str, text: &str) -> Vec<Node> {
        let source = self
            .sources
            .add(name.to_owned(), text.into(), SourceKind::Lab);
        yaml::read(source, text, &mut self.diagnostics)
    }

    fn tree(&mut self, json: &Json) -> Node {
        let mut documents = self.read("x.json", &json.to_string());
        assert!(!self.diagnostics.has_errors(), "{}", self.messages());
        documents.remove(0)
    }

    /// Applies a patch as an entry of `[[patches]]` writes it.
    fn patch(&mut self, resources: &mut [Node], entry: &Node) -> Changes {
        let mut diagnostics = Diagnostics::default();
        let patch = read_patch(entry, &mut diagnostics);
        let changes = match patch {
            Some(patch) if !diagnostics.has_errors() => {
                patch::apply(resources, &patch, &mut diagnostics)
            }
            _ => Changes::default(),
        };
        self.diagnostics.append(diagnostics);
        changes
    }

    fn messages(&self) -> String {
        report::text(&self.diagnostics, &self.sources, report::Colour::No)
    }

    /// Every leaf that not `base.yaml` alone made, and the places that made it.
    fn origins(&self, resources: &[Node]) -> String {
        let mut text = String::new();
        for resource in resources {
            resource.each_leaf(&mut |path, leaf| {
                let spans = leaf.origin.spans().iter();
                let places: Vec<String> = spans.map(|span| self.sources.refer(*span)).collect();
                if places.iter().any(|place| !place.starts_with("base.yaml")) {
                    text.push_str(&format!("{path}: {}\n", places.join(" ")));
                }
            });
        }
        text
    }
}

fn read_patch(entry: &Node, diagnostics: &mut Diagnostics) -> Option<Patch> {
    let mut table = Table::new(entry, "patches", diagnostics);
    let target = table.required("target", diagnostics);
    let merge = table.optional("merge", diagnostics).map(PatchKind::Merge);
    let strategic = table
        .optional("strategic", diagnostics)
        .map(PatchKind::Strategic);
    let json = table.optional("json", diagnostics).map(PatchKind::Json);
    let span = table.span?;
    table.finish(diagnostics);
    Some(Patch {
        target: target?,
        kind: merge.or(strategic).or(json)?,
        span,
    })
}

/// The same numbers on every machine (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn pick<'a, T>(&mut self, choice: &'a [T]) -> &'a T {
        &choice[self.below(choice.len())]
    }
}
