//! The data of Secrets in manifests that are not, or cannot be, read as data: by their lines alone.

use std::ops::Range;

use super::key::{names_secret, stands_for_another};

/// Where the values of Secrets are, and those of secrets that go on in deeper lines.
pub(super) fn values(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for document in documents(text) {
        let is_secret = document.lines().any(says_secret);
        blocks(document, is_secret, start, &mut found);
        start += document.len();
    }
    found.retain(|range| !stands_for_another(text[range.clone()].trim_matches(['"', '\''])));
    found
}

/// The documents of a text, with what separates them.
fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push(&text[start..at]);
            start = at;
        }
        at += line.len();
    }
    documents.push(&text[start..]);
    documents
}

fn says_secret(line: &str) -> bool {
    line.match_indices("kind").any(|(at, kind)| {
        let rest = line[at + kind.len()..].trim_start_matches(['"', '\'', '\\', ' ', '\t']);
        let Some(rest) = rest.strip_prefix(':') else {
            return false;
        };
        let word = rest.trim_start_matches(['"', '\'', '\\', ' ', '\t']);
        let end = word.find(|letter: char| !letter.is_alphanumeric());
        &word[..end.unwrap_or(word.len())] == "Secret"
    })
}

fn blocks(document: &str, is_secret: bool, offset: usize, found: &mut Vec<Range<usize>>) {
    // The column of the key whose deeper lines are hidden.
    let mut block: Option<usize> = None;
    let mut at = offset;
    for line in document.split_inclusive('\n') {
        let (start, here) = (at, line.trim_end());
        at += line.len();
        let Some((column, key, value)) = key_of(here) else {
            if let (Some(_), false) = (block, is_mark(here)) {
                found.push(whole(here, start));
            }
            continue;
        };
        if block.is_some_and(|block| column > block) {
            found.push(start + value..start + here.len());
            continue;
        }
        block = None;
        let rest = here[value..].trim();
        let holds_data = is_secret && ["data", "stringData"].contains(&key);
        let goes_on = rest.starts_with(['|', '>']) && names_secret(key);
        if holds_data || goes_on {
            block = Some(column);
        }
        if holds_data && !["", "{"].contains(&rest) {
            found.push(start + value..start + here.len());
        }
    }
}

/// The column of a line's key, the key, and where its value begins.
fn key_of(line: &str) -> Option<(usize, &str, usize)> {
    let text = line.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '-');
    let column = line.len() - text.len();
    let end = text.find(':')?;
    let key = text[..end].trim_matches(['"', '\'', ' ', '{', '\\']);
    let is_key = !key.is_empty()
        && key
            .chars()
            .all(|letter| letter.is_alphanumeric() || "_-./".contains(letter));
    let rest = &text[end + 1..];
    let is_open = rest.is_empty() || rest.starts_with([' ', '\t', '"', '\\', '{']);
    let value = line.len() - rest.trim_start().len();
    (is_key && is_open).then_some((column, key, value))
}

/// A line that says nothing: empty, a bracket, a mark of a conflict.
fn is_mark(line: &str) -> bool {
    let text = line.trim();
    text.chars().all(|letter| "{}[],-".contains(letter))
        || ["<<<<<<<", "=======", ">>>>>>>"]
            .iter()
            .any(|mark| text.starts_with(mark))
}

fn whole(line: &str, start: usize) -> Range<usize> {
    let text = line.trim_start();
    start + (line.len() - text.len())..start + line.len()
}
