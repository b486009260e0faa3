//! A dependency to the text by which Renovate finds it.

use crate::lower::tree;
use crate::resolve::dependency::{Dependency, Place, Upstream};
use crate::value::{Node, Path, Step};

/// What a query says of an upstream: in Renovate's words, and with the version's own where it decides.
struct Words {
    name: String,
    package: Option<String>,
    datasource: &'static str,
    registry: Option<String>,
    versioning: Option<&'static str>,
    /// What of a release's name is the version.
    extract: Option<&'static str>,
}

/// The JSONata that gives a version which is a value of its own; none for another place, and for a path that JSONata
/// cannot say.
pub(super) fn value(dependency: &Dependency) -> Option<Node> {
    let Place::Value { path, version } = &dependency.place else {
        return None;
    };
    let words = words(&dependency.upstream, version);
    let quoted = |text: &str| {
        let text = text.replace('\\', r"\\").replace('\'', r"\'");
        format!("'{text}'")
    };
    let mut query = format!("{{'depName': {}", quoted(&words.name));
    let fields = [
        ("packageName", words.package.as_deref()),
        ("datasource", Some(words.datasource)),
        ("registryUrl", words.registry.as_deref()),
        ("versioning", words.versioning),
        ("extractVersion", words.extract),
    ];
    for (field, value) in fields {
        if let Some(value) = value {
            query.push_str(&format!(", '{field}': {}", quoted(value)));
        }
    }
    query.push_str(&format!(", 'currentValue': {}}}", way(path)?));
    Some(tree::leaf(query, &dependency.origin))
}

fn words(upstream: &Upstream, version: &str) -> Words {
    match upstream {
        Upstream::Talos => Words {
            name: "talos".to_owned(),
            package: Some("siderolabs/talos".to_owned()),
            datasource: "github-releases",
            registry: None,
            versioning: Some("semver"),
            extract: None,
        },
        // Not Kubernetes' own releases: Talos runs a kubelet of its makers, which comes a little later.
        Upstream::Kubernetes => Words {
            name: "kubernetes".to_owned(),
            package: Some("ghcr.io/siderolabs/kubelet".to_owned()),
            datasource: "docker",
            registry: None,
            versioning: Some("semver"),
            extract: None,
        },
        Upstream::Chart { repository, name } => chart(repository, name, version),
        Upstream::Image(repository) => Words {
            name: repository.clone(),
            package: None,
            datasource: "docker",
            registry: None,
            versioning: None,
            extract: None,
        },
        Upstream::GitHub(repository) => Words {
            name: repository.clone(),
            package: None,
            datasource: "github-releases",
            registry: None,
            versioning: None,
            extract: Some("^v?(?<version>.+)$").filter(|_| !version.starts_with('v')),
        },
    }
}

/// A chart. In a registry it is an image to Renovate, but its versions are Helm's.
fn chart(repository: &str, name: &str, version: &str) -> Words {
    let number = version.strip_prefix('v').unwrap_or(version);
    let versioning = match semver::Version::parse(number) {
        Ok(_) => "helm",
        Err(_) => "semver-coerced",
    };
    match repository.strip_prefix("oci://") {
        Some(registry) => Words {
            name: name.to_owned(),
            package: Some(format!("{}/{name}", registry.trim_end_matches('/'))),
            datasource: "docker",
            registry: None,
            versioning: Some(versioning),
            extract: None,
        },
        None => Words {
            name: name.to_owned(),
            package: None,
            datasource: "helm",
            registry: Some(repository.to_owned()),
            versioning: Some(versioning).filter(|versioning| *versioning != "helm"),
            extract: None,
        },
    }
}

/// A path in JSONata: a name that is not plain, or that is one of its words, stands in backticks.
fn way(path: &Path) -> Option<String> {
    const WORDS: [&str; 6] = ["and", "or", "in", "true", "false", "null"];
    let mut text = String::new();
    for step in &path.0 {
        match step {
            Step::Index(index) => text.push_str(&format!("[{index}]")),
            Step::Key(key) if key.contains('`') => return None,
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                let is_plain = key.starts_with(|letter: char| letter.is_ascii_alphabetic())
                    && key
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                    && !WORDS.contains(&key.as_str());
                if is_plain {
                    text.push_str(key);
                } else {
                    text.push_str(&format!("`{key}`"));
                }
            }
        }
    }
    Some(text)
}

/// The expression that finds every reference to an image; none for another place.
pub(super) fn reference(dependency: &Dependency) -> Option<Node> {
    let (Place::Reference { quote, has_tag }, Upstream::Image(repository)) =
        (&dependency.place, &dependency.upstream)
    else {
        return None;
    };
    const DIGEST: &str = "@(?<currentDigest>sha256:[a-f0-9]{64})";
    let name = literal(repository);
    let version = match has_tag {
        true => format!(r":(?<currentValue>[\w.-]+)(?:{DIGEST})?"),
        false => DIGEST.to_owned(),
    };
    let text = format!("{quote}(?<depName>{name}){version}");
    Some(tree::leaf(text, &dependency.origin))
}

/// A regular expression that matches just this text.
pub(super) fn literal(text: &str) -> String {
    let mut expression = String::new();
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            expression.push('\\');
        }
        expression.push(letter);
    }
    expression
}
