//! The sync waves between Applications, counted back from the last one.

use std::collections::BTreeMap;

use crate::link::{Part, Unit};
use crate::parse::lab::Layer;

/// The wave of every Application. The last one is 0: all apps, every late part, and whatever nobody waits for; each
/// other one is as late as its users allow.
pub(in crate::lower) struct Waves {
    by_component: BTreeMap<String, i64>,
    /// Before every component.
    pub(super) namespaces: i64,
    /// Before the namespaces: the project that all Applications belong to.
    pub(super) project: i64,
}

impl Waves {
    /// The wave of a component's main Application.
    pub(in crate::lower) fn of(&self, component: &str) -> i64 {
        self.by_component.get(component).copied().unwrap_or(0)
    }
}

/// The waves of units that are in order.
pub(in crate::lower) fn waves(units: &[Unit]) -> Waves {
    let mut by_component: BTreeMap<String, i64> = BTreeMap::new();
    let layers: BTreeMap<&str, Layer> = units
        .iter()
        .map(|unit| (unit.id.component.as_str(), unit.layer))
        .collect();
    // From the last unit to the first: when a unit is looked at, all of its users have their wave.
    for unit in units.iter().rev() {
        let own = match (unit.layer, unit.id.part) {
            (Layer::Apps, _) | (_, Part::Late) => 0,
            _ => *by_component.entry(unit.id.component.clone()).or_insert(0),
        };
        for used in unit.after.keys() {
            let same = used.component == unit.id.component;
            let is_app = layers.get(used.component.as_str()) == Some(&Layer::Apps);
            // A late part waits for nobody by waves: it is in the last one, and so is all that it needs by then.
            if same || is_app || unit.id.part == Part::Late {
                continue;
            }
            let wave = by_component.entry(used.component.clone()).or_insert(0);
            *wave = (*wave).min(own - 1);
        }
    }
    let first = by_component.values().copied().min().unwrap_or(0).min(0);
    Waves {
        by_component,
        namespaces: first - 1,
        project: first - 2,
    }
}
