//! What runs in a lab, in which order it comes up, and where people find it.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::markdown::{code, codes, head, plain, row};
use crate::link::{Linked, Part, Unit};
use crate::lower::Text;
use crate::lower::argocd::wave::{Waves, waves};
use crate::lower::flux;
use crate::parse::lab::Layer;
use crate::resolve::component::Answer;
use crate::resolve::lab::Engine;
use crate::resolve::{Component, Lab};
use crate::source::Origin;
use crate::value::{Node, Value};

/// Adds the table of components.
pub(super) fn list(lab: &Lab, linked: &Linked, text: &mut Text) {
    text.own("\n## Components\n");
    head(
        &["component", "version", "namespace", "layer", "what"],
        text,
    );
    let mut components: Vec<&Component> = lab.components.values().collect();
    components.sort_by_key(|component| component.layer);
    let rows = components.par_iter().map(|component| {
        let version = component.version.as_str().unwrap_or_default();
        let suspended = if component.suspend {
            " (suspended)"
        } else {
            ""
        };
        let cells = [
            code(&component.name),
            code(version),
            code(component.namespace()),
            component.layer.to_string(),
            format!("{}{suspended}", what(component, linked)),
        ];
        let origin = Origin::at(component.span)
            .with(&component.version.origin)
            .with(&component.namespace.origin);
        (cells, origin)
    });
    add(rows.collect(), text);
}

/// Adds rows that were made in parallel.
fn add<const N: usize>(rows: Vec<([String; N], Origin)>, text: &mut Text) {
    for (cells, origin) in rows {
        row(cells, origin, text);
    }
}

/// What a component is: without a chart the images that it runs say it best.
fn what(component: &Component, linked: &Linked) -> String {
    let unit = linked.unit(&component.name, Part::Main);
    let images = match (&component.chart, unit) {
        (None, Some(unit)) => images(unit),
        _ => BTreeSet::new(),
    };
    if images.is_empty() {
        plain(&component.module.summary)
    } else {
        codes(images)
    }
}

/// The images of the containers of a unit.
fn images(unit: &Unit) -> BTreeSet<&str> {
    let mut images = BTreeSet::new();
    for resource in &unit.resources {
        add_images(&resource.node, &mut images);
    }
    images
}

fn add_images<'a>(node: &'a Node, images: &mut BTreeSet<&'a str>) {
    match &node.value {
        Value::Map(map) => {
            for (key, entry) in map {
                if matches!(key.as_str(), "containers" | "initContainers") {
                    let containers = entry.node.as_list().unwrap_or_default().iter();
                    images.extend(containers.filter_map(|one| one.get("image")?.as_str()));
                }
                add_images(&entry.node, images);
            }
        }
        Value::List(items) => items.iter().for_each(|item| add_images(item, images)),
        _ => {}
    }
}

/// Adds the units in their order.
pub(super) fn order(lab: &Lab, linked: &Linked, text: &mut Text) {
    text.own("\n## Order\n");
    match lab.sections.identity.engine.value {
        Engine::ArgoCd => {
            text.own(ARGOCD);
            applications(lab, linked, text);
        }
        Engine::Flux => {
            text.own(FLUX);
            kustomizations(lab, linked, text);
        }
    }
}

const ARGOCD: &str = "\
One Application a component, and a second one (`-late`) for what it can do without at first. The namespaces come before
all of them. Waves count up to 0; inside an Application what `-config` names is in wave 1, and all else in wave 0.
";

const FLUX: &str = "\
One Kustomization a row, each after those that it names and after `namespaces`. One that is suspended holds nobody back.
";

fn applications(lab: &Lab, linked: &Linked, text: &mut Text) {
    let waves = waves(&linked.units);
    head(&["unit", "Application", "wave", "after"], text);
    let rows = linked.units.par_iter().map(|unit| {
        let cells = [
            code(&unit.id.to_string()),
            code(&application(unit)),
            wave(&waves, unit).to_string(),
            after(unit),
        ];
        (cells, origin(lab, unit))
    });
    add(rows.collect(), text);
}

/// The Application that syncs a unit.
fn application(unit: &Unit) -> String {
    match unit.id.part {
        Part::Main | Part::Config => unit.id.component.clone(),
        Part::Late => unit.id.to_string(),
    }
}

fn wave(waves: &Waves, unit: &Unit) -> i64 {
    match unit.id.part {
        Part::Main | Part::Config => waves.of(&unit.id.component),
        Part::Late => 0,
    }
}

fn kustomizations(lab: &Lab, linked: &Linked, text: &mut Text) {
    head(&["unit", "after"], text);
    for unit in &linked.units {
        let names: Vec<String> = flux::order::after(lab, linked, unit)
            .keys()
            .map(ToString::to_string)
            .collect();
        let after = codes(names.iter().map(String::as_str));
        row([code(&unit.id.to_string()), after], origin(lab, unit), text);
    }
}

fn after(unit: &Unit) -> String {
    let names: Vec<String> = unit.after.keys().map(ToString::to_string).collect();
    codes(names.iter().map(String::as_str))
}

fn origin(lab: &Lab, unit: &Unit) -> Origin {
    let reasons = unit.after.values().filter_map(|reason| reason.span);
    let component = lab.components.get(&unit.id.component);
    let own = component.map(|component| component.span);
    Origin::from_spans(own.into_iter().chain(reasons))
}

/// Adds where people find things.
pub(super) fn hosts(lab: &Lab, text: &mut Text) {
    let components = lab.components.values();
    let mut shown: Vec<(&Component, &Answer)> = components
        .flat_map(|component| {
            component
                .answers
                .iter()
                .map(move |answer| (component, answer))
        })
        .filter(|(_, answer)| answer.ask.of == "expose")
        .collect();
    if shown.is_empty() {
        return;
    }
    shown.sort_by_key(|(component, answer)| (component.layer, &answer.ask));
    text.own("\n## Hosts\n");
    head(&["where", "what", "through"], text);
    let rows = shown.par_iter().map(|(component, answer)| {
        let cells = [
            place(&answer.outputs),
            code(&entry(component.layer, answer)),
            code(&answer.offer),
        ];
        let origin = answer.request.origin.with(&Origin::at(component.span));
        (cells, origin)
    });
    add(rows.collect(), text);
}

/// `infrastructure.longhorn.expose.main`: where a lab says it.
fn entry(layer: Layer, answer: &Answer) -> String {
    format!("{layer}.{}", answer.ask)
}

/// What an answer gave: a URL, or a port of every node.
fn place(outputs: &Node) -> String {
    let text = |key: &str| outputs.get(key).and_then(Node::as_str);
    let port = outputs.get("node_port").map(|port| &port.value);
    match (text("url"), port) {
        (Some(url), _) => link(url),
        (None, Some(Value::Int(port))) => format!("port {} of every node", code(&port.to_string())),
        _ => text("host").map_or("-".to_owned(), code),
    }
}

/// A URL that can be clicked, unless something in it could end the link.
fn link(url: &str) -> String {
    let fine = |letter: char| letter.is_ascii_alphanumeric() || "-._~:/?=%&@+,".contains(letter);
    if url.chars().all(fine) {
        format!("<{url}>")
    } else {
        code(url)
    }
}
