//! A lab compiled for Argo CD and for Flux runs the same things in the same order. Looks at the two trees as YAML: the same
//! resources, releases and namespaces, and every edge of Flux's in Argo CD's waves.
//!
//! What one engine cannot do is listed, lab by lab. Values that a module gives one engine only are those whose template
//! asks for `lab.engine`.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk"
)]

#[path = "engines/swap.rs"]
mod swap;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use labc::compile;
use labc::diag::{Diagnostics, Severity};
use labc::emit::emit;
use labc::source::{SourceKind, Sources};
use labc::syntax::yaml;
use labc::template::convert::json;
use labc::world::World;
use serde_json::{Value, json};
use swap::{ARGOCD, Engine, FLUX, Files};

/// What an engine cannot do: the lab, the engine, the code of the message, and the edit that its help asks for.
const CANNOT: [(&str, Engine, &str, (&str, &str)); 2] = [
    (
        "flux",
        ARGOCD,
        "L0805",
        ("from = \"sops\"", "from = \"manual\""),
    ),
    (
        "ragas",
        ARGOCD,
        "L0805",
        ("from = \"sops\"", "from = \"manual\""),
    ),
];

/// The YAML files of a tree by path, each with its first document.
type Tree = BTreeMap<String, Value>;

fn tree(name: &str, files: &Files) -> Tree {
    let compiled = compile(&World::Memory(files.clone())).expect("memory can be read");
    let errors: Vec<String> = errors(&compiled.diagnostics);
    assert!(errors.is_empty(), "{name}: {errors:?}");
    let product = compiled.product.expect("a lab without errors has a tree");
    let outputs = emit(&product.tree).into_iter();
    let yaml = outputs.filter(|output| output.path.ends_with(".yaml"));
    let read = yaml.filter_map(|output| {
        let text = String::from_utf8(output.bytes.to_vec()).expect("it is text");
        Some((output.path, first_document(&text)?))
    });
    read.collect()
}

fn first_document(text: &str) -> Option<Value> {
    let mut sources = Sources::default();
    let source = sources.add("tree".to_owned(), text.into(), SourceKind::Lab);
    let documents = yaml::read(source, text, &mut Diagnostics::default());
    documents.first().map(json)
}

/// The codes of the errors, each once.
fn errors(diagnostics: &Diagnostics) -> Vec<String> {
    let errors = diagnostics
        .iter()
        .filter(|one| one.severity == Severity::Error);
    let codes: BTreeSet<String> = errors.map(|one| one.code.to_string()).collect();
    codes.into_iter().collect()
}

/// A lab for both engines: Argo CD's tree and Flux's.
fn both(name: &str, files: &Files) -> (Tree, Tree) {
    let mut trees = [ARGOCD, FLUX].map(|engine| {
        let mut swapped = swap::for_engine(files, engine);
        for (lab, _, code, (old, new)) in CANNOT
            .iter()
            .filter(|(lab, cannot, ..)| (*lab, *cannot) == (name, engine))
        {
            let compiled = compile(&World::Memory(swapped.clone())).expect("memory can be read");
            assert_eq!(errors(&compiled.diagnostics), [*code], "{lab}");
            let text = swapped.get_mut("lab.toml").expect("a lab");
            let edited = String::from_utf8(text.clone()).expect("it is text");
            *text = edited.replace(old, new).into_bytes();
        }
        tree(&format!("{name} for {}", engine.word), &swapped)
    });
    (std::mem::take(&mut trees[0]), std::mem::take(&mut trees[1]))
}

fn text<'a>(node: &'a Value, pointer: &str) -> &'a str {
    let found = node.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

/// Whether a path belongs to an engine's own component.
fn is_engine_own(path: &str) -> bool {
    let own = ["argocd", "flux"].map(|word| format!("out/infrastructure/{word}/"));
    own.iter().any(|own| path.starts_with(own)) || path.starts_with("out/bootstrap/")
}

/// Everything in the folders that an engine renders, by path, without what is said in the engine's own words.
fn resources(tree: &Tree) -> BTreeMap<&str, Value> {
    let mut found = BTreeMap::new();
    for (path, node) in tree {
        let folder = path.rsplit('/').nth(1).unwrap_or_default();
        let api = text(node, "/apiVersion");
        let is_release = api.starts_with("helm.toolkit.fluxcd.io/")
            || api.starts_with("source.toolkit.fluxcd.io/");
        if !["manifests", "config", "late"].contains(&folder)
            || is_release
            || is_engine_own(path)
            || node.get("sops").is_some()
        {
            continue;
        }
        let engines = ["argocd", "flux-system"];
        if text(node, "/kind") == "Namespace" && engines.contains(&text(node, "/metadata/name")) {
            continue;
        }
        found.insert(path.as_str(), without_engine(node.clone()));
    }
    found
}

