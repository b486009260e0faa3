//! What a chart keeps goes: claims that its values ask for, and CRDs that it makes.
//!
//! Knows values and no rendered chart: what it makes without being asked is not seen.

use crate::diag::{Code, Severity};
use crate::diff::danger::fate::{self, Fate};
use crate::diff::danger::object::{self, Object, is_true, text};
use crate::diff::danger::values::PERSISTENCE;
use crate::diff::danger::{Context, Danger, quoted};
use crate::diff::{Change, Content, Kind, Subject, What};
use crate::parse::lab::Layer;
use crate::value::{Node, Value};

/// A chart that makes claims goes, or is told to make them no more.
pub(super) fn by_values(
    context: &Context<'_>,
    (place, change): (usize, &Change),
) -> Option<Danger> {
    let is_release = match &change.subject {
        Subject::Values(_) => false,
        Subject::Resource(id) if id.kind == "HelmRelease" => true,
        _ => return None,
    };
    let component = change.component.as_deref()?;
    if change.kind == Kind::Removed && !context.stays(Some(component)) {
        let values = change.before.as_ref().and_then(Content::data)?;
        let values = if is_release {
            object::at(Some(values), &["spec", "values"])?
        } else {
            values
        };
        let is_deleted = is_deleted(context, (place, change));
        return (is_deleted && makes_claims(values))
            .then(|| chart_goes((place, change), component));
    }
    let off = change.fields.iter().find(|field| {
        let off = Value::Bool(false);
        let is_off = matches!(&field.what, What::Changed(_, after) if after.value == off);
        let mut keys: Vec<&str> = field.path.keys().collect();
        let last = keys.pop();
        is_off && last == Some("enabled") && keys.iter().any(|key| PERSISTENCE.contains(key))
    })?;
    let message = format!(
        "the chart of `{component}` makes no claim any more: `{}` is false",
        off.path
    );
    let danger = Danger::new(Severity::Error, Code::DATA_GOES, (place, change), message);
    Some(
        danger
            .note("the claim that it made goes with its volume, unless the chart keeps it")
            .help("back it up first, or name the claim as the chart's existing one"),
    )
}

/// Whether the release of a chart is deleted with the removal of its values.
fn is_deleted(context: &Context<'_>, (place, change): (usize, &Change)) -> bool {
    if let Some(release) = Object::new((place, change)) {
        return fate::of(context, &release) == Fate::Deleted;
    }
    let component = change.component.as_deref();
    let mut objects = context.objects();
    objects.any(|object| {
        let is_app = object.is("argoproj.io", "Application");
        is_app && object.is_removed() && object.component() == component && fate::cascades(&object)
    })
}

fn makes_claims(values: &Node) -> bool {
    let Some(map) = values.as_map() else {
        return false;
    };
    map.iter().any(|(key, entry)| {
        let node = Some(&entry.node);
        let is_on = is_true(node, &["enabled"]);
        let has_own = text(node, &["existingClaim"]).is_none_or(str::is_empty);
        (PERSISTENCE.contains(&key.as_str()) && is_on && has_own) || makes_claims(&entry.node)
    })
}

fn chart_goes(change: (usize, &Change), component: &str) -> Danger {
    let message = format!("`{component}` goes, and with it the claims that its chart makes");
    Danger::new(Severity::Error, Code::DATA_GOES, change, message)
        .note("its values turn persistence on; claims of a chart have no protection by labc")
        .help("back up what is still needed before this is merged")
}

/// Flux uninstalls the release of an app that goes, and with it the CRDs that are among the chart's templates; Argo CD
/// leaves every CRD behind.
pub(super) fn crds(context: &Context<'_>) -> Vec<Danger> {
    let Some(base) = context.base.filter(|_| context.is_flux()) else {
        return Vec::new();
    };
    let tell = |component: &crate::resolve::Component| {
        let goes = !context.stays(Some(&component.name));
        let own = component
            .kinds
            .iter()
            .filter(|kind| kind.crd.is_none() && !kind.at_runtime);
        let kinds: Vec<&str> = own.map(|kind| kind.kind.as_str()).collect();
        if component.layer != Layer::Apps || !goes || kinds.is_empty() {
            return None;
        }
        let is_release = |object: &Object<'_>| {
            object.id.kind == "HelmRelease" && object.component() == Some(&component.name)
        };
        let release = context.objects().find(is_release)?;
        let message = format!(
            "`{}` goes, and the CRDs that its chart makes may go with it",
            component.name
        );
        let danger = Danger::new(Severity::Warning, Code::DATA_GOES, release.at(), message);
        Some(
            danger
                .note(format!("where a CRD goes, every object of its kind does: {}", quoted(kinds)))
                .help("see that nobody has such objects any more; a chart that says `keep` leaves its CRDs behind"),
        )
    };
    base.lab.components.values().filter_map(tell).collect()
}
