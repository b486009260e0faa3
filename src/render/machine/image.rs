//! Which image each node boots: its schematic from everything that is said about it, and its installer's reference.
//!
//! Knows no file: schematics have names, and who writes them where is `lower`'s business.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog;
use super::facts::Facts;
use super::kind::bare;
use super::schematic::{Schematic, SchematicOverlay, word};
use super::schematic_file::check_options;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::domain::{Minor, Version};
use crate::resolve::lab::{Machine, NodeName, Overlay, Role};
use crate::source::Origin;
use crate::value::Node;

/// The schematic of a node.
pub fn of_node(
    machine: &Machine,
    facts: &Facts,
    talos: &Version,
    as_written: bool,
    diagnostics: &mut Diagnostics,
) -> Schematic {
    let mut names: Vec<&Node> = facts.each(&["extensions"]).collect();
    if as_written {
        names.sort_by_key(|name| place(name, machine));
    } else {
        names.sort_by_key(|node| node.as_str().map(str::to_owned));
    }
    for name in &names {
        check_extension(name, talos, diagnostics);
    }
    let full = |node: &&Node| {
        word(
            format!("siderolabs/{}", node.as_str().unwrap_or_default()),
            &node.origin,
        )
    };
    let overlay = machine.overlay.as_ref();
    Schematic {
        overlay: overlay.and_then(|overlay| overlay_of(overlay, talos, diagnostics)),
        kernel_args: facts.each(&["kernel_args"]).cloned().collect(),
        extensions: names.iter().map(full).collect(),
        ..Schematic::default()
    }
}

/// Where the lab lists an extension for a node; what only modules ask for comes behind.
fn place(name: &Node, machine: &Machine) -> usize {
    let listed = machine.extensions.iter();
    let mut listed = listed.map(|extension| bare(&extension.value));
    listed
        .position(|listed| Some(listed) == name.as_str())
        .unwrap_or(usize::MAX)
}

fn check_extension(node: &Node, talos: &Version, diagnostics: &mut Diagnostics) {
    let name = node.as_str().unwrap_or_default();
    let span = node.origin.first();
    let known = catalog::extensions().find(|entry| entry.name == name);
    if known.is_some_and(|entry| entry.is_in(talos)) {
        return;
    }
    let new_name = catalog::renamed(name)
        .filter(|new| catalog::extensions().any(|entry| entry.name == *new && entry.is_in(talos)));
    let renamed = new_name.map(|new| format!("it is called `{new}` there"));
    if let Some(entry) = known {
        let message = format!("Talos `{talos}` has no system extension `{name}`");
        diagnostics.push(
            Diagnostic::error(Code::UNKNOWN_EXTENSION, span, message)
                .here(format!("exists {}", entry.range()))
                .maybe_help(renamed),
        );
        return;
    }
    let message = format!("unknown system extension `{name}`");
    let in_this_talos = catalog::extensions().filter(|entry| entry.is_in(talos));
    let names: Vec<&str> = in_this_talos.map(|entry| entry.name).collect();
    let help = renamed.or_else(|| did_you_mean(name, names));
    let diagnostic = if catalog::is_newer(talos) {
        Diagnostic::warning(Code::UNKNOWN_EXTENSION, span, message)
            .note(format!("labc's list is older than Talos `{talos}`"))
    } else {
        Diagnostic::error(Code::UNKNOWN_EXTENSION, span, message)
    };
    diagnostics.push(diagnostic.maybe_help(help));
}

fn overlay_of(
    overlay: &Overlay,
    talos: &Version,
    diagnostics: &mut Diagnostics,
) -> Option<SchematicOverlay> {
    let name = overlay.name.value.as_str();
    let known = catalog::overlays().find(|entry| entry.name == name);
    check_overlay(overlay, known, talos, diagnostics);
    let image = match (&overlay.image, known) {
        (Some(image), _) => word(image.value.as_str(), &Origin::at(image.span)),
        (None, Some(entry)) => word(entry.image, &Origin::at(overlay.name.span)),
        (None, None) => return None,
    };
    if let Some(options) = &overlay.options {
        check_options(options, diagnostics);
    }
    Some(SchematicOverlay {
        image,
        name: word(name, &Origin::at(overlay.name.span)),
        options: overlay.options.clone(),
    })
}

