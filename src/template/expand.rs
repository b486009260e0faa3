//! Template to tree: evaluates the expressions in a scope.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Failed, Kind, Loop, MapTemplate, Piece, Scope, Template};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{Origin, Span};
use crate::value::{Entry, Map, Node, Value};

/// What a template gave.
#[derive(Debug)]
pub enum Expansion {
    /// A value.
    Value(Node),
    /// Nothing: its condition does not hold.
    Dropped,
    /// Several values: a loop.
    Spliced(Vec<Node>, Origin),
}

/// Expands a template where one value, or none, is asked for; a loop there gives a list.
///
/// # Errors
/// Something in it is wrong, which has been reported; the rest of it was still looked at.
pub fn expand(
    template: &Template,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Node>, Failed> {
    Ok(match expansion(template, scope, diagnostics)? {
        Expansion::Value(node) => Some(node),
        Expansion::Dropped => None,
        Expansion::Spliced(items, origin) => Some(Node::new(items, origin)),
    })
}

/// Expands a document that may give several values: a loop at its top gives each of its turns.
///
/// # Errors
/// As [`expand`].
pub fn expand_all(
    template: &Template,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Node>, Failed> {
    Ok(match expansion(template, scope, diagnostics)? {
        Expansion::Value(node) => vec![node],
        Expansion::Dropped => Vec::new(),
        Expansion::Spliced(items, _) => items,
    })
}

fn expansion(
    template: &Template,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Expansion, Failed> {
    let span = template.span;
    let value = match &template.kind {
        Kind::Data(node) => node.clone(),
        Kind::Expression(expression) => expression.node(scope, span, diagnostics)?,
        Kind::Text(pieces) => {
            let (text, read) = text(pieces, scope, diagnostics)?;
            Node::new(text, Origin::at(span).with(&read))
        }
        Kind::List(items) => list(items, span, scope, diagnostics)?,
        Kind::Map(map) => return expand_map(map, span, scope, diagnostics),
        Kind::Choice(choice) => {
            let (holds, read) = choice.condition.test(scope, diagnostics)?;
            let chosen = if holds {
                Some(&choice.then)
            } else {
                choice.otherwise.as_ref()
            };
            let Some(chosen) = chosen else {
                return Ok(Expansion::Dropped);
            };
            let mut chosen = expansion(chosen, scope, diagnostics)?;
            if let Expansion::Value(node) = &mut chosen {
                node.add_origin(&read);
            }
            return Ok(chosen);
        }
        Kind::Loop(turns) => {
            let (items, read) = run(turns, scope, diagnostics)?;
            return Ok(Expansion::Spliced(items, Origin::at(span).with(&read)));
        }
    };
    Ok(Expansion::Value(value))
}

fn list(
    items: &[Template],
    span: Span,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Node, Failed> {
    let mut nodes = Vec::with_capacity(items.len());
    let mut origin = Origin::at(span);
    let mut failed = false;
    for item in items {
        match expansion(item, scope, diagnostics) {
            Ok(Expansion::Value(node)) => nodes.push(node),
            Ok(Expansion::Dropped) => {}
            Ok(Expansion::Spliced(items, read)) => {
                if items.is_empty() {
                    origin = origin.with(&read);
                }
                nodes.extend(items);
            }
            Err(Failed) => failed = true,
        }
    }
    if failed {
        return Err(Failed);
    }
    Ok(Node::new(nodes, origin))
}

fn expand_map(
    template: &MapTemplate,
    span: Span,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Expansion, Failed> {
    let mut origin = Origin::at(span);
    if let Some(condition) = &template.condition {
        let (holds, read) = condition.test(scope, diagnostics)?;
        if !holds {
            return Ok(Expansion::Dropped);
        }
        origin = origin.with(&read);
    }
    let mut map = Map::with_capacity(template.pairs.len());
    let mut failed = false;
    for pair in &template.pairs {
        let key = key(&pair.key, scope, diagnostics);
        let value = expand(&pair.value, scope, diagnostics);
        let (Ok((key, read)), Ok(value)) = (key, value) else {
            failed = true;
            continue;
        };
        let Some(mut node) = value else {
            continue;
        };
        node.add_origin(&read);
        let entry = Entry {
            key: Some(pair.span),
            node,
        };
        if add(&mut map, key, entry, pair.span, diagnostics).is_err() {
            failed = true;
        }
    }
    for merge in &template.merges {
        match merged(merge, scope, diagnostics) {
            Ok(below) => {
                for (key, entry) in below {
                    map.entry(key).or_insert(entry);
                }
            }
            Err(Failed) => failed = true,
        }
    }
    if failed {
        return Err(Failed);
    }
    Ok(Expansion::Value(Node::new(fitted(map), origin)))
}

/// The map without the room of entries that were left out.
fn fitted(map: Map) -> Map {
    let mut entries = map.into_tuple_vec();
    entries.shrink_to_fit();
    Map::from_sorted_store_unchecked(entries)
}

/// The text of a key, which mostly holds no expression.
fn key(
    pieces: &[Piece],
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<(SmolStr, Origin), Failed> {
    match pieces {
        [Piece::Plain(plain)] => Ok((plain.clone(), Origin::none())),
        _ => text(pieces, scope, diagnostics).map(|(text, read)| (text.into(), read)),
    }
}

/// The map that `$merge` gives; nothing is an empty one, and the maps of a loop are put together.
fn merged(
    template: &Template,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Map, Failed> {
    match expansion(template, scope, diagnostics)? {
        Expansion::Dropped => Ok(Map::new()),
        Expansion::Value(node) => one_map(node, template.span, diagnostics),
        Expansion::Spliced(items, _) => {
            let mut whole = Map::new();
            for item in items {
                for (key, entry) in one_map(item, template.span, diagnostics)? {
                    add(&mut whole, key, entry, template.span, diagnostics)?;
                }
            }
            Ok(whole)
        }
    }
}

fn one_map(node: Node, span: Span, diagnostics: &mut Diagnostics) -> Result<Map, Failed> {
    match node.value {
        Value::Map(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => {
            let message = format!("`$merge` takes a map, not a {}", other.kind());
            diagnostics.push(
                Diagnostic::error(Code::DIRECTIVE, span, message)
                    .help("each turn of a `$for` below it gives a map, too"),
            );
            Err(Failed)
        }
    }
}

/// Adds an entry to a map that must not have its key yet.
fn add(
    map: &mut Map,
    key: SmolStr,
    entry: Entry,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Result<(), Failed> {
    let span = entry.key.unwrap_or(span);
    let Some(first) = map.insert(key.clone(), entry) else {
        return Ok(());
    };
    let message = format!("the key `{key}` comes out twice");
    diagnostics.push(
        Diagnostic::error(Code::DUPLICATE_TEMPLATE_KEY, span, message)
            .label(first.key.filter(|first| *first != span), "and here"),
    );
    Err(Failed)
}

fn text(
    pieces: &[Piece],
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<(String, Origin), Failed> {
    let mut whole = String::new();
    let mut origin = Origin::none();
    let mut failed = false;
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => whole.push_str(plain),
            Piece::Expression(expression) => match expression.text(scope, diagnostics) {
                Ok((text, read)) => {
                    whole.push_str(&text);
                    let behind = read.spans().iter().copied();
                    let behind = behind.filter(|span| *span != expression.span());
                    origin = origin.with(&Origin::from_spans(behind));
                }
                Err(Failed) => failed = true,
            },
        }
    }
    if failed {
        return Err(Failed);
    }
    if let Some(Piece::Expression(first)) = pieces
        .iter()
        .find(|piece| matches!(piece, Piece::Expression(_)))
    {
        first.spend(whole.len() as u64, scope, diagnostics)?;
    }
    Ok((whole, origin))
}

fn run(
    turns: &Loop,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<(Vec<Node>, Origin), Failed> {
    let source = turns.source.branch(scope, diagnostics)?;
    let origin = source.origin.clone();
    let pairs = pairs(source, turns, diagnostics)?;
    let mut nodes = Vec::with_capacity(pairs.len());
    let mut failed = false;
    for (key, value) in pairs {
        let place = value.origin.clone();
        let mut inner = scope.fork();
        match (turns.names.as_slice(), key) {
            ([name], None) => inner.bind(name, Arc::new(value)),
            ([name], Some(key)) => inner.bind(name, Arc::new(key)),
            ([first, second], Some(key)) => {
                inner.bind(first, Arc::new(key));
                inner.bind(second, Arc::new(value));
            }
            _ => {}
        }
        match turn(turns, &inner, &place, diagnostics) {
            Ok(items) => nodes.extend(items),
            Err(Failed) => failed = true,
        }
    }
    if failed {
        return Err(Failed);
    }
    Ok((nodes, origin))
}

/// One turn: its values, each of them also made by the item that it is for.
fn turn(
    turns: &Loop,
    scope: &Scope,
    place: &Origin,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Node>, Failed> {
    let mut because = place.clone();
    if let Some(condition) = &turns.condition {
        let (holds, read) = condition.test(scope, diagnostics)?;
        if !holds {
            return Ok(Vec::new());
        }
        because = because.with(&read);
    }
    let mut nodes = match expansion(&turns.body, scope, diagnostics)? {
        Expansion::Value(node) => vec![node],
        Expansion::Dropped => Vec::new(),
        Expansion::Spliced(items, _) => items,
    };
    for node in &mut nodes {
        turns.source.spend_node(node, scope, diagnostics)?;
        node.add_origin(&because);
    }
    Ok(nodes)
}

/// What a loop walks over: the items of a list, or the keys and values of a map. None is empty.
fn pairs(
    source: Node,
    turns: &Loop,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<(Option<Node>, Node)>, Failed> {
    let two = turns.names.len() == 2;
    match source.value {
        Value::Null => Ok(Vec::new()),
        Value::List(items) if two => Ok((0i64..)
            .zip(items)
            .map(|(index, item)| (Some(Node::new(index, item.origin.clone())), item))
            .collect()),
        Value::List(items) => Ok(items.into_iter().map(|item| (None, item)).collect()),
        Value::Map(map) => Ok(map
            .into_iter()
            .map(|(key, entry)| {
                let origin = entry.key.map_or_else(Origin::none, Origin::at);
                (Some(Node::new(key, origin)), entry.node)
            })
            .collect()),
        other => {
            let message = format!("`$for` walks a list or a map, not a {}", other.kind());
            diagnostics.push(Diagnostic::error(
                Code::DIRECTIVE,
                turns.source.span(),
                message,
            ));
            Err(Failed)
        }
    }
}
