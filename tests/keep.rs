//! Edits outputs by hand, follows the advice of the message word by word, and builds: the edit is there, without `--force`.

#![allow(
    clippy::disallowed_methods,
    reason = "a test runs the binary in folders of its own"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A copy of a lab of `tests/labs/`.
fn copy_of(lab: &str, name: &str) -> PathBuf {
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("keep-{name}"));
    if to.exists() {
        fs::remove_dir_all(&to).expect("an old folder can be removed");
    }
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/labs")
        .join(lab);
    copy(&from, &to);
    to
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder can be listed") {
        let path = entry.expect("an entry").path();
        let below = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &below);
        } else {
            fs::copy(&path, &below).expect("it can be copied");
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder can be made");
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Changes a text that a file has.
fn replace(path: &Path, old: &str, new: &str) {
    let text = read(path);
    assert!(text.contains(old), "{} has no `{old}`", path.display());
    write(path, &text.replace(old, new));
}

/// Builds, and returns the exit code and what was printed as JSON.
fn build(lab: &Path, more: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_labc"))
        .arg("-C")
        .arg(lab)
        .args(["--format", "json", "build"])
        .args(more)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    let said = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().expect("it ends by itself"), said)
}

/// The help of the message about a file that was edited by hand.
fn help(lab: &Path, file: &str) -> Vec<String> {
    let (code, said) = build(lab, &[]);
    assert_eq!(code, 3, "{file}: the edit is refused: {said:#}");
    let all = said["diagnostics"].as_array().expect("diagnostics");
    let about = all.iter().find(|diagnostic| {
        let message = diagnostic["message"].as_str().expect("a message");
        diagnostic["code"] == "L1001" && message.starts_with(&format!("`{file}` "))
    });
    let help = about.expect("a message about the file")["help"].as_array();
    help.expect("a list")
        .iter()
        .map(|help| help.as_str().expect("text").to_owned())
        .collect()
}

/// Does what a help says; false for one that says nothing to do.
fn follow(lab: &Path, help: &str) -> bool {
    let action = ["set `", "add `", "add to ", "write `", "remove `"]
        .iter()
        .filter_map(|word| help.find(&format!(", {word}")))
        .min();
    let Some(at) = action.filter(|_| help.starts_with("to keep ") || help.starts_with("or, "))
    else {
        return false;
    };
    let action = help[at + 2..]
        .split(" (this changes")
        .next()
        .expect("a part");
    if let Some(rest) = action.strip_prefix("add to ") {
        let (file, block) = rest.split_once(":\n").expect("a block");
        let path = lab.join(file);
        write(&path, &format!("{}\n{block}\n", read(&path)));
        return true;
    }
    let (what, place) = action.rsplit_once(" at ").expect("a place");
    let (file, line) = place.rsplit_once(':').expect("a line");
    let line: usize = line.parse().expect("a number");
    let path = lab.join(file);
    let mut lines: Vec<String> = read(&path).lines().map(str::to_owned).collect();
    edit(&mut lines, line - 1, what);
    write(&path, &(lines.join("\n") + "\n"));
    true
}

fn edit(lines: &mut Vec<String>, at: usize, what: &str) {
    let (verb, rest) = what.split_once(" `").expect("a verb");
    let rest = rest.strip_suffix('`').expect("it is quoted");
    match verb {
        "set" => {
            let (key, value) = rest.split_once(" = ").expect("a key and a value");
            lines[at] = set(&lines[at], key, value);
        }
        "write" => {
            let (new, old) = rest.split_once("` instead of `").expect("two values");
            assert!(lines[at].contains(old), "`{}` has no `{old}`", lines[at]);
            lines[at] = lines[at].replacen(old, new, 1);
        }
        "remove" => {
            assert_eq!(lines[at].trim(), rest);
            lines.remove(at);
        }
        "add" => {
            let (line, table) = rest.split_once("` to `").expect("a table");
            if table.starts_with('[') {
                assert_eq!(lines[at].trim(), table);
                lines.insert(at + 1, line.to_owned());
            } else {
                let end = lines[at].rfind('}').expect("an inline table");
                lines[at].insert_str(end, &format!(", {line} "));
            }
        }
        other => panic!("nobody knows how to {other}"),
    }
}

