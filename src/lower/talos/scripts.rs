//! The scripts that give `talosctl` what is compiled: generate, apply, bootstrap, upgrade.
//!
//! Each can be repeated, needs nothing but bash and `talosctl` (and talhelper, where the lab wants it instead), and
//! keeps secrets in a folder outside Git. They run on the bash 3.2 of macOS: no associative arrays, no expansion of an
//! empty array.

use std::collections::BTreeMap;

use super::verbs::{NEEDS_TALHELPER, TALHELPER, TALOSCTL, Verbs};
use super::{FOLDER, NodeFiles, in_order};
use crate::lower::{OutFile, Text};
use crate::render::machine::Machines;
use crate::render::machine::image::tag;
use crate::resolve::lab::{NodeName, Role};
use crate::source::Origin;

/// The four scripts.
pub(super) fn files(
    machines: &Machines,
    name: &str,
    nodes: &BTreeMap<NodeName, NodeFiles>,
) -> Vec<OutFile> {
    let by_talhelper = machines.is_by_talhelper();
    let verbs = if by_talhelper { &TALHELPER } else { &TALOSCTL };
    let generate = if by_talhelper {
        generate_by_talhelper(machines)
    } else {
        generate(machines, name, nodes)
    };
    let scripts = [
        ("generate.sh", generate),
        ("apply.sh", apply(machines, verbs)),
        ("bootstrap.sh", bootstrap(machines, verbs)),
        ("upgrade.sh", upgrade(machines, nodes, verbs)),
    ];
    let file = |(name, text): (&str, Text)| OutFile {
        executable: true,
        ..OutFile::text(format!("{FOLDER}/{name}"), text)
    };
    scripts.into_iter().map(file).collect()
}

/// What every script begins with.
const PRELUDE: &str = r#"set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

die() {
  echo "error: $*" >&2
  exit 1
}

command -v talosctl >/dev/null || die "talosctl is not installed: https://docs.siderolabs.com/talos/"
[ -n "${LABC_SECRETS:-}" ] || die "set LABC_SECRETS to a folder outside Git: it holds the cluster's secrets"
generated="$LABC_SECRETS/talos/generated"
talosconfig="$generated/talosconfig""#;

const NEEDS_CONFIG: &str =
    r#"[ -f "$talosconfig" ] || die "there is no $talosconfig: run $here/generate.sh first""#;

/// Whether the arguments of a script name a node, or no node and thereby all.
const WANTED: &str = r#"wanted() {
  [ "$#" -gt 1 ] || return 0
  local node="$1" one
  shift
  for one in "$@"; do
    [ "${one%%=*}" = "$node" ] && return 0
  done
  return 1
}"#;

fn start(what: &str, verbs: &Verbs) -> Text {
    let mut text = Text::default();
    text.own("#!/usr/bin/env bash");
    text.own(what);
    text.own(PRELUDE);
    if !verbs.prelude.is_empty() {
        text.own(NEEDS_TALHELPER);
        text.own(verbs.prelude);
    }
    text
}

fn generate(machines: &Machines, name: &str, nodes: &BTreeMap<NodeName, NodeFiles>) -> Text {
    let cluster = &machines.cluster;
    let mut text = start(
        "# Generates the machine config of every node from the patches beside this script.\n\
         #\n\
         # The configs hold secrets: they go to $LABC_SECRETS/talos/generated, and are made anew each time.\n\
         # $LABC_SECRETS/talos/secrets.yaml is made once. Whoever loses it loses the cluster: keep a copy.",
        &TALOSCTL,
    );
    text.own("");
    let line = |text: &mut Text, key: &str, value: &str, origin: Origin| {
        text.line(format!("{key}={}", quoted(value)), origin);
    };
    line(&mut text, "cluster", name, Origin::none());
    let endpoint = &cluster.endpoint;
    line(
        &mut text,
        "endpoint",
        &endpoint.value,
        Origin::at(endpoint.span),
    );
    let contract = cluster.contract.value.to_string();
    line(
        &mut text,
        "contract",
        &contract,
        Origin::at(cluster.contract.span),
    );
    let kubernetes = cluster.kubernetes.value.semver.to_string();
    line(
        &mut text,
        "kubernetes",
        &kubernetes,
        Origin::at(cluster.kubernetes.span),
    );
    text.own("secrets=\"$LABC_SECRETS/talos/secrets.yaml\"\n");
    text.own(FOLDERS);
    text.own(GENERATE);
    text.own("");
    for node in in_order(machines) {
        let machine = &machines.nodes[node].machine;
        let patches = nodes[node].patches.iter();
        let patches: Vec<String> = patches
            .map(|path| quoted(path.trim_start_matches("talos/patches/")))
            .collect();
        let role = machine.role.value.word();
        let command = format!("generate {} {role} {}", quoted(&node.0), patches.join(" "));
        text.line(command.trim_end(), Origin::at(machine.span));
    }
    text.own("");
    text.own("# who talks to the cluster's Talos");
    text.own(TALOSCONFIG);
    let endpoints = hosts(machines, Role::ControlPlane);
    text.own(format!(
        "talosctl --talosconfig \"$talosconfig\" config endpoint {}",
        endpoints.join(" ")
    ));
    if let Some(first) = endpoints.first() {
        text.own(format!(
            "talosctl --talosconfig \"$talosconfig\" config node {first}"
        ));
    }
    text.own("echo \"the machine configs are in $generated\"");
    text
}

