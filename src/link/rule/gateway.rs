//! Routes and the Gateways that they are for: the Gateway is there, and one of its listeners admits the route.

use crate::diag::{Code, Diagnostics, did_you_mean};
use crate::link::grant::Grants;
use crate::link::index::{Index, Place};
use crate::link::label::Selector;
use crate::link::read;
use crate::link::reference::{Reference, Wanted, some};
use crate::link::service;
use crate::parse::table::list;
use crate::value::{Entry, Map, Node};

const GROUP: &str = "gateway.networking.k8s.io";

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for kind in super::backend::ROUTES {
        for route in index.of_kind(GROUP, kind) {
            for parent in read::every(route.node(), "spec.parentRefs.*") {
                of_parent(index, route, parent, diagnostics);
            }
        }
    }
    let grants = Grants::of(index);
    for from in index.of_kind(GROUP, "Gateway") {
        for certificate in read::every(from.node(), "spec.listeners.*.tls.certificateRefs.*") {
            if let (Some(node), Some(namespace), Some(name)) = (
                certificate.get("namespace"),
                read::text(certificate, "namespace"),
                read::text(certificate, "name"),
            ) {
                let reference = Reference { from, node };
                grants.check(
                    index,
                    reference,
                    ("", "Secret", namespace, name),
                    diagnostics,
                );
            }
        }
    }
}

fn of_parent<'a>(
    index: &Index<'a>,
    route: Place<'a>,
    parent: &'a Node,
    diagnostics: &mut Diagnostics,
) {
    let Some((node, name)) = parent
        .get("name")
        .and_then(|node| Some((node, node.as_str()?)))
    else {
        return;
    };
    let kind = read::text(parent, "kind").unwrap_or("Gateway");
    // The empty group is that of Services, which a mesh takes routes for.
    let group = parent.get("group").and_then(Node::as_str).unwrap_or(GROUP);
    let namespace = read::text(parent, "namespace").unwrap_or(route.namespace());
    let reference = Reference { from: route, node };
    if (group, kind) == ("", "Service") {
        service::check(index, reference, namespace, parent.get("port"), diagnostics);
        return;
    }
    let wanted = Wanted {
        group,
        kind,
        namespace: Some(namespace),
        name,
    };
    let Some(gateway) = index.follow(reference, wanted, Code::DANGLING_REFERENCE, diagnostics)
    else {
        return;
    };
    if kind == "Gateway" {
        admitted(index, route, parent, gateway, diagnostics);
    }
}

/// Why a listener does not take a route, from the first that is looked at to the last.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Refusal {
    Kind(String),
    Namespace(String),
    Host(String),
}

