//! A component with everything bound: what it is made from, and who answers it.

use std::sync::Arc;

use super::cell::Ask;
use super::lab::{Arch, PodSecurity};
use crate::parse::lab::{ComponentSyntax, Layer};
use crate::parse::module::{AnswerSyntax, Module};
use crate::source::Span;
use crate::template::Scope;
use crate::value::Node;

/// A component of the lab.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its name: the release name.
    pub name: String,
    /// Its table.
    pub layer: Layer,
    /// Where it is written.
    pub span: Span,
    /// As written.
    pub syntax: Arc<ComponentSyntax>,
    /// What it deploys.
    pub module: Arc<Module>,
    /// Where it lives: a string.
    pub namespace: Node,
    /// Its version: a string, or null.
    pub version: Node,
    /// Its chart.
    pub chart: Option<Chart>,
    /// The names that its templates see, all computed.
    pub scope: Scope,
    /// What it tells others: a map.
    pub outputs: Node,
    /// Its Services by key.
    pub services: Vec<Service>,
    /// Other objects that its chart or a controller makes.
    pub creates: Vec<Created>,
    /// Kinds that it brings or runs.
    pub kinds: Vec<KindDeclaration>,
    /// Fields that controllers write.
    pub drift: Vec<Node>,
    /// Capabilities that it cannot do without, and who provides each.
    pub requires: Vec<Requirement>,
    /// Who answers what it asks for.
    pub answers: Vec<Answer>,
    /// Components that it comes after because the lab says so.
    pub needs: Vec<crate::source::Spanned<String>>,
    /// What its pods need.
    pub pod_security: Option<(PodSecurity, Node)>,
    /// The machines that its images are made for, and where that is said; none where they are for any.
    pub arch: Option<(Vec<Arch>, Node)>,
    /// Whether the provision script installs it.
    pub bootstrap: bool,
    /// Whether the engine leaves it alone.
    pub suspend: bool,
    /// Whether its claims survive pruning.
    pub keep: bool,
}

impl Component {
    /// The namespace's name.
    pub fn namespace(&self) -> &str {
        self.namespace.as_str().unwrap_or_default()
    }
}

/// A chart, exactly.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Where it is published: a string.
    pub repository: Node,
    /// Its name: a string.
    pub name: Node,
    /// Its version: a string.
    pub version: Node,
    /// Whether its `crds/` are installed with it.
    pub crds: bool,
}

/// A Service that a component has.
#[derive(Clone, Debug)]
pub struct Service {
    /// What the module calls it.
    pub key: String,
    /// Its name in the cluster.
    pub name: String,
    /// Its port.
    pub port: Option<i64>,
    /// Whether it is made by the chart or only at run time, and so not looked for in the chart.
    pub at_runtime: bool,
    /// Where it is declared.
    pub node: Node,
}

/// Another object that a component's chart or a controller makes.
#[derive(Clone, Debug)]
pub struct Created {
    /// `[group/version/]Kind`, as declared.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace; none for one of the whole cluster.
    pub namespace: Option<String>,
    /// Whether only a controller makes it.
    pub at_runtime: bool,
    /// Where it is declared.
    pub node: Node,
}

/// A kind that a component brings, or runs.
#[derive(Clone, Debug)]
pub struct KindDeclaration {
    /// The API group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// Whether its objects have a namespace.
    pub namespaced: bool,
    /// The capability with which its CRD comes, where the component only runs it.
    pub crd: Option<String>,
    /// Whether a controller makes its CRD, so that it is not looked for in the chart.
    pub at_runtime: bool,
    /// Where it is declared.
    pub node: Node,
}

/// A capability that a component cannot do without.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// The capability.
    pub capability: String,
    /// The component that provides it.
    pub provider: String,
}

/// Somebody's answer to an entry of a trait.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked.
    pub ask: Ask,
    /// The component that answers; none for an offer of no component.
    pub provider: Option<String>,
    /// The offer's id.
    pub offer: String,
    /// Whether the asker cannot live without it.
    pub hard: bool,
    /// The entry, typed.
    pub request: Arc<Node>,
    /// What came back, by name.
    pub outputs: Arc<Node>,
    /// The names that the answer's templates see.
    pub scope: Scope,
    /// How it is answered; none where the offer makes nothing and says nothing.
    pub syntax: Option<Arc<AnswerSyntax>>,
}

/// A Secret that exists outside the compiler, in one namespace.
#[derive(Clone, Debug)]
pub struct SecretUse {
    /// The entry of `[secrets]`.
    pub id: String,
    /// The namespace that it is needed in.
    pub namespace: String,
    /// Its name in the cluster.
    pub name: String,
    /// All keys that the lab declares.
    pub keys: Vec<String>,
    /// Who uses it, and where that is written.
    pub users: Vec<(String, Span)>,
    /// Where it comes from.
    pub from: super::lab::SecretSource,
    /// Where it is declared.
    pub span: Span,
}
