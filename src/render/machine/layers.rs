//! Who hears what: facts for all nodes, for a role and for a node, so that each is said in one place.
//!
//! Talos applies the patches of all nodes, then those of the role, then those of the node. Its lists only grow, so
//! what a general patch says, a more specific one does not repeat. Knows no file and no document.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Said, keys};
use super::vocabulary::CONTROL_PLANE_WORDS;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::Minor;
use crate::resolve::lab::{NodeName, Reach, Role};
use crate::source::Span;
use crate::value::{Path, Value};

/// Facts by their reach.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// For all nodes.
    pub all: Facts,
    /// For the nodes of a role.
    pub roles: BTreeMap<Role, Facts>,
    /// For one node. Every online node has an entry.
    pub nodes: BTreeMap<NodeName, Facts>,
}

/// The role of every online node.
pub type Roles = BTreeMap<NodeName, Role>;

impl Layers {
    /// Empty layers for these nodes.
    pub fn new(roles: &Roles) -> Self {
        Layers {
            all: Facts::default(),
            roles: [Role::ControlPlane, Role::Worker]
                .map(|role| (role, Facts::default()))
                .into(),
            nodes: roles
                .keys()
                .map(|node| (node.clone(), Facts::default()))
                .collect(),
        }
    }

    /// Says `facts` to those that `reach` names; offline nodes hear nothing.
    pub fn say(
        &mut self,
        facts: &Facts,
        reach: Reach,
        nodes: &[NodeName],
        diagnostics: &mut Diagnostics,
    ) {
        match reach {
            Reach::All => self.all.merge(facts, diagnostics),
            Reach::Role(role) => self.role(role).merge(facts, diagnostics),
            Reach::Nodes => {
                for node in nodes {
                    if let Some(layer) = self.nodes.get_mut(node) {
                        layer.merge(facts, diagnostics);
                    }
                }
            }
        }
    }

    /// The layer of a role.
    pub fn role(&mut self, role: Role) -> &mut Facts {
        self.roles.entry(role).or_default()
    }

    /// Brings every fact to where it is heard, and returns what each node hears in the end.
    pub fn settle(
        &mut self,
        roles: &Roles,
        contract: Minor,
        diagnostics: &mut Diagnostics,
    ) -> BTreeMap<NodeName, Facts> {
        self.route_control_plane_words(roles, diagnostics);
        let effective = self.effective(roles, diagnostics);
        self.route_removals(roles, contract);
        self.share(roles);
        self.deduplicate(roles);
        self.gather_groups(roles, &effective);
        effective
    }

    /// Moves the words about control planes from everybody's layer to theirs, and out of the workers'.
    fn route_control_plane_words(&mut self, roles: &Roles, diagnostics: &mut Diagnostics) {
        let is_theirs = |path: &Path| {
            let keys = keys(path);
            keys.first()
                .is_some_and(|word| CONTROL_PLANE_WORDS.contains(word))
        };
        let from_all = self.all.split(is_theirs);
        self.role(Role::ControlPlane).merge(&from_all, diagnostics);
        let mut unheard = vec![self.role(Role::Worker).split(is_theirs)];
        let mut heard: BTreeSet<Span> = BTreeSet::new();
        for (node, layer) in &mut self.nodes {
            match roles.get(node) {
                Some(Role::ControlPlane) => heard.extend(spans(layer)),
                _ => unheard.push(layer.split(is_theirs)),
            }
        }
        for (path, said) in unheard.iter().flat_map(|facts| &facts.said) {
            for fact in said.facts() {
                let span = fact.node.origin.first();
                if span.is_none_or(|span| !heard.contains(&span)) {
                    let message = format!("`{path}` is about control planes, and this is for none");
                    diagnostics.push(
                        Diagnostic::error(Code::INVALID_VALUE, span, message)
                            .here(format!("said by {}", fact.owner.text))
                            .help("say it for `controlplane`, or for all nodes"),
                    );
                }
            }
        }
    }

