//! Holds the page of `labc diff` to what it promises: a real parser finds in it what labc wrote and nothing that a value
//! wrote, and a real browser shows it without a request, a complaint or a line that reaches beyond the window.
//!
//! The browser is Chromium, as Debian has it (`tests/tools.sh browser`); where there is none, that part is skipped.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its labs from disk and runs a browser"
)]

mod pages;

use std::cell::{Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use labc::diag::report::{self, Colour};
use labc::diag::{Code, Severity};
use labc::diff::show::{Report, Side, html};
use labc::diff::{
    Base, Cause, Change, Content, Danger, Diff, Drift, Field, FieldPath, FieldStep, Kind, Made,
    Subject, What, diff,
};
use labc::emit::{Output, emit};
use labc::render::ResourceId;
use labc::source::Origin;
use labc::template::convert::base64;
use labc::value::{Node, Value};
use labc::world::{Read, World};
use labc::{Compiled, compile};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use pages::{Files, root};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

/// A lab that compiles.
struct Lab {
    compiled: Compiled,
    outputs: Vec<Output>,
}

impl Lab {
    fn new(files: &Files) -> Self {
        let world = files
            .iter()
            .map(|(path, text)| (path.clone(), text.as_bytes().to_vec()));
        let compiled = compile(&World::Memory(world.collect())).expect("memory does not fail");
        let said = report::text(&compiled.diagnostics, &compiled.sources, Colour::No);
        let product = compiled
            .product
            .as_ref()
            .unwrap_or_else(|| panic!("{said}"));
        let outputs = emit(&product.tree);
        Lab { compiled, outputs }
    }

    fn made(&self) -> Made<'_> {
        let product = self.compiled.product.as_ref().expect("it compiled");
        Made {
            lab: &product.lab,
            sources: &self.compiled.sources,
            tree: &product.tree,
            outputs: &self.outputs,
        }
    }
}

/// The sources of a lab of the tests.
fn sources(name: &str) -> Files {
    let world = World::open(root().join("tests/labs").join(name)).expect("the folder is there");
    let paths = world.list("").expect("it can be listed");
    let source = paths.iter().filter(|path| !path.starts_with("out/"));
    source
        .map(|path| match world.read(path).expect("it can be read") {
            Read::Bytes(bytes) => (path.clone(), String::from_utf8(bytes).expect("text")),
            other => panic!("{path}: {other:?}"),
        })
        .collect()
}

/// What a lab's file becomes: each text is there once and another stands in its place.
type Edits = [(&'static str, &'static str)];

fn edited(files: &Files, edits: &Edits) -> Files {
    let mut files = files.clone();
    let lab = files.get_mut("lab.toml").expect("a lab");
    for (old, new) in edits {
        assert_eq!(lab.matches(old).count(), 1, "{old}");
        *lab = lab.replacen(old, new, 1);
    }
    files
}

/// What changes in a real lab by some edits.
fn changed(name: &str, edits: &Edits) -> Diff {
    let files = sources(name);
    let (base, target) = (Lab::new(&files), Lab::new(&edited(&files, edits)));
    let base = Base {
        made: Some(base.made()),
        committed: None,
    };
    diff(&base, target.made())
}

fn side(name: &str) -> Side {
    Side {
        name: name.to_owned(),
        ..Side::default()
    }
}

fn report(diff: &Diff) -> Report<'_> {
    Report {
        base: Side {
            commit: Some("3f2a1c9d5be7a3f0c1d2e4b5a6978812aa34bb56".to_owned()),
            ..side("main")
        },
        target: side("the work tree"),
        diff: Some(diff),
        acknowledged: Vec::new(),
    }
}

