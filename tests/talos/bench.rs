//! A lab of `tests/talos/labs/`, compiled for given versions, and Talos' own decoders, which judge what comes of it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use labc::diag::Diagnostics;
use labc::diag::report::{Colour, text};
use labc::emit::yaml;
use labc::lower::talos::{Plane, files};
use labc::lower::{Content, OutFile};
use labc::render::machine::{Machines, RawPatch, intents};
use labc::resolve::lab::{Need, NodeName, Reach, Role};
use labc::resolve::plan::{Sections, sections, with_defaults};
use labc::source::{SourceKind, Sources};
use labc::syntax::toml;
use labc::value::{Node, Value};

/// What is tested: the lab, the Talos of its nodes, its contract, a Kubernetes that this Talos runs.
pub(crate) struct Case {
    pub(crate) lab: &'static str,
    pub(crate) talos: &'static str,
    pub(crate) contract: &'static str,
    pub(crate) kubernetes: &'static str,
}

pub(crate) const fn case(
    lab: &'static str,
    talos: &'static str,
    contract: &'static str,
    kubernetes: &'static str,
) -> Case {
    Case {
        lab,
        talos,
        contract,
        kubernetes,
    }
}

pub(crate) fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The minor number of a version like `v1.11.6` or `1.11`.
pub(crate) fn minor(version: &str) -> u32 {
    let number = version.trim_start_matches('v');
    let minor = number.split('.').nth(1).and_then(|part| part.parse().ok());
    minor.unwrap_or_else(|| panic!("{version} has a minor number"))
}

/// The text of a lab for these versions: conditional lines kept or dropped, versions filled in.
pub(crate) fn lab_text(case: &Case) -> String {
    let source = fs::read_to_string(folder(&format!("tests/talos/labs/{}.toml", case.lab)));
    let mut out = String::new();
    for line in source.expect("the lab is there").lines() {
        let line = match condition(line, case) {
            Some((true, rest)) => rest,
            Some((false, _)) => continue,
            None => line,
        };
        writeln!(out, "{line}").expect("a string takes it");
    }
    out.replace("${talos}", case.talos)
        .replace("${contract}", case.contract)
        .replace("${kubernetes}", case.kubernetes)
}

/// `#1.10+ rest` and its like: whether the rest counts.
fn condition<'a>(line: &'a str, case: &Case) -> Option<(bool, &'a str)> {
    let (head, rest) = line.strip_prefix('#')?.split_once(' ')?;
    let (version, number) = match head.strip_prefix('c') {
        Some(number) => (case.contract, number),
        None => (case.talos, head),
    };
    if let Some(since) = number.strip_suffix('+') {
        return since
            .starts_with("1.")
            .then(|| (minor(version) >= minor(since), rest));
    }
    let until = number.strip_suffix('-')?;
    until
        .starts_with("1.")
        .then(|| (minor(version) <= minor(until), rest))
}

pub(crate) struct Compiled {
    pub(crate) plane: Plane,
    pub(crate) machines: Machines,
    pub(crate) sources: Sources,
    pub(crate) diagnostics: Diagnostics,
}

pub(crate) fn compile(lab: &str, needs: &str, raw: &[RawPatch]) -> Compiled {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let source = sources.add("lab.toml".to_owned(), lab.into(), SourceKind::Lab);
    let tree = none_to_null(toml::read(source, lab, &mut diagnostics));
    let tree = with_defaults(tree, &mut sources, &mut diagnostics);
    let read = sections(&tree, &mut diagnostics);
    let sections = read.unwrap_or_else(|| {
        panic!("{}", text(&diagnostics, &sources, Colour::No));
    });
    let source = sources.add("module.toml".to_owned(), needs.into(), SourceKind::Lab);
    let needs = read_needs(&toml::read(source, needs, &mut diagnostics), &sections);
    let mut machines = intents(
        &sections.cluster,
        &sections.network,
        &sections.machines,
        &sections.talos,
        &needs,
        &mut diagnostics,
    );
    let name = &sections.identity.name.value;
    machines.raw = raw.to_vec();
    let plane = files(&machines, name, &mut diagnostics);
    Compiled {
        plane,
        machines,
        sources,
        diagnostics,
    }
}

