//! The table of a component, and `lab.toml` with one more of them.

use super::sample::{is_required, sample, words};
use super::{Shelf, usual_layer};
use crate::diag::Diagnostics;
use crate::parse::lab::Layer;
use crate::parse::module::Module;
use crate::source::{SourceKind, Sources, Span};
use crate::syntax::toml;
use crate::value::{Node, Path, Value};

/// What a component of a module must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The line, without a line break: `version = "1.10.2"`.
    pub line: String,
    /// What it is, where a person has to write the value.
    pub doc: Option<String>,
}

/// The lines that a component of `module` cannot do without.
pub fn needed(name: &str, module: &Module) -> Vec<Needed> {
    let given = |line: String| Needed { line, doc: None };
    let asked = |line: &str, doc: &str| Needed {
        line: line.to_owned(),
        doc: Some(doc.to_owned()),
    };
    let mut lines = Vec::new();
    if name != module.name {
        lines.push(given(format!("module = \"{}\"", module.name)));
    }
    let tested = module.chart.as_ref().map(|chart| chart.tested.as_ref());
    match tested {
        Some(Some(tested)) => lines.push(given(format!("version = \"{}\"", tested.value))),
        Some(None) => lines.push(asked("version = \"1.0.0\"", "The chart's version.")),
        None => {}
    }
    for (key, input) in module.inputs.iter().filter(|(_, input)| is_required(input)) {
        let line = format!("{key} = {}", sample(&input.kind));
        let doc = format!("{} ({})", first_line(&input.doc), words(&input.kind));
        lines.push(Needed {
            line,
            doc: Some(doc),
        });
    }
    lines
}

fn first_line(doc: &str) -> &str {
    doc.trim().lines().next().unwrap_or_default()
}

/// The whole table of a component, with examples where a person has to write a value.
pub fn example(name: &str, module: &Module) -> String {
    let mut text = format!("[{}.{name}]\n", usual_layer(module));
    for needed in needed(name, module) {
        text.push_str(&needed.line);
        text.push('\n');
    }
    text
}

/// The table of a new component: what a person has to write stands in it as a comment.
pub fn table(name: &str, layer: Layer, module: &Module) -> String {
    let mut text = format!("[{layer}.{name}]\n");
    for needed in needed(name, module) {
        match needed.doc {
            None => text.push_str(&format!("{}\n", needed.line)),
            Some(doc) => text.push_str(&format!("# {doc}\n# {}\n", needed.line)),
        }
    }
    text
}

/// A lab with a component more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The new text of `lab.toml`.
    pub text: String,
    /// The line on which the new table begins, counted from 1.
    pub line: usize,
}

/// `lab` with `table` behind the last component of its layer, else at the end; every other byte stays as it was.
///
/// # Errors
/// A phrase: the text cannot take another table.
pub fn add(lab: &str, layer: Layer, name: &str, table: &str) -> Result<Added, String> {
    let root = read(lab)?;
    let at = place(lab, &root, layer);
    let (before, after) = lab.split_at(at);
    let mut text = before.to_owned();
    if !text.is_empty() {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        if !text.ends_with("\n\n") {
            text.push('\n');
        }
    }
    let line = text.lines().count() + 1;
    text.push_str(table);
    if !after.is_empty() && !after.starts_with('\n') {
        text.push('\n');
    }
    text.push_str(after);
    let path = Path::keys([layer.word(), name]);
    if read(&text)?.at(&path).is_none() {
        return Err(format!("`[{layer}.{name}]` has no place in it"));
    }
    Ok(Added { text, line })
}

fn read(text: &str) -> Result<Node, String> {
    let mut sources = Sources::default();
    let source = sources.add("lab.toml".to_owned(), text.into(), SourceKind::Lab);
    let mut diagnostics = Diagnostics::default();
    let root = toml::read(source, text, &mut diagnostics);
    match diagnostics.first() {
        None => Ok(root),
        Some(problem) => Err(problem.message.clone()),
    }
}

/// The byte behind the last table of a layer, before the comment that belongs to the next one; else the end.
fn place(lab: &str, root: &Node, layer: Layer) -> usize {
    let mut headers: Vec<(Span, bool)> = Vec::new();
    for (key, entry) in root.as_map().into_iter().flatten() {
        let mut found = Vec::new();
        each_header(&entry.node, lab, &mut found);
        let is_own = key == layer.word();
        headers.extend(found.into_iter().map(|span| (span, is_own)));
    }
    headers.sort();
    let Some(last) = headers.iter().rposition(|(_, is_own)| *is_own) else {
        return lab.len();
    };
    match headers.get(last + 1) {
        None => lab.len(),
        Some((next, _)) => before_comment(lab, next.start as usize),
    }
}

/// Adds where the `[table]` and `[[table]]` headers of a node and of all below it stand.
fn each_header(node: &Node, lab: &str, headers: &mut Vec<Span>) {
    headers.extend(node.origin.first().filter(|span| {
        let (before, from) = lab.split_at(span.start as usize);
        from.starts_with('[') && (before.is_empty() || before.ends_with('\n'))
    }));
    match &node.value {
        Value::Map(map) => {
            for entry in map.values() {
                each_header(&entry.node, lab, headers);
            }
        }
        Value::List(items) => {
            for item in items {
                each_header(item, lab, headers);
            }
        }
        _ => {}
    }
}

/// The start of the comment lines right above a byte that begins a line, and of the blank lines above them.
fn before_comment(lab: &str, at: usize) -> usize {
    let mut start = at;
    let mut lines = lab[..at].split_inclusive('\n').rev().peekable();
    while let Some(line) = lines.next_if(|line| line.trim_start().starts_with('#')) {
        start -= line.len();
    }
    for line in lines.take_while(|line| line.trim().is_empty()) {
        start -= line.len();
    }
    start
}

/// The module that a new component would be of, by its name; an unknown one gives what was probably meant.
///
/// # Errors
/// A help line.
pub fn find<'a>(shelf: &'a Shelf, name: &str) -> Result<&'a Module, String> {
    if let Some(book) = shelf.modules.get(name) {
        return Ok(&book.module);
    }
    let known = shelf.modules.keys().map(String::as_str);
    Err(crate::diag::did_you_mean(name, known).unwrap_or_else(|| {
        "`labc module list` shows all; for a chart that none knows, take `--module chart`"
            .to_owned()
    }))
}
