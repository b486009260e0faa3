//! Output files to bytes.
//!
//! Knows how data is printed, and nothing of why it is there.

pub mod yaml;
