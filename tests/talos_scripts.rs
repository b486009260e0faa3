//! The scripts of the Talos plane, run with a `talosctl` that only writes down how it was called.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs scripts in a folder of its own"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use labc::diag::Diagnostics;
use labc::diag::report::{Colour, text};
use labc::lower::Content;
use labc::lower::talos::{Plane, files};
use labc::render::machine::intents;
use labc::resolve::plan::{sections, with_defaults};
use labc::source::{SourceKind, Sources};
use labc::syntax::toml;

const LAB: &str = r#"
[lab]
name = "home"
domain = "example.org"
engine = "flux"

[repository]
url = "https://git.example.org/lab.git"

[cluster]
talos = "v1.11.6"
contract = "v1.10"
kubernetes = "v1.34.1"

[network]
nodes = "192.168.1.0/24"
gateway = "192.168.1.1"
vip = "192.168.1.10"
load_balancer = ["192.168.1.200-192.168.1.240"]

[nodes]
cp-1 = { role = "controlplane", address = "192.168.1.11", disk = "/dev/sda", interface = "eno1" }
cp-2 = { role = "controlplane", address = "192.168.1.12", disk = "/dev/sda", interface = "eno1" }
cp-3 = { role = "controlplane", address = "192.168.1.13", disk = "/dev/sda", interface = "eno1" }
worker-1 = { role = "worker", address = "worker-1.example.org", disk = "/dev/sda", dhcp = true }
worker-2 = { role = "worker", address = "192.168.1.22", disk = "/dev/sda", status = "offline" }
"#;

/// Writes down its arguments. A node answers once `$STATE/<address>` is there, etcd once `$STATE/etcd` is, and a
/// node runs what `$STATE/<address>.runs` says.
const TALOSCTL: &str = r#"#!/bin/sh
echo "$*" >> "$STATE/calls"
node=""
output=""
previous=""
for argument in "$@"; do
  case $previous in
    --nodes) node=$argument ;;
    --output | --output-file) output=$argument ;;
  esac
  previous=$argument
done
case "$*" in
  *"gen secrets"* | *"gen config"*) echo generated > "$output" ;;
  *" version"*)
    [ -f "$STATE/$node" ] || exit 1
    printf 'Client:\n\tTag:         v9.9.9\nServer:\n'
    cat "$STATE/$node.runs" 2>/dev/null || true ;;
  *"get extensions"*) cat "$STATE/$node.runs" 2>/dev/null || true ;;
  *"apply-config --insecure"*) touch "$STATE/$node" ;;
  *"etcd members"*) [ -f "$STATE/etcd" ] ;;
  *" bootstrap"*) [ -f "$STATE/$node" ] && touch "$STATE/etcd" ;;
  *" kubeconfig "*) [ -f "$STATE/etcd" ] && echo kubeconfig > "$LABC_SECRETS/kubeconfig" ;;
esac
"#;

/// A folder with the compiled scripts, a false `talosctl`, and room for secrets.
struct Bench {
    root: PathBuf,
    plane: Plane,
}