/// A line with another value for a key: what stands there is the shortest text that TOML reads as a value.
fn set(line: &str, key: &str, value: &str) -> String {
    let start = line.find(&format!("{key} = ")).expect("the key is there") + key.len() + 3;
    let rest = &line[start..];
    let end = (1..=rest.len())
        .filter(|end| rest.is_char_boundary(*end))
        .find(|end| {
            let ends = rest[*end..].is_empty() || rest[*end..].starts_with([',', ' ', '}']);
            ends && toml::de::DeTable::parse(&format!("x = {}", &rest[..*end])).is_ok()
        })
        .expect("a value");
    format!("{}{value}{}", &line[..start], &rest[end..])
}

/// One edit by hand, and what the advice says about it.
struct Case {
    name: &'static str,
    lab: &'static str,
    /// What is added to files of the lab before the tree is built.
    before: &'static [(&'static str, &'static str)],
    file: &'static str,
    edits: &'static [(&'static str, &'static str)],
    says: &'static str,
}

const WEB: &str = "out/apps/jellyfin/manifests/deployment-jellyfin.yaml";

const CASES: &[Case] = &[
    Case {
        name: "an input that the lab gives",
        lab: "workload",
        before: &[],
        file: WEB,
        edits: &[("jellyfin:10.11.3", "jellyfin:10.11.4")],
        says: "set `image = \"ghcr.io/jellyfin/jellyfin:10.11.4\"` at lab.toml:49",
    },
    Case {
        name: "the default of an input",
        lab: "workload",
        before: &[],
        file: WEB,
        edits: &[("replicas: 1", "replicas: 0")],
        says: "add `replicas = 0` to `[apps.jellyfin]`",
    },
    Case {
        name: "a part of the default of an input",
        lab: "workload",
        before: &[],
        file: WEB,
        edits: &[("memory: 64Mi", "memory: 128Mi")],
        says: "add `resources = { limits = { memory = \"1Gi\" }, requests = { cpu = \"10m\", memory = \"128Mi\" } }`",
    },
    Case {
        name: "an input that was not needed so far",
        lab: "workload",
        before: &[],
        file: WEB,
        edits: &[(
            "      securityContext:\n        fsGroup",
            "      nodeSelector:\n        disk: fast\n      securityContext:\n        fsGroup",
        )],
        says: "add `node_selector = { disk = \"fast\" }`",
    },
    Case {
        name: "a variable of the environment",
        lab: "workload",
        before: &[],
        file: WEB,
        edits: &[("value: UTC", "value: Europe/Berlin")],
        says: "set `TZ = \"Europe/Berlin\"` at lab.toml:54",
    },
    Case {
        name: "one more variable of the environment",
        lab: "workload",
        before: &[],
        file: WEB,
        edits: &[(
            "        - name: WORKERS\n",
            "        - name: UMASK\n          value: \"022\"\n        - name: WORKERS\n",
        )],
        says: "add `env.UMASK = \"022\"` to `[apps.jellyfin]`",
    },
    Case {
        name: "an integer that became text",
        lab: "workload",
        before: &[],
        file: WEB,
        edits: &[("value: \"4\"", "value: \"8\"")],
        says: "set `WORKERS = 8` at lab.toml",
    },
    Case {
        name: "a part of a host",
        lab: "workload",
        before: &[],
        file: "out/apps/jellyfin/manifests/ingress-jellyfin-web.yaml",
        edits: &[("jellyfin.example.org", "movies.example.org")],
        says: "set `host = \"movies\"`",
    },
    Case {
        name: "another host altogether",
        lab: "workload",
        before: &[],
        file: "out/apps/jellyfin/manifests/ingress-jellyfin-web.yaml",
        edits: &[("jellyfin.example.org", "movies.example.net")],
        says: "set `host = \"movies.example.net\"`",
    },
    Case {
        name: "a field of a trait's entry",
        lab: "workload",
        before: &[],
        file: "out/apps/jellyfin/manifests/persistentvolumeclaim-jellyfin-config.yaml",
        edits: &[("storage: 20Gi", "storage: 30Gi")],
        says: "set `size = \"30Gi\"`",
    },
    Case {
        name: "what only a patch says",
        lab: "workload",
        before: &[],
        file: WEB,
        edits: &[("revisionHistoryLimit: 3", "revisionHistoryLimit: 7")],
        says: "[[apps.jellyfin.patches]]\ntarget = { kind = \"Deployment\", name = \"jellyfin\" }\nmerge = { spec = { revisionHistoryLimit = 7 } }",
    },
    Case {
        name: "what only a patch takes away",
        lab: "workload",
        before: &[],
        file: WEB,
        edits: &[("  revisionHistoryLimit: 3\n", "")],
        says: "merge = { spec = { revisionHistoryLimit = \"${{ none }}\" } }",
    },
    Case {
        name: "a patch inside a list",
        lab: "workload",
        before: &[],
        file: WEB,
        edits: &[(
            "allowPrivilegeEscalation: false",
            "allowPrivilegeEscalation: true",
        )],
        says: "json = [{ op = \"replace\", path = \"/spec/template/spec/containers/0/securityContext/allowPrivilegeEscalation\", value = true }]",
    },
    Case {
        name: "one more item",
        lab: "workload",
        before: &[],
        file: "out/apps/jellyfin/manifests/service-jellyfin.yaml",
        edits: &[(
            "  ports:\n",
            "  ports:\n  - name: dlna\n    port: 1900\n    protocol: UDP\n    targetPort: 1900\n",
        )],
        says: "op = \"add\", path = \"/spec/ports/0\"",
    },
    Case {
        name: "two changes that one patch says",
        lab: "workload",
        before: &[],
        file: "out/apps/jellyfin/manifests/service-jellyfin.yaml",
        edits: &[
            (
                "metadata:\n",
                "metadata:\n  annotations:\n    example.org/owner: me\n",
            ),
            ("spec:\n", "spec:\n  internalTrafficPolicy: Local\n"),
        ],
        says: "merge = { metadata = { annotations = { \"example.org/owner\" = \"me\" } }, spec = { internalTrafficPolicy = \"Local\" } }",
    },
    Case {
        name: "a patch of the lab itself",
        lab: "patches",
        before: &[],
        file: "out/apps/web/manifests/deployment-web.yaml",
        edits: &[("replicas: 3", "replicas: 5")],
        says: "set `replicas = 5` at lab.toml",
    },
    Case {
        name: "a patch in a file of the lab",
        lab: "patches",
        before: &[],
        file: "out/apps/web/manifests/deployment-web.yaml",
        edits: &[("effect: NoSchedule", "effect: NoExecute")],
        says: "write `NoExecute` instead of `NoSchedule` at patches/tolerations.yaml:",
    },
    Case {
        name: "a value that the lab gives a chart",
        lab: "values",
        before: &[],
        file: "out/apps/homepage/values.yaml",
        edits: &[("replicas: 2", "replicas: 4")],
        says: "set `replicas = 4` at lab.toml",
    },
    Case {
        name: "a value in a file of the lab",
        lab: "values",
        before: &[],
        file: "out/apps/homepage/values.yaml",
        edits: &[("pullPolicy: IfNotPresent", "pullPolicy: Always")],
        says: "write `Always` instead of `IfNotPresent` at values/more.yaml:",
    },
    Case {
        name: "a value that follows from an input of the module",
        lab: "workload",
        before: &[],
        file: "out/infrastructure/longhorn/values.yaml",
        edits: &[("reclaimPolicy: Delete", "reclaimPolicy: Retain")],
        says: "add `reclaim = \"Retain\"` to `[infrastructure.longhorn]`",
    },
    Case {
        name: "a value that the chart did not have",
        lab: "workload",
        before: &[],
        file: "out/infrastructure/longhorn/values.yaml",
        edits: &[("defaultSettings:\n", "defaultSettings:\n  aaa: true\n")],
        says: "add `values.defaultSettings.aaa = true` to `[infrastructure.longhorn]`",
    },
    Case {
        name: "a value that the lab gives no more",
        lab: "explain",
        before: &[(
            "lab.toml",
            "\n[apps.extra]\nmodule = \"chart\"\nchart = { repository = \"https://charts.example.org\", name = \"extra\" }\nversion = \"1.0.0\"\nvalues.one = 1\nvalues.two = 2\n",
        )],
        file: "out/apps/extra/values.yaml",
        edits: &[("two: 2\n", "")],
        says: "remove `values.two = 2` at lab.toml:",
    },
    Case {
        name: "a version",
        lab: "workload",
        before: &[],
        file: "out/infrastructure/longhorn/application.yaml",
        edits: &[("targetRevision: 1.10.2", "targetRevision: 1.10.3")],
        says: "set `version = \"1.10.3\"`",
    },
    Case {
        name: "no automated sync",
        lab: "workload",
        before: &[],
        file: "out/apps/whoami/application.yaml",
        edits: &[(
            "    automated:\n      allowEmpty: false\n      prune: true\n      selfHeal: true\n",
            "",
        )],
        says: "add `suspend = true` to `[apps.whoami]`",
    },
    Case {
        name: "a label of a namespace",
        lab: "switches",
        before: &[],
        file: "out/infrastructure/namespaces/manifests/namespace-tools.yaml",
        edits: &[("team: platform", "team: tools")],
        says: "set `team = \"tools\"`",
    },
    Case {
        name: "one more label of a namespace",
        lab: "workload",
        before: &[],
        file: "out/infrastructure/namespaces/manifests/namespace-media.yaml",
        edits: &[("  labels:\n", "  labels:\n    example.org/team: tv\n")],
        says: "[namespaces.media]\nlabels.\"example.org/team\" = \"tv\"",
    },
    Case {
        name: "the pod security of a namespace",
        lab: "workload",
        before: &[],
        file: "out/infrastructure/namespaces/manifests/namespace-media.yaml",
        edits: &[(": restricted", ": baseline")],
        says: "[namespaces.media]\npod_security = \"baseline\"",
    },
    Case {
        name: "a range of addresses",
        lab: "workload",
        before: &[],
        file: "out/infrastructure/metallb/config/ipaddresspool-default.metallb.io.yaml",
        edits: &[("10.1.0.110", "10.1.0.120")],
        says: "write `\"10.1.0.100-10.1.0.120\"` instead of `\"10.1.0.100-10.1.0.110\"` at lab.toml:22",
    },
    Case {
        name: "a word of all machine configs",
        lab: "workload",
        before: &[],
        file: "out/talos/patches/all.yaml",
        edits: &[(
            "      - 10.1.0.0/24\n",
            "      - 10.1.0.0/24\n  sysctls:\n    net.core.somaxconn: \"1024\"\n",
        )],
        says: "[talos]\nsysctls = { \"net.core.somaxconn\" = \"1024\" }",
    },
    Case {
        name: "a system extension of all nodes",
        lab: "patches",
        before: &[],
        file: "out/talos/schematics/all.yaml",
        edits: &[(
            "customization: {}",
            "customization:\n    systemExtensions:\n        officialExtensions:\n            - siderolabs/iscsi-tools",
        )],
        says: "[talos]\nextensions = [\"iscsi-tools\"]",
    },
    Case {
        name: "a system extension of one node more",
        lab: "workload",
        before: &[],
        file: "out/talos/schematics/controlplane.yaml",
        edits: &[(
            "customization: {}",
            "customization:\n    systemExtensions:\n        officialExtensions:\n            - siderolabs/qemu-guest-agent",
        )],
        says: "add `extensions = [\"qemu-guest-agent\"]` to `nodes.cp-1`",
    },
    Case {
        name: "a value of a release of Flux",
        lab: "flux",
        before: &[],
        file: "out/infrastructure/longhorn/manifests/helmrelease-longhorn.helm.toolkit.fluxcd.io.yaml",
        edits: &[(
            "    persistence:\n",
            "    longhornUI:\n      replicas: 1\n    persistence:\n",
        )],
        says: "values.longhornUI",
    },
    Case {
        name: "the version of a release of Flux",
        lab: "flux",
        before: &[],
        file: "out/apps/podinfo/manifests/helmrelease-podinfo.helm.toolkit.fluxcd.io.yaml",
        edits: &[("version: 6.9.3+up1", "version: 6.9.4")],
        says: "set `version = \"6.9.4\"` at lab.toml:64",
    },
    Case {
        name: "a Kustomization of Flux that is suspended",
        lab: "flux",
        before: &[],
        file: "out/infrastructure/metallb/flux-config.yaml",
        edits: &[(
            "    name: flux-system\n",
            "    name: flux-system\n  suspend: true\n",
        )],
        says: "suspend = true",
    },
    Case {
        name: "the disk of a node",
        lab: "workload",
        before: &[],
        file: "out/talos/patches/nodes/worker-1.yaml",
        edits: &[("/dev/sda", "/dev/nvme0n1")],
        says: "set `disk = \"/dev/nvme0n1\"` at lab.toml:26",
    },
];

