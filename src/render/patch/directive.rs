//! The directives of strategic merge patches: `$patch`, and those that are not understood.
//!
//! It knows words, and no lists and merge keys: what a directive does is [`super::strategic`]'s.

use crate::diag::{Code, Diagnostic, did_you_mean};
use crate::value::{Entry, Node};

/// What `$patch` asks for.
#[derive(Clone, Copy)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

pub(super) const DIRECTIVE: &str = "$patch";

/// The directive of a map; [`check_words`] has seen its word.
pub(super) fn directive(map: &Node) -> Directive {
    match map.get(DIRECTIVE).and_then(Node::as_str) {
        Some("delete") => Directive::Delete,
        Some("replace") => Directive::Replace,
        _ => Directive::Merge,
    }
}

/// Whether a list's element is a directive for the list: `- $patch: replace`.
pub(super) fn is_directive(element: &Node) -> bool {
    element
        .as_map()
        .is_some_and(|map| map.len() == 1 && map.contains_key(DIRECTIVE))
}

/// Refuses directives in a merge patch, where they would become data.
pub(super) fn refuse_in_merge(patch: &Node) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    each_directive(patch, &mut |key, entry| {
        let diagnostic = fails(entry, format!("`{key}` has no meaning in a merge patch"))
            .here("it would become data")
            .help("write the patch as `strategic`");
        found.push(diagnostic);
    });
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Calls `visit` with every directive that `node` holds, the unsupported ones included.
pub(super) fn each_directive<'a>(node: &'a Node, visit: &mut impl FnMut(&'a str, &'a Entry)) {
    for (key, entry) in node.as_map().into_iter().flatten() {
        if key == DIRECTIVE || unsupported(key).is_some() {
            visit(key, entry);
        }
        each_directive(&entry.node, visit);
    }
    for item in node.as_list().unwrap_or_default() {
        each_directive(item, visit);
    }
}

/// Reports every directive that is not understood. Kubernetes' own kinds have no fields that begin with `$`, but
/// for two of JSON Schema.
pub(super) fn check_words(node: &Node, own: bool, found: &mut Vec<Diagnostic>) {
    for (key, entry) in node.as_map().into_iter().flatten() {
        if key == DIRECTIVE {
            check_word(entry, found);
        } else if let Some(help) = unsupported(key) {
            let message = format!("the directive `{key}` is not understood");
            found.push(fails(entry, message).help(help));
        } else if own && key.starts_with('$') && !["$ref", "$schema"].contains(&key.as_str()) {
            let message = format!("unknown directive `{key}`");
            found.push(fails(entry, message).maybe_help(did_you_mean(key, [DIRECTIVE])));
        }
        check_words(&entry.node, own, found);
    }
    for item in node.as_list().unwrap_or_default() {
        check_words(item, own, found);
    }
}

/// Directives of other programs, by how they begin, and what to write instead.
const UNSUPPORTED: [(&str, &str); 3] = [
    (
        "$retainKeys",
        "replace the map: write `$patch: replace` and its other keys",
    ),
    (
        "$setElementOrder/",
        "leave it out: elements keep their order, and new ones come last",
    ),
    (
        "$deleteFromPrimitiveList/",
        "use a json patch: `op = \"remove\"`",
    ),
];

/// What to write instead of a directive of other programs.
fn unsupported(key: &str) -> Option<&'static str> {
    let directive = UNSUPPORTED.iter().find(|(start, _)| key.starts_with(start));
    directive.map(|(_, help)| *help)
}

fn check_word(entry: &Entry, found: &mut Vec<Diagnostic>) {
    let words = ["delete", "merge", "replace"];
    let word = entry.node.as_str().unwrap_or(entry.node.value.kind());
    if !words.contains(&word) {
        let message = format!("`$patch` cannot be `{word}`");
        let span = entry.node.origin.first();
        found.push(
            Diagnostic::error(Code::PATCH_FAILS, span, message)
                .maybe_help(did_you_mean(word, words))
                .help("it is `delete`, `replace` or `merge`"),
        );
    }
}

/// The message about a key of the patch.
pub(super) fn fails(entry: &Entry, message: String) -> Diagnostic {
    let span = entry.key.or_else(|| entry.node.origin.first());
    Diagnostic::error(Code::PATCH_FAILS, span, message)
}
