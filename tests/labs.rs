//! Compiles every lab of `tests/labs/` and the root lab, and holds each to its committed tree.
//!
//! A case is a folder with a `lab.toml`, its own `modules/` and files, `out/` and `lab.lock`. `LABC_BLESS=1` writes what
//! is compiled now; Git shows the change.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use labc::diag::report::{Colour, text};
use labc::emit::{Output, emit};
use labc::world::{Folder, Read, World};
use labc::{compile, lock};

#[test]
fn every_lab_compiles_to_its_tree() {
    let cases = cases();
    assert!(cases.len() > 1, "no case was found");
    let mut wrong = Vec::new();
    for case in cases {
        wrong.extend(differences(&case));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The root lab and every folder of `tests/labs/`.
fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = fs::read_dir(root.join("tests/labs")).expect("the folder of cases");
    let mut cases: Vec<PathBuf> = folder
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases.push(root.to_owned());
    cases
}

/// What of a case's tree on disk is not what it compiles to.
fn differences(case: &Path) -> Vec<String> {
    let world = World::open(case).expect("the folder is there");
    let compiled = compile(&world).expect("the case can be read");
    let said = text(&compiled.diagnostics, &compiled.sources, Colour::No);
    if compiled.diagnostics.has_errors() {
        return vec![format!("{}:\n{said}", case.display())];
    }
    let product = compiled.product.expect("a lab without errors has a tree");
    let mut outputs = emit(&product.tree);
    let lock = lock::encode(&lock::lock(&product.lab, &product.tree, &outputs));
    outputs.push(Output {
        path: lock::FILE.to_owned(),
        bytes: lock.into_bytes(),
        executable: false,
        sha256: String::new(),
    });
    let there = on_disk(&world);
    let is_blessed = std::env::var_os("LABC_BLESS").is_some_and(|value| value == "1");
    if is_blessed {
        bless(case, &outputs, &there);
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for output in &outputs {
        let (path, folder) = (&output.path, case.display());
        match there.get(path) {
            Some(bytes) if *bytes == output.bytes => {}
            Some(_) => wrong.push(format!("{folder}/{path} is not what is compiled")),
            None => wrong.push(format!("{folder}/{path} is missing")),
        }
    }
    let made: Vec<&str> = outputs.iter().map(|output| output.path.as_str()).collect();
    let stray = there.keys().filter(|path| !made.contains(&path.as_str()));
    wrong.extend(stray.map(|path| format!("{}/{path} is not compiled", case.display())));
    wrong
}

fn on_disk(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut paths = world.list("out").expect("the tree can be listed");
    paths.push(lock::FILE.to_owned());
    let mut there = BTreeMap::new();
    for path in paths {
        if let Read::Bytes(bytes) = world.read(&path).expect("it can be read") {
            there.insert(path, bytes);
        }
    }
    there
}

fn bless(case: &Path, outputs: &[Output], there: &BTreeMap<String, Vec<u8>>) {
    let folder = Folder::open(case).expect("the case is there");
    for output in outputs {
        let written = folder.put(&output.path, &output.bytes, output.mode());
        written.expect("it can be written");
    }
    for path in there.keys() {
        if !outputs.iter().any(|output| output.path == *path) {
            folder.remove(path).expect("it can be removed");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let root = World::open(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the folder is there");
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads").install(|| {
            let compiled = compile(&root).expect("the lab can be read");
            let product = compiled.product.expect("the root lab compiles");
            let hashes = emit(&product.tree)
                .into_iter()
                .map(|output| (output.path, output.sha256));
            hashes.collect::<Vec<_>>()
        })
    };
    let one = with(1);
    assert!(one.len() > 20, "the root lab has a tree");
    assert_eq!(one, with(2));
    assert_eq!(one, with(7));
}

#[test]
fn every_leaf_knows_what_made_it() {
    for case in cases() {
        let compiled = compile(&World::open(&case).expect("the folder is there"))
            .expect("the case can be read");
        let Some(product) = compiled.product else {
            continue;
        };
        for file in &product.tree.files {
            let labc::lower::Content::Yaml(documents) = &file.content else {
                continue;
            };
            for document in documents {
                document.each_leaf(&mut |path, leaf| {
                    let spans = leaf.origin.spans();
                    let place = format!("{}: {} {path}", case.display(), file.path);
                    assert!(!spans.is_empty(), "{place} has no origin");
                });
            }
        }
    }
}
