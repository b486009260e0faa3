//! A module as a page that a person can write a component from.

use std::collections::BTreeMap;

use super::component::example;
use super::sample::{is_required, words};
use super::wrap::{bullet, wrap};
use super::{Book, Shelf, named};
use crate::parse::input::{Input, InputType};
use crate::parse::module::Module;
use crate::parse::table::list;
use crate::source::Sources;
use crate::template::Template;
use crate::value::{Node, Value};

/// The page of a module, in Markdown of at most 100 columns where its words allow.
pub fn page(shelf: &Shelf, book: &Book) -> String {
    let module = &book.module;
    let sources = &shelf.sources;
    let mut page = format!("# {}\n\n", module.name);
    page.push_str(&wrap(&module.summary, ""));
    page.push('\n');
    page.push_str(&facts(book));
    if !module.doc.trim().is_empty() {
        page.push('\n');
        page.push_str(&wrap(&module.doc, ""));
    }
    let sections = [
        ("Example", Some(shown_example(module))),
        ("Inputs", filled(inputs(&module.inputs, sources, ""))),
        ("Asks for", asks(book)),
        ("Answers", offers(shelf, book)),
        (
            "Provides",
            capabilities(&named(&module.capabilities, sources)),
        ),
        ("Requires", capabilities(&named(&module.requires, sources))),
        ("Outputs", outputs(book)),
        ("Services", services(book)),
        ("Objects", objects(book)),
        ("Kinds", kinds(book)),
        ("Nodes", nodes(book)),
        ("Notes", notes(book)),
        ("Keys of every component", Some(common(shelf))),
    ];
    for (heading, text) in sections {
        if let Some(text) = text {
            page.push_str(&format!("\n## {heading}\n\n{text}"));
        }
    }
    page
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

pub(super) fn text<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
    let mut node = node;
    for key in path {
        node = node.get(key)?;
    }
    node.as_str()
}

/// A value as a person reads it on a page: text bare, all else as in TOML.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Str(text) => text.to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            items.join(", ")
        }
        Value::Map(map) => {
            let pairs: Vec<String> = map
                .iter()
                .map(|(key, entry)| format!("{key} = {}", shown(&entry.node)))
                .collect();
            pairs.join(", ")
        }
        _ => crate::template::convert::text(node).unwrap_or_default(),
    }
}

/// `when` of a table as the end of a sentence.
fn when(node: &Node) -> String {
    let condition = node.get("when").map(shown);
    condition.map_or_else(String::new, |condition| format!(" (when `{condition}`)"))
}

fn facts(book: &Book) -> String {
    let module = &book.module;
    let mut facts = Vec::new();
    if !module.group.is_empty() {
        facts.push(format!("Group: {}.", module.group));
    }
    if let Some(namespace) = text(&book.written, &["module", "namespace"]) {
        facts.push(format!("Namespace: `{namespace}`."));
    }
    let chart = |key| text(&book.written, &["chart", key]);
    if let (Some(name), Some(repository)) = (chart("name"), chart("repository")) {
        let tested = chart("tested").map(|tested| format!(", tested with {tested}"));
        let tested = tested.unwrap_or_default();
        facts.push(format!("Chart: `{name}` of {repository}{tested}."));
    }
    if let Some(arch) = module.arch.as_ref().and_then(Template::as_data) {
        let words = arch.as_list().unwrap_or_default();
        let words: Vec<&str> = words.iter().filter_map(Node::as_str).collect();
        facts.push(format!("Runs on {} only.", list(&words)));
    }
    if module.bootstrap {
        facts.push("Installed by the provision script, before the engine takes over.".to_owned());
    }
    if !module.standard {
        facts.push("This lab's own.".to_owned());
    }
    wrap(&facts.join(" "), "")
}

fn shown_example(module: &Module) -> String {
    let name = if module.group == "generic" {
        "name"
    } else {
        &module.name
    };
    format!("```toml\n{}```\n", example(name, module))
}

