//! Reading objects by path. Knows no kind.

use crate::value::{Map, Node, Value};

/// Every node that a path leads to: keys with dots between them, where `*` is each item of a list.
pub(super) fn every<'a>(node: &'a Node, path: &str) -> Vec<&'a Node> {
    let mut nodes = Vec::new();
    add(node, path, &mut nodes);
    nodes
}

fn add<'a>(mut node: &'a Node, path: &str, nodes: &mut Vec<&'a Node>) {
    let mut rest = path;
    loop {
        let (key, behind) = match rest.split_once('.') {
            Some((key, behind)) => (key, Some(behind)),
            None => (rest, None),
        };
        match (key, behind) {
            ("*", Some(behind)) => {
                let items = node.as_list().unwrap_or_default();
                return items.iter().for_each(|item| add(item, behind, nodes));
            }
            ("*", None) => return nodes.extend(node.as_list().unwrap_or_default()),
            (key, behind) => {
                let Some(next) = node.get(key) else { return };
                match behind {
                    Some(behind) => (node, rest) = (next, behind),
                    None => return nodes.push(next),
                }
            }
        }
    }
}

/// The node that a path of keys leads to.
pub(super) fn one<'a>(node: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('.').try_fold(node, |node, key| node.get(key))
}

/// The text at a path of keys; nothing for an empty one.
pub(super) fn text<'a>(node: &'a Node, path: &str) -> Option<&'a str> {
    one(node, path)?.as_str().filter(|text| !text.is_empty())
}

/// The integer of a node.
pub(super) fn integer(node: &Node) -> Option<i64> {
    match node.value {
        Value::Int(number) => Some(number),
        _ => None,
    }
}

/// Whether the flag at a key is set.
pub(super) fn is_true(node: &Node, key: &str) -> bool {
    node.get(key)
        .is_some_and(|node| node.value == Value::Bool(true))
}

/// An annotation of an object.
pub(super) fn annotation<'a>(object: &'a Node, key: &str) -> Option<&'a Node> {
    one(object, "metadata.annotations")?.get(key)
}

/// The map at a path of keys.
pub(super) fn map<'a>(node: &'a Node, path: &str) -> Option<&'a Map> {
    one(node, path)?.as_map()
}

/// The text of a label, or of another string in a map.
pub(super) fn label<'a>(map: &'a Map, key: &str) -> Option<&'a str> {
    map.get(key)?.node.as_str()
}
