//! A diff as one web page that a person reviews: what is dangerous, why things change, and each object side by side.
//!
//! The page asks nothing of any network: its style and its script stand in it, and its policy forbids everything else.
//! Without the script everything can be read and folded; with it, it can be searched. Bounded: of very large objects and
//! very many of them it shows a part, and says what it left out. Knows no file and no browser.

mod aligned;
mod anchor;
mod cause;
mod change;
mod danger;
mod machine;
mod markup;
mod opening;
mod rows;
mod words;

use sha2::{Digest, Sha256};

use super::Report;
use super::group::{Group, groups};
use crate::diff::Diff;
use crate::template::convert::base64;
use anchor::Anchors;
use change::Changes;
use markup::Markup;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// What the parts of the page are made from.
struct Context<'a> {
    report: &'a Report<'a>,
    diff: &'a Diff,
    groups: Vec<Group<'a>>,
    anchors: Anchors,
    /// The groups of causes of each change, by their places.
    groups_of: Vec<Vec<usize>>,
    /// The dangers of each change, by their places.
    dangers_of: Vec<Vec<usize>>,
}

/// The whole report as a page.
pub fn html(report: &Report<'_>) -> String {
    let nothing = Diff::default();
    let context = Context::new(report, report.diff.unwrap_or(&nothing));
    let mut page = Markup::default();
    page.own("<!doctype html>\n");
    page.element("html", &[("lang", "en")], |page| {
        page.element("head", &[], |page| head(page, &context));
        page.line_break();
        page.element("body", &[], |page| body(page, &context));
    });
    page.line_break();
    page.into_text()
}

impl<'a> Context<'a> {
    fn new(report: &'a Report<'a>, diff: &'a Diff) -> Self {
        let groups = groups(diff);
        let mut groups_of = vec![Vec::new(); diff.changes.len()];
        for (at, group) in groups.iter().enumerate() {
            for part in &group.parts {
                groups_of[part.index].push(at);
            }
        }
        let mut dangers_of = vec![Vec::new(); diff.changes.len()];
        for (at, danger) in diff.dangers.iter().enumerate() {
            for change in danger.changes() {
                dangers_of[change].push(at);
            }
        }
        let anchors = Anchors::new(diff, &groups);
        Context {
            report,
            diff,
            groups,
            anchors,
            groups_of,
            dangers_of,
        }
    }
}

fn head(page: &mut Markup, context: &Context<'_>) {
    let (base, target) = (&context.report.base.name, &context.report.target.name);
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    page.empty("meta", &[("charset", "utf-8")]);
    page.empty(
        "meta",
        &[
            ("http-equiv", "Content-Security-Policy"),
            ("content", &policy),
        ],
    );
    let width = "width=device-width, initial-scale=1";
    for (name, content) in [
        ("viewport", width),
        ("color-scheme", "light dark"),
        ("referrer", "no-referrer"),
        ("robots", "noindex"),
    ] {
        page.empty("meta", &[("name", name), ("content", content)]);
    }
    // Without it, a browser asks the server for one.
    page.empty("link", &[("rel", "icon"), ("href", "data:,")]);
    page.leaf("title", &[], &format!("labc diff: {base} to {target}"));
    page.element("style", &[], |page| page.own(STYLE));
}

/// A text as a content security policy allows it.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

fn body(page: &mut Markup, context: &Context<'_>) {
    let changes = change::changes(context);
    page.leaf(
        "a",
        &[("class", "skip"), ("href", "#main")],
        "Skip to the changes",
    );
    page.element("header", &[], |page| opening::header(page, context));
    page.line_break();
    page.element("div", &[("class", "page")], |page| {
        if !changes.chapters.is_empty() {
            page.element("nav", &[("aria-label", "On this page")], |page| {
                contents(page, context, &changes);
            });
        }
        page.line_break();
        page.element("main", &[("id", "main")], |page| {
            opening::sides(page, context);
            danger::section(page, context);
            cause::section(page, context);
            change::section(page, &changes);
        });
    });
    page.line_break();
    page.element("footer", &[], footer);
    page.element("script", &[], |page| page.own(SCRIPT));
}

/// Where everything is, for whoever reads a long page.
fn contents(page: &mut Markup, context: &Context<'_>, changes: &Changes) {
    let link = |page: &mut Markup, anchor: &str, title: &str, count: usize| {
        page.element("a", &[("href", &format!("#{anchor}"))], |page| {
            page.leaf("span", &[("class", "title")], title);
            page.text(" ");
            page.leaf("span", &[("class", "count")], &count.to_string());
        });
    };
    page.element("ul", &[], |page| {
        for (anchor, title, count) in [
            ("dangers", "Dangers", context.diff.dangers.len()),
            ("causes", "Causes", context.groups.len()),
        ] {
            if count > 0 {
                page.element("li", &[], |page| link(page, anchor, title, count));
            }
        }
        page.element("li", &[], |page| {
            link(page, "changes", "Changes", context.diff.changes.len());
            page.element("ul", &[], |page| {
                for chapter in &changes.chapters {
                    page.element("li", &[], |page| {
                        link(page, &chapter.anchor, &chapter.title, chapter.count);
                    });
                }
            });
        });
    });
}

fn footer(page: &mut Markup) {
    page.leaf(
        "p",
        &[],
        concat!(
            "Made by labc ",
            env!("CARGO_PKG_VERSION"),
            ". Values of secrets are masked. This page loads nothing from anywhere."
        ),
    );
}
