//! Where Flux gets things from: the lab's repository, and the registries and repositories of charts.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{ROOT, Shared, beside_chart, object};
use crate::lower::OutFile;
use crate::lower::tree::{OUT, leaf, map, object_path};
use crate::render::ResourceId;
use crate::resolve::component::Chart;
use crate::resolve::{Component, Lab};
use crate::source::Origin;
use crate::value::Node;

const GROUP: &str = "source.toolkit.fluxcd.io";
const VERSION: &str = "v1";

/// The media type of a chart among the layers of an OCI artifact.
const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// The HTTP repositories that charts of several components come from.
pub(super) struct Sources {
    /// By URL.
    shared: BTreeMap<String, Repository>,
    /// The components that use one of them.
    users: BTreeSet<String>,
}

/// A repository that several components share.
struct Repository {
    /// The name of its object.
    name: String,
    /// The first user's way to say it, and why it is there: all users.
    url: Node,
}

impl Sources {
    /// The shared repositories of a lab.
    pub(super) fn of(lab: &Lab) -> Self {
        let mut users: BTreeMap<String, Vec<(&str, &Node)>> = BTreeMap::new();
        for component in lab.components.values() {
            if let Some(url) = component.chart.as_ref().map(|chart| &chart.repository)
                && let Some(text) = url.as_str().filter(|url| !is_oci(url))
            {
                let users = users.entry(bare(text).to_owned()).or_default();
                users.push((&component.name, url));
            }
        }
        users.retain(|_, users| users.len() > 1);
        let names = names(users.keys());
        let shared = users.iter().zip(names).map(|((url, users), name)| {
            let origin = users.iter().skip(1).fold(
                users
                    .first()
                    .map_or_else(Origin::none, |(_, url)| url.origin.clone()),
                |origin, (_, url)| origin.with(&url.origin),
            );
            let url_node = leaf(url.as_str(), &origin);
            (
                url.clone(),
                Repository {
                    name,
                    url: url_node,
                },
            )
        });
        Sources {
            shared: shared.collect(),
            users: users
                .values()
                .flatten()
                .map(|(user, _)| (*user).to_owned())
                .collect(),
        }
    }

    /// Whether a component's chart comes from a repository that another component's chart comes from too.
    pub(super) fn is_shared(&self, component: &str) -> bool {
        self.users.contains(component)
    }
}

fn is_oci(url: &str) -> bool {
    url.starts_with("oci://")
}

/// A URL without what makes no other repository of it.
fn bare(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// A name for each URL: its host and path. Where two URLs would have one name, a part of their hash tells them apart.
fn names<'a>(urls: impl Iterator<Item = &'a String>) -> Vec<String> {
    let plain: Vec<(&str, String)> = urls.map(|url| (url.as_str(), plain_name(url))).collect();
    let is_fine = |name: &String| {
        let same = plain.iter().filter(|(_, other)| other == name);
        !name.is_empty() && name.len() <= 63 && same.count() == 1
    };
    let told = plain.iter().map(|(url, name)| {
        if is_fine(name) {
            return name.clone();
        }
        let short: String = name.chars().take(50).collect();
        let hash = Sha256::digest(url.as_bytes());
        let hash: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{hash}", short.trim_matches('-'))
    });
    told.collect()
}

/// `https://charts.example.org/stable` as a name: `charts-example-org-stable`.
fn plain_name(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let mut name = String::new();
    for letter in rest.chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    name.trim_matches('-').to_owned()
}

/// The URL of a repository as Flux takes it: `git@host:path`, as ssh itself says it, is no URL.
fn url(text: &str) -> String {
    match text.split_once(':') {
        Some((host, path)) if !text.contains("://") => {
            format!("ssh://{host}/{}", path.trim_start_matches('/'))
        }
        _ => text.to_owned(),
    }
}

