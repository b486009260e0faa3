//! What a container mounts is a volume of its pod.

use crate::diag::{Code, Diagnostics, did_you_mean};
use crate::link::index::Index;
use crate::link::read;
use crate::link::reference::{Reference, some};
use crate::value::Node;

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for pod in index.pods.iter() {
        let from = pod.place;
        let own = read::every(pod.spec, "volumes.*.name");
        let templates = read::every(from.node(), "spec.volumeClaimTemplates.*.metadata.name");
        let names = own.into_iter().chain(templates);
        let names: Vec<&str> = names.filter_map(Node::as_str).collect();
        for container in pod.containers() {
            for path in ["volumeMounts.*.name", "volumeDevices.*.name"] {
                for node in read::every(container, path) {
                    let Some(name) = node.as_str().filter(|name| !names.contains(name)) else {
                        continue;
                    };
                    let message = format!("the pod has no volume `{name}`");
                    diagnostics.push(
                        index
                            .error(Code::DANGLING_REFERENCE, Reference { from, node }, message)
                            .note(format!("it has {}", some("volume", &names)))
                            .maybe_help(did_you_mean(name, names.iter().copied())),
                    );
                }
            }
        }
    }
}
