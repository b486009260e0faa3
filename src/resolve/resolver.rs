//! Computes the cells: binds inputs to their types, traits to their answers, capabilities to their providers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use smol_str::SmolStr;

use super::cell::{Ask, Cell, Cells, Found, Walk};
use super::claim::{Claims, VersionClaim};
use super::clause::Turn;
use super::conform::{self, Context, conform, object};
use super::lab::Secret;
use super::lookup::Branch;
use super::recent::Recent;
use super::{nested, offer, service};
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::input::{Input, InputType};
use crate::parse::lab::ComponentSyntax;
use crate::parse::module::{Clause, Module, TraitSyntax};
use crate::source::{Origin, Span};
use crate::template::{Failed, Scope, Template, Unavailable, expand};
use crate::value::{Map, Node, Value};

/// Everything that a component's values are computed from.
#[derive(Debug)]
pub(super) struct Ground {
    /// The enabled components.
    pub components: BTreeMap<String, Arc<ComponentSyntax>>,
    /// Every trait.
    pub traits: BTreeMap<String, Arc<TraitSyntax>>,
    /// `[secrets]`.
    pub secrets: BTreeMap<String, Secret>,
    /// The names in `[secrets]`, also of those that are wrong.
    pub declared_secrets: BTreeSet<String>,
    /// `[defaults]`: trait to offer, with its place.
    pub defaults: BTreeMap<String, crate::source::Spanned<String>>,
    /// The names that all components see.
    pub base: Scope,
}

/// Computes values, on one walk: what it is asked for while it computes is noted, to find circles.
#[derive(Debug)]
pub(super) struct Resolver {
    shared: Arc<Shared>,
    walk: Walk,
    /// The scopes that were made last.
    pub recent: Recent,
}

/// Inputs of a module by name: those that have the same value for every component that leaves them alone.
pub(super) type Constants = BTreeMap<String, Arc<Node>>;

/// What all walks have in common.
#[derive(Debug)]
pub(super) struct Shared {
    /// What values are computed from.
    ground: Arc<Ground>,
    /// The components whose modules make offers.
    offering: Vec<String>,
    /// The names of the capabilities that the lab's modules may provide.
    pub capabilities: BTreeSet<String>,
    /// The inputs of each module whose default is the same for every component that says nothing.
    constants: BTreeMap<String, Arc<Constants>>,
    /// By trait: the traits that have entries of it as a field, and that field.
    around: nested::Around,
    cells: Cells,
}

impl Deref for Resolver {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.shared.ground
    }
}

impl Resolver {
    /// Nothing computed yet.
    pub(super) fn new(ground: Arc<Ground>) -> Arc<Self> {
        let components = &ground.components;
        let clauses = components
            .values()
            .flat_map(|component| &component.module.capabilities);
        let offers = |component: &ComponentSyntax| !component.module.offers.is_empty();
        let offering = components.iter().filter(|(_, component)| offers(component));
        let modules: BTreeMap<&str, &Module> = components
            .values()
            .map(|component| (component.module.name.as_str(), &*component.module))
            .collect();
        let constants = modules
            .into_iter()
            .map(|(name, module)| (name.to_owned(), Arc::new(constants(module))));
        let shared = Shared {
            offering: offering.map(|(name, _)| name.clone()).collect(),
            capabilities: clauses.filter_map(clause_name).collect(),
            constants: constants.collect(),
            around: nested::around(&ground.traits),
            cells: Cells::of(ground.components.len()),
            ground,
        };
        Arc::new(Resolver {
            shared: Arc::new(shared),
            walk: Walk::default(),
            recent: Recent::default(),
        })
    }

    /// The same values, on a walk of its own: for another thread.
    pub(super) fn walk(&self) -> Arc<Self> {
        Arc::new(Resolver {
            shared: self.shared.clone(),
            walk: Walk::default(),
            recent: Recent::default(),
        })
    }

