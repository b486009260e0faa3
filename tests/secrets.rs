//! Secrets in every place that holds one, and in labs that do not compile: nothing that labc prints shows one of them, in no format
//! and no encoding.

#![allow(
    clippy::disallowed_methods,
    reason = "a test runs the binary and git in folders of its own"
)]

mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use labc::diag::report::{self, Colour};
use labc::diff::show::markdown::Options;
use labc::diff::show::{Report, Side, html, json, markdown, text};
use labc::diff::{Base, Committed, Drift, Made, diff};
use labc::emit::emit;
use labc::explain::{self, Place, explain};
use labc::overview::{self, overview};
use labc::world::World;
use labc::{Compiled, compile};
use pages::root;

/// What stands for a secret where one is planted.
const HERE: &str = "CANARY";

/// Every format of `labc diff`; the first two are those of every command.
const FORMATS: [&str; 4] = ["text", "json", "markdown", "html"];

/// A part of the tree in which every value of the planted app stands.
const PLANTED: &str = "out/apps/planted/application.yaml:spec.sources";

/// Fields of objects, each below a key of its own.
const OBJECTS: [&str; 34] = [
    "{kind: Secret, data: {a: CANARY}}",
    "{kind: Secret, stringData: {a: CANARY}}",
    "{kind: Secret, stringData: {a: \"one\\nCANARY\\n\"}}",
    "{kind: Secret, data: {.dockerconfigjson: CANARY}}",
    "{kind: List, items: [{kind: Secret, data: {a: CANARY}}]}",
    "{annotations: {kubectl.kubernetes.io/last-applied-configuration: '{\"kind\":\"Secret\",\"data\":{\"a\":\"CANARY\"}}'}}",
    "{annotations: {kubectl.kubernetes.io/last-applied-configuration: '{\"kind\":\"Secret\",\"data\":{\"a\":\"CANARY\"'}}",
    "{kind: ConfigMap, data: {x.yaml: \"kind: Secret\\nstringData:\\n  a: CANARY\\n\"}}",
    "{kind: ConfigMap, data: {x.yaml: \"kind: Secret\\nstringData:\\n  a: |\\n    CANARY\\n\"}}",
    "{kind: ConfigMap, data: {x.json: '{\"items\":[{\"kind\":\"Secret\",\"data\":{\"a\":\"CANARY\"}}]}'}}",
    "{kind: ConfigMap, data: {DB_PASSWORD: CANARY}}",
    "{kind: ConfigMap, data: {run.sh: \"cat <<E\\n-----BEGIN PRIVATE KEY-----\\nCANARY\\n-----END PRIVATE KEY-----\\nE\\n\"}}",
    "{kind: ConfigMap, data: {app.env: \"A=b\\nDB_PASSWORD=CANARY\\n\"}}",
    "{kind: ConfigMap, data: {.dockerconfigjson: CANARY}}",
    "{kind: ConfigMap, data: {config.json: '{\"auths\":{\"ghcr.io\":{\"auth\":\"CANARY\"}}}'}}",
    "{env: [{name: DB_PASSWORD, value: CANARY}]}",
    "{env: [{name: CF_API_TOKEN, value: CANARY}]}",
    "{env: [{name: URL, value: 'postgres://me:CANARY@db/x'}]}",
    "{args: ['--password', CANARY]}",
    "{args: ['--admin-token=CANARY']}",
    "{command: [sh, -c, 'curl -H \"Authorization: Bearer CANARY\" x']}",
    "{spec: {values: {auth: {adminPassword: CANARY}}}}",
    "{spec: {values: {extraObjects: [{kind: Secret, stringData: {a: CANARY}}]}}}",
    "{spec: {values: {extra: \"kind: Secret\\nstringData: {a: CANARY}\\n\"}}}",
    "{headers: [{name: Authorization, value: 'Basic CANARY'}]}",
    "{text: 'AGE-SECRET-KEY-1CANARY'}",
    "{text: 'ghp_CANARY'}",
    "{repoURL: 'https://CANARY@github.com/x/y'}",
    "{json: '{\"k\": \"-----BEGIN EC PRIVATE KEY-----\\nCANARY\\n-----END EC PRIVATE KEY-----\"}'}",
    "{users: [{user: {client-key-data: CANARY, token: t}}]}",
    "{target: {kind: Secret}, patches: [{op: add, path: /data/a, value: CANARY}]}",
    "{op: add, path: /spec/values/password, value: CANARY}",
    "{secretGenerator: [{name: x, literals: ['a=CANARY']}]}",
    "{sops: {mac: 'ENC[AES256_GCM,data:CANARY,type:str]'}}",
];

