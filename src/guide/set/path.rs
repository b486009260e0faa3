//! `apps."a.b".ports[0]`: a path as a person types it.

use crate::value::{Path, Step};

/// The path that a text names: keys as TOML has them, with dots between them, and items in brackets, counted from 0.
///
/// # Errors
/// A phrase that says what is wrong with it.
pub fn parse(text: &str) -> Result<Path, String> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let (key, after) = key(rest)?;
        steps.push(Step::Key(key.into()));
        rest = after;
        while let Some(inside) = rest.strip_prefix('[') {
            let (number, after) = inside
                .split_once(']')
                .ok_or_else(|| "`[` has no `]`".to_owned())?;
            let index = number.parse();
            let index = index.map_err(|_| format!("`{number}` is no number of an item"))?;
            steps.push(Step::Index(index));
            rest = after;
        }
        if rest.is_empty() {
            return Ok(Path(steps));
        }
        rest = rest
            .strip_prefix('.')
            .ok_or_else(|| format!("a `.` belongs before `{rest}`"))?;
    }
}

/// The first key of a text, and what follows it.
fn key(text: &str) -> Result<(String, &str), String> {
    let quote = text.chars().next().filter(|letter| "\"'".contains(*letter));
    if let Some(quote) = quote {
        let inside = &text[1..];
        return inside
            .split_once(quote)
            .map(|(key, rest)| (key.to_owned(), rest))
            .ok_or_else(|| format!("`{text}` has no closing quote"));
    }
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let end = text.find(|letter| !is_bare(letter)).unwrap_or(text.len());
    match end {
        0 if text.is_empty() => Err("a key is missing at the end".to_owned()),
        0 => Err(format!("a key is missing before `{text}`")),
        _ => Ok((text[..end].to_owned(), &text[end..])),
    }
}
