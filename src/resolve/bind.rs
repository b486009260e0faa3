//! Every component with all its values computed: the end of lazy evaluation.

use std::collections::BTreeMap;
use std::sync::Arc;

use litemap::LiteMap;
use rayon::prelude::*;
use smol_str::SmolStr;

use super::cell::{Ask, Cell};
use super::component::{Answer, Chart, Component, Created, KindDeclaration, Requirement, Service};
use super::lab::PodSecurity;
use super::lookup::{Computed, Inputs};
use super::offer;
use super::resolver::{Resolver, clause_name};
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::domain::is_range;
use crate::parse::lab::ComponentSyntax;
use crate::parse::module::Clause;
use crate::parse::table::{Table, wrong_type};
use crate::source::{Origin, Spanned};
use crate::template::{Binding, Lookup as _, Scope, Unavailable};
use crate::value::{Node, Value};

/// What the templates of the whole lab see, computed.
struct Known {
    facts: BTreeMap<SmolStr, Facts>,
    /// The names that every component sees.
    base: Scope,
}

/// What the templates of the lab see of one component, computed.
struct Facts {
    /// `component`.
    all: Arc<Computed>,
    inputs: Arc<Inputs>,
    /// `traits`.
    traits: Arc<Node>,
    answered: Vec<Answered>,
    /// Whether none of its entries is wrong.
    all_answered: bool,
    outputs: Node,
}

/// An entry that somebody answers.
struct Answered {
    ask: Ask,
    offer: Arc<Node>,
    outputs: Arc<Node>,
}

/// Binds all components; those with a wrong value are reported and left out.
///
/// Components are bound in parallel, each on a walk of its own. Only where values need each other does it matter where
/// one begins: then all is done again in the order of the names, which is the resolver that comes back.
pub(super) fn components(resolver: Arc<Resolver>) -> (Arc<Resolver>, BTreeMap<String, Component>) {
    let names: Vec<&String> = resolver.components.keys().collect();
    let parallel = |name: &&String| (resolver.walk(), (*name).clone());
    let jobs: Vec<(Arc<Resolver>, String)> = names.iter().map(parallel).collect();
    let facts = jobs.par_iter().map(|(walk, name)| facts(walk, name));
    let known = known(&resolver, &jobs, facts.collect());
    let bound = jobs
        .par_iter()
        .map(|(walk, name)| bound(walk, name, &known));
    let bound: Vec<(Option<Component>, Diagnostics)> = bound.collect();
    if resolver.has_circle() {
        return one_by_one(resolver.anew());
    }
    let components = collect(&resolver, bound);
    (resolver, components)
}

fn one_by_one(resolver: Arc<Resolver>) -> (Arc<Resolver>, BTreeMap<String, Component>) {
    let job = |name: &String| (resolver.clone(), name.clone());
    let jobs: Vec<(Arc<Resolver>, String)> = resolver.components.keys().map(job).collect();
    let facts = jobs.iter().map(|(walk, name)| facts(walk, name)).collect();
    let known = known(&resolver, &jobs, facts);
    let bound = jobs.iter().map(|(walk, name)| bound(walk, name, &known));
    let components = collect(&resolver, bound.collect());
    (resolver, components)
}

fn bound(resolver: &Arc<Resolver>, name: &str, known: &Known) -> (Option<Component>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let component = bind(resolver, name, known, &mut diagnostics);
    resolver.rest();
    (component.ok(), diagnostics)
}

fn collect(
    resolver: &Resolver,
    bound: Vec<(Option<Component>, Diagnostics)>,
) -> BTreeMap<String, Component> {
    let mut components = BTreeMap::new();
    for (component, diagnostics) in bound {
        resolver.report(diagnostics);
        components.extend(component.map(|component| (component.name.clone(), component)));
    }
    components
}

fn known(resolver: &Arc<Resolver>, jobs: &[(Arc<Resolver>, String)], facts: Vec<Facts>) -> Known {
    let names = jobs.iter().map(|(_, name)| SmolStr::from(name.as_str()));
    let facts: BTreeMap<SmolStr, Facts> = names.zip(facts).collect();
    let lazy = |facts: &Facts| Binding::Lazy(facts.all.clone());
    let components = facts
        .iter()
        .map(|(name, facts)| (name.clone(), lazy(facts)));
    let capabilities = providers(resolver)
        .into_iter()
        .filter_map(|(name, provider)| {
            let facts = facts.get(provider.as_str())?;
            Some((name.into(), lazy(facts)))
        });
    let mut base = resolver.base.fork();
    base.bind_lazy("components", Arc::new(Computed(components.collect())));
    base.bind_lazy("capabilities", Arc::new(Computed(capabilities.collect())));
    Known { facts, base }
}

