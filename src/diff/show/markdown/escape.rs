//! Text of others in Markdown and in HTML: it is read as it is, and is nothing but text.
//!
//! A service looks for mentions, references and addresses in what Markdown left over, and never in code. So every word
//! that is more than letters stands in code.

use crate::diag::report::{inert, printable};

/// Letters of a name or a phrase that are shown.
const MAX_CODE: usize = 400;

/// Letters of a line of a block that are shown.
const MAX_LINE: usize = 400;

/// Text in one line, as code.
pub(super) fn code(text: &str) -> String {
    let text = line(text, MAX_CODE);
    if text.trim().is_empty() {
        return "(nothing)".to_owned();
    }
    let fence = "`".repeat(run(&text) + 1);
    // A space at both ends is none of the text: it keeps backticks apart, and those spaces that the text has itself.
    let needs_space = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let space = if needs_space { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Text in one line, as code in HTML.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::from("<code>");
    for letter in line(text, MAX_CODE).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter => escaped.push(letter),
        }
    }
    escaped + "</code>"
}

/// A line of a block.
pub(super) fn fence(text: &str) -> String {
    line(text, MAX_LINE)
}

/// What begins and ends a block of such lines: longer than any run of backticks in them.
pub(super) fn fence_around<'a>(lines: impl IntoIterator<Item = &'a String>) -> String {
    let longest = lines.into_iter().map(|line| run(line)).max();
    "`".repeat(longest.unwrap_or_default().max(2) + 1)
}

/// A sentence of a message: what stands in backticks is code, and so is every word that is more than letters.
pub(super) fn prose(text: &str) -> String {
    let text = line(text, 3 * MAX_CODE);
    let parts: Vec<&str> = text.split('`').collect();
    let is_even = parts.len() % 2 == 1;
    let mut words: Vec<String> = Vec::new();
    let mut is_joined = false;
    for (index, part) in parts.iter().enumerate() {
        let is_code = index % 2 == 1 && (is_even || index + 1 < parts.len());
        if is_code {
            push(&mut words, code(part), is_joined);
            is_joined = !parts
                .get(index + 1)
                .is_some_and(|next| next.starts_with(' '));
            continue;
        }
        for word in part.split(' ').filter(|word| !word.is_empty()) {
            let shown = if is_word(word) {
                word.to_owned()
            } else {
                code(word)
            };
            push(&mut words, shown, is_joined && !part.starts_with(' '));
            is_joined = false;
        }
        is_joined = !part.is_empty() && !part.ends_with(' ');
    }
    words.join(" ")
}

/// Adds a word; a mark of a sentence stands at the word before it, and two pieces of code stand apart.
fn push(words: &mut Vec<String>, word: String, is_joined: bool) {
    let is_mark = word.chars().all(|letter| ",.;:)?!".contains(letter));
    match words
        .last_mut()
        .filter(|last| is_joined && (is_mark || last.as_str() == "("))
    {
        Some(last) => last.push_str(&word),
        None => words.push(word),
    }
}

/// Whether a word is read as it is by every service: letters, or a small number, with the marks of a sentence around it.
fn is_word(word: &str) -> bool {
    let inside = word
        .trim_start_matches('(')
        .trim_end_matches([',', '.', ';', ':', ')', '?', '!']);
    let is_mark = inside.is_empty();
    let letters =
        |part: &str| !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphabetic());
    let is_number = inside.len() < 7 && inside.chars().all(|letter| letter.is_ascii_digit());
    // Letters alone may be the id of a commit.
    let is_id = inside.len() >= 7 && inside.chars().all(|letter| letter.is_ascii_hexdigit());
    is_mark || is_number || !is_id && inside.split(['-', '\'']).all(letters)
}

/// An address for a link, or the text as code where it is none of the web.
pub(super) fn url(text: &str) -> Result<String, String> {
    let is_web = ["https://", "http://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    let is_plain =
        |letter: char| letter.is_ascii_alphanumeric() || "-._~:/?#@!$&*+,;=%".contains(letter);
    match is_web && text.chars().all(is_plain) {
        true => Ok(text
            .replace('*', "%2A")
            .replace('_', "%5F")
            .replace('~', "%7E")
            .replace('&', "&amp;")),
        false => Err(code(text)),
    }
}

/// One line that steers nothing, of so many letters at most.
fn line(text: &str, most: usize) -> String {
    let text = inert(&printable(text).replace(['\n', '\u{2028}', '\u{2029}'], " "));
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// The longest run of backticks.
fn run(text: &str) -> usize {
    let runs = text.split(|letter| letter != '`');
    runs.map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_holds_whatever_it_is_given() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(code("\n"), "(nothing)");
        assert_eq!(
            html("</code><b>&"),
            "<code>&lt;/code&gt;&lt;b&gt;&amp;</code>"
        );
    }

    #[test]
    fn messages_read_as_they_are_written() {
        assert_eq!(
            prose("`Namespace media` goes, and no change of the sources explains it"),
            "`Namespace media` goes, and no change of the sources explains it"
        );
        assert_eq!(
            prose("say so: `--allow 'x'`, or not (`a`)."),
            "say so: `--allow 'x'`, or not (`a`)."
        );
        assert_eq!(
            prose("ask @somebody about #12"),
            "ask `@somebody` about `#12`"
        );
        assert_eq!(prose("a `b"), "a b");
        assert_eq!(
            prose("deadbeef www.x.org 10 labc's"),
            "`deadbeef` `www.x.org` 10 labc's"
        );
    }

    #[test]
    fn only_an_address_of_the_web_is_a_link() {
        assert_eq!(
            url("https://x.org/a_b?c=1&d"),
            Ok("https://x.org/a%5Fb?c=1&amp;d".to_owned())
        );
        assert!(url("javascript:alert(1)").is_err());
        assert!(url("https://x.org/) [x](y").is_err());
    }
}
