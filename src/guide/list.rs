//! All modules as a list, and modules as data.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::component::example;
use super::page::{fields, tables, text};
use super::sample::is_required;
use super::traits::own_offers;
use super::wrap::wrap;
use super::{Book, Shelf, named};
use crate::parse::input::Input;
use crate::parse::module::{OwnOffer, TraitSyntax};
use crate::source::Sources;

/// All modules, by group, and what needs none.
pub fn list(shelf: &Shelf) -> String {
    let mut groups: BTreeMap<&str, Vec<&Book>> = BTreeMap::new();
    for book in shelf.modules.values() {
        let group = match book.module.group.as_str() {
            "" => "other",
            group => group,
        };
        groups.entry(group).or_default().push(book);
    }
    let own = own_offers(shelf);
    let names = shelf.modules.keys();
    let names = names.chain(own.iter().map(|(_, offer)| &offer.name));
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (group, books) in groups {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{group}\n"));
        for book in books {
            let module = &book.module;
            let own = if module.standard {
                ""
            } else {
                " (this lab's own)"
            };
            let (name, summary) = (&module.name, &module.summary);
            text.push_str(&format!("  {name:<width$}  {summary}{own}\n"));
            let about = Traits::of(book, &shelf.sources).sentence();
            if !about.is_empty() {
                text.push_str(&wrap(&about, &" ".repeat(width + 4)));
            }
        }
    }
    if !own.is_empty() {
        text.push_str("\nwithout a module\n");
    }
    for (known, offer) in own {
        let indent = " ".repeat(width + 4);
        let doc = wrap(&offer.doc, &indent);
        text.push_str(&format!("  {:<width$}  {}", offer.name, doc.trim_start()));
        text.push_str(&wrap(&format!("offers {}", known.name), &indent));
    }
    text
}

/// What a module is to others.
struct Traits {
    offers: Vec<String>,
    provides: Vec<String>,
    may_provide: Vec<String>,
    requires: Vec<String>,
    may_require: Vec<String>,
}

impl Traits {
    fn of(book: &Book, sources: &Sources) -> Self {
        let names = |clauses, conditional: bool| {
            let named = named(clauses, sources).into_iter();
            let fitting = named.filter(|(_, when)| when.is_some() == conditional);
            fitting.map(|(name, _)| name).collect()
        };
        let module = &book.module;
        let mut offers: Vec<String> = tables(book, "offers")
            .iter()
            .filter_map(|offer| text(offer, &["trait"]).map(str::to_owned))
            .collect();
        offers.dedup();
        Traits {
            offers,
            provides: names(&module.capabilities, false),
            may_provide: names(&module.capabilities, true),
            requires: names(&module.requires, false),
            may_require: names(&module.requires, true),
        }
    }

    fn sentence(&self) -> String {
        let part = |verb: &str, names: &[String]| {
            (!names.is_empty()).then(|| format!("{verb} {}", names.join(", ")))
        };
        let parts = [
            part("answers", &self.offers),
            part("provides", &self.provides),
            part("may provide", &self.may_provide),
            part("requires", &self.requires),
            part("may require", &self.may_require),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join("; ")
    }

    /// All of it as data: a condition is for a page to tell.
    fn json(&self) -> [(&'static str, Json); 3] {
        let both = |one: &[String], other: &[String]| json!([one, other].concat());
        [
            ("offers", json!(self.offers)),
            ("provides", both(&self.provides, &self.may_provide)),
            ("requires", both(&self.requires, &self.may_require)),
        ]
    }
}

/// All modules as data.
pub fn all_json(shelf: &Shelf) -> Json {
    let module = |book: &Book| {
        let mut data = json!({
            "name": book.module.name,
            "group": book.module.group,
            "summary": book.module.summary,
            "standard": book.module.standard,
        });
        for (key, value) in Traits::of(book, &shelf.sources).json() {
            data[key] = value;
        }
        data
    };
    let modules: Vec<Json> = shelf.modules.values().map(module).collect();
    let own = own_offers(shelf);
    let offer = |(known, offer): &(&TraitSyntax, &OwnOffer)| json!({ "name": offer.name, "trait": known.name, "doc": offer.doc });
    let offers: Vec<Json> = own.iter().map(offer).collect();
    json!({ "schema": 1, "modules": modules, "offers": offers })
}

/// A module as data.
pub fn one_json(shelf: &Shelf, book: &Book) -> Json {
    let module = &book.module;
    let tested = module
        .chart
        .as_ref()
        .and_then(|chart| chart.tested.as_ref());
    let mut data = json!({
        "schema": 1,
        "name": module.name,
        "group": module.group,
        "summary": module.summary,
        "doc": module.doc,
        "standard": module.standard,
        "tested": tested.map(|tested| &tested.value),
        "example": example(&module.name, module),
        "inputs": inputs_json(&module.inputs),
        "outputs": module.outputs.keys().collect::<Vec<_>>(),
        "services": module.services.keys().collect::<Vec<_>>(),
    });
    for (key, value) in Traits::of(book, &shelf.sources).json() {
        data[key] = value;
    }
    data
}

pub(super) fn inputs_json(inputs: &BTreeMap<String, Input>) -> Vec<Json> {
    let input = |(name, input): (&String, &Input)| {
        let default = input
            .default_text
            .as_ref()
            .map(crate::template::convert::json);
        json!({
            "name": name,
            "type": input.kind.to_string(),
            "required": is_required(input),
            "default": default,
            "doc": input.doc.trim(),
            "fields": fields(&input.kind).map(inputs_json),
        })
    };
    inputs.iter().map(input).collect()
}
