//! Who answers whom: the offers of all components, the choice among them, and what comes back.

use std::sync::Arc;

use super::cell::{Ask, Cell};
use super::resolver::{Resolver, clause_name};
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::input::InputType;
use crate::parse::module::{AnswerSyntax, Clause, Module, OwnOffer};
use crate::parse::table::list;
use crate::source::{Origin, Span};
use crate::template::{Failed, Scope, Unavailable};
use crate::value::{Entry, Map, Node, Value};

/// The offers that a component makes of a trait: maps with `trait`, `name`, `id`, `provider` and the offer's own fields.
pub(super) fn offers(
    resolver: &Arc<Resolver>,
    name: &str,
    of: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Node, Unavailable> {
    let component = &resolver.components[name];
    let scope = resolver.scope(name);
    let mut offers = Vec::new();
    for clause in clauses(&component.module, of) {
        for turn in resolver.tables(clause, &scope, diagnostics)? {
            let mut offer = turn.table;
            if offer.get("trait").and_then(Node::as_str) != Some(of) {
                continue;
            }
            let origin = offer.origin.clone();
            let own = offer.get("name").cloned().or(turn.name);
            let id = match own.as_ref().and_then(Node::as_str) {
                Some(own) => format!("{name}.{own}"),
                None => name.to_owned(),
            };
            offer.insert("id", Node::new(id, origin.clone()));
            offer.insert("provider", Node::new(name, origin.clone()));
            let own = own.unwrap_or_else(|| Node::new(Value::Null, origin));
            offer.insert("name", own);
            offers.push(offer);
        }
    }
    Ok(Node::new(offers, Origin::at(component.name.span)))
}

/// The offers of a module that may be of a trait: all but those that plainly name another.
fn clauses<'a>(module: &'a Module, of: &'a str) -> impl Iterator<Item = &'a Clause> {
    let may_be = move |clause: &&Clause| {
        let named = clause.body.data_at("trait").and_then(Node::as_str);
        named.is_none_or(|named| named == of)
    };
    module.offers.iter().filter(may_be)
}

/// The component that provides a capability, made by all that says so; null where none does. Two are an error.
pub(super) fn provider(
    resolver: &Arc<Resolver>,
    capability: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Node, Unavailable> {
    let mut found: Vec<Provider<'_>> = Vec::new();
    for (name, component) in &resolver.components {
        let named = |clause: &&Clause| clause_name(clause).as_deref() == Some(capability);
        for clause in component.module.capabilities.iter().filter(named) {
            let Some(read) = resolver.held(clause, &resolver.scope(name), diagnostics)? else {
                continue;
            };
            let because = read.spans().iter().copied();
            found.push(Provider {
                name,
                place: component.name.span,
                because: Origin::from_spans(std::iter::once(clause.span).chain(because)),
                switch: switch(clause, &component.module),
            });
        }
    }
    if let [first, second, ..] = found.as_slice() {
        let (one, other) = (first.name, second.name);
        let message = format!("`{capability}` is provided twice: by `{one}` and by `{other}`");
        diagnostics.push(
            Diagnostic::error(Code::CAPABILITY_TWICE, second.place, message)
                .here("the second one")
                .label(first.place, "the first one")
                .note(format!("a cluster has `{capability}` at most once"))
                .maybe_help(switched_off(one, first.switch))
                .maybe_help(switched_off(other, second.switch))
                .maybe_help(
                    (first.switch.or(second.switch).is_none())
                        .then(|| "remove one of the two components".to_owned()),
                ),
        );
    }
    Ok(found.first().map_or_else(Node::default, |provider| {
        let origin = Origin::at(provider.place).with(&provider.because);
        Node::new(provider.name, origin)
    }))
}

/// A component that provides a capability.
struct Provider<'a> {
    name: &'a str,
    /// Where the lab names it.
    place: Span,
    /// The line of its module that says so, and what the line's condition read.
    because: Origin,
    switch: Option<&'a str>,
}

/// The boolean input that alone decides whether a component provides a capability.
fn switch<'a>(clause: &'a Clause, module: &Module) -> Option<&'a str> {
    let condition = clause.when.as_ref()?.source();
    let input = condition.strip_prefix("inputs.")?;
    let declared = module.inputs.get(input)?;
    matches!(declared.kind, InputType::Boolean).then_some(input)
}

fn switched_off(component: &str, switch: Option<&str>) -> Option<String> {
    Some(format!("say `{} = false` in `{component}`", switch?))
}

/// The offer that answers an entry: named by `via`, by `[defaults]`, or the only one; null where nobody answers
/// and nobody must.
pub(super) fn choice(
    resolver: &Arc<Resolver>,
    ask: &Ask,
    diagnostics: &mut Diagnostics,
) -> Result<Node, Unavailable> {
    let request = resolver.get(Cell::Request(ask.clone()))?;
    if request.value == Value::Null {
        return Ok((*request).clone());
    }
    if let Some(own) = own_offer(resolver, ask, &request, diagnostics)? {
        return Ok(own);
    }
    // What only a module asks for is named where its component stands.
    let span = match resolver.is_written(ask) {
        true => request.origin.first(),
        false => Some(resolver.components[ask.component.as_str()].name.span),
    };
    let via = request.get("via").map(|via| Via {
        offer: via.as_str().unwrap_or_default(),
        span: via.origin.first(),
    });
    match pick(resolver, &ask.of, via, span, diagnostics)? {
        Some(offer) => Ok(offer),
        None => nobody(resolver, ask, &request, diagnostics),
    }
}

