//! Runs `out/bootstrap/provision.sh` with programs in the places of `talosctl`, `helm`, `kubectl` and `sops` that write
//! down how they were called.

#![allow(
    clippy::disallowed_methods,
    reason = "a test runs the script in a folder of its own"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use labc::emit::emit;
use labc::world::{Folder, Mode, World};
use labc::{Product, compile};

/// What the script may use beside what it says it needs.
const BASICS: [&str; 8] = [
    "bash", "cat", "cut", "dirname", "grep", "sleep", "tail", "wc",
];

/// Writes down its name, its arguments and what it applies; fails once where the call matches `$FAIL_ONCE`. Whoever
/// reads from a pipe writes after whoever fills it.
const PROGRAM: &str = r#"#!/usr/bin/env bash
name="${0##*/}"
input=""
case "$*" in *--filename=-*) input="$(cat)" ;; esac
echo "$name${1:+ $*}" >>"$CALLS"
if [ -n "${FAIL_ONCE:-}" ] && [ ! -e "$CALLS.failed" ] && [[ "$name $*" == *$FAIL_ONCE* ]]; then
  touch "$CALLS.failed"
  echo "$name does not work yet" >&2
  exit 1
fi
case "$name $*" in
  "kubectl create secret"*) echo "manifest of ${4}" ;;
  "kubectl label"*) echo "$input, labelled" ;;
  "sops"*) echo "decrypted ${*: -1}" ;;
  *"--filename=-") echo "  < $input" >>"$CALLS" ;;
esac
"#;

/// A tree on disk, with a folder of programs and one of secrets.
struct Stage {
    folder: PathBuf,
}

