//! The expressions of the fixed sections of `lab.toml`: each string that holds one gets its value.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cell::{Cell, Cells, Walk};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Origin;
use crate::template::{Binding, Budget, Failed, Lookup, Scope, Unavailable, expand, from_node};
use crate::value::{Entry, Map, Node, Value};

/// The sections that expressions of other sections see.
const VISIBLE: [&str; 7] = [
    "lab",
    "vars",
    "repository",
    "cluster",
    "network",
    "nodes",
    "hardware",
];

/// Values that the fixed sections of a large lab have, about.
const MANY: usize = 256;

/// The tree of `lab.toml` (without components) with every expression evaluated. Values that do not come about are
/// reported and left out.
pub(super) fn evaluate(sections: &Node, diagnostics: &mut Diagnostics) -> Node {
    let facts = Arc::new(Facts {
        root: sections.clone(),
        cells: Cells::of(MANY),
        walk: Walk::default(),
        budget: Arc::default(),
        failed: AtomicUsize::new(0),
    });
    let evaluated = walk(&facts, sections, &mut Vec::new());
    diagnostics.append(facts.cells.take_found().diagnostics);
    evaluated.unwrap_or_else(|Unavailable| Node::new(Value::map(), sections.origin.clone()))
}

#[derive(Debug)]
struct Facts {
    root: Node,
    cells: Cells,
    walk: Walk,
    budget: Arc<Budget>,
    failed: AtomicUsize,
}

impl Facts {
    fn at(&self, path: &[String]) -> Option<&Node> {
        path.iter().try_fold(&self.root, |node, key| node.get(key))
    }
}

fn walk(facts: &Arc<Facts>, node: &Node, path: &mut Vec<String>) -> Result<Node, Unavailable> {
    let Value::Map(map) = &node.value else {
        return leaf(facts, node, path).map(|node| (*node).clone());
    };
    let mut evaluated = Map::new();
    for (key, entry) in map {
        path.push(key.to_string());
        // A value that does not come about is reported by its cell; its neighbours are still looked at.
        if let Ok(node) = walk(facts, &entry.node, path) {
            let entry = Entry {
                key: entry.key,
                node,
            };
            evaluated.insert(key.clone(), entry);
        }
        path.pop();
    }
    Ok(Node::new(evaluated, node.origin.clone()))
}

/// A value that is no map, evaluated once.
fn leaf(facts: &Arc<Facts>, node: &Node, path: &[String]) -> Result<Arc<Node>, Unavailable> {
    if !has_expression(node) {
        return Ok(Arc::new(node.clone()));
    }
    if facts.failed.load(Ordering::Relaxed) > MAX_FAILED {
        return Err(Unavailable);
    }
    let cell = Cell::Fact(path.join(".").into());
    let place = || node.origin.first();
    facts.cells.get(&facts.walk, &cell, place, |diagnostics| {
        let template = from_node(node, diagnostics).map_err(|Failed| Unavailable)?;
        match expand(&template, &scope(facts), diagnostics) {
            Ok(Some(node)) => Ok(node),
            Ok(None) => Ok(Node::new(Value::Null, node.origin.clone())),
            Err(Failed) => {
                facts.failed.fetch_add(1, Ordering::Relaxed);
                Err(Unavailable)
            }
        }
    })
}

/// Values that may fail before the others are left alone: a message about each of them helps nobody.
const MAX_FAILED: usize = 200;

fn has_expression(node: &Node) -> bool {
    match &node.value {
        Value::Str(text) => text.contains("${{"),
        Value::List(items) => items.iter().any(has_expression),
        Value::Map(map) => map.values().any(|entry| has_expression(&entry.node)),
        _ => false,
    }
}

fn scope(facts: &Arc<Facts>) -> Scope {
    let mut scope = Scope::new(facts.budget.clone());
    for name in VISIBLE {
        let branch = Branch {
            facts: facts.clone(),
            path: vec![name.to_owned()],
        };
        scope.bind_lazy(name, Arc::new(branch));
    }
    scope
}

#[derive(Debug)]
struct Branch {
    facts: Arc<Facts>,
    path: Vec<String>,
}

