//! What monitoring scrapes: a selector picks some Service or pod, and each endpoint's port is one of it.

use crate::diag::{Code, Diagnostics, did_you_mean};
use crate::link::index::{Index, Place};
use crate::link::label::{Reach, Selector};
use crate::link::pod::Pod;
use crate::link::read;
use crate::link::reference::{Reference, Unseen, some, why};
use crate::link::service::{self, WantedPort};
use crate::value::Node;

/// Kinds that pick Services, and those that pick pods, with the list of their endpoints.
const SERVICES: [(&str, &str); 2] = [
    ("monitoring.coreos.com", "ServiceMonitor"),
    ("operator.victoriametrics.com", "VMServiceScrape"),
];
const PODS: [(&str, &str); 2] = [
    ("monitoring.coreos.com", "PodMonitor"),
    ("operator.victoriametrics.com", "VMPodScrape"),
];

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for (group, kind) in SERVICES {
        for place in index.of_kind(group, kind) {
            scrape(index, place, Target::Service, diagnostics);
        }
    }
    for (group, kind) in PODS {
        for place in index.of_kind(group, kind) {
            scrape(index, place, Target::Pod, diagnostics);
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Target {
    Service,
    Pod,
}

impl Target {
    fn word(self) -> &'static str {
        match self {
            Target::Service => "Service",
            Target::Pod => "pod",
        }
    }
}

fn scrape<'a>(index: &Index<'a>, from: Place<'a>, target: Target, diagnostics: &mut Diagnostics) {
    let Some(spec) = from.node().get("spec") else {
        return;
    };
    let Some(reach) = reach(index, from, spec, diagnostics) else {
        return;
    };
    let node = spec.get("selector").unwrap_or(spec);
    let selector = Selector::full(node);
    let reference = Reference { from, node };
    let endpoints = match target {
        Target::Service => "endpoints.*.port",
        Target::Pod => "podMetricsEndpoints.*.port",
    };
    let ports = read::every(spec, endpoints);
    let has_any = match target {
        Target::Service => index
            .services
            .shelf
            .pick(&reach, &selector)
            .next()
            .is_some(),
        Target::Pod => index.pods.pick(&reach, &selector).next().is_some(),
    };
    if !has_any {
        nothing(index, reference, target, &reach, &selector, diagnostics);
        return;
    }
    for node in ports {
        if let Some(names) = lacking(index, target, &reach, &selector, node) {
            let reference = Reference { from, node };
            unknown_port(index, reference, target, names, diagnostics);
        }
    }
}

/// The names of the ports that there are, where a wanted one is not among them.
fn lacking<'a>(
    index: &Index<'a>,
    target: Target,
    reach: &Reach<'_>,
    selector: &Selector<'_>,
    port: &Node,
) -> Option<Vec<&'a str>> {
    let wanted = WantedPort::of(port)?;
    match target {
        Target::Service => {
            let picked = || {
                let picked = index.services.shelf.pick(reach, selector);
                picked.filter_map(|(namespace, name)| index.services.get(namespace, name))
            };
            // One that is declared without the name of its port may have it.
            let may_have = picked().any(|service| service.has(wanted) != Some(false));
            let names = || picked().flat_map(|service| &service.ports);
            (!may_have).then(|| names().filter_map(|port| port.name).collect())
        }
        Target::Pod => {
            let picked = || index.pods.pick(reach, selector);
            let has = picked().any(|pod| port.as_str().is_some_and(|name| pod.has_port(name)));
            (!has).then(|| picked().flat_map(Pod::port_names).collect())
        }
    }
}

/// The namespaces that are looked into; none where one of them is not there.
fn reach<'a>(
    index: &Index<'a>,
    from: Place<'a>,
    spec: &'a Node,
    diagnostics: &mut Diagnostics,
) -> Option<Reach<'a>> {
    let own = spec.get("namespaceSelector");
    if own.is_some_and(|own| read::is_true(own, "any")) {
        return Some(Reach::Anywhere);
    }
    let mut namespaces = Vec::new();
    for node in read::every(spec, "namespaceSelector.matchNames.*") {
        let name = node.as_str()?;
        let reference = Reference { from, node };
        if !index.namespace_is_there(reference, Some(name), diagnostics) {
            return None;
        }
        namespaces.push(name);
    }
    if namespaces.is_empty() {
        namespaces.push(from.namespace());
    }
    Some(Reach::In(namespaces))
}

/// Says that a selector picks nothing, or what cannot be seen of that.
fn nothing<'a>(
    index: &Index<'a>,
    reference: Reference<'a>,
    target: Target,
    reach: &Reach<'_>,
    selector: &Selector<'_>,
    diagnostics: &mut Diagnostics,
) {
    if !index.is_whole {
        return;
    }
    let namespaces: Vec<&str> = match reach {
        Reach::In(namespaces) => namespaces.clone(),
        Reach::Anywhere => index.namespaces.iter().copied().collect(),
    };
    let word = target.word();
    let hidden = namespaces.iter().find_map(|namespace| match target {
        Target::Service => service::unseen(index, namespace, |labels| selector.may_pick(labels)),
        Target::Pod => super::selector::unseen_pods(index, namespace),
    });
    let text = selector.to_text();
    diagnostics.push(match hidden {
        Some(hidden) => {
            let message = format!("whether `{text}` picks a {word} cannot be seen");
            let note = index.note(reference, message).note(why(hidden, word));
            match hidden {
                Unseen::Chart(_) if target == Target::Service => {
                    note.help("a Service that is declared with its `labels` can be seen")
                }
                _ => note,
            }
        }
        None => {
            let message = format!("`{text}` picks no {word}");
            let diagnostic = index.error(Code::SELECTS_NOTHING, reference, message);
            match namespaces.as_slice() {
                [only] if target == Target::Service => diagnostic
                    .note(format!(
                        "namespace `{only}` has {}",
                        some("Service", &index.names("", "Service", Some(only)))
                    ))
                    .help("the labels are those of the Service itself, not those of its pods"),
                _ => diagnostic,
            }
        }
    });
}

fn unknown_port<'a>(
    index: &Index<'a>,
    reference: Reference<'a>,
    target: Target,
    mut names: Vec<&str>,
    diagnostics: &mut Diagnostics,
) {
    let Some(name) = reference.node.as_str() else {
        return;
    };
    let message = format!("no {} that is picked has a port `{name}`", target.word());
    names.sort_unstable();
    names.dedup();
    diagnostics.push(
        index
            .error(Code::UNKNOWN_PORT, reference, message)
            .note(format!("they have {}", some("named port", &names)))
            .maybe_help(did_you_mean(name, names.iter().copied())),
    );
}
