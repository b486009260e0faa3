//! The labs, as data: what is in them, and a phrase of what must be said.

use std::fmt::Write as _;

/// Files of a lab by path.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// One hostile lab.
pub(crate) struct Case {
    /// Its name, also that of its folder.
    pub(crate) name: &'static str,
    /// What labc is asked to do with it.
    pub(crate) arguments: &'static [&'static str],
    /// A code or a phrase of the message.
    pub(crate) expected: &'static str,
    /// Its files.
    pub(crate) files: Box<dyn Fn() -> Files>,
    /// Links, and what they point to.
    pub(crate) links: &'static [(&'static str, &'static str)],
}

/// A lab that compiles, without the tables that cases replace.
const HEAD: &str = r#"
[lab]
name = "home"
domain = "example.org"
engine = "argocd"
[repository]
url = "https://github.com/example/home.git"
[cluster]
talos = "v1.11.5"
contract = "v1.11"
kubernetes = "v1.34.2"
schedule_on_control_planes = true
"#;
const NETWORK: &str = r#"
[network]
nodes = "192.168.1.0/24"
gateway = "192.168.1.1"
load_balancer = ["192.168.1.200-192.168.1.240"]
"#;
const NODES: &str = r#"
[nodes]
cp-1 = { role = "controlplane", address = "192.168.1.11", disk = "/dev/sda" }
"#;

/// A lab with more tables.
fn lab(more: &str) -> String {
    format!("{HEAD}{NETWORK}{NODES}{more}")
}

fn case(name: &'static str, expected: &'static str, files: impl Fn() -> Files + 'static) -> Case {
    Case {
        name,
        arguments: &["build"],
        expected,
        files: Box::new(files),
        links: &[],
    }
}

/// A lab with more tables and no other file.
fn tables(name: &'static str, expected: &'static str, more: impl Fn() -> String + 'static) -> Case {
    case(name, expected, move || {
        files(&[("lab.toml", &lab(&more()))])
    })
}

fn files(all: &[(&str, &str)]) -> Files {
    let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
    all.iter().map(owned).collect()
}

/// A lab that uses a module of its own, which has these files.
fn module(
    name: &'static str,
    expected: &'static str,
    all: impl Fn() -> Vec<(&'static str, String)> + 'static,
) -> Case {
    case(name, expected, move || {
        let mut made = files(&[
            ("lab.toml", &lab("[apps.demo]\n")),
            (
                "modules/demo/module.toml",
                "[module]\nsummary = \"Hostile\"\n",
            ),
        ]);
        for (path, text) in all() {
            made.retain(|(known, _)| known != &format!("modules/demo/{path}"));
            made.push((format!("modules/demo/{path}"), text.into_bytes()));
        }
        made
    })
}

/// A module whose only manifest is a ConfigMap with this text as its datum.
fn datum(name: &'static str, expected: &'static str, text: impl Fn() -> String + 'static) -> Case {
    module(name, expected, move || {
        vec![("manifests/map.yaml", config_map(&text()))]
    })
}

fn config_map(text: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: demo\ndata:\n  key: {text}\n")
}

/// A module whose ConfigMap holds a text file with this text.
fn text_file(
    name: &'static str,
    expected: &'static str,
    text: impl Fn() -> String + 'static,
) -> Case {
    module(name, expected, move || {
        let manifest = config_map("${{ file('text') }}");
        vec![("manifests/map.yaml", manifest), ("files/text", text())]
    })
}

/// A chart with this values file.
fn values(name: &'static str, expected: &'static str, yaml: impl Fn() -> String + 'static) -> Case {
    case(name, expected, move || {
        let chart = "[apps.web]\nmodule = \"chart\"\nversion = \"1.0.0\"\nchart = { repository = \"oci://example.org/charts\", name = \"web\" }\nvalues_files = [\"values.yaml\"]\n";
        files(&[("lab.toml", &lab(chart)), ("values.yaml", &yaml())])
    })
}

/// A workload with these keys.
fn workload(keys: &str) -> String {
    format!("[apps.web]\nmodule = \"workload\"\nimage = \"nginx:1.29.3\"\nport = 8080\n{keys}\n")
}

fn json_patch(
    name: &'static str,
    expected: &'static str,
    operations: impl Fn() -> String + 'static,
) -> Case {
    tables(name, expected, move || {
        let keys = format!(
            "[[apps.web.patches]]\ntarget = {{ kind = \"Deployment\" }}\njson = [\n{}\n]\n",
            operations()
        );
        workload(&keys)
    })
}

fn values_path(name: &'static str, expected: &'static str, path: &'static str) -> Case {
    tables(name, expected, move || {
        format!(
            "[apps.web]\nmodule = \"chart\"\nversion = \"1.0.0\"\nchart = {{ repository = \"oci://example.org/charts\", name = \"web\" }}\nvalues_files = ['{path}']\n"
        )
    })
}

fn linked(name: &'static str, links: &'static [(&'static str, &'static str)]) -> Case {
    Case {
        links,
        ..values_path(name, "L0604", "values/a.yaml")
    }
}

/// An alias bomb of this many levels.
fn aliases(levels: usize) -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..levels {
        let before = level - 1;
        let items = vec![format!("*a{before}"); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{items}]").expect("a string takes it");
    }
    text
}

