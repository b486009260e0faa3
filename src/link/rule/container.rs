//! What a pod names itself: containers, volumes and the places where these are mounted are each of them once.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostics};
use crate::link::index::Index;
use crate::link::pod::Pod;
use crate::link::read;
use crate::link::reference::Reference;
use crate::value::Node;

const RENAME: &str = "rename one of the two";
const MOVE: &str = "mount one of the two elsewhere";

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for pod in index.pods.iter() {
        let names = pod
            .containers()
            .filter_map(|container| container.get("name"));
        once(
            index,
            pod,
            names,
            "containers are named",
            RENAME,
            diagnostics,
        );
        let volumes = read::every(pod.spec, "volumes.*.name");
        once(
            index,
            pod,
            volumes,
            "volumes are named",
            RENAME,
            diagnostics,
        );
        for container in pod.containers() {
            let places = read::every(container, "volumeMounts.*.mountPath");
            once(
                index,
                pod,
                places,
                "volumes are mounted at",
                MOVE,
                diagnostics,
            );
        }
    }
}

/// Reports each text that is there a second time.
fn once<'a>(
    index: &Index<'a>,
    pod: &Pod<'a>,
    nodes: impl IntoIterator<Item = &'a Node>,
    what: &str,
    help: &str,
    diagnostics: &mut Diagnostics,
) {
    let mut first: BTreeMap<&str, &Node> = BTreeMap::new();
    for node in nodes {
        let Some(text) = node.as_str() else { continue };
        let Some(before) = first.insert(text, node) else {
            continue;
        };
        let from = pod.place;
        let message = format!("two {what} `{text}` in one pod");
        let before = index.span(from, before);
        let error = index.error(Code::INVALID_NAME, Reference { from, node }, message);
        let here = error.span;
        diagnostics.push(
            error
                .label(
                    before.filter(|before| Some(*before) != here),
                    "the other one",
                )
                .note("Kubernetes refuses the pod")
                .help(help),
        );
    }
}