/// A lab on Flux in which much changes at once.
fn flux() -> Diff {
    changed(
        "flux",
        &[
            ("version = \"38.0.2\"", "version = \"39.0.1\""),
            (
                "image = \"docker.io/library/nginx:1.29.3\"",
                "image = \"docker.io/library/nginx:1.29.4\"",
            ),
            ("kubernetes = \"v1.35.4\"", "kubernetes = \"v1.35.5\""),
            ("version = \"1.10.2\"", "version = \"1.10.3\""),
            (
                "cp-1 = { role = \"controlplane\", address = \"192.168.1.11\", disk = \"/dev/sda\" }",
                "cp-1 = { role = \"controlplane\", address = \"192.168.1.11\", disk = \"/dev/sda\", extensions = [\"i915\"] }\nwk-1 = { role = \"worker\", address = \"192.168.1.21\", disk = \"/dev/sda\" }",
            ),
            (
                "[infrastructure.reloader]\nmodule = \"chart\"\nchart = { repository = \"https://charts.example.org/stable\", name = \"reloader\" }\nversion = \"2.2.7\"\nsuspend = true\n\n[[infrastructure.reloader.drift]]\ntarget = { group = \"apps\", kind = \"Deployment\", name = \"reloader\" }\npaths = [\"/spec/replicas\"]\n",
                "",
            ),
        ],
    )
}

/// A lab on Argo CD with 40 components, in which a version moves that most of its apps share.
fn home_ops() -> Diff {
    changed(
        "home-ops",
        &[
            ("kubernetes = \"v1.34.3\"", "kubernetes = \"v1.34.4\""),
            ("app_template = \"4.4.0\"", "app_template = \"4.5.0\""),
            (
                "[infrastructure.cilium]\nversion = \"1.18.4\"",
                "[infrastructure.cilium]\nversion = \"1.18.5\"",
            ),
            (
                "\"intel-ucode\", \"mei\"]",
                "\"intel-ucode\", \"iscsi-tools\", \"mei\"]",
            ),
            (
                "\"fs.inotify.max_user_instances\" = 8192",
                "\"fs.inotify.max_user_instances\" = 16384",
            ),
            (
                "expose = \"sh\"",
                "expose.main = { host = \"sh\", via = \"envoy-gateway.external\" }",
            ),
            (
                "limits = { memory = \"256Mi\" } }",
                "limits = { memory = \"512Mi\" } }",
            ),
            ("[apps.bentopdf]", "[apps.bentopdf]\nenabled = false"),
            (
                "k8s-4 = { role",
                "k8s-11 = { role = \"worker\", address = \"10.0.60.31\", hardware = \"nuc\", mac = \"00:23:24:b4:9a:40\" }\nk8s-4 = { role",
            ),
        ],
    )
}

/// Changes of what stays, behind one of them.
fn others(diff: &Diff, first: usize) -> Vec<usize> {
    let changes = diff.changes.iter().enumerate();
    let other =
        |(at, change): (usize, &Change)| (at > first && change.kind == Kind::Changed).then_some(at);
    changes.filter_map(other).take(2).collect()
}

/// A danger of each severity, at changes of a diff, whatever the rules find in it.
fn with_dangers(mut diff: Diff) -> Diff {
    diff.dangers.clear();
    let said = [
        (
            Severity::Error,
            "`PersistentVolumeClaim default/bentopdf` goes, and with it what it holds",
            "Argo CD prunes it: the StorageClass says `reclaimPolicy: Delete`",
            "keep it: `keep = true` in `[apps.bentopdf]`",
        ),
        (
            Severity::Warning,
            "`sh.darkflame.dev` can be reached from the internet from now on",
            "`envoy-gateway.external` is public",
            "put it behind `envoy-gateway.internal` if that was not meant",
        ),
        (
            Severity::Note,
            "the nodes restart one after the other",
            "an extension is part of the installer's image",
            "run `out/talos/upgrade.sh`",
        ),
    ];
    let kinds = [Kind::Removed, Kind::Added, Kind::Changed];
    for ((severity, message, note, help), kind) in said.into_iter().zip(kinds) {
        let change = diff.changes.iter().position(|change| change.kind == kind);
        let change = change.unwrap_or_else(|| panic!("nothing is {}", kind.word()));
        diff.dangers.push(Danger {
            code: Code::UNEXPLAINED_REMOVAL,
            severity,
            change,
            // The note is about everything that stays, too.
            others: match kind {
                Kind::Changed => others(&diff, change),
                _ => Vec::new(),
            },
            message: message.to_owned(),
            notes: vec![note.to_owned()],
            help: vec![help.to_owned()],
            causes: diff.changes[change].all_causes().into_iter().collect(),
        });
    }
    diff
}

