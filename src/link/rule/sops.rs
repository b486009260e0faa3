//! Secrets from SOPS files are for an engine that can decrypt them, and are never passed through labc.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::index::Index;
use crate::link::reference::Reference;
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
