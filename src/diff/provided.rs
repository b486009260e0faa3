//! Capabilities that come or go, to the components that may have noticed.
//!
//! Knows modules by their text: one that says `capabilities["cni"]` asks for it, whatever comes of that.

use std::collections::{BTreeMap, BTreeSet};

use super::Made;
use crate::source::{SourceFile, Sources};

/// The changes in the tables of those who provide a capability at one side alone, for each component whose module asks
/// for it. That nobody provides it is written nowhere, so that no value tells it.
pub(super) fn askers(
    sides: [Made<'_>; 2],
    components: &BTreeMap<String, BTreeSet<usize>>,
) -> BTreeMap<String, BTreeSet<usize>> {
    let mut askers: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (capability, changes) in moved(sides, components) {
        for made in sides {
            let modules = asking(made.sources, &capability);
            for (name, component) in &made.lab.components {
                if modules.contains(component.module.name.as_str()) {
                    askers.entry(name.clone()).or_default().extend(&changes);
                }
            }
        }
    }
    askers
}

/// The capabilities that another component provides at the other side, or none, with the changes of those who do.
fn moved(
    sides: [Made<'_>; 2],
    components: &BTreeMap<String, BTreeSet<usize>>,
) -> BTreeMap<String, BTreeSet<usize>> {
    let [old, new] = sides.map(|made| &made.lab.capabilities);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name));
    let of = |name: &String| {
        let providers = [old.get(name), new.get(name)].into_iter().flatten();
        let changes = providers.filter_map(|provider| components.get(provider));
        (name.clone(), changes.flatten().copied().collect())
    };
    changed.map(of).collect()
}

/// The modules whose files ask for a capability.
fn asking<'a>(sources: &'a Sources, capability: &str) -> BTreeSet<&'a str> {
    let asks = ["'", "\""].map(|quote| format!("capabilities[{quote}{capability}{quote}]"));
    let files = sources.iter().filter_map(|(_, file)| {
        let asks = asks.iter().any(|asks| file.text.contains(asks));
        asks.then(|| module_of(file)).flatten()
    });
    files.collect()
}

/// The module that a file is of.
pub(super) fn module_of(file: &SourceFile) -> Option<&str> {
    let name = file.name.strip_prefix("labc:").unwrap_or(&file.name);
    let (module, _) = name.strip_prefix("modules/")?.split_once('/')?;
    Some(module)
}
