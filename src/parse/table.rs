//! Typed reading of a tree: every key once, unknown keys refused with a suggestion, every problem at its place.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::domain::{self, IpNet, IpRange, Minor, Version};
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{Span, Spanned};
use crate::value::{Map, Node, Path, Value};

/// A map that is being read key by key.
pub struct Table<'a> {
    /// What messages call it: `cluster`, `nodes.cp-1`.
    pub path: String,
    /// Where it stands.
    pub span: Option<Span>,
    map: Option<&'a Map>,
    asked: BTreeSet<&'static str>,
}

impl<'a> Table<'a> {
    /// Starts reading `node`, which messages call `path`. Anything but a map is reported and read as empty.
    pub fn new(node: &'a Node, path: impl Into<String>, diagnostics: &mut Diagnostics) -> Self {
        let path = path.into();
        let map = node.as_map();
        if map.is_none() {
            diagnostics.push(wrong_type(node, &path, "a table"));
        }
        Table {
            path,
            span: node.origin.first(),
            map,
            asked: BTreeSet::new(),
        }
    }

    /// The node of `key`, marked as known.
    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.asked.insert(key);
        self.map?.get(key).map(|entry| &entry.node)
    }

    /// The value of `key`, if it is there and right.
    pub fn optional<T: Decode>(
        &mut self,
        key: &'static str,
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        let node = self.node(key)?;
        T::decode(node, &self.path_of(key), diagnostics)
    }

    /// The value of `key`, or its default.
    pub fn or_default<T: Decode + Default>(
        &mut self,
        key: &'static str,
        diagnostics: &mut Diagnostics,
    ) -> T {
        self.optional(key, diagnostics).unwrap_or_default()
    }

    /// The value of `key`; a missing one is reported.
    pub fn required<T: Decode>(
        &mut self,
        key: &'static str,
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        if self.node(key).is_none() && self.map.is_some() {
            let path = self.path_of(key);
            diagnostics.push(
                Diagnostic::error(Code::MISSING_KEY, self.span, format!("`{path}` is missing"))
                    .here("it belongs here"),
            );
        }
        self.optional(key, diagnostics)
    }

    /// Whether it is a map at all; if not, that is reported already.
    pub fn is_map(&self) -> bool {
        self.map.is_some()
    }

    /// What messages call `key`.
    pub fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// The entries that nobody asked for: a table whose keys are names takes them, any other calls [`Table::finish`].
    pub fn rest(&self) -> impl Iterator<Item = (&'a str, Option<Span>, &'a Node)> {
        let asked = self.asked.clone();
        self.map
            .into_iter()
            .flatten()
            .filter(move |(key, _)| !asked.contains(key.as_str()))
            .map(|(key, entry)| (key.as_str(), entry.key, &entry.node))
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self, diagnostics: &mut Diagnostics) {
        let known: Vec<&str> = self.asked.iter().copied().collect();
        for (key, span, node) in self.rest() {
            let span = span.or_else(|| node.origin.first());
            let path = self.path_of(key);
            diagnostics.push(unknown_key(&path, key, span, &known));
        }
    }
}

/// What messages call the key of the table `path`; one with other characters than TOML's bare keys is quoted.
pub fn join(path: &str, key: &str) -> String {
    let key = Path::keys([key]);
    if path.is_empty() {
        key.to_string()
    } else {
        format!("{path}.{key}")
    }
}

/// An unknown key's message, with what it probably means or what is known here.
pub fn unknown_key(path: &str, key: &str, span: Option<Span>, known: &[&str]) -> Diagnostic {
    let message = format!("unknown key `{path}`");
    let diagnostic = Diagnostic::error(Code::UNKNOWN_KEY, span, message);
    match did_you_mean(key, known.iter().copied()) {
        Some(help) => diagnostic.help(help),
        None if known.is_empty() => diagnostic,
        None => diagnostic.help(format!("the keys here are {}", list(known))),
    }
}

