//! Draws diagnostics: as text in the manner of rustc, and as JSON.
//!
//! The only file that knows the drawing crate. It decides nothing: order and wording come with the diagnostics.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Code, Diagnostic, Diagnostics, Label, Severity};
use crate::secret::hidden::certain;
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

/// What messages do not show as it is: files that hold secrets or letters that steer a terminal, and words of messages
/// that are secrets of these files.
#[derive(Default)]
struct Masked {
    /// Files with asterisks in the place of a secret, whatever the message is about.
    files: BTreeMap<SourceId, String>,
    secrets: BTreeSet<String>,
}

/// Letters from which on a secret is looked for anywhere in a message; a shorter one is looked for in backticks.
const LONG: usize = 6;

/// What stands for a secret in a message.
const MASK: &str = "(secret)";

impl Masked {
    fn new(shown: impl Iterator<Item = Span>, sources: &Sources) -> Self {
        let shown: BTreeSet<SourceId> = shown.map(|span| span.source).collect();
        let mut masked = Masked::default();
        for source in shown {
            let text = &sources.file(source).text;
            if text.contains(steers) {
                let harmless = text.chars().map(harmless).collect();
                masked.files.insert(source, harmless);
            }
            // What is encrypted is no secret: that it is there may be the very message.
            for secret in certain(text).into_iter().filter(|part| !part.is_encrypted) {
                masked.hide(source, secret.range, sources);
            }
        }
        masked
    }

    fn of(diagnostics: &Diagnostics, sources: &Sources) -> Self {
        let places = diagnostics.iter().flat_map(|found| {
            let labels = found.labels.iter().map(|label| label.span);
            found.span.into_iter().chain(labels)
        });
        let mut masked = Masked::new(places, sources);
        let found = diagnostics
            .iter()
            .filter(|found| found.code == Code::PLAIN_SECRET);
        for span in found.filter_map(|found| found.span) {
            masked.hide(span.source, span.range(), sources);
        }
        masked
    }

    fn hide(&mut self, source: SourceId, range: Range<usize>, sources: &Sources) {
        let original = &sources.file(source).text;
        let lines = original[range.clone()].lines().map(str::trim);
        let secrets = lines.filter(|line| !line.is_empty());
        self.secrets.extend(secrets.map(str::to_owned));
        let text = self
            .files
            .entry(source)
            .or_insert_with(|| original.to_string());
        let hidden = |byte| if byte == b'\n' { '\n' } else { '*' };
        // One asterisk a byte, so that every other span stays where it is.
        let stars: String = original.as_bytes()[range.clone()]
            .iter()
            .copied()
            .map(hidden)
            .collect();
        text.replace_range(range, &stars);
    }

    /// The words of a message as they may be shown.
    fn say(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for part in certain(&text).into_iter().rev() {
            text.replace_range(part.range, MASK);
        }
        // The longest first: one may be a part of another.
        let mut secrets: Vec<&String> = self.secrets.iter().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
            if secret.len() >= LONG {
                text = text.replace(secret.as_str(), MASK);
            } else {
                text = text.replace(&format!("`{secret}`"), MASK);
            }
        }
        text
    }
}

/// One diagnostic as text that ends in a line break.
fn draw(diagnostic: &Diagnostic, sources: &Sources, masked: &Masked, colour: Colour) -> String {
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
    render(&[group], colour)
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
/// others are notes to it.
pub fn places(sections: &[Section], sources: &Sources, colour: Colour) -> String {
    let labels = sections.iter().flat_map(|section| &section.places);
    let masked = Masked::new(labels.map(|label| label.span), sources);
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
    render(&groups, colour)
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
    masked: &'a Masked,
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
            let file = sources.file(source);
            let text = masked
                .files
                .get(&source)
                .map_or(file.text.as_ref(), String::as_str);
            let ranges: Vec<Range<usize>> = places
                .iter()
                .map(|(span, ..)| visible(*span, sources))
                .collect();
            let window = window(text, &ranges);
            let annotations = places.iter().zip(ranges).map(|((_, text, kind), range)| {
                let here = kind.span(range.start - window.start..range.end - window.start);
                if text.is_empty() {
                    here
                } else {
                    here.label(printable(&masked.say(text)))
                }
            });
            Snippet::source(&text[window.clone()])
                .line_start(file.place(window.start).0)
                .path(sources.shown(source))
                .annotations(annotations)
        })
        .collect()
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

/// Whether a letter steers a terminal that the drawing crate would let pass: the controls of Latin-1, and those that
/// turn the direction of text.
fn steers(letter: char) -> bool {
    matches!(
        letter,
        '\u{80}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// The letter, or one that takes as many bytes and steers nothing: every span stays where it is.
fn harmless(letter: char) -> char {
    if !steers(letter) {
        return letter;
    }
    match letter.len_utf8() {
        2 => '\u{b7}',
        _ => char::REPLACEMENT_CHARACTER,
    }
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

fn one(diagnostic: &Diagnostic, sources: &Sources, masked: &Masked) -> Value {
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
