//! The two text forms to trees: YAML and TOML, every key and value with its span.
//!
//! Knows no meaning of any key.

pub mod toml;
pub mod yaml;
