//! A lock from its text, and what is said where there is none in it.

use std::collections::BTreeMap;

use super::encode::LINES;
use super::exact;
use super::gathered::{is_gathered, of_lines};
use super::{ChartEntry, FILE, Lock, VERSION};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::table::Table;
use crate::source::{SourceId, Span};
use crate::syntax::{conflict, toml};
use crate::value::{Node, Value};
use crate::world::{MAX_FILE, path};

/// What to do with a lock that nobody can read.
const REMEDY: &str = "restore it from Git, or remove it and run `labc build --force`";

/// The lock that a text holds; a damaged, newer or conflicted one is reported and gives none.
pub fn decode(source: SourceId, text: &str, diagnostics: &mut Diagnostics) -> Option<Lock> {
    let exact = exact::read(text);
    if exact
        .as_ref()
        .is_some_and(|lock| lock.outputs.keys().all(|path| is_output(path)))
    {
        return exact;
    }
    if text.len() as u64 > MAX_FILE {
        let message = format!("{FILE} is damaged: it has more than {MAX_FILE} bytes");
        diagnostics.push(Diagnostic::error(Code::LOCK_DAMAGED, None, message).help(REMEDY));
        return None;
    }
    if let Some(mark) = conflict::marks(text).first() {
        let span = Span::new(source, mark.start, mark.end);
        let message = format!("{FILE} holds the marks of a merge conflict");
        diagnostics.push(
            Diagnostic::error(Code::LOCK_CONFLICT, span, message)
                .note("without it labc cannot tell its own files in `out/` from those that a hand changed")
                .help("resolve `lab.toml`, then run `labc lock --resolve`: it makes both anew from what the two sides say")
                .help("where it cannot tell the sides either, `labc build --force` makes both anew whatever stands there"),
        );
        return None;
    }
    let mut found = Diagnostics::default();
    let node = toml::read(source, text, &mut found);
    let lock = if found.has_errors() {
        None
    } else {
        read(&node, &mut found)
    };
    match lock {
        Some(lock) if !found.has_errors() => Some(lock),
        _ => {
            diagnostics.push(damaged(source, &node, &found));
            None
        }
    }
}

fn damaged(source: SourceId, node: &Node, found: &Diagnostics) -> Diagnostic {
    let version = node.get("version").and_then(|node| match node.value {
        Value::Int(version) => u64::try_from(version).ok(),
        _ => None,
    });
    if let Some(newer) = version.filter(|version| *version > VERSION) {
        let span = node.get("version").and_then(|node| node.origin.first());
        let message = format!("{FILE} has format {newer}, and this labc knows {VERSION}");
        return Diagnostic::error(Code::LOCK_NEWER, span, message)
            .help("use the newer labc that wrote it");
    }
    let first = found.first();
    let span = first.and_then(|first| first.span);
    let why = first.map_or("", |first| first.message.as_str());
    Diagnostic::error(
        Code::LOCK_DAMAGED,
        span.unwrap_or_else(|| Span::new(source, 0, 0)),
        format!("{FILE} is damaged: {why}"),
    )
    .help(REMEDY)
}

fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Lock> {
    let mut table = Table::new(node, "", diagnostics);
    let version: Option<i64> = table.required("version", diagnostics);
    let is_known =
        |version: i64| u64::try_from(version).is_ok_and(|it| (1..=VERSION).contains(&it));
    if version.is_some_and(|version| !is_known(version)) {
        let span = table.node("version").and_then(|node| node.origin.first());
        diagnostics.push(Diagnostic::error(Code::LOCK_NEWER, span, "another format"));
    }
    let epoch: Option<i64> = table.required("epoch", diagnostics);
    let charts = items(&mut table, "chart", diagnostics, |item, diagnostics| {
        let component = item.required("component", diagnostics);
        let repository = item.required("repository", diagnostics);
        let name = item.required("name", diagnostics);
        let version = item.required("version", diagnostics);
        let entry = ChartEntry {
            repository: repository?,
            name: name?,
            version: version?,
        };
        Some((component?, entry))
    });
    let modules = pairs(&mut table, "module", "name", "sha256", diagnostics);
    let schematics = pairs(&mut table, "schematic", "name", "id", diagnostics);
    let mut lines = BTreeMap::new();
    let outputs = items(&mut table, "output", diagnostics, |item, diagnostics| {
        let path: String = item.required("path", diagnostics)?;
        // The first format has one SHA-256 for every file.
        if !is_gathered(&path) || version == Some(1) {
            return Some((path, item.required("sha256", diagnostics)?));
        }
        let digests: Vec<String> = item.required(LINES, diagnostics)?;
        let digest = of_lines(&digests);
        lines.insert(path.clone(), digests);
        Some((path, digest))
    });
    for path in outputs.keys().filter(|path| !is_output(path)) {
        let message = format!("`{path}` is no path of the tree");
        diagnostics.push(Diagnostic::error(Code::LOCK_DAMAGED, table.span, message));
    }
    table.finish(diagnostics);
    Some(Lock {
        epoch: u64::try_from(epoch?).ok()?,
        charts,
        modules,
        schematics,
        outputs,
        lines,
    })
}

fn pairs(
    table: &mut Table<'_>,
    key: &'static str,
    name: &'static str,
    value: &'static str,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, String> {
    items(table, key, diagnostics, |item, diagnostics| {
        let name = item.required(name, diagnostics);
        let value = item.required(value, diagnostics);
        Some((name?, value?))
    })
}

fn items<T>(
    table: &mut Table<'_>,
    key: &'static str,
    diagnostics: &mut Diagnostics,
    mut read: impl FnMut(&mut Table<'_>, &mut Diagnostics) -> Option<(String, T)>,
) -> BTreeMap<String, T> {
    let nodes: Vec<Node> = table.or_default(key, diagnostics);
    let mut items = BTreeMap::new();
    for node in nodes {
        let mut item = Table::new(&node, key, diagnostics);
        let place = item.span;
        if let Some((name, value)) = read(&mut item, diagnostics)
            && items.insert(name.clone(), value).is_some()
        {
            let message = format!("`{name}` stands twice");
            diagnostics.push(Diagnostic::error(Code::LOCK_DAMAGED, place, message));
        }
        item.finish(diagnostics);
    }
    items
}

/// Whether labc may have written a file at a path: nothing else is ever pruned, whatever the lock says.
pub(super) fn is_output(path: &str) -> bool {
    path.starts_with("out/") && path::check(path).is_ok()
}
