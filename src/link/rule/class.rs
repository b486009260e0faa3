//! References by name that need no more than the object to be there: classes, priorities, pools, middlewares.

use crate::diag::{Code, Diagnostics};
use crate::link::index::{Index, Place, group_and_kind};
use crate::link::read;
use crate::link::reference::{Reference, Wanted};
use crate::value::Node;

/// Where the wanted object lies.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    Cluster,
    /// In the namespace of the one that refers.
    Same,
}

/// One kind of reference: of an object of `from` at `path`, to one of `to`.
struct Row {
    from: (&'static str, &'static str),
    path: &'static str,
    to: (&'static str, &'static str),
    scope: Scope,
}

const fn row(
    from: (&'static str, &'static str),
    path: &'static str,
    to: (&'static str, &'static str),
    scope: Scope,
) -> Row {
    Row {
        from,
        path,
        to,
        scope,
    }
}

/// References whose value is a name.
const NAMES: &[Row] = &[
    row(
        ("networking.k8s.io", "Ingress"),
        "spec.ingressClassName",
        ("networking.k8s.io", "IngressClass"),
        Scope::Cluster,
    ),
    row(
        ("gateway.networking.k8s.io", "Gateway"),
        "spec.gatewayClassName",
        ("gateway.networking.k8s.io", "GatewayClass"),
        Scope::Cluster,
    ),
    row(
        ("snapshot.storage.k8s.io", "VolumeSnapshot"),
        "spec.volumeSnapshotClassName",
        ("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
        Scope::Cluster,
    ),
    row(
        ("snapshot.storage.k8s.io", "VolumeSnapshot"),
        "spec.source.persistentVolumeClaimName",
        ("", "PersistentVolumeClaim"),
        Scope::Same,
    ),
    row(
        ("volsync.backube", "ReplicationSource"),
        "spec.sourcePVC",
        ("", "PersistentVolumeClaim"),
        Scope::Same,
    ),
    row(
        ("metallb.io", "L2Advertisement"),
        "spec.ipAddressPools.*",
        ("metallb.io", "IPAddressPool"),
        Scope::Same,
    ),
    row(
        ("metallb.io", "BGPAdvertisement"),
        "spec.ipAddressPools.*",
        ("metallb.io", "IPAddressPool"),
        Scope::Same,
    ),
    row(
        ("metallb.io", "BGPAdvertisement"),
        "spec.peers.*",
        ("metallb.io", "BGPPeer"),
        Scope::Same,
    ),
    row(
        ("metallb.io", "BGPPeer"),
        "spec.bfdProfile",
        ("metallb.io", "BFDProfile"),
        Scope::Same,
    ),
    row(
        ("traefik.io", "IngressRoute"),
        "spec.routes.*.services.*.serversTransport",
        ("traefik.io", "ServersTransport"),
        Scope::Same,
    ),
];

/// References whose value is a map with `name`, and perhaps `namespace`, to one kind.
const MAPS: &[Row] = &[
    row(
        ("traefik.io", "IngressRoute"),
        "spec.routes.*.middlewares.*",
        ("traefik.io", "Middleware"),
        Scope::Same,
    ),
    row(
        ("traefik.io", "IngressRoute"),
        "spec.tls.options",
        ("traefik.io", "TLSOption"),
        Scope::Same,
    ),
    row(
        ("traefik.io", "IngressRouteTCP"),
        "spec.routes.*.middlewares.*",
        ("traefik.io", "MiddlewareTCP"),
        Scope::Same,
    ),
    row(
        ("traefik.io", "Middleware"),
        "spec.chain.middlewares.*",
        ("traefik.io", "Middleware"),
        Scope::Same,
    ),
];

/// References whose value is a map that also says the kind: group and kind of the one that refers, the path, and the
/// kind that is meant where none is said.
const OBJECTS: &[(&str, &str, &str, &str)] = &[
    ("", "PersistentVolumeClaim", "spec.dataSource", ""),
    ("", "PersistentVolumeClaim", "spec.dataSourceRef", ""),
    (
        "external-secrets.io",
        "ExternalSecret",
        "spec.secretStoreRef",
        "external-secrets.io/SecretStore",
    ),
    (
        "external-secrets.io",
        "ClusterExternalSecret",
        "spec.externalSecretSpec.secretStoreRef",
        "external-secrets.io/ClusterSecretStore",
    ),
    (
        "gateway.networking.k8s.io",
        "BackendTLSPolicy",
        "spec.targetRefs.*",
        "",
    ),
    (
        "gateway.networking.k8s.io",
        "Gateway",
        "spec.infrastructure.parametersRef",
        "",
    ),
    (
        "gateway.networking.k8s.io",
        "GatewayClass",
        "spec.parametersRef",
        "",
    ),
    (
        "gateway.envoyproxy.io",
        "BackendTrafficPolicy",
        "spec.targetRefs.*",
        "",
    ),
    (
        "gateway.envoyproxy.io",
        "ClientTrafficPolicy",
        "spec.targetRefs.*",
        "",
    ),
    (
        "gateway.envoyproxy.io",
        "SecurityPolicy",
        "spec.targetRefs.*",
        "",
    ),
    (
        "gateway.envoyproxy.io",
        "EnvoyExtensionPolicy",
        "spec.targetRefs.*",
        "",
    ),
];

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for (rows, is_map) in [(NAMES, false), (MAPS, true)] {
        for row in rows {
            for from in index.of_kind(row.from.0, row.from.1) {
                for node in read::every(from.node(), row.path) {
                    named(index, row, from, node, is_map, diagnostics);
                }
            }
        }
    }
    for (group, kind, path, default) in OBJECTS {
        for from in index.of_kind(group, kind) {
            for node in read::every(from.node(), path) {
                object(index, from, node, default, diagnostics);
            }
        }
    }
    for pod in index.pods.iter() {
        let classes = [
            ("priorityClassName", "scheduling.k8s.io", "PriorityClass"),
            ("runtimeClassName", "node.k8s.io", "RuntimeClass"),
        ];
        for (path, group, kind) in classes {
            let node = read::one(pod.spec, path);
            if let Some((node, name)) = node.and_then(|node| Some((node, node.as_str()?))) {
                let wanted = Wanted {
                    group,
                    kind,
                    namespace: None,
                    name,
                };
                let reference = Reference {
                    from: pod.place,
                    node,
                };
                index.follow(reference, wanted, Code::DANGLING_REFERENCE, diagnostics);
            }
        }
    }
}