fn without_engine(mut node: Value) -> Value {
    let words = ["argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/"];
    let metadata = node.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some(metadata) = metadata
        && let Some(annotations) = metadata.get_mut("annotations")
    {
        let map = annotations.as_object_mut().expect("annotations are a map");
        map.retain(|key, _| !words.iter().any(|word| key.starts_with(word)));
        if map.is_empty() {
            metadata.remove("annotations");
        }
    }
    node
}

/// What each chart is and is given, by the name of its release, as Argo CD is told.
fn argocd_releases(tree: &Tree) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (path, node) in tree {
        if text(node, "/kind") != "Application" || is_engine_own(path) {
            continue;
        }
        let sources = node.pointer("/spec/sources").and_then(Value::as_array);
        let chart = sources.into_iter().flatten();
        let Some(chart) = chart
            .into_iter()
            .find(|source| source.get("chart").is_some())
        else {
            continue;
        };
        let folder = path.rsplit_once('/').expect("a folder").0;
        let values = tree.get(&format!("{folder}/values.yaml"));
        let release = json!({
            "namespace": node.pointer("/spec/destination/namespace"),
            "chart": format!("{}/{}", text(chart, "/repoURL").trim_end_matches('/'), text(chart, "/chart")),
            "version": chart.get("targetRevision"),
            "crds": chart.pointer("/helm/skipCrds").is_none(),
            "suspended": node.pointer("/spec/syncPolicy/automated").is_none(),
            "values": values,
        });
        found.insert(text(chart, "/helm/releaseName").to_owned(), release);
    }
    found
}

/// The same, as Flux is told.
fn flux_releases(tree: &Tree) -> BTreeMap<String, Value> {
    let mut urls = BTreeMap::new();
    for node in tree.values() {
        let key = ["/kind", "/metadata/namespace", "/metadata/name"].map(|path| text(node, path));
        urls.insert(key, node);
    }
    let mut found = BTreeMap::new();
    for (path, node) in tree {
        if text(node, "/kind") != "HelmRelease" || is_engine_own(path) {
            continue;
        }
        let own = text(node, "/metadata/namespace");
        let (chart, version) = match node.pointer("/spec/chartRef") {
            Some(reference) => {
                let source = urls[&[text(reference, "/kind"), own, text(reference, "/name")]];
                let url = text(source, "/spec/url");
                let bare = url.strip_prefix("oci://").expect("a registry");
                (bare.to_owned(), text(source, "/spec/ref/tag").to_owned())
            }
            None => {
                let spec = node.pointer("/spec/chart/spec").expect("a chart");
                let namespace = match text(spec, "/sourceRef/namespace") {
                    "" => own,
                    other => other,
                };
                let key = [
                    text(spec, "/sourceRef/kind"),
                    namespace,
                    text(spec, "/sourceRef/name"),
                ];
                let url = text(urls[&key], "/spec/url").trim_end_matches('/');
                let chart = format!("{url}/{}", text(spec, "/chart"));
                (chart, text(spec, "/version").to_owned())
            }
        };
        let crds = ["/spec/install/crds", "/spec/upgrade/crds"].map(|path| text(node, path));
        assert_eq!(crds[0], crds[1], "{path}");
        let release = json!({
            "namespace": own,
            "chart": chart,
            "version": version,
            "crds": crds[0] == "CreateReplace",
            "suspended": node.pointer("/spec/suspend") == Some(&Value::Bool(true)),
            "values": node.pointer("/spec/values"),
        });
        found.insert(text(node, "/spec/releaseName").to_owned(), release);
    }
    found
}

/// The module of each component of a lab, by the component's name.
fn modules(files: &Files) -> BTreeMap<String, String> {
    let compiled = compile(&World::Memory(files.clone())).expect("memory can be read");
    let lab = compiled.product.expect("a lab has a tree").lab;
    let components = lab.components.into_iter();
    components
        .map(|(name, component)| (name, component.module.name.clone()))
        .collect()
}

/// The values of a standard module that depend on the engine, as JSON pointers: its `values.yaml` says why.
fn said_of_engines(module: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join(format!("modules/{module}/values.yaml"));
    let Ok(text) = fs::read_to_string(path) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Some(values) = first_document(&text) {
        collect_said(&values, "", &mut found);
    }
    found
}

fn collect_said(node: &Value, pointer: &str, found: &mut Vec<String>) {
    match node {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, node)| collect_said(node, &format!("{pointer}/{key}"), found)),
        Value::String(text) if text.contains("lab.engine") => found.push(pointer.to_owned()),
        _ => {}
    }
}

