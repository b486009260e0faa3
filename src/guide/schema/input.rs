//! The schema of a module's input, or of a trait's field.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::reference;
use super::shape::{EXPRESSION, object, or_expression, pattern};
use crate::guide::sample::{is_required, words};
use crate::parse::input::{Input, InputType};
use crate::template::convert;
use crate::value::{Node, Value as Data};

/// The schema of an input with its prose, type and default.
pub(super) fn schema(input: &Input) -> Value {
    let mut schema = of(&input.kind);
    let mut doc = input.doc.trim().to_owned();
    let kind = words(&input.kind);
    doc.push_str(&format!("\n\nType: {kind}."));
    if let Some(default) = &input.default_text {
        doc.push_str(&format!("\nDefault: `{}`", convert::json(default)));
        if is_literal(default) {
            schema["default"] = convert::json(default);
        }
    }
    schema["description"] = json!(doc);
    schema
}

/// Whether a value holds no expression.
fn is_literal(node: &Node) -> bool {
    match &node.value {
        Data::Str(text) => !text.contains("${{"),
        Data::List(items) => items.iter().all(is_literal),
        Data::Map(map) => map.values().all(|entry| is_literal(&entry.node)),
        _ => true,
    }
}

fn of(kind: &InputType) -> Value {
    match kind {
        InputType::Boolean => or_expression("boolean"),
        InputType::Integer { min, max } => integer(*min, *max),
        InputType::NodePort => integer(Some(1), Some(65535)),
        InputType::Enum(words) => json!({ "anyOf": [{ "enum": words }, pattern()] }),
        InputType::Quantity => json!({ "type": ["string", "integer"] }),
        InputType::List(item) => {
            let mut schema = or_expression("array");
            schema["items"] = of(item);
            schema
        }
        InputType::Map(item) => {
            let mut schema = or_expression("object");
            schema["additionalProperties"] = of(item);
            schema
        }
        InputType::Object(fields) => table(fields),
        InputType::Env => env(),
        InputType::Entry(of) => reference(&format!("entry.{of}")),
        InputType::Yaml => json!({}),
        _ => json!({ "type": "string" }),
    }
}

fn integer(min: Option<i64>, max: Option<i64>) -> Value {
    let mut schema = or_expression("integer");
    if let Some(min) = min {
        schema["minimum"] = json!(min);
    }
    if let Some(max) = max {
        schema["maximum"] = json!(max);
    }
    schema
}

fn table(fields: &BTreeMap<String, Input>) -> Value {
    let required = fields.iter().filter(|(_, field)| is_required(field));
    let required: Vec<&str> = required.map(|(name, _)| name.as_str()).collect();
    let properties = fields
        .iter()
        .map(|(name, field)| (name.clone(), schema(field)));
    let mut schema = object(properties.collect(), &required);
    schema["type"] = json!(["object", "string"]);
    schema["pattern"] = json!(EXPRESSION);
    schema
}

fn env() -> Value {
    let text = json!({ "type": "string" });
    let secret = json!({
        "type": "object",
        "properties": {
            "secret": { "type": "string", "description": "A name of [secrets]." },
            "key": { "type": "string", "description": "A key of it." },
        },
        "required": ["secret", "key"],
        "additionalProperties": false,
    });
    let field = json!({
        "type": "object",
        "properties": { "field": text },
        "required": ["field"],
        "additionalProperties": false,
    });
    let scalar = json!({ "type": ["string", "integer", "number", "boolean"] });
    json!({ "anyOf": [scalar, secret, field] })
}
