//! How a string is written so that every reader takes it for this very string.
//!
//! The rules are the union of what goyaml, PyYAML (YAML 1.1) and ruamel.yaml (YAML 1.2) take for something else
//! than text, or cannot read as it is; and letters that turn the direction of writing are escaped, so that nobody
//! reviews another text than the one that counts. Knows no layout.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How a string can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// As it is.
    Plain,
    /// In single quotes: no letter needs an escape.
    Single,
    /// In double quotes.
    Double,
    /// In lines of its own behind a `|`.
    Block,
}

/// The best style for a value.
pub(super) fn style(text: &str) -> Style {
    if is_ordinary(text) {
        return Style::Plain;
    }
    if text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ')
    {
        return match (is_ambiguous(text), is_plain(text)) {
            (true, _) => Style::Double,
            (false, true) => Style::Plain,
            (false, false) => Style::Single,
        };
    }
    if text.contains('\n') && fits_block(text) {
        Style::Block
    } else if is_ambiguous(text) || !text.chars().all(is_printable) {
        Style::Double
    } else if is_plain(text) {
        Style::Plain
    } else {
        Style::Single
    }
}

/// Whether a text is what most keys and values are: longer than any word that means something else, a letter first, and
/// nothing in it that any rule is about.
fn is_ordinary(text: &str) -> bool {
    let is_safe =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    let bytes = text.as_bytes();
    bytes.len() > LONGEST_WORD && bytes[0].is_ascii_alphabetic() && bytes.iter().all(is_safe)
}

/// Writes a key, always in one line.
pub(super) fn key(text: &str, out: &mut String) {
    let style = match style(text) {
        Style::Block => Style::Double,
        style => style,
    };
    quoted(text, style, out);
}

/// Writes a string in one line.
pub(super) fn quoted(text: &str, style: Style, out: &mut String) {
    match style {
        Style::Plain => out.push_str(text),
        Style::Single => {
            out.push('\'');
            for (index, part) in text.split('\'').enumerate() {
                out.push_str(if index > 0 { "''" } else { "" });
                out.push_str(part);
            }
            out.push('\'');
        }
        Style::Double | Style::Block => {
            out.push('"');
            for letter in text.chars() {
                escape(letter, out);
            }
            out.push('"');
        }
    }
}

/// Whether a text of several lines reads the same from a block everywhere, also after a tool has stripped the
/// blanks at the ends of lines and of the file.
fn fits_block(text: &str) -> bool {
    let is_fine = |letter| is_printable(letter) || matches!(letter, '\n' | '\t');
    text.chars().all(is_fine)
        && text.lines().all(|line| !line.ends_with([' ', '\t']))
        && !text.ends_with("\n\n")
        && text != "\n"
}

/// Whether every reader takes the letter as it is, within a line, and people see the line in its order.
fn is_printable(letter: char) -> bool {
    match letter {
        '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            false
        }
        ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => true,
        _ => false,
    }
}

fn escape(letter: char, out: &mut String) {
    match letter {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        letter if is_printable(letter) => out.push(letter),
        letter => {
            let code = u32::from(letter);
            if code <= 0xff {
                write!(out, "\\x{code:02X}")
            } else {
                write!(out, "\\u{code:04X}")
            }
            .expect("a string takes it");
        }
    }
}

/// Whether a printable text can stand without quotes in a map or list that is no flow collection.
fn is_plain(text: &str) -> bool {
    let starts_well = match text.as_bytes() {
        [] | [b'-' | b'?' | b':'] | [b'-' | b'?' | b':', b' ', ..] => false,
        [first, ..] => !b" #,[]{}&*!|>'\"%@`".contains(first),
    };
    starts_well
        && !text.ends_with([' ', ':'])
        && !text
            .as_bytes()
            .windows(2)
            .any(|pair| matches!(pair, b": " | b" #"))
        && !text.starts_with("---")
        && !text.starts_with("...")
}

/// Whether some reader takes the text for something else than a string.
fn is_ambiguous(text: &str) -> bool {
    match text.as_bytes().first() {
        None => true,
        Some(b'=' | b'<') => matches!(text, "=" | "<<"),
        Some(b'+' | b'-' | b'.' | b'0'..=b'9') => {
            let size = text.strip_prefix(['+', '-']).unwrap_or(text);
            is_special_float(size) || is_number(size) || is_base_60(size) || is_date(text)
        }
        Some(_) => text.len() <= LONGEST_WORD && is_word(text),
    }
}

/// Bytes of the longest of the words of YAML 1.1.
const LONGEST_WORD: usize = 5;

/// The words of YAML 1.1 for null and booleans, in any case.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n",
    ];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_special_float(text: &str) -> bool {
    text.eq_ignore_ascii_case(".inf") || text.eq_ignore_ascii_case(".nan")
}

/// An integer in any base or a float, without its sign. Underscores may stand anywhere, also instead of all
/// digits: that is an integer to some readers, too, if only one that they then fail to read.
fn is_number(text: &str) -> bool {
    let has_underscores = text.contains('_');
    let digits = match has_underscores {
        true => Cow::Owned(text.replace('_', "")),
        false => Cow::Borrowed(text),
    };
    if let [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', digits @ ..] = digits.as_bytes() {
        let is_digit = |byte: &u8| byte.is_ascii_hexdigit() || b"+-".contains(byte);
        return digits.iter().all(is_digit) && (has_underscores || !digits.is_empty());
    }
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((&digits, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let lacks_digits = exponent.is_empty() || (whole.is_empty() && part.is_empty());
    [whole, part, exponent].into_iter().all(is_digits) && (has_underscores || !lacks_digits)
}

/// Digits in base 60, without their sign: `12:30:45`, perhaps with a fraction.
fn is_base_60(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let Some((first, others)) = whole.split_once(':') else {
        return false;
    };
    let is_sixty = |digits: &str| {
        matches!(
            digits.as_bytes(),
            [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']
        )
    };
    first.starts_with(|letter: char| letter.is_ascii_digit())
        && is_digits(first)
        && others.split(':').all(is_sixty)
        && is_digits(part)
}

/// Begins as a date, alone or before a time: `2001-1-1`.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let mut next = || parts.next().unwrap_or_default();
    let (year, month, rest) = (next(), next(), next());
    let day = rest.split(['T', 't', ' ', '\t']).next().unwrap_or_default();
    let is_short = |part: &str| matches!(part.len(), 1 | 2) && is_digits(part);
    year.len() == 4 && is_digits(year) && is_short(month) && is_short(day)
}

fn is_digits(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'_')
}
