//! The same source gives the same bytes in another folder, locale and time zone, with another home, umask and number of
//! threads.

#![allow(
    clippy::disallowed_methods,
    reason = "a test makes folders and runs the binary"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use labc::world::{Read, World};

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let world = World::open(folder).expect("the folder is there");
    let paths = world.list("").expect("the folder can be listed");
    let read = |path: String| match world.read(&path).expect("it can be read") {
        Read::Bytes(bytes) => (path, bytes),
        other => panic!("{path}: {other:?}"),
    };
    paths.into_iter().map(read).collect()
}

/// Builds the root lab from a folder of its own, and returns the tree.
fn build(name: &str, variables: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("elsewhere")
        .join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("lab")).expect("a folder");
    std::fs::copy(root.join("lab.toml"), folder.join("lab/lab.toml")).expect("a copy");
    let built = Command::new("sh")
        .args([
            "-c",
            "umask \"$MASK\" && exec \"$0\" -C lab build -q --out out",
        ])
        .arg(env!("CARGO_BIN_EXE_labc"))
        .current_dir(&folder)
        .env("MASK", "022")
        .envs(variables.iter().copied())
        .status();
    assert!(built.expect("it runs").success(), "{name}");
    files(&folder.join("out"))
}

#[test]
fn the_same_bytes_everywhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = files(&root.join("out"));
    assert!(committed.len() > 40, "the root lab has a tree");
    let plain = build("plain", &[]);
    assert!(plain == committed, "a build from another folder differs");
    let other = build(
        "a folder with blanks, ü",
        &[
            ("LC_ALL", "tr_TR.UTF-8"),
            ("LANG", "C"),
            ("TZ", "Asia/Kathmandu"),
            ("HOME", "/nonexistent"),
            ("USER", "somebody"),
            ("RAYON_NUM_THREADS", "1"),
            ("NO_COLOR", "1"),
            ("MASK", "077"),
        ],
    );
    assert!(other == committed, "a build in another environment differs");
}

#[test]
fn no_output_names_this_machine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = root.display().to_string();
    for (path, bytes) in files(&root.join("out")) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&here), "{path} names this folder");
    }
}