#[test]
fn the_advice_makes_the_edit_come_out() {
    for (number, case) in CASES.iter().enumerate() {
        let lab = copy_of(case.lab, &format!("case-{number}"));
        for (file, text) in case.before {
            let path = lab.join(file);
            let old = if path.exists() {
                read(&path)
            } else {
                String::new()
            };
            write(&path, &(old + text));
        }
        assert_eq!(build(&lab, &[]).0, 0, "{}: it builds before", case.name);
        let file = lab.join(case.file);
        for (old, new) in case.edits {
            replace(&file, old, new);
        }
        let edited = read(&file);
        let help = help(&lab, case.file);
        let all = help.join("\n");
        assert!(all.contains(case.says), "{}:\n{all}", case.name);
        let followed = help.iter().filter(|help| follow(&lab, help)).count();
        assert!(followed > 0, "{}:\n{all}", case.name);
        let (code, said) = build(&lab, &[]);
        assert_eq!(code, 0, "{}:\n{all}\n{said:#}", case.name);
        assert_eq!(read(&file), edited, "{}: the edit is there", case.name);
    }
    println!("advice: {} edits by hand kept by what it says", CASES.len());
}

#[test]
fn a_value_that_makes_several_places_says_so() {
    let lab = copy_of("workload", "several");
    replace(&lab.join(WEB), "containerPort: 8096", "containerPort: 8097");
    let help = help(&lab, WEB);
    assert!(
        help[0].contains("set `port = 8097` at lab.toml:50 (this changes "),
        "{help:#?}"
    );
    assert!(
        help[1]
            .starts_with("or, for this place alone, add to lab.toml:\n[[apps.jellyfin.patches]]"),
        "{help:#?}"
    );
    let edited = read(&lab.join(WEB));
    assert!(follow(&lab, &help[1]));
    assert_eq!(build(&lab, &[]).0, 0);
    assert_eq!(read(&lab.join(WEB)), edited);
}

