//! Keys and messages in PEM and its like: a line that begins them, their body, and a line that ends them.

use std::ops::Range;

/// Bytes that the body of a key may have: its end is not looked for behind them.
const MAX_BODY: usize = 64 << 10;

/// What lies between the lines.
pub(super) struct Body {
    pub(super) range: Range<usize>,
    pub(super) is_encrypted: bool,
}

/// The bodies in a text that must not be shown.
pub(super) fn bodies(text: &str) -> Vec<Body> {
    let mut found: Vec<Body> = Vec::new();
    for (begin, mark) in text.match_indices("-----BEGIN ") {
        if found.last().is_some_and(|last| begin < last.range.end) {
            continue;
        }
        let title = &text[begin + mark.len()..];
        let Some(length) = title.find("-----").filter(|length| *length < 60) else {
            continue;
        };
        let title = &title[..length];
        let is_encrypted = title == "AGE ENCRYPTED FILE" || title == "PGP MESSAGE";
        if !is_encrypted && !title.contains("PRIVATE KEY") && !title.contains("Static key") {
            continue;
        }
        let start = begin + mark.len() + length + "-----".len();
        let range = inside(text, start..end(text, start));
        if !range.is_empty() {
            found.push(Body {
                range,
                is_encrypted,
            });
        }
    }
    found
}

/// Where a body ends: before the line that ends it, or where nothing looks like a body any more.
fn end(text: &str, start: usize) -> usize {
    let limit = text.floor_char_boundary((start + MAX_BODY).min(text.len()));
    if let Some(end) = text[start..limit].find("-----END ") {
        return start + end;
    }
    let mut end = start;
    for line in text[start..limit].split_inclusive('\n') {
        let is_header = line.contains(": ");
        let is_body = line
            .trim_matches(|letter: char| letter.is_whitespace() || "\"'+#>*,\\|-".contains(letter))
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+/=\\".contains(letter));
        if !is_body && !is_header && end > start {
            break;
        }
        end += line.len();
    }
    end
}

/// The range without the line breaks and the indentation around it.
fn inside(text: &str, range: Range<usize>) -> Range<usize> {
    let body = &text[range.clone()];
    let start = range.start + (body.len() - body.trim_start().len());
    start..start + body.trim().len()
}
