//! Two trees to one: Helm's merge of values, and the JSON merge patch of RFC 7386.
//!
//! It knows no kinds and no merge keys, and nothing in it can fail.

use crate::source::Span;
use crate::value::{Map, Node, Value};

/// Merges `overlay` into `base` as Helm merges values: maps merge, anything else replaces, and a null stays, so
/// that it reaches the chart and removes its default there. An `overlay` that is null altogether, as an empty file
/// is, changes nothing.
pub fn merge_values(base: &mut Node, overlay: &Node) {
    if overlay.value != Value::Null {
        merge_value(base, overlay);
    }
}

fn merge_value(base: &mut Node, overlay: &Node) {
    let (Value::Map(merged), Value::Map(entries)) = (&mut base.value, &overlay.value) else {
        replace(base, overlay.clone());
        return;
    };
    for (key, entry) in entries {
        match merged.get_mut(key) {
            Some(old) if both_maps(&old.node, &entry.node) => {
                merge_value(&mut old.node, &entry.node);
            }
            _ => put(merged, key, entry.key, entry.node.clone()),
        }
    }
    base.add_origin(&overlay.origin);
}

/// Applies the JSON merge patch `patch` (RFC 7386): maps merge, a null deletes its key, anything else replaces.
pub fn merge_patch(target: &mut Node, patch: &Node) {
    let (Value::Map(merged), Value::Map(entries)) = (&mut target.value, &patch.value) else {
        replace(target, without_nulls(patch));
        return;
    };
    for (key, entry) in entries {
        match merged.get_mut(key) {
            _ if entry.node.value == Value::Null => {
                merged.remove(key);
            }
            Some(old) if both_maps(&old.node, &entry.node) => {
                merge_patch(&mut old.node, &entry.node);
            }
            _ => put(merged, key, entry.key, without_nulls(&entry.node)),
        }
    }
    target.add_origin(&patch.origin);
}

fn both_maps(one: &Node, other: &Node) -> bool {
    one.as_map().is_some() && other.as_map().is_some()
}

/// What a merge patch makes where nothing stood: its maps without null entries. Lists are taken as they are.
fn without_nulls(patch: &Node) -> Node {
    let mut made = patch.clone();
    if let Value::Map(map) = &mut made.value {
        map.retain(|_, entry| entry.node.value != Value::Null);
        for (_, entry) in map.iter_mut() {
            entry.node = without_nulls(&entry.node);
        }
    }
    made
}

/// Sets `key`, which a source wrote at `span`; what stood there goes on in the origins.
pub(super) fn put(map: &mut Map, key: &str, span: Option<Span>, node: Node) {
    let entry = map.entry(key.into()).or_default();
    replace(&mut entry.node, node);
    entry.key = span.or(entry.key);
}

/// Puts `new` in the place of `old`: every value keeps its own origin first, behind it that of the value which
/// stood at the same keys.
pub(super) fn replace(old: &mut Node, mut new: Node) {
    inherit(&mut new, old);
    *old = new;
}

/// Adds the origins of `old` behind those of `new`, key by key.
pub(super) fn inherit(new: &mut Node, old: &Node) {
    new.add_origin(&old.origin);
    if let (Value::Map(new), Value::Map(old)) = (&mut new.value, &old.value) {
        for (key, entry) in new {
            if let Some(old) = old.get(key) {
                inherit(&mut entry.node, &old.node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{merge_patch, merge_values};
    use crate::render::patch::testing::{node, origins};

    #[test]
    fn values_merge_maps_replace_the_rest_and_keep_null() {
        let mut base = node(
            0,
            r#"{"a": {"x": 1, "y": 2}, "list": [1, 2], "gone": {"z": 1}}"#,
        );
        merge_values(
            &mut base,
            &node(
                1,
                r#"{"a": {"y": null, "z": {"n": null}}, "list": [3], "gone": 4}"#,
            ),
        );
        let expected = r#"{"a": {"x": 1, "y": null, "z": {"n": null}}, "list": [3], "gone": 4}"#;
        assert_eq!(base, node(0, expected));
    }

    #[test]
    fn an_empty_values_file_changes_nothing() {
        let mut base = node(0, r#"{"a": 1}"#);
        merge_values(&mut base, &node(1, "null"));
        assert_eq!(base, node(0, r#"{"a": 1}"#));
    }

    #[test]
    fn a_replaced_leaf_has_the_overlays_origin_first_and_a_map_keeps_both() {
        let mut base = node(0, r#"{"a": {"x": 1, "y": 2}}"#);
        merge_values(&mut base, &node(1, r#"{"a": {"y": 3, "z": 4}}"#));
        assert_eq!(origins(&base), ["a: 0 1", "a.x: 0", "a.y: 1 0", "a.z: 1"]);
    }

    #[test]
    fn a_merge_patch_merges_maps_deletes_at_null_and_replaces_the_rest() {
        let cases = [
            (
                "{k: {x: 1, y: 2}}",
                "{k: {y: null, z: 3}}",
                "{k: {x: 1, z: 3}}",
            ),
            ("{k: [1, 2]}", "{k: [3]}", "{k: [3]}"),
            ("{k: [1, 2]}", "{k: {x: 1, y: null}}", "{k: {x: 1}}"),
            ("{k: {x: 1}}", "{k: text}", "{k: text}"),
            ("{k: 1}", "{missing: null}", "{k: 1}"),
            ("{}", "{k: {x: {y: null}}}", "{k: {x: {}}}"),
            ("{}", "{k: [{x: null}, null]}", "{k: [{x: null}, null]}"),
            ("{k: null}", "{k: {x: 1}}", "{k: {x: 1}}"),
            ("{k: 1}", "[1]", "[1]"),
            ("text", "{k: 1, x: null}", "{k: 1}"),
        ];
        for (target, patch, expected) in cases {
            let mut merged = node(0, target);
            merge_patch(&mut merged, &node(1, patch));
            assert_eq!(merged, node(0, expected), "{target} patched by {patch}");
        }
    }

    #[test]
    fn a_merge_patch_leaves_its_trace_in_the_origins() {
        let mut target = node(0, r#"{"a": {"x": 1, "y": 2}, "b": 1}"#);
        merge_patch(
            &mut target,
            &node(1, r#"{"a": {"y": 3, "x": null}, "c": [5]}"#),
        );
        assert_eq!(
            origins(&target),
            ["a: 0 1", "a.y: 1 0", "b: 0", "c: 1", "c[0]: 1"]
        );
    }
}
