//! What a scalar's text means, by the rules of goyaml.v2: what Kubernetes reads.
//!
//! YAML 1.1's words and octals with a few exceptions of Go's own: no base 60, dates stay text, and an integer
//! is whatever Go's own number syntax takes. Knows no place and no style.

use std::borrow::Cow;

use super::Meaning;

/// The namespace of YAML's own tags, which are written `!!int`.
const STANDARD: &str = "tag:yaml.org,2002:";

/// What an unquoted scalar without a tag means.
pub(super) fn plain(text: &str) -> Meaning {
    let meaning = match text.as_bytes().first() {
        None => Some(Meaning::Null),
        Some(b'+' | b'-' | b'0'..=b'9') => word(text).or_else(|| number(text)),
        Some(b'.') => word(text).or_else(|| go_float(text)),
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            word(text)
        }
        Some(_) => None,
    };
    meaning.unwrap_or(Meaning::Text)
}

/// The text of a scalar with a tag, decoded, and what it means; tags that Go does not know change nothing.
///
/// The error is what to say about it.
pub(super) fn tagged(tag: &str, text: String) -> Result<(String, Meaning), String> {
    let kind = tag.strip_prefix(STANDARD).unwrap_or_default();
    let meaning = match (kind, plain(&text)) {
        ("null", meaning @ Meaning::Null)
        | ("bool", meaning @ Meaning::Bool(_))
        | ("int", meaning @ (Meaning::Int(_) | Meaning::Uint(_)))
        | ("float", meaning @ Meaning::Float(_)) => meaning,
        ("float", Meaning::Int(value)) => Meaning::Float(value as f64),
        ("float", Meaning::Uint(value)) => Meaning::Float(value as f64),
        ("timestamp", Meaning::Text) if is_date(&text) => Meaning::Text,
        ("null" | "bool" | "int" | "float" | "timestamp", _) => {
            return Err(format!("`{text}` is not a `!!{kind}`"));
        }
        ("binary", _) => return Ok((binary(&text)?, Meaning::Text)),
        _ => Meaning::Text,
    };
    Ok((text, meaning))
}

/// Whether a scalar is the merge key: `<<`, unquoted or with its own tag.
pub(super) fn is_merge(text: &str, tag: Option<&str>, plain: bool) -> bool {
    let by_tag = match tag {
        None => plain,
        Some(tag) => tag == "!" || tag.strip_prefix(STANDARD) == Some("merge"),
    };
    text == "<<" && by_tag
}

/// The name of the key that a scalar makes, as Go writes it in JSON; nothing where Go has no name for it.
pub(super) fn key_name(text: String, meaning: Meaning) -> Option<String> {
    match meaning {
        Meaning::Text => Some(text),
        Meaning::Bool(value) => Some(value.to_string()),
        Meaning::Int(value) => Some(value.to_string()),
        Meaning::Float(value) => Some(float_name(value)),
        Meaning::Null | Meaning::Uint(_) => None,
    }
}

fn word(text: &str) -> Option<Meaning> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(Meaning::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(Meaning::Bool(false))
        }
        "~" | "null" | "Null" | "NULL" => Some(Meaning::Null),
        ".nan" | ".NaN" | ".NAN" => Some(Meaning::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            Some(Meaning::Float(f64::INFINITY))
        }
        "-.inf" | "-.Inf" | "-.INF" => Some(Meaning::Float(f64::NEG_INFINITY)),
        _ => None,
    }
}

/// A number that begins with a sign or a digit; underscores count for nothing.
fn number(text: &str) -> Option<Meaning> {
    let digits = if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    };
    integer(&digits)
        .or_else(|| signed_binary(&digits))
        .or_else(|| is_decimal(&digits).then(|| finite(&digits)).flatten())
}

/// An integer in Go's syntax: `0x`, `0o`, `0b`, a leading `0` for octal, or decimal.
fn integer(text: &str) -> Option<Meaning> {
    let (sign, digits) = match text.as_bytes().first()? {
        sign @ (b'+' | b'-') => (Some(*sign), &text[1..]),
        _ => (None, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    match sign {
        None => Some(i64::try_from(size).map_or(Meaning::Uint(size), Meaning::Int)),
        Some(b'-') => 0_i64.checked_sub_unsigned(size).map(Meaning::Int),
        Some(_) => i64::try_from(size).ok().map(Meaning::Int),
    }
}

/// `0b-1`: Go takes a sign behind the prefix, in this base alone.
fn signed_binary(text: &str) -> Option<Meaning> {
    let digits = text.strip_prefix("0b")?;
    i64::from_str_radix(digits, 2).ok().map(Meaning::Int)
}

/// Digits, at most one point, and perhaps an exponent.
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_is_right = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty()) && exponent_is_right
}

/// A number that begins with a point, in Go's own syntax: underscores stand between two digits.
fn go_float(text: &str) -> Option<Meaning> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let underscores_are_right =
        (0..bytes.len()).all(|at| bytes[at] != b'_' || (is_digit(at - 1) && is_digit(at + 1)));
    let digits = text.replace('_', "");
    (underscores_are_right && is_decimal(&digits))
        .then(|| finite(&digits))
        .flatten()
}

/// A float, unless it is too large for one: then Go takes it for text.
fn finite(text: &str) -> Option<Meaning> {
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Meaning::Float(value))
}

/// Begins as every date does: four digits and a hyphen.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 5 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-'
}

/// The text in base 64.
fn binary(text: &str) -> Result<String, String> {
    let wrong = || "the text of a `!!binary` is not base 64".to_owned();
    let bytes: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'\n' | b'\r'))
        .collect();
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    if !bytes.len().is_multiple_of(4) || padding > 2 {
        return Err(wrong());
    }
    let mut decoded = Vec::with_capacity(bytes.len() / 4 * 3);
    for group in bytes[..bytes.len() - padding].chunks(4) {
        let mut bits = 0_u32;
        for byte in group {
            bits = bits << 6 | sextet(*byte).ok_or_else(wrong)?;
        }
        bits <<= 6 * (4 - group.len());
        decoded.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    String::from_utf8(decoded).map_err(|_| "the bytes of a `!!binary` are not text".to_owned())
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// A float as Go names a key after it: the shortest digits of the nearest 32-bit float, with an exponent from
/// a million on.
fn float_name(value: f64) -> String {
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("it is written with one");
    let exponent: i32 = exponent.parse().expect("it is a small integer");
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
