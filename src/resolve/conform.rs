//! Checks a value against the type of its input, and makes of it what expressions see.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::cell::Cell;
use super::claim::{AddressClaim, ImageClaim, PortClaim, SecretClaim};
use super::resolver::Resolver;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::{self, Image, IpRange, Version};
use crate::parse::input::{Input, InputType};
use crate::parse::table::{invalid, list, unknown_key, wrong_type};
use crate::source::{Origin, Span};
use crate::template::{Scope, TEXT, Unavailable};
use crate::value::{Entry, Map, Node, Value};

/// For whom a value is checked.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub resolver: &'a Arc<Resolver>,
    pub component: &'a str,
    pub scope: &'a Scope,
}

type Conformed = Result<Node, Unavailable>;

/// The value as its type has it; a wrong one is reported, and messages call it `path`.
pub(super) fn conform(
    context: &Context<'_>,
    node: Node,
    kind: &InputType,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Conformed {
    match kind {
        InputType::Yaml => Ok(node),
        InputType::Boolean => match node.value {
            Value::Bool(_) => Ok(node),
            _ => refuse(wrong_type(&node, path, "`true` or `false`"), diagnostics),
        },
        InputType::Integer { min, max } => integer(node, *min, *max, path, diagnostics),
        InputType::List(item) => {
            let Value::List(items) = node.value else {
                return refuse(wrong_type(&node, path, "a list"), diagnostics);
            };
            let check = |(index, node)| {
                conform(
                    context,
                    node,
                    item,
                    &format!("{path}[{index}]"),
                    diagnostics,
                )
            };
            let items: Vec<Conformed> = items.into_iter().enumerate().map(check).collect();
            let items: Result<Vec<Node>, Unavailable> = items.into_iter().collect();
            Ok(Node::new(items?, node.origin))
        }
        InputType::Map(item) => {
            let Value::Map(map) = node.value else {
                return refuse(wrong_type(&node, path, "a table"), diagnostics);
            };
            let mut checked = Map::new();
            let mut failed = false;
            for (key, entry) in map {
                let path = format!("{path}.{key}");
                match conform(context, entry.node, item, &path, diagnostics) {
                    Ok(node) => {
                        let entry = Entry {
                            key: entry.key,
                            node,
                        };
                        checked.insert(key, entry);
                    }
                    Err(Unavailable) => failed = true,
                }
            }
            if failed {
                return Err(Unavailable);
            }
            Ok(Node::new(checked, node.origin))
        }
        InputType::Object(fields) => object(context, node, fields, path, diagnostics),
        InputType::Env => env(context, node, path, diagnostics),
        InputType::Entry(of) => match node.value {
            Value::Map(_) => Ok(node),
            Value::List(_) => {
                let expected = format!("an entry of `{of}`: its short form, or a table");
                refuse(wrong_type(&node, path, &expected), diagnostics)
            }
            _ => Ok(node),
        },
        InputType::Secret(keys) => secret(context, node, keys, path, diagnostics),
        InputType::NodePort => node_port(context, node, path, diagnostics),
        InputType::Quantity => {
            // A number without a unit is a quantity, too: `cpu = 2`.
            if let Value::Int(number) = node.value {
                return Ok(Node::new(number.to_string(), node.origin));
            }
            text(context, node, kind, path, diagnostics)
        }
        _ => text(context, node, kind, path, diagnostics),
    }
}

/// A value of a type that is the same for every component; none for another type, or a value that does not fit.
pub(super) fn plain(node: &Node, kind: &InputType) -> Option<Node> {
    let fits = match (kind, &node.value) {
        (InputType::Yaml, _)
        | (InputType::Boolean, Value::Bool(_))
        | (InputType::String, Value::Str(_)) => true,
        (InputType::Integer { min, max }, Value::Int(number)) => {
            min.is_none_or(|min| *number >= min) && max.is_none_or(|max| *number <= max)
        }
        (InputType::Enum(words), Value::Str(text)) => words.iter().any(|word| word == text),
        (InputType::List(_), Value::List(items)) => items.is_empty(),
        (InputType::Map(_), Value::Map(map)) => map.is_empty(),
        _ => false,
    };
    (fits && node.value != Value::Null).then(|| node.clone())
}

fn refuse(diagnostic: Diagnostic, diagnostics: &mut Diagnostics) -> Conformed {
    diagnostics.push(diagnostic);
    Err(Unavailable)
}

fn integer(
    node: Node,
    min: Option<i64>,
    max: Option<i64>,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Conformed {
    let Value::Int(number) = node.value else {
        return refuse(wrong_type(&node, path, "an integer"), diagnostics);
    };
    let below = min.is_some_and(|min| number < min);
    let above = max.is_some_and(|max| number > max);
    if !below && !above {
        return Ok(node);
    }
    let bounds = match (min, max) {
        (Some(min), Some(max)) => format!("it is a number from {min} to {max}"),
        (Some(min), None) => format!("it is at least {min}"),
        (None, Some(max)) => format!("it is at most {max}"),
        (None, None) => String::new(),
    };
    refuse(
        invalid(&node, path, &number.to_string(), bounds),
        diagnostics,
    )
}

/// A type whose value is one string.
fn text(
    context: &Context<'_>,
    node: Node,
    kind: &InputType,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Conformed {
    let Value::Str(text) = &node.value else {
        return refuse(wrong_type(&node, path, "a string"), diagnostics);
    };
    let text = text.clone();
    let checked = match kind {
        InputType::Enum(words) => {
            if words.iter().any(|word| *word == text) {
                Ok(())
            } else {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                Err(format!("it is one of {}", list(&words)))
            }
        }
        InputType::Quantity => domain::parse_quantity(&text).map(drop),
        InputType::Duration => domain::check_duration(&text),
        InputType::Host => domain::check_host(&text),
        InputType::Url => domain::check_url(&text),
        InputType::Cidr => domain::parse_network(&text).map(drop),
        InputType::Ip => domain::parse_address(&text).map(drop),
        InputType::IpRange => IpRange::parse(&text).map(drop),
        InputType::Version => Version::parse(&text).map(drop),
        InputType::Cron => domain::check_cron(&text),
        InputType::Path => domain::check_path(&text),
        InputType::Image => return image(context, node, &text, path, diagnostics),
        InputType::Nfs => return share(node, &text, path, diagnostics),
        InputType::Address => return address(context, node, &text, path, diagnostics),
        InputType::Service { .. } => return service(context, node, &text, path, diagnostics),
        _ => Ok(()),
    };
    match checked {
        Ok(()) => Ok(node),
        Err(why) => refuse(invalid(&node, path, &text, why), diagnostics),
    }
}

/// A map that prints as `text`.
fn printing(text: &str, origin: &Origin, parts: Vec<(&str, Node)>) -> Node {
    let mut node = Node::new(Value::map(), origin.clone());
    node.insert(TEXT, Node::new(text, origin.clone()));
    for (key, part) in parts {
        node.insert(key, part);
    }
    node
}

fn image(
    context: &Context<'_>,
    node: Node,
    text: &str,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Conformed {
    let image = match Image::parse(text) {
        Ok(image) => image,
        Err(why) => return refuse(invalid(&node, path, text, why), diagnostics),
    };
    if image.moves() {
        let message = if image.tag.is_empty() {
            format!("the image `{text}` has no tag")
        } else {
            format!("the tag `{}` of `{}` moves", image.tag, image.repository)
        };
        diagnostics.push(
            Diagnostic::error(Code::MOVING_TAG, node.origin.first(), message)
                .note("the same text would mean another image tomorrow")
                .help("name a released version, or pin it by digest: `...@sha256:...`"),
        );
        return Err(Unavailable);
    }
    let origin = node.origin.clone();
    let part = |text: &str| {
        let value = if text.is_empty() {
            Value::Null
        } else {
            Value::from(text)
        };
        Node::new(value, origin.clone())
    };
    let parts = vec![
        ("registry", part(&image.registry)),
        ("repository", part(&image.repository)),
        ("tag", part(&image.tag)),
        ("digest", part(&image.digest)),
    ];
    context
        .resolver
        .claim(|claims| claims.images.push(ImageClaim { image, origin }));
    Ok(printing(text, &node.origin, parts))
}

/// A share as its parts, `server` and `path`.
fn share(node: Node, text: &str, path: &str, diagnostics: &mut Diagnostics) -> Conformed {
    match domain::parse_share(text) {
        Ok((server, folder)) => {
            let part = |text: &str| Node::new(text, node.origin.clone());
            let parts = vec![("server", part(server)), ("path", part(folder))];
            Ok(printing(text, &node.origin, parts))
        }
        Err(why) => refuse(invalid(&node, path, text, why), diagnostics),
    }
}

/// Claims an address, and asks the load balancer how a Service says it.
fn address(
    context: &Context<'_>,
    node: Node,
    text: &str,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Conformed {
    let parsed: Option<IpAddr> = match domain::parse_address(text) {
        Ok(parsed) => Some(parsed),
        Err(_) if text == ANY => None,
        Err(why) => {
            let why = format!("{why}, or `{ANY}` one of the pool");
            return refuse(invalid(&node, path, text, why), diagnostics);
        }
    };
    if let Some(span) = node.origin.first() {
        let claim = AddressClaim {
            address: parsed,
            input: path.to_owned(),
            span,
            source: node.origin.source_of(span),
        };
        context
            .resolver
            .claim(|claims| claims.addresses.push(claim));
    }
    let Some(parsed) = parsed else {
        return Ok(any_address(&node.origin));
    };
    let family = if parsed.is_ipv4() { 4i64 } else { 6 };
    let mut parts = vec![
        ("address", node.clone()),
        ("family", Node::new(family, node.origin.clone())),
    ];
    for name in ["annotations", "fields"] {
        parts.push((name, balancer_words(context, &node, name, diagnostics)?));
    }
    Ok(printing(text, &node.origin, parts))
}

/// The word for an address that the load balancer chooses.
const ANY: &str = "any";

/// An address that nobody knows before the load balancer chooses it: a Service says nothing.
fn any_address(origin: &Origin) -> Node {
    let mut node = Node::new(Value::map(), origin.clone());
    for key in ["address", "family"] {
        node.insert(key, Node::new(Value::Null, origin.clone()));
    }
    for key in ["annotations", "fields"] {
        node.insert(key, Node::new(Value::map(), origin.clone()));
    }
    node
}

/// One output of the load balancer's answer to a request for this address; an empty map where nobody answers.
fn balancer_words(
    context: &Context<'_>,
    address: &Node,
    output: &str,
    diagnostics: &mut Diagnostics,
) -> Conformed {
    const CAPABILITY: &str = "load-balancer";
    let resolver = context.resolver;
    let empty = Node::new(Value::map(), address.origin.clone());
    let provider = resolver.get(Cell::Provider(CAPABILITY.into()))?;
    let Some(name) = provider.as_str() else {
        return Ok(empty);
    };
    let module = &resolver.components[name].module;
    let answer = module.capability_answers.get(CAPABILITY);
    let Some(template) = answer.and_then(|answer| answer.outputs.get(output)) else {
        return Ok(empty);
    };
    let mut scope = resolver.answer_scope(name, context.component);
    let mut request = Node::new(Value::map(), address.origin.clone());
    request.insert("address", address.clone());
    scope.bind("request", Arc::new(request));
    resolver.value(template, &scope, diagnostics)
}

fn service(
    context: &Context<'_>,
    node: Node,
    text: &str,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Conformed {
    let services = context
        .resolver
        .get(Cell::Services(context.component.into()))?;
    if let Some(found) = services.get(text) {
        let mut found = found.clone();
        found.add_origin(&node.origin);
        return Ok(found);
    }
    let known: Vec<&str> = services
        .as_map()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    let message = format!(
        "`{path}` names a Service that `{}` has not",
        context.component
    );
    diagnostics.push(
        Diagnostic::error(Code::UNKNOWN_SERVICE, node.origin.first(), message)
            .here(format!("`{text}`"))
            .help(format!("its Services are {}", list(&known))),
    );
    Err(Unavailable)
}

fn node_port(
    context: &Context<'_>,
    node: Node,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Conformed {
    let port = match node.value {
        Value::Int(number) => u16::try_from(number).ok(),
        _ => return refuse(wrong_type(&node, path, "a port number"), diagnostics),
    };
    let Some(port) = port else {
        let why = "a port is a number from 1 to 65535".to_owned();
        return refuse(invalid(&node, path, "", why), diagnostics);
    };
    if let Some(span) = node.origin.first() {
        let claim = PortClaim {
            port,
            component: context.component.to_owned(),
            span,
        };
        context
            .resolver
            .claim(|claims| claims.node_ports.push(claim));
    }
    Ok(node)
}

/// A secret of the lab: its name alone, or `{ secret, key }` where the lab's key has another name.
fn secret(
    context: &Context<'_>,
    node: Node,
    keys: &[String],
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Conformed {
    let (name, own_key) = match &node.value {
        Value::Str(name) => (name.to_string(), None),
        Value::Map(_) => {
            let part = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
            match part("secret") {
                Some(name) => (name, part("key")),
                None => {
                    let wrong = wrong_type(&node, path, "a secret's name, or `{ secret, key }`");
                    return refuse(wrong, diagnostics);
                }
            }
        }
        _ => return refuse(wrong_type(&node, path, "the name of a secret"), diagnostics),
    };
    let wanted: BTreeMap<String, String> = match (keys, own_key) {
        ([only], Some(own)) => BTreeMap::from([(only.clone(), own)]),
        _ => keys.iter().map(|key| (key.clone(), key.clone())).collect(),
    };
    let place = node.origin.first();
    let real = use_secret(
        context,
        &name,
        &wanted.values().cloned().collect::<Vec<String>>(),
        place,
        diagnostics,
    )?;
    let mut map = Node::new(Value::map(), node.origin.clone());
    for (key, own) in &wanted {
        map.insert(key.as_str(), Node::new(own.as_str(), node.origin.clone()));
    }
    let mut parts = vec![
        ("name", Node::new(real.as_str(), node.origin.clone())),
        ("keys", map),
    ];
    if let [only] = keys {
        parts.push(("key", Node::new(wanted[only].as_str(), node.origin.clone())));
    }
    Ok(printing(&real, &node.origin, parts))
}

/// Notes that a component uses keys of a secret, and returns the Secret's name in the cluster.
fn use_secret(
    context: &Context<'_>,
    name: &str,
    keys: &[String],
    place: Option<Span>,
    diagnostics: &mut Diagnostics,
) -> Result<String, Unavailable> {
    let secret = context.resolver.secret(name, place, keys, diagnostics)?;
    let missing: Vec<&String> = keys
        .iter()
        .filter(|key| !secret.keys.contains_key(*key))
        .collect();
    for key in &missing {
        let message = format!("secret `{name}` has no key `{key}`");
        let known: Vec<&str> = secret.keys.keys().map(String::as_str).collect();
        diagnostics.push(
            Diagnostic::error(Code::UNDECLARED_SECRET_KEY, place, message)
                .label(secret.span, "declared here")
                .help(format!(
                    "its keys are {}; add this one, or name another",
                    list(&known)
                )),
        );
    }
    if !missing.is_empty() {
        return Err(Unavailable);
    }
    if let Some(span) = place {
        let claim = SecretClaim {
            secret: name.to_owned(),
            component: context.component.to_owned(),
            span,
        };
        context.resolver.claim(|claims| claims.secrets.push(claim));
    }
    let fixed = secret.name.as_ref().map(|name| name.value.clone());
    Ok(fixed.unwrap_or_else(|| name.to_owned()))
}

/// The value of an environment variable: a scalar becomes text; `{ secret, key }` names a secret of the lab.
fn env(context: &Context<'_>, node: Node, path: &str, diagnostics: &mut Diagnostics) -> Conformed {
    if let Some(text) = crate::template::convert::text(&node) {
        return Ok(Node::new(text, node.origin));
    }
    let Value::Map(map) = &node.value else {
        let wrong = wrong_type(&node, path, "a scalar, `{ secret, key }` or `{ field }`");
        return refuse(wrong, diagnostics);
    };
    for (key, entry) in map {
        if !["secret", "key", "field"].contains(&key.as_str()) {
            let path = format!("{path}.{key}");
            return refuse(
                unknown_key(&path, key, entry.key, &["secret", "key", "field"]),
                diagnostics,
            );
        }
    }
    if node.get("field").is_some() {
        return Ok(node);
    }
    let part = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let (Some(name), Some(key)) = (part("secret"), part("key")) else {
        let wrong = wrong_type(&node, path, "a scalar, `{ secret, key }` or `{ field }`");
        return refuse(wrong, diagnostics);
    };
    let place = node.origin.first();
    let real = use_secret(context, &name, &[key], place, diagnostics)?;
    let mut node = node;
    let origin = node
        .get("secret")
        .map_or_else(Origin::none, |name| name.origin.clone());
    node.insert("secret", Node::new(real, origin));
    Ok(node)
}

/// A table with these fields: unknown keys are refused, missing ones take their default. A default that is an
/// expression sees the other fields as `request`.
pub(super) fn object(
    context: &Context<'_>,
    node: Node,
    fields: &BTreeMap<String, Input>,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Conformed {
    let Value::Map(mut given) = node.value else {
        return refuse(wrong_type(&node, path, "a table"), diagnostics);
    };
    let mut checked = Node::new(Value::map(), node.origin.clone());
    let mut failed = false;
    let computed =
        |name: &str, field: &Input, given: &Map| !given.contains_key(name) && !is_constant(field);
    let (later, first): (Vec<_>, Vec<_>) = fields
        .iter()
        .partition(|(name, field)| computed(name, field, &given));
    for (name, field) in first.into_iter().chain(later) {
        let path = format!("{path}.{name}");
        let value = given.remove(name.as_str()).map(|entry| entry.node);
        let looks = value.is_none() && !is_constant(field);
        let field = |scope: &Scope, diagnostics: &mut Diagnostics| {
            let context = Context { scope, ..*context };
            self::field(&context, value, field, &path, &node.origin, diagnostics)
        };
        let found = if looks {
            let mut scope = context.scope.fork();
            scope.bind("request", Arc::new(checked.clone()));
            field(&scope, diagnostics)
        } else {
            field(context.scope, diagnostics)
        };
        match found {
            Ok(node) => {
                checked.insert(name.as_str(), node);
            }
            Err(Unavailable) => failed = true,
        }
    }
    let known: Vec<&str> = fields.keys().map(String::as_str).collect();
    for (key, entry) in &given {
        let path = format!("{path}.{key}");
        let span = entry.key.or_else(|| entry.node.origin.first());
        diagnostics.push(unknown_key(&path, key, span, &known));
        failed = true;
    }
    if failed {
        Err(Unavailable)
    } else {
        Ok(checked)
    }
}

/// Whether the field's default, if it has one, holds no expression.
fn is_constant(field: &Input) -> bool {
    let default = field.default.as_ref();
    default.is_none_or(|default| default.as_data().is_some())
}

fn field(
    context: &Context<'_>,
    value: Option<Node>,
    field: &Input,
    path: &str,
    parent: &Origin,
    diagnostics: &mut Diagnostics,
) -> Conformed {
    let missing = Node::new(Value::Null, Origin::from_spans(parent.first()));
    let node = match (value, &field.default) {
        (Some(node), _) => node,
        (None, Some(default)) => context
            .resolver
            .value(default, context.scope, diagnostics)?,
        (None, None) => missing,
    };
    if node.value != Value::Null {
        return conform(context, node, &field.kind, path, diagnostics);
    }
    if let InputType::Service { metrics } = field.kind {
        return super::service::default(context, metrics, path, parent.first(), diagnostics);
    }
    if field.optional {
        return Ok(node);
    }
    let name = path.rsplit('.').next().unwrap_or(path);
    diagnostics.push(
        Diagnostic::error(
            Code::MISSING_INPUT,
            parent.first(),
            format!("`{path}` is missing"),
        )
        .note(field.doc.clone())
        .help(format!("add `{name} = ...` ({})", field.kind)),
    );
    Err(Unavailable)
}
