//! The tree that every stage works on: YAML's and TOML's data, each node with its origin.
//!
//! A leaf of the crate: it knows neither text form; `parse` reads it, `emit` prints it.

use std::fmt;

use litemap::LiteMap;
use smol_str::SmolStr;

use crate::source::{Origin, Span};

/// A value and every source span that made it.
///
/// On a map or a list the origin's first span is where it stands, and the others are what decided that it
/// stands at all (a condition, a loop's source); what a leaf is made from is the leaf's own origin.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The data.
    pub value: Value,
    /// What made it.
    pub origin: Origin,
}

/// The data of a node: what YAML and JSON have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits 64 bits with a sign.
    Int(i64),
    /// An integer above `i64::MAX`; never one that `Int` could hold.
    Uint(u64),
    /// Any other number, also infinite or not a number.
    Float(f64),
    /// Text: short text, as most is, lies in place; long text is shared.
    Str(SmolStr),
    /// A list.
    List(Vec<Node>),
    /// A map with string keys, sorted by byte.
    Map(Map),
}

/// A map of the tree. Sorted, so that the order of sources never reaches the output; in one piece of memory, because
/// most maps of a manifest have one to five entries.
pub type Map = LiteMap<SmolStr, Entry>;

/// An entry of a map.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Where the key is written, if a source wrote it.
    pub key: Option<Span>,
    /// The value.
    pub node: Node,
}

/// Up to so many keys are compared one after the other: most differ in their length, which is one comparison.
const FEW: usize = 8;

impl PartialEq for Node {
    /// Compares data only: an origin is never part of equality.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Node {
    /// `value`, made by `origin`.
    pub fn new(value: impl Into<Value>, origin: Origin) -> Self {
        Node {
            value: value.into(),
            origin,
        }
    }

    /// The entry `key` of a map; nothing for a missing key or another kind of value.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let map = self.as_map()?;
        if map.len() > FEW {
            return map.get(key).map(|entry| &entry.node);
        }
        let (_, entry) = map.iter().find(|(known, _)| *known == key)?;
        Some(&entry.node)
    }

    /// The node that a path of keys and indices leads to.
    pub fn at(&self, path: &Path) -> Option<&Node> {
        path.0.iter().try_fold(self, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.as_list()?.get(*index),
        })
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// Whether it is neither a map nor a list.
    pub fn is_scalar(&self) -> bool {
        !matches!(self.value, Value::Map(_) | Value::List(_))
    }

    /// Whether it is neither a map nor a list with something in it.
    pub fn is_leaf(&self) -> bool {
        match &self.value {
            Value::Map(map) => map.is_empty(),
            Value::List(list) => list.is_empty(),
            _ => true,
        }
    }

    /// Adds `origin` behind the spans of this node alone.
    pub fn add_origin(&mut self, origin: &Origin) {
        self.origin = self.origin.with(origin);
    }

    /// Sets `key`, and returns what stood there.
    ///
    /// # Panics
    /// On anything but a map.
    pub fn insert(&mut self, key: impl Into<SmolStr>, node: Node) -> Option<Node> {
        let Value::Map(map) = &mut self.value else {
            panic!("insert into a {}", self.value.kind());
        };
        let entry = Entry {
            key: node.origin.first(),
            node,
        };
        map.insert(key.into(), entry).map(|entry| entry.node)
    }

    /// Calls `visit` with every leaf and its path, in the order of the tree.
    pub fn each_leaf<'a>(&'a self, visit: &mut impl FnMut(&Path, &'a Node)) {
        fn walk<'a>(node: &'a Node, path: &mut Path, visit: &mut impl FnMut(&Path, &'a Node)) {
            if node.is_leaf() {
                visit(path, node);
                return;
            }
            let mut into = |step: Step, child: &'a Node| {
                path.0.push(step);
                walk(child, path, visit);
                path.0.pop();
            };
            match &node.value {
                Value::Map(map) => map
                    .iter()
                    .for_each(|(key, entry)| into(Step::Key(key.clone()), &entry.node)),
                Value::List(list) => (0..)
                    .zip(list)
                    .for_each(|(at, item)| into(Step::Index(at), item)),
                _ => {}
            }
        }
        walk(self, &mut Path::default(), visit);
    }
}

impl Value {
    /// An empty map.
    pub fn map() -> Self {
        Value::Map(Map::new())
    }

    /// What a person calls it, with its article's noun: `string`, `list`, ...
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) | Value::Uint(_) => "integer",
            Value::Float(_) => "number",
            Value::Str(_) => "string",
            Value::List(_) => "list",
            Value::Map(_) => "map",
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Value::Uint(value), Value::Int)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Str(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Str(value.into())
    }
}

impl From<SmolStr> for Value {
    fn from(value: SmolStr) -> Self {
        Value::Str(value)
    }
}

impl From<Vec<Node>> for Value {
    fn from(value: Vec<Node>) -> Self {
        Value::List(value)
    }
}

impl From<Map> for Value {
    fn from(value: Map) -> Self {
        Value::Map(value)
    }
}

/// The way from a tree's root to a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Step>);

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into a map.
    Key(SmolStr),
    /// Into a list, counted from 0.
    Index(usize),
}

impl Step {
    /// The key, if it leads into a map.
    pub fn key(&self) -> Option<&str> {
        match self {
            Step::Key(key) => Some(key),
            Step::Index(_) => None,
        }
    }
}

impl Path {
    /// The path of dotted `keys`; numbers are keys, too.
    pub fn keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Path(keys.into_iter().map(|key| Step::Key(key.into())).collect())
    }

    /// This path and one more key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Key(key.into()));
        path
    }
}

impl fmt::Display for Path {
    /// `spec.ports[0].name`; a key with other characters than letters, digits, `_` and `-` is quoted.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(at) => write!(formatter, "[{at}]")?,
                Step::Key(key) => {
                    if index > 0 {
                        formatter.write_str(".")?;
                    }
                    let plain = !key.is_empty()
                        && key
                            .chars()
                            .all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
                    if plain {
                        formatter.write_str(key)?;
                    } else {
                        write!(formatter, "{key:?}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
