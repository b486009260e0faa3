//! Text to syntax: `lab.toml`, `module.toml` and YAML templates as written, every value with its span.
//!
//! Knows no rule of a lab beyond its grammar: what a name refers to is `resolve`'s business.

pub mod domain;
pub mod table;
pub mod toml;
pub mod yaml;
