//! `out/README.md`: what a lab is, as whoever opens its repository wants to know it.
//!
//! Everything in it is compiled, so it cannot disagree with the manifests. Knows no cluster, and no value of any secret.

mod components;
mod diagram;
mod markdown;
mod operations;
mod plan;

use super::secret::provided;
use super::tree::OUT;
use super::{OutFile, Text, Tree, bootstrap};
use crate::link::Linked;
use crate::resolve::Lab;
use crate::resolve::lab::{Engine, Machine, Role};
use crate::source::Origin;
use markdown::{code, plain};

/// The document of a lab, for a tree that holds the engine's objects.
pub fn file(lab: &Lab, linked: &Linked, tree: &Tree) -> OutFile {
    let mut text = Text::default();
    title(lab, &mut text);
    diagram::draw(lab, linked, engine(lab), &mut text);
    text.own(
        "\nAn arrow leads to what comes later. Apps come after the infrastructure that each uses: see [Order](#order).",
    );
    plan::nodes(lab, &mut text);
    plan::addresses(lab, &mut text);
    components::list(lab, linked, &mut text);
    components::order(lab, linked, &mut text);
    components::hosts(lab, &mut text);
    operations::secrets(&provided(lab, linked), &mut text);
    let steps = bootstrap::steps(lab, linked, tree);
    operations::bootstrap(lab, &bootstrap::tools(lab, linked, tree), &steps, &mut text);
    operations::hardware(lab, &mut text);
    operations::changes(lab, linked, &mut text);
    OutFile::text(format!("{OUT}/README.md"), text)
}

/// The engine's name as it writes itself.
fn engine(lab: &Lab) -> &'static str {
    match lab.sections.identity.engine.value {
        Engine::ArgoCd => "Argo CD",
        Engine::Flux => "Flux",
    }
}

fn title(lab: &Lab, text: &mut Text) {
    let identity = &lab.sections.identity;
    let cluster = &lab.sections.cluster;
    let name = &identity.name;
    text.own("<!-- Compiled by labc. Edit lab.toml, then run: labc build -->\n");
    text.line(format!("# {}\n", plain(&name.value)), Origin::at(name.span));
    let spans = [
        name.span,
        cluster.talos.span,
        cluster.kubernetes.span,
        identity.engine.span,
        identity.domain.span,
    ];
    text.line(
        format!(
            "A Kubernetes cluster of {}, with Talos Linux {} and Kubernetes {}, reached at {}. This folder is all that \
             {} and Talos read, compiled by labc from `lab.toml`; the domain is {}.\n",
            machines(lab),
            code(&cluster.talos.value.to_string()),
            code(&cluster.kubernetes.value.to_string()),
            code(&cluster.endpoint.value),
            engine(lab),
            code(&identity.domain.value),
        ),
        Origin::from_spans(spans),
    );
}

/// `3 control planes and 1 worker (2 more are offline)`.
fn machines(lab: &Lab) -> String {
    let online: Vec<&Machine> = lab
        .sections
        .machines
        .values()
        .filter(|m| m.online.value)
        .collect();
    let of = |role: Role| online.iter().filter(|m| m.role.value == role).count();
    let planes = count(of(Role::ControlPlane), "control plane");
    let offline = lab.sections.machines.len() - online.len();
    let workers = match of(Role::Worker) {
        0 => String::new(),
        number => format!(" and {}", count(number, "worker")),
    };
    let offline = match offline {
        0 => String::new(),
        number => format!(" ({number} more offline)"),
    };
    format!("{planes}{workers}{offline}")
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
