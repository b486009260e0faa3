//! What people do: provide secrets, bring the cluster up, find hardware, change things later.

use super::markdown::{code, codes, head, row};
use crate::link::Linked;
use crate::lower::bootstrap::Step;
use crate::lower::secret::{EngineUse, Provided};
use crate::lower::shell::quoted;
use crate::lower::{Text, argocd, engine};
use crate::resolve::Lab;
use crate::resolve::lab::{Engine, Host, Machine, Role, SecretSource};
use crate::source::Origin;
use crate::value::{Node, Path};

/// Adds the secrets that exist outside this tree.
pub(super) fn secrets(secrets: &[Provided], text: &mut Text) {
    text.own("\n## Secrets\n");
    text.own(SECRETS);
    if secrets.is_empty() {
        text.own("\nNo component of this lab uses a secret of its own.");
        return;
    }
    text.own("");
    head(&["namespace", "name", "keys", "from", "used by"], text);
    for secret in secrets {
        let cells = [
            code(&secret.namespace),
            code(&secret.name),
            codes(secret.keys.iter().map(String::as_str)),
            source(secret),
            users(secret),
        ];
        row(cells, secret.origin.clone(), text);
    }
    let by_hand = |secret: &&Provided| secret.first && secret.from != SecretSource::Sops;
    let by_hand: Vec<&Provided> = secrets.iter().filter(by_hand).collect();
    if by_hand.is_empty() {
        return;
    }
    text.own("\nOne file a key, without a line break behind the value:\n\n```text");
    for secret in by_hand {
        for key in &secret.keys {
            let path = format!("$LABC_SECRETS/{}/{}/{key}", secret.namespace, secret.name);
            text.line(path, secret.origin.clone());
        }
    }
    text.own("```");
}

const SECRETS: &str = "\
Values of secrets never enter this repository. They lie in `$LABC_SECRETS`, a folder outside Git, together with what Talos
makes when the cluster is made (`talos/secrets.yaml`: whoever loses it loses the cluster, keep a copy) and the `kubeconfig`.";

fn source(secret: &Provided) -> String {
    match (secret.from, &secret.through) {
        (SecretSource::Manual, _) => "manual".to_owned(),
        (SecretSource::Sops, _) => "sops".to_owned(),
        (SecretSource::External, None) => "external".to_owned(),
        (SecretSource::External, Some(offer)) => format!("external, filled by {}", code(offer)),
    }
}

fn users(secret: &Provided) -> String {
    let own = codes(secret.users.iter().map(String::as_str));
    let engine = secret.engine.map(|engine| match engine {
        EngineUse::Repository => "the engine, to read the repository",
        EngineUse::Decryption => "the engine, to decrypt SOPS files",
    });
    let all = [Some(own.as_str()), engine].into_iter().flatten();
    let all: Vec<&str> = all.filter(|users| !users.is_empty()).collect();
    all.join(", ")
}

/// Adds how the cluster comes up.
pub(super) fn bootstrap(lab: &Lab, tools: &[&str], steps: &[Step], text: &mut Text) {
    let repository = &lab.sections.identity.repository;
    let name = super::engine(lab);
    text.own("\n## Bringing it up\n");
    text.own(format!(
        "It takes {}; all commands are run in the lab's folder.\n",
        codes(tools.iter().copied())
    ));
    text.own("1. Boot each machine from its image: [talos/README.md](talos/README.md).");
    text.own("2. Set `LABC_SECRETS`, and put the secrets above below it.");
    text.line(
        format!(
            "3. Commit and push: {name} reads the branch {} of {}.",
            code(&repository.branch.value),
            code(&repository.url.value)
        ),
        Origin::from_spans([repository.branch.span, repository.url.span]),
    );
    text.own("4. Run the script. Where a machine has another address until it is installed, say which.\n");
    text.own("```sh\nexport LABC_SECRETS=FOLDER");
    text.own(format!(
        "out/bootstrap/provision.sh{}",
        other_addresses(lab)
    ));
    text.own("export KUBECONFIG=\"$LABC_SECRETS/kubeconfig\"\nkubectl get nodes");
    match lab.sections.identity.engine.value {
        Engine::ArgoCd => {
            let namespace = argocd::namespace(lab);
            let namespace = quoted(namespace.as_str().unwrap_or_default());
            text.own(format!("kubectl --namespace {namespace} get applications"));
        }
        Engine::Flux => {
            let namespace = engine::namespace(lab);
            let namespace = quoted(namespace.as_str().unwrap_or_default());
            text.own(format!(
                "kubectl --namespace {namespace} get kustomizations.kustomize.toolkit.fluxcd.io"
            ));
        }
    }
    text.own("```\n");
    if engine::component(lab).is_none() {
        text.line(
            format!("No component of this lab installs {name}: do so before the step `root`.\n"),
            Origin::at(lab.sections.identity.engine.span),
        );
    }
    text.own(
        "Every step can be repeated, and run alone (`provision.sh STEP`). Those of Talos are the scripts of \
         [talos](talos/README.md).\n",
    );
    head(&["step", "does"], text);
    for (name, does) in steps {
        row([code(name), (*does).to_owned()], Origin::none(), text);
    }
}

