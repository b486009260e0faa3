//! Random strategic merge patches against the real `kubectl kustomize`: the same data, and the same order but for the
//! one difference that labc means: it keeps the base's order, where kustomize puts what a patch touches first.
//!
//! Left out is what kustomize gets wrong: `$patch: replace` on an element, `$patch: merge` on
//! one of a list that has it, too, ports of which only some have a protocol, a
//! source beside another one; and deleting from a list that is not there, which makes an empty one there.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use labc::source::SourceKind;
use labc::syntax::yaml;
use labc::value::{Node, Value};
use serde_json::{Map, Value as Json, json};

use crate::{Lab, Random};

const CASES: usize = 600;

#[test]
fn a_strategic_patch_does_what_kustomize_does() {
    let mut random = Random(5_500);
    let kinds = kinds();
    let cases: Vec<Case> = (0..CASES)
        .map(|index| case(&mut random, &kinds[index % kinds.len()], index))
        .collect();
    let Some(rendered) = kustomize(&cases) else {
        eprintln!("skipped: there is no kubectl here to compare strategic merge patches with");
        return;
    };
    let mut lab = Lab::default();
    let source = lab.sources.add(
        "kustomize".into(),
        rendered.as_str().into(),
        SourceKind::Lab,
    );
    let mut documents = yaml::read(source, &rendered, &mut lab.diagnostics);
    assert!(!lab.diagnostics.has_errors(), "{}", lab.messages());
    let mut touched = 0;
    for case in &cases {
        let at = documents.iter().position(|node| name(node) == case.name);
        let expected = at.map(|at| documents.swap_remove(at));
        touched += usize::from(hold(case, expected));
    }
    assert!(documents.is_empty(), "{documents:?}");
    assert!(
        touched * 10 > CASES * 8,
        "only {touched} patches changed something"
    );
}

struct Case {
    name: String,
    kind: &'static str,
    fields: Field,
    base: Json,
    patch: Json,
}

/// Patches by labc and holds the result to kustomize's; returns whether the patch changed anything.
fn hold(case: &Case, expected: Option<Node>) -> bool {
    let mut lab = Lab::default();
    let entry = json!({ "target": { "kind": case.kind }, "strategic": case.patch });
    let entry = lab.tree(&entry);
    let base = lab.tree(&case.base);
    let mut resources = vec![base.clone()];
    let changes = lab.patch(&mut resources, &entry);
    let text = format!("{}\n{}\n{}", case.base, case.patch, lab.messages());
    assert!(!lab.diagnostics.has_errors(), "{text}");
    assert_eq!(changes.deleted.is_empty(), expected.is_some(), "{text}");
    if let Some(expected) = expected {
        let mut patched = resources.remove(0);
        let patch = lab.tree(&case.patch);
        order_as_kustomize(&mut patched, Some(&base), Some(&patch), &case.fields);
        let (left, right) = (shown(&patched), shown(&expected));
        assert!(
            patched == expected,
            "{text}\nlabc:      {left}\nkustomize: {right}"
        );
    }
    !changes.deleted.is_empty() || !changes.changed.is_empty()
}

/// A tree on one line.
fn shown(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(number) => json!(number),
        Value::Uint(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Str(text) => json!(text.as_str()),
        Value::List(list) => list.iter().map(shown).collect(),
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, entry)| (key.to_string(), shown(&entry.node)));
            Json::Object(entries.collect())
        }
    }
}

