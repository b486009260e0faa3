//! Every component with all its values computed: the end of lazy evaluation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;
use smol_str::SmolStr;

use super::cell::{Ask, Cell};
use super::component::{Answer, Chart, Component, Created, KindDeclaration, Requirement, Service};
use super::known::{Answered, Known, facts, known, scope};
use super::lab::{Arch, PodSecurity};
use super::resolver::{Resolver, clause_name};
use super::{offer, tested};
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::domain::is_range;
use crate::parse::lab::ComponentSyntax;
use crate::parse::module::Clause;
use crate::parse::table::{Table, wrong_type};
use crate::source::Spanned;
use crate::template::{Lookup as _, Scope, Unavailable};
use crate::value::{Node, Value};

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
    share_definitions(&mut components);
    components
}

/// Leaves the definitions in a chart's `crds/` to the first component by name, where several are made from one chart.
fn share_definitions(components: &mut BTreeMap<String, Component>) {
    let mut owned = BTreeSet::new();
    for component in components.values_mut() {
        let brings = |kind: &KindDeclaration| kind.crd.is_none() && !kind.at_runtime;
        let brings = component.kinds.iter().any(brings);
        let Some(chart) = component.chart.as_mut().filter(|_| brings) else {
            continue;
        };
        let text = |node: &Node| node.as_str().unwrap_or_default().to_owned();
        let is_first = owned.insert((text(&chart.repository), text(&chart.name)));
        chart.crds = chart.crds && is_first;
    }
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
    // First, because what misses a capability often fails for that reason alone.
    let requires = requires(resolver, name, &lazy, diagnostics);
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
    let pod_security = pod_security(resolver, syntax, &lazy, diagnostics)?;
    let arch = arch(resolver, syntax, &lazy, diagnostics)?;
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
        requires: requires?,
        answers,
        needs: needs(resolver, syntax, diagnostics),
        pod_security,
        arch,
        bootstrap: module.bootstrap,
        suspend: syntax.suspend.as_ref().is_some_and(|suspend| suspend.value),
        keep: syntax.keep.as_ref().map_or(keeps_data, |keep| keep.value),
        namespace,
        version,
    })
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
    let provider = offer::provider_of(offer);
    let request = resolver.get(Cell::Request(ask.clone()))?;
    let mut scope = match provider {
        Some(provider) => {
            let facts = &known.facts[provider];
            if !facts.all_answered {
                return Err(Unavailable);
            }
            let mut scope = scope(resolver, provider, &ask.component, known);
            scope.bind_lazy("provider", facts.all.clone());
            scope
        }
        None => known.own_scope(&ask.component),
    };
    scope.bind("request", with_entries(resolver, ask, &request, known));
    scope.bind("offer", offer.clone());
    scope.bind("outputs", outputs.clone());
    Ok(Answer {
        ask: ask.clone(),
        offer: offer::id(offer).to_owned(),
        hard: resolver.traits[ask.of.as_str()].hard,
        request,
        outputs: outputs.clone(),
        scope,
        syntax: offer::syntax(resolver, &ask.of, offer).cloned(),
        provider: provider.map(str::to_owned),
    })
}

/// A request as its answer's resources see it: a field that is an entry of another trait is what that one came to, and
/// null where nobody answers it.
fn with_entries(resolver: &Resolver, ask: &Ask, request: &Arc<Node>, known: &Known) -> Arc<Node> {
    let mut request = request.clone();
    for (field, of) in resolver.traits[ask.of.as_str()].entries() {
        let inner = Ask {
            of: of.into(),
            ..ask.clone()
        };
        let answered = &known.facts[&ask.component].answered;
        let outputs = answered.iter().find(|answered| answered.ask == inner);
        let outputs = outputs.map(|answered| (*answered.outputs).clone());
        let nothing = || Node::new(Value::Null, request.origin.clone());
        let outputs = outputs.unwrap_or_else(nothing);
        Arc::make_mut(&mut request).insert(field, outputs);
    }
    request
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
    if let Some(tested) = &syntax.tested {
        tested::check(&component.module.name, tested, version, diagnostics);
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
    let mut failed = false;
    for clause in &component.module.requires {
        let Some(capability) = clause_name(clause) else {
            continue;
        };
        match resolver.holds(clause, scope, diagnostics) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(Unavailable) => {
                failed = true;
                continue;
            }
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
    if failed {
        Err(Unavailable)
    } else {
        Ok(requires)
    }
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

fn arch(
    resolver: &Arc<Resolver>,
    component: &ComponentSyntax,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Option<(Vec<Arch>, Node)>, Unavailable> {
    let Some(template) = &component.module.arch else {
        return Ok(None);
    };
    let node = resolver.value(template, scope, diagnostics)?;
    let Some(items) = node.as_list().filter(|items| !items.is_empty()) else {
        diagnostics.push(wrong_type(&node, "arch", "a list of `amd64` and `arm64`"));
        return Err(Unavailable);
    };
    let mut all = Vec::new();
    for item in items {
        let text = item.as_str().unwrap_or_default();
        let Some(arch) = Arch::ALL.into_iter().find(|arch| arch.word() == text) else {
            let message = format!("there is no architecture `{text}`");
            diagnostics.push(
                Diagnostic::error(Code::INVALID_VALUE, item.origin.first(), message)
                    .help("it is `amd64` or `arm64`"),
            );
            return Err(Unavailable);
        };
        all.push(arch);
    }
    Ok(Some((all, node)))
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
        at_runtime: text("at").as_deref() == Some("runtime"),
        node: node.clone(),
    })
}
