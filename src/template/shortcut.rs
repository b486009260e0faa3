//! The expressions that most templates are made of, evaluated without the template engine: paths, literals, `not`,
//! `and`, `or`, `==`, `is none`, `in`, `~`, `default('')` and `A if B else C` over scalars.
//!
//! Says nothing that the engine would not say: whatever is unusual (an undefined name, a filter, numbers of two kinds)
//! is left to the engine, messages included.

use smallvec::SmallVec;
use smol_str::{SmolStr, format_smolstr};

use super::scope::{Binding, Scope, TEXT};
use crate::source::{Origin, Span};
use crate::value::{Node, Value};

/// The places of the scalars that were read: mostly few.
type Reads = SmallVec<[Span; 8]>;

/// A parsed expression of the simple kind.
#[derive(Debug)]
pub(super) enum Shortcut {
    /// `inputs.port`, `capabilities["cluster-issuer"].outputs`.
    Path(Vec<SmolStr>),
    Literal(Value),
    Default(Box<Shortcut>, Value),
    /// `PATH | pluck('key')`.
    Pluck(Vec<SmolStr>, SmolStr),
    Not(Box<Shortcut>),
    And(Box<Shortcut>, Box<Shortcut>),
    Or(Box<Shortcut>, Box<Shortcut>),
    Equal(Box<Shortcut>, Box<Shortcut>),
    In(Box<Shortcut>, Box<Shortcut>),
    Is(Box<Shortcut>, Test),
    Concat(Box<Shortcut>, Box<Shortcut>),
    If {
        condition: Box<Shortcut>,
        then: Box<Shortcut>,
        otherwise: Box<Shortcut>,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Test {
    None,
    Defined,
    Mapping,
}

/// The origin of what is written at `here` and was made from what was read.
fn written(here: Span, read: Reads) -> Origin {
    Origin::from_spans(std::iter::once(here).chain(read))
}

/// What an expression came to.
enum Seen {
    Undefined,
    Scalar(Value),
    Branch { mapping: bool, filled: bool },
}

/// What stands at the end of a path.
enum End<'a> {
    Missing,
    Node(&'a Node),
}

impl Shortcut {
    /// The shortcut of an expression; none where it is not of the simple kind.
    pub(super) fn parse(source: &str) -> Option<Self> {
        let tokens = tokens(source)?;
        let mut parser = Parser {
            tokens: &tokens,
            depth: 0,
        };
        let whole = parser.choice()?;
        parser.tokens.is_empty().then_some(whole)
    }

    /// The tree that it gives, which stands at `here`; none where the engine has to say.
    pub(super) fn node(&self, scope: &Scope, here: Span) -> Option<Node> {
        self.node_after(scope, here, Reads::new())
    }

    /// The same, where `read` was read to get this far.
    fn node_after(&self, scope: &Scope, here: Span, mut read: Reads) -> Option<Node> {
        let value = match self {
            Shortcut::If {
                condition,
                then,
                otherwise,
            } => {
                let holds = condition.evaluate(scope, &mut read)?.is_true()?;
                let chosen = if holds { then } else { otherwise };
                return chosen.node_after(scope, here, read);
            }
            Shortcut::Path(path) => {
                return at(scope, path, &mut read, |end, read| match end {
                    End::Missing => None,
                    End::Node(node) if node.is_scalar() => {
                        read.extend_from_slice(node.origin.spans());
                        let read = std::mem::take(read);
                        Some(Node::new(node.value.clone(), written(here, read)))
                    }
                    End::Node(node) => {
                        let mut copied = super::scope::copy(node, here);
                        copied.add_origin(&Origin::from_spans(read.drain(..)));
                        Some(copied)
                    }
                });
            }
            Shortcut::Literal(value) => value.clone(),
            other => match other.evaluate(scope, &mut read)? {
                Seen::Scalar(value) => value,
                Seen::Undefined | Seen::Branch { .. } => return None,
            },
        };
        Some(Node::new(value, written(here, read)))
    }

    /// The branch or scalar that a path leads to, as it stands there.
    pub(super) fn branch(&self, scope: &Scope) -> Option<Node> {
        let Shortcut::Path(path) = self else {
            return None;
        };
        at(scope, path, &mut Reads::new(), |end, read| match end {
            End::Node(node) if matches!(node.value, Value::Map(_) | Value::List(_)) => {
                let mut node = node.clone();
                node.add_origin(&Origin::from_spans(read.drain(..)));
                Some(node)
            }
            _ => None,
        })
    }

    /// Whether it holds, and what it read to know.
    pub(super) fn test(&self, scope: &Scope) -> Option<(bool, Origin)> {
        let mut read = Reads::new();
        let holds = self.evaluate(scope, &mut read)?.is_true()?;
        Some((holds, Origin::from_spans(read)))
    }

    /// Whether it is a text that has `item` in it, or a map that has such a key.
    fn contains(&self, item: &str, scope: &Scope, read: &mut Reads) -> Option<bool> {
        if let Seen::Scalar(whole) = self.evaluate(scope, read)? {
            return match whole {
                Value::Str(text) => Some(text.contains(item)),
                _ => None,
            };
        }
        let Shortcut::Path(path) = self else {
            return None;
        };
        at(scope, path, read, |end, _| match end {
            End::Node(node) => Some(node.as_map()?.contains_key(item)),
            End::Missing => None,
        })
    }

    fn evaluate(&self, scope: &Scope, read: &mut Reads) -> Option<Seen> {
        Some(match self {
            Shortcut::Literal(Value::Map(_)) => Seen::Branch {
                mapping: true,
                filled: false,
            },
            Shortcut::Literal(value) => Seen::Scalar(value.clone()),
            Shortcut::Path(path) => at(scope, path, read, |end, read| Some(end.seen(read)))?,
            Shortcut::Default(value, default) => match value.evaluate(scope, read)? {
                Seen::Undefined => Seen::Scalar(default.clone()),
                seen => seen,
            },
            Shortcut::Pluck(path, key) => at(scope, path, read, |end, read| match end {
                End::Node(node) => Some(plucked(node, key, read)?),
                End::Missing => None,
            })?,
            Shortcut::Not(value) => Seen::of(!value.evaluate(scope, read)?.is_true()?),
            Shortcut::And(left, right) => {
                let left = left.evaluate(scope, read)?;
                if left.is_true()? {
                    right.evaluate(scope, read)?
                } else {
                    left
                }
            }
            Shortcut::Or(left, right) => {
                let left = left.evaluate(scope, read)?;
                if left.is_true()? {
                    left
                } else {
                    right.evaluate(scope, read)?
                }
            }
            Shortcut::Equal(left, right) => {
                let left = left.evaluate(scope, read)?;
                Seen::of(left.equals(&right.evaluate(scope, read)?)?)
            }
            Shortcut::In(item, whole) => {
                let Seen::Scalar(Value::Str(item)) = item.evaluate(scope, read)? else {
                    return None;
                };
                Seen::of(whole.contains(&item, scope, read)?)
            }
            Shortcut::Is(value, test) => value.evaluate(scope, read)?.is(*test)?,
            Shortcut::Concat(left, right) => {
                let left = left.evaluate(scope, read)?.text()?;
                let right = right.evaluate(scope, read)?.text()?;
                Seen::Scalar(Value::Str(format_smolstr!("{left}{right}")))
            }
            Shortcut::If {
                condition,
                then,
                otherwise,
            } => {
                let holds = condition.evaluate(scope, read)?.is_true()?;
                let chosen = if holds { then } else { otherwise };
                chosen.evaluate(scope, read)?
            }
        })
    }
}

/// Whether any item has something under a key. Items that are no maps are the engine's.
fn plucked(node: &Node, key: &str, read: &mut Reads) -> Option<Seen> {
    let items: Vec<&Node> = match &node.value {
        Value::Map(map) => map.values().map(|entry| &entry.node).collect(),
        Value::List(items) => items.iter().collect(),
        _ => return None,
    };
    let mut filled = false;
    for item in items {
        if let Some(entry) = item.as_map()?.get(key) {
            if entry.node.is_scalar() {
                read.extend_from_slice(entry.node.origin.spans());
            }
            filled |= entry.node.value != Value::Null;
        }
    }
    let mapping = false;
    Some(Seen::Branch { mapping, filled })
}

impl End<'_> {
    fn seen(self, read: &mut Reads) -> Seen {
        let node = match self {
            End::Missing => return Seen::Undefined,
            End::Node(node) => node,
        };
        match &node.value {
            Value::Map(map) => Seen::Branch {
                mapping: true,
                filled: map.keys().any(|key| key != TEXT),
            },
            Value::List(list) => Seen::Branch {
                mapping: false,
                filled: !list.is_empty(),
            },
            scalar => {
                read.extend_from_slice(node.origin.spans());
                Seen::Scalar(scalar.clone())
            }
        }
    }
}

impl Seen {
    fn of(value: bool) -> Self {
        Seen::Scalar(Value::Bool(value))
    }

