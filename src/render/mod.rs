//! A resolved lab to resources and machine-config intents, every leaf with its origin.
//!
//! It knows no engine and no path of the output: it returns trees.

pub mod patch;
