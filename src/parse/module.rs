//! `module.toml` and the files beside it, and the definitions of traits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::input::{Input, InputType, inputs};
use super::lab::RESERVED;
use super::table::{Table, unknown_key, wrong_type};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};
use crate::template::{Expression, Failed, Files, Template, from_node};
use crate::value::{Node, Value};

/// A module as written.
#[derive(Debug)]
pub struct Module {
    /// The name of its folder.
    pub name: String,
    /// Whether it is the standard library's.
    pub standard: bool,
    /// One line that says what it is.
    pub summary: String,
    /// More prose.
    pub doc: String,
    /// What `labc module list` files it under.
    pub group: String,
    /// Where its components live unless the lab says otherwise.
    pub namespace: Option<Template>,
    /// What its pods need.
    pub pod_security: Option<Template>,
    /// The machines that its images are made for, `amd64` and `arm64`; any, where it does not say.
    pub arch: Option<Template>,
    /// Whether the provision script installs it before the engine takes over.
    pub bootstrap: bool,
    /// Cluster-wide singletons that it provides: clauses with a `name`.
    pub capabilities: Vec<Clause>,
    /// Capabilities that it cannot do without: clauses with a `name`.
    pub requires: Vec<Clause>,
    /// Its chart.
    pub chart: Option<ChartSyntax>,
    /// What it asks for.
    pub inputs: BTreeMap<String, Input>,
    /// Services that its chart makes, by key.
    pub services: BTreeMap<String, Clause>,
    /// Other objects that somebody refers to.
    pub creates: Vec<Clause>,
    /// CRDs that come with it.
    pub kinds: Vec<Clause>,
    /// What it tells others.
    pub outputs: BTreeMap<String, Template>,
    /// Traits that it answers.
    pub offers: Vec<Clause>,
    /// What it asks of others unless the lab says otherwise: trait, entry, clause.
    pub asks: BTreeMap<String, BTreeMap<String, Clause>>,
    /// Fields that controllers write.
    pub drift: Vec<Clause>,
    /// What the nodes must have.
    pub talos: Vec<Clause>,
    /// What is said at a build.
    pub notes: Vec<Clause>,
    /// The chart's values.
    pub values: Option<Template>,
    /// Resources beside the chart, by file name.
    pub manifests: BTreeMap<String, Vec<Template>>,
    /// How it answers traits, by trait.
    pub answers: BTreeMap<String, Arc<AnswerSyntax>>,
    /// How it answers those who ask its capabilities for something.
    pub capability_answers: BTreeMap<String, AnswerSyntax>,
    /// Raw machine-config patches: `all`, `controlplane`, `worker`.
    pub talos_patches: BTreeMap<String, Vec<Template>>,
    /// Text files.
    pub files: Arc<Files>,
    /// Where `[module]` stands.
    pub span: Option<Span>,
    /// Every file that it consists of with its text, for the lock.
    pub sources: BTreeMap<String, Arc<str>>,
}

/// `[chart]`.
#[derive(Debug)]
pub struct ChartSyntax {
    /// Where it is published: `https://...` or `oci://...`.
    pub repository: Template,
    /// Its name there.
    pub name: Template,
    /// The version that the module was checked against.
    pub tested: Option<Spanned<String>>,
    /// `chart` or `skip`.
    pub crds: Option<Template>,
    /// Where it stands.
    pub span: Option<Span>,
}

/// A table that may depend on a condition, and may stand for one table an entry of something.
#[derive(Debug)]
pub struct Clause {
    /// It counts only where this holds.
    pub when: Option<Expression>,
    /// One table an entry of this.
    pub each: Option<Expression>,
    /// The table without those two keys.
    pub body: Template,
    /// Where it stands.
    pub span: Span,
}

/// How a provider answers those who ask it for something.
#[derive(Debug, Default)]
pub struct AnswerSyntax {
    /// What comes back, by name.
    pub outputs: BTreeMap<String, Template>,
    /// What it makes for the asker: a list.
    pub resources: Option<Template>,
}

/// A trait's definition: `modules/traits/<trait>.toml`.
#[derive(Debug)]
pub struct TraitSyntax {
    /// Its name.
    pub name: String,
    /// One line that says what it is.
    pub summary: String,
    /// More prose.
    pub doc: String,
    /// Whether the asker cannot live without the answer.
    pub hard: bool,
    /// The field that a scalar sets.
    pub shorthand: Option<String>,
    /// Whether an entry that nobody in the lab answers is simply left out.
    pub optional: bool,
    /// What an entry may say.
    pub fields: BTreeMap<String, Input>,
    /// What comes back, with its prose and default.
    pub outputs: BTreeMap<String, TraitOutput>,
    /// Offers of no component: what an entry may ask of the trait itself.
    pub offers: Vec<OwnOffer>,
    /// Where it stands.
    pub span: Option<Span>,
}

