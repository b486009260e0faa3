//! Tokens that their beginning gives away: one table of their forms, and two measures of how much of one must be there.
//!
//! A complaint takes what its issuer may have made, letter by letter; what is hidden takes whatever may be a piece of it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// A form of tokens.
struct Form {
    /// What a token of it is, with its article.
    what: &'static str,
    /// What it begins with.
    prefix: &'static str,
    /// The letters that go on.
    letters: fn(char) -> bool,
    /// How many of them make a complaint; none where too much else looks alike, or where it is no plain secret.
    complaint: Option<usize>,
    /// How many of them, or of any other letters and digits, are hidden.
    hidden: usize,
}

/// A token that is looked like, and where.
pub(super) struct Token {
    pub(super) range: Range<usize>,
    pub(super) what: &'static str,
}

fn word(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
}

fn upper(letter: char) -> bool {
    letter.is_ascii_uppercase() || letter.is_ascii_digit()
}

fn dashed(letter: char) -> bool {
    word(letter) || letter == '-' || letter == '_'
}

fn dotted(letter: char) -> bool {
    dashed(letter) || letter == '.'
}

fn base64(letter: char) -> bool {
    word(letter) || "+/=".contains(letter)
}

fn hashed(letter: char) -> bool {
    base64(letter) || "$.,".contains(letter)
}

/// A form that is complained about.
const fn plain(
    what: &'static str,
    prefix: &'static str,
    letters: fn(char) -> bool,
    [complaint, hidden]: [usize; 2],
) -> Form {
    Form {
        what,
        prefix,
        letters,
        complaint: Some(complaint),
        hidden,
    }
}

/// A form that is only hidden.
const fn likely(
    what: &'static str,
    prefix: &'static str,
    letters: fn(char) -> bool,
    hidden: usize,
) -> Form {
    Form {
        what,
        prefix,
        letters,
        complaint: None,
        hidden,
    }
}

const GITHUB: &str = "a token of GitHub";
const GITLAB: &str = "a token of GitLab";
const SLACK: &str = "a token of Slack";
const AWS: &str = "an access key of AWS";
const PRIVATE_KEY: &str = "a private key";
const HASH: &str = "the hash of a password";

