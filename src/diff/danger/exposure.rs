//! Something becomes reachable that was not: from the internet, from the lab's network, or past what guarded it.
//!
//! A new app inside the lab's network says nothing; one that the internet reaches does. What guards a component that
//! goes may go with it.

use std::collections::{BTreeMap, BTreeSet};

use super::fate::{self, Fate};
use super::object::{self, Object, at, items, text, texts};
use super::{Context, Danger, join, quoted};
use crate::diag::{Code, Severity};
use crate::diff::Made;
use crate::template::convert;
use crate::value::Node;

const GATEWAY_API: &str = "gateway.networking.k8s.io";

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    let gateways = Gateways {
        before: public_before(context),
        after: public(context.target),
    };
    found.extend(published(context, &gateways));
    for object in context.objects() {
        found.extend(opened_gateway(context, &object, &gateways));
        found.extend(service(&object));
        found.extend(sources(&object));
        found.extend(host_ports(&object));
        found.extend(unguarded(context, &object));
        found.extend(widened(&object));
        found.extend(without_login(&object));
        found.extend(without_tls(&object));
    }
}

/// A gateway by namespace and name.
type Place = (String, String);

/// The gateways that the internet reaches.
struct Gateways {
    before: BTreeSet<Place>,
    after: BTreeSet<Place>,
}

fn public(made: Made<'_>) -> BTreeSet<Place> {
    let gateways = object::all(made).filter(|node| is_public(node));
    gateways.map(place).collect()
}

fn is_public(node: &Node) -> bool {
    object::is_of(node, GATEWAY_API, "Gateway")
        && text(at(Some(node), &["metadata", "labels"]), &["labc/public"]) == Some("true")
}

/// The same at the base; where that does not compile, those of the target but for what changes.
fn public_before(context: &Context<'_>) -> BTreeSet<Place> {
    if let Some(base) = context.base {
        return public(base);
    }
    let mut gateways = public(context.target);
    for object in context.objects() {
        if let Some(after) = object.after {
            gateways.remove(&place(after));
        }
    }
    let before = context.objects().filter_map(|object| object.before);
    gateways.extend(before.filter(|node| is_public(node)).map(place));
    gateways
}

fn place(node: &Node) -> Place {
    let part = |key| text(Some(node), &["metadata", key]).unwrap_or_default();
    (part("namespace").to_owned(), part("name").to_owned())
}

/// The hosts by which a route answers at some gateways.
fn hosts_at(route: Option<&Node>, gateways: &BTreeSet<Place>) -> BTreeSet<String> {
    let own = text(route, &["metadata", "namespace"]).unwrap_or_default();
    let is_at = |parent: &Node| {
        let namespace = text(Some(parent), &["namespace"]).unwrap_or(own);
        let name = text(Some(parent), &["name"]).unwrap_or_default();
        gateways.contains(&(namespace.to_owned(), name.to_owned()))
    };
    if !items(route, &["spec", "parentRefs"]).iter().any(is_at) {
        return BTreeSet::new();
    }
    let hosts = texts(route, &["spec", "hostnames"]);
    hosts.into_iter().map(str::to_owned).collect()
}

fn is_route(object: &Object<'_>) -> bool {
    object.id.group == GATEWAY_API && object.id.kind.ends_with("Route")
}

