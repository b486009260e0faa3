//! The Services of a component, as its module declares them.

use std::sync::Arc;

use smol_str::SmolStr;

use super::cell::Cell;
use super::conform::Context;
use super::resolver::Resolver;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::table::list;
use crate::source::Span;
use crate::template::Unavailable;
use crate::value::{Node, Value};

/// A map of all Services by key (that of its item, for a table with `each`), each with `key`, `name`, `namespace`, `port` and what else is declared.
pub(super) fn services(
    resolver: &Arc<Resolver>,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Node, Unavailable> {
    let component = &resolver.components[name];
    let scope = resolver.scope(name);
    let namespace = resolver.get(Cell::Namespace(name.into()))?;
    let mut services = Node::new(Value::map(), namespace.origin.clone());
    for (key, clause) in &component.module.services {
        for turn in resolver.tables(clause, &scope, diagnostics)? {
            let mut service = turn.table;
            let origin = service.origin.clone();
            let item = turn.name.as_ref().and_then(Node::as_str);
            let key = item.map_or_else(|| key.clone(), str::to_owned);
            service.insert("key", Node::new(key.as_str(), origin.clone()));
            service.insert("namespace", (*namespace).clone());
            let defaults = [
                ("scheme", Value::from("http")),
                ("port_name", Value::Null),
                ("metrics", Value::Null),
                ("labels", Value::map()),
                ("at", Value::from("chart")),
            ];
            for (name, value) in defaults {
                if service.get(name).is_none() {
                    service.insert(name, Node::new(value, origin.clone()));
                }
            }
            services.insert(key, service);
        }
    }
    Ok(services)
}

/// The Service that an entry means when it names none: where the trait asks for metrics, the one that has them; else
/// `ui`, else `main`, else the only one that is no metrics endpoint.
pub(super) fn default(
    context: &Context<'_>,
    metrics: bool,
    path: &str,
    span: Option<Span>,
    diagnostics: &mut Diagnostics,
) -> Result<Node, Unavailable> {
    let component = context.component;
    let services = context.resolver.get(Cell::Services(component.into()))?;
    let all = services.as_map().into_iter().flatten();
    let has_metrics = |node: &Node| {
        node.get("metrics")
            .is_some_and(|metrics| metrics.value != Value::Null)
    };
    let fitting: Vec<(&SmolStr, &Node)> = all
        .map(|(key, entry)| (key, &entry.node))
        .filter(|(_, service)| has_metrics(service) == metrics)
        .collect();
    let named = |wanted: &str| fitting.iter().find(|(key, _)| *key == wanted);
    let chosen = match fitting.as_slice() {
        [only] => Some(only),
        _ => named("ui")
            .or_else(|| named("main"))
            .or_else(|| named("metrics")),
    };
    if let Some((_, service)) = chosen {
        return Ok((*service).clone());
    }
    let module = &context.resolver.components[component].module.name;
    let keys: Vec<&str> = fitting.iter().map(|(key, _)| key.as_str()).collect();
    let what = if metrics {
        "Service with metrics"
    } else {
        "Service"
    };
    let (message, help) = if keys.is_empty() {
        (
            format!("`{component}` has no {what} for `{path}`"),
            format!("module `{module}` declares none in `[services]`"),
        )
    } else {
        (
            format!("`{component}` has several Services: which one does `{path}` mean?"),
            format!("say `service = ...`: one of {}", list(&keys)),
        )
    };
    diagnostics.push(Diagnostic::error(Code::UNKNOWN_SERVICE, span, message).help(help));
    Err(Unavailable)
}
