//! Text to syntax: `lab.toml`, `module.toml` and YAML templates as written, every value with its span.
//!
//! Knows no rule of a lab beyond its grammar: what a name refers to is `resolve`'s business.

pub mod domain;
pub mod input;
pub mod lab;
pub mod library;
pub mod load;
pub mod module;
pub mod sops;
pub mod table;
mod unread;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{SourceKind, Sources, Span};
use crate::syntax::toml;
use crate::world::{Failure, Read, World, path};
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
    loader.sources.at = world.prefix();
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
    with_text(loader, bytes, diagnostics)
}

/// Reads a lab as if its `lab.toml` held this text.
///
/// # Errors
/// The machine failed.
pub fn parse_as(
    world: &World,
    text: &str,
    diagnostics: &mut Diagnostics,
) -> Result<(Sources, Option<LabSyntax>), Failure> {
    let mut loader = Loader::new(world);
    loader.sources.at = world.prefix();
    with_text(loader, text.as_bytes().to_vec(), diagnostics)
}

fn with_text(
    mut loader: Loader<'_>,
    bytes: Vec<u8>,
    diagnostics: &mut Diagnostics,
) -> Result<(Sources, Option<LabSyntax>), Failure> {
    let Some(source) = loader.add(LAB, bytes, None, diagnostics) else {
        return Ok((loader.sources, None));
    };
    let text = loader.sources.file(source).text.clone();
    let root = toml::read(source, &text, diagnostics);
    if diagnostics.has_errors() {
        return Ok((loader.sources, None));
    }
    let mut library = Library::default();
    let syntax = lab::lab(root, &mut loader, &mut library, diagnostics)?;
    clashes(&loader.sources, diagnostics);
    unread::check(&mut loader, diagnostics)?;
    Ok((loader.sources, Some(syntax)))
}

/// Reports files of the lab that a file system takes for one: on another machine, the lab would be another lab.
fn clashes(sources: &Sources, diagnostics: &mut Diagnostics) {
    let own = sources
        .iter()
        .filter(|(_, file)| file.kind == SourceKind::Lab)
        .map(|(_, file)| file.name.as_str());
    for clash in path::clashes(own) {
        let start = |name| sources.find(name).map(|source| Span::new(source, 0, 0));
        let message = format!(
            "`{}` and `{}` cannot both exist where the case of letters does not count",
            clash.first, clash.second
        );
        diagnostics.push(
            Diagnostic::error(Code::PATH_CLASH, start(clash.second), message)
                .label(start(clash.first), "the other one")
                .help("rename one of the two files"),
        );
    }
}
