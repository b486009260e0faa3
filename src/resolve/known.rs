//! What the templates of a lab see, computed: the facts of every component, and who answers what.

use std::collections::BTreeMap;
use std::sync::Arc;

use litemap::LiteMap;
use smol_str::SmolStr;

use super::cell::{Ask, Cell};
use super::lookup::{Computed, Inputs, Provider};
use super::resolver::Resolver;
use crate::source::Origin;
use crate::template::{Binding, Scope, Unavailable};
use crate::value::{Node, Value};

/// What the templates of the whole lab see, computed.
pub(super) struct Known {
    pub facts: BTreeMap<SmolStr, Facts>,
    /// The names that every component sees.
    pub base: Scope,
}

/// What the templates of the lab see of one component, computed.
pub(super) struct Facts {
    /// `component`.
    pub all: Arc<Computed>,
    pub inputs: Arc<Inputs>,
    /// `traits`.
    pub traits: Arc<Node>,
    pub answered: Vec<Answered>,
    /// Whether none of its entries is wrong.
    pub all_answered: bool,
    pub outputs: Node,
}

/// An entry that somebody answers.
pub(super) struct Answered {
    pub ask: Ask,
    pub offer: Arc<Node>,
    pub outputs: Arc<Node>,
}

impl Known {
    /// The names that the answer of an offer of no component sees: all computed, nothing lazy.
    pub(super) fn own_scope(&self, asker: &str) -> Scope {
        let mut scope = self.base.inside(Arc::default());
        scope.bind_lazy("component", self.facts[asker].all.clone());
        scope
    }
}

/// Everything that is known, from the facts of each component.
pub(super) fn known(
    resolver: &Arc<Resolver>,
    jobs: &[(Arc<Resolver>, String)],
    facts: Vec<Facts>,
) -> Known {
    let names = jobs.iter().map(|(_, name)| SmolStr::from(name.as_str()));
    let facts: BTreeMap<SmolStr, Facts> = names.zip(facts).collect();
    let lazy = |facts: &Facts| Binding::Lazy(facts.all.clone());
    let components = facts
        .iter()
        .map(|(name, facts)| (name.clone(), lazy(facts)));
    let provided = |(capability, name): (&String, Arc<Node>)| {
        let facts = facts.get(name.as_str()?)?.all.clone();
        let provider = Arc::new(Provider { name, facts });
        Some((capability.as_str().into(), Binding::Lazy(provider)))
    };
    let capabilities = provider_names(resolver).filter_map(provided);
    let mut base = resolver.base.fork();
    base.bind_lazy("components", Arc::new(Computed(components.collect())));
    base.bind_lazy("capabilities", Arc::new(Computed(capabilities.collect())));
    Known { facts, base }
}

/// The facts of a component, as `components.<name>` and `component` show them; a value that is wrong is left out.
pub(super) fn facts(resolver: &Arc<Resolver>, name: &str) -> Facts {
    let mut answered = Vec::new();
    let mut all_answered = true;
    for ask in resolver.asks(name) {
        match answered_by(resolver, ask) {
            Ok(found) => answered.extend(found),
            Err(Unavailable) => all_answered = false,
        }
    }
    let component = &resolver.components[name];
    let origin = Origin::at(component.name.span);
    let own = |text: &str| Binding::Node(Arc::new(Node::new(text, origin.clone())));
    let branch = |cell: fn(SmolStr, SmolStr) -> Cell, keys: Vec<&str>| {
        let value = |key: &str| {
            let key = SmolStr::from(key);
            let node = resolver.get(cell(name.into(), key.clone())).ok()?;
            Some((key, Binding::Node(node)))
        };
        Arc::new(Computed(keys.into_iter().filter_map(value).collect()))
    };
    let module = &component.module;
    let inputs = Arc::new(inputs(resolver, name));
    let outputs = module.outputs.keys().map(String::as_str);
    let outputs = branch(Cell::Output, outputs.collect());
    let addresses = component.addresses.keys().map(SmolStr::as_str);
    let addresses = branch(Cell::Address, addresses.collect());
    let mut all: LiteMap<SmolStr, Binding> = [
        ("name".into(), own(name)),
        ("layer".into(), own(component.layer.word())),
        ("module".into(), own(&module.name)),
        ("inputs".into(), Binding::Lazy(inputs.clone())),
        ("addresses".into(), Binding::Lazy(addresses)),
    ]
    .into_iter()
    .collect();
    let mut told = Node::new(Value::map(), origin.clone());
    for (key, binding) in &outputs.0 {
        if let Binding::Node(node) = binding {
            told.insert(key.clone(), (**node).clone());
        }
    }
    all.insert("outputs".into(), Binding::Lazy(outputs));
    let cells = [
        ("namespace", Cell::Namespace(name.into())),
        ("version", Cell::Version(name.into())),
        ("services", Cell::Services(name.into())),
    ];
    for (key, cell) in cells {
        if let Ok(node) = resolver.get(cell) {
            all.insert(key.into(), Binding::Node(node));
        }
    }
    Facts {
        all: Arc::new(Computed(all)),
        inputs,
        traits: Arc::new(traits(resolver, &answered)),
        answered,
        all_answered,
        outputs: told,
    }
}

