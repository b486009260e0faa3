//! TOML text to a tree, every key and value with its span.
//!
//! Knows no rule of a lab. A table's span is its header or its braces; a string's span has its quotes.

mod problem;

use std::ops::Range;

use toml::de::{DeInteger, DeTable, DeValue};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{Origin, SourceId, Span};
use crate::value::{Entry, Map, Node, Value};

/// The tree of `text`. What is not TOML is reported, and the tree lacks it: go no further with such a tree.
pub fn read(source: SourceId, text: &str, diagnostics: &mut Diagnostics) -> Node {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        source,
        text,
        diagnostics,
    };
    reader.report(&errors, document.get_ref());
    Node {
        value: Value::Map(reader.map(document.get_ref())),
        origin: Origin::at(Span::new(source, 0, 0)),
    }
}

struct Reader<'a> {
    source: SourceId,
    text: &'a str,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, range.start, range.end)
    }

    fn map(&mut self, table: &DeTable<'_>) -> Map {
        table
            .iter()
            .map(|(key, value)| {
                let entry = Entry {
                    key: Some(self.span(key.span())),
                    node: self.node(value.get_ref(), value.span()),
                };
                (key.get_ref().as_ref().into(), entry)
            })
            .collect()
    }

    fn node(&mut self, value: &DeValue<'_>, range: Range<usize>) -> Node {
        let span = self.span(range);
        let value = match value {
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Integer(number) => self.integer(number, span),
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Datetime(value) if value.date.is_none() && value.time.is_none() => Value::Null,
            DeValue::Datetime(_) => self.datetime(span),
            DeValue::Array(items) => {
                let nodes = items.iter();
                Value::List(
                    nodes
                        .map(|item| self.node(item.get_ref(), item.span()))
                        .collect(),
                )
            }
            DeValue::Table(table) => Value::Map(self.map(table)),
        };
        Node {
            value,
            origin: Origin::at(span),
        }
    }

    fn integer(&mut self, number: &DeInteger<'_>, span: Span) -> Value {
        let (digits, radix) = (number.as_str(), number.radix());
        if let Ok(value) = i64::from_str_radix(digits, radix) {
            return Value::Int(value);
        }
        if let Ok(value) = u64::from_str_radix(digits, radix) {
            return Value::Uint(value);
        }
        // An integer that the parser could not read has no digits, and its own message.
        if !digits.is_empty() {
            let message = "this integer does not fit into 64 bits";
            self.diagnostics
                .push(Diagnostic::error(Code::TOML_SYNTAX, span, message));
        }
        Value::Int(0)
    }

    fn datetime(&mut self, span: Span) -> Value {
        let text = self.text.get(span.range()).unwrap_or_default();
        self.diagnostics.push(
            Diagnostic::error(Code::TOML_SYNTAX, span, "a date or time is not used here")
                .help(format!("if it is meant as text, quote it: `\"{text}\"`")),
        );
        Value::from(text)
    }

    fn report(&mut self, errors: &[toml::de::Error], document: &DeTable<'_>) {
        for problem in problem::all(errors, self.text, document) {
            let mut diagnostic =
                Diagnostic::error(Code::TOML_SYNTAX, self.span(problem.range), problem.message)
                    .here(problem.here)
                    .maybe_help(problem.help);
            if let Some(range) = problem.earlier {
                diagnostic = diagnostic.label(self.span(range), "first written here");
            }
            self.diagnostics.push(diagnostic);
        }
    }
}
