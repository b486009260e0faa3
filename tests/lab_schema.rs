//! The JSON Schema of `lab.toml`: it takes every lab that compiles, refuses what the compiler refuses as unknown, and
//! has the very keys that the compiler reads.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use labc::compile;
use labc::diag::Diagnostics;
use labc::guide::schema::{COMPONENT_KEYS, SECTIONS, Shape, schema};
use labc::guide::shelf;
use labc::parse::lab::RESERVED;
use labc::source::{SourceKind, Sources};
use labc::syntax::toml;
use labc::template::convert;
use labc::world::World;
use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folders of the root lab and of `tests/labs/`.
fn labs() -> Vec<PathBuf> {
    let folder = fs::read_dir(root().join("tests/labs")).expect("the folder of labs");
    let mut labs: Vec<PathBuf> = folder
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    labs.sort();
    labs.push(root().to_owned());
    labs
}

/// The schema as a lab in `folder` gets it, with the lab's own modules.
fn schema_of(folder: &Path) -> Value {
    let mut diagnostics = Diagnostics::default();
    let shelf = shelf(
        &World::open(folder).expect("the folder is there"),
        &mut diagnostics,
    );
    let shelf = shelf.expect("the library can be read");
    assert!(
        !diagnostics.has_errors(),
        "the library of {}",
        folder.display()
    );
    schema(&shelf)
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::meta::validate(schema).expect("it is a schema of draft 2020-12");
    jsonschema::validator_for(schema).expect("the schema can be used")
}

/// A `lab.toml` as data.
fn data(text: &str) -> Value {
    let mut sources = Sources::default();
    let source = sources.add("lab.toml".to_owned(), text.into(), SourceKind::Lab);
    let mut diagnostics = Diagnostics::default();
    let tree = toml::read(source, text, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "it is no TOML:\n{text}");
    convert::json(&tree)
}

fn problems(validator: &Validator, lab: &Value) -> Vec<String> {
    let problem =
        |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    validator.iter_errors(lab).map(problem).collect()
}

#[test]
fn every_lab_is_valid() {
    let labs = labs();
    assert!(labs.len() > 4, "the labs were not found");
    for folder in labs {
        let text = fs::read_to_string(folder.join("lab.toml")).expect("a lab");
        let problems = problems(&validator(&schema_of(&folder)), &data(&text));
        assert!(problems.is_empty(), "{}: {problems:#?}", folder.display());
    }
}

#[test]
fn what_the_compiler_refuses_as_it_stands_is_not_valid() {
    let validator = validator(&schema_of(root()));
    let text = fs::read_to_string(root().join("tests/labs/explain/lab.toml")).expect("a lab");
    let lab = data(&text);
    assert_eq!(problems(&validator, &lab), Vec::<String>::new());
    // Where, and what is put there: an unknown key, a wrong type, a word that is none of the few.
    let wrong = [
        ("/labb", json!({})),
        ("/lab/engin", json!("argocd")),
        ("/lab/engine", json!("argo")),
        ("/cluster/schedule_on_control_planes", json!("yes")),
        ("/network/gatway", json!("192.168.1.1")),
        ("/nodes/cp-1/rol", json!("worker")),
        ("/nodes/cp-1/role", json!("master")),
        ("/nodes/cp-1/disk", json!({ "siz": ">= 1TB" })),
        ("/nodes/cp-1/talos", json!({ "sysctl": {} })),
        ("/nodes/cp-1/talos", json!({ "extension_order": "sorted" })),
        (
            "/nodes/cp-1/volumes",
            json!({ "data": { "disc": "/dev/sdb" } }),
        ),
        ("/talos", json!({ "sysctl": {} })),
        ("/talos", json!({ "sysctls": { "vm.swappiness": true } })),
        ("/talos", json!({ "extensions": "iscsi-tools" })),
        ("/talos", json!({ "extension_order": "reverse" })),
        ("/talos", json!({ "talhelper": "besides" })),
        ("/talos", json!({ "cni": ["none"] })),
        ("/talos", json!({ "kube_prism": { "port": 70000 } })),
        ("/talos", json!({ "kube_prism": "yes" })),
        (
            "/talos",
            json!({ "kernel_modules": [{ "parameters": ["x"] }] }),
        ),
        (
            "/talos",
            json!({ "files": [{ "path": "/var/a", "mode": "0644" }] }),
        ),
        (
            "/talos",
            json!({ "registries": { "mirrors": { "docker.io": { "endpoint": [] } } } }),
        ),
        ("/talos", json!({ "api_server": { "args": { "v": {} } } })),
        (
            "/talos",
            json!({ "talos_api_access": { "roles": ["os:admn"] } }),
        ),
        (
            "/secrets",
            json!({ "x": { "from": "vault", "keys": ["a"] } }),
        ),
        ("/infrastructure/metallb/interface", json!("eno1")),
        ("/infrastructure/metallb/interfaces", json!("eno1")),
        ("/infrastructure/longhorn/replicas", json!(0)),
        ("/infrastructure/longhorn/module", json!("longhron")),
        ("/apps/photos/moved", json!("x")),
        (
            "/apps/photos/expose",
            json!({ "web": { "hots": "photos" } }),
        ),
        ("/apps/photos/storage", json!({ "x": { "size": true } })),
        (
            "/apps/photos/ports",
            json!({ "dns": { "port": 53, "protocol": "SCTP" } }),
        ),
        ("/apps/other", json!({ "image": "a/b:1" })),
        ("/apps/other", json!({ "module": "workload" })),
        (
            "/apps/longhorn",
            json!({ "module": "workload", "replicas": 1 }),
        ),
        ("/apps/metallb", json!({})),
    ];
    for (place, value) in wrong {
        let (parent, key) = place.rsplit_once('/').expect("a pointer");
        let mut lab = lab.clone();
        lab.pointer_mut(parent).expect("a place in the lab")[key] = value.clone();
        let problems = problems(&validator, &lab);
        assert!(!problems.is_empty(), "{place} = {value} is taken");
    }
}

