//! Draws diagnostics: as text in the manner of rustc, and as JSON.
//!
//! The only file that knows the drawing crate. It decides nothing: order and wording come with the diagnostics.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::shown::{Hidden, Masked, steers};
use super::{Diagnostic, Diagnostics, Label, Severity};
use crate::source::{SourceId, Sources, Span};

/// Columns that a drawn message may take.
const WIDTH: usize = 140;

/// Whether text carries terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Escape sequences are fine.
    Yes,
    /// Plain text.
    No,
}

/// All diagnostics as text, sorted, a blank line between two; empty if there is none.
pub fn text(diagnostics: &Diagnostics, sources: &Sources, colour: Colour) -> String {
    let masked = Masked::of(diagnostics, sources);
    let (shown, left_out) = shown(diagnostics, sources);
    let mut drawn: Vec<String> = shown
        .into_iter()
        .map(|diagnostic| draw(diagnostic, sources, &masked, colour))
        .collect();
    if left_out > 0 {
        drawn.push(format!("and {left_out} more\n"));
    }
    drawn.join("\n")
}

/// Messages that a report shows: more of them, nobody reads.
const MAX_SHOWN: usize = 100;

/// The messages that are shown, sorted, and the number of those that are not: the worst come first.
fn shown<'a>(diagnostics: &'a Diagnostics, sources: &Sources) -> (Vec<&'a Diagnostic>, usize) {
    let all = diagnostics.sorted(sources);
    let total = all.len();
    if total <= MAX_SHOWN {
        return (all, 0);
    }
    let mut by_severity: Vec<(Severity, usize)> = all
        .iter()
        .enumerate()
        .map(|(place, diagnostic)| (diagnostic.severity, place))
        .collect();
    by_severity.sort_unstable();
    by_severity.truncate(MAX_SHOWN);
    by_severity.sort_unstable_by_key(|(_, place)| *place);
    let shown = by_severity.into_iter().map(|(_, place)| all[place]);
    (shown.collect(), total - MAX_SHOWN)
}

/// One diagnostic as text that ends in a line break.
fn draw(diagnostic: &Diagnostic, sources: &Sources, masked: &Masked<'_>, colour: Colour) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = level
        .primary_title(printable(&masked.say(&diagnostic.message)))
        .id(diagnostic.code.to_string())
        .elements(snippets(annotated(diagnostic), sources, masked));
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(printable(&masked.say(note))));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(printable(&masked.say(help))));
    }
    let drawn = render(&[group], colour);
    placed(&drawn, annotated(diagnostic), sources, masked)
}

/// Places under a title, each with what is there.
#[derive(Clone, Debug)]
pub struct Section {
    /// A line without a code.
    pub title: String,
    /// The places; the first one is the most important.
    pub places: Vec<Label>,
}

/// Sections drawn like one message, as text that ends in a line break: the first title says what it is about, the
/// others are notes to it. What is hidden of the sources is not shown.
pub(crate) fn places(
    sections: &[Section],
    sources: &Sources,
    hidden: Hidden,
    colour: Colour,
) -> String {
    let labels = || sections.iter().flat_map(|section| &section.places);
    let masked = Masked::new(labels().map(|label| label.span), sources, hidden);
    let groups: Vec<Group<'_>> = sections
        .iter()
        .enumerate()
        .map(|(index, section)| {
            let title = printable(&masked.say(&section.title));
            let title = match index {
                0 => Level::INFO.no_name().primary_title(title),
                _ => Level::NOTE.secondary_title(title),
            };
            let places = section.places.iter().enumerate();
            let annotated = places.map(|(index, label)| {
                let kind = match index {
                    0 => AnnotationKind::Primary,
                    _ => AnnotationKind::Context,
                };
                (label.span, label.text.as_str(), kind)
            });
            title.elements(snippets(annotated, sources, &masked))
        })
        .collect();
    let drawn = render(&groups, colour);
    let annotated = labels().map(|label| (label.span, "", AnnotationKind::Context));
    placed(&drawn, annotated, sources, &masked)
}

