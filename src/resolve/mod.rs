//! Syntax to lab: modules, inputs, traits, capabilities and addresses are bound, every expression of `lab.toml` has
//! its value.
//!
//! Knows no engine and no manifest.

mod bind;
mod cell;
mod check;
mod claim;
pub mod clause;
pub mod component;
mod conform;
pub mod dependency;
mod facts;
mod known;
pub mod lab;
mod lookup;
mod need;
mod nested;
mod offer;
pub mod plan;
mod recent;
mod resolver;
mod secret;
mod service;
pub mod store;
mod tested;
pub mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

pub use cell::Ask;
pub use component::Component;

use component::SecretUse;
use dependency::Dependency;
use lab::Need;
use plan::{AddressPlan, Sections};
use resolver::{Ground, Resolver};
use store::Store;

use crate::diag::Diagnostics;
use crate::parse::lab::{LabSyntax, PatchFile};
use crate::parse::sops::SopsFile;
use crate::source::{Sources, Span};
use crate::template::Scope;
use crate::value::Node;

/// A lab with everything bound.
#[derive(Debug)]
pub struct Lab {
    /// The fixed sections.
    pub sections: Sections,
    /// The enabled components that could be bound.
    pub components: BTreeMap<String, Component>,
    /// The component that provides each capability.
    pub capabilities: BTreeMap<String, String>,
    /// Who owns which address, and what is free.
    pub addresses: AddressPlan,
    /// What components and raw words want of the nodes.
    pub needs: Vec<Need>,
    /// Where ports of the nodes are asked for that were judged here.
    pub node_ports: BTreeSet<Span>,
    /// The Secrets that exist outside the compiler, as far as inputs name them.
    pub secrets: Vec<SecretUse>,
    /// Who fills each secret that comes from a store, by its entry of `[secrets]`.
    pub stores: BTreeMap<String, Store>,
    /// The machine-config patches that it names, by path.
    pub talos_patches: BTreeMap<String, PatchFile>,
    /// The encrypted Secrets of `secrets/`.
    pub sops: Vec<SopsFile>,
    /// What `lab.toml` says a version of.
    pub dependencies: Vec<Dependency>,
}

impl Lab {
    /// Forgets what the templates of components see: nothing is expanded any more.
    pub fn forget_scopes(&mut self) {
        let nothing = Scope::default();
        self.components.par_iter_mut().for_each(|(_, component)| {
            component.scope = nothing.clone();
            for answer in &mut component.answers {
                answer.scope = nothing.clone();
            }
        });
    }
}

/// Binds a lab. With some problems there still is a lab, so that later stages can report theirs; none where too
/// much is missing for going on.
pub fn resolve(
    syntax: LabSyntax,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Lab> {
    facts::refuse_in_keys(&syntax.sections, diagnostics);
    let complete = plan::with_defaults(syntax.sections, sources, diagnostics);
    let evaluated = facts::evaluate(&complete, diagnostics);
    let sections = plan::sections(&evaluated, diagnostics)?;
    versions::check(&sections.cluster, diagnostics);
    let mut base = Scope::default();
    for (name, node) in facts::visible(&evaluated, &sections) {
        base.bind(name, node);
    }
    let enabled: BTreeMap<String, Arc<_>> = syntax
        .components
        .into_iter()
        .filter(|(_, component)| component.enabled)
        .map(|(name, component)| (name, Arc::new(component)))
        .collect();
    check::check(&sections, &enabled, &syntax.traits, diagnostics);
    let declared = evaluated.get("secrets").and_then(Node::as_map);
    let declared = declared
        .into_iter()
        .flatten()
        .map(|(name, _)| name.to_string());
    let ground = Ground {
        components: enabled,
        traits: syntax.traits,
        secrets: sections.secrets.clone(),
        declared_secrets: declared.collect(),
        defaults: sections.defaults.clone(),
        base,
    };
    let (resolver, components) = bind::components(Resolver::new(Arc::new(ground)));
    let needs = need::needs(&resolver, &sections, &components, diagnostics);
    let capabilities = known::providers(&resolver);
    let stores = store::stores(&resolver, &sections.secrets, diagnostics);
    resolver.rest();
    let found = resolver.take_found();
    diagnostics.append(found.diagnostics);
    let claims = found.claims;
    // Many small values: they are freed while others go on.
    rayon::spawn(|| drop(resolver));
    store::circles(
        &stores,
        &sections.secrets,
        &components,
        &claims.secrets,
        diagnostics,
    );
    let balancer = capabilities.get("load-balancer");
    let balancer = balancer.and_then(|name| components.get(name));
    let addresses = claim::addresses(&sections, balancer, &claims, sources, diagnostics);
    claim::node_ports(&sections, &claims.node_ports, diagnostics);
    let secrets = secret::uses(&sections.secrets, &claims.secrets, &components);
    let dependencies = dependency::all(&syntax.written, &evaluated, &components, &claims, sources);
    Some(Lab {
        sections,
        components,
        capabilities,
        addresses,
        needs,
        node_ports: claims.node_ports.iter().map(|claim| claim.span).collect(),
        secrets,
        stores,
        talos_patches: syntax.talos_patches,
        sops: syntax.sops,
        dependencies,
    })
}
