//! Computes the cells: binds inputs to their types, traits to their answers, capabilities to their providers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cell::{Ask, Cell, Cells};
use super::clause::Turn;
use super::conform::{Context, conform, object};
use super::lab::Secret;
use super::lookup::Branch;
use super::{offer, service};
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::input::InputType;
use crate::parse::lab::ComponentSyntax;
use crate::parse::module::{Clause, TraitSyntax};
use crate::source::{Origin, Span};
use crate::template::{Failed, Scope, Template, Unavailable, expand};
use crate::value::{Map, Node, Value};

/// Everything that a component's values are computed from.
#[derive(Debug)]
pub(super) struct Resolver {
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
    pub base: BTreeMap<&'static str, Arc<Node>>,
    /// What components claimed so far.
    pub claims: Mutex<Claims>,
    cells: Cells,
}

/// What components claim of what the lab has once.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// Load-balancer addresses.
    pub addresses: Vec<AddressClaim>,
    /// Ports of the nodes.
    pub node_ports: Vec<PortClaim>,
    /// Keys of secrets.
    pub secrets: Vec<SecretClaim>,
}

/// A component wants a load-balancer address.
#[derive(Clone, Debug)]
pub(super) struct AddressClaim {
    /// None where any one of the pool will do.
    pub address: Option<std::net::IpAddr>,
    pub component: String,
    pub span: Span,
}

/// A component wants a port of the nodes.
#[derive(Clone, Debug)]
pub(super) struct PortClaim {
    pub port: u16,
    pub component: String,
    pub span: Span,
}

/// A component uses a secret.
#[derive(Clone, Debug)]
pub(super) struct SecretClaim {
    /// The entry of `[secrets]`.
    pub secret: String,
    pub component: String,
    pub span: Span,
}

impl Resolver {
    pub(super) fn new(
        components: BTreeMap<String, Arc<ComponentSyntax>>,
        traits: BTreeMap<String, Arc<TraitSyntax>>,
        sections: &super::plan::Sections,
        declared_secrets: BTreeSet<String>,
        base: BTreeMap<&'static str, Arc<Node>>,
    ) -> Arc<Self> {
        Arc::new(Resolver {
            declared_secrets,
            components,
            traits,
            secrets: sections.secrets.clone(),
            defaults: sections.defaults.clone(),
            base,
            claims: Mutex::default(),
            cells: Cells::default(),
        })
    }

    /// What components claimed so far.
    pub(super) fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every problem that was found.
    pub(super) fn take_diagnostics(&self) -> Diagnostics {
        self.cells.take_diagnostics()
    }

    /// Adds problems that were found beside the cells.
    pub(super) fn report(&self, diagnostics: Diagnostics) {
        self.cells.add(diagnostics);
    }

