//! What a reader has to know first: what is compared, how much changes, and whether the sides are what they should be.

use super::Context;
use super::markup::Markup;
use super::words::{count, happens};
use crate::diag::Severity;
use crate::diff::Drift;
use crate::diff::show::Side;
use crate::diff::show::group::{by_drift, of_drift};

/// Files of a tree that is not what its sources make that are shown before one unfolds the others.
const FEW_FILES: usize = 8;
/// Files that are shown at all.
const MAX_FILES: usize = 1_000;

/// The head of the page: its title, the two sides, and the sums.
pub(super) fn header(page: &mut Markup, context: &Context<'_>) {
    page.leaf("p", &[("class", "brand")], "labc diff");
    page.leaf("h1", &[], &title(context));
    page.element("dl", &[("class", "sides")], |page| {
        side(page, "Base", &context.report.base);
        side(page, "Target", &context.report.target);
    });
    if context.report.diff.is_some() {
        sums(page, context);
    }
}

fn title(context: &Context<'_>) -> String {
    match (context.report.diff, context.diff.changes.len()) {
        (None, _) => "Nothing can be compared".to_owned(),
        (_, 0) => "Nothing changes".to_owned(),
        (_, 1) => "1 object changes".to_owned(),
        (_, number) => format!("{number} objects change"),
    }
}

fn side(page: &mut Markup, word: &str, side: &Side) {
    page.element("div", &[], |page| {
        page.leaf("dt", &[], word);
        page.element("dd", &[], |page| {
            page.leaf("strong", &[], &side.name);
            if let Some(commit) = &side.commit {
                page.text(" ");
                page.leaf("code", &[("class", "soft")], commit);
            }
        });
    });
}

/// How many objects of each kind there are, and how many dangers.
fn sums(page: &mut Markup, context: &Context<'_>) {
    let of = |word: &str| {
        let changes = context.diff.changes.iter();
        changes.filter(|change| happens(change) == word).count()
    };
    let kinds = ["added", "changed", "moved", "removed"].map(|word| (word, of(word), word));
    let dangers = [Severity::Error, Severity::Warning, Severity::Note].map(|severity| {
        let number = open_dangers(context, severity);
        let word = if number == 1 {
            severity.word()
        } else {
            plural(severity)
        };
        (severity.word(), number, word)
    });
    page.element("div", &[("class", "sums")], |page| {
        list(page, ("Objects", "#changes"), kinds.as_slice());
        list(page, ("Dangers", "#dangers"), dangers.as_slice());
    });
}

/// Sums that are not zero: how each looks, the number, and its noun.
fn list(page: &mut Markup, (title, href): (&str, &str), sums: &[(&str, usize, &str)]) {
    if sums.iter().all(|(_, number, _)| *number == 0) {
        return;
    }
    page.element("ul", &[("aria-label", title)], |page| {
        for (look, number, word) in sums.iter().filter(|(_, number, _)| *number > 0) {
            page.element("li", &[("class", look)], |page| {
                page.element("a", &[("href", href)], |page| {
                    page.leaf("strong", &[], &number.to_string());
                    page.text(&format!(" {word}"));
                });
            });
        }
    });
}

/// The dangers of a severity that nobody acknowledged.
fn open_dangers(context: &Context<'_>, severity: Severity) -> usize {
    let dangers = context.diff.dangers.iter().enumerate();
    let open = dangers.filter(|(at, danger)| {
        danger.severity == severity && !context.report.acknowledged.contains(at)
    });
    open.count()
}

fn plural(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "errors",
        Severity::Warning => "warnings",
        Severity::Note => "notes",
    }
}

/// What is wrong with a side, before anything that is told of it.
pub(super) fn sides(page: &mut Markup, context: &Context<'_>) {
    let report = context.report;
    for (side, unjudged) in [(&report.base, report.unjudged()), (&report.target, None)] {
        if let Some((said, _)) = &side.wrong {
            wrong(page, side, said, unjudged);
        }
        for (reason, paths) in by_drift(side) {
            drift(page, side, reason, &paths);
        }
    }
}

fn wrong(page: &mut Markup, side: &Side, said: &str, unjudged: Option<&str>) {
    page.element("section", &[("class", "notice error")], |page| {
        page.leaf("h2", &[], &format!("{} does not compile", side.name));
        // A reader of HTML drops a line break right behind the tag.
        page.leaf("pre", &[("tabindex", "0")], &format!("\n{said}"));
        if let Some(unjudged) = unjudged {
            page.leaf("p", &[], unjudged);
        }
    });
    page.line_break();
}

/// Files that are not what the sources make, for one reason.
fn drift(page: &mut Markup, side: &Side, drift: Drift, paths: &[&str]) {
    page.element("section", &[("class", "notice warning")], |page| {
        let sum = count(paths.len(), "file");
        page.leaf(
            "h2",
            &[],
            &format!("{}: {sum} {}", side.name, of_drift(drift)),
        );
        let (few, rest) = paths.split_at(paths.len().min(FEW_FILES));
        files(page, few);
        if rest.is_empty() {
            return;
        }
        page.element("details", &[], |page| {
            page.leaf("summary", &[], &count(rest.len(), "more file"));
            files(page, &rest[..rest.len().min(MAX_FILES)]);
            if rest.len() > MAX_FILES {
                let left = rest.len() - MAX_FILES;
                let left = format!("and {left} more, which this page leaves out");
                page.leaf("p", &[("class", "left-out")], &left);
            }
        });
    });
    page.line_break();
}

fn files(page: &mut Markup, paths: &[&str]) {
    page.element("ul", &[("class", "files")], |page| {
        for path in paths {
            page.element("li", &[], |page| page.leaf("code", &[], path));
        }
    });
}
