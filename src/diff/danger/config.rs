//! The patches of a node to what they say together, as far as it takes to see whether that is the same as before.
//!
//! Knows how Talos lays maps over each other, and leaves open what it makes of lists that several patches have and of
//! directives (`$patch`): where these come in, nothing is the same.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use crate::diff::subject::{self, Body, Item};
use crate::diff::{Cause, Made, Subject};
use crate::resolve::lab::NodeName;
use crate::value::{Entry, Map, Node, Value};

/// The documents of a machine config by what Talos calls them; none where it is not known what comes of the patches.
type Documents = Option<BTreeMap<String, Node>>;

/// What the patches of nodes say, at the base and in the target.
pub(super) struct Configs<'a> {
    context: &'a Context<'a>,
    /// The nodes of whose patches something else is committed than the sources make.
    unclear: BTreeSet<&'a str>,
    known: BTreeMap<NodeName, [Documents; 2]>,
}

impl<'a> Configs<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        let is_source = |cause: &Cause| matches!(cause, Cause::Source(_) | Cause::Sources);
        let changes = context.diff.changes.iter().filter(|change| {
            matches!(change.subject, Subject::Machine { .. })
                && !change.all_causes().iter().all(is_source)
        });
        Configs {
            context,
            unclear: changes
                .flat_map(|change| change.nodes.iter().map(String::as_str))
                .collect(),
            known: BTreeMap::new(),
        }
    }

    /// Whether a node's config says something else than before where a way of keys leads to.
    pub(super) fn differ(&mut self, node: &NodeName, document: &str, keys: &[String]) -> bool {
        let [Some(before), Some(after)] = self.of(node) else {
            return true;
        };
        let sides = [before, after].map(|documents| documents.get(document));
        if sides == [None, None] {
            // It is shown under another name than its own, which looks like a secret.
            return true;
        }
        let [before, after] = sides.map(|whole| {
            let follow = |node, key: &String| Node::get(node, key);
            whole.and_then(|whole| keys.iter().try_fold(whole, follow))
        });
        before != after
    }

    /// Whether a node's config has a document, before and after.
    pub(super) fn keeps(&mut self, node: &NodeName, document: &str) -> bool {
        let sides = self.of(node).iter();
        let has = |documents: &BTreeMap<String, Node>| documents.contains_key(document);
        sides.flatten().filter(|documents| has(documents)).count() == 2
    }

    fn of(&mut self, node: &NodeName) -> &[Documents; 2] {
        let Context { base, target, .. } = *self.context;
        let is_unclear = self.unclear.contains(node.0.as_str());
        self.known.entry(node.clone()).or_insert_with(|| {
            let base = base.filter(|_| !is_unclear);
            [base, Some(target)].map(|made| together(made?, node))
        })
    }
}

/// What the patches of a node say together.
fn together(made: Made<'_>, node: &NodeName) -> Documents {
    let mut documents = BTreeMap::new();
    for patch in &made.tree.nodes.get(node)?.patches {
        let path = format!("out/{patch}");
        let file = made.tree.files.iter().find(|file| file.path == path)?;
        for Item { subject, body, .. } in subject::of_file(file) {
            let (Subject::Machine { document, .. }, Body::Data(patch)) = (subject, body) else {
                return None;
            };
            let whole = documents.entry(document);
            lay(&patch, whole.or_insert_with(|| empty(&patch)))?;
        }
    }
    Some(documents)
}

fn empty(patch: &Node) -> Node {
    Node::new(Value::map(), patch.origin.clone())
}

/// Lays a patch over what those before it say. A list keeps apart what each of them brings.
fn lay(patch: &Node, whole: &mut Node) -> Option<()> {
    let map = patch.as_map()?;
    let mut merged = whole.as_map().cloned().unwrap_or_else(Map::new);
    for (key, entry) in map {
        if has_directive(key, &entry.node) {
            return None;
        }
        let under = merged.remove(key).map(|under| under.node);
        let node = match &entry.node.value {
            Value::Map(_) => {
                let mut under = under.unwrap_or_else(|| empty(&entry.node));
                lay(&entry.node, &mut under)?;
                under
            }
            Value::List(_) => {
                let mut parts = under
                    .as_ref()
                    .and_then(Node::as_list)
                    .unwrap_or(&[])
                    .to_vec();
                parts.push(entry.node.clone());
                Node::new(parts, entry.node.origin.clone())
            }
            _ => entry.node.clone(),
        };
        merged.insert(key.clone(), Entry { key: None, node });
    }
    whole.value = Value::Map(merged);
    Some(())
}

fn has_directive(key: &str, node: &Node) -> bool {
    let below = |node: &Node| match &node.value {
        Value::Map(map) => map
            .iter()
            .any(|(key, entry)| has_directive(key, &entry.node)),
        _ => false,
    };
    let items = node.as_list().unwrap_or_default();
    key == "$patch" || below(node) || items.iter().any(below)
}