/// What `kubectl kustomize` makes of all cases at once; nothing without a kubectl.
fn kustomize(cases: &[Case]) -> Option<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kustomize");
    fs::create_dir_all(&folder).expect("a folder");
    let write = |name: &str, json: &Json| {
        fs::write(folder.join(name), json.to_string()).expect("a file");
    };
    let file = |kind: &str, index: usize| format!("{kind}-{index}.json");
    for (index, case) in cases.iter().enumerate() {
        write(&file("base", index), &case.base);
        write(&file("patch", index), &case.patch);
    }
    let patch = |index| json!({ "path": file("patch", index) });
    let kustomization = json!({
        "resources": (0..cases.len()).map(|index| file("base", index)).collect::<Vec<_>>(),
        "patches": (0..cases.len()).map(patch).collect::<Vec<_>>(),
    });
    write("kustomization.yaml", &kustomization);
    let output = match Command::new("kubectl")
        .arg("kustomize")
        .arg(&folder)
        .output()
    {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        output => output.expect("kubectl starts"),
    };
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    Some(String::from_utf8(output.stdout).expect("text"))
}

fn name(resource: &Node) -> &str {
    let name = resource
        .get("metadata")
        .and_then(|metadata| metadata.get("name"));
    name.and_then(Node::as_str).expect("a name")
}

