//! Somebody may do more than before: in the cluster's API, on its nodes, or to every request.

use std::collections::BTreeSet;

use super::object::{Object, at, is_true, items, text, texts};
use super::{Context, Danger, join, quoted};
use crate::diag::{Code, Severity};
use crate::diff::Subject;
use crate::resolve::lab::PodSecurity;
use crate::value::Node;

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    for object in context.objects() {
        found.extend(binding(&object));
        found.extend(rules(&object));
        found.extend(pods(&object));
        found.extend(level(&object));
        found.extend(webhook(&object));
    }
    found.extend(talos(context));
}

fn danger(object: &Object<'_>, message: String) -> Danger {
    Danger::new(Severity::Warning, Code::PRIVILEGE, object.at(), message)
}

/// Somebody becomes the cluster's administrator.
fn binding(object: &Object<'_>) -> Option<Danger> {
    if !object.is(RBAC, "ClusterRoleBinding") {
        return None;
    }
    let subjects = |node| -> BTreeSet<String> {
        if text(node, &["roleRef", "name"]) != Some("cluster-admin") {
            return BTreeSet::new();
        }
        items(node, &["subjects"]).iter().map(subject).collect()
    };
    let (before, after) = (subjects(object.before), subjects(object.after));
    let new: Vec<&String> = after.difference(&before).collect();
    if new.is_empty() {
        return None;
    }
    let may = if new.len() == 1 { "may" } else { "may all" };
    let message = format!("{} {may} do anything in the cluster", quoted(new));
    Some(
        danger(object, message)
            .note(format!(
                "`{}` binds it to `cluster-admin`: every Secret, every node",
                object.id
            ))
            .help("bind it to a role that has what it needs"),
    )
}

fn subject(node: &Node) -> String {
    let part = |key| text(Some(node), &[key]);
    let name = part("name").unwrap_or_default();
    let kind = part("kind").unwrap_or_default();
    match part("namespace") {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

/// A role that may do something by which one can come to do more.
fn rules(object: &Object<'_>) -> Option<Danger> {
    let is_cluster = object.is(RBAC, "ClusterRole");
    if !is_cluster && !object.is(RBAC, "Role") {
        return None;
    }
    let powers = |node| -> BTreeSet<&'static str> {
        let rules = items(node, &["rules"]).iter();
        rules.flat_map(|rule| powers(rule, is_cluster)).collect()
    };
    let (before, after) = (powers(object.before), powers(object.after));
    let new: Vec<&str> = after.difference(&before).copied().collect();
    if new.is_empty() {
        return None;
    }
    let message = format!("`{}` may {}", object.id, join(new));
    Some(
        danger(object, message).help(
            "name the resources and verbs that it needs, in a Role where one namespace will do",
        ),
    )
}

/// What a rule allows by which one can come to do more.
fn powers(rule: &Node, is_cluster: bool) -> Vec<&'static str> {
    let list = |key| texts(Some(rule), &[key]);
    let (verbs, resources) = (list("verbs"), list("resources"));
    let may = |verb: &str| verbs.contains(&verb) || verbs.contains(&"*");
    let on = |resource: &str| resources.contains(&resource) || resources.contains(&"*");
    let core = list("apiGroups")
        .iter()
        .any(|group| ["", "*"].contains(group));
    // a rule that names its objects is about these alone
    let is_named = !items(Some(rule), &["resourceNames"]).is_empty();
    if verbs.contains(&"*") && resources.contains(&"*") {
        return vec!["do anything to everything in its groups"];
    }
    let reads = ["get", "list", "watch"].into_iter().any(may);
    let powers = [
        (
            reads && core && on("secrets") && is_cluster && !is_named,
            "read every Secret of the cluster",
        ),
        (
            verbs.contains(&"escalate"),
            "write roles beyond its own (`escalate`)",
        ),
        (
            verbs.contains(&"bind"),
            "bind roles beyond its own (`bind`)",
        ),
        (
            verbs.contains(&"impersonate"),
            "act as others (`impersonate`)",
        ),
        (
            may("create") && core && (on("pods/exec") || on("pods/attach")),
            "run commands in pods (`pods/exec`)",
        ),
        (
            may("create") && core && on("serviceaccounts/token"),
            "make tokens of others",
        ),
        (
            core && on("nodes/proxy"),
            "reach every pod through the kubelet (`nodes/proxy`)",
        ),
    ];
    let is_so = |(is_so, power): (bool, &'static str)| is_so.then_some(power);
    powers.into_iter().filter_map(is_so).collect()
}

/// Pods that may do more to their node.
fn pods(object: &Object<'_>) -> Option<Danger> {
    let before = object.before.and_then(pod).map(reach).unwrap_or_default();
    let after = object.after.and_then(pod).map(reach).unwrap_or_default();
    let new: Vec<&String> = after.difference(&before).collect();
    if new.is_empty() {
        return None;
    }
    let message = format!("pods of `{}` get {}", object.id, join(new));
    Some(
        danger(object, message)
            .note("whoever breaks out of such a pod has the node, or a good part of it")
            .help("leave it out where the app runs without"),
    )
}

/// The pod in a workload.
fn pod(node: &Node) -> Option<&Node> {
    let keys: &[&str] = match text(Some(node), &["kind"])? {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
            &["spec", "template", "spec"]
        }
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        "Pod" => &["spec"],
        _ => return None,
    };
    at(Some(node), keys)
}

