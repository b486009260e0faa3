//! What `[cluster]`, `[network]` and `[nodes]` say about machine configs without a word of the vocabulary.
//!
//! Knows no contract's form; where a contract's base says a thing by itself, it is left out.

use std::net::IpAddr;

use super::facts::{Author, Fact, Facts, Owner, Said};
use super::kind;
use super::layers::{self, Layers, Roles};
use super::words;
use crate::diag::Diagnostics;
use crate::parse::domain::{IpNet, Minor};
use crate::resolve::lab::{Cluster, Encrypt, Host, Machine, Network, Role};
use crate::source::{Origin, Spanned};
use crate::value::{Node, Path, Value};

/// What a node and its hardware say.
pub(super) fn machine_facts(machine: &Machine, diagnostics: &mut Diagnostics) -> Facts {
    let name = &machine.name.value;
    let node = Owner::new(&format!("node `{name}`"), Author::Node);
    let mut facts = Facts::default();
    for (index, words) in machine.talos.iter().enumerate() {
        let speaker = match &machine.hardware {
            Some(hardware) if index + 1 < machine.talos.len() => {
                Owner::new(&format!("hardware `{}`", hardware.value), Author::Hardware)
            }
            _ => node.clone(),
        };
        facts.merge(
            &words::read(words, "talos", &speaker, diagnostics),
            diagnostics,
        );
    }
    if let Some(volumes) = &machine.volumes {
        let volumes = words::read_volumes(volumes, &node, diagnostics);
        facts.merge(&volumes, diagnostics);
    }
    let lists = [
        ("extensions", &machine.extensions),
        ("kernel_args", &machine.kernel_args),
    ];
    for (word, items) in lists {
        for item in items {
            let text = if word == "extensions" {
                kind::bare(&item.value)
            } else {
                &item.value
            };
            let value = Node::new(text, Origin::at(item.span));
            facts.add(Path::keys([word]), Fact::new(value, &node), diagnostics);
        }
    }
    node_metadata(machine, &node, &mut facts, diagnostics);
    own_name(machine, &node, &mut facts, diagnostics);
    encryption(machine, &node, &mut facts, diagnostics);
    facts
}

/// A node that is reached by name answers with a certificate for that name.
fn own_name(machine: &Machine, owner: &Owner, facts: &mut Facts, diagnostics: &mut Diagnostics) {
    if let Host::Name(name) = &machine.address.value {
        let node = Node::new(name.as_str(), Origin::at(machine.address.span));
        facts.add(
            Path::keys(["cert_sans"]),
            Fact::new(node, owner),
            diagnostics,
        );
    }
}

/// Labels and taints, which were checked where they were read.
fn node_metadata(
    machine: &Machine,
    owner: &Owner,
    facts: &mut Facts,
    diagnostics: &mut Diagnostics,
) {
    for (key, value) in &machine.labels {
        let fact = Fact::new(value.clone(), owner);
        facts.set(Path::keys(["node_labels", key]), fact, diagnostics);
    }
    for (key, taint) in &machine.taints {
        let value = Node::new(taint.value.as_str(), Origin::at(taint.span));
        let fact = Fact::new(value, owner);
        facts.set(Path::keys(["node_taints", key]), fact, diagnostics);
    }
}

fn encryption(machine: &Machine, owner: &Owner, facts: &mut Facts, diagnostics: &mut Diagnostics) {
    let Some(encrypt) = &machine.encrypt else {
        return;
    };
    let how = match encrypt.value {
        Encrypt::Tpm => "tpm",
        Encrypt::NodeId => "node-id",
    };
    for volume in ["STATE", "EPHEMERAL"] {
        let words = ["volumes", volume, "encrypt"];
        derive(
            facts,
            &words,
            how,
            &Origin::at(encrypt.span),
            owner,
            diagnostics,
        );
    }
}

/// What `[cluster]` says: who may run pods, and the API server's names.
pub(super) fn cluster_facts(cluster: &Cluster, layers: &mut Layers, diagnostics: &mut Diagnostics) {
    let owner = Owner::new("`[cluster]`", Author::Lab);
    let facts = layers.role(Role::ControlPlane);
    let schedule = &cluster.schedule_on_control_planes;
    if schedule.value {
        let origin = Origin::at(schedule.span);
        let (word, value) = scheduling(cluster.contract.value);
        derive(facts, &word, value, &origin, &owner, diagnostics);
    }
    // older contracts have it in the machine config that Talos generates
    if cluster.contract.value
        >= (Minor {
            major: 1,
            minor: 12,
        })
        && let Some(host) = endpoint_host(&cluster.endpoint.value)
    {
        let node = Node::new(host, Origin::at(cluster.endpoint.span));
        let path = Path::keys(["api_server", "cert_sans"]);
        facts.add(path, Fact::new(node, &owner), diagnostics);
    }
}

/// What lets pods run on control planes: from the 1.14 contract on, Talos' taint is an ordinary one.
fn scheduling(contract: Minor) -> (Vec<&'static str>, Value) {
    if contract
        >= (Minor {
            major: 1,
            minor: 14,
        })
    {
        (
            vec!["node_taints", layers::CONTROL_PLANE_LABEL],
            Value::Null,
        )
    } else {
        (vec!["schedule_on_control_planes"], Value::Bool(true))
    }
}

