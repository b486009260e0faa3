//! The part of a URL before the `@`: who logs in, and with which password.

use std::ops::Range;

use super::key::stands_for_another;

/// Where the URLs of a line hold a password, or a name that may be a token.
pub(super) fn users(line: &str) -> impl Iterator<Item = Range<usize>> {
    line.match_indices("://").filter_map(move |(at, mark)| {
        let start = at + mark.len();
        let rest = &line[start..];
        let end = rest
            .find(|letter: char| letter.is_whitespace() || "\"'<>`\\".contains(letter))
            .unwrap_or(rest.len());
        let user = user(&rest[..end])?;
        let scheme = line[..at].rsplit(|letter: char| !letter.is_ascii_alphanumeric());
        let is_web = scheme
            .into_iter()
            .next()
            .is_some_and(|scheme| scheme.starts_with("http"));
        is_secret(user, is_web).then(|| start..start + user.len())
    })
}

/// What stands before the last `@` that still is one of the host: letters that a URL has no place for count as part of
/// a password, but a port and a path do not.
fn user(url: &str) -> Option<&str> {
    let host = url.find(['/', '?', '#']).unwrap_or(url.len());
    if let Some(end) = url[..host].rfind('@') {
        return Some(&url[..end]);
    }
    let (_, behind) = url[..host].split_once(':')?;
    let is_port = !behind.is_empty() && behind.chars().all(|letter| letter.is_ascii_digit());
    let end = url.rfind('@').filter(|_| !is_port)?;
    Some(&url[..end])
}

fn is_secret(user: &str, is_web: bool) -> bool {
    match user.split_once(':') {
        Some((_, password)) => !stands_for_another(password),
        None => is_web && user != "git" && !stands_for_another(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_and_an_address_is_none() {
        let shown =
            |line: &'static str| -> Vec<&str> { users(line).map(|range| &line[range]).collect() };
        assert_eq!(shown("a postgres://me:pa@ss@db:5432/x b"), ["me:pa@ss"]);
        assert_eq!(shown("amqp://me:p/w#1@host/x"), ["me:p/w#1"]);
        assert_eq!(shown("https://abcdef@github.com/x"), ["abcdef"]);
        for fine in [
            "ssh://git@github.com/x.git",
            "https://git@github.com/x",
            "https://host:8080/pkg@1.2",
            "https://esm.sh/pkg@1.2",
            "postgres://me:$(PASSWORD)@db/x",
            "postgres://me@db/x",
        ] {
            assert_eq!(shown(fine), [""; 0], "{fine}");
        }
    }
}
