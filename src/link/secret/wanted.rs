//! Where objects refer to Secrets: pods by many paths, other kinds by those of a table.

use super::{SecretReference, secret_namespace};
use crate::link::index::{Index, Place};
use crate::link::pod::Pod;
use crate::link::read;
use crate::value::Node;

/// Whether a reference says that it can do without.
pub(in crate::link) fn is_optional(node: &Node) -> bool {
    read::is_true(node, "optional")
}

/// Everything in a pod that refers to a Secret.
pub(super) fn in_pod<'a>(pod: &Pod<'a>, references: &mut Vec<SecretReference<'a>>) {
    let mut add = |holder: &'a Node, name: &str, key: Option<&'a Node>| {
        if let Some(name) = holder.get(name).filter(|_| !is_optional(holder)) {
            references.push(SecretReference {
                from: pod.place,
                namespace: pod.place.namespace(),
                name,
                key,
                is_certificate: false,
            });
        }
    };
    for container in pod.containers() {
        for holder in read::every(container, "env.*.valueFrom.secretKeyRef") {
            add(holder, "name", holder.get("key"));
        }
        for holder in read::every(container, "envFrom.*.secretRef") {
            add(holder, "name", None);
        }
    }
    let whole = [
        ("volumes.*.secret", "secretName"),
        ("volumes.*.projected.sources.*.secret", "name"),
    ];
    for (path, name) in whole {
        for holder in read::every(pod.spec, path) {
            let keys = read::every(holder, "items.*.key");
            if keys.is_empty() {
                add(holder, name, None);
            }
            keys.into_iter()
                .for_each(|key| add(holder, name, Some(key)));
        }
    }
    for path in ["imagePullSecrets.*", "volumes.*.csi.nodePublishSecretRef"] {
        for holder in read::every(pod.spec, path) {
            add(holder, "name", None);
        }
    }
}

/// How an object names a Secret.
#[derive(Clone, Copy)]
enum Style {
    /// The path leads to the name.
    Name,
    /// The path leads to the name of a certificate.
    Certificate,
    /// The path leads to a map with `name`, and perhaps `key` and `namespace`.
    Map,
}

/// Where objects name Secrets: group, kind, path.
const PATHS: &[(&str, &str, &str, Style)] = &[
    ("", "ServiceAccount", "imagePullSecrets.*", Style::Map),
    (
        "networking.k8s.io",
        "Ingress",
        "spec.tls.*.secretName",
        Style::Certificate,
    ),
    (
        "traefik.io",
        "IngressRoute",
        "spec.tls.secretName",
        Style::Certificate,
    ),
    (
        "traefik.io",
        "IngressRouteTCP",
        "spec.tls.secretName",
        Style::Certificate,
    ),
    (
        "traefik.io",
        "TLSStore",
        "spec.defaultCertificate.secretName",
        Style::Certificate,
    ),
    (
        "traefik.io",
        "TLSStore",
        "spec.certificates.*.secretName",
        Style::Certificate,
    ),
    (
        "traefik.io",
        "TLSOption",
        "spec.clientAuth.secretNames.*",
        Style::Certificate,
    ),
    (
        "traefik.io",
        "Middleware",
        "spec.basicAuth.secret",
        Style::Name,
    ),
    (
        "traefik.io",
        "Middleware",
        "spec.digestAuth.secret",
        Style::Name,
    ),
    (
        "traefik.io",
        "Middleware",
        "spec.forwardAuth.tls.caSecret",
        Style::Certificate,
    ),
    (
        "traefik.io",
        "Middleware",
        "spec.forwardAuth.tls.certSecret",
        Style::Certificate,
    ),
    (
        "traefik.io",
        "ServersTransport",
        "spec.rootCAsSecrets.*",
        Style::Certificate,
    ),
    (
        "traefik.io",
        "ServersTransport",
        "spec.certificatesSecrets.*",
        Style::Certificate,
    ),
    (
        "cert-manager.io",
        "ClusterIssuer",
        "spec.ca.secretName",
        Style::Certificate,
    ),
    (
        "cert-manager.io",
        "Issuer",
        "spec.ca.secretName",
        Style::Certificate,
    ),
    ("metallb.io", "BGPPeer", "spec.passwordSecret", Style::Map),
    (
        "volsync.backube",
        "ReplicationSource",
        "spec.restic.repository",
        Style::Name,
    ),
    (
        "volsync.backube",
        "ReplicationDestination",
        "spec.restic.repository",
        Style::Name,
    ),
    (
        "monitoring.coreos.com",
        "ServiceMonitor",
        "spec.endpoints.*.bearerTokenSecret",
        Style::Map,
    ),
    (
        "monitoring.coreos.com",
        "ServiceMonitor",
        "spec.endpoints.*.authorization.credentials",
        Style::Map,
    ),
    (
        "monitoring.coreos.com",
        "ServiceMonitor",
        "spec.endpoints.*.basicAuth.username",
        Style::Map,
    ),
    (
        "monitoring.coreos.com",
        "ServiceMonitor",
        "spec.endpoints.*.basicAuth.password",
        Style::Map,
    ),
    (
        "operator.victoriametrics.com",
        "VMServiceScrape",
        "spec.endpoints.*.bearerTokenSecret",
        Style::Map,
    ),
    (
        "operator.victoriametrics.com",
        "VMServiceScrape",
        "spec.endpoints.*.authorization.credentials",
        Style::Map,
    ),
    (
        "operator.victoriametrics.com",
        "VMServiceScrape",
        "spec.endpoints.*.basicAuth.username",
        Style::Map,
    ),
    (
        "operator.victoriametrics.com",
        "VMServiceScrape",
        "spec.endpoints.*.basicAuth.password",
        Style::Map,
    ),
    (
        "operator.victoriametrics.com",
        "VMAlertmanager",
        "spec.configSecret",
        Style::Name,
    ),
    (
        "operator.victoriametrics.com",
        "VMUser",
        "spec.passwordRef",
        Style::Map,
    ),
];

