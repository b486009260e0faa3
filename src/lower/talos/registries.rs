//! Container registries: mirrors and trust, in the v1alpha1 config or, from the 1.12 contract on, in documents.

use super::Target;
use super::groups::{Group, items, some, value};
use super::patch::{Patch, push};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::template::convert::base64;
use crate::value::Node;

/// Adds the mirrors of a registry.
pub(super) fn mirror(
    host: &str,
    group: &Group<'_>,
    target: Target,
    patch: &mut Patch,
    diagnostics: &mut Diagnostics,
) {
    let Some(endpoints) = items(group, "endpoints") else {
        let said = group.values().find_map(|said| said.first());
        let span = said.and_then(|fact| fact.node.origin.first());
        let message = format!("`registries.mirrors.\"{host}\".endpoints` is missing");
        diagnostics.push(Diagnostic::error(Code::MISSING_KEY, span, message).here("beside this"));
        return;
    };
    let (skip, override_path) = (value(group, "skip_fallback"), value(group, "override_path"));
    if !target.contract_has(12) {
        let words = [
            ("endpoints", Some(endpoints)),
            ("skipFallback", skip),
            ("overridePath", override_path),
        ];
        patch.set(&["machine", "registries", "mirrors", host], some(words));
        return;
    }
    let document = patch.document("RegistryMirrorConfig", Some(host), &endpoints.origin);
    for url in endpoints.as_list().into_iter().flatten() {
        let words = [
            ("url", Some(url.clone())),
            ("overridePath", override_path.clone()),
        ];
        push(document, &["endpoints"], some(words));
    }
    if let Some(skip) = skip {
        document.insert("skipFallback", skip);
    }
}

/// Adds how a registry is trusted.
pub(super) fn tls(host: &str, group: &Group<'_>, target: Target, patch: &mut Patch) {
    let skip = value(group, "insecure_skip_verify");
    let ca = value(group, "ca");
    if !target.contract_has(12) {
        let encoded = ca.map(|node| {
            Node::new(
                base64(node.as_str().unwrap_or_default().as_bytes()),
                node.origin,
            )
        });
        let words = some([("ca", encoded), ("insecureSkipVerify", skip)]);
        patch.set(&["machine", "registries", "config", host, "tls"], words);
        return;
    }
    let Some(origin) = ca
        .as_ref()
        .or(skip.as_ref())
        .map(|node| node.origin.clone())
    else {
        return;
    };
    let document = patch.document("RegistryTLSConfig", Some(host), &origin);
    for (word, node) in [("ca", ca), ("insecureSkipVerify", skip)] {
        if let Some(node) = node {
            document.insert(word, node);
        }
    }
}
