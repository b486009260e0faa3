//! The field's own value types, each parsed once from text: addresses, networks, ranges, versions, names.
//!
//! Knows no file and no diagnostics: a failure is a phrase that says what was expected.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use ipnet::IpNet;

/// An inclusive range of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IpRange {
    /// The first address.
    pub first: IpAddr,
    /// The last address, of the same family and not below the first.
    pub last: IpAddr,
}

impl IpRange {
    /// The range of `first-last`, a CIDR, or one address.
    ///
    /// # Errors
    /// A phrase that says what a range looks like, or why this one is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((first, last)) = text.split_once('-') {
            let first = parse_address(first.trim())?;
            let last = parse_address(last.trim())?;
            if first.is_ipv4() != last.is_ipv4() {
                return Err("both ends of a range are of one family".to_owned());
            }
            if last < first {
                return Err(format!(
                    "the range ends before it begins: try `{last}-{first}`"
                ));
            }
            return Ok(IpRange { first, last });
        }
        if text.contains('/') {
            let network = parse_network(text)?;
            return Ok(IpRange::of(&network));
        }
        let address = parse_address(text)
            .map_err(|_| "a range is `first-last`, a CIDR or one address".to_owned())?;
        Ok(IpRange::one(address))
    }

    /// One address.
    pub fn one(address: IpAddr) -> Self {
        IpRange {
            first: address,
            last: address,
        }
    }

    /// Every address of a network, its first and last included.
    pub fn of(network: &IpNet) -> Self {
        IpRange {
            first: network.network(),
            last: network.broadcast(),
        }
    }

    /// Whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && self.first <= address && address <= self.last
    }

    /// Whether the two share an address.
    pub fn overlaps(&self, other: &IpRange) -> bool {
        self.contains(other.first) || other.contains(self.first)
    }

    /// How many addresses it has.
    pub fn len(&self) -> u128 {
        (number(self.last) - number(self.first)).saturating_add(1)
    }

    /// Never: a range has at least one address.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// What is left of it without the ranges `taken`, in order.
    pub fn without(&self, taken: impl IntoIterator<Item = IpRange>) -> Vec<IpRange> {
        let mut taken: Vec<IpRange> = taken
            .into_iter()
            .filter(|taken| taken.overlaps(self))
            .collect();
        taken.sort();
        let (v4, end) = (self.first.is_ipv4(), number(self.last));
        let mut next = Some(number(self.first));
        let mut left = Vec::new();
        for taken in taken {
            let Some(begin) = next else {
                break;
            };
            if begin < number(taken.first) {
                left.push((begin, number(taken.first) - 1));
            }
            next = number(taken.last)
                .checked_add(1)
                .map(|after| after.max(begin));
        }
        left.extend(next.filter(|begin| *begin <= end).map(|begin| (begin, end)));
        let range = |(first, last)| IpRange {
            first: address(first, v4),
            last: address(last, v4),
        };
        left.into_iter().map(range).collect()
    }

    /// Its addresses, in order.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let (first, last, v4) = (number(self.first), number(self.last), self.first.is_ipv4());
        (first..=last).map(move |number| address(number, v4))
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(formatter, "{}", self.first)
        } else {
            write!(formatter, "{}-{}", self.first, self.last)
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn address(number: u128, v4: bool) -> IpAddr {
    match u32::try_from(number) {
        Ok(number) if v4 => IpAddr::V4(Ipv4Addr::from(number)),
        _ => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

/// The address `offset` places behind the first of a network, if the network has it.
pub fn nth_address(network: &IpNet, offset: u128) -> Option<IpAddr> {
    let first = network.network();
    let wanted = number(first).checked_add(offset)?;
    let found = address(wanted, first.is_ipv4());
    network.contains(&found).then_some(found)
}

/// An address without a prefix.
///
/// # Errors
/// A phrase with an example.
pub fn parse_address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| "an address is like `192.168.1.10` or `fd00::10`".to_owned())
}

/// A network in CIDR notation; host bits are allowed here and judged by the network plan.
///
/// # Errors
/// A phrase with an example.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    text.parse()
        .map_err(|_| "a network is a CIDR like `192.168.1.0/24`".to_owned())
}

/// A released version, as its owner writes it (`v1.34.2`, `15.1.0`, `2.0.0-rc.1`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The number, for comparison.
    pub semver: semver::Version,
    /// The text as written, with its `v` if it has one.
    pub text: String,
}

