//! `out/bootstrap/provision.sh`: how a cluster comes up, from machines that boot Talos to the engine that does the rest.
//!
//! The functions are shell as a person writes it; what this lab is stands between them, a line for each thing that
//! `lab.toml` says. Knows no cluster, and no value of any secret.

mod sequence;

use std::collections::BTreeMap;

use super::secret::{EngineUse, Provided, provided};
use super::shell::quoted;
use super::tree::{OUT, component_folder, resource_path, unit_folder};
use super::{Content, OutFile, Text, Tree, engine};
use crate::diag::Diagnostics;
use crate::link::{Linked, Part};
use crate::render::kinds::is_builtin;
use crate::resolve::component::Chart;
use crate::resolve::lab::{Engine, SecretSource, Talhelper};
use crate::resolve::{Component, Lab};
use crate::source::Origin;
use crate::syntax::yaml;
use crate::value::Node;

/// Where the script lies, beside the engine's entry points.
const FOLDER: &str = "out/bootstrap";

const FUNCTIONS: &str = include_str!("bootstrap/functions.sh");
const REPOSITORY: &str = include_str!("bootstrap/repository.sh");
const SOPS: &str = include_str!("bootstrap/sops.sh");
const RUN: &str = include_str!("bootstrap/run.sh");

/// A step of the script: its name, and what it does.
pub(super) type Step = (&'static str, &'static str);

/// The files beside the engine's entry points, for a tree that holds all else.
pub fn files(lab: &Lab, linked: &Linked, tree: &Tree) -> Vec<OutFile> {
    let script = OutFile {
        executable: true,
        ..OutFile::text(format!("{FOLDER}/provision.sh"), script(lab, linked, tree))
    };
    vec![script]
}

/// The steps of the script, in order.
pub(super) fn steps(lab: &Lab, linked: &Linked, tree: &Tree) -> Vec<Step> {
    let all = [
        (
            "check",
            "the programs and every first secret are there; touches nothing",
            true,
        ),
        ("generate", "make the machine config of every node", true),
        (
            "apply",
            "give each machine its config; NODE=ADDRESS where it has another address until it is installed",
            true,
        ),
        (
            "bootstrap",
            "start etcd on the first control plane, and fetch the kubeconfig",
            true,
        ),
        ("api", "wait until the Kubernetes API answers", true),
        (
            "namespaces",
            "make the namespaces, with their pod security",
            has_namespaces(tree),
        ),
        (
            "components",
            "install what must run before the engine, and the engine",
            !sequence::components(lab, linked).is_empty(),
        ),
        (
            "health",
            "wait until all nodes are Ready and Talos is content",
            true,
        ),
        (
            "secrets",
            "make the first secrets",
            provided(lab, linked).iter().any(|secret| secret.first),
        ),
        (
            "config",
            "configure the engine",
            engine_config(lab, linked).is_some(),
        ),
        ("root", "hand over to the engine", !roots(tree).is_empty()),
    ];
    let present = all.into_iter().filter(|(.., present)| *present);
    present.map(|(name, does, _)| (name, does)).collect()
}

/// The programs that the script calls.
pub(super) fn tools(lab: &Lab, linked: &Linked, tree: &Tree) -> Vec<&'static str> {
    let mut tools = vec!["talosctl", "helm", "kubectl"];
    let talhelper = lab.sections.talos.talhelper.as_ref();
    if talhelper.is_some_and(|wanted| wanted.value == Talhelper::Instead) {
        tools.push("talhelper");
    }
    let sops = sops_files(tree);
    let is_encrypted = |secret: &Provided| secret.first && sops_file(secret, &sops).is_some();
    if provided(lab, linked).iter().any(is_encrypted) {
        tools.push("sops");
    }
    tools
}

fn script(lab: &Lab, linked: &Linked, tree: &Tree) -> Text {
    let secrets: Vec<Provided> = provided(lab, linked)
        .into_iter()
        .filter(|secret| secret.first)
        .collect();
    let sops = sops_files(tree);
    let calls: Vec<(String, Origin)> = secrets
        .iter()
        .map(|secret| (secret_call(lab, secret, &sops), secret.origin.clone()))
        .collect();
    let uses = |function: &str| calls.iter().any(|(call, _)| call.contains(function));
    let mut text = Text::default();
    head(lab, &mut text);
    text.own(FUNCTIONS.trim_end());
    if uses("_repository ") {
        text.own(format!("\n{}", REPOSITORY.trim_end()));
    }
    if uses("_sops ") {
        text.own(format!("\n{}", SOPS.trim_end()));
    }
    text.own("\n# What this lab is.\n");
    manager(lab, &mut text);
    text.own(format!("tools=({})", tools(lab, linked, tree).join(" ")));
    step_list(&steps(lab, linked, tree), &mut text);
    first_secrets(&calls, &mut text);
    namespaces(tree, &mut text);
    components(lab, linked, &mut text);
    config(lab, linked, &mut text);
    root(lab, tree, &mut text);
    text.own("\n# The steps that are the same for every lab.\n");
    text.own(RUN.trim_end());
    text
}