/// Every form. A complaint wants no more letters than the shortest token has that was seen of it.
///
/// | of | says |
/// | --- | --- |
/// | age | age-keygen(1): Bech32 in capitals, 58 letters behind the `1` |
/// | GitHub | its changelog of 2021-03-31: letters and digits, 36 of them and more to come; `config/gitleaks.toml` of Gitleaks: 82 in a fine-grained one |
/// | GitLab, Slack, Stripe, Vault, npm, Hugging Face, Grafana, DigitalOcean, Google, SendGrid, Anthropic, OpenAI | `config/gitleaks.toml` of Gitleaks, the rules of those names |
/// | AWS | the same: 16 capitals and digits; the key that is secret stands beside it |
/// | Tailscale | "Key prefixes" of its documentation |
/// | Docker | the examples in the reference of Docker Hub's API; 27 letters in those that were seen |
/// | JSON Web Tokens | RFC 7519: `eyJ` is `{"` in base64, and so is other JSON |
/// | hashes | crypt(5), and the PHC string format: whoever has one has yet to find the password |
/// | private keys | the beginnings of `-----BEGIN ... PRIVATE KEY` in base64, as kubeconfigs and machine configs hold keys |
const FORMS: [Form; 61] = [
    plain("an age key", "AGE-SECRET-KEY-1", upper, [20, 15]),
    plain("an age key", "AGE-SECRET-KEY-PQ-1", upper, [20, 12]),
    plain(GITHUB, "ghp_", word, [30, 16]),
    plain(GITHUB, "gho_", word, [30, 16]),
    plain(GITHUB, "ghu_", word, [30, 16]),
    plain(GITHUB, "ghs_", word, [30, 16]),
    plain(GITHUB, "ghr_", word, [30, 16]),
    plain(GITHUB, "github_pat_", dashed, [40, 16]),
    plain(GITLAB, "glpat-", dotted, [20, 16]),
    plain(GITLAB, "gldt-", dotted, [20, 16]),
    plain(GITLAB, "glrt-", dotted, [20, 16]),
    plain(GITLAB, "glcbt-", dotted, [20, 16]),
    plain(GITLAB, "glptt-", dotted, [20, 16]),
    plain(GITLAB, "glft-", dotted, [20, 16]),
    plain(GITLAB, "glimt-", dotted, [20, 16]),
    plain(GITLAB, "glagent-", dotted, [40, 16]),
    plain(GITLAB, "gloas-", dotted, [40, 16]),
    plain(GITLAB, "glsoat-", dotted, [20, 16]),
    plain(GITLAB, "glffct-", dotted, [20, 16]),
    plain(SLACK, "xoxb-", dashed, [20, 16]),
    plain(SLACK, "xoxp-", dashed, [20, 16]),
    plain(SLACK, "xoxa-", dashed, [20, 16]),
    plain(SLACK, "xoxr-", dashed, [20, 16]),
    plain(SLACK, "xoxs-", dashed, [20, 16]),
    plain(SLACK, "xoxo-", dashed, [20, 16]),
    plain(SLACK, "xoxe-", dashed, [20, 16]),
    plain(SLACK, "xapp-", dashed, [20, 16]),
    likely(SLACK, "xox", dotted, 16),
    plain(AWS, "AKIA", upper, [16, 16]),
    plain(AWS, "ASIA", upper, [16, 16]),
    plain("a key of Tailscale", "tskey-", dashed, [20, 12]),
    plain("a key of Stripe", "sk_live_", word, [20, 12]),
    plain("a key of Stripe", "rk_live_", word, [20, 12]),
    likely("a key of Stripe", "sk_test_", word, 12),
    plain("a token of Vault", "hvs.", dashed, [80, 20]),
    plain("a token of Vault", "hvb.", dashed, [80, 20]),
    plain("a token of npm", "npm_", word, [36, 30]),
    plain("a token of Hugging Face", "hf_", word, [34, 30]),
    plain("a token of Docker", "dckr_pat_", dashed, [27, 12]),
    plain("a token of Docker", "dckr_oat_", dashed, [27, 12]),
    plain("a token of Grafana", "glsa_", dashed, [40, 30]),
    likely("a token of Grafana", "glc_", base64, 32),
    plain("a token of DigitalOcean", "dop_v1_", word, [64, 40]),
    plain("a token of DigitalOcean", "doo_v1_", word, [64, 40]),
    plain("a token of DigitalOcean", "dor_v1_", word, [64, 40]),
    plain("a key of Google", "AIza", dashed, [35, 30]),
    plain("a key of SendGrid", "SG.", dotted, [66, 30]),
    plain("a key of Anthropic", "sk-ant-", dashed, [80, 32]),
    plain("a key of OpenAI", "sk-proj-", dashed, [80, 32]),
    likely("a key", "sk-", dashed, 32),
    likely("a JSON Web Token", "eyJ", dotted, 40),
    likely(HASH, "$2a$", hashed, 50),
    likely(HASH, "$2b$", hashed, 50),
    likely(HASH, "$2y$", hashed, 50),
    likely(HASH, "$argon2", hashed, 30),
    plain(PRIVATE_KEY, "LS0tLS1CRUdJTiBQUklWQVRFIEtF", base64, [20, 8]),
    plain(
        PRIVATE_KEY,
        "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBL",
        base64,
        [20, 8],
    ),
    plain(
        PRIVATE_KEY,
        "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtF",
        base64,
        [20, 8],
    ),
    plain(
        PRIVATE_KEY,
        "LS0tLS1CRUdJTiBFRDI1NTE5IFBSSVZBVEUgS0VZ",
        base64,
        [20, 8],
    ),
    plain(
        PRIVATE_KEY,
        "LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUgS0VZ",
        base64,
        [20, 8],
    ),
    plain(
        PRIVATE_KEY,
        "LS0tLS1CRUdJTiBEU0EgUFJJVkFURSBL",
        base64,
        [20, 8],
    ),
];

/// What the tokens of [`FORMS`] begin with, to be looked for all at once.
static PREFIXES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let prefixes = FORMS.iter().map(|form| form.prefix);
    AhoCorasick::new(prefixes).expect("so few and short texts fit every bound")
});

