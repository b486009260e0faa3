//! What is the same for every engine: where it lives, whether the lab's component for it is one of it, and whether it can
//! read the repository.

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::resolve::lab::Engine;
use crate::resolve::{Component, Lab};
use crate::source::Span;
use crate::value::Node;

/// The capability of the component that installs an engine.
const CAPABILITY: &str = "gitops-engine";

/// The component that installs the engine, if the lab has one.
pub(super) fn component(lab: &Lab) -> Option<&Component> {
    lab.components.get(lab.capabilities.get(CAPABILITY)?)
}

/// Where the engine lives.
pub(super) fn namespace(lab: &Lab) -> Node {
    match lab.sections.identity.engine.value {
        Engine::ArgoCd => super::argocd::namespace(lab),
        Engine::Flux => super::flux::namespace(lab),
    }
}

/// Reports what keeps the engine from reading the tree.
pub(super) fn check(lab: &Lab, diagnostics: &mut Diagnostics) {
    wrong_component(lab, diagnostics);
    credentials(lab, diagnostics);
}

/// Reports a lab whose component for the engine installs another one: nothing would read the tree.
fn wrong_component(lab: &Lab, diagnostics: &mut Diagnostics) {
    let engine = &lab.sections.identity.engine;
    let (name, word, group) = match engine.value {
        Engine::ArgoCd => ("Argo CD", "argocd", "argoproj.io"),
        Engine::Flux => ("Flux", "flux", "kustomize.toolkit.fluxcd.io"),
    };
    let Some(component) = component(lab) else {
        return;
    };
    // A component that declares no kind may be anything.
    let runs_it = component.kinds.iter().any(|kind| kind.group == group);
    if runs_it || component.kinds.is_empty() {
        return;
    }
    let message = format!("`{}` is an engine, but not {name}", component.name);
    diagnostics.push(
        Diagnostic::error(Code::WRONG_ENGINE, component.span, message)
            .label(engine.span, format!("the engine of this lab is {name}"))
            .help(format!(
                "write `[infrastructure.{word}]` in its place, or name the other engine"
            )),
    );
}

/// Reports credentials of the repository with keys that the engine does not read, or else without those that it reads.
fn credentials(lab: &Lab, diagnostics: &mut Diagnostics) {
    let identity = &lab.sections.identity;
    let Some(id) = &identity.repository.secret else {
        return;
    };
    let Some(secret) = lab.sections.secrets.get(&id.value) else {
        return;
    };
    let name = match identity.engine.value {
        Engine::ArgoCd => "Argo CD",
        Engine::Flux => "Flux",
    };
    let known = known_keys(identity.engine.value);
    let others = secret
        .keys
        .iter()
        .filter(|(key, _)| !known.contains(&key.as_str()));
    let unread: Vec<(&String, Span)> = others.map(|(key, at)| (key, at.span)).collect();
    if !unread.is_empty() {
        for (key, at) in unread {
            diagnostics.push(
                unread_key(identity.engine.value, name, key, at)
                    .label(id.span, "the engine reads the repository with it"),
            );
        }
        return;
    }
    let url = &identity.repository.url;
    let is_ssh = url.value.starts_with("ssh://") || !url.value.contains("://");
    let wanted = keys(identity.engine.value, is_ssh);
    let has_all = |keys: &&[&str]| keys.iter().all(|key| secret.keys.contains_key(*key));
    if wanted.iter().any(has_all) {
        return;
    }
    let quoted: Vec<String> = wanted[0].iter().map(|key| format!("`{key}`")).collect();
    let message = format!(
        "{name} reads {} of `{}`, which it does not have",
        quoted.join(" and "),
        id.value
    );
    diagnostics.push(
        Diagnostic::warning(Code::UNDECLARED_SECRET_KEY, id.span, message)
            .label(secret.span, "declared here")
            .label(url.span, "how it is reached")
            .help(format!("say `keys = {:?}`", wanted[0])),
    );
}

/// What Argo CD reads from a repository's Secret. Source: its `util/db/repository_secrets.go`.
const ARGOCD_KEYS: [&str; 23] = [
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
    "type",
    "url",
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

fn known_keys(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::ArgoCd => &ARGOCD_KEYS,
        Engine::Flux => &FLUX_KEYS,
    }
}

/// A key that the engine does not read is without effect, and nothing says so.
fn unread_key(engine: Engine, name: &str, key: &str, at: Span) -> Diagnostic {
    let known = known_keys(engine);
    let folded = known.iter().find(|known| known.eq_ignore_ascii_case(key));
    let near = match folded {
        Some(known) => Some(format!("did you mean `{known}`?")),
        None => did_you_mean(key, known.iter().copied()),
    };
    let message = format!("{name} reads no key `{key}` from the Secret of a repository");
    Diagnostic::error(Code::REPOSITORY_KEY, at, message)
        .maybe_help(near)
        .help(match engine {
            Engine::ArgoCd => {
                "it reads `username` and `password`, `sshPrivateKey`, or `githubAppID`, `githubAppInstallationID` and \
                 `githubAppPrivateKey`"
            }
            Engine::Flux => {
                "it reads `username` and `password`, `identity` and `known_hosts`, `bearerToken`, or `githubAppID`, \
                 `githubAppInstallationID` and `githubAppPrivateKey`"
            }
        })
}

/// The keys of credentials, one way after the other, the usual one first. Source: Argo CD,
/// `docs/operator-manual/declarative-setup.md`; Flux, `docs/spec/v1/gitrepositories.md` of source-controller.
fn keys(engine: Engine, is_ssh: bool) -> &'static [&'static [&'static str]] {
    match (engine, is_ssh) {
        (Engine::ArgoCd, true) => &[&["sshPrivateKey"]],
        (Engine::ArgoCd, false) => &[
            &["username", "password"],
            &["password"],
            &["bearerToken"],
            &["githubAppPrivateKey"],
            &["gcpServiceAccountKey"],
        ],
        (Engine::Flux, true) => &[&["identity", "known_hosts"]],
        (Engine::Flux, false) => &[
            &["username", "password"],
            &["bearerToken"],
            &["githubAppPrivateKey"],
        ],
    }
}
