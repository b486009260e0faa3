//! Which lists of Kubernetes' own kinds are merged element by element, and by which fields.
//!
//! The source is Kubernetes' OpenAPI of 1.37: `x-kubernetes-patch-merge-key` and `x-kubernetes-patch-strategy`, and
//! `x-kubernetes-list-map-keys` where a list has two keys. Lists of a `status` are left out: no source writes one. The
//! one map that OpenAPI replaces, a PodDisruptionBudget's selector, is merged, as kustomize does.
//! It knows no resource and merges nothing.

use crate::value::Map;

/// What is known of a map's fields. A field that is not listed holds no list that is merged.
pub(super) struct Shape {
    fields: &'static [(&'static str, Field)],
    /// Called with a merged map and the patch's: drops what Kubernetes does not accept beside what the patch sets.
    pub(super) settle: fn(&mut Map, &Map),
}

/// How a field is merged.
#[derive(Clone, Copy)]
pub(super) enum Field {
    /// A map is merged, anything else is replaced.
    Plain(&'static Shape),
    /// A list of maps, merged by the values of these keys.
    Keyed(&'static [&'static str], &'static Shape),
    /// A list of scalars, each once.
    Set,
}

impl Shape {
    /// How the field `key` is merged.
    pub(super) fn field(&self, key: &str) -> Field {
        let known = self.fields.iter().find(|(name, _)| *name == key);
        known.map_or(Field::Plain(&FREE), |(_, field)| *field)
    }
}

/// The shape of a kind; nothing for a kind that is not Kubernetes' own.
pub(super) fn shape_of(group: &str, kind: &str) -> Option<&'static Shape> {
    let shape = match (group, kind) {
        ("", "Pod") => &POD,
        ("", "PodTemplate") => &POD_TEMPLATE_OBJECT,
        ("", "ReplicationController") => &WORKLOAD,
        ("", "Service") => &SERVICE,
        ("", "ServiceAccount") => &SERVICE_ACCOUNT,
        ("", "Node") => &NODE,
        ("apps" | "extensions", "Deployment") => &DEPLOYMENT,
        ("apps" | "extensions", "DaemonSet" | "ReplicaSet" | "StatefulSet") => &WORKLOAD,
        ("batch", "Job") => &JOB,
        ("batch", "CronJob") => &CRON_JOB,
        ("storage.k8s.io", "CSINode") => &CSI_NODE,
        ("scheduling.k8s.io", "PodGroup") => &POD_GROUP,
        (ADMISSION, "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration") => &WEBHOOKS,
        (ADMISSION, "MutatingAdmissionPolicy") => &MUTATING_POLICY,
        (ADMISSION, "ValidatingAdmissionPolicy") => &VALIDATING_POLICY,
        _ if OWN_GROUPS.contains(&group) => &OBJECT,
        _ => return None,
    };
    Some(shape)
}

/// The value that Kubernetes assumes for a merge key that is not written.
pub(super) fn default_of(key: &str) -> Option<&'static str> {
    (key == "protocol").then_some("TCP")
}

const ADMISSION: &str = "admissionregistration.k8s.io";

/// The API groups that Kubernetes itself serves. Other groups below `k8s.io` are custom resources.
const OWN_GROUPS: [&str; 25] = [
    "",
    ADMISSION,
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
    "extensions",
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

const NAME: &[&str] = &["name"];

const fn shape(fields: &'static [(&'static str, Field)]) -> Shape {
    Shape {
        fields,
        settle: |_, _| (),
    }
}

/// A map without any list that is merged: all there is to know of a custom resource.
pub(super) static FREE: Shape = shape(&[]);

static METADATA: Shape = shape(&[
    ("ownerReferences", Field::Keyed(&["uid"], &FREE)),
    ("finalizers", Field::Set),
]);

static OBJECT: Shape = shape(&[("metadata", Field::Plain(&METADATA))]);

static POD: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("spec", Field::Plain(&POD_SPEC)),
]);

static POD_TEMPLATE_OBJECT: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("template", Field::Plain(&POD)),
]);

static WORKLOAD: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("spec", Field::Plain(&WORKLOAD_SPEC)),
]);

static WORKLOAD_SPEC: Shape = shape(&[("template", Field::Plain(&POD))]);

static DEPLOYMENT: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("spec", Field::Plain(&DEPLOYMENT_SPEC)),
]);

static DEPLOYMENT_SPEC: Shape = shape(&[
    ("strategy", Field::Plain(&STRATEGY)),
    ("template", Field::Plain(&POD)),
]);

static STRATEGY: Shape = Shape {
    fields: &[],
    settle: settle_strategy,
};

static JOB: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("spec", Field::Plain(&JOB_SPEC)),
]);

static JOB_SPEC: Shape = shape(&[
    ("scheduling", Field::Plain(&SCHEDULING)),
    ("template", Field::Plain(&POD)),
]);

static SCHEDULING: Shape = shape(&[("resourceClaims", Field::Keyed(NAME, &ONE_SOURCE))]);

static CRON_JOB: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("spec", Field::Plain(&CRON_JOB_SPEC)),
]);

static CRON_JOB_SPEC: Shape = shape(&[("jobTemplate", Field::Plain(&JOB))]);