/// What stands in a page, as a parser that follows the standard reads it.
struct Page {
    text: String,
    errors: Vec<String>,
    elements: Vec<Element>,
}

#[derive(Debug)]
struct Element {
    tag: String,
    attributes: BTreeMap<String, String>,
    text: String,
}

impl Page {
    fn read(text: String) -> Self {
        let dom = parse_document(RcDom::default(), ParseOpts::default()).one(text.as_str());
        let errors: Ref<'_, Vec<_>> = dom.errors.borrow();
        let errors = errors.iter().map(|error| error.to_string()).collect();
        let mut elements = Vec::new();
        gather(&dom.document, &mut elements);
        Page {
            text,
            errors,
            elements,
        }
    }

    fn all(&self, tag: &str) -> impl Iterator<Item = &Element> {
        self.elements
            .iter()
            .filter(move |element| element.tag == tag)
    }

    fn one(&self, tag: &str) -> &Element {
        let mut all = self.all(tag);
        let first = all.next().unwrap_or_else(|| panic!("no {tag}"));
        assert!(all.next().is_none(), "two of {tag}");
        first
    }

    /// The elements of a class.
    fn class(&self, class: &str) -> impl Iterator<Item = &Element> {
        self.elements.iter().filter(move |element| {
            let of = element.attributes.get("class");
            of.is_some_and(|of| of.split(' ').any(|one| one == class))
        })
    }

    fn ids(&self) -> Vec<&str> {
        let ids = self.elements.iter();
        ids.filter_map(|element| element.attributes.get("id").map(String::as_str))
            .collect()
    }
}

fn gather(node: &Handle, elements: &mut Vec<Element>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attributes: &RefCell<Vec<_>> = attrs;
        let attributes = attributes.borrow();
        let attributes = attributes.iter().map(|attribute| {
            (
                attribute.name.local.to_string(),
                attribute.value.to_string(),
            )
        });
        elements.push(Element {
            tag: name.local.to_string(),
            attributes: attributes.collect(),
            text: inside(node),
        });
    }
    for child in node.children.borrow().iter() {
        gather(child, elements);
    }
}

fn inside(node: &Handle) -> String {
    match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        _ => node.children.borrow().iter().map(inside).collect(),
    }
}

/// Every element that labc writes, with its attributes.
const ELEMENTS: [(&str, &[&str]); 44] = [
    ("html", &["lang"]),
    ("head", &[]),
    ("meta", &["charset", "http-equiv", "content", "name"]),
    ("link", &["rel", "href"]),
    ("title", &[]),
    ("style", &[]),
    ("body", &[]),
    ("script", &[]),
    ("header", &[]),
    ("nav", &["aria-label"]),
    ("main", &["id"]),
    ("footer", &[]),
    ("section", &["class", "aria-labelledby"]),
    ("article", &["class", "id"]),
    ("div", &["class", "id", "aria-hidden"]),
    ("h1", &[]),
    ("h2", &["id"]),
    ("h3", &["id"]),
    ("h4", &[]),
    ("p", &["class"]),
    ("pre", &["tabindex"]),
    ("a", &["class", "href"]),
    ("ul", &["class", "aria-label"]),
    ("ol", &["class"]),
    ("li", &["class", "id"]),
    ("dl", &["class"]),
    ("dt", &[]),
    ("dd", &[]),
    ("details", &["class", "data-kind", "data-dangerous", "open"]),
    ("summary", &[]),
    ("span", &["class", "title", "aria-hidden"]),
    ("strong", &[]),
    ("code", &["class"]),
    ("del", &["class"]),
    ("ins", &["class"]),
    ("mark", &[]),
    ("table", &["class"]),
    ("caption", &[]),
    ("thead", &[]),
    ("tbody", &[]),
    ("tr", &[]),
    ("th", &["scope"]),
    ("td", &[]),
    ("form", &["class", "role", "hidden"]),
];