/// A name of the machines' certificates is one of the API server's, too, wherever it runs.
pub(super) fn share_cert_sans(layers: &mut Layers, roles: &Roles, diagnostics: &mut Diagnostics) {
    let sans = |facts: &Facts| {
        facts
            .at(&["cert_sans"])
            .map(Said::facts)
            .unwrap_or_default()
            .to_vec()
    };
    let mut add = |facts: &mut Facts, sans: Vec<Fact>| {
        for fact in sans {
            facts.add(Path::keys(["api_server", "cert_sans"]), fact, diagnostics);
        }
    };
    let of_all = sans(&layers.all);
    let controlplane = layers.role(Role::ControlPlane);
    let of_role = sans(controlplane);
    add(controlplane, of_all);
    add(controlplane, of_role);
    for (node, facts) in &mut layers.nodes {
        if roles.get(node) == Some(&Role::ControlPlane) {
            let of_node = sans(facts);
            add(facts, of_node);
        }
    }
}

/// The host of a URL, without brackets and port.
pub(super) fn endpoint_host(endpoint: &str) -> Option<&str> {
    let rest = endpoint.split_once("://")?.1;
    let authority = rest.split('/').next()?;
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split_once(']').map(|(host, _)| host);
    }
    authority
        .rsplit_once(':')
        .map_or(Some(authority), |(host, _)| Some(host))
}

/// What `[network]` says to all nodes.
pub(super) fn network_facts(
    cluster: &Cluster,
    network: &Network,
    roles: &Roles,
    layers: &mut Layers,
    diagnostics: &mut Diagnostics,
) {
    let owner = Owner::new("`[network]`", Author::Lab);
    let endpoint = endpoint_host(&cluster.endpoint.value);
    if let Some(vip) = &network.vip
        && endpoint != Some(&vip.value.to_string())
    {
        let node = Node::new(vip.value.to_string(), Origin::at(vip.span));
        let path = Path::keys(["api_server", "cert_sans"]);
        layers
            .role(Role::ControlPlane)
            .add(path, Fact::new(node, &owner), diagnostics);
    }
    let facts = &mut layers.all;
    let mut list = |word: &'static [&'static str], items: Vec<(String, Origin)>| {
        for (text, origin) in items {
            let fact = Fact::new(Node::new(text, origin), &owner);
            facts.add(Path::keys(word.iter().copied()), fact, diagnostics);
        }
    };
    let shown = |item: &Spanned<IpAddr>| (item.value.to_string(), Origin::at(item.span));
    let text = |item: &Spanned<String>| (item.value.clone(), Origin::at(item.span));
    let net = |item: &Spanned<IpNet>| (item.value.to_string(), Origin::at(item.span));
    list(
        &["nameservers"],
        network.nameservers.iter().map(shown).collect(),
    );
    list(&["search"], network.search.iter().map(text).collect());
    list(&["ntp"], network.ntp.iter().map(text).collect());
    if !is(&network.pods, DEFAULT_PODS) {
        list(&["pods"], network.pods.iter().map(net).collect());
    }
    if !is(&network.services, DEFAULT_SERVICES) {
        list(&["services"], network.services.iter().map(net).collect());
    }
    // with two families, Talos finds an address of each by itself
    if network.pods.len() < 2 {
        let fact = Fact::new(
            Node::new(
                network.nodes.value.to_string(),
                Origin::at(network.nodes.span),
            ),
            &owner,
        );
        default_node_ip(&fact, roles, layers, diagnostics);
    }
}

/// Where a Node's own address is looked for, unless somebody says it: once for all, or else for each node that hears
/// nothing.
fn default_node_ip(fact: &Fact, roles: &Roles, layers: &mut Layers, diagnostics: &mut Diagnostics) {
    let said = |facts: &Facts| facts.at(&["kubelet", "node_ip_subnets"]).is_some();
    if said(&layers.all) {
        return;
    }
    let mut add = |facts: &mut Facts| {
        facts.add(
            Path::keys(["kubelet", "node_ip_subnets"]),
            fact.clone(),
            diagnostics,
        );
    };
    if !layers.roles.values().any(said) && !layers.nodes.values().any(said) {
        add(&mut layers.all);
        return;
    }
    for (node, facts) in &mut layers.nodes {
        let role = roles.get(node).and_then(|role| layers.roles.get(role));
        if !said(facts) && !role.is_some_and(said) {
            add(facts);
        }
    }
}

const DEFAULT_PODS: &str = "10.244.0.0/16";
const DEFAULT_SERVICES: &str = "10.96.0.0/12";

fn is(networks: &[Spanned<IpNet>], default: &str) -> bool {
    matches!(networks, [network] if network.value.to_string() == default)
}

/// A fact that `origin` made, at these words.
fn derive(
    facts: &mut Facts,
    words: &[&str],
    value: impl Into<Value>,
    origin: &Origin,
    owner: &Owner,
    diagnostics: &mut Diagnostics,
) {
    let fact = Fact::new(Node::new(value, origin.clone()), owner);
    facts.set(Path::keys(words.iter().copied()), fact, diagnostics);
}
