//! The Secrets that exist outside the compiler: one a namespace that uses it.

use std::collections::{BTreeMap, BTreeSet};

use super::component::{Component, SecretUse};
use super::lab::Secret;
use super::resolver::SecretClaim;
use crate::diag::{Code, Diagnostic, Diagnostics};

/// The Secrets that the claims of components add up to, by namespace and name; a secret without any is a warning.
pub(super) fn uses(
    secrets: &BTreeMap<String, Secret>,
    claims: &[SecretClaim],
    components: &BTreeMap<String, Component>,
    used_elsewhere: &BTreeSet<&str>,
    diagnostics: &mut Diagnostics,
) -> Vec<SecretUse> {
    let mut uses: BTreeMap<(String, String), SecretUse> = BTreeMap::new();
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
        let entry = uses
            .entry((namespace.to_owned(), name.to_owned()))
            .or_insert_with(|| SecretUse {
                id: claim.secret.clone(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                keys: secret.keys.keys().cloned().collect(),
                users: Vec::new(),
                from: secret.from.value,
                span: secret.span,
            });
        let user = (claim.component.clone(), claim.span);
        if !entry.users.contains(&user) {
            entry.users.push(user);
        }
    }
    let claimed: BTreeSet<&str> = claims.iter().map(|claim| claim.secret.as_str()).collect();
    for (id, secret) in secrets {
        let used = claimed.contains(id.as_str()) || used_elsewhere.contains(id.as_str());
        if !used && !secret.keys.is_empty() {
            let message = format!("nothing uses the secret `{id}`");
            diagnostics.push(
                Diagnostic::warning(Code::UNUSED_SECRET, secret.span, message)
                    .help("remove it, or name it where it is needed"),
            );
        }
    }
    let mut uses: Vec<SecretUse> = uses.into_values().collect();
    for secret in &mut uses {
        secret.users.sort();
    }
    uses
}
