//! A schematic in a file, read as the Image Factory reads it: to its canonical bytes and its id.
//!
//! Knows no node and no lab.

use super::go_yaml;
use super::schematic::{Schematic, SchematicOverlay};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::table::{Table, list};
use crate::source::{Origin, SourceId, Span};
use crate::syntax::yaml::{self, Key, Meaning, Place, Scalar, Syntax, SyntaxKind};
use crate::value::{Entry, Node, Value};

/// The canonical bytes and the id of the schematic in a file, as the factory would know it.
///
/// What the factory refuses is reported: unknown fields, values of another type, more than one document.
pub fn identify(
    source: SourceId,
    text: &str,
    diagnostics: &mut Diagnostics,
) -> Option<(String, String)> {
    let mut found = Diagnostics::default();
    let documents = yaml::read_syntax(source, text, &mut found);
    let schematic = match documents.as_slice() {
        _ if found.has_errors() => Schematic::default(),
        [document] => decode(&as_written(document, false), &mut found),
        other => {
            let span = other.get(1).map(|document| document.span);
            let why = format!("a schematic is one document, and there are {}", other.len());
            found.push(refused(span, &why));
            Schematic::default()
        }
    };
    let fine = !found.has_errors();
    diagnostics.append(found);
    fine.then(|| (schematic.canonical(), schematic.id()))
}

/// The tree of a document. The factory's reader knows the type of each field and keeps the letters of texts, but
/// below `options` it goes by what the letters mean.
fn as_written(syntax: &Syntax, by_meaning: bool) -> Node {
    let value = match &syntax.kind {
        SyntaxKind::Scalar(scalar) => scalar_value(scalar, by_meaning),
        SyntaxKind::List(items) => {
            let items = items.iter().map(|item| as_written(item, by_meaning));
            items.collect::<Vec<Node>>().into()
        }
        SyntaxKind::Map(entries) => {
            let entry = |(key, value): &(Key, Syntax)| {
                let node = as_written(value, by_meaning || key.name == "options");
                let span = match key.place {
                    Place::Verbatim { span, .. }
                    | Place::Block { span, .. }
                    | Place::Within(span) => span,
                };
                (
                    key.name.as_str().into(),
                    Entry {
                        key: Some(span),
                        node,
                    },
                )
            };
            Value::Map(entries.iter().map(entry).collect())
        }
    };
    Node::new(value, Origin::at(syntax.span))
}

fn scalar_value(scalar: &Scalar, by_meaning: bool) -> Value {
    let text = || Value::from(scalar.text.as_str());
    let old_boolean = !matches!(scalar.text.to_lowercase().as_str(), "true" | "false");
    let value = match scalar.meaning {
        Meaning::Null => return Value::Null,
        Meaning::Text => return text(),
        Meaning::Bool(_) if old_boolean => return text(),
        Meaning::Bool(value) => Value::Bool(value),
        Meaning::Int(value) => Value::Int(value),
        Meaning::Uint(value) => Value::from(value),
        Meaning::Float(value) => Value::Float(value),
    };
    let keeps_its_letters = match &value {
        Value::Bool(value) => scalar.text == value.to_string(),
        Value::Int(value) => scalar.text == value.to_string(),
        _ => false,
    };
    if by_meaning || keeps_its_letters {
        value
    } else {
        text()
    }
}

fn decode(document: &Node, diagnostics: &mut Diagnostics) -> Schematic {
    let mut schematic = Schematic::default();
    let empty = Node::new(Value::map(), document.origin.clone());
    let document = if document.value == Value::Null {
        &empty
    } else {
        document
    };
    let mut table = Table::new(document, "", diagnostics);
    schematic.owner = text(&mut table, "owner", diagnostics);
    if let Some(node) = present(&mut table, "overlay") {
        schematic.overlay = decode_overlay(node, diagnostics);
    }
    if let Some(node) = present(&mut table, "customization") {
        decode_customization(node, &mut schematic, diagnostics);
    }
    table.finish(diagnostics);
    schematic
}

fn decode_overlay(node: &Node, diagnostics: &mut Diagnostics) -> Option<SchematicOverlay> {
    let mut table = Table::new(node, "overlay", diagnostics);
    let image = text(&mut table, "image", diagnostics);
    let name = text(&mut table, "name", diagnostics);
    let options = present(&mut table, "options").filter(|options| !options.is_leaf());
    if let Some(options) = options {
        check_options(options, diagnostics);
    }
    table.finish(diagnostics);
    let all_empty = image.is_none() && name.is_none() && options.is_none();
    let none = || Node::new("", node.origin.clone());
    (!all_empty).then(|| SchematicOverlay {
        image: image.unwrap_or_else(none),
        name: name.unwrap_or_else(none),
        options: options.cloned(),
    })
}

/// Reports options that cannot be told to the factory.
pub(super) fn check_options(options: &Node, diagnostics: &mut Diagnostics) {
    if options.as_map().is_none() {
        diagnostics.push(wrong(options, "`overlay.options` is a table of options"));
    }
    if let Some(key) = go_yaml::unprintable_key(options) {
        diagnostics.push(wrong(
            options,
            &format!("the key {key:?} is not one line of text"),
        ));
    }
}

