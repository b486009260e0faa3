//! Two texts to rows, a line of the one beside the line of the other that it became, with the words that differ.
//!
//! Knows lines alone: what they say, and how a row looks, is for others.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::diff::sequence::{Part, parts};

/// A row of two texts.
#[derive(Debug)]
pub(super) enum Row<'a> {
    /// Lines that both have.
    Same(Vec<&'a str>),
    /// A line that at least one side does not have.
    Differing {
        /// The line of the one.
        before: Option<Line<'a>>,
        /// The line of the other.
        after: Option<Line<'a>>,
    },
}

/// A line in parts, each with whether it is what differs.
pub(super) type Line<'a> = Vec<(&'a str, bool)>;

/// Above so many pairs of lines, one that was replaced stands beside the one in its place, whatever it says.
const MAX_PAIRS: usize = 40_000;
/// Letters of a line in which words are told apart.
const MAX_WORDS: usize = 4_000;

/// Letters at either end of a line that are held against another's.
const MAX_LIKE: usize = 400;

/// The rows of two texts, in their order.
pub(super) fn align<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for Part { is_same, old, new } in parts(before, after) {
        if is_same {
            rows.push(Row::Same(after[new].to_vec()));
            continue;
        }
        for (old, new) in pairs(&before[old], &after[new]) {
            rows.push(row(old, new));
        }
    }
    rows
}

fn row<'a>(before: Option<&'a str>, after: Option<&'a str>) -> Row<'a> {
    let plain = |line: &'a str| vec![(line, false)];
    let (before, after) = match (before, after) {
        (Some(before), Some(after)) => {
            let (before, after) = words(before, after);
            (Some(before), Some(after))
        }
        (before, after) => (before.map(plain), after.map(plain)),
    };
    Row::Differing { before, after }
}

/// Lines that were replaced, each beside the one that is most like it.
fn pairs<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<(Option<&'a str>, Option<&'a str>)> {
    if before.len() * after.len() > MAX_PAIRS {
        let count = before.len().max(after.len());
        let at = |lines: &[&'a str], index| lines.get(index).copied();
        return (0..count)
            .map(|index| (at(before, index), at(after, index)))
            .collect();
    }
    let best = likenesses(before, after);
    let (mut old, mut new) = (0, 0);
    let mut pairs = Vec::new();
    while old < before.len() || new < after.len() {
        let is_last = old == before.len() || new == after.len();
        let like = if is_last {
            0
        } else {
            likeness(before[old], after[new])
        };
        if like > 0 && best[old][new] == best[old + 1][new + 1] + like {
            pairs.push((Some(before[old]), Some(after[new])));
            (old, new) = (old + 1, new + 1);
        } else if old < before.len() && (is_last || best[old][new] == best[old + 1][new]) {
            pairs.push((Some(before[old]), None));
            old += 1;
        } else {
            pairs.push((None, Some(after[new])));
            new += 1;
        }
    }
    pairs
}

/// The most that can be alike from a line of the one and a line of the other on.
fn likenesses(before: &[&str], after: &[&str]) -> Vec<Vec<usize>> {
    let mut best = vec![vec![0; after.len() + 1]; before.len() + 1];
    for old in (0..before.len()).rev() {
        for new in (0..after.len()).rev() {
            let like = likeness(before[old], after[new]);
            let paired = if like > 0 {
                best[old + 1][new + 1] + like
            } else {
                0
            };
            best[old][new] = paired.max(best[old + 1][new]).max(best[old][new + 1]);
        }
    }
    best
}

/// How much two lines are alike, from 0 to 100: those of one key are, and those that share most of their letters.
fn likeness(before: &str, after: &str) -> usize {
    let shared = |one: &mut dyn Iterator<Item = char>, other: &mut dyn Iterator<Item = char>| {
        one.zip(other)
            .take_while(|(one, other)| one == other)
            .count()
    };
    let length = |line: &str| line.chars().take(MAX_LIKE).count();
    let longest = length(before).max(length(after)).max(1);
    let front = shared(&mut before.chars().take(MAX_LIKE), &mut after.chars());
    let back = shared(
        &mut before.chars().rev().take(MAX_LIKE),
        &mut after.chars().rev(),
    );
    let percent = (front + back).min(longest) * 99 / longest;
    if key(before).is_some() && key(before) == key(after) {
        return 1 + percent;
    }
    if percent >= 50 { percent } else { 0 }
}

/// The key of a line of YAML or of a script, with what it is indented by.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once([':', '='])?;
    (!key.trim().is_empty()).then_some(key)
}

