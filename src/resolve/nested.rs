//! Entries inside entries: `backup = true` in an entry of `storage` is an entry of `backup` with the same name.
//!
//! What the answer to the outer entry tells fills the fields of the inner one that have the same names.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cell::{Ask, Cell};
use super::resolver::Resolver;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::module::TraitSyntax;
use crate::template::Unavailable;
use crate::value::{Node, Value};

/// By trait: the traits that have entries of it as a field, and that field.
pub(super) type Around = BTreeMap<String, Vec<(String, String)>>;

/// Which traits have entries of which.
pub(super) fn around(traits: &BTreeMap<String, Arc<TraitSyntax>>) -> Around {
    let mut around = Around::new();
    for (name, definition) in traits {
        for (field, of) in definition.entries() {
            let places = around.entry(of.to_owned()).or_default();
            places.push((name.clone(), field.to_owned()));
        }
    }
    around
}

/// The fields of an entry that is written inside another trait's entry of the same name; none where nothing is.
pub(super) fn fields(
    resolver: &Arc<Resolver>,
    ask: &Ask,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Node>, Unavailable> {
    for (of, field) in resolver.around(&ask.of) {
        let outer = Ask {
            of: of.as_str().into(),
            ..ask.clone()
        };
        let mut names = resolver.named_entries(&ask.component, of);
        if !names.any(|name| name == ask.entry) {
            continue;
        }
        let request = resolver.get(Cell::Request(outer.clone()))?;
        let written = request.get(field);
        let Some(written) = written.filter(|node| node.value != Value::Null) else {
            continue;
        };
        if let Some(own) = resolver.ask_span(ask) {
            let message = format!("`{ask}` is asked for twice");
            diagnostics.push(
                Diagnostic::error(Code::INVALID_VALUE, written.origin.first(), message)
                    .here(format!("as the `{field}` of `{of}.{}`", ask.entry))
                    .label(own, "and by itself")
                    .help("remove one of the two"),
            );
            return Err(Unavailable);
        }
        let fields = long_form(&resolver.traits[ask.of.as_str()], written);
        if is_off(&fields) {
            return Ok(Some(fields));
        }
        if resolver.get(Cell::Choice(outer.clone()))?.value != Value::Null {
            return filled(resolver, ask, &outer, fields).map(Some);
        }
    }
    Ok(None)
}

/// An entry as a table: a scalar is the value of the trait's shorthand.
fn long_form(definition: &TraitSyntax, written: &Node) -> Node {
    match (&written.value, &definition.shorthand) {
        (Value::Map(_), _) | (_, None) => written.clone(),
        (_, Some(shorthand)) => {
            let mut fields = Node::new(Value::map(), written.origin.clone());
            fields.insert(shorthand.as_str(), written.clone());
            fields
        }
    }
}

fn is_off(fields: &Node) -> bool {
    let enabled = fields.get("enabled");
    enabled.is_some_and(|node| node.value == Value::Bool(false))
}

/// The fields with what the answer to the outer entry tells, where they say nothing.
fn filled(
    resolver: &Arc<Resolver>,
    ask: &Ask,
    outer: &Ask,
    mut fields: Node,
) -> Result<Node, Unavailable> {
    let definition = &resolver.traits[ask.of.as_str()];
    let told = resolver.traits[outer.of.as_str()].outputs.keys();
    for name in told.filter(|name| definition.fields.contains_key(*name)) {
        if fields.get(name).is_some() {
            continue;
        }
        let value = resolver.get(Cell::Answer(outer.clone(), name.as_str().into()))?;
        if value.value != Value::Null {
            fields.insert(name.as_str(), (*value).clone());
        }
    }
    Ok(fields)
}