/// Nobody else may read what is generated, and Git may not commit it.
const FOLDERS: &str = r#"umask 077
mkdir -p "$LABC_SECRETS"
if command -v git >/dev/null && git -C "$LABC_SECRETS" rev-parse --is-inside-work-tree >/dev/null 2>&1 &&
  ! git -C "$LABC_SECRETS" check-ignore --quiet "$LABC_SECRETS"; then
  die "$LABC_SECRETS lies in a Git repository that does not ignore it"
fi
mkdir -p "$generated""#;

const GENERATE: &str = r#"
if [ ! -f "$secrets" ]; then
  echo "making new secrets: $secrets"
  talosctl gen secrets --talos-version "$contract" --output-file "$secrets"
fi

# gen OUTPUT TYPE [ARGUMENT...]: what Talos generates for this cluster
gen() {
  local output="$1" type="$2"
  shift 2
  talosctl gen config "$cluster" "$endpoint" --with-secrets "$secrets" \
    --talos-version "$contract" --kubernetes-version "$kubernetes" \
    --with-docs=false --with-examples=false \
    --output-types "$type" --output "$output" --force "$@"
}

# generate NODE ROLE PATCH...: Talos applies the patches in this order
generate() {
  local node="$1" role="$2" patch arguments=()
  shift 2
  for patch in "$@"; do
    arguments+=(--config-patch "@$here/patches/$patch")
  done
  gen "$generated/$node.yaml" "$role" "${arguments[@]}"
  talosctl validate --config "$generated/$node.yaml" --mode metal
}"#;

fn generate_by_talhelper(machines: &Machines) -> Text {
    let mut text = start(
        "# Generates the machine config of every node by talhelper, from the talconfig.yaml beside this script.\n\
         #\n\
         # The configs hold secrets: they go to $LABC_SECRETS/talos/generated, and are made anew each time.\n\
         # The secrets of the cluster are yours: the lab's talos/talsecret.sops.yaml, or a file below\n\
         # $LABC_SECRETS/talos. `talhelper gensecret` makes one. Whoever loses it loses the cluster.",
        &TALOSCTL,
    );
    text.own(NEEDS_TALHELPER);
    text.own("");
    text.own(FOLDERS);
    text.own(GENERATE_BY_TALHELPER);
    if let Some(first) = hosts(machines, Role::ControlPlane).first() {
        text.own(format!(
            "talosctl --talosconfig \"$talosconfig\" config node {first}"
        ));
    }
    text.own("echo \"the machine configs are in $generated\"");
    text
}

const GENERATE_BY_TALHELPER: &str = r#"
secrets=""
for file in "$here/../../talos/talsecret.sops.yaml" "$LABC_SECRETS/talos/talsecret.sops.yaml" \
  "$LABC_SECRETS/talos/talsecret.yaml" "$LABC_SECRETS/talos/secrets.yaml"; do
  if [ -z "$secrets" ] && [ -f "$file" ]; then
    secrets="$file"
  fi
done
[ -n "$secrets" ] ||
  die "there is neither talos/talsecret.sops.yaml in the lab nor $LABC_SECRETS/talos/talsecret.yaml: see $here/README.md"

