//! Every object that changes, side by side, in chapters: a component each, Talos by patch, documents last.

use std::collections::BTreeMap;

use super::Context;
use super::anchor::chapter;
use super::machine;
use super::markup::Markup;
use super::rows::{Sums, Texts, show, sums};
use super::words::{self, count, happens};
use crate::diff::{Change, Field, Kind, Subject, What};

/// Lines of an object that are shown, where there are few objects.
const MAX_LINES: usize = 400;
/// Lines of an object that are shown, however many there are.
const MIN_LINES: usize = 10;
/// Lines that all objects have together, as far as the least of each allows.
const ALL_LINES: usize = 60_000;
/// Bytes of a page; a change beyond them is shown without its lines.
const MAX_BYTES: usize = 48 * 1024 * 1024;
/// Up to so many changes stand open.
const MAX_OPEN: usize = 60;

/// All changes in chapters.
pub(super) struct Changes {
    pub(super) chapters: Vec<Chapter>,
    /// Objects of which a part was left out.
    cut: usize,
}

/// Changes that belong together.
pub(super) struct Chapter {
    pub(super) anchor: String,
    pub(super) title: String,
    /// How many there are.
    pub(super) count: usize,
    body: Markup,
}

/// Where a change belongs, in the order of the page.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Cluster,
    Component(&'a str),
    Patch(&'a str),
    Schematics,
    Scripts,
    Files,
}

impl<'a> Place<'a> {
    fn of(change: &'a Change) -> Self {
        match (&change.subject, &change.component) {
            (Subject::Machine { patch, .. }, _) => Place::Patch(patch),
            (Subject::Schematic(_), _) => Place::Schematics,
            (Subject::File(path), _) if path.starts_with("out/talos/") => Place::Scripts,
            (_, Some(component)) => Place::Component(component),
            (Subject::File(_), None) => Place::Files,
            (_, None) => Place::Cluster,
        }
    }

    fn title(&self) -> String {
        match self {
            Place::Cluster => "The whole cluster".to_owned(),
            Place::Component(name) => (*name).to_owned(),
            Place::Patch("all") => "Talos: all nodes".to_owned(),
            Place::Patch("controlplane") => "Talos: control planes".to_owned(),
            Place::Patch("worker") => "Talos: workers".to_owned(),
            Place::Patch(patch) => {
                format!("Talos: {}", patch.strip_prefix("nodes/").unwrap_or(patch))
            }
            Place::Schematics => "Talos: schematics".to_owned(),
            Place::Scripts => "Talos: commands".to_owned(),
            Place::Files => "Documents and scripts".to_owned(),
        }
    }

    fn is_talos(&self) -> bool {
        matches!(self, Place::Patch(_) | Place::Schematics | Place::Scripts)
    }
}

/// The changes of a diff, as they will stand on the page.
pub(super) fn changes(context: &Context<'_>) -> Changes {
    let mut places: BTreeMap<Place<'_>, Vec<usize>> = BTreeMap::new();
    for (at, change) in context.diff.changes.iter().enumerate() {
        places.entry(Place::of(change)).or_default().push(at);
    }
    let total = context.diff.changes.len().max(1);
    let mut writer = Writer {
        context,
        max_lines: (ALL_LINES / total).clamp(MIN_LINES, MAX_LINES),
        bytes: 0,
        cut: 0,
    };
    let mut chapters = Vec::new();
    let mut is_talos_known = false;
    for (place, changes) in places {
        let mut body = Markup::default();
        if place.is_talos() && !is_talos_known {
            is_talos_known = true;
            machine::table(&mut body, context);
        }
        for at in &changes {
            writer.change(&mut body, *at);
        }
        let title = place.title();
        let anchor = chapter(&title);
        chapters.push(Chapter {
            anchor,
            title,
            count: changes.len(),
            body,
        });
    }
    Changes {
        chapters,
        cut: writer.cut,
    }
}

/// The section of changes; nothing where nothing changes.
pub(super) fn section(page: &mut Markup, changes: &Changes) {
    if changes.chapters.is_empty() {
        return;
    }
    page.element(
        "section",
        &[("aria-labelledby", "changes"), ("class", "changes")],
        |page| {
            page.leaf("h2", &[("id", "changes")], "Changes");
            if changes.cut > 0 {
                let cut = count(changes.cut, "object");
                let left = format!("Of {cut} only a part is shown here; the files have the rest.");
                page.leaf("p", &[("class", "left-out")], &left);
            }
            filter(page, changes);
            for chapter in &changes.chapters {
                let id = chapter.anchor.as_str();
                page.element(
                    "section",
                    &[("class", "chapter"), ("aria-labelledby", id)],
                    |page| {
                        page.leaf("h3", &[("id", id)], &chapter.title);
                        page.add(&chapter.body);
                    },
                );
                page.line_break();
            }
        },
    );
    page.line_break();
}

/// What a script makes a search of; without one it is not there.
fn filter(page: &mut Markup, changes: &Changes) {
    page.element("form", &[("class", "filter"), ("role", "search"), ("hidden", "")], |page| {
        page.own(concat!(
            "<label class=\"grow\"><span>Search</span>",
            "<input type=\"search\" name=\"text\" autocomplete=\"off\" spellcheck=\"false\" placeholder=\"a name, a field, a value\"></label>"
        ));
        let kinds = ["added", "changed", "moved", "removed"].map(str::to_owned);
        select(page, "Kind", "kind", &kinds);
        let titles: Vec<String> = changes.chapters.iter().map(|chapter| chapter.title.clone()).collect();
        select(page, "Part", "part", &titles);
        page.own(concat!(
            "<label class=\"check\"><input type=\"checkbox\" name=\"dangerous\"><span>Only dangerous</span></label>",
            "<button type=\"button\" name=\"open\">Open all</button>",
            "<button type=\"button\" name=\"close\">Close all</button>",
            "<output></output>"
        ));
    });
    page.line_break();
}

fn select(page: &mut Markup, title: &str, name: &str, values: &[String]) {
    page.element("label", &[], |page| {
        page.leaf("span", &[], title);
        page.element("select", &[("name", name)], |page| {
            page.leaf("option", &[("value", "")], "all");
            for value in values {
                page.leaf("option", &[("value", value)], value);
            }
        });
    });
}

/// Writes changes, and knows how much the page holds by now.
struct Writer<'a> {
    context: &'a Context<'a>,
    max_lines: usize,
    bytes: usize,
    cut: usize,
}