/// Fields of machine configs.
const MACHINES: [&str; 18] = [
    "{machine: {token: CANARY}}",
    "{machine: {ca: {crt: x, key: CANARY}}}",
    "{cluster: {token: CANARY}}",
    "{cluster: {secret: CANARY}}",
    "{cluster: {ca: {crt: x, key: CANARY}}}",
    "{cluster: {aggregatorCA: {crt: x, key: CANARY}}}",
    "{cluster: {serviceAccount: {key: CANARY}}}",
    "{cluster: {etcd: {ca: {crt: x, key: CANARY}}}}",
    "{cluster: {aescbcEncryptionSecret: CANARY}}",
    "{cluster: {secretboxEncryptionSecret: CANARY}}",
    "{registries: {config: {ghcr.io: {auth: {password: CANARY}}}}}",
    "{registries: {config: {ghcr.io: {auth: {auth: CANARY}}}}}",
    "{registries: {config: {ghcr.io: {auth: {identityToken: CANARY}}}}}",
    "{wireguard: {privateKey: CANARY}}",
    "{wireguard: {peers: [{publicKey: x, presharedKey: CANARY}]}}",
    "{keys: [{slot: 0, static: {passphrase: CANARY}}]}",
    "{env: {https_proxy: 'http://me:CANARY@proxy:3128'}}",
    "{apiUrl: 'https://link.example.org/?jointoken=CANARY'}",
];

/// Lines of scripts and documents.
const TEXTS: [&str; 9] = [
    "export DB_PASSWORD=CANARY",
    "login --user me --password CANARY host",
    "curl -H 'Authorization: Bearer CANARY' host",
    "git clone https://me:CANARY@example.org/x.git",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY\n-----END OPENSSH PRIVATE KEY-----",
    "kind: Secret\nstringData:\n  a: CANARY\n---",
    "kind: Secret\n<<<<<<< ours\ndata:\n  a: x\n=======\n  b: CANARY\n>>>>>>> theirs\n---",
    "the password: CANARY",
    "token = \"glpat-CANARY\"",
];

/// The secret of a place: letters that no other text has.
fn canary(number: usize) -> String {
    format!("Qz{number:02}w8XkVt{number:02}Jr5mLp")
}

/// Plants as many secrets as there are places, numbered from the first.
fn planted(places: &[&str], first: usize) -> Vec<String> {
    let places = places.iter().enumerate();
    places
        .map(|(index, place)| place.replace(HERE, &canary(first + index)))
        .collect()
}

fn objects() -> Vec<String> {
    planted(&OBJECTS, 0)
}

fn machines() -> Vec<String> {
    planted(&MACHINES, OBJECTS.len())
}

fn texts() -> Vec<String> {
    planted(&TEXTS, OBJECTS.len() + MACHINES.len())
}

/// Secrets that are planted in trees; those of sources follow.
const IN_TREES: usize = OBJECTS.len() + MACHINES.len() + TEXTS.len();

