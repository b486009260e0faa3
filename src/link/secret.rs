//! The Secrets of a lab: who makes which, with which keys, and everything that refers to one.
//!
//! A Secret comes from `[secrets]`, or is made in the cluster by an object that labc writes: a Certificate, an Ingress
//! with an issuer, an ExternalSecret.

mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::index::{Index, Place};
use super::read;
use crate::render::Made;
use crate::resolve::component::SecretUse;
use crate::resolve::lab::{Secret, SecretSource};
use crate::source::Span;
use crate::value::{Node, Value};
pub(super) use wanted::is_optional;

/// The Secrets of a lab.
#[derive(Debug, Default)]
pub(super) struct Secrets<'a> {
    /// Those that objects make, by namespace and name.
    made: BTreeMap<&'a str, BTreeMap<&'a str, Keys<'a>>>,
    /// Names that are made in namespaces that labc does not know.
    anywhere: BTreeSet<&'a str>,
    /// `[secrets]` by the name in the cluster.
    declared: BTreeMap<&'a str, Vec<(&'a str, &'a Secret)>>,
    /// Everything that refers to one.
    pub references: Vec<SecretReference<'a>>,
}

/// The keys of a Secret.
#[derive(Clone, Debug)]
pub(super) enum Keys<'a> {
    /// Exactly these.
    Known(BTreeSet<&'a str>),
    /// What makes it decides.
    Any,
}

/// Something refers to a Secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecretReference<'a> {
    /// The object that refers.
    pub from: Place<'a>,
    /// The namespace that the Secret must be in.
    pub namespace: &'a str,
    /// The Secret's name.
    pub name: &'a Node,
    /// The key of it that is read.
    pub key: Option<&'a Node>,
    /// Whether a certificate is wanted.
    pub is_certificate: bool,
}

/// What is known of a Secret.
pub(super) enum Known<'s, 'a> {
    /// An object makes it.
    Made(&'s Keys<'a>),
    /// An entry of `[secrets]`: its id.
    Declared(&'a str, &'a Secret),
    /// An entry of `[secrets]` that is for another namespace.
    Elsewhere(&'a str, &'a Secret),
    /// Nothing.
    Unknown,
}

impl<'a> Secrets<'a> {
    pub(super) fn of(index: &Index<'a>) -> Self {
        let mut secrets = Secrets::default();
        for (id, secret) in &index.lab.sections.secrets {
            let name = secret.name.as_ref().map_or(id, |name| &name.value);
            let same_name = secrets.declared.entry(name).or_default();
            same_name.push((id, secret));
        }
        makers(index, &mut secrets);
        for pod in index.pods.iter() {
            wanted::in_pod(pod, &mut secrets.references);
        }
        wanted::in_objects(index, &mut secrets.references);
        secrets
    }

    /// What is known of a Secret.
    pub(super) fn get(&self, namespace: &str, name: &str) -> Known<'_, 'a> {
        let declared = self.declared.get(name).map_or(&[][..], Vec::as_slice);
        let is_here = |(_, secret): &&(&str, &Secret)| {
            let fixed = secret.namespace.as_ref();
            fixed.is_none_or(|fixed| fixed.value == namespace)
        };
        let here = declared.iter().find(is_here);
        // The object that fills a Secret from a store is there because the lab declares it.
        let is_filled = here.is_some_and(|(_, secret)| secret.from.value == SecretSource::External);
        let made = self.made.get(namespace);
        let made = made.and_then(|made| made.get(name));
        if let Some(keys) = made.filter(|_| !is_filled) {
            return Known::Made(keys);
        }
        match (here, declared.first()) {
            (Some((id, secret)), _) => Known::Declared(id, secret),
            _ if self.anywhere.contains(name) => Known::Made(&Keys::Any),
            (None, Some((id, secret))) => Known::Elsewhere(id, secret),
            (None, None) => Known::Unknown,
        }
    }

    /// The names of all Secrets that a namespace has or may have.
    pub(super) fn names(&self, namespace: &str) -> Vec<&'a str> {
        let made = self
            .made
            .get(namespace)
            .into_iter()
            .flat_map(BTreeMap::keys);
        let names: BTreeSet<&str> = made.chain(self.declared.keys()).copied().collect();
        names.into_iter().collect()
    }

    fn make(&mut self, namespace: &'a str, name: Option<&'a str>, keys: Keys<'a>) {
        if let Some(name) = name {
            let names = self.made.entry(namespace).or_default();
            names.insert(name, keys);
        }
    }
}

/// The keys of a certificate's Secret.
const TLS_KEYS: [&str; 3] = ["ca.crt", "tls.crt", "tls.key"];