const HUNDRED_MEGABYTES: usize = 100 << 20;

fn big(unit: &str) -> String {
    unit.repeat(HUNDRED_MEGABYTES / unit.len() + 1)
}

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    let mut all = names();
    all.extend(links());
    all.extend(expressions());
    all.extend(text_files());
    all.extend(documents());
    all.extend(patches());
    all.extend(many());
    all.extend(numbers());
    all.extend(locks());
    all
}

/// Paths that the lab names, and names that become paths.
fn names() -> Vec<Case> {
    vec![
        values_path("path-above", "L0604", "../canary/values.yaml"),
        values_path("path-absolute", "L0604", "/etc/passwd"),
        values_path("path-git", "L0604", ".GIT/config"),
        values_path("path-git-short", "L0604", "git~1/config"),
        values_path("path-git-stream", "L0604", ".git::$INDEX_ALLOCATION/config"),
        values_path("path-git-ignorable", "L0604", ".g\u{200c}it/config"),
        values_path("path-backslash", "L0604", "..\\canary\\values.yaml"),
        values_path("path-device", "L0604", "values/con.yaml"),
        values_path("path-port", "L0604", "values/COM¹.yaml"),
        values_path("path-bidi", "L0604", "values/\u{202e}lmay.a"),
        values_path("path-option", "L0604", "-rf.yaml"),
        values_path("path-decomposed", "L0604", "values/e\u{301}.yaml"),
        values_path("path-control", "L0604", "values/\\u001b[2J.yaml"),
        tables("path-long", "L0604", || {
            let path = "a/".repeat(600) + "x.yaml";
            format!(
                "[apps.web]\nmodule = \"chart\"\nversion = \"1.0.0\"\nchart = {{ repository = \"oci://example.org/charts\", name = \"web\" }}\nvalues_files = [\"{path}\"]\n"
            )
        }),
        tables("component-device", "L0604", || {
            "[apps.aux]\nmodule = \"workload\"\nimage = \"nginx:1.29.3\"\nport = 8080\n".to_owned()
        }),
        case("node-device", "L0604", || {
            let nodes = "[nodes]\ncon = { role = \"controlplane\", address = \"192.168.1.11\", disk = \"/dev/sda\" }\n";
            files(&[("lab.toml", &format!("{HEAD}{NETWORK}{nodes}"))])
        }),
        module("resource-above", "", || {
            let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ../../../canary/values\ndata: {}\n";
            vec![("manifests/map.yaml", manifest.to_owned())]
        }),
        module("resource-case", "L0603", || {
            let role = |name| {
                format!(
                    "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: {name}\n"
                )
            };
            vec![(
                "manifests/roles.yaml",
                format!("{}---\n{}", role("reader"), role("Reader")),
            )]
        }),
        module("resource-long", "L0604", || {
            vec![(
                "manifests/map.yaml",
                config_map("x").replace("name: demo", &format!("name: {}", "a".repeat(250))),
            )]
        }),
        module("resource-group", "", || {
            let manifest =
                "apiVersion: ../../../../canary/v1\nkind: Canary\nmetadata:\n  name: x\n";
            vec![("manifests/x.yaml", manifest.to_owned())]
        }),
        case("files-case", "L0603", || {
            let chart = "[apps.web]\nmodule = \"chart\"\nversion = \"1.0.0\"\nchart = { repository = \"oci://example.org/charts\", name = \"web\" }\nvalues_files = [\"values/a.yaml\", \"values/A.yaml\"]\n";
            files(&[
                ("lab.toml", &lab(chart)),
                ("values/a.yaml", "a: 1\n"),
                ("values/A.yaml", "b: 1\n"),
            ])
        }),
        module("module-file-name", "L0604", || {
            vec![("manifests/a:b.yaml", config_map("x"))]
        }),
        case("module-above", "L0301", || {
            files(&[("lab.toml", &lab("[apps.web]\nmodule = \"../../canary\"\n"))])
        }),
        case("chart-file-bytes", "UTF-8", || {
            let mut made = files(&[
                ("lab.toml", &lab("[apps.demo]\n")),
                ("modules/demo/module.toml", "[module]\nsummary = \"x\"\n"),
            ]);
            made.push((
                "modules/demo/manifests/x.yaml".to_owned(),
                b"a: \xff\xfe\n".to_vec(),
            ));
            made
        }),
    ]
}

