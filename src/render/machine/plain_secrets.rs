//! Secrets in plain text in a patch that a person wrote.
//!
//! Knows the fields that Talos itself blots out before it shows a machine config, and nothing that only looks secret.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::value::{Node, Path, Value};

/// The fields that hold secrets: whoever has them has the cluster, or a part of it.
const SECRETS: [(&str, &str); 20] = [
    ("v1alpha1", "machine.token"),
    ("v1alpha1", "machine.ca.key"),
    ("v1alpha1", "machine.registries.config.*.auth"),
    (
        "v1alpha1",
        "machine.registries.config.*.tls.clientIdentity.key",
    ),
    (
        "v1alpha1",
        "machine.network.interfaces.[].wireguard.privateKey",
    ),
    (
        "v1alpha1",
        "machine.network.interfaces.[].vip.hcloud.apiToken",
    ),
    (
        "v1alpha1",
        "machine.network.interfaces.[].vip.equinixMetal.apiToken",
    ),
    (
        "v1alpha1",
        "machine.systemDiskEncryption.*.keys.[].static.passphrase",
    ),
    ("v1alpha1", "cluster.secret"),
    ("v1alpha1", "cluster.token"),
    ("v1alpha1", "cluster.aescbcEncryptionSecret"),
    ("v1alpha1", "cluster.secretboxEncryptionSecret"),
    ("v1alpha1", "cluster.ca.key"),
    ("v1alpha1", "cluster.aggregatorCA.key"),
    ("v1alpha1", "cluster.serviceAccount.key"),
    ("v1alpha1", "cluster.etcd.ca.key"),
    ("RegistryAuthConfig", "*"),
    ("WireguardConfig", "privateKey"),
    ("HCloudVIPConfig", "apiToken"),
    ("", "encryption.keys.[].static.passphrase"),
];

/// Reports secrets in a document of this kind; the config without one is `v1alpha1`.
pub(super) fn check(document: &Node, kind: &str, diagnostics: &mut Diagnostics) {
    let public = ["apiVersion", "kind", "name", "username"];
    for (_, path) in SECRETS
        .iter()
        .filter(|(of, _)| of.is_empty() || *of == kind)
    {
        let steps: Vec<&str> = path.split('.').collect();
        find(document, &steps, &mut Path::default(), &mut |path, node| {
            let is_public = path.to_string();
            if public.contains(&is_public.as_str()) || node.get("$patch").is_some() {
                return;
            }
            let message = format!("`{path}` holds a secret in plain text");
            diagnostics.push(
                Diagnostic::error(Code::PLAIN_SECRET, node.origin.first(), message)
                    .here("everybody who reads the repository has it")
                    .help(
                        "keep it outside Git: Talos' own are in `$LABC_SECRETS/talos/secrets.yaml`",
                    ),
            );
        });
    }
}

/// Calls `visit` with whatever a path of keys, `*` and `[]` leads to.
fn find<'a>(
    node: &'a Node,
    steps: &[&str],
    path: &mut Path,
    visit: &mut impl FnMut(&Path, &'a Node),
) {
    let Some((step, rest)) = steps.split_first() else {
        if node.value != Value::Null {
            visit(path, node);
        }
        return;
    };
    if *step == "[]" {
        for item in node.as_list().into_iter().flatten() {
            find(item, rest, path, visit);
        }
        return;
    }
    for (key, entry) in node.as_map().into_iter().flatten() {
        if *step == "*" || step == key {
            find(&entry.node, rest, &mut path.key(key), visit);
        }
    }
}