/// Everything that makes a Secret.
fn makers<'a>(index: &Index<'a>, secrets: &mut Secrets<'a>) {
    let tls = || Keys::Known(TLS_KEYS.into_iter().collect());
    for place in index.of_kind("", "Secret") {
        let keys = keys_of(place.node(), &["data", "stringData"]);
        let name = place.resource.id.name.as_str();
        secrets.make(place.namespace(), Some(name), keys);
    }
    for place in index.of_kind("cert-manager.io", "Certificate") {
        let more = ["spec.additionalOutputFormats", "spec.keystores"];
        let has_more = more
            .iter()
            .any(|path| read::one(place.node(), path).is_some());
        let keys = if has_more { Keys::Any } else { tls() };
        let name = read::text(place.node(), "spec.secretName");
        secrets.make(place.namespace(), name, keys);
    }
    for (path, place) in certified(index) {
        if names_issuer(place.node()) {
            for name in read::every(place.node(), path) {
                secrets.make(place.namespace(), name.as_str(), tls());
            }
        }
    }
    for place in index.of_kind("external-secrets.io", "ExternalSecret") {
        let target = read::text(place.node(), "spec.target.name");
        let name = target.unwrap_or(&place.resource.id.name);
        secrets.make(place.namespace(), Some(name), external_keys(place.node()));
    }
    for place in index.of_kind("external-secrets.io", "ClusterExternalSecret") {
        let spec = read::text(place.node(), "spec.externalSecretName");
        let target = read::text(place.node(), "spec.externalSecretSpec.target.name");
        let name = target.or(spec).unwrap_or(&place.resource.id.name);
        secrets.anywhere.insert(name);
    }
    for place in index.of_kind("bitnami.com", "SealedSecret") {
        let target = read::text(place.node(), "spec.template.metadata.name");
        let name = target.unwrap_or(&place.resource.id.name);
        let keys = keys_of(place.node(), &["spec.encryptedData"]);
        secrets.make(place.namespace(), Some(name), keys);
    }
    for kind in ["ClusterIssuer", "Issuer"] {
        for place in index.of_kind("cert-manager.io", kind) {
            let account = read::text(place.node(), "spec.acme.privateKeySecretRef.name");
            secrets.make(secret_namespace(index, place), account, Keys::Any);
        }
    }
}

/// The Ingresses and Gateways, with the path of the Secrets that cert-manager fills where they name an issuer.
fn certified<'a>(index: &Index<'a>) -> impl Iterator<Item = (&'static str, Place<'a>)> {
    let ingresses = index.of_kind("networking.k8s.io", "Ingress");
    let gateways = index.of_kind("gateway.networking.k8s.io", "Gateway");
    ingresses
        .map(|place| ("spec.tls.*.secretName", place))
        .chain(gateways.map(|place| ("spec.listeners.*.tls.certificateRefs.*.name", place)))
}

/// Whether annotations have cert-manager fill the Secrets that an object names.
pub(super) fn names_issuer(object: &Node) -> bool {
    [
        "cert-manager.io/cluster-issuer",
        "cert-manager.io/issuer",
        "kubernetes.io/tls-acme",
    ]
    .iter()
    .any(|key| read::annotation(object, key).is_some())
}

/// The keys of maps at these paths; any, where all of them are empty: then something else fills them.
fn keys_of<'a>(node: &'a Node, paths: &[&str]) -> Keys<'a> {
    let maps = paths.iter().filter_map(|path| read::map(node, path));
    let keys: BTreeSet<&str> = maps
        .flat_map(|map| map.keys().map(SmolStr::as_str))
        .collect();
    if keys.is_empty() {
        Keys::Any
    } else {
        Keys::Known(keys)
    }
}

fn external_keys(node: &Node) -> Keys<'_> {
    let template = read::map(node, "spec.target.template.data");
    let decides = ["spec.dataFrom", "spec.target.template.templateFrom"];
    if decides.iter().any(|path| read::one(node, path).is_some()) {
        return Keys::Any;
    }
    match template {
        Some(map) if read::text(node, "spec.target.template.mergePolicy") != Some("Merge") => {
            Keys::Known(map.keys().map(SmolStr::as_str).collect())
        }
        template => {
            let own = read::every(node, "spec.data.*.secretKey");
            let own = own.into_iter().filter_map(Node::as_str);
            let more = template.into_iter().flatten().map(|(key, _)| key.as_str());
            Keys::Known(own.chain(more).collect())
        }
    }
}

