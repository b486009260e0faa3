//! What is the same for every engine: where it lives, and whether the lab's component for it is one of it.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::resolve::lab::Engine;
use crate::resolve::{Component, Lab};
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

/// Reports a lab whose component for the engine installs another one: nothing would read the tree.
pub(super) fn check(lab: &Lab, diagnostics: &mut Diagnostics) {
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
