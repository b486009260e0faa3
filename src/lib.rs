//! labc compiles a lab into the tree that Argo CD, Flux and Talos Linux consume.
//!
//! It is a function: a lab in, a tree out. [`compile`] calls the stages in their order, each a pure function from one
//! named type to the next; everything that a stage finds wrong is a [`diag::Diagnostic`], and every leaf of the result
//! knows the source spans that made it ([`source::Origin`]).
//!
//! | stage | turns | into |
//! | --- | --- | --- |
//! | [`parse`] | the files of a [`world::World`] | [`parse::lab::LabSyntax`]: syntax, every value with its span |
//! | [`resolve`] | syntax | [`resolve::Lab`]: modules, inputs, traits, capabilities and addresses bound |
//! | [`render`] | a lab | resources, and what the nodes must have |
//! | [`link`] | resources | [`link::Linked`]: units in order, every reference checked |
//! | [`lower`] | units | [`lower::Tree`]: output files in the target's own shapes |
//! | [`emit`] | files | bytes |
//!
//! Who uses a Secret shows only in resources: [`link::fill_secrets`] adds, between `render` and `link`, what fills those
//! that come from a store.
//!
//! Beside them: [`template`] expands `${{ }}`, [`lock`] knows what a tree should be, on disk or in a commit, [`diff`] what
//! changes between two trees, why, and what is dangerous in it, [`keep`] what the lab would have to say for a change by
//! hand, `secret` and `mask` what must not be shown, [`diag`] draws messages, and [`world`] is the only door to files,
//! Git, environment and terminal.
//!
//! # What runs in parallel, and what lives how long
//! Components are bound and rendered, rules are checked, the engine's objects are made, files are printed, compared and
//! staged on all processors; results are collected in the order of names, so that no output depends on who was faster.
//!
//! | what | from | to |
//! | --- | --- | --- |
//! | the text of every source file | `parse` | the end: any message may point into it |
//! | a component's table, as templates | `parse` | the end, shared by its [`resolve::Component`]; patches and values expand late |
//! | values computed when somebody asks ([`resolve`]'s cells) | `resolve` | the end of `resolve`; those that a scope shows live on in it, to the end of `render` |
//! | resources | `render` | the end, each once: units and the files of the tree share them |
//! | bytes of the tree | `emit` | the end, beside the tree, which `explain` and the advice on hand edits walk |
//! | bytes on disk | the comparison | that file's turn, unless it is refused and its difference shown |

pub mod cli;
pub mod diag;
pub mod diff;
pub mod emit;
pub mod explain;
pub mod guide;
pub mod keep;
pub mod link;
pub mod lock;
pub mod lower;
mod mask;
pub mod overview;
pub mod parse;
pub mod render;
pub mod resolve;
mod secret;
pub mod source;
pub mod syntax;
pub mod template;
pub mod value;
pub mod world;

use diag::Diagnostics;
use link::Linked;
use lower::Tree;
use parse::lab::LabSyntax;
use resolve::Lab;
use source::Sources;
use world::{Failure, World};

/// A compiled lab, as far as it could be compiled.
#[derive(Debug)]
pub struct Compiled {
    /// Every file that was read.
    pub sources: Sources,
    /// Everything that was found wrong or worth saying.
    pub diagnostics: Diagnostics,
    /// The lab and its tree; none where `lab.toml` is too wrong to go on.
    pub product: Option<Product>,
}

/// What a lab was compiled to. With errors among the diagnostics it is incomplete and must not be written.
#[derive(Debug)]
pub struct Product {
    /// The lab with everything bound.
    pub lab: Lab,
    /// Its units in order.
    pub linked: Linked,
    /// Its tree.
    pub tree: Tree,
}

/// Compiles the lab of a world.
///
/// # Errors
/// The machine failed: a file could not be read.
pub fn compile(world: &World) -> Result<Compiled, Failure> {
    let mut diagnostics = Diagnostics::default();
    let (sources, syntax) = parse::parse(world, &mut diagnostics)?;
    Ok(compile_syntax(sources, syntax, diagnostics))
}

/// Compiles the lab of a world as if its `lab.toml` held this text.
///
/// # Errors
/// The machine failed: a file could not be read.
pub fn compile_as(world: &World, lab: &str) -> Result<Compiled, Failure> {
    let mut diagnostics = Diagnostics::default();
    let (sources, syntax) = parse::parse_as(world, lab, &mut diagnostics)?;
    Ok(compile_syntax(sources, syntax, diagnostics))
}

fn compile_syntax(
    mut sources: Sources,
    syntax: Option<LabSyntax>,
    mut diagnostics: Diagnostics,
) -> Compiled {
    let product = syntax.and_then(|syntax| {
        let mut lab = resolve::resolve(syntax, &mut sources, &mut diagnostics)?;
        let mut rendered = render::render(&lab, &mut diagnostics);
        link::fill_secrets(&mut lab, &mut rendered, &sources, &mut diagnostics);
        let machines = render::machine::of_lab(&lab, &mut diagnostics);
        lab.forget_scopes();
        let linked = link::link(&lab, rendered, &sources, &mut diagnostics);
        let tree = lower::lower(&lab, &machines, &linked, &mut diagnostics);
        Some(Product { lab, linked, tree })
    });
    Compiled {
        sources,
        diagnostics,
        product,
    }
}
