//! Files of somebody else in the folders that an engine renders: it applies them, and nothing in the lab says so.

use rayon::prelude::*;

use super::{Known, State, Verdict};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::emit::Output;
use crate::world::{Failure, World};

/// The folders of a component that an engine renders: one a unit.
const RENDERED: [&str; 3] = ["manifests", "config", "late"];

/// Files that tell an engine what to make of a folder: with one of them it renders the folder in another way.
const CONTROLS: [&str; 4] = [
    "Chart.yaml",
    "Kustomization",
    "kustomization.yaml",
    "kustomization.yml",
];

/// A warning for each file in a folder that the engine renders which labc neither makes nor ever made. Folders in whose
/// way something stands are not looked into: that is said already.
///
/// # Errors
/// The machine failed.
pub fn foreign(
    world: &World,
    outputs: &[Output],
    known: &Known<'_>,
    verdicts: &[Verdict],
) -> Result<Diagnostics, Failure> {
    let mut own: Vec<&str> = outputs.iter().map(|output| output.path.as_str()).collect();
    own.sort_unstable();
    let mut rendered: Vec<&str> = own
        .iter()
        .filter_map(|path| rendered_folder(path))
        .collect();
    rendered.sort_unstable();
    rendered.dedup();
    let in_the_way = |verdict: &&Verdict| matches!(verdict.state, State::Blocked(_));
    let blocked: Vec<&str> = verdicts
        .iter()
        .filter(in_the_way)
        .map(|verdict| verdict.path.as_str())
        .collect();
    let is_foreign = |path: &str| own.binary_search(&path).is_err() && !known.contains(path);
    let places = rendered.into_par_iter();
    let found = places
        .filter(|place| !is_blocked(place, &blocked))
        .map(|place| {
            let mut paths = world.files_below(place)?;
            paths.retain(|path| is_foreign(path) && is_applied(place, path));
            Ok((place, paths))
        })
        .collect::<Result<Vec<(&str, Vec<String>)>, Failure>>()?;
    let mut diagnostics = Diagnostics::default();
    for (place, paths) in found {
        for path in paths {
            diagnostics.push(warning(place, &path));
        }
    }
    Ok(diagnostics)
}

/// The folder that an engine renders with this file of the tree in it: `out/<layer>/<component>/<part>`.
fn rendered_folder(path: &str) -> Option<&str> {
    let (folder, _) = path.rsplit_once('/')?;
    let (component, part) = folder.rsplit_once('/')?;
    let is_component = component.matches('/').count() == 2;
    (is_component && RENDERED.contains(&part)).then_some(folder)
}

fn is_blocked(place: &str, blocked: &[&str]) -> bool {
    blocked.iter().any(|path| {
        let rest = place.strip_prefix(path);
        let is_above = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        is_above || path.starts_with(&format!("{place}/"))
    })
}

/// Whether an engine makes anything of a file.
fn is_applied(place: &str, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_hidden = path[place.len()..].contains("/.");
    let endings = [".yaml", ".yml", ".json"];
    !is_hidden && (endings.iter().any(|ending| name.ends_with(ending)) || CONTROLS.contains(&name))
}

fn warning(place: &str, path: &str) -> Diagnostic {
    let name = path.rsplit('/').next().unwrap_or(path);
    let component = place.split('/').nth(2).unwrap_or_default();
    let message = format!("`{path}` is not labc's, and the engine renders its folder");
    let diagnostic = Diagnostic::warning(Code::FOREIGN_FILE, None, message);
    if CONTROLS.contains(&name) {
        return diagnostic
            .note(format!(
                "with a `{name}` the engine renders `{place}` as that says, and not each file of it"
            ))
            .help("remove it: what the engine is to apply follows from lab.toml");
    }
    diagnostic.help(format!(
        "move it out of `out/` and name it in the lab, as `manifests = [\"extra/{name}\"]` of `{component}`, or remove it"
    ))
}