pub(super) fn inputs(inputs: &BTreeMap<String, Input>, sources: &Sources, indent: &str) -> String {
    let mut text = String::new();
    let (required, others): (Vec<_>, Vec<_>) =
        inputs.iter().partition(|(_, input)| is_required(input));
    for (name, input) in required.into_iter().chain(others) {
        let default = default(input, sources);
        let about = format!("`{name}`: {}; {default}", words(&input.kind));
        text.push_str(&bullet(&about, indent));
        let below = format!("{indent}  ");
        text.push_str(&wrap(&input.doc, &below));
        if let Some(fields) = fields(&input.kind) {
            text.push_str(&self::inputs(fields, sources, &below));
        }
    }
    text
}

fn default(input: &Input, sources: &Sources) -> String {
    let written = input
        .default_text
        .as_ref()
        .and_then(|node| node.origin.first());
    match written {
        Some(span) => shown_default(sources.text(span).trim()),
        None if is_required(input) => "required".to_owned(),
        None => "optional".to_owned(),
    }
}

/// A default as written; a long expression says nothing to a person, and the prose tells what it gives.
fn shown_default(written: &str) -> String {
    if !written.contains("${{") {
        return format!("default `{written}`");
    }
    let text = written.trim_matches('"');
    if text.chars().count() > 60 {
        "computed unless given".to_owned()
    } else {
        format!("default `{text}`")
    }
}

/// The fields of each item, where an input is a table of tables or a list of them.
pub(super) fn fields(kind: &InputType) -> Option<&BTreeMap<String, Input>> {
    match kind {
        InputType::Object(fields) => Some(fields),
        InputType::List(item) | InputType::Map(item) => fields(item),
        _ => None,
    }
}

pub(super) fn tables<'a>(book: &'a Book, key: &str) -> &'a [Node] {
    let tables = book.written.get(key).and_then(Node::as_list);
    tables.unwrap_or_default()
}

fn entries(node: Option<&Node>) -> impl Iterator<Item = (&str, &Node)> {
    let map = node.and_then(Node::as_map).into_iter().flatten();
    map.map(|(key, entry)| (key.as_str(), &entry.node))
}

/// The keys of a table but these, as `key value` pairs.
fn rest(node: &Node, without: &[&str]) -> String {
    let pairs: Vec<String> = entries(Some(node))
        .filter(|(key, _)| !without.contains(key))
        .map(|(key, node)| format!("`{key}` {}", shown(node)))
        .collect();
    pairs.join(", ")
}

fn asks(book: &Book) -> Option<String> {
    let mut lines = String::new();
    for (of, asked) in entries(book.written.get("asks")) {
        for (entry, node) in entries(Some(asked)) {
            let fields = rest(node, &["when", "optional"]);
            let fields = match fields.is_empty() {
                true => String::new(),
                false => format!(": {fields}"),
            };
            lines.push_str(&bullet(
                &format!("`{of}.{entry}`{fields}{}", when(node)),
                "",
            ));
        }
    }
    filled(lines)
}

fn offers(shelf: &Shelf, book: &Book) -> Option<String> {
    let name = &book.module.name;
    let mut lines = String::new();
    for offer in tables(book, "offers") {
        let of = text(offer, &["trait"]).unwrap_or_default();
        let own = text(offer, &["name"]);
        let each = text(offer, &["each"]);
        let id = match (own, each) {
            (Some(own), _) => format!("{name}.{own}"),
            (None, Some(each)) => format!("{name}.KEY` for each key of `{each}"),
            (None, None) => name.clone(),
        };
        let summary = shelf.traits.get(of).map(|known| known.summary.as_str());
        let summary = summary.map(|summary| format!(": {summary}"));
        let line = format!(
            "`{of}` as `{id}`{}{}",
            summary.unwrap_or_default(),
            when(offer)
        );
        lines.push_str(&bullet(&line, ""));
    }
    filled(lines)
}

fn capabilities(named: &[(String, Option<&str>)]) -> Option<String> {
    let line = |(name, when): &(String, Option<&str>)| match when {
        Some(when) => bullet(&format!("`{name}` (when `{when}`)"), ""),
        None => bullet(&format!("`{name}`"), ""),
    };
    filled(named.iter().map(line).collect())
}

