//! Whether the networks of a lab can stand side by side: nodes, pods, Services, and what else has addresses.

use std::collections::BTreeMap;

use super::network::family;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::{IpNet, IpRange, nth_address};
use crate::resolve::lab::{Machine, Network, NodeName};
use crate::source::{Span, Spanned};

/// Networks to offer for pods and for Services, the usual ones first.
const PODS: [&str; 4] = [
    "10.244.0.0/16",
    "10.42.0.0/16",
    "172.20.0.0/16",
    "10.100.0.0/16",
];
const SERVICES: [&str; 4] = [
    "10.96.0.0/12",
    "10.43.0.0/16",
    "172.21.0.0/16",
    "10.101.0.0/16",
];

/// Ports that something on a Talos node listens on.
const NODE_SERVICES: [(u16, &str); 10] = [
    (2379, "etcd, for clients"),
    (2380, "etcd, for its members"),
    (6443, "the Kubernetes API"),
    (7445, "KubePrism"),
    (10250, "the kubelet"),
    (10256, "kube-proxy"),
    (10257, "the controller manager"),
    (10259, "the scheduler"),
    (50000, "the Talos API"),
    (50001, "Talos' trustd"),
];

/// Checks networks against each other.
pub(super) fn check(
    network: &Network,
    machines: &BTreeMap<NodeName, Machine>,
    diagnostics: &mut Diagnostics,
) {
    let inside = cluster_areas(network);
    let outside = outside_areas(network, machines);
    for (index, area) in inside.iter().enumerate() {
        let others = inside[index + 1..].iter().chain(&outside);
        let others: Vec<&Area> = others
            .filter(|other| area.range.overlaps(&other.range))
            .collect();
        overlap(area, &others, network, diagnostics);
    }
    check_pools(network, diagnostics);
    check_hosts(network, &inside, diagnostics);
    check_families(network, diagnostics);
    check_dns(network, diagnostics);
    check_ports(network, diagnostics);
}

/// Addresses that belong together.
struct Area {
    /// What messages call it.
    path: String,
    /// Its addresses.
    range: IpRange,
    /// The same, as people write them.
    text: String,
    /// Where it is written.
    span: Span,
}

fn area(path: impl Into<String>, network: &Spanned<IpNet>) -> Area {
    Area {
        path: path.into(),
        range: IpRange::of(&network.value),
        text: network.value.trunc().to_string(),
        span: network.span,
    }
}

/// The networks that exist only inside the cluster.
fn cluster_areas(network: &Network) -> Vec<Area> {
    let pods = network.pods.iter().map(|pods| area("network.pods", pods));
    let services = network.services.iter();
    pods.chain(services.map(|services| area("network.services", services)))
        .collect()
}

/// The networks that a node reaches over its links.
fn outside_areas(network: &Network, machines: &BTreeMap<NodeName, Machine>) -> Vec<Area> {
    let mut areas = vec![area("network.nodes", &network.nodes)];
    areas.extend(network.load_balancer.iter().map(|pool| Area {
        path: "network.load_balancer".to_owned(),
        range: pool.value,
        text: pool.value.to_string(),
        span: pool.span,
    }));
    for machine in machines.values() {
        for link in &machine.links {
            let path = format!("nodes.{}.links.{}", machine.name.value, link.name.value);
            let routes = link
                .routes
                .iter()
                .filter_map(|route| route.network.as_ref());
            let others = link.addresses.iter().chain(routes);
            let others = others.filter(|other| other.value.trunc() != network.nodes.value);
            for other in others.map(|other| area(path.clone(), other)) {
                // Nodes share their networks: each is said of the first node that has it.
                if !areas.iter().any(|known| known.range == other.range) {
                    areas.push(other);
                }
            }
        }
    }
    areas
}

/// Reports those that overlap a network of the cluster.
fn overlap(area: &Area, others: &[&Area], network: &Network, diagnostics: &mut Diagnostics) {
    let Some(first) = others.first() else {
        return;
    };
    let message = match others.len() {
        1 => format!("`{}` overlaps `{}`", area.path, first.path),
        count => format!("`{}` overlaps {count} other networks", area.path),
    };
    let what = |area: &Area| format!("`{}`: {}", area.path, area.text);
    // A default is written nowhere in the lab: then the caret stands at the first of the others.
    let is_default = area.span.source != network.nodes.span.source;
    let mut diagnostic = if is_default {
        Diagnostic::error(Code::NETWORKS_OVERLAP, first.span, message)
            .here(what(first))
            .label(area.span, format!("the default of `{}`", area.path))
    } else {
        Diagnostic::error(Code::NETWORKS_OVERLAP, area.span, message).here(area.text.clone())
    };
    for other in others.iter().skip(usize::from(is_default)) {
        diagnostic = diagnostic.label(other.span, what(other));
    }
    diagnostics.push(
        diagnostic
            .note("an address in two networks is found in one of them only")
            .maybe_help(free_network(&area.path, network)),
    );
}