#[test]
fn one_value_is_right_where_all_its_places_were_edited() {
    let lab = copy_of("workload", "everywhere");
    let service = "out/apps/whoami/manifests/service-whoami.yaml";
    let ingress = "out/apps/whoami/manifests/ingress-whoami.yaml";
    let deployment = "out/apps/whoami/manifests/deployment-whoami.yaml";
    let files = [service, ingress, deployment];
    let said = read(&lab.join("lab.toml"));
    write(
        &lab.join("lab.toml"),
        &said.replace("port = 80\n", "port = 8080\n"),
    );
    assert_eq!(build(&lab, &[]).0, 0);
    let wanted: Vec<String> = files.iter().map(|file| read(&lab.join(file))).collect();
    write(&lab.join("lab.toml"), &said);
    assert_eq!(build(&lab, &[]).0, 0);
    for (file, text) in files.iter().zip(&wanted) {
        write(&lab.join(file), text);
    }
    let help = help(&lab, deployment);
    assert!(
        help[0].ends_with("set `port = 8080` at lab.toml:42"),
        "{help:#?}"
    );
    assert!(follow(&lab, &help[0]));
    assert_eq!(build(&lab, &[]).0, 0);
}

#[test]
fn a_copy_is_changed_where_it_comes_from() {
    let lab = copy_of("workload", "copy");
    let toml = lab.join("lab.toml");
    write(
        &toml,
        &(read(&toml) + "\n[talos]\npatches = [\"talos/time.yaml\"]\n"),
    );
    let source = lab.join("talos/time.yaml");
    write(
        &source,
        "machine:\n  time:\n    bootTimeout: 2m0s # enough\n",
    );
    assert_eq!(build(&lab, &[]).0, 0);
    let copy = "out/talos/patches/all.01.yaml";
    replace(&lab.join(copy), "2m0s", "4m0s");
    let help = help(&lab, copy);
    assert!(
        help[0].contains("make it in `talos/time.yaml`"),
        "{help:#?}"
    );
    replace(&source, "2m0s", "4m0s");
    assert_eq!(build(&lab, &[]).0, 0);
}

