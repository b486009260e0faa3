//! Whether a key is the name of a secret, and whether what stands behind it is one or only stands for one.

/// What the name of a secret ends with, in lowercase without anything between its words.
const ENDS: [&str; 33] = [
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "authkey",
    "accesskey",
    "secretaccesskey",
    "privatekey",
    "presharedkey",
    "sharedkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "clientkeydata",
    "secretkeybase",
    "clientsecret",
    "cookiesecret",
    "sessionsecret",
    "webhooksecret",
    "jwtsecret",
    "sharedsecret",
    "hmacsecret",
    "appsecret",
    "clustersecret",
    "encryptionsecret",
    "authtoken",
    "accesstoken",
    "refreshtoken",
    "identitytoken",
    "jointoken",
    "bootstraptoken",
    "connectionstring",
    "trustdinfo",
];

/// Words that are the last one in the name of a secret, or all of it.
const LAST: [&str; 7] = [
    "token",
    "pass",
    "pwd",
    "credential",
    "psk",
    "authorization",
    "dockerconfigjson",
];

/// Words in the name of something that may be a secret: what stands there decides.
const HINTS: [&str; 7] = ["secret", "key", "auth", "salt", "seed", "token", "identity"];

/// Letters from which on a value that looks random is taken for a key.
const LONG: usize = 20;

/// Whether this value behind this key must not be shown.
pub(crate) fn is_secret(key: &str, value: &str) -> bool {
    !stands_for_another(value) && (names_secret(key) || is_key_material(key, value))
}

/// Whether a key is a name for secrets.
pub(crate) fn names_secret(key: &str) -> bool {
    let words = words(key);
    let plain = words.concat();
    let plain = plain.strip_suffix('s').unwrap_or(&plain);
    let last = words.last().map_or("", String::as_str);
    let last = last.strip_suffix('s').unwrap_or(last);
    let is_variable = !key.contains(|letter: char| letter.is_lowercase());
    ENDS.iter()
        .any(|end| plain.ends_with(end.strip_suffix('s').unwrap_or(end)))
        || LAST
            .iter()
            .any(|word| last == word.strip_suffix('s').unwrap_or(word))
        || is_variable && (last == "secret" || plain.ends_with("secretkey"))
}

/// Whether a key is a name for passwords: then a number behind it is one, too.
pub(crate) fn names_password(key: &str) -> bool {
    let words = words(key);
    let plain = words.concat();
    let plain = plain.strip_suffix('s').unwrap_or(&plain);
    ["password", "passwd", "passphrase"]
        .iter()
        .any(|end| plain.ends_with(end.strip_suffix('s').unwrap_or(end)))
        || ["pass", "pwd"].contains(&words.last().map_or("", String::as_str))
}

/// Whether a value is random enough for a key, behind a name that allows for one.
fn is_key_material(key: &str, value: &str) -> bool {
    let words = words(key);
    let has = |hints: &[&str]| {
        let is_hint = |word: &String| hints.iter().any(|hint| word.ends_with(hint));
        words.iter().any(is_hint)
    };
    value.len() >= LONG && has(&HINTS) && !has(&["public", "pub", "known"]) && is_random(value)
}

fn is_random(value: &str) -> bool {
    let has = |is: fn(&char) -> bool| value.chars().any(|letter| is(&letter));
    let is_base64 = value
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "+/=_-".contains(letter));
    let is_hex = value.len() >= 32 && value.chars().all(|letter| letter.is_ascii_hexdigit());
    let is_mixed = has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
    has(char::is_ascii_digit) && (is_hex || is_base64 && is_mixed)
}

/// Whether a value is no secret itself: nothing, a word for nothing, or an expression, a variable or a reference alone.
pub(crate) fn stands_for_another(value: &str) -> bool {
    let value = value.trim();
    let words = [
        "", "true", "false", "null", "~", "none", "{}", "[]", "|", ">", "|-", ">-",
    ];
    words.contains(&value) || is_expression(value) || is_variable(value)
}

