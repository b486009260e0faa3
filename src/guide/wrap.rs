//! Prose in lines of a width.

/// Columns of a page.
const WIDTH: usize = 100;

/// Paragraphs in lines of at most 100 columns that begin with `indent`; lines that begin with four spaces stay as they
/// are.
pub(super) fn wrap(text: &str, indent: &str) -> String {
    let mut wrapped = String::new();
    let mut words: Vec<&str> = Vec::new();
    for line in text.trim_end().lines() {
        if line.trim().is_empty() || line.starts_with("    ") {
            flow(&mut words, indent, &mut wrapped);
            if !line.trim().is_empty() {
                wrapped.push_str(indent);
            }
            wrapped.push_str(line.trim_end());
            wrapped.push('\n');
        } else {
            words.extend(line.split_whitespace());
        }
    }
    flow(&mut words, indent, &mut wrapped);
    wrapped
}

fn flow(words: &mut Vec<&str>, indent: &str, wrapped: &mut String) {
    let mut column = 0;
    for word in words.drain(..) {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            wrapped.push('\n');
            column = 0;
        }
        if column == 0 {
            wrapped.push_str(indent);
            column = indent.chars().count();
        } else {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    if column > 0 {
        wrapped.push('\n');
    }
}

/// A bullet whose further lines stand below its text.
pub(super) fn bullet(text: &str, indent: &str) -> String {
    let below = format!("{indent}  ");
    let lines = wrap(text, &below);
    format!("{indent}- {}", lines.trim_start())
}
