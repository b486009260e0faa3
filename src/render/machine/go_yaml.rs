//! Prints a tree as the Image Factory's YAML library does, byte for byte: the SHA-256 of the result is an id.
//!
//! For schematics alone: what Kubernetes and Talos read is printed by `emit`. Rules seen in `go.yaml.in/yaml/v4`:
//! a block's children stand at the next multiple of four columns, a list item's at its dash and two; text that reads
//! as something else is in double quotes, text that would break the syntax or was a boolean once is in single ones.

mod keys;
mod scalar;

use keys::sorted_keys;
use scalar::{Style, float, quoted, style};

use crate::source::Origin;
use crate::value::{Map, Node, Value};

/// The fields of a struct, which keep their order, unlike a map's keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Field)>);

#[derive(Clone, Debug)]
enum Field {
    Value(Node),
    Nested(Fields),
}

impl Fields {
    /// Adds a field.
    pub(super) fn add(&mut self, name: &'static str, node: Node) {
        self.0.push((name, Field::Value(node)));
    }

    /// Adds a field if there is one.
    pub(super) fn maybe(&mut self, name: &'static str, node: Option<Node>) {
        if let Some(node) = node {
            self.add(name, node);
        }
    }

    /// Adds a list unless it is empty.
    pub(super) fn each(&mut self, name: &'static str, items: &[Node]) {
        if let Some(first) = items.first() {
            self.add(name, Node::new(items.to_vec(), first.origin.clone()));
        }
    }

    /// Adds a struct, also an empty one.
    pub(super) fn nested(&mut self, name: &'static str, fields: Fields) {
        self.0.push((name, Field::Nested(fields)));
    }

    /// Adds a struct unless it is empty.
    pub(super) fn unless_empty(&mut self, name: &'static str, fields: Fields) {
        if !fields.0.is_empty() {
            self.nested(name, fields);
        }
    }

    fn origin(&self) -> Origin {
        match self.0.first() {
            Some((_, Field::Value(node))) => node.origin.clone(),
            Some((_, Field::Nested(fields))) => fields.origin(),
            None => Origin::none(),
        }
    }
}

/// The lines of a document, each with what made it.
pub(super) fn print(fields: &Fields) -> Vec<(String, Origin)> {
    let mut printer = Printer::default();
    printer.fields(fields, 0);
    printer.lines
}

/// A map's key that this printer does not know to print, anywhere in a tree.
pub(super) fn unprintable_key(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Map(map) => map.iter().find_map(|(key, entry)| {
            let wrong = key.contains('\n') || key.len() > 128;
            if wrong {
                Some(key.as_str())
            } else {
                unprintable_key(&entry.node)
            }
        }),
        Value::List(items) => items.iter().find_map(unprintable_key),
        _ => None,
    }
}

#[derive(Default)]
struct Printer {
    lines: Vec<(String, Origin)>,
}

/// The column of a block's children.
fn below(column: usize) -> usize {
    (column + 4) / 4 * 4
}

impl Printer {
    fn line(&mut self, text: String, origin: &Origin) {
        self.lines.push((text, origin.clone()));
    }

    fn fields(&mut self, fields: &Fields, column: usize) {
        let space = " ".repeat(column);
        for (name, field) in &fields.0 {
            let lead = format!("{space}{name}:");
            match field {
                Field::Value(node) => self.value(lead, below(column), false, node),
                Field::Nested(inner) if inner.0.is_empty() => {
                    self.line(format!("{lead} {{}}"), &Origin::none());
                }
                Field::Nested(inner) => {
                    self.line(lead, &inner.origin());
                    self.fields(inner, below(column));
                }
            }
        }
    }

    /// Prints a value behind `lead`; its own lines, if any, at `column`.
    fn value(&mut self, lead: String, column: usize, in_list: bool, node: &Node) {
        match &node.value {
            Value::Map(map) if !map.is_empty() => {
                let first = self.open(lead, in_list, &node.origin);
                self.map(first, column, map);
            }
            Value::List(items) if !items.is_empty() => {
                let first = self.open(lead, in_list, &node.origin);
                self.list(first, column, items);
            }
            Value::Str(text) if style(text) == Style::Literal => {
                self.literal(&lead, column, text, node)
            }
            scalar => self.line(format!("{lead} {}", flat(scalar)), &node.origin),
        }
    }

    /// Starts a block: in a list its first line goes on behind the dash, elsewhere on a line of its own.
    fn open(&mut self, lead: String, in_list: bool, origin: &Origin) -> Option<String> {
        if in_list {
            return Some(format!("{lead} "));
        }
        self.line(lead, origin);
        None
    }

    fn map(&mut self, mut first: Option<String>, column: usize, map: &Map) {
        for key in sorted_keys(map) {
            let lead = first.take().unwrap_or_else(|| " ".repeat(column));
            let lead = format!("{lead}{}:", key_text(key));
            self.value(lead, below(column), false, &map[key].node);
        }
    }

    fn list(&mut self, mut first: Option<String>, column: usize, items: &[Node]) {
        for item in items {
            let lead = first.take().unwrap_or_else(|| " ".repeat(column));
            self.value(format!("{lead}-"), column + 2, true, item);
        }
    }

    fn literal(&mut self, lead: &str, column: usize, text: &str, node: &Node) {
        let hint = if text.starts_with(' ') { "4" } else { "" };
        let chomp = match text.strip_suffix('\n') {
            None => "-",
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => "+",
            Some(_) => "",
        };
        self.line(format!("{lead} |{hint}{chomp}"), &node.origin);
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            let space = if line.is_empty() { 0 } else { column };
            self.line(format!("{}{line}", " ".repeat(space)), &node.origin);
        }
    }
}

/// A value that fits one line.
fn flat(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Float(value) => float(*value),
        Value::Str(text) => quoted(text, style(text)),
        Value::List(_) => "[]".to_owned(),
        Value::Map(_) => "{}".to_owned(),
    }
}

fn key_text(key: &str) -> String {
    if key.is_empty() {
        "\"\"".to_owned()
    } else {
        quoted(key, style(key))
    }
}
