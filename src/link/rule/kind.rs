//! Every kind is known and served: Kubernetes' own in this version by the lab's release, others because a component
//! brings their definition.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::link::index::{Index, Place};
use crate::link::read;
use crate::link::reference::{Reference, some};
use crate::link::served;
use crate::render::kinds::is_builtin;
use crate::resolve::Component;
use crate::value::{Node, Path, Value};

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let known = Known::of(index);
    let mut said = BTreeSet::new();
    for place in &index.places {
        let id = &place.resource.id;
        let mut found = Diagnostics::default();
        // A group without a dot is Kubernetes' own, perhaps from times long past.
        if is_builtin(&id.group) || !id.group.contains('.') {
            own(index, *place, &mut found);
        } else {
            custom(index, &known, *place, &mut found);
        }
        let version = &place.resource.version;
        let what = (&place.component.name, &id.group, &id.kind, version);
        if !found.is_empty() && said.insert(what) {
            diagnostics.append(found);
        }
    }
}

/// What brings a kind, and in which versions.
struct Brought<'a> {
    versions: BTreeSet<&'a str>,
    /// Whether labc writes the definition itself, so that all versions are known.
    is_written: bool,
    by: &'a str,
}

/// The kinds that are not Kubernetes' own.
struct Known<'a> {
    kinds: BTreeMap<(&'a str, &'a str), Brought<'a>>,
    /// A component whose chart may bring kinds that nobody declares.
    blind: Option<&'a Component>,
}

impl<'a> Known<'a> {
    fn of(index: &Index<'a>) -> Self {
        let mut kinds: BTreeMap<(&str, &str), Brought<'_>> = BTreeMap::new();
        for component in index.lab.components.values() {
            for kind in &component.kinds {
                let brought = kinds.entry((&kind.group, &kind.kind));
                let brought = brought.or_insert_with(|| Brought {
                    versions: BTreeSet::new(),
                    is_written: false,
                    by: &component.name,
                });
                brought.versions.insert(&kind.version);
            }
        }
        for place in index.of_kind("apiextensions.k8s.io", "CustomResourceDefinition") {
            let text = |path| read::text(place.node(), path);
            if let (Some(group), Some(kind)) = (text("spec.group"), text("spec.names.kind")) {
                let versions = read::every(place.node(), "spec.versions.*").into_iter();
                let served = versions.filter(|version| read::is_true(version, "served"));
                let brought = Brought {
                    versions: served
                        .filter_map(|version| read::text(version, "name"))
                        .collect(),
                    is_written: true,
                    by: &place.component.name,
                };
                kinds.insert((group, kind), brought);
            }
        }
        Known {
            kinds,
            blind: index.brings_unknown_kinds(),
        }
    }
}

/// Where an object says its kind.
fn at<'a>(place: Place<'a>, key: &str) -> Reference<'a> {
    Reference {
        from: place,
        node: place.node().get(key).unwrap_or(place.node()),
    }
}

fn custom(index: &Index<'_>, known: &Known<'_>, place: Place<'_>, diagnostics: &mut Diagnostics) {
    let id = &place.resource.id;
    let (group, kind) = (id.group.as_str(), id.kind.as_str());
    let version = place.resource.version.as_str();
    let Some(brought) = known.kinds.get(&(group, kind)) else {
        if index.is_whole {
            diagnostics.push(unknown(index, known, place));
        }
        return;
    };
    if brought.versions.contains(version) {
        return;
    }
    let versions: Vec<&str> = brought.versions.iter().copied().collect();
    let at = at(place, "apiVersion");
    diagnostics.push(if brought.is_written {
        let message = format!("{kind}.{group} is not served as `{version}`");
        index
            .error(Code::KIND_NOT_SERVED, at, message)
            .note(format!(
                "its definition serves {}",
                some("version", &versions)
            ))
    } else {
        let message = format!("whether {kind}.{group} is served as `{version}` cannot be seen");
        index.note(at, message).note(format!(
            "`{}` declares {}",
            brought.by,
            some("version", &versions)
        ))
    });
}

fn unknown(index: &Index<'_>, known: &Known<'_>, place: Place<'_>) -> Diagnostic {
    let id = &place.resource.id;
    let at = at(place, "kind");
    if let Some(component) = known.blind {
        let message = format!(
            "whether the cluster knows {}.{} cannot be seen",
            id.kind, id.group
        );
        let name = &component.name;
        let note = index.note(at, message).note(format!(
            "the engine renders the chart of `{name}`, and nothing says which kinds it brings"
        ));
        let api = place.resource.api_version();
        return note.help(format!(
            "if it does, say so: `kinds.NAME = {{ kind = \"{api}/{}\" }}` under `[{}.{name}]`",
            id.kind, component.layer
        ));
    }
    let message = format!("no component brings the kind {}.{}", id.kind, id.group);
    let same_group = |(group, kind): &&(&str, &str)| *group == id.group && *kind != id.kind;
    let kinds = known.kinds.keys().filter(same_group).map(|(_, kind)| *kind);
    let same_kind = known.kinds.keys().find(|(_, kind)| *kind == id.kind);
    let other = same_kind.map(|(group, _)| *group).or_else(|| {
        let own = served::groups(&id.kind).next();
        own.map(|(group, _)| group)
    });
    index
        .error(Code::UNKNOWN_KIND, at, message)
        .maybe_help(did_you_mean(&id.kind, kinds))
        .maybe_help(other.map(|group| match group {
            "" => format!(
                "there is a {} of Kubernetes' core: `apiVersion: v1`",
                id.kind
            ),
            group => format!("there is a {} of the group `{group}`", id.kind),
        }))
        .help("add the component that brings it, or its CustomResourceDefinition to the manifests")
}

