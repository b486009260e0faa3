//! Which machines there are of each role, and whether a cluster can live on them.

use super::machines::Fleet;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::resolve::lab::{Machine, Role};
use crate::source::Spanned;

/// Checks the number of control planes, and that apps may run somewhere: on workers, or where `schedule` says so on
/// control planes.
pub(super) fn check(
    fleet: &Fleet,
    schedule: Option<&Spanned<bool>>,
    diagnostics: &mut Diagnostics,
) {
    if !fleet.complete {
        return;
    }
    let control_planes = online(fleet, Role::ControlPlane);
    match control_planes.len() {
        0 => no_control_plane(fleet, diagnostics),
        count if count % 2 == 0 => even(&control_planes, diagnostics),
        _ => {}
    }
    if let Some(schedule) = schedule.filter(|schedule| !schedule.value) {
        check_workers(fleet, schedule, diagnostics);
    }
}

/// The online machines of a role, in the order in which they are written.
pub(super) fn online(fleet: &Fleet, role: Role) -> Vec<&Machine> {
    let machines = fleet.machines.values();
    let mut found: Vec<&Machine> = machines
        .filter(|machine| machine.role.value == role && machine.online.value)
        .collect();
    found.sort_by_key(|machine| machine.span);
    found
}

fn no_control_plane(fleet: &Fleet, diagnostics: &mut Diagnostics) {
    let mut diagnostic = Diagnostic::error(
        Code::NO_CONTROL_PLANE,
        fleet.span,
        "the lab has no control plane",
    )
    .here("each of these is a worker, or offline");
    for machine in fleet.machines.values() {
        if machine.role.value == Role::ControlPlane {
            diagnostic = diagnostic.label(machine.online.span, "this one is offline");
        }
    }
    diagnostics.push(diagnostic.help(
        "give one node (or three) `role = \"controlplane\"`; with \
         `cluster.schedule_on_control_planes` apps may run there, too",
    ));
}

fn even(control_planes: &[&Machine], diagnostics: &mut Diagnostics) {
    let count = control_planes.len();
    let Some(last) = control_planes.last() else {
        return;
    };
    let (majority, spare, fewer) = (count / 2 + 1, count / 2 - 1, count - 1);
    let (verdict, why) = if spare == 0 {
        (
            "2 control planes are less safe than 1".to_owned(),
            "etcd needs most of its members: of 2 it needs both, so either one stops it".to_owned(),
        )
    } else {
        (
            format!("{count} control planes are no safer than {fewer}"),
            format!(
                "etcd needs most of its members: of {count} it needs {majority}, so {spare} may fail; \
                 of {fewer} also {spare} may"
            ),
        )
    };
    diagnostics.push(
        Diagnostic::warning(Code::EVEN_CONTROL_PLANES, last.role.span, verdict)
            .here(format!("control plane number {count}"))
            .note(why)
            .help("add one control plane, or make one of them a worker"),
    );
}

fn check_workers(fleet: &Fleet, schedule: &Spanned<bool>, diagnostics: &mut Diagnostics) {
    let has_control_plane = !online(fleet, Role::ControlPlane).is_empty();
    let has_worker = !online(fleet, Role::Worker).is_empty();
    if has_worker || !has_control_plane {
        return;
    }
    let mut diagnostic =
        Diagnostic::error(Code::NOWHERE_TO_RUN, fleet.span, "no node may run apps")
            .here("every node here is a control plane")
            .label(schedule.span, "and control planes are kept free of apps")
            .help("add `schedule_on_control_planes = true` to `[cluster]`, or a worker");
    for machine in fleet.machines.values() {
        if machine.role.value == Role::Worker {
            diagnostic = diagnostic.label(machine.online.span, "this worker is offline");
        }
    }
    diagnostics.push(diagnostic);
}
