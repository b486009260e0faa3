//! A JSON Schema of `lab.toml` with every module's inputs and every trait's fields, for editors.
//!
//! It says what may be written where, as far as one value alone can tell; what fits together is the compiler's to say.
//! Editors for TOML follow `properties`, `anyOf` and `$ref` when they offer keys, but neither `if` nor what stands
//! beside a `$ref`. So a component has both: `if` judges it by its module, and an `anyOf` that always holds names the
//! keys to offer.

mod input;
mod sections;
mod shape;
mod words;

use serde_json::{Map, Value, json};

pub use sections::{COMPONENT_KEYS, SECTIONS};
pub use shape::{Key, Shape};

use super::Shelf;
use super::sample::is_required;
use crate::parse::input::Input;
use crate::parse::lab::Layer;
use crate::parse::module::{Module, TraitSyntax};
use crate::render::machine::vocabulary::{LAB_WORDS, WORDS};
use shape::{object, pattern};

/// Modules whose components have names of their own: their keys are offered for a component of any name.
const GENERIC: [&str; 3] = ["chart", "manifests", "workload"];

/// The schema, draft 2020-12.
pub fn schema(shelf: &Shelf) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for section in SECTIONS {
        properties.insert(section.name.to_owned(), section.shape.schema(section.doc));
        if section.required {
            required.push(section.name);
        }
    }
    for layer in [Layer::Infrastructure, Layer::Apps] {
        properties.insert(layer.word().to_owned(), components(shelf, layer));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lab.toml",
        "description": "A lab: a cluster, its nodes, its network and its components. `labc` compiles it.",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
        "$defs": definitions(shelf),
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn components(shelf: &Shelf, layer: Layer) -> Value {
    let about = match layer {
        Layer::Infrastructure => "What the cluster needs before apps run on it, by component name.",
        Layer::Apps => "What the cluster is for, by component name.",
    };
    let named: Map<String, Value> = shelf
        .modules
        .keys()
        .map(|name| (name.clone(), reference(&format!("component.{name}"))))
        .collect();
    json!({
        "description": about,
        "type": "object",
        "properties": named,
        "additionalProperties": reference("component"),
    })
}

fn definitions(shelf: &Shelf) -> Map<String, Value> {
    let mut definitions = Map::new();
    definitions.insert("component".to_owned(), any_component(shelf));
    for key in COMPONENT_KEYS {
        definitions.insert(format!("key.{}", key.name), key.shape.schema(key.doc));
    }
    for word in WORDS.iter().chain(LAB_WORDS) {
        definitions.insert(format!("word.{}", word.name), words::schema(word));
    }
    for (name, book) in &shelf.modules {
        let module = format!("module.{name}");
        definitions.insert(
            format!("component.{name}"),
            json!({
                "if": { "properties": { "module": { "const": name } } },
                "then": reference(&module),
                "else": reference("component"),
                "anyOf": [reference(&module), true],
            }),
        );
        definitions.insert(module, of_module(shelf, &book.module));
    }
    for (name, definition) in &shelf.traits {
        let needed = definition.fields.iter();
        let needed = needed.filter(|(_, field)| is_required(field));
        let needed: Vec<&str> = needed.map(|(name, _)| name.as_str()).collect();
        definitions.insert(format!("trait.{name}"), of_trait(definition, &needed));
        definitions.insert(format!("asked.{name}"), of_trait(definition, &[]));
        definitions.insert(format!("entry.{name}"), of_inner_entry(definition));
    }
    definitions
}

/// A component that is not called as a module is: it says which one it is of.
fn any_component(shelf: &Shelf) -> Value {
    let names: Vec<&String> = shelf.modules.keys().collect();
    let by_module: Vec<Value> = names
        .iter()
        .map(|name| {
            json!({
                "if": { "properties": { "module": { "const": name } }, "required": ["module"] },
                "then": reference(&format!("module.{name}")),
            })
        })
        .collect();
    let offered = GENERIC
        .iter()
        .filter(|name| shelf.modules.contains_key(**name));
    let mut offered: Vec<Value> = offered
        .map(|name| reference(&format!("module.{name}")))
        .collect();
    offered.push(Value::Bool(true));
    json!({
        "type": "object",
        "properties": {
            "module": {
                "description": "What it deploys: the name of a module.",
                "enum": names,
            },
        },
        "required": ["module"],
        "allOf": by_module,
        "anyOf": offered,
    })
}

fn of_module(shelf: &Shelf, module: &Module) -> Value {
    let mut properties = Map::new();
    for key in COMPONENT_KEYS {
        properties.insert(key.name.to_owned(), reference(&format!("key.{}", key.name)));
    }
    if let Some(tested) = module
        .chart
        .as_ref()
        .and_then(|chart| chart.tested.as_ref())
    {
        let doc =
            "The version of its chart, exactly. The default is what the module was tested with.";
        let mut version = Shape::Text.schema(doc);
        version["default"] = json!(tested.value);
        properties.insert("version".to_owned(), version);
    }
    for name in shelf.traits.keys() {
        // What the module asks for itself is filled in already.
        let form = match module.asks.contains_key(name) {
            true => "asked",
            false => "trait",
        };
        properties.insert(name.clone(), reference(&format!("{form}.{name}")));
    }
    let mut required = Vec::new();
    if module.chart.is_some() {
        required.push("version");
    }
    for (name, declared) in &module.inputs {
        properties.insert(name.clone(), input::schema(declared));
        if is_required(declared) {
            required.push(name);
        }
    }
    let mut schema = object(properties, &required);
    schema["description"] = json!(module.summary);
    schema
}

/// The keys of an entry of a trait.
fn entry_keys(definition: &TraitSyntax) -> Map<String, Value> {
    let fields = definition.fields.iter();
    let own = fields.map(|(name, field)| (name.clone(), input::schema(field)));
    let all = sections::ENTRY_KEYS.iter();
    let all = all.map(|key| (key.name.to_owned(), key.shape.schema(key.doc)));
    own.chain(all).collect()
}

/// The field that a scalar sets.
fn shorthand(definition: &TraitSyntax) -> Option<&Input> {
    definition.fields.get(definition.shorthand.as_ref()?)
}

/// An entry inside another trait's entry, which fills what it leaves out.
fn of_inner_entry(definition: &TraitSyntax) -> Value {
    let mut forms = vec![object(entry_keys(definition), &[])];
    forms.extend(shorthand(definition).map(input::schema));
    forms.push(pattern());
    json!({ "anyOf": forms })
}

/// A trait's entries, each of which must have the fields that are `required`.
fn of_trait(definition: &TraitSyntax, required: &[&str]) -> Value {
    let mut entry = object(entry_keys(definition), required);
    let short = shorthand(definition).map(|field| {
        let mut schema = input::schema(field);
        let doc = field.doc.trim();
        schema["description"] = json!(format!(
            "{} Short for the entry `main`: {doc}",
            definition.summary
        ));
        schema
    });
    // An entry may be written by the shorthand, too.
    if let Some(short) = &short {
        entry = json!({ "anyOf": [entry, short] });
    }
    let entries = json!({
        "description": format!("{}: entries by name.", definition.summary),
        "type": "object",
        "additionalProperties": entry,
    });
    let mut forms = vec![entries];
    forms.extend(short);
    forms.push(pattern());
    json!({
        "description": format!("{}\n\n{}", definition.summary, definition.doc.trim()).trim_end(),
        "anyOf": forms,
    })
}
