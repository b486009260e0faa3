//! `talconfig.yaml` against talhelper itself: what it generates for each node is, document by document and without any
//! difference, what the scripts generate without it. Without Go, one line says that this was skipped.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads its labs from disk and runs talhelper"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use labc::diag::Severity;
use labc::world::World;
use serde_json::Value as Json;

#[path = "talos/bench.rs"]
mod bench;

use bench::{
    Case, Compiled, Scratch, asked_by_scripts, built, case, compile, content, documents, errors_of,
    folder, json, lab_text, minor, needs_of, oracles, run_json, set_by,
};

/// Every lab of the Talos plane, with each contract that talhelper may meet.
const CASES: [Case; 19] = [
    case("home-ops", "v1.10.6", "v1.10", "v1.33.6"),
    case("home-ops", "v1.11.6", "v1.11", "v1.34.1"),
    case("home-ops", "v1.12.7", "v1.12", "v1.35.4"),
    case("home-ops", "v1.13.9", "v1.13", "v1.36.3"),
    case("raspberry", "v1.9.5", "v1.9", "v1.32.4"),
    case("raspberry", "v1.12.7", "v1.12", "v1.35.4"),
    case("raspberry", "v1.13.9", "v1.13", "v1.36.3"),
    case("ragas", "v1.10.6", "v1.10", "v1.33.6"),
    case("ragas", "v1.11.6", "v1.11", "v1.34.1"),
    case("ragas", "v1.13.9", "v1.13", "v1.36.3"),
    case("ha", "v1.9.5", "v1.9", "v1.32.4"),
    case("ha", "v1.12.7", "v1.12", "v1.35.4"),
    case("ha", "v1.13.9", "v1.13", "v1.36.3"),
    case("rich", "v1.9.5", "v1.9", "v1.32.4"),
    case("rich", "v1.11.6", "v1.11", "v1.34.1"),
    case("rich", "v1.13.9", "v1.13", "v1.36.3"),
    case("custom-cni", "v1.11.6", "v1.11", "v1.34.1"),
    case("custom-cni", "v1.13.9", "v1.13", "v1.36.3"),
    case("plain", "v1.9.5", "v1.9", "v1.32.4"),
];

/// A lab that asks for talhelper, `beside` or `instead`.
fn with_talhelper(case: &Case, how: &str) -> Compiled {
    let text = lab_text(case);
    let asked = format!("talhelper = \"{how}\"\n");
    let text = match text.split_once("\n[talos]\n") {
        Some((head, rest)) => format!("{head}\n[talos]\n{asked}{rest}"),
        None => format!("{text}\n[talos]\n{asked}"),
    };
    let compiled = compile(&text, &needs_of(case.lab), &[]);
    let errors = compiled.diagnostics.count(Severity::Error);
    assert_eq!(errors, 0, "{}: {}", case.lab, errors_of(&compiled));
    compiled
}

/// A compiled tree on disk, and talhelper.
struct Bench {
    /// Secrets, and what is generated.
    scratch: Scratch,
    /// The folder `out`.
    tree: PathBuf,
    talhelper: PathBuf,
}

impl Bench {
    /// A lab for a test; nothing where talhelper cannot be built.
    fn new(test: &str, case: &Case, how: &str) -> Option<(Bench, Compiled)> {
        let scratch = Scratch::new(&format!("{test}-{}-{}", case.lab, case.talos));
        let compiled = with_talhelper(case, how);
        scratch.write(&compiled.plane);
        let tree = scratch.0.join("out");
        Some((Bench::of(tree, scratch)?, compiled))
    }

    /// A tree with new secrets; nothing where talhelper cannot be built.
    fn of(tree: PathBuf, scratch: Scratch) -> Option<Bench> {
        static TALHELPER: OnceLock<Option<PathBuf>> = OnceLock::new();
        let folder = TALHELPER.get_or_init(|| built("talhelper", "talhelper"));
        let talhelper = folder.as_ref()?.join("talhelper");
        let bench = Bench {
            scratch,
            tree,
            talhelper,
        };
        let secrets = bench.run(&["gensecret"]);
        fs::write(bench.path("talsecret.yaml"), secrets).expect("a file");
        Some(bench)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.scratch.0.join(path)
    }