/// The arguments that an example of the script shows: a machine whose address Talos sets itself.
fn other_addresses(lab: &Lab) -> String {
    let is_static = |machine: &&Machine| {
        machine.online.value
            && matches!(machine.address.value, Host::Address(_))
            && machine.links.iter().any(|link| !link.addresses.is_empty())
    };
    let mut machines: Vec<&Machine> = lab.sections.machines.values().filter(is_static).collect();
    machines.sort_by_key(|machine| machine.role.value);
    match machines.first() {
        Some(machine) => format!(" {}=ADDRESS ...", machine.name.value),
        None => String::new(),
    }
}

/// Adds how to look at a machine, before and after it has a config.
pub(super) fn hardware(lab: &Lab, text: &mut Text) {
    text.own("\n## Looking at a machine\n");
    text.own(
        "A machine that booted the image and has no config yet waits in maintenance mode, and shows its address on its \
         screen. Its disks, hardware addresses and links, for `[nodes]` and `[hardware]`:\n",
    );
    text.own(
        "```sh\n\
         talosctl get disks --insecure --nodes ADDRESS\n\
         talosctl get links --insecure --nodes ADDRESS\n\
         talosctl get addresses --insecure --nodes ADDRESS\n\
         ```\n",
    );
    let machines = lab.sections.machines.values();
    let control_plane = machines
        .filter(|machine| machine.online.value)
        .find(|machine| machine.role.value == Role::ControlPlane);
    let (node, origin) = match control_plane {
        Some(machine) => (machine.name.value.0.as_str(), Origin::at(machine.span)),
        None => ("NODE", Origin::none()),
    };
    text.line(
        format!(
            "A node has no shell. A privileged pod in its namespaces, with its files below `/host`: `kubectl debug \
             node/{node} -it --namespace kube-system --profile sysadmin --image alpine:3.22`; delete the pod afterwards."
        ),
        origin,
    );
}

/// Adds how things are changed.
pub(super) fn changes(lab: &Lab, linked: &Linked, text: &mut Text) {
    text.own("\n## Changing things\n");
    text.own(HAND_EDITS);
    match lab.sections.identity.engine.value {
        Engine::ArgoCd => argocd_changes(lab, linked, text),
        Engine::Flux => flux_changes(lab, text),
    }
    text.own(MACHINES);
}

const HAND_EDITS: &str = "\
Nothing here is edited by hand: `labc build` would refuse to overwrite it. Edit `lab.toml`, then `labc build`, look at `git
diff`, commit and push. What no key of `lab.toml` says is a value of a chart (`values`), a manifest (`manifests`) or a patch
(`[[apps.NAME.patches]]`). `labc explain out/FILE:LINE` shows which lines made a line here.
";

const FLUX: &str = "\
A commit is seen within a minute. A Kustomization waits until those that it comes after are ready with the same commit, at
the first sync and at every later one: what is broken holds back its users and nobody else, and is tried again every two
minutes. `suspend = true` holds nobody back; `flux suspend` does, until `flux resume`.
";

const MACHINES: &str = "\
Machine configs, extensions and versions of Talos and Kubernetes: [talos/README.md](talos/README.md).";

fn flux_changes(lab: &Lab, text: &mut Text) {
    text.own(FLUX);
    let namespace = engine::namespace(lab);
    let words = quoted(namespace.as_str().unwrap_or_default());
    text.line(
        format!(
            "```sh\n\
             export FLUX_SYSTEM_NAMESPACE={words}\n\
             # who waits for whom, and what is wrong\n\
             flux get kustomizations\n\
             flux get helmreleases --all-namespaces\n\
             flux events --for Kustomization/NAME\n\
             # not within the minute, but now\n\
             flux reconcile kustomization flux-system --with-source\n\
             flux reconcile kustomization NAME\n\
             ```\n"
        ),
        namespace.origin.clone(),
    );
}

fn argocd_changes(lab: &Lab, linked: &Linked, text: &mut Text) {
    text.own(
        "Waves order the first sync. A later change reaches every Application at once, and whatever comes too early heals by \
         retry: each tries for ever, at most three minutes apart.\n",
    );
    let (timeout, origin) = match sync_timeout(lab, linked) {
        Some((seconds, origin)) => (format!(" after {}", duration(seconds)), origin),
        None => (String::new(), Origin::none()),
    };
    text.line(
        format!(
            "The root waits for each wave, and its sync is ended{timeout}. Argo CD does not repeat what it ended: commit \
             something, or run `argocd app sync root`.\n"
        ),
        origin,
    );
    let namespace = argocd::namespace(lab);
    let words = quoted(namespace.as_str().unwrap_or_default());
    text.line(
        format!(
            "```sh\n\
             kubectl config set-context --current --namespace {words}\n\
             argocd app list --core\n\
             argocd app sync root --core\n\
             # the first password of `admin`\n\
             kubectl get secret argocd-initial-admin-secret --output jsonpath='{{.data.password}}' | base64 -d\n\
             ```\n"
        ),
        namespace.origin.clone(),
    );
}

/// After how many seconds Argo CD ends a sync, as its values say.
fn sync_timeout(lab: &Lab, linked: &Linked) -> Option<(u64, Origin)> {
    let engine = engine::component(lab)?;
    let values = linked.values.get(&engine.name)?.as_ref()?;
    let path = Path::keys(["configs", "params", "controller.sync.timeout.seconds"]);
    let seconds: &Node = values.at(&path)?;
    Some((seconds.as_str()?.parse().ok()?, seconds.origin.clone()))
}

/// `2 hours`, `90 minutes`, `45 seconds`.
fn duration(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0 => (0, "second"),
        _ if seconds.is_multiple_of(3600) => (seconds / 3600, "hour"),
        _ if seconds.is_multiple_of(60) => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}