static POD_SPEC: Shape = shape(&[
    ("containers", Field::Keyed(NAME, &CONTAINER)),
    ("initContainers", Field::Keyed(NAME, &CONTAINER)),
    ("ephemeralContainers", Field::Keyed(NAME, &CONTAINER)),
    ("evictionResponders", Field::Keyed(NAME, &FREE)),
    ("hostAliases", Field::Keyed(&["ip"], &FREE)),
    ("imagePullSecrets", Field::Keyed(NAME, &FREE)),
    ("resourceClaims", Field::Keyed(NAME, &ONE_SOURCE)),
    ("schedulingGates", Field::Keyed(NAME, &FREE)),
    (
        "topologySpreadConstraints",
        Field::Keyed(&["topologyKey", "whenUnsatisfiable"], &FREE),
    ),
    ("volumes", Field::Keyed(NAME, &VOLUME)),
]);

static CONTAINER: Shape = shape(&[
    ("env", Field::Keyed(NAME, &ENV)),
    ("lifecycle", Field::Plain(&LIFECYCLE)),
    ("livenessProbe", Field::Plain(&PROBE)),
    ("ports", Field::Keyed(&["containerPort", "protocol"], &FREE)),
    ("readinessProbe", Field::Plain(&PROBE)),
    ("startupProbe", Field::Plain(&PROBE)),
    ("volumeDevices", Field::Keyed(&["devicePath"], &FREE)),
    ("volumeMounts", Field::Keyed(&["mountPath"], &FREE)),
]);

static ENV: Shape = Shape {
    fields: &[("valueFrom", Field::Plain(&ONE_OF_ALL))],
    settle: settle_named_source,
};

static LIFECYCLE: Shape = shape(&[
    ("postStart", Field::Plain(&ONE_OF_ALL)),
    ("preStop", Field::Plain(&ONE_OF_ALL)),
]);

static PROBE: Shape = Shape {
    fields: &[],
    settle: settle_probe,
};

static VOLUME: Shape = Shape {
    fields: &[("ephemeral", Field::Plain(&EPHEMERAL))],
    settle: settle_named_source,
};

static EPHEMERAL: Shape = shape(&[("volumeClaimTemplate", Field::Plain(&OBJECT))]);

/// A name and one of several sources.
static ONE_SOURCE: Shape = Shape {
    fields: &[],
    settle: settle_named_source,
};

/// A map that has one key of several.
static ONE_OF_ALL: Shape = Shape {
    fields: &[],
    settle: |merged, patch| settle_one(merged, patch, |_| true),
};

static SERVICE: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("spec", Field::Plain(&SERVICE_SPEC)),
]);

static SERVICE_SPEC: Shape = shape(&[("ports", Field::Keyed(&["port", "protocol"], &FREE))]);

static SERVICE_ACCOUNT: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("secrets", Field::Keyed(NAME, &FREE)),
]);

static NODE: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("spec", Field::Plain(&NODE_SPEC)),
]);

static NODE_SPEC: Shape = shape(&[("podCIDRs", Field::Set)]);

static CSI_NODE: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("spec", Field::Plain(&CSI_NODE_SPEC)),
]);

static CSI_NODE_SPEC: Shape = shape(&[("drivers", Field::Keyed(NAME, &FREE))]);

static POD_GROUP: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("spec", Field::Plain(&SCHEDULING)),
]);

static WEBHOOKS: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("webhooks", Field::Keyed(NAME, &CONDITIONAL)),
]);

static CONDITIONAL: Shape = shape(&[("matchConditions", Field::Keyed(NAME, &FREE))]);

static MUTATING_POLICY: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("spec", Field::Plain(&CONDITIONAL)),
]);

static VALIDATING_POLICY: Shape = shape(&[
    ("metadata", Field::Plain(&METADATA)),
    ("spec", Field::Plain(&VALIDATING_POLICY_SPEC)),
]);

static VALIDATING_POLICY_SPEC: Shape = shape(&[
    ("matchConditions", Field::Keyed(NAME, &FREE)),
    ("variables", Field::Keyed(NAME, &FREE)),
]);

/// Where the patch sets one of the fields that exclude each other, those that it does not set go.
fn settle_one(merged: &mut Map, patch: &Map, excludes_others: fn(&str) -> bool) {
    if patch
        .keys()
        .any(|key| excludes_others(key) && merged.contains_key(key))
    {
        merged.retain(|key, _| !excludes_others(key) || patch.contains_key(key));
    }
}

fn settle_named_source(merged: &mut Map, patch: &Map) {
    settle_one(merged, patch, |key| key != "name");
}

fn settle_probe(merged: &mut Map, patch: &Map) {
    settle_one(merged, patch, |key| {
        matches!(key, "exec" | "grpc" | "httpGet" | "tcpSocket")
    });
}

/// `rollingUpdate` goes where the patch sets another `type`.
fn settle_strategy(merged: &mut Map, patch: &Map) {
    let kind = patch.get("type").and_then(|entry| entry.node.as_str());
    if kind.is_some_and(|kind| kind != "RollingUpdate") && !patch.contains_key("rollingUpdate") {
        merged.remove("rollingUpdate");
    }
}

#[cfg(test)]
mod tests {
    use super::shape_of;

    #[test]
    fn groups_below_k8s_io_are_kubernetes_own_only_if_it_serves_them() {
        let own = [
            ("", "ConfigMap"),
            ("apps", "Deployment"),
            ("networking.k8s.io", "Ingress"),
            ("rbac.authorization.k8s.io", "Role"),
            ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ];
        let custom = [
            ("gateway.networking.k8s.io", "Gateway"),
            ("snapshot.storage.k8s.io", "VolumeSnapshot"),
            ("metrics.k8s.io", "PodMetrics"),
            ("cert-manager.io", "Certificate"),
            ("argoproj.io", "Application"),
        ];
        assert!(
            own.iter()
                .all(|(group, kind)| shape_of(group, kind).is_some())
        );
        assert!(
            custom
                .iter()
                .all(|(group, kind)| shape_of(group, kind).is_none())
        );
    }
}
