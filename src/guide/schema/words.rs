//! The vocabulary of `[[talos]]` to the schema of each of its words: what one value alone can tell.
//!
//! Knows no word: the table is [`crate::render::machine::vocabulary`].

use serde_json::{Map, Value, json};

use super::shape::{Shape, object, or_expression};
use crate::render::machine::vocabulary::{Keyed, Kind, Shape as WordShape, Word};

/// The schema of a word.
pub(super) fn schema(word: &Word) -> Value {
    let mut schema = of_shape(&word.shape);
    schema["description"] = json!(word.doc);
    schema
}

fn of_shape(shape: &WordShape) -> Value {
    match shape {
        WordShape::One(kind) => of_kind(*kind),
        WordShape::Each(kind) => list(of_kind(*kind)),
        WordShape::Flag => json!({ "anyOf": [of_kind(Kind::Plain), list(of_kind(Kind::Plain))] }),
        WordShape::Table(words) => table(words),
        WordShape::Names(each) => json!({
            "type": "object",
            "additionalProperties": of_shape(each),
        }),
        WordShape::Tree => json!({}),
        WordShape::Keyed(keyed) => list(entry(keyed)),
        WordShape::Or(kind, other) => json!({ "anyOf": [of_kind(*kind), of_shape(other)] }),
        WordShape::Short(first, words) => {
            let first = words.iter().find(|word| word.name == *first);
            let short = first.map(|word| of_shape(&word.shape));
            let forms: Vec<Value> = short.into_iter().chain([table(words)]).collect();
            json!({ "anyOf": forms })
        }
    }
}

fn list(item: Value) -> Value {
    let mut schema = or_expression("array");
    schema["items"] = item;
    schema
}

fn properties(words: &[Word]) -> Map<String, Value> {
    let property = |word: &Word| (word.name.to_owned(), schema(word));
    words.iter().map(property).collect()
}

fn table(words: &[Word]) -> Value {
    object(properties(words), &[])
}

/// An entry of a keyed list: its key alone, or a table.
fn entry(keyed: &Keyed) -> Value {
    let mut properties = properties(keyed.words);
    properties.insert(keyed.key.to_owned(), of_kind(keyed.kind));
    let required: &[&str] = match keyed.or {
        Some(_) => &[],
        None => &[keyed.key],
    };
    json!({ "anyOf": [of_kind(keyed.kind), object(properties, required)] })
}

/// The type of one value. An expression is a text, and may stand for any.
fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Bool => Shape::Boolean.schema(""),
        Kind::Port => Shape::Integer(1, 65_535).schema(""),
        Kind::Choice(words) => Shape::Choice(words).schema(""),
        Kind::Sysctl | Kind::Mode => json!({ "type": ["string", "integer"] }),
        Kind::Plain | Kind::Label | Kind::Annotation => {
            json!({ "type": ["string", "number", "boolean"] })
        }
        Kind::Extension
        | Kind::Text
        | Kind::AbsolutePath
        | Kind::FilePath
        | Kind::Subnet
        | Kind::Host
        | Kind::Namespace
        | Kind::Url
        | Kind::Certificate
        | Kind::Size
        | Kind::SizeOrShare
        | Kind::Taint => json!({ "type": "string" }),
    }
}
