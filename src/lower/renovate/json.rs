//! Data to lines of JSON, each with what made it.

use crate::lower::Text;
use crate::source::Origin;
use crate::value::{Node, Value};

/// A document with two spaces for each level.
pub(super) fn print(node: &Node) -> Text {
    let mut text = Text::default();
    value(node, "", "", 0, &mut text);
    text
}

/// A value behind its key, if it has one, and before its comma.
fn value(node: &Node, key: &str, comma: &str, depth: usize, text: &mut Text) {
    let indent = "  ".repeat(depth);
    let mut line = |content: &str, origin: Origin| text.line(format!("{indent}{content}"), origin);
    match &node.value {
        Value::Map(map) if !map.is_empty() => {
            line(&format!("{key}{{"), node.origin.clone());
            for (index, (name, entry)) in map.iter().enumerate() {
                let key = format!("{}: ", quoted(name));
                value(
                    &entry.node,
                    &key,
                    separator(index, map.len()),
                    depth + 1,
                    text,
                );
            }
            text.own(format!("{indent}}}{comma}"));
        }
        Value::List(items) if !items.is_empty() => {
            line(&format!("{key}["), node.origin.clone());
            for (index, item) in items.iter().enumerate() {
                value(item, "", separator(index, items.len()), depth + 1, text);
            }
            text.own(format!("{indent}]{comma}"));
        }
        leaf => line(
            &format!("{key}{}{comma}", scalar(leaf)),
            node.origin.clone(),
        ),
    }
}

fn separator(index: usize, count: usize) -> &'static str {
    if index + 1 < count { "," } else { "" }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Float(number) => serde_json::Value::from(*number).to_string(),
        Value::Str(text) => quoted(text),
        Value::List(_) => "[]".to_owned(),
        Value::Map(_) => "{}".to_owned(),
        Value::Null => "null".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