    /// Forgets the scopes that were made last, which hold on to this walk.
    pub(super) fn rest(&self) {
        self.recent.forget();
    }

    /// The same lab, with nothing computed yet.
    pub(super) fn anew(&self) -> Arc<Self> {
        Resolver::new(self.shared.ground.clone())
    }

    /// Whether values need each other: what is said about them is only settled on one walk over all.
    pub(super) fn has_circle(&self) -> bool {
        self.shared.cells.has_circle()
    }

    /// The components whose modules make offers.
    pub(super) fn offering(&self) -> &[String] {
        &self.shared.offering
    }

    /// Every capability that a module of the lab may provide.
    pub(super) fn capability_names(&self) -> &BTreeSet<String> {
        &self.shared.capabilities
    }

    /// Notes what the component claims whose value is being computed.
    pub(super) fn claim(&self, note: impl FnOnce(&mut Claims)) {
        self.walk.claim(note);
    }

    /// Every problem that was found, and everything that is claimed.
    pub(super) fn take_found(&self) -> Found {
        self.shared.cells.take_found()
    }

    /// Adds problems that were found beside the cells.
    pub(super) fn report(&self, diagnostics: Diagnostics) {
        self.shared.cells.add(diagnostics);
    }

    /// The value of a cell.
    pub(super) fn get(self: &Arc<Self>, cell: Cell) -> Result<Arc<Node>, Unavailable> {
        if let Cell::Input(name, input) = &cell
            && let Some(constant) = self.constant(name, input)
        {
            return Ok(constant.clone());
        }
        let place = || self.place(&cell);
        self.shared
            .cells
            .get(&self.walk, &cell, place, |found| self.compute(&cell, found))
    }

    /// The value of an input that a component leaves at a default which is the same for all.
    fn constant(&self, name: &str, input: &str) -> Option<&Arc<Node>> {
        let component = &self.components[name];
        if component.inputs.contains_key(input) {
            return None;
        }
        self.constants(name).get(input)
    }

    /// The inputs of a component's module whose default is the same for all.
    pub(super) fn constants(&self, name: &str) -> &Arc<Constants> {
        &self.shared.constants[self.components[name].module.name.as_str()]
    }

    fn compute(
        self: &Arc<Self>,
        cell: &Cell,
        diagnostics: &mut Diagnostics,
    ) -> Result<Node, Unavailable> {
        match cell {
            Cell::Fact(_) => unreachable!("facts are evaluated before components"),
            Cell::Namespace(name) => self.namespace(name, diagnostics),
            Cell::Version(name) => self.version(name, diagnostics),
            Cell::Input(name, input) => self.input(name, input, diagnostics),
            Cell::Address(name, address) => self.address(name, address, diagnostics),
            Cell::Services(name) => service::services(self, name, diagnostics),
            Cell::Output(name, output) => {
                let template = &self.components[name.as_str()].module.outputs[output.as_str()];
                self.value(template, &self.scope(name), diagnostics)
            }
            Cell::Offers(name, of) => offer::offers(self, name, of, diagnostics),
            Cell::Provider(capability) => offer::provider(self, capability, diagnostics),
            Cell::Request(ask) => self.request(ask, diagnostics),
            Cell::Choice(ask) => offer::choice(self, ask, diagnostics),
            Cell::Answer(ask, output) => offer::output(self, ask, output, diagnostics),
        }
    }

    /// Where a message about a cell points.
    fn place(&self, cell: &Cell) -> Option<Span> {
        let name = match cell {
            Cell::Namespace(name)
            | Cell::Version(name)
            | Cell::Address(name, _)
            | Cell::Services(name)
            | Cell::Output(name, _)
            | Cell::Offers(name, _) => name,
            Cell::Input(name, input) => {
                let component = &self.components[name.as_str()];
                let given = component.inputs.get(input.as_str()).map(|(span, _)| *span);
                return given.or(Some(component.name.span));
            }
            Cell::Fact(_) | Cell::Provider(_) => return None,
            Cell::Request(ask) | Cell::Choice(ask) | Cell::Answer(ask, _) => {
                return self.ask_span(ask);
            }
        };
        Some(self.components[name.as_str()].name.span)
    }