/// A kind of Kubernetes' own.
fn own(index: &Index<'_>, place: Place<'_>, diagnostics: &mut Diagnostics) {
    let id = &place.resource.id;
    let (group, kind) = (id.group.as_str(), id.kind.as_str());
    let version = place.resource.version.as_str();
    let kubernetes = &index.lab.sections.cluster.kubernetes;
    let minor = u8::try_from(kubernetes.value.minor().minor).unwrap_or(u8::MAX);
    let versions = served::versions(group, kind, minor);
    if versions.contains(&version) {
        if served::is_off_by_default(group, kind, version) {
            switched_off(index, place, minor, diagnostics);
        }
        return;
    }
    // What a release serves that is newer or older than the table cannot be told.
    if !(served::OLDEST..=served::NEWEST).contains(&minor) {
        return;
    }
    let api = place.resource.api_version();
    let ever = served::ever(group, kind);
    if ever.is_empty() && is_builtin(group) {
        let message = format!("Kubernetes has no kind `{kind}` in `{api}`");
        let mut groups = served::groups(kind);
        diagnostics.push(
            index
                .error(Code::UNKNOWN_KIND, at(place, "kind"), message)
                .maybe_help(did_you_mean(kind, served::kinds(group)))
                .maybe_help(
                    groups
                        .next()
                        .map(|(group, version)| is_of(kind, group, version)),
                ),
        );
        return;
    }
    let message = format!(
        "Kubernetes {kubernetes} does not serve {kind} as `{api}`",
        kubernetes = kubernetes.value
    );
    let since = ever.iter().find(|(known, _, _)| *known == version);
    let instead = versions
        .first()
        .map(|best| is_of(kind, group, best))
        .or_else(|| {
            let mut groups = served::groups(kind);
            groups
                .next()
                .map(|(group, version)| is_of(kind, group, version))
        });
    let mut diagnostic = index
        .error(Code::KIND_NOT_SERVED, at(place, "apiVersion"), message)
        .label(kubernetes.span, "the version of this lab");
    if let Some((_, first, last)) = since {
        diagnostic = diagnostic.note(if minor < *first {
            format!("v1.{first} is the first that does")
        } else {
            format!("v1.{last} was the last that did")
        });
    }
    diagnostics.push(diagnostic.maybe_help(instead));
}

fn is_of(kind: &str, group: &str, version: &str) -> String {
    match group {
        "" => format!("{kind} is served as `{version}`"),
        group => format!("{kind} is served as `{group}/{version}`"),
    }
}

/// A version that the API server only serves when it is told to, by `runtime-config` and perhaps a feature gate.
fn switched_off(index: &Index<'_>, place: Place<'_>, minor: u8, diagnostics: &mut Diagnostics) {
    let id = &place.resource.id;
    let api = place.resource.api_version();
    let gate = served::gate(&id.group, &id.kind, minor);
    let is_served = is_told(index, "runtime-config", |entry| serves(entry, &api));
    let is_on =
        gate.is_none_or(|gate| is_told(index, "feature-gates", |entry| opens(entry, gate, &api)));
    if is_served && is_on {
        return;
    }
    let at = at(place, "apiVersion");
    let mut arguments = vec![format!("runtime-config = \"{api}=true\"")];
    arguments.extend(gate.map(|gate| format!("feature-gates = \"{gate}=true\"")));
    let help = format!(
        "tell it under `[talos]`: `api_server.args = {{ {} }}`",
        arguments.join(", ")
    );
    let has_patches = !index.lab.sections.talos.patches.is_empty()
        || index
            .lab
            .sections
            .machines
            .values()
            .any(|machine| !machine.patches.is_empty());
    let what = match gate.filter(|_| is_served) {
        Some(gate) => format!("{} without its feature gate `{gate}`", id.kind),
        None => format!("`{api}` unless it is told to"),
    };
    diagnostics.push(if has_patches {
        let message = format!("whether the API server is told to serve `{api}` cannot be seen");
        index
            .note(at, message)
            .note("a patch of the nodes may say so")
            .help(help)
    } else {
        let message = format!("the API server does not serve {what}");
        index.error(Code::KIND_NOT_SERVED, at, message).help(help)
    });
}

/// Whether an entry of `runtime-config` has a version served.
fn serves(entry: &str, api: &str) -> bool {
    let word = if api.contains("alpha") {
        "api/alpha"
    } else {
        "api/beta"
    };
    let (name, value) = entry.split_once('=').unwrap_or((entry, "true"));
    value == "true" && [api, word, "api/all"].contains(&name)
}

/// Whether an entry of `feature-gates` opens a gate, which is as far as the version that it is for.
fn opens(entry: &str, gate: &str, api: &str) -> bool {
    let all = if api.contains("alpha") {
        "AllAlpha"
    } else {
        "AllBeta"
    };
    let opened = entry.strip_suffix("=true");
    opened.is_some_and(|opened| opened == gate || opened == all)
}

/// Whether a component or the lab gives the API server an argument with an entry that fits.
fn is_told(index: &Index<'_>, argument: &str, fits: impl Fn(&str) -> bool) -> bool {
    let path = Path::keys(["api_server", "args", argument]);
    let own = index.lab.sections.talos.words.iter();
    let words = own.chain(index.lab.needs.iter().map(|need| &need.words));
    let says = |text: &str| text.split(',').any(|entry| fits(entry.trim()));
    let in_node = |node: &Node| match &node.value {
        Value::List(items) => items.iter().filter_map(Node::as_str).any(says),
        _ => node.as_str().is_some_and(says),
    };
    words.filter_map(|words| words.at(&path)).any(in_node)
}