/// One output of a trait.
#[derive(Debug)]
pub struct TraitOutput {
    /// What it is.
    pub doc: String,
    /// Its value where the provider says nothing.
    pub default: Option<Template>,
}

/// An offer of no component: `modules/traits/<trait>/<name>.yaml` answers.
#[derive(Debug)]
pub struct OwnOffer {
    /// Its name, and its id: there is nobody else to name.
    pub name: String,
    /// What it gives.
    pub doc: String,
    /// It answers the entries, as `request`, for which this holds.
    pub when: Expression,
    /// How it answers.
    pub answer: Arc<AnswerSyntax>,
    /// Where it stands.
    pub span: Option<Span>,
}

impl TraitSyntax {
    /// The offer of no component that has this name.
    pub fn own_offer(&self, name: &str) -> Option<&OwnOffer> {
        self.offers.iter().find(|offer| offer.name == name)
    }

    /// The fields that are entries of another trait, with the name of that one.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .filter_map(|(name, field)| match &field.kind {
                InputType::Entry(of) => Some((name.as_str(), of.as_str())),
                _ => None,
            })
    }
}

/// Traits, also those that are yet to come.
const TRAITS: &[&str] = &[
    "auth", "backup", "cache", "database", "dns", "expose", "monitor", "policy", "secret",
    "storage", "tile",
];

/// The keys that every `[[table]]` of a kind may have, beside `when` and `each`.
const SERVICE: &[&str] = &[
    "name",
    "port",
    "port_name",
    "labels",
    "scheme",
    "metrics",
    "at",
    "source",
    "doc",
];
const CREATES: &[&str] = &["kind", "name", "namespace", "at", "source"];
const KINDS: &[&str] = &["kind", "scope", "crd", "at", "source"];
const DRIFT: &[&str] = &["target", "paths", "jq"];
const NOTES: &[&str] = &["text"];
const NAMED: &[&str] = &["name"];

/// Reads `module.toml`. The files beside it are the caller's to add.
pub fn module(name: &str, standard: bool, node: &Node, diagnostics: &mut Diagnostics) -> Module {
    let mut table = Table::new(node, "", diagnostics);
    let empty = Node::new(Value::map(), node.origin.clone());
    let head = table.node("module").unwrap_or(&empty);
    let mut head = Table::new(head, "module", diagnostics);
    let mut module = Module {
        name: name.to_owned(),
        standard,
        summary: head.or_default("summary", diagnostics),
        doc: head.or_default("doc", diagnostics),
        group: head.or_default("group", diagnostics),
        namespace: template(&mut head, "namespace", diagnostics),
        pod_security: template(&mut head, "pod_security", diagnostics),
        arch: template(&mut head, "arch", diagnostics),
        bootstrap: head.or_default("bootstrap", diagnostics),
        capabilities: named(&mut head, "capabilities", diagnostics),
        requires: named(&mut head, "requires", diagnostics),
        chart: table
            .node("chart")
            .and_then(|node| chart(node, diagnostics)),
        inputs: BTreeMap::new(),
        services: BTreeMap::new(),
        creates: Vec::new(),
        kinds: Vec::new(),
        outputs: BTreeMap::new(),
        offers: Vec::new(),
        asks: BTreeMap::new(),
        drift: Vec::new(),
        talos: Vec::new(),
        notes: Vec::new(),
        values: None,
        manifests: BTreeMap::new(),
        answers: BTreeMap::new(),
        capability_answers: BTreeMap::new(),
        talos_patches: BTreeMap::new(),
        files: Arc::default(),
        span: head.span,
        sources: BTreeMap::new(),
    };
    head.finish(diagnostics);
    if let Some(node) = table.node("inputs") {
        module.inputs = inputs(node, "inputs", diagnostics);
        reserved(node, diagnostics);
    }
    if let Some(node) = table.node("services") {
        module.services = clauses_by_name(node, "services", Some(SERVICE), diagnostics);
    }
    if let Some(node) = table.node("asks") {
        module.asks = asks(node, diagnostics);
    }
    if let Some(node) = table.node("outputs") {
        module.outputs = templates(node, "outputs", diagnostics);
    }
    module.creates = clauses(&mut table, "creates", Some(CREATES), diagnostics);
    module.kinds = clauses(&mut table, "kinds", Some(KINDS), diagnostics);
    module.offers = clauses(&mut table, "offers", None, diagnostics);
    module.drift = clauses(&mut table, "drift", Some(DRIFT), diagnostics);
    module.talos = clauses(&mut table, "talos", None, diagnostics);
    module.notes = clauses(&mut table, "notes", Some(NOTES), diagnostics);
    if let Some(node) = table.node("remote") {
        let message = "`[[remote]]` does not work yet: it comes with `labc vendor`";
        diagnostics.push(
            Diagnostic::error(Code::NOT_YET, node.origin.first(), message)
                .help("put the manifests into the module's `manifests/` until then"),
        );
    }
    table.finish(diagnostics);
    module
}