    /// Where an entry of a trait is written: in the lab, else in the module.
    pub(super) fn ask_span(&self, ask: &Ask) -> Option<Span> {
        let component = &self.components[ask.component.as_str()];
        let own = component
            .traits
            .get(ask.of.as_str())
            .and_then(|entries| entries.get(ask.entry.as_str()));
        own.map(|entry| entry.span)
            .or_else(|| self.asked(ask).map(|clause| clause.span))
    }

    /// What the module itself asks for under this name.
    fn asked(&self, ask: &Ask) -> Option<&Clause> {
        let module = &self.components[ask.component.as_str()].module;
        module.asks.get(ask.of.as_str())?.get(ask.entry.as_str())
    }

    /// Whether a component's module requires a capability, whatever its inputs are.
    pub(super) fn always_requires(&self, name: &str, capability: &str) -> bool {
        let requires = &self.components[name].module.requires;
        requires.iter().any(|clause| {
            clause.when.is_none() && clause_name(clause).as_deref() == Some(capability)
        })
    }

    /// The scope of a component's own expressions.
    pub(super) fn scope(self: &Arc<Self>, name: &str) -> Scope {
        self.recent.scope_of(name, || {
            let mut scope = self.plain_scope(name);
            scope.bind_lazy("component", Branch::component(self, name));
            scope
        })
    }

    /// The scope of a provider that answers somebody: `component` is the asker.
    pub(super) fn answer_scope(self: &Arc<Self>, provider: &str, asker: &str) -> Scope {
        let mut scope = self.plain_scope(provider);
        scope.bind_lazy("component", Branch::component(self, asker));
        scope.bind_lazy("provider", Branch::component(self, provider));
        scope
    }

    /// The scope of an answer that no component gives: `component` is the asker.
    pub(super) fn own_scope(self: &Arc<Self>, asker: &str) -> Scope {
        let mut scope = self.base.inside(Arc::default());
        self.bind_lab(None, &mut scope);
        scope.bind_lazy("component", Branch::component(self, asker));
        scope
    }

    fn plain_scope(self: &Arc<Self>, name: &str) -> Scope {
        let mut scope = self.base.inside(self.components[name].files.clone());
        scope.bind_lazy("inputs", Branch::inputs(self, name));
        scope.bind_lazy("traits", Branch::traits(self, name));
        self.bind_lab(Some(name), &mut scope);
        scope
    }

    /// Binds what every scope sees of all components; `name` is whose templates they are.
    fn bind_lab(self: &Arc<Self>, name: Option<&str>, scope: &mut Scope) {
        scope.bind_lazy("capabilities", Branch::capabilities(self, name));
        scope.bind_lazy("components", Branch::components(self));
    }