cd "$here"
talhelper genconfig --config-file talconfig.yaml --secret-file "$secrets" --out-dir "$generated" \
  --offline-mode --no-gitignore --disable-nodes-section"#;

const TALOSCONFIG: &str = r#"gen "$talosconfig" talosconfig"#;

fn apply(machines: &Machines, verbs: &Verbs) -> Text {
    let mut text = start(
        "# Applies the generated machine configs.\n\
         #\n\
         #   apply.sh                        all nodes\n\
         #   apply.sh NODE...                these nodes\n\
         #   apply.sh NODE=ADDRESS           a new node that has another address until it is installed\n\
         #\n\
         # MODE=auto|no-reboot|reboot|staged|try says how a running node takes it; auto reboots where it must.",
        verbs,
    );
    text.own(NEEDS_CONFIG);
    text.own(verbs.put_into(APPLY));
    text.own("");
    text.own(WANTED);
    text.own("");
    for node in in_order(machines) {
        let machine = &machines.nodes[node].machine;
        let line = format!(
            "apply {} {} \"$@\"",
            quoted(&node.0),
            quoted(&machine.address.value.to_string())
        );
        text.line(
            line,
            Origin::from_spans([machine.address.span, machine.span]),
        );
    }
    text
}

const APPLY: &str = r#"mode="${MODE:-auto}"

# address NODE DEFAULT [ARGUMENT...]: where the node answers until it is installed
address() {
  local node="$1" found="$2" one
  shift 2
  for one in "$@"; do
    [ "${one%%=*}" = "$node" ] && [ "$one" != "$node" ] && found="${one#*=}"
  done
  echo "$found"
}

# apply NODE ADDRESS [ARGUMENT...]
apply() {
  local node="$1" address="$2" first config="$generated/$1.yaml"
  shift 2
  wanted "$node" "$@" || return 0
  [ -f "$config" ] || die "there is no $config: run $here/generate.sh first"
  if talosctl --talosconfig "$talosconfig" --endpoints "$address" --nodes "$address" version >/dev/null 2>&1; then
    echo "$node: applying to $address"
    @apply@
  else
    first="$(address "$node" "$address" "$@")"
    echo "$node: $address does not know our certificate yet, installing by way of $first"
    talosctl --nodes "$first" apply-config --insecure --file "$config"
  fi
}"#;

fn bootstrap(machines: &Machines, verbs: &Verbs) -> Text {
    let mut text = start(
        "# Makes the first control plane start etcd, and fetches the kubeconfig to $LABC_SECRETS/kubeconfig.\n\
         #\n\
         # Safe to repeat: a cluster whose etcd answers on any control plane is never bootstrapped again.",
        verbs,
    );
    text.own(NEEDS_CONFIG);
    let endpoints = hosts(machines, Role::ControlPlane);
    text.own(format!("control_planes=({})", endpoints.join(" ")));
    text.own(verbs.put_into(BOOTSTRAP));
    text
}

const BOOTSTRAP: &str = r#"first="${control_planes[0]}"
tries="${TRIES:-90}"
pause="${PAUSE:-10}"

# at NODE ARGUMENT...
at() {
  local node="$1"
  shift
  talosctl --talosconfig "$talosconfig" --endpoints "$node" --nodes "$node" "$@"
}

is_bootstrapped() {
  local node
  for node in "${control_planes[@]}"; do
    at "$node" etcd members >/dev/null 2>&1 && return 0
  done
  return 1
}

# A node that has just been installed reboots first: it answers after some minutes.
bootstrap() {
  local try answer=""
  for ((try = 1; try <= tries; try++)); do
    if is_bootstrapped; then
      echo "etcd runs"
      return 0
    fi
    if at "$first" version >/dev/null 2>&1; then
      echo "bootstrapping etcd on $first"
      if answer="$(@bootstrap@ 2>&1)"; then
        return 0
      fi
      case "$answer" in
        *AlreadyExists*) return 0 ;;
      esac
    fi
    sleep "$pause"
  done
  die "$first could not be bootstrapped${answer:+: $answer}"
}

bootstrap

umask 077
for ((try = 1; try <= tries; try++)); do
  if @kubeconfig@; then
    echo "the kubeconfig is $LABC_SECRETS/kubeconfig"
    exit 0
  fi
  sleep "$pause"