/// Every way in which a secret could be told.
fn encodings(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let reversed: String = secret.chars().rev().collect();
    let mut all = vec![secret.to_owned(), hex.to_uppercase(), hex, url, reversed];
    // In the middle of other text its base64 begins at one of three places.
    all.extend((0..3).map(|shift| {
        let padded = format!("{}{secret}", &"\0\0"[..shift]);
        let text = base64(padded.as_bytes());
        text[(shift * 4).div_ceil(3)..text.len() - 4].to_owned()
    }));
    all
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let of_three = |three: &[u8]| -> String {
        let bits = (0..3).fold(0_u32, |bits, at| {
            bits << 8 | u32::from(three.get(at).copied().unwrap_or_default())
        });
        let letter = |at: usize| LETTERS[(bits >> (18 - 6 * at) & 63) as usize] as char;
        let letters = (0..4).map(|at| if at > three.len() { '=' } else { letter(at) });
        letters.collect()
    };
    bytes.chunks(3).map(of_three).collect()
}

/// The secrets, by their numbers, that a text shows.
fn shown(text: &str, numbers: std::ops::Range<usize>) -> Vec<usize> {
    let is_shown = |number: &usize| {
        encodings(&canary(*number))
            .iter()
            .any(|encoded| text.contains(encoded))
    };
    numbers.filter(is_shown).collect()
}

/// The files of a tree with secrets in them, as a hand would have put them there.
fn hand_edited(tree: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut edited = BTreeMap::new();
    let below = |values: Vec<String>, name: &str| -> String {
        let lines = values.iter().enumerate();
        lines
            .map(|(index, value)| format!("{name}{index}: {value}\n"))
            .collect()
    };
    let mut add = |is: &dyn Fn(&str) -> bool, more: String| {
        let (path, text) = tree
            .iter()
            .find(|(path, _)| is(path) && !edited.contains_key(*path))
            .expect("the tree has such a file");
        edited.insert(path.clone(), format!("{text}{more}"));
    };
    add(
        &|path| path.contains("/manifests/"),
        below(objects(), "planted"),
    );
    add(
        &|path| path == "out/talos/patches/all.yaml",
        below(machines(), "planted"),
    );
    let texts = texts();
    add(&|path| path == "out/README.md", texts.join("\n") + "\n");
    add(&|path| path.ends_with(".sh"), texts.join("\n") + "\n");
    // A file that is no YAML any more is compared as text.
    add(
        &|path| path.contains("/manifests/"),
        texts.join("\n") + "\n\t: [\n",
    );
    edited
}

fn tree(folder: &Path) -> BTreeMap<String, String> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).expect("a folder can be listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                let name = path.strip_prefix(root).expect("it is below");
                let text = fs::read_to_string(&path).expect("it is text");
                found.insert(name.to_string_lossy().into_owned(), text);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, &folder.join("out"), &mut found);
    found
}

/// A new folder with a lab.
fn lab(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("secrets-{name}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder can be removed");
    }
    fs::create_dir_all(&folder).expect("a folder can be made");
    let lab = fs::read_to_string(root().join("tests/diff/nostramo.toml")).expect("a lab");
    fs::write(folder.join("lab.toml"), lab).expect("it can be written");
    folder
}

/// What is written behind a value that is allowed.
const ALLOWED: &str = " # labc: not-a-secret";