    /// The value of a cell.
    pub(super) fn get(self: &Arc<Self>, cell: Cell) -> Result<Arc<Node>, Unavailable> {
        let place = self.place(&cell);
        self.cells
            .get(&cell, place, |diagnostics| self.compute(&cell, diagnostics))
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
                let template = &self.components[name].module.outputs[output];
                self.value(template, &self.scope(name), diagnostics)
            }
            Cell::Offers(name) => offer::offers(self, name, diagnostics),
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
            | Cell::Offers(name) => name,
            Cell::Input(name, input) => {
                let component = &self.components[name];
                let given = component.inputs.get(input).map(|(span, _)| *span);
                return given.or(Some(component.name.span));
            }
            Cell::Fact(_) | Cell::Provider(_) => return None,
            Cell::Request(ask) | Cell::Choice(ask) | Cell::Answer(ask, _) => {
                return self.ask_span(ask);
            }
        };
        Some(self.components[name].name.span)
    }

    /// Where an entry of a trait is written: in the lab, else in the module.
    pub(super) fn ask_span(&self, ask: &Ask) -> Option<Span> {
        let component = &self.components[&ask.component];
        let own = component
            .traits
            .get(&ask.of)
            .and_then(|entries| entries.get(&ask.entry));
        own.map(|entry| entry.span)
            .or_else(|| self.asked(ask).map(|clause| clause.span))
    }

    /// What the module itself asks for under this name.
    fn asked(&self, ask: &Ask) -> Option<&Clause> {
        let module = &self.components[&ask.component].module;
        module.asks.get(&ask.of)?.get(&ask.entry)
    }

    /// The scope of a component's own expressions.
    pub(super) fn scope(self: &Arc<Self>, name: &str) -> Scope {
        let mut scope = self.plain_scope(name);
        scope.bind_lazy("component", Branch::component(self, name));
        scope
    }

    /// The scope of a provider that answers somebody: `component` is the asker.
    pub(super) fn answer_scope(self: &Arc<Self>, provider: &str, asker: &str) -> Scope {
        let mut scope = self.plain_scope(provider);
        scope.bind_lazy("component", Branch::component(self, asker));
        scope.bind_lazy("provider", Branch::component(self, provider));
        scope
    }

    fn plain_scope(self: &Arc<Self>, name: &str) -> Scope {
        let mut scope = Scope::new(self.components[name].module.files.clone());
        for (name, node) in &self.base {
            scope.bind(name, node.clone());
        }
        scope.bind_lazy("inputs", Branch::inputs(self, name));
        scope.bind_lazy("traits", Branch::traits(self, name));
        scope.bind_lazy("capabilities", Branch::capabilities(self));
        scope.bind_lazy("components", Branch::components(self));
        scope
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
        let node = self.value(&component.addresses[address], &scope, diagnostics)?;
        let path = format!("{}.{name}.addresses.{address}", component.layer);
        let kind = InputType::Address;
        conform(&context, node, &kind, &path, diagnostics)
    }

    /// The names of the entries that a component has of a trait, its module's own asks among them.
    pub(super) fn entry_names(&self, name: &str, of: &str) -> Vec<String> {
        let component = &self.components[name];
        let own = component
            .traits
            .get(of)
            .into_iter()
            .flat_map(|entries| entries.keys());
        let asked = component.module.asks.get(of);
        let asked = asked.into_iter().flat_map(|entries| entries.keys());
        let names: BTreeSet<&String> = own.chain(asked).collect();
        names.into_iter().cloned().collect()
    }

    /// Every entry of every trait of a component.
    pub(super) fn asks(&self, name: &str) -> Vec<Ask> {
        let all = self.traits.keys().flat_map(|of| {
            let ask = |entry| Ask {
                component: name.to_owned(),
                of: of.clone(),
                entry,
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
        let component = &self.components[&ask.component];
        let definition = &self.traits[&ask.of];
        let scope = self.scope(&ask.component);
        let span = self.ask_span(ask).unwrap_or(component.name.span);
        let mut fields = Map::new();
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
        let enabled = fields.remove("enabled").map(|entry| entry.node);
        if enabled.is_some_and(|node| node.value == Value::Bool(false)) {
            return Ok(Node::new(Value::Null, Origin::at(span)));
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
        let given = Node::new(fields, Origin::at(span));
        let mut request = object(&context, given, &definition.fields, &path, diagnostics)?;
        request.insert("name", Node::new(ask.entry.as_str(), Origin::at(span)));
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
        let component = &self.components[&ask.component];
        component.traits.get(&ask.of)?.get(&ask.entry)
    }

    fn is_written(&self, ask: &Ask) -> bool {
        self.written(ask).is_some()
    }

    /// Whether a clause's condition holds.
    pub(super) fn holds(
        &self,
        clause: &Clause,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<bool, Unavailable> {
        match &clause.when {
            None => Ok(true),
            Some(condition) => condition
                .test(scope, diagnostics)
                .map(|(holds, _)| holds)
                .map_err(|Failed| Unavailable),
        }
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
        self.traits[&ask.of].outputs.keys().cloned().collect()
    }

    /// Every capability that a module of the lab may provide.
    pub(super) fn capability_names(&self) -> BTreeSet<String> {
        let clauses = self
            .components
            .values()
            .flat_map(|component| &component.module.capabilities);
        clauses.filter_map(clause_name).collect()
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

/// The constant `name` of a clause, as capabilities have one.
pub(super) fn clause_name(clause: &Clause) -> Option<String> {
    let name = clause.body.as_data()?.get("name")?;
    name.as_str().map(str::to_owned)
}
