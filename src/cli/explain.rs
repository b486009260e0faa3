//! `labc explain`: the page of a message, or why a line of the tree is what it is.

use std::path::{Component, Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::output::{self, misused, say};
use super::{Common, Exit, Format};
use crate::compile;
use crate::diag::{Code, did_you_mean};
use crate::emit::emit;
use crate::explain::{self, Place, Refusal, find_file};
use crate::lower::{OutFile, Tree};
use crate::world::{Failure, Read, World, console};

/// Explain a message, or why something is in the tree
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A message's code (L0203), or a place in the tree (out/apps/atuin/application.yaml:12, or FILE:spec.project)
    #[arg(value_name = "CODE|FILE:LINE|FILE:PATH")]
    what: String,
}

impl Explain {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        match self.what.split_once(':') {
            Some((file, place)) => story(common, file, &read_place(place)),
            None => page(common, &self.what),
        }
    }
}

/// A line, perhaps with a column behind it as editors have it, or a path.
fn read_place(text: &str) -> Place {
    let line = text.split_once(':').map_or(text, |(line, _)| line);
    match line.parse() {
        Ok(line) => Place::Line(line),
        Err(_) => Place::Path(text.to_owned()),
    }
}

fn page(common: &Common, text: &str) -> Result<Exit, Failure> {
    let Some(code) = Code::parse(text) else {
        return Ok(unknown_code(text));
    };
    let page = code.page();
    match common.format {
        Format::Json => {
            let code = code.to_string();
            output::json(&json!({ "schema": 1, "code": code, "page": page }))?;
        }
        _ => output::print(page)?,
    }
    Ok(Exit::Fine)
}

fn unknown_code(text: &str) -> Exit {
    let is_path = text.contains(['/', '.']);
    if is_path {
        let help = format!("name a line, `{text}:1`, or a path, `{text}:metadata.name`");
        let message = format!("`{text}` is a file: which place in it?");
        return misused(&message, Some(&help));
    }
    let codes: Vec<String> = Code::all().map(|code| code.to_string()).collect();
    let near = did_you_mean(&text.to_uppercase(), codes.iter().map(String::as_str));
    let help = near.unwrap_or_else(|| {
        "a code is like `L0203`; a place in the tree is `FILE:LINE` or `FILE:PATH`".to_owned()
    });
    misused(&format!("there is no message `{text}`"), Some(&help))
}

fn story(common: &Common, file: &str, place: &Place) -> Result<Exit, Failure> {
    let (root, world) = common.world()?;
    let compiled = compile(&world)?;
    let wrong = compiled.diagnostics.has_errors();
    let Some(product) = compiled.product.filter(|_| !wrong) else {
        output::diagnostics(common, &compiled.diagnostics, &compiled.sources);
        return Ok(Exit::Wrong);
    };
    let candidates = candidates(file, root.name(), &console::current_folder()?);
    let found = find_file(&product.tree, &candidates).and_then(|file| {
        let story = explain::explain(file, place, &compiled.sources)?;
        Ok((file, story))
    });
    match found {
        Ok((file, story)) => {
            if differs(&world, file)? {
                say(
                    common,
                    &format!(
                        "note: `{}` on disk is not what the sources make; this is about what they make",
                        file.path
                    ),
                );
            }
            match common.format {
                Format::Json => output::json(&explain::json(&story, &compiled.sources))?,
                _ => {
                    let colour = output::colour(console::colour_on_stdout());
                    output::print(&explain::text(&story, &compiled.sources, colour))?;
                }
            }
            Ok(Exit::Fine)
        }
        Err(refusal) => Ok(refuse(&world, &candidates, &product.tree, refusal)?),
    }
}

/// Says why there is no story; a file that lies there and is not labc's has its own words.
fn refuse(
    world: &World,
    candidates: &[String],
    tree: &Tree,
    refusal: Refusal,
) -> Result<Exit, Failure> {
    let known = candidates
        .iter()
        .any(|path| tree.files.iter().any(|file| file.path == *path));
    if !known {
        for path in candidates {
            if matches!(world.read(path)?, Read::Bytes(_)) {
                let message = format!("`{path}` is not labc's: nothing of the lab made it");
                return Ok(misused(&message, refusal.help.as_deref()));
            }
        }
    }
    Ok(misused(&refusal.message, refusal.help.as_deref()))
}

/// The paths below the lab's folder that a person may mean: counted from where they are, from the lab's folder, and
/// from `out/`.
fn candidates(file: &str, root: &Path, here: &Path) -> Vec<String> {
    let root = normal(root);
    let text = |path: &Path| {
        let parts = path.components().map(|part| part.as_os_str().to_str());
        parts
            .collect::<Option<Vec<_>>>()
            .map(|parts| parts.join("/"))
    };
    let from_here = normal(&here.join(file));
    let from_here = from_here.strip_prefix(&root).ok().and_then(text);
    let from_root = normal(&root.join(file));
    let from_root = from_root.strip_prefix(&root).ok().and_then(text);
    let from_out = from_root.as_ref().map(|path| format!("out/{path}"));
    let mut all: Vec<String> = [from_here, from_root, from_out]
        .into_iter()
        .flatten()
        .filter(|path| !path.is_empty())
        .collect();
    all.dedup();
    if all.is_empty() {
        all.push(file.to_owned());
    }
    all
}

/// A path without `.` and `..`, as far as its letters tell.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = normal.pop(),
            part => normal.push(part),
        }
    }
    normal
}

/// Whether the file on disk is another one than the sources make; one that is not there does not differ.
fn differs(world: &World, file: &OutFile) -> Result<bool, Failure> {
    let mut alone = Tree::default();
    alone.files.push(file.clone());
    let made = emit(&alone);
    Ok(match world.read(&file.path)? {
        Read::Bytes(bytes) => made.first().is_some_and(|made| made.bytes != bytes),
        Read::Missing | Read::Refused(_) => false,
    })
}
