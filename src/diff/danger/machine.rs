//! A machine config changes: what takes effect at once says nothing; what reboots a node, waits for an upgrade or for a
//! new installation is told, with the nodes.
//!
//! Knows fields and documents, as a node's patches together say them; what a node is, and whether it is there, is
//! [`super::node`]'s business.
//!
//! Sources: siderolabs/talos, `internal/app/machined/pkg/runtime/v1alpha1/v1alpha1_runtime.go` (`CanApplyImmediate`), equal
//! from v1.9 to v1.13; from v1.14 on no config reboots a node (`hack/release.toml` there).

use std::collections::{BTreeMap, BTreeSet};

use super::config::Configs;
use super::{Context, Danger, quoted};
use crate::diag::{Code, Severity};
use crate::diff::{Change, Content, Kind, Subject, What};
use crate::parse::domain::Minor;
use crate::resolve::lab::NodeName;
use crate::value::Node;

/// What it takes for a change of a machine config to do something, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// A reboot, by itself.
    Reboot,
    /// An upgrade, which `upgrade.sh` does.
    Upgrade,
    /// A volume that is made anew: nothing happens to one that is there.
    NewVolume,
    /// A node that is installed anew.
    Install,
}

/// Fields of `machine` that Talos takes up without a reboot.
const LIVE: [&str; 19] = [
    "ca",
    "acceptedCAs",
    "certSANs",
    "controlPlane",
    "kernel",
    "kubelet",
    "logging",
    "network",
    "nodeAnnotations",
    "nodeLabels",
    "nodeTaints",
    "pods",
    "registries",
    "seccompProfiles",
    "sysctls",
    "sysfs",
    "time",
    "install",
    "$patch",
];

/// Fields of `machine.features` that it takes up so.
const LIVE_FEATURES: [&str; 5] = [
    "kubernetesTalosAPIAccess",
    "kubePrism",
    "hostDNS",
    "imageCache",
    "nodeAddressSortAlgorithm",
];

/// The first Talos that reboots for no config.
const NEVER_REBOOTS: Minor = Minor {
    major: 1,
    minor: 14,
};

/// What of a config has one effect, and where.
#[derive(Default)]
struct Found<'a> {
    fields: BTreeSet<String>,
    nodes: BTreeSet<NodeName>,
    changes: Vec<(usize, &'a Change)>,
}

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    let mut effects: BTreeMap<Effect, Found<'_>> = BTreeMap::new();
    let mut configs = Configs::new(context);
    let reboots = context.running().is_none_or(|talos| talos < NEVER_REBOOTS);
    for (place, change) in context.changes() {
        let Subject::Machine { document, .. } = &change.subject else {
            continue;
        };
        let nodes = context.same_nodes(change);
        let kind = if nodes.iter().any(|node| configs.keeps(node, document)) {
            Kind::Changed
        } else {
            change.kind
        };
        for keys in touched(change) {
            let Some(effect) = effect(document, &keys, kind) else {
                continue;
            };
            // What only moves from one patch to another is nothing to a node that has both.
            let differs = |node: &&NodeName| configs.differ(node, document, &keys);
            let nodes: BTreeSet<&NodeName> = nodes.iter().filter(differs).collect();
            if nodes.is_empty() || (effect == Effect::Reboot && !reboots) {
                continue;
            }
            let entry = effects.entry(effect).or_default();
            entry.fields.insert(shown(document, &keys));
            entry.nodes.extend(nodes.into_iter().cloned());
            if entry.changes.last().map(|(last, _)| *last) != Some(place) {
                entry.changes.push((place, change));
            }
        }
    }
    for (effect, what) in &effects {
        found.extend(tell(*effect, what));
    }
    found.extend(another_image(context));
}

impl Context<'_> {
    /// The Talos that the nodes run.
    fn running(&self) -> Option<Minor> {
        let base = self.base?;
        Some(base.lab.sections.cluster.talos.value.minor())
    }

    /// The nodes of a change that are there before and after, and not a machine of another role.
    fn same_nodes(&self, change: &Change) -> BTreeSet<NodeName> {
        let names = change.nodes.iter().map(|name| NodeName(name.clone()));
        names.filter(|name| self.is_same_node(name)).collect()
    }

    fn is_same_node(&self, name: &NodeName) -> bool {
        let Some(base) = self.base else { return true };
        let machines = [base, self.target].map(|made| made.lab.sections.machines.get(name));
        let [Some(before), Some(after)] = machines else {
            return false;
        };
        before.online.value && after.online.value && before.role.value == after.role.value
    }
}

/// The ways to what a change touches, at most three keys long.
fn touched(change: &Change) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for field in &change.fields {
        let keys: Vec<String> = field.path.keys().map(str::to_owned).collect();
        match &field.what {
            What::Added(node) | What::Removed(node) => spread(keys, node, &mut found),
            What::Changed(before, after) => {
                spread(keys.clone(), before, &mut found);
                spread(keys, after, &mut found);
            }
            What::Reordered => {
                found.insert(keys.into_iter().take(DEPTH).collect());
            }
        }
    }
    if change.kind != Kind::Changed {
        let sides = [&change.before, &change.after];
        for node in sides.into_iter().flatten().filter_map(Content::data) {
            spread(Vec::new(), node, &mut found);
        }
    }
    found
}

const DEPTH: usize = 3;

fn spread(keys: Vec<String>, node: &Node, found: &mut BTreeSet<Vec<String>>) {
    let map = node.as_map().filter(|map| !map.is_empty());
    let Some(map) = map.filter(|_| keys.len() < DEPTH) else {
        found.insert(keys.into_iter().take(DEPTH).collect());
        return;
    };
    for (key, entry) in map {
        let mut keys = keys.clone();
        keys.push(key.to_string());
        spread(keys, &entry.node, found);
    }
}

