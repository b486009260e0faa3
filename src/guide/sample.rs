//! An example of a value for each type of input, as TOML.

use crate::parse::input::{Input, InputType};

/// A value that fits the type; a person replaces it.
pub fn sample(kind: &InputType) -> String {
    match kind {
        InputType::String => "\"...\"".to_owned(),
        InputType::Integer { min, max } => {
            let number = min.unwrap_or(1);
            max.map_or(number, |max| number.min(max)).to_string()
        }
        InputType::Boolean => "true".to_owned(),
        InputType::Enum(words) => format!("{:?}", words.first().map_or("", String::as_str)),
        InputType::Quantity => "\"10Gi\"".to_owned(),
        InputType::Duration => "\"5m\"".to_owned(),
        InputType::Host => "\"name.example.org\"".to_owned(),
        InputType::Url => "\"https://name.example.org\"".to_owned(),
        InputType::Cidr => "\"192.168.1.0/24\"".to_owned(),
        InputType::Ip | InputType::Address => "\"192.168.1.60\"".to_owned(),
        InputType::IpRange => "\"192.168.1.60-192.168.1.69\"".to_owned(),
        InputType::Version => "\"v1.0.0\"".to_owned(),
        InputType::Image => "\"ghcr.io/owner/name:1.0.0\"".to_owned(),
        InputType::Cron => "\"0 3 * * *\"".to_owned(),
        InputType::NodePort => "30080".to_owned(),
        InputType::Secret(_) => "\"name\"".to_owned(),
        InputType::Service { .. } => "\"main\"".to_owned(),
        InputType::Env => "\"value\"".to_owned(),
        InputType::Path => "\"/data\"".to_owned(),
        InputType::Nfs => "\"192.168.1.9:/folder\"".to_owned(),
        InputType::Entry(_) => "true".to_owned(),
        InputType::List(item) => format!("[{}]", sample(item)),
        InputType::Map(item) => format!("{{ name = {} }}", sample(item)),
        InputType::Object(fields) => {
            let required = fields.iter().filter(|(_, field)| is_required(field));
            let pairs: Vec<String> = required
                .map(|(name, field)| format!("{name} = {}", sample(&field.kind)))
                .collect();
            match pairs.is_empty() {
                true => "{}".to_owned(),
                false => format!("{{ {} }}", pairs.join(", ")),
            }
        }
        InputType::Yaml => "{}".to_owned(),
    }
}

/// Whether a value must be given.
pub fn is_required(input: &Input) -> bool {
    let derived = matches!(input.kind, InputType::Service { .. });
    input.default.is_none() && !input.optional && !derived
}

/// A type in words, with its bounds.
pub fn words(kind: &InputType) -> String {
    match kind {
        InputType::Integer { min, max } => match (min, max) {
            (Some(min), Some(max)) => format!("integer from {min} to {max}"),
            (Some(min), None) => format!("integer, at least {min}"),
            (None, Some(max)) => format!("integer, at most {max}"),
            (None, None) => "integer".to_owned(),
        },
        InputType::Enum(words) => {
            let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            quoted.join(" or ")
        }
        InputType::Address => "address of the load balancer".to_owned(),
        InputType::NodePort => "port of the nodes".to_owned(),
        InputType::Secret(keys) if keys.is_empty() => "secret of the lab".to_owned(),
        InputType::Secret(keys) => {
            let noun = if keys.len() == 1 { "key" } else { "keys" };
            format!("secret of the lab with the {noun} `{}`", keys.join("`, `"))
        }
        InputType::Service { .. } => "one of the component's services".to_owned(),
        InputType::Env => "text, or `{ secret, key }`".to_owned(),
        InputType::Path => "path from the root".to_owned(),
        InputType::Nfs => "`host:/path` of a share".to_owned(),
        InputType::Entry(of) => format!("`true`, or the fields of `{of}`"),
        InputType::Object(_) => "table".to_owned(),
        InputType::List(item) => format!("list of {}", plural(item)),
        InputType::Map(item) => format!("table of {} by name", plural(item)),
        InputType::IpRange => "range of addresses".to_owned(),
        InputType::Cidr => "network".to_owned(),
        InputType::Ip => "address".to_owned(),
        InputType::Cron => "schedule".to_owned(),
        InputType::Url => "URL".to_owned(),
        other => other.to_string(),
    }
}

fn plural(kind: &InputType) -> String {
    match kind {
        InputType::String => "strings".to_owned(),
        InputType::Integer { .. } => "integers".to_owned(),
        InputType::Object(_) => "tables".to_owned(),
        InputType::Host => "hosts".to_owned(),
        InputType::Cidr => "networks".to_owned(),
        InputType::Ip => "addresses".to_owned(),
        InputType::IpRange => "ranges".to_owned(),
        InputType::Url => "URLs".to_owned(),
        InputType::Quantity => "quantities".to_owned(),
        other => words(other),
    }
}
