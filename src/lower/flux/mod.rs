//! Units to Flux's objects: one Kustomization a unit, a HelmRelease a chart with the source that it comes from, and the
//! root that renders all Kustomizations.
//!
//! Flux dry-runs all of a Kustomization before it applies any of it, and a Kustomization waits for those that it depends
//! on at every commit, not only at the first.

mod drift;
mod kustomization;
pub(super) mod order;
mod release;
mod sops;
mod source;

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::kept::is_kept;
use super::tree::{OUT, annotate, leaf, map_of, object_path, resource_path, unit_folder};
use super::{OutFile, Tree, engine};
use crate::diag::Diagnostics;
use crate::link::{Linked, Part, Unit, UnitId};
use crate::parse::sops::SopsFile;
use crate::render::ResourceId;
use crate::resolve::{Component, Lab};
use crate::source::{Origin, Span};
use crate::value::Node;
use source::Sources;

/// Where Flux lives unless its component says otherwise: where its own documents put it.
const NAMESPACE: &str = "flux-system";

/// The name of the source and of the root: what `flux bootstrap` calls them too.
const ROOT: &str = "flux-system";

/// What all of Flux's objects of a lab have in common.
struct Shared<'a> {
    lab: &'a Lab,
    linked: &'a Linked,
    /// Where Flux lives.
    namespace: Node,
    /// What says that Flux is the engine.
    engine: Origin,
    /// Where charts come from.
    sources: Sources,
    /// The SOPS files by the unit that each lies in.
    sops: BTreeMap<UnitId, Vec<&'a SopsFile>>,
    /// Whether the lab has namespaces that come before all else.
    has_namespaces: bool,
}

/// The engine's objects and the resources as Flux wants them.
pub(super) fn lower(
    lab: &Lab,
    linked: &Linked,
    namespaces: &[OutFile],
    tree: &mut Tree,
    diagnostics: &mut Diagnostics,
) {
    let shared = Shared {
        lab,
        linked,
        namespace: namespace(lab),
        engine: Origin::at(lab.sections.identity.engine.span),
        sources: Sources::of(lab),
        sops: sops::by_unit(lab, linked),
        has_namespaces: !namespaces.is_empty(),
    };
    drift::check(lab, linked, diagnostics);
    let mut engine_files = vec![OutFile::yaml(
        format!("{OUT}/bootstrap/source.yaml"),
        source::of_repository(&shared),
    )];
    if shared.has_namespaces {
        let file = kustomization::of_namespaces(&shared);
        engine_files.push(file);
    }
    let repositories = source::shared_repositories(&shared);
    if !repositories.is_empty() {
        engine_files.push(kustomization::of_sources(&shared));
    }
    let units = linked.units.par_iter();
    engine_files.par_extend(units.map(|unit| kustomization::of_unit(&shared, unit)));
    tree.files.push(OutFile::yaml(
        format!("{OUT}/bootstrap/root.yaml"),
        kustomization::root(&shared),
    ));
    tree.engine_files = engine_files.iter().map(|file| file.path.clone()).collect();
    tree.files.extend(engine_files);
    tree.files.extend(repositories);
    let units = linked.units.par_iter();
    tree.files
        .par_extend(units.flat_map_iter(|unit| files(&shared, unit)));
}

/// The files of a unit: its resources as Flux wants them, the SOPS files that it is the first to use, and with a chart
/// its release and source.
fn files(shared: &Shared<'_>, unit: &Unit) -> Vec<OutFile> {
    let component = &shared.lab.components[&unit.id.component];
    let keep = component.syntax.keep.as_ref().map(|keep| keep.span);
    let resources = unit.resources.iter().map(|resource| {
        let mut node = resource.node.clone();
        if is_kept(component, resource) {
            protect(Arc::make_mut(&mut node), keep);
        }
        OutFile::yaml(resource_path(unit, resource, component.namespace()), node)
    });
    let mut files: Vec<OutFile> = resources.collect();
    let encrypted = shared.sops.get(&unit.id).into_iter().flatten();
    files.extend(encrypted.map(|file| sops::file(shared.lab, unit, file)));
    if let Some(chart) = component.chart.as_ref().filter(|_| unit.has_chart) {
        files.extend(source::of_component(shared, component, chart));
        files.push(release::of_component(shared, component, chart));
    }
    files
}

/// An object of Flux's own among those of a component's chart: its file, with its name and namespace.
fn beside_chart(
    shared: &Shared<'_>,
    component: &Component,
    (group, version, kind): (&str, &str, &str),
    spec: Vec<(&'static str, Node)>,
) -> OutFile {
    let origin = Origin::at(component.span);
    let metadata = [
        ("name", leaf(component.name.as_str(), &origin)),
        ("namespace", component.namespace.clone()),
    ];
    let id = ResourceId {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: Some(component.namespace().to_owned()),
        name: component.name.clone(),
    };
    let folder = shared.linked.unit(&component.name, Part::Main);
    let folder = folder.map(unit_folder).unwrap_or_default();
    let node = object(shared, (group, version, kind), metadata, spec);
    OutFile::yaml(object_path(folder, &id, component.namespace()), node)
}

/// An object of one of Flux's kinds: group, version and kind.
fn object(
    shared: &Shared<'_>,
    (group, version, kind): (&str, &str, &str),
    metadata: impl IntoIterator<Item = (&'static str, Node)>,
    spec: Vec<(&'static str, Node)>,
) -> Node {
    let own = |text: String| leaf(text, &shared.engine);
    map_of([
        ("apiVersion", own(format!("{group}/{version}"))),
        ("kind", own(kind.to_owned())),
        ("metadata", map_of(metadata)),
        ("spec", map_of(spec)),
    ])
}

/// Keeps a resource when Flux prunes, and when its Kustomization goes.
pub(super) fn protect(node: &mut Node, span: Option<Span>) {
    let origin = span.map_or_else(|| Origin::from_spans(node.origin.first()), Origin::at);
    let value = leaf("disabled", &origin);
    annotate(node, "kustomize.toolkit.fluxcd.io/prune", value);
}

/// Where Flux lives: where its component does, else where its own documents put it.
pub(super) fn namespace(lab: &Lab) -> Node {
    match engine::component(lab) {
        Some(component) => component.namespace.clone(),
        None => leaf(NAMESPACE, &Origin::at(lab.sections.identity.engine.span)),
    }
}
