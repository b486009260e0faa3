//! A node goes, becomes another, or is reached elsewhere: what labc can only write down, and a person has to do.

use super::{Context, Danger};
use crate::diag::{Code, Severity};
use crate::resolve::Lab;
use crate::resolve::lab::{Machine, NodeName, Role};

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    let Some(base) = context.base else { return };
    found.extend(contract(context, base.lab));
    let machines = &context.target.lab.sections.machines;
    for (name, before) in &base.lab.sections.machines {
        if !before.online.value {
            continue;
        }
        match machines.get(name).filter(|after| after.online.value) {
            Some(after) => found.extend(another(context, before, after)),
            None => found.extend(gone(context, base.lab, name, before)),
        }
    }
}

/// A danger about one node, or about what its hardware says.
fn of_node(
    context: &Context<'_>,
    severity: Severity,
    machine: &Machine,
    message: String,
) -> Option<Danger> {
    let own = format!("nodes.{}", machine.name.value);
    let hardware = machine.hardware.as_ref();
    let hardware = hardware.map_or(String::new(), |hardware| {
        format!("hardware.{}", hardware.value)
    });
    context.of_lab(severity, Code::NODES, &[&own, &hardware], message)
}

fn contract(context: &Context<'_>, base: &Lab) -> Option<Danger> {
    let cluster = |lab: &Lab| lab.sections.cluster.contract.value;
    let (old, new) = (cluster(base), cluster(context.target.lab));
    if old == new {
        return None;
    }
    let message = format!("the contract moves from {old} to {new}");
    let danger = context.of_lab(Severity::Error, Code::NODES, &["cluster.contract"], message)?;
    Some(
        danger
            .note("a contract says with which defaults a cluster was made: with another one every config is generated otherwise")
            .help("leave it as it was when the cluster was made; an upgrade of Talos does not move it"),
    )
}

fn another(context: &Context<'_>, before: &Machine, after: &Machine) -> Option<Danger> {
    let name = &after.name.value;
    let (old, new) = (before.role.value, after.role.value);
    if old != new {
        let message = format!("`{name}` becomes a {} (it is a {})", word(new), word(old));
        let danger = of_node(context, Severity::Error, after, message)?;
        return Some(
            danger
                .note("Talos cannot turn a running node into one of another role")
                .help(format!(
                    "`talosctl reset` it before this is applied; it takes what is on its disk: {}",
                    drained(name)
                )),
        );
    }
    if before.secure_boot.value != after.secure_boot.value {
        let message = format!(
            "secure boot of `{name}` changes, which does nothing until it is installed anew"
        );
        let danger = of_node(context, Severity::Warning, after, message)?;
        return Some(
            danger.help("`talosctl reset` it, and boot the other image (out/talos/README.md)"),
        );
    }
    let (from, to) = (&before.address.value, &after.address.value);
    if from == to {
        return evicts(context, before, after);
    }
    let message = format!("`{name}` moves from {from} to {to}");
    let danger = of_node(context, Severity::Warning, after, message)?.note(match new {
        Role::ControlPlane => "etcd, the endpoint's certificate and every talosconfig know it by its address",
        Role::Worker => "the scripts look for it at its new address, where it is only when its config is applied",
    });
    Some(danger.help(format!(
        "apply its config through the old address, `talosctl --nodes {from} apply-config`, and wait until `talosctl health` \
         is content before the next node"
    )))
}

fn word(role: Role) -> &'static str {
    match role {
        Role::ControlPlane => "control plane",
        Role::Worker => "worker",
    }
}

fn drained(name: &NodeName) -> String {
    format!("`kubectl drain {name} --ignore-daemonsets --delete-emptydir-data` first")
}

/// A taint that drives pods away.
fn evicts(context: &Context<'_>, before: &Machine, after: &Machine) -> Option<Danger> {
    let is_new = |(key, taint): &(&String, &crate::source::Spanned<String>)| {
        let old = before.taints.get(*key).map(|taint| &taint.value);
        taint.value.ends_with(":NoExecute") && old != Some(&taint.value)
    };
    let (key, taint) = after.taints.iter().find(is_new)?;
    let message = format!(
        "taint `{key}={}` drives pods off `{}`",
        taint.value, after.name.value
    );
    let danger = of_node(context, Severity::Warning, after, message)?;
    Some(danger.note("`NoExecute` is for pods that run there, too"))
}

fn gone(context: &Context<'_>, base: &Lab, name: &NodeName, machine: &Machine) -> Option<Danger> {
    let machines = &context.target.lab.sections.machines;
    let renamed = machines.values().find(|after| {
        let is_new = !base.sections.machines.contains_key(&after.name.value);
        is_new && after.address.value == machine.address.value
    });
    if let Some(after) = renamed {
        let new = &after.name.value;
        let message = format!("node `{name}` is called `{new}` now");
        let danger = of_node(context, Severity::Warning, machine, message)?;
        return Some(
            danger
                .note("to Kubernetes it is another node: what is bound to the old one, such as local volumes, does not find it")
                .help(format!("{}, apply its config, then `kubectl delete node {name}`", drained(name))),
        );
    }
    if machines.contains_key(name) {
        return offline(context, base, machine);
    }
    let message = format!("`{name}` leaves the lab, and runs on until it is reset");
    let danger = of_node(context, Severity::Warning, machine, message)?;
    let address = &machine.address.value;
    let danger = danger.help(format!(
        "{}, then `talosctl --nodes {address} reset --graceful` and `kubectl delete node {name}`: before this is merged, \
         while its config is still there",
        drained(name)
    ));
    Some(match machine.role.value {
        Role::ControlPlane => danger.note(format!(
            "etcd counts it as one of its {} members until it leaves; a graceful reset takes it out",
            control_planes(base)
        )),
        Role::Worker => danger.note("volumes that lie on its disks alone go with it"),
    })
}

/// A node that the scripts leave out from now on.
fn offline(context: &Context<'_>, base: &Lab, machine: &Machine) -> Option<Danger> {
    let name = &machine.name.value;
    let message = format!("`{name}` is offline: no script reaches it any more");
    match machine.role.value {
        Role::Worker => {
            let danger = of_node(context, Severity::Note, machine, message)?;
            Some(danger.help(format!("{}, while it still answers", drained(name))))
        }
        Role::ControlPlane => {
            let members = control_planes(base);
            let danger = of_node(context, Severity::Warning, machine, message)?;
            Some(danger.note(format!(
                "etcd still counts it as one of its {members} members, of which {} must answer",
                members / 2 + 1
            )))
        }
    }
}

fn control_planes(lab: &Lab) -> usize {
    let machines = lab.sections.machines.values();
    machines
        .filter(|machine| machine.role.value == Role::ControlPlane && machine.online.value)
        .count()
}
