//! Output files to bytes.
//!
//! Knows how data is printed, and nothing of why it is there.

pub mod yaml;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::lower::{Content, OutFile, Tree};
use crate::world::Mode;

/// The first line of every YAML file: whoever opens one learns where to go instead.
const HEADER: &str = "# Compiled by labc. Edit lab.toml, then run: labc build\n";

/// One file of the tree as bytes.
#[derive(Clone, Debug)]
pub struct Output {
    /// Relative to the lab's folder, with `/`.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether it is a program.
    pub executable: bool,
    /// The SHA-256 of the bytes, in lowercase hexadecimal.
    pub sha256: String,
}

impl Output {
    /// How it is written.
    pub fn mode(&self) -> Mode {
        if self.executable {
            Mode::Program
        } else {
            Mode::Plain
        }
    }
}

/// The bytes of every file, in the order of the tree.
pub fn emit(tree: &Tree) -> Vec<Output> {
    tree.files.par_iter().map(output).collect()
}

fn output(file: &OutFile) -> Output {
    let bytes = match &file.content {
        Content::Yaml(documents) => yaml::print_below(HEADER, documents).into_bytes(),
        Content::Text(text) => {
            let mut whole = String::new();
            for line in &text.lines {
                whole.push_str(&line.text);
                whole.push('\n');
            }
            whole.into_bytes()
        }
        Content::Bytes(bytes, _) => bytes.clone(),
    };
    Output {
        path: file.path.clone(),
        sha256: sha256(&bytes),
        bytes,
        executable: file.executable,
    }
}

/// How many lines a file of YAML has before its first document.
pub const HEADER_LINES: usize = 1;

/// The SHA-256 of bytes, in lowercase hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}