/// Links that lead out, or nowhere.
fn links() -> Vec<Case> {
    vec![
        linked(
            "link-file",
            &[("values/a.yaml", "../../canary/values.yaml")],
        ),
        Case {
            links: &[("values", "../canary")],
            ..values_path("link-folder", "L0604", "values/values.yaml")
        },
        linked("link-absolute", &[("values/a.yaml", "/etc/passwd")]),
        linked(
            "link-environment",
            &[("values/a.yaml", "/proc/self/environ")],
        ),
        linked(
            "link-loop",
            &[("values/a.yaml", "b.yaml"), ("values/b.yaml", "a.yaml")],
        ),
        linked("link-device", &[("values/a.yaml", "/dev/zero")]),
    ]
}

/// Expressions that make much out of little.
fn expressions() -> Vec<Case> {
    vec![
        datum("text-times", "L0410", || "${{ 'a' * 99999999 }}".to_owned()),
        datum("text-times-computed", "L0403", || {
            "${{ component.name * 99999999 }}".to_owned()
        }),
        datum("text-times-sum", "L0410", || {
            format!("${{{{ {} }}}}", vec!["'a' * 99999999"; 50].join(" ~ "))
        }),
        datum("replace-bomb", "L0410", || {
            "${{ ('a' * 9999) | replace('a', 'b' * 9999) }}".to_owned()
        }),
        datum("join-bomb", "L0410", || {
            "${{ range(99999) | join(',' * 9999) }}".to_owned()
        }),
        datum("lists-times", "L0410", || {
            "${{ [[[1] * 1000] * 1000] * 1000 }}".to_owned()
        }),
        datum("lists-times-length", "L0410", || {
            "${{ ([[[1] * 1000] * 1000] * 1000) | map('length') | sum }}".to_owned()
        }),
        datum("indent-bomb", "L0410", || {
            "${{ ('a\\n' * 9999) | indent(9999) }}".to_owned()
        }),
        datum("format-bomb", "L0410", || {
            "${{ '%0999999999d' | format(1) }}".to_owned()
        }),
        datum("batch-bomb", "L0410", || {
            "${{ [1] | batch(999999999, 'x') | list | length }}".to_owned()
        }),
        datum("slice-bomb", "L0410", || {
            "${{ [1] | slice(999999999) | list | length }}".to_owned()
        }),
        datum("chain-of-operators", "L0410", || {
            format!("${{{{ 1{} }}}}", "+1".repeat(30_000))
        }),
        datum("chain-of-signs", "L0410", || {
            format!("${{{{ {}1 }}}}", "-".repeat(60_000))
        }),
        datum("chain-of-nots", "L0410", || {
            format!("${{{{ {}true }}}}", "not ".repeat(2_000))
        }),
        datum("deep-brackets", "L04", || {
            format!("${{{{ {}1{} }}}}", "[".repeat(4000), "]".repeat(4000))
        }),
        datum("chain-of-choices", "L0410", || {
            format!("${{{{ {}1 }}}}", "1 if false else ".repeat(500))
        }),
        datum("power", "L04", || "${{ 2 ** 999999 }}".to_owned()),
        datum("large-integer", "L04", || {
            format!("${{{{ {} }}}}", "9".repeat(4000))
        }),
        tables("values-double", "L0410", || {
            let mut text = "[vars]\nv0 = \"xxxxxxxxxx\"\n".to_owned();
            for level in 1..60 {
                let before = "${{ vars.v".to_owned() + &(level - 1).to_string() + " }}";
                writeln!(text, "v{level} = \"{before}{before}\"").expect("a string takes it");
            }
            text
        }),
        tables("values-nest", "L04", || {
            let mut text = "[vars]\nv0 = [1]\n".to_owned();
            for level in 1..90 {
                let (open, close) = ("[".repeat(40), "]".repeat(40));
                writeln!(
                    text,
                    "v{level} = {open}\"${{{{ vars.v{} }}}}\"{close}",
                    level - 1
                )
                .expect("a string takes it");
            }
            text
        }),
        tables("values-wait", "L03", || {
            let mut text = "[vars]\n".to_owned();
            for level in 0..5000 {
                writeln!(text, "v{level:05} = \"${{{{ vars.v{:05} }}}}\"", level + 1)
                    .expect("a string takes it");
            }
            text + "v05000 = 1\n"
        }),
        tables("many-large-values", "L0410", || {
            let mut text = "[vars]\n".to_owned();
            for level in 0..5000 {
                writeln!(text, "v{level} = \"${{{{ 'ab' * 500000 }}}}{level}\"")
                    .expect("a string takes it");
            }
            text
        }),
        module("loops-in-loops", "L0410", || {
            let mut yaml = String::new();
            for depth in 0..10 {
                let indent = "  ".repeat(depth * 2);
                writeln!(
                    yaml,
                    "{indent}- $for: x{depth} in range(1000)\n{indent}  $do:"
                )
                .expect("a string takes it");
            }
            let text = format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: demo\nlists:\n{yaml}{}- x\n",
                "  ".repeat(20)
            );
            vec![("manifests/map.yaml", text)]
        }),
    ]
}