/// Kinds in which every `...SecretRef` with a name is a reference.
const NESTED: [(&str, &str); 4] = [
    ("cert-manager.io", "ClusterIssuer"),
    ("cert-manager.io", "Issuer"),
    ("external-secrets.io", "ClusterSecretStore"),
    ("external-secrets.io", "SecretStore"),
];

/// Everything in other objects that refers to a Secret.
pub(super) fn in_objects<'a>(index: &Index<'a>, references: &mut Vec<SecretReference<'a>>) {
    for (group, kind, path, style) in PATHS {
        for place in index.of_kind(group, kind) {
            let namespace = secret_namespace(index, place);
            for node in read::every(place.node(), path) {
                references.extend(reference(place, namespace, node, *style));
            }
        }
    }
    for place in index.of_kind("gateway.networking.k8s.io", "Gateway") {
        for node in read::every(place.node(), "spec.listeners.*.tls.certificateRefs.*") {
            let is_secret = read::text(node, "kind").is_none_or(|kind| kind == "Secret");
            let found = reference(place, place.namespace(), node, Style::Map);
            references.extend(found.filter(|_| is_secret).map(|found| SecretReference {
                is_certificate: true,
                ..found
            }));
        }
    }
    for (group, kind) in NESTED {
        for place in index.of_kind(group, kind) {
            let namespace = secret_namespace(index, place);
            nested(place, namespace, place.node(), references);
        }
    }
    let classes = index.of_kind("storage.k8s.io", "StorageClass");
    for place in classes.chain(index.of_kind("snapshot.storage.k8s.io", "VolumeSnapshotClass")) {
        in_parameters(place, references);
    }
}

fn reference<'a>(
    from: Place<'a>,
    namespace: &'a str,
    node: &'a Node,
    style: Style,
) -> Option<SecretReference<'a>> {
    let (name, key, own) = match style {
        Style::Name | Style::Certificate => (node, None, None),
        Style::Map => (
            node.get("name")?,
            node.get("key"),
            read::text(node, "namespace"),
        ),
    };
    Some(SecretReference {
        from,
        namespace: own.unwrap_or(namespace),
        name,
        key,
        is_certificate: matches!(style, Style::Certificate),
    })
}

/// Finds `...SecretRef: { name, key }`; what an issuer makes itself is `privateKeySecretRef`.
fn nested<'a>(
    from: Place<'a>,
    namespace: &'a str,
    node: &'a Node,
    references: &mut Vec<SecretReference<'a>>,
) {
    for (key, entry) in node.as_map().into_iter().flatten() {
        let is_reference = key.ends_with("SecretRef") || key == "secretRef";
        if is_reference && key != "privateKeySecretRef" && entry.node.get("name").is_some() {
            references.extend(reference(from, namespace, &entry.node, Style::Map));
        } else {
            nested(from, namespace, &entry.node, references);
        }
    }
    for item in node.as_list().into_iter().flatten() {
        nested(from, namespace, item, references);
    }
}

/// The Secrets that a storage driver is given by its class: `csi.storage.k8s.io/provisioner-secret-name`, and
/// `...-secret-namespace` beside it.
fn in_parameters<'a>(place: Place<'a>, references: &mut Vec<SecretReference<'a>>) {
    let Some(parameters) = read::map(place.node(), "parameters") else {
        return;
    };
    for (key, entry) in parameters {
        let Some(stem) = key.strip_suffix("-secret-name") else {
            continue;
        };
        let namespace = read::label(parameters, &format!("{stem}-secret-namespace"));
        let is_fixed = |text: &str| !text.contains("${");
        let name = entry.node.as_str();
        if let (Some(namespace), Some(name)) = (namespace, name)
            && is_fixed(namespace)
            && is_fixed(name)
        {
            references.push(SecretReference {
                from: place,
                namespace,
                name: &entry.node,
                key: None,
                is_certificate: false,
            });
        }
    }
}