fn admitted<'a>(
    index: &Index<'a>,
    route: Place<'a>,
    parent: &'a Node,
    gateway: Place<'a>,
    diagnostics: &mut Diagnostics,
) {
    let all = read::every(gateway.node(), "spec.listeners.*");
    let section = parent.get("sectionName");
    let wanted = section.and_then(Node::as_str);
    let port = parent.get("port").and_then(read::integer);
    let name = |listener: &Node| read::text(listener, "name").map(str::to_owned);
    let is_meant = |listener: &&&Node| {
        wanted.is_none_or(|wanted| read::text(listener, "name") == Some(wanted))
            && port.is_none_or(|port| listener.get("port").and_then(read::integer) == Some(port))
    };
    let meant: Vec<&Node> = all.iter().filter(is_meant).copied().collect();
    let (id, gateway_name) = (&route.resource.id, &gateway.resource.id.name);
    if meant.is_empty() {
        let node = section.or(parent.get("port")).unwrap_or(parent);
        let names: Vec<String> = all.iter().filter_map(|listener| name(listener)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let what = match (wanted, port) {
            (Some(wanted), _) => format!("`{wanted}`"),
            (None, Some(port)) => format!("for port {port}"),
            (None, None) => "at all".to_owned(),
        };
        let message = format!("Gateway `{gateway_name}` has no listener {what}");
        let reference = Reference { from: route, node };
        diagnostics.push(
            index
                .error(Code::DANGLING_REFERENCE, reference, message)
                .label(index.name_span(gateway), "this one")
                .note(format!("it has {}", some("listener", &names)))
                .maybe_help(wanted.and_then(|wanted| did_you_mean(wanted, names.iter().copied()))),
        );
        return;
    }
    let refusals: Result<Vec<Refusal>, ()> = meant
        .iter()
        .map(|listener| refusal(index, route, gateway, listener).ok_or(()))
        .collect();
    // One listener that takes it is enough. Of the reasons the one that came last is nearest to being right.
    let Ok(refusals) = refusals else { return };
    let Some(nearest) = refusals.into_iter().max() else {
        return;
    };
    let (Refusal::Kind(why) | Refusal::Namespace(why) | Refusal::Host(why)) = nearest;
    let message = format!("Gateway `{gateway_name}` does not admit {id}");
    let node = section.or(parent.get("name")).unwrap_or(parent);
    let reference = Reference { from: route, node };
    diagnostics.push(
        index
            .error(Code::NOT_ADMITTED, reference, message)
            .label(index.name_span(gateway), "this one")
            .note(why),
    );
}

/// Why a listener does not take a route; none if it does.
fn refusal(
    index: &Index<'_>,
    route: Place<'_>,
    gateway: Place<'_>,
    listener: &Node,
) -> Option<Refusal> {
    let name = read::text(listener, "name").unwrap_or_default();
    let kind = route.resource.id.kind.as_str();
    let kinds = allowed_kinds(listener);
    if !kinds.contains(&kind) {
        let why = format!("listener `{name}` takes {}", list(&kinds));
        return Some(Refusal::Kind(why));
    }
    if let Some(why) = wrong_namespace(index, route, gateway, listener) {
        return Some(Refusal::Namespace(format!(
            "listener `{name}` takes routes {why}"
        )));
    }
    let host = read::text(listener, "hostname")?;
    let hosts = read::every(route.node(), "spec.hostnames.*");
    let hosts: Vec<&str> = hosts.into_iter().filter_map(Node::as_str).collect();
    if hosts.is_empty() || hosts.iter().any(|own| hosts_meet(own, host)) {
        return None;
    }
    Some(Refusal::Host(format!(
        "listener `{name}` is for `{host}`, and the route for {}",
        hosts.join(", ")
    )))
}

/// The kinds of routes that a listener takes: those that it says, else those of its protocol.
fn allowed_kinds(listener: &Node) -> Vec<&str> {
    let said = read::every(listener, "allowedRoutes.kinds.*.kind");
    if !said.is_empty() {
        return said.into_iter().filter_map(Node::as_str).collect();
    }
    match read::text(listener, "protocol") {
        Some("HTTP" | "HTTPS") => vec!["HTTPRoute", "GRPCRoute"],
        Some("TLS") => vec!["TLSRoute", "TCPRoute"],
        Some("TCP") => vec!["TCPRoute"],
        Some("UDP") => vec!["UDPRoute"],
        // An implementation's own protocol.
        _ => super::backend::ROUTES.to_vec(),
    }
}

/// From where a listener takes routes, if not from where this one is.
fn wrong_namespace(
    index: &Index<'_>,
    route: Place<'_>,
    gateway: Place<'_>,
    listener: &Node,
) -> Option<String> {
    let own = gateway.namespace();
    match read::text(listener, "allowedRoutes.namespaces.from").unwrap_or("Same") {
        "All" => None,
        "Selector" => {
            let node = read::one(listener, "allowedRoutes.namespaces.selector")?;
            let selector = Selector::full(node);
            let labels = labels(index, route.namespace());
            let why = || format!("of namespaces with `{}` only", selector.to_text());
            (!selector.picks(Some(&labels))).then(why)
        }
        _ => (route.namespace() != own).then(|| format!("of its own namespace `{own}` only")),
    }
}

/// The labels of a namespace: what Kubernetes gives it, and what the lab says.
fn labels(index: &Index<'_>, namespace: &str) -> Map {
    let entry = |text: &str| Entry {
        key: None,
        node: Node::new(text, crate::source::Origin::none()),
    };
    let mut labels = Map::new();
    labels.insert("kubernetes.io/metadata.name".into(), entry(namespace));
    let rules = index.lab.sections.namespaces.get(namespace);
    for (key, value) in rules.into_iter().flat_map(|rules| &rules.labels) {
        labels.insert(key.as_str().into(), entry(&value.value));
    }
    labels
}

/// Whether two hosts, each perhaps with `*` as its first label, have a name in common.
fn hosts_meet(left: &str, right: &str) -> bool {
    let covers = |wide: &str, narrow: &str| {
        let rest = wide.strip_prefix('*');
        rest.is_some_and(|rest| narrow.ends_with(rest) && narrow.len() > rest.len())
    };
    left == right || covers(left, right) || covers(right, left)
}