fn outputs(book: &Book) -> Option<String> {
    let name = &book.module.name;
    let line = |(key, node): (&str, &Node)| bullet(&format!("`{key}`: `{}`", shown(node)), "");
    let lines: String = entries(book.written.get("outputs")).map(line).collect();
    let read = if name.contains('-') {
        format!("components[\"{name}\"].outputs.KEY")
    } else {
        format!("components.{name}.outputs.KEY")
    };
    let head = wrap(&format!("Read as `${{{{ {read} }}}}`:"), "");
    filled(lines).map(|lines| format!("{head}\n{lines}"))
}

fn services(book: &Book) -> Option<String> {
    let line = |(key, node): (&str, &Node)| {
        let name = text(node, &["name"]).unwrap_or_default();
        let port = node.get("port").map(shown).unwrap_or_default();
        let metrics = node.get("metrics").map(shown);
        let metrics = metrics.map(|path| format!(", metrics at `{path}`"));
        let each = text(node, &["each"]).map(|each| format!(", one for each of `{each}`"));
        let doc = text(node, &["doc"]).map(|doc| format!(": {doc}"));
        let about = format!(
            "`{key}`: `{name}`, port `{port}`{}{}{}{}",
            metrics.unwrap_or_default(),
            each.unwrap_or_default(),
            when(node),
            doc.unwrap_or_default()
        );
        bullet(&about, "")
    };
    filled(entries(book.written.get("services")).map(line).collect())
}

fn objects(book: &Book) -> Option<String> {
    let line = |node: &Node| {
        let part = |key| text(node, &[key]).unwrap_or_default();
        let runtime = match part("at") {
            "runtime" => format!(", at run time: {}", part("source")),
            _ => String::new(),
        };
        let about = format!(
            "`{}` `{}`{}{runtime}",
            part("kind"),
            part("name"),
            when(node)
        );
        bullet(&about, "")
    };
    filled(tables(book, "creates").iter().map(line).collect())
}

/// Kinds by group and version, with the condition that they share.
fn kinds(book: &Book) -> Option<String> {
    let mut groups: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for node in tables(book, "kinds") {
        let kind = text(node, &["kind"]).unwrap_or_default();
        let (group, name) = kind.rsplit_once('/').unwrap_or(("", kind));
        let key = (group.to_owned(), when(node));
        groups.entry(key).or_default().push(name);
    }
    let line = |((group, when), names): (&(String, String), &Vec<&str>)| {
        bullet(&format!("`{group}`: {}{when}", names.join(", ")), "")
    };
    filled(groups.iter().map(line).collect())
}

fn nodes(book: &Book) -> Option<String> {
    let line = |node: &Node| {
        let on = match text(node, &["on"]) {
            None | Some("all") => "all nodes".to_owned(),
            Some("controlplane") => "control planes".to_owned(),
            Some("worker") => "workers".to_owned(),
            Some(expression) => format!("the nodes of `{expression}`"),
        };
        let words = rest(node, &["when", "on"]);
        bullet(&format!("{on}: {words}{}", when(node)), "")
    };
    filled(tables(book, "talos").iter().map(line).collect())
}

fn notes(book: &Book) -> Option<String> {
    let line = |node: &Node| {
        let text = text(node, &["text"]).unwrap_or_default();
        bullet(&format!("{text}{}", when(node)), "")
    };
    filled(tables(book, "notes").iter().map(line).collect())
}

fn common(shelf: &Shelf) -> String {
    let quoted = |names: Vec<&str>| {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        quoted.join(", ")
    };
    let reserved: Vec<&str> = super::schema::COMPONENT_KEYS
        .iter()
        .map(|key| key.name)
        .collect();
    let traits: Vec<&str> = shelf.traits.keys().map(String::as_str).collect();
    let text = format!(
        "{}; the traits {}, where they make sense.",
        quoted(reserved),
        quoted(traits)
    );
    wrap(&text, "")
}
