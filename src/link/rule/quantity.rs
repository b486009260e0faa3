//! Quantities that Kubernetes takes: what containers ask for, what they may have, and the size of claims.

use crate::diag::{Code, Diagnostics};
use crate::link::index::{Index, Place};
use crate::link::read;
use crate::link::reference::Reference;
use crate::parse::domain::parse_quantity;
use crate::value::{Node, Value};

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for pod in index.pods.iter() {
        for container in pod.containers() {
            resources(index, pod.place, container, diagnostics);
        }
        for node in read::every(pod.spec, "volumes.*.emptyDir.sizeLimit") {
            quantity(index, pod.place, node, diagnostics);
        }
    }
    let claims = index
        .of_kind("", "PersistentVolumeClaim")
        .map(|place| (place, "spec"));
    let templates = index.of_kind("apps", "StatefulSet");
    let templates = templates.map(|place| (place, "spec.volumeClaimTemplates.*.spec"));
    for (place, path) in claims.chain(templates) {
        for spec in read::every(place.node(), path) {
            match read::one(spec, "resources.requests.storage") {
                Some(node) => {
                    quantity(index, place, node, diagnostics);
                }
                None => {
                    let reference = Reference {
                        from: place,
                        node: spec,
                    };
                    let message = "this claim asks for no size".to_owned();
                    let diagnostic = index.error(Code::INVALID_VALUE, reference, message);
                    diagnostics.push(diagnostic.help("add `resources.requests.storage`"));
                }
            }
        }
    }
    for place in index.of_kind("", "PersistentVolume") {
        for node in read::every(place.node(), "spec.capacity.storage") {
            quantity(index, place, node, diagnostics);
        }
    }
}

fn resources<'a>(
    index: &Index<'a>,
    from: Place<'a>,
    container: &'a Node,
    diagnostics: &mut Diagnostics,
) {
    let limits = read::map(container, "resources.limits");
    for (_, entry) in limits.into_iter().flatten() {
        quantity(index, from, &entry.node, diagnostics);
    }
    for (name, entry) in read::map(container, "resources.requests")
        .into_iter()
        .flatten()
    {
        let asked = quantity(index, from, &entry.node, diagnostics);
        let limit = limits
            .and_then(|limits| limits.get(name))
            .map(|entry| &entry.node);
        let most = limit.and_then(|limit| parse_quantity(&text(limit)?).ok());
        // Both are rounded up, so a request that is above its limit here is so in truth.
        if let (Some(asked), Some(most), Some(limit)) = (asked, most, limit)
            && asked > most
        {
            let node = &entry.node;
            let message = format!("a container asks for more {name} than it may have");
            diagnostics.push(
                index
                    .error(Code::INVALID_VALUE, Reference { from, node }, message)
                    .label(limit.origin.first(), "its limit"),
            );
        }
    }
}

fn quantity<'a>(
    index: &Index<'a>,
    from: Place<'a>,
    node: &'a Node,
    diagnostics: &mut Diagnostics,
) -> Option<u128> {
    let text = text(node)?;
    match parse_quantity(&text) {
        Ok(quantity) => Some(quantity),
        Err(why) => {
            let message = format!("`{text}` is no quantity");
            let diagnostic = index.error(Code::INVALID_VALUE, Reference { from, node }, message);
            diagnostics.push(diagnostic.help(why));
            None
        }
    }
}

fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Str(text) => Some(text.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::Uint(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}