/// What it takes; none for what Talos takes up by itself.
fn effect(document: &str, keys: &[String], kind: Kind) -> Option<Effect> {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    if document != "v1alpha1" {
        return of_document(document, &keys, kind);
    }
    match keys.as_slice() {
        ["machine", "install", "disk" | "diskSelector" | "wipe", ..] => Some(Effect::Install),
        ["machine", "install", "extraKernelArgs" | "extensions", ..] => Some(Effect::Upgrade),
        ["machine", "systemDiskEncryption", ..] => Some(Effect::NewVolume),
        ["machine", "features", feature, ..] if LIVE_FEATURES.contains(feature) => None,
        ["machine", field, ..] if LIVE.contains(field) => None,
        ["machine", _, ..] => Some(Effect::Reboot),
        _ => None,
    }
}

/// Documents are taken up as they come; a volume's shape counts when it is made.
fn of_document(document: &str, keys: &[&str], kind: Kind) -> Option<Effect> {
    let of = document.split(' ').next().unwrap_or_default();
    // Talos' own volumes are there whether a document speaks of them or not
    let is_there = kind == Kind::Changed || of == "VolumeConfig";
    let is_volume = of.ends_with("VolumeConfig") && is_there;
    let shape = ["provisioning", "encryption", "filesystem", "volumeType"];
    let is_shape = keys.first().is_some_and(|key| shape.contains(key));
    // it may grow while it is there
    let grows = matches!(keys, ["provisioning", "maxSize" | "grow" | "minSize"]);
    (is_volume && is_shape && !grows).then_some(Effect::NewVolume)
}

fn shown(document: &str, keys: &[String]) -> String {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    if document != "v1alpha1" {
        return format!("{document}: {}", keys.first().copied().unwrap_or_default());
    }
    let depth = match keys.as_slice() {
        ["machine", "install" | "features", ..] => 3,
        _ => 2,
    };
    keys[..keys.len().min(depth)].join(".")
}

fn tell(effect: Effect, found: &Found<'_>) -> Option<Danger> {
    let (fields, nodes) = (quoted(&found.fields), quoted(&found.nodes));
    let names: Vec<&str> = found.nodes.iter().map(|node| node.0.as_str()).collect();
    let names = names.join(" ");
    let reboot = verb(found.nodes.len(), "reboots", "reboot");
    let (does, waits) = match found.fields.len() {
        1 => ("does", "waits"),
        _ => ("do", "wait"),
    };
    let has = verb(found.nodes.len(), "has", "have");
    let (severity, message, note, help) = match effect {
        Effect::Reboot => (
            Severity::Warning,
            format!("{nodes} {reboot} for {fields}"),
            "Talos takes up most of a config while it runs, and this only with a reboot",
            format!(
                "`out/talos/generate.sh`, then `out/talos/apply.sh NODE`, one node after the other ({names})"
            ),
        ),
        Effect::Upgrade => (
            Severity::Warning,
            format!("{fields} of {nodes} {waits} for an upgrade, which reboots"),
            "the kernel's arguments and extensions are part of what an installer writes",
            format!("`out/talos/upgrade.sh talos {names}`, one node after the other"),
        ),
        Effect::NewVolume => (
            Severity::Warning,
            format!("{fields} {does} nothing to the volumes that {nodes} already {has}"),
            "Talos shapes and encrypts a volume when it makes it",
            format!(
                "`talosctl reset` makes them anew, and takes what is on them: one node after the other ({names})"
            ),
        ),
        Effect::Install => (
            Severity::Warning,
            format!("{fields} of {nodes} {does} nothing until the next installation"),
            "a node that is installed stays on its disk",
            format!(
                "to move: `talosctl reset`, and boot the image again, one node after the other ({names})"
            ),
        ),
    };
    let danger = Danger::of_all(severity, Code::NODES, &found.changes, message)?;
    Some(danger.note(note).help(help))
}

fn verb(count: usize, of_one: &'static str, of_many: &'static str) -> &'static str {
    if count == 1 { of_one } else { of_many }
}

/// Nodes whose image is made from another schematic.
fn another_image(context: &Context<'_>) -> Option<Danger> {
    let base = context.base?;
    let is_other = |(name, files): &(&NodeName, &crate::lower::NodeFiles)| {
        let before = base.tree.nodes.get(*name);
        before.is_some_and(|before| before.schematic != files.schematic)
    };
    let nodes: BTreeSet<&NodeName> = context
        .target
        .tree
        .nodes
        .iter()
        .filter(is_other)
        .map(|(name, _)| name)
        .filter(|name| context.is_same_node(name))
        .collect();
    let follows = |(_, change): &(usize, &Change)| {
        let is_image = match &change.subject {
            Subject::Schematic(_) => true,
            Subject::Machine { .. } => change
                .fields
                .iter()
                .any(|field| field.path.is(&["machine", "install", "image"])),
            _ => false,
        };
        let is_of = |name: &String| nodes.contains(&NodeName(name.clone()));
        is_image && change.nodes.iter().any(is_of)
    };
    let changes: Vec<_> = context.changes().filter(follows).collect();
    let names: Vec<&str> = nodes.iter().map(|node| node.0.as_str()).collect();
    let need = verb(nodes.len(), "needs", "need");
    let message = format!(
        "{} {need} another image, by an upgrade that reboots",
        quoted(&nodes)
    );
    let danger = Danger::of_all(Severity::Warning, Code::NODES, &changes, message)?;
    Some(
        danger
            .note("extensions, kernel arguments and overlay are the schematic, from which the installer is made")
            .help(format!(
                "tell the factory (out/talos/README.md), then `out/talos/upgrade.sh talos {}`: one node after the other",
                names.join(" ")
            )),
    )
}
