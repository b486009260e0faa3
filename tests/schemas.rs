//! Holds every object of an engine or an operator, in every lab's tree, to the schema of its CRD.
//!
//! The schemas are facts of upstream that lie beside the project, not in it: without them, or without `zstd` and `xz` to
//! read them, the test says so and ends.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk and runs the programs that unpack schemas"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use labc::compile;
use labc::lower::Content;
use labc::template::convert::json;
use labc::world::World;
use serde_json::{Value, json};

#[test]
fn every_object_fits_the_schema_of_its_kind() {
    let Some(schemas) = schemas() else { return };
    let mut checked: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in labs() {
        let compiled = compile(&World::open(&case).expect("the folder is there"))
            .expect("the case can be read");
        let product = compiled.product.expect("the case compiles");
        for file in &product.tree.files {
            let Content::Yaml(documents) = &file.content else {
                continue;
            };
            for document in documents {
                let object = json(document);
                let kind = text(&object["kind"]).to_lowercase();
                let kind = format!("{} {kind}", text(&object["apiVersion"]));
                let Some(schema) = schemas.get(&kind) else {
                    continue;
                };
                *checked.entry(kind.clone()).or_default() += 1;
                for error in schema.iter_errors(&object) {
                    let place = format!("{}/{}", case.display(), file.path);
                    wrong.push(format!(
                        "{place}: {kind}: {} {error}",
                        error.instance_path()
                    ));
                }
            }
        }
    }
    println!("checked {checked:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for kind in ["application", "appproject"] {
        let count = checked.get(&format!("argoproj.io/v1alpha1 {kind}"));
        assert!(
            count.is_some_and(|count| *count > 0),
            "no {kind} was checked"
        );
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn labs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::fs::read_dir(root.join("tests/labs")).expect("the folder of cases");
    let cases = folder.map(|entry| entry.expect("an entry").path());
    cases
        .filter(|path| path.is_dir())
        .chain([root.to_owned()])
        .collect()
}

/// A validator for each `group/version kind`, the kind in lowercase; none where the schemas cannot be had.
fn schemas() -> Option<BTreeMap<String, jsonschema::Validator>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/schemas");
    if !folder.is_dir() {
        println!("skipped: there are no CRD schemas in {}", folder.display());
        return None;
    }
    let strict = unpack("xz", &folder.join("crds-strict.json.xz"))?;
    let lines = unpack("zstd", &folder.join("crds.jsonl.zst"))?;
    let mut schemas = BTreeMap::new();
    let strict: Value = serde_json::from_str(&strict).expect("the schemas are JSON");
    for (version, kinds) in strict.as_object().expect("versions") {
        for (kind, mut schema) in kinds.as_object().expect("kinds").clone() {
            open_metadata(&mut schema);
            insert(&mut schemas, format!("{version} {kind}"), &schema);
        }
    }
    for line in lines.lines() {
        let mut schema: Value = serde_json::from_str(line).expect("a schema is JSON");
        open_metadata(&mut schema);
        if let Some(kind) = argo_kind(&schema) {
            insert(
                &mut schemas,
                format!("argoproj.io/v1alpha1 {kind}"),
                &schema,
            );
        }
    }
    Some(schemas)
}

fn insert(schemas: &mut BTreeMap<String, jsonschema::Validator>, kind: String, schema: &Value) {
    if let Ok(validator) = jsonschema::validator_for(schema) {
        schemas.insert(kind, validator);
    }
}

/// What Kubernetes itself checks of every object is not the CRD's to say.
fn open_metadata(schema: &mut Value) {
    schema["properties"]["metadata"] = json!({ "type": "object" });
}

/// Argo CD's kinds, told by fields that only they have: these schemas do not name their kind.
fn argo_kind(schema: &Value) -> Option<&'static str> {
    let has = |field: &str| {
        schema["properties"]["spec"]["properties"]
            .get(field)
            .is_some()
    };
    if has("syncPolicy") && has("ignoreDifferences") && has("destination") {
        return Some("application");
    }
    (has("sourceRepos") && has("clusterResourceWhitelist")).then_some("appproject")
}

fn unpack(program: &str, path: &Path) -> Option<String> {
    match Command::new(program).arg("-dc").arg(path).output() {
        Ok(output) if output.status.success() => {
            Some(String::from_utf8(output.stdout).expect("schemas are text"))
        }
        _ => {
            println!("skipped: `{program}` cannot unpack {}", path.display());
            None
        }
    }
}
