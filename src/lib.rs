//! labc compiles a lab into the tree that Argo CD, Flux and Talos Linux consume.

pub mod diag;
pub mod emit;
pub mod link;
pub mod lower;
pub mod parse;
pub mod render;
pub mod resolve;
pub mod source;
pub mod template;
pub mod value;
pub mod world;
