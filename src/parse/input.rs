//! The types of inputs, as `module.toml` and a trait's fields declare them.

use std::collections::BTreeMap;
use std::fmt;

use super::domain::Image;
use super::table::{Table, invalid};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::template::{Template, from_node};
use crate::value::Node;

/// A typed value that a module or a trait asks for.
#[derive(Debug)]
pub struct Input {
    /// What it must be.
    pub kind: InputType,
    /// What it is for, as a person reads it.
    pub doc: String,
    /// Its value where nothing is given; may hold expressions.
    pub default: Option<Template>,
    /// The default as it is written.
    pub default_text: Option<Node>,
    /// Whether it may be missing without a default: it is none then.
    pub optional: bool,
    /// Where the releases are whose number it is, where the module says so.
    pub releases: Option<Releases>,
    /// Where it is declared.
    pub span: Option<Span>,
}

/// Where the releases are that a value of an input names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Releases {
    /// The tags of an image: `docker.io/itzg/mc-router`.
    Image(String),
    /// The releases of a repository on GitHub, `owner/name`: `https://github.com/fluxcd/flux2`.
    GitHub(String),
}

impl Releases {
    /// An image without a tag, or the address of a repository on GitHub.
    ///
    /// # Errors
    /// A phrase with both forms.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            "releases are those of an image, `ghcr.io/owner/name`, or `https://github.com/owner/name`".to_owned()
        };
        if let Some(repository) = text.strip_prefix("https://github.com/") {
            let is_repository = repository.split_once('/').is_some_and(|(owner, name)| {
                !owner.is_empty() && !name.is_empty() && !name.contains('/')
            });
            return match is_repository {
                true => Ok(Releases::GitHub(repository.to_owned())),
                false => Err(wrong()),
            };
        }
        match Image::parse(text) {
            Ok(image) if image.repository == text => Ok(Releases::Image(image.repository)),
            _ => Err(wrong()),
        }
    }
}

/// What an input must be.
#[derive(Debug)]
pub enum InputType {
    /// Any text.
    String,
    /// A whole number, perhaps with bounds, both included.
    Integer {
        /// The least value.
        min: Option<i64>,
        /// The greatest value.
        max: Option<i64>,
    },
    /// True or false.
    Boolean,
    /// One of these words.
    Enum(Vec<String>),
    /// A Kubernetes quantity.
    Quantity,
    /// A Go duration.
    Duration,
    /// A host name.
    Host,
    /// A URL.
    Url,
    /// A network.
    Cidr,
    /// One address, that nobody claims.
    Ip,
    /// A range of addresses.
    IpRange,
    /// A version.
    Version,
    /// A container image.
    Image,
    /// A schedule.
    Cron,
    /// An address of the load balancer's ranges, claimed in the address plan.
    Address,
    /// A port of the nodes, claimed among all node ports.
    NodePort,
    /// A secret of the lab that has these keys; with none, any secret: all its keys are used.
    Secret(Vec<String>),
    /// A service of the component, by its key in `[services]`.
    Service {
        /// Whether it is the one with metrics unless another is named.
        metrics: bool,
    },
    /// The value of an environment variable: a scalar, `{ secret, key }` or `{ field }`.
    Env,
    /// A path from the root: `/data`.
    Path,
    /// A folder that another machine shares: `host:/path`.
    Nfs,
    /// An entry of this trait: its shorthand, or a table of its fields.
    Entry(String),
    /// A list of one type.
    List(Box<InputType>),
    /// A map with values of one type.
    Map(Box<InputType>),
    /// A map with these keys.
    Object(BTreeMap<String, Input>),
    /// Any data.
    Yaml,
}

