//! Values in Markdown: whatever a lab says stays text, in prose and in cells of tables.

use crate::lower::Text;
use crate::source::Origin;

/// Characters that Markdown, HTML or a table could read.
const SPECIAL: &str = "`|<>&*_[]\\~$#!";

/// A value as prose: every character that means something to Markdown stands for itself, a line break is a space.
pub(super) fn plain(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.trim().chars() {
        if SPECIAL.contains(letter) {
            text.push_str(&format!("&#{};", u32::from(letter)));
        } else if letter.is_control() {
            text.push(' ');
        } else {
            text.push(letter);
        }
    }
    text
}

/// A value as code, also in a cell.
pub(super) fn code(value: &str) -> String {
    let is_easy = |letter: char| !"`|\\".contains(letter) && !letter.is_control();
    if value.is_empty() {
        String::new()
    } else if value.chars().all(is_easy) && value.trim() == value {
        format!("`{value}`")
    } else {
        format!("<code>{}</code>", plain(value))
    }
}

/// Several values as code, with commas.
pub(super) fn codes<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let codes: Vec<String> = values.into_iter().map(code).collect();
    codes.join(", ")
}

/// The first two lines of a table.
pub(super) fn head(columns: &[&str], text: &mut Text) {
    text.own(format!("| {} |", columns.join(" | ")));
    text.own(format!("|{}", " --- |".repeat(columns.len())));
}

/// A row of a table; its cells are Markdown.
pub(super) fn row<const N: usize>(cells: [String; N], origin: Origin, text: &mut Text) {
    text.line(format!("| {} |", cells.join(" | ")), origin);
}
