//! Scalars as the Image Factory's YAML library prints them: which quotes, which escapes, which number form.
//!
//! Knows no tree. What reads as null, a boolean, a number or a date is that library's own idea of YAML.

/// A number as Go's `strconv` prints it with the fewest digits that read back the same.
pub(super) fn float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// How a text is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// The style in which the library prints a text.
pub(super) fn style(text: &str) -> Style {
    let look = Look::of(text);
    if text.contains('\n') {
        let literal = text.len() > 1 && !text.trim().is_empty() && look.block;
        return if literal {
            Style::Literal
        } else {
            Style::Double
        };
    }
    if reads_as_other(text) {
        return Style::Double;
    }
    match look {
        _ if look.plain && !was_boolean(text) && !is_base_60(text) && text != "<<" => Style::Plain,
        _ if look.single => Style::Single,
        _ => Style::Double,
    }
}

/// Which styles can carry a text.
struct Look {
    plain: bool,
    single: bool,
    block: bool,
}

impl Look {
    fn of(text: &str) -> Self {
        let special = text
            .chars()
            .any(|letter| !is_printable(letter) && letter != '\t');
        let space_break = text.contains(" \n");
        let quotable = !special && !space_break;
        Look {
            plain: quotable
                && !text.contains(['\t', '\n'])
                && !has_indicator(text)
                && !is_padded(text),
            single: quotable && !text.contains('\t') && !text.contains("\n "),
            block: quotable && !text.ends_with(' '),
        }
    }
}

fn is_padded(text: &str) -> bool {
    text.starts_with(' ') || text.ends_with(' ')
}

/// Whether a text holds what means something in a block: `# `, `: ` and most signs at its start.
fn has_indicator(text: &str) -> bool {
    let first = text.chars().next().unwrap_or(' ');
    let alone = text[first.len_utf8().min(text.len())..]
        .chars()
        .next()
        .is_none_or(|next| next == ' ' || next == '\t');
    text.starts_with("---")
        || text.starts_with("...")
        || "#,[]{}&*!|>'\"%@`".contains(first)
        || ("?:-".contains(first) && alone)
        || text.contains(": ")
        || text.contains(":\t")
        || (text.len() > 1 && text.ends_with(':'))
        || text.contains(" #")
        || text.contains("\t#")
}

fn is_printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && letter != '\u{feff}'
}

/// Whether a text without quotes would be read as null, a boolean, a number or a date.
fn reads_as_other(text: &str) -> bool {
    const WORDS: [&str; 20] = [
        "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", ".nan",
        ".NaN", ".NAN", ".inf", ".Inf", ".INF", "-0", "-0.0", "+.inf",
    ];
    const MORE: [&str; 5] = ["+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"];
    WORDS.contains(&text) || MORE.contains(&text) || is_number(text) || is_date(text)
}

fn is_number(text: &str) -> bool {
    if text.starts_with('.') {
        return is_float(text);
    }
    if !text.starts_with(|letter: char| letter.is_ascii_digit() || "+-".contains(letter)) {
        return false;
    }
    let plain = text.replace('_', "");
    is_integer(&plain) || is_float(&plain)
}

/// An integer of Go: decimal, or with the prefix `0x`, `0o`, `0b` or `0`, that fits 64 bits.
fn is_integer(text: &str) -> bool {
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    let signed = digits.starts_with(['+', '-']);
    match u64::from_str_radix(digits, radix) {
        Ok(number) => !signed && (!negative || number <= i64::MIN.unsigned_abs()),
        Err(_) => false,
    }
}

fn is_float(text: &str) -> bool {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (number, None),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    let finite = text.parse::<f64>().is_ok_and(f64::is_finite);
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_fits
        && finite
}

/// `2006-1-2`, and the same with a time behind it.
fn is_date(text: &str) -> bool {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        (digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<u32>().unwrap_or(0))
    };
    let &[year, month, day] = parts.as_slice() else {
        return false;
    };
    let month = number(month, 1..=2).unwrap_or(0);
    let day = number(day, 1..=2).unwrap_or(0);
    let is_day = number(year, 4..=4).is_some_and(|year| (1..=days(year, month)).contains(&day));
    is_day && time.is_none_or(|time| is_time(time, !text.contains(' ')))
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

fn is_time(text: &str, with_zone: bool) -> bool {
    let zone = text.find(['Z', '+', '-']);
    let (clock, zone) = match zone {
        Some(at) if with_zone => (&text[..at], &text[at..]),
        None if !with_zone => (text, "Z"),
        _ => return false,
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let below = |part: &str, limit: u32| {
        !part.is_empty() && part.len() <= 2 && part.parse::<u32>().is_ok_and(|value| value < limit)
    };
    let &[hour, minute, second] = parts.as_slice() else {
        return false;
    };
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let is_zone = zone == "Z"
        || (zone.len() == 6
            && zone.as_bytes()[3] == b':'
            && below(&zone[1..3], 25)
            && below(&zone[4..], 60));
    below(hour, 24)
        && below(minute, 60)
        && below(second, 60)
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && is_zone
}

/// What YAML 1.1 read as a boolean.
fn was_boolean(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let words = ["y", "yes", "on", "n", "no", "off"];
    let cased = text == lower || text == text.to_ascii_uppercase() || {
        let mut letters = text.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase)
    };
    words.contains(&lower.as_str()) && cased
}

/// `190:20:30`, a number to YAML 1.1.
fn is_base_60(text: &str) -> bool {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = number.split(':');
    let first = parts.next().unwrap_or_default();
    let digit_first = first.starts_with(|letter: char| letter.is_ascii_digit());
    let digits = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let mut rest: Vec<&str> = parts.collect();
    let Some(last) = rest.pop() else {
        return false;
    };
    let (last, fraction) = last.split_once('.').unwrap_or((last, ""));
    rest.push(last);
    let sixty = |part: &&str| match part.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    };
    digit_first && digits(first) && rest.iter().all(sixty) && digits(fraction)
}

/// A text of one line in a style.
pub(super) fn quoted(text: &str, style: Style) -> String {
    match style {
        Style::Plain => text.to_owned(),
        Style::Single => format!("'{}'", text.replace('\'', "''")),
        Style::Double | Style::Literal => {
            let inside: String = text.chars().map(escaped).collect();
            format!("\"{inside}\"")
        }
    }
}

fn escaped(letter: char) -> String {
    let code = u32::from(letter);
    match letter {
        '\0' => "\\0".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{1b}' => "\\e".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        _ if is_printable(letter) => letter.to_string(),
        _ if code <= 0xff => format!("\\x{code:02X}"),
        _ if code <= 0xffff => format!("\\u{code:04X}"),
        _ => format!("\\U{code:08X}"),
    }
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}
