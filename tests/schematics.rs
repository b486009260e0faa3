//! Image Factory schematics against ids that the factory itself gave, and against files that it refuses.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its vectors from disk"
)]

use std::fs;
use std::path::Path;

use labc::diag::Diagnostics;
use labc::diag::report::{Colour, text};
use labc::render::machine::schematic_file::identify;
use labc::source::{SourceKind, Sources};

/// Canonical bytes and id of a schematic, or what is said about it.
fn id_of(schematic: &str) -> Result<(String, String), String> {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let name = "schematic.yaml".to_owned();
    let source = sources.add(name, schematic.into(), SourceKind::Lab);
    let found = identify(source, schematic, &mut diagnostics);
    found.ok_or_else(|| text(&diagnostics, &sources, Colour::No))
}

/// How many vectors a file has; each must come out with its id and its bytes.
fn check_vectors(path: &Path) -> usize {
    let vectors = fs::read_to_string(path).expect("the vectors are there");
    let vectors: serde_json::Value = serde_json::from_str(&vectors).expect("JSON");
    let vectors = vectors.as_array().expect("a list");
    for vector in vectors {
        let canonical = vector["canonical"].as_str().expect("bytes").to_owned();
        let id = vector["id"].as_str().expect("an id").to_owned();
        assert_eq!(id_of(&canonical), Ok((canonical.clone(), id.clone())));
        if let Some(other) = vector["written"].as_str() {
            assert_eq!(id_of(other), Ok((canonical, id)), "written as\n{other}");
        }
    }
    vectors.len()
}

#[test]
fn ids_are_the_factorys() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/talos/schematics.json");
    assert!(check_vectors(&own) >= 6, "there are vectors");
    let more = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/schematic-vectors.json");
    if more.is_file() {
        assert!(check_vectors(&more) >= 20, "there are more vectors");
    } else {
        println!(
            "skipped: more vectors, because there is no {}",
            more.display()
        );
    }
}

#[test]
fn the_same_schematic_in_other_letters_has_the_same_id() {
    let (canonical, _) = id_of("customization: {}\n").expect("the empty one");
    for other in [
        "customization:\n",
        "{}",
        "customization: {extraKernelArgs: [], systemExtensions: {}}",
        "overlay: {}\ncustomization: {bootloader: none}",
        "customization: {secureboot: {includeWellKnownCertificates: off}}",
    ] {
        assert_eq!(
            id_of(other).map(|(bytes, _)| bytes),
            Ok(canonical.clone()),
            "{other}"
        );
    }
}

#[test]
fn text_is_quoted_as_the_factory_quotes_it() {
    let schematic =
        "customization: {extraKernelArgs: [on, 'true', 0x10, '1.5', 'a: b', 1:30, -lockdown]}";
    let (canonical, _) = id_of(schematic).expect("a schematic");
    let expected = "customization:\n    extraKernelArgs:\n        - 'on'\n        - \"true\"\n        - \"0x10\"\n        \
                    - \"1.5\"\n        - 'a: b'\n        - '1:30'\n        - -lockdown\n";
    assert_eq!(canonical, expected);
}

#[test]
fn what_the_factory_refuses_is_said() {
    let refused = [
        ("customisation: {}", "unknown key `customisation`"),
        (
            "customization: {systemExtensions: {officialExtension: [a]}}",
            "unknown key",
        ),
        (
            "customization: {systemExtensions: {officialExtensions: a}}",
            "is a list",
        ),
        (
            "customization: {bootloader: lilo}",
            "`customization.bootloader` is one of",
        ),
        (
            "customization: {meta: [{key: 256, value: x}]}",
            "a number from 0 to 255",
        ),
        (
            "customization: {}\n---\ncustomization: {}\n",
            "one document",
        ),
        ("", "one document"),
        ("- a", "must be a table"),
        ("customization: {extraKernelArgs: [{a: b}]}", "is text"),
    ];
    for (schematic, said) in refused {
        let answer = id_of(schematic).expect_err(schematic);
        assert!(answer.contains(said), "{schematic} gives\n{answer}");
    }
}
