//! The `key: value`, `key = value` and `--key value` of a line, in whatever language it is.

use std::ops::Range;

/// The keys of a line, each with where its value is.
pub(super) fn find(line: &str) -> Vec<(&str, Range<usize>)> {
    let mut found = Vec::new();
    for (at, mark) in line.match_indices([':', '=']) {
        let rest = &line[at + mark.len()..];
        if rest.starts_with([':', '=']) || rest.starts_with("//") {
            continue;
        }
        let before = line[..at].trim_end_matches([':', '=', '!', '?', '+', '~', ' ']);
        if let Some((key, is_first)) = key(before) {
            let range = value(line, at + mark.len(), is_first);
            found.push((key, range));
        }
    }
    found.extend(options(line));
    found
}

/// The key at the end of a text, its last part alone; and whether nothing stands before it.
fn key(before: &str) -> Option<(&str, bool)> {
    let key = before
        .trim_end()
        .trim_end_matches(['"', '\'', '\\', '`', '*', ']']);
    let is_part = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
    let start = key
        .char_indices()
        .rev()
        .take_while(|(_, letter)| is_part(*letter))
        .last()?
        .0;
    let around = key[..start]
        .trim_start_matches(|letter: char| letter.is_whitespace() || "-+\"'>#*".contains(letter));
    let is_first = around.is_empty() || around.trim_end() == "export";
    // A dot at its beginning belongs to a name: `.dockerconfigjson`.
    let key = key[start..].rsplit('.').next()?;
    Some((key.trim_start_matches('-'), is_first))
}

/// Where the value is that begins somewhere behind a sign. Behind the first key of a line it goes on to the end of the
/// line where a space or a colon says that this is no shell.
fn value(line: &str, from: usize, is_first: bool) -> Range<usize> {
    let rest = &line[from..];
    let trimmed = rest.trim_start_matches(['>', ' ', '\t']);
    let start = from + (rest.len() - trimmed.len());
    let is_spaced = start > from;
    let quoted = trimmed.trim_start_matches('\\');
    if let Some(quote) = quoted
        .chars()
        .next()
        .filter(|letter| "\"'`".contains(*letter))
    {
        let inside = line.len() - quoted.len() + quote.len_utf8();
        return inside..closing(line, inside, quote);
    }
    if trimmed.starts_with(['{', '[']) {
        return start..start;
    }
    let length = if is_first && is_spaced {
        trimmed.find(" #").unwrap_or(trimmed.len())
    } else {
        let ends = |letter: char| letter.is_whitespace() || ",}])&;\"'`\\".contains(letter);
        trimmed.find(ends).unwrap_or(trimmed.len())
    };
    start..start + trimmed[..length].trim_end().len()
}

/// Where a quoted text ends; the text after a closing quote that is none, as in shells, is left to the other finders.
fn closing(line: &str, from: usize, quote: char) -> usize {
    let is_escaped = line[..from - quote.len_utf8()].ends_with('\\');
    let mut backslashes = 0;
    for (offset, letter) in line[from..].char_indices() {
        if letter == quote && (backslashes % 2 == 1) == is_escaped {
            return from + offset - usize::from(is_escaped);
        }
        backslashes = if letter == '\\' { backslashes + 1 } else { 0 };
    }
    line.len()
}

/// The options of a command whose value is the next word.
fn options(line: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    let starts = line.match_indices('-').map(|(at, _)| at);
    starts.filter_map(move |at| {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|before| !before.is_whitespace() && !"\"'`".contains(before)) {
            return None;
        }
        let option = line[at..].trim_start_matches('-');
        let start = line.len() - option.len();
        let length = option.find([' ', '\t'])?;
        let name = &option[..length];
        let is_name = name
            .chars()
            .all(|letter| letter.is_alphanumeric() || "-_".contains(letter));
        let range = value(line, start + length, false);
        (is_name && !name.is_empty() && !line[range.start..].starts_with('-'))
            .then_some((name, range))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &'static str) -> Vec<(&'static str, &'static str)> {
        find(line)
            .into_iter()
            .map(|(key, range)| (key, &line[range]))
            .collect()
    }

    #[test]
    fn values_are_found_in_every_language() {
        for (line, key, value) in [
            ("password: correct horse # x", "password", "correct horse"),
            ("  - \"password\": 'it''s'", "password", "it"),
            ("password = \"a \\\" b\"", "password", "a \\\" b"),
            (
                "{\\\"password\\\":\\\"a b\\\",\\\"x\\\":1}",
                "password",
                "a b",
            ),
            ("export DB_PASSWORD=x y", "DB_PASSWORD", "x"),
            ("curl --password hunter2 host", "password", "hunter2"),
            ("curl --password='hunter 2' host", "password", "hunter 2"),
            ("x?token=abc&y=1", "token", "abc"),
            ("  .dockerconfigjson: abc", "dockerconfigjson", "abc"),
            ("password:!bang", "password", "!bang"),
            ("password := `raw x`", "password", "raw x"),
        ] {
            assert!(
                shown(line).contains(&(key, value)),
                "{line}: {:?}",
                shown(line)
            );
        }
    }
}
