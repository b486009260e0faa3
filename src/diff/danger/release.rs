//! The versions of what runs in the cluster: charts and images that go back, go too far at once, or do not read the data
//! of the version before.

use super::object::{Object, at, items, text};
use super::{Context, Danger};
use crate::diag::{Code, Severity};
use crate::diff::{Change, Subject};
use crate::parse::domain::{Image, Version};
use crate::resolve::Component;
use crate::value::Node;

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    if let Some(base) = context.base {
        for before in base.lab.components.values() {
            let after = context.target.lab.components.get(&before.name);
            found.extend(after.and_then(|after| chart(context, before, after)));
        }
    }
    for object in context.objects() {
        found.extend(images(&object));
        found.extend(database(&object));
    }
}

/// Charts whose software goes up one minor at a time, and how grave it is where one does not. Sources: longhorn.io,
/// `deploy/upgrade`; rook.io, `Upgrade/rook-upgrade`; docs.cilium.io, `operations/upgrade`; cert-manager.io,
/// `installation/upgrade`.
const STEPWISE: [(&str, Severity); 5] = [
    ("longhorn", Severity::Error),
    ("rook-ceph", Severity::Error),
    ("rook-ceph-cluster", Severity::Error),
    ("cilium", Severity::Warning),
    ("cert-manager", Severity::Warning),
];

fn chart(context: &Context<'_>, before: &Component, after: &Component) -> Option<Danger> {
    let chart = |component: &Component| {
        let chart = component.chart.as_ref()?;
        let version = Version::parse(chart.version.as_str()?).ok()?;
        Some((chart.name.as_str()?.to_owned(), version))
    };
    let ((name, old), (new_name, new)) = (chart(before)?, chart(after)?);
    if name != new_name || old.semver == new.semver {
        return None;
    }
    let component = &after.name;
    let brings = !after.kinds.is_empty();
    let stepwise = STEPWISE.iter().find(|(chart, _)| *chart == name);
    let (from, to) = (old.minor(), new.minor());
    let tell = |severity, message| change_of(context, component, severity, message);
    if new.semver < old.semver {
        if from == to {
            return None;
        }
        let grave = stepwise.map(|(_, severity)| *severity);
        let grave = grave.or(brings.then_some(Severity::Warning));
        let severity = grave.unwrap_or(Severity::Note);
        let danger = tell(
            severity,
            format!("`{component}` goes back from {old} to {new}"),
        )?;
        return Some(if grave.is_some() {
            danger
                .note("what the newer version has written, in its objects or on its disks, an older one may not read")
                .help("go forward, or restore a backup of that time beside it")
        } else {
            danger.note("an older chart may not know the values of the newer one")
        });
    }
    if let Some((_, severity)) = stepwise
        && (to.major > from.major || to.minor > from.minor + 1)
    {
        let message = format!("`{component}` goes from {old} to {new}, past a minor version");
        return Some(
            tell(*severity, message)?
                .note("upgrades are made and tested from one minor to the next, each with its own migrations")
                .help(format!(
                    "first the newest v{}.{}",
                    from.major,
                    from.minor + 1
                )),
        );
    }
    if to.major == from.major {
        return None;
    }
    let severity = if brings {
        Severity::Warning
    } else {
        Severity::Note
    };
    let danger = tell(
        severity,
        format!("`{component}` goes to another major version: {old} -> {new}"),
    )?;
    let why = if brings {
        "its chart brings CRDs, whose objects may have to be migrated"
    } else {
        "values of the old chart may mean nothing to the new one"
    };
    Some(danger.note(why).help("read its notes on upgrading"))
}

/// A danger about the version of a component: the object that asks for its chart.
fn change_of(
    context: &Context<'_>,
    component: &str,
    severity: Severity,
    message: String,
) -> Option<Danger> {
    let kinds = ["Application", "HelmRelease", "OCIRepository"];
    let mut changes = context.changes();
    let change = changes.find(|(_, change)| {
        let is_kind =
            matches!(&change.subject, Subject::Resource(id) if kinds.contains(&id.kind.as_str()));
        let is_version = change.fields.iter().any(|field| {
            ["targetRevision", "version", "tag"]
                .contains(&field.path.keys().last().unwrap_or_default())
        });
        is_kind && is_version && change.component.as_deref() == Some(component)
    })?;
    Some(Danger::new(severity, Code::VERSION_STEP, change, message))
}

/// Databases by the last part of their image's name: what they do with the data of another major version.
const DATABASES: [(&str, Reads); 9] = [
    ("postgres", Reads::Own),
    ("postgresql", Reads::Own),
    ("timescaledb", Reads::Own),
    ("mariadb", Reads::Older),
    ("mysql", Reads::Older),
    ("mongo", Reads::Older),
    ("mongodb", Reads::Older),
    ("elasticsearch", Reads::Older),
    ("opensearch", Reads::Older),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    /// Only what their own major version wrote.
    Own,
    /// Also what the major version before wrote, which they change for good.
    Older,
}

