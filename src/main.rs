//! The binary: a screen around the library.

fn main() {}
