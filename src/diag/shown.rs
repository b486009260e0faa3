//! Sources and messages as they may be shown: without secrets, and without letters that steer a terminal.
//!
//! In the place of a secret stands [`MASK`], however long it is: what stands behind it moves, and [`Shown`] knows where
//! to. Lines stay lines. Knows no drawing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Code, Diagnostics};
use crate::secret::hidden::certain;
use crate::source::{SourceId, Sources, Span};

/// What stands for a secret in a message.
const MASK: &str = "(secret)";

/// Letters from which on a secret is looked for anywhere in a message; a shorter one is looked for in backticks.
const LONG: usize = 6;

/// A part of a file that is not shown.
pub(crate) struct Part {
    /// Its bytes.
    pub(crate) range: Range<usize>,
    /// What stands for each of its lines.
    pub(crate) word: String,
}

impl Part {
    fn secret(range: Range<usize>) -> Self {
        Part {
            range,
            word: MASK.to_owned(),
        }
    }
}

/// Parts of files that are not shown.
pub(crate) type Hidden = BTreeMap<SourceId, Vec<Part>>;

/// What messages do not show as it is: files that hold secrets or letters that steer a terminal, and words of messages
/// that are secrets of these files.
pub(super) struct Masked<'a> {
    files: BTreeMap<SourceId, Shown<'a>>,
    secrets: BTreeSet<String>,
}

impl<'a> Masked<'a> {
    /// For messages that show these places, of files that have more to hide than their letters tell.
    pub(super) fn new(
        places: impl Iterator<Item = Span>,
        sources: &'a Sources,
        mut hidden: Hidden,
    ) -> Self {
        let files: BTreeSet<SourceId> = places.map(|span| span.source).collect();
        let mut secrets = BTreeSet::new();
        let mut show = |source: SourceId| {
            let text = &*sources.file(source).text;
            let mut parts = hidden.remove(&source).unwrap_or_default();
            // What is encrypted is no secret: that it is there may be the very message.
            for part in certain(text).into_iter().filter(|part| !part.is_encrypted) {
                secrets.extend(words(&text[part.range.clone()]));
                parts.push(Part::secret(part.range));
            }
            (source, Shown::new(text, parts))
        };
        let files = files.into_iter().map(&mut show).collect();
        Masked { files, secrets }
    }

    /// For diagnostics, some of which say what is a secret.
    pub(super) fn of(diagnostics: &Diagnostics, sources: &'a Sources) -> Self {
        let places = diagnostics.iter().flat_map(|found| {
            let labels = found.labels.iter().map(|label| label.span);
            found.span.into_iter().chain(labels)
        });
        let plain = diagnostics
            .iter()
            .filter(|found| found.code == Code::PLAIN_SECRET)
            .filter_map(|found| found.span);
        let mut hidden = Hidden::new();
        let mut secrets = BTreeSet::new();
        for span in plain {
            secrets.extend(words(sources.text(span)));
            let parts = hidden.entry(span.source).or_default();
            parts.push(Part::secret(span.range()));
        }
        let mut masked = Masked::new(places, sources, hidden);
        masked.secrets.extend(secrets);
        masked
    }

    /// A file that a place was named in.
    pub(super) fn file(&self, source: SourceId) -> &Shown<'a> {
        &self.files[&source]
    }

    /// The words of a message as they may be shown.
    pub(super) fn say(&self, text: &str) -> String {
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

/// The lines of a secret, each of which tells a part of it.
fn words(secret: &str) -> impl Iterator<Item = String> {
    let lines = secret.lines().map(str::trim);
    lines.filter(|line| !line.is_empty()).map(str::to_owned)
}

/// A file's text as it may be shown.
pub(super) struct Shown<'a> {
    /// The text: as many lines as the file has.
    pub(super) text: Cow<'a, str>,
    /// The marks, in order: the bytes of the file that each stands for, and its own.
    marks: Vec<(Range<usize>, Range<usize>)>,
}

impl<'a> Shown<'a> {
    fn new(text: &'a str, hidden: Vec<Part>) -> Self {
        let hidden = by_line(text, merged(hidden));
        if hidden.is_empty() && !text.contains(steers) {
            return Shown {
                text: Cow::Borrowed(text),
                marks: Vec::new(),
            };
        }
        let mut shown = String::new();
        let mut marks = Vec::new();
        let mut at = 0;
        for Part { range, word } in hidden {
            shown.extend(text[at..range.start].chars().map(harmless));
            let start = shown.len();
            shown.push_str(&word);
            at = range.end;
            marks.push((range, start..shown.len()));
        }
        shown.extend(text[at..].chars().map(harmless));
        Shown {
            text: Cow::Owned(shown),
            marks,
        }
    }

