//! Objects that a Talos cluster has without any component.

use super::catalogue::Key;

/// Objects with a name. Source: Kubernetes' default roles (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`)
/// and priority classes (`pkg/apis/scheduling/types.go`); the manifests of CoreDNS that Talos applies.
const OBJECTS: [Key<'_>; 13] = [
    ("", "ConfigMap", Some("kube-system"), "coredns"),
    (
        "",
        "ConfigMap",
        Some("kube-system"),
        "extension-apiserver-authentication",
    ),
    (
        "",
        "ConfigMap",
        Some("kube-system"),
        "kubeconfig-in-cluster",
    ),
    ("", "Service", Some("default"), "kubernetes"),
    ("", "Service", Some("kube-system"), "kube-dns"),
    ("apps", "Deployment", Some("kube-system"), "coredns"),
    ("rbac.authorization.k8s.io", "ClusterRole", None, "admin"),
    (
        "rbac.authorization.k8s.io",
        "ClusterRole",
        None,
        "cluster-admin",
    ),
    ("rbac.authorization.k8s.io", "ClusterRole", None, "edit"),
    ("rbac.authorization.k8s.io", "ClusterRole", None, "view"),
    (
        "rbac.authorization.k8s.io",
        "Role",
        Some("kube-system"),
        "extension-apiserver-authentication-reader",
    ),
    (
        "scheduling.k8s.io",
        "PriorityClass",
        None,
        "system-cluster-critical",
    ),
    (
        "scheduling.k8s.io",
        "PriorityClass",
        None,
        "system-node-critical",
    ),
];

/// Whether the cluster itself makes an object.
pub(super) fn has(key: Key<'_>) -> bool {
    let (group, kind, namespace, name) = key;
    match (group, kind) {
        ("", "ServiceAccount") if name == "default" => return true,
        ("", "ConfigMap") if name == "kube-root-ca.crt" => return true,
        ("rbac.authorization.k8s.io", "ClusterRole" | "Role") if name.starts_with("system:") => {
            return true;
        }
        _ => {}
    }
    OBJECTS.contains(&(group, kind, namespace, name))
}

/// Whether the cluster keeps objects of its own in a namespace that are not all known here.
pub(super) fn may_have_more(namespace: Option<&str>) -> bool {
    matches!(namespace, Some("kube-system" | "kube-public"))
}