/// Reports inputs whose names are keys of every component, or of traits: a lab could not say them.
fn reserved(inputs: &Node, diagnostics: &mut Diagnostics) {
    for (name, entry) in inputs.as_map().into_iter().flatten() {
        let what = match name.as_str() {
            key if RESERVED.contains(&key) => "is a key of every component",
            key if TRAITS.contains(&key) => "is a trait",
            _ => continue,
        };
        let place = entry.key.or_else(|| entry.node.origin.first());
        let message = format!("an input cannot be named `{name}`: that {what}");
        diagnostics.push(
            Diagnostic::error(Code::INVALID_NAME, place, message)
                .help("choose another name: the lab could not tell the two apart"),
        );
    }
}

/// Reads `modules/traits/<trait>.toml`.
pub fn trait_definition(name: &str, node: &Node, diagnostics: &mut Diagnostics) -> TraitSyntax {
    let mut table = Table::new(node, "", diagnostics);
    let empty = Node::new(Value::map(), node.origin.clone());
    let mut head = Table::new(table.node("trait").unwrap_or(&empty), "trait", diagnostics);
    let strength: Option<Spanned<String>> = head.required("strength", diagnostics);
    let hard = strength.is_some_and(|strength| {
        if !matches!(strength.value.as_str(), "hard" | "soft") {
            let message = format!("`trait.strength` cannot be `{}`", strength.value);
            diagnostics.push(
                Diagnostic::error(Code::INVALID_VALUE, strength.span, message)
                    .help("it is `hard` or `soft`"),
            );
        }
        strength.value == "hard"
    });
    let mut definition = TraitSyntax {
        name: name.to_owned(),
        summary: head.or_default("summary", diagnostics),
        doc: head.or_default("doc", diagnostics),
        hard,
        shorthand: head.optional("shorthand", diagnostics),
        optional: head.or_default("optional", diagnostics),
        fields: BTreeMap::new(),
        outputs: BTreeMap::new(),
        offers: own_offers(table.node("offers"), diagnostics),
        span: head.span,
    };
    head.finish(diagnostics);
    if let Some(node) = table.node("fields") {
        definition.fields = inputs(node, "fields", diagnostics);
    }
    if let Some(node) = table.node("outputs") {
        let outputs = Table::new(node, "outputs", diagnostics);
        for (name, _, node) in outputs.rest() {
            let mut output = Table::new(node, outputs.path_of(name), diagnostics);
            let doc = output.or_default("doc", diagnostics);
            let default = template(&mut output, "default", diagnostics);
            output.finish(diagnostics);
            definition
                .outputs
                .insert(name.to_owned(), TraitOutput { doc, default });
        }
    }
    table.finish(diagnostics);
    definition
}

/// The offers of no component. How they answer stands in files of their own.
fn own_offers(node: Option<&Node>, diagnostics: &mut Diagnostics) -> Vec<OwnOffer> {
    let Some(node) = node else {
        return Vec::new();
    };
    let Some(items) = node.as_list() else {
        diagnostics.push(wrong_type(node, "offers", "a list of tables (`[[...]]`)"));
        return Vec::new();
    };
    let read = |item| own_offer(item, diagnostics);
    items.iter().filter_map(read).collect()
}

fn own_offer(node: &Node, diagnostics: &mut Diagnostics) -> Option<OwnOffer> {
    let mut table = Table::new(node, "offers", diagnostics);
    let name: Option<String> = table.required("name", diagnostics);
    let doc = table.or_default("doc", diagnostics);
    let when: Option<Node> = table.required("when", diagnostics);
    let when = bare(&when?, "offers.when", diagnostics);
    let span = table.span;
    table.finish(diagnostics);
    Some(OwnOffer {
        name: name?,
        doc,
        when: when?.ok()?,
        answer: Arc::default(),
        span,
    })
}

fn chart(node: &Node, diagnostics: &mut Diagnostics) -> Option<ChartSyntax> {
    let mut table = Table::new(node, "chart", diagnostics);
    let repository = required_template(&mut table, "repository", diagnostics);
    let name = required_template(&mut table, "name", diagnostics);
    let tested = table.optional("tested", diagnostics);
    let crds = template(&mut table, "crds", diagnostics);
    let span = table.span;
    table.finish(diagnostics);
    Some(ChartSyntax {
        repository: repository?,
        name: name?,
        tested,
        crds,
        span,
    })
}

