//! The resolved lab as facts for people and scripts: nodes, components with their units, addresses, secrets.
//!
//! Secrets in them are masked, as in a diff. Knows no engine and makes no file: what it says of files is where `lower` puts
//! them, relative to `out/`.

mod json;
mod masked;
mod text;

pub use json::json;
pub use text::text;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::link::{Linked, Unit};
use crate::lower::NodeFiles;
use crate::lower::tree::resource_path;
use crate::parse::domain::IpRange;
use crate::resolve::component::SecretUse;
use crate::resolve::lab::{Engine, Machine, Network, NodeName, SecretSource};
use crate::resolve::{Component, Lab};
use crate::source::Spanned;

/// What `labc show` shows.
#[derive(Clone, Debug)]
pub struct Overview {
    /// `lab.name`.
    pub name: String,
    /// `lab.domain`.
    pub domain: String,
    /// `lab.engine`.
    pub engine: &'static str,
    /// The repository that the engine reads.
    pub repository: String,
    /// The version of Talos.
    pub talos: String,
    /// The contract.
    pub contract: String,
    /// The version of Kubernetes.
    pub kubernetes: String,
    /// The URL of the Kubernetes API.
    pub endpoint: String,
    /// The networks: what each is called in `lab.toml`, and what it is.
    pub networks: Vec<(&'static str, String)>,
    /// The nodes, by name.
    pub nodes: Vec<NodeFacts>,
    /// The components: infrastructure first, then by name.
    pub components: Vec<ComponentFacts>,
    /// The units of all components, in order.
    pub units: Vec<UnitFacts>,
    /// Who answers what components ask for.
    pub answers: Vec<AnswerFacts>,
    /// Who has which address.
    pub addresses: Vec<AddressFacts>,
    /// What is free for load balancers.
    pub free: Vec<IpRange>,
    /// The Secrets that exist outside the compiler.
    pub secrets: Vec<SecretFacts>,
}

/// One node.
#[derive(Clone, Debug)]
pub struct NodeFacts {
    /// Its name.
    pub name: String,
    /// `controlplane` or `worker`.
    pub role: &'static str,
    /// `online` or `offline`.
    pub status: &'static str,
    /// How it is reached.
    pub address: String,
    /// What it boots and is configured with; none for an offline node.
    pub image: Option<NodeFiles>,
}

/// One component.
#[derive(Clone, Debug)]
pub struct ComponentFacts {
    /// Its name.
    pub name: String,
    /// Its layer.
    pub layer: &'static str,
    /// Its module.
    pub module: String,
    /// Where it lives.
    pub namespace: String,
    /// Its version; none for one without a chart or a remote source.
    pub version: Option<String>,
    /// Its chart.
    pub chart: Option<ChartFacts>,
    /// The names of its units, in order.
    pub units: Vec<String>,
}

/// A chart.
#[derive(Clone, Debug)]
pub struct ChartFacts {
    /// Where it is published.
    pub repository: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What an engine syncs as one.
#[derive(Clone, Debug)]
pub struct UnitFacts {
    /// Its name.
    pub name: String,
    /// Its place in the order, counted from 0.
    pub order: usize,
    /// Whether a chart is released with it.
    pub has_chart: bool,
    /// The units that it comes after, each with why.
    pub after: Vec<(String, String)>,
    /// Its resources.
    pub resources: Vec<ResourceFacts>,
}

/// One resource.
#[derive(Clone, Debug)]
pub struct ResourceFacts {
    /// `group/version`.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace; none for one of the whole cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its file, relative to `out/`.
    pub file: String,
}

/// An answer to an entry of a trait.
#[derive(Clone, Debug)]
pub struct AnswerFacts {
    /// What was asked, as its path in `lab.toml`: `argocd.expose.main`.
    pub ask: String,
    /// The offer that answers.
    pub offer: String,
    /// What came back that people look for: a URL, a host, a class.
    pub result: Option<String>,
}

/// One address.
#[derive(Clone, Debug)]
pub struct AddressFacts {
    /// The address.
    pub address: IpAddr,
    /// Who has it, as its path in `lab.toml`.
    pub owner: String,
}

/// A Secret that exists outside the compiler.
#[derive(Clone, Debug)]
pub struct SecretFacts {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its keys.
    pub keys: Vec<String>,
    /// `manual`, `sops` or `external`.
    pub from: &'static str,
    /// The components that use it.
    pub used_by: Vec<String>,
}

/// The facts of a lab; `images` tells what each online node is made from.
pub fn overview(lab: &Lab, linked: &Linked, images: &BTreeMap<NodeName, NodeFiles>) -> Overview {
    let identity = &lab.sections.identity;
    let cluster = &lab.sections.cluster;
    let mut components: Vec<&Component> = lab.components.values().collect();
    components.sort_by_key(|component| component.layer);
    let machines = lab.sections.machines.values();
    let mut overview = Overview {
        name: identity.name.value.clone(),
        domain: identity.domain.value.clone(),
        engine: match identity.engine.value {
            Engine::ArgoCd => "argocd",
            Engine::Flux => "flux",
        },
        repository: identity.repository.url.value.clone(),
        talos: cluster.talos.value.to_string(),
        contract: cluster.contract.value.to_string(),
        kubernetes: cluster.kubernetes.value.to_string(),
        endpoint: cluster.endpoint.value.clone(),
        networks: networks(&lab.sections.network),
        nodes: machines
            .map(|machine| node(machine, images.get(&machine.name.value).cloned()))
            .collect(),
        components: components
            .into_iter()
            .map(|facts| component(facts, linked))
            .collect(),
        units: linked
            .units
            .iter()
            .map(|facts| unit(facts, &lab.components[&facts.id.component]))
            .collect(),
        answers: lab.components.values().flat_map(answers).collect(),
        addresses: lab
            .addresses
            .owners
            .iter()
            .map(|owner| AddressFacts {
                address: owner.address,
                owner: owner.owner.clone(),
            })
            .collect(),
        free: lab.addresses.free(),
        secrets: linked.secrets.iter().map(secret).collect(),
    };
    masked::mask(&mut overview);
    overview
}

fn node(machine: &Machine, image: Option<NodeFiles>) -> NodeFacts {
    NodeFacts {
        name: machine.name.value.to_string(),
        role: machine.role.value.word(),
        status: if machine.online.value {
            "online"
        } else {
            "offline"
        },
        address: machine.address.value.to_string(),
        image,
    }
}

fn component(component: &Component, linked: &Linked) -> ComponentFacts {
    let text = |node: &crate::value::Node| node.as_str().unwrap_or_default().to_owned();
    let units = linked.units.iter();
    let own = units.filter(|unit| unit.id.component == component.name);
    ComponentFacts {
        name: component.name.clone(),
        layer: component.layer.word(),
        module: component.module.name.clone(),
        namespace: component.namespace().to_owned(),
        version: component.version.as_str().map(str::to_owned),
        chart: component.chart.as_ref().map(|chart| ChartFacts {
            repository: text(&chart.repository),
            name: text(&chart.name),
            version: text(&chart.version),
        }),
        units: own.map(|unit| unit.id.to_string()).collect(),
    }
}

fn unit(unit: &Unit, component: &Component) -> UnitFacts {
    let after = unit.after.iter();
    let resources = unit.resources.iter().map(|resource| ResourceFacts {
        api_version: resource.api_version(),
        kind: resource.id.kind.clone(),
        namespace: resource.id.namespace.clone(),
        name: resource.id.name.clone(),
        file: below_out(&resource_path(unit, resource, component.namespace())),
    });
    UnitFacts {
        name: unit.id.to_string(),
        order: unit.order,
        has_chart: unit.has_chart,
        after: after
            .map(|(id, reason)| (id.to_string(), reason.text.clone()))
            .collect(),
        resources: resources.collect(),
    }
}

/// What people look for in an answer, the best first.
const RESULTS: [&str; 4] = ["url", "host", "class", "name"];

fn answers(component: &Component) -> impl Iterator<Item = AnswerFacts> {
    component.answers.iter().map(|answer| {
        let text = |key: &&str| answer.outputs.get(key)?.as_str().map(str::to_owned);
        AnswerFacts {
            ask: answer.ask.to_string(),
            offer: answer.offer.clone(),
            result: RESULTS.iter().find_map(text),
        }
    })
}

fn networks(network: &Network) -> Vec<(&'static str, String)> {
    fn joined<T: ToString>(values: &[Spanned<T>]) -> String {
        let texts: Vec<String> = values.iter().map(|value| value.value.to_string()).collect();
        texts.join(", ")
    }
    let mut networks = vec![
        ("nodes", network.nodes.value.to_string()),
        ("pods", joined(&network.pods)),
        ("services", joined(&network.services)),
        ("dns", network.dns.value.to_string()),
    ];
    if !network.load_balancer.is_empty() {
        networks.push(("load_balancer", joined(&network.load_balancer)));
    }
    networks
}

fn below_out(path: &str) -> String {
    path.strip_prefix("out/").unwrap_or(path).to_owned()
}

fn secret(secret: &SecretUse) -> SecretFacts {
    let mut used_by: Vec<String> = secret.users.iter().map(|(user, _)| user.clone()).collect();
    used_by.dedup();
    SecretFacts {
        namespace: secret.namespace.clone(),
        name: secret.name.clone(),
        keys: secret.keys.clone(),
        from: match secret.from {
            SecretSource::Manual => "manual",
            SecretSource::Sops => "sops",
            SecretSource::External => "external",
        },
        used_by,
    }
}