    /// Whether anything is another text than in the file.
    pub(super) fn is_marked(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Where a range of the file's bytes is in the text; of a mark never a part.
    pub(super) fn range(&self, range: Range<usize>) -> Range<usize> {
        let start = self
            .marks
            .iter()
            .find(|(hidden, _)| hidden.contains(&range.start))
            .map_or_else(|| self.moved(range.start), |(_, mark)| mark.start);
        let end = self
            .marks
            .iter()
            .find(|(hidden, _)| hidden.start < range.end && range.end <= hidden.end)
            .map_or_else(|| self.moved(range.end), |(_, mark)| mark.end);
        start..end
    }

    /// Where a byte is that no mark stands for.
    fn moved(&self, at: usize) -> usize {
        let before = self.marks.iter().rfind(|(hidden, _)| hidden.end <= at);
        before.map_or(at, |(hidden, mark)| mark.end + (at - hidden.end))
    }

    /// The column of a byte of the text, counted in letters from 1.
    pub(super) fn column(&self, at: usize) -> usize {
        let line = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        self.text[line..at].chars().count() + 1
    }
}

/// Parts in their order, those that share a byte as one.
fn merged(mut parts: Vec<Part>) -> Vec<Part> {
    parts.sort_by_key(|part| part.range.start);
    let mut merged: Vec<Part> = Vec::new();
    for part in parts {
        match merged.last_mut() {
            Some(last) if part.range.start < last.range.end => {
                last.range.end = last.range.end.max(part.range.end);
            }
            _ => merged.push(part),
        }
    }
    merged
}

/// What parts have in each line, without the indentation of the lines that go on.
fn by_line(text: &str, parts: Vec<Part>) -> Vec<Part> {
    let mut found = Vec::new();
    for Part { range, word } in parts {
        let mut at = range.start;
        for line in text[range.clone()].split_inclusive('\n') {
            let end = at + line.trim_end_matches(['\n', '\r']).len();
            let start = match at == range.start {
                true => at,
                false => at + (line.len() - line.trim_start().len()),
            };
            at += line.len();
            if start < end {
                found.push(Part {
                    range: start..end,
                    word: word.clone(),
                });
            }
        }
    }
    found
}

/// Whether a letter steers a terminal that the drawing crate would let pass: the controls of Latin-1, and those that
/// turn the direction of text.
pub(super) fn steers(letter: char) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_behind_and_inside_a_secret() {
        let text = "é = \"abc\", f = \"0123456789\", g = 1\nh = 2\n";
        let at = |part: &str| {
            let start = text.find(part).expect("it is there");
            start..start + part.len()
        };
        let hidden = ["0123456789", "abc", "345"].map(|part| Part::secret(at(part)));
        let shown = Shown::new(text, hidden.into());
        assert_eq!(
            shown.text,
            "é = \"(secret)\", f = \"(secret)\", g = 1\nh = 2\n"
        );
        let found = |part: &str| &shown.text[shown.range(at(part))];
        assert_eq!(found("é"), "é");
        assert_eq!(found("f = "), "f = ");
        assert_eq!(found("g = 1"), "g = 1");
        assert_eq!(found("h = 2"), "h = 2");
        for inside in ["0123456789", "0", "345", "9"] {
            assert_eq!(found(inside), MASK, "{inside}");
        }
        assert_eq!(found("\"0123456789\""), "\"(secret)\"");
        assert_eq!(found("6789\", g"), "(secret)\", g");
        let empty = at("345").start;
        assert_eq!(&shown.text[shown.range(empty..empty)], MASK);
        assert_eq!(shown.column(shown.range(at("g = 1")).start), 33);
    }

    #[test]
    fn a_secret_of_several_lines_keeps_them_and_their_indentation() {
        let text = "key: |\n  ab\r\n\n    cd\n  ef\nx: 1\n";
        let start = text.find("ab").expect("it is there");
        let end = text.find("ef").expect("it is there") + 2;
        let shown = Shown::new(text, vec![Part::secret(start..end)]);
        assert_eq!(
            shown.text,
            "key: |\n  (secret)\r\n\n    (secret)\n  (secret)\nx: 1\n"
        );
    }
}
