//! Every object has one owner: no two resources with one identity, no resource that a chart makes too, no Namespace
//! beside labc's own, no kind whose definition two charts bring.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::index::{Index, Place};
use crate::link::reference::Reference;
use crate::resolve::Component;

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for places in index.twice() {
        if !is_namespace(&places[0]) {
            written_twice(index, places, diagnostics);
        }
    }
    for place in index.of_kind("", "Namespace") {
        diagnostics.push(own_namespace(index, place));
    }
    for (key, said_by) in index.said() {
        let (component, node) = said_by[0];
        if let Some(place) = index.object(key)
            && !is_namespace(&place)
        {
            diagnostics.push(made_already(index, place, component));
        }
        let other = said_by
            .iter()
            .find(|(other, _)| other.name != component.name);
        if let Some((other, again)) = other {
            let (kind, name) = (key.1, key.3);
            let message = format!(
                "`{}` and `{}` both make the {kind} `{name}`",
                component.name, other.name
            );
            diagnostics.push(
                Diagnostic::error(Code::RESOURCE_TWICE, other.span, message)
                    .label(component.span, "the first one")
                    .label(again.origin.first(), "the second says so here")
                    .label(node.origin.first(), "the first says so here")
                    .help("each object has one owner: give one of the two another name, or another namespace"),
            );
        }
    }
    definitions(index, diagnostics);
}

fn is_namespace(place: &Place<'_>) -> bool {
    let id = &place.resource.id;
    id.group.is_empty() && id.kind == "Namespace"
}

fn written_twice(index: &Index<'_>, places: &[Place<'_>], diagnostics: &mut Diagnostics) {
    let first = places[0];
    for second in &places[1..] {
        let message = format!("{} is written twice", first.resource.id);
        let (one, two) = (&first.component.name, &second.component.name);
        let note = if one == two {
            format!("both belong to `{one}`")
        } else {
            format!("one belongs to `{one}`, the other to `{two}`")
        };
        diagnostics.push(
            Diagnostic::error(Code::RESOURCE_TWICE, index.name_span(*second), message)
                .here("the second one")
                .label(index.name_span(first), "the first one")
                .note(note)
                .help("each object has one owner: remove one of the two, or rename it"),
        );
    }
}

fn own_namespace(index: &Index<'_>, place: Place<'_>) -> Diagnostic {
    let name = &place.resource.id.name;
    let message = format!(
        "`{}` writes the Namespace `{name}` itself",
        place.component.name
    );
    Diagnostic::error(Code::RESOURCE_TWICE, index.name_span(place), message)
        .note("labc writes every Namespace once, before all else")
        .help(format!(
            "remove it; what is special about it stands under `[namespaces.{name}]`: `labels`, `annotations`, `pod_security`"
        ))
}

fn made_already(index: &Index<'_>, place: Place<'_>, component: &Component) -> Diagnostic {
    let name = crate::link::read::one(place.node(), "metadata.name").unwrap_or(place.node());
    let reference = Reference {
        from: place,
        node: name,
    };
    let maker = match &component.chart {
        Some(_) => format!("the chart of `{}` makes it", component.name),
        None => format!("a controller of `{}` makes it", component.name),
    };
    let message = format!("{} has two owners", place.resource.id);
    index
        .error(Code::RESOURCE_TWICE, reference, message)
        .here("written here")
        .label(component.span, maker)
        .help("remove it, or give it another name")
}

/// Whether two components may provide one capability: that a lab has two of it is said by itself.
fn provide_one_capability(one: &Component, other: &Component) -> bool {
    let names = |component: &Component| -> Vec<String> {
        let clauses = component.module.capabilities.iter();
        clauses
            .filter_map(|clause| clause.body.data_at("name")?.as_str().map(str::to_owned))
            .collect()
    };
    let others = names(other);
    names(one).iter().any(|name| others.contains(name))
}

/// Kinds that two charts bring: the one that is applied last decides what the API server knows of them.
fn definitions(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let mut owners: BTreeMap<(&str, &str), &Component> = BTreeMap::new();
    let mut pairs: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for component in index.lab.components.values() {
        let Some(chart) = component.chart.as_ref().filter(|chart| chart.crds) else {
            continue;
        };
        for kind in component.kinds.iter().filter(|kind| kind.crd.is_none()) {
            let owner = owners.entry((&kind.group, &kind.kind)).or_insert(component);
            let same_chart = owner
                .chart
                .as_ref()
                .is_some_and(|first| first.name == chart.name);
            let is_said = !index.is_whole && provide_one_capability(owner, component);
            if owner.name != component.name && !same_chart && !is_said {
                let kinds = pairs.entry((&owner.name, &component.name)).or_default();
                kinds.push(format!("{}.{}", kind.kind, kind.group));
            }
        }
    }
    for ((first, second), kinds) in pairs {
        let components = &index.lab.components;
        let message = format!(
            "the charts of `{first}` and `{second}` both bring the definition of {}",
            kinds[0]
        );
        let mut diagnostic =
            Diagnostic::warning(Code::RESOURCE_TWICE, components[second].span, message)
                .label(components[first].span, "the first one");
        if kinds.len() > 1 {
            diagnostic = diagnostic.note(format!("and of {} more kinds", kinds.len() - 1));
        }
        diagnostics.push(
            diagnostic.help(
                "turn the definitions off in one of the two: most charts have a value for it",
            ),
        );
    }
}
