//! The picture of a lab in Mermaid: the engine, the layers, the components, and what comes after what.
//!
//! It stays readable with many components: an edge that others imply is left out, and apps, which as a rule use the
//! same few things, hang on the layer of infrastructure as a whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::link::{Linked, Part};
use crate::lower::Text;
use crate::parse::lab::Layer;
use crate::resolve::{Component, Lab};
use crate::source::Origin;

/// Adds the picture.
pub(super) fn draw(lab: &Lab, linked: &Linked, engine: &str, text: &mut Text) {
    let identity = &lab.sections.identity;
    let ids: BTreeMap<&str, String> = lab
        .components
        .keys()
        .map(|name| (name.as_str(), id(name)))
        .collect();
    text.own("```mermaid\nflowchart LR");
    let branch = format!("Git, branch {}", identity.repository.branch.value);
    let origin = Origin::at(identity.repository.branch.span);
    text.line(format!("  git[{}]", label(&branch)), origin);
    let origin = Origin::at(identity.engine.span);
    text.line(format!("  engine([{}])", label(engine)), origin);
    let layers = [
        (Layer::Infrastructure, "Infrastructure"),
        (Layer::Apps, "Apps"),
    ];
    let present: Vec<Layer> = layers
        .into_iter()
        .filter(|(layer, title)| group(lab, *layer, title, &ids, text))
        .map(|(layer, _)| layer)
        .collect();
    text.own("  git --> engine");
    for layer in &present {
        text.own(format!("  engine --> {layer}"));
    }
    if present.len() == layers.len() {
        text.own(format!("  {} --> {}", Layer::Infrastructure, Layer::Apps));
    }
    for (before, after) in edges(lab, linked) {
        let origin = Origin::at(lab.components[after].span);
        text.line(format!("  {} --> {}", ids[before], ids[after]), origin);
    }
    text.own("```");
}

/// The id of a component: by its name, so that another component changes no line of it. The letters before it keep words
/// apart that mean something to Mermaid.
fn id(name: &str) -> String {
    format!("c_{}", name.replace('-', "_"))
}

/// Adds the box of a layer; false where nothing is in it.
fn group(
    lab: &Lab,
    layer: Layer,
    title: &str,
    ids: &BTreeMap<&str, String>,
    text: &mut Text,
) -> bool {
    let components: Vec<&Component> = of_layer(lab, layer).collect();
    if components.is_empty() {
        return false;
    }
    text.own(format!("  subgraph {layer}[{}]", label(title)));
    for component in components {
        let version = component.version.as_str().unwrap_or_default();
        let words = format!("{} {version}", component.name);
        let node = format!("    {}[{}]", ids[component.name.as_str()], label(&words));
        let origin = Origin::at(component.span).with(&component.version.origin);
        text.line(node, origin);
    }
    text.own("  end");
    true
}

fn of_layer(lab: &Lab, layer: Layer) -> impl Iterator<Item = &Component> {
    let components = lab.components.values();
    components.filter(move |component| component.layer == layer)
}

/// Text in a box: quoted, and everything that Mermaid or HTML could read as a character reference.
fn label(words: &str) -> String {
    let mut text = String::new();
    for letter in words.trim().chars() {
        if letter.is_alphanumeric() || " -_.:/,@+".contains(letter) {
            text.push(letter);
        } else if letter.is_control() {
            text.push(' ');
        } else {
            text.push_str(&format!("#{};", u32::from(letter)));
        }
    }
    format!("\"{text}\"")
}

/// Which component comes directly before which of its own layer.
fn edges<'a>(lab: &'a Lab, linked: &'a Linked) -> BTreeSet<(&'a str, &'a str)> {
    let mut edges = BTreeSet::new();
    let units = linked.units.iter();
    for unit in units.filter(|unit| unit.id.part != Part::Late) {
        let Some((own, component)) = lab.components.get_key_value(&unit.id.component) else {
            continue;
        };
        for used in unit.after.keys() {
            let Some((other, provider)) = lab.components.get_key_value(&used.component) else {
                continue;
            };
            if other != own && provider.layer == component.layer {
                edges.insert((other.as_str(), own.as_str()));
            }
        }
    }
    reduced(edges)
}

/// The edges without those that a way over others implies.
fn reduced<'a>(edges: BTreeSet<(&'a str, &'a str)>) -> BTreeSet<(&'a str, &'a str)> {
    let mut left = edges.clone();
    for edge in edges {
        left.remove(&edge);
        if !is_way(&left, edge.0, edge.1) {
            left.insert(edge);
        }
    }
    left
}

fn is_way(edges: &BTreeSet<(&str, &str)>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for (_, next) in edges.iter().filter(|(before, _)| *before == at) {
            if *next == to {
                return true;
            }
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}