/// The namespace in which an object of the whole cluster looks for its Secrets: that of the component that runs its kind.
fn secret_namespace<'a>(index: &Index<'a>, place: Place<'a>) -> &'a str {
    let id = &place.resource.id;
    if index.is_namespaced(&id.group, &id.kind) {
        return place.namespace();
    }
    let runs = |component: &&crate::resolve::Component| {
        let mut kinds = component.kinds.iter();
        kinds.any(|kind| kind.group == id.group && kind.kind == id.kind && kind.crd.is_none())
    };
    let runner = index.lab.components.values().find(runs);
    runner.unwrap_or(place.component).namespace()
}

/// The uses of `[secrets]` by namespace and name, each with the components that use it.
type Uses = BTreeMap<(String, String), (SecretUse, BTreeSet<String>)>;

/// The uses of `[secrets]`: those that inputs say, and those that objects show.
pub(super) fn uses(index: &Index<'_>) -> Vec<SecretUse> {
    let mut uses = Uses::new();
    for secret in &index.lab.secrets {
        of_inputs(index, secret, &mut uses);
    }
    for reference in &index.secrets.references {
        let Some(name) = reference.name.as_str() else {
            continue;
        };
        let Known::Declared(id, secret) = index.secrets.get(reference.namespace, name) else {
            continue;
        };
        let component = reference.from.component;
        let span = index.span(reference.from, reference.name);
        let user = (&*component.name, span.unwrap_or(component.span));
        let found = SecretUse {
            id: id.to_owned(),
            namespace: reference.namespace.to_owned(),
            name: name.to_owned(),
            keys: secret.keys.keys().cloned().collect(),
            users: Vec::new(),
            from: secret.from.value,
            span: secret.span,
        };
        add(found, user, &mut uses);
    }
    let mut uses: Vec<SecretUse> = uses.into_values().map(|(secret, _)| secret).collect();
    uses.iter_mut().for_each(|secret| secret.users.sort());
    uses
}

/// Adds a use, once for each component.
fn add(secret: SecretUse, (user, span): (&str, Span), uses: &mut Uses) {
    let key = (secret.namespace.clone(), secret.name.clone());
    let (secret, users) = uses.entry(key).or_insert_with(|| (secret, BTreeSet::new()));
    if users.insert(user.to_owned()) {
        secret.users.push((user.to_owned(), span));
    }
}

/// Adds what inputs say of a secret: it is used by their component, or by whom it answers.
fn of_inputs(index: &Index<'_>, secret: &SecretUse, uses: &mut Uses) {
    for (user, span) in &secret.users {
        let found = SecretUse {
            users: Vec::new(),
            ..secret.clone()
        };
        let carriers = Carriers::of(index, user, &secret.name, *span);
        for asker in &carriers.askers {
            let namespace = asker.namespace();
            if matches!(index.secrets.get(namespace, &secret.name), Known::Declared(id, _) if id == secret.id)
            {
                let found = SecretUse {
                    namespace: namespace.to_owned(),
                    ..found.clone()
                };
                add(found, (&asker.component.name, *span), uses);
            }
        }
        if carriers.has_own || carriers.askers.is_empty() {
            add(found, (user, *span), uses);
        }
    }
}

/// Who carries the name of a secret that an input of a component names.
#[derive(Default)]
struct Carriers<'a> {
    /// Whether the component itself does: its chart's values, or an object that is no answer.
    has_own: bool,
    /// The component's answers that do, with those who asked.
    askers: Vec<Place<'a>>,
}

impl<'a> Carriers<'a> {
    fn of(index: &Index<'a>, user: &str, name: &str, span: Span) -> Self {
        let mut carriers = Carriers::default();
        if !index.answers_somebody(user) {
            return carriers;
        }
        for place in &index.places {
            let is_answer = matches!(place.resource.made, Made::Answer { .. });
            let may_carry = is_answer || place.component.name == user;
            if may_carry && carries(place.node(), name, span) {
                match is_answer {
                    true => carriers.askers.push(*place),
                    false => carriers.has_own = true,
                }
            }
        }
        let values = index.values.get(user).and_then(Option::as_ref);
        carriers.has_own |= values.is_some_and(|values| carries(values, name, span));
        carriers
    }
}

/// Whether a leaf of a tree is this text, and was made from what stands there.
fn carries(node: &Node, name: &str, span: Span) -> bool {
    match &node.value {
        Value::Str(text) => **text == *name && node.origin.spans().contains(&span),
        Value::List(items) => items.iter().any(|item| carries(item, name, span)),
        Value::Map(map) => map.values().any(|entry| carries(&entry.node, name, span)),
        _ => false,
    }
}