/// The same in text files, which have statements.
fn text_files() -> Vec<Case> {
    let nested = |depth: usize| {
        let open: String = (0..depth)
            .map(|level| format!("{{% for x{level} in range(99999) %}}"))
            .collect();
        open + "x" + &"{% endfor %}".repeat(depth)
    };
    vec![
        text_file("file-loops", "L0410", move || nested(10)),
        text_file("file-doubling", "L0410", || {
            "{% set s = 'ab' %}".to_owned() + &"{% set s = s ~ s %}".repeat(60) + "${{ s }}"
        }),
        text_file("file-adding", "L0410", || {
            "{% set s = ['ab'] %}".to_owned() + &"{% set s = s + s %}".repeat(60) + "${{ s }}"
        }),
        text_file("file-capturing", "L0410", || {
            "{% set s %}ab{% endset %}".to_owned()
                + &"{% set s %}${{ s }}${{ s }}{% endset %}".repeat(60)
                + "${{ s }}"
        }),
        text_file("file-nesting", "L0410", || {
            "{% set s = [1] %}".to_owned() + &"{% set s = [s, s] %}".repeat(60) + "${{ s }}"
        }),
        text_file("file-raw-text", "L0410", || {
            format!(
                "{{% for x in range(99999) %}}{}{{% endfor %}}",
                "raw text ".repeat(5000)
            )
        }),
        text_file("file-macro", "L04", || {
            "{% macro m(n) %}${{ m(n) }}${{ m(n) }}{% endmacro %}${{ m(1) }}".to_owned()
        }),
        text_file("file-namespace", "L04", || {
            "{% set ns = namespace(s='ab') %}{% for x in range(99999) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}${{ ns.s }}".to_owned()
        }),
        text_file("file-itself", "L0410", || {
            "${{ file('text') }}${{ file('text') }}".to_owned()
        }),
        text_file("file-choices", "L0410", || {
            "{% if false %}".to_owned() + &"{% elif false %}".repeat(3000) + "{% endif %}"
        }),
        text_file("file-large", "L0410", || "x".repeat(1 << 20)),
        text_file("file-recursive-loop", "L04", || {
            "{% for x in [[1]] recursive %}${{ loop([[1]]) }}${{ loop([[1]]) }}{% endfor %}"
                .to_owned()
        }),
        text_file("file-include", "L04", || "{% include 'text' %}".to_owned()),
    ]
}

