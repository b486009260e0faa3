//! The words and small parts that every part of the page uses.

use super::Context;
use super::markup::Markup;
use crate::diag::Severity;
use crate::diff::show::group::{phrase, place};
use crate::diff::{Cause, Change, Content, SourceChange, Subject};

/// `1 line`, `2 lines`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// What happens to an object, in a word.
pub(super) fn happens(change: &Change) -> &'static str {
    let [before, after] =
        [&change.before, &change.after].map(|content| content.as_ref().and_then(Content::text));
    if change.is_moved() && change.fields.is_empty() && before == after {
        "moved"
    } else {
        change.kind.word()
    }
}

/// A word on a ground of its own colour.
pub(super) fn badge(page: &mut Markup, look: &str, word: &str) {
    page.leaf("span", &[("class", &format!("badge {look}"))], word);
}

/// What an object is called: its kind before its name.
pub(super) fn subject(page: &mut Markup, subject: &Subject) {
    match subject {
        Subject::Resource(id) => {
            page.leaf("span", &[("class", "kind")], &id.kind);
            let name = match &id.namespace {
                Some(namespace) => format!(" {namespace}/{}", id.name),
                None => format!(" {}", id.name),
            };
            page.leaf("span", &[("class", "name")], &name);
            if !id.group.is_empty() {
                page.leaf("span", &[("class", "soft")], &format!(" {}", id.group));
            }
        }
        Subject::Machine { patch, document } => {
            page.leaf("span", &[("class", "kind")], document);
            page.leaf("span", &[("class", "soft")], &format!(" in {patch}.yaml"));
        }
        Subject::Schematic(name) => {
            page.leaf("span", &[("class", "kind")], "Schematic");
            page.leaf("span", &[("class", "name")], &format!(" {name}"));
        }
        Subject::Values(component) => {
            page.leaf("span", &[("class", "kind")], "Values");
            page.leaf("span", &[("class", "name")], &format!(" {component}"));
        }
        Subject::File(path) => page.leaf("span", &[("class", "name")], path),
    }
}

/// A link to where a change is shown.
pub(super) fn link(page: &mut Markup, context: &Context<'_>, change: usize) {
    let href = format!("#{}", context.anchors.changes[change]);
    page.element("a", &[("href", &href)], |page| {
        subject(page, &context.diff.changes[change].subject);
    });
}

/// A cause and its place.
pub(super) fn cause(page: &mut Markup, context: &Context<'_>, cause: Cause) {
    match cause {
        Cause::Source(index) => source(page, &context.diff.sources[index]),
        cause => page.text(&phrase(cause, context.diff)),
    }
    if let Some(place) = place(cause, context.diff) {
        page.text(" ");
        page.leaf("span", &[("class", "place")], &place);
    }
}

/// A change of the sources: its key, or the line where there is none, and what stands there.
fn source(page: &mut Markup, change: &SourceChange) {
    if let Some(key) = &change.key {
        page.leaf("code", &[("class", "key")], key);
        page.text(" ");
    }
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => return replaced(page, before, after),
        (Some(before), None) => page.leaf("del", &[], before),
        (None, Some(after)) => page.leaf("ins", &[], after),
        (None, None) => {}
    }
    page.leaf(
        "span",
        &[("class", "happens")],
        &format!(" {}", change.kind.word()),
    );
}

/// A short value and the one that takes its place.
pub(super) fn replaced(page: &mut Markup, before: &str, after: &str) {
    page.leaf("del", &[], before);
    page.element("span", &[("class", "arrow")], |page| page.own(" \u{2192} "));
    page.leaf("ins", &[], after);
}

/// The word of a danger, and how it looks.
pub(super) fn severity(severity: Severity, is_acknowledged: bool) -> (&'static str, &'static str) {
    match severity {
        _ if is_acknowledged => ("acknowledged", "quiet"),
        Severity::Error => ("error", "error"),
        Severity::Warning => ("warning", "warning"),
        Severity::Note => ("note", "note"),
    }
}
