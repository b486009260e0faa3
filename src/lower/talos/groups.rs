//! Words that belong together: a mount, a module, a file, a registry, a volume are each one entry of Talos'.
//!
//! Knows no single word: those are [`super::words`]'s business.

use std::collections::BTreeMap;

use super::patch::{Patch, table};
use super::{Target, registries, volumes};
use crate::diag::Diagnostics;
use crate::render::machine::CRI_CUSTOMIZATION;
use crate::render::machine::facts::{Facts, Said, keys};
use crate::value::Node;

/// Adds the groups of `facts` to `patch`.
pub(super) fn lower(
    facts: &Facts,
    target: Target,
    patch: &mut Patch,
    diagnostics: &mut Diagnostics,
) {
    for (name, group) in groups(facts, &["kernel_modules"]) {
        kernel_module(&name, &group, target, patch);
    }
    for (_, group) in groups(facts, &["mounts"]) {
        mount(&group, target, patch, diagnostics);
    }
    for (name, group) in groups(facts, &["files"]) {
        file(&name, &group, target, patch, diagnostics);
    }
    for (host, group) in groups(facts, &["registries", "mirrors"]) {
        registries::mirror(&host, &group, target, patch, diagnostics);
    }
    for (host, group) in groups(facts, &["registries", "tls"]) {
        registries::tls(&host, &group, target, patch);
    }
    for program in ["api_server", "controller_manager", "scheduler"] {
        for (_, group) in groups(facts, &[program, "extra_volumes"]) {
            extra_volume(program, &group, target, patch, diagnostics);
        }
    }
    for (name, group) in groups(facts, &["volumes"]) {
        volumes::lower(&name, &group, facts, target, patch, diagnostics);
    }
}

/// The words behind a name: `mounts."/var/x".options` is `options` of the group `/var/x`.
pub(super) type Group<'a> = BTreeMap<&'a str, &'a Said>;

fn groups<'a>(facts: &'a Facts, prefix: &[&str]) -> BTreeMap<String, Group<'a>> {
    let mut groups: BTreeMap<String, Group<'a>> = BTreeMap::new();
    for (path, said) in &facts.said {
        let keys = keys(path);
        if keys.starts_with(prefix)
            && let [name, word, ..] = &keys[prefix.len()..]
        {
            groups
                .entry((*name).to_owned())
                .or_default()
                .insert(word, said);
        }
    }
    groups
}

/// The one value of a group's word.
pub(super) fn value(group: &Group<'_>, word: &str) -> Option<Node> {
    group.get(word)?.first().map(|fact| fact.node.clone())
}

/// The items of a group's word.
pub(super) fn items(group: &Group<'_>, word: &str) -> Option<Node> {
    let facts = group.get(word)?.facts();
    let items: Vec<Node> = facts.iter().map(|fact| fact.node.clone()).collect();
    let origin = items.first()?.origin.clone();
    Some(Node::new(items, origin))
}

fn kernel_module(name: &str, group: &Group<'_>, target: Target, patch: &mut Patch) {
    let Some(named) = value(group, "name") else {
        return;
    };
    let parameters = items(group, "parameters");
    if target.contract_has(14) {
        let document = patch.document("KernelModuleConfig", Some(name), &named.origin);
        if let Some(parameters) = parameters {
            document.insert("parameters", parameters);
        }
        return;
    }
    let entries = [("name", Some(named)), ("parameters", parameters)];
    patch.push(&["machine", "kernel", "modules"], some(entries));
}

/// A table of those entries that are there.
pub(super) fn some<'a>(entries: impl IntoIterator<Item = (&'a str, Option<Node>)>) -> Node {
    table(
        entries
            .into_iter()
            .filter_map(|(key, node)| Some((key, node?))),
    )
}

fn mount(group: &Group<'_>, target: Target, patch: &mut Patch, diagnostics: &mut Diagnostics) {
    let Some(destination) = value(group, "destination") else {
        return;
    };
    let origin = destination.origin.clone();
    if target.contract_has(14) {
        let help =
            "the kubelet sees user volumes by itself: put the data into one, below `/var/mnt`";
        diagnostics.push(target.no_place("mounts", &origin, help));
        return;
    }
    let word = |text: &str| Node::new(text, origin.clone());
    let options = items(group, "options")
        .unwrap_or_else(|| Node::new(["bind", "rshared", "rw"].map(word).to_vec(), origin.clone()));
    let mount = table([
        ("destination", destination.clone()),
        ("source", value(group, "source").unwrap_or(destination)),
        ("type", value(group, "type").unwrap_or_else(|| word("bind"))),
        ("options", options),
    ]);
    patch.push(&["machine", "kubelet", "extraMounts"], mount);
}

fn file(
    path: &str,
    group: &Group<'_>,
    target: Target,
    patch: &mut Patch,
    diagnostics: &mut Diagnostics,
) {
    let Some(named) = value(group, "path") else {
        return;
    };
    let origin = named.origin.clone();
    let content = value(group, "content");
    let op = value(group, "op").unwrap_or_else(|| Node::new("create", origin.clone()));
    let content = content.unwrap_or_else(|| Node::new("", origin.clone()));
    if target.contract_has(14) {
        if path == CRI_CUSTOMIZATION {
            let document = patch.document("CRICustomizationConfig", Some("labc"), &origin);
            document.insert("content", content);
            return;
        }
        let help = "write it from a pod, or keep what it configures in a document of Talos' own";
        diagnostics.push(target.no_place("files", &origin, help));
        return;
    }
    let mode = value(group, "permissions").unwrap_or_else(|| Node::new(0o644_i64, origin));
    let file = table([
        ("path", named),
        ("op", op),
        ("permissions", mode),
        ("content", content),
    ]);
    patch.push(&["machine", "files"], file);
}

fn extra_volume(
    program: &str,
    group: &Group<'_>,
    target: Target,
    patch: &mut Patch,
    diagnostics: &mut Diagnostics,
) {
    let Some(path) = value(group, "mount_path") else {
        return;
    };
    if target.contract_has(14) {
        let word = format!("{program}.extra_volumes");
        let help =
            "audit policy, admission control and authentication have documents of their own there";
        diagnostics.push(target.no_place(&word, &path.origin, help));
        return;
    }
    let field = match program {
        "api_server" => "apiServer",
        "controller_manager" => "controllerManager",
        _ => "scheduler",
    };
    let volume = some([
        (
            "hostPath",
            Some(value(group, "host_path").unwrap_or_else(|| path.clone())),
        ),
        ("mountPath", Some(path)),
        ("readonly", value(group, "read_only")),
    ]);
    patch.push(&["cluster", field, "extraVolumes"], volume);
}
