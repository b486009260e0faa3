//! Where a value comes that is not there yet.

use std::ops::Range;

use super::text::{self, LabText};
use super::{Edited, Refusal, no_words, with};
use crate::keep::print;
use crate::source::Span;
use crate::value::{Node, Path, Step, Value};

/// Tables whose entries have names and tables of their own.
const NAMED: [&str; 6] = [
    "infrastructure",
    "apps",
    "hardware",
    "nodes",
    "namespaces",
    "secrets",
];

/// The text with a new value, at the first of its possible places where it means what it should.
pub(super) fn insert(text: &LabText<'_>, path: &Path, value: &Node) -> Result<Edited, Refusal> {
    let steps = &path.0;
    let known = (0..steps.len()).rev();
    let known = known.map(|length| Path(steps[..length].to_vec()));
    let (parent, node) = known
        .filter_map(|path| Some((path.clone(), text.tree.at(&path)?)))
        .next()
        .ok_or_else(|| no_words(path))?;
    let depth = parent.0.len();
    check_parent(&parent, node, &steps[depth])?;
    let written = print::value(value).ok_or_else(|| no_words(path))?;
    let keys = |from: usize| keys(&steps[from..]);
    let mut places = Vec::new();
    if let Some(range) = text.value(node) {
        let item = match node.as_list() {
            Some(_) => Some(written.clone()),
            None => keys(depth).map(|keys| format!("{keys} = {written}")),
        };
        places.extend(item.map(|item| inside(text, &range, &item)));
    } else {
        let around = (0..=depth).rev().find_map(|length| {
            let node = text.tree.at(&Path(steps[..length].to_vec()))?;
            Some((length, text.section(node)?))
        });
        if let Some((length, section)) = around
            && let Some(keys) = keys(length)
        {
            let line = format!("{keys} = {written}");
            places.push(at_end(text, node, &section, &line));
        }
        places.extend(table(text, steps, &written));
    }
    let expected = [with(&text.tree, steps, value)];
    let right = places.into_iter().find_map(|(at, new)| {
        let edited = format!("{}{new}{}", &text.text[..at], &text.text[at..]);
        text::check(&edited, &expected, path).ok()?;
        let begins = at + new.len() - new.trim_start().len();
        let line = text::line_of(&edited, begins);
        // A table of its own is named by its header; the value is on the line below.
        let line = line + usize::from(new.trim_start().starts_with('['));
        Some(Edited {
            text: edited,
            line,
            before: None,
        })
    });
    right.ok_or_else(|| {
        let message = format!("`{path}` has no place in lab.toml as it is written: add it by hand");
        Refusal::Impossible(message)
    })
}

fn check_parent(parent: &Path, node: &Node, step: &Step) -> Result<(), Refusal> {
    let wrong = match (&node.value, step) {
        (Value::Map(_), Step::Key(_)) => return Ok(()),
        (Value::List(items), Step::Index(index)) if *index == items.len() => return Ok(()),
        (Value::List(items), Step::Index(_)) => {
            format!("`{parent}` has {} items, counted from 0", items.len())
        }
        (Value::List(_), Step::Key(key)) => {
            format!("`{parent}` is a list: `{key}` is no item of it, `[0]` is one")
        }
        (value, Step::Index(_)) => format!("`{parent}` is a {}, and no list", value.kind()),
        (value, Step::Key(_)) => format!("`{parent}` is a {}, and no table", value.kind()),
    };
    Err(Refusal::Impossible(wrong))
}

/// Dotted keys; none where an item of a list is on the way, which no key names.
fn keys(steps: &[Step]) -> Option<String> {
    let keys: Option<Vec<String>> = steps
        .iter()
        .map(|step| match step {
            Step::Key(key) => Some(print::key(key)),
            Step::Index(_) => None,
        })
        .collect();
    keys.map(|keys| keys.join("."))
}

/// Behind the last item between braces or brackets.
fn inside(text: &LabText<'_>, range: &Range<usize>, item: &str) -> (usize, String) {
    let between = &text.text[range.start + 1..range.end - 1];
    let kept = between.trim_end();
    let at = range.start + 1 + kept.len();
    let is_braces = text.text[range.clone()].starts_with('{');
    let new = match (kept.is_empty(), kept.ends_with(',')) {
        (true, _) if is_braces && between.is_empty() => format!(" {item} "),
        (true, _) if is_braces => format!(" {item}"),
        (true, _) => item.to_owned(),
        (false, false) => format!(", {item}"),
        // Each on its own line, with a comma behind the last.
        (false, true) => {
            let start = text.line_start(at - 1);
            let line = &text.text[start..at];
            let indent = &line[..line.len() - line.trim_start().len()];
            match between[kept.len()..].contains('\n') {
                true => format!("{}{indent}{item},", text.line_break()),
                false => format!(" {item}"),
            }
        }
    };
    (at, new)
}

/// A line at the end of a section: behind what it has of `node`, else behind its last line.
fn at_end(text: &LabText<'_>, node: &Node, section: &Range<usize>, line: &str) -> (usize, String) {
    let mut last = section.start;
    furthest(node, section, &mut last);
    if last == section.start {
        furthest(&text.tree, section, &mut last);
    }
    let at = text.line_end(last);
    let start = text.line_start(section.start);
    let indent = &text.text[start..section.start];
    (at, whole_line(text, at, &format!("{indent}{line}")))
}

/// The end of the last value in a section.
fn furthest(node: &Node, section: &Range<usize>, last: &mut usize) {
    if let Some(range) = node.origin.first().map(Span::range)
        && section.start <= range.start
        && range.end <= section.end
    {
        *last = range.end.max(*last);
    }
    let mut below = |node: &Node| furthest(node, section, last);
    match &node.value {
        Value::Map(map) => map.values().for_each(|entry| below(&entry.node)),
        Value::List(items) => items.iter().for_each(below),
        _ => {}
    }
}

/// A line at a byte that begins one, or at the end of a text whose last line has no break: then this one has none either.
fn whole_line(text: &LabText<'_>, at: usize, line: &str) -> String {
    let line_break = text.line_break();
    let begins = at == 0 || text.text[..at].ends_with('\n');
    match begins {
        true => format!("{line}{line_break}"),
        false => format!("{line_break}{line}"),
    }
}

/// A table of its own: behind the last one of its kind, else at the end.
fn table(text: &LabText<'_>, steps: &[Step], written: &str) -> Option<(usize, String)> {
    let Step::Key(first) = steps.first()? else {
        return None;
    };
    let is_named = NAMED.contains(&first.as_str());
    let length = (steps.len() - 1).min(if is_named { 2 } else { 1 });
    if length == 0 {
        return None;
    }
    let header = keys(&steps[..length])?;
    let line_break = text.line_break();
    let lines = format!(
        "[{header}]{line_break}{} = {written}",
        keys(&steps[length..])?
    );
    let behind = text.tree.get(first).and_then(|node| text.next_header(node));
    let next = behind.and_then(|(_, next)| next);
    Some(match next {
        Some(next) => {
            let at = text.comment_start(next);
            (at, format!("{lines}{line_break}{line_break}"))
        }
        None => {
            let end = text.text.len();
            let gap = match text.text {
                "" => "",
                text if text.ends_with("\n\n") || text.ends_with("\n\r\n") => "",
                text if text.ends_with('\n') => line_break,
                _ => return Some((end, format!("{line_break}{line_break}{lines}"))),
            };
            (end, format!("{gap}{lines}{line_break}"))
        }
    })
}
