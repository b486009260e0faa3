//! Issuers that certificates name, and those that annotations of Ingresses and Gateways name.

use crate::diag::{Code, Diagnostics};
use crate::link::index::{Index, Place};
use crate::link::read;
use crate::link::reference::{Reference, Wanted};
use crate::value::Node;

const GROUP: &str = "cert-manager.io";

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for kind in ["Certificate", "CertificateRequest"] {
        for from in index.of_kind(GROUP, kind) {
            let Some(issuer) = read::one(from.node(), "spec.issuerRef") else {
                continue;
            };
            let kind = read::text(issuer, "kind").unwrap_or("Issuer");
            let group = read::text(issuer, "group").unwrap_or(GROUP);
            if let Some(node) = issuer.get("name") {
                issued(index, from, node, (group, kind), diagnostics);
            }
        }
    }
    let ingresses = index.of_kind("networking.k8s.io", "Ingress");
    let gateways = index.of_kind("gateway.networking.k8s.io", "Gateway");
    for from in ingresses.chain(gateways) {
        let said = |key| read::annotation(from.node(), key);
        if let Some(node) = said("cert-manager.io/cluster-issuer") {
            issued(index, from, node, (GROUP, "ClusterIssuer"), diagnostics);
        }
        if let Some(node) = said("cert-manager.io/issuer") {
            let kind = said("cert-manager.io/issuer-kind").and_then(Node::as_str);
            let group = said("cert-manager.io/issuer-group").and_then(Node::as_str);
            let to = (group.unwrap_or(GROUP), kind.unwrap_or("Issuer"));
            issued(index, from, node, to, diagnostics);
        }
    }
}

fn issued<'a>(
    index: &Index<'a>,
    from: Place<'a>,
    node: &'a Node,
    (group, kind): (&str, &str),
    diagnostics: &mut Diagnostics,
) {
    let Some(name) = node.as_str() else { return };
    let namespace = Some(from.namespace()).filter(|_| index.is_namespaced(group, kind));
    let wanted = Wanted {
        group,
        kind,
        namespace,
        name,
    };
    index.follow(
        Reference { from, node },
        wanted,
        Code::DANGLING_REFERENCE,
        diagnostics,
    );
}