    /// Runs talhelper beside its talconfig.yaml; variables that patches seem to name are set.
    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.talhelper)
            .args(arguments)
            .current_dir(self.tree.join("talos"))
            .env("HOSTNAME", "not-this")
            .env("patch", "not-this")
            .output()
            .expect("talhelper starts");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (said(&output.stdout), said(&output.stderr));
        assert!(
            output.status.success(),
            "talhelper {arguments:?}:\n{out}{err}"
        );
        out
    }

    /// What talhelper generates, by node.
    fn by_talhelper<'a>(&self, nodes: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
        let path = |name: &str| self.path(name).display().to_string();
        let (generated, secrets) = (path("generated"), path("talsecret.yaml"));
        let command = ["genconfig", "--offline-mode", "--no-gitignore"];
        let files = ["--out-dir", &generated, "--secret-file", &secrets];
        self.run(&[&command[..], &files[..]].concat());
        let config = |node: &str| {
            let path = self.path(&format!("generated/{node}.yaml"));
            (
                node.to_owned(),
                fs::read_to_string(path).expect("it is generated"),
            )
        };
        nodes.map(config).collect()
    }

    /// What the scripts generate, by node, as Talos' own library does it.
    fn by_scripts(&self, oracles: &Path) -> BTreeMap<String, String> {
        let mut asked = asked_by_scripts(&self.tree);
        asked["secrets"] = self.path("talsecret.yaml").display().to_string().into();
        let upgrade = fs::read_to_string(self.tree.join("talos/upgrade.sh")).expect("a script");
        let talos = minor(&set_by(&upgrade, "talos"));
        let program = oracles.join(format!("oracle-v1.{talos}"));
        let answers = run_json(&program, "check", &asked);
        let config = |(node, answer): (&String, &Json)| {
            assert_eq!(answer["errors"], serde_json::json!([]), "{node}");
            (
                node.clone(),
                answer["config"].as_str().expect("text").to_owned(),
            )
        };
        let answers = answers.as_object().expect("an object").iter();
        answers.map(config).collect()
    }
}

/// Every leaf of a machine config, by its document and path.
fn leaves(config: &str) -> BTreeMap<String, Json> {
    let mut found = BTreeMap::new();
    for document in documents(config) {
        let text = |key: &str| document.get(key).and_then(|node| node.as_str());
        let kind = text("kind").unwrap_or("v1alpha1");
        let name = text("name").unwrap_or_default();
        let id = format!("{kind} {name}");
        walk(&json(&document), &id, &mut found);
    }
    found
}

fn walk(value: &Json, path: &str, found: &mut BTreeMap<String, Json>) {
    match value {
        Json::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                walk(value, &format!("{path} {key}"), found);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{path} {index}"), found);
            }
        }
        leaf => {
            let before = found.insert(path.to_owned(), leaf.clone());
            assert_eq!(before, None, "two documents are called alike: {path}");
        }
    }
}

/// How many leaves of a tree's machine configs are compared, and what differs.
fn compared(oracles: &Path, bench: &Bench) -> (usize, String) {
    let (mut wrong, mut count) = (String::new(), 0);
    let by_scripts = bench.by_scripts(oracles);
    let by_talhelper = bench.by_talhelper(by_scripts.keys().map(String::as_str));
    for (node, config) in by_scripts {
        let (one, other) = (leaves(&config), leaves(&by_talhelper[&node]));
        count += one.len();
        let paths: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        for path in paths {
            let (script, talhelper) = (one.get(path), other.get(path));
            if script != talhelper {
                let line = format!("{node}: {path}: {script:?}, with talhelper {talhelper:?}");
                writeln!(wrong, "{line}").expect("a string takes it");
            }
        }
    }
    (count, wrong)
}

#[test]
fn talhelper_generates_what_the_scripts_generate() {
    let Some(oracles) = oracles() else { return };
    let (mut all, mut total) = (String::new(), 0);
    for case in CASES {
        let Some((bench, _)) = Bench::new("generates", &case, "beside") else {
            return;
        };
        let (count, wrong) = compared(&oracles, &bench);
        total += count;
        if !wrong.is_empty() {
            writeln!(all, "{} {}:\n{wrong}", case.lab, case.talos).expect("a string takes it");
        }
    }
    assert!(all.is_empty(), "{all}");
    assert!(total > 5_000, "only {total} leaves were compared");
}

