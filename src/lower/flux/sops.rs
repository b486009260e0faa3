//! SOPS files: each lies, byte for byte, in the folder of the first unit that uses it.

use std::collections::BTreeMap;

use super::order;
use crate::link::{Linked, Part, Unit, UnitId};
use crate::lower::tree::{object_path, unit_folder};
use crate::lower::{Content, OutFile, engine};
use crate::parse::sops::SopsFile;
use crate::render::ResourceId;
use crate::resolve::Lab;
use crate::source::Origin;

/// The files that are used, by the unit that each lies in.
pub(super) fn by_unit<'a>(lab: &'a Lab, linked: &Linked) -> BTreeMap<UnitId, Vec<&'a SopsFile>> {
    let mut found: BTreeMap<UnitId, Vec<&SopsFile>> = BTreeMap::new();
    for file in &lab.sops {
        if let Some(unit) = holder(lab, linked, file) {
            found.entry(unit.id.clone()).or_default().push(file);
        }
    }
    found
}

/// The first unit of those that use a file and are not suspended; the engine's own where it reads the repository with it.
fn holder<'a>(lab: &Lab, linked: &'a Linked, file: &SopsFile) -> Option<&'a Unit> {
    let mut uses = linked.secrets.iter();
    let used = uses.find(|used| (&used.namespace, &used.name) == (&file.namespace, &file.name));
    let units = used.into_iter().flat_map(|used| &used.users);
    let units = units.filter_map(|(user, _)| main_unit(linked, user));
    // What is suspended is not applied, and its Secret with it.
    let is_suspended = |unit: &Unit| order::is_suspended(&lab.components[&unit.id.component], unit);
    units
        .min_by_key(|unit| (is_suspended(unit), unit.order))
        .or_else(|| {
            is_repository(lab, file).then(|| main_unit(linked, &engine::component(lab)?.name))?
        })
}

fn is_repository(lab: &Lab, file: &SopsFile) -> bool {
    let Some(id) = &lab.sections.identity.repository.secret else {
        return false;
    };
    let declared = lab.sections.secrets.get(&id.value);
    let name = declared.and_then(|secret| secret.name.as_ref());
    let name = name.map_or(&id.value, |name| &name.value);
    let namespace = engine::namespace(lab);
    file.name == *name && namespace.as_str() == Some(&file.namespace)
}

fn main_unit<'a>(linked: &'a Linked, component: &str) -> Option<&'a Unit> {
    let parts = [Part::Main, Part::Config, Part::Late];
    parts
        .into_iter()
        .find_map(|part| linked.unit(component, part))
}

/// A file where it lies in the tree.
pub(super) fn file(lab: &Lab, unit: &Unit, file: &SopsFile) -> OutFile {
    let component = &lab.components[&unit.id.component];
    let id = ResourceId {
        group: String::new(),
        kind: "Secret".to_owned(),
        namespace: Some(file.namespace.clone()),
        name: file.name.clone(),
    };
    OutFile {
        path: object_path(unit_folder(unit), &id, component.namespace()),
        content: Content::Bytes(file.bytes.to_vec(), Origin::at(file.span)),
        executable: false,
    }
}
