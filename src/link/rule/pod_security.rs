//! Pods keep to the level of their namespace: what `baseline` forbids needs a privileged one.
//!
//! What `restricted` asks for besides is not looked at.

use crate::diag::{Code, Diagnostics};
use crate::link::index::Index;
use crate::link::pod::Pod;
use crate::link::read;
use crate::link::reference::Reference;
use crate::resolve::lab::PodSecurity;
use crate::value::{Node, Value};

/// The namespace that Talos holds to no level, and the level of all others unless they say so. Source: Talos,
/// `pkg/machinery/config/generate/init.go`.
const EXEMPT: &str = "kube-system";
const DEFAULT: PodSecurity = PodSecurity::Baseline;

/// Capabilities that `baseline` lets a container add. Source: Kubernetes' Pod Security Standards, as the next two.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Fields of a pod that must not be true, and what they mean.
const OF_POD: [(&str, &str); 3] = [
    ("hostNetwork", "is in the network of its node"),
    ("hostPID", "sees the processes of its node"),
    ("hostIPC", "shares memory with the processes of its node"),
];

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    if !index.is_whole || has_own_admission(index) {
        return;
    }
    for pod in index.pods.iter() {
        let namespace = pod.place.namespace();
        // The level last: it asks every component, and hardly any pod needs it.
        if namespace != EXEMPT
            && let Some((node, what)) = beyond_baseline(pod)
            && level(index, namespace) < PodSecurity::Privileged
        {
            refused(index, pod, node, &what, diagnostics);
        }
    }
}

/// Whether the lab says itself what the API server admits, by words or a patch: then the levels are somebody else's.
fn has_own_admission(index: &Index<'_>) -> bool {
    let own = index.lab.sections.talos.words.iter();
    let mut words = own.chain(index.lab.needs.iter().map(|need| &need.words));
    let files = index.lab.talos_patches.values();
    let mut documents = files.flat_map(|file| &file.documents);
    words.any(|words| read::one(words, "api_server.admission_control").is_some())
        || documents.any(|document| {
            read::one(document, "cluster.apiServer.admissionControl").is_some()
                || read::text(document, "kind") == Some("KubeAdmissionControlConfig")
        })
}

/// The level of a namespace: what the lab says, else the most that its components ask for.
fn level(index: &Index<'_>, namespace: &str) -> PodSecurity {
    let rules = index.lab.sections.namespaces.get(namespace);
    if let Some(own) = rules.and_then(|rules| rules.pod_security.as_ref()) {
        return own.value;
    }
    let components = index.lab.components.values();
    let here = components.filter(|component| component.namespace() == namespace);
    let asked = here.filter_map(|component| component.pod_security.as_ref());
    asked.map(|(level, _)| *level).max().unwrap_or(DEFAULT)
}

/// The first thing in a pod that `baseline` forbids.
fn beyond_baseline<'a>(pod: &Pod<'a>) -> Option<(&'a Node, String)> {
    let spec = pod.spec;
    for (key, what) in OF_POD {
        if read::is_true(spec, key) {
            return Some((spec.get(key)?, what.to_owned()));
        }
    }
    let paths = read::every(spec, "volumes.*.hostPath");
    if let Some(path) = paths.first() {
        return Some((path, "mounts a folder of its node".to_owned()));
    }
    pod.containers().find_map(of_container)
}

fn of_container(container: &Node) -> Option<(&Node, String)> {
    let security = container.get("securityContext");
    if let Some(privileged) = security.and_then(|security| security.get("privileged"))
        && privileged.value == Value::Bool(true)
    {
        return Some((privileged, "has a privileged container".to_owned()));
    }
    let added = security.map(|security| read::every(security, "capabilities.add.*"));
    let is_more = |node: &&&Node| {
        let name = node.as_str();
        name.is_some_and(|name| !CAPABILITIES.contains(&name))
    };
    if let Some(more) = added.unwrap_or_default().iter().find(is_more) {
        let name = more.as_str().unwrap_or_default();
        return Some((more, format!("adds the capability `{name}`")));
    }
    let ports = read::every(container, "ports.*.hostPort");
    let port = ports
        .into_iter()
        .find(|port| read::integer(port) != Some(0))?;
    Some((port, "takes a port of its node".to_owned()))
}

fn refused<'a>(
    index: &Index<'a>,
    pod: &Pod<'a>,
    node: &'a Node,
    what: &str,
    diagnostics: &mut Diagnostics,
) {
    let namespace = pod.place.namespace();
    let message = format!("this pod {what}, and namespace `{namespace}` is not privileged");
    let reference = Reference {
        from: pod.place,
        node,
    };
    diagnostics.push(
        index
            .error(Code::POD_SECURITY, reference, message)
            .note("Kubernetes would refuse it; what makes it stands there without pods")
            .help(format!(
                "say `[namespaces.{namespace}]` with `pod_security = \"privileged\"`, or do without"
            )),
    );
}