/// The elements of the search, each with its attributes.
const FIELDS: [(&str, &[&str]); 6] = [
    ("label", &["class"]),
    (
        "input",
        &["type", "name", "autocomplete", "spellcheck", "placeholder"],
    ),
    ("select", &["name"]),
    ("option", &["value"]),
    ("button", &["type", "name"]),
    ("output", &[]),
];

/// What is wrong with a page: something that labc did not write, or a link to nowhere.
fn wrong(page: &Page) -> Vec<String> {
    let known: BTreeMap<&str, &[&str]> = ELEMENTS.into_iter().chain(FIELDS).collect();
    let mut wrong = page.errors.clone();
    for element in &page.elements {
        let Some(attributes) = known.get(element.tag.as_str()) else {
            wrong.push(format!("an element of its own: {element:?}"));
            continue;
        };
        let foreign = element
            .attributes
            .keys()
            .find(|name| !attributes.contains(&name.as_str()));
        wrong.extend(foreign.map(|name| format!("an attribute {name}: {element:?}")));
    }
    let ids = page.ids();
    let known: BTreeSet<&str> = ids.iter().copied().collect();
    if known.len() < ids.len() {
        wrong.push("two elements have one id".to_owned());
    }
    for link in page.all("a") {
        let href = &link.attributes["href"];
        if !href.strip_prefix('#').is_some_and(|id| known.contains(id)) {
            wrong.push(format!("a link to nowhere: {href}"));
        }
    }
    wrong
}

/// The page of a report, which is right in itself.
fn page(report: &Report<'_>) -> Page {
    let page = Page::read(html(report));
    assert_eq!(wrong(&page), [""; 0]);
    page
}

#[test]
fn a_page_has_every_change_with_its_causes_and_dangers() {
    let diff = with_dangers(home_ops());
    let page = page(&report(&diff));
    assert_eq!(page.class("change").count(), diff.changes.len());
    assert_eq!(page.class("danger").count(), diff.dangers.len());
    for change in &diff.changes {
        let shown = page.all("summary");
        let name = match &change.subject {
            Subject::Resource(id) => id.name.clone(),
            Subject::Machine { document, .. } => document.clone(),
            Subject::Schematic(name) | Subject::Values(name) | Subject::File(name) => name.clone(),
        };
        let has = |element: &Element| element.text.contains(&name);
        assert!(shown.into_iter().any(has), "{}", change.subject);
    }
    let causes: Vec<&str> = page
        .class("cause")
        .map(|cause| cause.text.as_str())
        .collect();
    for source in &diff.sources {
        let place = format!("{}:{}", source.file, source.line);
        let is_told = causes.iter().any(|cause| cause.contains(&place));
        let is_cause = diff.changes.iter().any(|change| {
            let of = |cause: &Cause| matches!(cause, Cause::Source(at) if diff.sources[*at].key == source.key);
            change.all_causes().iter().any(of)
        });
        assert_eq!(is_told, is_cause, "{place}");
    }
}