#[test]
fn the_words_of_talos_are_valid_as_labs_use_them() {
    let validator = validator(&schema_of(root()));
    let folder = fs::read_dir(root().join("tests/talos/labs")).expect("the labs of Talos");
    let mut count = 0;
    for entry in folder {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name.ends_with(".needs.toml") || !name.ends_with(".toml") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a lab");
        // lines for some versions of Talos count, those for some contracts do not exclude each other either
        let line = |line: &str| match line.split_once("+ ") {
            Some((mark, rest)) if mark.starts_with("#1.") || mark.starts_with("#c1.") => {
                format!("{rest}\n")
            }
            _ => format!("{line}\n"),
        };
        let text: String = text.lines().map(line).collect();
        let problems = problems(&validator, &data(&text));
        assert!(problems.is_empty(), "{name}: {problems:#?}");
        count += 1;
    }
    assert!(count > 5, "the labs were not found");
}

#[test]
fn any_scalar_may_be_an_expression() {
    let validator = validator(&schema_of(root()));
    let text = fs::read_to_string(root().join("tests/labs/explain/lab.toml")).expect("a lab");
    let expression = json!("${{ vars.x }}");
    for place in [
        "/cluster/schedule_on_control_planes",
        "/nodes/cp-1/role",
        "/nodes/cp-1/secure_boot",
        "/network/mtu",
        "/infrastructure/metallb/interfaces",
        "/infrastructure/longhorn/replicas",
        "/infrastructure/longhorn/reclaim",
        "/apps/photos/port",
    ] {
        let (parent, key) = place.rsplit_once('/').expect("a pointer");
        let mut lab = data(&text);
        lab.pointer_mut(parent).expect("a place in the lab")[key] = expression.clone();
        assert_eq!(problems(&validator, &lab), Vec::<String>::new(), "{place}");
    }
}

#[test]
fn components_have_the_keys_that_the_compiler_reserves() {
    // The compiler refuses these two: they do not work yet.
    let later = ["moved", "extends"];
    let known: BTreeSet<&str> = COMPONENT_KEYS.iter().map(|key| key.name).collect();
    let reserved = RESERVED.iter().copied().filter(|key| !later.contains(key));
    assert_eq!(known, reserved.collect());
}

/// A key that is like no other, so that the message about it lists all that are known.
const STRANGE: &str = "zzzzzzzzzzzzzzzzzzzz";

