//! How a value of `lab.toml` is written, and the schema that says so. Any scalar may be an expression instead.

use serde_json::{Map, Value, json};

use crate::render::machine::vocabulary::Word;

/// A key and what stands behind it.
#[derive(Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// How its value is written.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
}

/// How a value is written.
#[derive(Debug)]
pub enum Shape {
    /// Any text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number within bounds, both included.
    Integer(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list.
    List(&'static Shape),
    /// A list, or one value without its brackets.
    OneOrMany(&'static Shape),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table with these keys among others.
    Open(&'static [Key]),
    /// A table whose keys are names.
    Names(&'static Shape),
    /// A table with words of the nodes' vocabulary, beside these keys.
    Words(&'static [&'static [Word]], &'static [Key]),
    /// What stands behind this word of the nodes' vocabulary.
    Word(&'static str),
    /// One of several shapes.
    Either(&'static [Shape]),
    /// Anything.
    Any,
}

/// A text that holds an expression.
pub(super) fn pattern() -> Value {
    json!({ "type": "string", "pattern": EXPRESSION })
}

/// What a text has that is an expression.
pub(super) const EXPRESSION: &str = r"\$\{\{";

/// A table with these properties and no others.
pub(super) fn object(properties: Map<String, Value>, required: &[&str]) -> Value {
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// A value of a type, or an expression: only the latter is held to the pattern.
pub(super) fn or_expression(kind: &str) -> Value {
    json!({ "type": [kind, "string"], "pattern": EXPRESSION })
}

impl Shape {
    /// The schema of a value that a person is told `doc` about.
    pub fn schema(&self, doc: &str) -> Value {
        let mut schema = self.bare();
        if !doc.is_empty() {
            schema["description"] = json!(doc);
        }
        schema
    }

    fn bare(&self) -> Value {
        match self {
            Shape::Text => json!({ "type": "string" }),
            Shape::Boolean => or_expression("boolean"),
            Shape::Integer(min, max) => {
                let mut schema = or_expression("integer");
                schema["minimum"] = json!(min);
                schema["maximum"] = json!(max);
                schema
            }
            Shape::Choice(words) => json!({ "anyOf": [{ "enum": words }, pattern()] }),
            Shape::List(item) => {
                let mut schema = or_expression("array");
                schema["items"] = item.bare();
                schema
            }
            Shape::OneOrMany(item) => {
                let list = json!({ "type": "array", "items": item.bare() });
                json!({ "anyOf": [item.bare(), list] })
            }
            Shape::Table(keys) => table(keys),
            Shape::Open(keys) => {
                let mut schema = table(keys);
                schema["additionalProperties"] = json!(true);
                schema
            }
            Shape::Names(item) => json!({
                "type": "object",
                "additionalProperties": item.bare(),
            }),
            Shape::Either(shapes) => {
                let shapes: Vec<Value> = shapes.iter().map(Shape::bare).collect();
                json!({ "anyOf": shapes })
            }
            Shape::Words(tables, keys) => {
                let words = tables.iter().copied().flatten();
                let words = words.map(|word| (word.name.to_owned(), of_word(word.name)));
                let keys = keys.iter().map(property);
                object(words.chain(keys).collect(), &[])
            }
            Shape::Word(name) => of_word(name),
            Shape::Any => json!({}),
        }
    }
}

/// The schema of a word stands once, among the definitions.
fn of_word(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/word.{name}") })
}

fn property(key: &Key) -> (String, Value) {
    (key.name.to_owned(), key.shape.schema(key.doc))
}

fn table(keys: &[Key]) -> Value {
    let required = keys.iter().filter(|key| key.required);
    let required: Vec<&str> = required.map(|key| key.name).collect();
    object(keys.iter().map(property).collect(), &required)
}
