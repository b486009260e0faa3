//! Flux's Kustomization: of a unit, of the namespaces, of shared sources, and the root.

use super::{ROOT, Shared, object, order};
use crate::link::{Part, Unit};
use crate::lower::OutFile;
use crate::lower::secret::AGE_KEY;
use crate::lower::tree::{OUT, component_folder, leaf, list, map, unit_folder};
use crate::parse::lab::Layer;
use crate::source::Origin;
use crate::value::Node;

const KIND: (&str, &str, &str) = ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization");

/// The Kustomizations of labc's own, whose names no component may have.
const NAMESPACES: &str = "namespaces";
const SOURCES: &str = "sources";

/// How long a Kustomization waits until what it holds is healthy. A release may take as long as its own timeout; else it
/// is images that are pulled and volumes that are attached.
const RELEASE_TIMEOUT: &str = "20m";
const TIMEOUT: &str = "10m";

/// The Kustomization of a unit.
pub(super) fn of_unit(shared: &Shared<'_>, unit: &Unit) -> OutFile {
    let component = &shared.lab.components[&unit.id.component];
    let origin = Origin::at(component.span);
    let timeout = if unit.has_chart {
        RELEASE_TIMEOUT
    } else {
        TIMEOUT
    };
    let mut spec = common(shared, &unit_folder(unit), timeout, &origin);
    let after = depends_on(shared, unit, &origin);
    if !after.is_empty() {
        spec.push(("dependsOn", list(after)));
    }
    // A release that is suspended never says that it is ready.
    let waits = !(component.suspend && unit.has_chart);
    spec.push(("wait", leaf(waits, &shared.engine)));
    // Deleting infrastructure by deleting its Kustomization would take volumes and CRDs with it.
    if component.layer == Layer::Infrastructure {
        spec.push(("deletionPolicy", leaf("Orphan", &shared.engine)));
    }
    if let Some(files) = shared.sops.get(&unit.id) {
        let origins = files.iter().map(|file| file.span);
        spec.push(("decryption", decryption(&Origin::from_spans(origins))));
    }
    if order::is_suspended(component, unit) {
        let span = component
            .syntax
            .suspend
            .as_ref()
            .map(|suspend| suspend.span);
        let origin = span.map_or_else(|| origin.clone(), Origin::at);
        spec.push(("suspend", leaf(true, &origin)));
    }
    let name = leaf(unit.id.to_string(), &origin);
    let node = kustomization(shared, name, spec);
    let file = match unit.id.part {
        Part::Main => "flux",
        Part::Config => "flux-config",
        Part::Late => "flux-late",
    };
    let folder = component_folder(component.layer, &component.name);
    OutFile::yaml(format!("{folder}/{file}.yaml"), node)
}

/// How SOPS files become Secrets.
fn decryption(origin: &Origin) -> Node {
    let key = map([("name", leaf(AGE_KEY, origin))]);
    map([("provider", leaf("sops", origin)), ("secretRef", key)])
}

/// What a unit waits for: the namespaces, the sources that it shares with others, and other units.
fn depends_on(shared: &Shared<'_>, unit: &Unit, origin: &Origin) -> Vec<Node> {
    let mut names = Vec::new();
    if shared.has_namespaces {
        names.push(leaf(NAMESPACES, origin));
    }
    if unit.has_chart && shared.sources.is_shared(&unit.id.component) {
        names.push(leaf(SOURCES, origin));
    }
    let units = order::after(shared.lab, shared.linked, unit);
    names.extend(
        units
            .into_iter()
            .map(|(id, why)| leaf(id.to_string(), &origin.with(&why))),
    );
    names
        .into_iter()
        .map(|name| map([("name", name)]))
        .collect()
}

/// The Kustomization of all Namespaces: before all else, and never pruned.
pub(super) fn of_namespaces(shared: &Shared<'_>) -> OutFile {
    let folder = format!("{OUT}/infrastructure/namespaces");
    whole(shared, NAMESPACES, &folder, true)
}

/// The Kustomization of the sources that several releases come from. Nobody waits until they are ready: a release waits
/// for its own source, and one that cannot be reached would hold back the users of all others.
pub(super) fn of_sources(shared: &Shared<'_>) -> OutFile {
    let folder = format!("{OUT}/infrastructure/sources");
    whole(shared, SOURCES, &folder, false)
}

fn whole(shared: &Shared<'_>, name: &str, folder: &str, wait: bool) -> OutFile {
    let engine = &shared.engine;
    let mut spec = common(shared, &format!("{folder}/manifests"), TIMEOUT, engine);
    spec.push(("wait", leaf(wait, engine)));
    spec.push(("deletionPolicy", leaf("Orphan", engine)));
    if name == SOURCES && shared.has_namespaces {
        let name = map([("name", leaf(NAMESPACES, engine))]);
        spec.push(("dependsOn", list(vec![name])));
    }
    let node = kustomization(shared, leaf(name, engine), spec);
    OutFile::yaml(format!("{folder}/flux.yaml"), node)
}

/// The root: renders `out`, which lists every engine object but the root itself. It waits for none of them, or the next
/// commit would wait with it; and whoever deletes it deletes nothing else.
pub(super) fn root(shared: &Shared<'_>) -> Node {
    let mut spec = common(shared, OUT, TIMEOUT, &shared.engine);
    spec.push(("wait", leaf(false, &shared.engine)));
    spec.push(("deletionPolicy", leaf("Orphan", &shared.engine)));
    kustomization(shared, leaf(ROOT, &shared.engine), spec)
}

/// What all Kustomizations say; `origin` is why the folder is there.
fn common(
    shared: &Shared<'_>,
    folder: &str,
    timeout: &str,
    origin: &Origin,
) -> Vec<(&'static str, Node)> {
    let own = |text: &str| leaf(text, &shared.engine);
    let repository = &shared.lab.sections.identity.repository;
    let path = leaf(
        format!("./{}", repository.path_of(folder)),
        &origin.with(&Origin::at(repository.path.span)),
    );
    vec![
        ("interval", own("1h")),
        ("retryInterval", own("2m")),
        ("timeout", own(timeout)),
        ("path", path),
        ("prune", leaf(true, &shared.engine)),
        (
            "sourceRef",
            map([("kind", own("GitRepository")), ("name", own(ROOT))]),
        ),
    ]
}

fn kustomization(shared: &Shared<'_>, name: Node, spec: Vec<(&'static str, Node)>) -> Node {
    let metadata = [("name", name), ("namespace", shared.namespace.clone())];
    object(shared, KIND, metadata, spec)
}