/// Documents that are large, deep, or grow when they are read.
fn documents() -> Vec<Case> {
    vec![
        values("yaml-aliases", "L0108", || aliases(9)),
        values("yaml-merges", "L0108", || {
            let mut text = "a0: &a0 {x: 1}\n".to_owned();
            for level in 1..30 {
                let keys: String = (0..9)
                    .map(|key| format!("k{key}: *a{}, ", level - 1))
                    .collect();
                writeln!(text, "a{level}: &a{level} {{ {keys} }}").expect("a string takes it");
            }
            text
        }),
        values("yaml-alias-of-itself", "L010", || {
            "a: &a [*a, *a]\n".to_owned()
        }),
        values("yaml-deep-flow", "L010", || "[".repeat(200_000)),
        values("yaml-deep-block", "L010", || {
            (0..3000).map(|depth| "  ".repeat(depth) + "a:\n").collect()
        }),
        values("yaml-deep-keys", "L010", || "? ".repeat(200_000)),
        values("yaml-deep-lists", "L010", || "- ".repeat(200_000)),
        values("yaml-deep-tags", "L010", || "!a ".repeat(200_000)),
        values("yaml-many-anchors", "L010", || {
            "a: ".to_owned() + &"&a ".repeat(200_000)
        }),
        values("yaml-many-documents", "L01", || {
            "a: 1\n---\n".repeat(300_000)
        }),
        values("yaml-many-duplicates", "L0107", || "a: 1\n".repeat(100_000)),
        values("yaml-large", "L0604", || big("a: b # comment\n")),
        values("yaml-long-line", "L010", || {
            "a".repeat(12 << 20) + ": b: c\n"
        }),
        case("lab-large", "L0604", || {
            vec![("lab.toml".to_owned(), big("# comment\n").into_bytes())]
        }),
        module("module-large", "L0604", || {
            vec![("module.toml", big("# comment\n"))]
        }),
        case("lock-large", "lab.lock", || {
            let mut made = files(&[("lab.toml", &lab(""))]);
            made.push(("lab.lock".to_owned(), big("# comment\n").into_bytes()));
            made
        }),
        tables("patch-large", "L0604", || {
            workload(
                "[[apps.web.patches]]\ntarget = { kind = \"Deployment\" }\nfile = \"patch.yaml\"\n",
            )
        })
        .with("patch.yaml", || big("# comment\n")),
        tables("toml-deep-lists", "L0101", || {
            format!(
                "[vars]\na = {}{}\n",
                "[".repeat(100_000),
                "]".repeat(100_000)
            )
        }),
        tables("toml-deep-tables", "L0101", || {
            format!(
                "[vars]\na = {}1{}\n",
                "{a=".repeat(100_000),
                "}".repeat(100_000)
            )
        }),
        tables("toml-deep-keys", "L01", || {
            format!("[vars]\n{}a = 1\n", "a.".repeat(100_000))
        }),
        tables("toml-deep-header", "L01", || {
            format!("[vars.{}a]\n", "a.".repeat(100_000))
        }),
        tables("toml-many-duplicates", "more", || {
            "[vars]\n".to_owned() + &"a = 1\n".repeat(100_000)
        }),
        tables("toml-many-errors", "more", || {
            "[vars]\n".to_owned() + &"a b c\n".repeat(100_000)
        }),
        tables("toml-unclosed-text", "L0101", || {
            format!("[vars]\na = \"\"\"{}", "x\n".repeat(1_000_000))
        }),
        case("lab-bytes", "UTF-8", || {
            vec![("lab.toml".to_owned(), vec![0xff; 1000])]
        }),
        case("lab-nul", "L01", || {
            vec![("lab.toml".to_owned(), vec![0; 1000])]
        }),
    ]
}

impl Case {
    /// The same case with one more file.
    fn with(self, path: &'static str, text: impl Fn() -> String + 'static) -> Case {
        let before = self.files;
        let files = move || {
            let mut files = before();
            files.push((path.to_owned(), text().into_bytes()));
            files
        };
        Case {
            files: Box::new(files),
            ..self
        }
    }
}

