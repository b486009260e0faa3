//! Which kinds and versions of Kubernetes' own API each minor release serves.

/// A version of a kind, with the first and the last minor release (of Kubernetes 1) that serve it. [`NEWEST`] as the last
/// means that no end is known.
type Served = (&'static str, u8, u8);

/// The oldest minor release that the table knows.
pub const OLDEST: u8 = 25;
/// The newest minor release that the table knows.
pub const NEWEST: u8 = 37;

/// Group, kind and versions, the best first. Source: the OpenAPI documents of Kubernetes 1.25 to 1.37
/// (`api/openapi-spec/v3`).
#[rustfmt::skip]
static SERVED: &[(&str, &str, &[Served])] = &[
    ("", "Binding", &[("v1", 25, 37)]),
    ("", "ComponentStatus", &[("v1", 25, 37)]),
    ("", "ConfigMap", &[("v1", 25, 37)]),
    ("", "Endpoints", &[("v1", 25, 37)]),
    ("", "Event", &[("v1", 25, 37)]),
    ("", "LimitRange", &[("v1", 25, 37)]),
    ("", "Namespace", &[("v1", 25, 37)]),
    ("", "Node", &[("v1", 25, 37)]),
    ("", "PersistentVolume", &[("v1", 25, 37)]),
    ("", "PersistentVolumeClaim", &[("v1", 25, 37)]),
    ("", "Pod", &[("v1", 25, 37)]),
    ("", "PodTemplate", &[("v1", 25, 37)]),
    ("", "ReplicationController", &[("v1", 25, 37)]),
    ("", "ResourceQuota", &[("v1", 25, 37)]),
    ("", "Secret", &[("v1", 25, 37)]),
    ("", "Service", &[("v1", 25, 37)]),
    ("", "ServiceAccount", &[("v1", 25, 37)]),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", &[("v1", 36, 37), ("v1beta1", 34, 37), ("v1alpha1", 32, 37)]),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", &[("v1", 36, 37), ("v1beta1", 34, 37), ("v1alpha1", 32, 37)]),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", &[("v1", 25, 37)]),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", &[("v1", 30, 37), ("v1beta1", 28, 33), ("v1alpha1", 26, 31)]),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", &[("v1", 30, 37), ("v1beta1", 28, 33), ("v1alpha1", 26, 31)]),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", &[("v1", 25, 37)]),
    ("apiextensions.k8s.io", "CustomResourceDefinition", &[("v1", 25, 37)]),
    ("apiregistration.k8s.io", "APIService", &[("v1", 25, 37)]),
    ("apps", "ControllerRevision", &[("v1", 25, 37)]),
    ("apps", "DaemonSet", &[("v1", 25, 37)]),
    ("apps", "Deployment", &[("v1", 25, 37)]),
    ("apps", "ReplicaSet", &[("v1", 25, 37)]),
    ("apps", "StatefulSet", &[("v1", 25, 37)]),
    ("authentication.k8s.io", "SelfSubjectReview", &[("v1", 28, 37), ("v1beta1", 27, 32), ("v1alpha1", 26, 31)]),
    ("authentication.k8s.io", "TokenRequest", &[("v1", 25, 37)]),
    ("authentication.k8s.io", "TokenReview", &[("v1", 25, 37)]),
    ("authorization.k8s.io", "LocalSubjectAccessReview", &[("v1", 25, 37)]),
    ("authorization.k8s.io", "SelfSubjectAccessReview", &[("v1", 25, 37)]),
    ("authorization.k8s.io", "SelfSubjectRulesReview", &[("v1", 25, 37)]),
    ("authorization.k8s.io", "SubjectAccessReview", &[("v1", 25, 37)]),
    ("autoscaling", "HorizontalPodAutoscaler", &[("v2", 25, 37), ("v1", 25, 37), ("v2beta2", 25, 25)]),
    ("autoscaling", "Scale", &[("v1", 25, 37)]),
    ("batch", "CronJob", &[("v1", 25, 37)]),
    ("batch", "Job", &[("v1", 25, 37)]),
    ("certificates.k8s.io", "CertificateSigningRequest", &[("v1", 25, 37)]),
    ("certificates.k8s.io", "ClusterTrustBundle", &[("v1", 37, 37), ("v1beta1", 33, 37), ("v1alpha1", 27, 36)]),
    ("certificates.k8s.io", "PodCertificateRequest", &[("v1", 37, 37), ("v1beta1", 35, 37), ("v1alpha1", 34, 34)]),
    ("coordination.k8s.io", "Lease", &[("v1", 25, 37)]),
    ("coordination.k8s.io", "LeaseCandidate", &[("v1beta1", 33, 37), ("v1alpha2", 32, 37), ("v1alpha1", 31, 31)]),
    ("discovery.k8s.io", "EndpointSlice", &[("v1", 25, 37)]),
    ("events.k8s.io", "Event", &[("v1", 25, 37)]),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema", &[("v1", 29, 37), ("v1beta3", 26, 31), ("v1beta2", 25, 28), ("v1beta1", 25, 25)]),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", &[("v1", 29, 37), ("v1beta3", 26, 31), ("v1beta2", 25, 28), ("v1beta1", 25, 25)]),
    ("internal.apiserver.k8s.io", "StorageVersion", &[("v1alpha1", 25, 37)]),
    ("lifecycle.k8s.io", "Eviction", &[("v1alpha1", 37, 37)]),
    ("lifecycle.k8s.io", "EvictionRequest", &[("v1alpha1", 37, 37)]),
    ("networking.k8s.io", "ClusterCIDR", &[("v1alpha1", 25, 28)]),
    ("networking.k8s.io", "IPAddress", &[("v1", 33, 37), ("v1beta1", 31, 36), ("v1alpha1", 27, 30)]),
    ("networking.k8s.io", "Ingress", &[("v1", 25, 37)]),
    ("networking.k8s.io", "IngressClass", &[("v1", 25, 37)]),
    ("networking.k8s.io", "NetworkPolicy", &[("v1", 25, 37)]),
    ("networking.k8s.io", "ServiceCIDR", &[("v1", 33, 37), ("v1beta1", 31, 36), ("v1alpha1", 29, 30)]),
    ("node.k8s.io", "RuntimeClass", &[("v1", 25, 37)]),
    ("policy", "Eviction", &[("v1", 25, 37)]),
    ("policy", "PodDisruptionBudget", &[("v1", 25, 37)]),
    ("rbac.authorization.k8s.io", "ClusterRole", &[("v1", 25, 37)]),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", &[("v1", 25, 37)]),
    ("rbac.authorization.k8s.io", "Role", &[("v1", 25, 37)]),
    ("rbac.authorization.k8s.io", "RoleBinding", &[("v1", 25, 37)]),
    ("resource.k8s.io", "DeviceClass", &[("v1", 34, 37), ("v1beta2", 33, 37), ("v1beta1", 32, 37), ("v1alpha3", 31, 33)]),
    ("resource.k8s.io", "DeviceTaintRule", &[("v1", 37, 37), ("v1beta2", 36, 37), ("v1alpha3", 33, 37)]),
    ("resource.k8s.io", "PodScheduling", &[("v1alpha1", 26, 26)]),
    ("resource.k8s.io", "PodSchedulingContext", &[("v1alpha3", 31, 31), ("v1alpha2", 27, 30)]),
    ("resource.k8s.io", "ResourceClaim", &[("v1", 34, 37), ("v1beta2", 33, 37), ("v1beta1", 32, 37), ("v1alpha3", 31, 33), ("v1alpha2", 27, 30), ("v1alpha1", 26, 26)]),
    ("resource.k8s.io", "ResourceClaimParameters", &[("v1alpha2", 30, 30)]),
    ("resource.k8s.io", "ResourceClaimTemplate", &[("v1", 34, 37), ("v1beta2", 33, 37), ("v1beta1", 32, 37), ("v1alpha3", 31, 33), ("v1alpha2", 27, 30), ("v1alpha1", 26, 26)]),
    ("resource.k8s.io", "ResourceClass", &[("v1alpha2", 27, 30), ("v1alpha1", 26, 26)]),
    ("resource.k8s.io", "ResourceClassParameters", &[("v1alpha2", 30, 30)]),
    ("resource.k8s.io", "ResourcePoolStatusRequest", &[("v1alpha3", 36, 37)]),
    ("resource.k8s.io", "ResourceSlice", &[("v1", 34, 37), ("v1beta2", 33, 37), ("v1beta1", 32, 37), ("v1alpha3", 31, 33), ("v1alpha2", 30, 30)]),
    ("scheduling.k8s.io", "CompositePodGroup", &[("v1alpha3", 37, 37)]),
    ("scheduling.k8s.io", "PodGroup", &[("v1beta1", 37, 37), ("v1alpha3", 37, 37), ("v1alpha2", 36, 36)]),
    ("scheduling.k8s.io", "PriorityClass", &[("v1", 25, 37)]),
    ("scheduling.k8s.io", "Workload", &[("v1beta1", 37, 37), ("v1alpha3", 37, 37), ("v1alpha2", 36, 36), ("v1alpha1", 35, 35)]),
    ("storage.k8s.io", "CSIDriver", &[("v1", 25, 37)]),
    ("storage.k8s.io", "CSINode", &[("v1", 25, 37)]),
    ("storage.k8s.io", "CSIStorageCapacity", &[("v1", 25, 37), ("v1beta1", 25, 26)]),
    ("storage.k8s.io", "StorageClass", &[("v1", 25, 37)]),
    ("storage.k8s.io", "VolumeAttachment", &[("v1", 25, 37)]),
    ("storage.k8s.io", "VolumeAttributesClass", &[("v1", 34, 37), ("v1beta1", 31, 36), ("v1alpha1", 29, 34)]),
    ("storagemigration.k8s.io", "StorageVersionMigration", &[("v1", 37, 37), ("v1beta1", 35, 37), ("v1alpha1", 30, 34)]),
];

