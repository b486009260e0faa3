//! Syntax to template: finds the expressions and directives, and compiles them.

use std::ops::Range;

use smol_str::SmolStr;

use super::{Choice, Expression, Failed, Kind, Loop, MapTemplate, Pair, Piece, Template};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{Origin, Span};
use crate::syntax::yaml::{Key, Place, Scalar, Syntax, SyntaxKind};
use crate::value::{Entry, Map, Node, Value};

/// How an expression begins.
const OPEN: &str = "${{";

/// A text with expressions, and where its bytes stand in the file: none where that cannot be told.
struct Text<'a> {
    text: &'a str,
    whole: Span,
    locate: &'a dyn Fn(Range<usize>) -> Option<Span>,
}

/// The template of a YAML document that `file` is the text of. What cannot be compiled is reported.
///
/// # Errors
/// Something was reported.
pub fn compile(
    syntax: &Syntax,
    file: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Template, Failed> {
    let kind = match &syntax.kind {
        SyntaxKind::Scalar(scalar) => compile_scalar(syntax, scalar, file, diagnostics)?,
        SyntaxKind::List(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| compile(item, file, diagnostics))
                .collect();
            compile_list(syntax.span, items.into_iter().collect::<Result<_, _>>()?)
        }
        SyntaxKind::Map(pairs) => compile_map(syntax.span, pairs, file, diagnostics)?,
    };
    Ok(Template {
        span: syntax.span,
        kind,
    })
}

/// The template of a TOML value: a string that is one expression keeps its type, every other string with an
/// expression is text. TOML has no directives.
///
/// # Errors
/// Something was reported.
pub fn from_node(node: &Node, diagnostics: &mut Diagnostics) -> Result<Template, Failed> {
    let Some(span) = node.origin.first() else {
        return Err(Failed);
    };
    let kind = match &node.value {
        Value::Str(text) if text.contains(OPEN) => {
            // A string in one line and without escapes stands in the file as it is, between two quotes.
            let quotes = (span.end - span.start) as usize == text.len() + 2;
            let locate =
                |range: Range<usize>| quotes.then(|| span.part(range.start + 1, range.end + 1));
            let whole = Text {
                text,
                whole: span,
                locate: &locate,
            };
            let pieces = split(&whole, diagnostics)?;
            match <[Piece; 1]>::try_from(pieces) {
                Ok([Piece::Expression(expression)]) => Kind::Expression(expression),
                Ok(pieces) => Kind::Text(pieces.into()),
                Err(pieces) => Kind::Text(pieces),
            }
        }
        Value::List(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| from_node(item, diagnostics))
                .collect();
            compile_list(span, items.into_iter().collect::<Result<_, _>>()?)
        }
        Value::Map(map) => {
            let pairs: Vec<_> = map
                .iter()
                .map(|(key, entry)| {
                    let value = from_node(&entry.node, diagnostics)?;
                    let span = entry.key.unwrap_or(value.span);
                    let key = vec![Piece::Plain(key.clone())];
                    Ok(Pair { key, span, value })
                })
                .collect();
            let pairs = pairs.into_iter().collect::<Result<_, Failed>>()?;
            constant_or(span, None, Vec::new(), pairs)
        }
        _ => Kind::Data(node.clone()),
    };
    Ok(Template { span, kind })
}