fn render(report: &[Group<'_>], colour: Colour) -> String {
    let renderer = match colour {
        Colour::Yes => Renderer::styled(),
        Colour::No => Renderer::plain(),
    };
    let mut drawn = renderer.term_width(WIDTH).render(report);
    drawn.push('\n');
    inert(&drawn)
}

/// A place, what is there, and how it is marked.
type Annotated<'a> = (Span, &'a str, AnnotationKind);

fn annotated(diagnostic: &Diagnostic) -> impl Iterator<Item = Annotated<'_>> {
    let primary = diagnostic
        .span
        .map(|span| (span, diagnostic.label.as_str(), AnnotationKind::Primary));
    let context = diagnostic
        .labels
        .iter()
        .map(|label| (label.span, label.text.as_str(), AnnotationKind::Context));
    primary.into_iter().chain(context)
}

/// One snippet a file: the file of the caret first, the others in the order of their labels.
fn snippets<'a>(
    annotated: impl Iterator<Item = Annotated<'a>>,
    sources: &'a Sources,
    masked: &'a Masked<'_>,
) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut files: Vec<(SourceId, Vec<Annotated<'a>>)> = Vec::new();
    for annotated in annotated {
        let source = annotated.0.source;
        match files.iter_mut().find(|(known, _)| *known == source) {
            Some((_, places)) => places.push(annotated),
            None => files.push((source, vec![annotated])),
        }
    }
    files
        .into_iter()
        .map(|(source, places)| {
            let shown = masked.file(source);
            let ranges: Vec<Range<usize>> = places
                .iter()
                .map(|(span, ..)| shown.range(visible(*span, sources)))
                .collect();
            let window = window(&shown.text, &ranges);
            let first = places.iter().map(|(span, ..)| span.start).min();
            let (line, _) = sources
                .file(source)
                .place(first.unwrap_or_default() as usize);
            let annotations = places.iter().zip(ranges).map(|((_, text, kind), range)| {
                let here = kind.span(range.start - window.start..range.end - window.start);
                if text.is_empty() {
                    here
                } else {
                    here.label(printable(&masked.say(text)))
                }
            });
            Snippet::source(&shown.text[window.clone()])
                .line_start(line)
                .path(sources.shown(source))
                .annotations(annotations)
        })
        .collect()
}

/// A drawing whose places are those of the files: it was made from what is shown of them, where a secret is as long as
/// the word for it.
fn placed<'a>(
    drawn: &str,
    annotated: impl Iterator<Item = Annotated<'a>>,
    sources: &Sources,
    masked: &Masked<'_>,
) -> String {
    let mut moved: Vec<[String; 2]> = Vec::new();
    for (span, ..) in annotated {
        let shown = masked.file(span.source);
        // A column of a long line takes its time, and without a mark none has moved.
        if !shown.is_marked() {
            continue;
        }
        let (line, column) = start(span, sources);
        let drawn = shown.column(shown.range(span.range()).start);
        if drawn != column {
            let path = printable(&sources.shown(span.source));
            moved.push([drawn, column].map(|column| format!("{path}:{line}:{column}")));
        }
    }
    let of_line = |line: &str| {
        let at = ["--> ", "::: "]
            .into_iter()
            .find_map(|arrow| line.find(arrow));
        let is_place = at.is_some_and(|at| !line[..at].contains('|'));
        let known = moved.iter().filter(|_| is_place).find(|[drawn, _]| {
            let behind = line.split_once(drawn.as_str()).map(|(_, behind)| behind);
            behind.is_some_and(|behind| !behind.starts_with(|next: char| next.is_ascii_digit()))
        });
        known.map_or_else(
            || line.to_owned(),
            |[drawn, real]| line.replacen(drawn, real, 1),
        )
    };
    drawn.split_inclusive('\n').map(of_line).collect()
}