/// Images of pods that keep data, by their containers.
fn images(object: &Object<'_>) -> Option<Danger> {
    let (before, after) = object.both()?;
    let template = ["spec", "template", "spec"];
    let (old, new) = (at(Some(before), &template)?, at(Some(after), &template)?);
    let claims = |node: &Node, pod: &Node| {
        let is_claim = |volume: &Node| volume.get("persistentVolumeClaim").is_some();
        !items(Some(node), &["spec", "volumeClaimTemplates"]).is_empty()
            || items(Some(pod), &["volumes"]).iter().any(is_claim)
    };
    if !claims(after, new) {
        return None;
    }
    let containers = |pod| items(Some(pod), &["containers"]);
    containers(new).iter().find_map(|container| {
        let name = text(Some(container), &["name"]);
        let same = |other: &&Node| text(Some(other), &["name"]) == name;
        let other = containers(old).iter().find(same)?;
        let image = |node| Image::parse(text(Some(node), &["image"])?).ok();
        let name = object.id.to_string();
        step(object.at(), &name, &image(other)?, &image(container)?)
    })
}

/// The image of a cluster that CloudNativePG runs.
fn database(object: &Object<'_>) -> Option<Danger> {
    let (before, after) = object.both()?;
    if !object.is("postgresql.cnpg.io", "Cluster") {
        return None;
    }
    let image = |node| Image::parse(text(Some(node), &["spec", "imageName"])?).ok();
    let (old, new) = (image(before)?, image(after)?);
    let (from, to) = (number(&old.tag)?, number(&new.tag)?);
    if from[0] == to[0] {
        return None;
    }
    let message = format!(
        "`{}` goes from PostgreSQL {} to {}",
        object.id, from[0], to[0]
    );
    let is_back = to[0] < from[0];
    let severity = if is_back {
        Severity::Error
    } else {
        Severity::Warning
    };
    let danger = Danger::new(severity, Code::VERSION_STEP, object.at(), message);
    Some(if is_back {
        danger
            .note("no PostgreSQL reads the data of a newer one")
            .help("go forward, or restore a dump into a new cluster")
    } else {
        danger
            .note("the operator stops the cluster and runs `pg_upgrade` (from 1.26 on; an older operator refuses)")
            .help("back it up first, and see that every extension is in the new image")
    })
}

/// What an image that keeps data does to it where another one stands in its place.
pub(super) fn step(
    change: (usize, &Change),
    object: &str,
    old: &Image,
    new: &Image,
) -> Option<Danger> {
    let (from, to) = (number(&old.tag)?, number(&new.tag)?);
    if old.repository != new.repository || from == to {
        return None;
    }
    let name = last_part(new);
    let reads = DATABASES.iter().find(|(database, _)| *database == name);
    let is_back = to < from;
    let is_major = from[0] != to[0];
    let (severity, why, help) = match reads {
        Some((_, Reads::Own)) if is_major => (
            Severity::Error,
            "it does not start on the data of another major version",
            "dump the database, give the new one an empty claim, and restore the dump into it",
        ),
        Some((_, Reads::Older)) if is_major && is_back => (
            Severity::Error,
            "it does not start on the data of a newer major version",
            "go forward, or restore a dump of that time into an empty claim",
        ),
        Some((_, Reads::Older)) if is_major => (
            Severity::Warning,
            "it changes its data at its first start, and the old version does not read that any more",
            "back it up first; go up one major version at a time",
        ),
        None if is_back && from[..2] != to[..2] => (
            Severity::Warning,
            "what the newer version has written to its claims an older one may not read",
            "restore a backup of that time with it",
        ),
        _ => return None,
    };
    let verb = if is_back { "goes back" } else { "goes" };
    let message = format!(
        "`{object}` {verb} from `{name}:{}` to `{name}:{}`",
        old.tag, new.tag
    );
    let danger = Danger::new(severity, Code::VERSION_STEP, change, message);
    Some(danger.note(why).help(help))
}

fn last_part(image: &Image) -> &str {
    image.repository.rsplit('/').next().unwrap_or_default()
}

/// Whether an image is that of a database whose data its major versions write in ways of their own.
pub(super) fn is_database(image: &Image) -> bool {
    let name = last_part(image);
    DATABASES.iter().any(|(database, _)| *database == name)
}

/// The three numbers that a tag begins with, a missing one 0.
fn number(tag: &str) -> Option<[u64; 3]> {
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let end = tag.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let numbers = &tag[..end.unwrap_or(tag.len())];
    let mut found = [0; 3];
    for (place, part) in numbers.split('.').take(3).enumerate() {
        match part.parse() {
            Ok(number) => found[place] = number,
            Err(_) if place == 0 => return None,
            Err(_) => break,
        }
    }
    Some(found)
}