/// The lab's own repository.
pub(super) fn of_repository(shared: &Shared<'_>) -> Node {
    let own = |text: &str| leaf(text, &shared.engine);
    let repository = &shared.lab.sections.identity.repository;
    let text = |value: &crate::source::Spanned<String>| {
        leaf(value.value.as_str(), &Origin::at(value.span))
    };
    let mut spec = vec![
        // How soon a commit is seen where no webhook says so at once.
        ("interval", own("1m")),
        (
            "url",
            leaf(url(&repository.url.value), &Origin::at(repository.url.span)),
        ),
        ("ref", map([("branch", text(&repository.branch))])),
    ];
    if let Some(id) = &repository.secret {
        let declared = shared.lab.sections.secrets.get(&id.value);
        let name = declared.and_then(|secret| secret.name.as_ref());
        let name = text(name.unwrap_or(id));
        spec.push(("secretRef", map([("name", name)])));
        // Flux takes a GitHub App's key for one only where it is told so.
        if let Some(key) = declared.and_then(|secret| secret.keys.get("githubAppID")) {
            spec.push(("provider", leaf("github", &Origin::at(key.span))));
        }
    }
    let metadata = [("name", own(ROOT)), ("namespace", shared.namespace.clone())];
    object(shared, (GROUP, VERSION, "GitRepository"), metadata, spec)
}

/// The source of a component's chart, unless it is shared with others.
pub(super) fn of_component(
    shared: &Shared<'_>,
    component: &Component,
    chart: &Chart,
) -> Option<OutFile> {
    let url = chart.repository.as_str().unwrap_or_default();
    if is_oci(url) {
        let kind = (GROUP, VERSION, "OCIRepository");
        return Some(beside_chart(shared, component, kind, oci(shared, chart)));
    }
    if shared.sources.is_shared(&component.name) {
        return None;
    }
    let spec = http(shared, chart.repository.clone());
    let kind = (GROUP, VERSION, "HelmRepository");
    Some(beside_chart(shared, component, kind, spec))
}

fn http(shared: &Shared<'_>, url: Node) -> Vec<(&'static str, Node)> {
    vec![("interval", leaf("1h", &shared.engine)), ("url", url)]
}

/// What an OCIRepository says: the chart of exactly this version.
fn oci(shared: &Shared<'_>, chart: &Chart) -> Vec<(&'static str, Node)> {
    let own = |text: &str| leaf(text, &shared.engine);
    let text = |node: &Node| node.as_str().unwrap_or_default().to_owned();
    let url = format!("{}/{}", bare(&text(&chart.repository)), text(&chart.name));
    let origin = chart.repository.origin.with(&chart.name.origin);
    // A tag has no `+`: helm writes `_` in its place.
    let tag = text(&chart.version).replace('+', "_");
    vec![
        ("interval", own("1h")),
        ("url", leaf(url, &origin)),
        ("ref", map([("tag", leaf(tag, &chart.version.origin))])),
        (
            "layerSelector",
            map([("mediaType", own(CHART_LAYER)), ("operation", own("copy"))]),
        ),
    ]
}

/// How a release refers to its chart.
pub(super) fn reference(
    shared: &Shared<'_>,
    component: &Component,
    chart: &Chart,
) -> (&'static str, Node) {
    let own = |text: &str| leaf(text, &shared.engine);
    let name = leaf(component.name.as_str(), &Origin::at(component.span));
    let url = chart.repository.as_str().unwrap_or_default();
    if is_oci(url) {
        let reference = map([("kind", own("OCIRepository")), ("name", name)]);
        return ("chartRef", reference);
    }
    let source = match shared.sources.shared.get(bare(url)) {
        Some(repository) => map([
            ("kind", own("HelmRepository")),
            (
                "name",
                leaf(repository.name.as_str(), &repository.url.origin),
            ),
            ("namespace", shared.namespace.clone()),
        ]),
        None => map([("kind", own("HelmRepository")), ("name", name)]),
    };
    let spec = map([
        ("chart", chart.name.clone()),
        ("version", chart.version.clone()),
        ("sourceRef", source),
    ]);
    ("chart", map([("spec", spec)]))
}

/// The repositories that several components share, once.
pub(super) fn shared_repositories(shared: &Shared<'_>) -> Vec<OutFile> {
    let file = |repository: &Repository| {
        let name = leaf(repository.name.as_str(), &repository.url.origin);
        let metadata = [("name", name), ("namespace", shared.namespace.clone())];
        let spec = http(shared, repository.url.clone());
        let node = object(shared, (GROUP, VERSION, "HelmRepository"), metadata, spec);
        let namespace = shared.namespace.as_str().unwrap_or_default();
        let id = ResourceId {
            group: GROUP.to_owned(),
            kind: "HelmRepository".to_owned(),
            namespace: Some(namespace.to_owned()),
            name: repository.name.clone(),
        };
        let folder = format!("{OUT}/infrastructure/sources/manifests");
        OutFile::yaml(object_path(folder, &id, namespace), node)
    };
    shared.sources.shared.values().map(file).collect()
}
