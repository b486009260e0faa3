//! Every resource lies in a namespace that the lab has.

use crate::diag::Diagnostics;
use crate::link::index::Index;
use crate::link::read;
use crate::link::reference::Reference;

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    if !index.is_whole {
        return;
    }
    for place in &index.places {
        let id = &place.resource.id;
        let Some(namespace) = index.key(id).2 else {
            continue;
        };
        if !index.namespaces.contains(namespace) {
            let node = read::one(place.node(), "metadata.namespace");
            let reference = Reference {
                from: *place,
                node: node.unwrap_or(place.node()),
            };
            diagnostics.push(index.unknown_namespace(reference, namespace));
        }
    }
}
