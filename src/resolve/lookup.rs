//! The names of a component's scope, bound to cells.

use std::collections::BTreeSet;
use std::sync::Arc;

use litemap::LiteMap;

use super::cell::{Ask, Cell};
use super::resolver::{Constants, Resolver};
use smol_str::SmolStr;

use crate::source::Origin;
use crate::template::{Binding, Lookup, Unavailable};
use crate::value::{Node, Value};

/// A branch of a component's scope.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    resolver: Arc<Resolver>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// `inputs`.
    Inputs(SmolStr),
    /// `component` and `provider`.
    Component(SmolStr),
    /// `capabilities.cni`: the name of who provides it.
    Provider(Arc<Node>),
    /// `component.addresses`.
    Addresses(SmolStr),
    /// `component.services`.
    Outputs(SmolStr),
    /// `components`.
    Components,
    /// `capabilities`, as this component sees them, if it is one's.
    Capabilities(Option<SmolStr>),
    /// `traits`.
    Traits(SmolStr),
    /// `traits.storage`.
    Entries(SmolStr, SmolStr),
    /// `traits.storage.config`.
    Answer(Ask),
}

impl Branch {
    fn new(resolver: &Arc<Resolver>, kind: Kind) -> Arc<Self> {
        Arc::new(Branch {
            resolver: resolver.clone(),
            kind,
        })
    }

    pub(super) fn inputs(resolver: &Arc<Resolver>, component: &str) -> Arc<Self> {
        Branch::new(resolver, Kind::Inputs(component.into()))
    }

    pub(super) fn component(resolver: &Arc<Resolver>, component: &str) -> Arc<Self> {
        Branch::new(resolver, Kind::Component(component.into()))
    }

    pub(super) fn components(resolver: &Arc<Resolver>) -> Arc<Self> {
        Branch::new(resolver, Kind::Components)
    }

    pub(super) fn capabilities(resolver: &Arc<Resolver>, component: Option<&str>) -> Arc<Self> {
        Branch::new(resolver, Kind::Capabilities(component.map(SmolStr::from)))
    }

    pub(super) fn traits(resolver: &Arc<Resolver>, component: &str) -> Arc<Self> {
        Branch::new(resolver, Kind::Traits(component.into()))
    }

    fn child(&self, kind: Kind) -> Option<Binding> {
        Some(Binding::Lazy(Branch::new(&self.resolver, kind)))
    }

    fn cell(&self, cell: Cell) -> Result<Option<Binding>, Unavailable> {
        self.resolver
            .get(cell)
            .map(|node| Some(Binding::Node(node)))
    }

    /// A fact of a component: its own name, namespace, layer, module, version, addresses, inputs, outputs.
    fn fact(&self, name: &str, key: &str) -> Result<Option<Binding>, Unavailable> {
        let Some(component) = self.resolver.components.get(name) else {
            return Ok(None);
        };
        let origin = Origin::at(component.name.span);
        let word = |text: &str| {
            let node = Node::new(text, origin.clone());
            Ok(Some(Binding::Node(Arc::new(node))))
        };
        match key {
            "name" => word(name),
            "layer" => word(component.layer.word()),
            "module" => word(&component.module.name),
            "namespace" => self.cell(Cell::Namespace(name.into())),
            "version" => self.cell(Cell::Version(name.into())),
            "services" => self.cell(Cell::Services(name.into())),
            "addresses" => Ok(self.child(Kind::Addresses(name.into()))),
            "inputs" => Ok(self.child(Kind::Inputs(name.into()))),
            "outputs" => Ok(self.child(Kind::Outputs(name.into()))),
            _ => Ok(None),
        }
    }
}

/// What [`Branch::fact`] knows.
const FACTS: [&str; 9] = [
    "addresses",
    "inputs",
    "layer",
    "module",
    "name",
    "namespace",
    "outputs",
    "services",
    "version",
];

impl Lookup for Branch {
    fn keys(&self) -> Vec<String> {
        let resolver = &self.resolver;
        match &self.kind {
            Kind::Inputs(name) => resolver.input_names(name),
            Kind::Component(_) | Kind::Provider(_) => FACTS.map(str::to_owned).to_vec(),
            Kind::Addresses(name) => resolver.components[name.as_str()]
                .addresses
                .keys()
                .map(SmolStr::to_string)
                .collect(),
            Kind::Outputs(name) => resolver.components[name.as_str()]
                .module
                .outputs
                .keys()
                .cloned()
                .collect(),
            Kind::Components => resolver.components.keys().cloned().collect(),
            Kind::Capabilities(_) => resolver
                .capability_names()
                .iter()
                .filter(|name| matches!(self.get(name), Ok(Some(_))))
                .cloned()
                .collect(),
            Kind::Traits(_) => resolver.traits.keys().cloned().collect(),
            Kind::Entries(name, of) => resolver
                .entry_names(name, of)
                .into_iter()
                .filter(|entry| matches!(self.get(entry), Ok(Some(_))))
                .collect(),
            Kind::Answer(ask) => resolver.output_names(ask),
        }
    }