/// Patches that grow what they patch.
fn patches() -> Vec<Case> {
    vec![
        json_patch("json-index", "L0408", || {
            "{ op = \"add\", path = \"/spec/template/spec/containers/1000000000\", value = {} }"
                .to_owned()
        }),
        json_patch("json-index-huge", "L0408", || {
            format!(
                "{{ op = \"add\", path = \"/spec/template/spec/containers/{}\", value = {{}} }}",
                "9".repeat(400)
            )
        }),
        json_patch("json-doubling", "L04", || {
            let mut text = "{ op = \"add\", path = \"/spec/a\", value = { x = 1 } },\n".to_owned();
            for level in 0..60 {
                writeln!(
                    text,
                    "{{ op = \"copy\", from = \"/spec\", path = \"/spec/c{level}\" }},"
                )
                .expect("a string takes it");
            }
            text
        }),
        tables("json-copies", "L0408", || {
            let mut text = workload("");
            for number in 0..200 {
                let copies: String = (0..4)
                    .map(|copy| format!("{{ op = \"copy\", from = \"/spec\", path = \"/metadata/c{number}-{copy}\" }}, {{ op = \"copy\", from = \"/metadata\", path = \"/spec/c{number}-{copy}\" }},"))
                    .collect();
                writeln!(
                    text,
                    "[[apps.web.patches]]\ntarget = {{ kind = \"Deployment\" }}\njson = [{copies}]"
                )
                .expect("a string takes it");
            }
            text
        }),
        json_patch("json-deep", "L04", || {
            let mut text = String::new();
            let mut path = "/spec/a".to_owned();
            for _ in 0..500 {
                writeln!(text, "{{ op = \"add\", path = \"{path}\", value = {{}} }},")
                    .expect("a string takes it");
                path.push_str("/a");
            }
            text
        }),
        json_patch("json-path-long", "L0408", || {
            format!(
                "{{ op = \"add\", path = \"{}\", value = {{}} }}",
                "/a".repeat(100_000)
            )
        }),
        tables("patch-deep-list", "L01", || {
            workload(&format!(
                "[[apps.web.patches]]\ntarget = {{ kind = \"Deployment\" }}\nmerge = {}{}\n",
                "{a=".repeat(50_000),
                "}".repeat(50_000)
            ))
        }),
        tables("patch-expression", "L04", || {
            workload(
                "[[apps.web.patches]]\ntarget = { kind = \"Deployment\" }\nmerge = { spec = { a = \"${{ 'a' * 99999999 }}\" } }\n",
            )
        }),
        tables("patch-pattern", "L0", || {
            workload(&format!(
                "[[apps.web.patches]]\ntarget = {{ kind = \"Deployment\", name = \"{}\" }}\nmerge = {{ a = 1 }}\n",
                "(a+)+".repeat(1000)
            ))
        }),
    ]
}

/// Very many of something.
fn many() -> Vec<Case> {
    vec![
        tables("components-100000", "", || {
            let mut text = String::new();
            for number in 0..100_000 {
                writeln!(text, "[apps.a{number}]\nmodule = \"workload\"\nimage = \"nginx:1.29.3\"\nport = 80").expect("a string takes it");
            }
            text
        }),
        case("nodes-100000", "", || {
            let mut text = format!("{HEAD}{}[nodes]\n", NETWORK.replace("192.168.1.0/24", "10.0.0.0/8").replace("192.168.1.", "10.0.1."));
            for number in 0u32..100_000 {
                let (a, b, c) = (number / 65536 + 1, number / 256 % 256, number % 256);
                let role = if number == 0 { "controlplane" } else { "worker" };
                writeln!(text, "n{number} = {{ role = \"{role}\", address = \"10.{a}.{b}.{c}\", disk = \"/dev/sda\" }}").expect("a string takes it");
            }
            files(&[("lab.toml", &text)])
        }),
        tables("unknown-keys-50000", "more", || {
            let mut text = "[vars]\n[apps.web]\nmodule = \"workload\"\n".to_owned();
            for number in 0..50_000 {
                writeln!(text, "unknown{number} = 1").expect("a string takes it");
            }
            text
        }),
        tables("undefined-20000", "and 101 more", || {
            let mut text = "[vars]\n".to_owned();
            for number in 0..20_000 {
                writeln!(text, "v{number} = \"${{{{ vars.nothing }}}}\"").expect("a string takes it");
            }
            text
        }),
        tables("manifests-pattern", "", || "[apps.web]\nmodule = \"workload\"\nimage = \"nginx:1.29.3\"\nport = 80\nmanifests = [\"{a,b,{c,{d,{e,{f,g}}}}}**/**/**/**/**/**/**/**/*{a,b}*{c,d}*{e,f}*{g,h}*{i,j}*{k,l}*{m,n}*.yaml\"]\n".to_owned()),
        tables("manifests-pattern-braces", "L0", || format!("[apps.web]\nmodule = \"workload\"\nimage = \"nginx:1.29.3\"\nport = 80\nmanifests = [\"m/{}x\"]\n", "{a,b}".repeat(20_000))),
        tables("manifests-pattern-above", "L0", || "[apps.web]\nmodule = \"workload\"\nimage = \"nginx:1.29.3\"\nport = 80\nmanifests = [\"../canary/*.yaml\"]\n".to_owned()),
        tables("manifests-30000", "L0", || "[apps.web]\nmodule = \"workload\"\nimage = \"nginx:1.29.3\"\nport = 80\nmanifests = [\"m/*.yaml\"]\n".to_owned()).with_many(),
    ]
}