impl Stage {
    /// Writes the tree of a lab; the scripts of Talos write down that they ran.
    fn new(name: &str, product: &Product) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("provision-{name}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the last run can be removed");
        }
        let stage = Stage { folder };
        let tree = Folder::create(&stage.folder).expect("a folder");
        for output in emit(&product.tree) {
            let written = tree.put(&output.path, &output.bytes, output.mode());
            written.expect("it is written");
        }
        for script in ["generate.sh", "apply.sh", "bootstrap.sh"] {
            stage.program(&format!("out/talos/{script}"));
        }
        for program in ["talosctl", "helm", "kubectl", "sops"] {
            stage.program(&format!("bin/{program}"));
        }
        for basic in BASICS.iter().chain(&["touch", "env"]) {
            let link = stage.folder.join("bin").join(basic);
            symlink(find(basic), link).expect("it can be linked");
        }
        stage
    }

    /// The root lab, or a lab below `tests/`, with every first secret in its place.
    fn complete(name: &str, product: &Product) -> Self {
        let stage = Stage::new(name, product);
        for secret in first_secrets(product) {
            stage.write(&format!("secrets/{secret}"), "top-secret");
        }
        stage
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        let parent = path.parent().expect("it is below the folder");
        fs::create_dir_all(parent).expect("the folder is made");
        fs::write(path, text).expect("it is written");
    }

    fn program(&self, path: &str) {
        self.write(path, PROGRAM);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.folder.join(path), mode).expect("it is made a program");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.folder.join("out/bootstrap/provision.sh"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", self.folder.join("bin"))
            .env("CALLS", self.folder.join("calls"))
            .env("LABC_SECRETS", self.folder.join("secrets"))
            .env("PAUSE", "0")
            .env("TRIES", "3");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        run(&mut self.command(arguments))
    }

    /// The calls since the last time, with the names of the folders.
    fn calls(&self) -> Vec<String> {
        let path = self.folder.join("calls");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(&path);
        let folder = self.folder.display().to_string();
        text.lines()
            .map(|line| line.replace(&folder, "."))
            .collect()
    }
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the script runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_success(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

/// Where a program of the system is.
fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("there is a PATH");
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{program} is not installed"))
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn root_lab() -> Product {
    product(&World::open(folder("")).expect("the folder is there"))
}

/// A lab that brings its own pod network and cluster DNS, and whose repository is private.
fn corner_lab() -> Product {
    product(&World::open(folder("tests/provision")).expect("the folder is there"))
}

fn product(world: &World) -> Product {
    let compiled = compile(world).expect("the lab can be read");
    compiled.product.expect("the lab compiles")
}

/// The files of the corner lab, with texts of its `lab.toml` replaced by others.
fn corner_with(changes: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let disk = World::open(folder("tests/provision")).expect("the folder is there");
    let mut files = BTreeMap::new();
    for path in disk.list("").expect("it can be listed") {
        let bytes = fs::read(folder("tests/provision").join(&path)).expect("it can be read");
        files.insert(path, bytes);
    }
    let lab = files.get_mut("lab.toml").expect("the lab is there");
    let mut text = String::from_utf8(lab.clone()).expect("it is text");
    for (old, new) in changes {
        assert!(text.contains(old), "{old} is not in the lab");
        text = text.replace(old, new);
    }
    *lab = text.into_bytes();
    files
}

/// The files of all secrets that a lab declares as manual, as `NAMESPACE/NAME/KEY`.
fn first_secrets(product: &Product) -> Vec<String> {
    let mut paths = Vec::new();
    for secret in &product.lab.secrets {
        for key in &secret.keys {
            paths.push(format!("{}/{}/{key}", secret.namespace, secret.name));
        }
    }
    if let Some(id) = &product.lab.sections.identity.repository.secret {
        let engine = &product.lab.components[&product.lab.capabilities["gitops-engine"]];
        for key in product.lab.sections.secrets[&id.value].keys.keys() {
            paths.push(format!("{}/{}/{key}", engine.namespace(), id.value));
        }
    }
    paths
}

/// The edits that make Flux the engine of the corner lab.
const FLUX: [(&str, &str); 3] = [
    ("engine = \"argocd\"", "engine = \"flux\""),
    (
        "[infrastructure.argocd]\nversion = \"9.7.1\"\nmanifests = [\"extra/project.yaml\"]",
        "[infrastructure.flux]\nversion = \"0.49.0\"",
    ),
    (
        "keys = [\"sshPrivateKey\"]",
        "keys = [\"username\", \"password\"]",
    ),
];

/// The place of the only call that begins with these words.
fn place(calls: &[String], words: &str) -> usize {
    let found: Vec<usize> = (0..calls.len())
        .filter(|index| calls[*index].starts_with(words))
        .collect();
    assert_eq!(found.len(), 1, "{words}: {calls:#?}");
    found[0]
}

#[test]
fn a_cluster_comes_up_in_this_order() {
    comes_up(&corner_lab(), "argocd");
}

#[test]
fn a_cluster_of_flux_comes_up_in_this_order() {
    comes_up(&product(&World::Memory(corner_with(&FLUX))), "flux");
}

/// Every call of a whole run is what is committed.
fn comes_up(product: &Product, engine: &str) {
    let stage = Stage::complete(&format!("order-{engine}"), product);
    assert_success(&stage.run(&["worker-1=10.1.0.150"]));
    let calls = stage.calls().join("\n") + "\n";
    let golden = folder(&format!("tests/provision/calls-{engine}.txt"));
    if std::env::var_os("LABC_BLESS").is_some_and(|value| value == "1") {
        fs::write(&golden, &calls).expect("it can be written");
    }
    let expected = fs::read_to_string(golden).expect("the calls are committed");
    assert_eq!(calls, expected);
    assert!(!stage.folder.join("pwned").exists(), "a value was run");
}

#[test]
fn nothing_waits_for_nodes_before_the_pod_network_is_there() {
    let stage = Stage::complete("network", &corner_lab());
    assert_success(&stage.run(&[]));
    let calls = stage.calls();
    let network = place(&calls, "helm upgrade --install pod-net ");
    let health = calls
        .iter()
        .position(|call| call.contains(" health "))
        .expect("health");
    assert!(network < health, "{calls:#?}");
    assert!(
        place(&calls, "helm upgrade --install argocd ") > network,
        "{calls:#?}"
    );
    assert!(
        !calls[..network]
            .iter()
            .any(|call| call.contains(" wait ") || call.contains("rollout")),
        "{calls:#?}"
    );
}

#[test]
fn charts_are_installed_as_the_engine_will_find_them() {
    let product = root_lab();
    let stage = Stage::complete("root", &product);
    assert_success(&stage.run(&[]));
    let calls = stage.calls();
    let argocd = &product.lab.components["argocd"];
    let chart = argocd.chart.as_ref().expect("it has a chart");
    let call = &calls[place(&calls, "helm ")];
    for expected in [
        "upgrade --install argocd argo-cd ".to_owned(),
        format!("--version {} ", chart.version.as_str().expect("a version")),
        "--namespace argocd ".to_owned(),
        format!(
            "--repo {} ",
            chart.repository.as_str().expect("a repository")
        ),
        "--values ./out/infrastructure/argocd/values.yaml".to_owned(),
    ] {
        assert!(call.contains(&expected), "{expected} is not in {call}");
    }
    assert!(
        stage
            .folder
            .join("out/infrastructure/argocd/values.yaml")
            .is_file()
    );
    let last = calls.last().expect("there are calls");
    assert!(
        last.ends_with("--filename=./out/bootstrap/root.yaml"),
        "{last}"
    );
    let mentioned = calls.iter().flat_map(|call| call.split(['=', ' ']));
    for path in mentioned.filter(|word| word.starts_with("./out/")) {
        assert!(
            stage.folder.join(path).exists(),
            "{path} is not in the tree"
        );
    }
}

#[test]
fn what_is_missing_is_listed_before_a_machine_is_touched() {
    let product = corner_lab();
    let stage = Stage::complete("missing", &product);
    for secret in ["argocd/deploy-key/sshPrivateKey", "notes/notes/token"] {
        fs::remove_file(stage.folder.join("secrets").join(secret)).expect("it was there");
    }
    stage.write("secrets/notes/notes/salt", "");
    fs::remove_file(stage.folder.join("bin/helm")).expect("it was there");
    let output = stage.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    for missing in [
        "helm",
        "argocd/deploy-key/sshPrivateKey",
        "notes/notes/token",
        "notes/notes/salt",
    ] {
        assert!(said.contains(missing), "{missing} is not in {said}");
    }
    assert_eq!(stage.calls(), Vec::<String>::new());
}

#[test]
fn without_a_folder_of_secrets_all_of_them_are_missing() {
    let stage = Stage::complete("unset", &corner_lab());
    for arguments in [&[][..], &["root"]] {
        let output = run(stage.command(arguments).env_remove("LABC_SECRETS"));
        assert_eq!(output.status.code(), Some(1));
        let said = said(&output);
        assert!(said.contains("the variable LABC_SECRETS"), "{said}");
        assert!(said.contains("$LABC_SECRETS/notes/notes/token"), "{said}");
        assert_eq!(stage.calls(), Vec::<String>::new());
    }
}

#[test]
fn a_second_run_is_the_first_one_again() {
    let stage = Stage::complete("again", &corner_lab());
    assert_success(&stage.run(&[]));
    let first = stage.calls();
    assert_success(&stage.run(&[]));
    assert_eq!(first, stage.calls());
}

#[test]
fn a_failure_ends_the_run() {
    let stage = Stage::complete("failure", &corner_lab());
    let output = run(stage
        .command(&[])
        .env("FAIL_ONCE", "helm upgrade --install pod-net"));
    assert_eq!(output.status.code(), Some(1));
    let calls = stage.calls();
    let last = calls.last().expect("there are calls");
    assert!(
        last.starts_with("helm upgrade --install pod-net "),
        "{last}"
    );
}

#[test]
fn kinds_that_are_not_served_yet_are_tried_again() {
    let stage = Stage::complete("retry", &corner_lab());
    for what in ["argocd/config", "root.yaml", "--raw /readyz"] {
        assert_success(&run(stage.command(&[]).env("FAIL_ONCE", what)));
        let calls = stage.calls();
        let tries = calls.iter().filter(|call| call.ends_with(what)).count();
        assert_eq!(tries, 2, "{what}: {calls:#?}");
        fs::remove_file(stage.folder.join("calls.failed")).expect("it failed once");
    }
    let output = run(stage
        .command(&["root"])
        .env("TRIES", "1")
        .env("FAIL_ONCE", "root.yaml"));
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("gave up on"), "{}", said(&output));
}

