//! What the fixed sections say about components and secrets, checked once both are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lab::{Engine, Render, SecretSource};
use super::plan::Sections;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::lab::ComponentSyntax;
use crate::parse::module::TraitSyntax;
use crate::parse::table::list;
use crate::source::Span;

/// Checks names of the fixed sections that lead elsewhere, and refuses what labc cannot do yet.
pub(super) fn check(
    sections: &Sections,
    components: &BTreeMap<String, Arc<ComponentSyntax>>,
    traits: &BTreeMap<String, Arc<TraitSyntax>>,
    diagnostics: &mut Diagnostics,
) {
    hydrated(sections, components, diagnostics);
    for (name, offer) in &sections.defaults {
        if !traits.contains_key(name) {
            let known: Vec<&str> = traits.keys().map(String::as_str).collect();
            let message = format!("there is no trait `{name}`");
            diagnostics.push(
                Diagnostic::error(Code::UNKNOWN_KEY, offer.span, message)
                    .maybe_help(did_you_mean(name, known.iter().copied()))
                    .note(format!("the traits are {}", list(&known))),
            );
        }
    }
    if let Some(secret) = &sections.identity.repository.secret
        && !sections.secrets.contains_key(&secret.value)
    {
        let name = &secret.value;
        let message = format!("the lab has no secret `{name}`");
        let near = did_you_mean(name, sections.secrets.keys().map(String::as_str));
        diagnostics.push(
            Diagnostic::error(Code::UNDECLARED_SECRET, secret.span, message)
                .maybe_help(near)
                .help(format!(
                    "declare it: `[secrets.{name}]` with `from = \"manual\"` and its keys"
                )),
        );
    }
    repository_secret(sections, diagnostics);
    if let Some(folder) = sections.identity.modules.first() {
        let message = "`lab.modules` does not work yet: modules come from the lab's own `modules/`";
        diagnostics.push(Diagnostic::error(Code::NOT_YET, folder.span, message));
    }
}

/// The engine reads the repository before anything in it runs, a store among it.
fn repository_secret(sections: &Sections, diagnostics: &mut Diagnostics) {
    let Some(id) = &sections.identity.repository.secret else {
        return;
    };
    let secret = sections.secrets.get(&id.value);
    if let Some(secret) = secret.filter(|secret| secret.from.value == SecretSource::External) {
        let message = format!(
            "`{}` is needed before there is a store to fill it",
            id.value
        );
        diagnostics.push(
            Diagnostic::error(Code::SECRET_SOURCE, secret.from.span, message)
                .label(id.span, "the engine reads the repository with it")
                .help("say `from = \"manual\"`: the provision script makes it"),
        );
    }
    for (key, at) in secret.into_iter().flat_map(|secret| &secret.keys) {
        repository_key(sections, (key, at.span), id.span, diagnostics);
    }
}

/// What Argo CD reads from a repository's Secret, but for what labc adds itself. Source: `util/db/repository_secrets.go`.
const ARGOCD_KEYS: [&str; 21] = [
    "bearerToken",
    "depth",
    "enableLfs",
    "enableOCI",
    "forceHttpBasicAuth",
    "gcpServiceAccountKey",
    "githubAppEnterpriseBaseUrl",
    "githubAppID",
    "githubAppInstallationID",
    "githubAppPrivateKey",
    "insecure",
    "insecureIgnoreHostKey",
    "name",
    "noProxy",
    "password",
    "project",
    "proxy",
    "sshPrivateKey",
    "tlsClientCertData",
    "tlsClientCertKey",
    "username",
];

/// What Flux reads from the Secret of a GitRepository. Source: source-controller's `docs/spec/v1/gitrepositories.md`.
const FLUX_KEYS: [&str; 15] = [
    "bearerToken",
    "ca.crt",
    "caFile",
    "githubAppBaseURL",
    "githubAppID",
    "githubAppInstallationID",
    "githubAppInstallationOwner",
    "githubAppPrivateKey",
    "identity",
    "identity.pub",
    "known_hosts",
    "password",
    "tls.crt",
    "tls.key",
    "username",
];

/// A key of the repository's Secret that the engine does not read would silently be without effect.
fn repository_key(
    sections: &Sections,
    (key, at): (&str, Span),
    used: Span,
    diagnostics: &mut Diagnostics,
) {
    let engine = &sections.identity.engine;
    let (name, keys) = match engine.value {
        Engine::ArgoCd => ("Argo CD", ARGOCD_KEYS.as_slice()),
        Engine::Flux => ("Flux", FLUX_KEYS.as_slice()),
    };
    // Argo CD's script adds these two.
    if keys.contains(&key) || engine.value == Engine::ArgoCd && ["type", "url"].contains(&key) {
        return;
    }
    let folded = keys.iter().find(|known| known.eq_ignore_ascii_case(key));
    let near = match folded {
        Some(known) => Some(format!("did you mean `{known}`?")),
        None => did_you_mean(key, keys.iter().copied()),
    };
    let message = format!("{name} reads no key `{key}` from the Secret of a repository");
    diagnostics.push(
        Diagnostic::error(Code::REPOSITORY_KEY, at, message)
            .label(used, "the engine reads the repository with it")
            .maybe_help(near)
            .help(match engine.value {
                Engine::ArgoCd => "it reads `username` and `password`, `sshPrivateKey`, or `githubAppID`, `githubAppInstallationID` and `githubAppPrivateKey`",
                Engine::Flux => "it reads `username` and `password`, `identity` and `known_hosts`, `bearerToken`, or `githubAppID`, `githubAppInstallationID` and `githubAppPrivateKey`",
            }),
    );
}

/// Charts are rendered by the engine; labc cannot do it itself yet.
fn hydrated(
    sections: &Sections,
    components: &BTreeMap<String, Arc<ComponentSyntax>>,
    diagnostics: &mut Diagnostics,
) {
    let refused = |span| {
        let message = "`render = \"hydrated\"` does not work yet: the engine renders charts";
        Diagnostic::error(Code::NOT_YET, span, message).help("say `render = \"reference\"`")
    };
    let lab = &sections.identity.render;
    if lab.value == Render::Hydrated {
        diagnostics.push(refused(lab.span));
    }
    for component in components.values() {
        match &component.render {
            Some(render) if render.value == "hydrated" => diagnostics.push(refused(render.span)),
            Some(render) if render.value != "reference" => {
                let name = &component.name.value;
                let message = format!(
                    "`{}.{name}.render` cannot be `{}`",
                    component.layer, render.value
                );
                diagnostics.push(
                    Diagnostic::error(Code::INVALID_VALUE, render.span, message)
                        .help("it is `reference` or `hydrated`"),
                );
            }
            _ => {}
        }
    }
}