/// The versions of a kind that a minor release serves, the best first. A release newer than the table is taken for the
/// newest that it knows.
pub(crate) fn versions(group: &str, kind: &str, minor: u8) -> Vec<&'static str> {
    let minor = minor.min(NEWEST);
    let served = |(_, first, last): &&Served| (*first..=*last).contains(&minor);
    let versions = ever(group, kind).iter().filter(served);
    versions.map(|(version, _, _)| *version).collect()
}

/// Every version of a kind that some release serves.
pub(crate) fn ever(group: &str, kind: &str) -> &'static [Served] {
    let at = SERVED.binary_search_by_key(&(group, kind), |(group, kind, _)| (*group, *kind));
    at.map_or(&[], |at| SERVED[at].2)
}

/// The groups that have a kind, with its best version today.
pub(crate) fn groups(kind: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let fitting = SERVED.iter().filter(move |(_, known, _)| *known == kind);
    fitting.filter_map(|(group, _, versions)| Some((*group, versions.first()?.0)))
}

/// The kinds of a group.
pub(crate) fn kinds(group: &str) -> impl Iterator<Item = &'static str> {
    let fitting = SERVED.iter().filter(move |(known, _, _)| *known == group);
    fitting.map(|(_, kind, _)| *kind)
}

/// Whether the API server only serves a version when it is told to: every alpha version, and the beta versions since
/// Kubernetes 1.24 but those that took the place of an older one (KEP-3136).
pub(crate) fn is_off_by_default(group: &str, kind: &str, version: &str) -> bool {
    let first = ever(group, kind)
        .iter()
        .find(|(known, _, _)| *known == version);
    let Some((_, first, _)) = first else {
        return false;
    };
    let is_new_beta = version.contains("beta") && *first > OLDEST;
    version.contains("alpha") || is_new_beta && group != "flowcontrol.apiserver.k8s.io"
}

