//! The Secrets that a store outside the cluster fills (`from = "external"`): who answers for each, and the answer for one
//! namespace.
//!
//! Knows no unit: which component an answer lies with is for the linker to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cell::Ask;
use super::claim::SecretClaim;
use super::component::{Answer, SecretUse};
use super::lab::{Secret, SecretSource};
use super::offer::{self, Via};
use super::resolver::Resolver;
use super::{Component, Lab};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::module::TraitSyntax;
use crate::source::Origin;
use crate::template::{Failed, Unavailable, expand};
use crate::value::{Node, Value};

/// The trait that is answered.
const TRAIT: &str = "secret";

/// Who fills a secret.
#[derive(Clone, Debug)]
pub struct Store {
    /// The offer that answers.
    pub offer: Arc<Node>,
    /// The component that makes it.
    pub provider: String,
    definition: Arc<TraitSyntax>,
}

impl Store {
    /// The offer's id.
    pub fn id(&self) -> &str {
        offer::id(&self.offer)
    }
}

/// Who fills each external secret; that nobody does is reported.
pub(super) fn stores(
    resolver: &Arc<Resolver>,
    secrets: &BTreeMap<String, Secret>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Store> {
    let external = secrets
        .iter()
        .filter(|(_, secret)| secret.from.value == SecretSource::External);
    let store = |(id, secret): (&String, &Secret)| {
        let store = store(resolver, id, secret, diagnostics).ok()?;
        Some((id.clone(), store))
    };
    external.filter_map(store).collect()
}

/// Reports secrets that open the very store which is to fill them.
pub(super) fn circles(
    stores: &BTreeMap<String, Store>,
    secrets: &BTreeMap<String, Secret>,
    components: &BTreeMap<String, Component>,
    claims: &[SecretClaim],
    diagnostics: &mut Diagnostics,
) {
    for (id, store) in stores {
        let (Some(secret), Some(provider)) = (secrets.get(id), components.get(&store.provider))
        else {
            continue;
        };
        let opens = |claim: &&SecretClaim| {
            claim.secret == *id
                && claim.component == store.provider
                && is_for(store, provider, claim)
        };
        let Some(claim) = claims.iter().find(opens) else {
            continue;
        };
        let message = format!("`{id}` opens the store that is to fill it");
        diagnostics.push(
            Diagnostic::error(Code::SECRET_SOURCE, secret.from.span, message)
                .here(format!("by `{}`", store.id()))
                .label(claim.span, "the store is opened with it")
                .help(
                    "say `from = \"manual\"`: what opens a store is put into the cluster by hand",
                ),
        );
    }
}

/// Whether a provider uses a secret for one of its offers: for the only one, or in the input of the offer's name.
fn is_for(store: &Store, provider: &Component, claim: &SecretClaim) -> bool {
    let Some(name) = store.offer.get("name").and_then(Node::as_str) else {
        return true;
    };
    let input = provider.syntax.inputs.get(name);
    input.is_some_and(|(_, input)| {
        let (all, part) = (input.span, claim.span);
        all.source == part.source && all.start <= part.start && part.end <= all.end
    })
}

fn store(
    resolver: &Arc<Resolver>,
    id: &str,
    secret: &Secret,
    diagnostics: &mut Diagnostics,
) -> Result<Store, Unavailable> {
    let via = secret.via.as_ref().map(|via| Via {
        offer: &via.value,
        span: Some(via.span),
    });
    let span = Some(secret.from.span);
    let Some(offer) = offer::pick(resolver, TRAIT, via, span, diagnostics)? else {
        let message = format!("no component of the lab offers `{TRAIT}`");
        diagnostics.push(
            Diagnostic::error(Code::NO_PROVIDER, span, message)
                .note(format!("`{id}` is filled by a component that speaks to a store"))
                .help(
                    "add a component whose module offers it: `labc module list` says which do; or say \
                     `from = \"manual\"`: then the provision script makes the Secret",
                ),
        );
        return Err(Unavailable);
    };
    let provider = offer::provider_of(&offer).ok_or(Unavailable)?.to_owned();
    let definition = resolver.traits.get(TRAIT).ok_or(Unavailable)?.clone();
    Ok(Store {
        offer: Arc::new(offer),
        provider,
        definition,
    })
}

/// The answer that fills a secret in one namespace, as if `user` had asked for it; none where it is wrong, which has been
/// reported.
pub fn answer(
    lab: &Lab,
    used: &SecretUse,
    user: &Component,
    diagnostics: &mut Diagnostics,
) -> Option<Answer> {
    let store = lab.stores.get(&used.id)?;
    let provider = lab.components.get(&store.provider)?;
    let secret = lab.sections.secrets.get(&used.id)?;
    let request = Arc::new(request(used, secret));
    let mut scope = provider.scope.fork();
    scope.bind_as("provider", &provider.scope, "component");
    scope.bind_as("component", &user.scope, "component");
    scope.bind("request", request.clone());
    scope.bind("offer", store.offer.clone());
    let syntax = provider.module.answers.get(TRAIT).cloned();
    let mut outputs = Node::new(Value::map(), request.origin.clone());
    for (name, output) in &store.definition.outputs {
        let given = syntax.as_ref().and_then(|syntax| syntax.outputs.get(name));
        let Some(template) = given.or(output.default.as_ref()) else {
            continue;
        };
        let value = expand(template, &scope, diagnostics);
        let value = value.map_err(|Failed| ()).ok()?.unwrap_or_default();
        outputs.insert(name.as_str(), value);
    }
    let outputs = Arc::new(outputs);
    scope.bind("outputs", outputs.clone());
    Some(Answer {
        ask: Ask {
            component: user.name.as_str().into(),
            of: TRAIT.into(),
            entry: used.id.as_str().into(),
        },
        provider: Some(store.provider.clone()),
        offer: store.id().to_owned(),
        hard: store.definition.hard,
        request,
        outputs,
        scope,
        syntax,
    })
}

/// `name`, the Secret's, and `keys`: key to place in the store.
fn request(used: &SecretUse, secret: &Secret) -> Node {
    let mut keys = Node::new(Value::map(), Origin::at(secret.span));
    for (key, known) in &secret.keys {
        if let Some(place) = &known.reference {
            let place = Node::new(place.value.as_str(), Origin::at(place.span));
            keys.insert(key.as_str(), place);
        }
    }
    let name = secret.name.as_ref().map_or(secret.span, |name| name.span);
    let mut request = Node::new(Value::map(), Origin::at(secret.span));
    request.insert("name", Node::new(used.name.as_str(), Origin::at(name)));
    request.insert("keys", keys);
    request
}