    fn is_true(&self) -> Option<bool> {
        match self {
            Seen::Undefined => None,
            Seen::Branch { filled, .. } => Some(*filled),
            Seen::Scalar(value) => Some(match value {
                Value::Null => false,
                Value::Bool(value) => *value,
                Value::Int(value) => *value != 0,
                Value::Uint(_) => true,
                Value::Str(text) => !text.is_empty(),
                Value::Float(_) | Value::List(_) | Value::Map(_) => return None,
            }),
        }
    }

    fn equals(&self, other: &Seen) -> Option<bool> {
        let (Seen::Scalar(left), Seen::Scalar(right)) = (self, other) else {
            return None;
        };
        match (left, right) {
            (Value::Str(left), Value::Str(right)) => Some(left == right),
            (Value::Int(left), Value::Int(right)) => Some(left == right),
            (Value::Bool(left), Value::Bool(right)) => Some(left == right),
            (Value::Null, Value::Null) => Some(true),
            (Value::Str(_), Value::Null) | (Value::Null, Value::Str(_)) => Some(false),
            _ => None,
        }
    }

    fn is(&self, test: Test) -> Option<Seen> {
        let holds = match (test, self) {
            (Test::Defined, seen) => !matches!(seen, Seen::Undefined),
            (_, Seen::Undefined) => return None,
            (Test::None, seen) => matches!(seen, Seen::Scalar(Value::Null)),
            (Test::Mapping, seen) => matches!(seen, Seen::Branch { mapping: true, .. }),
        };
        Some(Seen::of(holds))
    }

