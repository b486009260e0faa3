//! A tree as JSON, a leaf as the text that it has inside other text, bytes as text that holds any.

use serde_json::Value as Json;

use super::scope::TEXT;
use crate::value::{Node, Value};

/// The data of a tree, without origins. A number that JSON has no word for (infinite, not a number) is null.
pub fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Uint(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::Str(value) => Json::from(value.as_str()),
        Value::List(list) => list.iter().map(json).collect(),
        Value::Map(map) => match map.get(TEXT) {
            Some(text) => json(&text.node),
            None => Json::Object(
                map.iter()
                    .map(|(key, entry)| (key.to_string(), json(&entry.node)))
                    .collect(),
            ),
        },
    }
}

/// What a leaf reads like inside a text; none for a null, a list or a map.
pub fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Uint(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::Str(value) => Some(value.to_string()),
        Value::Map(map) => text(&map.get(TEXT)?.node),
        Value::Null | Value::List(_) => None,
    }
}

/// Bytes in Base64 with padding (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = (0..3).fold(0u32, |all, index| {
            all << 8 | u32::from(chunk.get(index).copied().unwrap_or(0))
        });
        for place in 0..4 {
            let index = (number >> (18 - 6 * place)) as usize & 63;
            text.push(if place <= chunk.len() {
                char::from(LETTERS[index])
            } else {
                '='
            });
        }
    }
    text
}
