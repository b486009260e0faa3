//! Every claim that a pod mounts is there, and every claim has a class that somebody provides.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostics};
use crate::link::index::{Index, Place};
use crate::link::read;
use crate::link::reference::{Found, Reference, Unseen, Wanted, why};
use crate::value::{Node, Value};

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let ordinals = ordinals(index);
    let by_hand = classes_by_hand(index);
    for pod in index.pods.iter() {
        for node in read::every(pod.spec, "volumes.*.persistentVolumeClaim.claimName") {
            let Some(name) = node.as_str() else { continue };
            let from = pod.place;
            let stem = name.rsplit_once('-').map_or(name, |(stem, _)| stem);
            if ordinals.contains(&(from.namespace(), stem.to_owned())) {
                continue;
            }
            let wanted = Wanted {
                group: "",
                kind: "PersistentVolumeClaim",
                namespace: Some(from.namespace()),
                name,
            };
            let reference = Reference { from, node };
            index.follow(reference, wanted, Code::DANGLING_REFERENCE, diagnostics);
        }
        for node in read::every(pod.spec, "volumes.*.ephemeral.volumeClaimTemplate.spec") {
            class(index, &by_hand, pod.place, node, diagnostics);
        }
    }
    for place in index.of_kind("", "PersistentVolumeClaim") {
        if let Some(spec) = place.node().get("spec") {
            class(index, &by_hand, place, spec, diagnostics);
        }
    }
    for place in index.of_kind("apps", "StatefulSet") {
        for spec in read::every(place.node(), "spec.volumeClaimTemplates.*.spec") {
            class(index, &by_hand, place, spec, diagnostics);
        }
    }
}

/// What the claims of StatefulSets are called, without the number at the end: `data-db` of `data-db-0`.
fn ordinals<'a>(index: &Index<'a>) -> BTreeSet<(&'a str, String)> {
    let mut names = BTreeSet::new();
    for place in index.of_kind("apps", "StatefulSet") {
        for template in read::every(place.node(), "spec.volumeClaimTemplates.*.metadata.name") {
            if let Some(template) = template.as_str() {
                let name = format!("{template}-{}", place.resource.id.name);
                names.insert((place.namespace(), name));
            }
        }
    }
    names
}

/// The classes of volumes that are made by hand: a claim of that class binds to one, and needs no StorageClass.
fn classes_by_hand<'a>(index: &Index<'a>) -> BTreeSet<&'a str> {
    let volumes = index.of_kind("", "PersistentVolume");
    volumes
        .filter_map(|volume| read::text(volume.node(), "spec.storageClassName"))
        .collect()
}

fn class<'a>(
    index: &Index<'a>,
    by_hand: &BTreeSet<&str>,
    from: Place<'a>,
    spec: &'a Node,
    diagnostics: &mut Diagnostics,
) {
    let is_bound = read::text(spec, "volumeName").is_some();
    let node = spec
        .get("storageClassName")
        .filter(|node| node.value != Value::Null);
    let Some(node) = node else {
        if !is_bound {
            default_class(index, Reference { from, node: spec }, diagnostics);
        }
        return;
    };
    // An empty name stands for volumes that are made by hand.
    let name = node.as_str().filter(|name| !name.is_empty() && !is_bound);
    let Some(name) = name.filter(|name| !by_hand.contains(name)) else {
        return;
    };
    let wanted = Wanted {
        group: "storage.k8s.io",
        kind: "StorageClass",
        namespace: None,
        name,
    };
    index.follow(
        Reference { from, node },
        wanted,
        Code::DANGLING_REFERENCE,
        diagnostics,
    );
}

/// The annotation of the class that claims without a class get.
const IS_DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";

fn default_class<'a>(index: &Index<'a>, reference: Reference<'a>, diagnostics: &mut Diagnostics) {
    let is_default = |place: Place<'_>| {
        read::annotation(place.node(), IS_DEFAULT).and_then(Node::as_str) == Some("true")
    };
    let provided = index.lab.capabilities.contains_key("default-storage");
    let mut classes = index.of_kind("storage.k8s.io", "StorageClass");
    if provided || !index.is_whole || classes.any(is_default) {
        return;
    }
    let nameless = Wanted {
        group: "storage.k8s.io",
        kind: "StorageClass",
        namespace: None,
        name: "",
    };
    diagnostics.push(match index.find(nameless) {
        Found::Unseen(unseen @ Unseen::Chart(_)) => {
            let message = "whether there is a default StorageClass cannot be seen".to_owned();
            index.note(reference, message).note(why(unseen, "StorageClass"))
        }
        _ => index
            .error(
                Code::DANGLING_REFERENCE,
                reference,
                "this claim names no class, and the lab has no default".to_owned(),
            )
            .help("name one: `storageClassName: ...`, or add a component that provides `default-storage`"),
    });
}
