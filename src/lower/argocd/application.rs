//! Argo CD's Application: of a component, of the namespaces, and the root.

use super::wave::Waves;
use super::{IN_CLUSTER, Shared, is_filled};
use crate::link::{Linked, Part, Unit};
use crate::lower::OutFile;
use crate::lower::tree::{OUT, component_folder, leaf, list, map, map_of, unit_folder};
use crate::parse::lab::Layer;
use crate::resolve::Component;
use crate::resolve::component::Chart;
use crate::source::Origin;
use crate::value::{Node, Value};

/// The name of the source that values files are read from.
const VALUES: &str = "values";

/// The main Application of a component and its late one, each where it has something.
pub(super) fn of_component(
    shared: &Shared<'_>,
    component: &Component,
    linked: &Linked,
    waves: &Waves,
) -> Vec<OutFile> {
    let origin = Origin::at(component.span);
    let folder = component_folder(component.layer, &component.name);
    let unit = |part| linked.unit(&component.name, part);
    let mut files = Vec::new();
    let (main, config) = (unit(Part::Main), unit(Part::Config));
    if main.is_some() || config.is_some() {
        let values = linked.values.get(&component.name).and_then(Option::as_ref);
        let sources = sources(shared, component, [main, config], values);
        let wave = waves.of(&component.name);
        let node = application(shared, component, &component.name, wave, sources, &origin);
        files.push(OutFile::yaml(format!("{folder}/application.yaml"), node));
    }
    if let Some(late) = unit(Part::Late) {
        let sources = vec![folder_source(shared, &unit_folder(late), None, &origin)];
        let name = late.id.to_string();
        let node = application(shared, component, &name, 0, sources, &origin);
        files.push(OutFile::yaml(
            format!("{folder}/application-late.yaml"),
            node,
        ));
    }
    files
}

fn application(
    shared: &Shared<'_>,
    component: &Component,
    name: &str,
    wave: i64,
    sources: Vec<Node>,
    origin: &Origin,
) -> Node {
    let folder = component_folder(component.layer, &component.name);
    let drift = drift(component);
    let mut spec = vec![
        ("project", project(shared)),
        ("sources", list(sources)),
        (
            "destination",
            map([
                ("server", leaf(IN_CLUSTER, &shared.engine)),
                ("namespace", component.namespace.clone()),
            ]),
        ),
        (
            "syncPolicy",
            sync_policy(shared, component.suspend, !drift.is_empty()),
        ),
        ("revisionHistoryLimit", leaf(3i64, &shared.engine)),
    ];
    if !drift.is_empty() {
        spec.push(("ignoreDifferences", list(drift)));
    }
    let mut metadata = vec![
        ("name", leaf(name, origin)),
        ("namespace", shared.namespace.clone()),
        ("annotations", annotations(shared, &folder, wave, origin)),
    ];
    // Deleting infrastructure by deleting its Application would take volumes and CRDs with it.
    if component.layer == Layer::Apps {
        let finalizer = leaf("resources-finalizer.argocd.argoproj.io", &shared.engine);
        metadata.push(("finalizers", list(vec![finalizer])));
    }
    object(shared, metadata, spec)
}