impl Version {
    /// An exact version of three numbers, with or without a `v`.
    ///
    /// # Errors
    /// A phrase that says why the text names no single version.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix('v').unwrap_or(text);
        match semver::Version::parse(number) {
            Ok(semver) => Ok(Version {
                semver,
                text: text.to_owned(),
            }),
            Err(_) if is_range(number) => {
                Err("this is a range of versions, not one version".to_owned())
            }
            Err(_) => Err("a version has three numbers, like `v1.34.2`".to_owned()),
        }
    }

    /// Major and minor number.
    pub fn minor(&self) -> Minor {
        Minor {
            major: self.semver.major,
            minor: self.semver.minor,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Whether a version text is a range as Helm understands one: `1.2.x`, `~1.2`, `>=1`, `1.19.*`, `1 - 2`.
pub fn is_range(text: &str) -> bool {
    let marks = |letter: char| "*^~<>=|, ".contains(letter);
    text.is_empty()
        || text.contains(marks)
        || text
            .split(['.', '-', '+'])
            .any(|part| part == "x" || part == "X")
        || matches!(text, "latest" | "stable" | "main" | "master" | "HEAD")
}

/// A minor release, like `v1.11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minor {
    /// First number.
    pub major: u64,
    /// Second number.
    pub minor: u64,
}

impl Minor {
    /// `v1.11`; a patch number behind it is dropped, as Talos does with a contract.
    ///
    /// # Errors
    /// A phrase with an example.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "a minor version is like `v1.11`".to_owned();
        let number = text.strip_prefix('v').unwrap_or(text);
        let mut parts = number.splitn(3, '.');
        let mut next = || parts.next().and_then(|part| part.parse().ok());
        match (next(), next()) {
            (Some(major), Some(minor)) => Ok(Minor { major, minor }),
            _ => Err(wrong()),
        }
    }

    /// The minor behind it.
    #[must_use]
    pub fn next(self) -> Self {
        Minor {
            minor: self.minor.saturating_add(1),
            ..self
        }
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "v{}.{}", self.major, self.minor)
    }
}

/// Checks a DNS label (RFC 1123): what Kubernetes takes as the name of a Namespace or a Service.
///
/// # Errors
/// A phrase that names the rule.
pub fn check_label(text: &str) -> Result<(), String> {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 63 {
        return Err("a name has 1 to 63 characters".to_owned());
    }
    let ends = bytes.first() != Some(&b'-') && bytes.last() != Some(&b'-');
    if !bytes.iter().copied().all(inside) || !ends {
        return Err(
            "a name has lowercase letters, digits and `-`, and begins and ends with a letter or digit"
                .to_owned(),
        );
    }
    Ok(())
}

/// Checks a DNS name (RFC 1123 subdomain): labels with dots between them; `*` may be the first label.
///
/// # Errors
/// A phrase that names the rule.
pub fn check_host(text: &str) -> Result<(), String> {
    let rest = text.strip_prefix("*.").unwrap_or(text);
    if rest.len() > 253 {
        return Err("a host name has at most 253 characters".to_owned());
    }
    rest.split('.').try_for_each(|label| {
        check_label(label).map_err(|_| {
            "a host name has labels of lowercase letters, digits and `-`, with dots between them"
                .to_owned()
        })
    })
}

/// Checks a path from the root, as routes and mounts have it.
///
/// # Errors
/// Why it is none.
pub fn check_path(text: &str) -> Result<(), String> {
    let is_fine = |letter: char| !letter.is_whitespace() && !letter.is_control();
    let has_steps_up = text.split('/').any(|step| step == "..");
    if text.starts_with('/') && text.chars().all(is_fine) && !has_steps_up {
        return Ok(());
    }
    Err("a path begins with `/`, like `/data`, and has no space and no `..`".to_owned())
}

/// The machine and the folder of a share: `host:/path`; an IPv6 address stands in brackets.
///
/// # Errors
/// Why it is none.
pub fn parse_share(text: &str) -> Result<(&str, &str), String> {
    let rule = || "a share is `host:/path`, like `192.168.1.9:/media`".to_owned();
    let (host, _) = text.split_once(":/").ok_or_else(rule)?;
    let path = &text[host.len() + 1..];
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => check_host(host).is_ok() && !host.starts_with('*'),
    };
    let has_steps_up = path.split('/').any(|step| step == "..");
    if !is_host || has_steps_up || path.contains(char::is_control) {
        return Err(rule());
    }
    Ok((address.unwrap_or(host), path))
}

/// Checks a URL: a scheme, `://`, and a host; also Git's `user@host:path`.
///
/// # Errors
/// A phrase with an example.
pub fn check_url(text: &str) -> Result<(), String> {
    let wrong = || Err("a URL is like `https://host/path`".to_owned());
    if text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return wrong();
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        let scp = text
            .split_once(':')
            .is_some_and(|(host, path)| host.contains('@') && !path.is_empty());
        return if scp { Ok(()) } else { wrong() };
    };
    let named = scheme.starts_with(|letter: char| letter.is_ascii_lowercase())
        && scheme
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    if named && !rest.is_empty() && !rest.starts_with('/') {
        Ok(())
    } else {
        wrong()
    }
}

