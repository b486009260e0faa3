//! Syntax to lab: modules, inputs, traits, capabilities and addresses are bound, every expression of `lab.toml` has
//! its value.
//!
//! Knows no engine and no manifest.

pub mod lab;
pub mod plan;