/// Two lines in parts; neither is marked where they have little in common.
fn words<'a>(before: &'a str, after: &'a str) -> (Line<'a>, Line<'a>) {
    if before.len().max(after.len()) > MAX_WORDS {
        return (vec![(before, false)], vec![(after, false)]);
    }
    let (old, new) = (split(before), split(after));
    let (mut gone, mut here) = (Vec::new(), Vec::new());
    let mut shared = 0;
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if matches!(op, DiffOp::Equal { .. }) {
            shared += old[op.old_range()].concat().trim().len();
            continue;
        }
        gone.push(op.old_range());
        here.push(op.new_range());
    }
    let longest = before.trim().len().max(after.trim().len());
    if shared * 4 < longest {
        return (vec![(before, false)], vec![(after, false)]);
    }
    (marked(before, &old, &gone), marked(after, &new, &here))
}

/// Words, spaces, and each other letter by itself.
fn split(line: &str) -> Vec<&str> {
    let class = |letter: char| match letter {
        letter if letter.is_alphanumeric() || letter == '_' => 0,
        letter if letter.is_whitespace() => 1,
        _ => 2,
    };
    let mut parts = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (index, letter) in line.char_indices() {
        let is_new = last.is_some_and(|last| last == 2 || last != class(letter));
        if is_new {
            parts.push(&line[start..index]);
            start = index;
        }
        last = Some(class(letter));
    }
    parts.push(&line[start..]);
    parts
}

/// A line with its differing words marked; a lone letter between two of them is marked, too.
fn marked<'a>(line: &'a str, words: &[&'a str], differing: &[Range<usize>]) -> Line<'a> {
    let offset = |word: usize| words[..word].iter().map(|word| word.len()).sum::<usize>();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for range in differing.iter().filter(|range| !range.is_empty()) {
        let (start, end) = (offset(range.start), offset(range.end));
        match ranges.last_mut() {
            Some(last) if start <= last.end + 1 => last.end = end,
            _ => ranges.push(start..end),
        }
    }
    let mut parts = Vec::new();
    let mut at = 0;
    for range in ranges {
        if at < range.start {
            parts.push((&line[at..range.start], false));
        }
        at = range.end;
        parts.push((&line[range], true));
    }
    if at < line.len() || parts.is_empty() {
        parts.push((&line[at..], false));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{Row, align};

    /// Rows as text: `before | after`, what differs in brackets.
    fn rows(before: &str, after: &str) -> Vec<String> {
        let (before, after): (Vec<&str>, Vec<&str>) =
            (before.lines().collect(), after.lines().collect());
        let side = |line: Option<Vec<(&str, bool)>>| -> String {
            let parts = line.unwrap_or_else(|| vec![(".", false)]);
            let part = |(text, differs): (&str, bool)| match differs {
                true => format!("[{text}]"),
                false => text.to_owned(),
            };
            parts.into_iter().map(part).collect()
        };
        let shown = |row| match row {
            Row::Same(lines) => format!("= {}", lines.join("/")),
            Row::Differing { before, after } => format!("{} | {}", side(before), side(after)),
        };
        align(&before, &after).into_iter().map(shown).collect()
    }

    #[test]
    fn a_line_stands_beside_what_it_became() {
        assert_eq!(
            rows(
                "a: 1\nimage: nginx:1.2\nz: 1",
                "a: 1\nhost: x\nimage: nginx:1.3\nz: 1"
            ),
            [
                "= a: 1",
                ". | host: x",
                "image: nginx:1.[2] | image: nginx:1.[3]",
                "= z: 1"
            ]
        );
    }

    #[test]
    fn lines_with_nothing_in_common_stand_alone() {
        assert_eq!(rows("alpha", "omega: 17"), ["alpha | .", ". | omega: 17"]);
    }

    #[test]
    fn an_address_is_one_word() {
        assert_eq!(
            rows("ip: 192.168.1.4", "ip: 10.0.1.5"),
            ["ip: [192.168].1.[4] | ip: [10.0].1.[5]"]
        );
    }

    #[test]
    fn letters_of_several_bytes_are_not_cut() {
        assert_eq!(rows("n: ä→b", "n: ä→ö"), ["n: ä→[b] | n: ä→[ö]"]);
    }
}