/// A lab whose chart and workload have every secret in their values; and what is behind each line of them.
fn lab_with_values(name: &str, behind: &str) -> PathBuf {
    let folder = lab(name);
    let mut values = String::new();
    for (index, value) in [objects(), machines()].concat().iter().enumerate() {
        values += &format!("planted{index}: {value}{behind}\n");
    }
    for (index, text) in texts().iter().enumerate() {
        values += &format!("text{index}: |\n");
        for line in text.lines() {
            values += &format!("  {line}{behind}\n");
        }
    }
    fs::create_dir(folder.join("values")).expect("a folder can be made");
    fs::write(folder.join("values/planted.yaml"), values).expect("it can be written");
    let [token, password] = [IN_TREES, IN_TREES + 1].map(canary);
    let more = format!(
        r#"
[apps.planted]
module = "chart"
chart = {{ repository = "https://charts.example.org", name = "planted" }}
version = "1.0.0"
values_files = ["values/planted.yaml"]

[apps.patched]
module = "workload"
image = "ghcr.io/example/patched:v1.0.0"
env.API_TOKEN = "{token}"

[[apps.patched.patches]]
target = {{ kind = "Deployment" }}
merge = {{ metadata = {{ annotations = {{ "example.org/token" = "{password}" }} }} }}{behind}
"#
    );
    let lab = fs::read_to_string(folder.join("lab.toml")).expect("the lab");
    fs::write(folder.join("lab.toml"), lab + &more).expect("it can be written");
    folder
}

/// Secrets of such a lab: those of its values, and the two of its workload.
const IN_VALUES: usize = IN_TREES + 2;

fn compiled(folder: &Path) -> Compiled {
    let world = World::open(folder).expect("the folder is there");
    compile(&world).expect("it can be read")
}

/// What a command prints, on both streams.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_labc"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    assert_ne!(output.status.code(), Some(101), "labc {arguments:?}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
        .args(arguments)
        .current_dir(folder)
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ])
        .stdout(Stdio::null())
        .status()
        .expect("git runs");
    assert!(status.success(), "git {arguments:?}");
}

/// In every format, from the library: what is committed holds the secrets, and what is compiled does not.
#[test]
fn no_format_shows_a_secret_of_a_tree() {
    let folder = lab("formats");
    let world = World::open(folder.clone()).expect("the folder is there");
    let compiled = labc::compile(&world).expect("it can be read");
    let product = compiled.product.as_ref().expect("it compiles");
    let outputs = emit(&product.tree);
    let made = Made {
        lab: &product.lab,
        sources: &compiled.sources,
        tree: &product.tree,
        outputs: &outputs,
    };
    let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let files = outputs
        .iter()
        .map(|output| (output.path.clone(), text_of(&output.bytes)));
    let edited = hand_edited(&files.collect());
    let committed = Committed {
        drift: edited
            .keys()
            .map(|path| (path.clone(), Drift::HandEdit))
            .collect(),
        other: edited
            .into_iter()
            .map(|(path, text)| (path, Some(text.into_bytes())))
            .collect(),
    };
    let base = Base {
        made: Some(made),
        committed: Some(committed),
    };
    let diff = diff(&base, made);
    let side = |name: &str| Side {
        name: name.to_owned(),
        ..Side::default()
    };
    let report = Report {
        base: side("base"),
        target: side("target"),
        diff: Some(&diff),
        acknowledged: Vec::new(),
    };
    let formats = [
        ("text", text(&report, Colour::No)),
        ("json", json(&report).to_string()),
        ("markdown", markdown(&report, Options::default())),
        ("html", html(&report)),
    ];
    for (name, shown_as) in &formats {
        assert_eq!(
            shown(shown_as, 0..IN_TREES),
            [0; 0],
            "{name} shows them:\n{shown_as}"
        );
    }
    // They were there to be seen: each is a field of its own, with a word in its place.
    let (_, data) = &formats[1];
    for (name, places) in [("planted", OBJECTS.len()), ("planted", MACHINES.len())] {
        for index in 0..places {
            assert!(
                data.contains(&format!("\"path\":\"{name}{index}\"")),
                "{name}{index}"
            );
        }
    }
    let words = data.matches("(secret").count() + data.matches("(encrypted").count();
    let fields = OBJECTS.len() + MACHINES.len();
    assert!(words >= fields, "{words} words stand for {fields} secrets");
    for (name, shown_as) in &formats {
        assert!(shown_as.contains("(secret"), "{name} tells of no secret");
    }
}

