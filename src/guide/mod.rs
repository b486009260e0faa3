//! What helps a person write a lab: the pages of modules, a schema for editors, and the text of a new lab, component
//! or module.
//!
//! Knows no disk and no terminal. It reads modules as they are written and binds nothing.

pub mod component;
pub mod lab;
pub mod list;
pub mod module;
pub mod page;
pub mod sample;
pub mod schema;
pub mod set;
pub mod traits;
mod wrap;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diag::Diagnostics;
use crate::parse::lab::Layer;
use crate::parse::library::{self, Library};
use crate::parse::load::Loader;
use crate::parse::module::{Clause, Module, TraitSyntax};
use crate::source::{SourceKind, Sources, Span, Spanned};
use crate::syntax::toml;
use crate::value::Node;
use crate::world::{Failure, World};

/// Every module and trait that a lab can use.
#[derive(Debug)]
pub struct Shelf {
    /// The modules that could be read, by name.
    pub modules: BTreeMap<String, Book>,
    /// The traits by name.
    pub traits: BTreeMap<String, Arc<TraitSyntax>>,
    /// Every file that was read.
    pub sources: Sources,
}

/// A module, and its `module.toml` as written.
#[derive(Debug)]
pub struct Book {
    /// As the compiler reads it.
    pub module: Arc<Module>,
    /// As it is written: expressions are text.
    pub written: Node,
}

/// Reads the standard library and the modules of the world's lab. Broken ones are reported and left out.
///
/// # Errors
/// The machine failed.
pub fn shelf(world: &World, diagnostics: &mut Diagnostics) -> Result<Shelf, Failure> {
    let mut loader = Loader::new(world);
    let mut library = Library::default();
    let traits = library.traits(&mut loader, diagnostics)?;
    let mut modules = BTreeMap::new();
    // The modules that are named here exist; a place is only asked for because one that a lab names may not.
    let nowhere = loader
        .sources
        .add("modules".to_owned(), "".into(), SourceKind::Lab);
    for name in library::names(world)? {
        let wanted = Spanned::new(name.clone(), Span::new(nowhere, 0, 0));
        if let Some(module) = library.module(&wanted, &mut loader, diagnostics)? {
            let written = written(&name, &loader.sources);
            modules.insert(name, Book { module, written });
        }
    }
    Ok(Shelf {
        modules,
        traits,
        sources: loader.sources,
    })
}

fn written(name: &str, sources: &Sources) -> Node {
    let path = format!("modules/{name}/module.toml");
    let source = sources
        .find(&format!("labc:{path}"))
        .or_else(|| sources.find(&path));
    source.map_or_else(Node::default, |source| {
        // What is wrong with it was reported when it was read as a module.
        let mut known = Diagnostics::default();
        toml::read(source, &sources.file(source).text, &mut known)
    })
}

/// The table in which a component of a module usually stands.
pub fn usual_layer(module: &Module) -> Layer {
    match module.group.as_str() {
        "apps" | "generic" => Layer::Apps,
        _ => Layer::Infrastructure,
    }
}

/// The names of clauses such as `capabilities`, each with the condition that it depends on.
fn named<'a>(clauses: &'a [Clause], sources: &'a Sources) -> Vec<(String, Option<&'a str>)> {
    let name = |clause: &'a Clause| {
        let name = clause.body.as_data()?.get("name")?.as_str()?.to_owned();
        let when = clause.when.as_ref();
        Some((name, when.map(|when| sources.text(when.span()))))
    };
    clauses.iter().filter_map(name).collect()
}
