//! Pull requests that have nothing to do with each other, merged by the real git: how often they meet in the lock, and
//! whether a merge without a conflict is ever a tree that its sources do not make.
//!
//! `LABC_PULLS=400 cargo test --test pulls -- --nocapture` counts as many pairs as the README promises.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the binary and git in folders of its own"
)]

mod lab_repository;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use lab_repository::{Repository, folder, has_git};

/// Pairs that are merged in every run of the tests.
const PAIRS: usize = 20;

/// Of a hundred pairs, at most so many meet in the lock.
const MOST: usize = 6;

/// Pull requests of each kind that pairs are drawn from.
const EACH: usize = 12;

/// Components whose names spread over the alphabet, as those of real labs do.
const NAMES: [&str; 40] = [
    "actual",
    "atuin",
    "autobrr",
    "bazarr",
    "calibre",
    "commafeed",
    "cyberchef",
    "emby",
    "esphome",
    "firefly",
    "fusion",
    "gatus",
    "ghost",
    "grocy",
    "hajimari",
    "homepage",
    "immich",
    "jellyfin",
    "kavita",
    "komga",
    "linkding",
    "mealie",
    "memos",
    "minio",
    "miniflux",
    "n8n",
    "navidrome",
    "ntfy",
    "paperless",
    "pinchflat",
    "plex",
    "prowlarr",
    "qbittorrent",
    "radarr",
    "recyclarr",
    "sabnzbd",
    "sonarr",
    "tautulli",
    "vaultwarden",
    "zigbee",
];

/// Names that nobody has yet.
const NEW: [&str; EACH] = [
    "archivebox",
    "baikal",
    "changedetection",
    "dozzle",
    "freshrss",
    "guacamole",
    "it-tools",
    "kopia",
    "monica",
    "overseerr",
    "stirling",
    "wallos",
];

const BASE: &str = r#"[lab]
format = 1
name = "pulls"
domain = "example.org"
engine = "ENGINE"

[repository]
url = "https://git.example.org/lab.git"
branch = "main"

[cluster]
talos = "v1.12.4"
contract = "v1.12"
kubernetes = "v1.35.0"

[network]
nodes = "10.1.0.0/24"
gateway = "10.1.0.1"
load_balancer = ["10.1.0.100-10.1.0.120"]

[nodes]
cp-1 = { role = "controlplane", address = "10.1.0.10", disk = "/dev/sda" }
worker-1 = { role = "worker", address = "10.1.0.21", disk = "/dev/sda" }

[infrastructure.cert-manager]
version = "v1.19.6"

[infrastructure.longhorn]
version = "1.10.2"

[infrastructure.metallb]
version = "0.15.3"

[infrastructure.traefik]
version = "38.0.2"
address = "10.1.0.100"
"#;

/// What a pull request does to the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Another version.
    Bump,
    /// Another host, port and volume, and an environment.
    Rework,
    /// Another component.
    Add,
    /// A component less.
    Delete,
}

const KINDS: [Kind; 4] = [Kind::Bump, Kind::Rework, Kind::Add, Kind::Delete];

/// A pull request, which is a branch of its name.
#[derive(Clone, Debug)]
struct Pull {
    kind: Kind,
    component: String,
}

impl Pull {
    fn branch(&self) -> String {
        format!("{:?}-{}", self.kind, self.component).to_lowercase()
    }

    /// The lab with this change.
    fn change(&self, apps: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut apps = apps.clone();
        let name = &self.component;
        match self.kind {
            Kind::Bump => {
                let text = apps[name]
                    .replace(":1.0.", ":1.1.")
                    .replace("version = \"1.10.2\"", "version = \"1.10.3\"");
                apps.insert(name.clone(), text);
            }
            Kind::Rework => {
                let text = apps[name]
                    .replace("port = 8", "port = 9")
                    .replace("expose = \"", "expose = \"new-")
                    .replace("\"1Gi\"", "\"2Gi\"");
                apps.insert(
                    name.clone(),
                    text + "env.LOG_LEVEL = \"debug\"\nreplicas = 1\n",
                );
            }
            Kind::Add => {
                apps.insert(name.clone(), app(name, 99));
            }
            Kind::Delete => {
                apps.remove(name);
            }
        }
        apps
    }
}

/// Five files, or six where the namespace is its own.
fn app(name: &str, number: usize) -> String {
    let namespace = match number % 5 {
        0 => name,
        1 | 2 => "media",
        _ => "home",
    };
    format!(
        "\n[apps.{name}]\nmodule = \"workload\"\nnamespace = \"{namespace}\"\n\
         image = \"ghcr.io/example/{name}:1.0.{number}\"\nport = {}\nexpose = \"{name}\"\n\
         storage.data = {{ size = \"1Gi\", mount = \"/data\" }}\n",
        8000 + number
    )
}

fn lab(engine: &str, apps: &BTreeMap<String, String>) -> String {
    let gitops = match engine {
        "argocd" => "\n[infrastructure.argocd]\nversion = \"9.7.1\"\n",
        _ => "\n[infrastructure.flux]\nversion = \"0.49.0\"\n",
    };
    let mut text = BASE.replace("ENGINE", engine) + gitops;
    for app in apps.values() {
        text.push_str(app);
    }
    text
}

/// The same numbers in every run: a linear congruence.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