fn named<'a>(
    index: &Index<'a>,
    row: &Row,
    from: Place<'a>,
    node: &'a Node,
    is_map: bool,
    diagnostics: &mut Diagnostics,
) {
    let name = if is_map { node.get("name") } else { Some(node) };
    // `name@provider` is an object of Traefik's own.
    let text = name
        .and_then(Node::as_str)
        .filter(|name| !name.is_empty() && !name.contains('@'));
    let (Some(node_of_name), Some(text)) = (name, text) else {
        return;
    };
    let own = read::text(node, "namespace").unwrap_or(from.namespace());
    let wanted = Wanted {
        group: row.to.0,
        kind: row.to.1,
        namespace: (row.scope == Scope::Same).then_some(own),
        name: text,
    };
    let reference = Reference {
        from,
        node: node_of_name,
    };
    index.follow(reference, wanted, Code::DANGLING_REFERENCE, diagnostics);
}

/// Follows `{ group, kind, name, namespace }`.
fn object<'a>(
    index: &Index<'a>,
    from: Place<'a>,
    node: &'a Node,
    default: &str,
    diagnostics: &mut Diagnostics,
) {
    let Some((name, text)) = node
        .get("name")
        .and_then(|name| Some((name, name.as_str()?)))
    else {
        return;
    };
    let (default_group, default_kind) = group_and_kind(default);
    let kind = read::text(node, "kind").unwrap_or(default_kind);
    let group = read::text(node, "apiGroup").or_else(|| read::text(node, "group"));
    let group = group.unwrap_or(default_group);
    // A snapshot is made while the cluster runs.
    if kind.is_empty() || kind == "VolumeSnapshot" {
        return;
    }
    let own = read::text(node, "namespace").unwrap_or(from.namespace());
    let wanted = Wanted {
        group,
        kind,
        namespace: Some(own).filter(|_| index.is_namespaced(group, kind)),
        name: text,
    };
    let reference = Reference { from, node: name };
    index.follow(reference, wanted, Code::DANGLING_REFERENCE, diagnostics);
}