    /// What each node hears: all, then its role, then itself. Reports where two of them disagree.
    fn effective(&self, roles: &Roles, diagnostics: &mut Diagnostics) -> BTreeMap<NodeName, Facts> {
        let mut effective = BTreeMap::new();
        for (node, layer) in &self.nodes {
            let mut facts = self.general(roles.get(node).copied(), diagnostics);
            facts.merge(layer, diagnostics);
            facts.check_shapes(diagnostics);
            effective.insert(node.clone(), facts);
        }
        effective
    }

    fn general(&self, role: Option<Role>, diagnostics: &mut Diagnostics) -> Facts {
        let mut facts = self.all.clone();
        if let Some(layer) = role.and_then(|role| self.roles.get(&role)) {
            facts.merge(layer, diagnostics);
        }
        facts
    }

    /// A removal stays only where there is something to remove: what Talos' base has on control planes, or what a
    /// more general layer says. Talos refuses to delete what is not there.
    fn route_removals(&mut self, roles: &Roles, contract: Minor) {
        let in_base = |path: &Path| base_has(contract, path);
        let from_all = self.all.split_removals(|_| true);
        let mut quiet = Diagnostics::default();
        let controlplane = self.role(Role::ControlPlane);
        controlplane.merge(&from_all, &mut quiet);
        controlplane.split_removals(|path| !in_base(path));
        let all = self.all.clone();
        self.role(Role::Worker)
            .split_removals(|path| !all.says(path));
        let general: BTreeMap<Role, Facts> = [Role::ControlPlane, Role::Worker]
            .map(|role| (role, self.general(Some(role), &mut quiet)))
            .into();
        for (node, layer) in &mut self.nodes {
            let role = roles.get(node).copied().unwrap_or(Role::Worker);
            let before = &general[&role];
            layer.split_removals(|path| {
                let is_there = role == Role::ControlPlane && in_base(path) && !before.removes(path);
                !is_there && !before.says(path)
            });
        }
    }

    /// What both roles hear is for all, if there are nodes of both.
    fn share(&mut self, roles: &Roles) {
        let has = |role: Role| roles.values().any(|of| *of == role);
        let [Some(one), Some(other)] = [Role::ControlPlane, Role::Worker]
            .map(|role| self.roles.get(&role).filter(|_| has(role)))
        else {
            return;
        };
        let shared: BTreeSet<Path> = one
            .said
            .keys()
            .filter(|path| match group_of(path) {
                Some(group) => one.same_below(other, &group),
                None => one.same_at(other, path),
            })
            .cloned()
            .collect();
        for role in [Role::Worker, Role::ControlPlane] {
            let taken = self.role(role).split(|path| shared.contains(path));
            self.all.merge(&taken, &mut Diagnostics::default());
        }
    }

    fn deduplicate(&mut self, roles: &Roles) {
        let mut quiet = Diagnostics::default();
        let general: BTreeMap<Role, Facts> = [Role::ControlPlane, Role::Worker]
            .map(|role| (role, self.general(Some(role), &mut quiet)))
            .into();
        let all = self.all.clone();
        for layer in self.roles.values_mut() {
            layer.without(&all);
        }
        for (node, layer) in &mut self.nodes {
            if let Some(role) = roles.get(node) {
                layer.without(&general[role]);
            }
        }
    }

    /// What Talos reads as one has one place: where all of it is said, or else each node. Its lists only grow, and it
    /// loses parts of a volume that two patches speak of.
    fn gather_groups(&mut self, roles: &Roles, effective: &BTreeMap<NodeName, Facts>) {
        let groups =
            |facts: &Facts| -> BTreeSet<Path> { facts.said.keys().filter_map(group_of).collect() };
        let of_all = groups(&self.all);
        let of_roles: BTreeMap<Role, BTreeSet<Path>> = self
            .roles
            .iter()
            .map(|(role, facts)| (*role, groups(facts)))
            .collect();
        let mut scattered = BTreeSet::new();
        for (node, facts) in &self.nodes {
            let of_role = roles.get(node).and_then(|role| of_roles.get(role));
            let of_role = of_role.cloned().unwrap_or_default();
            let own = groups(facts);
            scattered.extend(of_all.intersection(&of_role).cloned());
            scattered.extend(
                of_all
                    .union(&of_role)
                    .filter(|group| own.contains(*group))
                    .cloned(),
            );
        }
        for group in scattered {
            let of_it = |path: &Path| path.0.starts_with(&group.0);
            self.all.split(of_it);
            for layer in self.roles.values_mut() {
                layer.split(of_it);
            }
            for node in roles.keys() {
                let facts = effective
                    .get(node)
                    .cloned()
                    .unwrap_or_default()
                    .split(of_it);
                if let Some(layer) = self.nodes.get_mut(node) {
                    layer.split(of_it);
                    layer.said.extend(facts.said);
                }
            }
        }
    }
}