/// What a pod has of its node.
fn reach(pod: &Node) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, what) in [
        ("hostNetwork", "the node's network (`hostNetwork`)"),
        ("hostPID", "the node's processes (`hostPID`)"),
        ("hostIPC", "the node's shared memory (`hostIPC`)"),
    ] {
        if is_true(Some(pod), &[key]) {
            found.insert(what.to_owned());
        }
    }
    for volume in items(Some(pod), &["volumes"]) {
        if let Some(path) = text(Some(volume), &["hostPath", "path"]) {
            found.insert(format!("the node's `{path}`"));
        }
    }
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for container in items(Some(pod), &[list]) {
            found.extend(of_container(pod, container));
        }
    }
    found
}

fn of_container(pod: &Node, container: &Node) -> Vec<String> {
    let name = text(Some(container), &["name"]).unwrap_or_default();
    let own = at(Some(container), &["securityContext"]);
    let mut found = Vec::new();
    if is_true(own, &["privileged"]) {
        found.push(format!("a privileged container (`{name}`)"));
    }
    // an explicit yes is news; silence is Kubernetes' default
    if is_true(own, &["allowPrivilegeEscalation"]) {
        found.push(format!("privilege escalation in `{name}`"));
    }
    for capability in texts(own, &["capabilities", "add"]) {
        if capability != "NET_BIND_SERVICE" {
            found.push(format!("capability `{capability}`"));
        }
    }
    let of_pod = at(Some(pod), &["securityContext"]);
    let user = at(own, &["runAsUser"]).or_else(|| at(of_pod, &["runAsUser"]));
    if user.is_some_and(|user| user.value == crate::value::Value::Int(0)) {
        found.push(format!("the user root in `{name}`"));
    }
    let seccomp = text(own, &["seccompProfile", "type"])
        .or_else(|| text(of_pod, &["seccompProfile", "type"]));
    if seccomp == Some("Unconfined") {
        found.push(format!("every system call in `{name}` (`Unconfined`)"));
    }
    found
}

/// A namespace that admits more than before.
fn level(object: &Object<'_>) -> Option<Danger> {
    if !object.is("", "Namespace") {
        return None;
    }
    let level = |node: Option<&Node>| {
        let labels = at(node, &["metadata", "labels"]);
        match text(labels, &["pod-security.kubernetes.io/enforce"]) {
            Some("restricted") => PodSecurity::Restricted,
            Some("privileged") => PodSecurity::Privileged,
            // what Talos enforces where nothing is said
            _ => PodSecurity::Baseline,
        }
    };
    let after = level(object.after);
    let name = &object.id.name;
    match object.both() {
        Some((before, _)) if level(Some(before)) < after => {
            let before = level(Some(before)).word();
            let message = format!("namespace `{name}` admits `{}` pods", after.word());
            Some(
                danger(object, message)
                    .note(format!("it was `{before}`; this holds for every pod in it")),
            )
        }
        None if object.after.is_some() && after == PodSecurity::Privileged => {
            let message = format!("the new namespace `{name}` admits `privileged` pods");
            let note = Danger::new(Severity::Note, Code::PRIVILEGE, object.at(), message);
            Some(note.note("a component in it asks for that; nothing else should live there"))
        }
        _ => None,
    }
}