/// What may stand in a field.
#[derive(Clone)]
enum Field {
    Text,
    Number,
    /// A list that is replaced.
    Replaced,
    /// A list of maps that have a name, and is replaced all the same.
    Named,
    /// A list of texts, each once.
    Set,
    /// Any of these fields.
    Fields(Vec<(&'static str, Field)>),
    /// A list of maps with one merge key, whose values are short texts.
    Keyed(&'static str, Vec<(&'static str, Field)>),
    /// A list of maps with a port number and a protocol.
    Ports(&'static str),
}

fn kinds() -> Vec<(&'static str, &'static str, Field)> {
    use Field::{Fields, Keyed, Named, Number, Ports, Replaced, Set, Text};
    let free = || {
        Fields(vec![
            ("s", Text),
            ("t", Text),
            ("n", Number),
            ("l", Replaced),
        ])
    };
    let texts = || Fields(vec![("s", Text), ("t", Text)]);
    let container = || {
        vec![
            ("image", Text),
            ("args", Replaced),
            ("env", Keyed("name", vec![("value", Text)])),
            ("ports", Ports("containerPort")),
            (
                "volumeMounts",
                Keyed("mountPath", vec![("name", Text), ("subPath", Text)]),
            ),
            ("volumeDevices", Keyed("devicePath", vec![("name", Text)])),
            (
                "resources",
                Fields(vec![("limits", free()), ("requests", free())]),
            ),
            (
                "readinessProbe",
                Fields(vec![("periodSeconds", Number), ("httpGet", free())]),
            ),
        ]
    };
    let pod = || {
        Fields(vec![
            ("containers", Keyed("name", container())),
            ("initContainers", Keyed("name", container())),
            ("volumes", Keyed("name", vec![("configMap", free())])),
            ("imagePullSecrets", Keyed("name", vec![])),
            ("hostAliases", Keyed("ip", vec![("hostnames", Replaced)])),
            ("tolerations", Replaced),
            ("securityContext", free()),
            ("nodeSelector", free()),
            ("hostname", Text),
        ])
    };
    let metadata = || {
        Fields(vec![
            ("labels", texts()),
            ("finalizers", Set),
            ("ownerReferences", Keyed("uid", vec![("name", Text)])),
        ])
    };
    let template = || Fields(vec![("metadata", metadata()), ("spec", pod())]);
    let workload = || {
        let spec = vec![
            ("replicas", Number),
            ("selector", free()),
            ("template", template()),
        ];
        Fields(vec![("metadata", metadata()), ("spec", Fields(spec))])
    };
    let cron_job = {
        let job = Fields(vec![("spec", Fields(vec![("template", template())]))]);
        let spec = vec![("schedule", Text), ("jobTemplate", job)];
        Fields(vec![("metadata", metadata()), ("spec", Fields(spec))])
    };
    let service = vec![
        ("ports", Ports("port")),
        ("selector", free()),
        ("type", Text),
    ];
    let webhook = vec![
        ("rules", Replaced),
        ("clientConfig", free()),
        ("failurePolicy", Text),
    ];
    let node = vec![("podCIDRs", Set), ("taints", Replaced)];
    let account = vec![
        ("metadata", metadata()),
        ("secrets", Keyed("name", vec![("namespace", Text)])),
        ("imagePullSecrets", Named),
    ];
    let custom = vec![(
        "spec",
        Fields(vec![("m", free()), ("l", Replaced), ("s", Text)]),
    )];
    vec![
        ("apps/v1", "Deployment", workload()),
        ("apps/v1", "StatefulSet", workload()),
        ("apps/v1", "DaemonSet", workload()),
        ("batch/v1", "CronJob", cron_job),
        ("v1", "Pod", template()),
        (
            "v1",
            "Service",
            Fields(vec![("metadata", metadata()), ("spec", Fields(service))]),
        ),
        ("v1", "ServiceAccount", Fields(account)),
        (
            "v1",
            "ConfigMap",
            Fields(vec![("metadata", metadata()), ("data", free())]),
        ),
        (
            "v1",
            "Node",
            Fields(vec![("metadata", metadata()), ("spec", Fields(node))]),
        ),
        (
            "admissionregistration.k8s.io/v1",
            "MutatingWebhookConfiguration",
            Fields(vec![
                ("metadata", metadata()),
                ("webhooks", Keyed("name", webhook)),
            ]),
        ),
        ("example.org/v1", "Widget", Fields(custom)),
    ]
}

fn case(random: &mut Random, kind: &(&'static str, &'static str, Field), index: usize) -> Case {
    let (api_version, kind, fields) = kind;
    let name = format!("case-{index}");
    // Either all ports of a case have a protocol, or none.
    let mut make = Make {
        protocol: random.percent(60),
        random,
    };
    let with_identity = |json: Json| {
        let mut resource = json!({ "apiVersion": api_version, "kind": kind });
        let map = resource.as_object_mut().expect("a map");
        map.extend(json.as_object().expect("a map").clone());
        map.entry("metadata").or_insert(json!({}))["name"] = json!(name);
        resource
    };
    let base = with_identity(make.value(fields));
    let mut patch = Json::Null;
    while patch.as_object().is_none_or(Map::is_empty) {
        patch = without_root_directive(make.change(fields, Some(&base)));
    }
    let mut patch = with_identity(patch);
    if make.random.percent(1) {
        patch["$patch"] = json!("delete");
    }
    Case {
        name,
        kind,
        fields: fields.clone(),
        base,
        patch,
    }
}

/// A directive that reaches the resource or its metadata would take its name away.
fn without_root_directive(mut patch: Json) -> Json {
    if !patch.is_object() {
        return json!({});
    }
    for pointer in ["", "/metadata"] {
        match pointer_to_map(&mut patch, pointer) {
            Some(map) => _ = map.remove("$patch"),
            None => _ = patch.as_object_mut().expect("a map").remove("metadata"),
        }
    }
    patch
}

fn pointer_to_map<'a>(json: &'a mut Json, pointer: &str) -> Option<&'a mut Map<String, Json>> {
    json.pointer_mut(pointer)?.as_object_mut()
}

/// Makes values and patches of them.
struct Make<'a> {
    random: &'a mut Random,
    protocol: bool,
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const TEXTS: [&str; 6] = ["", "x", "yes", "0644", "two words", "line\nline\n"];
const PORTS: [(u16, &str); 5] = [
    (80, "TCP"),
    (80, "UDP"),
    (81, "TCP"),
    (82, "TCP"),
    (82, "UDP"),
];

