//! Tokens that their beginning gives away, beside those that [`super::shape`] complains about.

use std::ops::Range;

/// A beginning, the other letters that may follow beside letters and digits, and at least how many.
struct Token(&'static str, &'static str, usize);

/// Tokens and hashes of passwords, as their issuers document them.
const TOKENS: [Token; 31] = [
    Token("AGE-SECRET-KEY-", "-", 16),
    Token("ghp_", "", 16),
    Token("gho_", "", 16),
    Token("ghu_", "", 16),
    Token("ghs_", "", 16),
    Token("ghr_", "", 16),
    Token("github_pat_", "_-", 16),
    Token("glpat-", "_-.", 16),
    Token("gldt-", "_-.", 16),
    Token("glrt-", "_-.", 16),
    Token("xox", "-", 16),
    Token("xapp-", "-", 16),
    Token("AKIA", "", 16),
    Token("ASIA", "", 16),
    Token("tskey-", "-_", 12),
    Token("eyJ", "-_.", 40),
    Token("sk_live_", "", 12),
    Token("rk_live_", "", 12),
    Token("sk-", "-_", 32),
    Token("hf_", "", 30),
    Token("hvs.", "-_", 20),
    Token("npm_", "", 30),
    Token("dckr_pat_", "-_", 20),
    Token("glsa_", "_", 30),
    Token("dop_v1_", "", 40),
    Token("AIza", "-_", 30),
    Token("SG.", "-_.", 30),
    Token("$2a$", "$./", 50),
    Token("$2b$", "$./", 50),
    Token("$2y$", "$./", 50),
    Token("$argon2", "$./,=+", 30),
];

/// Where the tokens of a line are.
pub(super) fn find(line: &str) -> impl Iterator<Item = Range<usize>> {
    TOKENS.iter().flat_map(move |Token(begin, more, least)| {
        line.match_indices(begin).filter_map(move |(start, _)| {
            let before = line[..start].chars().next_back();
            let is_inside = before.is_some_and(|before| before.is_ascii_alphanumeric());
            let rest = &line[start + begin.len()..];
            let length = rest
                .find(|letter: char| !letter.is_ascii_alphanumeric() && !more.contains(letter))
                .unwrap_or(rest.len());
            (!is_inside && length >= *least).then(|| start..start + begin.len() + length)
        })
    })
}

/// Where a line holds what SOPS has encrypted.
pub(super) fn encrypted(line: &str) -> impl Iterator<Item = Range<usize>> {
    line.match_indices("ENC[AES256_GCM,").map(|(start, _)| {
        let end = line[start..].find(']');
        start..end.map_or(line.len(), |end| start + end + 1)
    })
}
