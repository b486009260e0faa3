//! Machines, network and everybody's words to machine-config intents: what all nodes, a role and a node are to have,
//! and the image of each.
//!
//! Knows no contract's form and no file: that is `lower::talos`. Every value carries the spans that made it.

pub mod catalog;
mod derive;
pub mod facts;
pub mod fields;
mod go_yaml;
pub mod image;
mod kind;
pub mod layers;
mod plain_secrets;
mod raw;
pub mod schematic;
pub mod schematic_file;
pub mod vocabulary;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::resolve::Lab;
use crate::resolve::lab::{
    Cluster, Machine, Need, Network, NodeName, Reach, Role, Talhelper, TalosRules,
};
use crate::source::{Origin, Spanned};
use crate::value::{Map, Node, Path, Step, Value};
use facts::{Author, Facts, Owner};
use layers::{Layers, Roles};
use schematic::Schematic;

pub use kind::{CRI_CUSTOMIZATION, parse_size};
pub use raw::RawPatch;

/// Every machine's intent.
#[derive(Clone, Debug)]
pub struct Machines {
    /// `[cluster]`.
    pub cluster: Cluster,
    /// `[network]`.
    pub network: Network,
    /// What is said to whom.
    pub layers: Layers,
    /// The online nodes.
    pub nodes: BTreeMap<NodeName, Intent>,
    /// The offline nodes: documents name them, nothing is made for them.
    pub offline: BTreeMap<NodeName, Machine>,
    /// Schematics by name.
    pub schematics: BTreeMap<String, Schematic>,
    /// The lab's own patch files, in the order in which they are applied.
    pub patch_files: Vec<PatchFile>,
    /// All patches that are not made from words, in the order in which they are applied.
    pub raw: Vec<RawPatch>,
    /// Whether talhelper is served, and how.
    pub talhelper: Option<Spanned<Talhelper>>,
}

impl Machines {
    /// Whether talhelper makes the machine configs, and not `talosctl` alone.
    pub fn is_by_talhelper(&self) -> bool {
        let wanted = self.talhelper.as_ref();
        wanted.is_some_and(|wanted| wanted.value == Talhelper::Instead)
    }
}

/// What one node is to be.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The node.
    pub machine: Machine,
    /// The name of its schematic.
    pub schematic: String,
    /// The reference of its installer: a string, made by the node, the version of Talos, and all of its schematic.
    pub installer: Node,
}

/// A patch file that the lab names: the caller reads it.
#[derive(Clone, Debug)]
pub struct PatchFile {
    /// Whom it is for.
    pub reach: Reach,
    /// The online nodes that it is for.
    pub nodes: Vec<NodeName>,
    /// Its path, as written.
    pub path: Spanned<String>,
}

/// The intents of a lab's machines, and the patches that it brings along.
pub fn of_lab(lab: &Lab, diagnostics: &mut Diagnostics) -> Machines {
    let sections = &lab.sections;
    let mut machines = intents(
        &sections.cluster,
        &sections.network,
        &sections.machines,
        &sections.talos,
        &lab.needs,
        diagnostics,
    );
    machines.raw = raw::patches(lab, &machines.patch_files, diagnostics);
    machines
}

