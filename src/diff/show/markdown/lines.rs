//! A part of a change to the lines of a block that is coloured as a diff is.

use super::escape::fence;
use crate::diff::show::group::{Part, changed_lines, sign};
use crate::diff::show::value::{inline, lines};
use crate::diff::{Change, Content, Field, What};

/// Lines of a value or a text that are shown.
const MAX_LINES: usize = 24;

/// Fields of one change that are shown.
const MAX_FIELDS: usize = 40;

/// The lines of a part.
pub(super) fn of_part(part: &Part<'_>) -> Vec<String> {
    let change = part.change;
    let mut found = vec![title(change)];
    if change.is_moved() {
        let path = |path: &Option<String>| path.clone().unwrap_or_default();
        found.push(format!(
            "! moved: {} -> {}",
            path(&change.from),
            path(&change.to)
        ));
    }
    for field in part.fields.iter().take(MAX_FIELDS) {
        of_field(field, &mut found);
    }
    more("  ", part.fields.len(), MAX_FIELDS, &mut found);
    if part.fields.is_empty() && !change.is_document() {
        of_texts(change, &mut found);
    }
    found.iter().map(|line| fence(line)).collect()
}

fn title(change: &Change) -> String {
    let mut title = format!("@@ {}: {}", change.kind.word(), change.subject);
    if !change.nodes.is_empty() {
        title.push_str(&format!(" ({})", change.nodes.join(", ")));
    }
    if let (true, Some((more, fewer))) = (change.is_document(), change.lines()) {
        title.push_str(&format!(" (+{more} -{fewer} lines)"));
    }
    title + " @@"
}

fn of_field(field: &Field, found: &mut Vec<String>) {
    let path = &field.path;
    match &field.what {
        What::Reordered => found.push(format!("! {path}: in another order")),
        What::Added(node) => of_value('+', &path.to_string(), node, found),
        What::Removed(node) => of_value('-', &path.to_string(), node, found),
        What::Changed(before, after) => match (inline(before), inline(after)) {
            (Some(before), Some(after)) => {
                found.push(format!("- {path}: {before}"));
                found.push(format!("+ {path}: {after}"));
            }
            _ => {
                found.push(format!("  {path}:"));
                differing(&lines(before), &lines(after), found);
            }
        },
    }
}

fn of_value(sign: char, path: &str, node: &crate::value::Node, found: &mut Vec<String>) {
    if let Some(value) = inline(node) {
        return found.push(format!("{sign} {path}: {value}"));
    }
    found.push(format!("{sign} {path}:"));
    let lines = lines(node);
    let shown = lines.iter().take(MAX_LINES);
    found.extend(shown.map(|line| format!("{sign}   {line}")));
    more("    ", lines.len(), MAX_LINES, found);
}

fn of_texts(change: &Change, found: &mut Vec<String>) {
    if let (Some(Content::Text(before)), Some(Content::Text(after))) =
        (&change.before, &change.after)
    {
        differing(before, after, found);
    }
}

/// The lines that only one of two texts has.
fn differing(before: &[String], after: &[String], found: &mut Vec<String>) {
    let lines = changed_lines(before, after);
    let shown = lines.iter().take(MAX_LINES);
    found.extend(shown.map(|(kind, line)| format!("{}   {line}", sign(*kind))));
    more("    ", lines.len(), MAX_LINES, found);
}

fn more(indent: &str, total: usize, shown: usize, found: &mut Vec<String>) {
    if total > shown {
        found.push(format!("{indent}and {} more", total - shown));
    }
}
