//! What autoscalers scale is there.

use crate::diag::{Code, Diagnostics};
use crate::link::index::Index;
use crate::link::read;
use crate::link::reference::{Reference, Wanted};

/// Autoscalers: group, kind, and where they say what they scale.
const SCALERS: [(&str, &str, &str); 3] = [
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        "spec.scaleTargetRef",
    ),
    (
        "autoscaling.k8s.io",
        "VerticalPodAutoscaler",
        "spec.targetRef",
    ),
    ("keda.sh", "ScaledObject", "spec.scaleTargetRef"),
];

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for (group, kind, path) in SCALERS {
        for from in index.of_kind(group, kind) {
            let Some(target) = read::one(from.node(), path) else {
                continue;
            };
            let Some((node, name)) = target
                .get("name")
                .and_then(|node| Some((node, node.as_str()?)))
            else {
                continue;
            };
            let kind = read::text(target, "kind").unwrap_or("Deployment");
            let version = read::text(target, "apiVersion").unwrap_or("apps/v1");
            let wanted = Wanted {
                group: version.split_once('/').map_or("", |(group, _)| group),
                kind,
                namespace: Some(from.namespace()),
                name,
            };
            index.follow(
                Reference { from, node },
                wanted,
                Code::DANGLING_REFERENCE,
                diagnostics,
            );
        }
    }
}
