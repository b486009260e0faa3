//! What secrets look like in text: [tokens](super::token), keys in PEM, and what stands behind a key that only ever holds
//! a secret.

use std::ops::Range;

use super::ALLOWED;
use super::token::Forms;

/// A place that looks like a secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The bytes of the text, never beyond the line.
    pub(crate) range: Range<usize>,
    /// What it looks like, with its article.
    pub(crate) what: &'static str,
}

/// Keys that only ever hold a secret, in lowercase without `_` and `-`: kubeconfigs', WireGuard's, and those that Talos
/// itself masks (`pkg/machinery/config/types/v1alpha1`, the `Redact` methods).
const KEYS: [(&str, &str); 11] = [
    ("clientkeydata", "the key of a kubeconfig"),
    ("secretboxencryptionsecret", "a secret of Talos"),
    ("aescbcencryptionsecret", "a secret of Talos"),
    ("bootstraptoken", "a secret of Talos"),
    ("clustersecret", "a secret of Talos"),
    ("trustdinfo", "a secret of Talos"),
    ("jointoken", "a secret of Talos"),
    ("presharedkey", "a key of WireGuard"),
    ("privatekey", "a private key"),
    ("awssecretaccesskey", "an access key of AWS"),
    ("secretaccesskey", "an access key of AWS"),
];

/// Everything in a text that looks like a secret and whose line does not allow it, with the number of its line.
pub(crate) fn find(text: &str) -> Vec<(usize, Found)> {
    among(text, &Forms::of(text))
}

/// The same, where the forms of the text's tokens are known.
pub(super) fn among(text: &str, forms: &Forms) -> Vec<(usize, Found)> {
    let mut all = Vec::new();
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if !line.contains(ALLOWED) {
            for mut found in in_line(line.trim_end(), forms) {
                found.range = found.range.start + start..found.range.end + start;
                all.push((index + 1, found));
            }
        }
        start += line.len();
    }
    all
}

fn in_line(line: &str, forms: &Forms) -> Vec<Found> {
    if let Some(begin) = line.find("-----BEGIN ") {
        // Everything behind it is the key, where it stands in one line.
        if line[begin..].contains("PRIVATE KEY-----") && !line[begin..].contains("ENCRYPTED") {
            let range = begin..line.len();
            let what = "a private key";
            return vec![Found { range, what }];
        }
    }
    let tokens = forms.certain(line).map(|token| Found {
        range: token.range,
        what: token.what,
    });
    let mut found: Vec<Found> = tokens.collect();
    for (key, range) in assignments(line) {
        let overlaps =
            |known: &Found| known.range.start < range.end && range.start < known.range.end;
        let what = holds(key).filter(|_| is_literal(&line[range.clone()]));
        if let Some(what) = what.filter(|_| !found.iter().any(overlaps)) {
            found.push(Found { range, what });
        }
    }
    found.sort_by_key(|found| found.range.start);
    found
}

/// What a key holds, if it only ever holds a secret.
pub(crate) fn holds(key: &str) -> Option<&'static str> {
    let plain: String = key
        .chars()
        .filter(|letter| !"_-".contains(*letter))
        .collect();
    let plain = plain.to_ascii_lowercase();
    let known = KEYS.iter().find(|(known, _)| *known == plain);
    match known {
        Some((_, what)) => Some(what),
        None => names_password(key).then_some("a password"),
    }
}

/// Whether a key or a variable is called a password.
pub(crate) fn names_password(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "passwd", "passphrase"]
        .iter()
        .any(|word| key.ends_with(word))
}

/// Whether a value stands there itself: not an expression, a variable, a path, what SOPS has encrypted, or one of the
/// words for nothing.
pub(crate) fn is_literal(value: &str) -> bool {
    let words = [
        "", "true", "false", "null", "~", "none", "{}", "[]", "|", ">", "|-", ">-",
    ];
    !value.contains("{{")
        && !value.starts_with("ENC[AES256_GCM")
        && !value.starts_with(['$', '/', '<', '*', '&', '!', '%'])
        && !words.contains(&value)
}

/// The `key: value` and `key = value` of a line, before its comment: the last part of the key, and where the value is.
fn assignments(line: &str) -> Vec<(&str, Range<usize>)> {
    let mut all = Vec::new();
    let mut at = 0;
    let mut key: Option<&str> = None;
    let mut is_value = false;
    while let Some(letter) = line[at..].chars().next() {
        let start = at;
        at += letter.len_utf8();
        match letter {
            '#' if start == 0 || line[..start].ends_with([' ', '\t']) => break,
            '"' | '\'' => {
                let inside = at;
                let end = closing(line, at, letter);
                at = (end + 1).min(line.len());
                let range = inside..end;
                match key.filter(|_| is_value) {
                    Some(key) => all.push((key, range)),
                    None => key = line[range].rsplit('.').next(),
                }
                is_value = false;
            }
            ':' | '=' if key.is_some() => is_value = true,
            letter if letter.is_alphanumeric() || letter == '$' || letter == '_' => {
                let end = word_end(line, start, is_value).max(at);
                at = end;
                match key.filter(|_| is_value) {
                    Some(key) => all.push((key, start..end)),
                    None => key = line[start..end].rsplit('.').next(),
                }
                is_value = false;
            }
            ',' | '{' | '[' => {
                key = None;
                is_value = false;
            }
            // A value that begins with anything else (a list, a path, an anchor) is none that could be judged.
            letter if !letter.is_whitespace() && is_value => {
                key = None;
                is_value = false;
            }
            _ => {}
        }
    }
    all
}