/// The policy allows this style and this script, and nothing else at all.
#[test]
fn the_policy_allows_what_stands_in_the_page_alone() {
    let page = page(&report(&flux()));
    let policy = page
        .all("meta")
        .find(|meta| meta.attributes.contains_key("http-equiv"))
        .expect("a policy");
    let hash = |tag| {
        let text = &page.one(tag).text;
        format!("'sha256-{}'", base64(&Sha256::digest(text.as_bytes())))
    };
    let expected = format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash("style"),
        hash("script")
    );
    assert_eq!(policy.attributes["content"], expected);
    for word in ["http:", "https:", "@import", "url("] {
        assert!(
            !page.one("style").text.contains(word),
            "{word} in the style"
        );
        assert!(
            !page.one("script").text.contains(word),
            "{word} in the script"
        );
    }
}

/// What tries to be more than text.
const HOSTILE: [&str; 16] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></style></script><svg onload=alert(1)>",
    "</code></pre></details></summary></section></main></body></html>",
    "<!-- <plaintext> ]]> <![CDATA[",
    "&lt;script&gt;&#60;b&#x3e;&notin;&amp;amp;",
    "javascript:alert(1)",
    "<base href=https://example.org/><meta http-equiv=refresh content=0>",
    "\0\u{1}\u{8}\u{b}\u{1b}[31m\u{7f}\u{85}\u{9b}",
    "\u{202e}\u{2066}\u{200f}evil\u{feff}",
    "\u{fdd0}\u{fffe}\u{1ffff}\u{10ffff}",
    "`<b>` and `a",
    "one\ntwo\r\nthree\u{2028}four\tfive",
    "<details open ontoggle=alert(1)><form action=//example.org><input autofocus onfocus=alert(1)>",
    "${alert(1)} {{7*7}} <style>*{display:none}</style>",
];

/// A diff in which every field that can hold a text holds this one.
fn hostile(diff: &Diff, text: &str) -> Diff {
    let mut diff = with_dangers(diff.clone());
    for source in &mut diff.sources {
        source.file = text.to_owned();
        source.key = source.key.as_ref().map(|_| text.to_owned());
        source.before = source.before.as_ref().map(|_| text.to_owned());
        source.after = Some(text.to_owned());
    }
    for (at, change) in diff.changes.iter_mut().enumerate() {
        *change = poisoned(change, at, text);
    }
    for danger in &mut diff.dangers {
        danger.message = text.to_owned();
        danger.notes = vec![text.to_owned()];
        danger.help = vec![text.to_owned()];
    }
    diff
}

fn poisoned(change: &Change, at: usize, text: &str) -> Change {
    let string = |text: &str| Node::new(Value::Str(text.into()), Origin::none());
    let tree = |more: &str| {
        let mut map = Node::new(Value::map(), Origin::none());
        map.insert(text, string(text));
        map.insert(
            "list",
            Node::new(
                Value::List(vec![string(text), string(more)]),
                Origin::none(),
            ),
        );
        map.insert("more", string(more));
        map
    };
    let content = |more: &str| match at % 3 {
        0 => Content::Text(vec![text.to_owned(), more.to_owned()]),
        _ => Content::Data(Arc::new(tree(more))),
    };
    let subject = match at % 5 {
        0 => Subject::File(text.to_owned()),
        1 => Subject::Values(text.to_owned()),
        2 => Subject::Schematic(text.to_owned()),
        3 => Subject::Machine {
            patch: text.to_owned(),
            document: text.to_owned(),
        },
        _ => Subject::Resource(ResourceId {
            group: text.to_owned(),
            kind: text.to_owned(),
            namespace: Some(text.to_owned()),
            name: text.to_owned(),
        }),
    };
    let path = FieldPath(vec![
        FieldStep::Key(text.into()),
        FieldStep::Item(vec![("name", text.into())]),
        FieldStep::Index(1),
    ]);
    let whats = [
        What::Added(string(text)),
        What::Removed(tree(text)),
        What::Changed(string(text), string("other")),
        What::Reordered,
    ];
    let field = |what| Field {
        path: path.clone(),
        what,
        causes: change.all_causes().into_iter().collect(),
    };
    Change {
        subject,
        component: change.component.as_ref().map(|_| text.to_owned()),
        from: change.from.as_ref().map(|_| text.to_owned()),
        to: change.to.as_ref().map(|_| format!("{text} moved")),
        nodes: vec![text.to_owned(), "other".to_owned()],
        before: change.before.as_ref().map(|_| content(text)),
        after: change.after.as_ref().map(|_| content("other")),
        fields: whats.into_iter().map(field).collect(),
        ..change.clone()
    }
}

