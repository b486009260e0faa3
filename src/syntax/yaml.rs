//! YAML text to trees, with the data that Kubernetes would read from it and the span of every value.
//!
//! [`read`] gives data; [`read_syntax`] gives what templates need beside it: which scalars are quoted, keys in
//! the order they are written, and where each letter stands. Aliases and merge keys are resolved in both.
//!
//! The rules are those of goyaml.v2 behind sigs.k8s.io/yaml. Some things that it takes are errors here: two
//! equal keys, a `!!binary` that is not text, a line break that is one to YAML 1.1 alone, and what YAML 1.2 reads
//! otherwise or not at all: an alias with a colon right behind it, and quoted text that goes on in a line no
//! deeper than its key. Knows neither resources nor templates, and no disk.

mod message;
mod scalar;
mod tree;

use std::ops::Range;

use crate::diag::Diagnostics;
use crate::source::{Origin, SourceId, Span};
use crate::value::{Entry, Map, Node, Value};

/// Bytes that a file may have.
pub const MAX_SIZE: usize = 16 << 20;
/// Maps and lists that may stand in one another.
pub const MAX_DEPTH: usize = 128;
/// Values that a file may hold, with its aliases expanded.
pub const MAX_VALUES: usize = 250_000;
/// Documents that a file may hold.
pub const MAX_DOCUMENTS: usize = 10_000;
/// Bytes of text that a file may hold, with its aliases expanded.
pub const MAX_TEXT: usize = 64 << 20;
/// Problems of one kind that are reported of one file.
const MAX_PROBLEMS: usize = 100;

/// A value as it is written.
#[derive(Clone, Debug)]
pub struct Syntax {
    /// Where it is written; for an alias, the alias.
    pub span: Span,
    /// The second place that it comes from: what an alias stands for, or the alias that a merge key names.
    pub via: Option<Span>,
    /// What it is.
    pub kind: SyntaxKind,
}

/// What a [`Syntax`] is.
#[derive(Clone, Debug)]
pub enum SyntaxKind {
    /// One value.
    Scalar(Scalar),
    /// A list.
    List(Vec<Syntax>),
    /// A map, its keys in the order in which they are written.
    Map(Vec<(Key, Syntax)>),
}

/// One value that is no list and no map.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// Its text, without quotes, escapes and indentation.
    pub text: String,
    /// Whether it is neither quoted nor a block scalar.
    pub plain: bool,
    /// Where the text stands.
    pub place: Place,
    /// What the text means by Go's rules.
    pub meaning: Meaning,
}

/// What the text of a scalar means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meaning {
    /// Just itself.
    Text,
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `no`, `on`, ...
    Bool(bool),
    /// An integer that fits 64 bits with a sign.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// Any other number.
    Float(f64),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text; that of another scalar than a string as JSON has it: `1.50` is `1.5`.
    pub name: String,
    /// Where the text stands.
    pub place: Place,
}

/// Where the letters of a text stand in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Letter by letter within `span`, from the byte `start` of the file on.
    Verbatim {
        /// The text with its quotes.
        span: Span,
        /// The first letter.
        start: u32,
    },
    /// In the lines of a literal block scalar.
    Block {
        /// From the first letter of the first line that is not blank.
        span: Span,
        /// Columns before the text of each line.
        indent: u32,
    },
    /// Somewhere in the span: escapes or folded lines are between the letters.
    Within(Span),
}

/// The data of every document of `text` that is not empty.
///
/// Problems go to `diagnostics`. A document with a problem may be incomplete, and nothing is read behind a
/// syntax error.
pub fn read(source: SourceId, text: &str, diagnostics: &mut Diagnostics) -> Vec<Node> {
    tree::documents(source, text, diagnostics)
        .into_iter()
        .map(Syntax::into_node)
        .collect()
}

