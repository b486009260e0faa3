//! Names that Kubernetes takes: of objects, labels, containers, ports and hosts. A name that is too long is refused only
//! when it is applied, or breaks what a controller makes of it.

use crate::diag::{Code, Diagnostics};
use crate::link::index::{Index, Place};
use crate::link::pod::Pod;
use crate::link::read;
use crate::link::reference::Reference;
use crate::parse::domain::{check_host, check_label};
use crate::render::kinds::is_builtin;
use crate::value::Node;

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for place in &index.places {
        let mut checker = Checker {
            index,
            place: *place,
            diagnostics,
        };
        checker.object();
        checker.labels();
        checker.ports_of_service();
        checker.hosts();
    }
    for pod in index.pods.iter() {
        let mut checker = Checker {
            index,
            place: pod.place,
            diagnostics,
        };
        checker.pod(pod);
    }
}

struct Checker<'c, 'a> {
    index: &'c Index<'a>,
    place: Place<'a>,
    diagnostics: &'c mut Diagnostics,
}

impl<'a> Checker<'_, 'a> {
    /// Reports a text for which `judge` has an objection; `what` is what is called so.
    fn one(&mut self, node: &'a Node, what: &str, judge: impl Fn(&str) -> Result<(), String>) {
        let Some(text) = node.as_str() else { return };
        if let Err(why) = judge(text) {
            self.report(node, &format!("{what} cannot be called `{text}`"), why);
        }
    }

    fn report(&mut self, node: &'a Node, message: &str, why: String) {
        let reference = Reference {
            from: self.place,
            node,
        };
        let diagnostic = self
            .index
            .error(Code::INVALID_NAME, reference, message.to_owned());
        self.diagnostics.push(diagnostic.note(why));
    }

    fn object(&mut self) {
        let id = &self.place.resource.id;
        let kind = id.kind.as_str();
        let Some(node) = read::one(self.place.node(), "metadata.name") else {
            return;
        };
        let what = format!("{} {kind}", article(kind));
        match (id.group.as_str(), kind) {
            ("", "Service" | "Namespace") => self.one(node, &what, check_label),
            ("rbac.authorization.k8s.io", _) => self.one(node, &what, segment),
            ("batch", "CronJob") => {
                self.one(node, &what, |name| {
                    at_most(name, 52, "its Jobs have longer names")
                });
            }
            ("batch", "Job") => {
                self.one(node, &what, |name| {
                    at_most(name, 63, "it becomes a label of its pods")
                });
            }
            ("apps", "StatefulSet") => {
                let why = "a label of its pods is eleven characters longer";
                self.one(node, &what, |name| at_most(name, 52, why));
            }
            (group, _) if is_builtin(group) => self.one(node, &what, subdomain),
            // What else a custom resource allows is its own definition's business.
            _ => self.one(node, &what, |name| {
                at_most(name, 253, "no name may be longer")
            }),
        }
    }

    fn labels(&mut self) {
        let paths = [
            "metadata.labels",
            "spec.selector.matchLabels",
            "spec.template.metadata.labels",
            "spec.jobTemplate.spec.template.metadata.labels",
        ];
        for path in paths {
            for (key, entry) in read::map(self.place.node(), path).into_iter().flatten() {
                if let Err(why) = label_key(key) {
                    self.report(
                        &entry.node,
                        &format!("a label cannot be called `{key}`"),
                        why,
                    );
                }
                if let Some(Err(why)) = entry.node.as_str().map(label_value) {
                    let text = entry.node.as_str().unwrap_or_default();
                    let message = format!("label `{key}` cannot be `{text}`");
                    self.report(&entry.node, &message, why);
                }
            }
        }
    }

    fn ports_of_service(&mut self) {
        let id = &self.place.resource.id;
        if id.group.is_empty() && id.kind == "Service" {
            for node in read::every(self.place.node(), "spec.ports.*.name") {
                self.one(node, "a port of a Service", check_label);
            }
        }
    }

    fn hosts(&mut self) {
        let path = match self.place.resource.id.kind.as_str() {
            "Ingress" => "spec.rules.*.host",
            "GRPCRoute" | "HTTPRoute" | "TLSRoute" => "spec.hostnames.*",
            _ => return,
        };
        for node in read::every(self.place.node(), path) {
            self.one(node, "a host", check_host);
        }
    }

    fn pod(&mut self, pod: &Pod<'a>) {
        for container in pod.containers() {
            if let Some(node) = container.get("name") {
                self.one(node, "a container", check_label);
            }
            for node in read::every(container, "ports.*.name") {
                self.one(node, "a container's port", port_name);
            }
        }
        for node in read::every(pod.spec, "volumes.*.name") {
            self.one(node, "a volume", check_label);
        }
    }
}

fn article(kind: &str) -> &'static str {
    if kind.starts_with(['A', 'E', 'I', 'O']) {
        "an"
    } else {
        "a"
    }
}

fn at_most(name: &str, limit: usize, why: &str) -> Result<(), String> {
    subdomain(name)?;
    if name.len() > limit {
        return Err(format!(
            "it has {} characters, and {limit} are allowed: {why}",
            name.len()
        ));
    }
    Ok(())
}

/// A DNS subdomain (RFC 1123), as most objects are named.
fn subdomain(name: &str) -> Result<(), String> {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(inside)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if name.len() > 253 {
        return Err(format!(
            "it has {} characters, and 253 are allowed",
            name.len()
        ));
    }
    if !name.split('.').all(is_part) {
        return Err("a name has lowercase letters, digits, `-` and `.`, and begins and ends with a letter or digit".to_owned());
    }
    Ok(())
}

/// A part of a path, as roles are named.
fn segment(name: &str) -> Result<(), String> {
    if name == "." || name == ".." || name.contains(['/', '%']) {
        return Err(
            "it becomes a part of a path: it is neither `.` nor `..`, and has no `/` and no `%`"
                .to_owned(),
        );
    }
    Ok(())
}

/// The name of a container's port (RFC 6335).
fn port_name(name: &str) -> Result<(), String> {
    if name.len() > 15 {
        return Err(format!(
            "it has {} characters, and 15 are allowed",
            name.len()
        ));
    }
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let has_letter = name.bytes().any(|byte| byte.is_ascii_lowercase());
    let dashes = name.starts_with('-') || name.ends_with('-') || name.contains("--");
    if !name.bytes().all(inside) || !has_letter || dashes {
        return Err(
            "it has lowercase letters, digits and single `-` inside, and at least one letter"
                .to_owned(),
        );
    }
    Ok(())
}

/// The name of a label: perhaps a DNS name and `/`, then a short word.
fn label_key(key: &str) -> Result<(), String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if let Some(prefix) = prefix {
        subdomain(prefix)?;
    }
    if name.is_empty() {
        return Err("it has a name behind the `/`".to_owned());
    }
    label_value(name)
}

fn label_value(value: &str) -> Result<(), String> {
    if value.len() > 63 {
        return Err(format!(
            "it has {} characters, and 63 are allowed",
            value.len()
        ));
    }
    let inside = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let ends = |letter: Option<char>| letter.is_none_or(|letter| letter.is_ascii_alphanumeric());
    if !value.chars().all(inside) || !ends(value.chars().next()) || !ends(value.chars().next_back())
    {
        return Err(
            "it has letters, digits, `-`, `_` and `.`, and begins and ends with a letter or digit"
                .to_owned(),
        );
    }
    Ok(())
}