fn head(lab: &Lab, text: &mut Text) {
    let name = &lab.sections.identity.name;
    text.own("#!/usr/bin/env bash");
    text.line(
        format!(
            "# Brings up the cluster {}: Talos on its machines, what must run first, and the engine that does the rest.",
            name.value
        ),
        Origin::at(name.span),
    );
    text.own(
        "# Compiled by labc. Edit lab.toml, then run: labc build\n\
         #\n\
         # Every step can be repeated, and run alone. Values of secrets are read from $LABC_SECRETS, a folder outside Git.",
    );
}

/// In whose name the objects of the tree are applied.
fn manager(lab: &Lab, text: &mut Text) {
    let engine = &lab.sections.identity.engine;
    let name = match engine.value {
        Engine::ArgoCd => "argocd-controller",
        Engine::Flux => "kustomize-controller",
    };
    text.line(format!("manager={name}"), Origin::at(engine.span));
}

fn step_list(steps: &[Step], text: &mut Text) {
    text.own("\nsteps() {\n  cat <<'END'");
    for (name, does) in steps {
        text.own(format!("{name:<12}{does}"));
    }
    text.own("END\n}");
}

/// The function that checks or applies every first secret.
fn first_secrets(calls: &[(String, Origin)], text: &mut Text) {
    text.own("\n# first_secrets check|apply");
    text.own("first_secrets() {");
    if calls.is_empty() {
        text.own("  : \"$1: there are none\"");
    }
    for (call, origin) in calls {
        text.line(format!("  {call}"), origin.clone());
    }
    text.own("}");
}

/// The line that checks or applies a secret.
fn secret_call(lab: &Lab, secret: &Provided, sops: &BTreeMap<(String, String), String>) -> String {
    if let Some(path) = sops_file(secret, sops) {
        return format!("\"$1\"_sops {}", quoted(path));
    }
    let keys = secret.keys.iter().map(|key| quoted(key));
    let mut words: Vec<String> = [&secret.namespace, &secret.name]
        .into_iter()
        .map(|word| quoted(word))
        .chain(keys)
        .collect();
    let is_repository = secret.engine == Some(EngineUse::Repository);
    let labelled = is_repository && lab.sections.identity.engine.value == Engine::ArgoCd;
    if labelled {
        let url = &lab.sections.identity.repository.url.value;
        words.push("type=git".to_owned());
        words.push(quoted(&format!("url={url}")));
    }
    let kind = if labelled { "repository" } else { "secret" };
    format!("\"$1\"_{kind} {}", words.join(" "))
}

/// The SOPS file that holds a secret.
fn sops_file<'a>(
    secret: &Provided,
    sops: &'a BTreeMap<(String, String), String>,
) -> Option<&'a String> {
    let id = (secret.namespace.clone(), secret.name.clone());
    sops.get(&id).filter(|_| secret.from == SecretSource::Sops)
}

/// The tree's SOPS files by the namespace and name of the Secret that each holds, which stand in clear in them; the
/// paths are below `out/`.
fn sops_files(tree: &Tree) -> BTreeMap<(String, String), String> {
    let mut files = BTreeMap::new();
    for file in &tree.files {
        let Content::Bytes(bytes, origin) = &file.content else {
            continue;
        };
        let (Ok(text), Some(span)) = (std::str::from_utf8(bytes), origin.first()) else {
            continue;
        };
        for document in yaml::read(span.source, text, &mut Diagnostics::default()) {
            if let Some(id) = encrypted_secret(&document) {
                files.insert(id, below_out(&file.path).to_owned());
            }
        }
    }
    files
}

fn encrypted_secret(document: &Node) -> Option<(String, String)> {
    document.get("sops")?;
    if document.get("kind")?.as_str()? != "Secret" {
        return None;
    }
    let metadata = document.get("metadata")?;
    let text = |key: &str| metadata.get(key)?.as_str().map(str::to_owned);
    Some((text("namespace")?, text("name")?))
}

fn has_namespaces(tree: &Tree) -> bool {
    let folder = format!("{OUT}/{NAMESPACES}/");
    tree.files.iter().any(|file| file.path.starts_with(&folder))
}

const NAMESPACES: &str = "infrastructure/namespaces/manifests";

fn namespaces(tree: &Tree, text: &mut Text) {
    if has_namespaces(tree) {
        text.own(format!(
            "\nstep_namespaces() {{\n  apply --filename=\"$out\"/{NAMESPACES}\n}}"
        ));
    }
}

