//! Templates: YAML and TOML whose scalars hold `${{ }}` expressions, and their expansion in a scope.
//!
//! A template is a tree, not text: indentation cannot break, a value cannot inject structure, and every leaf of the
//! result knows its place and everything it was made from. Knows no module and no lab: what a name means is the
//! scope's business.

mod budget;
mod compile;
pub mod convert;
mod environment;
mod expand;
mod expression;
mod filter;
mod in_file;
mod program;
mod scope;
mod shortcut;

pub use budget::Budget;
pub use compile::{compile, from_node};
pub use expand::{Expansion, expand, expand_all};
pub use expression::{Expression, Failed};
pub use program::Wanted;
pub use scope::{Binding, Files, Lookup, Scope, TEXT, TextFile, Unavailable};

use smol_str::SmolStr;

use crate::source::Span;
use crate::value::Node;

/// A value with expressions in it.
#[derive(Debug)]
pub struct Template {
    /// Where it stands.
    pub span: Span,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Data without any expression.
    Data(Node),
    /// A scalar that is one expression and keeps its type.
    Expression(Box<Expression>),
    /// A string with expressions in it.
    Text(Vec<Piece>),
    /// A list; an item may be dropped or spliced.
    List(Vec<Template>),
    /// A map, perhaps with a condition.
    Map(Box<MapTemplate>),
    /// `$if` with `$then`.
    Choice(Box<Choice>),
    /// `$for` with `$do`.
    Loop(Box<Loop>),
}

#[derive(Debug)]
enum Piece {
    Plain(SmolStr),
    Expression(Box<Expression>),
}

#[derive(Debug)]
struct MapTemplate {
    condition: Option<Expression>,
    /// What `$merge` gives: a map, or the maps of a loop.
    merges: Vec<Template>,
    pairs: Vec<Pair>,
}

impl MapTemplate {
    /// The entry of a key that is plain text.
    fn pair(&self, key: &str) -> Option<&Pair> {
        let is_it =
            |pair: &&Pair| matches!(pair.key.as_slice(), [Piece::Plain(name)] if name == key);
        self.pairs.iter().find(is_it)
    }
}

#[derive(Debug)]
struct Pair {
    key: Vec<Piece>,
    span: Span,
    value: Template,
}

#[derive(Debug)]
struct Choice {
    condition: Expression,
    then: Template,
    otherwise: Option<Template>,
}

#[derive(Debug)]
struct Loop {
    names: Vec<String>,
    source: Expression,
    condition: Option<Expression>,
    body: Template,
}

impl Template {
    /// The data at a key of a map, where neither of the two holds an expression.
    pub fn data_at(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Data(node) => node.get(key),
            Kind::Map(map) => map.pair(key)?.value.as_data(),
            _ => None,
        }
    }

    /// The files that it reads with `file(...)`, and where it does.
    pub fn files(&self) -> Vec<(Wanted, Span)> {
        let mut files = Vec::new();
        self.each_expression(&mut |expression| {
            let found = expression.files().into_iter();
            files.extend(found.map(|wanted| (wanted, expression.span())));
        });
        files
    }

    /// Whether it is a map that has a key.
    pub fn has(&self, key: &str) -> bool {
        match &self.kind {
            Kind::Data(node) => node.get(key).is_some(),
            Kind::Map(map) => map.pair(key).is_some(),
            _ => false,
        }
    }

    fn each_expression(&self, visit: &mut impl FnMut(&Expression)) {
        match &self.kind {
            Kind::Data(_) => {}
            Kind::Expression(expression) => visit(expression),
            Kind::Text(pieces) => expressions(pieces).for_each(visit),
            Kind::List(items) => items.iter().for_each(|item| item.each_expression(visit)),
            Kind::Map(map) => {
                map.condition.iter().for_each(&mut *visit);
                map.merges
                    .iter()
                    .for_each(|merged| merged.each_expression(visit));
                for pair in &map.pairs {
                    expressions(&pair.key).for_each(&mut *visit);
                    pair.value.each_expression(visit);
                }
            }
            Kind::Choice(choice) => {
                visit(&choice.condition);
                choice.then.each_expression(visit);
                choice
                    .otherwise
                    .iter()
                    .for_each(|other| other.each_expression(visit));
            }
            Kind::Loop(turns) => {
                visit(&turns.source);
                turns.condition.iter().for_each(&mut *visit);
                turns.body.each_expression(visit);
            }
        }
    }

    /// The data, where the template holds no expression.
    pub fn as_data(&self) -> Option<&Node> {
        match &self.kind {
            Kind::Data(node) => Some(node),
            _ => None,
        }
    }
}

fn expressions(pieces: &[Piece]) -> impl Iterator<Item = &Expression> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Expression(expression) => Some(&**expression),
        Piece::Plain(_) => None,
    })
}

/// The files that the text of a template reads with `file(...)`.
pub fn files_of_text(name: &str, text: &str) -> Vec<Wanted> {
    environment::files_of(name, text)
}