impl Make<'_> {
    fn value(&mut self, field: &Field) -> Json {
        match field {
            Field::Text => json!(self.random.pick(&TEXTS)),
            Field::Number => json!(self.random.below(100)),
            Field::Replaced if self.random.percent(50) => {
                json!([{ "key": "k" }, { "value": null }])
            }
            Field::Replaced | Field::Set => self.some(&NAMES).into_iter().collect(),
            Field::Named => {
                let names = self.some(&NAMES).into_iter();
                names.map(|name| json!({ "name": name })).collect()
            }
            Field::Fields(fields) => self.fields(fields),
            Field::Keyed(key, fields) => {
                let names = self.some(&NAMES);
                names
                    .iter()
                    .map(|name| self.element(key, name, fields))
                    .collect()
            }
            Field::Ports(key) => {
                let ports = self.some(&PORTS);
                self.distinct(ports)
                    .iter()
                    .map(|port| self.port(key, port))
                    .collect()
            }
        }
    }

    fn fields(&mut self, fields: &[(&str, Field)]) -> Json {
        let mut map = Map::new();
        for (key, field) in fields {
            if self.random.percent(60) {
                map.insert((*key).to_owned(), self.value(field));
            }
        }
        Json::Object(map)
    }

    fn element(&mut self, key: &str, name: &str, fields: &[(&str, Field)]) -> Json {
        let mut element = self.fields(fields);
        element[key] = json!(name);
        element
    }

    fn port(&mut self, key: &str, (number, protocol): &(u16, &str)) -> Json {
        let mut port = json!({ key: number, "name": self.random.pick(&NAMES) });
        if self.protocol {
            port["protocol"] = json!(protocol);
        }
        port
    }

    /// Ports without a protocol differ by their number alone.
    fn distinct<'b>(&self, mut ports: Vec<(u16, &'b str)>) -> Vec<(u16, &'b str)> {
        if !self.protocol {
            ports.dedup_by_key(|port| port.0);
        }
        ports
    }

    /// Some of the choice, mixed but each once; equal numbers stay neighbours.
    fn some<T: Clone>(&mut self, choice: &[T]) -> Vec<T> {
        let mut some: Vec<T> = choice.to_vec();
        some.retain(|_| self.random.percent(50));
        if self.random.percent(50) {
            some.reverse();
        }
        some
    }

    /// A patch for what stands in `field`, which is `base`.
    fn change(&mut self, field: &Field, base: Option<&Json>) -> Json {
        if self.random.percent(5) {
            return Json::Null;
        }
        match field {
            Field::Fields(fields) => self.change_fields(fields, base),
            Field::Keyed(key, fields) => self.change_elements(key, fields, base),
            Field::Ports(key) => self.change_ports(key, base),
            Field::Set => {
                let word = self.list_word(base);
                let names = self.some(&NAMES).into_iter().map(|name| json!(name));
                word.into_iter().chain(names).collect()
            }
            Field::Text | Field::Number | Field::Replaced | Field::Named => self.value(field),
        }
    }

    fn change_fields(&mut self, fields: &[(&str, Field)], base: Option<&Json>) -> Json {
        let word = self.random.below(40);
        let base = if word == 0 { None } else { base };
        let mut map = Map::new();
        for (key, field) in fields {
            if self.random.percent(65) {
                let there = base.and_then(|base| base.get(*key));
                map.insert((*key).to_owned(), self.change(field, there));
            }
        }
        if let Some(word) = ["replace", "delete", "merge"].get(word) {
            map.insert("$patch".to_owned(), json!(word));
        }
        Json::Object(map)
    }

    /// A directive for a list, seldom.
    fn list_word(&mut self, base: Option<&Json>) -> Option<Json> {
        let words = ["replace", "merge", "delete"];
        let word = words.get(self.random.below(25))?;
        base.map(|_| json!({ "$patch": word }))
    }

    fn change_elements(
        &mut self,
        key: &str,
        fields: &[(&str, Field)],
        base: Option<&Json>,
    ) -> Json {
        let word = self.list_word(base);
        let has_word = word.is_some();
        let keeps_base = word.as_ref().is_none_or(|word| word["$patch"] == "merge");
        let base = base.filter(|_| keeps_base);
        let mut elements = Vec::from_iter(word);
        for name in self.some(&NAMES) {
            let there = base.and_then(|base| find(base, key, name));
            let mut element = self.change_fields(fields, there);
            match element["$patch"].as_str() {
                Some("delete") if base.is_none() => continue,
                Some("merge") if !has_word => {}
                Some("merge" | "replace") => {
                    element.as_object_mut().expect("a map").remove("$patch");
                }
                _ => {}
            }
            element[key] = json!(name);
            elements.push(element);
        }
        elements.into()
    }

    fn change_ports(&mut self, key: &str, base: Option<&Json>) -> Json {
        let ports = self.some(&PORTS);
        let mut elements: Vec<Json> = Vec::from_iter(self.list_word(base));
        for port in self.distinct(ports) {
            let mut element = self.port(key, &port);
            if base.is_some() && self.random.percent(20) {
                element["$patch"] = json!("delete");
            }
            elements.push(element);
        }
        elements.into()
    }
}

