//! An object of Kubernetes as rules read it: what it was, what it becomes, and the fields of either.

use crate::diff::{Change, Content, Made, Subject};
use crate::lower;
use crate::render::ResourceId;
use crate::value::{Node, Value};

/// The change of an object of Kubernetes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    /// Its place in the diff.
    pub(super) place: usize,
    pub(super) change: &'a Change,
    pub(super) id: &'a ResourceId,
    pub(super) before: Option<&'a Node>,
    pub(super) after: Option<&'a Node>,
}

impl<'a> Object<'a> {
    pub(super) fn new((place, change): (usize, &'a Change)) -> Option<Self> {
        let Subject::Resource(id) = &change.subject else {
            return None;
        };
        let data = |content: &'a Option<Content>| content.as_ref().and_then(Content::data);
        Some(Object {
            place,
            change,
            id,
            before: data(&change.before),
            after: data(&change.after),
        })
    }

    /// The change with its place, as a danger is about it.
    pub(super) fn at(&self) -> (usize, &'a Change) {
        (self.place, self.change)
    }

    pub(super) fn is(&self, group: &str, kind: &str) -> bool {
        self.id.group == group && self.id.kind == kind
    }

    /// Whether it is there on both sides.
    pub(super) fn both(&self) -> Option<(&'a Node, &'a Node)> {
        self.before.zip(self.after)
    }

    pub(super) fn is_removed(&self) -> bool {
        self.before.is_some() && self.after.is_none()
    }

    pub(super) fn component(&self) -> Option<&'a str> {
        self.change.component.as_deref()
    }
}

/// What a way of keys leads to.
pub(super) fn at<'n>(node: Option<&'n Node>, keys: &[&str]) -> Option<&'n Node> {
    let found = keys.iter().try_fold(node?, |node, key| node.get(key))?;
    (found.value != Value::Null).then_some(found)
}

/// The text that a way of keys leads to.
pub(super) fn text<'n>(node: Option<&'n Node>, keys: &[&str]) -> Option<&'n str> {
    at(node, keys)?.as_str()
}

/// Whether a way of keys leads to `true`.
pub(super) fn is_true(node: Option<&Node>, keys: &[&str]) -> bool {
    at(node, keys).is_some_and(|node| node.value == Value::Bool(true))
}

/// The items of the list that a way of keys leads to.
pub(super) fn items<'n>(node: Option<&'n Node>, keys: &[&str]) -> &'n [Node] {
    at(node, keys).and_then(Node::as_list).unwrap_or_default()
}

/// The texts of the list that a way of keys leads to.
pub(super) fn texts<'n>(node: Option<&'n Node>, keys: &[&str]) -> Vec<&'n str> {
    items(node, keys).iter().filter_map(Node::as_str).collect()
}

/// Every object of Kubernetes in a tree, those that do not change among them.
pub(super) fn all(made: Made<'_>) -> impl Iterator<Item = &Node> {
    let documents = made.tree.files.iter().flat_map(|file| match &file.content {
        lower::Content::Yaml(documents) => documents.as_slice(),
        _ => &[],
    });
    documents
        .map(AsRef::as_ref)
        .filter(|node| node.get("kind").is_some() && node.get("metadata").is_some())
}

/// Whether an object is of a group and kind.
pub(super) fn is_of(node: &Node, group: &str, kind: &str) -> bool {
    let version = text(Some(node), &["apiVersion"]).unwrap_or_default();
    let (own, _) = version.rsplit_once('/').unwrap_or_default();
    own == group && text(Some(node), &["kind"]) == Some(kind)
}
