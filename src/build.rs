//! Lists the standard library's files and the pages of the codes, so that the binary carries them.

#![allow(
    clippy::disallowed_methods,
    reason = "a build script runs before there is a compiler"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(target.join("modules.rs"), modules(&root)?)?;
    fs::write(target.join("pages.rs"), pages(&root)?)?;
    println!("cargo::rerun-if-changed=src/build.rs");
    Ok(())
}

fn modules(root: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    walk(&root.join("modules"), &mut files)?;
    let mut code = String::from("pub(super) static FILES: &[(&str, &str)] = &[\n");
    let name = |file: &PathBuf| {
        let below = file.strip_prefix(root).expect("below the root");
        below.display().to_string()
    };
    // As texts, which is how they are looked up: `a.toml` before `a/b.yaml`.
    files.sort_by_key(name);
    for file in files {
        let name = name(&file);
        writeln!(code, "    (\"{name}\", include_str!({file:?})),").expect("a string takes it");
    }
    code.push_str("];\n");
    Ok(code)
}

fn pages(root: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    walk(&root.join("src/diag/codes"), &mut files)?;
    let mut code = String::from("static PAGES: &[(u16, &str)] = &[\n");
    for file in files {
        let stem = file.file_stem().and_then(|stem| stem.to_str());
        let number = stem.and_then(|stem| stem.strip_prefix('L')?.parse::<u16>().ok());
        let number = number.unwrap_or_else(|| panic!("{} is not named for a code", file.display()));
        writeln!(code, "    ({number}, include_str!({file:?})),").expect("a string takes it");
    }
    code.push_str("];\n");
    Ok(code)
}

/// Adds every file below `folder`, sorted by path, and has cargo watch each folder.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut entries = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
