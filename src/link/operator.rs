//! Custom resources whose controllers make objects that nobody declares: a database makes its own Service and Secret.
//!
//! What is listed makes nothing that others refer to by name. About all other kinds labc knows nothing.

use super::index::Place;
use crate::render::Made;
use crate::render::kinds::is_builtin;

/// Groups whose kinds all make nothing.
const INERT_GROUPS: [&str; 14] = [
    "acme.cert-manager.io",
    "argoproj.io",
    "cert-manager.io",
    "cilium.io",
    "externaldns.k8s.io",
    "gateway.networking.k8s.io",
    "helm.toolkit.fluxcd.io",
    "kustomize.toolkit.fluxcd.io",
    "longhorn.io",
    "metallb.io",
    "snapshot.storage.k8s.io",
    "source.toolkit.fluxcd.io",
    "traefik.containo.us",
    "traefik.io",
];

/// Kinds that make nothing, in groups of which others do.
const INERT_KINDS: [(&str, &[&str]); 4] = [
    (
        "external-secrets.io",
        &[
            "ClusterExternalSecret",
            "ClusterSecretStore",
            "ExternalSecret",
            "SecretStore",
        ],
    ),
    (
        "gateway.envoyproxy.io",
        &[
            "BackendTrafficPolicy",
            "ClientTrafficPolicy",
            "EnvoyExtensionPolicy",
            "SecurityPolicy",
        ],
    ),
    (
        "monitoring.coreos.com",
        &[
            "AlertmanagerConfig",
            "PodMonitor",
            "Probe",
            "PrometheusRule",
            "ScrapeConfig",
            "ServiceMonitor",
        ],
    ),
    (
        "operator.victoriametrics.com",
        &[
            "VMAlertmanagerConfig",
            "VMNodeScrape",
            "VMPodScrape",
            "VMProbe",
            "VMRule",
            "VMScrapeConfig",
            "VMServiceScrape",
            "VMStaticScrape",
            "VMUser",
        ],
    ),
];

/// Whether the controller of an object may make others. Answers to traits come from modules, which say what they make.
pub(super) fn may_make_objects(place: &Place<'_>) -> bool {
    let id = &place.resource.id;
    let is_inert = INERT_GROUPS.contains(&id.group.as_str())
        || INERT_KINDS
            .iter()
            .any(|(group, kinds)| *group == id.group && kinds.contains(&id.kind.as_str()));
    !is_builtin(&id.group) && !is_inert && place.resource.made == Made::Manifest
}

/// Whether a controller may give an object of its custom resource `owner` this name: `pg` has `pg-rw`, `main` has
/// `vmsingle-main`.
pub(super) fn may_be_named(owner: &str, name: &str) -> bool {
    let rest = |rest: Option<&str>, dash: fn(&str) -> bool| rest.is_some_and(dash);
    rest(name.strip_prefix(owner), |rest| {
        rest.is_empty() || rest.starts_with('-')
    }) || rest(name.strip_suffix(owner), |rest| rest.ends_with('-'))
}