/// Edits that nothing in `lab.toml` says: the file, what is changed, and what the help is.
const NO_ADVICE: &[(&str, &str, &str, &str)] = &[
    (
        WEB,
        "spec:\n  replicas",
        "spec: # mine\n  replicas",
        "the data is the same",
    ),
    (
        WEB,
        "metadata:\n",
        "metadata: {}\nmetadata:\n",
        "as a value, an input or a patch",
    ),
    (
        WEB,
        "kind: Deployment\n",
        "kind: Deployment\n---\nkind: More\n",
        "as a value, an input or a patch",
    ),
    (
        WEB,
        "kind: Deployment\n",
        "kind: DaemonSet\n",
        "`kind` cannot be kept: a patch cannot change `kind`",
    ),
    (
        "out/apps/jellyfin/manifests/service-jellyfin.yaml",
        "targetPort: main",
        "targetPort: web",
        "`spec.ports[0].targetPort` cannot be kept: ",
    ),
    (
        "out/apps/jellyfin/application.yaml",
        "sync-wave: \"0\"",
        "sync-wave: \"7\"",
        "labc knows nothing in lab.toml that would say `metadata.annotations.\"argocd.argoproj.io/sync-wave\"`",
    ),
    (
        "out/kustomization.yaml",
        "resources:\n",
        "resources:\n- mine.yaml\n",
        "labc knows nothing in lab.toml that would say `resources[0]`",
    ),
    (
        "out/README.md",
        "workload",
        "WORKLOAD",
        "labc writes this text itself",
    ),
    (
        "out/talos/apply.sh",
        "set -eu",
        "set -eux",
        "labc writes this text itself",
    ),
];

