//! Which resources stay in the cluster when their place in the tree goes. Each engine says it in its own words.

use crate::render::{Made, Resource};
use crate::resolve::Component;

/// Whether a resource is neither pruned nor deleted with its component: what holds data, as far as the component keeps
/// it, and a Secret's filler, which lies with one of several users.
pub(super) fn is_kept(component: &Component, resource: &Resource) -> bool {
    match &resource.made {
        Made::Answer { of, .. } if of == "secret" => true,
        _ => component.keep && HOLD_DATA.contains(&resource.id.kind.as_str()),
    }
}

/// A volume without its claim is as lost as a claim without its volume.
const HOLD_DATA: [&str; 2] = ["PersistentVolume", "PersistentVolumeClaim"];
