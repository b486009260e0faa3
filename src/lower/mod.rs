//! Resources and machine-config intents to output files, per target: the only place that decides paths.
//!
//! Pure: it knows no disk and no text form of YAML, it returns files.

use crate::source::Origin;
use crate::value::Node;

/// One file of the tree.
#[derive(Clone, Debug)]
pub struct OutFile {
    /// Relative to the lab's folder, with `/`: `out/apps/atuin/application.yaml`.
    pub path: String,
    /// What it holds.
    pub content: Content,
    /// Whether it is a program (mode 0755 instead of 0644).
    pub executable: bool,
}

/// What a file holds, before it is bytes.
#[derive(Clone, Debug)]
pub enum Content {
    /// YAML documents.
    Yaml(Vec<Node>),
    /// Lines of text.
    Text(Text),
    /// Bytes that are copied as they are.
    Bytes(Vec<u8>, Origin),
}

/// Text that still knows what made each line.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// The lines, without their line breaks.
    pub lines: Vec<Line>,
}

/// One line of a [`Text`].
#[derive(Clone, Debug)]
pub struct Line {
    /// The line, without its line break.
    pub text: String,
    /// What made it.
    pub origin: Origin,
}

impl Text {
    /// Adds a line (or several, where `text` has line breaks) that `origin` made.
    pub fn line(&mut self, text: impl AsRef<str>, origin: Origin) {
        for line in text.as_ref().split('\n') {
            self.lines.push(Line {
                text: line.to_owned(),
                origin: origin.clone(),
            });
        }
    }

    /// Adds lines that come from labc itself.
    pub fn own(&mut self, text: impl AsRef<str>) {
        self.line(text, Origin::none());
    }
}

impl OutFile {
    /// A file of YAML documents.
    pub fn yaml(path: impl Into<String>, documents: Vec<Node>) -> Self {
        OutFile {
            path: path.into(),
            content: Content::Yaml(documents),
            executable: false,
        }
    }

    /// A file of text.
    pub fn text(path: impl Into<String>, text: Text) -> Self {
        OutFile {
            path: path.into(),
            content: Content::Text(text),
            executable: false,
        }
    }
}