impl Facts {
    /// Whether both say the same at a path: one value, or the same items.
    fn same_at(&self, other: &Facts, path: &Path) -> bool {
        let (Some(one), Some(two)) = (self.said.get(path), other.said.get(path)) else {
            return false;
        };
        if is_removal(path, one) {
            return false;
        }
        let values = |said: &Said| -> Vec<Value> {
            said.facts()
                .iter()
                .map(|fact| fact.node.value.clone())
                .collect()
        };
        values(one) == values(two)
    }

    /// Whether both say the same at a path and below it.
    fn same_below(&self, other: &Facts, group: &Path) -> bool {
        let below = |facts: &Facts| -> Vec<Path> {
            let paths = facts
                .said
                .keys()
                .filter(|path| path.0.starts_with(&group.0));
            paths.cloned().collect()
        };
        let paths = below(self);
        paths == below(other) && paths.iter().all(|path| self.same_at(other, path))
    }

    /// Moves out the removals (null values) whose path `matches`.
    fn split_removals(&mut self, matches: impl Fn(&Path) -> bool) -> Facts {
        let removals: BTreeSet<Path> = self
            .said
            .iter()
            .filter(|(path, said)| is_removal(path, said) && matches(path))
            .map(|(path, _)| path.clone())
            .collect();
        self.split(|path| removals.contains(path))
    }

    fn says(&self, path: &Path) -> bool {
        self.said
            .get(path)
            .is_some_and(|said| !is_removal(path, said))
    }

    fn removes(&self, path: &Path) -> bool {
        self.said
            .get(path)
            .is_some_and(|said| is_removal(path, said))
    }
}

/// Whether something is said to be taken away, in a word where that can be said.
pub fn is_removal(path: &Path, said: &Said) -> bool {
    let removable = keys(path)
        .first()
        .is_some_and(|word| word.starts_with("node_"));
    removable
        && said
            .first()
            .is_some_and(|fact| fact.node.value == Value::Null)
}

fn spans(facts: &Facts) -> impl Iterator<Item = Span> + '_ {
    let all = facts.said.values().flat_map(Said::facts);
    all.filter_map(|fact| fact.node.origin.first())
}

/// The part of a path that names what Talos reads as one.
fn group_of(path: &Path) -> Option<Path> {
    let length = match keys(path).as_slice() {
        ["volumes" | "kernel_modules" | "mounts" | "files", _, ..]
        | ["api_server", "audit_policy", ..] => 2,
        ["cri", ..] => 1,
        ["registries", _, _, ..] | [_, "extra_volumes", _, ..] => 3,
        _ => return None,
    };
    Some(Path(path.0[..length].to_vec()))
}

/// The label that keeps a node out of load balancers.
pub const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// The label, and in the 1.14 contract the taint, of a control plane.
pub const CONTROL_PLANE_LABEL: &str = "node-role.kubernetes.io/control-plane";

/// Whether the machine config that Talos generates for a control plane has this label or taint.
pub fn base_has(contract: Minor, path: &Path) -> bool {
    let since = |minor: u64| contract >= Minor { major: 1, minor };
    match keys(path).as_slice() {
        ["node_labels", key] if *key == EXCLUDE_LABEL => since(8),
        ["node_labels" | "node_taints", key] if *key == CONTROL_PLANE_LABEL => since(14),
        _ => false,
    }
}