done
die "$first gave no kubeconfig""#;

fn upgrade(machines: &Machines, nodes: &BTreeMap<NodeName, NodeFiles>, verbs: &Verbs) -> Text {
    let cluster = &machines.cluster;
    let mut text = start(
        "# Upgrades Talos, one node after the other, and then Kubernetes.\n\
         #\n\
         #   upgrade.sh                      all of it\n\
         #   upgrade.sh talos [NODE...]      Talos on all nodes, or on these\n\
         #   upgrade.sh kubernetes           Kubernetes\n\
         #\n\
         # A node that already runs this Talos from this schematic is left alone. The factory must know the schematic\n\
         # (README.md). Talos keeps a node's data; Kubernetes goes up one minor version at a time.",
        verbs,
    );
    text.own(NEEDS_CONFIG);
    let talos = tag(&cluster.talos.value);
    text.line(
        format!("talos={}", quoted(&talos)),
        Origin::at(cluster.talos.span),
    );
    let kubernetes = cluster.kubernetes.value.semver.to_string();
    text.line(
        format!("kubernetes={}", quoted(&kubernetes)),
        Origin::at(cluster.kubernetes.span),
    );
    let first = hosts(machines, Role::ControlPlane)
        .into_iter()
        .next()
        .unwrap_or_default();
    // Quoted also where it need not be: a name with a hyphen looks like a sum.
    text.own(format!("first='{first}'"));
    text.own(verbs.put_into(UPGRADE));
    text.own("");
    text.own(WANTED);
    text.own("");
    text.own(UPGRADE_WHAT);
    text.own("");
    text.own("if [ \"$what\" != kubernetes ]; then");
    for node in in_order(machines) {
        let machine = &machines.nodes[node].machine;
        let files = &nodes[node];
        let command = [
            format!("  upgrade {}", quoted(&node.0)),
            quoted(&machine.address.value.to_string()),
            quoted(&files.schematic),
            quoted(&files.installer),
            "\"$@\"".to_owned(),
        ];
        text.line(
            command.join(" "),
            Origin::from_spans([machine.span, cluster.talos.span]),
        );
    }
    text.own("fi");
    text.own(verbs.put_into(UPGRADE_KUBERNETES));
    text
}

const UPGRADE: &str = r#"
# at NODE ARGUMENT...
at() {
  local node="$1"
  shift
  talosctl --talosconfig "$talosconfig" --endpoints "$node" --nodes "$node" "$@"
}

# runs ADDRESS SCHEMATIC: whether the node runs this Talos from this schematic
runs() {
  local tag=" $talos\$"
  at "$1" version 2>/dev/null | sed -n '/^Server:/,$p' | grep -q "Tag:.*$tag" &&
    at "$1" get extensions --output yaml 2>/dev/null | grep -q "version: $2\$"
}

# upgrade NODE ADDRESS SCHEMATIC INSTALLER [NODE...]
upgrade() {
  local node="$1" address="$2" schematic="$3" installer="$4"
  shift 4
  wanted "$node" "$@" || return 0
  if runs "$address" "$schematic"; then
    echo "$node: runs $talos already"
    return 0
  fi
  echo "$node: upgrading to $installer"
  @upgrade@
  echo "$node: waiting for the cluster"
  at "$first" health --wait-timeout 15m
}"#;

const UPGRADE_WHAT: &str = r#"what="${1:-all}"
case "$what" in
  all | talos | kubernetes) [ "$#" -eq 0 ] || shift ;;
  *) die "upgrade.sh [talos [NODE...] | kubernetes]" ;;
esac"#;

const UPGRADE_KUBERNETES: &str = r#"if [ "$what" != talos ]; then
  echo "upgrading Kubernetes to $kubernetes"
  @upgrade-kubernetes@
fi"#;

/// The hosts of the online nodes of a role, in order.
pub(super) fn hosts(machines: &Machines, role: Role) -> Vec<String> {
    in_order(machines)
        .into_iter()
        .map(|name| &machines.nodes[name].machine)
        .filter(|machine| machine.role.value == role)
        .map(|machine| quoted(&machine.address.value.to_string()))
        .collect()
}

/// A word as a shell reads it: in single quotes unless nothing in it needs them.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
