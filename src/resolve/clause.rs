//! A table of a module that may depend on a condition, and may stand for one table an item of something.

use std::sync::Arc;

use crate::diag::Diagnostics;
use crate::parse::module::Clause;
use crate::source::Origin;
use crate::template::{Expression, Failed, Scope, expand};
use crate::value::{Node, Value};

/// One table that a clause stands for.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The key of the item that it is for, where the clause has an `each` over a map.
    pub name: Option<Node>,
    /// The table.
    pub table: Node,
}

/// The tables that a clause stands for: none where its condition does not hold; one an item of its `each`, where
/// the expressions of the table see the item as `each` (with `each.name`, its key).
///
/// # Errors
/// Reported.
pub fn tables(
    clause: &Clause,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Turn>, Failed> {
    let Some(each) = &clause.each else {
        let table = table(clause, scope, diagnostics)?;
        let turn = |table| Turn { name: None, table };
        return Ok(table.map(turn).into_iter().collect());
    };
    let mut turns = Vec::new();
    for item in items(each, scope, diagnostics)? {
        let mut inner = scope.fork();
        let because = Origin::from_spans(item.origin.first());
        let name = item.get("name").cloned();
        inner.bind("each", Arc::new(item));
        if let Some(mut table) = table(clause, &inner, diagnostics)? {
            table.add_origin(&because);
            turns.push(Turn { name, table });
        }
    }
    Ok(turns)
}

fn table(
    clause: &Clause,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Node>, Failed> {
    let mut because = Origin::none();
    if let Some(condition) = &clause.when {
        let (holds, read) = condition.test(scope, diagnostics)?;
        if !holds {
            return Ok(None);
        }
        because = read;
    }
    let mut node = expand(&clause.body, scope, diagnostics)?;
    if let Some(node) = &mut node {
        node.add_origin(&because);
    }
    Ok(node)
}

/// The items of a map, each with its key as `name`, or of a list.
fn items(
    each: &Expression,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Node>, Failed> {
    let source = each.branch(scope, diagnostics)?;
    Ok(match source.value {
        Value::List(items) => items,
        Value::Map(map) => map
            .into_iter()
            .map(|(key, entry)| {
                let origin = entry.key.map_or_else(Origin::none, Origin::at);
                let mut item = match entry.node.value {
                    Value::Map(_) => entry.node,
                    _ => {
                        let mut wrapped = Node::new(Value::map(), origin.clone());
                        wrapped.insert("value", entry.node);
                        wrapped
                    }
                };
                item.insert("name", Node::new(key, origin));
                item
            })
            .collect(),
        _ => Vec::new(),
    })
}
