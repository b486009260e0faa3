//! What is dangerous, the worst first; what somebody acknowledged comes last.

use super::Context;
use super::markup::Markup;
use super::words::{self, count};
use crate::diff::Danger;

/// Dangers that are told in full.
const MAX_DANGERS: usize = 500;
/// Objects of a danger that are named.
const MAX_OBJECTS: usize = 20;

/// The section of dangers; nothing where there are none.
pub(super) fn section(page: &mut Markup, context: &Context<'_>) {
    let total = context.diff.dangers.len();
    if total == 0 {
        return;
    }
    let mut order: Vec<usize> = (0..total).collect();
    order.sort_by_key(|at| context.report.acknowledged.contains(at));
    page.element("section", &[("aria-labelledby", "dangers")], |page| {
        page.leaf("h2", &[("id", "dangers")], "Dangers");
        page.element("ol", &[("class", "dangers")], |page| {
            for at in order.into_iter().take(MAX_DANGERS) {
                danger(page, context, at);
            }
        });
        if total > MAX_DANGERS {
            let left = format!(
                "and {} more, which stand at their objects below",
                total - MAX_DANGERS
            );
            page.leaf("p", &[("class", "left-out")], &left);
        }
    });
    page.line_break();
}

fn danger(page: &mut Markup, context: &Context<'_>, at: usize) {
    let danger = &context.diff.dangers[at];
    let is_acknowledged = context.report.acknowledged.contains(&at);
    let (word, look) = words::severity(danger.severity, is_acknowledged);
    let class = format!("danger {look}");
    let id = context.anchors.dangers[at].as_str();
    page.element("li", &[("class", &class), ("id", id)], |page| {
        page.element("h3", &[], |page| {
            words::badge(page, look, &format!("{word} {}", danger.code));
            page.text(" ");
            page.phrase(&danger.message);
        });
        for note in &danger.notes {
            page.element("p", &[], |page| page.phrase(note));
        }
        for help in &danger.help {
            page.element("p", &[("class", "help")], |page| {
                page.leaf("strong", &[], "Remedy: ");
                page.phrase(help);
            });
        }
        page.element("p", &[("class", "refers")], |page| {
            objects(page, context, danger);
            for (index, cause) in danger.causes.iter().enumerate() {
                page.text(if index == 0 { " because of " } else { " and " });
                words::cause(page, context, *cause);
            }
        });
    });
    page.line_break();
}

/// What it is about.
fn objects(page: &mut Markup, context: &Context<'_>, danger: &Danger) {
    for (index, change) in danger.changes().take(MAX_OBJECTS).enumerate() {
        if index > 0 {
            page.text(", ");
        }
        words::link(page, context, change);
    }
    let left = (danger.others.len() + 1).saturating_sub(MAX_OBJECTS);
    if left > 0 {
        page.text(&format!(" and {}", count(left, "more object")));
    }
}
