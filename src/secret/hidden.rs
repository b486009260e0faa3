//! What in a text nobody may be shown.

use std::ops::Range;

use super::{armour, assignment, base64, key, manifest, shape, token, url};

/// Texts in base64 that may stand in one another.
const MAX_DEPTH: usize = 3;

/// A part of a text that is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hidden {
    /// Its bytes: never empty.
    pub(crate) range: Range<usize>,
    /// Whether it is nothing but what SOPS has encrypted.
    pub(crate) is_encrypted: bool,
}

/// All that is not shown of a text, in its order, no two parts touching the same letter.
pub(crate) fn hidden(text: &str) -> Vec<Hidden> {
    deep(text, 0)
}

fn deep(text: &str, depth: usize) -> Vec<Hidden> {
    let mut found = certain_in(text, &token::Forms::of(text));
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        let assigned = assignment::find(line).into_iter();
        let assigned = assigned.filter(|(key, value)| key::is_secret(key, &line[value.clone()]));
        found.extend(assigned.map(|(key, value)| {
            let value = if key.eq_ignore_ascii_case("authorization") {
                value.start..credentials(line, value.start)
            } else {
                value
            };
            secret(value, start)
        }));
        if depth < MAX_DEPTH {
            let texts = base64::texts(line).filter(|(_, text)| !deep(text, depth + 1).is_empty());
            found.extend(texts.map(|(range, _)| secret(range, start)));
        }
    }
    merge(found)
}

/// What is a secret whatever the text is about: the part of [`hidden`] that no name alone decides but one that only ever
/// holds a secret.
pub(crate) fn certain(text: &str) -> Vec<Hidden> {
    let forms = token::Forms::of(text);
    let mut found = certain_in(text, &forms);
    let shapes = shape::among(text, &forms).into_iter();
    found.extend(shapes.map(|(_, shape)| secret(shape.range, 0)));
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let assigned = assignment::find(line.trim_end()).into_iter();
        let assigned = assigned.filter(|(key, value)| {
            shape::holds(key).is_some() && !key::stands_for_another(&line[value.clone()])
        });
        found.extend(assigned.map(|(_, value)| secret(value, at)));
        at += line.len();
    }
    merge(found)
}

fn certain_in(text: &str, forms: &token::Forms) -> Vec<Hidden> {
    let bodies = armour::bodies(text).into_iter().map(|body| Hidden {
        range: body.range,
        is_encrypted: body.is_encrypted,
    });
    let values = manifest::values(text).into_iter();
    let mut found: Vec<Hidden> = bodies.chain(values.map(|range| secret(range, 0))).collect();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let tokens = forms.likely(line).chain(url::users(line));
        found.extend(tokens.map(|range| secret(range, at)));
        found.extend(token::encrypted(line).map(|range| Hidden {
            range: range.start + at..range.end + at,
            is_encrypted: true,
        }));
        at += line.len();
    }
    found
}

fn secret(range: Range<usize>, offset: usize) -> Hidden {
    Hidden {
        range: range.start + offset..range.end + offset,
        is_encrypted: false,
    }
}

/// Where the credentials of a header end: they are words.
fn credentials(line: &str, start: usize) -> usize {
    let end = line[start..].find(['"', '\'', '`']);
    end.map_or(line.trim_end().len().max(start), |end| start + end)
}

/// Parts that share a letter are one; what is encrypted stays so where it is all of it.
fn merge(mut found: Vec<Hidden>) -> Vec<Hidden> {
    found.retain(|part| !part.range.is_empty());
    found.sort_by_key(|part| {
        (
            part.range.start,
            std::cmp::Reverse(part.range.end),
            !part.is_encrypted,
        )
    });
    let mut merged: Vec<Hidden> = Vec::new();
    for part in found {
        match merged.last_mut() {
            Some(last) if part.range.start < last.range.end => {
                let is_inside = part.range.end <= last.range.end;
                last.is_encrypted &= is_inside;
                last.range.end = last.range.end.max(part.range.end);
            }
            _ => merged.push(part),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut shown = String::new();
        let mut at = 0;
        for part in hidden(text) {
            shown.push_str(&text[at..part.range.start]);
            shown.push_str(if part.is_encrypted { "E" } else { "S" });
            at = part.range.end;
        }
        shown + &text[at..]
    }

    #[test]
    fn keys_are_hidden_with_their_bodies() {
        let key = "a\n  -----BEGIN EC PRIVATE KEY-----\n  MIIB\n  abcd=\n  -----END EC PRIVATE KEY-----\nb";
        assert_eq!(
            shown(key),
            "a\n  -----BEGIN EC PRIVATE KEY-----\n  S\n  -----END EC PRIVATE KEY-----\nb"
        );
        assert_eq!(
            shown("-----BEGIN PRIVATE KEY-----\nMIIB\nabcd\n\nwords of another kind."),
            "-----BEGIN PRIVATE KEY-----\nS\n\nwords of another kind."
        );
        assert_eq!(
            shown("{\"k\": \"-----BEGIN PRIVATE KEY-----\\nMIIB\\n-----END PRIVATE KEY-----\\n\"}"),
            "{\"k\": \"-----BEGIN PRIVATE KEY-----S-----END PRIVATE KEY-----\\n\"}"
        );
    }

    #[test]
    fn manifests_that_cannot_be_read_hide_their_data() {
        let text = "kind: Secret\n<<<<<<< a\nstringData:\n  a: one\n=======\n  b: two\n  c: |\n    three\n>>>>>>> b\nother: x\n";
        assert_eq!(
            shown(text),
            "kind: Secret\n<<<<<<< a\nstringData:\n  a: S\n=======\n  b: S\n  c: |\n    S\n>>>>>>> b\nother: x\n"
        );
        assert_eq!(
            shown("kind: SecretStore\ndata:\n  a: one\n"),
            "kind: SecretStore\ndata:\n  a: one\n"
        );
    }

    #[test]
    fn the_words_of_scripts_and_documents_stay() {
        for fine in [
            "talosctl apply-config --insecure --nodes 10.0.0.1 --file x.yaml",
            "kubectl create secret generic x --from-file=password=\"$dir/x\"",
            "image: ghcr.io/example/web:v1.2.3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "kubectl -n argocd get secret argocd-initial-admin-secret",
            "secretName: web-tls",
            "repoURL: ssh://git@github.com/example/lab.git",
        ] {
            assert!(
                !shown(fine).contains('S') || fine.contains('S'),
                "{}",
                shown(fine)
            );
            assert_eq!(shown(fine), fine);
        }
    }

    #[test]
    fn text_in_base64_is_looked_into() {
        // "password: hunter2 and more"
        assert_eq!(
            shown("userData: cGFzc3dvcmQ6IGh1bnRlcjIgYW5kIG1vcmU="),
            "userData: S"
        );
        assert_eq!(
            shown("x: Authorization: Bearer abc def"),
            "x: Authorization: S"
        );
        assert_eq!(shown("a: ENC[AES256_GCM,data:x,type:str]"), "a: E");
    }
}
