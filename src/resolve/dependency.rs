//! What in `lab.toml` has releases elsewhere: Talos, Kubernetes, charts and images, each with the place where its version
//! is written.
//!
//! Knows no tool that follows releases, and nothing outside `lab.toml`: what a module brings is the module's.

use std::collections::{BTreeMap, BTreeSet};

use super::claim::Claims;
use super::component::Component;
use crate::parse::domain::Image;
use crate::parse::input::Releases;
use crate::source::{Origin, Sources, Span};
use crate::value::{Node, Path, Step, Value};

/// Something with releases elsewhere, whose version the lab says.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Where its releases are.
    pub upstream: Upstream,
    /// Where the lab says which one it takes.
    pub place: Place,
    /// What made its version.
    pub origin: Origin,
}

/// Where releases are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Upstream {
    /// Talos Linux.
    Talos,
    /// Kubernetes, as Talos runs it.
    Kubernetes,
    /// A Helm chart.
    Chart {
        /// `https://...` or `oci://...`.
        repository: String,
        /// Its name.
        name: String,
    },
    /// A container image, with its registry where the lab names one.
    Image(String),
    /// A repository on GitHub that publishes releases: `owner/name`.
    GitHub(String),
}

/// Where in `lab.toml` a version stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// It is all of a value.
    Value {
        /// The way to it.
        path: Path,
        /// The version.
        version: String,
    },
    /// It is part of an image's reference.
    Reference {
        /// The quote that the string begins with.
        quote: char,
        /// Whether the reference has a tag; else it has a digest alone.
        has_tag: bool,
    },
}

/// What `[cluster]` says a version of.
const CLUSTER: [(&str, Upstream); 2] = [
    ("talos", Upstream::Talos),
    ("kubernetes", Upstream::Kubernetes),
];

/// Everything that `lab.toml` says a version of, each place once: a version that several share follows the first of them.
pub(super) fn all(
    written: &Node,
    sections: &Node,
    components: &BTreeMap<String, Component>,
    claims: &Claims,
    sources: &Sources,
) -> Vec<Dependency> {
    let cluster = CLUSTER.map(|(key, upstream)| {
        let version = sections.at(&Path::keys(["cluster", key]));
        (upstream, version)
    });
    let versions = cluster.iter().filter_map(|(_, version)| *version);
    let charts = components
        .values()
        .filter_map(|component| component.chart.as_ref());
    let origins = versions
        .chain(charts.map(|chart| &chart.version))
        .chain(claims.versions.iter().map(|claim| &claim.version))
        .map(|version| &version.origin)
        .chain(claims.images.iter().map(|claim| &claim.origin));
    let mut finder = Finder {
        strings: strings(written, origins),
        sources,
        taken: BTreeSet::new(),
        references: BTreeMap::new(),
        found: Vec::new(),
    };
    for (upstream, version) in cluster {
        if let Some(version) = version {
            finder.version(upstream, version);
        }
    }
    for component in components.values() {
        finder.chart(component);
    }
    for claim in &claims.images {
        finder.image(&claim.image, &claim.origin);
    }
    for claim in &claims.versions {
        let upstream = match &claim.releases {
            Releases::Image(repository) => Upstream::Image(repository.clone()),
            Releases::GitHub(repository) => Upstream::GitHub(repository.clone()),
        };
        finder.version(upstream, &claim.version);
    }
    for component in components.values() {
        let mut path = Path::keys([component.layer.word(), &component.name]);
        if let Some(table) = written.at(&path) {
            finder.untyped(table, &mut path);
        }
    }
    finder.all()
}

/// The strings of `lab.toml` that hold no expression and made any of these origins, by the span of each.
fn strings<'a>(
    written: &'a Node,
    origins: impl Iterator<Item = &'a Origin>,
) -> BTreeMap<Span, (Path, &'a str)> {
    let wanted: BTreeSet<Span> = origins.flat_map(Origin::spans).copied().collect();
    let mut strings = BTreeMap::new();
    written.each_leaf(&mut |path, leaf| {
        if let (Some(text), Some(span)) = (plain(leaf), leaf.origin.first())
            && wanted.contains(&span)
        {
            strings.insert(span, (path.clone(), text));
        }
    });
    strings
}

/// The text of a string without any expression.
fn plain(node: &Node) -> Option<&str> {
    node.as_str().filter(|text| !text.contains("${{"))
}

