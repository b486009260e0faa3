//! The machines of a lab and its addresses.

use super::markdown::{code, codes, head, row};
use crate::lower::Text;
use crate::parse::domain::IpRange;
use crate::resolve::Lab;
use crate::resolve::lab::Machine;
use crate::source::{Origin, Span};
use crate::value::{Node, Value};

/// Adds the table of machines.
pub(super) fn nodes(lab: &Lab, text: &mut Text) {
    text.own("\n## Nodes\n");
    let columns = ["node", "role", "address", "hardware", "status", "labels"];
    head(&columns, text);
    for machine in lab.sections.machines.values() {
        let hardware = machine.hardware.as_ref();
        let status = if machine.online.value {
            "online"
        } else {
            "offline"
        };
        let cells = [
            code(&machine.name.value.0),
            machine.role.value.word().to_owned(),
            code(&machine.address.value.to_string()),
            hardware.map_or(String::new(), |hardware| code(&hardware.value)),
            status.to_owned(),
            labels(machine),
        ];
        row(cells, Origin::at(machine.span), text);
    }
}

/// The labels of a machine; one that the lab takes away ends with `-`, as `kubectl label` has it.
fn labels(machine: &Machine) -> String {
    let word = |(key, value): (&String, &Node)| match &value.value {
        Value::Null => format!("{key}-"),
        Value::Str(value) => format!("{key}={value}"),
        Value::Bool(value) => format!("{key}={value}"),
        Value::Int(value) => format!("{key}={value}"),
        _ => key.clone(),
    };
    let words: Vec<String> = machine.labels.iter().map(word).collect();
    codes(words.iter().map(String::as_str))
}

/// Adds who has which address, the networks, and what is free.
pub(super) fn addresses(lab: &Lab, text: &mut Text) {
    text.own("\n## Addresses\n");
    head(&["address", "owner"], text);
    for owner in &lab.addresses.owners {
        let cells = [code(&owner.address.to_string()), code(&owner.owner)];
        row(cells, Origin::at(owner.span), text);
    }
    text.own("");
    networks(lab, text);
}

fn networks(lab: &Lab, text: &mut Text) {
    let network = &lab.sections.network;
    head(&["network", "range", "free"], text);
    let mut line = |name: &str, range: String, free: &str, span: Span| {
        let cells = [name.to_owned(), code(&range), free.to_owned()];
        row(cells, Origin::at(span), text);
    };
    let nodes = &network.nodes;
    line("nodes", nodes.value.to_string(), "", nodes.span);
    let free = lab.addresses.free();
    for pool in &network.load_balancer {
        let here = free
            .iter()
            .filter(|range| pool.value.contains(range.first))
            .map(with_count);
        let here: Vec<String> = here.collect();
        let here = if here.is_empty() {
            "none".to_owned()
        } else {
            here.join(", ")
        };
        line("load balancer", pool.value.to_string(), &here, pool.span);
    }
    for pods in &network.pods {
        line("pods", pods.value.to_string(), "", pods.span);
    }
    let dns = &network.dns;
    for services in &network.services {
        let range = services.value;
        let name = match range.contains(&dns.value) {
            true => format!("Services (cluster DNS is {})", code(&dns.value.to_string())),
            false => "Services".to_owned(),
        };
        line(&name, range.to_string(), "", services.span);
    }
    let (first, last) = network.node_ports.value;
    let ports = format!("{first}-{last}");
    line("node ports", ports, "", network.node_ports.span);
}

fn with_count(range: &IpRange) -> String {
    let addresses = match range.len() {
        1 => "1 address".to_owned(),
        count => format!("{count} addresses"),
    };
    format!("{} ({addresses})", code(&range.to_string()))
}
