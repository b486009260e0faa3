//! Services behind Ingresses, routes, aggregated APIs and webhooks, with their ports.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::grant::Grants;
use crate::link::index::{Index, Place};
use crate::link::reference::{Found, Reference, Wanted};
use crate::link::{read, service};
use crate::value::Node;

/// Kinds whose backends are maps with `name`, and perhaps `namespace` and `port`: group, kind, path.
const BACKENDS: [(&str, &str, &str); 13] = [
    (
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
        "webhooks.*.clientConfig.service",
    ),
    (
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
        "webhooks.*.clientConfig.service",
    ),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "spec.conversion.webhook.clientConfig.service",
    ),
    ("apiregistration.k8s.io", "APIService", "spec.service"),
    ("traefik.io", "IngressRoute", "spec.routes.*.services.*"),
    ("traefik.io", "IngressRouteTCP", "spec.routes.*.services.*"),
    ("traefik.io", "IngressRouteUDP", "spec.routes.*.services.*"),
    ("traefik.io", "Middleware", "spec.errors.service"),
    ("traefik.io", "TraefikService", "spec.mirroring"),
    ("traefik.io", "TraefikService", "spec.mirroring.mirrors.*"),
    ("traefik.io", "TraefikService", "spec.weighted.services.*"),
    (
        "networking.k8s.io",
        "Ingress",
        "spec.defaultBackend.service",
    ),
    (
        "networking.k8s.io",
        "Ingress",
        "spec.rules.*.http.paths.*.backend.service",
    ),
];

/// The routes of the Gateway API.
pub(super) const ROUTES: [&str; 5] = ["GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute", "UDPRoute"];

/// Where a route names what it leads to.
const ROUTE_BACKENDS: [&str; 3] = [
    "spec.rules.*.backendRefs.*",
    "spec.rules.*.backendRefs.*.filters.*.requestMirror.backendRef",
    "spec.rules.*.filters.*.requestMirror.backendRef",
];

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for (group, kind, path) in BACKENDS {
        for place in index.of_kind(group, kind) {
            for node in read::every(place.node(), path) {
                backend(index, place, node, diagnostics);
            }
        }
    }
    let grants = Grants::of(index);
    for kind in ROUTES {
        for place in index.of_kind("gateway.networking.k8s.io", kind) {
            for path in ROUTE_BACKENDS {
                for node in read::every(place.node(), path) {
                    route(index, &grants, place, node, diagnostics);
                }
            }
        }
    }
    for place in index.of_kind("apps", "StatefulSet") {
        governing(index, place, diagnostics);
    }
}

/// The Service that gives a StatefulSet's pods their names. They run without it, so it is no error.
fn governing<'a>(index: &Index<'a>, from: Place<'a>, diagnostics: &mut Diagnostics) {
    let node = read::one(from.node(), "spec.serviceName");
    let Some((node, name)) = node.and_then(|node| Some((node, node.as_str()?))) else {
        return;
    };
    let wanted = Wanted {
        group: "",
        kind: "Service",
        namespace: Some(from.namespace()),
        name,
    };
    if matches!(index.find(wanted), Found::Nowhere) && !name.is_empty() {
        let message = format!("there is no Service `{name}` to name the pods of this StatefulSet");
        diagnostics.push(
            Diagnostic::warning(Code::UNKNOWN_SERVICE, index.span(from, node), message)
                .here(format!("in {}", from.resource.id))
                .note("they run, but nobody finds one of them by its name"),
        );
    }
}

fn backend<'a>(index: &Index<'a>, from: Place<'a>, node: &'a Node, diagnostics: &mut Diagnostics) {
    let Some(name) = node.get("name") else {
        return;
    };
    let namespace = read::text(node, "namespace").unwrap_or(from.namespace());
    let reference = Reference { from, node: name };
    match read::text(node, "kind") {
        None | Some("Service") => {
            let port = node.get("port").map(|port| {
                // An Ingress has a map where all others have the number or the name.
                let inner = port.get("number").or_else(|| port.get("name"));
                inner.unwrap_or(port)
            });
            service::check(index, reference, namespace, port, diagnostics);
        }
        Some(kind) => {
            // `name@provider` is an object of Traefik's own.
            let own = name.as_str().filter(|name| !name.contains('@'));
            if let Some(name) = own {
                let wanted = Wanted {
                    group: &from.resource.id.group,
                    kind,
                    namespace: Some(namespace),
                    name,
                };
                index.follow(reference, wanted, Code::DANGLING_REFERENCE, diagnostics);
            }
        }
    }
}

fn route<'a>(
    index: &Index<'a>,
    grants: &Grants<'a>,
    from: Place<'a>,
    node: &'a Node,
    diagnostics: &mut Diagnostics,
) {
    let Some((name, text)) = node
        .get("name")
        .and_then(|name| Some((name, name.as_str()?)))
    else {
        return;
    };
    let own = node.get("namespace");
    let namespace = own.and_then(Node::as_str).unwrap_or(from.namespace());
    let group = read::text(node, "group").unwrap_or_default();
    let kind = read::text(node, "kind").unwrap_or("Service");
    let reference = Reference { from, node: name };
    if (group, kind) == ("", "Service") {
        service::check(index, reference, namespace, node.get("port"), diagnostics);
    } else {
        let wanted = Wanted {
            group,
            kind,
            namespace: Some(namespace),
            name: text,
        };
        index.follow(reference, wanted, Code::DANGLING_REFERENCE, diagnostics);
    }
    if let Some(node) = own {
        let reference = Reference { from, node };
        grants.check(
            index,
            reference,
            (group, kind, namespace, text),
            diagnostics,
        );
    }
}