/// The same by the binary, with what `check` and `build` say of such a tree.
#[test]
fn no_command_shows_a_secret_of_a_tree() {
    let folder = lab("commands");
    printed(&folder, &["build"]);
    git(&folder, &["init", "--quiet", "-b", "main"]);
    git(&folder, &["add", "--all"]);
    git(&folder, &["commit", "--quiet", "-m", "clean"]);
    for (path, text) in hand_edited(&tree(&folder)) {
        fs::write(folder.join(path), text).expect("it can be written");
    }
    git(&folder, &["add", "--all"]);
    git(&folder, &["commit", "--quiet", "-m", "planted"]);
    let mut differ = 0;
    for (arguments, formats) in [
        (&["diff", "HEAD"][..], &FORMATS[..]),
        (&["diff", "HEAD~1..HEAD"], &FORMATS),
        (&["diff", "HEAD..HEAD~1"], &FORMATS),
        (&["check"], &FORMATS[..2]),
        (&["build"], &FORMATS[..2]),
    ] {
        for format in formats {
            let arguments = [arguments, &["--format", format]].concat();
            let said = printed(&folder, &arguments);
            assert_eq!(
                shown(&said, 0..IN_TREES),
                [0; 0],
                "labc {arguments:?}:\n{said}"
            );
            differ += usize::from(said.contains("(secret"));
        }
    }
    assert!(differ >= 8, "{differ} of the commands tell of secrets");
}

/// Secrets in sources: of a lab that compiles because they are allowed, and of labs that do not compile at all.
#[test]
fn no_command_shows_a_secret_of_the_sources() {
    let places = [
        (
            "values.auth.adminPassword = \"CANARY\" # labc: not-a-secret\n",
            true,
        ),
        (
            "values.url = \"postgres://me:CANARY@db/x\" # labc: not-a-secret\n",
            true,
        ),
        (
            "values.extra = [{ name = \"DB_PASSWORD\", value = \"CANARY\" }]\n",
            true,
        ),
        (
            "values.raw = \"kind: Secret\\nstringData:\\n  a: CANARY\\n\"\n",
            true,
        ),
        ("values.password = \"CANARY\"\n", false),
        ("values.password = \"CANARY\nvalues.x = 1\n", false),
        ("version = \"https://me:CANARY@host/\"\n", true),
        ("namespace = \"ghp_CANARY\"\n", false),
        ("values.token = \"glpat-CANARY\" oops\n", false),
        ("values = { password = \"CANARY\", x = }\n", false),
        (
            "values.key = \"-----BEGIN PRIVATE KEY-----CANARY-----END PRIVATE KEY-----\" ]\n",
            false,
        ),
        ("values.password = \"${{ vars.none }}CANARY\"\n", false),
    ];
    let folder = lab("sources");
    let clean = fs::read_to_string(folder.join("lab.toml")).expect("the lab");
    let app = "\n[apps.planted]\nmodule = \"chart\"\nchart = { repository = \"https://charts.example.org\", name = \"planted\" }\n";
    let with = |place: &str| {
        let version = if place.starts_with("version") {
            ""
        } else {
            "version = \"1.0.0\"\n"
        };
        format!("{clean}{app}{version}{place}")
    };
    fs::write(folder.join("lab.toml"), with("values.a = 1\n")).expect("it can be written");
    printed(&folder, &["build"]);
    git(&folder, &["init", "--quiet", "-b", "main"]);
    git(&folder, &["add", "--all"]);
    git(&folder, &["commit", "--quiet", "-m", "clean"]);
    for (index, (place, compiles)) in places.iter().enumerate() {
        let number = IN_TREES + index;
        let planted = with(&place.replace(HERE, &canary(number)));
        fs::write(folder.join("lab.toml"), planted).expect("it can be written");
        let mut told = 0;
        for (command, formats) in [
            (&["diff", "HEAD"][..], &FORMATS[..]),
            (&["check"], &FORMATS[..2]),
            (&["build"], &FORMATS[..2]),
            (&["show"], &FORMATS[..2]),
            (&["explain", PLANTED], &FORMATS[..2]),
        ] {
            for format in formats {
                let arguments = [command, &["--format", format]].concat();
                let said = printed(&folder, &arguments);
                assert_eq!(
                    shown(&said, number..number + 1),
                    [0; 0],
                    "labc {arguments:?} of {place}:\n{said}"
                );
                told += usize::from(said.contains("planted") || said.contains("error"));
            }
        }
        assert!(told > 1, "{place} is not told of");
        let said = printed(&folder, &["check"]);
        assert_eq!(
            !said.contains("error[L0") || said.contains("L10"),
            *compiles,
            "{place}:\n{said}"
        );
        git(&folder, &["checkout", "--quiet", "--", "."]);
    }
}

