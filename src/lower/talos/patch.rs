//! One patch file in the making: Talos' v1alpha1 config and the documents beside it.
//!
//! Knows no word: it puts values where it is told.

use std::collections::BTreeMap;

use crate::source::Origin;
use crate::value::{Map, Node, Value};

/// The documents of one patch file.
#[derive(Debug, Default)]
pub(super) struct Patch {
    config: Option<Node>,
    documents: BTreeMap<(&'static str, String), Node>,
}

impl Patch {
    /// Sets a value of the v1alpha1 config.
    pub(super) fn set(&mut self, path: &[&str], node: Node) {
        let config = self
            .config
            .get_or_insert_with(|| Node::new(Value::map(), node.origin.clone()));
        put(config, path, node);
    }

    /// Adds an item to a list of the v1alpha1 config.
    pub(super) fn push(&mut self, path: &[&str], node: Node) {
        let config = self
            .config
            .get_or_insert_with(|| Node::new(Value::map(), node.origin.clone()));
        push(config, path, node);
    }

    /// A document of a kind, made when it is first asked for.
    pub(super) fn document(
        &mut self,
        kind: &'static str,
        name: Option<&str>,
        origin: &Origin,
    ) -> &mut Node {
        let key = (kind, name.unwrap_or_default().to_owned());
        self.documents.entry(key).or_insert_with(|| {
            let mut document = Node::new(Value::map(), origin.clone());
            document.insert("apiVersion", Node::new("v1alpha1", origin.clone()));
            document.insert("kind", Node::new(kind, origin.clone()));
            if let Some(name) = name {
                document.insert("name", Node::new(name, origin.clone()));
            }
            document
        })
    }

    /// A document that takes away the one that Talos generates.
    pub(super) fn delete_document(
        &mut self,
        kind: &'static str,
        name: Option<&str>,
        origin: &Origin,
    ) {
        let document = self.document(kind, name, origin);
        document.insert("$patch", Node::new("delete", origin.clone()));
    }

    /// The documents of the file, the v1alpha1 config first; none where nothing was said.
    pub(super) fn into_documents(self) -> Vec<Node> {
        self.config
            .into_iter()
            .chain(self.documents.into_values())
            .collect()
    }
}

/// What takes a key away from a map that has it.
pub(super) fn deletion(origin: &Origin) -> Node {
    let mut node = Node::new(Value::map(), origin.clone());
    node.insert("$patch", Node::new("delete", origin.clone()));
    node
}

/// A table of these entries, made by what made the first.
pub(super) fn table<'a>(entries: impl IntoIterator<Item = (&'a str, Node)>) -> Node {
    let mut table = Node::new(Value::map(), Origin::none());
    for (key, node) in entries {
        if table.origin.spans().is_empty() {
            table.origin = node.origin.clone();
        }
        table.insert(key, node);
    }
    table
}

/// Sets the value at a path below `node`, with the maps that lead there.
pub(super) fn put(node: &mut Node, path: &[&str], value: Node) {
    if let [key] = path {
        let nothing_new = value.as_map().is_some_and(Map::is_empty) && node.get(key).is_some();
        if !nothing_new {
            node.insert(*key, value);
        }
    } else if let [key, rest @ ..] = path {
        put(below(node, key, &value.origin, Value::map()), rest, value);
    }
}

/// Adds an item to the list at a path below `node`.
pub(super) fn push(node: &mut Node, path: &[&str], item: Node) {
    if let [key] = path {
        let list = below(node, key, &item.origin, Value::List(Vec::new()));
        if let Value::List(items) = &mut list.value {
            items.push(item);
        }
    } else if let [key, rest @ ..] = path {
        push(below(node, key, &item.origin, Value::map()), rest, item);
    }
}

/// The entry of a map, made with `value` if it is not there.
fn below<'a>(node: &'a mut Node, key: &str, origin: &Origin, value: Value) -> &'a mut Node {
    if node.as_map().is_none() {
        node.value = Value::map();
    }
    if node.get(key).is_none() {
        node.insert(key, Node::new(value, origin.clone()));
    }
    let Value::Map(map) = &mut node.value else {
        unreachable!("it is a map since a moment ago");
    };
    &mut map.entry(key.into()).or_default().node
}
