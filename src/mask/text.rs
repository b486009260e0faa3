//! The secrets of a text: those that its letters give away, and those of the manifests that it holds.

use std::ops::Range;

use super::Masker;
use crate::diag::Diagnostics;
use crate::secret::hidden::hidden;
use crate::source::{SourceKind, Sources};
use crate::syntax::{toml, yaml};
use crate::value::{Node, Value};

/// Texts that may lie in one another.
const MAX_DEPTH: usize = 4;

/// A part of a text and the word that stands for it.
pub(crate) struct Piece {
    /// Its bytes.
    pub(crate) range: Range<usize>,
    /// The word.
    pub(crate) word: String,
}

/// Two texts as they may be shown, with as many lines as they have: lines that differ still do.
pub(crate) fn pair(one: &str, other: &str) -> [String; 2] {
    let mut masker = Masker::default();
    [one, other].map(|text| masker.aligned(text))
}

impl Masker {
    /// A text as it may be shown.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let mut shown = String::new();
        let mut at = 0;
        for piece in self.pieces(text) {
            shown.push_str(&text[at..piece.range.start]);
            shown.push_str(&piece.word);
            at = piece.range.end;
        }
        shown.push_str(&text[at..]);
        shown
    }

    /// The lines of a text as they may be shown, as many as there are: of what goes on over several, each shows the word.
    pub(crate) fn lines(&mut self, text: &str) -> Vec<String> {
        let pieces = self.pieces(text);
        let mut start = 0;
        let of_line = |line: &str| {
            let here = start..start + line.len();
            start = here.end;
            let mut shown = String::new();
            let mut at = here.start;
            let end = here.start + line.trim_end_matches(['\n', '\r']).len();
            for piece in &pieces {
                let part = piece.range.start.max(here.start)..piece.range.end.min(end);
                if part.start < part.end {
                    shown.push_str(&text[at..part.start]);
                    shown.push_str(&piece.word);
                    at = part.end;
                }
            }
            shown.push_str(&text[at..end.max(at)]);
            shown
        };
        text.split_inclusive('\n').map(of_line).collect()
    }

    /// A text as it may be shown, with as many lines as it has.
    fn aligned(&mut self, text: &str) -> String {
        let shown = self.lines(text);
        let lines = text.split_inclusive('\n').zip(shown);
        let ended = lines.map(|(line, shown)| {
            let end = line.trim_end_matches(['\n', '\r']).len();
            shown + &line[end..]
        });
        ended.collect()
    }

    /// The word for all of a text.
    pub(super) fn word(&mut self, text: &str) -> String {
        let is_encrypted = matches!(hidden(text).as_slice(), [one] if one.is_encrypted && one.range.len() == text.len());
        match is_encrypted {
            true => self.encrypted(text),
            false => self.secret(text),
        }
    }

    /// The parts of a text that are not shown, in their order.
    pub(crate) fn pieces(&mut self, text: &str) -> Vec<Piece> {
        let parts = self.parts(text);
        self.worded(text, parts)
    }

    /// The parts of a source file that are not shown, in their order: those of its text, and of the values in TOML.
    pub(crate) fn source(&mut self, name: &str, text: &str) -> Vec<Piece> {
        let mut parts = self.parts(text);
        if name.ends_with(".toml") {
            let tree = table(text);
            let mut masked = tree.clone();
            self.inner().node(&mut masked);
            let mut places = Vec::new();
            self.differing(&tree, &masked, text, &mut places);
            parts.extend(places.into_iter().map(|range| (range, false)));
        }
        self.worded(text, parts)
    }

    /// What is not shown of a text, and whether it is nothing but what SOPS has encrypted.
    fn parts(&self, text: &str) -> Vec<(Range<usize>, bool)> {
        let mut parts: Vec<(Range<usize>, bool)> = hidden(text)
            .into_iter()
            .map(|part| (part.range, part.is_encrypted))
            .filter(|(range, _)| !self.is_name(&text[range.clone()]))
            .collect();
        parts.extend(self.embedded(text).into_iter().map(|range| (range, false)));
        parts.extend(words(text).map(|range| (range, false)));
        parts
    }

    /// A word for each part.
    fn worded(&mut self, text: &str, parts: Vec<(Range<usize>, bool)>) -> Vec<Piece> {
        let piece = |(range, is_encrypted): (Range<usize>, bool)| {
            let hidden = &text[range.clone()];
            let word = match is_encrypted {
                true => self.encrypted(hidden),
                false => self.word(hidden),
            };
            Piece { range, word }
        };
        merge(parts).into_iter().map(piece).collect()
    }

    /// The secrets of the objects that a text holds.
    fn embedded(&self, text: &str) -> Vec<Range<usize>> {
        if !has_structure(text) {
            return Vec::new();
        }
        if self.depth == MAX_DEPTH {
            return std::iter::once(0..text.len()).collect();
        }
        let mut found = Vec::new();
        for document in documents(text).unwrap_or_default() {
            let mut masked = document.clone();
            let mut masker = self.inner();
            masker.node(&mut masked);
            self.differing(&document, &masked, text, &mut found);
        }
        found
    }

    /// One for a text inside this one.
    fn inner(&self) -> Self {
        Masker {
            depth: self.depth + 1,
            ..Masker::knowing(self.names.clone())
        }
    }

    /// The places in a text of the values that were masked.
    fn differing(&self, node: &Node, masked: &Node, text: &str, found: &mut Vec<Range<usize>>) {
        match (&node.value, &masked.value) {
            (Value::Map(map), Value::Map(masked)) => {
                for (key, entry) in map.iter() {
                    if let Some(masked) = masked.get(key) {
                        self.differing(&entry.node, &masked.node, text, found);
                    }
                }
            }
            (Value::List(items), Value::List(masked)) => {
                for (item, masked) in items.iter().zip(masked) {
                    self.differing(item, masked, text, found);
                }
            }
            (one, other) if one != other => found.extend(self.places(node, masked, text)),
            _ => {}
        }
    }

    /// Where the secrets of a value are written: all of it, or parts of it where it is written letter by letter.
    fn places(&self, node: &Node, masked: &Node, text: &str) -> Vec<Range<usize>> {
        let Some(span) = node.origin.first() else {
            return Vec::new();
        };
        let range = inside(text, span.range());
        let shown = masked.as_str().unwrap_or_default();
        let is_word = words(shown).any(|word| word == (0..shown.len()));
        match node.as_str() {
            Some(value) if !is_word && &text[range.clone()] == value => {
                let parts = self.inner().pieces(value).into_iter();
                let start = range.start;
                parts
                    .map(|part| part.range.start + start..part.range.end + start)
                    .collect()
            }
            _ => vec![range],
        }
    }
}