/// A lab with one of everything, and in each table a strange key.
fn strange_lab() -> String {
    format!(
        r#"
{STRANGE} = 1
[lab]
{STRANGE} = 1
name = "x"
domain = "example.org"
engine = "argocd"
[repository]
{STRANGE} = 1
url = "https://example.org/x.git"
[cluster]
{STRANGE} = 1
talos = "v1.11.5"
contract = "v1.11"
kubernetes = "v1.34.2"
[network]
{STRANGE} = 1
nodes = "192.168.1.0/24"
[talos]
{STRANGE} = 1
[hardware.pc]
{STRANGE} = 1
talos = {{ {STRANGE} = 1 }}
disk = {{ {STRANGE} = "x" }}
[nodes.cp-1]
{STRANGE} = 1
role = "controlplane"
address = "192.168.1.11"
overlay = {{ {STRANGE} = 1, name = "x" }}
links.eno1 = {{ {STRANGE} = 1, routes = [{{ {STRANGE} = 1, gateway = "192.168.1.1" }}] }}
[namespaces.x]
{STRANGE} = 1
[secrets.x]
{STRANGE} = 1
from = "manual"
keys = ["a"]
"#
    )
}

#[test]
fn sections_have_the_keys_that_the_compiler_reads() {
    let text = strange_lab();
    let files = BTreeMap::from([("lab.toml".to_owned(), text.into_bytes())]);
    let compiled = compile(&World::Memory(files)).expect("memory can be read");
    let mut read: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for diagnostic in compiled.diagnostics.iter() {
        let path = diagnostic.message.strip_prefix("unknown key `");
        let path = path.and_then(|path| path.strip_suffix(&format!("{STRANGE}`")));
        let Some(path) = path else { continue };
        let help = diagnostic.help.first().expect("it says what is known");
        let keys = help.split('`').skip(1).step_by(2).map(str::to_owned);
        let path = path.trim_end_matches('.').to_owned();
        read.insert(path, keys.collect());
    }
    let places = [
        ("", vec![]),
        ("lab", vec!["lab"]),
        ("repository", vec!["repository"]),
        ("cluster", vec!["cluster"]),
        ("network", vec!["network"]),
        ("talos", vec!["talos"]),
        ("hardware.pc", vec!["hardware", "*"]),
        ("hardware.pc.disk", vec!["hardware", "*", "disk"]),
        ("nodes.cp-1", vec!["nodes", "*"]),
        ("nodes.cp-1.overlay", vec!["nodes", "*", "overlay"]),
        ("nodes.cp-1.links.eno1", vec!["nodes", "*", "links", "*"]),
        (
            "nodes.cp-1.links.eno1.routes[0]",
            vec!["nodes", "*", "links", "*", "routes", "*"],
        ),
        ("namespaces.x", vec!["namespaces", "*"]),
        ("secrets.x", vec!["secrets", "*"]),
    ];
    for (path, steps) in places {
        let mut expected = keys(&steps);
        if path.is_empty() {
            expected.extend(["infrastructure".to_owned(), "apps".to_owned()]);
        }
        let found = read.get(path);
        let found = found.unwrap_or_else(|| panic!("nothing is said about `{path}`: {read:#?}"));
        assert_eq!(*found, expected, "the keys of `{path}`");
    }
}

/// The keys that the schema's own tables have at the end of a path; `*` is any name or item.
fn keys(steps: &[&str]) -> BTreeSet<String> {
    let mut table = SECTIONS;
    let mut shape: Option<&Shape> = None;
    for step in steps {
        let next = match *step {
            "*" => match shape {
                Some(Shape::Names(item) | Shape::List(item)) => item,
                _ => panic!("`*` of {steps:?} is in no table of names"),
            },
            name => {
                let key = table.iter().find(|key| key.name == name);
                &key.unwrap_or_else(|| panic!("the schema has no `{name}`"))
                    .shape
            }
        };
        let tables = match next {
            Shape::Either(shapes) => *shapes,
            one => std::slice::from_ref(one),
        };
        if let [Shape::Words(words, keys)] = tables {
            let words = words.iter().copied().flatten().map(|word| word.name);
            let keys = keys.iter().map(|key| key.name);
            return words.chain(keys).map(str::to_owned).collect();
        }
        let keys = tables.iter().find_map(|shape| match shape {
            Shape::Table(keys) | Shape::Open(keys) => Some(*keys),
            _ => None,
        });
        table = keys.unwrap_or_default();
        shape = Some(next);
    }
    table.iter().map(|key| key.name.to_owned()).collect()
}
