//! Which fields a machine config has in which Talos: checks patches that a person wrote.
//!
//! The table is `fields.txt`, made by Talos' own library (`LABC_BLESS=1 cargo test --test talos`): one field a line,
//! indented below its parent, with its type and the minor version since which it exists (none: since 1.9). `[]` is
//! any item of a list, `*` any key. Knows no word of the vocabulary.

use super::plain_secrets;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::domain::Minor;
use crate::resolve::lab::Cluster;
use crate::resolve::versions::NEWEST_TALOS;
use crate::source::Span;
use crate::value::{Node, Path, Value};

static TABLE: &str = include_str!("fields.txt");

/// A field and what is below it.
#[derive(Debug)]
struct Field {
    name: &'static str,
    kind: &'static str,
    since: u64,
    below: Vec<Field>,
}

impl Field {
    fn child(&self, name: &str) -> Option<&Field> {
        let named = self.below.iter().find(|field| field.name == name);
        named.or_else(|| self.below.iter().find(|field| field.name == "*"))
    }
}

/// The documents, by kind; the config without one is `v1alpha1`.
fn documents() -> Vec<Field> {
    let mut lines = TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .peekable();
    read_level(&mut lines, 0)
}

fn read_level(
    lines: &mut std::iter::Peekable<impl Iterator<Item = &'static str>>,
    depth: usize,
) -> Vec<Field> {
    let mut fields = Vec::new();
    while let Some(line) = lines.peek() {
        let indent = line.len() - line.trim_start().len();
        if indent < depth {
            break;
        }
        let mut words = line.split_whitespace();
        let (name, kind) = (words.next().unwrap_or(""), words.next().unwrap_or("any"));
        let since = words
            .next()
            .and_then(|minor| minor.strip_prefix("1.")?.parse().ok())
            .unwrap_or(9);
        lines.next();
        let below = read_level(lines, depth + 1);
        fields.push(Field {
            name,
            kind,
            since,
            below,
        });
    }
    fields
}

/// Checks the documents of a patch that a person wrote; `place` is the patch's own.
pub fn check(
    patch: &[Node],
    place: Option<Span>,
    cluster: &Cluster,
    diagnostics: &mut Diagnostics,
) {
    let written: Vec<&Node> = patch
        .iter()
        .filter(|node| node.value != Value::Null)
        .collect();
    if written.is_empty() {
        let message = "this patch says nothing, and Talos refuses such a patch";
        diagnostics
            .push(Diagnostic::error(Code::INVALID_VALUE, place, message).help("take it out"));
    }
    let table = documents();
    for document in written {
        let checker = Checker {
            cluster,
            table: &table,
            diagnostics,
        };
        checker.document(document);
    }
}

struct Checker<'a> {
    cluster: &'a Cluster,
    table: &'a [Field],
    diagnostics: &'a mut Diagnostics,
}

