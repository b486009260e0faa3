//! `kubectl kustomize out` prints exactly the engine objects but the root; every other resource lies in a folder that
//! exactly one of them renders.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk and runs kubectl"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use labc::diag::Diagnostics;
use labc::source::{SourceKind, Sources};
use labc::syntax::yaml;
use labc::value::Node;

fn labs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::fs::read_dir(root.join("tests/labs")).expect("the folder of cases");
    let cases = folder.map(|entry| entry.expect("an entry").path());
    cases
        .filter(|path| path.is_dir())
        .chain([root.to_owned()])
        .collect()
}

fn read(text: &str) -> Vec<Node> {
    let mut sources = Sources::default();
    let source = sources.add("tree".to_owned(), text.into(), SourceKind::Lab);
    let mut diagnostics = Diagnostics::default();
    let documents = yaml::read(source, text, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{text}");
    documents
}

fn text<'a>(node: &'a Node, path: &[&str]) -> &'a str {
    let found = path.iter().try_fold(node, |node, key| node.get(key));
    found.and_then(Node::as_str).unwrap_or_default()
}

fn name(node: &Node) -> String {
    format!(
        "{} {}",
        text(node, &["kind"]),
        text(node, &["metadata", "name"])
    )
}

/// The YAML files below a folder, with their documents.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<Node>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let text = std::fs::read_to_string(&path).expect("it can be read");
            found.insert(path, read(&text));
        }
    }
    found
}

/// An object that tells an engine what to read: not what it releases, nor where charts come from.
fn is_engine_object(node: &Node) -> bool {
    let version = text(node, &["apiVersion"]);
    version.starts_with("argoproj.io/")
        || version.starts_with("kustomize.toolkit.fluxcd.io/")
        || text(node, &["kind"]) == "GitRepository"
}

fn is_root(node: &Node) -> bool {
    ["Application root", "Kustomization flux-system"].contains(&name(node).as_str())
}

/// The folders of the tree that an engine's object renders; the lab may lie in a folder of its repository.
fn folders(node: &Node) -> Vec<String> {
    if !is_engine_object(node) || is_root(node) {
        return Vec::new();
    }
    let sources = node.get("spec").and_then(|spec| spec.get("sources"));
    let sources = sources.and_then(Node::as_list).into_iter().flatten();
    let paths = sources.map(|source| text(source, &["path"]));
    let paths = paths.chain([text(node, &["spec", "path"])]);
    let below = paths.filter_map(|path| Some(path[path.find("out/")?..].to_owned()));
    below.collect()
}

#[test]
fn kustomize_prints_the_engine_objects_but_the_root() {
    let is_there = Command::new("kubectl")
        .args(["version", "--client"])
        .output();
    if is_there.is_err() {
        println!("skipped: there is no kubectl");
        return;
    }
    for lab in labs() {
        let out = lab.join("out");
        let output = Command::new("kubectl")
            .arg("kustomize")
            .arg(&out)
            .output()
            .expect("kubectl runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", lab.display());
        let printed: BTreeSet<String> = read(&String::from_utf8_lossy(&output.stdout))
            .iter()
            .map(name)
            .collect();
        let engine: BTreeSet<String> = files(&out)
            .values()
            .flatten()
            .filter(|node| is_engine_object(node) && !is_root(node))
            .map(name)
            .collect();
        assert!(!engine.is_empty(), "{}", lab.display());
        assert_eq!(printed, engine, "{}", lab.display());
    }
}

#[test]
fn flux_decrypts_exactly_where_something_is_encrypted() {
    let mut decrypted = 0;
    for lab in labs() {
        let all = files(&lab.join("out"));
        for node in all.values().flatten() {
            let found = folders(node);
            let [folder] = found.as_slice() else { continue };
            let folder = lab.join(folder);
            let inside = all
                .iter()
                .filter(|(path, _)| path.parent() == Some(&folder));
            let is_encrypted = inside
                .flat_map(|(_, documents)| documents)
                .any(|document| document.get("sops").is_some());
            let decryption = node.get("spec").and_then(|spec| spec.get("decryption"));
            assert_eq!(is_encrypted, decryption.is_some(), "{}", folder.display());
            if let Some(decryption) = decryption {
                assert_eq!(text(decryption, &["provider"]), "sops");
                assert_eq!(text(decryption, &["secretRef", "name"]), "sops-age");
                decrypted += 1;
            }
        }
    }
    assert!(decrypted > 0, "no lab has an encrypted file");
}

#[test]
fn a_sops_file_is_copied_byte_for_byte() {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labs/flux");
    let read = |path: &str| std::fs::read(lab.join(path)).expect("it can be read");
    let source = read("secrets/database.yaml");
    assert_eq!(source, read("out/apps/web/manifests/secret-database.yaml"));
}

#[test]
fn every_folder_of_resources_is_rendered_once() {
    for lab in labs() {
        let all = files(&lab.join("out"));
        let mut rendered: BTreeMap<String, usize> = BTreeMap::new();
        for node in all.values().flatten() {
            for folder in folders(node) {
                *rendered.entry(folder).or_default() += 1;
            }
        }
        assert!(rendered.values().all(|times| *times == 1), "{rendered:?}");
        let mut used = BTreeSet::new();
        for path in all.keys() {
            let below = path.strip_prefix(&lab).expect("below the lab");
            let folder = below.parent().expect("a folder").display().to_string();
            let part = folder.rsplit('/').next().unwrap_or_default();
            if ["manifests", "config", "late"].contains(&part) {
                assert!(
                    rendered.contains_key(&folder),
                    "{}: nothing renders it",
                    path.display()
                );
                used.insert(folder);
            }
        }
        let folders: BTreeSet<String> = rendered.into_keys().collect();
        assert_eq!(used, folders, "{}", lab.display());
    }
}