/// The forms whose beginning a text has: most texts have none, and one look at the whole is less than one at each line.
#[derive(Clone)]
pub(super) struct Forms(Vec<&'static Form>);

impl Forms {
    /// Those of a text.
    pub(super) fn of(text: &str) -> Self {
        let found = PREFIXES.find_overlapping_iter(text);
        let forms: BTreeSet<usize> = found.map(|found| found.pattern().as_usize()).collect();
        Forms(forms.into_iter().map(|at| &FORMS[at]).collect())
    }

    /// The tokens of a line that are complained about.
    pub(super) fn certain(&self, line: &str) -> impl Iterator<Item = Token> {
        self.0.iter().flat_map(move |form| {
            let least = form.complaint.unwrap_or(usize::MAX);
            places(line, form.prefix, dashed, form.letters, least).map(|range| Token {
                range,
                what: form.what,
            })
        })
    }

    /// Where a line holds what may be a token.
    pub(super) fn likely(&self, line: &str) -> impl Iterator<Item = Range<usize>> {
        self.0.iter().flat_map(move |form| {
            let letters = |letter| word(letter) || (form.letters)(letter);
            places(line, form.prefix, word, letters, form.hidden)
        })
    }
}

/// Where a prefix stands that is no part of a longer word, with at least so many letters behind it.
fn places(
    line: &str,
    prefix: &'static str,
    is_inside: fn(char) -> bool,
    letters: impl Fn(char) -> bool,
    least: usize,
) -> impl Iterator<Item = Range<usize>> {
    line.match_indices(prefix).filter_map(move |(start, _)| {
        let before = line[..start].chars().next_back();
        let rest = &line[start + prefix.len()..];
        let length = rest.find(|letter| !letters(letter)).unwrap_or(rest.len());
        (!before.is_some_and(is_inside) && length >= least)
            .then(|| start..start + prefix.len() + length)
    })
}

/// Where a line holds what SOPS has encrypted.
pub(super) fn encrypted(line: &str) -> impl Iterator<Item = Range<usize>> {
    line.match_indices("ENC[AES256_GCM,").map(|(start, _)| {
        let end = line[start..].find(']');
        start..end.map_or(line.len(), |end| start + end + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::hidden::hidden;
    use crate::secret::shape;

    /// A token of a form, with so many letters of its own alphabet.
    fn made(form: &Form, length: usize) -> String {
        let letters = "A1B2C3D4E5F6G7H8J9".chars().cycle().take(length);
        let letters: String = letters
            .inspect(|letter| assert!((form.letters)(*letter)))
            .collect();
        format!("{}{letters}", form.prefix)
    }

    #[test]
    fn every_form_is_measured_twice_and_no_complaint_is_shown() {
        for form in &FORMS {
            let covers = |text: &str| hidden(text).first().map(|part| part.range.clone());
            let short = made(form, form.hidden);
            let line = format!("x: {short} y");
            assert_eq!(covers(&line), Some(3..3 + short.len()), "{line}");
            let Some(least) = form.complaint else {
                let long = format!("x: {}", made(form, 200));
                assert!(shape::find(&long).is_empty(), "{long}");
                continue;
            };
            assert!(least >= form.hidden, "{}", form.prefix);
            let long = format!("x: {}", made(form, least));
            let found = shape::find(&long);
            let [(1, found)] = found.as_slice() else {
                panic!("{long}: {found:?}");
            };
            assert_eq!(
                (found.range.clone(), found.what),
                (3..long.len(), form.what)
            );
            assert_eq!(covers(&long), Some(3..long.len()), "{long}");
            let shorter = format!("x: {}", made(form, least - 1));
            assert!(shape::find(&shorter).is_empty(), "{shorter}");
        }
    }

    #[test]
    fn no_form_is_named_twice() {
        let mut prefixes: Vec<&str> = FORMS.iter().map(|form| form.prefix).collect();
        prefixes.sort_unstable();
        let count = prefixes.len();
        prefixes.dedup();
        assert_eq!(prefixes.len(), count);
    }

    #[test]
    fn what_is_part_of_a_word_is_no_token() {
        for line in [
            "MAKIAABCDEFGHIJKLMNOPQ",
            "task_live_ABCDEFGHIJKLMNOPQRSTUVWX",
        ] {
            assert_eq!(Forms::of(line).likely(line).count(), 0, "{line}");
        }
        // A dash before it is no reason to show it, but one not to complain.
        let line = "x-AKIAABCDEFGHIJKLMNOP";
        assert_eq!(Forms::of(line).likely(line).count(), 1);
        assert_eq!(Forms::of(line).certain(line).count(), 0);
    }
}
