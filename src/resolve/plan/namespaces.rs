//! `[namespaces]` and `[defaults]`: what a lab says about what follows from its components.

use std::collections::BTreeMap;

use super::labels::check_label_key;
use super::read::{choice, entries, invalid};
use crate::diag::Diagnostics;
use crate::parse::domain::check_label;
use crate::parse::table::{Decode, Table, join, parse_string};
use crate::resolve::lab::{NamespaceRules, PodSecurity};
use crate::source::{Span, Spanned};
use crate::value::Node;

/// The rules of each namespace that has some.
pub(super) fn read(
    node: Option<&Node>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, NamespaceRules> {
    entries(node, "namespaces", diagnostics)
        .into_iter()
        .filter_map(|(name, span, node)| {
            let span = span.or_else(|| node.origin.first())?;
            if let Err(why) = check_label(name) {
                let message = format!("a namespace cannot be called `{name}`");
                diagnostics.push(invalid(span, message, why));
            }
            Some((name.to_owned(), rules(name, span, node, diagnostics)))
        })
        .collect()
}

fn rules(name: &str, span: Span, node: &Node, diagnostics: &mut Diagnostics) -> NamespaceRules {
    let mut table = Table::new(node, join("namespaces", name), diagnostics);
    let rules = NamespaceRules {
        pod_security: table.optional("pod_security", diagnostics),
        labels: keyed(&mut table, "labels", diagnostics),
        annotations: keyed(&mut table, "annotations", diagnostics),
        keep: table.optional("keep", diagnostics).unwrap_or(true),
        span,
    };
    table.finish(diagnostics);
    rules
}

/// Labels or annotations.
fn keyed(
    table: &mut Table<'_>,
    key: &'static str,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Spanned<String>> {
    let path = table.path_of(key);
    for (name, span, node) in entries(table.node(key), &path, diagnostics) {
        if let Err(why) = check_label_key(name) {
            let message = format!("`{name}` cannot be a key of `{path}`");
            diagnostics.push(invalid(span.or_else(|| node.origin.first()), message, why));
        }
    }
    table.or_default(key, diagnostics)
}

/// Who answers which trait; whether that offer exists is for whoever binds traits.
pub(super) fn read_defaults(
    node: Option<&Node>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Spanned<String>> {
    entries(node, "defaults", diagnostics)
        .into_iter()
        .filter_map(|(name, _, node)| {
            let offer: Spanned<OfferId> =
                Decode::decode(node, &join("defaults", name), diagnostics)?;
            Some((name.to_owned(), offer.map(|OfferId(offer)| offer)))
        })
        .collect()
}

impl Decode for PodSecurity {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let levels = [
            PodSecurity::Privileged,
            PodSecurity::Baseline,
            PodSecurity::Restricted,
        ];
        choice(
            node,
            path,
            &levels.map(|level| (level.word(), level)),
            diagnostics,
        )
    }
}

/// `component` or `component.offer`.
struct OfferId(String);

impl Decode for OfferId {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, |text| {
            let (component, offer) = text.split_once('.').unwrap_or((text, "x"));
            if check_label(component).is_ok() && check_label(offer).is_ok() {
                return Ok(OfferId(text.to_owned()));
            }
            Err("an offer is a component, or one offer of it: `ceph-csi.rbd`".to_owned())
        })
    }
}
