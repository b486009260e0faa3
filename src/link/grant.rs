//! ReferenceGrants: which namespaces let others refer to their objects. The Gateway API asks for one wherever a route or
//! a Gateway leads into another namespace.

use std::collections::BTreeMap;

use super::index::{Index, Place};
use super::read;
use super::reference::Reference;
use crate::diag::{Code, Diagnostics};

/// The grants of a lab by the namespace that gives them.
pub(super) struct Grants<'a>(BTreeMap<&'a str, Vec<Place<'a>>>);

impl<'a> Grants<'a> {
    pub(super) fn of(index: &Index<'a>) -> Self {
        let mut grants: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
        for place in index.of_kind("gateway.networking.k8s.io", "ReferenceGrant") {
            grants.entry(place.namespace()).or_default().push(place);
        }
        Grants(grants)
    }

    /// Checks that a reference into another namespace is allowed there: `to` is group, kind, namespace and name.
    pub(super) fn check(
        &self,
        index: &Index<'a>,
        reference: Reference<'a>,
        to: (&str, &str, &str, &str),
        diagnostics: &mut Diagnostics,
    ) {
        let (group, kind, namespace, name) = to;
        let from = reference.from;
        let is_own = namespace == from.namespace();
        if is_own || !index.namespaces.contains(namespace) || !index.is_whole {
            return;
        }
        let granted = self.0.get(namespace).into_iter().flatten();
        let allows = |grant: &&Place<'_>| {
            let node = grant.node();
            let from_fits = read::every(node, "spec.from.*").into_iter().any(|entry| {
                read::text(entry, "group").unwrap_or_default() == from.resource.id.group
                    && read::text(entry, "kind") == Some(&from.resource.id.kind)
                    && read::text(entry, "namespace") == Some(from.namespace())
            });
            let to_fits = read::every(node, "spec.to.*").into_iter().any(|entry| {
                read::text(entry, "group").unwrap_or_default() == group
                    && read::text(entry, "kind") == Some(kind)
                    && read::text(entry, "name").is_none_or(|only| only == name)
            });
            from_fits && to_fits
        };
        if granted.into_iter().any(|grant| allows(&grant)) {
            return;
        }
        let (own, by) = (from.namespace(), &from.resource.id.kind);
        let blind = index.blind(
            "gateway.networking.k8s.io",
            "ReferenceGrant",
            Some(namespace),
        );
        diagnostics.push(match blind {
            Some(component) => {
                let message = format!("whether namespace `{namespace}` lets a {by} of namespace `{own}` refer to its {kind} `{name}` cannot be seen");
                let unseen = super::reference::Unseen::Chart(component);
                index.note(reference, message).note(super::reference::why(unseen, "ReferenceGrant"))
            }
            None => {
                let message = format!("namespace `{namespace}` lets no {by} of namespace `{own}` refer to its {kind} `{name}`");
                let help = format!("add a ReferenceGrant in namespace `{namespace}`, or move one of the two");
                index.error(Code::DANGLING_REFERENCE, reference, message).help(help)
            }
        });
    }
}
