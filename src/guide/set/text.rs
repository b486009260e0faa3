//! `lab.toml` as text and as a tree, and where its tables begin and end.

use std::ops::Range;

use super::Refusal;
use crate::diag::Diagnostics;
use crate::source::{SourceKind, Sources, Span};
use crate::syntax::toml;
use crate::value::{Node, Path, Value};

/// The lab's own file.
pub(super) struct LabText<'a> {
    /// Every byte of it.
    pub(super) text: &'a str,
    /// Its data, with spans.
    pub(super) tree: Node,
    /// Where the headers of tables begin, sorted.
    headers: Vec<usize>,
}

impl<'a> LabText<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// It is not TOML.
    pub(super) fn read(text: &'a str) -> Result<Self, Refusal> {
        let tree = read(text).map_err(Refusal::Impossible)?;
        let mut headers = Vec::new();
        each_header(&tree, text, &mut headers);
        headers.sort_unstable();
        headers.dedup();
        Ok(LabText {
            text,
            tree,
            headers,
        })
    }

    /// The line of a byte, counted from 1.
    pub(super) fn line_of(&self, at: usize) -> usize {
        line_of(self.text, at)
    }

    /// The break between its lines.
    pub(super) fn line_break(&self) -> &'static str {
        let first = self.text.find('\n').map(|at| &self.text[..at]);
        match first {
            Some(line) if line.ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    /// Where a value is written that stands behind `=` or in a list; none for a table with headers or dotted keys.
    pub(super) fn value(&self, node: &Node) -> Option<Range<usize>> {
        let range = node.origin.first().map(Span::range)?;
        let begins = |letter: char| self.text[range.start..].starts_with(letter);
        let is_value = match &node.value {
            Value::Map(_) => begins('{'),
            Value::List(_) => begins('[') && !self.headers.contains(&range.start),
            _ => true,
        };
        is_value.then_some(range)
    }

    /// The section of a table that has a header of its own: from its header to the next one.
    pub(super) fn section(&self, node: &Node) -> Option<Range<usize>> {
        let start = node.origin.first()?.start as usize;
        let at = self.headers.binary_search(&start).ok()?;
        let end = self.headers.get(at + 1).copied();
        Some(start..end.unwrap_or(self.text.len()))
    }

    /// The header behind the last one of `node` and of all below it; none where that is the last of all.
    pub(super) fn next_header(&self, node: &Node) -> Option<(usize, Option<usize>)> {
        let mut own = Vec::new();
        each_header(node, self.text, &mut own);
        let last = own.into_iter().max()?;
        let at = self.headers.binary_search(&last).ok()?;
        Some((last, self.headers.get(at + 1).copied()))
    }

    /// The end of the line that a byte is on, behind its break.
    pub(super) fn line_end(&self, at: usize) -> usize {
        self.text[at..]
            .find('\n')
            .map_or(self.text.len(), |end| at + end + 1)
    }

    /// The start of the line that a byte is on.
    pub(super) fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// The start of the comment lines right above a byte that begins a line.
    pub(super) fn comment_start(&self, at: usize) -> usize {
        let mut start = at;
        for line in self.text[..at].split_inclusive('\n').rev() {
            if !line.trim_start().starts_with('#') {
                break;
            }
            start -= line.len();
        }
        start
    }
}

/// The line of a byte of a text, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Adds where the headers of a table and of all tables below it begin.
fn each_header(node: &Node, text: &str, headers: &mut Vec<usize>) {
    match &node.value {
        Value::Map(map) => {
            let start = node.origin.first().map(|span| span.start as usize);
            headers.extend(start.filter(|start| text[*start..].starts_with('[')));
            for entry in map.values() {
                each_header(&entry.node, text, headers);
            }
        }
        Value::List(items) => {
            for item in items {
                each_header(item, text, headers);
            }
        }
        _ => {}
    }
}

fn read(text: &str) -> Result<Node, String> {
    let mut sources = Sources::default();
    let source = sources.add("lab.toml".to_owned(), text.into(), SourceKind::Lab);
    let mut diagnostics = Diagnostics::default();
    let tree = toml::read(source, text, &mut diagnostics);
    match diagnostics.first() {
        None => Ok(tree),
        Some(problem) => Err(format!("lab.toml is not TOML: {}", problem.message)),
    }
}

/// Reads an edited text back.
///
/// # Errors
/// Its data is none of what is expected.
pub(super) fn check(text: &str, expected: &[Node], path: &Path) -> Result<(), Refusal> {
    match read(text) {
        Ok(tree) if expected.contains(&tree) => Ok(()),
        _ => {
            let message = format!("`{path}` is written in a way that can only be changed by hand");
            Err(Refusal::Impossible(message))
        }
    }
}