#[test]
fn both_engines_run_the_same() {
    let mut compared = (0, 0);
    let mut different: BTreeSet<String> = BTreeSet::new();
    for (name, files) in swap::labs() {
        let (argocd, flux) = both(&name, &files);
        let (left, right) = (resources(&argocd), resources(&flux));
        let paths = |found: &BTreeMap<&str, Value>| -> BTreeSet<String> {
            found.keys().map(|path| (*path).to_owned()).collect()
        };
        assert_eq!(paths(&left), paths(&right), "{name}");
        for (path, resource) in &left {
            assert_eq!(resource, &right[path], "{name}: {path}");
        }
        let mut releases = argocd_releases(&argocd);
        let mut others = flux_releases(&flux);
        let modules = modules(&files);
        for (release, own) in &mut releases {
            let Some(other) = others.get_mut(release) else {
                continue;
            };
            for value in said_of_engines(&modules[release]) {
                let pointer = format!("/values{value}");
                let take = |node: &mut Value| node.pointer_mut(&pointer).map(Value::take);
                let (left, right) = (take(own), take(other));
                assert_ne!(
                    left, right,
                    "{name}: {release} {value} is the same for both"
                );
                different.insert(format!("{release}{value}"));
            }
        }
        assert_eq!(releases, others, "{name}");
        compared.0 += left.len();
        compared.1 += releases.len();
    }
    println!(
        "compared {} resources and {} releases; values that modules give one engine only: {different:?}",
        compared.0, compared.1
    );
    assert!(compared.0 > 100 && compared.1 > 20, "{compared:?}");
}

/// Where Argo CD puts a unit: the wave of its Application, and the wave inside it.
fn waves(tree: &Tree) -> BTreeMap<String, (i64, i64)> {
    let mut found = BTreeMap::new();
    for (path, node) in tree {
        if text(node, "/kind") != "Application" || path.starts_with("out/bootstrap/") {
            continue;
        }
        let name = text(node, "/metadata/name");
        let wave = wave(node);
        found.insert(name.to_owned(), (wave, 0));
        let folder = path.rsplit_once('/').expect("a folder").0;
        let config = format!("{folder}/config/");
        let inside = tree.iter().filter(|(path, _)| path.starts_with(&config));
        for (_, node) in inside.filter(|_| !name.ends_with("-late")) {
            found.insert(format!("{name}-config"), (wave, self::wave(node)));
        }
    }
    found
}

fn wave(node: &Value) -> i64 {
    let wave = text(node, "/metadata/annotations/argocd.argoproj.io~1sync-wave");
    wave.parse().unwrap_or(0)
}

#[test]
fn argocd_keeps_every_edge_of_flux() {
    let mut kept = 0;
    for (name, files) in swap::labs() {
        let (argocd, flux) = both(&name, &files);
        let waves = waves(&argocd);
        let kustomizations = flux.iter().filter(|(path, node)| {
            text(node, "/apiVersion").starts_with("kustomize.toolkit.fluxcd.io/")
                && !is_engine_own(path)
        });
        for (path, node) in kustomizations {
            let unit = text(node, "/metadata/name");
            if unit == "sources" {
                continue;
            }
            let own = waves[unit];
            let list = node.pointer("/spec/dependsOn").and_then(Value::as_array);
            for other in list.into_iter().flatten() {
                let other = text(other, "/name");
                let is_app = |unit: &str| flux.contains_key(&format!("out/apps/{unit}/flux.yaml"));
                // Under Argo CD all apps share a wave, and a release finds its own source.
                if other == "sources" || (path.starts_with("out/apps/") && is_app(other)) {
                    continue;
                }
                let before = waves[other];
                // What can do without at first is in the last wave with all that nobody waits for.
                let is_kept = before < own || (unit.ends_with("-late") && before.0 <= own.0);
                assert!(
                    is_kept,
                    "{name}: `{unit}` {own:?} after `{other}` {before:?}"
                );
                kept += 1;
            }
        }
    }
    println!("{kept} edges");
    assert!(kept > 60, "only {kept} edges");
}

#[test]
fn what_an_engine_cannot_do_is_listed() {
    let labs = swap::labs();
    for (name, files) in &labs {
        for engine in [ARGOCD, FLUX] {
            let swapped = swap::for_engine(files, engine);
            let compiled = compile(&World::Memory(swapped)).expect("memory can be read");
            let listed = CANNOT
                .iter()
                .filter(|(lab, cannot, ..)| (*lab, *cannot) == (name, engine));
            let listed: Vec<String> = listed.map(|(.., code, _)| (*code).to_owned()).collect();
            assert_eq!(
                errors(&compiled.diagnostics),
                listed,
                "{name} for {}",
                engine.word
            );
        }
    }
}
