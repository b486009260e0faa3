//! One owner for each host and path of an offer. The same host on two offers is right: that is split horizon.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::index::{Index, Place};
use crate::link::read;
use crate::link::reference::Reference;
use crate::render::Made;
use crate::resolve::component::Answer;
use crate::source::Span;
use crate::value::{Node, Value};

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let mut owners: BTreeMap<(&str, &str, &str, &str), &Answer> = BTreeMap::new();
    for component in index.lab.components.values() {
        for answer in &component.answers {
            let Some((host, path)) = shown(answer) else {
                continue;
            };
            let key = (answer.ask.of.as_str(), answer.offer.as_str(), host, path);
            let owner = owners.entry(key).or_insert(answer);
            if owner.ask != answer.ask {
                diagnostics.push(twice(owner, answer, host, path));
            }
        }
    }
    by_hand(index, diagnostics);
}

/// The host of an answer and the path below it.
fn shown(answer: &Answer) -> Option<(&str, &str)> {
    let host = answer.outputs.get("host")?.as_str()?;
    let node_port = answer.request.get("node_port");
    if node_port.is_some_and(|port| port.value != Value::Null) {
        return None;
    }
    let path = answer.request.get("path").and_then(Node::as_str);
    Some((host, plain(path.unwrap_or_default())))
}

/// A path without the slash at its end.
fn plain(path: &str) -> &str {
    path.trim_end_matches('/')
}

fn place(answer: &Answer) -> Option<Span> {
    let host = answer
        .request
        .get("host")
        .and_then(|host| host.origin.first());
    answer.request.origin.first().or(host)
}

fn twice(first: &Answer, second: &Answer, host: &str, path: &str) -> Diagnostic {
    let offer = &second.offer;
    let is_one = first.ask.component == second.ask.component;
    let owner = |answer: &Answer| {
        let ask = &answer.ask;
        match is_one {
            true => format!("`{}.{}`", ask.of, ask.entry),
            false => format!("`{}`", ask.component),
        }
    };
    let message = format!("`{host}{path}` has two owners on `{offer}`");
    Diagnostic::error(Code::HOST_TWICE, place(second), message)
        .here(owner(second))
        .label(place(first), owner(first))
        .help("choose another `host` or `path` for one of the two, or show it `via` another offer")
}

/// Ingresses that are written by hand share host, path and class with another.
fn by_hand(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let mut owners: BTreeMap<(&str, &str, &str), Place<'_>> = BTreeMap::new();
    for from in index.of_kind("networking.k8s.io", "Ingress") {
        let class = read::text(from.node(), "spec.ingressClassName").unwrap_or_default();
        for rule in read::every(from.node(), "spec.rules.*") {
            let Some((node, host)) = rule
                .get("host")
                .and_then(|node| Some((node, node.as_str()?)))
            else {
                continue;
            };
            for path in read::every(rule, "http.paths.*") {
                let path = plain(read::text(path, "path").unwrap_or_default());
                let owner = *owners.entry((class, host, path)).or_insert(from);
                let is_other = owner.resource.id != from.resource.id;
                let is_written = is_manifest(owner) || is_manifest(from);
                if is_other && is_written {
                    let message = format!("`{host}{path}` has two owners");
                    diagnostics.push(
                        index
                            .error(Code::HOST_TWICE, Reference { from, node }, message)
                            .label(
                                index.name_span(owner),
                                format!("{} has it, too", owner.resource.id),
                            )
                            .help("choose another host or path for one of the two"),
                    );
                }
            }
        }
    }
}

fn is_manifest(place: Place<'_>) -> bool {
    place.resource.made == Made::Manifest
}
