//! What the fixed sections say about components and secrets, checked once both are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lab::{Render, SecretSource};
use super::plan::Sections;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::lab::ComponentSyntax;
use crate::parse::module::TraitSyntax;
use crate::parse::table::list;

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