/// The lines that some places are in: the drawing crate takes its time with every line that it is given.
fn window(text: &str, ranges: &[Range<usize>]) -> Range<usize> {
    let first = ranges.iter().map(|range| range.start).min();
    let last = ranges.iter().map(|range| range.end).max();
    let start = text[..first.unwrap_or_default()]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let last = last.unwrap_or_default();
    let end = text[last..]
        .find('\n')
        .map_or(text.len(), |at| last + at + 1);
    start..end
}

/// The first line of a span: carets under twenty lines help nobody.
fn visible(span: Span, sources: &Sources) -> std::ops::Range<usize> {
    let text = sources.text(span);
    let length = text.find('\n').unwrap_or(text.len());
    span.start as usize..span.start as usize + text[..length].trim_end().len()
}

/// Text without control characters, so that a value of the lab cannot steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if (letter.is_control() && letter != '\n') || steers(letter) {
                char::REPLACEMENT_CHARACTER
            } else {
                letter
            }
        })
        .collect()
}

/// Text whose lines are no commands for the service that runs labc and reads what it prints: `::name` at the beginning of
/// a line, `##[name]` anywhere. No letter moves.
pub(crate) fn inert(text: &str) -> String {
    let text = text.replace("##[", "# [");
    let lines = text.split_inclusive('\n').map(|line| {
        let start = line.len() - line.trim_start().len();
        // The three colons before the name of a file are none.
        let rest = line[start..].strip_prefix("::");
        match rest.filter(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic())) {
            Some(rest) => format!("{}: {rest}", &line[..start]),
            None => line.to_owned(),
        }
    });
    lines.collect()
}

/// Data as text that ends in a line break: letters that steer a terminal, and what begins a command, are escaped.
pub(crate) fn data(value: &Value) -> String {
    let mut text = String::new();
    for letter in format!("{value:#}\n").replace("##[", "#\\u0023[").chars() {
        if steers(letter) || letter == '\u{7f}' {
            text.push_str(&format!("\\u{:04x}", letter as u32));
        } else {
            text.push(letter);
        }
    }
    text
}

/// All diagnostics as data, sorted: `{"schema": 1, "diagnostics": [...]}`.
///
/// Lines and columns count from 1, columns in characters, ends are exclusive. A diagnostic without a place has
/// null there. Files are relative to the lab's folder; of a commit's lab, `at` is what Git wants before their names.
pub fn json(diagnostics: &Diagnostics, sources: &Sources) -> Value {
    let masked = Masked::of(diagnostics, sources);
    let all: Vec<Value> = diagnostics
        .sorted(sources)
        .into_iter()
        .map(|diagnostic| one(diagnostic, sources, &masked))
        .collect();
    match &sources.at {
        Some(at) => json!({ "schema": 1, "at": at, "diagnostics": all }),
        None => json!({ "schema": 1, "diagnostics": all }),
    }
}

fn one(diagnostic: &Diagnostic, sources: &Sources, masked: &Masked<'_>) -> Value {
    let say = |text: &String| masked.say(text);
    let labels: Vec<Value> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let (line, column) = start(label.span, sources);
            json!({
                "file": sources.file(label.span.source).name,
                "line": line,
                "column": column,
                "text": say(&label.text),
            })
        })
        .collect();
    let begin = diagnostic.span.map(|span| start(span, sources));
    let end = diagnostic
        .span
        .map(|span| sources.file(span.source).place(span.end as usize));
    json!({
        "code": diagnostic.code.to_string(),
        "severity": diagnostic.severity.word(),
        "message": say(&diagnostic.message),
        "label": say(&diagnostic.label),
        "file": diagnostic.span.map(|span| &sources.file(span.source).name),
        "line": begin.map(|place| place.0),
        "column": begin.map(|place| place.1),
        "end_line": end.map(|place| place.0),
        "end_column": end.map(|place| place.1),
        "labels": labels,
        "notes": diagnostic.notes.iter().map(say).collect::<Vec<_>>(),
        "help": diagnostic.help.iter().map(say).collect::<Vec<_>>(),
    })
}

fn start(span: Span, sources: &Sources) -> (usize, usize) {
    sources.file(span.source).place(span.start as usize)
}