/// The facts of a component, as `components.<name>` and `component` show them; a value that is wrong is left out.
fn facts(resolver: &Arc<Resolver>, name: &str) -> Facts {
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

fn bind(
    resolver: &Arc<Resolver>,
    name: &str,
    known: &Known,
    diagnostics: &mut Diagnostics,
) -> Result<Component, Unavailable> {
    let syntax = &resolver.components[name];
    let module = &syntax.module;
    let lazy = resolver.scope(name);
    let facts = &known.facts[name];
    let has = |input: &String| matches!(facts.inputs.get(input), Ok(Some(_)));
    if !module.inputs.keys().all(has) {
        return Err(Unavailable);
    }
    let namespace = (*resolver.get(Cell::Namespace(name.into()))?).clone();
    let version = (*resolver.get(Cell::Version(name.into()))?).clone();
    let chart = chart(resolver, syntax, &version, &lazy, diagnostics);
    let tables = |clauses: &[Clause], diagnostics: &mut Diagnostics| {
        let mut tables = Vec::new();
        for clause in clauses {
            let turns = resolver.tables(clause, &lazy, diagnostics)?;
            tables.extend(turns.into_iter().map(|turn| turn.table));
        }
        Ok::<Vec<Node>, Unavailable>(tables)
    };
    let creates = tables(&module.creates, diagnostics)?;
    let kinds = tables(&module.kinds, diagnostics)?;
    let mut drift = tables(&module.drift, diagnostics)?;
    for template in &syntax.drift {
        drift.push(resolver.value(template, &lazy, diagnostics)?);
    }
    drift.iter().for_each(|node| check_drift(node, diagnostics));
    notes(resolver, name, &lazy, diagnostics)?;
    let requires = requires(resolver, name, &lazy, diagnostics)?;
    let pod_security = pod_security(resolver, syntax, &lazy, diagnostics)?;
    let services = resolver.get(Cell::Services(name.into()))?;
    if !facts.all_answered {
        return Err(Unavailable);
    }
    let scope = scope(resolver, name, name, known);
    let answers = facts.answered.iter();
    let answers = answers
        .map(|answered| answer(resolver, answered, known))
        .collect::<Result<Vec<Answer>, Unavailable>>()?;
    let keeps_data = answers.iter().any(|answer| answer.ask.of == "storage");
    Ok(Component {
        name: name.to_owned(),
        layer: syntax.layer,
        span: syntax.name.span,
        syntax: syntax.clone(),
        module: module.clone(),
        chart: chart?,
        outputs: facts.outputs.clone(),
        scope,
        services: read_services(&services),
        creates: creates
            .iter()
            .filter_map(|node| created(node, namespace.as_str(), diagnostics))
            .collect(),
        kinds: kinds
            .iter()
            .filter_map(|node| kind(node, diagnostics))
            .collect(),
        drift,
        requires,
        answers,
        needs: needs(resolver, syntax, diagnostics),
        pod_security,
        bootstrap: module.bootstrap,
        suspend: syntax.suspend.as_ref().is_some_and(|suspend| suspend.value),
        keep: syntax.keep.as_ref().map_or(keeps_data, |keep| keep.value),
        namespace,
        version,
    })
}

/// The component that provides each capability of the lab.
pub(super) fn providers(resolver: &Arc<Resolver>) -> BTreeMap<String, String> {
    let provider = |capability: &String| {
        let cell = Cell::Provider(capability.as_str().into());
        let provider = resolver.get(cell).ok()?;
        Some((capability.clone(), provider.as_str()?.to_owned()))
    };
    resolver
        .capability_names()
        .iter()
        .filter_map(provider)
        .collect()
}

/// The names that the templates of `owner` see, where `component` is `asker`: all computed, nothing lazy.
fn scope(resolver: &Resolver, owner: &str, asker: &str, known: &Known) -> Scope {
    let files = &resolver.components[owner].module.files;
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

fn answer(
    resolver: &Arc<Resolver>,
    answered: &Answered,
    known: &Known,
) -> Result<Answer, Unavailable> {
    let Answered {
        ask,
        offer,
        outputs,
    } = answered;
    let provider = offer.get("provider").and_then(Node::as_str);
    let provider = provider.unwrap_or_default().to_owned();
    let request = resolver.get(Cell::Request(ask.clone()))?;
    let facts = &known.facts[provider.as_str()];
    if !facts.all_answered {
        return Err(Unavailable);
    }
    let mut scope = scope(resolver, &provider, &ask.component, known);
    scope.bind_lazy("provider", facts.all.clone());
    scope.bind("request", request.clone());
    scope.bind("offer", offer.clone());
    scope.bind("outputs", outputs.clone());
    Ok(Answer {
        ask: ask.clone(),
        offer: offer::id(offer).to_owned(),
        hard: resolver.traits[ask.of.as_str()].hard,
        request,
        outputs: outputs.clone(),
        scope,
        module: resolver.components[&provider].module.clone(),
        provider,
    })
}

fn chart(
    resolver: &Arc<Resolver>,
    component: &ComponentSyntax,
    version: &Node,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Chart>, Unavailable> {
    let Some(syntax) = &component.module.chart else {
        return Ok(None);
    };
    let repository = resolver.value(&syntax.repository, scope, diagnostics)?;
    let name = resolver.value(&syntax.name, scope, diagnostics)?;
    let crds = match &syntax.crds {
        Some(template) => resolver.value(template, scope, diagnostics)?.as_str() != Some("skip"),
        None => true,
    };
    let Some(text) = version.as_str() else {
        let path = format!("{}.{}", component.layer, component.name.value);
        let chart = name.as_str().unwrap_or_default();
        let message = format!("`{path}` names no version of the chart `{chart}`");
        let help = match &syntax.tested {
            Some(tested) => format!(
                "add `version = \"{}\"`, which the module was tested with",
                tested.value
            ),
            None => "add `version = \"...\"`".to_owned(),
        };
        diagnostics.push(
            Diagnostic::error(Code::MISSING_VERSION, component.name.span, message).help(help),
        );
        return Err(Unavailable);
    };
    if is_range(text.strip_prefix('v').unwrap_or(text)) {
        let message = format!("`{text}` is a range of versions, not one version");
        let help = match &syntax.tested {
            Some(tested) => format!(
                "name one: `{}` is what the module was tested with",
                tested.value
            ),
            None => "name one version".to_owned(),
        };
        diagnostics.push(
            Diagnostic::error(Code::VERSION_RANGE, version.origin.first(), message)
                .note("a range would deploy something else tomorrow, without a commit")
                .help(help),
        );
        return Err(Unavailable);
    }
    Ok(Some(Chart {
        repository,
        name,
        version: version.clone(),
        crds,
    }))
}

/// Reports what a `drift` table says that nobody reads, and what it lacks.
fn check_drift(node: &Node, diagnostics: &mut Diagnostics) {
    let mut table = Table::new(node, "drift", diagnostics);
    let empty = Node::new(Value::map(), node.origin.clone());
    let _: Option<Node> = table.required("target", diagnostics);
    let target = table.node("target").unwrap_or(&empty);
    let mut target = Table::new(target, "drift.target", diagnostics);
    let _: Option<String> = target.required("kind", diagnostics);
    for key in ["group", "name", "namespace"] {
        let _: Option<String> = target.optional(key, diagnostics);
    }
    target.finish(diagnostics);
    for key in ["paths", "jq"] {
        let _: Option<Vec<String>> = table.optional(key, diagnostics);
    }
    table.finish(diagnostics);
}

fn notes(
    resolver: &Arc<Resolver>,
    name: &str,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unavailable> {
    let component = &resolver.components[name];
    for clause in &component.module.notes {
        for turn in resolver.tables(clause, scope, diagnostics)? {
            let text = turn
                .table
                .get("text")
                .and_then(Node::as_str)
                .unwrap_or_default();
            let message = format!("`{name}`: {text}");
            diagnostics.push(Diagnostic::note_at(
                Code::LEFT_OUT,
                component.name.span,
                message,
            ));
        }
    }
    Ok(())
}

fn requires(
    resolver: &Arc<Resolver>,
    name: &str,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Requirement>, Unavailable> {
    let component = &resolver.components[name];
    let mut requires = Vec::new();
    for clause in &component.module.requires {
        let Some(capability) = clause_name(clause) else {
            continue;
        };
        if !resolver.holds(clause, scope, diagnostics)? {
            continue;
        }
        let provider = resolver.get(Cell::Provider(capability.as_str().into()))?;
        match provider.as_str() {
            Some(provider) => {
                if component.module.bootstrap && !resolver.components[provider].module.bootstrap {
                    let message = format!(
                        "`{name}` is installed before the engine, but `{provider}`, which it requires, is not"
                    );
                    diagnostics.push(
                        Diagnostic::error(Code::BOOTSTRAP_REQUIRES, component.name.span, message)
                            .note(format!("`{provider}` provides `{capability}`"))
                            .help(format!(
                                "say `bootstrap = true` in the module of `{provider}`, too"
                            )),
                    );
                }
                requires.push(Requirement {
                    capability,
                    provider: provider.to_owned(),
                });
            }
            None => {
                let message =
                    format!("`{name}` needs `{capability}`, which nothing in the lab provides");
                diagnostics.push(
                    Diagnostic::error(Code::MISSING_CAPABILITY, component.name.span, message)
                        .help(format!("add a component that provides it: `labc module list` shows who provides `{capability}`")),
                );
            }
        }
    }
    Ok(requires)
}

fn pod_security(
    resolver: &Arc<Resolver>,
    component: &ComponentSyntax,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Option<(PodSecurity, Node)>, Unavailable> {
    let Some(template) = &component.module.pod_security else {
        return Ok(None);
    };
    let node = resolver.value(template, scope, diagnostics)?;
    let level = match node.as_str() {
        Some("privileged") => PodSecurity::Privileged,
        Some("baseline") => PodSecurity::Baseline,
        Some("restricted") => PodSecurity::Restricted,
        _ => {
            let wrong = wrong_type(
                &node,
                "pod_security",
                "`privileged`, `baseline` or `restricted`",
            );
            diagnostics.push(wrong);
            return Err(Unavailable);
        }
    };
    Ok(Some((level, node)))
}

fn needs(
    resolver: &Arc<Resolver>,
    component: &ComponentSyntax,
    diagnostics: &mut Diagnostics,
) -> Vec<Spanned<String>> {
    let mut known = Vec::new();
    for need in &component.needs {
        if resolver.components.contains_key(&need.value) {
            known.push(need.clone());
            continue;
        }
        let names = resolver.components.keys().map(String::as_str);
        let message = format!("there is no component `{}`", need.value);
        diagnostics.push(
            Diagnostic::error(Code::UNKNOWN_COMPONENT, need.span, message)
                .maybe_help(did_you_mean(&need.value, names)),
        );
    }
    known
}

fn read_services(services: &Node) -> Vec<Service> {
    let all = services.as_map().into_iter().flatten();
    let read = |(key, entry): (&SmolStr, &crate::value::Entry)| {
        let node = &entry.node;
        let port = match node.get("port").map(|port| &port.value) {
            Some(Value::Int(port)) => Some(*port),
            _ => None,
        };
        Some(Service {
            key: key.to_string(),
            name: node.get("name")?.as_str()?.to_owned(),
            port,
            at_runtime: node.get("at").and_then(Node::as_str) == Some("runtime"),
            node: node.clone(),
        })
    };
    all.filter_map(read).collect()
}

fn created(node: &Node, namespace: Option<&str>, diagnostics: &mut Diagnostics) -> Option<Created> {
    let text = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let (Some(kind), Some(name)) = (text("kind"), text("name")) else {
        diagnostics.push(wrong_type(
            node,
            "creates",
            "a table with `kind` and `name`",
        ));
        return None;
    };
    Some(Created {
        kind,
        name,
        namespace: text("namespace").or_else(|| namespace.map(str::to_owned)),
        at_runtime: text("at").as_deref() == Some("runtime"),
        node: node.clone(),
    })
}

fn kind(node: &Node, diagnostics: &mut Diagnostics) -> Option<KindDeclaration> {
    let text = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let declared = text("kind").unwrap_or_default();
    let parts: Vec<&str> = declared.split('/').collect();
    let (&[group, version, kind], Some(scope)) = (parts.as_slice(), text("scope")) else {
        let wrong = wrong_type(
            node,
            "kinds",
            "`kind = \"group/version/Kind\"` with a `scope`",
        );
        diagnostics.push(wrong);
        return None;
    };
    Some(KindDeclaration {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        namespaced: scope == "Namespaced",
        crd: text("crd"),
        span: node.origin.first(),
    })
}
