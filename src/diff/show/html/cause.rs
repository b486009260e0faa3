//! Why things change: each change of the sources with the fields that follow from it.

use super::Context;
use super::markup::Markup;
use super::words::{self, count, happens};
use crate::diff::show::group::sign;
use crate::diff::show::group::{Group, Part};
use crate::diff::show::value::{inline, lines};
use crate::diff::{Cause, Field, What};
use crate::value::Node;

/// Objects of a cause that are shown before one unfolds the others.
const FEW_PARTS: usize = 8;
/// Objects of a cause that are shown at all.
const MAX_PARTS: usize = 200;
/// Nodes that are named one by one.
const FEW_NODES: usize = 4;
/// Fields of an object that are shown.
const MAX_FIELDS: usize = 8;
/// Letters of a value that is shown in a line of its own.
const MAX_LONG: usize = 300;
/// Causes that are shown.
const MAX_CAUSES: usize = 1_000;

/// The section of causes; nothing where nothing changes.
pub(super) fn section(page: &mut Markup, context: &Context<'_>) {
    if context.groups.is_empty() {
        return;
    }
    page.element("section", &[("aria-labelledby", "causes")], |page| {
        page.leaf("h2", &[("id", "causes")], "Causes");
        for (at, group) in context.groups.iter().enumerate().take(MAX_CAUSES) {
            self::group(page, context, at, group);
        }
        if context.groups.len() > MAX_CAUSES {
            let left = context.groups.len() - MAX_CAUSES;
            let left = format!("and {left} more, which stand at their objects below");
            page.leaf("p", &[("class", "left-out")], &left);
        }
    });
    page.line_break();
}

fn group(page: &mut Markup, context: &Context<'_>, at: usize, group: &Group<'_>) {
    let is_explained = matches!(group.causes.first(), Some(Cause::Source(_)));
    let class = if is_explained {
        "cause"
    } else {
        "cause unexplained"
    };
    let id = context.anchors.causes[at].as_str();
    page.element("article", &[("class", class), ("id", id)], |page| {
        page.element("h3", &[], |page| title(page, context, group));
        let sum = format!(
            "{} in {}",
            count(group.count(), "change"),
            count(group.files(), "file")
        );
        page.leaf("p", &[("class", "sum")], &sum);
        let few = group.parts.len().min(FEW_PARTS);
        parts(page, context, &group.parts[..few]);
        more(page, context, &group.parts[few..]);
    });
    page.line_break();
}

fn title(page: &mut Markup, context: &Context<'_>, group: &Group<'_>) {
    for (index, cause) in group.causes.iter().enumerate() {
        page.element("span", &[("class", "source")], |page| {
            if index > 0 {
                page.leaf("span", &[("class", "and")], "and ");
            }
            words::cause(page, context, *cause);
        });
        page.text(" ");
    }
}

/// The objects that one unfolds.
fn more(page: &mut Markup, context: &Context<'_>, rest: &[Part<'_>]) {
    if rest.is_empty() {
        return;
    }
    page.element("details", &[], |page| {
        page.leaf("summary", &[], &count(rest.len(), "more object"));
        parts(page, context, &rest[..rest.len().min(MAX_PARTS)]);
        if rest.len() > MAX_PARTS {
            let left = rest.len() - MAX_PARTS;
            let left = format!("and {left} more, all of which are below");
            page.leaf("p", &[("class", "left-out")], &left);
        }
    });
}

/// Objects that change alike stand above what they have in common.
fn parts(page: &mut Markup, context: &Context<'_>, parts: &[Part<'_>]) {
    let mut alike: Vec<(String, Vec<&Part<'_>>)> = Vec::new();
    for part in parts {
        let mut fields = Markup::default();
        self::fields(&mut fields, part);
        let fields = fields.into_text();
        match alike.iter_mut().find(|(known, _)| *known == fields) {
            Some((_, objects)) => objects.push(part),
            None => alike.push((fields, vec![part])),
        }
    }
    page.element("ul", &[("class", "parts")], |page| {
        for (_, objects) in alike {
            page.element("li", &[], |page| {
                for part in &objects {
                    page.element("div", &[("class", "object")], |page| {
                        object(page, context, part);
                    });
                }
                fields(page, objects[0]);
            });
        }
    });
}

fn object(page: &mut Markup, context: &Context<'_>, part: &Part<'_>) {
    let change = part.change;
    let word = happens(change);
    let class = format!("sign {word}");
    page.element("span", &[("class", &class), ("title", word)], |page| {
        page.text(sign(change.kind));
        page.leaf("span", &[("class", "unseen")], &format!(" {word}"));
    });
    page.text(" ");
    words::link(page, context, part.index);
    if !change.nodes.is_empty() {
        page.leaf("span", &[("class", "soft")], &nodes(&change.nodes));
    }
}

/// The machines that an object reaches: their names, or how many there are.
fn nodes(nodes: &[String]) -> String {
    if nodes.len() > FEW_NODES {
        format!(" on {}", count(nodes.len(), "node"))
    } else {
        format!(" on {}", nodes.join(", "))
    }
}

fn fields(page: &mut Markup, part: &Part<'_>) {
    if part.fields.is_empty() {
        return;
    }
    page.element("ul", &[("class", "fields")], |page| {
        for field in part.fields.iter().take(MAX_FIELDS) {
            page.element("li", &[], |page| self::field(page, field));
        }
        if part.fields.len() > MAX_FIELDS {
            let left = part.fields.len() - MAX_FIELDS;
            let left = format!("and {}", count(left, "more field"));
            page.leaf("li", &[("class", "left-out")], &left);
        }
    });
}

fn field(page: &mut Markup, field: &Field) {
    page.leaf("code", &[("class", "path")], &field.path.to_string());
    page.text(" ");
    match &field.what {
        What::Reordered => page.text("in another order"),
        What::Changed(before, after) => match (inline(before), inline(after)) {
            (Some(before), Some(after)) => words::replaced(page, &before, &after),
            _ => changed(page, before, after),
        },
        What::Added(node) => one(page, ("added", "ins"), node),
        What::Removed(node) => one(page, ("removed", "del"), node),
    }
}

/// A value that comes or goes; a long one stands beside its object alone.
fn one(page: &mut Markup, (word, tag): (&str, &'static str), node: &Node) {
    page.leaf("span", &[("class", "happens")], word);
    if let Some(value) = inline(node) {
        page.text(" ");
        page.leaf(tag, &[], &value);
    }
}

/// Two values that do not fit in one line, below each other, where each of them does.
fn changed(page: &mut Markup, before: &Node, after: &Node) {
    let long = |node| {
        let mut lines = lines(node).into_iter();
        let line = lines.next()?;
        (lines.next().is_none() && line.chars().count() <= MAX_LONG).then_some(line)
    };
    let (Some(before), Some(after)) = (long(before), long(after)) else {
        return page.text("changed");
    };
    page.leaf("del", &[("class", "long")], &before);
    page.leaf("ins", &[("class", "long")], &after);
}