impl Bench {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("labc-scripts-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let bench = Bench {
            plane: compile(),
            root,
        };
        for file in &bench.plane.files {
            let bytes = match &file.content {
                Content::Text(text) => {
                    let lines = text.lines.iter().map(|line| format!("{}\n", line.text));
                    lines.collect::<String>()
                }
                _ => "patch\n".to_owned(),
            };
            bench.write(&file.path, &bytes, file.executable);
        }
        bench.write("bin/talosctl", TALOSCTL, true);
        bench.write("state/calls", "", false);
        bench
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn write(&self, path: &str, text: &str, executable: bool) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
    }

    fn run(&self, script: &str, arguments: &[&str]) -> Output {
        self.run_with(script, arguments, Some("secrets"))
    }

    fn run_with(&self, script: &str, arguments: &[&str], secrets: Option<&str>) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let mut command = Command::new(self.path("out/talos").join(script));
        command
            .args(arguments)
            .current_dir("/")
            .env("PATH", path)
            .env("STATE", self.path("state"))
            .env("TRIES", "2")
            .env("PAUSE", "0")
            .env_remove("LABC_SECRETS")
            .env_remove("MODE");
        if let Some(secrets) = secrets {
            command.env("LABC_SECRETS", self.path(secrets));
        }
        command.output().expect("bash runs the script")
    }

    /// Runs a script that must succeed, and returns how it called `talosctl`, with `$SECRETS` and `$HERE` for its
    /// folders.
    fn calls(&self, script: &str, arguments: &[&str]) -> Vec<String> {
        self.write("state/calls", "", false);
        let output = self.run(script, arguments);
        assert!(
            output.status.success(),
            "{script}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let secrets = self.path("secrets").display().to_string();
        let here = self.path("out/talos").display().to_string();
        let calls = fs::read_to_string(self.path("state/calls")).expect("calls");
        let calls = calls.replace(&secrets, "$SECRETS").replace(&here, "$HERE");
        calls.lines().map(str::to_owned).collect()
    }

    /// The node answers with the certificates of its config.
    fn is_up(&self, address: &str) {
        self.write(&format!("state/{address}"), "", false);
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn compile() -> Plane {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let source = sources.add("lab.toml".to_owned(), LAB.into(), SourceKind::Lab);
    let tree = toml::read(source, LAB, &mut diagnostics);
    let tree = with_defaults(tree, &mut sources, &mut diagnostics);
    let read = sections(&tree, &mut diagnostics);
    let sections = read.unwrap_or_else(|| panic!("{}", text(&diagnostics, &sources, Colour::No)));
    let machines = intents(
        &sections.cluster,
        &sections.network,
        &sections.machines,
        &sections.talos,
        &[],
        &mut diagnostics,
    );
    let name = &sections.identity.name.value;
    let plane = files(&machines, name, &mut diagnostics);
    assert!(
        !diagnostics.has_errors(),
        "{}",
        text(&diagnostics, &sources, Colour::No)
    );
    plane
}

fn with(calls: &[String], part: &str) -> Vec<String> {
    calls
        .iter()
        .filter(|call| call.contains(part))
        .cloned()
        .collect()
}

#[test]
fn generate_gives_each_node_its_patches_in_order() {
    let bench = Bench::new("generate");
    let calls = bench.calls("generate.sh", &[]);
    assert_eq!(
        calls[0],
        "gen secrets --talos-version v1.10 --output-file $SECRETS/talos/secrets.yaml"
    );
    assert_eq!(
        calls[1],
        "gen config home https://192.168.1.10:6443 --with-secrets $SECRETS/talos/secrets.yaml \
         --talos-version v1.10 --kubernetes-version 1.34.1 --with-docs=false --with-examples=false \
         --output-types controlplane --output $SECRETS/talos/generated/cp-1.yaml --force \
         --config-patch @$HERE/patches/all.yaml --config-patch @$HERE/patches/nodes/cp-1.yaml"
    );
    assert_eq!(
        calls[2],
        "validate --config $SECRETS/talos/generated/cp-1.yaml --mode metal"
    );
    assert!(calls[7].contains("--output-types worker "), "{}", calls[7]);
    assert_eq!(
        calls[10..],
        [
            "--talosconfig $SECRETS/talos/generated/talosconfig config endpoint 192.168.1.11 192.168.1.12 192.168.1.13",
            "--talosconfig $SECRETS/talos/generated/talosconfig config node 192.168.1.11",
        ]
    );
    assert!(
        with(&calls, "worker-2").is_empty(),
        "an offline node is left out"
    );
    let mode = fs::metadata(bench.path("secrets/talos/generated/cp-1.yaml"));
    let mode = mode.expect("it was generated").permissions().mode();
    assert_eq!(mode & 0o077, 0, "nobody else may read a machine config");
    let again = bench.calls("generate.sh", &[]);
    assert!(
        with(&again, "gen secrets").is_empty(),
        "secrets are made once"
    );
    assert_eq!(again.len(), calls.len() - 1);
}

#[test]
fn generate_refuses_a_folder_that_git_would_commit() {
    let bench = Bench::new("git");
    let git = Command::new("git")
        .arg("init")
        .arg(bench.path("repository"))
        .output();
    if !git.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no git");
        return;
    }
    let output = bench.run_with("generate.sh", &[], Some("repository/secrets"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("lies in a Git repository that does not ignore it"),
        "{said}"
    );
    bench.write("repository/.gitignore", "secrets\n", false);
    let output = bench.run_with("generate.sh", &[], Some("repository/secrets"));
    assert!(output.status.success(), "an ignored folder is fine");
}

#[test]
fn apply_installs_new_nodes_and_updates_the_others() {
    let bench = Bench::new("apply");
    bench.calls("generate.sh", &[]);
    bench.is_up("192.168.1.12");
    let calls = bench.calls("apply.sh", &["cp-1=192.168.1.77", "cp-2", "worker-1"]);
    let applied = with(&calls, "apply-config");
    assert_eq!(
        applied,
        [
            "--nodes 192.168.1.77 apply-config --insecure --file $SECRETS/talos/generated/cp-1.yaml",
            "--talosconfig $SECRETS/talos/generated/talosconfig --endpoints 192.168.1.12 --nodes 192.168.1.12 \
             apply-config --file $SECRETS/talos/generated/cp-2.yaml --mode auto",
            "--nodes worker-1.example.org apply-config --insecure --file $SECRETS/talos/generated/worker-1.yaml",
        ]
    );
    bench.is_up("192.168.1.11");
    bench.is_up("192.168.1.13");
    let again = bench.calls("apply.sh", &[]);
    assert_eq!(with(&again, "apply-config").len(), 4, "all online nodes");
    assert!(
        with(&again, "--insecure").is_empty(),
        "installed nodes are not installed again"
    );
}

#[test]
fn bootstrap_happens_once_in_the_life_of_a_cluster() {
    let bench = Bench::new("bootstrap");
    bench.calls("generate.sh", &[]);
    bench.is_up("192.168.1.11");
    let calls = bench.calls("bootstrap.sh", &[]);
    let bootstraps = with(&calls, " bootstrap");
    assert_eq!(
        bootstraps,
        [
            "--talosconfig $SECRETS/talos/generated/talosconfig --endpoints 192.168.1.11 --nodes 192.168.1.11 bootstrap"
        ]
    );
    assert!(
        bench.path("secrets/kubeconfig").exists(),
        "the kubeconfig is fetched"
    );
    let again = bench.calls("bootstrap.sh", &[]);
    assert!(with(&again, " bootstrap").is_empty(), "etcd runs already");
    assert!(
        !with(&again, " kubeconfig ").is_empty(),
        "the kubeconfig is fetched again"
    );
}

#[test]
fn bootstrap_gives_up_on_a_node_that_never_answers() {
    let bench = Bench::new("silent");
    bench.calls("generate.sh", &[]);
    let output = bench.run("bootstrap.sh", &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("192.168.1.11 could not be bootstrapped"),
        "{said}"
    );
}

#[test]
fn upgrade_goes_node_by_node_and_leaves_alone_what_is_done() {
    let bench = Bench::new("upgrade");
    bench.calls("generate.sh", &[]);
    let node = bench.plane.nodes.values().next().expect("there is a node");
    let addresses = [
        "192.168.1.11",
        "192.168.1.12",
        "192.168.1.13",
        "worker-1.example.org",
    ];
    for address in addresses {
        bench.is_up(address);
        bench.write(
            &format!("state/{address}.runs"),
            "\tTag:         v1.11.5\n",
            false,
        );
    }
    let done = format!(
        "\tTag:         v1.11.6\n        version: {}\n",
        node.schematic
    );
    bench.write("state/192.168.1.12.runs", &done, false);
    let calls = bench.calls("upgrade.sh", &[]);
    let talosconfig = "--talosconfig $SECRETS/talos/generated/talosconfig";
    let at = |address: &str| format!("{talosconfig} --endpoints {address} --nodes {address}");
    let health = format!("{} health --wait-timeout 15m", at("192.168.1.11"));
    let upgrade = |address: &str| format!("{} upgrade --image {}", at(address), node.installer);
    let acts: Vec<String> = calls
        .into_iter()
        .filter(|call| !call.ends_with(" version") && !call.contains("get extensions"))
        .collect();
    assert_eq!(
        acts,
        [
            upgrade("192.168.1.11"),
            health.clone(),
            upgrade("192.168.1.13"),
            health.clone(),
            upgrade("worker-1.example.org"),
            health,
            format!("{} upgrade-k8s --to 1.34.1", at("192.168.1.11")),
        ]
    );
    let one = bench.calls("upgrade.sh", &["talos", "cp-3"]);
    assert_eq!(with(&one, " upgrade --image").len(), 1);
    assert!(with(&one, "upgrade-k8s").is_empty());
    let kubernetes = bench.calls("upgrade.sh", &["kubernetes"]);
    assert_eq!(kubernetes.len(), 1, "{kubernetes:?}");
}

#[test]
fn every_script_says_what_it_lacks_before_it_acts() {
    let bench = Bench::new("lacking");
    for script in ["generate.sh", "apply.sh", "bootstrap.sh", "upgrade.sh"] {
        let output = bench.run_with(script, &[], None);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{script}");
        assert!(said.contains("set LABC_SECRETS"), "{script}: {said}");
    }
    for script in ["apply.sh", "bootstrap.sh", "upgrade.sh"] {
        let output = bench.run(script, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("generate.sh first"), "{script}: {said}");
    }
    fs::remove_file(bench.path("bin/talosctl")).expect("it was there");
    let output = bench.run("generate.sh", &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let has_its_own = Path::new("/usr/bin/talosctl").exists();
    assert!(
        has_its_own || said.contains("talosctl is not installed"),
        "{said}"
    );
    let calls = fs::read_to_string(bench.path("state/calls")).expect("calls");
    assert!(calls.is_empty(), "nothing was asked of any node:\n{calls}");
}

#[test]
fn scripts_are_clean() {
    let bench = Bench::new("shellcheck");
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