/// "`a`, `b` and `c`".
pub fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The message about a node that is not what its place asks for.
pub fn wrong_type(node: &Node, path: &str, expected: &str) -> Diagnostic {
    let found = node.value.kind();
    let article = if found.starts_with(['i']) { "an" } else { "a" };
    Diagnostic::error(
        Code::WRONG_TYPE,
        node.origin.first(),
        format!("`{path}` must be {expected}, but is {article} {found}"),
    )
}

/// The message about a text that its type does not take.
pub fn invalid(node: &Node, path: &str, text: &str, why: String) -> Diagnostic {
    Diagnostic::error(
        Code::INVALID_VALUE,
        node.origin.first(),
        format!("`{path}` cannot be `{text}`"),
    )
    .help(why)
}

/// A type that is read from a node.
pub trait Decode: Sized {
    /// The value, or nothing after a report at the node's place; messages call the node `path`.
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self>;
}

impl Decode for Node {
    fn decode(node: &Node, _: &str, _: &mut Diagnostics) -> Option<Self> {
        Some(node.clone())
    }
}

impl Decode for String {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        if let Value::Str(text) = &node.value {
            return Some(text.to_string());
        }
        diagnostics.push(wrong_type(node, path, "a string"));
        None
    }
}

impl Decode for bool {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        diagnostics.push(wrong_type(node, path, "`true` or `false`"));
        None
    }
}

impl Decode for i64 {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        if let Value::Int(value) = node.value {
            return Some(value);
        }
        diagnostics.push(wrong_type(node, path, "an integer"));
        None
    }
}

impl Decode for u16 {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let number = i64::decode(node, path, diagnostics)?;
        if let Ok(value) = u16::try_from(number) {
            return Some(value);
        }
        let why = "it is a number from 0 to 65535".to_owned();
        diagnostics.push(invalid(node, path, &number.to_string(), why));
        None
    }
}

impl<T: Decode> Decode for Spanned<T> {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let value = T::decode(node, path, diagnostics)?;
        Some(Spanned::new(value, node.origin.first()?))
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let Some(items) = node.as_list() else {
            diagnostics.push(wrong_type(node, path, "a list"));
            return None;
        };
        let decode = |(index, item)| T::decode(item, &format!("{path}[{index}]"), diagnostics);
        Some(items.iter().enumerate().filter_map(decode).collect())
    }
}

/// A list, where one value alone is written without its brackets.
#[derive(Clone, Debug)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        OneOrMany(Vec::new())
    }
}

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        if node.as_list().is_some() {
            return Vec::decode(node, path, diagnostics).map(OneOrMany);
        }
        T::decode(node, path, diagnostics).map(|value| OneOrMany(vec![value]))
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let Some(map) = node.as_map() else {
            diagnostics.push(wrong_type(node, path, "a table"));
            return None;
        };
        let mut decoded = BTreeMap::new();
        for (key, entry) in map {
            if let Some(value) = T::decode(&entry.node, &join(path, key), diagnostics) {
                decoded.insert(key.to_string(), value);
            }
        }
        Some(decoded)
    }
}

/// Reads a string and parses it; a failure is reported with the phrase that the parser gave.
pub fn parse_string<T>(
    node: &Node,
    path: &str,
    diagnostics: &mut Diagnostics,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let text = String::decode(node, path, diagnostics)?;
    match parse(&text) {
        Ok(value) => Some(value),
        Err(why) => {
            diagnostics.push(invalid(node, path, &text, why));
            None
        }
    }
}

impl Decode for IpAddr {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, domain::parse_address)
    }
}

impl Decode for IpNet {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, domain::parse_network)
    }
}

impl Decode for IpRange {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, IpRange::parse)
    }
}

impl Decode for Version {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, Version::parse)
    }
}

impl Decode for Minor {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, Minor::parse)
    }
}