/// The intents of all machines: `rules` are `[talos]`, `needs` are the modules'.
pub fn intents(
    cluster: &Cluster,
    network: &Network,
    machines: &BTreeMap<NodeName, Machine>,
    rules: &TalosRules,
    needs: &[Need],
    diagnostics: &mut Diagnostics,
) -> Machines {
    let (online, offline): (BTreeMap<_, _>, BTreeMap<_, _>) = machines
        .iter()
        .partition(|(_, machine)| machine.online.value);
    let roles: Roles = online
        .iter()
        .map(|(name, machine)| ((*name).clone(), machine.role.value))
        .collect();
    let (own, words) = split_lab_words(rules.words.as_ref(), diagnostics);
    let mut layers = Layers::new(&roles);
    layers.say(&words, Reach::All, &[], diagnostics);
    for machine in online.values() {
        let facts = derive::machine_facts(machine, diagnostics);
        let name = machine.name.value.clone();
        layers.say(&facts, Reach::Nodes, &[name], diagnostics);
    }
    for need in needs {
        let owner = Owner::new(&need.owner, Author::Module);
        let facts = words::read(&need.words, "talos", &owner, diagnostics);
        let reach = reach(need, &roles);
        layers.say(&facts, reach, &need.nodes, diagnostics);
    }
    derive::cluster_facts(cluster, &mut layers, diagnostics);
    derive::network_facts(cluster, network, &roles, &mut layers, diagnostics);
    derive::share_cert_sans(&mut layers, &roles, diagnostics);
    let contract = cluster.contract.value;
    let effective = layers.settle(&roles, contract, diagnostics);
    for facts in effective.values() {
        whole_access(facts, diagnostics);
        one_cri(facts, diagnostics);
    }
    let patch_files = patch_files(rules, online.values().copied());
    let as_written = own
        .one(&["extension_order"])
        .is_some_and(|order| order.as_str() == Some("as-written"));
    let images = images(cluster, &online, &effective, as_written, diagnostics);
    Machines {
        cluster: cluster.clone(),
        network: network.clone(),
        layers,
        nodes: images.nodes,
        offline: offline
            .into_iter()
            .map(|(name, machine)| (name.clone(), machine.clone()))
            .collect(),
        schematics: images.schematics,
        patch_files,
        raw: Vec::new(),
        talhelper: rules.talhelper,
    }
}

/// Reports an access to Talos that lets nobody in: roles for no pods, or pods without a role.
fn whole_access(facts: &Facts, diagnostics: &mut Diagnostics) {
    let said = |word: &str| facts.at(&["talos_api_access", word]);
    let pairs = [
        ("roles", "namespaces", "namespaces = [\"system-upgrade\"]"),
        ("namespaces", "roles", "roles = [\"os:reader\"]"),
    ];
    for (there, missing, example) in pairs {
        if let (Some(there), None) = (said(there), said(missing)) {
            let span = there.first().and_then(|fact| fact.node.origin.first());
            let message = format!("`talos_api_access.{missing}` is missing");
            diagnostics.push(
                Diagnostic::error(Code::MISSING_KEY, span, message)
                    .here("without it, this lets nobody in")
                    .help(format!("write it like `{example}`")),
            );
        }
    }
}

/// Reports a file that would take the place of what `cri` says.
fn one_cri(facts: &Facts, diagnostics: &mut Diagnostics) {
    let tables = facts.said.iter().find(|(path, _)| starts(path, "cri"));
    let file = facts.at(&["files", CRI_CUSTOMIZATION, "path"]);
    let (Some((_, tables)), Some(file)) = (tables, file) else {
        return;
    };
    let (Some(tables), Some(file)) = (tables.first(), file.first()) else {
        return;
    };
    let message = format!("`{CRI_CUSTOMIZATION}` is written by `files` and by `cri`");
    diagnostics.push(
        Diagnostic::error(Code::NODES_DISAGREE, file.node.origin.first(), message)
            .here(format!("{} has it as a file", file.owner.text))
            .label(
                tables.node.origin.first(),
                format!("{} says this of `cri`", tables.owner.text),
            )
            .help("say what the file holds as `cri`: tables of several places are merged"),
    );
}

fn starts(path: &Path, word: &str) -> bool {
    matches!(path.0.first(), Some(Step::Key(key)) if key == word)
}