/// Every document of `text` that is not empty, as it is written.
///
/// As [`read`], and an expression `${{ }}` that YAML cuts in two is a problem, too.
pub fn read_syntax(source: SourceId, text: &str, diagnostics: &mut Diagnostics) -> Vec<Syntax> {
    let documents = tree::documents(source, text, diagnostics);
    message::report_cut_expressions(&documents, text, diagnostics);
    documents
}

impl Syntax {
    /// A null at `span`.
    fn null(span: Span) -> Self {
        let scalar = Scalar {
            text: String::new(),
            plain: true,
            place: Place::Within(span),
            meaning: Meaning::Null,
        };
        Syntax {
            span,
            via: None,
            kind: SyntaxKind::Scalar(scalar),
        }
    }

    fn is_null(&self) -> bool {
        matches!(&self.kind, SyntaxKind::Scalar(scalar) if scalar.meaning == Meaning::Null)
    }

    /// The data alone.
    pub fn into_node(self) -> Node {
        let origin = match self.via {
            None => Origin::at(self.span),
            Some(via) => Origin::from_spans([self.span, via]),
        };
        let value = match self.kind {
            SyntaxKind::Scalar(scalar) if scalar.meaning == Meaning::Text => {
                Value::from(scalar.text)
            }
            SyntaxKind::Scalar(scalar) => scalar.value(),
            SyntaxKind::List(items) => {
                Value::List(items.into_iter().map(Syntax::into_node).collect())
            }
            SyntaxKind::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    let entry = Entry {
                        key: Some(key.place.span()),
                        node: value.into_node(),
                    };
                    map.insert(key.name.into(), entry);
                }
                Value::Map(map)
            }
        };
        Node { value, origin }
    }
}

impl Scalar {
    /// The data.
    pub fn value(&self) -> Value {
        match self.meaning {
            Meaning::Text => Value::from(self.text.as_str()),
            Meaning::Null => Value::Null,
            Meaning::Bool(value) => Value::Bool(value),
            Meaning::Int(value) => Value::Int(value),
            Meaning::Uint(value) => Value::Uint(value),
            Meaning::Float(value) => Value::Float(value),
        }
    }

    /// Where a range of the text's bytes stands in `file`, the whole text of the source.
    pub fn part(&self, file: &str, range: Range<usize>) -> Span {
        self.place.part(file, &self.text, range)
    }
}

impl Key {
    /// Where a range of the name's bytes stands in `file`, the whole text of the source.
    pub fn part(&self, file: &str, range: Range<usize>) -> Span {
        self.place.part(file, &self.name, range)
    }
}

impl Place {
    /// The whole text with its quotes; of a block scalar its lines.
    pub fn span(self) -> Span {
        match self {
            Place::Verbatim { span, .. } | Place::Block { span, .. } | Place::Within(span) => span,
        }
    }

    /// Where a range of `text`'s bytes stands; the whole span where that cannot be told.
    fn part(self, file: &str, text: &str, range: Range<usize>) -> Span {
        match self {
            Place::Verbatim { span, start } => {
                let start = start as usize;
                Span::new(span.source, start + range.start, start + range.end)
            }
            Place::Block { span, indent } => {
                let lines = file.get(span.range()).unwrap_or_default();
                let start = block_offset(lines, text, indent as usize, range.start);
                let end = block_offset(lines, text, indent as usize, range.end);
                span.part(start, end)
            }
            Place::Within(span) => span,
        }
    }
}

/// The byte of `lines`, a literal block scalar from its first letter on, that is byte `offset` of its `text`.
fn block_offset(lines: &str, text: &str, indent: usize, offset: usize) -> usize {
    let blank = text.len() - text.trim_start_matches('\n').len();
    let mut left = offset.saturating_sub(blank);
    let mut at = 0;
    for (number, line) in lines.split_inclusive('\n').enumerate() {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        let skipped = if number == 0 { 0 } else { spaces.min(indent) };
        let length = line.trim_end_matches(['\n', '\r']).len() - skipped;
        if left <= length {
            return at + skipped + left;
        }
        left -= length + 1;
        at += line.len();
    }
    lines.len()
}
