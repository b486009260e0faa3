//! The fixed sections of `lab.toml` to their types, and the checks of the network plan.
//!
//! [`sections`] reads and checks what needs no component; [`AddressPlan`] is the book of every address, in which
//! components claim theirs. Knows no module and no Talos version; components and the words of `[talos]` stay trees.

mod addresses;
mod cluster;
mod defaults;
mod disks;
mod hosts;
mod identity;
mod keys;
mod labels;
mod link_keys;
mod links;
mod machines;
mod namespaces;
mod network;
mod networks;
mod pools;
mod read;
mod secrets;
mod topology;

use std::collections::BTreeMap;

pub use addresses::{AddressPlan, Claim, Owner};
pub use defaults::with_defaults;

use read::{section, table};

use super::lab::{
    Cluster, Identity, Machine, NamespaceRules, Network, NodeName, Secret, TalosRules,
};
use crate::diag::{Diagnostics, Severity};
use crate::parse::table::Table;
use crate::source::Spanned;
use crate::value::Node;

/// What the fixed sections of a lab say.
#[derive(Clone, Debug)]
pub struct Sections {
    /// `[lab]` and `[repository]`.
    pub identity: Identity,
    /// `[cluster]`.
    pub cluster: Cluster,
    /// `[network]`.
    pub network: Network,
    /// Whether all of `[network]` could be read.
    pub network_complete: bool,
    /// `[nodes]`, with `[hardware]` merged in.
    pub machines: BTreeMap<NodeName, Machine>,
    /// `[talos]`.
    pub talos: TalosRules,
    /// `[namespaces]`.
    pub namespaces: BTreeMap<String, NamespaceRules>,
    /// `[defaults]`: trait to the offer that answers it.
    pub defaults: BTreeMap<String, Spanned<String>>,
    /// `[secrets]`.
    pub secrets: BTreeMap<String, Secret>,
    /// `[vars]`: the owner's own facts.
    pub vars: Option<Node>,
}

/// The sections that the built-in defaults do not have.
struct Tables<'a> {
    vars: Option<&'a Node>,
    talos: Option<&'a Node>,
    hardware: Option<&'a Node>,
    nodes: Option<&'a Node>,
    namespaces: Option<&'a Node>,
    defaults: Option<&'a Node>,
    secrets: Option<&'a Node>,
}

/// Reads and checks the fixed sections of a whole `lab.toml`, into which [`with_defaults`] has put the defaults.
///
/// Every problem is reported. Nothing is returned where too much is missing for going on; with lesser errors there is
/// a value all the same, so that later stages can report theirs.
pub fn sections(lab: &Node, diagnostics: &mut Diagnostics) -> Option<Sections> {
    if !identity::check_format(lab, diagnostics) {
        return None;
    }
    let mut root = Table::new(lab, "", diagnostics);
    let tables = Tables {
        vars: root.node("vars"),
        talos: root.node("talos"),
        hardware: root.node("hardware"),
        nodes: root.node("nodes"),
        namespaces: root.node("namespaces"),
        defaults: root.node("defaults"),
        secrets: root.node("secrets"),
    };
    let identity = section(lab, &mut root, "lab", diagnostics);
    let repository = section(lab, &mut root, "repository", diagnostics);
    let cluster = section(lab, &mut root, "cluster", diagnostics);
    let network = section(lab, &mut root, "network", diagnostics);
    for components in ["infrastructure", "apps"] {
        root.node(components);
    }
    root.finish(diagnostics);

    let identity = identity::read(identity?, repository?, diagnostics);
    let errors = diagnostics.count(Severity::Error);
    let network = network::read(network?, diagnostics);
    let network_complete = diagnostics.count(Severity::Error) == errors;
    let fleet = machines::read(&tables, network.as_ref(), diagnostics);
    if let Some(network) = &network {
        networks::check(network, &fleet.machines, diagnostics);
        hosts::check(network, &fleet.machines, diagnostics);
    }
    let cluster = cluster::read(cluster?, network.as_ref(), &fleet, diagnostics);
    let namespaces = namespaces::read(tables.namespaces, diagnostics);
    let defaults = namespaces::read_defaults(tables.defaults, diagnostics);
    let secrets = secrets::read(tables.secrets, diagnostics);
    let vars = table(tables.vars, "vars", diagnostics);
    Some(Sections {
        identity: identity?,
        cluster: cluster?,
        network: network?,
        network_complete,
        machines: fleet.machines,
        talos: fleet.talos,
        namespaces,
        defaults,
        secrets,
        vars,
    })
}
