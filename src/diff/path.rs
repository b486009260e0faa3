//! The way to a field, as a person would point at it: items of lists by what they are called.

use std::fmt;

use smol_str::SmolStr;

use super::identity::Identity;

/// The way from an object to one of its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(pub Vec<FieldStep>);

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldStep {
    /// Into a map.
    Key(SmolStr),
    /// To the item of a list that has these keys.
    Item(Identity),
    /// To the item of a list that nothing tells from the others, counted from 0: in the target, or where it is gone
    /// there in the base.
    Index(usize),
}

impl FieldPath {
    /// Whether the keys on the way are these, whatever lies between them in lists.
    pub fn is(&self, keys: &[&str]) -> bool {
        self.keys().eq(keys.iter().copied())
    }

    /// Whether the way begins with these keys.
    pub fn begins(&self, keys: &[&str]) -> bool {
        self.keys().take(keys.len()).eq(keys.iter().copied())
    }

    /// The keys on the way, without the items of lists.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|step| match step {
            FieldStep::Key(key) => Some(key.as_str()),
            _ => None,
        })
    }
}

impl fmt::Display for FieldPath {
    /// `spec.containers[name=app].ports[0]`; a key with other characters than letters, digits, `_` and `-` is quoted.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                FieldStep::Index(at) => write!(formatter, "[{at}]")?,
                FieldStep::Item(identity) => {
                    formatter.write_str("[")?;
                    for (index, (key, value)) in identity.iter().enumerate() {
                        let comma = if index > 0 { "," } else { "" };
                        write!(formatter, "{comma}{key}={value}")?;
                    }
                    formatter.write_str("]")?;
                }
                FieldStep::Key(key) => {
                    let dot = if index > 0 { "." } else { "" };
                    if is_plain(key) {
                        write!(formatter, "{dot}{key}")?;
                    } else {
                        write!(formatter, "{dot}{:?}", key.as_str())?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    !key.is_empty() && key.chars().all(plain)
}