/// The bytes of a Kubernetes quantity, rounded up (`20Gi`, `500M`, `1.5Ti`, `250m`).
///
/// The grammar is that of Kubernetes' `resource.Quantity`.
///
/// # Errors
/// A phrase with an example.
pub fn parse_quantity(text: &str) -> Result<u128, String> {
    let wrong = || "a quantity is a number with a unit, like `20Gi` or `250m`".to_owned();
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || fraction.len() > 9 {
        return Err(wrong());
    }
    let scale: u128 = 10u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let value: u128 = format!("{whole}{fraction}").parse().map_err(|_| wrong())?;
    let (times, per): (u128, u128) = match unit {
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1_000),
        "" => (1, 1),
        "k" => (1_000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        _ => return Err(wrong()),
    };
    let product = value.checked_mul(times).ok_or_else(wrong)?;
    Ok(product.div_ceil(scale * per))
}

/// Checks a duration as Go writes it (`30s`, `1h30m`, `1.5h`), which is what Kubernetes, Flux and Talos read.
///
/// # Errors
/// A phrase with an example.
pub fn check_duration(text: &str) -> Result<(), String> {
    let wrong = || Err("a duration is like `30s` or `1h30m`".to_owned());
    let mut rest = text;
    if rest == "0" {
        return Ok(());
    }
    if rest.is_empty() {
        return wrong();
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .unwrap_or(rest.len());
        if digits == 0 || rest[..digits].parse::<f64>().is_err() {
            return wrong();
        }
        rest = &rest[digits..];
        let unit = ["ns", "us", "µs", "ms", "s", "m", "h"]
            .into_iter()
            .filter(|unit| rest.starts_with(unit))
            .max_by_key(|unit| unit.len());
        match unit {
            Some(unit) => rest = &rest[unit.len()..],
            None => return wrong(),
        }
    }
    Ok(())
}

/// A MAC address in lowercase with colons.
///
/// # Errors
/// A phrase with an example.
pub fn parse_mac(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    let pair = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if parts.len() == 6 && parts.iter().all(pair) {
        Ok(parts.join(":").to_ascii_lowercase())
    } else {
        Err("a MAC address is like `52:54:00:12:34:56`".to_owned())
    }
}

/// Checks a cron schedule: five fields, or a word like `@daily`.
///
/// # Errors
/// A phrase with an example.
pub fn check_cron(text: &str) -> Result<(), String> {
    const WORDS: [&str; 7] = [
        "@yearly",
        "@annually",
        "@monthly",
        "@weekly",
        "@daily",
        "@midnight",
        "@hourly",
    ];
    let field = |field: &str| {
        field
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "*/,-?#".contains(letter))
    };
    let fields: Vec<&str> = text.split_whitespace().collect();
    if WORDS.contains(&text) || (fields.len() == 5 && fields.iter().copied().all(field)) {
        Ok(())
    } else {
        Err("a schedule has five fields, like `0 3 * * *`".to_owned())
    }
}

/// A container image's reference in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// `ghcr.io`; empty where the text names none.
    pub registry: String,
    /// Everything before tag and digest, with the registry.
    pub repository: String,
    /// `10.11.3`; empty where there is none.
    pub tag: String,
    /// `sha256:...`; empty where there is none.
    pub digest: String,
}

impl fmt::Display for Image {
    /// The reference that it was parsed from.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.repository)?;
        if !self.tag.is_empty() {
            write!(formatter, ":{}", self.tag)?;
        }
        if !self.digest.is_empty() {
            write!(formatter, "@{}", self.digest)?;
        }
        Ok(())
    }
}

impl Image {
    /// The parts of `[registry/]path[:tag][@digest]`.
    ///
    /// # Errors
    /// A phrase with an example.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || Err("an image is like `ghcr.io/owner/name:1.2.3`".to_owned());
        let (rest, digest) = text.split_once('@').unwrap_or((text, ""));
        let name = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match rest[name..].split_once(':') {
            Some((_, tag)) => (&rest[..rest.len() - tag.len() - 1], tag),
            None => (rest, ""),
        };
        let fine = |letter: char| letter.is_ascii_alphanumeric() || "._-/:".contains(letter);
        if repository.is_empty()
            || repository.ends_with('/')
            || !repository.chars().all(fine)
            || !tag.chars().all(fine)
            || (rest.ends_with(':'))
            || (!digest.is_empty() && !digest.starts_with("sha256:"))
        {
            return wrong();
        }
        let first = repository.split('/').next().unwrap_or_default();
        let is_registry =
            repository.contains('/') && (first.contains(['.', ':']) || first == "localhost");
        Ok(Image {
            registry: if is_registry { first } else { "" }.to_owned(),
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            digest: digest.to_owned(),
        })
    }

    /// Whether the same text may mean another image tomorrow.
    pub fn moves(&self) -> bool {
        const MOVING: [&str; 10] = [
            "", "latest", "stable", "main", "master", "edge", "nightly", "dev", "develop",
            "rolling",
        ];
        self.digest.is_empty() && MOVING.contains(&self.tag.as_str())
    }
}
