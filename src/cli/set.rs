//! `labc set`: another value in `lab.toml`, which is written only where the lab still compiles.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use super::add::identity;
use super::output::{self, misused, say};
use super::{Common, Exit, Format};
use crate::diag::{Diagnostics, Severity};
use crate::guide::set::{self, Edited, Refusal};
use crate::parse::LAB;
use crate::source::{Origin, SourceKind, Sources};
use crate::syntax::toml;
use crate::value::{Node, Path, Value};
use crate::world::{Failure, Folder, Mode, Read, World};
use crate::{Compiled, compile, compile_as};

/// Set a value in lab.toml; comments and layout stay
#[derive(Debug, Args)]
pub(super) struct Set {
    /// Which value: cluster.kubernetes, apps.atuin.image, apps.web.hosts[0]
    path: String,
    /// The new value, as TOML or as plain text: what fits is taken
    #[arg(required_unless_present = "delete", allow_hyphen_values = true)]
    value: Option<String>,
    /// Take the value as text, whatever it looks like
    #[arg(long, conflicts_with = "delete")]
    string: bool,
    /// Take the value out, or a table with all that is in it
    #[arg(long, conflicts_with = "value")]
    delete: bool,
    /// Write it even if the lab has an error more with it
    #[arg(long)]
    force: bool,
}

/// An edit, and what the lab is with it.
struct Tried {
    edited: Edited,
    after: Option<String>,
    compiled: Compiled,
    /// What is said now and was not said before.
    new: Diagnostics,
}

impl Set {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let (root, world) = common.world()?;
        let Read::Bytes(bytes) = world.read(LAB)? else {
            let message = format!("there is no {LAB} here");
            return Ok(misused(&message, Some("run `labc init` to start a lab")));
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return Ok(misused(&format!("{LAB} is not UTF-8 text"), None));
        };
        let path = match set::parse_path(&self.path) {
            Ok(path) => path,
            Err(why) => {
                let message = format!("`{}` is no path: {why}", self.path);
                let help = "a path is like `cluster.kubernetes` or `apps.web.hosts[0]`";
                return Ok(misused(&message, Some(help)));
            }
        };
        let edits = match self.edits(&text, &path) {
            Ok(edits) => edits,
            Err(Refusal::Same(line)) => return self.same(common, &path, line),
            Err(Refusal::Impossible(why)) => return Ok(misused(&why, None)),
        };
        let before = compile(&world)?;
        let mut first = None;
        for (edited, after) in edits {
            let tried = attempt(&world, &before.diagnostics, edited, after)?;
            if !tried.new.has_errors() {
                return self.write(common, &root, &text, &path, &tried);
            }
            first.get_or_insert(tried);
        }
        match first {
            Some(tried) if self.force => self.write(common, &root, &text, &path, &tried),
            Some(tried) => Ok(refuse(common, &path, &tried)),
            None => Ok(misused(&format!("`{path}` takes no value"), None)),
        }
    }

    /// The edits that the arguments may mean, the likeliest first, each with the value as it is written then.
    fn edits(&self, text: &str, path: &Path) -> Result<Vec<(Edited, Option<String>)>, Refusal> {
        let Some(value) = &self.value else {
            return Ok(vec![(set::delete(text, path)?, None)]);
        };
        let mut edits = Vec::new();
        let mut refused = None;
        for value in self.meanings(value, text, path) {
            match set::set(text, path, &value) {
                Ok(edited) => edits.push((edited, Some(shown(&value)))),
                // As the likeliest meaning it is there already; as another one it is a change of type alone.
                Err(why @ Refusal::Same(_)) if edits.is_empty() => return Err(why),
                Err(Refusal::Same(_)) => {}
                Err(why) => _ = refused.get_or_insert(why),
            }
        }
        match refused {
            Some(why) if edits.is_empty() => Err(why),
            _ => Ok(edits),
        }
    }

    /// What a value may mean: text where text stands now, else what TOML takes it for, and then text.
    fn meanings(&self, value: &str, lab: &str, path: &Path) -> Vec<Node> {
        let as_text = Node::new(value, Origin::none());
        let Some(data) = data(value).filter(|_| !self.string) else {
            return vec![as_text];
        };
        if data.as_str().is_some() {
            return vec![data];
        }
        let there = read(lab).and_then(|tree| tree.at(path).cloned());
        match there {
            Some(node) if node.as_str().is_some() => vec![as_text, data],
            _ => vec![data, as_text],
        }
    }

    fn same(&self, common: &Common, path: &Path, line: usize) -> Result<Exit, Failure> {
        let line_text = format!("`{path}` has this value already, {LAB}:{line}");
        match common.format {
            Format::Json => output::json(&json!({
                "schema": 1, "path": path.to_string(), "file": LAB, "line": line, "changed": false,
            }))?,
            _ => say(common, &line_text),
        }
        Ok(Exit::Fine)
    }

    fn write(
        &self,
        common: &Common,
        root: &Folder,
        old: &str,
        path: &Path,
        tried: &Tried,
    ) -> Result<Exit, Failure> {
        if World::Folder(root.clone()).read(LAB)? != Read::Bytes(old.as_bytes().to_vec()) {
            let help = Some("run the command again");
            return Ok(misused(&format!("{LAB} was changed meanwhile"), help));
        }
        let edited = &tried.edited;
        root.put(LAB, edited.text.as_bytes(), Mode::Plain)?;
        if common.format == Format::Json {
            output::json(&json!({
                "schema": 1,
                "path": path.to_string(),
                "file": LAB,
                "line": edited.line,
                "changed": true,
                "before": edited.before,
                "after": tried.after,
            }))?;
        }
        say(common, &summary(path, edited, tried.after.as_deref()));
        output::messages(common, &tried.new, &tried.compiled.sources);
        if !tried.new.has_errors() {
            say(common, "run `labc build` to compile it");
        }
        Ok(Exit::Fine)
    }
}

