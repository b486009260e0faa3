//! Trees to YAML text that means the same to every reader.
//!
//! The layout is that of `kubectl`: two spaces, a list not indented below its key, text of several lines as a
//! `|` block, nothing folded. Keys are in the order of the map. Where kubectl's text would mean something else
//! to PyYAML or to a reader of YAML 1.2 it is quoted, and two things are printed more readably than by kubectl,
//! as every reader takes them: characters beyond U+FFFF as they are, and tabs within a block.
//!
//! A float always shows that it is one, `1.0` and `1.0e+21`: so it stays a float for readers that tell the two
//! apart, and Kubernetes takes a whole one for an integer anyway. Knows no resource and no path of a file.

mod quote;

use std::borrow::Borrow;
use std::fmt::Write as _;

use crate::value::{Map, Node, Path, Step, Value};
use quote::Style;

/// Spaces from one level to the next.
const INDENT: usize = 2;

/// Bytes from which on a key stands behind a `?`, as goyaml has it: YAML itself allows 1024.
const LONG_KEY: usize = 129;

/// The node that a line of the output shows: the innermost that ends in this line or goes on in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineOrigin {
    /// The document, counted from 0.
    pub document: usize,
    /// The way from the document's root.
    pub path: Path,
}

/// The text of `documents`, with `---` between two; it ends in a line break unless there is none of them.
pub fn print<N: Borrow<Node>>(documents: &[N]) -> String {
    print_below("", documents)
}

/// The same, behind lines that stand above them.
pub fn print_below<N: Borrow<Node>>(head: &str, documents: &[N]) -> String {
    let mut printer = Printer {
        text: head.to_owned(),
        trace: None,
    };
    printer.documents(documents);
    printer.text.shrink_to_fit();
    printer.text
}

/// What each line of [`print()`]'s text shows, from the first line on.
pub fn lines<N: Borrow<Node>>(documents: &[N]) -> Vec<LineOrigin> {
    let mut printer = Printer {
        trace: Some(Trace::default()),
        ..Printer::default()
    };
    printer.documents(documents);
    printer.trace.unwrap_or_default().lines
}

#[derive(Default)]
struct Printer {
    text: String,
    /// Only where somebody asks for the lines: a path for each is not cheap.
    trace: Option<Trace>,
}

#[derive(Default)]
struct Trace {
    lines: Vec<LineOrigin>,
    document: usize,
    path: Path,
}

impl Printer {
    fn documents<N: Borrow<Node>>(&mut self, documents: &[N]) {
        for (index, document) in documents.iter().enumerate() {
            if let Some(trace) = &mut self.trace {
                trace.document = index;
            }
            if index > 0 {
                self.text.push_str("---");
                self.end_line();
            }
            self.inline(document.borrow(), 0);
        }
    }

    /// A value whose first line goes on in the current one, at the column `indent`.
    fn inline(&mut self, node: &Node, indent: usize) {
        match &node.value {
            Value::Map(map) if !map.is_empty() => self.map(map, indent),
            Value::List(items) if !items.is_empty() => self.list(items, indent),
            leaf => self.leaf(leaf, indent.max(INDENT)),
        }
    }

    fn map(&mut self, map: &Map, indent: usize) {
        for (index, (key, entry)) in map.iter().enumerate() {
            if index > 0 {
                self.indent(indent);
            }
            self.step(|| Step::Key(key.clone()));
            self.entry(key, &entry.node, indent);
            self.step_back();
        }
    }

    fn entry(&mut self, key: &str, node: &Node, indent: usize) {
        if key.len() >= LONG_KEY {
            self.text.push_str("? ");
            quote::key(key, &mut self.text);
            self.end_line();
            self.indent(indent);
            self.text.push_str(": ");
            self.inline(node, indent + INDENT);
            return;
        }
        quote::key(key, &mut self.text);
        self.text.push(':');
        match &node.value {
            Value::Map(map) if !map.is_empty() => {
                self.end_line();
                self.indent(indent + INDENT);
                self.map(map, indent + INDENT);
            }
            Value::List(items) if !items.is_empty() => {
                self.end_line();
                self.indent(indent);
                self.list(items, indent);
            }
            leaf => {
                self.text.push(' ');
                self.leaf(leaf, indent + INDENT);
            }
        }
    }

    fn list(&mut self, items: &[Node], indent: usize) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.indent(indent);
            }
            self.text.push_str("- ");
            self.step(|| Step::Index(index));
            self.inline(item, indent + INDENT);
            self.step_back();
        }
    }

    /// A leaf and the end of its line; the lines of a block stand at the column `indent`.
    fn leaf(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.text.push_str("null"),
            Value::Bool(value) => self.display(value),
            Value::Int(value) => self.display(value),
            Value::Uint(value) => self.display(value),
            Value::Float(value) => self.text.push_str(&float(*value)),
            Value::Str(text) => match quote::style(text) {
                Style::Block => return self.block(text, indent),
                style => quote::quoted(text, style, &mut self.text),
            },
            Value::List(_) => self.text.push_str("[]"),
            Value::Map(_) => self.text.push_str("{}"),
        }
        self.end_line();
    }

    fn block(&mut self, text: &str, indent: usize) {
        self.text.push('|');
        if text.starts_with([' ', '\t', '\n']) {
            self.display(&INDENT);
        }
        if !text.ends_with('\n') {
            self.text.push('-');
        }
        self.end_line();
        for line in text.lines() {
            if !line.is_empty() {
                self.indent(indent);
                self.text.push_str(line);
            }
            self.end_line();
        }
    }

    fn display(&mut self, value: &impl std::fmt::Display) {
        write!(self.text, "{value}").expect("a string takes it");
    }

    fn indent(&mut self, columns: usize) {
        self.text.extend(std::iter::repeat_n(' ', columns));
    }

    fn end_line(&mut self) {
        self.text.push('\n');
        if let Some(trace) = &mut self.trace {
            trace.lines.push(LineOrigin {
                document: trace.document,
                path: trace.path.clone(),
            });
        }
    }

    fn step(&mut self, step: impl FnOnce() -> Step) {
        if let Some(trace) = &mut self.trace {
            trace.path.0.push(step());
        }
    }

    fn step_back(&mut self) {
        if let Some(trace) = &mut self.trace {
            trace.path.0.pop();
        }
    }
}

/// A float with a point, and with a sign in its exponent: without both it is text to PyYAML.
fn float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let digits = format!("{value:?}");
    let Some((mantissa, exponent)) = digits.split_once('e') else {
        return digits;
    };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}