struct Finder<'a> {
    strings: BTreeMap<Span, (Path, &'a str)>,
    sources: &'a Sources,
    taken: BTreeSet<Path>,
    references: BTreeMap<(Upstream, Place), Origin>,
    found: Vec<Dependency>,
}

impl Finder<'_> {
    /// Where the lab writes just this text, of all that it was made from.
    fn literal(&self, text: &str, origin: &Origin) -> Option<(Span, Path)> {
        origin.spans().iter().find_map(|span| {
            let (path, written) = self.strings.get(span)?;
            (*written == text).then(|| (*span, path.clone()))
        })
    }

    fn version(&mut self, upstream: Upstream, version: &Node) {
        let Some(text) = version.as_str() else { return };
        if let Some((_, path)) = self.literal(text, &version.origin) {
            self.value(upstream, path, text, &version.origin);
        }
    }

    fn value(&mut self, upstream: Upstream, path: Path, version: &str, origin: &Origin) {
        if self.taken.insert(path.clone()) {
            let version = version.to_owned();
            self.found.push(Dependency {
                upstream,
                place: Place::Value { path, version },
                origin: origin.clone(),
            });
        }
    }

    fn chart(&mut self, component: &Component) {
        let Some(chart) = &component.chart else {
            return;
        };
        let text = |node: &Node| node.as_str().unwrap_or_default().to_owned();
        let upstream = Upstream::Chart {
            repository: text(&chart.repository),
            name: text(&chart.name),
        };
        self.version(upstream, &chart.version);
    }

    /// An image whose whole reference the lab writes, or else only its tag.
    fn image(&mut self, image: &Image, origin: &Origin) {
        let upstream = Upstream::Image(image.repository.clone());
        if let Some((span, _)) = self.literal(&image.to_string(), origin) {
            self.reference(image, span, origin);
        } else if image.digest.is_empty()
            && let Some((_, path)) = self.literal(&image.tag, origin)
        {
            self.value(upstream, path, &image.tag, origin);
        }
    }

    fn reference(&mut self, image: &Image, span: Span, origin: &Origin) {
        let place = Place::Reference {
            quote: self.sources.text(span).chars().next().unwrap_or('"'),
            has_tag: !image.tag.is_empty(),
        };
        let key = (Upstream::Image(image.repository.clone()), place);
        let known = self.references.entry(key).or_default();
        *known = known.with(origin);
    }

    /// Images in data of no type, values and patches: what is called `image`, and what has a `repository` and a `tag`.
    fn untyped(&mut self, node: &Node, path: &mut Path) {
        let mut below = |finder: &mut Self, step: Step, node: &Node| {
            path.0.push(step);
            finder.untyped(node, path);
            path.0.pop();
        };
        match &node.value {
            Value::Map(map) => {
                for (key, entry) in map {
                    below(self, Step::Key(key.clone()), &entry.node);
                }
                self.named_image(node);
                self.tagged_image(node, path);
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    below(self, Step::Index(index), item);
                }
            }
            _ => {}
        }
    }

    fn named_image(&mut self, map: &Node) {
        let Some(node) = map.get("image") else { return };
        let (Some(text), Some(span)) = (plain(node), node.origin.first()) else {
            return;
        };
        if let Ok(image) = Image::parse(text)
            && !(image.tag.is_empty() && image.digest.is_empty())
        {
            self.reference(&image, span, &node.origin);
        }
    }

    fn tagged_image(&mut self, map: &Node, path: &Path) {
        let text = |key: &str| map.get(key).and_then(plain).filter(|text| !text.is_empty());
        let (Some(repository), Some(tag)) = (text("repository"), map.get("tag")) else {
            return;
        };
        let repository = match text("registry") {
            Some(registry) => format!("{registry}/{repository}"),
            None => repository.to_owned(),
        };
        let is_tag = |tag: &&str| !tag.is_empty() && !tag.contains(['@', ':', '/']);
        if let Some(version) = plain(tag).filter(is_tag)
            && map.get("digest").is_none()
        {
            let upstream = Upstream::Image(repository);
            self.value(upstream, path.key("tag"), version, &tag.origin);
        }
    }

    fn all(self) -> Vec<Dependency> {
        let references = self.references.into_iter();
        let references = references.map(|((upstream, place), origin)| Dependency {
            upstream,
            place,
            origin,
        });
        self.found.into_iter().chain(references).collect()
    }
}
