//! Random JSON patches and merge patches: the result must be the `json-patch` crate's, whether it is a value or a
//! refusal.

use serde_json::{Map, Value as Json, json};

use crate::{Lab, Random};

/// Keys that a pointer escapes, that look like indices, and plain ones.
const KEYS: [&str; 9] = ["a", "b", "spec", "a/b", "m~n", "~1", "", "0", "01"];

#[test]
fn a_json_patch_does_what_the_crate_does() {
    let mut random = Random(6902);
    let (mut applied, mut refused) = (0, 0);
    for _ in 0..3000 {
        let resource = resource(&mut random);
        let patch = operations(&mut random, &resource);
        let operations: json_patch::Patch =
            serde_json::from_value(patch.clone()).expect("operations");
        let mut expected = resource.clone();
        // Not `patch`: it panics where it cannot undo.
        let verdict = json_patch::patch_unsafe(&mut expected, &operations);
        let stays = identity(&expected) == identity(&resource);
        if verdict.is_ok() && stays {
            applied += 1;
            assert_patched("json", &resource, &patch, Some(&expected));
        } else {
            refused += 1;
            assert_patched("json", &resource, &patch, None);
        }
    }
    assert!(applied > 1000 && refused > 1000, "{applied} and {refused}");
}

#[test]
fn a_merge_patch_does_what_the_crate_does() {
    let mut random = Random(7386);
    for _ in 0..2000 {
        let resource = resource(&mut random);
        let patch = json!({ "a": value(&mut random, 3), "b": value(&mut random, 3) });
        let mut expected = resource.clone();
        json_patch::merge(&mut expected, &patch);
        assert_patched("merge", &resource, &patch, Some(&expected));
    }
}

/// Holds what labc makes of a patch to what is expected: a value, or a message and the resource as it was.
fn assert_patched(kind: &str, resource: &Json, patch: &Json, expected: Option<&Json>) {
    let mut lab = Lab::default();
    let entry = lab.tree(&json!({ "target": { "kind": "Test" }, kind: patch }));
    let mut resources = vec![lab.tree(resource)];
    let wanted = lab.tree(expected.unwrap_or(resource));
    let changes = lab.patch(&mut resources, &entry);
    let case = format!("{resource}\n{patch}\n{}", lab.messages());
    assert_eq!(lab.diagnostics.has_errors(), expected.is_none(), "{case}");
    assert_eq!(resources, [wanted], "{case}");
    let differs = expected.is_some_and(|expected| expected != resource);
    assert_eq!(
        changes.changed,
        if differs { vec![0] } else { vec![] },
        "{case}"
    );
}

const IDENTITY: [&str; 4] = [
    "/apiVersion",
    "/kind",
    "/metadata/name",
    "/metadata/namespace",
];

fn identity(resource: &Json) -> [Option<&Json>; 4] {
    IDENTITY.map(|pointer| resource.pointer(pointer))
}

fn resource(random: &mut Random) -> Json {
    let mut resource = json!({
        "apiVersion": "example.org/v1",
        "kind": "Test",
        "metadata": { "name": "x", "labels": value(random, 2) },
    });
    let map = resource.as_object_mut().expect("a map");
    for key in KEYS {
        if random.percent(40) {
            map.insert(key.to_owned(), value(random, 3));
        }
    }
    resource
}

fn value(random: &mut Random, depth: usize) -> Json {
    match random.below(if depth == 0 { 5 } else { 9 }) {
        0 => Json::Null,
        1 => json!(random.percent(50)),
        2 => json!(random.below(3)),
        3 => json!(1.5),
        4 => json!(*random.pick(&["", "x", "yes", "a b"])),
        5 | 6 => {
            let length = random.below(4);
            (0..length).map(|_| value(random, depth - 1)).collect()
        }
        _ => {
            let length = random.below(4);
            let entries = (0..length).map(|_| {
                let key = (*random.pick(&KEYS)).to_owned();
                (key, value(random, depth - 1))
            });
            Json::Object(entries.collect::<Map<_, _>>())
        }
    }
}

fn operations(random: &mut Random, resource: &Json) -> Json {
    let mut pointers = Vec::new();
    list_pointers(resource, "", &mut pointers);
    let is_identity = |pointer: &String| IDENTITY.contains(&pointer.as_str());
    pointers.retain(|pointer| !is_identity(pointer) || random.percent(10));
    let count = 1 + random.below(3);
    (0..count)
        .map(|_| operation(random, resource, &pointers))
        .collect()
}

fn operation(random: &mut Random, resource: &Json, pointers: &[String]) -> Json {
    let path = pointer(random, pointers);
    let from = pointer(random, pointers);
    let there = resource.pointer(&path).cloned().unwrap_or_default();
    let wanted = if random.percent(70) {
        there
    } else {
        value(random, 2)
    };
    match random.below(6) {
        0 => json!({ "op": "add", "path": path, "value": value(random, 2) }),
        1 => json!({ "op": "remove", "path": path }),
        2 => json!({ "op": "replace", "path": path, "value": value(random, 2) }),
        3 => json!({ "op": "move", "path": path, "from": from }),
        4 => json!({ "op": "copy", "path": path, "from": from }),
        _ => json!({ "op": "test", "path": path, "value": wanted }),
    }
}

/// Mostly a pointer to what is there, sometimes to a place beside it.
fn pointer(random: &mut Random, pointers: &[String]) -> String {
    // The first is the whole resource, which few operations leave what it is.
    let first = usize::from(random.percent(95));
    let pointer = random.pick(&pointers[first..]);
    if random.percent(80) {
        return pointer.clone();
    }
    let token = *random.pick(&["-", "0", "1", "2", "01", "-1", "+1", "a", "~0", "a~1b", ""]);
    format!("{pointer}/{token}")
}

fn list_pointers(value: &Json, pointer: &str, pointers: &mut Vec<String>) {
    pointers.push(pointer.to_owned());
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                let token = key.replace('~', "~0").replace('/', "~1");
                list_pointers(value, &format!("{pointer}/{token}"), pointers);
            }
        }
        Json::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                list_pointers(value, &format!("{pointer}/{index}"), pointers);
            }
        }
        _ => {}
    }
}
