//! The Secrets that exist outside the compiler, as somebody has to provide them: those that components use, and the
//! engine's own.
//!
//! Knows no value of any.

use super::engine;
use crate::link::Linked;
use crate::resolve::Lab;
use crate::resolve::component::SecretUse;
use crate::resolve::lab::{Engine, SecretSource};
use crate::source::Origin;

/// A Secret, and why it must be there.
#[derive(Clone, Debug)]
pub(super) struct Provided {
    /// Its namespace.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// Its keys.
    pub(super) keys: Vec<String>,
    /// Where its data comes from.
    pub(super) from: SecretSource,
    /// The offer that fills it from a store.
    pub(super) through: Option<String>,
    /// The components that use it.
    pub(super) users: Vec<String>,
    /// What the engine itself uses it for.
    pub(super) engine: Option<EngineUse>,
    /// Whether it must be there before the engine takes over.
    pub(super) first: bool,
    /// Where it is declared and used.
    pub(super) origin: Origin,
}

/// What an engine needs a Secret for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EngineUse {
    /// To read a private repository.
    Repository,
    /// To decrypt SOPS files.
    Decryption,
}

/// The Secret with the key that SOPS files are decrypted with.
pub(super) const AGE_KEY: &str = "sops-age";

fn engine_namespace(lab: &Lab) -> String {
    let namespace = engine::namespace(lab);
    namespace.as_str().unwrap_or_default().to_owned()
}

/// Every Secret that exists outside the compiler, by namespace and name.
pub(super) fn provided(lab: &Lab, linked: &Linked) -> Vec<Provided> {
    let mut all: Vec<Provided> = linked
        .secrets
        .iter()
        .map(|used| of_use(lab, used))
        .collect();
    add_repository(lab, &mut all);
    if lab.sections.identity.engine.value == Engine::Flux {
        add_age_key(lab, &mut all);
    }
    all.sort_by(|left, right| (&left.namespace, &left.name).cmp(&(&right.namespace, &right.name)));
    all
}

fn of_use(lab: &Lab, used: &SecretUse) -> Provided {
    let mut users: Vec<String> = used.users.iter().map(|(user, _)| user.clone()).collect();
    users.dedup();
    let is_bootstrap = |user: &String| lab.components.get(user).is_some_and(|user| user.bootstrap);
    let first = match used.from {
        SecretSource::Manual => true,
        SecretSource::Sops => users.iter().any(is_bootstrap),
        SecretSource::External => false,
    };
    let places = used.users.iter().map(|(_, span)| *span);
    Provided {
        namespace: used.namespace.clone(),
        name: used.name.clone(),
        keys: used.keys.clone(),
        from: used.from,
        through: lab.stores.get(&used.id).map(|store| store.id().to_owned()),
        users,
        engine: None,
        first,
        origin: Origin::from_spans(std::iter::once(used.span).chain(places)),
    }
}

/// The credentials of a private repository, which the engine reads before it can read anything else.
fn add_repository(lab: &Lab, all: &mut Vec<Provided>) {
    let repository = &lab.sections.identity.repository;
    let declared = repository
        .secret
        .as_ref()
        .and_then(|id| Some((id, lab.sections.secrets.get(&id.value)?)));
    let Some((id, secret)) = declared else {
        return;
    };
    let namespace = engine_namespace(lab);
    let name = secret.name.as_ref().map_or(&id.value, |name| &name.value);
    let found = Provided {
        namespace,
        name: name.clone(),
        keys: secret.keys.keys().cloned().collect(),
        from: secret.from.value,
        through: None,
        users: Vec::new(),
        engine: Some(EngineUse::Repository),
        first: true,
        origin: Origin::from_spans([secret.span, id.span]),
    };
    let same = |other: &&mut Provided| (&other.namespace, &other.name) == (&found.namespace, name);
    match all.iter_mut().find(same) {
        Some(other) => {
            other.engine = found.engine;
            other.first = true;
            other.origin = other.origin.with(&found.origin);
        }
        None => all.push(found),
    }
}

/// The key with which Flux decrypts what is encrypted with SOPS.
fn add_age_key(lab: &Lab, all: &mut Vec<Provided>) {
    let encrypted = all
        .iter()
        .filter(|secret| secret.from == SecretSource::Sops);
    let origins: Vec<Origin> = encrypted.map(|secret| secret.origin.clone()).collect();
    if origins.is_empty() {
        return;
    }
    let engine = Origin::at(lab.sections.identity.engine.span);
    all.push(Provided {
        namespace: engine_namespace(lab),
        name: AGE_KEY.to_owned(),
        keys: vec!["age.agekey".to_owned()],
        from: SecretSource::Manual,
        through: None,
        users: Vec::new(),
        engine: Some(EngineUse::Decryption),
        first: true,
        origin: origins.iter().fold(engine, |all, one| all.with(one)),
    });
}
