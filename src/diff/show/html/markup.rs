//! Elements, attributes and text to HTML in which text is never anything but text.
//!
//! Knows no diff: whatever a value holds, a reader of HTML finds the elements that were opened here and no other.

use std::fmt::Write as _;

use crate::diag::report::printable;

/// A part of a page.
#[derive(Debug, Default)]
pub(super) struct Markup {
    text: String,
}

/// The attributes of an element: the names are labc's own, the values may be anybody's.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Markup {
    /// An element and what `fill` puts into it.
    pub(super) fn element(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        fill: impl FnOnce(&mut Self),
    ) {
        self.empty(tag, attributes);
        fill(self);
        write!(self.text, "</{tag}>").expect("a string takes it");
    }

    /// An element that holds a text.
    pub(super) fn leaf(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.element(tag, attributes, |markup| markup.text(text));
    }

    /// An element that never has an end, as `meta`.
    pub(super) fn empty(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        write!(self.text, "<{tag}").expect("a string takes it");
        for (name, value) in attributes {
            write!(self.text, " {name}=\"").expect("a string takes it");
            self.text(value);
            self.text.push('"');
        }
        self.text.push('>');
    }

    /// Text, with every letter that HTML would read as its own written as a reference.
    pub(super) fn text(&mut self, text: &str) {
        for (index, part) in text.split('\t').enumerate() {
            if index > 0 {
                self.text.push('\t');
            }
            for letter in printable(part).chars() {
                match letter {
                    '&' => self.text.push_str("&amp;"),
                    '<' => self.text.push_str("&lt;"),
                    '>' => self.text.push_str("&gt;"),
                    '"' => self.text.push_str("&quot;"),
                    '\'' => self.text.push_str("&#39;"),
                    letter if is_no_character(letter) => self.text.push('\u{fffd}'),
                    letter => self.text.push(letter),
                }
            }
        }
    }

    /// Text of messages: what stands in backticks is code.
    pub(super) fn phrase(&mut self, text: &str) {
        let parts: Vec<&str> = text.split('`').collect();
        if parts.len().is_multiple_of(2) {
            return self.text(text);
        }
        for (index, part) in parts.into_iter().enumerate() {
            if index % 2 == 0 {
                self.text(part);
            } else {
                self.leaf("code", &[], part);
            }
        }
    }

    /// labc's own markup, as it stands.
    pub(super) fn own(&mut self, markup: &'static str) {
        self.text.push_str(markup);
    }

    /// Adds a part that was made before.
    pub(super) fn add(&mut self, part: &Markup) {
        self.text.push_str(&part.text);
    }

    /// Begins a new line of the source, for people who read that.
    pub(super) fn line_break(&mut self) {
        self.text.push('\n');
    }

    /// Its size in bytes.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// The markup.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// What Unicode keeps for a program's own use, and HTML calls an error.
fn is_no_character(letter: char) -> bool {
    let number = u32::from(letter);
    number & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&number)
}