/// The step that installs what the engine cannot do without, and the engine.
fn components(lab: &Lab, linked: &Linked, text: &mut Text) {
    let components = sequence::components(lab, linked);
    if components.is_empty() {
        return;
    }
    text.own("\nstep_components() {");
    for component in components {
        let files = first_resources(component, linked);
        let origin = Origin::at(component.span);
        if !files.is_empty() {
            let arguments: Vec<String> = files.iter().map(|path| filename(path)).collect();
            let command = format!("  apply {}", arguments.join(" \\\n    "));
            text.line(command, origin.clone());
        }
        if let Some(chart) = &component.chart {
            release(component, chart, linked, text);
        }
    }
    text.own("}");
}

/// The files of the resources beside a chart that Kubernetes itself knows; kinds that somebody brings later are left
/// to the engine.
fn first_resources(component: &Component, linked: &Linked) -> Vec<String> {
    let Some(unit) = linked.unit(&component.name, Part::Main) else {
        return Vec::new();
    };
    unit.resources
        .iter()
        .filter(|resource| is_builtin(&resource.id.group))
        .map(|resource| resource_path(unit, resource, component.namespace()))
        .collect()
}

/// The line that installs a chart with what the engine is told of it.
fn release(component: &Component, chart: &Chart, linked: &Linked, text: &mut Text) {
    let string = |node: &Node| node.as_str().unwrap_or_default().to_owned();
    let repository = string(&chart.repository);
    let name = string(&chart.name);
    let is_oci = repository.starts_with("oci://");
    let reference = if is_oci {
        format!("{}/{name}", repository.trim_end_matches('/'))
    } else {
        name
    };
    let words = [
        component.name.as_str(),
        component.namespace(),
        &reference,
        &string(&chart.version),
    ]
    .map(quoted);
    let mut lines = vec![(
        format!("  release {}", words.join(" ")),
        Origin::at(component.span).with(&chart.version.origin),
    )];
    if !is_oci {
        let argument = format!("    --repo {}", quoted(&repository));
        lines.push((argument, chart.repository.origin.clone()));
    }
    if let Some(values) = linked.values.get(&component.name).and_then(Option::as_ref)
        && values.as_map().is_some_and(|map| !map.is_empty())
    {
        let folder = component_folder(component.layer, &component.name);
        let argument = format!("    --values \"$out\"/{}/values.yaml", below_out(&folder));
        lines.push((argument, Origin::from_spans(values.origin.first())));
    }
    if !chart.crds {
        lines.push(("    --skip-crds".to_owned(), chart.name.origin.clone()));
    }
    let last = lines.len() - 1;
    for (index, (line, origin)) in lines.into_iter().enumerate() {
        let end = if index < last { " \\" } else { "" };
        text.line(format!("{line}{end}"), origin);
    }
}

/// The folder of the engine's own configuration, if it has any.
fn engine_config(lab: &Lab, linked: &Linked) -> Option<String> {
    let engine = engine::component(lab)?;
    let unit = linked.unit(&engine.name, Part::Config)?;
    (!unit.resources.is_empty()).then(|| unit_folder(unit))
}

fn config(lab: &Lab, linked: &Linked, text: &mut Text) {
    if let Some(folder) = engine_config(lab, linked) {
        text.own(format!(
            "\nstep_config() {{\n  retry apply {}\n}}",
            filename(&folder)
        ));
    }
}

/// What hands over to the engine: its entry points, the root last.
fn roots(tree: &Tree) -> Vec<&str> {
    let is_root = |path: &&str| path.ends_with("/root.yaml");
    let paths = tree.files.iter().map(|file| file.path.as_str());
    let entries = paths.filter(|path| path.starts_with(FOLDER) && path.ends_with(".yaml"));
    let (roots, mut others): (Vec<&str>, Vec<&str>) = entries.partition(is_root);
    others.extend(roots);
    others
}

fn root(lab: &Lab, tree: &Tree, text: &mut Text) {
    let engine = Origin::at(lab.sections.identity.engine.span);
    let paths = roots(tree);
    if paths.is_empty() {
        return;
    }
    text.own("\nstep_root() {");
    for path in paths {
        let name = path.rsplit('/').next().unwrap_or(path);
        let command = format!("  retry apply --filename=\"$here\"/{name}");
        text.line(command, engine.clone());
    }
    text.own("}");
}

/// The argument that names a file or folder of the tree.
fn filename(path: &str) -> String {
    format!("--filename=\"$out\"/{}", quoted(below_out(path)))
}

fn below_out(path: &str) -> &str {
    path.strip_prefix("out/").unwrap_or(path)
}
