//! The Services of a lab with their ports, those of charts as far as somebody declares them, and references to them.

use std::collections::BTreeMap;

use super::index::Index;
use super::label::Shelf;
use super::read;
use super::reference::{Reference, Unseen, Wanted};
use crate::diag::{Code, Diagnostics, did_you_mean};
use crate::resolve::Component;
use crate::value::{Map, Node};

/// The Services of a lab.
#[derive(Debug, Default)]
pub(super) struct Services<'a> {
    /// By namespace and name.
    by_name: BTreeMap<&'a str, BTreeMap<&'a str, Service<'a>>>,
    /// By their labels: namespace and name.
    pub shelf: Shelf<'a, (&'a str, &'a str)>,
    /// What components with a chart declare, by namespace.
    declared: BTreeMap<&'a str, Vec<(&'a str, Option<&'a Map>)>>,
}

/// A Service.
#[derive(Debug, Default)]
pub(super) struct Service<'a> {
    /// Its ports.
    pub ports: Vec<Port<'a>>,
    /// Whether it stands for a name outside the cluster, so that any port will do.
    pub is_external: bool,
    /// The component whose module declares it, where labc does not write it.
    pub declared_by: Option<&'a Component>,
}

/// A port of a Service. One that is declared may lack its name or number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port<'a> {
    pub number: Option<i64>,
    pub name: Option<&'a str>,
}

/// The port that somebody wants.
#[derive(Clone, Copy, Debug)]
pub(super) enum WantedPort<'w> {
    Number(i64),
    Name(&'w str),
}

impl<'w> WantedPort<'w> {
    /// A number, or else the name of a port.
    pub(super) fn of(node: &'w Node) -> Option<Self> {
        let number = read::integer(node).map(WantedPort::Number);
        number.or_else(|| node.as_str().map(WantedPort::Name))
    }

    fn to_text(self) -> String {
        match self {
            WantedPort::Number(number) => number.to_string(),
            WantedPort::Name(name) => format!("`{name}`"),
        }
    }
}

impl<'a> Services<'a> {
    /// Those that labc writes, and those that charts and controllers are said to make.
    pub(super) fn of(index: &Index<'a>) -> Self {
        let mut services = Services::default();
        for place in index.of_kind("", "Service") {
            let node = place.node();
            let (namespace, name) = (place.namespace(), place.resource.id.name.as_str());
            let labels = read::map(node, "metadata.labels");
            services.shelf.add(namespace, labels, (namespace, name));
            let service = Service {
                ports: ports(node),
                is_external: read::text(node, "spec.type") == Some("ExternalName"),
                declared_by: None,
            };
            let names = services.by_name.entry(namespace).or_default();
            names.insert(name, service);
        }
        for component in index.lab.components.values() {
            services.declare(component);
        }
        services
    }

    fn declare(&mut self, component: &'a Component) {
        let namespace = component.namespace();
        for declared in &component.services {
            if component.chart.is_none() && !declared.at_runtime {
                continue;
            }
            let labels = read::map(&declared.node, "labels").filter(|labels| !labels.is_empty());
            let name = declared.name.as_str();
            self.shelf.add(namespace, labels, (namespace, name));
            let all = self.declared.entry(namespace).or_default();
            all.push((name, labels));
            let names = self.by_name.entry(namespace).or_default();
            let service = names.entry(name).or_insert(Service {
                declared_by: Some(component),
                ..Service::default()
            });
            if service.declared_by.is_some() {
                service.ports.push(Port {
                    number: declared.port,
                    name: read::text(&declared.node, "port_name"),
                });
            }
        }
    }

    /// A Service that is written or declared.
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&Service<'a>> {
        self.by_name.get(namespace)?.get(name)
    }

    /// The declared Services of a namespace with what is known of their labels.
    pub(super) fn declared(&self, namespace: &str) -> &[(&'a str, Option<&'a Map>)] {
        self.declared.get(namespace).map_or(&[], Vec::as_slice)
    }
}

fn ports(node: &Node) -> Vec<Port<'_>> {
    let port = |node| Port {
        number: read::one(node, "port").and_then(read::integer),
        name: read::text(node, "name"),
    };
    read::every(node, "spec.ports.*")
        .into_iter()
        .map(port)
        .collect()
}