/// `set cluster.kubernetes = "v1.34.2" (was "v1.34.1"), lab.toml:20`.
fn summary(path: &Path, edited: &Edited, after: Option<&str>) -> String {
    let line = edited.line;
    let was = |text: &str| match text.lines().count() {
        0 | 1 => format!(" (was {text})"),
        lines => format!(" (was {lines} lines)"),
    };
    match (after, edited.before.as_deref()) {
        (Some(after), Some(before)) => {
            format!("set {path} = {after}{}, {LAB}:{line}", was(before))
        }
        (Some(after), None) => format!("added {path} = {after}, {LAB}:{line}"),
        (None, _) => format!("removed {path}, {LAB}:{line}"),
    }
}

fn refuse(common: &Common, path: &Path, tried: &Tried) -> Exit {
    output::diagnostics(common, &tried.new, &tried.compiled.sources);
    say(
        common,
        &format!(
            "{LAB} is as it was: with this `{path}` it is wrong; `--force` writes it nevertheless"
        ),
    );
    Exit::Wrong
}

/// The lab with an edit, compiled in memory.
fn attempt(
    world: &World,
    before: &Diagnostics,
    edited: Edited,
    after: Option<String>,
) -> Result<Tried, Failure> {
    let compiled = compile_as(world, &edited.text)?;
    let mut known = BTreeMap::new();
    for diagnostic in before.iter() {
        *known.entry(identity(diagnostic)).or_insert(0) += 1;
    }
    let mut new = Diagnostics::default();
    for diagnostic in compiled.diagnostics.iter() {
        let is_known = known
            .get_mut(&identity(diagnostic))
            .filter(|count: &&mut u32| **count > 0)
            .map(|count| *count -= 1);
        if is_known.is_none() && diagnostic.severity != Severity::Note {
            new.push(diagnostic.clone());
        }
    }
    Ok(Tried {
        edited,
        after,
        compiled,
        new,
    })
}

/// What a piece of TOML means as a value; none where it is none.
fn data(value: &str) -> Option<Node> {
    if value.contains(['\n', '#']) {
        return None;
    }
    read(&format!("value = {value}"))?.get("value").cloned()
}

fn read(text: &str) -> Option<Node> {
    let mut sources = Sources::default();
    let source = sources.add(LAB.to_owned(), text.into(), SourceKind::Lab);
    let mut diagnostics = Diagnostics::default();
    let tree = toml::read(source, text, &mut diagnostics);
    diagnostics.first().is_none().then_some(tree)
}

/// A value as a person reads it.
fn shown(value: &Node) -> String {
    match &value.value {
        Value::Str(text) => format!("{text:?}"),
        _ => crate::keep::print::value(value).unwrap_or_default(),
    }
}
