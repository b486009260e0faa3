//! labc compiles a lab into the tree that Argo CD, Flux and Talos Linux consume.

pub mod diag;
pub mod source;
pub mod value;
