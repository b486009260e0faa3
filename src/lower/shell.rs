//! Words of a shell script.

/// A word as a shell reads it: with a backslash before what a shell would read, or with blanks in single quotes.
pub(super) fn quoted(word: &str) -> String {
    let is_blank = |letter: char| letter.is_whitespace() || letter.is_control();
    if word.is_empty() || word.contains(is_blank) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let mut text = String::with_capacity(word.len());
    for letter in word.chars() {
        if letter.is_ascii_punctuation() && !"-_./:@%+,=".contains(letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}