/// Feature gates of the API server without which it serves no version of a kind: group, kinds,
/// gate, and the last minor release in which it is off unless somebody says so. Source: Kubernetes'
/// `pkg/features/kube_features.go`.
static GATES: [(&str, &[&str], &str, u8); 5] = [
    (
        "admissionregistration.k8s.io",
        &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"],
        "MutatingAdmissionPolicy",
        35,
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
        ],
        "ValidatingAdmissionPolicy",
        29,
    ),
    (
        "networking.k8s.io",
        &["IPAddress", "ServiceCIDR"],
        "MultiCIDRServiceAllocator",
        32,
    ),
    (
        "resource.k8s.io",
        &[
            "DeviceClass",
            "ResourceClaim",
            "ResourceClaimTemplate",
            "ResourceSlice",
        ],
        "DynamicResourceAllocation",
        33,
    ),
    (
        "storage.k8s.io",
        &["VolumeAttributesClass"],
        "VolumeAttributesClass",
        33,
    ),
];

/// The feature gate that has to be switched on for a kind in a minor release.
pub(crate) fn gate(group: &str, kind: &str, minor: u8) -> Option<&'static str> {
    let wants = |(of, kinds, _, last): &&(&str, &[&str], &str, u8)| {
        *of == group && kinds.contains(&kind) && minor <= *last
    };
    GATES.iter().find(wants).map(|(_, _, gate, _)| *gate)
}

/// Every row, for tests that compare the table with its source.
pub fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str, u8, u8)> {
    SERVED.iter().flat_map(|(group, kind, versions)| {
        let row = |(version, first, last): &Served| (*group, *kind, *version, *first, *last);
        versions.iter().map(row)
    })
}