impl Writer<'_> {
    fn change(&mut self, page: &mut Markup, at: usize) {
        let start = page.len();
        let change = &self.context.diff.changes[at];
        let texts = Texts::of(change);
        let rows = texts.rows();
        let id = self.context.anchors.changes[at].as_str();
        let is_dangerous = self.is_dangerous(at);
        let mut attributes = vec![("class", "change"), ("data-kind", happens(change))];
        if is_dangerous {
            attributes.push(("data-dangerous", ""));
        }
        if is_dangerous || self.is_open(change) {
            attributes.push(("open", ""));
        }
        page.element("details", &attributes, |page| {
            page.element("summary", &[], |page| self.summary(page, at, sums(&rows)));
            // The id lies within, so that a link opens what it leads to, also without a script.
            page.element("div", &[("class", "body"), ("id", id)], |page| {
                self.facts(page, at);
                let file = change.path().unwrap_or_default();
                if self.bytes > MAX_BYTES && !is_dangerous {
                    self.cut += 1;
                    page.leaf(
                        "p",
                        &[("class", "left-out")],
                        "The page is full: its lines are in the file.",
                    );
                } else if !rows.is_empty() && !show(page, &texts, &rows, (self.max_lines, file)) {
                    self.cut += 1;
                }
            });
        });
        page.line_break();
        self.bytes += page.len() - start;
    }

    /// Whether there is a danger of it that nobody acknowledged.
    fn is_dangerous(&self, at: usize) -> bool {
        let mut dangers = self.context.dangers_of[at].iter();
        dangers.any(|danger| self.is_unanswered(danger))
    }

    fn is_unanswered(&self, danger: &usize) -> bool {
        !self.context.report.acknowledged.contains(danger)
    }

    /// What was changed stands open, unless there is much of it, or it says what others say.
    fn is_open(&self, change: &Change) -> bool {
        let is_summary = matches!(change.subject, Subject::Values(_) | Subject::File(_));
        change.kind == Kind::Changed && !is_summary && self.context.diff.changes.len() <= MAX_OPEN
    }

    fn summary(&self, page: &mut Markup, at: usize, sums: Sums) {
        let change = &self.context.diff.changes[at];
        let word = happens(change);
        words::badge(page, word, word);
        page.text(" ");
        page.element("h4", &[], |page| words::subject(page, &change.subject));
        page.text(" ");
        let dangers = &self.context.dangers_of[at];
        let open = dangers.iter().find(|danger| self.is_unanswered(danger));
        if let Some(danger) = open.or(dangers.first()) {
            let is_acknowledged = open.is_none();
            let danger = &self.context.diff.dangers[*danger];
            let (word, look) = words::severity(danger.severity, is_acknowledged);
            words::badge(page, look, &format!("{word} {}", danger.code));
            page.text(" ");
        }
        page.element("span", &[("class", "lines")], |page| {
            if sums.gained > 0 {
                page.leaf("span", &[("class", "added")], &format!("+{}", sums.gained));
            }
            if sums.lost > 0 {
                page.leaf(
                    "span",
                    &[("class", "removed")],
                    &format!(" \u{2212}{}", sums.lost),
                );
            }
            page.leaf("span", &[("class", "unseen")], " lines");
        });
    }

    /// What is known of a change beside its lines.
    fn facts(&self, page: &mut Markup, at: usize) {
        let change = &self.context.diff.changes[at];
        page.element("dl", &[("class", "facts")], |page| {
            fact(page, "File", &[change], |page, change| file(page, change));
            if !change.nodes.is_empty() {
                let nodes = change.nodes.join(", ");
                fact(page, "Nodes", &[nodes], |page, nodes| page.text(nodes));
            }
            let groups = &self.context.groups_of[at];
            fact(page, "Because of", groups, |page, group| {
                self.cause(page, *group)
            });
            let dangers = &self.context.dangers_of[at];
            fact(page, "Danger", dangers, |page, danger| {
                self.danger(page, *danger)
            });
            let is_reordered = |field: &&Field| field.what == What::Reordered;
            let fields: Vec<&Field> = change.fields.iter().filter(is_reordered).collect();
            fact(page, "In another order", &fields, |page, field| {
                page.leaf("code", &[], &field.path.to_string());
            });
        });
    }

    fn cause(&self, page: &mut Markup, group: usize) {
        let href = format!("#{}", self.context.anchors.causes[group]);
        page.element("a", &[("href", &href)], |page| {
            for (index, cause) in self.context.groups[group].causes.iter().enumerate() {
                if index > 0 {
                    page.text(" and ");
                }
                words::cause(page, self.context, *cause);
            }
        });
    }

    fn danger(&self, page: &mut Markup, danger: usize) {
        let href = format!("#{}", self.context.anchors.dangers[danger]);
        let danger = &self.context.diff.dangers[danger];
        page.element("a", &[("href", &href)], |page| page.phrase(&danger.message));
    }
}

/// Everything of one sort that is known; nothing where that is nothing.
fn fact<T>(page: &mut Markup, word: &str, known: &[T], tell: impl Fn(&mut Markup, &T)) {
    if known.is_empty() {
        return;
    }
    page.element("div", &[], |page| {
        page.leaf("dt", &[], word);
        for one in known {
            page.element("dd", &[], |page| tell(page, one));
        }
    });
}

/// Its file, and where it was before.
fn file(page: &mut Markup, change: &Change) {
    if let (true, Some(from)) = (change.is_moved(), &change.from) {
        page.leaf("code", &[], from);
        page.element("span", &[("class", "arrow")], |page| page.own(" \u{2192} "));
    }
    page.leaf("code", &[], change.path().unwrap_or_default());
}