fn decode_customization(node: &Node, schematic: &mut Schematic, diagnostics: &mut Diagnostics) {
    let mut table = Table::new(node, "customization", diagnostics);
    schematic.embedded_config = text(&mut table, "embeddedMachineConfiguration", diagnostics);
    schematic.kernel_args = texts(&mut table, "extraKernelArgs", diagnostics);
    if let Some(node) = present(&mut table, "meta") {
        schematic.meta = decode_meta(node, diagnostics);
    }
    if let Some(node) = present(&mut table, "systemExtensions") {
        let mut table = Table::new(node, "customization.systemExtensions", diagnostics);
        schematic.extensions = texts(&mut table, "officialExtensions", diagnostics);
        table.finish(diagnostics);
    }
    schematic.bootloader = choice(
        &mut table,
        "bootloader",
        &["none", "auto", "dual-boot", "sd-boot", "grub"],
        diagnostics,
    )
    .filter(|node| !matches!(node.as_str(), Some("none" | "auto")));
    if let Some(node) = present(&mut table, "secureboot") {
        let mut table = Table::new(node, "customization.secureboot", diagnostics);
        let kinds = ["off", "manual", "if-safe", "force"];
        schematic.enroll_keys = choice(&mut table, "enrollKeys", &kinds, diagnostics);
        schematic.well_known_certificates =
            boolean(&mut table, "includeWellKnownCertificates", diagnostics);
        table.finish(diagnostics);
    }
    if let Some(node) = present(&mut table, "diskImage") {
        let mut table = Table::new(node, "customization.diskImage", diagnostics);
        schematic.sector_size = number(&mut table, "sectorSize", i64::MAX, diagnostics)
            .filter(|node| node.value != Value::Int(0));
        table.finish(diagnostics);
    }
    table.finish(diagnostics);
}

fn decode_meta(node: &Node, diagnostics: &mut Diagnostics) -> Vec<(Node, Node)> {
    let Some(items) = node.as_list() else {
        diagnostics.push(wrong(node, "`customization.meta` is a list"));
        return Vec::new();
    };
    let mut decode = |(index, item): (usize, &Node)| {
        let path = format!("customization.meta[{index}]");
        let mut table = Table::new(item, path, diagnostics);
        let key = number(&mut table, "key", 255, diagnostics);
        let value = text(&mut table, "value", diagnostics);
        table.finish(diagnostics);
        let none = |value: Value| Node::new(value, item.origin.clone());
        (
            key.unwrap_or_else(|| none(Value::Int(0))),
            value.unwrap_or_else(|| none("".into())),
        )
    };
    items.iter().enumerate().map(&mut decode).collect()
}

/// The node of a key, unless it is null: the factory reads null as left out.
fn present<'a>(table: &mut Table<'a>, key: &'static str) -> Option<&'a Node> {
    table.node(key).filter(|node| node.value != Value::Null)
}

fn text(table: &mut Table<'_>, key: &'static str, diagnostics: &mut Diagnostics) -> Option<Node> {
    let node = present(table, key)?;
    let path = table.path_of(key);
    let found = as_text(node, &path, diagnostics)?;
    (found.as_str() != Some("")).then_some(found)
}

/// A scalar as the factory's reader takes it for text: numbers and booleans keep their letters.
fn as_text(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Node> {
    let text = match &node.value {
        Value::Str(text) => text.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Null => String::new(),
        Value::Float(_) | Value::List(_) | Value::Map(_) => {
            diagnostics.push(wrong(node, &format!("`{path}` is text")));
            return None;
        }
    };
    Some(Node::new(text, node.origin.clone()))
}

fn texts(table: &mut Table<'_>, key: &'static str, diagnostics: &mut Diagnostics) -> Vec<Node> {
    let Some(node) = present(table, key) else {
        return Vec::new();
    };
    let path = table.path_of(key);
    let Some(items) = node.as_list() else {
        diagnostics.push(wrong(node, &format!("`{path}` is a list")));
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| as_text(item, &path, diagnostics))
        .collect()
}

fn boolean(
    table: &mut Table<'_>,
    key: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let node = present(table, key)?;
    let word = match &node.value {
        Value::Bool(value) => value.to_string(),
        Value::Str(text) => text.to_lowercase(),
        _ => String::new(),
    };
    match word.as_str() {
        "true" | "yes" | "on" | "y" => Some(Node::new(true, node.origin.clone())),
        "false" | "no" | "off" | "n" => None,
        _ => {
            let why = format!("`{}` is true or false", table.path_of(key));
            diagnostics.push(wrong(node, &why));
            None
        }
    }
}

fn number(
    table: &mut Table<'_>,
    key: &'static str,
    limit: i64,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let node = present(table, key)?;
    let number = match &node.value {
        Value::Int(number) => Some(*number),
        Value::Str(text) => text
            .strip_prefix("0x")
            .and_then(|digits| i64::from_str_radix(digits, 16).ok()),
        _ => None,
    };
    if let Some(number) = number.filter(|number| (0..=limit).contains(number)) {
        return Some(Node::new(number, node.origin.clone()));
    }
    let path = table.path_of(key);
    diagnostics.push(wrong(
        node,
        &format!("`{path}` is a number from 0 to {limit}"),
    ));
    None
}

fn choice(
    table: &mut Table<'_>,
    key: &'static str,
    words: &[&str],
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let node = text(table, key, diagnostics)?;
    if words.contains(&node.as_str().unwrap_or_default()) {
        return Some(node);
    }
    let path = table.path_of(key);
    diagnostics.push(wrong(&node, &format!("`{path}` is one of {}", list(words))));
    None
}

fn wrong(node: &Node, why: &str) -> Diagnostic {
    refused(node.origin.first(), why)
}

fn refused(span: Option<Span>, why: &str) -> Diagnostic {
    let message = "this cannot be a schematic of the Image Factory";
    Diagnostic::error(Code::SCHEMATIC, span, message).help(why)
}