/// The inputs of a component; one that is wrong is left out.
fn inputs(resolver: &Arc<Resolver>, name: &str) -> Inputs {
    let component = &resolver.components[name];
    let shared = resolver.constants(name);
    let mut own = LiteMap::new();
    let nothing = Arc::new(Node::new(Value::Null, Origin::at(component.name.span)));
    for (input, definition) in &component.module.inputs {
        let given = component.inputs.contains_key(input.as_str());
        if !given && definition.default.is_none() && definition.optional {
            own.insert(input.as_str().into(), nothing.clone());
        } else if given || !shared.contains_key(input) {
            let cell = Cell::Input(name.into(), input.as_str().into());
            if let Ok(node) = resolver.get(cell) {
                own.insert(input.as_str().into(), node);
            }
        }
    }
    Inputs {
        own,
        shared: shared.clone(),
    }
}

/// The offer that answers an entry and what came back; none where nobody answers and nobody must.
fn answered_by(resolver: &Arc<Resolver>, ask: Ask) -> Result<Option<Answered>, Unavailable> {
    let offer = resolver.get(Cell::Choice(ask.clone()))?;
    if offer.value == Value::Null {
        return Ok(None);
    }
    let mut outputs = Node::new(Value::map(), offer.origin.clone());
    for output in resolver.traits[ask.of.as_str()].outputs.keys() {
        let node = resolver.get(Cell::Answer(ask.clone(), output.as_str().into()))?;
        outputs.insert(output.as_str(), (*node).clone());
    }
    let outputs = Arc::new(outputs);
    Ok(Some(Answered {
        ask,
        offer,
        outputs,
    }))
}

/// The component that provides each capability of the lab.
pub(super) fn providers(resolver: &Arc<Resolver>) -> BTreeMap<String, String> {
    let named = |(capability, name): (&String, Arc<Node>)| {
        Some((capability.clone(), name.as_str()?.to_owned()))
    };
    provider_names(resolver).filter_map(named).collect()
}

/// Every capability that a module of the lab may provide, with the name of the component that does; null if none does.
fn provider_names(resolver: &Arc<Resolver>) -> impl Iterator<Item = (&String, Arc<Node>)> {
    let provider = |capability: &'_ String| {
        let cell = Cell::Provider(capability.as_str().into());
        resolver.get(cell).ok()
    };
    let names = resolver.capability_names().iter();
    names.filter_map(move |capability| Some((capability, provider(capability)?)))
}

/// The names that the templates of `owner` see, where `component` is `asker`: all computed, nothing lazy.
pub(super) fn scope(resolver: &Resolver, owner: &str, asker: &str, known: &Known) -> Scope {
    let files = &resolver.components[owner].files;
    let mut scope = known.base.inside(files.clone());
    scope.bind_lazy("inputs", known.facts[owner].inputs.clone());
    scope.bind_lazy("component", known.facts[asker].all.clone());
    scope.bind("traits", known.facts[owner].traits.clone());
    scope
}

/// Every trait, with the outputs of the entries that were answered.
fn traits(resolver: &Resolver, answered: &[Answered]) -> Node {
    let mut traits = Node::new(Value::map(), Origin::none());
    for of in resolver.traits.keys() {
        let mut entries = Node::new(Value::map(), Origin::none());
        for answered in answered.iter().filter(|answered| answered.ask.of == *of) {
            entries.insert(answered.ask.entry.clone(), (*answered.outputs).clone());
        }
        traits.insert(of.as_str(), entries);
    }
    traits
}
