//! Images in the values of charts: a chart that stays may be told to run a database of another major version, or an app
//! that is older than what it keeps.
//!
//! Knows values and no rendered chart: an image is a map with a repository and a tag, a text under `image`, or the tag
//! alone of the chart's own `image`; what the chart runs where its values say nothing is not seen.

use super::object::{at, is_true, items, text};
use super::release::{is_database, step};
use super::{Context, Danger};
use crate::diff::{Change, Content, Subject};
use crate::parse::domain::Image;
use crate::template::convert;
use crate::value::{Node, Value};

/// Tables of a chart's values that say whether it makes a claim, or where it keeps its data.
pub(super) const PERSISTENCE: [&str; 4] = [
    "persistence",
    "persistentVolume",
    "persistentVolumeClaim",
    "volumeClaim",
];

/// What a table of persistence may be of without keeping anything.
const FLEETING: [&str; 4] = ["configMap", "custom", "emptyDir", "secret"];

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    for (place, change) in context.changes() {
        let data = |content: &'_ Option<Content>| content.as_ref().and_then(Content::data).cloned();
        let (Some(before), Some(after)) = (data(&change.before), data(&change.after)) else {
            continue;
        };
        for (old, new) in values(change, &before)
            .into_iter()
            .zip(values(change, &after))
        {
            let release = Release {
                chart: chart(context, change),
                keeps: keeps(new),
                at: (place, change),
            };
            found.extend(release.own(old, new));
            release.walk(old, new, found);
        }
    }
}

/// The values that an object gives to charts: a file of values, a HelmRelease, an Application.
fn values<'n>(change: &Change, node: &'n Node) -> Vec<&'n Node> {
    let id = match &change.subject {
        Subject::Values(_) => return vec![node],
        Subject::Resource(id) => id,
        _ => return Vec::new(),
    };
    match (id.group.as_str(), id.kind.as_str()) {
        ("helm.toolkit.fluxcd.io", "HelmRelease") => {
            at(Some(node), &["spec", "values"]).into_iter().collect()
        }
        ("argoproj.io", "Application") => {
            let own = at(Some(node), &["spec", "source"]);
            let sources = own
                .into_iter()
                .chain(items(Some(node), &["spec", "sources"]));
            sources
                .filter_map(|source| at(Some(source), &["helm", "valuesObject"]))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The name of a component's chart.
fn chart(context: &Context<'_>, change: &Change) -> Option<String> {
    let component = context
        .target
        .lab
        .components
        .get(change.component.as_deref()?)?;
    let chart = component.chart.as_ref()?;
    chart.name.as_str().map(str::to_owned)
}

/// Whether values say that the chart keeps data; none where they say nothing of it.
fn keeps(values: &Node) -> Option<bool> {
    let map = values.as_map()?;
    let said = map.iter().filter_map(|(key, entry)| {
        if PERSISTENCE.contains(&key.as_str()) {
            is_kept(&entry.node).or_else(|| keeps(&entry.node))
        } else {
            keeps(&entry.node)
        }
    });
    said.reduce(|one, other| one || other)
}

fn is_kept(table: &Node) -> Option<bool> {
    let node = Some(table);
    if text(node, &["type"]).is_some_and(|kind| FLEETING.contains(&kind)) {
        return Some(false);
    }
    let has_claim = text(node, &["existingClaim"]).is_some_and(|claim| !claim.is_empty());
    if has_claim || is_true(node, &["enabled"]) {
        return Some(true);
    }
    let is_off = at(node, &["enabled"]).is_some_and(|node| node.value == Value::Bool(false));
    if is_off {
        return Some(false);
    }
    let parts = table.as_map()?.iter();
    let said = parts.filter_map(|(_, entry)| is_kept(&entry.node));
    said.reduce(|one, other| one || other)
}

/// The values of one release of a chart.
struct Release<'a> {
    chart: Option<String>,
    keeps: Option<bool>,
    at: (usize, &'a Change),
}

impl Release<'_> {
    /// Tells of each image that stands at the same place on both sides.
    fn walk(&self, before: &Node, after: &Node, found: &mut Vec<Danger>) {
        let (Some(old), Some(new)) = (before.as_map(), after.as_map()) else {
            return;
        };
        if let (Some(old), Some(new)) = (of_table(before), of_table(after)) {
            found.extend(self.tell(&old, &new));
        }
        for (key, entry) in new {
            let Some(other) = old.get(key) else { continue };
            if key == "image"
                && let (Some(old), Some(new)) = (other.node.as_str(), entry.node.as_str())
                && let (Ok(old), Ok(new)) = (Image::parse(old), Image::parse(new))
            {
                found.extend(self.tell(&old, &new));
            }
            self.walk(&other.node, &entry.node, found);
        }
    }

    /// Tells of the chart's own image, where its values give no more of it than a tag.
    fn own(&self, before: &Node, after: &Node) -> Option<Danger> {
        let chart = self.chart.as_deref()?;
        let image = |values| {
            let table = at(Some(values), &["image"])?;
            let is_own = text(Some(table), &["repository"]).is_none();
            is_own.then(|| of_parts(chart, table)).flatten()
        };
        self.tell(&image(before)?, &image(after)?)
    }

    fn tell(&self, old: &Image, new: &Image) -> Option<Danger> {
        let keeps = match is_database(new) {
            true => self.keeps != Some(false),
            false => self.keeps == Some(true),
        };
        let name = match &self.at.1.subject {
            Subject::Values(component) => component.clone(),
            object => object.to_string(),
        };
        keeps.then(|| step(self.at, &name, old, new)).flatten()
    }
}

/// The image that a table with a repository and a tag is.
fn of_table(table: &Node) -> Option<Image> {
    of_parts(text(Some(table), &["repository"])?, table)
}

fn of_parts(repository: &str, table: &Node) -> Option<Image> {
    let tag = convert::text(at(Some(table), &["tag"])?)?;
    Image::parse(&format!("{repository}:{tag}")).ok()
}
