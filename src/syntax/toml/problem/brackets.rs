//! Which bracket of a TOML text is not closed.
//!
//! Knows strings, comments and headers, and no more of TOML.

/// The place of a `[` or `{` of a value that is still open at the next table's header, or at the end.
pub(super) fn unclosed(text: &str) -> Option<usize> {
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    let mut begins_line = true;
    while at < text.len() {
        if begins_line && is_header(&text[at..]) {
            if let Some(last) = open.last() {
                return Some(*last);
            }
            at += line_length(&text[at..]);
            continue;
        }
        let letter = text.as_bytes()[at];
        begins_line = letter == b'\n';
        match letter {
            b'#' => at += line_length(&text[at..]),
            b'"' | b'\'' => at += string_length(&text[at..]),
            b'[' | b'{' => {
                open.push(at);
                at += 1;
            }
            b']' | b'}' => {
                open.pop();
                at += 1;
            }
            _ => at += 1,
        }
        while !text.is_char_boundary(at) {
            at += 1;
        }
    }
    open.last().copied()
}

/// The bytes of the first line, without its line break.
fn line_length(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

/// Whether the first line is a table's header: names with dots between them in `[` and `]`.
fn is_header(text: &str) -> bool {
    let line = text[..line_length(text)]
        .split('#')
        .next()
        .unwrap_or_default();
    let inner = line.trim().trim_matches('[');
    let Some(inner) = inner
        .strip_suffix(']')
        .filter(|_| line.trim().starts_with('['))
    else {
        return false;
    };
    let name = |letter: char| letter.is_ascii_alphanumeric() || "-_. \"'".contains(letter);
    let inner = inner.trim_end_matches(']');
    inner.starts_with(|letter: char| letter.is_ascii_alphabetic()) && inner.chars().all(name)
}

/// The bytes of the string that the text begins with, or of its line where it is not closed.
fn string_length(text: &str) -> usize {
    let quote = &text[..1];
    let triple = quote.repeat(3);
    if let Some(rest) = text.strip_prefix(&triple) {
        return rest
            .find(&triple)
            .map_or(text.len(), |end| end + 2 * triple.len());
    }
    let line = &text[..line_length(text)];
    let mut escaped = false;
    for (index, letter) in line.char_indices().skip(1) {
        if !escaped && text[index..].starts_with(quote) {
            return index + 1;
        }
        escaped = !escaped && letter == '\\' && quote == "\"";
    }
    line.len()
}
