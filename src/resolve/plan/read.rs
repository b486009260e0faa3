//! What reading the sections has in common: required keys with an example, words out of a few, named entries.

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::table::{Decode, Table, list, wrong_type};
use crate::source::Span;
use crate::value::{Node, Value};

/// The table of a section that the built-in defaults have. Its span is none where the lab itself does not have it.
pub(super) fn section<'a>(
    lab: &'a Node,
    root: &mut Table<'a>,
    name: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<Table<'a>> {
    let Some(node) = root.node(name) else {
        let message = format!("the table `[{name}]` is missing");
        diagnostics.push(Diagnostic::error(Code::MISSING_KEY, None, message));
        return None;
    };
    let mut table = Table::new(node, name, diagnostics);
    let source = |node: &Node| node.origin.first().map(|span| span.source);
    if source(node) != source(lab) {
        table.span = None;
    }
    Some(table)
}

/// The value of `key`; a missing one is reported with the line that would add it.
pub(super) fn required<T: Decode>(
    table: &mut Table<'_>,
    key: &'static str,
    example: &str,
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    if table.node(key).is_none() && table.is_map() {
        let message = format!("`{}` is missing", table.path_of(key));
        let mut missing = Diagnostic::error(Code::MISSING_KEY, table.span, message);
        missing = match table.span {
            Some(_) => missing.here("it belongs here"),
            None => missing.note(format!("the lab has no table `[{}]`", table.path)),
        };
        diagnostics.push(missing.help(format!("write it like `{key} = {example}`")));
    }
    table.optional(key, diagnostics)
}

/// The meaning of a word out of a few.
pub(super) fn choice<T: Copy>(
    node: &Node,
    path: &str,
    words: &[(&'static str, T)],
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    let Value::Str(text) = &node.value else {
        diagnostics.push(wrong_type(node, path, "a string"));
        return None;
    };
    if let Some((_, value)) = words.iter().find(|(word, _)| word == text) {
        return Some(*value);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let help = did_you_mean(text, known.iter().copied())
        .unwrap_or_else(|| format!("it is one of {}", list(&known)));
    diagnostics.push(invalid(
        node.origin.first(),
        format!("`{path}` cannot be `{text}`"),
        help,
    ));
    None
}

/// A value that its place does not take.
pub(super) fn invalid(
    span: impl Into<Option<Span>>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    Diagnostic::error(Code::INVALID_VALUE, span, message).help(help)
}

/// The entries of a table whose keys are names: name, the place of the name, value.
pub(super) fn entries<'a>(
    node: Option<&'a Node>,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<(&'a str, Option<Span>, &'a Node)> {
    node.map_or_else(Vec::new, |node| {
        Table::new(node, path, diagnostics).rest().collect()
    })
}

/// A table that stays a tree.
pub(super) fn table(
    node: Option<&Node>,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let node = node?;
    if node.as_map().is_some() {
        return Some(node.clone());
    }
    diagnostics.push(wrong_type(node, path, "a table"));
    None
}
