//! What components want of the nodes: the `[[talos]]` tables of their modules.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::component::Component;
use super::lab::{Need, NodeName, Reach, Role};
use super::plan::Sections;
use super::resolver::Resolver;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::template::{Expression, Failed};
use crate::value::{Node, Value};

/// The needs of all components, in the order of their names.
pub(super) fn needs(
    resolver: &Arc<Resolver>,
    sections: &Sections,
    components: &BTreeMap<String, Component>,
    diagnostics: &mut Diagnostics,
) -> Vec<Need> {
    let mut needs = Vec::new();
    for (name, component) in components {
        for clause in &component.module.talos {
            let turns = resolver.tables(clause, &component.scope, diagnostics);
            for turn in turns.into_iter().flatten() {
                needs.extend(need(name, component, turn.table, sections, diagnostics));
            }
        }
    }
    needs
}

fn need(
    name: &str,
    component: &Component,
    mut words: Node,
    sections: &Sections,
    diagnostics: &mut Diagnostics,
) -> Option<Need> {
    let Value::Map(map) = &mut words.value else {
        return None;
    };
    let on = map.remove("on").map(|entry| entry.node);
    let (reach, nodes) = reach(on.as_ref(), component, sections, diagnostics)?;
    Some(Need {
        owner: format!("component `{name}`"),
        nodes,
        reach,
        words,
    })
}

/// Whom `on` means: a role, all, or an expression that gives node names.
fn reach(
    on: Option<&Node>,
    component: &Component,
    sections: &Sections,
    diagnostics: &mut Diagnostics,
) -> Option<(Reach, Vec<NodeName>)> {
    let of = |role: Option<Role>| {
        let all = sections.machines.iter();
        let fitting = all.filter(|(_, machine)| role.is_none_or(|role| machine.role.value == role));
        fitting.map(|(name, _)| name.clone()).collect()
    };
    let Some(on) = on else {
        return Some((Reach::All, of(None)));
    };
    match on.as_str() {
        Some("all") => return Some((Reach::All, of(None))),
        Some("controlplane") => {
            let role = Role::ControlPlane;
            return Some((Reach::Role(role), of(Some(role))));
        }
        Some("worker") => return Some((Reach::Role(Role::Worker), of(Some(Role::Worker)))),
        _ => {}
    }
    let names = match (&on.value, on.origin.first()) {
        (Value::List(_), _) => on.clone(),
        (Value::Str(text), Some(span)) => {
            let expression = Expression::compile(text, span, false, diagnostics);
            let branch = |expression: Expression| expression.branch(&component.scope, diagnostics);
            expression.and_then(branch).map_err(|Failed| ()).ok()?
        }
        _ => return None,
    };
    let mut nodes = Vec::new();
    for item in names.as_list().into_iter().flatten() {
        let name = NodeName(item.as_str().unwrap_or_default().to_owned());
        if sections.machines.contains_key(&name) {
            nodes.push(name);
            continue;
        }
        let known = sections.machines.keys().map(|name| name.0.as_str());
        let message = format!("there is no node `{name}`");
        diagnostics.push(
            Diagnostic::error(Code::UNKNOWN_NODE, item.origin.first(), message)
                .maybe_help(did_you_mean(&name.0, known)),
        );
    }
    Some((Reach::Nodes, nodes))
}
