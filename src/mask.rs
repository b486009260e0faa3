//! What must never be shown: the values of secrets, before any text is made of them.
//!
//! What is a secret is decided from the data, by [`object`]; where there is text alone, by its letters. In its place stands
//! a word that says nothing of it, not even how long it is: `(secret)`, and for another one of the same object `(secret 2)`.
//! So what was equal stays equal, and what was not does not become so. Knows no diff and no format.

mod object;
mod text;

use std::collections::BTreeMap;

pub(crate) use text::{Piece, pair};

/// Masks what is masked together.
#[derive(Debug, Default)]
pub(crate) struct Masker {
    secrets: BTreeMap<String, usize>,
    encrypted: BTreeMap<String, usize>,
    /// Words that are no secrets, whatever they stand behind: what the lab calls its secrets.
    names: Vec<String>,
    /// How many texts what is looked at lies in.
    depth: usize,
}

impl Masker {
    /// One that takes the names of a lab's secrets for names.
    pub(crate) fn knowing(names: impl IntoIterator<Item = String>) -> Self {
        Masker {
            names: names.into_iter().collect(),
            ..Masker::default()
        }
    }

    /// The word for a secret.
    fn secret(&mut self, secret: &str) -> String {
        word("secret", &mut self.secrets, secret)
    }

    /// The word for what SOPS has encrypted.
    fn encrypted(&mut self, text: &str) -> String {
        word("encrypted", &mut self.encrypted, text)
    }

    fn is_name(&self, text: &str) -> bool {
        self.names.iter().any(|name| name == text)
    }
}

fn word(what: &str, known: &mut BTreeMap<String, usize>, text: &str) -> String {
    let next = known.len() + 1;
    match *known.entry(text.to_owned()).or_insert(next) {
        1 => format!("({what})"),
        number => format!("({what} {number})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::convert::json;

    fn masked(text: &str) -> String {
        let mut node = text::documents(text).expect("it is YAML").remove(0);
        Masker::default().node(&mut node);
        json(&node).to_string()
    }

    #[test]
    fn equal_secrets_have_one_mask_and_others_another() {
        let text = "kind: Secret\ndata: {a: x, b: y, c: x, d: ''}\nstringData: {e: 1, f: '1'}\n";
        assert_eq!(
            masked(text),
            r#"{"data":{"a":"(secret)","b":"(secret 2)","c":"(secret)","d":""},"kind":"Secret","stringData":{"e":"(secret 3)","f":"(secret 4)"}}"#
        );
    }

    #[test]
    fn references_are_shown_and_what_is_written_is_not() {
        let text = "
env:
  - {name: DB_PASSWORD, value: hunter2}
  - {name: API_TOKEN, valueFrom: {secretKeyRef: {name: db, key: password}}}
  - {name: URL, value: 'postgres://me:hunter2@db/x'}
args: ['--password', hunter2, '--token=hunter3', plain]
auth: {existingSecret: db, password: '{{ .password }}', adminPassword: 12345}
automountServiceAccountToken: false
";
        let shown = masked(text);
        for secret in ["hunter", "12345"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        for word in [
            r#""name":"db""#,
            r#""key":"password""#,
            r#""existingSecret":"db""#,
            "{{ .password }}",
            "plain",
            r#"Token":false"#,
            "postgres://(secret",
            "--token=(secret",
        ] {
            assert!(shown.contains(word), "{word}: {shown}");
        }
    }

    #[test]
    fn manifests_inside_texts_are_looked_into() {
        let text = "
kind: ConfigMap
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{\"kind\": \"Secret\", \"data\": {\"a\": \"canary\"}'
data:
  x.yaml: |
    # what follows is a Secret
    kind: Secret
    stringData:
      a: |
        canary
      b: 'can''ary'
    metadata: {name: x}
  y.json: '{\"items\": [{\"kind\": \"Secret\", \"stringData\": {\"a\": \"canary\\u0041\"}}]}'
";
        let shown = masked(text);
        assert!(
            !shown.contains("canary") && !shown.contains("can''ary"),
            "{shown}"
        );
        assert!(
            shown.contains("# what follows") && shown.contains("metadata: {name: x}"),
            "{shown}"
        );
        assert!(
            shown.contains(r#"last-applied-configuration":"(secret"#),
            "{shown}"
        );
    }

    #[test]
    fn what_was_written_never_looks_like_what_was_hidden() {
        let mut masker = Masker::default();
        let one = masker.text("https://me:hunter2@host");
        let other = masker.text("https://(secret)@host");
        assert_ne!(one, other);
        assert_eq!(one, "https://(secret)@host");
    }

    #[test]
    fn lines_stay_where_they_are() {
        let lines = Masker::default()
            .lines("-----BEGIN PRIVATE KEY-----\nMIIB\nabcd\n-----END PRIVATE KEY-----\nb\n");
        assert_eq!(
            lines,
            [
                "-----BEGIN PRIVATE KEY-----",
                "(secret)",
                "(secret)",
                "-----END PRIVATE KEY-----",
                "b"
            ]
        );
    }

    #[test]
    fn the_fields_of_talos_are_known() {
        let text = "
machine: {token: t1, ca: {crt: shown, key: k1}, acceptedCAs: [{crt: shown}]}
cluster: {id: shown, token: t2, secret: s1, serviceAccount: {key: k2}, aescbcEncryptionSecret: s2, etcd: {ca: {crt: shown, key: k3}}}
registries: {config: {ghcr.io: {auth: {username: shown, password: p1, auth: a1, identityToken: i1}}}}
keys: [{slot: 0, static: {passphrase: p2}, kms: {endpoint: shown}}]
wireguard: {privateKey: w1, peers: [{publicKey: shown, presharedKey: w2}]}
";
        let shown = masked(text);
        assert_eq!(shown.matches("(secret").count(), 13, "{shown}");
        assert_eq!(shown.matches(r#":"shown""#).count(), 7, "{shown}");
    }
}