/// What evaluating `${{ none }}` gives.
fn none_to_null(mut node: Node) -> Node {
    node.value = match node.value {
        Value::Str(text) if text == "${{ none }}" => Value::Null,
        Value::List(items) => Value::List(items.into_iter().map(none_to_null).collect()),
        Value::Map(mut map) => {
            for (_, entry) in map.iter_mut() {
                entry.node = none_to_null(std::mem::take(&mut entry.node));
            }
            Value::Map(map)
        }
        value => value,
    };
    node
}

fn read_needs(tree: &Node, sections: &Sections) -> Vec<Need> {
    let tables = tree.get("need").and_then(Node::as_list).unwrap_or_default();
    tables
        .iter()
        .map(|table| read_need(table.clone(), sections))
        .collect()
}

fn read_need(mut words: Node, sections: &Sections) -> Need {
    let Value::Map(map) = &mut words.value else {
        panic!("a need is a table");
    };
    let mut take = |key: &str| map.remove(key).expect("a need has it").node;
    let owner = take("owner").as_str().expect("text").to_owned();
    let on = take("on");
    let all = sections.machines.iter();
    let (reach, nodes) = match on.as_str() {
        Some("all") => (Reach::All, all.map(|(name, _)| name.clone()).collect()),
        Some(word) => {
            let role = [Role::ControlPlane, Role::Worker]
                .into_iter()
                .find(|role| role.word() == word)
                .expect("a role");
            let nodes = all.filter(|(_, machine)| machine.role.value == role);
            (
                Reach::Role(role),
                nodes.map(|(name, _)| name.clone()).collect(),
            )
        }
        None => {
            let names = on.as_list().expect("a list of names").iter();
            let name = |node: &Node| NodeName(node.as_str().expect("text").to_owned());
            (Reach::Nodes, names.map(name).collect())
        }
    };
    Need {
        owner,
        nodes,
        reach,
        words,
    }
}

/// The bytes of a file.
pub(crate) fn content(file: &OutFile) -> Vec<u8> {
    match &file.content {
        Content::Yaml(documents) => yaml::print(documents).into_bytes(),
        Content::Text(text) => {
            let lines = text.lines.iter().map(|line| format!("{}\n", line.text));
            lines.collect::<String>().into_bytes()
        }
        Content::Bytes(bytes, _) => bytes.clone(),
    }
}

/// A folder that goes when the test ends.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("labc-talos-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder for the test");
        Scratch(path)
    }

    pub(crate) fn write(&self, plane: &Plane) {
        for file in &plane.files {
            let path = self.0.join(&file.path);
            fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
            fs::write(&path, content(file)).expect("a file");
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The folder with Talos' decoders; nothing, after a line that says so, where they cannot be built.
pub(crate) fn oracles() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER
        .get_or_init(|| built("talos", "Talos' own decoder"))
        .clone()
}

/// What `tests/tools.sh` builds under a name; nothing, after a line that says so, where it cannot be built.
pub(crate) fn built(tool: &str, what: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("LABC_TOOLS").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/labc-tools"),
        PathBuf::from,
    );
    let built = Command::new("sh")
        .args([folder("tests/tools.sh").as_os_str(), tool.as_ref()])
        .output();
    match built {
        Ok(output) if output.status.success() => Some(tools.join(tool)),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            let why = why.lines().last().unwrap_or("no reason given");
            eprintln!("skipped: {what} cannot be built here ({why})");
            None
        }
        Err(error) => {
            eprintln!("skipped: {what} cannot be built here ({error})");
            None
        }
    }
}

