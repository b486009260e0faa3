//! A diff for a terminal.

use std::fmt::Write as _;

use super::group::{Group, Part, by_drift, changed_lines, groups, of_drift, phrase, place, sign};
use super::value::{inline, lines};
use super::{Report, Side};
use crate::diag::Severity;
use crate::diag::report::{Colour, inert, printable};
use crate::diff::{Change, Content, Danger, Diff, Field, Kind, What};

/// Files that are named where a side's tree is not what its sources make.
const MAX_PATHS: usize = 5;

/// Lines of a value or a text that are shown.
const MAX_LINES: usize = 12;

/// The whole report as text; ends in a line break where there is anything to tell.
pub fn text(report: &Report<'_>, colour: Colour) -> String {
    let mut page = Page {
        text: String::new(),
        colour,
    };
    page.opening(&report.base, report.unjudged());
    page.opening(&report.target, None);
    if let Some(diff) = report.diff {
        page.dangers(diff, &report.acknowledged);
        for group in groups(diff) {
            page.group(&group, diff);
        }
        page.sum(diff, report);
    }
    inert(&page.text)
}

struct Page {
    text: String,
    colour: Colour,
}

/// How a part of a line looks on a terminal: the parameters of SGR (ECMA-48).
#[derive(Clone, Copy)]
enum Look {
    Plain,
    Bold,
    Faint,
    Red,
    Green,
    Yellow,
}

impl Look {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Added => Look::Green,
            Kind::Removed => Look::Red,
            Kind::Changed => Look::Yellow,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Look::Plain => "",
            Look::Bold => "1",
            Look::Faint => "2",
            Look::Red => "31",
            Look::Green => "32",
            Look::Yellow => "33",
        }
    }
}

impl Page {
    /// Adds text; whatever is in it, it steers no terminal.
    fn add(&mut self, look: Look, text: &str) {
        let text = printable(text);
        match (self.colour, look) {
            (Colour::No, _) | (_, Look::Plain) => self.text.push_str(&text),
            (Colour::Yes, look) => {
                write!(self.text, "\u{1b}[{}m{text}\u{1b}[0m", look.code())
                    .expect("a string takes it");
            }
        }
    }

    fn line(&mut self, indent: usize, look: Look, text: &str) {
        self.text.push_str(&" ".repeat(indent));
        self.add(look, &text.replace('\n', " "));
        self.text.push('\n');
    }

    /// What is to be known of a side before anything else, and what is not judged of it.
    fn opening(&mut self, side: &Side, unjudged: Option<&str>) {
        if let Some((wrong, _)) = &side.wrong {
            self.line(0, Look::Red, &format!("{} does not compile:", side.name));
            for line in wrong.lines() {
                self.line(2, Look::Plain, line);
            }
            if let Some(unjudged) = unjudged {
                self.line(2, Look::Yellow, &format!("= note: {unjudged}"));
            }
            self.text.push('\n');
        }
        for (drift, paths) in by_drift(side) {
            let shown: Vec<&str> = paths.iter().copied().take(MAX_PATHS).collect();
            let more = paths.len() - shown.len();
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let said = format!(
                "{}: {} {}",
                side.name,
                count(paths.len(), "file"),
                of_drift(drift)
            );
            self.line(0, Look::Yellow, &said);
            self.line(2, Look::Plain, &format!("{}{more}", shown.join(", ")));
        }
        if !side.drift.is_empty() {
            self.text.push('\n');
        }
    }

    fn more(&mut self, indent: usize, total: usize) {
        if total > MAX_LINES {
            self.line(
                indent,
                Look::Faint,
                &format!("and {} more", total - MAX_LINES),
            );
        }
    }

    fn dangers(&mut self, diff: &Diff, acknowledged: &[usize]) {
        for (index, danger) in diff.dangers.iter().enumerate() {
            self.danger(danger, diff, acknowledged.contains(&index));
        }
    }

    fn danger(&mut self, danger: &Danger, diff: &Diff, is_acknowledged: bool) {
        let look = match danger.severity {
            _ if is_acknowledged => Look::Faint,
            Severity::Error => Look::Red,
            Severity::Warning => Look::Yellow,
            Severity::Note => Look::Green,
        };
        let word = match danger.severity {
            _ if is_acknowledged => "acknowledged",
            severity => severity.word(),
        };
        self.add(look, &format!("{word}[{}]", danger.code));
        self.add(
            Look::Bold,
            &format!(": {}", danger.message.replace('\n', " ")),
        );
        self.text.push('\n');
        for cause in &danger.causes {
            let place = place(*cause, diff).map_or(String::new(), |place| format!(", {place}"));
            self.line(
                2,
                Look::Faint,
                &format!("= cause: {}{place}", phrase(*cause, diff)),
            );
        }
        for note in &danger.notes {
            self.line(2, Look::Plain, &format!("= note: {note}"));
        }
        for help in &danger.help {
            self.line(2, Look::Plain, &format!("= help: {help}"));
        }
        self.text.push('\n');
    }

