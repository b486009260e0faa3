//! The Secrets that exist outside the compiler: one a namespace that uses it.

use std::collections::{BTreeMap, BTreeSet};

use super::claim::SecretClaim;
use super::component::{Component, SecretUse};
use super::lab::Secret;
use crate::source::Span;

/// Components, and where each says that it uses a secret.
type Users = BTreeSet<(String, Span)>;

/// The Secrets that the claims of components add up to, by namespace and name. What resources refer to besides is
/// `link`'s business.
pub(super) fn uses(
    secrets: &BTreeMap<String, Secret>,
    claims: &[SecretClaim],
    components: &BTreeMap<String, Component>,
) -> Vec<SecretUse> {
    let mut uses: BTreeMap<(String, String), (SecretUse, Users)> = BTreeMap::new();
    for claim in claims {
        let (Some(secret), Some(component)) =
            (secrets.get(&claim.secret), components.get(&claim.component))
        else {
            continue;
        };
        let fixed = secret
            .namespace
            .as_ref()
            .map(|namespace| namespace.value.as_str());
        let namespace = fixed.unwrap_or_else(|| component.namespace());
        let name = secret.name.as_ref().map(|name| name.value.as_str());
        let name = name.unwrap_or(&claim.secret);
        let first = || SecretUse {
            id: claim.secret.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            keys: secret.keys.keys().cloned().collect(),
            users: Vec::new(),
            from: secret.from.value,
            span: secret.span,
        };
        let key = (namespace.to_owned(), name.to_owned());
        let (_, users) = uses
            .entry(key)
            .or_insert_with(|| (first(), BTreeSet::new()));
        users.insert((claim.component.clone(), claim.span));
    }
    let with_users = |(secret, users): (SecretUse, Users)| SecretUse {
        users: users.into_iter().collect(),
        ..secret
    };
    uses.into_values().map(with_users).collect()
}
