//! The SOPS files of `secrets/`: bytes that are copied as they are, and what stands in clear in them.
//!
//! Nothing is ever decrypted. What is no Secret of Kubernetes is somebody else's: talhelper has a file there too.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::load::Loader;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{SourceId, Span};
use crate::syntax::yaml;
use crate::value::Node;
use crate::world::{Failure, Read};

/// Where the files lie.
const FOLDER: &str = "secrets";

/// An encrypted Secret of the lab.
#[derive(Clone, Debug)]
pub struct SopsFile {
    /// Its path below the lab's folder.
    pub path: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// The namespace that it is for.
    pub namespace: String,
    /// The Secret's name.
    pub name: String,
    /// The keys of its data, and where each stands.
    pub keys: BTreeMap<String, Option<Span>>,
    /// Whether Flux is told never to prune it.
    pub is_kept: bool,
    /// Where it says its name.
    pub span: Span,
}

/// Every encrypted Secret below `secrets/`, for a lab that says `from = "sops"`.
///
/// # Errors
/// The machine failed.
pub fn read(
    root: &Node,
    loader: &mut Loader<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<SopsFile>, Failure> {
    let secrets = root.get("secrets").and_then(Node::as_map);
    let is_sops = |secret: &Node| secret.get("from").and_then(Node::as_str) == Some("sops");
    let mut found = Vec::new();
    if !secrets
        .into_iter()
        .flatten()
        .any(|(_, secret)| is_sops(&secret.node))
    {
        return Ok(found);
    }
    for path in loader.world.list(FOLDER)? {
        if !(path.ends_with(".yaml") || path.ends_with(".yml")) {
            continue;
        }
        match loader.world.read(&path)? {
            Read::Bytes(bytes) => {
                let kept: Arc<[u8]> = bytes.as_slice().into();
                if let Some(id) = loader.add(&path, bytes, None, diagnostics) {
                    let text = loader.sources.file(id).text.clone();
                    found.extend(secret(&path, id, &text, kept, diagnostics));
                }
            }
            Read::Refused(why) => {
                let message = format!("`{path}` is not read: {why}");
                diagnostics.push(Diagnostic::error(Code::UNSAFE_PATH, None, message));
            }
            Read::Missing => {}
        }
    }
    twice(&found, diagnostics);
    Ok(found)
}

/// Reports a file that is encrypted with all that says what it is: no engine could apply it.
fn hidden(path: &str, id: SourceId, documents: &[Node], diagnostics: &mut Diagnostics) {
    let is_hidden = |node: &&Node| {
        let kind = text_of(node, "kind").unwrap_or_default();
        !kind.is_empty() && is_encrypted(kind)
    };
    let Some(node) = documents.iter().find(is_hidden) else {
        return;
    };
    let kind = node.get("kind").and_then(|kind| kind.origin.first());
    let message = format!("`{path}` is encrypted as a whole: nobody sees which Secret it is");
    diagnostics.push(
        Diagnostic::error(
            Code::SOPS_FILE,
            kind.unwrap_or_else(|| Span::new(id, 0, 0)),
            message,
        )
        .note("Flux decrypts objects whose `apiVersion`, `kind` and `metadata` are in clear")
        .help(format!(
            "decrypt it, and encrypt its values alone: `sops --encrypt --encrypted-regex '^(data|stringData)$' --in-place {path}`"
        )),
    );
}

fn secret(
    path: &str,
    id: SourceId,
    text: &str,
    bytes: Arc<[u8]>,
    diagnostics: &mut Diagnostics,
) -> Option<SopsFile> {
    let documents = yaml::read(id, text, diagnostics);
    hidden(path, id, &documents, diagnostics);
    let is_secret = |node: &Node| {
        text_of(node, "kind") == Some("Secret") && text_of(node, "apiVersion") == Some("v1")
    };
    let node = documents.iter().find(|document| is_secret(document))?;
    let start = node.get("kind").and_then(|kind| kind.origin.first());
    let span = start.unwrap_or_else(|| Span::new(id, 0, 0));
    let mut wrong = |message: String, help: &str| {
        diagnostics.push(Diagnostic::error(Code::SOPS_FILE, span, message).help(help.to_owned()));
        None
    };
    if documents.len() > 1 {
        return wrong(
            format!("`{path}` has {} documents", documents.len()),
            "one Secret a file: a file belongs to who uses it, and its bytes are copied whole",
        );
    }
    let encrypt =
        "encrypt it: `sops --encrypt --in-place FILE`, with `encrypted_regex: ^(data|stringData)$`";
    let sops = node.get("sops");
    if sops.and_then(|sops| text_of(sops, "mac")).is_none()
        || sops.and_then(|sops| text_of(sops, "version")).is_none()
    {
        return wrong(format!("`{path}` is not encrypted with SOPS"), encrypt);
    }
    let metadata = node.get("metadata")?;
    let (Some(name), Some(namespace)) = (text_of(metadata, "name"), text_of(metadata, "namespace"))
    else {
        return wrong(
            format!("the Secret of `{path}` does not say its name and namespace"),
            "add `metadata.name` and `metadata.namespace`, in clear",
        );
    };
    let mut keys = BTreeMap::new();
    for (key, entry) in ["data", "stringData"]
        .into_iter()
        .filter_map(|part| node.get(part)?.as_map())
        .flatten()
    {
        if !entry.node.as_str().is_some_and(is_encrypted) {
            return wrong(
                format!("the key `{key}` of `{path}` is not encrypted"),
                encrypt,
            );
        }
        keys.insert(key.to_string(), entry.key);
    }
    let annotation = metadata
        .get("annotations")
        .and_then(|annotations| text_of(annotations, "kustomize.toolkit.fluxcd.io/prune"));
    Some(SopsFile {
        path: path.to_owned(),
        bytes,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        keys,
        is_kept: annotation.is_some_and(|value| value.eq_ignore_ascii_case("disabled")),
        span: metadata.get("name")?.origin.first().unwrap_or(span),
    })
}

fn text_of<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key)?.as_str()
}

/// Whether a value is what SOPS writes, or nothing at all: an empty value stays as it is.
fn is_encrypted(value: &str) -> bool {
    value.is_empty() || (value.starts_with("ENC[AES256_GCM,") && value.ends_with(']'))
}

/// Reports two files for one Secret.
fn twice(found: &[SopsFile], diagnostics: &mut Diagnostics) {
    for (index, file) in found.iter().enumerate() {
        let same =
            |other: &&SopsFile| (&other.namespace, &other.name) == (&file.namespace, &file.name);
        if let Some(first) = found[..index].iter().find(same) {
            let message = format!(
                "`{}` and `{}` are the same Secret `{}` of namespace `{}`",
                first.path, file.path, file.name, file.namespace
            );
            diagnostics.push(
                Diagnostic::error(Code::SOPS_FILE, file.span, message)
                    .label(first.span, "the first one")
                    .help("keep one of the two"),
            );
        }
    }
}
