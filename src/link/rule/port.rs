//! Ports: those of a Service lead to ports that its pods name, those of probes to ports of their container, and numbers
//! are in range.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Diagnostics, did_you_mean};
use crate::link::index::{Index, Place};
use crate::link::label::{Reach, Selector};
use crate::link::pod::Pod;
use crate::link::read;
use crate::link::reference::{Reference, some};
use crate::value::Node;

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let mut node_ports: BTreeMap<(i64, &str), (Place<'_>, &Node)> = BTreeMap::new();
    for place in index.of_kind("", "Service") {
        for port in read::every(place.node(), "spec.ports.*") {
            target(index, place, port, diagnostics);
            for key in ["port", "targetPort"] {
                in_range(index, place, port.get(key), diagnostics);
            }
            node_port(index, place, port, &mut node_ports, diagnostics);
        }
    }
    for pod in index.pods.iter() {
        for container in pod.containers() {
            for port in read::every(container, "ports.*.containerPort") {
                in_range(index, pod.place, Some(port), diagnostics);
            }
            probes(index, pod, container, diagnostics);
        }
    }
}

/// A named `targetPort` is the name of a port of some pod that the Service picks.
fn target<'a>(index: &Index<'a>, from: Place<'a>, port: &'a Node, diagnostics: &mut Diagnostics) {
    let Some((node, name)) = port
        .get("targetPort")
        .and_then(|node| Some((node, node.as_str()?)))
    else {
        return;
    };
    let Some(selector) = read::one(from.node(), "spec.selector").map(Selector::plain) else {
        return;
    };
    let reach = Reach::In(vec![from.namespace()]);
    let picked = || index.pods.pick(&reach, &selector);
    let is_there = picked().any(|pod| pod.has_port(name));
    if selector.is_empty() || is_there || picked().next().is_none() {
        return;
    }
    let names: BTreeSet<&str> = picked().flat_map(Pod::port_names).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let message = format!("no container behind this Service has a port `{name}`");
    diagnostics.push(
        index
            .error(Code::UNKNOWN_PORT, Reference { from, node }, message)
            .note(format!("they have {}", some("named port", &names)))
            .maybe_help(did_you_mean(name, names.iter().copied())),
    );
}

/// The probes and hooks of a container that have a port.
const PROBES: [&str; 8] = [
    "livenessProbe.httpGet.port",
    "livenessProbe.tcpSocket.port",
    "readinessProbe.httpGet.port",
    "readinessProbe.tcpSocket.port",
    "startupProbe.httpGet.port",
    "startupProbe.tcpSocket.port",
    "lifecycle.postStart.httpGet.port",
    "lifecycle.preStop.httpGet.port",
];

fn probes<'a>(
    index: &Index<'a>,
    pod: &Pod<'a>,
    container: &'a Node,
    diagnostics: &mut Diagnostics,
) {
    for node in PROBES.iter().filter_map(|path| read::one(container, path)) {
        in_range(index, pod.place, Some(node), diagnostics);
        let Some(name) = node.as_str() else {
            continue;
        };
        let names = read::every(container, "ports.*.name");
        let names: Vec<&str> = names.into_iter().filter_map(Node::as_str).collect();
        if names.contains(&name) {
            continue;
        }
        let own = read::text(container, "name").unwrap_or_default();
        let message = format!("container `{own}` has no port `{name}`");
        let reference = Reference {
            from: pod.place,
            node,
        };
        diagnostics.push(
            index
                .error(Code::UNKNOWN_PORT, reference, message)
                .note(format!("it has {}", some("named port", &names)))
                .maybe_help(did_you_mean(name, names.iter().copied())),
        );
    }
}

fn in_range<'a>(
    index: &Index<'a>,
    from: Place<'a>,
    port: Option<&'a Node>,
    diagnostics: &mut Diagnostics,
) {
    let Some((node, number)) = port.and_then(|node| Some((node, read::integer(node)?))) else {
        return;
    };
    if !(1..=65535).contains(&number) {
        let message = format!("a port cannot be {number}");
        let reference = Reference { from, node };
        let diagnostic = index.error(Code::INVALID_VALUE, reference, message);
        diagnostics.push(diagnostic.help("a port is a number from 1 to 65535"));
    }
}

/// A node port that nobody asked the lab for is in its range, too, and nobody else's.
fn node_port<'a>(
    index: &Index<'a>,
    from: Place<'a>,
    port: &'a Node,
    owners: &mut BTreeMap<(i64, &'a str), (Place<'a>, &'a Node)>,
    diagnostics: &mut Diagnostics,
) {
    let Some((node, number)) = port
        .get("nodePort")
        .and_then(|node| Some((node, read::integer(node)?)))
    else {
        return;
    };
    let reference = Reference { from, node };
    let (first, last) = index.lab.sections.network.node_ports.value;
    let is_asked = is_asked(index, node);
    if !is_asked && !(i64::from(first)..=i64::from(last)).contains(&number) {
        let message = format!("node port {number} is outside {first}-{last}");
        let diagnostic = index.error(Code::NODE_PORT, reference, message);
        diagnostics.push(diagnostic.help("choose one in the range, or widen `network.node_ports`"));
    }
    let protocol = read::text(port, "protocol").unwrap_or("TCP");
    let (owner, other) = *owners.entry((number, protocol)).or_insert((from, node));
    let is_judged = is_asked && self::is_asked(index, other);
    if owner.resource.id != from.resource.id && !is_judged {
        let message = format!("node port {number} has two owners");
        diagnostics.push(index.error(Code::NODE_PORT, reference, message).label(
            index.name_span(owner),
            format!("{} has it, too", owner.resource.id),
        ));
    }
}

/// Whether a node port comes from a value that asked the lab for it, and was judged with all others.
fn is_asked(index: &Index<'_>, port: &Node) -> bool {
    let mut spans = port.origin.spans().iter();
    spans.any(|span| index.lab.node_ports.contains(span))
}