    fn text(&self) -> Option<SmolStr> {
        match self {
            Seen::Scalar(Value::Str(text)) => Some(text.clone()),
            Seen::Scalar(Value::Int(number)) => Some(format_smolstr!("{number}")),
            _ => None,
        }
    }
}

/// Looks at the end of a path, and notes what decided that the branches on the way are there. None where the path leads
/// through something that only the engine can judge: a name that is not bound, a list, a value that is wrong.
fn at<T>(
    scope: &Scope,
    path: &[SmolStr],
    read: &mut Reads,
    look: impl FnOnce(End<'_>, &mut Reads) -> Option<T>,
) -> Option<T> {
    let (first, mut rest) = path.split_first()?;
    let mut binding = scope.binding(first)?.clone();
    loop {
        match binding {
            Binding::Lazy(lookup) => {
                if let Some(origin) = lookup.origin() {
                    read.extend_from_slice(origin.spans());
                }
                let (step, left) = rest.split_first()?;
                rest = left;
                match lookup.get(step).ok()? {
                    Some(next) => binding = next,
                    None if rest.is_empty() => return look(End::Missing, read),
                    None => return None,
                }
            }
            Binding::Node(root) => {
                let mut node = &*root;
                for (index, step) in rest.iter().enumerate() {
                    match node.as_map()?.get(step.as_str()) {
                        Some(entry) => node = &entry.node,
                        None if index + 1 == rest.len() => return look(End::Missing, read),
                        None => return None,
                    }
                }
                return look(End::Node(node), read);
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Int(i64),
    Sign(&'static str),
}

const SIGNS: [&str; 11] = ["==", "!=", "~", "|", "(", ")", "[", "]", ".", "{", "}"];

fn tokens(source: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                let length = rest.find(|letter| !word(letter)).unwrap_or(rest.len());
                (Token::Word(&rest[..length]), length)
            }
            '0'..='9' => {
                let digit = |letter: char| letter.is_ascii_alphanumeric() || "._".contains(letter);
                let length = rest.find(|letter| !digit(letter)).unwrap_or(rest.len());
                let digits = &rest[..length];
                if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                (Token::Int(digits.parse().ok()?), length)
            }
            '"' | '\'' => {
                let inside = &rest[1..];
                let end = inside.find(first)?;
                if inside[..end].contains('\\') {
                    return None;
                }
                (Token::Text(&inside[..end]), end + 2)
            }
            _ => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign))?;
                (Token::Sign(sign), sign.len())
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

/// How deep an expression may nest here; a deeper one is the engine's.
const DEPTH: usize = 16;

/// Reads the engine's grammar, as far as it is the simple kind; its precedence from `or` down to a test.
/// Source: minijinja, `minijinja/src/compiler/parser.rs`.
struct Parser<'a> {
    tokens: &'a [Token<'a>],
    depth: usize,
}

impl<'a> Parser<'a> {
    fn take(&mut self, token: Token<'_>) -> bool {
        let found = self.tokens.first() == Some(&token);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(*first)
    }

    fn choice(&mut self) -> Option<Shortcut> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let then = self.either()?;
        let whole = if self.take(Token::Word("if")) {
            let condition = self.either()?;
            if !self.take(Token::Word("else")) {
                return None;
            }
            Shortcut::If {
                condition: Box::new(condition),
                then: Box::new(then),
                otherwise: Box::new(self.choice()?),
            }
        } else {
            then
        };
        self.depth -= 1;
        Some(whole)
    }

    fn either(&mut self) -> Option<Shortcut> {
        let mut left = self.both()?;
        while self.take(Token::Word("or")) {
            left = Shortcut::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Shortcut> {
        let mut left = self.negation()?;
        while self.take(Token::Word("and")) {
            left = Shortcut::And(Box::new(left), Box::new(self.negation()?));
        }
        Some(left)
    }

    fn negation(&mut self) -> Option<Shortcut> {
        let negative = self.take(Token::Word("not"));
        let value = self.comparison()?;
        Some(negate(value, negative))
    }

    fn comparison(&mut self) -> Option<Shortcut> {
        let left = self.joined()?;
        for (sign, negative) in [("==", false), ("!=", true)] {
            if self.take(Token::Sign(sign)) {
                let equal = Shortcut::Equal(Box::new(left), Box::new(self.joined()?));
                return Some(negate(equal, negative));
            }
        }
        let negative = self.take(Token::Word("not"));
        if self.take(Token::Word("in")) {
            let within = Shortcut::In(Box::new(left), Box::new(self.joined()?));
            return Some(negate(within, negative));
        }
        (!negative).then_some(left)
    }

    fn joined(&mut self) -> Option<Shortcut> {
        let mut left = self.tested()?;
        while self.take(Token::Sign("~")) {
            left = Shortcut::Concat(Box::new(left), Box::new(self.tested()?));
        }
        Some(left)
    }

    /// A value with a filter or a test behind it.
    fn tested(&mut self) -> Option<Shortcut> {
        let mut value = self.value()?;
        if self.take(Token::Sign("|")) {
            let Token::Word(filter) = self.next()? else {
                return None;
            };
            let opens = self.take(Token::Sign("("));
            let argument = self.next()?;
            if !opens || !self.take(Token::Sign(")")) {
                return None;
            }
            value = match (filter, value, argument) {
                ("default", value, Token::Text(text)) => {
                    Shortcut::Default(Box::new(value), Value::from(text))
                }
                ("default", value, Token::Int(number)) => {
                    Shortcut::Default(Box::new(value), Value::from(number))
                }
                ("pluck", Shortcut::Path(path), Token::Text(key)) => {
                    Shortcut::Pluck(path, key.into())
                }
                _ => return None,
            };
        }
        if !self.take(Token::Word("is")) {
            return Some(value);
        }
        let negative = self.take(Token::Word("not"));
        let test = match self.next()? {
            Token::Word("none") => Test::None,
            Token::Word("defined") => Test::Defined,
            Token::Word("mapping") => Test::Mapping,
            _ => return None,
        };
        // The engine takes most other words behind a test for what the test compares with.
        let ends = match self.tokens.first() {
            None | Some(Token::Word("and" | "or" | "else")) => true,
            Some(sign) => *sign == Token::Sign(")"),
        };
        ends.then(|| negate(Shortcut::Is(Box::new(value), test), negative))
    }

    fn value(&mut self) -> Option<Shortcut> {
        match self.next()? {
            Token::Text(text) => Some(Shortcut::Literal(Value::from(text))),
            Token::Int(number) => Some(Shortcut::Literal(Value::from(number))),
            Token::Sign("{") => self
                .take(Token::Sign("}"))
                .then(|| Shortcut::Literal(Value::map())),
            Token::Sign("(") => {
                let inside = self.choice()?;
                self.take(Token::Sign(")")).then_some(inside)
            }
            Token::Word(word) => match word {
                "true" | "True" => Some(Shortcut::Literal(Value::Bool(true))),
                "false" | "False" => Some(Shortcut::Literal(Value::Bool(false))),
                "none" | "None" => Some(Shortcut::Literal(Value::Null)),
                "not" | "and" | "or" | "if" | "else" | "is" | "in" => None,
                _ => self.path(word),
            },
            Token::Sign(_) => None,
        }
    }

    fn path(&mut self, first: &str) -> Option<Shortcut> {
        let mut path = vec![SmolStr::from(first)];
        loop {
            if self.take(Token::Sign(".")) {
                let Token::Word(name) = self.next()? else {
                    return None;
                };
                path.push(name.into());
            } else if self.take(Token::Sign("[")) {
                let Token::Text(name) = self.next()? else {
                    return None;
                };
                path.push(name.into());
                if !self.take(Token::Sign("]")) {
                    return None;
                }
            } else if self.tokens.first() == Some(&Token::Sign("(")) {
                return None;
            } else {
                return Some(Shortcut::Path(path));
            }
        }
    }
}

fn negate(value: Shortcut, negative: bool) -> Shortcut {
    if negative {
        Shortcut::Not(Box::new(value))
    } else {
        value
    }
}