fn object(
    shared: &Shared<'_>,
    metadata: Vec<(&'static str, Node)>,
    spec: Vec<(&'static str, Node)>,
) -> Node {
    map([
        ("apiVersion", leaf("argoproj.io/v1alpha1", &shared.engine)),
        ("kind", leaf("Application", &shared.engine)),
        ("metadata", map_of(metadata)),
        ("spec", map_of(spec)),
    ])
}

fn project(shared: &Shared<'_>) -> Node {
    let name = &shared.lab.sections.identity.name;
    leaf(name.value.as_str(), &Origin::at(name.span))
}

fn annotations(shared: &Shared<'_>, folder: &str, wave: i64, origin: &Origin) -> Node {
    let repository = &shared.lab.sections.identity.repository;
    let path = format!("/{}", repository.path_of(folder));
    let origin = origin.with(&Origin::at(repository.path.span));
    map([
        (
            "argocd.argoproj.io/manifest-generate-paths",
            leaf(path, &origin),
        ),
        (
            "argocd.argoproj.io/sync-wave",
            leaf(wave.to_string(), &shared.engine),
        ),
    ])
}

/// What to do by itself, and how long to try: for ever, because later changes heal by retry.
fn sync_policy(shared: &Shared<'_>, suspended: bool, has_drift: bool) -> Node {
    let own = |value: &str| leaf(value, &shared.engine);
    let flag = |value: bool| leaf(value, &shared.engine);
    let mut options = vec![
        own("CreateNamespace=false"),
        own("ServerSideApply=true"),
        own("SkipDryRunOnMissingResource=true"),
    ];
    if has_drift {
        options.push(own("RespectIgnoreDifferences=true"));
    }
    let mut policy = vec![("syncOptions", list(options)), ("retry", retry(shared))];
    // A suspended component has no automated sync at all, which is what the health check looks for.
    if !suspended {
        let automated = map([
            ("allowEmpty", flag(false)),
            ("prune", flag(true)),
            ("selfHeal", flag(true)),
        ]);
        policy.push(("automated", automated));
    }
    map_of(policy)
}

fn retry(shared: &Shared<'_>) -> Node {
    let engine = &shared.engine;
    map([
        ("limit", leaf(-1i64, engine)),
        ("refresh", leaf(true, engine)),
        (
            "backoff",
            map([
                ("duration", leaf("10s", engine)),
                ("factor", leaf(2i64, engine)),
                ("maxDuration", leaf("3m", engine)),
            ]),
        ),
    ])
}

/// The chart with its values, then the folders of the two parts. The first source in Git is also where values are
/// read from.
fn sources(
    shared: &Shared<'_>,
    component: &Component,
    parts: [Option<&Unit>; 2],
    values: Option<&Node>,
) -> Vec<Node> {
    let folders: Vec<String> = parts
        .into_iter()
        .flatten()
        .filter(|unit| !unit.resources.is_empty())
        .map(unit_folder)
        .collect();
    let mut sources = Vec::new();
    let values = values.filter(|values| is_filled(values));
    if let Some(chart) = &component.chart {
        sources.push(chart_source(shared, component, chart, values));
        if folders.is_empty() && values.is_some() {
            sources.push(values_source(shared));
        }
    }
    for (index, folder) in folders.iter().enumerate() {
        let reference = (index == 0 && values.is_some()).then_some(VALUES);
        let origin = Origin::at(component.span);
        sources.push(folder_source(shared, folder, reference, &origin));
    }
    sources
}

/// A repository without `oci://`: Argo CD wants OCI registries bare.
pub(super) fn without_scheme(repository: &str) -> &str {
    repository.strip_prefix("oci://").unwrap_or(repository)
}

fn chart_source(
    shared: &Shared<'_>,
    component: &Component,
    chart: &Chart,
    values: Option<&Node>,
) -> Node {
    let repository = chart.repository.as_str().unwrap_or_default();
    let name = leaf(component.name.as_str(), &Origin::at(component.span));
    let mut helm = vec![("releaseName", name)];
    if values.is_some() {
        let folder = component_folder(component.layer, &component.name);
        let repository = &shared.lab.sections.identity.repository;
        let path = format!(
            "${VALUES}/{}",
            repository.path_of(&format!("{folder}/values.yaml"))
        );
        let origin = Origin::at(component.span);
        let path = leaf(path, &origin.with(&Origin::at(repository.path.span)));
        helm.push(("valueFiles", list(vec![path])));
    }
    if !chart.crds {
        helm.push(("skipCrds", leaf(true, &chart.name.origin)));
    }
    map([
        (
            "repoURL",
            leaf(without_scheme(repository), &chart.repository.origin),
        ),
        ("chart", chart.name.clone()),
        ("targetRevision", chart.version.clone()),
        ("helm", map_of(helm)),
    ])
}

fn git(shared: &Shared<'_>) -> Vec<(&'static str, Node)> {
    let repository = &shared.lab.sections.identity.repository;
    let text = |value: &crate::source::Spanned<String>| {
        leaf(value.value.as_str(), &Origin::at(value.span))
    };
    vec![
        ("repoURL", text(&repository.url)),
        ("targetRevision", text(&repository.branch)),
    ]
}

/// A folder of the tree, which is there because of `origin`.
fn folder_source(
    shared: &Shared<'_>,
    folder: &str,
    reference: Option<&str>,
    origin: &Origin,
) -> Node {
    let repository = &shared.lab.sections.identity.repository;
    let mut source = git(shared);
    let path = leaf(
        repository.path_of(folder),
        &origin.with(&Origin::at(repository.path.span)),
    );
    source.push(("path", path));
    if let Some(reference) = reference {
        source.push(("ref", leaf(reference, &shared.engine)));
    }
    map_of(source)
}

fn values_source(shared: &Shared<'_>) -> Node {
    let mut source = git(shared);
    source.push(("ref", leaf(VALUES, &shared.engine)));
    map_of(source)
}

/// The fields that controllers write, in Argo CD's words.
fn drift(component: &Component) -> Vec<Node> {
    let entry = |node: &Node| {
        let mut entry = Vec::new();
        for key in ["group", "kind", "name", "namespace"] {
            let found = node.get("target").and_then(|target| target.get(key));
            entry.extend(found.map(|found| (key, found.clone())));
        }
        let lists = [("paths", "jsonPointers"), ("jq", "jqPathExpressions")];
        for (own, theirs) in lists {
            let found = node.get(own).filter(|node| node.value != Value::Null);
            entry.extend(found.map(|found| (theirs, found.clone())));
        }
        map_of(entry)
    };
    component.drift.iter().map(entry).collect()
}

/// The Application of all Namespaces: before all else, and never pruned.
pub(super) fn of_namespaces(shared: &Shared<'_>, wave: i64) -> Node {
    let folder = format!("{OUT}/infrastructure/namespaces");
    let manifests = format!("{folder}/manifests");
    let source = folder_source(shared, &manifests, None, &shared.engine);
    let name = leaf("namespaces", &shared.engine);
    whole(shared, name, &folder, Some(wave), source)
}

/// The root: renders `out`, which lists every engine object but the root itself.
pub(super) fn root(shared: &Shared<'_>) -> Node {
    let source = folder_source(shared, OUT, None, &shared.engine);
    let name = leaf("root", &shared.engine);
    whole(shared, name, OUT, None, source)
}

/// An Application of labc's own, with one source and no namespace of its own.
fn whole(shared: &Shared<'_>, name: Node, folder: &str, wave: Option<i64>, source: Node) -> Node {
    let mut metadata = vec![("name", name), ("namespace", shared.namespace.clone())];
    if let Some(wave) = wave {
        let annotations = annotations(shared, folder, wave, &shared.engine);
        metadata.push(("annotations", annotations));
    }
    let spec = vec![
        ("project", project(shared)),
        ("sources", list(vec![source])),
        (
            "destination",
            map([
                ("server", leaf(IN_CLUSTER, &shared.engine)),
                ("namespace", shared.namespace.clone()),
            ]),
        ),
        ("syncPolicy", sync_policy(shared, false, false)),
        ("revisionHistoryLimit", leaf(3i64, &shared.engine)),
    ];
    object(shared, metadata, spec)
}
