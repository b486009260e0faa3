//! What goes when a value, a table or an item goes.

use std::ops::Range;

use super::text::{self, LabText};
use super::{Edited, Refusal};
use crate::source::Span;
use crate::value::{Entry, Node, Path, Step, Value};

/// The text without what stands at a path.
pub(super) fn delete(text: &LabText<'_>, path: &Path) -> Result<Edited, Refusal> {
    let missing = || Refusal::Impossible(format!("there is no `{path}`"));
    let (last, above) = path.0.split_last().ok_or_else(missing)?;
    let parent = text.tree.at(&Path(above.to_vec())).ok_or_else(missing)?;
    let mut ranges = Vec::new();
    match (&parent.value, last) {
        (Value::Map(map), Step::Key(key)) => {
            let entry = map.get(key).ok_or_else(missing)?;
            of_entry(text, parent, entry, &mut ranges);
        }
        (Value::List(items), Step::Index(index)) => {
            let item = items.get(*index).ok_or_else(missing)?;
            of_item(text, parent, item, &mut ranges);
        }
        _ => return Err(missing()),
    }
    let ranges = merged(ranges);
    let first = ranges.first().cloned().ok_or_else(missing)?;
    let mut edited = text.text.to_owned();
    for range in ranges.iter().rev() {
        edited.replace_range(range.clone(), "");
    }
    text::check(&edited, &expected(&text.tree, &path.0), path)?;
    let begins = text.text[first.clone()].trim_start();
    Ok(Edited {
        line: text.line_of(first.end - begins.len()),
        before: Some(text.text[first].trim().to_owned()),
        text: edited,
    })
}

/// The same bytes in ranges that are apart.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// The data that may remain: a table that was only there for what goes may go with it.
fn expected(tree: &Node, path: &[Step]) -> Vec<Node> {
    let mut remaining = vec![without(tree, path)];
    for length in (1..path.len()).rev() {
        let Some(last) = remaining.last() else { break };
        let above = last.at(&Path(path[..length].to_vec()));
        if above.is_some_and(Node::is_scalar) || above.is_some_and(|node| !node.is_leaf()) {
            break;
        }
        remaining.push(without(tree, &path[..length]));
    }
    remaining
}

fn without(tree: &Node, path: &[Step]) -> Node {
    let mut tree = tree.clone();
    match (&mut tree.value, path) {
        (Value::Map(map), [Step::Key(key)]) => _ = map.remove(key),
        (Value::Map(map), [Step::Key(key), rest @ ..]) => {
            if let Some(entry) = map.get_mut(key) {
                entry.node = without(&entry.node, rest);
            }
        }
        (Value::List(items), [Step::Index(index)]) => _ = items.remove(*index),
        (Value::List(items), [Step::Index(index), rest @ ..]) => {
            items[*index] = without(&items[*index], rest);
        }
        _ => {}
    }
    tree
}

/// What an entry of a table takes: its line, its place between braces, or every line and section below it.
fn of_entry(text: &LabText<'_>, parent: &Node, entry: &Entry, ranges: &mut Vec<Range<usize>>) {
    if let Some(value) = text.value(&entry.node) {
        let key = entry.key.map_or(value.start, |key| key.start as usize);
        ranges.push(match text.value(parent) {
            Some(braces) => between(text.text, &braces, key..value.end),
            None if is_in_braces(text, key) => within_line(text, key, value.end),
            None => text.line_start(key)..text.line_end(value.end),
        });
        return;
    }
    ranges.extend(
        text.section(&entry.node)
            .map(|section| whole(text, &section)),
    );
    match &entry.node.value {
        Value::Map(map) => {
            for below in map.values() {
                of_entry_below(text, &entry.node, below, ranges);
            }
        }
        Value::List(items) => {
            for item in items {
                of_item(text, &entry.node, item, ranges);
            }
        }
        _ => {}
    }
}

/// The same below a table whose section goes: what lies in it is gone already.
fn of_entry_below(
    text: &LabText<'_>,
    parent: &Node,
    entry: &Entry,
    ranges: &mut Vec<Range<usize>>,
) {
    let start = entry.node.origin.first().map(|span| span.start as usize);
    let is_gone = start.is_some_and(|start| ranges.iter().any(|range| range.contains(&start)));
    if !is_gone {
        of_entry(text, parent, entry, ranges);
    } else if let Value::Map(map) = &entry.node.value
        && text.value(&entry.node).is_none()
    {
        for below in map.values() {
            of_entry_below(text, &entry.node, below, ranges);
        }
    }
}

fn of_item(text: &LabText<'_>, list: &Node, item: &Node, ranges: &mut Vec<Range<usize>>) {
    let Some(span) = item.origin.first().map(Span::range) else {
        return;
    };
    if let Some(brackets) = text.value(list) {
        ranges.push(between(text.text, &brackets, span));
        return;
    }
    ranges.extend(text.section(item).map(|section| whole(text, &section)));
    for below in item.as_map().into_iter().flat_map(|map| map.values()) {
        of_entry_below(text, item, below, ranges);
    }
}

/// Whether the line of a key begins with another key's braces.
fn is_in_braces(text: &LabText<'_>, key: usize) -> bool {
    text.text[text.line_start(key)..key].contains(['{', ','])
}

/// A dotted key inside the braces of a table further up.
fn within_line(text: &LabText<'_>, key: usize, end: usize) -> Range<usize> {
    let open = text.text[..key].rfind('{').unwrap_or(key);
    let close = text.text[end..].find('}').map_or(end, |at| end + at + 1);
    between(text.text, &(open..close), key..end)
}

/// A section with the comment right above it; at the end of the text also the blank lines before it.
fn whole(text: &LabText<'_>, section: &Range<usize>) -> Range<usize> {
    let start = text.comment_start(text.line_start(section.start));
    if section.end == text.text.len() {
        let kept = text.text[..start].trim_end_matches(['\n', '\r']);
        return text.line_end(kept.len())..section.end;
    }
    start..text.comment_start(section.end)
}

/// A member of a list or of an inline table, with one of the commas beside it.
fn between(text: &str, around: &Range<usize>, member: Range<usize>) -> Range<usize> {
    let inside = around.start + 1..around.end - 1;
    let before = text[inside.start..member.start].rfind(',');
    let start = before.map_or(inside.start, |at| inside.start + at + 1);
    let rest = &text[member.end..inside.end];
    let after = rest.len() - rest.trim_start().len();
    if rest.trim_start().starts_with(',') {
        return start..member.end + after + 1;
    }
    match before {
        Some(_) => start - 1..member.end,
        None => start..member.end,
    }
}
