//! A field changes that the API server never changes: the object's sync fails until the object is made anew.
//!
//! Knows Kubernetes' own kinds and those whose rules refuse an update by themselves; of any other kind it says nothing.

mod custom;

use super::object::{Object, at, is_true, items, text};
use super::{Context, Danger, quoted};
use crate::diag::{Code, Severity};
use crate::parse::domain::parse_quantity;
use crate::template::convert;
use crate::value::Node;

/// A kind and its fields that stay as they were made.
struct Fixed {
    group: &'static str,
    kind: &'static str,
    fields: &'static [&'static [&'static str]],
}

const fn fixed(
    group: &'static str,
    kind: &'static str,
    fields: &'static [&'static [&'static str]],
) -> Fixed {
    Fixed {
        group,
        kind,
        fields,
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// What each kind refuses to change. Sources: kubernetes/kubernetes, `pkg/apis/<group>/validation/validation.go`, the
/// functions `Validate<Kind>Update`, unless a line says otherwise.
const FIXED: [Fixed; 17] = [
    fixed("apps", "Deployment", &[&["spec", "selector"]]),
    fixed("apps", "DaemonSet", &[&["spec", "selector"]]),
    fixed("apps", "ReplicaSet", &[&["spec", "selector"]]),
    // all of its spec but replicas, ordinals, template, updateStrategy, minReadySeconds, revisionHistoryLimit and
    // persistentVolumeClaimRetentionPolicy
    fixed(
        "apps",
        "StatefulSet",
        &[
            &["spec", "selector"],
            &["spec", "serviceName"],
            &["spec", "podManagementPolicy"],
            &["spec", "volumeClaimTemplates"],
        ],
    ),
    fixed(
        "batch",
        "Job",
        &[
            &["spec", "template"],
            &["spec", "selector"],
            &["spec", "completionMode"],
            &["spec", "podFailurePolicy"],
        ],
    ),
    fixed(
        "",
        "PersistentVolumeClaim",
        &[
            &["spec", "accessModes"],
            &["spec", "storageClassName"],
            &["spec", "volumeName"],
            &["spec", "volumeMode"],
            &["spec", "dataSource"],
            &["spec", "dataSourceRef"],
            &["spec", "selector"],
        ],
    ),
    fixed(
        "",
        "PersistentVolume",
        &[
            &["spec", "csi"],
            &["spec", "nfs"],
            &["spec", "hostPath"],
            &["spec", "local"],
            &["spec", "iscsi"],
            &["spec", "volumeMode"],
            &["spec", "nodeAffinity"],
        ],
    ),
    fixed("", "Secret", &[&["type"]]),
    fixed(
        "storage.k8s.io",
        "StorageClass",
        &[
            &["provisioner"],
            &["parameters"],
            &["reclaimPolicy"],
            &["volumeBindingMode"],
        ],
    ),
    fixed(
        "storage.k8s.io",
        "CSIDriver",
        &[
            &["spec", "attachRequired"],
            &["spec", "volumeLifecycleModes"],
        ],
    ),
    fixed(
        "networking.k8s.io",
        "IngressClass",
        &[&["spec", "controller"]],
    ),
    fixed(
        "scheduling.k8s.io",
        "PriorityClass",
        &[&["value"], &["preemptionPolicy"]],
    ),
    fixed("node.k8s.io", "RuntimeClass", &[&["handler"]]),
    fixed(RBAC, "RoleBinding", &[&["roleRef"]]),
    fixed(RBAC, "ClusterRoleBinding", &[&["roleRef"]]),
    // apiextensions-apiserver, pkg/apis/apiextensions/validation/validation.go
    fixed(
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        &[
            &["spec", "group"],
            &["spec", "scope"],
            &["spec", "names", "kind"],
            &["spec", "names", "plural"],
        ],
    ),
    // kubernetes-sigs/gateway-api, apis/v1/gatewayclass_types.go: a rule of the CRD
    fixed(
        "gateway.networking.k8s.io",
        "GatewayClass",
        &[&["spec", "controllerName"]],
    ),
];

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    for object in context.objects() {
        let Some((before, after)) = object.both() else {
            continue;
        };
        let mut fields = differing(&object, before, after);
        fields.extend(custom::differing(&object, before, after));
        fields.extend(sealed(&object, before, after));
        fields.extend(address(&object, before, after));
        if !fields.is_empty() {
            found.push(refused(context, &object, &fields));
        }
        found.extend(shrunk(&object, before, after));
        found.extend(cannot_grow(context, &object, before, after));
    }
}

/// The fixed fields of an object that differ. A single value that is only left out stays, or has a default.
fn differing(object: &Object<'_>, before: &Node, after: &Node) -> Vec<String> {
    let fixed = FIXED
        .iter()
        .find(|fixed| object.is(fixed.group, fixed.kind));
    let fields = fixed.map_or(&[][..], |fixed| fixed.fields);
    let differs = |keys: &&&[&str]| {
        let (old, new) = (at(Some(before), keys), at(Some(after), keys));
        let goes = old.is_some_and(|old| !old.is_scalar());
        old != new && (new.is_some() || goes) && !is_default(object, keys, old, new)
    };
    fields
        .iter()
        .filter(differs)
        .map(|keys| keys.join("."))
        .collect()
}

/// Whether a field comes with the value that it had by default, or that may be set once.
fn is_default(object: &Object<'_>, keys: &[&str], old: Option<&Node>, new: Option<&Node>) -> bool {
    let default = match (object.id.kind.as_str(), keys) {
        ("PersistentVolumeClaim", ["spec", "volumeName" | "storageClassName"])
        | ("PersistentVolume", ["spec", "nodeAffinity"]) => return old.is_none(),
        ("StatefulSet", ["spec", "podManagementPolicy"]) => "OrderedReady",
        (_, ["spec", "volumeMode"]) => "Filesystem",
        ("Job", ["spec", "completionMode"]) => "NonIndexed",
        ("Secret", ["type"]) => "Opaque",
        ("StorageClass", ["reclaimPolicy"]) => "Delete",
        ("StorageClass", ["volumeBindingMode"]) => "Immediate",
        ("PriorityClass", ["preemptionPolicy"]) => "PreemptLowerPriority",
        _ => return false,
    };
    old.is_none() && new.and_then(Node::as_str) == Some(default)
}

/// The data of a Secret or ConfigMap that says that it never changes.
fn sealed(object: &Object<'_>, before: &Node, after: &Node) -> Option<String> {
    let is_one = object.is("", "Secret") || object.is("", "ConfigMap");
    if !is_one || !is_true(Some(before), &["immutable"]) {
        return None;
    }
    let keys = ["data", "binaryData", "stringData"];
    let differs = |key: &&str| before.get(key) != after.get(key);
    let changed = keys.into_iter().find(differs).map(str::to_owned);
    let is_opened = !is_true(Some(after), &["immutable"]);
    changed.or_else(|| is_opened.then(|| "immutable".to_owned()))
}

/// The addresses of a Service inside the cluster, and the family of the first.
fn address(object: &Object<'_>, before: &Node, after: &Node) -> Option<String> {
    if !object.is("", "Service") || text(Some(before), &["spec", "type"]) == Some("ExternalName") {
        return None;
    }
    let ip = |node| {
        let first = text(Some(node), &["spec", "clusterIP"]);
        first.or_else(|| items(Some(node), &["spec", "clusterIPs"]).first()?.as_str())
    };
    let family = |node| items(Some(node), &["spec", "ipFamilies"]).first();
    let (old, new) = (ip(before), ip(after));
    let is_headless = |ip: Option<&str>| ip == Some("None");
    let to_headless = is_headless(old) != is_headless(new) && (is_headless(new) || new.is_some());
    let readdressed = old.is_some() && new.is_some() && old != new;
    if readdressed || to_headless {
        return Some("spec.clusterIP".to_owned());
    }
    let (old, new) = (family(before), family(after));
    (old.is_some() && new.is_some() && old != new).then(|| "spec.ipFamilies".to_owned())
}

fn refused(context: &Context<'_>, object: &Object<'_>, fields: &[String]) -> Danger {
    let message = format!(
        "{} of `{}` cannot be changed: the cluster refuses it",
        quoted(fields),
        object.id
    );
    let why = if context.is_flux() {
        "Flux tries all of a Kustomization before it applies any of it: nothing beside it is applied either"
    } else {
        "Argo CD's sync fails and is tried again for ever: the cluster keeps the old object"
    };
    let danger = Danger::new(Severity::Warning, Code::IMMUTABLE, object.at(), message).note(why);
    danger.help(remedy(context, object))
}

/// How an object is made anew, without its data being lost.
fn remedy(context: &Context<'_>, object: &Object<'_>) -> String {
    let name = &object.id.name;
    let namespace = object.id.namespace.as_deref();
    let scope = namespace.map_or(String::new(), |namespace| {
        format!("--namespace {namespace} ")
    });
    match object.id.kind.as_str() {
        "PersistentVolumeClaim" | "PersistentVolume" => {
            "give the new one another name, and copy the data before the old one goes".to_owned()
        }
        "StorageClass" => {
            "give the new class another name; volumes of the old one stay as they are".to_owned()
        }
        "ConfigMap" | "Secret" => {
            "give the new one another name, and let its users ask for that".to_owned()
        }
        "StatefulSet" => format!(
            "`kubectl {scope}delete statefulset {name} --cascade=orphan` when this is merged: its pods and claims stay, and \
             the engine makes it anew; claims keep the size and class that they have"
        ),
        "CustomResourceDefinition" => {
            "leave it: a CRD that is made anew loses every object of its kind".to_owned()
        }
        _ if custom::keeps_data(object) => {
            "leave it as it was, or give the new one another name: to make it anew under its own may take its data with it"
                .to_owned()
        }
        _ if context.is_flux() => {
            "annotate it with `kustomize.toolkit.fluxcd.io/force: enabled` in the same change: it is deleted and made anew"
                .to_owned()
        }
        _ => {
            "annotate it with `argocd.argoproj.io/sync-options: Force=true,Replace=true` in the same change: it is deleted \
             and made anew"
                .to_owned()
        }
    }
}

/// Where kinds say how much storage they have.
const SIZES: [(&str, &str, &[&str]); 3] = [
    (
        "",
        "PersistentVolumeClaim",
        &["spec", "resources", "requests", "storage"],
    ),
    (
        "postgresql.cnpg.io",
        "Cluster",
        &["spec", "storage", "size"],
    ),
    (
        "postgresql.cnpg.io",
        "Cluster",
        &["spec", "walStorage", "size"],
    ),
];

/// The sizes of an object's storage before and after, where one is another.
fn sizes(
    object: &Object<'_>,
    before: &Node,
    after: &Node,
) -> Option<(&'static [&'static str], [String; 2], [u128; 2])> {
    SIZES
        .iter()
        .filter(|(group, kind, _)| object.is(group, kind))
        .find_map(|(_, _, keys)| {
            let size = |node| convert::text(at(Some(node), keys)?).map(|text| text.to_string());
            let texts = [size(before)?, size(after)?];
            let bytes = [
                parse_quantity(&texts[0]).ok()?,
                parse_quantity(&texts[1]).ok()?,
            ];
            (bytes[0] != bytes[1]).then_some((*keys, texts, bytes))
        })
}

fn shrunk(object: &Object<'_>, before: &Node, after: &Node) -> Option<Danger> {
    let (keys, [old, new], bytes) = sizes(object, before, after)?;
    if bytes[1] > bytes[0] {
        return None;
    }
    let message = format!(
        "`{}` of `{}` cannot shrink from {old} to {new}: the cluster refuses it",
        keys.join("."),
        object.id
    );
    let danger = Danger::new(Severity::Warning, Code::IMMUTABLE, object.at(), message);
    Some(
        danger
            .note("a volume grows and never shrinks; the sync fails, and the volume stays as it is")
            .help("keep the size, or copy the data to a new and smaller claim"),
    )
}

/// A claim that is to grow, of a class that does not let it.
fn cannot_grow(
    context: &Context<'_>,
    object: &Object<'_>,
    before: &Node,
    after: &Node,
) -> Option<Danger> {
    let (_, [old, new], bytes) = sizes(object, before, after)?;
    let class = text(Some(after), &["spec", "storageClassName"])?;
    let is_it = |node: &&Node| {
        super::object::is_of(node, "storage.k8s.io", "StorageClass")
            && text(Some(node), &["metadata", "name"]) == Some(class)
    };
    let found = super::object::all(context.target).find(is_it)?;
    if bytes[1] < bytes[0] || is_true(Some(found), &["allowVolumeExpansion"]) {
        return None;
    }
    let message = format!(
        "`{}` cannot grow from {old} to {new}: class `{class}` does not allow it",
        object.id
    );
    let danger = Danger::new(Severity::Warning, Code::IMMUTABLE, object.at(), message);
    Some(
        danger
            .note("the sync fails, and the volume stays as it is")
            .help("say `allowVolumeExpansion: true` in the class, where its driver can do it"),
    )
}
