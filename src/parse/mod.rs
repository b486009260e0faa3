//! Text to syntax: `lab.toml`, `module.toml` and YAML templates as written, every value with its span.
//!
//! Knows no rule of a lab beyond its grammar: what a name refers to is `resolve`'s business.

pub mod domain;
pub mod input;
pub mod lab;
pub mod library;
pub mod load;
pub mod module;
pub mod table;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Sources;
use crate::syntax::toml;
use crate::world::{Failure, Read, World};
use lab::LabSyntax;
use library::Library;
use load::Loader;

/// The name of the lab's own file.
pub const LAB: &str = "lab.toml";

/// Reads a lab and every file that it names; none where `lab.toml` cannot be read as one.
///
/// # Errors
/// The machine failed.
pub fn parse(
    world: &World,
    diagnostics: &mut Diagnostics,
) -> Result<(Sources, Option<LabSyntax>), Failure> {
    let mut loader = Loader::new(world);
    let bytes = match world.read(LAB)? {
        Read::Bytes(bytes) => bytes,
        Read::Missing => {
            let message = format!("there is no {LAB} in {}", world.name());
            diagnostics.push(
                Diagnostic::error(Code::MISSING_FILE, None, message)
                    .help("run `labc init` to start a lab, or name its folder with `-C DIR`"),
            );
            return Ok((loader.sources, None));
        }
        Read::Refused(why) => {
            let message = format!("{LAB} is not read: {why}");
            diagnostics.push(Diagnostic::error(Code::UNSAFE_PATH, None, message));
            return Ok((loader.sources, None));
        }
    };
    let Some(source) = loader.add(LAB, bytes, None, diagnostics) else {
        return Ok((loader.sources, None));
    };
    let text = loader.sources.file(source).text.clone();
    let root = toml::read(source, &text, diagnostics);
    if diagnostics.has_errors() {
        return Ok((loader.sources, None));
    }
    let mut library = Library::default();
    let syntax = lab::lab(&root, &mut loader, &mut library, diagnostics)?;
    Ok((loader.sources, Some(syntax)))
}
