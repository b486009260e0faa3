//! What a diff is made of, masked before anything is compared.

use std::sync::Arc;

use super::subject::{Body, Item, Subject};
use super::{Danger, Versions};
use crate::lower::{Line, Text};
use crate::mask::Masker;
use crate::value::Node;

/// Masks the versions of one object.
pub(super) fn versions(versions: &mut Versions) {
    let mut masker = Masker::default();
    let items = [
        &mut versions.before,
        &mut versions.after,
        &mut versions.traced,
    ];
    for item in items.into_iter().flatten() {
        self::item(&mut masker, item);
    }
}

/// Masks two trees, one of which is compared with the other.
pub(super) fn trees(before: &mut Node, after: &mut Node) {
    let mut names = Vec::new();
    for tree in [&*before, &*after] {
        let secrets = tree.get("secrets").and_then(Node::as_map);
        names.extend(
            secrets
                .into_iter()
                .flatten()
                .map(|(name, _)| name.to_string()),
        );
    }
    let mut masker = Masker::knowing(names);
    masker.node(before);
    masker.node(after);
}

/// The lines of two texts as they may be shown, each in its place.
pub(super) fn lines(before: &str, after: &str) -> [Vec<String>; 2] {
    let mut masker = Masker::default();
    [before, after].map(|text| masker.lines(text))
}

/// What messages say may be shown but for what looks like a secret.
pub(super) fn messages(dangers: &mut [Danger]) {
    for danger in dangers {
        let mut masker = Masker::default();
        let texts = danger.notes.iter_mut().chain(&mut danger.help);
        for text in texts.chain([&mut danger.message]) {
            *text = masker.text(text);
        }
    }
}

fn item(masker: &mut Masker, item: &mut Item) {
    match &mut item.body {
        Body::Data(node) => masker.node(Arc::make_mut(node)),
        Body::Text(text) => *text = file(masker, text),
    }
    subject(masker, &mut item.subject);
}

/// Names are shown, too.
fn subject(masker: &mut Masker, subject: &mut Subject) {
    match subject {
        Subject::Resource(id) => {
            id.kind = masker.text(&id.kind);
            id.name = masker.text(&id.name);
            id.namespace = id.namespace.take().map(|name| masker.text(&name));
        }
        Subject::Machine { document, .. } => *document = masker.text(document),
        Subject::Schematic(_) | Subject::Values(_) | Subject::File(_) => {}
    }
}

/// A file as it may be shown: what goes on over several lines is one, so that nothing tells how many they were.
fn file(masker: &mut Masker, file: &Text) -> Text {
    let lines: Vec<&str> = file.lines.iter().map(|line| line.text.as_str()).collect();
    let text = lines.join("\n");
    let mut shown: Vec<Line> = Vec::new();
    let mut is_open = false;
    let mut start = 0;
    let pieces = masker.pieces(&text);
    for line in &file.lines {
        let end = start + line.text.len();
        let mut at = start;
        let mut here = String::new();
        let was_open = std::mem::take(&mut is_open);
        for piece in &pieces {
            if piece.range.start > end || piece.range.end <= start {
                continue;
            }
            if piece.range.start >= start {
                here.push_str(&text[at..piece.range.start]);
                here.push_str(&piece.word);
            }
            at = piece.range.end.min(end);
            is_open = piece.range.end > end;
        }
        here.push_str(&text[at..end]);
        start = end + 1;
        match shown.last_mut().filter(|_| was_open) {
            Some(last) => {
                last.text.push_str(&here);
                last.origin = last.origin.with(&line.origin);
            }
            None => shown.push(Line {
                text: here,
                origin: line.origin.clone(),
            }),
        }
    }
    Text { lines: shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_does_not_tell_how_long_a_key_is() {
        let mut text = Text::default();
        text.own("a\n-----BEGIN PRIVATE KEY-----\nMIIB\nabcd\n-----END PRIVATE KEY-----\nb");
        let shown = file(&mut Masker::default(), &text);
        let shown: Vec<&str> = shown.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(
            shown,
            [
                "a",
                "-----BEGIN PRIVATE KEY-----",
                "(secret)",
                "-----END PRIVATE KEY-----",
                "b"
            ]
        );
    }
}