/// Whom a need reaches: named nodes that are all of the lab, or all of a role, are said so.
fn reach(need: &Need, roles: &Roles) -> Reach {
    if need.reach != Reach::Nodes {
        return need.reach;
    }
    let online = |name: &&NodeName| roles.contains_key(*name);
    let meant: BTreeSet<&NodeName> = need.nodes.iter().filter(online).collect();
    let all = |role: Option<Role>| {
        let mut wanted = roles
            .iter()
            .filter(|(_, of)| role.is_none_or(|role| **of == role));
        wanted.all(|(name, _)| meant.contains(name))
    };
    let only = |role: Role| meant.iter().all(|name| roles[*name] == role);
    if meant.is_empty() {
        return Reach::Nodes;
    }
    if all(None) {
        return Reach::All;
    }
    let is_role = |role: &Role| all(Some(*role)) && only(*role);
    let role = [Role::ControlPlane, Role::Worker].into_iter().find(is_role);
    role.map_or(Reach::Nodes, Reach::Role)
}

/// `[talos]` in its two parts: the words about the lab, and those about machines.
fn split_lab_words(table: Option<&Node>, diagnostics: &mut Diagnostics) -> (Facts, Facts) {
    let Some(table) = table else {
        return (Facts::default(), Facts::default());
    };
    let owner = Owner::new("`[talos]`", Author::Lab);
    let names: BTreeSet<&str> = vocabulary::LAB_WORDS.iter().map(|word| word.name).collect();
    let part = |own: bool| {
        let entries = table.as_map().into_iter().flatten();
        let entries = entries.filter(|(key, _)| names.contains(key.as_str()) == own);
        let map: Map = entries
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect();
        Node {
            value: Value::Map(map),
            origin: table.origin.clone(),
        }
    };
    let own = words::read_table(
        &part(true),
        "talos",
        vocabulary::LAB_WORDS,
        &owner,
        diagnostics,
    );
    (own, words::read_of_lab(&part(false), &owner, diagnostics))
}

fn patch_files<'a>(
    rules: &TalosRules,
    machines: impl Iterator<Item = &'a Machine>,
) -> Vec<PatchFile> {
    let of_lab = rules.patches.iter().map(|path| PatchFile {
        reach: Reach::All,
        nodes: Vec::new(),
        path: path.clone(),
    });
    let of_nodes = machines.flat_map(|machine| {
        machine.patches.iter().map(|path| PatchFile {
            reach: Reach::Nodes,
            nodes: vec![machine.name.value.clone()],
            path: path.clone(),
        })
    });
    of_lab.chain(of_nodes).collect()
}

struct Images {
    nodes: BTreeMap<NodeName, Intent>,
    schematics: BTreeMap<String, Schematic>,
}

fn images(
    cluster: &Cluster,
    online: &BTreeMap<&NodeName, &Machine>,
    effective: &BTreeMap<NodeName, Facts>,
    as_written: bool,
    diagnostics: &mut Diagnostics,
) -> Images {
    let talos = &cluster.talos.value;
    let machines: BTreeMap<NodeName, &Machine> = online
        .iter()
        .map(|(name, machine)| ((*name).clone(), *machine))
        .collect();
    let of_node: BTreeMap<NodeName, Schematic> = machines
        .iter()
        .map(|(name, machine)| {
            let facts = effective.get(name).cloned().unwrap_or_default();
            let schematic = image::of_node(machine, &facts, talos, as_written, diagnostics);
            (name.clone(), schematic)
        })
        .collect();
    let (schematics, names) = image::name_schematics(&of_node, &machines);
    let nodes = machines
        .into_iter()
        .map(|(name, machine)| {
            let schematic = &of_node[&name];
            let installer = image::installer(&schematic.id(), talos, machine.secure_boot.value);
            let parts = schematic.lines().into_iter();
            let made_by = parts.fold(
                Origin::from_spans([machine.span, cluster.talos.span]),
                |all, (_, origin)| all.with(&origin),
            );
            let intent = Intent {
                machine: machine.clone(),
                schematic: names.get(&name).cloned().unwrap_or_default(),
                installer: Node::new(installer, made_by),
            };
            (name, intent)
        })
        .collect();
    Images { nodes, schematics }
}
