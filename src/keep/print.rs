//! Values as TOML in one line, as a person would paste them.

use crate::value::{Node, Value};

/// A value; none for one that TOML has no word for.
pub(crate) fn value(node: &Node) -> Option<String> {
    match &node.value {
        Value::Null => Some(quoted("${{ none }}")),
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Uint(_) => None,
        Value::Float(value) if value.is_finite() => Some(format!("{value:?}")),
        Value::Float(_) => None,
        Value::Str(text) => Some(quoted(text)),
        Value::List(items) => {
            let items = items.iter().map(value).collect::<Option<Vec<_>>>()?;
            Some(format!("[{}]", items.join(", ")))
        }
        Value::Map(map) => {
            let pair =
                |(key, node): (&str, &Node)| Some(format!("{} = {}", self::key(key), value(node)?));
            let pairs = map
                .iter()
                .map(|(key, entry)| pair((key.as_str(), &entry.node)));
            let pairs = pairs.collect::<Option<Vec<_>>>()?;
            Some(match pairs.is_empty() {
                true => "{}".to_owned(),
                false => format!("{{ {} }}", pairs.join(", ")),
            })
        }
    }
}

/// A key: bare where TOML allows it.
pub(crate) fn key(key: &str) -> String {
    let is_bare = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { key.to_owned() } else { quoted(key) }
}

/// A dotted key.
pub(super) fn keys<'a>(keys: impl IntoIterator<Item = &'a String>) -> String {
    let keys: Vec<String> = keys.into_iter().map(|key| self::key(key)).collect();
    keys.join(".")
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(letter);
            }
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            letter if letter.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::value;
    use crate::diag::Diagnostics;
    use crate::source::{Origin, SourceKind, Sources};
    use crate::syntax::toml;
    use crate::value::{Node, Value};

    #[test]
    fn what_is_printed_reads_as_the_same_data() {
        let leaf = |value: Value| Node::new(value, Origin::none());
        let mut map = leaf(Value::map());
        map.insert("plain-key_1", leaf(1i64.into()));
        map.insert("with.dot", leaf(1.0f64.into()));
        map.insert("", leaf("a \"b\"\\\n\t\u{1}ü".into()));
        map.insert(
            "list",
            leaf(vec![leaf(true.into()), leaf(Value::map())].into()),
        );
        let text = format!("it = {}", value(&map).expect("TOML has words for all"));
        let mut sources = Sources::default();
        let source = sources.add("t".to_owned(), text.as_str().into(), SourceKind::Lab);
        let mut found = Diagnostics::default();
        let read = toml::read(source, &text, &mut found);
        assert!(!found.has_errors(), "{text}");
        assert_eq!(read.get("it"), Some(&map));
    }
}
