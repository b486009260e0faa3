//! `labc add`: one component more in `lab.toml`.

use std::ops::Range;

use clap::{Args, ValueEnum};

use super::output::{self, misused, say};
use super::{Common, Exit};
use crate::compile;
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::guide::component::{self, Added};
use crate::guide::{shelf, usual_layer};
use crate::parse::LAB;
use crate::parse::lab::{Layer, check_component_name};
use crate::source::{SourceKind, Sources};
use crate::syntax::toml;
use crate::value::{Node, Path as Way};
use crate::world::{Failure, Folder, Mode, Read, World};

/// Add a component to lab.toml
#[derive(Debug, Args)]
pub(super) struct Add {
    /// The component's name
    name: String,
    /// What it deploys; default: the module of its name
    #[arg(long, value_name = "MODULE")]
    module: Option<String>,
    /// The table that it belongs to; default: as its module is usually used
    #[arg(long, value_enum)]
    layer: Option<LayerArgument>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LayerArgument {
    Infrastructure,
    Apps,
}

impl Add {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let (root, world) = common.world()?;
        let Read::Bytes(bytes) = world.read(LAB)? else {
            let message = format!("there is no {LAB} here");
            return Ok(misused(&message, Some("run `labc init` to start a lab")));
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return Ok(misused(&format!("{LAB} is not UTF-8 text"), None));
        };
        let mut diagnostics = Diagnostics::default();
        let shelf = shelf(&world, &mut diagnostics)?;
        let wanted = self.module.as_deref().unwrap_or(&self.name);
        let module = match component::find(&shelf, wanted) {
            Ok(module) => module,
            Err(help) => {
                output::messages(common, &diagnostics, &shelf.sources);
                let message = format!("there is no module `{wanted}`");
                return Ok(misused(&message, Some(&help)));
            }
        };
        if let Some(exit) = self.refuse_name(&text) {
            return Ok(exit);
        }
        let layer = match self.layer {
            Some(LayerArgument::Infrastructure) => Layer::Infrastructure,
            Some(LayerArgument::Apps) => Layer::Apps,
            None => usual_layer(module),
        };
        let table = component::table(&self.name, layer, module);
        match component::add(&text, layer, &self.name, &table) {
            Ok(added) => self.write(common, &root, &world, &added, layer, table.lines().count()),
            Err(why) => {
                let message = format!("{LAB} takes no other table as it is: {why}");
                let help = format!("mend it first, or write this into it:\n\n{table}");
                Ok(misused(&message, Some(&help)))
            }
        }
    }

    /// Refuses a name that no component may have, or that one has already.
    fn refuse_name(&self, lab: &str) -> Option<Exit> {
        let name = &self.name;
        if let Err(why) = check_component_name(name) {
            let message = format!("a component cannot be named `{name}`: {why}");
            return Some(misused(&message, None));
        }
        let tree = read(lab);
        let layers = [Layer::Infrastructure, Layer::Apps];
        let taken = layers
            .into_iter()
            .find(|layer| tree.at(&Way::keys([layer.word(), name])).is_some())?;
        let message = format!("the lab has `{taken}.{name}` already");
        let help = "give the new one another name: `labc add NAME --module MODULE`";
        Some(misused(&message, Some(help)))
    }

    fn write(
        &self,
        common: &Common,
        root: &Folder,
        world: &World,
        added: &Added,
        layer: Layer,
        lines: usize,
    ) -> Result<Exit, Failure> {
        let before = compile(world)?;
        root.put(LAB, added.text.as_bytes(), Mode::Plain)?;
        let compiled = compile(world)?;
        let own = added.line..added.line + lines;
        let missing = new_problems(
            &compiled.diagnostics,
            &compiled.sources,
            &before.diagnostics,
            &own,
        );
        let errors = missing.has_errors();
        let name = &self.name;
        say(
            common,
            &format!("added [{layer}.{name}] to {LAB}, line {}", added.line),
        );
        if errors {
            say(common, "what is still missing:\n");
        }
        output::messages(common, &missing, &compiled.sources);
        if !errors {
            say(common, "run `labc build` to compile it");
        }
        Ok(Exit::Fine)
    }
}

fn read(lab: &str) -> Node {
    let mut sources = Sources::default();
    let source = sources.add(LAB.to_owned(), lab.into(), SourceKind::Lab);
    // A broken lab.toml is refused later, with its first problem.
    toml::read(source, lab, &mut Diagnostics::default())
}

/// What is said about the new table, and every error that was not said before it was there.
fn new_problems(
    now: &Diagnostics,
    sources: &Sources,
    before: &Diagnostics,
    own: &Range<usize>,
) -> Diagnostics {
    let mut new = Diagnostics::default();
    let known: Vec<(String, String)> = before.iter().map(identity).collect();
    for diagnostic in now.iter() {
        let inside = diagnostic.span.is_some_and(|span| {
            let file = sources.file(span.source);
            file.name == LAB && own.contains(&file.place(span.start as usize).0)
        });
        let is_new = !known.contains(&identity(diagnostic));
        if is_new && (inside || diagnostic.severity == Severity::Error) {
            new.push(diagnostic.clone());
        }
    }
    new
}

/// What makes two messages the same one, wherever it stands.
pub(super) fn identity(diagnostic: &Diagnostic) -> (String, String) {
    (diagnostic.code.to_string(), diagnostic.message.clone())
}