impl Lookup for Branch {
    fn keys(&self) -> Vec<String> {
        let node = self.facts.at(&self.path);
        let map = node.and_then(Node::as_map);
        map.into_iter()
            .flatten()
            .map(|(key, _)| key.to_string())
            .collect()
    }

    fn get(&self, key: &str) -> Result<Option<Binding>, Unavailable> {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        let Some(node) = self.facts.at(&path) else {
            return Ok(None);
        };
        if node.as_map().is_some() {
            let facts = self.facts.clone();
            return Ok(Some(Binding::Lazy(Arc::new(Branch { facts, path }))));
        }
        leaf(&self.facts, node, &path).map(|node| Some(Binding::Node(node)))
    }
}

/// Reports expressions that remain where none may be: in names of `lab.toml`.
pub(super) fn refuse_in_keys(sections: &Node, diagnostics: &mut Diagnostics) {
    let Some(map) = sections.as_map() else { return };
    for (key, entry) in map {
        if key.contains("${{") {
            let message = "a key of lab.toml cannot hold an expression";
            diagnostics.push(Diagnostic::error(
                Code::EXPRESSION_SYNTAX,
                entry.key,
                message,
            ));
        }
        refuse_in_keys(&entry.node, diagnostics);
    }
}

/// The names that components see of the fixed sections: the evaluated tree, with what is derived put in.
pub(super) fn visible(
    evaluated: &Node,
    sections: &super::plan::Sections,
) -> Vec<(&'static str, Arc<Node>)> {
    let empty = || Node::new(Value::map(), evaluated.origin.clone());
    let mut names: Vec<(&'static str, Node)> = VISIBLE
        .iter()
        .map(|name| (*name, evaluated.get(name).cloned().unwrap_or_else(empty)))
        .collect();
    for (name, node) in &mut names {
        match *name {
            "network" => complete_network(node, sections),
            "cluster" => {
                let endpoint = &sections.cluster.endpoint;
                put(
                    node,
                    "endpoint",
                    endpoint.value.as_str().into(),
                    endpoint.span,
                );
            }
            "nodes" => complete_nodes(node, sections),
            _ => {}
        }
    }
    let share = |(name, node)| (name, Arc::new(node));
    names.into_iter().map(share).collect()
}

fn put(node: &mut Node, key: &str, value: Value, span: crate::source::Span) {
    if node.get(key).is_none() {
        node.insert(key, Node::new(value, Origin::at(span)));
    }
}

/// Lists stay lists even where one value was written, and what has a default has it.
fn complete_network(node: &mut Node, sections: &super::plan::Sections) {
    let network = &sections.network;
    put(
        node,
        "dns",
        network.dns.value.to_string().into(),
        network.dns.span,
    );
    for key in [
        "pods",
        "services",
        "load_balancer",
        "nameservers",
        "search",
        "ntp",
    ] {
        match node.get(key) {
            Some(single) if single.as_list().is_none() => {
                let origin = single.origin.clone();
                let list = Node::new(vec![single.clone()], origin);
                node.insert(key, list);
            }
            Some(_) => {}
            None => {
                let origin = node.origin.clone();
                node.insert(key, Node::new(Vec::new(), origin));
            }
        }
    }
    for key in ["reserved"] {
        if node.get(key).is_none() {
            let origin = node.origin.clone();
            node.insert(key, Node::new(Value::map(), origin));
        }
    }
    for key in ["gateway", "vip"] {
        if node.get(key).is_none() {
            let origin = node.origin.clone();
            node.insert(key, Node::new(Value::Null, origin));
        }
    }
}

/// Every node knows its name, and its status where none was written.
fn complete_nodes(node: &mut Node, sections: &super::plan::Sections) {
    let Value::Map(map) = &mut node.value else {
        return;
    };
    for (name, machine) in &sections.machines {
        let Some(entry) = map.get_mut(name.0.as_str()) else {
            continue;
        };
        let status = if machine.online.value {
            "online"
        } else {
            "offline"
        };
        put(
            &mut entry.node,
            "name",
            name.0.as_str().into(),
            machine.name.span,
        );
        put(&mut entry.node, "status", status.into(), machine.span);
    }
}
