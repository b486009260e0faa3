//! Text inside base64: what is a secret there is one here.

use std::ops::Range;

/// Letters from which on a run is worth decoding.
const LEAST: usize = 24;

/// The runs of base64 in a line that hold text, decoded.
pub(super) fn texts(line: &str) -> impl Iterator<Item = (Range<usize>, String)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < line.len() {
            let rest = &line[at..];
            let start = at + rest.find(is_letter)?;
            let end = line[start..]
                .find(|letter| !is_letter(letter))
                .map_or(line.len(), |length| start + length);
            at = end;
            let text = (end - start >= LEAST).then(|| decode(&line[start..end]));
            if let Some(text) = text
                .flatten()
                .and_then(|bytes| String::from_utf8(bytes).ok())
            {
                return Some((start..end, text));
            }
        }
        None
    })
}

fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "+/=-_".contains(letter)
}

/// The bytes that a text in either alphabet of RFC 4648 stands for; none for anything else.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}