fn hostile_report<'a>(diff: &'a Diff, text: &str) -> Report<'a> {
    let side = |is_wrong: bool| Side {
        name: text.to_owned(),
        commit: Some(text.to_owned()),
        drift: vec![(text.to_owned(), Drift::HandEdit)],
        wrong: is_wrong.then(|| (text.to_owned(), Json::Null)),
    };
    Report {
        base: side(true),
        target: side(false),
        diff: Some(diff),
        acknowledged: vec![0],
    }
}

#[test]
fn a_text_is_never_more_than_a_text() {
    let diff = flux();
    for text in HOSTILE {
        let diff = hostile(&diff, text);
        let page = Page::read(html(&hostile_report(&diff, text)));
        assert_eq!(wrong(&page), [""; 0], "{text:?}");
        let letters = |letter: &char| letter.is_ascii_graphic() || *letter == ' ';
        let readable: String = text.chars().filter(letters).collect();
        let shown: String = page.one("body").text.chars().filter(letters).collect();
        let plain = readable.replace('`', "");
        assert!(
            shown.contains(&readable) || shown.contains(&plain),
            "{text:?} is not shown"
        );
        let is_raw = |letter: char| letter.is_control() && !"\n\t".contains(letter);
        assert!(
            !page.text.contains(is_raw),
            "{text:?} leaves a control character"
        );
    }
}

#[test]
fn the_same_report_makes_the_same_page() {
    let (one, other) = (flux(), flux());
    assert_eq!(html(&report(&one)), html(&report(&other)));
}

/// A link that somebody wrote down leads to the same object, whatever else changes.
#[test]
fn the_name_of_a_place_does_not_depend_on_its_neighbours() {
    let small = changed(
        "flux",
        &[("kubernetes = \"v1.35.4\"", "kubernetes = \"v1.35.5\"")],
    );
    let large = flux();
    let bodies = |diff: &Diff| -> BTreeSet<String> {
        let page = page(&report(diff));
        let bodies = page.class("body").chain(page.class("cause"));
        bodies.map(|body| body.attributes["id"].clone()).collect()
    };
    let (small, large) = (bodies(&small), bodies(&large));
    assert!(!small.is_empty() && small.len() < large.len());
    let lost: Vec<&String> = small.difference(&large).collect();
    assert_eq!(lost, [""; 0]);
}

/// The worst comes first, and what somebody acknowledged last.
#[test]
fn dangers_stand_in_their_order() {
    let diff = with_dangers(home_ops());
    let mut report = report(&diff);
    let said = |report: &Report<'_>| -> Vec<String> {
        let page = Page::read(html(report));
        let badges = page
            .all("h3")
            .filter(|title| title.text.contains(" L1101 "));
        let word = |title: &Element| title.text.split(' ').next().map(str::to_owned);
        badges.filter_map(word).collect()
    };
    assert_eq!(said(&report), ["error", "warning", "note"]);
    report.acknowledged = vec![0];
    assert_eq!(said(&report), ["warning", "note", "acknowledged"]);
}