impl Service<'_> {
    /// Whether it has a port; none where that cannot be told.
    pub(super) fn has(&self, wanted: WantedPort<'_>) -> Option<bool> {
        if self.is_external {
            return Some(true);
        }
        let matches = |port: &Port<'_>| match wanted {
            WantedPort::Number(number) => port.number.map(|port| port == number),
            WantedPort::Name(name) => port.name.map(|port| port == name),
        };
        let answers: Vec<Option<bool>> = self.ports.iter().map(matches).collect();
        if answers.contains(&Some(true)) {
            Some(true)
        } else if self.declared_by.is_some() && answers.contains(&None) {
            None
        } else {
            Some(false)
        }
    }

    /// Its ports as a message lists them: "80 (`http`)".
    fn port_list(&self) -> Vec<String> {
        let text = |port: &Port<'_>| match (port.number, port.name) {
            (Some(number), Some(name)) => format!("{number} (`{name}`)"),
            (Some(number), None) => number.to_string(),
            (None, Some(name)) => format!("`{name}`"),
            (None, None) => "one without a number".to_owned(),
        };
        self.ports.iter().map(text).collect()
    }
}

/// Checks a reference to a Service and, where one is named, to a port of it.
pub(super) fn check<'a>(
    index: &Index<'a>,
    reference: Reference<'a>,
    namespace: &str,
    port: Option<&'a Node>,
    diagnostics: &mut Diagnostics,
) {
    let Some(name) = reference.node.as_str() else {
        return;
    };
    let wanted = Wanted {
        group: "",
        kind: "Service",
        namespace: Some(namespace),
        name,
    };
    index.follow(reference, wanted, Code::UNKNOWN_SERVICE, diagnostics);
    let Some(service) = index.services.get(namespace, name) else {
        return;
    };
    let Some((node, wanted_port)) = port.and_then(|node| Some((node, WantedPort::of(node)?)))
    else {
        return;
    };
    let from = reference.from;
    match service.has(wanted_port) {
        Some(true) => {}
        None => {
            let text = wanted_port.to_text();
            let message = format!("whether Service `{name}` has a port {text} cannot be seen");
            let note = index.note(Reference { from, node }, message);
            let owner = service.declared_by.map(Unseen::Chart);
            let why = owner.map(|owner| super::reference::why(owner, "port"));
            diagnostics.push(match why {
                Some(why) => note.note(why),
                None => note,
            });
        }
        Some(false) => unknown_port(
            index,
            Reference { from, node },
            name,
            service,
            wanted_port,
            diagnostics,
        ),
    }
}

fn unknown_port(
    index: &Index<'_>,
    reference: Reference<'_>,
    name: &str,
    service: &Service<'_>,
    wanted: WantedPort<'_>,
    diagnostics: &mut Diagnostics,
) {
    let message = format!("Service `{name}` has no port {}", wanted.to_text());
    let list = service.port_list();
    let near = match wanted {
        WantedPort::Name(name) => {
            did_you_mean(name, service.ports.iter().filter_map(|port| port.name))
        }
        WantedPort::Number(_) => None,
    };
    let ports = match list.as_slice() {
        [] => "it has none".to_owned(),
        [only] => format!("its port is {only}"),
        [first @ .., last] => format!("its ports are {} and {last}", first.join(", ")),
    };
    let mut diagnostic = index
        .error(Code::UNKNOWN_PORT, reference, message)
        .note(ports)
        .maybe_help(near);
    if let Some(component) = service.declared_by {
        let module = &component.module.name;
        diagnostic = diagnostic.note(format!(
            "module `{module}` says so of the chart of `{}`",
            component.name
        ));
    }
    diagnostics.push(diagnostic);
}

/// Whether a Service that a selector might pick cannot be seen in a namespace.
pub(super) fn unseen<'a>(
    index: &Index<'a>,
    namespace: &str,
    may_pick: impl Fn(Option<&Map>) -> bool,
) -> Option<Unseen<'a>> {
    if let Some(component) = index.blind("", "Service", Some(namespace)) {
        return Some(Unseen::Chart(component));
    }
    let declared = index.services.declared(namespace);
    let (name, _) = declared.iter().find(|(_, labels)| may_pick(*labels))?;
    let service = index.services.get(namespace, name)?;
    service.declared_by.map(Unseen::Chart)
}