/// Whether a text may hold an object: several lines with keys, or JSON.
fn has_structure(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(['{', '['])
        || text.contains('\n') && (text.contains(": ") || text.contains(":\n"))
}

/// The maps and lists that a text holds; none where it is no YAML.
pub(super) fn documents(text: &str) -> Option<Vec<Node>> {
    let mut sources = Sources::default();
    let source = sources.add(String::new(), text.into(), SourceKind::Lab);
    let mut found = Diagnostics::default();
    let documents = yaml::read(source, text, &mut found);
    (!found.has_errors() && !documents.is_empty()).then_some(documents)
}

/// The table that a text in TOML is; as much of it as can be read.
fn table(text: &str) -> Node {
    let mut sources = Sources::default();
    let source = sources.add(String::new(), text.into(), SourceKind::Lab);
    toml::read(source, text, &mut Diagnostics::default())
}

/// The range without the quotes and the line breaks around it.
fn inside(text: &str, range: Range<usize>) -> Range<usize> {
    let written = text[range.clone()].trim_end();
    let quote = written
        .chars()
        .next()
        .filter(|letter| "\"'".contains(*letter));
    match quote {
        Some(quote) if written.len() > 1 && written.ends_with(quote) => {
            range.start + 1..range.start + written.len() - 1
        }
        _ => range.start..range.start + written.len(),
    }
}

/// The words for secrets that a text holds itself: what was written must not look like what was hidden.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    ["(secret", "(encrypted"]
        .into_iter()
        .flat_map(move |begin| {
            text.match_indices(begin).filter_map(move |(start, _)| {
                let rest = &text[start + begin.len()..];
                let number = rest.strip_prefix(' ').unwrap_or(rest);
                let digits = number.trim_start_matches(|letter: char| letter.is_ascii_digit());
                digits
                    .starts_with(')')
                    .then(|| start..text.len() - digits.len() + 1)
            })
        })
}

/// Parts that share a letter are one.
fn merge(mut parts: Vec<(Range<usize>, bool)>) -> Vec<(Range<usize>, bool)> {
    parts.retain(|(range, _)| !range.is_empty());
    parts.sort_by_key(|(range, is_encrypted)| {
        (range.start, std::cmp::Reverse(range.end), !is_encrypted)
    });
    let mut merged: Vec<(Range<usize>, bool)> = Vec::new();
    for (range, is_encrypted) in parts {
        match merged.last_mut() {
            Some((last, was_encrypted)) if range.start < last.end => {
                *was_encrypted &= range.end <= last.end;
                last.end = last.end.max(range.end);
            }
            _ => merged.push((range, is_encrypted)),
        }
    }
    merged
}