/// Pull requests of every kind, no two of one component and kind.
fn pulls(chance: &mut Chance) -> Vec<Pull> {
    let mut pulls = Vec::new();
    for kind in KINDS {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        while names.len() < EACH {
            names.insert(match kind {
                Kind::Add => NEW[chance.below(NEW.len())],
                _ => NAMES[chance.below(NAMES.len())],
            });
        }
        pulls.extend(names.into_iter().map(|name| Pull {
            kind,
            component: name.to_owned(),
        }));
    }
    pulls
}

/// What became of the pairs.
#[derive(Debug, Default)]
struct Count {
    /// Those whose sources merge: others are not disjoint, and need a person whatever the lock looks like.
    pairs: usize,
    clean: usize,
    in_source: usize,
    in_lock: usize,
    in_tree: BTreeMap<String, usize>,
    wrong: Vec<String>,
    kinds: BTreeMap<(Kind, Kind), usize>,
}

impl Count {
    /// Merges two branches; what a merge without a conflict made is checked as it is.
    fn merge(&mut self, repository: &Repository, left: &Pull, right: &Pull) {
        let branches = [left.branch(), right.branch()];
        let merge = [
            "merge-tree",
            "--write-tree",
            "--name-only",
            "--no-messages",
            &branches[0],
            &branches[1],
        ];
        let merged = repository.try_git(&merge);
        let mut lines = merged.out.lines();
        let tree = lines.next().expect("a tree");
        let files: Vec<&str> = lines.collect();
        match merged.code {
            0 => self.check(repository, tree, &branches),
            1 if files.contains(&"lab.toml") => {
                self.in_source += 1;
                return;
            }
            1 => self.conflicts(&files, (left.kind, right.kind)),
            code => panic!("git merge-tree ended with {code}: {}", merged.said),
        }
        self.pairs += 1;
    }

    fn check(&mut self, repository: &Repository, tree: &str, branches: &[String; 2]) {
        self.clean += 1;
        repository.git(&["read-tree", "--reset", "-u", tree]);
        let checked = repository.labc(&["check"]);
        if checked.code != 0 {
            self.wrong.push(format!("{branches:?}: {}", checked.said));
        }
    }

    fn conflicts(&mut self, files: &[&str], kinds: (Kind, Kind)) {
        if files.contains(&"lab.lock") {
            self.in_lock += 1;
            *self.kinds.entry(kinds.min((kinds.1, kinds.0))).or_default() += 1;
        }
        for file in files.iter().filter(|file| file.starts_with("out/")) {
            *self.in_tree.entry((*file).to_owned()).or_default() += 1;
        }
    }

    fn tell(&self, engine: &str) {
        let mut text = format!(
            "{engine}: {} disjoint pairs, {} clean, {} conflicts in lab.lock, {} clean and wrong; {} other pairs, with a \
             conflict in lab.toml\n",
            self.pairs,
            self.clean,
            self.in_lock,
            self.wrong.len(),
            self.in_source
        );
        for (file, count) in &self.in_tree {
            writeln!(text, "  {count} in {file}").expect("a string takes it");
        }
        for (kinds, count) in &self.kinds {
            writeln!(text, "  in the lock, {kinds:?}: {count}").expect("a string takes it");
        }
        println!("{text}");
    }
}

fn count(engine: &str, wanted: usize) -> Count {
    let mut chance = Chance(2026);
    let apps = NAMES.iter().enumerate();
    let apps: BTreeMap<String, String> = apps
        .map(|(number, name)| ((*name).to_owned(), app(name, number)))
        .collect();
    let root = folder(&format!("pulls-{engine}"));
    let repository = Repository::new(root, &[("lab.toml", &lab(engine, &apps))]);
    let files = repository.git(&["ls-files", "out"]).lines().count();
    assert!(files >= 200, "{files} outputs");
    let pulls = pulls(&mut chance);
    let mut made = BTreeSet::new();
    let mut make = |pull: &Pull| {
        if made.insert(pull.branch()) {
            repository.git(&[
                "checkout",
                "--quiet",
                "--force",
                "-b",
                &pull.branch(),
                "main",
            ]);
            repository.write("lab.toml", &lab(engine, &pull.change(&apps)));
            repository.build();
            repository.commit(&pull.branch());
        }
    };
    let mut count = Count::default();
    while count.pairs < wanted {
        let (left, right) = (
            &pulls[chance.below(pulls.len())],
            &pulls[chance.below(pulls.len())],
        );
        if left.component != right.component {
            make(left);
            make(right);
            count.merge(&repository, left, right);
        }
    }
    count.tell(engine);
    fs::remove_dir_all(&repository.root).expect("the folder can be removed");
    count
}

#[test]
fn disjoint_pull_requests_merge() {
    if !has_git() {
        return;
    }
    let wanted = std::env::var("LABC_PULLS").ok();
    let (wanted, engines) = match wanted {
        Some(wanted) => (
            wanted.parse().expect("a number"),
            ["argocd", "flux"].as_slice(),
        ),
        None => (PAIRS, ["argocd"].as_slice()),
    };
    for engine in engines {
        let count = count(engine, wanted);
        assert_eq!(
            count.wrong,
            Vec::<String>::new(),
            "clean, and not what the sources make"
        );
        assert!(
            count.in_lock * 100 <= count.pairs * MOST,
            "{} of {} pairs conflict in the lock",
            count.in_lock,
            count.pairs
        );
    }
}