/// A usual network for pods or Services that overlaps nothing.
fn free_network(path: &str, network: &Network) -> Option<String> {
    let usual = if path == "network.pods" {
        PODS
    } else {
        SERVICES
    };
    let mut taken: Vec<IpRange> = cluster_areas(network)
        .iter()
        .map(|area| area.range)
        .collect();
    taken.push(IpRange::of(&network.nodes.value));
    taken.extend(network.load_balancer.iter().map(|pool| pool.value));
    let free = usual.into_iter().find(|text| {
        let range = IpRange::parse(text);
        range.is_ok_and(|range| !taken.iter().any(|taken| taken.overlaps(&range)))
    })?;
    Some(format!(
        "`{path}` may be `{free}`: nothing else here has its addresses"
    ))
}

/// Checks the ranges of `load_balancer` against each other.
fn check_pools(network: &Network, diagnostics: &mut Diagnostics) {
    let pools = &network.load_balancer;
    for (index, pool) in pools.iter().enumerate() {
        let first = pools[..index]
            .iter()
            .find(|other| other.value.overlaps(&pool.value));
        if let Some(first) = first {
            let message = "two ranges of `network.load_balancer` overlap";
            diagnostics.push(
                Diagnostic::error(Code::NETWORKS_OVERLAP, pool.span, message)
                    .here(format!("{}", pool.value))
                    .label(first.span, format!("{}", first.value))
                    .help("write each address once"),
            );
        }
    }
}

/// Checks that no host of the lab has an address that pods or Services have.
fn check_hosts(network: &Network, inside: &[Area], diagnostics: &mut Diagnostics) {
    let reserved = network.reserved.iter();
    let reserved = reserved.map(|(name, host)| (format!("network.reserved.{name}"), host));
    let nameservers = network.nameservers.iter();
    let nameservers = nameservers.map(|server| ("network.nameservers".to_owned(), server));
    for (path, host) in reserved.chain(nameservers) {
        let found = inside.iter().find(|area| area.range.contains(host.value));
        // Where the nodes' own network is in there, that is said once.
        if let Some(area) = found.filter(|_| !network.nodes.value.contains(&host.value)) {
            let message = format!("`{path}` is an address of `{}`", area.path);
            diagnostics.push(
                Diagnostic::error(Code::UNUSABLE_ADDRESS, host.span, message)
                    .label(area.span, area.text.clone())
                    .note(
                        "nodes and pods look for such an address inside the cluster, never outside",
                    ),
            );
        }
    }
}

/// Checks that each family of Services is a family of pods.
fn check_families(network: &Network, diagnostics: &mut Diagnostics) {
    for services in &network.services {
        let wanted = family(&services.value);
        if network
            .pods
            .iter()
            .any(|pods| family(&pods.value) == wanted)
        {
            continue;
        }
        let message = format!("`network.services` has {wanted}, but `network.pods` has not");
        let mut diagnostic = Diagnostic::error(Code::INVALID_VALUE, services.span, message)
            .help("give both the same families: a Service of a family needs pods of that family");
        for pods in &network.pods {
            diagnostic = diagnostic.label(pods.span, "the pods' networks");
        }
        diagnostics.push(diagnostic);
    }
}

/// Checks that cluster DNS has an address of a Service, and one of its own.
fn check_dns(network: &Network, diagnostics: &mut Diagnostics) {
    let dns = &network.dns;
    let services = network.services.iter();
    let usual = network
        .services
        .first()
        .and_then(|first| nth_address(&first.value, 10));
    let usual = usual.map(|usual| format!("leave the key out: it is `{usual}` then"));
    let Some(home) = services
        .clone()
        .find(|services| services.value.contains(&dns.value))
    else {
        let message = "`network.dns` is outside `network.services`";
        let mut diagnostic = Diagnostic::error(Code::DNS_OUTSIDE_SERVICES, dns.span, message);
        for services in services {
            diagnostic = diagnostic.label(services.span, "the Services' network");
        }
        diagnostics.push(diagnostic.maybe_help(usual));
        return;
    };
    let first = nth_address(&home.value, 1);
    if home.value.prefix_len() < home.value.max_prefix_len() && first == Some(dns.value) {
        let message = "`network.dns` is the address of the Service `kubernetes`";
        diagnostics.push(
            Diagnostic::error(Code::DNS_OUTSIDE_SERVICES, dns.span, message)
                .label(
                    home.span,
                    "whose first address is that of the Kubernetes API",
                )
                .maybe_help(usual),
        );
    }
}

/// Checks that no Service can be given a port that the nodes themselves listen on.
fn check_ports(network: &Network, diagnostics: &mut Diagnostics) {
    let (first, last) = network.node_ports.value;
    let taken = NODE_SERVICES
        .iter()
        .filter(|(port, _)| (first..=last).contains(port));
    let taken: Vec<String> = taken
        .map(|(port, what)| format!("{port} is {what}"))
        .collect();
    if taken.is_empty() {
        return;
    }
    let message = "`network.node_ports` has ports that nodes use themselves";
    let mut diagnostic = Diagnostic::error(Code::NODE_PORT, network.node_ports.span, message)
        .here(format!("{first}-{last}"));
    for port in taken {
        diagnostic = diagnostic.note(port);
    }
    diagnostics.push(diagnostic.help("the usual range is `30000-32767`"));
}