    fn group(&mut self, group: &Group<'_>, diff: &Diff) {
        for (index, cause) in group.causes.iter().enumerate() {
            let and = if index > 0 { "and " } else { "" };
            self.add(Look::Bold, &format!("{and}{}", phrase(*cause, diff)));
            if let Some(place) = place(*cause, diff) {
                self.add(Look::Faint, &format!(" ({place})"));
            }
            if index + 1 < group.causes.len() {
                self.text.push('\n');
            }
        }
        let sum = format!(
            ": {} in {}",
            count(group.count(), "change"),
            count(group.files(), "file")
        );
        self.add(Look::Plain, &sum);
        self.text.push('\n');
        for part in &group.parts {
            self.part(part);
        }
        self.text.push('\n');
    }

    fn part(&mut self, part: &Part<'_>) {
        let change = part.change;
        let look = Look::of(change.kind);
        self.text.push_str("  ");
        self.add(look, sign(change.kind));
        self.add(Look::Plain, &format!(" {}", change.subject));
        if !change.nodes.is_empty() {
            self.add(Look::Faint, &format!(" ({})", change.nodes.join(", ")));
        }
        if let (true, Some((more, fewer))) = (change.is_document(), change.lines()) {
            self.add(Look::Faint, &format!(" (+{more} -{fewer} lines)"));
        }
        self.text.push('\n');
        if change.is_moved() {
            let path = |path: &Option<String>| path.clone().unwrap_or_default();
            let moved = format!("moved: {} -> {}", path(&change.from), path(&change.to));
            self.line(6, Look::Plain, &moved);
        }
        for field in &part.fields {
            self.field(field);
        }
        if part.fields.is_empty() && !change.is_document() {
            self.texts(change);
        }
    }

    fn field(&mut self, field: &Field) {
        let path = field.path.to_string();
        match &field.what {
            What::Reordered => self.line(6, Look::Yellow, &format!("{path}: in another order")),
            What::Added(node) => self.value(&path, "+", Look::Green, node),
            What::Removed(node) => self.value(&path, "-", Look::Red, node),
            What::Changed(before, after) => match (inline(before), inline(after)) {
                (Some(before), Some(after)) => {
                    self.line(6, Look::Plain, &format!("{path}: {before} -> {after}"));
                }
                _ => {
                    self.line(6, Look::Plain, &format!("{path}:"));
                    self.lines(&lines(before), &lines(after));
                }
            },
        }
    }

    fn value(&mut self, path: &str, sign: &str, look: Look, node: &crate::value::Node) {
        if let Some(value) = inline(node) {
            return self.line(6, look, &format!("{sign} {path}: {value}"));
        }
        self.line(6, look, &format!("{sign} {path}:"));
        let lines = lines(node);
        for line in lines.iter().take(MAX_LINES) {
            self.line(8, look, &format!("{sign} {line}"));
        }
        self.more(8, lines.len());
    }

    /// The lines in which two texts differ.
    fn texts(&mut self, change: &Change) {
        if let (Some(Content::Text(before)), Some(Content::Text(after))) =
            (&change.before, &change.after)
        {
            self.lines(before, after);
        }
    }

    fn lines(&mut self, before: &[String], after: &[String]) {
        let lines = changed_lines(before, after);
        for (kind, line) in lines.iter().take(MAX_LINES) {
            self.line(8, Look::of(*kind), &format!("{} {line}", sign(*kind)));
        }
        self.more(8, lines.len());
    }

    fn sum(&mut self, diff: &Diff, report: &Report<'_>) {
        let (base, target) = (&report.base.name, &report.target.name);
        let sum = format!("{} from {base} to {target}", sum(diff));
        self.line(0, Look::Bold, &sum);
    }
}

/// The sum of a diff in one line.
pub(super) fn sum(diff: &Diff) -> String {
    if diff.changes.is_empty() {
        return "nothing changes".to_owned();
    }
    let of = |kind: Kind| {
        diff.changes
            .iter()
            .filter(|change| change.kind == kind)
            .count()
    };
    let kinds = [Kind::Added, Kind::Changed, Kind::Removed].map(|kind| (of(kind), kind.word()));
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let dangers = match diff.dangers.len() {
        0 => String::new(),
        dangers => format!("; {}", count(dangers, "danger")),
    };
    format!(
        "{}: {}{dangers}",
        count(diff.changes.len(), "object"),
        kinds.join(", ")
    )
}

pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
