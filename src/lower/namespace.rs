//! Every Namespace of the lab, once, with the pod security that its components need.

use std::collections::BTreeMap;

use super::OutFile;
use super::tree::{OUT, leaf, map, map_of};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::Linked;
use crate::resolve::lab::{NamespaceRules, PodSecurity};
use crate::resolve::{Component, Lab};
use crate::source::Origin;
use crate::value::Node;

/// Namespaces that every cluster has.
const BUILT_IN: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// The level that Talos enforces where nothing else is said. Source: Talos, `pkg/machinery/config/generate/init.go`.
const DEFAULT: PodSecurity = PodSecurity::Baseline;

/// The namespace that Talos holds to no level. Source: as above.
const EXEMPT: &str = "kube-system";

/// One Namespace.
struct Namespace<'a> {
    origin: Origin,
    components: Vec<&'a Component>,
    rules: Option<&'a NamespaceRules>,
}

/// A file for every Namespace that the lab needs and Kubernetes does not make itself, or makes with less than its pods
/// need.
///
/// `keep` makes one outlive its last component, in the engine's words.
pub(super) fn files(
    lab: &Lab,
    linked: &Linked,
    keep: fn(&mut Node),
    diagnostics: &mut Diagnostics,
) -> Vec<OutFile> {
    let mut files = Vec::new();
    for (name, namespace) in collect(lab, linked) {
        let level = level(&name, &namespace, diagnostics);
        let is_built_in = BUILT_IN.contains(&name.as_str());
        let is_raised = level.as_ref().is_some_and(|(level, _)| *level > DEFAULT);
        if is_built_in && namespace.rules.is_none() && (!is_raised || name == EXEMPT) {
            continue;
        }
        let mut node = object(&name, &namespace, level);
        if is_built_in || namespace.rules.is_none_or(|rules| rules.keep) {
            keep(&mut node);
        }
        let path = format!("{OUT}/infrastructure/namespaces/manifests/namespace-{name}.yaml");
        files.push(OutFile::yaml(path, node));
    }
    files
}

fn collect<'a>(lab: &'a Lab, linked: &Linked) -> BTreeMap<String, Namespace<'a>> {
    let mut namespaces: BTreeMap<String, Namespace<'a>> = BTreeMap::new();
    let mut add = |name: &str, origin: &dyn Fn() -> Origin| {
        if namespaces.contains_key(name) {
            return;
        }
        let namespace = Namespace {
            origin: origin(),
            components: Vec::new(),
            rules: lab.sections.namespaces.get(name),
        };
        namespaces.insert(name.to_owned(), namespace);
    };
    for component in lab.components.values() {
        add(component.namespace(), &|| {
            component.namespace.origin.clone()
        });
    }
    for resource in linked.units.iter().flat_map(|unit| &unit.resources) {
        if let Some(namespace) = &resource.id.namespace {
            add(namespace, &|| Origin::from_spans(resource.span()));
        }
    }
    for (name, rules) in &lab.sections.namespaces {
        add(name, &|| Origin::at(rules.span));
    }
    for secret in &linked.secrets {
        add(&secret.namespace, &|| Origin::at(secret.span));
    }
    for component in lab.components.values() {
        if let Some(namespace) = namespaces.get_mut(component.namespace()) {
            namespace.components.push(component);
        }
    }
    namespaces
}

/// The pod security of a namespace, and what asked for it; none where Talos' own default will do.
fn level(
    name: &str,
    namespace: &Namespace<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<(PodSecurity, Origin)> {
    let needs = namespace.components.iter().filter_map(|component| {
        let (level, node) = component.pod_security.as_ref()?;
        Some((*level, *component, node))
    });
    let most = needs.max_by_key(|(level, ..)| *level);
    let explicit = namespace
        .rules
        .and_then(|rules| rules.pod_security.as_ref());
    if let Some(explicit) = explicit {
        if let Some((needed, component, node)) = most
            && explicit.value < needed
        {
            let message = format!(
                "namespace `{name}` is `{}`, but `{}` needs `{}`",
                explicit.value.word(),
                component.name,
                needed.word()
            );
            diagnostics.push(
                Diagnostic::error(Code::POD_SECURITY, explicit.span, message)
                    .label(node.origin.first(), "asked for here")
                    .help(format!(
                        "say `pod_security = \"{}\"`, or leave the line out",
                        needed.word()
                    )),
            );
        }
        return Some((explicit.value, Origin::at(explicit.span)));
    }
    let (needed, component, node) = most?;
    if needed > DEFAULT
        && name != EXEMPT
        && let Some(note) = also_for(name, namespace, needed, component)
    {
        diagnostics.push(note);
    }
    Some((needed, node.origin.with(&Origin::at(component.span))))
}

/// The note that a namespace allows more than some of its components asked for.
fn also_for(
    name: &str,
    namespace: &Namespace<'_>,
    level: PodSecurity,
    because: &Component,
) -> Option<Diagnostic> {
    let asks_less = |component: &&&Component| {
        let own = component.pod_security.as_ref();
        own.is_none_or(|(own, _)| *own < level)
    };
    let others = namespace.components.iter().filter(asks_less);
    let others: Vec<String> = others.map(|other| format!("`{}`", other.name)).collect();
    if others.is_empty() {
        return None;
    }
    let message = format!(
        "namespace `{name}` is `{}` because of `{}`, and so it is for {}",
        level.word(),
        because.name,
        others.join(", ")
    );
    Some(Diagnostic::note_at(
        Code::POD_SECURITY,
        because.span,
        message,
    ))
}

fn object(name: &str, namespace: &Namespace<'_>, level: Option<(PodSecurity, Origin)>) -> Node {
    let mut labels = Vec::new();
    if let Some((level, origin)) = level {
        for mode in ["enforce", "audit", "warn"] {
            let key = format!("pod-security.kubernetes.io/{mode}");
            labels.push((key, leaf(level.word(), &origin)));
        }
    }
    let mut annotations = Vec::new();
    if let Some(rules) = namespace.rules {
        let own = |(key, value): (&String, &crate::source::Spanned<String>)| {
            (
                key.clone(),
                leaf(value.value.as_str(), &Origin::at(value.span)),
            )
        };
        labels.extend(rules.labels.iter().map(own));
        annotations.extend(rules.annotations.iter().map(own));
    }
    let mut metadata = vec![("name".to_owned(), leaf(name, &namespace.origin))];
    if !labels.is_empty() {
        metadata.push(("labels".to_owned(), map_of(labels)));
    }
    if !annotations.is_empty() {
        metadata.push(("annotations".to_owned(), map_of(annotations)));
    }
    map([
        ("apiVersion", leaf("v1", &namespace.origin)),
        ("kind", leaf("Namespace", &namespace.origin)),
        ("metadata", map_of(metadata)),
    ])
}