/// The hosts that the internet reaches by routes of their own change, a danger a component.
fn published(context: &Context<'_>, gateways: &Gateways) -> Vec<Danger> {
    let mut opened: BTreeMap<Option<&str>, (BTreeSet<String>, Vec<Object<'_>>)> = BTreeMap::new();
    for object in context.objects().filter(is_route) {
        let before = hosts_at(object.before, &gateways.before);
        let mut hosts = hosts_at(object.after, &gateways.after);
        hosts.retain(|host| !before.contains(host));
        if !hosts.is_empty() {
            let entry = opened.entry(object.component()).or_default();
            entry.0.extend(hosts);
            entry.1.push(object);
        }
    }
    let tell =
        |(component, (hosts, objects)): (Option<&str>, (BTreeSet<String>, Vec<Object<'_>>))| {
            let changes: Vec<_> = objects.iter().map(Object::at).collect();
            let becomes = if hosts.len() == 1 {
                "becomes"
            } else {
                "become"
            };
            let message = format!("{} {becomes} reachable from the internet", quoted(&hosts));
            let danger = Danger::of_all(Severity::Warning, Code::EXPOSED, &changes, message)?;
            let what = component.map_or("it".to_owned(), |name| format!("`{name}`"));
            Some(
                danger
                    .note("its gateway says `public = true`")
                    .help(format!(
                        "see that {what} asks who comes; inside the lab alone: another `via`"
                    )),
            )
        };
    opened.into_iter().filter_map(tell).collect()
}

/// A gateway that was there becomes public, with every route that hangs on it.
fn opened_gateway(
    context: &Context<'_>,
    object: &Object<'_>,
    gateways: &Gateways,
) -> Option<Danger> {
    let (before, after) = object.both()?;
    let (old, new) = (place(before), place(after));
    if !object.is(GATEWAY_API, "Gateway")
        || gateways.before.contains(&old)
        || !gateways.after.contains(&new)
    {
        return None;
    }
    let only = BTreeSet::from([new]);
    let hosts: BTreeSet<String> = object::all(context.target)
        .flat_map(|route| hosts_at(Some(route), &only))
        .collect();
    let message = format!("the internet reaches gateway `{}`", object.id.name);
    let danger = Danger::new(Severity::Warning, Code::EXPOSED, object.at(), message);
    let what = if hosts.is_empty() {
        "no route hangs on it yet".to_owned()
    } else {
        format!("and with it {}", quoted(hosts))
    };
    Some(
        danger
            .note(what)
            .help("move what must stay inside to another gateway before this is merged"),
    )
}

/// A Service that takes an address or a port of the lab's network.
fn service(object: &Object<'_>) -> Option<Danger> {
    if !object.is("", "Service") {
        return None;
    }
    let kind = |node| text(node, &["spec", "type"]).unwrap_or("ClusterIP");
    let (old, new) = (kind(object.before), kind(object.after));
    let reach = match new {
        _ if old == new || (old, new) == ("LoadBalancer", "NodePort") => return None,
        "LoadBalancer" => "by an address of the load balancer",
        "NodePort" => "by a port of every node",
        _ => return None,
    };
    let severity = match object.before {
        Some(_) => Severity::Warning,
        None => Severity::Note,
    };
    let message = format!("`{}` is reachable from the network, {reach}", object.id);
    let danger = Danger::new(severity, Code::EXPOSED, object.at(), message);
    Some(danger.note(match old {
        "NodePort" => "it was so by a port of every node",
        _ if object.before.is_some() => "it was reachable inside the cluster only",
        _ => "no gateway stands before it, and nothing that asks who comes",
    }))
}

/// A Service that takes in more of the world than before.
fn sources(object: &Object<'_>) -> Option<Danger> {
    object.both()?;
    let ranges = |node| -> BTreeSet<&str> {
        texts(node, &["spec", "loadBalancerSourceRanges"])
            .into_iter()
            .collect()
    };
    let (old, new) = (ranges(object.before), ranges(object.after));
    let more: Vec<&&str> = new.difference(&old).collect();
    let is_open = new.is_empty();
    if !object.is("", "Service") || old.is_empty() || (!is_open && more.is_empty()) {
        return None;
    }
    let message = if is_open {
        format!(
            "`{}` takes in everybody: its source ranges are gone",
            object.id
        )
    } else {
        format!("`{}` takes in {} too", object.id, quoted(more))
    };
    let danger = Danger::new(Severity::Warning, Code::EXPOSED, object.at(), message);
    Some(danger.note(format!("it took in {} only", quoted(old))))
}

/// A pod that takes a port of its node.
fn host_ports(object: &Object<'_>) -> Option<Danger> {
    let ports = |node: Option<&Node>| -> BTreeSet<String> {
        let containers = items(node, &["spec", "template", "spec", "containers"]).iter();
        let ports = containers.flat_map(|container| items(Some(container), &["ports"]));
        let port = |port: &Node| convert::text(at(Some(port), &["hostPort"])?);
        ports
            .filter_map(port)
            .map(|port| port.to_string())
            .collect()
    };
    let (before, after) = (ports(object.before), ports(object.after));
    let new: Vec<&String> = after.difference(&before).collect();
    if new.is_empty() {
        return None;
    }
    let severity = match object.before {
        Some(_) => Severity::Warning,
        None => Severity::Note,
    };
    let message = format!("`{}` takes port {} of its node", object.id, join(new));
    let danger = Danger::new(severity, Code::EXPOSED, object.at(), message);
    Some(
        danger.note(
            "whoever reaches the node reaches the pod: no policy of the cluster stands between",
        ),
    )
}

/// Kinds whose objects keep somebody out.
const GUARDS: [(&str, &str); 8] = [
    ("networking.k8s.io", "NetworkPolicy"),
    ("cilium.io", "CiliumNetworkPolicy"),
    ("cilium.io", "CiliumClusterwideNetworkPolicy"),
    ("gateway.envoyproxy.io", "SecurityPolicy"),
    ("security.istio.io", "AuthorizationPolicy"),
    ("security.istio.io", "RequestAuthentication"),
    ("traefik.io", "Middleware"),
    ("policy.networking.k8s.io", "AdminNetworkPolicy"),
];

fn unguarded(context: &Context<'_>, object: &Object<'_>) -> Option<Danger> {
    let is_guard = GUARDS.iter().any(|(group, kind)| object.is(group, kind));
    if !is_guard
        || !object.is_removed()
        || !context.stays(object.component())
        || fate::of(context, object) != Fate::Deleted
    {
        return None;
    }
    let message = format!("`{}` goes: what it kept out comes in", object.id);
    let danger = Danger::new(Severity::Warning, Code::EXPOSED, object.at(), message);
    Some(danger.help("see what stands behind it, and that something else guards that"))
}

/// A NetworkPolicy that lets in, or out, more than before.
fn widened(object: &Object<'_>) -> Option<Danger> {
    let (before, after) = object.both()?;
    if !object.is("networking.k8s.io", "NetworkPolicy") {
        return None;
    }
    let why = [("Ingress", "ingress", "from"), ("Egress", "egress", "to")]
        .into_iter()
        .find_map(|direction| looser(before, after, direction))?;
    let message = format!("`{}` lets more through: {why}", object.id);
    Some(Danger::new(
        Severity::Warning,
        Code::EXPOSED,
        object.at(),
        message,
    ))
}

fn looser(before: &Node, after: &Node, (kind, rules, peers): (&str, &str, &str)) -> Option<String> {
    let governs = |node| {
        let kinds = texts(Some(node), &["spec", "policyTypes"]);
        let by_default = kind == "Ingress" || at(Some(node), &["spec", rules]).is_some();
        if kinds.is_empty() {
            by_default
        } else {
            kinds.contains(&kind)
        }
    };
    let (old, new) = (governs(before), governs(after));
    if old && !new {
        return Some(format!("it governs no {} any more", kind.to_lowercase()));
    }
    let lets_all = |node| {
        let rules = items(Some(node), &["spec", rules]).iter();
        rules
            .filter(|rule| items(Some(rule), &[peers]).is_empty())
            .count()
    };
    if old && lets_all(after) > lets_all(before) {
        return Some(format!(
            "a rule of `spec.{rules}` has no `{peers}` any more, so it is for all"
        ));
    }
    let count = |node| {
        let rules = items(Some(node), &["spec", rules]).iter();
        rules
            .map(|rule| items(Some(rule), &[peers]).len())
            .sum::<usize>()
    };
    (old && lets_all(before) == 0 && count(after) > count(before))
        .then(|| format!("`spec.{rules}` has more peers"))
}

/// Annotations of an Ingress by which its controller asks who comes.
const LOGINS: [&str; 7] = [
    "nginx.ingress.kubernetes.io/auth-url",
    "nginx.ingress.kubernetes.io/auth-type",
    "nginx.ingress.kubernetes.io/auth-secret",
    "nginx.ingress.kubernetes.io/auth-tls-secret",
    "nginx.ingress.kubernetes.io/whitelist-source-range",
    "traefik.ingress.kubernetes.io/router.middlewares",
    "haproxy.org/auth-type",
];

fn without_login(object: &Object<'_>) -> Option<Danger> {
    object.both()?;
    let annotations = ["metadata", "annotations"];
    let has = |node, name: &&str| text(at(node, &annotations), &[*name]).is_some();
    let gone: Vec<&str> = LOGINS
        .into_iter()
        .filter(|name| has(object.before, name) && !has(object.after, name))
        .collect();
    let filters = |node: Option<&Node>| {
        let rules = items(node, &["spec", "rules"]).iter();
        let filters = rules.flat_map(|rule| items(Some(rule), &["filters"]));
        filters
            .filter(|filter| text(Some(filter), &["type"]) == Some("ExtensionRef"))
            .count()
    };
    let what = if object.is("networking.k8s.io", "Ingress") && !gone.is_empty() {
        quoted(gone)
    } else if is_route(object) && filters(object.before) > filters(object.after) {
        "a filter of another kind (`ExtensionRef`)".to_owned()
    } else {
        return None;
    };
    let message = format!(
        "`{}` is open to whoever finds it: {what} is gone",
        object.id
    );
    let danger = Danger::new(Severity::Warning, Code::EXPOSED, object.at(), message);
    Some(danger.help("see that the app itself asks who comes"))
}

fn without_tls(object: &Object<'_>) -> Option<Danger> {
    object.both()?;
    let is_plain = match object.id.kind.as_str() {
        "Ingress" => {
            let tls = |node| !items(node, &["spec", "tls"]).is_empty();
            tls(object.before) && !tls(object.after)
        }
        "Gateway" => lost_https(object),
        _ if is_route(object) => {
            let plain = |node| {
                let parents = items(node, &["spec", "parentRefs"]).iter();
                parents
                    .filter(|parent| text(Some(parent), &["sectionName"]) == Some("http"))
                    .count()
            };
            plain(object.after) > plain(object.before)
        }
        _ => false,
    };
    let message = format!("`{}` is served without TLS", object.id);
    is_plain.then(|| {
        Danger::new(Severity::Warning, Code::EXPOSED, object.at(), message)
            .note("what people type there, passwords too, can be read and changed on the way")
    })
}

/// Whether a listener that spoke HTTPS speaks something else.
fn lost_https(object: &Object<'_>) -> bool {
    let protocol = |node: Option<&Node>, name: &str| {
        let listeners = items(node, &["spec", "listeners"]).iter();
        let named = |listener: &&Node| text(Some(listener), &["name"]) == Some(name);
        let listener = listeners.into_iter().find(named)?;
        text(Some(listener), &["protocol"]).map(str::to_owned)
    };
    items(object.before, &["spec", "listeners"])
        .iter()
        .filter_map(|listener| text(Some(listener), &["name"]))
        .any(|name| {
            protocol(object.before, name).as_deref() == Some("HTTPS")
                && protocol(object.after, name).is_some_and(|protocol| protocol == "HTTP")
        })
}
