//! The two text forms to trees: YAML and TOML, every key and value with its span; and what a merge left in a text.
//!
//! Knows no meaning of any key.

pub mod conflict;
pub mod toml;
pub mod yaml;