fn find<'a>(list: &'a Json, key: &str, name: &str) -> Option<&'a Json> {
    list.as_array()?.iter().find(|element| element[key] == name)
}

/// Gives merged lists the order that kustomize gives them.
fn order_as_kustomize(node: &mut Node, base: Option<&Node>, patch: Option<&Node>, field: &Field) {
    let base = base.filter(|_| !patch.is_some_and(replaces));
    match (&mut node.value, field) {
        (Value::Map(map), Field::Fields(fields)) => {
            for (key, field) in fields {
                if let Some(entry) = map.get_mut(*key) {
                    let base = base.and_then(|base| base.get(key));
                    let patch = patch.and_then(|patch| patch.get(key));
                    order_as_kustomize(&mut entry.node, base, patch, field);
                }
            }
        }
        (Value::List(list), Field::Keyed(key, fields)) => {
            let same = |one: &Node, other: &Node| one.get(key) == other.get(key);
            let fields = Field::Fields(fields.clone());
            for element in list.iter_mut() {
                let base = position(base, element, same).map(|(_, node)| node);
                let patch = position(patch, element, same).map(|(_, node)| node);
                order_as_kustomize(element, base.as_ref(), patch.as_ref(), &fields);
            }
            // What the patch names comes first, in its order.
            list.sort_by_key(|element| {
                position(patch, element, same).map_or(usize::MAX, |(at, _)| at)
            });
        }
        (Value::List(list), Field::Set) => {
            let same = |one: &Node, other: &Node| one == other;
            list.sort_by_key(|element| {
                position(patch, element, same).map_or(usize::MAX, |(at, _)| at)
            });
        }
        (Value::List(list), Field::Ports(key)) => {
            let same = |one: &Node, other: &Node| {
                [*key, "protocol"]
                    .iter()
                    .all(|key| one.get(key) == other.get(key))
            };
            // With both keys, what is new comes first; with one, what the patch names.
            let has_both = |element: &Node| element.get("protocol").is_some();
            let rank = |element: &Node| match position(base, element, same) {
                None if has_both(element) => 0,
                Some(_) if has_both(element) => 1,
                _ => position(patch, element, same).map_or(usize::MAX, |(at, _)| at),
            };
            list.sort_by_key(rank);
        }
        _ => {}
    }
}

/// Whether a map or a list of a patch takes the place of what stands there.
fn replaces(patch: &Node) -> bool {
    let has_word = |map: &Node| map.get("$patch").and_then(Node::as_str) == Some("replace");
    has_word(patch)
        || patch
            .as_list()
            .is_some_and(|list| list.iter().any(has_word))
}

fn position(
    list: Option<&Node>,
    element: &Node,
    same: impl Fn(&Node, &Node) -> bool,
) -> Option<(usize, Node)> {
    let list = list?.as_list()?;
    let at = list.iter().position(|other| same(other, element))?;
    Some((at, list[at].clone()))
}