fn compile_scalar(
    syntax: &Syntax,
    scalar: &Scalar,
    file: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Kind, Failed> {
    if !scalar.text.contains(OPEN) {
        return Ok(Kind::Data(syntax.clone().into_node()));
    }
    let mut pieces = split_scalar(syntax.span, scalar, file, diagnostics)?;
    if scalar.plain
        && matches!(pieces.as_slice(), [Piece::Expression(_)])
        && let Some(Piece::Expression(expression)) = pieces.pop()
    {
        return Ok(Kind::Expression(expression));
    }
    Ok(Kind::Text(pieces))
}

fn split_scalar(
    whole: Span,
    scalar: &Scalar,
    file: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Piece>, Failed> {
    let text = Text {
        text: &scalar.text,
        whole,
        locate: &|range| match scalar.place {
            Place::Within(_) => None,
            _ => Some(scalar.part(file, range)),
        },
    };
    split(&text, diagnostics)
}

fn compile_list(span: Span, items: Vec<Template>) -> Kind {
    if items.iter().all(|item| item.as_data().is_some()) {
        let nodes = items.into_iter().filter_map(into_data).collect();
        return Kind::Data(Node::new(Value::List(nodes), Origin::at(span)));
    }
    Kind::List(items)
}

fn into_data(template: Template) -> Option<Node> {
    match template.kind {
        Kind::Data(node) => Some(node),
        _ => None,
    }
}

fn compile_map(
    span: Span,
    pairs: &[(Key, Syntax)],
    file: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Kind, Failed> {
    let find = |name: &str| pairs.iter().find(|(key, _)| key.name == name);
    if let Some((key, source)) = find("$for") {
        return compile_loop(key.place.span(), source, pairs, file, diagnostics)
            .map(|turns| Kind::Loop(Box::new(turns)));
    }
    let condition = match find("$if") {
        Some((_, value)) => Some(directive(value, file, diagnostics)?),
        None => None,
    };
    let choice = |name: &str| find(name).map(|(_, value)| value);
    match (condition, choice("$then"), choice("$else")) {
        (Some(condition), Some(then), otherwise) => {
            only(pairs, &["$if", "$then", "$else"], "$then", diagnostics)?;
            Ok(Kind::Choice(Box::new(Choice {
                condition,
                then: compile(then, file, diagnostics)?,
                otherwise: match otherwise {
                    Some(value) => Some(compile(value, file, diagnostics)?),
                    None => None,
                },
            })))
        }
        (_, None, None) if find("$do").is_none() => {
            let condition = match find("$if") {
                Some((_, value)) => Some(directive(value, file, diagnostics)?),
                None => None,
            };
            compile_pairs(span, condition, pairs, file, diagnostics)
        }
        _ => {
            let message = "`$then` and `$else` need an `$if` beside them, `$do` needs a `$for`";
            diagnostics.push(Diagnostic::error(Code::DIRECTIVE, span, message).help(
                "`$if: EXPR` with `$then:` (and `$else:`), or `$for: NAME in EXPR` with `$do:`",
            ));
            Err(Failed)
        }
    }
}

fn compile_pairs(
    span: Span,
    condition: Option<Expression>,
    pairs: &[(Key, Syntax)],
    file: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Kind, Failed> {
    let mut merges = Vec::new();
    let mut compiled = Vec::new();
    let mut failed = false;
    for (key, value) in pairs {
        match key.name.as_str() {
            "$if" => {}
            "$merge" => match compile_merge(value, file, diagnostics) {
                Ok(template) => merges.push(template),
                Err(Failed) => failed = true,
            },
            text => {
                let text = Text {
                    text,
                    whole: key.place.span(),
                    locate: &|range| match key.place {
                        Place::Within(_) => None,
                        _ => Some(key.part(file, range)),
                    },
                };
                let pieces = split(&text, diagnostics);
                match (pieces, compile(value, file, diagnostics)) {
                    (Ok(pieces), Ok(value)) => compiled.push(Pair {
                        key: pieces,
                        span: key.place.span(),
                        value,
                    }),
                    _ => failed = true,
                }
            }
        }
    }
    if failed {
        return Err(Failed);
    }
    Ok(constant_or(span, condition, merges, compiled))
}

/// What `$merge` holds: an expression, bare or not, or a template that gives maps.
fn compile_merge(
    syntax: &Syntax,
    file: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Template, Failed> {
    if scalar_of(syntax).is_none() {
        return compile(syntax, file, diagnostics);
    }
    let expression = directive(syntax, file, diagnostics)?;
    Ok(Template {
        span: expression.span(),
        kind: Kind::Expression(Box::new(expression)),
    })
}

/// A map without any expression is data at once; duplicates among its keys were refused by the reader.
fn constant_or(
    span: Span,
    condition: Option<Expression>,
    merges: Vec<Template>,
    pairs: Vec<Pair>,
) -> Kind {
    let constant = condition.is_none()
        && merges.is_empty()
        && pairs.iter().all(|pair| {
            pair.value.as_data().is_some() && matches!(pair.key.as_slice(), [] | [Piece::Plain(_)])
        });
    if !constant {
        return Kind::Map(Box::new(MapTemplate {
            condition,
            merges,
            pairs,
        }));
    }
    let mut map = Map::new();
    for pair in pairs {
        let key = match pair.key.into_iter().next() {
            Some(Piece::Plain(key)) => key,
            _ => SmolStr::default(),
        };
        if let Some(node) = into_data(pair.value) {
            let entry = Entry {
                key: Some(pair.span),
                node,
            };
            map.insert(key, entry);
        }
    }
    Kind::Data(Node::new(Value::Map(map), Origin::at(span)))
}

fn compile_loop(
    span: Span,
    source: &Syntax,
    pairs: &[(Key, Syntax)],
    file: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Loop, Failed> {
    only(pairs, &["$for", "$if", "$do"], "$for", diagnostics)?;
    let find = |name: &str| {
        pairs
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(_, value)| value)
    };
    let Some(body) = find("$do") else {
        diagnostics.push(
            Diagnostic::error(Code::DIRECTIVE, span, "`$for` needs a `$do` beside it")
                .help("`$do:` holds what each turn gives"),
        );
        return Err(Failed);
    };
    let head = scalar_of(source);
    let parts = head.and_then(|scalar| scalar.text.split_once(" in "));
    let (Some(head), Some((names, rest))) = (head, parts) else {
        diagnostics.push(
            Diagnostic::error(Code::DIRECTIVE, source.span, "`$for` is `NAME in EXPR`")
                .help("with two names, `KEY, VALUE in EXPR` walks a map"),
        );
        return Err(Failed);
    };
    let names: Vec<String> = names
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    let fine = |name: &String| {
        !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    if names.len() > 2 || !names.iter().all(fine) {
        let message = "`$for` takes one or two names of letters, digits and `_`";
        diagnostics.push(Diagnostic::error(Code::DIRECTIVE, source.span, message));
        return Err(Failed);
    }
    let offset = head.text.len() - rest.len();
    let rest = Text {
        text: rest,
        whole: source.span,
        locate: &|range| match head.place {
            Place::Within(_) => None,
            _ => Some(head.part(file, range.start + offset..range.end + offset)),
        },
    };
    let source = expression(&rest, 0..rest.text.len(), diagnostics)?;
    let condition = match find("$if") {
        Some(value) => Some(directive(value, file, diagnostics)?),
        None => None,
    };
    Ok(Loop {
        names,
        source,
        condition,
        body: compile(body, file, diagnostics)?,
    })
}

/// Refuses other keys beside a directive that replaces the whole map.
fn only(
    pairs: &[(Key, Syntax)],
    allowed: &[&str],
    directive: &str,
    diagnostics: &mut Diagnostics,
) -> Result<(), Failed> {
    let stray = pairs
        .iter()
        .find(|(key, _)| !allowed.contains(&key.name.as_str()));
    let Some((key, _)) = stray else {
        return Ok(());
    };
    let message = format!("`{}` cannot stand beside `{directive}`", key.name);
    diagnostics.push(
        Diagnostic::error(Code::DIRECTIVE, key.place.span(), message).help(format!(
            "`{directive}` gives the whole value: move this key inside it"
        )),
    );
    Err(Failed)
}

fn scalar_of(syntax: &Syntax) -> Option<&Scalar> {
    match &syntax.kind {
        SyntaxKind::Scalar(scalar) => Some(scalar),
        _ => None,
    }
}

/// The expression of a directive: bare, or in `${{ }}`.
fn directive(
    syntax: &Syntax,
    file: &str,
    diagnostics: &mut Diagnostics,
) -> Result<Expression, Failed> {
    let Some(scalar) = scalar_of(syntax) else {
        let message = "a directive takes an expression, not a list or a map";
        diagnostics.push(Diagnostic::error(Code::DIRECTIVE, syntax.span, message));
        return Err(Failed);
    };
    if scalar.text.starts_with(OPEN) {
        let pieces = split_scalar(syntax.span, scalar, file, diagnostics)?;
        if let Ok([Piece::Expression(expression)]) = <[Piece; 1]>::try_from(pieces) {
            return Ok(*expression);
        }
    }
    let text = Text {
        text: &scalar.text,
        whole: syntax.span,
        locate: &|range| match scalar.place {
            Place::Within(_) => None,
            _ => Some(scalar.part(file, range)),
        },
    };
    expression(&text, 0..scalar.text.len(), diagnostics)
}

/// Compiles a range of a text, without the blanks around it.
fn expression(
    text: &Text<'_>,
    range: Range<usize>,
    diagnostics: &mut Diagnostics,
) -> Result<Expression, Failed> {
    let source = &text.text[range.clone()];
    let trimmed = source.trim();
    let start = range.start + (source.len() - source.trim_start().len());
    let span = (text.locate)(start..start + trimmed.len());
    Expression::compile(
        trimmed,
        span.unwrap_or(text.whole),
        span.is_some(),
        diagnostics,
    )
}

/// The plain parts and the expressions of a text.
fn split(whole: &Text<'_>, diagnostics: &mut Diagnostics) -> Result<Vec<Piece>, Failed> {
    let text = whole.text;
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find(OPEN).map(|found| at + found) {
        if open > at {
            pieces.push(Piece::Plain(text[at..open].into()));
        }
        let inside = open + OPEN.len();
        let Some(close) = end_of_expression(&text[inside..]).map(|end| inside + end) else {
            let place = (whole.locate)(open..text.len()).unwrap_or(whole.whole);
            diagnostics.push(
                Diagnostic::error(Code::EXPRESSION_SYNTAX, place, "this expression has no end")
                    .help("it ends with `}}`"),
            );
            return Err(Failed);
        };
        let inside = expression(whole, inside..close, diagnostics)?;
        pieces.push(Piece::Expression(Box::new(inside)));
        at = close + 2;
    }
    if at < text.len() {
        pieces.push(Piece::Plain(text[at..].into()));
    }
    Ok(pieces)
}

/// Where the `}}` stands that ends an expression: outside quotes and braces of its own.
fn end_of_expression(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut quote = None;
    let mut index = 0;
    while index < bytes.len() {
        let byte = bytes[index];
        match quote {
            Some(_) if byte == b'\\' => index += 1,
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None => match byte {
                b'"' | b'\'' => quote = Some(byte),
                b'{' => depth += 1,
                b'}' if depth > 0 => depth -= 1,
                b'}' if bytes.get(index + 1) == Some(&b'}') => return Some(index),
                _ => {}
            },
        }
        index += 1;
    }
    None
}