/// One of the committed labs has a patch of its own that looks like a template.
#[test]
fn talhelper_generates_what_is_said_in_committed_trees() {
    let Some(oracles) = oracles() else { return };
    let labs = fs::read_dir(folder("tests/labs")).expect("the labs");
    let trees = labs.map(|lab| lab.expect("an entry").path().join("out"));
    let mut total = 0;
    for tree in trees.filter(|tree| tree.join("talos/talconfig.yaml").exists()) {
        let name = tree.display().to_string();
        let Some(bench) = Bench::of(tree, Scratch::new("committed")) else {
            return;
        };
        let (count, wrong) = compared(&oracles, &bench);
        assert!(wrong.is_empty(), "{name}:\n{wrong}");
        total += count;
    }
    assert!(total > 100, "only {total} leaves were compared");
}

#[test]
fn the_provision_script_needs_talhelper_only_instead() {
    let lab = fs::read_to_string(folder("tests/labs/talhelper/lab.toml")).expect("a lab");
    let patch = fs::read(folder("tests/labs/talhelper/talos/shell.yaml")).expect("a patch");
    let tools = |how: &str| {
        let lab = lab.replace("\"beside\"", &format!("\"{how}\""));
        let files = BTreeMap::from([
            ("lab.toml".to_owned(), lab.into_bytes()),
            ("talos/shell.yaml".to_owned(), patch.clone()),
        ]);
        let compiled = labc::compile(&World::Memory(files)).expect("memory can be read");
        let product = compiled.product.expect("it compiles");
        let mut files = product.tree.files.iter();
        let script = files.find(|file| file.path == "out/bootstrap/provision.sh");
        let script = String::from_utf8(content(script.expect("a script"))).expect("text");
        set_by(&script, "tools")
    };
    assert_eq!(tools("beside"), "(talosctl helm kubectl)");
    assert_eq!(tools("instead"), "(talosctl helm kubectl talhelper)");
}

#[test]
fn talhelper_takes_the_same_images() {
    for case in CASES {
        let Some((bench, compiled)) = Bench::new("images", &case, "beside") else {
            return;
        };
        let upgrades = bench.run(&["gencommand", "upgrade", "--offline-mode"]);
        let images = bench.run(&["genurl", "image", "--offline-mode"]);
        let readme = fs::read_to_string(bench.path("out/talos/README.md")).expect("a README");
        for (node, files) in &compiled.plane.nodes {
            let address = &compiled.machines.nodes[node].machine.address.value;
            let expected = format!("--nodes={address} --image={};", files.installer);
            assert!(
                upgrades.contains(&expected),
                "{}: {expected}\n{upgrades}",
                case.lab
            );
            let start = format!("{node}: ");
            let url = images.lines().find_map(|line| line.strip_prefix(&start));
            let url = url.unwrap_or_else(|| panic!("no image for {node}:\n{images}"));
            assert!(readme.contains(&format!("<{url}>")), "{}: {url}", case.lab);
        }
    }
}

/// Writes down its arguments. Every node answers; etcd runs once it is bootstrapped.
const TALOSCTL: &str = r#"#!/bin/sh
echo "$*" >> "$STATE/calls"
case "$*" in
  *"etcd members"*) [ -f "$STATE/etcd" ] ;;
  bootstrap*) touch "$STATE/etcd" ;;
esac
"#;