fn check_overlay(
    overlay: &Overlay,
    known: Option<catalog::Entry>,
    talos: &Version,
    diagnostics: &mut Diagnostics,
) {
    let name = overlay.name.value.as_str();
    let span = overlay.name.span;
    match known {
        Some(entry) if entry.is_in(talos) => {}
        Some(entry) => {
            let message = format!("Talos `{talos}` has no overlay `{name}`");
            diagnostics.push(
                Diagnostic::error(Code::UNKNOWN_OVERLAY, span, message)
                    .here(format!("exists {}", entry.range())),
            );
        }
        None => {
            let names: Vec<&str> = catalog::overlays().map(|entry| entry.name).collect();
            let message = format!("unknown overlay `{name}`");
            let diagnostic = if catalog::is_newer(talos) && overlay.image.is_some() {
                Diagnostic::warning(Code::UNKNOWN_OVERLAY, span, message)
                    .note(format!("labc's list is older than Talos `{talos}`"))
            } else {
                Diagnostic::error(Code::UNKNOWN_OVERLAY, span, message)
            };
            diagnostics.push(diagnostic.maybe_help(did_you_mean(name, names)));
        }
    }
}

/// The reference of the installer's image.
///
/// From Talos 1.10 on, the factory names its platform; before, there was one installer for all.
pub fn installer(id: &str, talos: &Version, secure_boot: bool) -> String {
    let unified = talos.minor()
        >= Minor {
            major: 1,
            minor: 10,
        };
    let name = if unified {
        "metal-installer"
    } else {
        "installer"
    };
    let secure_boot = if secure_boot { "-secureboot" } else { "" };
    format!("{FACTORY}/{name}{secure_boot}/{id}:{}", tag(talos))
}

/// The Image Factory that Sidero Labs runs.
pub const FACTORY: &str = "factory.talos.dev";

/// A version as Talos' own tags have it: with a `v`.
pub fn tag(talos: &Version) -> String {
    format!("v{}", talos.semver)
}

/// Gives every schematic a name, and every node the name of its own; equal ones are one.
///
/// A schematic is called like the hardware that most of its nodes have, `all` if every node has it, `controlplane`
/// or `worker` if a role has it, else like its first node.
pub fn name_schematics(
    schematics: &BTreeMap<NodeName, Schematic>,
    machines: &BTreeMap<NodeName, &Machine>,
) -> (BTreeMap<String, Schematic>, BTreeMap<NodeName, String>) {
    let mut groups: BTreeMap<String, Vec<&NodeName>> = BTreeMap::new();
    for (node, schematic) in schematics {
        groups.entry(schematic.canonical()).or_default().push(node);
    }
    let mut by_size: Vec<&Vec<&NodeName>> = groups.values().collect();
    by_size.sort_by_key(|nodes| (std::cmp::Reverse(nodes.len()), nodes.first().copied()));
    let (mut named, mut of_node) = (BTreeMap::new(), BTreeMap::new());
    let mut taken = BTreeSet::new();
    for nodes in by_size {
        let Some(first) = nodes.first() else {
            continue;
        };
        let name = name_of(nodes, machines, &taken);
        taken.insert(name.clone());
        named.insert(name.clone(), schematics[*first].clone());
        of_node.extend(nodes.iter().map(|node| ((*node).clone(), name.clone())));
    }
    (named, of_node)
}

fn name_of(
    nodes: &[&NodeName],
    machines: &BTreeMap<NodeName, &Machine>,
    taken: &BTreeSet<String>,
) -> String {
    let hardware: BTreeSet<&str> = nodes
        .iter()
        .filter_map(|node| machines.get(*node)?.hardware.as_ref())
        .map(|hardware| hardware.value.as_str())
        .collect();
    let mut candidates: Vec<String> = hardware.iter().map(|name| (*name).to_owned()).collect();
    if hardware.is_empty() {
        candidates.extend(role_names(nodes, machines));
    }
    let first = nodes.first().map(|node| node.0.clone()).unwrap_or_default();
    candidates.push(first.clone());
    candidates
        .into_iter()
        .find(|name| !taken.contains(name))
        .unwrap_or_else(|| format!("node-{first}"))
}

fn role_names(nodes: &[&NodeName], machines: &BTreeMap<NodeName, &Machine>) -> Vec<String> {
    let has = |role: Role| {
        let all = machines
            .iter()
            .filter(|(_, machine)| machine.role.value == role);
        let all: Vec<&NodeName> = all.map(|(node, _)| node).collect();
        !all.is_empty() && all.iter().all(|node| nodes.contains(node)) && nodes.len() == all.len()
    };
    let mut names = Vec::new();
    if nodes.len() == machines.len() {
        names.push("all".to_owned());
    }
    for role in [Role::ControlPlane, Role::Worker] {
        if has(role) {
            names.push(role.word().to_owned());
        }
    }
    names
}
