//! Reads source files through the world, each once, and gives them their ids.

use std::sync::Arc;

use globset::GlobBuilder;

use super::module::Module;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{SourceId, SourceKind, Sources, Span, Spanned};
use crate::syntax::yaml;
use crate::template::{Files, Template, TextFile, Wanted, compile, files_of_text, from_node};
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
        if found.is_empty() {
            let message = format!("no file matches `{text}`");
            diagnostics.push(Diagnostic::error(Code::MISSING_FILE, pattern.span, message));
        }
        Ok(within_limit(found, text, pattern.span, diagnostics))
    }

    /// The text files that the templates of a component read: the module's, and of the lab's those that are `wanted`,
    /// with those that they read in turn.
    ///
    /// # Errors
    /// The machine failed.
    pub fn text_files(
        &mut self,
        module: &Module,
        mut wanted: Vec<(Wanted, Span)>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Arc<Files>, Failure> {
        let mut files = Files::new();
        while let Some((next, span)) = wanted.pop() {
            for path in self.wanted_paths(next, span, module, diagnostics)? {
                if files.contains_key(&path) {
                    continue;
                }
                let file = self.text_file(&path, span, diagnostics)?;
                if let Some(text) = file.text.as_ref().filter(|_| file.is_template) {
                    let inner = files_of_text(&path, text).into_iter();
                    wanted.extend(inner.map(|wanted| (wanted, file.span)));
                }
                files.insert(path, file);
            }
        }
        if files.is_empty() {
            return Ok(module.files.clone());
        }
        for (name, file) in &*module.files {
            if let Some(same) = files.insert(name.clone(), file.clone()) {
                let message = format!(
                    "`{name}` is a file of the lab and one of module `{}`",
                    module.name
                );
                diagnostics.push(
                    Diagnostic::error(Code::PATH_CLASH, same.span, message)
                        .label(file.span, "the module's")
                        .help("give the lab's file another name: `file(...)` could mean either"),
                );
            }
        }
        Ok(Arc::new(files))
    }

    /// The paths in the lab's folder that are meant; of a file that only the module has, none.
    fn wanted_paths(
        &mut self,
        wanted: Wanted,
        span: Span,
        module: &Module,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<String>, Failure> {
        match wanted {
            Wanted::File(path) => {
                let of_module = module.files.contains_key(&path);
                let is_there = !of_module || matches!(self.world.read(&path)?, Read::Bytes(_));
                Ok(is_there.then_some(path).into_iter().collect())
            }
            Wanted::Folder(folder) => {
                if let Err(why) = path::check(&folder) {
                    let message = format!("`{folder}` is not searched: {why}");
                    diagnostics.push(Diagnostic::error(Code::UNSAFE_PATH, span, message));
                    return Ok(Vec::new());
                }
                let found = self.world.list(&folder)?;
                Ok(within_limit(found, &folder, span, diagnostics))
            }
        }
    }

    /// A file of the lab as text; a template where its name says so.
    fn text_file(
        &mut self,
        path: &str,
        span: Span,
        diagnostics: &mut Diagnostics,
    ) -> Result<TextFile, Failure> {
        let named = Spanned::new(path.to_owned(), span);
        let source = self.named_file(&named, diagnostics)?;
        let text = source.map(|source| self.sources.file(source).text.clone());
        let first_line = |text: &Arc<str>| text.find('\n').unwrap_or(text.len());
        Ok(TextFile {
            span: match (source, &text) {
                (Some(source), Some(text)) => Span::new(source, 0, first_line(text)),
                _ => span,
            },
            text,
            is_template: [".j2", ".jinja"].iter().any(|end| path.ends_with(end)),
        })
    }
}

/// The files that were found, unless they are too many.
fn within_limit(
    found: Vec<String>,
    pattern: &str,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Vec<String> {
    let number = found.len();
    if number <= MAX_MATCHES {
        return found;
    }
    let message =
        format!("a pattern may match {MAX_MATCHES} files, and `{pattern}` matches {number}");
    diagnostics.push(Diagnostic::error(Code::LAB_LIMIT, span, message));
    Vec::new()
}