impl fmt::Display for InputType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputType::String => formatter.write_str("string"),
            InputType::Integer { .. } => formatter.write_str("integer"),
            InputType::Boolean => formatter.write_str("boolean"),
            InputType::Enum(words) => write!(formatter, "one of {}", words.join(", ")),
            InputType::Quantity => formatter.write_str("quantity"),
            InputType::Duration => formatter.write_str("duration"),
            InputType::Host => formatter.write_str("host"),
            InputType::Url => formatter.write_str("url"),
            InputType::Cidr => formatter.write_str("cidr"),
            InputType::Ip => formatter.write_str("ip"),
            InputType::IpRange => formatter.write_str("ip_range"),
            InputType::Version => formatter.write_str("version"),
            InputType::Image => formatter.write_str("image"),
            InputType::Cron => formatter.write_str("cron"),
            InputType::Address => formatter.write_str("address(load_balancer)"),
            InputType::NodePort => formatter.write_str("node_port"),
            InputType::Secret(keys) if keys.is_empty() => formatter.write_str("secret(*)"),
            InputType::Secret(keys) => write!(formatter, "secret({})", keys.join(", ")),
            InputType::Service { .. } => formatter.write_str("service"),
            InputType::Env => formatter.write_str("env"),
            InputType::Path => formatter.write_str("path"),
            InputType::Nfs => formatter.write_str("nfs"),
            InputType::Entry(of) => write!(formatter, "entry({of})"),
            InputType::List(item) => write!(formatter, "list of {item}"),
            InputType::Map(item) => write!(formatter, "map of {item}"),
            InputType::Object(fields) => {
                let names: Vec<&str> = fields.keys().map(String::as_str).collect();
                write!(formatter, "table of {}", names.join(", "))
            }
            InputType::Yaml => formatter.write_str("any data"),
        }
    }
}