pub(crate) fn run_json(
    program: &Path,
    command: &str,
    input: &serde_json::Value,
) -> serde_json::Value {
    let mut child = Command::new(program)
        .arg(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the decoder starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin
        .write_all(input.to_string().as_bytes())
        .expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the decoder failed");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

pub(crate) fn errors_of(compiled: &Compiled) -> String {
    text(&compiled.diagnostics, &compiled.sources, Colour::No)
}

pub(crate) fn needs_of(lab: &str) -> String {
    fs::read_to_string(folder(&format!("tests/talos/labs/{lab}.needs.toml"))).unwrap_or_default()
}

/// The documents of a machine config, as Talos has them after all patches.
pub(crate) fn documents(config: &str) -> Vec<Node> {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let source = sources.add("config.yaml".to_owned(), config.into(), SourceKind::Lab);
    let documents = labc::syntax::yaml::read(source, config, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "Talos prints YAML");
    documents
}

pub(crate) fn json(node: &Node) -> serde_json::Value {
    use serde_json::Value as Json;
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Uint(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::Str(text) => Json::from(text.as_str()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, entry)| (key.to_string(), json(&entry.node)));
            Json::Object(entries.collect())
        }
    }
}

/// What a line of a script sets a variable to.
pub(crate) fn set_by(script: &str, variable: &str) -> String {
    let line = script
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{variable}=")));
    line.unwrap_or_else(|| panic!("no line sets {variable}"))
        .to_owned()
}

/// The question to Talos' own decoder that the `generate.sh` of a compiled tree asks.
pub(crate) fn asked_by_scripts(tree: &Path) -> serde_json::Value {
    let generate = fs::read_to_string(tree.join("talos/generate.sh")).expect("a script");
    if generate.contains("talhelper genconfig") {
        return asked_by_talconfig(tree);
    }
    let calls = generate
        .lines()
        .filter_map(|line| line.strip_prefix("generate "));
    let nodes = calls.map(|call| {
        let mut words = call.split(' ');
        let (name, role) = (words.next(), words.next());
        let folder = tree.join("talos/patches");
        let patches: Vec<String> = words
            .map(|path| folder.join(path).display().to_string())
            .collect();
        serde_json::json!({ "name": name, "role": role, "patches": patches })
    });
    serde_json::json!({
        "name": set_by(&generate, "cluster"),
        "endpoint": set_by(&generate, "endpoint"),
        "contract": set_by(&generate, "contract"),
        "kubernetes": set_by(&generate, "kubernetes"),
        "nodes": nodes.collect::<Vec<_>>(),
    })
}

/// The same question, where the scripts leave it to talhelper: its talconfig.yaml leads to the patches, or to those that
/// stand in its own spelling for them.
fn asked_by_talconfig(tree: &Path) -> serde_json::Value {
    let text = fs::read_to_string(tree.join("talos/talconfig.yaml")).expect("a talconfig");
    let talconfig = json(&documents(&text)[0]);
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let nodes = list(&talconfig["nodes"]).into_iter().map(|node| {
        let (role, group) = match node["controlPlane"] == true {
            true => ("controlplane", "controlPlane"),
            false => ("worker", "worker"),
        };
        let shared = list(&talconfig[group]["patches"]);
        let patches = shared.into_iter().chain(list(&node["patches"]));
        let path = |patch: serde_json::Value| {
            let path = patch.as_str().expect("text").trim_start_matches("@./");
            let path = path.replacen("talhelper/", "patches/", 1);
            tree.join("talos").join(path).display().to_string()
        };
        let patches: Vec<String> = patches.map(path).collect();
        serde_json::json!({ "name": node["hostname"], "role": role, "patches": patches })
    });
    let text = |key: &str| talconfig[key].as_str().expect("text").to_owned();
    let contract = format!("v1.{}", minor(&text("talosVersion")));
    serde_json::json!({
        "name": text("clusterName"),
        "endpoint": text("endpoint"),
        "contract": contract,
        "kubernetes": text("kubernetesVersion").trim_start_matches('v'),
        "nodes": nodes.collect::<Vec<_>>(),
    })
}