fn template(
    table: &mut Table<'_>,
    key: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<Template> {
    from_node(table.node(key)?, diagnostics).ok()
}

fn required_template(
    table: &mut Table<'_>,
    key: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<Template> {
    let _: Option<Node> = table.required(key, diagnostics);
    template(table, key, diagnostics)
}

fn templates(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> BTreeMap<String, Template> {
    let table = Table::new(node, path, diagnostics);
    let compile = |(name, _, node): (&str, _, &Node)| {
        let template = from_node(node, diagnostics).ok()?;
        Some((name.to_owned(), template))
    };
    table.rest().filter_map(compile).collect()
}

/// A list whose items are names, or tables with a `name` and a `when`.
fn named(table: &mut Table<'_>, key: &'static str, diagnostics: &mut Diagnostics) -> Vec<Clause> {
    let path = table.path_of(key);
    let Some(node) = table.node(key) else {
        return Vec::new();
    };
    let Some(items) = node.as_list() else {
        diagnostics.push(wrong_type(node, &path, "a list"));
        return Vec::new();
    };
    let mut clauses = Vec::new();
    for item in items {
        let wrapped = match &item.value {
            Value::Str(_) => {
                let mut map = Node::new(Value::map(), item.origin.clone());
                map.insert("name", item.clone());
                map
            }
            _ => item.clone(),
        };
        clauses.extend(clause(&wrapped, &path, Some(NAMED), diagnostics));
    }
    clauses
}

fn clauses(
    table: &mut Table<'_>,
    key: &'static str,
    known: Option<&[&str]>,
    diagnostics: &mut Diagnostics,
) -> Vec<Clause> {
    let Some(node) = table.node(key) else {
        return Vec::new();
    };
    let Some(items) = node.as_list() else {
        diagnostics.push(wrong_type(node, key, "a list of tables (`[[...]]`)"));
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| clause(item, key, known, diagnostics))
        .collect()
}

fn clauses_by_name(
    node: &Node,
    path: &str,
    known: Option<&[&str]>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Clause> {
    let table = Table::new(node, path, diagnostics);
    let mut clauses = BTreeMap::new();
    for (name, _, node) in table.rest() {
        if let Some(clause) = clause(node, &table.path_of(name), known, diagnostics) {
            clauses.insert(name.to_owned(), clause);
        }
    }
    clauses
}

fn asks(node: &Node, diagnostics: &mut Diagnostics) -> BTreeMap<String, BTreeMap<String, Clause>> {
    let table = Table::new(node, "asks", diagnostics);
    let read = |(name, _, node): (&str, _, &Node)| {
        let path = format!("asks.{name}");
        (
            name.to_owned(),
            clauses_by_name(node, &path, None, diagnostics),
        )
    };
    table.rest().map(read).collect()
}

fn clause(
    node: &Node,
    path: &str,
    known: Option<&[&str]>,
    diagnostics: &mut Diagnostics,
) -> Option<Clause> {
    let span = node.origin.first()?;
    let Some(map) = node.as_map() else {
        diagnostics.push(wrong_type(node, path, "a table"));
        return None;
    };
    let mut body = map.clone();
    let mut take = |key: &str| {
        let node = body.remove(key)?.node;
        bare(&node, &format!("{path}.{key}"), diagnostics)
    };
    let when = take("when");
    let each = take("each");
    if let Some(known) = known {
        for (key, entry) in &body {
            if !known.contains(&key.as_str()) {
                let path = format!("{path}.{key}");
                diagnostics.push(unknown_key(&path, key, entry.key, known));
            }
        }
    }
    let body = Node::new(body, node.origin.clone());
    let body = from_node(&body, diagnostics).ok()?;
    let (when, each) = (transpose(when)?, transpose(each)?);
    Some(Clause {
        when,
        each,
        body,
        span,
    })
}

/// None where an expression was there and wrong.
fn transpose(expression: Option<Result<Expression, Failed>>) -> Option<Option<Expression>> {
    match expression {
        Some(Ok(expression)) => Some(Some(expression)),
        Some(Err(Failed)) => None,
        None => Some(None),
    }
}

/// A bare expression: `when = "inputs.v2_engine"`. A boolean is one, too.
fn bare(
    node: &Node,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Result<Expression, Failed>> {
    let span = node.origin.first()?;
    let compiled = match &node.value {
        Value::Str(text) => {
            let quotes = (span.end - span.start) as usize == text.len() + 2;
            let inside = if quotes {
                span.part(1, text.len() + 1)
            } else {
                span
            };
            Expression::compile(text, inside, quotes, diagnostics)
        }
        Value::Bool(value) => Expression::compile(&value.to_string(), span, false, diagnostics),
        _ => {
            diagnostics.push(wrong_type(node, path, "an expression in quotes"));
            Err(Failed)
        }
    };
    Some(compiled)
}
