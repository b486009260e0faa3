//! ReferenceGrants that nothing asks for: of a kind of reference that no grant is about, or that nobody makes.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::index::{Index, Place};
use crate::link::read;
use crate::value::Node;

const GROUP: &str = "gateway.networking.k8s.io";

/// Where objects of the Gateway API name others, perhaps of another namespace.
const REFERENCES: [&str; 7] = [
    "spec.listeners.*.tls.certificateRefs.*",
    "spec.listeners.*.tls.frontendValidation.caCertificateRefs.*",
    "spec.rules.*.backendRefs.*",
    "spec.rules.*.backendRefs.*.filters.*.requestMirror.backendRef",
    "spec.rules.*.filters.*.requestMirror.backendRef",
    "spec.tls.backend.clientCertificateRef",
    "spec.tls.frontend.default.validation.caCertificateRefs.*",
];

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for grant in index.of_kind(GROUP, "ReferenceGrant") {
        let targets = read::every(grant.node(), "spec.to.*");
        if let Some(to) = targets.iter().find(|to| is_gateway(to)) {
            attaches(index, grant, to, diagnostics);
            continue;
        }
        for from in read::every(grant.node(), "spec.from.*") {
            unused(index, grant, from, diagnostics);
        }
    }
}

fn is_gateway(to: &Node) -> bool {
    read::text(to, "group") == Some(GROUP) && read::text(to, "kind") == Some("Gateway")
}

/// A grant to refer to Gateways: which routes attach is a Gateway's own to say.
fn attaches(index: &Index<'_>, grant: Place<'_>, to: &Node, diagnostics: &mut Diagnostics) {
    let node = to.get("kind").unwrap_or(to);
    let message = "no ReferenceGrant is needed for a route and its Gateway, and none has an effect";
    diagnostics.push(
        Diagnostic::warning(Code::GRANTS_NOTHING, index.span(grant, node), message)
            .here(format!("in {}", grant.resource.id))
            .note("a Gateway says itself which namespaces' routes it takes, under `allowedRoutes` of each listener")
            .help("remove the grant, and let the listener say `allowedRoutes.namespaces.from: All` or `Selector`"),
    );
}

/// A grant for objects of a namespace none of which refers into the grant's own, where all of them can be seen.
fn unused(index: &Index<'_>, grant: Place<'_>, from: &Node, diagnostics: &mut Diagnostics) {
    let (Some(GROUP), Some(kind), Some(namespace)) = (
        read::text(from, "group"),
        read::text(from, "kind"),
        read::text(from, "namespace"),
    ) else {
        return;
    };
    let is_hidden = !index.charts(namespace).is_empty() || index.any_operated(namespace).is_some();
    if !index.is_whole || is_hidden {
        return;
    }
    let mut objects = index.of_kind(GROUP, kind);
    let crosses = |place: Place<'_>| {
        let references = REFERENCES
            .iter()
            .flat_map(|path| read::every(place.node(), path));
        place.namespace() == namespace
            && references
                .into_iter()
                .any(|to| read::text(to, "namespace") == Some(grant.namespace()))
    };
    if objects.any(crosses) {
        return;
    }
    let node = from.get("namespace").unwrap_or(from);
    let own = grant.namespace();
    let message = format!("no {kind} of namespace `{namespace}` refers into namespace `{own}`");
    diagnostics.push(
        Diagnostic::warning(Code::GRANTS_NOTHING, index.span(grant, node), message)
            .here(format!("in {}", grant.resource.id))
            .help("remove this part of the grant, or correct the reference that it is for"),
    );
}
