//! A port of the nodes that an entry asks for is given to a Service of its component: by a resource, or by a value of its
//! chart.
//!
//! What the chart makes of the value is not seen here.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::index::Index;
use crate::resolve::Component;
use crate::resolve::component::Answer;
use crate::value::{Node, Value};

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let components = index.lab.components.values();
    let asked = components.flat_map(|component| {
        let answers = component.answers.iter();
        answers.filter_map(move |answer| Some((component, answer, node_port(answer)?)))
    });
    let mut entries: BTreeMap<(&str, i64), usize> = BTreeMap::new();
    for (component, answer, port) in asked {
        let before = entries.entry((&component.name, port)).or_default();
        // The same port twice in one component is reported as a port with two owners.
        if *before == 0 && !is_carried(index, component, port) {
            diagnostics.push(lost(component, answer, port));
        }
        *before += 1;
    }
}

/// The port of the nodes that an answer gave.
fn node_port(answer: &Answer) -> Option<i64> {
    match answer.outputs.get("node_port")?.value {
        Value::Int(port) => Some(port),
        _ => None,
    }
}

fn is_carried(index: &Index<'_>, component: &Component, port: i64) -> bool {
    let values = index.values.get(&component.name).and_then(Option::as_ref);
    let places = index.places.iter();
    let mut own = places.filter(|place| place.component.name == component.name);
    values.is_some_and(|values| carries(values, port))
        || own.any(|place| carries(place.node(), port))
}

/// Whether a leaf of a tree is this number, or text that is.
fn carries(node: &Node, port: i64) -> bool {
    match &node.value {
        Value::Int(number) => *number == port,
        Value::Str(text) => **text == *port.to_string(),
        Value::List(items) => items.iter().any(|item| carries(item, port)),
        Value::Map(map) => map.values().any(|entry| carries(&entry.node, port)),
        _ => false,
    }
}

fn lost(component: &Component, answer: &Answer, port: i64) -> Diagnostic {
    let written = answer.request.get("node_port");
    let span = written.and_then(|node| node.origin.first());
    let name = &component.name;
    let message = format!("no Service of `{name}` is given the node port {port}");
    let expression = format!(
        "\"${{{{ traits.expose.{}.node_port }}}}\"",
        answer.ask.entry
    );
    let diagnostic = Diagnostic::error(Code::NODE_PORT, span, message);
    if component.chart.is_some() {
        return diagnostic
            .note("no value of its chart, and no resource beside it, carries the port")
            .help(format!(
                "give it to the chart's Service, by whatever its value is called: `values.service.nodePort = {expression}`"
            ));
    }
    let service = answer
        .request
        .get("service")
        .and_then(|service| service.get("name"));
    let service = service.and_then(Node::as_str).unwrap_or(name);
    diagnostic
        .note("no resource of it carries the port")
        .help(format!("one Service port has one node port: the Service is `{service}`; its `nodePort` would be {expression}"))
}
