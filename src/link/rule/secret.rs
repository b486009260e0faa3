//! Every Secret that is referred to is declared under `[secrets]` or made by something, with the key that is read; every
//! declared one is used.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::link::index::Index;
use crate::link::reference::{Found, Reference, Wanted, some};
use crate::link::secret::{Keys, Known, SecretReference};

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for reference in &index.secrets.references {
        let Some(name) = reference.name.as_str() else {
            continue;
        };
        match index.secrets.get(reference.namespace, name) {
            Known::Made(Keys::Any) => {}
            Known::Made(Keys::Known(keys)) => key(index, reference, keys, None, diagnostics),
            Known::Declared(id, secret) => {
                used.insert(id);
                let keys = secret.keys.keys().map(String::as_str).collect();
                key(index, reference, &keys, Some(secret.span), diagnostics);
            }
            Known::Elsewhere(id, secret) => {
                used.insert(id);
                let fixed = secret.namespace.as_ref().map_or("", |name| &name.value);
                let message = format!("namespace `{}` has no Secret `{name}`", reference.namespace);
                diagnostics.push(
                    index
                        .error(Code::UNDECLARED_SECRET, at_name(reference), message)
                        .label(secret.span, format!("`{id}` is for namespace `{fixed}`"))
                        .help(format!(
                            "declare another one for namespace `{}`, with the same `name`",
                            reference.namespace
                        )),
                );
            }
            Known::Unknown => missing(index, reference, name, diagnostics),
        }
    }
    unused(index, &used, diagnostics);
}

fn at_name<'a>(reference: &SecretReference<'a>) -> Reference<'a> {
    Reference {
        from: reference.from,
        node: reference.name,
    }
}

/// The key that is read is one that the Secret has.
fn key(
    index: &Index<'_>,
    reference: &SecretReference<'_>,
    keys: &BTreeSet<&str>,
    declared: Option<crate::source::Span>,
    diagnostics: &mut Diagnostics,
) {
    let Some((node, key)) = reference.key.and_then(|node| Some((node, node.as_str()?))) else {
        return;
    };
    if keys.contains(key) {
        return;
    }
    let name = reference.name.as_str().unwrap_or_default();
    let message = format!("Secret `{name}` has no key `{key}`");
    let at = Reference {
        from: reference.from,
        node,
    };
    let list: Vec<&str> = keys.iter().copied().collect();
    diagnostics.push(
        index
            .error(Code::UNDECLARED_SECRET_KEY, at, message)
            .label(declared, "declared here")
            .note(format!("it has {}", some("key", &list)))
            .maybe_help(did_you_mean(key, list)),
    );
}

fn missing<'a>(
    index: &Index<'a>,
    reference: &SecretReference<'a>,
    name: &str,
    diagnostics: &mut Diagnostics,
) {
    let namespace = reference.namespace;
    let wanted = Wanted {
        group: "",
        kind: "Secret",
        namespace: Some(namespace),
        name,
    };
    let at = at_name(reference);
    match index.find(wanted) {
        Found::Here(_) | Found::Said => {}
        Found::Unseen(unseen) => diagnostics.push(index.not_checked(at, wanted, unseen)),
        Found::Nowhere => {
            if !index.namespace_is_there(at, Some(namespace), diagnostics) {
                return;
            }
            let message = format!("namespace `{namespace}` has no Secret `{name}`");
            let near = did_you_mean(name, index.secrets.names(namespace));
            let diagnostic = index
                .error(Code::UNDECLARED_SECRET, at, message)
                .maybe_help(near);
            diagnostics.push(how_to_declare(diagnostic, reference, name));
        }
    }
}

fn how_to_declare(
    diagnostic: Diagnostic,
    reference: &SecretReference<'_>,
    name: &str,
) -> Diagnostic {
    if reference.is_certificate {
        return diagnostic.help(
            "have an issuer fill it, by the annotation `cert-manager.io/cluster-issuer` or a Certificate with this \
             `secretName`, or declare it under `[secrets]`",
        );
    }
    let keys = match reference.key.and_then(|key| key.as_str()) {
        Some(key) => format!("[\"{key}\"]"),
        None => "[...]".to_owned(),
    };
    diagnostic.help(format!(
        "declare it: `[secrets.{name}]` with `from = \"manual\"` and `keys = {keys}`"
    ))
}

/// A declared secret that neither an input nor an object refers to.
fn unused(index: &Index<'_>, used: &BTreeSet<&str>, diagnostics: &mut Diagnostics) {
    if !index.is_whole {
        return;
    }
    let lab = index.lab;
    let claimed: BTreeSet<&str> = lab
        .secrets
        .iter()
        .map(|secret| secret.id.as_str())
        .collect();
    let repository = lab.sections.identity.repository.secret.as_ref();
    for (id, secret) in &lab.sections.secrets {
        let is_repository = repository.is_some_and(|name| name.value == *id);
        let is_used = claimed.contains(id.as_str()) || used.contains(id.as_str());
        if !is_used && !is_repository && !secret.keys.is_empty() {
            let message = format!("nothing uses the secret `{id}`");
            diagnostics.push(
                Diagnostic::warning(Code::UNUSED_SECRET, secret.span, message)
                    .help("remove it, or name it where it is needed"),
            );
        }
    }
}
