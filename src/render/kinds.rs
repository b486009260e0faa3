//! Which kinds have a namespace: Kubernetes' own from a table, others as components declare them.

use std::collections::BTreeMap;

use crate::resolve::Component;

/// Kubernetes' own kinds without a namespace, by group. Source: `kubectl api-resources --namespaced=false` of
/// Kubernetes 1.25 to 1.37.
const CLUSTER: &[(&str, &[&str])] = &[
    (
        "",
        &["ComponentStatus", "Namespace", "Node", "PersistentVolume"],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    (
        "certificates.k8s.io",
        &["CertificateSigningRequest", "ClusterTrustBundle"],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    ("internal.apiserver.k8s.io", &["StorageVersion"]),
    (
        "networking.k8s.io",
        &["IPAddress", "IngressClass", "ServiceCIDR"],
    ),
    ("node.k8s.io", &["RuntimeClass"]),
    (
        "rbac.authorization.k8s.io",
        &["ClusterRole", "ClusterRoleBinding"],
    ),
    ("resource.k8s.io", &["DeviceClass", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &[
            "CSIDriver",
            "CSINode",
            "StorageClass",
            "VolumeAttachment",
            "VolumeAttributesClass",
        ],
    ),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
];

/// The groups that Kubernetes serves without any CRD. Source: its OpenAPI documents, 1.25 to 1.37.
const OWN_GROUPS: [&str; 24] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "lifecycle.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Whether a group is Kubernetes' own: served without any CRD.
pub fn is_builtin(group: &str) -> bool {
    OWN_GROUPS.contains(&group)
}

/// Whether the kinds of a lab have namespaces.
#[derive(Clone, Debug, Default)]
pub struct Scopes {
    declared: BTreeMap<(String, String), bool>,
}

impl Scopes {
    /// What the components of a lab declare.
    pub fn of<'a>(components: impl Iterator<Item = &'a Component>) -> Self {
        let kinds = components.flat_map(|component| &component.kinds);
        let declared = kinds.map(|kind| ((kind.group.clone(), kind.kind.clone()), kind.namespaced));
        Scopes {
            declared: declared.collect(),
        }
    }

    /// Whether objects of a kind have a namespace; none where nothing says so.
    pub fn namespaced(&self, group: &str, kind: &str) -> Option<bool> {
        if is_builtin(group) {
            let cluster = CLUSTER
                .iter()
                .any(|(known, kinds)| *known == group && kinds.contains(&kind));
            return Some(!cluster);
        }
        self.declared
            .get(&(group.to_owned(), kind.to_owned()))
            .copied()
    }
}
