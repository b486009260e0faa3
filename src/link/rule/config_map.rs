//! Every ConfigMap that a pod refers to is there, with the key that is read.

use smol_str::SmolStr;

use crate::diag::{Code, Diagnostics, did_you_mean};
use crate::link::index::Index;
use crate::link::pod::Pod;
use crate::link::read;
use crate::link::reference::{Reference, Wanted, some};
use crate::link::secret::is_optional;
use crate::value::Node;

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for pod in index.pods.iter() {
        for container in pod.containers() {
            for holder in read::every(container, "env.*.valueFrom.configMapKeyRef") {
                let key = holder.get("key").into_iter().collect();
                one(index, pod, holder, key, diagnostics);
            }
            for holder in read::every(container, "envFrom.*.configMapRef") {
                one(index, pod, holder, Vec::new(), diagnostics);
            }
        }
        for path in [
            "volumes.*.configMap",
            "volumes.*.projected.sources.*.configMap",
        ] {
            for holder in read::every(pod.spec, path) {
                let keys = read::every(holder, "items.*.key");
                one(index, pod, holder, keys, diagnostics);
            }
        }
    }
}

fn one<'a>(
    index: &Index<'a>,
    pod: &Pod<'a>,
    holder: &'a Node,
    keys: Vec<&'a Node>,
    diagnostics: &mut Diagnostics,
) {
    let Some((node, name)) = holder
        .get("name")
        .and_then(|node| Some((node, node.as_str()?)))
    else {
        return;
    };
    if is_optional(holder) || is_bundle(index, name) {
        return;
    }
    let from = pod.place;
    let wanted = Wanted {
        group: "",
        kind: "ConfigMap",
        namespace: Some(from.namespace()),
        name,
    };
    let reference = Reference { from, node };
    let Some(place) = index.follow(reference, wanted, Code::DANGLING_REFERENCE, diagnostics) else {
        return;
    };
    let has = ["data", "binaryData"].into_iter();
    let has: Vec<&str> = has
        .filter_map(|path| read::map(place.node(), path))
        .flat_map(|map| map.keys().map(SmolStr::as_str))
        .collect();
    for node in keys {
        let key = node.as_str().unwrap_or_default();
        // An empty one is filled by something else.
        if has.is_empty() || has.contains(&key) {
            continue;
        }
        let message = format!("ConfigMap `{name}` has no key `{key}`");
        diagnostics.push(
            index
                .error(Code::DANGLING_REFERENCE, Reference { from, node }, message)
                .label(index.name_span(place), "this one")
                .note(format!("it has {}", some("key", &has)))
                .maybe_help(did_you_mean(key, has.iter().copied())),
        );
    }
}

/// Whether trust-manager makes a ConfigMap of this name in every namespace.
fn is_bundle(index: &Index<'_>, name: &str) -> bool {
    index
        .object(("trust.cert-manager.io", "Bundle", None, name))
        .is_some()
}