#[test]
fn what_nothing_says_is_not_advised() {
    for (number, (file, old, new, says)) in NO_ADVICE.iter().enumerate() {
        let lab = copy_of("workload", &format!("none-{number}"));
        replace(&lab.join(file), old, new);
        let edited = read(&lab.join(file));
        let help = help(&lab, file);
        let all = help.join("\n");
        assert!(all.contains(says), "{file}: {all}");
        assert!(all.contains("`labc build --force`"), "{file}: {all}");
        let before = read(&lab.join("lab.toml"));
        assert!(!help.iter().any(|help| follow(&lab, help)), "{file}: {all}");
        assert_eq!(read(&lab.join("lab.toml")), before);
        assert_eq!(read(&lab.join(file)), edited, "{file} is as it was");
        assert_eq!(build(&lab, &["--force"]).0, 0, "{file}");
    }
}

#[test]
fn a_tree_edited_all_over_is_answered_soon() {
    let lab = copy_of("workload", "all-over");
    let mut edited = 0;
    let mut folders = vec![lab.join("out")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("it can be listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = read(&path);
                write(&path, &(text.replace("name: ", "name: x-") + "# more\n"));
                edited += 1;
            }
        }
    }
    let (code, said) = build(&lab, &[]);
    assert_eq!(code, 3);
    let refused = said["diagnostics"].as_array().expect("diagnostics").len();
    assert!(refused >= edited, "{refused} messages about {edited} files");
}