/// Where a quoted text ends.
fn closing(line: &str, from: usize, quote: char) -> usize {
    let mut escaped = false;
    for (offset, letter) in line[from..].char_indices() {
        match letter {
            '\\' if quote == '"' && !escaped => escaped = true,
            letter if letter == quote && !escaped => return from + offset,
            _ => escaped = false,
        }
    }
    line.len()
}

/// Where a bare word ends; a bare value goes on to a comma, a brace or a space.
fn word_end(line: &str, from: usize, is_value: bool) -> usize {
    let ends = |letter: char| match is_value {
        true => letter.is_whitespace() || ",}]".contains(letter),
        false => !(letter.is_alphanumeric() || "._-".contains(letter)),
    };
    line[from..]
        .find(ends)
        .map_or(line.len(), |offset| from + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(text: &str) -> Vec<&'static str> {
        find(text)
            .into_iter()
            .map(|(_, found)| found.what)
            .collect()
    }

    fn shown(text: &str) -> Vec<&str> {
        find(text)
            .into_iter()
            .map(|(_, found)| &text[found.range])
            .collect()
    }

    #[test]
    fn tokens_are_found_by_their_prefix_and_length() {
        let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        assert_eq!(shown(&format!("env.T = \"{token}\"")), [token.as_str()]);
        assert_eq!(whats("key = \"ghp_short\""), [""; 0]);
        assert_eq!(whats("name = \"glpat-\""), [""; 0]);
        let age = format!("AGE-SECRET-KEY-1{}", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L");
        assert_eq!(whats(&format!("# {age}")), ["an age key"]);
        assert_eq!(
            whats(&format!("a: AKIA{}", "ABCDEFGHIJKLMNOP")),
            ["an access key of AWS"]
        );
        assert_eq!(whats("image: registry/MAKIAABCDEFGHIJKLMNOPQ"), [""; 0]);
    }

    #[test]
    fn keys_are_found_in_pem_and_as_base64_of_it() {
        assert_eq!(
            whats("  -----BEGIN RSA PRIVATE KEY-----"),
            ["a private key"]
        );
        assert_eq!(whats("-----BEGIN CERTIFICATE-----"), [""; 0]);
        assert_eq!(whats("-----BEGIN ENCRYPTED PRIVATE KEY-----"), [""; 0]);
        let key = "LS0tLS1CRUdJTiBFRDI1NTE5IFBSSVZBVEUgS0VZLS0tLS0KTUM0Q0FRQXdCUVlESzJWd0JDSUVJ";
        assert_eq!(whats(&format!("key: {key}")), ["a private key"]);
        let certificate = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJQekNCOHFBREFnRUNBaEFF";
        assert_eq!(whats(&format!("crt: {certificate}")), [""; 0]);
    }

    #[test]
    fn what_a_key_holds_decides() {
        assert_eq!(shown("adminPassword: hunter2 # old"), ["hunter2"]);
        assert_eq!(shown("values.auth.password = \"hunter2\""), ["hunter2"]);
        assert_eq!(shown("auth = { user = \"a\", password = 'x y' }"), ["x y"]);
        assert_eq!(shown("- secretboxEncryptionSecret: abc="), ["abc="]);
        assert_eq!(shown("{\"private_key\": \"abc\"}"), ["abc"]);
        for fine in [
            "existingSecretPasswordKey: admin-password",
            "password: \"\"",
            "password = \"${{ vars.x }}\"",
            "password: $PASSWORD",
            "passwordFile: /run/secret",
            "DB_PASSWORD = { secret = \"db\", key = \"password\" }",
            "keys = [\"password\", \"user\"]",
            "# password: hunter2",
            "privateKeySecretRef: x",
            "password: hunter2 # labc: not-a-secret",
            "key: password",
            "$if: inputs.password",
        ] {
            assert_eq!(shown(fine), [""; 0], "{fine}");
        }
    }

    #[test]
    fn every_range_lies_in_its_line() {
        let text = "a: 1\npassword: xyz\nb: 2\n";
        assert_eq!(
            find(text),
            [(
                2,
                Found {
                    range: 15..18,
                    what: "a password"
                }
            )]
        );
    }
}
