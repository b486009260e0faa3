//! Reads source files through the world, each once, and gives them their ids.

use globset::GlobBuilder;

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{SourceId, SourceKind, Sources, Span, Spanned};
use crate::syntax::yaml;
use crate::template::{Template, compile, from_node};
use crate::value::{Node, Value};
use crate::world::{Failure, Read, World, path};

/// Files that one pattern may match: a folder with more of them was not written by hand.
const MAX_MATCHES: usize = 10_000;

/// The files read so far.
#[derive(Debug)]
pub struct Loader<'w> {
    /// Where files come from.
    pub world: &'w World,
    /// What was read.
    pub sources: Sources,
}

impl<'w> Loader<'w> {
    /// Nothing read yet.
    pub fn new(world: &'w World) -> Self {
        Loader {
            world,
            sources: Sources::default(),
        }
    }

    /// The text of a file that a value of the lab names; a missing one is reported there.
    ///
    /// # Errors
    /// The machine failed.
    pub fn named_file(
        &mut self,
        file: &Spanned<String>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<SourceId>, Failure> {
        let path = file.value.as_str();
        if let Some(id) = self.sources.find(path) {
            return Ok(Some(id));
        }
        match self.world.read(path)? {
            Read::Bytes(bytes) => Ok(self.add(path, bytes, file.span, diagnostics)),
            Read::Refused(why) => {
                let message = format!("`{path}` is not read: {why}");
                diagnostics.push(Diagnostic::error(Code::UNSAFE_PATH, file.span, message));
                Ok(None)
            }
            Read::Missing => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let beside = if folder.is_empty() {
                    Vec::new()
                } else {
                    self.world.list(folder)?
                };
                let near = did_you_mean(path, beside.iter().map(String::as_str));
                let message = format!("there is no file `{path}`");
                diagnostics.push(
                    Diagnostic::error(Code::MISSING_FILE, file.span, message)
                        .maybe_help(near)
                        .note("a path counts from the folder of `lab.toml`"),
                );
                Ok(None)
            }
        }
    }

    /// Adds the bytes of a file of the lab; text that is not UTF-8 is reported at `span`.
    pub fn add(
        &mut self,
        path: &str,
        bytes: Vec<u8>,
        span: impl Into<Option<Span>>,
        diagnostics: &mut Diagnostics,
    ) -> Option<SourceId> {
        match String::from_utf8(bytes) {
            Ok(text) => Some(
                self.sources
                    .add(path.to_owned(), text.into(), SourceKind::Lab),
            ),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let message = format!("`{path}` is not UTF-8 text (byte {at})");
                diagnostics.push(Diagnostic::error(Code::INVALID_VALUE, span, message));
                None
            }
        }
    }

    /// The templates of all documents of a YAML file that a value of the lab names.
    ///
    /// # Errors
    /// The machine failed.
    pub fn template_file(
        &mut self,
        file: &Spanned<String>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<Template>, Failure> {
        let Some(id) = self.named_file(file, diagnostics)? else {
            return Ok(Vec::new());
        };
        Ok(self.templates(id, diagnostics))
    }

    /// The templates of all documents of a YAML file.
    pub fn templates(&self, id: SourceId, diagnostics: &mut Diagnostics) -> Vec<Template> {
        let text = self.sources.file(id).text.clone();
        yaml::read_syntax(id, &text, diagnostics)
            .iter()
            .filter_map(|document| compile(document, &text, diagnostics).ok())
            .collect()
    }

    /// A patch whose body is in a file: the table of `lab.toml` with the file's documents as `strategic`.
    ///
    /// # Errors
    /// The machine failed.
    pub fn patch_file(
        &mut self,
        table: &Node,
        file: &Spanned<String>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<Template>, Failure> {
        let Some(id) = self.named_file(file, diagnostics)? else {
            return Ok(Vec::new());
        };
        let text = self.sources.file(id).text.clone();
        let mut patches = Vec::new();
        for document in yaml::read(id, &text, diagnostics) {
            let key = match document.value {
                Value::List(_) => "json",
                _ => "strategic",
            };
            let mut patch = table.clone();
            if let Value::Map(map) = &mut patch.value {
                map.remove("file");
            }
            patch.insert(key, document);
            patches.extend(from_node(&patch, diagnostics));
        }
        Ok(patches)
    }

    /// The files of the lab that a pattern of `lab.toml` matches, sorted; none is reported.
    ///
    /// # Errors
    /// The machine failed.
    pub fn glob(
        &mut self,
        pattern: &Spanned<String>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<String>, Failure> {
        let text = pattern.value.as_str();
        if !text.contains(['*', '?', '[', '{']) {
            return Ok(vec![text.to_owned()]);
        }
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        let glob = match glob {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                let message = format!("`{text}` is no file pattern: {}", error.kind());
                diagnostics.push(Diagnostic::error(
                    Code::INVALID_VALUE,
                    pattern.span,
                    message,
                ));
                return Ok(Vec::new());
            }
        };
        let fixed = text.find(['*', '?', '[', '{']).unwrap_or(text.len());
        let folder = text[..fixed]
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        if folder.is_empty() {
            let message = format!("the pattern `{text}` would search the lab's whole folder");
            diagnostics.push(
                Diagnostic::error(Code::INVALID_VALUE, pattern.span, message)
                    .help("name a folder first: `manifests/*.yaml`"),
            );
            return Ok(Vec::new());
        }
        if let Err(why) = path::check(folder) {
            let message = format!("`{text}` is not searched: {why}");
            diagnostics.push(Diagnostic::error(Code::UNSAFE_PATH, pattern.span, message));
            return Ok(Vec::new());
        }
        let mut found = self.world.list(folder)?;
        found.retain(|path| glob.is_match(path));
        if found.len() > MAX_MATCHES {
            let number = found.len();
            let message =
                format!("a pattern may match {MAX_MATCHES} files, and `{text}` matches {number}");
            diagnostics.push(Diagnostic::error(Code::LAB_LIMIT, pattern.span, message));
            return Ok(Vec::new());
        }
        if found.is_empty() {
            let message = format!("no file matches `{text}`");
            diagnostics.push(Diagnostic::error(Code::MISSING_FILE, pattern.span, message));
        }
        Ok(found)
    }
}