#[test]
fn scripts_do_what_talhelper_says() {
    let case = case("home-ops", "v1.11.6", "v1.11", "v1.34.1");
    let Some((bench, compiled)) = Bench::new("scripts", &case, "instead") else {
        return;
    };
    let write = |path: &str, text: &str, mode: u32| {
        let path = bench.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
    };
    write("bin/talosctl", TALOSCTL, 0o755);
    let link = bench.path("bin/talhelper");
    std::os::unix::fs::symlink(&bench.talhelper, link).expect("a link");
    let run = |script: &str, arguments: &[&str]| {
        write("state/calls", "", 0o644);
        let output = Command::new("bash")
            .arg(bench.path("out/talos").join(script))
            .args(arguments)
            .current_dir("/")
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", bench.path("bin").display()),
            )
            .env("STATE", bench.path("state"))
            .env("LABC_SECRETS", bench.path("secret folder"))
            .env("TRIES", "2")
            .env("PAUSE", "0")
            .env_remove("MODE")
            .output()
            .expect("bash runs the script");
        let calls = fs::read_to_string(bench.path("state/calls")).expect("calls");
        let calls: Vec<String> = calls.lines().map(str::to_owned).collect();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), calls, said)
    };

    let (fine, _, said) = run("generate.sh", &[]);
    assert!(!fine && said.contains("talsecret"), "{said}");
    let secrets = fs::read_to_string(bench.path("talsecret.yaml")).expect("secrets");
    write("talos/talsecret.sops.yaml", &secrets, 0o600);
    let (fine, calls, said) = run("generate.sh", &[]);
    assert!(fine, "{said}");
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert!(calls[0].ends_with("config node 10.0.60.11"), "{calls:?}");
    for node in compiled.plane.nodes.keys() {
        let config = bench.path(&format!("secret folder/talos/generated/{node}.yaml"));
        let mode = fs::metadata(config).expect("it is generated").permissions();
        assert_eq!(
            mode.mode() & 0o077,
            0,
            "nobody else may read a machine config"
        );
    }
    assert!(
        !bench.path("secret folder/talos/secrets.yaml").exists(),
        "secrets are the owner's"
    );

    let (fine, calls, said) = run("apply.sh", &["cp-2"]);
    assert!(fine, "{said}");
    assert_eq!(
        calls[1..],
        [
            "apply-config --talosconfig=./talosconfig --nodes=10.0.60.12 --file=./cp-2.yaml \
             --endpoints=10.0.60.12 --mode=auto"
        ]
    );
    let (fine, calls, said) = run("bootstrap.sh", &[]);
    assert!(fine, "{said}");
    let acts: Vec<&String> = calls
        .iter()
        .filter(|call| !call.starts_with("--talosconfig "))
        .collect();
    assert_eq!(
        acts,
        [
            "bootstrap --talosconfig=./talosconfig --endpoints=10.0.60.11 --nodes=10.0.60.11",
            "kubeconfig --talosconfig=./talosconfig --endpoints=10.0.60.11 ../../kubeconfig --force --merge=false \
             --nodes=10.0.60.11",
        ]
    );
    let (fine, calls, said) = run("upgrade.sh", &["talos", "worker-1"]);
    assert!(fine, "{said}");
    let installer = &compiled
        .plane
        .nodes
        .values()
        .next()
        .expect("a node")
        .installer;
    let upgrade = format!(
        "upgrade --talosconfig=./talosconfig --nodes=10.0.60.21 --image={installer} --endpoints=10.0.60.21"
    );
    assert!(calls.contains(&upgrade), "{calls:#?}");
    let (fine, calls, said) = run("upgrade.sh", &["kubernetes"]);
    assert!(fine, "{said}");
    let upgrade = fs::read_to_string(bench.path("out/talos/upgrade.sh")).expect("a script");
    let kubernetes = set_by(&upgrade, "kubernetes");
    assert_eq!(
        calls,
        [format!(
            "upgrade-k8s --talosconfig=./talosconfig --to=v{kubernetes} --endpoints=10.0.60.11 --nodes=10.0.60.11"
        )]
    );
}

#[test]
fn scripts_are_clean() {
    let case = case("home-ops", "v1.11.6", "v1.11", "v1.34.1");
    let Some((bench, _)) = Bench::new("clean", &case, "instead") else {
        return;
    };
    let scripts = ["generate.sh", "apply.sh", "bootstrap.sh", "upgrade.sh"];
    let paths = scripts.map(|script| bench.path("out/talos").join(script));
    match Command::new("shellcheck")
        .arg("--severity=style")
        .args(paths)
        .output()
    {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{said}");
        }
        Err(_) => eprintln!("skipped: there is no shellcheck"),
    }
}