#[test]
fn values_of_secrets_are_no_arguments() {
    let stage = Stage::complete("arguments", &corner_lab());
    let output = stage.run(&[]);
    assert_success(&output);
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &said(&output);
    assert!(!told.contains("top-secret"), "{told}");
    let calls = stage.calls().join("\n");
    assert!(!calls.contains("top-secret"), "{calls}");
    assert!(calls.contains("--from-file=token="), "{calls}");
}

#[test]
fn a_line_break_behind_a_value_is_noticed() {
    let stage = Stage::complete("line-break", &corner_lab());
    stage.write("secrets/notes/notes/token", "top-secret\n");
    stage.write(
        "secrets/argocd/deploy-key/sshPrivateKey",
        "-----\nkey\n-----\n",
    );
    let output = stage.run(&["check"]);
    assert_success(&output);
    let said = said(&output);
    assert!(
        said.contains("notes/token ends with a line break"),
        "{said}"
    );
    assert!(!said.contains("sshPrivateKey"), "{said}");
}

#[test]
fn steps_are_listed_and_run_alone() {
    let stage = Stage::complete("steps", &corner_lab());
    let list = run(stage.command(&["--list"]).env_remove("LABC_SECRETS"));
    assert_success(&list);
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let expected = [
        "check",
        "generate",
        "apply",
        "bootstrap",
        "api",
        "namespaces",
        "components",
        "health",
        "secrets",
        "config",
        "root",
    ];
    assert_eq!(names, expected);
    let mut alone = Vec::new();
    for name in names {
        assert_success(&stage.run(&[name]));
        alone.extend(stage.calls());
    }
    assert_success(&stage.run(&[]));
    assert_eq!(alone, stage.calls());
    assert_success(&stage.run(&["apply", "cp-1=10.1.0.150"]));
    assert_eq!(stage.calls(), ["apply.sh cp-1=10.1.0.150"]);
    let unknown = stage.run(&["store"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains("there is no step store"));
}

/// A SOPS file as it lies in a tree: names in clear, values not.
const ENCRYPTED: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: notes
  namespace: notes
stringData:
  salt: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
  token: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
sops:
  mac: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
  version: 3.11.0
";

#[test]
fn a_sops_file_of_what_runs_first_is_decrypted_on_the_way() {
    let bootstrap = [
        (
            "[secrets.notes]\nfrom = \"manual\"",
            "[secrets.notes]\nfrom = \"sops\"",
        ),
        (
            "[infrastructure.resolver]",
            "[infrastructure.resolver]\nlogin = \"notes\"\nnamespace = \"notes\"",
        ),
    ];
    let mut files = corner_with(&[FLUX.as_slice(), &bootstrap].concat());
    files.insert("secrets/notes.yaml".to_owned(), ENCRYPTED.into());
    let module = files
        .get_mut("modules/resolver/module.toml")
        .expect("the module is there");
    module.extend_from_slice(b"\n[inputs.login]\ntype = \"secret(token)\"\ndoc = \"A login.\"\n");
    let product = product(&World::Memory(files));
    let path = "out/infrastructure/resolver/manifests/secret-notes.yaml";
    let stage = Stage::new("sops", &product);
    for key in ["username", "password"] {
        stage.write(
            &format!("secrets/flux-system/deploy-key/{key}"),
            "top-secret",
        );
    }
    let output = stage.run(&["check"]);
    assert_eq!(output.status.code(), Some(1), "the age key is missing");
    assert!(
        said(&output).contains("flux-system/sops-age/age.agekey"),
        "{}",
        said(&output)
    );
    stage.write("secrets/flux-system/sops-age/age.agekey", "AGE-KEY");
    stage.calls();
    assert_success(&stage.run(&["check"]));
    assert_eq!(stage.calls(), [format!("sops --decrypt ./{path}")]);
    assert_success(&stage.run(&["secrets"]));
    let calls = stage.calls();
    assert!(
        calls.contains(&format!("sops --decrypt ./{path}")),
        "{calls:#?}"
    );
    assert!(
        calls.contains(&format!("  < decrypted ./{path}")),
        "{calls:#?}"
    );
    fs::remove_file(stage.folder.join("bin/sops")).expect("it was there");
    let output = stage.run(&["check"]);
    assert!(
        said(&output).contains("the program sops"),
        "{}",
        said(&output)
    );
}

#[test]
fn every_script_passes_shellcheck() {
    let Ok(version) = Command::new("shellcheck").arg("--version").output() else {
        eprintln!("skipped: shellcheck is not installed");
        return;
    };
    assert!(version.status.success());
    let flux = product(&World::Memory(corner_with(&FLUX)));
    for (name, product) in [
        ("root", root_lab()),
        ("corner", corner_lab()),
        ("flux", flux),
    ] {
        let stage =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("provision-shellcheck-{name}"));
        let tree = Folder::create(&stage).expect("a folder");
        let mut scripts = Vec::new();
        for output in emit(&product.tree) {
            if output.path.ends_with(".sh") {
                assert!(output.executable, "{} is no program", output.path);
                let written = tree.put(&output.path, &output.bytes, Mode::Program);
                written.expect("it is written");
                scripts.push(stage.join(&output.path));
            }
        }
        assert!(!scripts.is_empty());
        let output = run(Command::new("shellcheck").args(&scripts));
        let found = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{found}");
    }
    let scripts = committed_scripts();
    assert!(scripts.len() > 20, "{scripts:?}");
    let output = run(Command::new("shellcheck").args(&scripts));
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{found}");
}

/// The scripts in the trees of all labs.
fn committed_scripts() -> Vec<PathBuf> {
    let labs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labs");
    let mut folders = vec![labs];
    let mut scripts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of labs") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sh") {
                scripts.push(path);
            }
        }
    }
    scripts.sort();
    scripts
}
