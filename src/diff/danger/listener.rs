//! A listener of a Gateway takes routes of more namespaces than before: whoever may write routes there can answer under
//! its hosts, with its certificate.
//!
//! Knows `allowedRoutes.namespaces.from`; whether a selector chooses more namespaces than another, it does not know.
//!
//! Source: kubernetes-sigs/gateway-api, `apis/v1/gateway_types.go`, `RouteNamespaces`.

use super::object::{Object, items, text};
use super::{Context, Danger, quoted};
use crate::diag::{Code, Severity};
use crate::value::Node;

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    for object in context.objects() {
        found.extend(widened(&object));
    }
}

/// Whose routes a listener takes, the fewest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum From {
    None,
    Same,
    Selector,
    All,
}

fn widened(object: &Object<'_>) -> Option<Danger> {
    let (before, after) = object.both()?;
    if !object.is("gateway.networking.k8s.io", "Gateway") {
        return None;
    }
    let listeners = |node| items(Some(node), &["spec", "listeners"]);
    let is_wider = |listener: &&Node| {
        let same = |other: &&Node| name(other) == name(listener);
        let other = listeners(before).iter().find(same);
        other.is_some_and(|other| from(listener) > from(other).max(From::Same))
    };
    let wider: Vec<&Node> = listeners(after).iter().filter(is_wider).collect();
    let whose = match wider.iter().copied().map(from).max()? {
        From::All => "every namespace",
        _ => "the namespaces that its selector names",
    };
    let (noun, takes) = match wider.len() {
        1 => ("listener", "takes"),
        _ => ("listeners", "take"),
    };
    let names = quoted(wider.into_iter().filter_map(name));
    let message = format!(
        "{noun} {names} of `{}` {takes} routes of {whose}",
        object.id
    );
    let danger = Danger::new(Severity::Warning, Code::EXPOSED, object.at(), message);
    Some(
        danger
            .note("whoever may write routes there answers under its hosts, with its certificate")
            .help("name the namespaces by a selector, and let nobody else label them so"),
    )
}

fn name(listener: &Node) -> Option<&str> {
    text(Some(listener), &["name"])
}

fn from(listener: &Node) -> From {
    match text(Some(listener), &["allowedRoutes", "namespaces", "from"]) {
        Some("All") => From::All,
        Some("Selector") => From::Selector,
        Some("None") => From::None,
        _ => From::Same,
    }
}