#[test]
fn what_cannot_be_compared_says_why() {
    let mut report = Report {
        base: Side {
            wrong: Some((
                "error[L0101]: no `[lab]`\n --> lab.toml:1:1".to_owned(),
                Json::Null,
            )),
            ..side("main")
        },
        target: side("the work tree"),
        diff: None,
        acknowledged: Vec::new(),
    };
    let page = Page::read(html(&report));
    assert_eq!(wrong(&page), [""; 0]);
    assert_eq!(page.one("h1").text, "Nothing can be compared");
    let pre = &page.one("pre").text;
    assert_eq!(pre, "error[L0101]: no `[lab]`\n --> lab.toml:1:1");
    let nothing = Diff::default();
    report.diff = Some(&nothing);
    report.base.wrong = None;
    let page = Page::read(html(&report));
    assert_eq!(page.one("h1").text, "Nothing changes");
    assert_eq!(page.class("change").count(), 0);
}

/// Very many objects, and one that is very large.
fn many(number: usize) -> Diff {
    let lines = |end: &str| -> Vec<String> {
        (0..60)
            .map(|line| format!("line {line}{}", if line % 2 == 0 { end } else { "" }))
            .collect()
    };
    let change = |at: usize| Change {
        subject: Subject::Resource(ResourceId {
            group: String::new(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("apps".to_owned()),
            name: format!("config-{at}"),
        }),
        kind: Kind::Changed,
        component: Some(format!("app-{}", at % 100)),
        from: Some(format!("out/apps/app-{}/manifests/{at}.yaml", at % 100)),
        to: Some(format!("out/apps/app-{}/manifests/{at}.yaml", at % 100)),
        nodes: Vec::new(),
        before: Some(Content::Text(lines(""))),
        after: Some(Content::Text(lines(" more"))),
        fields: Vec::new(),
        causes: vec![Cause::Unknown],
    };
    Diff {
        changes: (0..number).map(change).collect(),
        ..Diff::default()
    }
}

/// The page of 10,000 changes; made once, as it takes a while without an optimizer.
static LARGE: LazyLock<String> = LazyLock::new(|| html(&report(&many(10_000))));

#[test]
fn a_large_diff_is_shown_in_part_and_says_so() {
    let text = LARGE.as_str();
    assert!(text.len() < 64 * 1024 * 1024, "{} bytes", text.len());
    assert_eq!(text.matches("<details class=\"change\"").count(), 10_000);
    for said in [
        "Of 10000 objects only a part is shown here; the files have the rest.",
        "and 9792 more, all of which are below",
        "50 more lines that differ: the rest is in ",
    ] {
        assert!(text.contains(said), "{said}");
    }
    assert!(!text.contains(" open=\"\""), "so many stand open");
    assert_eq!(wrong(&Page::read(html(&report(&many(500))))), [""; 0]);
}

#[test]
fn a_line_and_an_object_without_an_end_are_cut() {
    let mut diff = many(1);
    let line = "x".repeat(1 << 20);
    let lines = |end: &str| -> Vec<String> {
        (0..5_000)
            .map(|at| format!("{at} {line:.9}{end}"))
            .collect()
    };
    diff.changes[0].before = Some(Content::Text(vec![line.clone()]));
    diff.changes[0].after = Some(Content::Text(vec![format!("{line}y")]));
    let text = html(&report(&diff));
    assert!(text.contains(" and 1046576 more letters"));
    assert!(text.len() < 100_000, "{} bytes", text.len());
    diff.changes[0].before = Some(Content::Text(lines("")));
    diff.changes[0].after = Some(Content::Text(lines(" more")));
    let text = html(&report(&diff));
    assert!(text.contains("9200 more lines that differ: the rest is in "));
    assert!(text.len() < 200_000, "{} bytes", text.len());
}

/// Runs the browser's part; none where there is no browser.
fn browser(pages: &[(&str, String)]) -> Option<BTreeMap<String, Json>> {
    let found = |program: &&str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
    };
    if !["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .any(found)
    {
        println!("skipped: there is no Chromium");
        return None;
    }
    if !found(&"python3") {
        println!("skipped: there is no Python");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("html");
    fs::create_dir_all(&folder).expect("a folder for the pages");
    let paths: Vec<PathBuf> = pages
        .iter()
        .map(|(name, text)| {
            let path = folder.join(format!("{name}.html"));
            fs::write(&path, text).expect("the page can be written");
            path
        })
        .collect();
    let output = Command::new("python3")
        .arg(root().join("tests/html/browser.py"))
        .arg("check")
        .args(&paths)
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let found: Vec<Json> = serde_json::from_slice(&output.stdout).expect("JSON");
    let names = pages.iter().map(|(name, _)| (*name).to_owned());
    Some(names.zip(found).collect())
}

#[test]
fn a_browser_shows_it() {
    let (flux, home_ops) = (with_dangers(flux()), with_dangers(home_ops()));
    let evil = hostile(&flux, &HOSTILE.join(" "));
    let nothing = Diff::default();
    let pages = [
        ("flux", html(&report(&flux))),
        ("home-ops", html(&report(&home_ops))),
        ("hostile", html(&hostile_report(&evil, &HOSTILE.join(" ")))),
        ("many", LARGE.clone()),
        ("nothing", html(&report(&nothing))),
    ];
    let Some(found) = browser(&pages) else {
        return;
    };
    for (name, found) in &found {
        assert_eq!(found["complaints"], json!([]), "{name}");
        assert_eq!(found["requests"], json!([]), "{name}");
    }
    let large = &found["many"];
    assert_eq!(large["changes"], 10_000);
    assert_eq!(large["search"], json!([111, 0, "111 of 10000 shown."]));
    assert_eq!(large["everything"], json!([10_000, 0, ""]));
    assert_eq!(large["overflow"], 0);
    for name in ["flux", "home-ops", "hostile", "nothing"] {
        let found = &found[name];
        assert_eq!(found["headings"], json!([]), "{name}: a level is left out");
        assert_eq!(found["nameless"], json!([]), "{name}");
        assert_eq!(found["dead_links"], json!([]), "{name}");
        for (width, beyond) in found["overflow"].as_object().expect("widths") {
            let beyond = beyond.as_i64().expect("pixels");
            assert!(beyond <= 0, "{name}: {beyond} beyond {width}");
        }
        for (scheme, worst) in found["contrast"].as_object().expect("schemes") {
            let contrast = worst[0].as_f64().expect("a number");
            assert!(contrast >= 4.5, "{name}, {scheme}: {worst}");
        }
        assert_ne!(
            found["colours"], found["dark_colours"],
            "{name}: dark as light"
        );
        assert_eq!(found["filter_without_script"], false, "{name}");
    }
    for (name, diff) in [("flux", &flux), ("home-ops", &home_ops)] {
        let found = &found[name];
        let total = diff.changes.len();
        assert_eq!(found["changes"], total, "{name}");
        assert_eq!(found["filter"], true, "{name}");
        assert_eq!(
            found["nothing"],
            json!([0, 0, "Nothing matches."]),
            "{name}"
        );
        assert_eq!(found["everything"], json!([total, 0, ""]), "{name}");
        assert_eq!(found["search"][1], 0, "{name}: something else is shown");
        let removed = diff
            .changes
            .iter()
            .filter(|change| change.kind == Kind::Removed);
        assert_eq!(found["removed"], removed.count(), "{name}");
        let dangerous: BTreeSet<usize> = diff.dangers.iter().flat_map(Danger::changes).collect();
        assert_eq!(found["dangerous"], dangerous.len(), "{name}");
        assert_eq!(found["link_with_script"], true, "{name}");
        assert_eq!(found["link_without_script"], true, "{name}");
        assert_eq!(found["columns"], 2, "{name}");
        assert_eq!(found["columns_on_a_phone"], 1, "{name}");
        let folds = found["folds"].as_array().expect("states");
        assert!(
            folds[0] != folds[1] && folds[0] == folds[2],
            "{name}: {folds:?}"
        );
    }
    let shown = found["flux"]["search"][0].as_u64().expect("a number");
    assert!(0 < shown && shown < flux.changes.len() as u64, "{shown}");
}
