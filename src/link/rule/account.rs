//! Service accounts of pods, and the roles and accounts of role bindings.

use crate::diag::{Code, Diagnostics};
use crate::link::index::{Index, Place};
use crate::link::read;
use crate::link::reference::{Reference, Wanted};
use crate::value::Node;

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for pod in index.pods.iter() {
        let keys = ["serviceAccountName", "serviceAccount"];
        if let Some(node) = keys.iter().find_map(|key| pod.spec.get(key)) {
            account(index, pod.place, node, pod.place.namespace(), diagnostics);
        }
    }
    for kind in ["ClusterRoleBinding", "RoleBinding"] {
        for place in index.of_kind(RBAC, kind) {
            binding(index, place, diagnostics);
        }
    }
}

fn account<'a>(
    index: &Index<'a>,
    from: Place<'a>,
    node: &'a Node,
    namespace: &str,
    diagnostics: &mut Diagnostics,
) {
    let Some(name) = node.as_str().filter(|name| !name.is_empty()) else {
        return;
    };
    let wanted = Wanted {
        group: "",
        kind: "ServiceAccount",
        namespace: Some(namespace),
        name,
    };
    index.follow(
        Reference { from, node },
        wanted,
        Code::DANGLING_REFERENCE,
        diagnostics,
    );
}

fn binding<'a>(index: &Index<'a>, from: Place<'a>, diagnostics: &mut Diagnostics) {
    let role = from.node().get("roleRef");
    let name = role.and_then(|role| role.get("name"));
    let text = name.and_then(Node::as_str);
    if let (Some(role), Some(node), Some(name)) = (role, name, text) {
        let kind = read::text(role, "kind").unwrap_or("Role");
        let wanted = Wanted {
            group: RBAC,
            kind,
            namespace: (kind == "Role").then_some(from.namespace()),
            name,
        };
        index.follow(
            Reference { from, node },
            wanted,
            Code::DANGLING_REFERENCE,
            diagnostics,
        );
    }
    for subject in read::every(from.node(), "subjects.*") {
        let is_account = read::text(subject, "kind") == Some("ServiceAccount");
        if let Some(node) = subject.get("name").filter(|_| is_account) {
            let namespace = read::text(subject, "namespace").unwrap_or(from.namespace());
            account(index, from, node, namespace, diagnostics);
        }
    }
}