/// Why a line is there, of every line that holds a secret: the line itself, what made it, and the document around it.
#[test]
fn no_story_shows_a_secret() {
    let folder = lab_with_values("stories", ALLOWED);
    let compiled = compiled(&folder);
    let said = report::text(&compiled.diagnostics, &compiled.sources, Colour::No);
    assert!(!compiled.diagnostics.has_errors(), "{said}");
    let product = compiled.product.as_ref().expect("it compiles");
    let mut told: BTreeSet<usize> = BTreeSet::new();
    for (file, output) in product.tree.files.iter().zip(emit(&product.tree)) {
        let text = String::from_utf8_lossy(&output.bytes).into_owned();
        let mut places: Vec<Place> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let here = shown(line, 0..IN_VALUES);
            if !here.is_empty() {
                places.push(Place::Line(index + 1));
                told.extend(here);
            }
        }
        if !places.is_empty() {
            places.extend(["metadata", "spec"].map(|path| Place::Path(path.to_owned())));
        }
        for place in places {
            let Ok(story) = explain(file, &place, &compiled.sources) else {
                assert!(matches!(place, Place::Path(_)), "{}: {place:?}", file.path);
                continue;
            };
            let text = explain::text(&story, &compiled.sources, Colour::No);
            let json = explain::json(&story, &compiled.sources).to_string();
            for said in [&text, &json] {
                assert_eq!(
                    shown(said, 0..IN_VALUES),
                    [0; 0],
                    "{}: {place:?}:\n{said}",
                    file.path
                );
            }
            assert!(
                json.contains("(secret") || json.contains("(encrypted"),
                "{}: {place:?} tells of no secret:\n{json}",
                file.path
            );
        }
    }
    let all: BTreeSet<usize> = (0..IN_VALUES).collect();
    assert_eq!(told, all, "every secret is in the tree");
}

#[test]
fn no_overview_shows_a_secret() {
    let folder = lab_with_values("overview", ALLOWED);
    let lab = fs::read_to_string(folder.join("lab.toml")).expect("the lab");
    let [user, token] = [IN_VALUES, IN_VALUES + 1].map(canary);
    let lab = lab.replace(
        "repository = \"https://charts.example.org\"",
        &format!("repository = \"https://me:{user}@charts.example.org\""),
    );
    let lab = lab.replace(
        "version = \"1.0.0\"",
        &format!("version = \"1.0.0-glpat-{token}\"{ALLOWED}"),
    );
    fs::write(folder.join("lab.toml"), lab).expect("it can be written");
    let compiled = compiled(&folder);
    let said = report::text(&compiled.diagnostics, &compiled.sources, Colour::No);
    let product = compiled.product.as_ref().expect("it compiles");
    let facts = overview(&product.lab, &product.linked, &product.tree.nodes);
    for said in [
        said,
        overview::text(&facts),
        overview::json(&facts).to_string(),
    ] {
        assert_eq!(shown(&said, 0..IN_VALUES + 2), [0; 0], "{said}");
    }
    let data = overview::json(&facts).to_string();
    assert!(
        data.contains("https://(secret 2)@charts.example.org"),
        "{data}"
    );
    assert!(data.contains("1.0.0-(secret)"), "{data}");
}

