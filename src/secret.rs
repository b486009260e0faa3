//! What secrets look like, in text and behind keys.
//!
//! Two measures: [`shape`] is for complaints, and is silent where it is not sure; [`hidden`] is for what is shown to
//! others, and hides where it is not sure. Both read one table of tokens, [`token`]. A leaf of the crate: it knows letters
//! and lines, no syntax tree and no object.

mod armour;
mod assignment;
mod base64;
pub(crate) mod hidden;
pub(crate) mod key;
mod manifest;
pub(crate) mod shape;
mod token;
mod url;

/// What allows a value that only looks like a secret.
pub(crate) const ALLOWED: &str = "labc: not-a-secret";