    /// The value of a template; one that drops itself is null.
    pub(super) fn value(
        &self,
        template: &Template,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<Node, Unavailable> {
        match expand(template, scope, diagnostics) {
            Ok(Some(node)) => Ok(node),
            Ok(None) => Ok(Node::new(Value::Null, Origin::at(template.span))),
            Err(Failed) => Err(Unavailable),
        }
    }

    fn namespace(
        self: &Arc<Self>,
        name: &str,
        diagnostics: &mut Diagnostics,
    ) -> Result<Node, Unavailable> {
        let component = &self.components[name];
        let own = component.namespace.as_ref();
        let template = own.or(component.module.namespace.as_ref());
        let Some(template) = template else {
            return Ok(Node::new(name, Origin::at(component.name.span)));
        };
        let node = self.value(template, &self.scope(name), diagnostics)?;
        let text = node.as_str().unwrap_or_default();
        if let Err(why) = crate::parse::domain::check_label(text) {
            let message = format!("`{text}` is no name for a namespace");
            diagnostics.push(
                Diagnostic::error(Code::INVALID_NAME, node.origin.first(), message).note(why),
            );
            return Err(Unavailable);
        }
        Ok(node)
    }

    fn version(
        self: &Arc<Self>,
        name: &str,
        diagnostics: &mut Diagnostics,
    ) -> Result<Node, Unavailable> {
        let component = &self.components[name];
        let Some(template) = &component.version else {
            return Ok(Node::new(Value::Null, Origin::at(component.name.span)));
        };
        let node = self.value(template, &self.scope(name), diagnostics)?;
        if node.as_str().is_none() {
            let path = format!("{}.{name}.version", component.layer);
            diagnostics.push(crate::parse::table::wrong_type(&node, &path, "a string"));
            return Err(Unavailable);
        }
        Ok(node)
    }

    /// The names of a component's inputs.
    pub(super) fn input_names(&self, name: &str) -> Vec<String> {
        self.components[name]
            .module
            .inputs
            .keys()
            .cloned()
            .collect()
    }

    fn input(
        self: &Arc<Self>,
        name: &str,
        input: &str,
        diagnostics: &mut Diagnostics,
    ) -> Result<Node, Unavailable> {
        let component = &self.components[name];
        let definition = &component.module.inputs[input];
        let path = format!("{}.{name}.{input}", component.layer);
        let scope = self.scope(name);
        let context = Context {
            resolver: self,
            component: name,
            scope: &scope,
        };
        let given = component.inputs.get(input);
        let node = match (given, &definition.default) {
            (Some((_, template)), _) | (None, Some(template)) => {
                self.value(template, &scope, diagnostics)?
            }
            (None, None) => Node::new(Value::Null, Origin::at(component.name.span)),
        };
        if node.value == Value::Null {
            if definition.optional {
                return Ok(node);
            }
            let place = given.map_or(component.name.span, |(span, _)| *span);
            let message = format!("`{path}` is missing");
            diagnostics.push(
                Diagnostic::error(Code::MISSING_INPUT, place, message)
                    .note(format!(
                        "module `{}` needs it: {}",
                        component.module.name, definition.doc
                    ))
                    .help(format!("add `{input} = ...` ({})", definition.kind)),
            );
            return Err(Unavailable);
        }
        if let Some(releases) = definition.releases.clone() {
            let version = node.clone();
            self.claim(|claims| claims.versions.push(VersionClaim { releases, version }));
        }
        conform(&context, node, &definition.kind, &path, diagnostics)
    }

    fn address(
        self: &Arc<Self>,
        name: &str,
        address: &str,
        diagnostics: &mut Diagnostics,
    ) -> Result<Node, Unavailable> {
        let component = &self.components[name];
        let scope = self.scope(name);
        let context = Context {
            resolver: self,
            component: name,
            scope: &scope,
        };
        let node = self.value(
            &component.addresses[&SmolStr::from(address)],
            &scope,
            diagnostics,
        )?;
        let path = format!("{}.{name}.addresses.{address}", component.layer);
        let kind = InputType::Address;
        conform(&context, node, &kind, &path, diagnostics)
    }

    /// The names of the entries that a component has of a trait, its module's own asks among them, and those that are
    /// written as a field of another trait's entry.
    pub(super) fn entry_names(&self, name: &str, of: &str) -> Vec<String> {
        let places = self.around(of).iter().map(|(outer, _)| outer.as_str());
        let names: BTreeSet<&str> = places
            .chain([of])
            .flat_map(|of| self.named_entries(name, of))
            .collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// The names of the entries of a trait that lab and module write under its own name.
    pub(super) fn named_entries(&self, name: &str, of: &str) -> impl Iterator<Item = &str> {
        let component = &self.components[name];
        let own = component.traits.get(of).into_iter();
        let own = own.flat_map(|entries| entries.keys().map(SmolStr::as_str));
        let asked = component.module.asks.get(of).into_iter();
        own.chain(asked.flat_map(|entries| entries.keys().map(String::as_str)))
    }

    /// The traits that have entries of a trait as a field, and that field.
    pub(super) fn around(&self, of: &str) -> &[(String, String)] {
        self.shared.around.get(of).map_or(&[], Vec::as_slice)
    }

    /// Every entry of every trait of a component.
    pub(super) fn asks(&self, name: &str) -> Vec<Ask> {
        let all = self.traits.keys().flat_map(|of| {
            let ask = |entry: String| Ask {
                component: name.into(),
                of: of.as_str().into(),
                entry: entry.into(),
            };
            self.entry_names(name, of).into_iter().map(ask)
        });
        all.collect()
    }

    /// The fields of an entry: the lab's over the module's over the trait's defaults, typed; null where the entry
    /// does not apply.
    fn request(
        self: &Arc<Self>,
        ask: &Ask,
        diagnostics: &mut Diagnostics,
    ) -> Result<Node, Unavailable> {
        let component = &self.components[ask.component.as_str()];
        let definition = &self.traits[ask.of.as_str()];
        let scope = self.scope(&ask.component);
        let mut span = self.ask_span(ask);
        let mut fields = Map::new();
        if let Some(inside) = nested::fields(self, ask, diagnostics)? {
            span = inside.origin.first();
            if let Value::Map(map) = inside.value {
                fields = map;
            }
        } else if !self
            .named_entries(&ask.component, &ask.of)
            .any(|name| name == ask.entry)
        {
            return Ok(Node::default());
        }
        let span = span.unwrap_or(component.name.span);
        if !self.is_written(ask) && self.is_none_at_all(ask) {
            return Ok(Node::new(Value::Null, Origin::at(span)));
        }
        if let Some(clause) = self.asked(ask) {
            if !self.holds(clause, &scope, diagnostics)? && !self.is_written(ask) {
                return Ok(Node::new(Value::Null, Origin::at(span)));
            }
            let node = self.value(&clause.body, &scope, diagnostics)?;
            if let Value::Map(map) = node.value {
                fields = map;
            }
        }
        if let Some(entry) = self.written(ask) {
            for (key, (place, template)) in &entry.fields {
                let node = self.value(template, &scope, diagnostics)?;
                let entry = crate::value::Entry {
                    key: Some(*place),
                    node,
                };
                fields.insert(key.as_str().into(), entry);
            }
        }
        let enabled = fields.get("enabled").map(|entry| &entry.node);
        if enabled.is_some_and(|node| node.value == Value::Bool(false)) {
            return Ok(Node::new(Value::Null, Origin::at(span)));
        }
        // Every entry can be turned off, whether its trait speaks of it or not.
        let is_plain_yes = enabled.is_some_and(|node| node.value == Value::Bool(true));
        if is_plain_yes && !definition.fields.contains_key("enabled") {
            fields.remove("enabled");
        }
        let via = fields.remove("via");
        let optional = fields.remove("optional");
        let context = Context {
            resolver: self,
            component: &ask.component,
            scope: &scope,
        };
        let path = format!(
            "{}.{}.{}.{}",
            component.layer, ask.component, ask.of, ask.entry
        );
        let open = offer::open_fields(self, &ask.of, &fields);
        let given = Node::new(fields, Origin::at(span));
        let mut request = object(&context, given, &definition.fields, &path, diagnostics)?;
        request.insert("name", Node::new(ask.entry.as_str(), Origin::at(span)));
        if !open.is_empty()
            && let Some(offer) = offer::meant(self, ask, &request, via.as_ref())
        {
            for field in open {
                let Some(node) = offer.get(field).filter(|node| node.value != Value::Null) else {
                    continue;
                };
                let (kind, path) = (&definition.fields[field].kind, format!("{path}.{field}"));
                let node = conform(&context, node.clone(), kind, &path, diagnostics)?;
                request.insert(field, node);
            }
        }
        let Value::Map(map) = &mut request.value else {
            return Ok(request);
        };
        for (key, entry) in [("via", via), ("optional", optional)] {
            if let Some(entry) = entry {
                map.insert(key.into(), entry);
            }
        }
        Ok(request)
    }

    fn written(&self, ask: &Ask) -> Option<&crate::parse::lab::EntrySyntax> {
        let component = &self.components[ask.component.as_str()];
        component
            .traits
            .get(ask.of.as_str())?
            .get(ask.entry.as_str())
    }

    /// Whether the lab turns off all that the module asks of a trait.
    fn is_none_at_all(&self, ask: &Ask) -> bool {
        let component = &self.components[ask.component.as_str()];
        let entries = component.traits.get(ask.of.as_str());
        let main = entries.and_then(|entries| entries.get("main"));
        main.is_some_and(|main| main.none_at_all)
    }

    /// Whether the lab itself writes an entry, rather than only a module, or another entry.
    pub(super) fn is_written(&self, ask: &Ask) -> bool {
        self.written(ask).is_some()
    }

    /// Whether a clause's condition holds.
    pub(super) fn holds(
        &self,
        clause: &Clause,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<bool, Unavailable> {
        let held = self.held(clause, scope, diagnostics)?;
        Ok(held.is_some())
    }

    /// What a clause's condition read where it holds; none where it does not.
    pub(super) fn held(
        &self,
        clause: &Clause,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Origin>, Unavailable> {
        let Some(condition) = &clause.when else {
            return Ok(Some(Origin::none()));
        };
        let tested = condition.test(scope, diagnostics);
        let (holds, read) = tested.map_err(|Failed| Unavailable)?;
        Ok(holds.then_some(read))
    }

    /// The tables that a clause stands for: none where its condition does not hold, one an item of its `each`.
    pub(super) fn tables(
        &self,
        clause: &Clause,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<Turn>, Unavailable> {
        super::clause::tables(clause, scope, diagnostics).map_err(|Failed| Unavailable)
    }

    /// The names that an answer's outputs have.
    pub(super) fn output_names(&self, ask: &Ask) -> Vec<String> {
        self.traits[ask.of.as_str()]
            .outputs
            .keys()
            .cloned()
            .collect()
    }

    /// The secret of the lab that `name` names; an unknown one is reported.
    pub(super) fn secret(
        &self,
        name: &str,
        span: Option<Span>,
        keys: &[String],
        diagnostics: &mut Diagnostics,
    ) -> Result<&Secret, Unavailable> {
        match self.secrets.get(name) {
            // It is declared, and what is wrong with it has been reported.
            Some(secret) if secret.keys.is_empty() => return Err(Unavailable),
            None if self.declared_secrets.contains(name) => return Err(Unavailable),
            Some(secret) => return Ok(secret),
            None => {}
        }
        let message = format!("the lab has no secret `{name}`");
        let near = did_you_mean(name, self.secrets.keys().map(String::as_str));
        let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
        diagnostics.push(
            Diagnostic::error(Code::UNDECLARED_SECRET, span, message)
                .maybe_help(near)
                .help(format!(
                    "declare it: `[secrets.{name}]` with `from = \"manual\"` and `keys = [{}]`",
                    keys.join(", ")
                )),
        );
        Err(Unavailable)
    }
}

/// The inputs of a module whose default is data that every component reads the same way.
fn constants(module: &Module) -> Constants {
    let constant = |(name, input): (&String, &Input)| {
        let default = input.default.as_ref()?.as_data()?;
        // What is wrong with a default is reported where a component meets it.
        let node = conform::plain(default, &input.kind)?;
        Some((name.clone(), Arc::new(node)))
    };
    module.inputs.iter().filter_map(constant).collect()
}

/// The constant `name` of a clause, as capabilities have one.
pub(super) fn clause_name(clause: &Clause) -> Option<String> {
    let name = clause.body.as_data()?.get("name")?;
    name.as_str().map(str::to_owned)
}