impl Case {
    /// The same case with very many manifests.
    fn with_many(self) -> Case {
        let before = self.files;
        let files = move || {
            let mut files = before();
            for number in 0..30_000 {
                let text =
                    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m{number}\n");
                files.push((format!("m/{number}.yaml"), text.into_bytes()));
            }
            files
        };
        Case {
            files: Box::new(files),
            ..self
        }
    }
}

/// Ranges and numbers beyond all measure.
fn numbers() -> Vec<Case> {
    let network = |name, expected, keys: &'static str| {
        case(name, expected, move || {
            let network = format!(
                "[network]\nnodes = \"192.168.1.0/24\"\ngateway = \"192.168.1.1\"\n{keys}\n"
            );
            files(&[("lab.toml", &format!("{HEAD}{network}{NODES}"))])
        })
    };
    vec![
        network("pool-everything", "L02", "load_balancer = [\"0.0.0.0/0\"]"),
        network("pods-everything-6", "L01", "pods = \"::/0\""),
        network(
            "pool-backwards",
            "L0",
            "load_balancer = [\"192.168.1.240-192.168.1.200\"]",
        ),
        network("pods-everything", "L02", "pods = \"0.0.0.0/0\""),
        network(
            "node-ports",
            "L0",
            "node_ports = \"0-99999999999999999999\"",
        ),
        network("mtu-huge", "L0", "mtu = 99999999999999999999999999999999"),
        tables("replicas-huge", "L0", || {
            workload("replicas = 9223372036854775808\n")
        }),
        tables("port-huge", "L0", || {
            workload("").replace("8080", "99999999999999999999999")
        }),
        tables("quantity-huge", "L0", || {
            workload(
                "storage.config = { size = \"99999999999999999999999999999999999999999999999999Ei\", mount = \"/config\" }\n",
            )
        }),
        tables("float-huge", "L0", || workload("replicas = 1e309\n")),
    ]
}

/// Locks that name what is not labc's.
fn locks() -> Vec<Case> {
    let lock = |name, path: &'static str| {
        case(name, "L1002", move || {
            let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
            let text = format!(
                "version = 2\nepoch = 1\n\n[[output]]\npath = {path:?}\nsha256 = \"{empty}\"\n"
            );
            files(&[
                ("lab.toml", &lab("")),
                ("lab.lock", &text),
                ("notes.txt", ""),
            ])
        })
    };
    vec![
        lock("lock-above", "../canary/values.yaml"),
        lock("lock-absolute", "/tmp/canary"),
        lock("lock-outside-out", "notes.txt"),
        lock("lock-git", "out/.git/config"),
        case("lock-deep", "L100", || {
            let text = format!(
                "version = {}1{}\n",
                "[".repeat(100_000),
                "]".repeat(100_000)
            );
            files(&[("lab.toml", &lab("")), ("lab.lock", &text)])
        }),
        case("lock-many", "L100", || {
            let mut text = "version = 2\nepoch = 1\n".to_owned();
            for number in 0..50_000 {
                writeln!(text, "[[output]]\npath = \"../{number}\"\nsha256 = \"\"")
                    .expect("a string takes it");
            }
            files(&[("lab.toml", &lab("")), ("lab.lock", &text)])
        }),
    ]
}