/// Reads a table of inputs: `[inputs]`, `each`, or a trait's `[fields]`.
pub fn inputs(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> BTreeMap<String, Input> {
    let table = Table::new(node, path, diagnostics);
    let mut inputs = BTreeMap::new();
    for (name, span, node) in table.rest() {
        let path = table.path_of(name);
        if !is_snake_case(name) {
            let message = format!("`{name}` is no name for an input");
            diagnostics.push(
                Diagnostic::error(Code::INVALID_NAME, span, message)
                    .help("an input is named in lowercase with `_`: `load_balancer_class`"),
            );
        }
        if let Some(input) = input(node, &path, diagnostics) {
            inputs.insert(name.to_owned(), input);
        }
    }
    inputs
}

fn is_snake_case(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn input(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Input> {
    let mut table = Table::new(node, path, diagnostics);
    let span = table.span;
    let name: Option<String> = table.required("type", diagnostics);
    let doc = table.or_default("doc", diagnostics);
    let default_text: Option<Node> = table.optional("default", diagnostics);
    let optional = table.or_default("optional", diagnostics);
    let words: Option<Vec<String>> = table.optional("values", diagnostics);
    let min = table.optional("min", diagnostics);
    let max = table.optional("max", diagnostics);
    let fields = table
        .node("each")
        .or_else(|| table.node("fields"))
        .map(|node| inputs(node, &format!("{path}.each"), diagnostics));
    table.node("each");
    table.node("fields");
    let releases = releases(&mut table, path, diagnostics);
    let default = default_text
        .as_ref()
        .and_then(|node| from_node(node, diagnostics).ok());
    let at = table.node("type").unwrap_or(node);
    table.finish(diagnostics);
    let declared = Declared {
        words,
        min,
        max,
        fields,
    };
    match kind(&name?, declared) {
        Ok(kind) => Some(Input {
            kind,
            doc,
            default,
            default_text,
            optional,
            releases,
            span,
        }),
        Err(why) => {
            let text = at.as_str().unwrap_or_default();
            diagnostics.push(invalid(at, &format!("{path}.type"), text, why));
            None
        }
    }
}

fn releases(table: &mut Table<'_>, path: &str, diagnostics: &mut Diagnostics) -> Option<Releases> {
    let node: Node = table.optional("releases", diagnostics)?;
    let text = node.as_str().unwrap_or_default();
    match Releases::parse(text) {
        Ok(releases) => Some(releases),
        Err(why) => {
            diagnostics.push(invalid(&node, &format!("{path}.releases"), text, why));
            None
        }
    }
}

/// What stands beside `type`.
struct Declared {
    words: Option<Vec<String>>,
    min: Option<i64>,
    max: Option<i64>,
    fields: Option<BTreeMap<String, Input>>,
}

fn kind(name: &str, declared: Declared) -> Result<InputType, String> {
    let (name, argument) = match name.strip_suffix(')').and_then(|name| name.split_once('(')) {
        Some((name, argument)) => (name, Some(argument.trim())),
        None => (name, None),
    };
    let simple = |kind| match argument {
        None => Ok(kind),
        Some(_) => Err(format!("`{name}` takes nothing in parentheses")),
    };
    match name {
        "string" => simple(InputType::String),
        "integer" => simple(InputType::Integer {
            min: declared.min,
            max: declared.max,
        }),
        "boolean" => simple(InputType::Boolean),
        "enum" => match declared.words {
            Some(words) if !words.is_empty() => Ok(InputType::Enum(words)),
            _ => Err("`enum` needs `values = [...]` beside it".to_owned()),
        },
        "quantity" => simple(InputType::Quantity),
        "duration" => simple(InputType::Duration),
        "host" => simple(InputType::Host),
        "url" => simple(InputType::Url),
        "cidr" => simple(InputType::Cidr),
        "ip" => simple(InputType::Ip),
        "ip_range" => simple(InputType::IpRange),
        "version" => simple(InputType::Version),
        "image" => simple(InputType::Image),
        "cron" => simple(InputType::Cron),
        "node_port" => simple(InputType::NodePort),
        "service" => match argument {
            None => Ok(InputType::Service { metrics: false }),
            Some("metrics") => Ok(InputType::Service { metrics: true }),
            Some(_) => Err("a service is `service` or `service(metrics)`".to_owned()),
        },
        "env" => simple(InputType::Env),
        "path" => simple(InputType::Path),
        "nfs" => simple(InputType::Nfs),
        "entry" => match argument {
            Some(of) if !of.is_empty() => Ok(InputType::Entry(of.to_owned())),
            _ => Err("`entry` names the trait that it is an entry of: `entry(backup)`".to_owned()),
        },
        "yaml" => simple(InputType::Yaml),
        "address" => match argument {
            Some("load_balancer") => Ok(InputType::Address),
            _ => Err("the one kind of address is `address(load_balancer)`".to_owned()),
        },
        "secret" => {
            let keys = argument.unwrap_or_default().split(',').map(str::trim);
            let keys: Vec<String> = keys
                .filter(|key| !key.is_empty())
                .map(str::to_owned)
                .collect();
            if keys.is_empty() {
                return Err(
                    "`secret` names the keys that it must have: `secret(api-token)`, or `secret(*)` for any".to_owned(),
                );
            }
            let any = keys.len() == 1 && keys[0] == "*";
            Ok(InputType::Secret(if any { Vec::new() } else { keys }))
        }
        "object" => declared
            .fields
            .map(InputType::Object)
            .ok_or_else(|| "`object` needs `fields.NAME` beside it".to_owned()),
        "list" => item(argument, declared).map(|kind| InputType::List(Box::new(kind))),
        "map" => item(argument, declared).map(|kind| InputType::Map(Box::new(kind))),
        _ => Err(
            "the types are string integer boolean enum quantity duration host url cidr ip ip_range version image cron \
             address(load_balancer) node_port secret(KEY, ...) env path nfs entry(TRAIT) list(T) map map(T) object yaml"
                .to_owned(),
        ),
    }
}

/// The type of a list's or map's items: named in parentheses, by `each`, or any data.
fn item(argument: Option<&str>, declared: Declared) -> Result<InputType, String> {
    match (argument, declared.fields) {
        (Some(_), Some(_)) => Err("the items have a type or `each`, not both".to_owned()),
        (None, Some(fields)) => Ok(InputType::Object(fields)),
        (None, None) => Ok(InputType::Yaml),
        (Some(name), None) => kind(
            name,
            Declared {
                words: declared.words,
                min: declared.min,
                max: declared.max,
                fields: None,
            },
        ),
    }
}
