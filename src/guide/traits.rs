//! A trait as a page, and the offers that need no component.

use serde_json::{Value as Json, json};

use super::Shelf;
use super::list::inputs_json;
use super::page::{inputs, tables, text};
use super::wrap::{bullet, wrap};
use crate::parse::module::{OwnOffer, TraitSyntax};

/// Every offer of no component, with its trait, by name.
pub(super) fn own_offers(shelf: &Shelf) -> Vec<(&TraitSyntax, &OwnOffer)> {
    let traits = shelf.traits.values();
    let mut all: Vec<(&TraitSyntax, &OwnOffer)> = traits
        .flat_map(|known| known.offers.iter().map(|offer| (&**known, offer)))
        .collect();
    all.sort_by_key(|(_, offer)| &offer.name);
    all
}

/// The trait of a name: its own, or that of an offer of no component.
pub fn find<'a>(shelf: &'a Shelf, name: &str) -> Option<&'a TraitSyntax> {
    let own = shelf.traits.get(name).map(|known| &**known);
    own.or_else(|| {
        let offers = own_offers(shelf);
        let of = offers.into_iter().find(|(_, offer)| offer.name == name);
        of.map(|(known, _)| known)
    })
}

/// The names of the modules that answer a trait.
fn answering<'a>(shelf: &'a Shelf, of: &str) -> Vec<&'a str> {
    let books = shelf.modules.iter();
    let answers = books.filter(|(_, book)| {
        let mut offers = tables(book, "offers").iter();
        offers.any(|offer| text(offer, &["trait"]) == Some(of))
    });
    answers.map(|(name, _)| name.as_str()).collect()
}

/// The page of a trait, in Markdown.
pub fn page(shelf: &Shelf, known: &TraitSyntax) -> String {
    let name = &known.name;
    let mut page = format!("# {name}\n\n");
    page.push_str(&wrap(&format!("A trait: {}.", known.summary), ""));
    page.push('\n');
    page.push_str(&wrap(&known.doc, ""));
    page.push_str("\n## Answered by\n\n");
    for module in answering(shelf, name) {
        page.push_str(&bullet(&format!("module `{module}`"), ""));
    }
    for offer in &known.offers {
        let when = shelf.sources.text(offer.when.span());
        let about = format!(
            "`{}`, without a component, where `{when}`: {}",
            offer.name, offer.doc
        );
        page.push_str(&bullet(&about, ""));
    }
    page.push_str("\n## Fields\n\n");
    page.push_str(&inputs(&known.fields, &shelf.sources, ""));
    page.push_str(&format!(
        "\n## Outputs\n\nRead as `${{{{ traits.{name}.ENTRY.KEY }}}}`:\n\n"
    ));
    for (key, output) in &known.outputs {
        page.push_str(&bullet(&format!("`{key}`: {}", output.doc), ""));
    }
    page
}

/// A trait as data.
pub fn as_json(shelf: &Shelf, known: &TraitSyntax) -> Json {
    let offer = |offer: &OwnOffer| json!({ "name": offer.name, "doc": offer.doc });
    json!({
        "schema": 1,
        "name": known.name,
        "summary": known.summary,
        "doc": known.doc,
        "modules": answering(shelf, &known.name),
        "offers": known.offers.iter().map(offer).collect::<Vec<_>>(),
        "fields": inputs_json(&known.fields),
        "outputs": known.outputs.keys().collect::<Vec<_>>(),
    })
}
