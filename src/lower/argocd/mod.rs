//! Units to Argo CD's objects: one project, one or two Applications a component, and the root that renders them.
//!
//! Waves order Applications only because the health check that labc gives Argo CD makes them wait; inside an
//! Application, the resources of `config/` are wave 1 and all others wave 0.

mod application;
pub(super) mod wave;

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::kept::is_kept;
use super::tree::{OUT, annotate, leaf, list, map, resource_path};
use super::{OutFile, Tree, engine};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::{Linked, Part, Unit};
use crate::parse::lab::Layer;
use crate::resolve::{Component, Lab};
use crate::source::Origin;
use crate::value::{Node, Value};

/// The API server that Argo CD runs in.
const IN_CLUSTER: &str = "https://kubernetes.default.svc";

/// What all of Argo CD's objects of a lab have in common.
struct Shared<'a> {
    lab: &'a Lab,
    /// Where Argo CD lives.
    namespace: Node,
    /// What says that Argo CD is the engine.
    engine: Origin,
}

/// The engine's objects and the resources as Argo CD wants them.
pub(super) fn lower(
    lab: &Lab,
    linked: &Linked,
    namespaces: &[OutFile],
    tree: &mut Tree,
    diagnostics: &mut Diagnostics,
) {
    note_app_order(lab, diagnostics);
    let shared = Shared {
        lab,
        namespace: namespace(lab),
        engine: Origin::at(lab.sections.identity.engine.span),
    };
    let waves = wave::waves(&linked.units);
    let mut engine_files = Vec::new();
    if !namespaces.is_empty() {
        let application = application::of_namespaces(&shared, waves.namespaces);
        let path = format!("{OUT}/infrastructure/namespaces/application.yaml");
        engine_files.push(OutFile::yaml(path, application));
    }
    let components: Vec<&Component> = lab.components.values().collect();
    engine_files.par_extend(
        components.par_iter().flat_map_iter(|component| {
            application::of_component(&shared, component, linked, &waves)
        }),
    );
    let project = OutFile::yaml(
        format!("{OUT}/bootstrap/project.yaml"),
        project(&shared, waves.project),
    );
    engine_files.push(project);
    let root = OutFile::yaml(
        format!("{OUT}/bootstrap/root.yaml"),
        application::root(&shared),
    );
    tree.files.push(root);
    tree.engine_files = engine_files.iter().map(|file| file.path.clone()).collect();
    tree.files.extend(engine_files);
    let units = linked.units.par_iter();
    tree.files
        .par_extend(units.flat_map_iter(|unit| resources(&shared, unit)));
}

/// The files of a unit's resources, as Argo CD wants them.
fn resources<'a>(shared: &'a Shared<'_>, unit: &'a Unit) -> impl Iterator<Item = OutFile> + 'a {
    let component = &shared.lab.components[&unit.id.component];
    let keep = component.syntax.keep.as_ref().map(|keep| keep.span);
    unit.resources.iter().map(move |resource| {
        let mut node = resource.node.clone();
        if unit.id.part == Part::Config {
            let wave = leaf("1", &shared.engine);
            annotate(
                Arc::make_mut(&mut node),
                "argocd.argoproj.io/sync-wave",
                wave,
            );
        }
        if is_kept(component, resource) {
            protect(Arc::make_mut(&mut node), keep);
        }
        let path = resource_path(unit, resource, component.namespace());
        OutFile::yaml(path, node)
    })
}

/// Says where the lab wants an order between apps: they share the last wave, so that none blocks another.
fn note_app_order(lab: &Lab, diagnostics: &mut Diagnostics) {
    let is_app = |name: &str| {
        let component = lab.components.get(name);
        component.is_some_and(|component| component.layer == Layer::Apps)
    };
    for component in lab
        .components
        .values()
        .filter(|component| is_app(&component.name))
    {
        for need in component.needs.iter().filter(|need| is_app(&need.value)) {
            let message = format!(
                "Argo CD does not hold `{}` back until `{}` is ready",
                component.name, need.value
            );
            diagnostics.push(
                Diagnostic::note_at(Code::APP_ORDER, need.span, message).note(
                    "all apps share the last sync wave; one that fails at first is tried again",
                ),
            );
        }
    }
}

/// Keeps a resource when Argo CD prunes, and when its Application goes.
pub(super) fn protect(node: &mut Node, span: Option<crate::source::Span>) {
    let origin = span.map_or_else(|| Origin::from_spans(node.origin.first()), Origin::at);
    let value = leaf("Prune=false,Delete=false", &origin);
    annotate(node, "argocd.argoproj.io/sync-options", value);
}

/// Where Argo CD lives: where its component does, else where its own documents put it.
pub(super) fn namespace(lab: &Lab) -> Node {
    match engine::component(lab) {
        Some(component) => component.namespace.clone(),
        None => leaf("argocd", &Origin::at(lab.sections.identity.engine.span)),
    }
}

/// The project: only these sources, only this cluster.
fn project(shared: &Shared<'_>, wave: i64) -> Node {
    let lab = shared.lab;
    let repository = &lab.sections.identity.repository;
    let own = (
        repository.url.value.clone(),
        Origin::at(repository.url.span),
    );
    let mut repositories: BTreeMap<String, Origin> = BTreeMap::from([own]);
    for chart in lab.components.values().filter_map(|one| one.chart.as_ref()) {
        let text = chart.repository.as_str().unwrap_or_default();
        let url = application::without_scheme(text).to_owned();
        let origin = repositories.entry(url).or_default();
        *origin = origin.with(&chart.repository.origin);
    }
    let engine = &shared.engine;
    // Any namespace: where a chart puts its objects is the engine's to see, not labc's.
    let destination = map([
        ("server", leaf(IN_CLUSTER, engine)),
        ("namespace", leaf("*", engine)),
    ]);
    let everything = || {
        list(vec![map([
            ("group", leaf("*", engine)),
            ("kind", leaf("*", engine)),
        ])])
    };
    let name = &lab.sections.identity.name;
    let description = format!("Everything that labc compiles of the lab {}", name.value);
    map([
        ("apiVersion", leaf("argoproj.io/v1alpha1", engine)),
        ("kind", leaf("AppProject", engine)),
        (
            "metadata",
            map([
                ("name", leaf(name.value.as_str(), &Origin::at(name.span))),
                ("namespace", shared.namespace.clone()),
                (
                    "annotations",
                    map([(
                        "argocd.argoproj.io/sync-wave",
                        leaf(wave.to_string(), engine),
                    )]),
                ),
            ]),
        ),
        (
            "spec",
            map([
                ("description", leaf(description, engine)),
                (
                    "sourceRepos",
                    list(
                        repositories
                            .into_iter()
                            .map(|(url, origin)| leaf(url, &origin))
                            .collect(),
                    ),
                ),
                ("destinations", list(vec![destination])),
                ("clusterResourceWhitelist", everything()),
                ("namespaceResourceWhitelist", everything()),
            ]),
        ),
    ])
}

/// Whether a node is a map with something in it.
fn is_filled(node: &Node) -> bool {
    matches!(&node.value, Value::Map(map) if !map.is_empty())
}