/// An offer that is named.
#[derive(Clone, Copy)]
pub(super) struct Via<'a> {
    /// Its id.
    pub offer: &'a str,
    /// Where it is named.
    pub span: Option<Span>,
}

/// The offer of a component that is meant at `span`: named by `via`, by `[defaults]`, or the only one; none where
/// there is none.
pub(super) fn pick(
    resolver: &Arc<Resolver>,
    of: &str,
    via: Option<Via<'_>>,
    span: Option<Span>,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Node>, Unavailable> {
    let may_offer = |name: &&String| {
        let module = &resolver.components[name.as_str()].module;
        clauses(module, of).next().is_some()
    };
    let made = resolver.offering().iter().filter(may_offer);
    let made = made.map(|name| resolver.get(Cell::Offers(name.as_str().into(), of.into())));
    let made = made.collect::<Result<Vec<Arc<Node>>, Unavailable>>()?;
    let all = made.iter().filter_map(|offers| offers.as_list());
    let offers: Vec<&Node> = all.flatten().collect();
    let default = resolver.defaults.get(of).map(|default| Via {
        offer: &default.value,
        span: Some(default.span),
    });
    if let Some(via) = via.or(default) {
        let own = &resolver.traits[of].offers;
        return named(&offers, own, via, of, diagnostics).map(Some);
    }
    match offers.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some((*only).clone())),
        several => {
            let ids: Vec<&str> = several.iter().map(|offer| id(offer)).collect();
            let message = format!("several offers could answer `{of}`");
            diagnostics.push(
                Diagnostic::error(Code::AMBIGUOUS_OFFER, span, message)
                    .note(format!("the offers are {}", list(&ids)))
                    .help(format!(
                        "say `via = \"{}\"` in the entry, or `{of} = \"{}\"` in `[defaults]`",
                        ids[0], ids[0]
                    )),
            );
            Err(Unavailable)
        }
    }
}

/// The fields of a trait's entry that it leaves out, and for which an offer may have a value: it comes before the
/// trait's own default.
pub(super) fn open_fields<'a>(resolver: &'a Resolver, of: &'a str, given: &Map) -> Vec<&'a str> {
    let modules = resolver
        .offering()
        .iter()
        .map(|name| &resolver.components[name].module);
    let clauses: Vec<&Clause> = modules.flat_map(|module| clauses(module, of)).collect();
    let fields = resolver.traits[of].fields.keys().map(String::as_str);
    fields
        .filter(|field| {
            given.get(*field).is_none() && clauses.iter().any(|clause| clause.body.has(field))
        })
        .collect()
}

/// The offer of a component that will answer an entry; none where there is none, or what is wrong with the choice is
/// said when it is made.
pub(super) fn meant(
    resolver: &Arc<Resolver>,
    ask: &Ask,
    request: &Node,
    via: Option<&Entry>,
) -> Option<Node> {
    let mut quiet = Diagnostics::default();
    let request = Arc::new(request.clone());
    if own_offer(resolver, ask, &request, &mut quiet)
        .ok()?
        .is_some()
    {
        return None;
    }
    let via = via.map(|via| Via {
        offer: via.node.as_str().unwrap_or_default(),
        span: via.node.origin.first(),
    });
    pick(resolver, &ask.of, via, None, &mut quiet).ok()?
}

/// The offer of no component that an entry asks for by one of its fields. Naming another beside it is an error.
fn own_offer(
    resolver: &Arc<Resolver>,
    ask: &Ask,
    request: &Arc<Node>,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Node>, Unavailable> {
    let definition = &resolver.traits[ask.of.as_str()];
    for own in &definition.offers {
        let mut scope = resolver.scope(&ask.component);
        scope.bind("request", request.clone());
        let (holds, because) = own
            .when
            .test(&scope, diagnostics)
            .map_err(|Failed| Unavailable)?;
        if !holds {
            continue;
        }
        if let Some(via) = request
            .get("via")
            .filter(|via| via.as_str() != Some(&own.name))
        {
            let wanted = via.as_str().unwrap_or_default();
            let message = format!("`{}.{}` asks for two answers", ask.of, ask.entry);
            diagnostics.push(
                Diagnostic::error(Code::AMBIGUOUS_OFFER, via.origin.first(), message)
                    .here(format!("`{wanted}` is one"))
                    .label(because.first(), format!("`{}` is the other", own.name))
                    .help("leave `via` out: no component is needed for this entry"),
            );
            return Err(Unavailable);
        }
        let mut offer = Node::new(Value::map(), because.clone());
        for (key, text) in [
            ("trait", ask.of.as_str()),
            ("name", &own.name),
            ("id", &own.name),
        ] {
            offer.insert(key, Node::new(text, because.clone()));
        }
        return Ok(Some(offer));
    }
    Ok(None)
}

/// The component that makes an offer; none for an offer of no component.
pub(super) fn provider_of(offer: &Node) -> Option<&str> {
    offer.get("provider").and_then(Node::as_str)
}

/// How an offer answers.
pub(super) fn syntax<'a>(
    resolver: &'a Resolver,
    of: &str,
    offer: &Node,
) -> Option<&'a Arc<AnswerSyntax>> {
    match provider_of(offer) {
        Some(provider) => resolver.components[provider].module.answers.get(of),
        None => {
            let own = resolver.traits[of].own_offer(id(offer));
            own.map(|own| &own.answer)
        }
    }
}

