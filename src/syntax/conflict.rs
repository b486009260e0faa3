//! The marks that Git leaves in a text that it cannot merge -> where they are, and what the text is at either side.
//!
//! Knows no format: whoever reads a text asks when the text makes no sense to it.

use std::ops::Range;

const OURS: &str = "<<<<<<<";
const BASE: &str = "|||||||";
const MIDDLE: &str = "=======";
const THEIRS: &str = ">>>>>>>";

/// The line that each conflict begins with, or that one ends with whose beginning is gone.
pub fn marks(text: &str) -> Vec<Range<usize>> {
    let mut marks = Vec::new();
    let mut is_open = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (begins, ends) = (is(line, OURS), is(line, THEIRS));
        if begins || (ends && !is_open) {
            marks.push(start..start + line.trim_end().len());
        }
        is_open = begins || (is_open && !ends);
        start += line.len();
    }
    marks
}

/// The text with the first side of every conflict, and with the second; none if it has no conflict, or a broken one.
pub fn sides(text: &str) -> Option<[String; 2]> {
    let mut sides = [String::new(), String::new()];
    let mut state = State::Both;
    let mut has_conflict = false;
    for line in text.split_inclusive('\n') {
        state = match state {
            State::Both if is(line, OURS) => State::Ours,
            State::Ours if is(line, BASE) => State::Base,
            State::Ours | State::Base if is(line, MIDDLE) => State::Theirs,
            State::Theirs if is(line, THEIRS) => {
                has_conflict = true;
                State::Both
            }
            _ if is(line, OURS) || is(line, THEIRS) => return None,
            state => {
                let [ours, theirs] = &mut sides;
                if matches!(state, State::Both | State::Ours) {
                    ours.push_str(line);
                }
                if matches!(state, State::Both | State::Theirs) {
                    theirs.push_str(line);
                }
                state
            }
        };
    }
    (has_conflict && state == State::Both).then_some(sides)
}

/// Whose lines are being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Both,
    Ours,
    Base,
    Theirs,
}

/// Whether a line is a mark: seven letters, and what Git calls the side behind a blank.
fn is(line: &str, mark: &str) -> bool {
    let rest = line.strip_prefix(mark);
    rest.is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::{marks, sides};

    const MERGED: &str = "a\n<<<<<<< HEAD\nb\n||||||| 3f2a1c9\nold\n=======\nc\nd\n>>>>>>> other\ne\n<<<<<<< HEAD\n=======\nf\n>>>>>>> other\n";

    #[test]
    fn both_sides_are_told_apart() {
        let expected = ["a\nb\ne\n".to_owned(), "a\nc\nd\ne\nf\n".to_owned()];
        assert_eq!(sides(MERGED), Some(expected));
        let begins: Vec<&str> = marks(MERGED)
            .into_iter()
            .map(|range| &MERGED[range])
            .collect();
        assert_eq!(begins, ["<<<<<<< HEAD", "<<<<<<< HEAD"]);
    }

    #[test]
    fn what_is_broken_has_no_sides() {
        let broken = [
            "",
            "a\n",
            "a\n=======\nb\n",
            "<<<<<<< a\nb\n",
            "<<<<<<< a\n=======\n",
            "<<<<<<< a\n>>>>>>> b\n",
            ">>>>>>> b\n",
            "<<<<<<< a\n<<<<<<< a\n=======\n>>>>>>> b\n",
            "<<<<<<<< a\n=======\n>>>>>>> b\n",
        ];
        for text in broken {
            assert_eq!(sides(text), None, "{text:?}");
        }
        assert_eq!(marks(">>>>>>> b\n").first(), Some(&(0..9)));
        assert!(marks("a\n=======\n").is_empty());
    }
}