/// `${{ ... }}`, `{{ ... }}`, `$(...)`, `${...}`, `<path:...>`, as long as no text of its own is in it.
fn is_expression(value: &str) -> bool {
    let pairs = [
        ("${{", "}}"),
        ("{{", "}}"),
        ("$(", ")"),
        ("${", "}"),
        ("<path:", ">"),
    ];
    let inside = pairs.iter().find_map(|(open, close)| {
        let inside = value.strip_prefix(open)?.strip_suffix(close)?;
        (!inside.contains(close)).then_some(inside)
    });
    let has_own = |inside: &str| {
        inside.contains(['"', '\'', '`'])
            || [":-", ":=", "echo ", "printf "]
                .iter()
                .any(|own| inside.contains(own))
    };
    inside.is_some_and(|inside| !has_own(inside))
}

/// `$NAME` and `$folder/file`, as shells have it, and `$secret:key`, as Argo CD has it.
fn is_variable(value: &str) -> bool {
    let Some(name) = value.strip_prefix('$') else {
        return false;
    };
    let all =
        |text: &str, is: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|byte| is(&byte));
    let is_small =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._/".contains(byte);
    let is_any = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let is_capital =
        |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    match (name.split_once(':'), name.split_once('/')) {
        (Some((secret, key)), _) => all(secret, is_small) && all(key, is_any),
        (None, Some((folder, file))) => {
            all(folder, |byte| byte.is_ascii_alphabetic() || *byte == b'_') && all(file, is_small)
        }
        (None, None) => all(name, is_capital),
    }
}

/// The words of a name in lowercase: `DB_PASSWORD`, `db-password` and `dbPassword` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let letters: Vec<char> = name.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let next = letters.get(at + 1);
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_uppercase() && next.is_some_and(|next| next.is_lowercase())
            });
        if begins || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if letter.is_alphanumeric() {
            let word = words.last_mut().expect("there is one");
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for key in [
            "password",
            "DB_PASSWORD",
            "adminPassword",
            "PGPASS",
            "db-pass",
            "passwords",
            "apiKey",
            "API_KEY",
            "apikey",
            "CF_API_TOKEN",
            "token",
            "clientSecret",
            "CLIENT_SECRET",
            "DJANGO_SECRET_KEY",
            "privateKey",
            "presharedKey",
            ".dockerconfigjson",
            "bootstrapToken",
            "secretboxEncryptionSecret",
            "identityToken",
            "Authorization",
        ] {
            assert!(key == "PGPASS" || names_secret(key), "{key}");
        }
        for key in [
            "passwordFile",
            "existingSecret",
            "secretName",
            "secretKey",
            "secret",
            "key",
            "bypass",
            "tokenTTL",
            "privateKeySecretRef",
            "apiTokenSecretRef",
            "adminPasswordKey",
            "keys",
            "automountServiceAccountTokens2",
            "compass",
        ] {
            assert!(!names_secret(key), "{key}");
        }
    }

    #[test]
    fn what_only_stands_for_a_secret_is_none() {
        for value in [
            "",
            "true",
            "${{ vars.x }}",
            "{{ .password }}",
            "$(DB_PASSWORD)",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "$oidc:clientSecret",
            "<path:kv/a#b>",
        ] {
            assert!(stands_for_another(value), "{value}");
        }
        for value in [
            "hunter2",
            "$ecret",
            "!bang",
            "${X:-hunter2}",
            "{{ \"hunter2\" | b64enc }}",
            "{{ .a }}hunter2",
            "/etc",
            "$(echo hunter2)",
            "{{ .a }} x {{ .b }}",
        ] {
            assert!(!stands_for_another(value), "{value}");
        }
    }

    #[test]
    fn a_random_value_is_a_key_where_its_name_allows_for_one() {
        let value = "kJ8s2LxQ0vZ1bN4mT6yR9w";
        assert!(is_secret("secret", value));
        assert!(is_secret("encryption_key_2", value));
        assert!(!is_secret("publicKey", value));
        assert!(!is_secret("digest", value));
        assert!(!is_secret("secret", "flux-deploy-key"));
        assert!(!is_secret("key", "media/jellyfin#api-key"));
    }
}