/// A webhook without which requests fail.
fn webhook(object: &Object<'_>) -> Option<Danger> {
    let kinds = [
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
    ];
    if !kinds.contains(&object.id.kind.as_str()) {
        return None;
    }
    let strict = |node| -> BTreeSet<String> {
        let webhooks = items(node, &["webhooks"]).iter();
        let fails = |hook: &&Node| {
            text(Some(hook), &["failurePolicy"]).unwrap_or("Fail") == "Fail"
                && at(Some(hook), &["namespaceSelector"]).is_none()
                && at(Some(hook), &["objectSelector"]).is_none()
        };
        let name = |hook: &Node| text(Some(hook), &["name"]).unwrap_or_default().to_owned();
        webhooks.filter(fails).map(name).collect()
    };
    let (before, after) = (strict(object.before), strict(object.after));
    let new: Vec<&String> = after.difference(&before).collect();
    if new.is_empty() {
        return None;
    }
    let message = format!("without an answer of webhook {} requests fail", quoted(new));
    Some(
        danger(object, message)
            .note("it is asked about every namespace, its own too: when its pods are down, they may not come up again")
            .help("say `failurePolicy: Ignore`, or a `namespaceSelector` that leaves `kube-system` and its own out"),
    )
}

/// What a machine config gives to pods.
fn talos(context: &Context<'_>) -> Vec<Danger> {
    let tell = |(place, change): (usize, &crate::diff::Change)| {
        let Subject::Machine { .. } = change.subject else {
            return None;
        };
        let data = |content: &Option<crate::diff::Content>| {
            content.as_ref().and_then(|content| content.data().cloned())
        };
        let (before, after) = (data(&change.before), data(&change.after));
        let message = talos_access(before.as_ref(), after.as_ref())
            .or_else(|| no_admission(before.as_ref(), after.as_ref()))?;
        Some(Danger::new(
            Severity::Warning,
            Code::PRIVILEGE,
            (place, change),
            message,
        ))
    };
    context.changes().filter_map(tell).collect()
}

const TALOS_API: [&str; 3] = ["machine", "features", "kubernetesTalosAPIAccess"];

/// Namespaces whose pods may talk to Talos, and as whom.
fn talos_access(before: Option<&Node>, after: Option<&Node>) -> Option<String> {
    let allowed = |node| -> BTreeSet<String> {
        let access = at(node, &TALOS_API);
        let namespaces = texts(access, &["allowedKubernetesNamespaces"]);
        let roles = texts(access, &["allowedRoles"]).join(", ");
        if !is_true(access, &["enabled"]) {
            return BTreeSet::new();
        }
        namespaces
            .into_iter()
            .map(|namespace| format!("{namespace}` as `{roles}"))
            .collect()
    };
    let (before, after) = (allowed(before), allowed(after));
    let new: Vec<&String> = after.difference(&before).collect();
    (!new.is_empty()).then(|| format!("Talos obeys pods of namespace {}", quoted(new)))
}

/// Whether the API server's pod-security admission is taken away.
fn no_admission(before: Option<&Node>, after: Option<&Node>) -> Option<String> {
    let gone = |node| {
        let control = at(node, &["cluster", "apiServer", "admissionControl"]);
        let patches = control.and_then(Node::as_list).unwrap_or_default().iter();
        let deletes = |node: &Node| text(Some(node), &["$patch"]) == Some("delete");
        control.is_some_and(deletes) || patches.into_iter().any(deletes)
    };
    (gone(after) && !gone(before)).then(|| {
        "the API server no longer holds pods to a pod-security level by default".to_owned()
    })
}
