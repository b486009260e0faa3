//! Secrets from SOPS files are for an engine that can decrypt them, and are never passed through labc.

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::link::index::Index;
use crate::link::reference::Reference;
use crate::link::secret;
use crate::resolve::component::SecretUse;
use crate::resolve::lab::{Engine, SecretSource};

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let sections = &index.lab.sections;
    let engine = &sections.identity.engine;
    for (id, secret) in &sections.secrets {
        if secret.from.value == SecretSource::Sops && engine.value == Engine::ArgoCd {
            let message = format!("Argo CD cannot decrypt the SOPS file of `{id}`");
            diagnostics.push(
                Diagnostic::error(Code::SECRET_SOURCE, secret.from.span, message)
                    .label(engine.span, "the engine of this lab")
                    .help("say `from = \"manual\"` or `from = \"external\"`, or let Flux be the engine"),
            );
        }
    }
    if engine.value == Engine::Flux {
        let uses = secret::uses(index);
        for used in uses.iter().filter(|used| used.from == SecretSource::Sops) {
            file_of(index, used, diagnostics);
        }
        unused(index, &uses, diagnostics);
    }
    for place in &index.places {
        let Some(node) = place
            .node()
            .get("sops")
            .filter(|node| node.get("mac").is_some())
        else {
            continue;
        };
        let message = format!("{} is a SOPS file", place.resource.id);
        let reference = Reference { from: *place, node };
        diagnostics.push(
            index
                .error(Code::SECRET_SOURCE, reference, message)
                .note("a manifest is read and printed anew, which breaks the checksum of an encrypted file")
                .help("put the file into `secrets/`, and declare it under `[secrets]` with `from = \"sops\"`"),
        );
    }
}

/// The file of a Secret that is used: it is there, with every key that the lab declares.
fn file_of(index: &Index<'_>, used: &SecretUse, diagnostics: &mut Diagnostics) {
    let SecretUse {
        id,
        name,
        namespace,
        ..
    } = used;
    let is_it =
        |file: &&crate::parse::sops::SopsFile| (&file.namespace, &file.name) == (namespace, name);
    let Some(file) = index.lab.sops.iter().find(is_it) else {
        if !index.is_whole {
            return;
        }
        let message =
            format!("there is no SOPS file of the Secret `{name}` for namespace `{namespace}`");
        let user = used.users.first().map(|(_, span)| *span);
        let here: Vec<&str> = index
            .lab
            .sops
            .iter()
            .filter(|file| file.name == *name)
            .map(|file| file.path.as_str())
            .collect();
        let path = suggested(index, used);
        let mut diagnostic = Diagnostic::error(Code::SOPS_FILE, used.span, message)
            .label(user.filter(|user| *user != used.span), "used here")
            .help(format!(
                "write the Secret to `{path}`, with `metadata.name: {name}` and `metadata.namespace: {namespace}`, and encrypt it: `sops --encrypt --in-place FILE`"
            ));
        for path in here {
            diagnostic = diagnostic.note(format!("`{path}` is for another namespace"));
        }
        diagnostics.push(diagnostic);
        return;
    };
    let declared = index.lab.sections.secrets.get(id);
    for (key, at) in declared.into_iter().flat_map(|secret| &secret.keys) {
        if !file.keys.contains_key(key) {
            let message = format!("`{}` has no key `{key}`", file.path);
            diagnostics.push(
                Diagnostic::error(Code::SOPS_FILE, at.span, message)
                    .label(file.span, "this Secret")
                    .maybe_help(did_you_mean(key, file.keys.keys().map(String::as_str))),
            );
        }
    }
    if used.users.len() > 1 && !file.is_kept {
        let message = format!(
            "`{}` may be deleted and made again when its first user goes",
            file.path
        );
        diagnostics.push(
            Diagnostic::note_at(Code::SOPS_FILE, file.span, message)
                .note(format!("{} components use it, and labc changes no byte of it", used.users.len()))
                .help("add the annotation `kustomize.toolkit.fluxcd.io/prune: disabled`, by `sops edit FILE`"),
        );
    }
}

/// Where the missing file could lie: a name that no other file has.
fn suggested(index: &Index<'_>, used: &SecretUse) -> String {
    let plain = format!("secrets/{}.yaml", used.id);
    if index.lab.sops.iter().any(|file| file.path == plain) {
        return format!("secrets/{}-{}.yaml", used.namespace, used.id);
    }
    plain
}

/// Reports files that nothing in the lab uses: Flux would never see them.
fn unused(index: &Index<'_>, uses: &[SecretUse], diagnostics: &mut Diagnostics) {
    let repository = index.lab.sections.identity.repository.secret.as_ref();
    let declared = repository.and_then(|id| Some((id, index.lab.sections.secrets.get(&id.value)?)));
    let repository = declared.map(|(id, secret)| secret.name.as_ref().unwrap_or(id).value.as_str());
    for file in index.lab.sops.iter().filter(|_| index.is_whole) {
        let is_it = |used: &&SecretUse| {
            used.from == SecretSource::Sops
                && (&used.namespace, &used.name) == (&file.namespace, &file.name)
        };
        if uses.iter().any(|used| is_it(&used)) || repository == Some(&file.name) {
            continue;
        }
        let message = format!(
            "nothing uses `{}`, the Secret `{}` of namespace `{}`",
            file.path, file.name, file.namespace
        );
        diagnostics.push(
            Diagnostic::warning(Code::UNUSED_SECRET, file.span, message)
                .help("declare it under `[secrets]` with `from = \"sops\"` and refer to it, or remove the file"),
        );
    }
}