pub(super) fn id(offer: &Node) -> &str {
    offer.get("id").and_then(Node::as_str).unwrap_or_default()
}

fn named(
    offers: &[&Node],
    own: &[OwnOffer],
    via: Via<'_>,
    of: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Node, Unavailable> {
    let wanted = via.offer;
    if let Some(offer) = offers.iter().find(|offer| id(offer) == wanted) {
        return Ok((*offer).clone());
    }
    let ids: Vec<&str> = offers.iter().map(|offer| id(offer)).collect();
    let message = format!("nobody offers `{of}` as `{wanted}`");
    let mut diagnostic = Diagnostic::error(Code::NO_PROVIDER, via.span, message)
        .maybe_help(did_you_mean(wanted, ids.iter().copied()));
    if let Some(own) = own.iter().find(|own| own.name == wanted) {
        diagnostic = diagnostic.help(format!(
            "an entry asks for `{wanted}` by a field of its own: {}",
            own.doc
        ));
    }
    if !ids.is_empty() {
        diagnostic = diagnostic.note(format!("the offers are {}", list(&ids)));
    }
    diagnostics.push(diagnostic);
    Err(Unavailable)
}

/// No component offers the trait: fine where the trait or the entry is optional.
fn nobody(
    resolver: &Arc<Resolver>,
    ask: &Ask,
    request: &Node,
    diagnostics: &mut Diagnostics,
) -> Result<Node, Unavailable> {
    let optional = request
        .get("optional")
        .is_some_and(|node| node.value == Value::Bool(true));
    if optional || resolver.traits[ask.of.as_str()].optional {
        return Ok(Node::new(Value::Null, request.origin.clone()));
    }
    let message = format!("no component of the lab offers `{}`", ask.of);
    let name = &ask.component;
    let mut diagnostic = Diagnostic::error(Code::NO_PROVIDER, request.origin.first(), message)
        .note(format!(
            "`{name}` asks for it as `{}.{}`",
            ask.of, ask.entry
        ));
    let could = could_offer(resolver, &ask.of);
    for (component, module) in &could {
        diagnostic = diagnostic.help(format!(
            "`{component}` offers it once its inputs say so: `labc module show {module}`"
        ));
    }
    if could.is_empty() {
        diagnostic = diagnostic
            .help("add a component whose module offers it: `labc module list` says which do");
    }
    diagnostics.push(diagnostic);
    Err(Unavailable)
}

/// The components that offer a trait with other inputs than theirs, each with its module.
fn could_offer<'a>(resolver: &'a Resolver, of: &str) -> Vec<(&'a str, &'a str)> {
    let components = resolver.components.iter();
    let could = components.filter(|(_, component)| clauses(&component.module, of).next().is_some());
    could
        .map(|(name, component)| (name.as_str(), component.module.name.as_str()))
        .collect()
}

/// The scope in which an entry is answered.
fn scope(resolver: &Arc<Resolver>, ask: &Ask, offer: &Arc<Node>) -> Result<Scope, Unavailable> {
    let request = resolver.get(Cell::Request(ask.clone()))?;
    Ok(resolver.recent.scope_of_answer(ask, || {
        let mut scope = match provider_of(offer) {
            Some(provider) => resolver.answer_scope(provider, &ask.component),
            None => resolver.own_scope(&ask.component),
        };
        scope.bind("request", request);
        scope.bind("offer", offer.clone());
        scope
    }))
}

/// One output of an answer: the provider's, else the trait's default.
pub(super) fn output(
    resolver: &Arc<Resolver>,
    ask: &Ask,
    output: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Node, Unavailable> {
    let offer = resolver.get(Cell::Choice(ask.clone()))?;
    if offer.value == Value::Null {
        return Err(Unavailable);
    }
    let scope = scope(resolver, ask, &offer)?;
    let given = syntax(resolver, &ask.of, &offer).and_then(|answer| answer.outputs.get(output));
    let default = resolver.traits[ask.of.as_str()]
        .outputs
        .get(output)
        .and_then(|output| output.default.as_ref());
    match given.or(default) {
        Some(template) => resolver.value(template, &scope, diagnostics),
        None => Ok(Node::new(Value::Null, offer.origin.clone())),
    }
}