impl Checker<'_> {
    fn document(mut self, document: &Node) {
        let contract = self.cluster.contract.value;
        let documents_alone = contract
            >= Minor {
                major: 1,
                minor: 12,
            };
        let span = document.origin.first();
        let Some(map) = document.as_map() else {
            if documents_alone || document.as_list().is_none() {
                let message = format!("contract {contract} takes no list of operations as a patch");
                self.diagnostics
                    .push(Diagnostic::error(Code::TALOS_CONTRACT, span, message).help(
                    "write a strategic patch: the fields as they are to be, and `$patch: delete`",
                ));
            }
            return;
        };
        let kind = map.get("kind").map(|entry| &entry.node);
        let name = kind.and_then(Node::as_str).unwrap_or("v1alpha1");
        plain_secrets::check(document, name, self.diagnostics);
        if name == "v1alpha1" && documents_alone {
            self.contract_conflicts(document, contract);
        }
        if self.cluster.talos.value.minor() > NEWEST_TALOS {
            return;
        }
        match self.table.iter().find(|field| field.name == name) {
            Some(field) => {
                if self.exists(field, kind.unwrap_or(document), name) {
                    self.walk(document, field, &Path::default());
                }
            }
            None => self.unknown_kind(name, kind.unwrap_or(document)),
        }
    }

    /// What the base of newer contracts says in documents of its own.
    fn contract_conflicts(&mut self, document: &Node, contract: Minor) {
        let path = Path::keys(["machine", "network", "hostname"]);
        if let Some(node) = document.at(&path) {
            let message = format!("`{path}` cannot be said in contract {contract}");
            self.diagnostics.push(
                Diagnostic::error(Code::TALOS_CONTRACT, node.origin.first(), message)
                    .here("`HostnameConfig` says it")
                    .help("take it out: labc writes the host name, which is the node's own"),
            );
        }
    }

    fn unknown_kind(&mut self, kind: &str, node: &Node) {
        let names = self
            .table
            .iter()
            .map(|field| field.name)
            .filter(|name| *name != "v1alpha1");
        let message = format!("Talos has no document of the kind `{kind}`");
        self.diagnostics.push(
            Diagnostic::error(Code::UNKNOWN_TALOS_FIELD, node.origin.first(), message)
                .maybe_help(did_you_mean(kind, names)),
        );
    }

    fn exists(&mut self, field: &Field, node: &Node, label: &str) -> bool {
        let talos = &self.cluster.talos;
        let since = Minor {
            major: 1,
            minor: field.since,
        };
        if talos.value.minor() >= since {
            return true;
        }
        let message = format!("`{label}` needs Talos {since}");
        self.diagnostics.push(
            Diagnostic::error(Code::UNKNOWN_TALOS_FIELD, node.origin.first(), message)
                .label(talos.span, "the Talos of the nodes"),
        );
        false
    }

    fn walk(&mut self, node: &Node, field: &Field, path: &Path) {
        let is_deletion = node.get("$patch").is_some();
        let fits = match (field.kind, &node.value) {
            (_, Value::Null) | ("any", _) => return,
            _ if is_deletion => return,
            ("map", Value::Map(_)) | ("list", Value::List(_)) | ("boolean", Value::Bool(_)) => true,
            ("integer", Value::Int(_) | Value::Uint(_)) => true,
            ("text", value) => !matches!(value, Value::Map(_) | Value::List(_)),
            _ => false,
        };
        if !fits {
            self.wrong_type(node, field, path);
            return;
        }
        for item in node.as_list().into_iter().flatten() {
            if let Some(below) = field.child("[]") {
                self.walk(item, below, path);
            }
        }
        for (key, entry) in node.as_map().into_iter().flatten() {
            let below = path.key(key);
            let Some(child) = field.child(key) else {
                let span = entry.key.or_else(|| entry.node.origin.first());
                self.unknown_field(key, &below, span, field);
                continue;
            };
            if self.exists(child, &entry.node, &below.to_string()) {
                self.walk(&entry.node, child, &below);
            }
        }
    }

    fn unknown_field(&mut self, key: &str, path: &Path, span: Option<Span>, above: &Field) {
        let names: Vec<&str> = above.below.iter().map(|field| field.name).collect();
        let message = format!("a machine config has no field `{path}`");
        let diagnostic = Diagnostic::error(Code::UNKNOWN_TALOS_FIELD, span, message);
        let help = did_you_mean(key, names.iter().copied()).unwrap_or_else(|| {
            let shown = names.iter().take(12).copied().collect::<Vec<_>>();
            format!("the fields there are {}", crate::parse::table::list(&shown))
        });
        self.diagnostics.push(diagnostic.help(help));
    }

    fn wrong_type(&mut self, node: &Node, field: &Field, path: &Path) {
        let article = if field.kind == "integer" { "an" } else { "a" };
        let kind = if field.kind == "text" {
            "string"
        } else {
            field.kind
        };
        let message = format!(
            "`{path}` must be {article} {kind}, but is a {}",
            node.value.kind()
        );
        let span = node.origin.first();
        let diagnostic = Diagnostic::error(Code::UNKNOWN_TALOS_FIELD, span, message);
        let quoted =
            matches!(node.value, Value::Str(_)) && matches!(field.kind, "integer" | "boolean");
        let help = quoted.then(|| "Talos takes it without quotes".to_owned());
        self.diagnostics.push(diagnostic.maybe_help(help));
    }
}