/// What is complained about: as many messages as there are secrets that are certain, and none of them shows one.
#[test]
fn no_message_shows_a_secret() {
    let folder = lab_with_values("messages", "");
    let compiled = compiled(&folder);
    let text = report::text(&compiled.diagnostics, &compiled.sources, Colour::No);
    let json = report::json(&compiled.diagnostics, &compiled.sources).to_string();
    for said in [&text, &json] {
        assert_eq!(shown(said, 0..IN_VALUES), [0; 0], "{said}");
    }
    let complaints = text.matches("error[L0804]").count();
    assert!(complaints >= 14, "{complaints}:\n{text}");
    // Nothing tells how long they are: what stands under a mark is as long as the mark.
    for line in text.lines().filter(|line| line.contains("^^^^^^^^^")) {
        assert!(
            !line.trim_end().ends_with(&"^".repeat(canary(0).len())),
            "{line}"
        );
    }
    assert!(!text.contains("***"), "{text}");
}

/// A caret points at what is shown, and the line and column above it at the file; colours change neither.
#[test]
fn a_place_behind_a_secret_is_that_of_the_file() {
    let folder = lab("places");
    let [one, other] = [IN_VALUES, IN_VALUES + 1].map(canary);
    let values = format!(
        "values.a = {{ password = \"{one}\", git = \"glpat-{other}{other}\" }}\nvalues.b = \"\"\"\n-----BEGIN PRIVATE KEY-----\n{one}\n  {other}\n-----END PRIVATE KEY-----\n\"\"\"\n"
    );
    let clean = fs::read_to_string(folder.join("lab.toml")).expect("the lab");
    let app = "\n[apps.planted]\nmodule = \"chart\"\nchart = { repository = \"https://charts.example.org\", name = \"planted\" }\nversion = \"1.0.0\"\n";
    let lab = format!("{clean}{app}{values}");
    fs::write(folder.join("lab.toml"), &lab).expect("it can be written");
    let line = lab.lines().position(|line| line.contains("glpat-"));
    let line = line.expect("it is there") + 1;
    let column = values.find("glpat-").expect("it is there") + 1;
    let compiled = compiled(&folder);
    let plain = report::text(&compiled.diagnostics, &compiled.sources, Colour::No);
    assert_eq!(shown(&plain, IN_VALUES..IN_VALUES + 2), [0; 0], "{plain}");
    let drawn = format!("{line} | values.a = {{ password = \"(secret)\", git = \"(secret)\" }}\n");
    let found = plain
        .split("error[")
        .find(|message| message.contains("a token of GitLab") && message.contains(&drawn));
    let found = found.unwrap_or_else(|| panic!("no such message:\n{plain}"));
    assert!(
        found.contains(&format!("lab.toml:{line}:{column}\n")),
        "{found}"
    );
    let at = |needle: char| {
        let drawn = found.lines().find(|drawn| drawn.contains(needle));
        drawn.and_then(|drawn| drawn.find(needle))
    };
    let mark = found.lines().find_map(|line| line.rfind("(secret)"));
    assert_eq!(at('^'), mark, "{found}");
    let coloured = report::text(&compiled.diagnostics, &compiled.sources, Colour::Yes);
    assert_ne!(coloured, plain);
    assert_eq!(uncoloured(&coloured), plain);
}

/// A text without the sequences that choose colours.
fn uncoloured(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        plain + part.split_once('m').map_or(part, |(_, text)| text)
    })
}

#[test]
fn enough_is_planted() {
    const { assert!(IN_TREES >= 60) };
    let all: Vec<String> = [objects(), machines(), texts()].concat();
    for number in 0..IN_TREES {
        assert_eq!(
            all.iter()
                .filter(|place| place.contains(&canary(number)))
                .count(),
            1
        );
    }
}
