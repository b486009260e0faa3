//! Which values of an object are secrets, by what the object is and by the keys on the way to them.

use smol_str::SmolStr;

use super::Masker;
use crate::secret::key;
use crate::value::{Map, Node, Value};

/// What holds the data of a Secret.
const DATA: [&str; 2] = ["data", "stringData"];

/// Keys whose value is a text that is read as a manifest, or not shown at all.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The last two keys on the way to secrets of Talos and of registries that no single key gives away.
const PAIRS: [(&str, &str); 7] = [
    ("cluster", "secret"),
    ("serviceAccount", "key"),
    ("ca", "key"),
    ("aggregatorCA", "key"),
    ("clientIdentity", "key"),
    ("auth", "auth"),
    ("secretGenerator", "literals"),
];

/// Keys that say that the `key` beside them is the other half of a certificate.
const CERTIFICATES: [&str; 5] = ["crt", "cert", "certificate", "ca", "caCert"];

/// The keys that name a value beside them, and those of the value.
const NAMES: [&str; 3] = ["name", "key", "path"];
const VALUES: [&str; 2] = ["value", "values"];

/// The keys of a patch that hold what it sets.
const PATCHES: [&str; 5] = ["merge", "strategic", "json", "patch", "patches"];

/// Letters up to which a key is no token.
const SHORT: usize = 12;

/// What lies around a value.
#[derive(Clone, Copy, Default)]
struct Around<'a> {
    /// The last key, and the one before it.
    keys: [&'a str; 2],
    /// Whether it is, or changes, a Secret.
    is_secret: bool,
}

impl<'a> Around<'a> {
    fn key(self, key: &'a str) -> Self {
        Around {
            keys: [key, self.keys[0]],
            is_secret: false,
        }
    }
}

impl Masker {
    /// Masks the secrets of an object.
    pub(crate) fn node(&mut self, node: &mut Node) {
        self.inside(node, Around::default());
    }

    fn inside(&mut self, node: &mut Node, around: Around<'_>) {
        match &mut node.value {
            Value::Map(map) => self.map(map, around),
            Value::List(items) => self.list(items, around),
            Value::Str(text) => {
                let masked = self.text(text);
                if masked != *text {
                    *text = masked.into();
                }
            }
            _ => {}
        }
    }

    fn list(&mut self, items: &mut [Node], around: Around<'_>) {
        let mut is_value = false;
        for item in items {
            // The option before it says what it is.
            let option = item.as_str().and_then(|text| text.strip_prefix('-'));
            let is_option = option
                .is_some_and(|option| !option.contains(['=', ' ']) && key::names_secret(option));
            if is_value && !is_option {
                self.named(item, around);
            } else {
                self.inside(item, around);
            }
            is_value = is_option;
        }
    }

    fn map(&mut self, map: &mut Map, around: Around<'_>) {
        let is_secret = around.is_secret || text(map, "kind") == Some("Secret");
        let name = NAMES.iter().find_map(|name| text(map, name));
        let name = name.map(|name| name.rsplit(['.', '/']).next().unwrap_or(name).to_owned());
        let has_certificate = CERTIFICATES.iter().any(|key| map.contains_key(*key));
        let is_patch = map
            .get("target")
            .is_some_and(|target| target.node.get("kind").and_then(Node::as_str) == Some("Secret"));
        let sets_data = text(map, "path").is_some_and(|path| {
            path.starts_with("/stringData") || is_secret && path.starts_with("/data")
        });
        let is_registry = text(map, "kind") == Some("RegistryAuthConfig");
        for (key, entry) in map.iter_mut() {
            let key = key.as_str();
            let here = around.key(key);
            let node = &mut entry.node;
            let is_value = VALUES.contains(&key);
            let is_data = is_secret && DATA.contains(&key) || key == "stringData";
            let is_login = is_registry && key == "auth";
            let is_half = is_login || key == "key" && has_certificate && node.is_scalar();
            if is_data || is_half || PAIRS.contains(&(around.keys[0], key)) || is_value && sets_data
            {
                self.whole(node);
            } else if key == LAST_APPLIED {
                self.manifest(node);
            } else if is_patch && PATCHES.contains(&key) {
                self.patch(node, here);
            } else if let (true, Some(name)) = (is_value, &name) {
                self.pair(node, name, here);
            } else {
                self.pair(node, key, here);
            }
        }
        self.keys(map);
    }

    /// What stands behind a name.
    fn pair(&mut self, node: &mut Node, name: &str, around: Around<'_>) {
        let is_registry = name == "auth" && around.keys[1].contains(['.', ':']);
        let value = node.as_str().unwrap_or_default();
        let is_number = matches!(node.value, Value::Int(_) | Value::Uint(_) | Value::Float(_));
        if key::names_secret(name) && !is_number || key::names_password(name) {
            self.named(node, around);
        } else if key::is_secret(name, value) || is_registry && node.is_scalar() {
            self.whole(node);
        } else {
            self.inside(node, around);
        }
    }

    /// A value behind the name of a secret: what stands there itself, not what says where it is.
    fn named(&mut self, node: &mut Node, around: Around<'_>) {
        match &mut node.value {
            Value::Map(map) => {
                self.map(map, around);
                for (key, entry) in map.iter_mut() {
                    if ["value", "content", "inline", "plain"].contains(&key.as_str()) {
                        self.whole(&mut entry.node);
                    }
                }
            }
            Value::List(items) => {
                for item in items {
                    self.named(item, around);
                }
            }
            Value::Str(text) if key::stands_for_another(text) || self.is_name(text) => {}
            Value::Null | Value::Bool(_) => {}
            _ => self.whole(node),
        }
    }

    /// Masks every value in a node, whatever it is.
    fn whole(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Map(map) => map
                .iter_mut()
                .for_each(|(_, entry)| self.whole(&mut entry.node)),
            Value::List(items) => items.iter_mut().for_each(|item| self.whole(item)),
            Value::Null => {}
            Value::Str(text) if text.trim().is_empty() => {}
            Value::Str(text) => *text = SmolStr::from(self.word(text)),
            // A number and its digits as text are two values.
            other => *other = Value::from(self.secret(&format!("{other:?}"))),
        }
    }

    /// The text of a manifest; what cannot be read as one is not shown.
    fn manifest(&mut self, node: &mut Node) {
        let text = node.as_str().unwrap_or_default();
        let is_map = |documents: Vec<Node>| documents.iter().all(|one| one.as_map().is_some());
        if super::text::documents(text).is_some_and(is_map) {
            self.inside(node, Around::default());
        } else {
            self.whole(node);
        }
    }

    /// What a patch sets in a Secret.
    fn patch(&mut self, node: &mut Node, around: Around<'_>) {
        let around = Around {
            is_secret: true,
            ..around
        };
        match &mut node.value {
            Value::Str(_) => self.whole(node),
            Value::List(items) => {
                for item in items {
                    self.inside(item, around);
                }
            }
            _ => self.inside(node, around),
        }
    }

    /// Keys that are tokens themselves.
    fn keys(&mut self, map: &mut Map) {
        let mut masked = Vec::new();
        for (key, _) in map.iter().filter(|(key, _)| key.len() > SHORT) {
            let shown = self.text(key);
            if shown != *key {
                masked.push((key.clone(), shown));
            }
        }
        for (key, shown) in masked {
            let entry = map.remove(&key).expect("it is there");
            map.insert(shown.into(), entry);
        }
    }
}

fn text<'a>(map: &'a Map, key: &str) -> Option<&'a str> {
    map.get(key)?.node.as_str()
}
