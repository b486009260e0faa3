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
        let mut diagnostic = Diagnostic::error(Code::SOPS_FILE, used.span, message)
            .label(user.filter(|user| *user != used.span), "used here")
            .help(format!(
                "write the Secret to `secrets/{namespace}-{id}.yaml`, with `metadata.name: {name}` and `metadata.namespace: {namespace}`, and encrypt it: `sops --encrypt --in-place FILE`"
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
