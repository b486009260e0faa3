//! Flux's HelmRelease: a chart with its values, as helm-controller is told of it.

use super::{Shared, beside_chart, drift, source};
use crate::lower::OutFile;
use crate::lower::tree::{leaf, map, map_of};
use crate::resolve::Component;
use crate::resolve::component::Chart;
use crate::source::Origin;
use crate::value::{Node, Value};

const KIND: (&str, &str, &str) = ("helm.toolkit.fluxcd.io", "v2", "HelmRelease");

/// How long helm waits for what a chart makes: as long as `provision.sh` lets it.
const TIMEOUT: &str = "15m";

/// The release of a component's chart.
pub(super) fn of_component(shared: &Shared<'_>, component: &Component, chart: &Chart) -> OutFile {
    let own = |text: &str| leaf(text, &shared.engine);
    let name = leaf(component.name.as_str(), &Origin::at(component.span));
    let mut spec = vec![
        ("interval", own("1h")),
        ("timeout", own(TIMEOUT)),
        ("releaseName", name),
        ("maxHistory", leaf(3i64, &shared.engine)),
        ("install", action(shared, chart)),
        ("upgrade", action(shared, chart)),
        ("driftDetection", drift::detection(shared, component)),
        source::reference(shared, component, chart),
    ];
    let values = shared.linked.values.get(&component.name);
    let is_filled =
        |values: &&Node| matches!(&values.value, Value::Map(values) if !values.is_empty());
    if let Some(values) = values.and_then(Option::as_ref).filter(is_filled) {
        spec.push(("values", values.clone()));
    }
    if component.suspend {
        let span = component
            .syntax
            .suspend
            .as_ref()
            .map(|suspend| suspend.span);
        let origin = Origin::at(span.unwrap_or(component.span));
        spec.push(("suspend", leaf(true, &origin)));
    }
    beside_chart(shared, component, KIND, spec)
}

/// What an install and an upgrade do. One that fails is tried again for ever, and nothing is uninstalled or rolled back
/// in between: what is missing at first comes later, and volumes do not survive an uninstall.
fn action(shared: &Shared<'_>, chart: &Chart) -> Node {
    let own = |text: &str| leaf(text, &shared.engine);
    let crds = if chart.crds {
        own("CreateReplace")
    } else {
        leaf("Skip", &chart.name.origin)
    };
    map_of([
        ("crds", crds),
        (
            "strategy",
            map([
                ("name", own("RetryOnFailure")),
                ("retryInterval", own("2m")),
            ]),
        ),
    ])
}
