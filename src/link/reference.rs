//! A reference from one object to another: whether it leads somewhere, and what is said where it does not.
//!
//! There are three answers. What labc writes or a component declares is there. What a chart may make without saying so
//! cannot be seen: that is a note, because the engine renders charts. What nothing can make is an error.

use super::index::{Index, Place};
use super::own;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::table::list;
use crate::resolve::Component;
use crate::value::Node;

/// One reference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference<'a> {
    /// The object that refers.
    pub from: Place<'a>,
    /// The value that names the other.
    pub node: &'a Node,
}

/// An object that somebody wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'w> {
    pub group: &'w str,
    pub kind: &'w str,
    /// None for one of the whole cluster.
    pub namespace: Option<&'w str>,
    pub name: &'w str,
}

/// What is known of a wanted object.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// labc writes it.
    Here(Place<'a>),
    /// Something else is said to make it, or nobody can tell because of another mistake.
    Said,
    /// This may make it.
    Unseen(Unseen<'a>),
    /// Nothing can make it.
    Nowhere,
}

/// What cannot be looked into.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unseen<'a> {
    /// The chart of a component.
    Chart(&'a Component),
    /// The controller of a custom resource.
    Controller(Place<'a>),
    /// The cluster itself.
    Cluster,
}

impl Wanted<'_> {
    /// As a message says it: "StorageClass `fast`", "Service `web` in namespace `media`".
    fn to_text(self) -> String {
        let (kind, name) = (self.kind, self.name);
        match self.namespace {
            Some(namespace) => format!("{kind} `{name}` in namespace `{namespace}`"),
            None => format!("{kind} `{name}`"),
        }
    }
}

impl<'a> Index<'a> {
    /// Looks for an object.
    pub(super) fn find(&self, wanted: Wanted<'_>) -> Found<'a> {
        let Wanted {
            group,
            kind,
            namespace,
            name,
        } = wanted;
        let key = (group, kind, namespace, name);
        if let Some(place) = self.object(key) {
            return Found::Here(place);
        }
        if self.is_said(key) || !self.is_whole {
            return Found::Said;
        }
        if let Some(component) = self.blind(group, kind, namespace) {
            return Found::Unseen(Unseen::Chart(component));
        }
        if own::may_have_more(namespace) {
            return Found::Unseen(Unseen::Cluster);
        }
        let maker = namespace.and_then(|namespace| self.operated(namespace, name));
        match maker {
            Some(maker) => Found::Unseen(Unseen::Controller(maker)),
            None => Found::Nowhere,
        }
    }

    /// Follows a reference to an object that labc writes; says so where it leads nowhere, or cannot be followed.
    pub(super) fn follow(
        &self,
        reference: Reference<'a>,
        wanted: Wanted<'_>,
        code: Code,
        diagnostics: &mut Diagnostics,
    ) -> Option<Place<'a>> {
        self.follow_with(reference, wanted, code, None, diagnostics)
    }

    /// The same with more help for one that leads nowhere.
    pub(super) fn follow_with(
        &self,
        reference: Reference<'a>,
        wanted: Wanted<'_>,
        code: Code,
        help: Option<String>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Place<'a>> {
        match self.find(wanted) {
            Found::Here(place) => return Some(place),
            Found::Said => {}
            Found::Unseen(unseen) => diagnostics.push(self.not_checked(reference, wanted, unseen)),
            Found::Nowhere => {
                if self.namespace_is_there(reference, wanted.namespace, diagnostics) {
                    let nowhere = self.nowhere(reference, wanted, code);
                    diagnostics.push(nowhere.maybe_help(help));
                }
            }
        }
        None
    }

    /// Whether a namespace that somebody refers to is one of the lab's; reported if not.
    pub(super) fn namespace_is_there(
        &self,
        reference: Reference<'a>,
        namespace: Option<&str>,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        let Some(namespace) = namespace else {
            return true;
        };
        if self.namespaces.contains(namespace) || !self.is_whole {
            return true;
        }
        // A resource in a namespace that is not there says so itself.
        if reference.from.namespace() != namespace {
            diagnostics.push(self.unknown_namespace(reference, namespace));
        }
        false
    }

    /// A namespace that no component has.
    pub(super) fn unknown_namespace(
        &self,
        reference: Reference<'_>,
        namespace: &str,
    ) -> Diagnostic {
        let message = format!("there is no namespace `{namespace}`");
        let near = did_you_mean(namespace, self.namespaces.iter().copied());
        self.error(Code::UNKNOWN_NAMESPACE, reference, message)
            .note("the namespaces of a lab are those of its components, and those under `[namespaces]`")
            .maybe_help(near)
            .help(format!("add `[namespaces.{namespace}]` if it shall be there"))
    }

    fn nowhere(&self, reference: Reference<'_>, wanted: Wanted<'_>, code: Code) -> Diagnostic {
        let names = self.names(wanted.group, wanted.kind, wanted.namespace);
        let message = format!("there is no {}", wanted.to_text());
        let diagnostic = self
            .error(code, reference, message)
            .maybe_help(did_you_mean(wanted.name, names.iter().copied()));
        let owner = match wanted.namespace {
            Some(namespace) => format!("namespace `{namespace}`"),
            None => "the lab".to_owned(),
        };
        diagnostic.note(format!("{owner} has {}", some(wanted.kind, &names)))
    }

    /// The note about a reference that cannot be followed.
    pub(super) fn not_checked(
        &self,
        reference: Reference<'_>,
        wanted: Wanted<'_>,
        unseen: Unseen<'_>,
    ) -> Diagnostic {
        let message = format!("whether there is a {} cannot be seen", wanted.to_text());
        let note = self.note(reference, message).note(why(unseen, wanted.kind));
        match unseen {
            Unseen::Chart(component) => note.help(how_to_say(component, wanted)),
            _ => note,
        }
    }

    /// An error at a reference.
    pub(super) fn error(
        &self,
        code: Code,
        reference: Reference<'_>,
        message: String,
    ) -> Diagnostic {
        let span = self.span(reference.from, reference.node);
        Diagnostic::error(code, span, message).here(by(reference))
    }

    /// A note about a reference that cannot be checked.
    pub(super) fn note(&self, reference: Reference<'_>, message: String) -> Diagnostic {
        let span = self.span(reference.from, reference.node);
        Diagnostic::note_at(Code::NOT_CHECKED, span, message).here(by(reference))
    }
}

/// "of Deployment media/jellyfin".
fn by(reference: Reference<'_>) -> String {
    format!("in {}", reference.from.resource.id)
}

/// Why an object cannot be seen.
pub(super) fn why(unseen: Unseen<'_>, kind: &str) -> String {
    match unseen {
        Unseen::Chart(component) => format!(
            "the engine renders the chart of `{}`, and nothing says which {} it makes",
            component.name,
            plural(kind)
        ),
        Unseen::Controller(place) => format!("the controller of {} may make it", place.resource.id),
        Unseen::Cluster => "Kubernetes and Talos keep objects of their own there".to_owned(),
    }
}

/// How to declare what a chart makes.
fn how_to_say(component: &Component, wanted: Wanted<'_>) -> String {
    let has = |input: &str| component.module.inputs.contains_key(input);
    let (layer, name, module) = (component.layer, &component.name, &component.module.name);
    if wanted.kind == "Service" && wanted.group.is_empty() {
        let wanted = wanted.name;
        if has("services") {
            return format!(
                "if it does, say so: `services.NAME = {{ service = \"{wanted}\", port = ... }}` under `[{layer}.{name}]`"
            );
        }
        return format!("if it does, module `{module}` may declare it in `[services]`");
    }
    format!("if it does, module `{module}` may declare it in `[[creates]]`")
}

/// "no keys", "the key `a`", "the keys `a` and `b`", "the keys `a`, `b`, `c`, `d`, `e` and 4 more".
pub(super) fn some(noun: &str, names: &[&str]) -> String {
    const SHOWN: usize = 5;
    match names {
        [] => format!("no {}", plural(noun)),
        [only] => format!("the {noun} `{only}`"),
        names if names.len() <= SHOWN + 1 => format!("the {} {}", plural(noun), list(names)),
        names => {
            let shown: Vec<String> = names[..SHOWN]
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            let more = names.len() - SHOWN;
            format!("the {} {} and {more} more", plural(noun), shown.join(", "))
        }
    }
}

/// The plural of a noun: Ingresses, StorageClasses, NetworkPolicies, Services, keys.
fn plural(kind: &str) -> String {
    if kind.ends_with('s') {
        return format!("{kind}es");
    }
    match kind.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{kind}s"),
    }
}
