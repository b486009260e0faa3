//! A value as text: in one line where it is short, else as YAML.

use crate::emit::yaml;
use crate::template::convert::json;
use crate::value::{Node, Value};

/// Letters of a value that is shown in one line.
const MAX_INLINE: usize = 100;

/// A value in one line, if it fits there.
pub(super) fn inline(node: &Node) -> Option<String> {
    let text = match &node.value {
        Value::Str(text) if text.contains('\n') => return None,
        Value::Map(_) | Value::List(_) => json(node).to_string(),
        _ => yaml::print(std::slice::from_ref(node))
            .trim_end()
            .to_owned(),
    };
    (text.chars().count() <= MAX_INLINE).then_some(text)
}

/// A value as lines: those of a text as they are, anything else as YAML.
pub(super) fn lines(node: &Node) -> Vec<String> {
    let text = match &node.value {
        Value::Str(text) => text.to_string(),
        _ => yaml::print(std::slice::from_ref(node)),
    };
    text.lines().map(str::to_owned).collect()
}