    fn get(&self, key: &str) -> Result<Option<Binding>, Unavailable> {
        let resolver = &self.resolver;
        match &self.kind {
            Kind::Inputs(name) => {
                if !resolver.components[name.as_str()]
                    .module
                    .inputs
                    .contains_key(key)
                {
                    return Ok(None);
                }
                self.cell(Cell::Input(name.clone(), key.into()))
            }
            Kind::Component(name) => self.fact(name, key),
            Kind::Provider(name) => self.fact(name.as_str().unwrap_or_default(), key),
            Kind::Addresses(name) => {
                if !resolver.components[name.as_str()]
                    .addresses
                    .contains_key(key)
                {
                    return Ok(None);
                }
                self.cell(Cell::Address(name.clone(), key.into()))
            }
            Kind::Outputs(name) => {
                if !resolver.components[name.as_str()]
                    .module
                    .outputs
                    .contains_key(key)
                {
                    return Ok(None);
                }
                self.cell(Cell::Output(name.clone(), key.into()))
            }
            Kind::Components => {
                if !resolver.components.contains_key(key) {
                    return Ok(None);
                }
                Ok(self.child(Kind::Component(key.into())))
            }
            Kind::Capabilities(name) => {
                let provider = resolver.get(Cell::Provider(key.into()))?;
                // That a required one is missing is said once, of the component.
                let requires = |name: &SmolStr| resolver.always_requires(name, key);
                if provider.value == Value::Null && name.as_ref().is_some_and(requires) {
                    return Err(Unavailable);
                }
                if provider.value == Value::Null {
                    return Ok(None);
                }
                Ok(self.child(Kind::Provider(provider)))
            }
            Kind::Traits(name) => {
                if !resolver.traits.contains_key(key) {
                    return Ok(None);
                }
                Ok(self.child(Kind::Entries(name.clone(), key.into())))
            }
            Kind::Entries(name, of) => {
                let ask = Ask {
                    component: name.clone(),
                    of: of.clone(),
                    entry: key.into(),
                };
                if !resolver
                    .entry_names(name, of)
                    .iter()
                    .any(|entry| entry == key)
                {
                    return Ok(None);
                }
                let choice = resolver.get(Cell::Choice(ask.clone()))?;
                if choice.value == Value::Null {
                    return Ok(None);
                }
                Ok(self.child(Kind::Answer(ask)))
            }
            Kind::Answer(ask) => {
                if !resolver.output_names(ask).iter().any(|name| name == key) {
                    return Ok(None);
                }
                self.cell(Cell::Answer(ask.clone(), key.into()))
            }
        }
    }

    fn origin(&self) -> Option<&Origin> {
        match &self.kind {
            Kind::Provider(name) => Some(&name.origin),
            _ => None,
        }
    }
}

/// The inputs of a component, all computed: its own, beside those that every component of its module shares.
#[derive(Debug)]
pub(super) struct Inputs {
    /// What the component says, and what was computed for it.
    pub own: LiteMap<SmolStr, Arc<Node>>,
    /// What is the same for all.
    pub shared: Arc<Constants>,
}

impl Lookup for Inputs {
    fn keys(&self) -> Vec<String> {
        let own = self.own.keys().map(SmolStr::as_str);
        let all: BTreeSet<&str> = own.chain(self.shared.keys().map(String::as_str)).collect();
        all.into_iter().map(str::to_owned).collect()
    }

    fn get(&self, key: &str) -> Result<Option<Binding>, Unavailable> {
        let found = self.own.get(key).or_else(|| self.shared.get(key));
        Ok(found.cloned().map(Binding::Node))
    }
}

/// A branch whose entries are all computed.
#[derive(Debug, Default)]
pub(super) struct Computed(pub LiteMap<SmolStr, Binding>);

impl Lookup for Computed {
    fn keys(&self) -> Vec<String> {
        self.0.keys().map(SmolStr::to_string).collect()
    }

    fn get(&self, key: &str) -> Result<Option<Binding>, Unavailable> {
        Ok(self.0.get(key).cloned())
    }
}

/// The facts of a component, all computed, for whoever asks for a capability that it provides.
#[derive(Debug)]
pub(super) struct Provider {
    /// Its name, and why it provides the capability.
    pub name: Arc<Node>,
    pub facts: Arc<Computed>,
}

impl Lookup for Provider {
    fn keys(&self) -> Vec<String> {
        self.facts.keys()
    }

    fn get(&self, key: &str) -> Result<Option<Binding>, Unavailable> {
        self.facts.get(key)
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.name.origin)
    }
}
