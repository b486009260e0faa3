//! Runs every page of a code and every file of `tests/messages/`: a lab, or an edit of one, and all that is said
//! about it. `LABC_BLESS=1` writes what is said now into the files.
//!
//! A page holds a ```` ```toml lab.toml ```` block, to which the tables of `minimal.toml` are added that it lacks, and
//! a ```` ```text ```` block. A file of `tests/messages/` begins with `base: NAME`; each of its cases, under a `##`, has
//! ```` ```diff ```` blocks that change `NAME.toml`, and a ```` ```text ```` block. Where nothing is to be said the title begins with `quiet`.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk"
)]

use std::fs;
use std::path::{Path, PathBuf};

use labc::diag::report::{Colour, text};
use labc::diag::{Code, Diagnostics};
use labc::parse::toml;
use labc::resolve::plan::{AddressPlan, Claim, sections, with_defaults};
use labc::source::{SourceKind, Sources};
use labc::value::Node;

/// The codes, or their beginnings, whose checks [`check`] runs.
const CHECKED: [&str; 8] = [
    "L0101", "L0103", "L0104", "L0105", "L0106", "L0109", "L02", "L0905",
];

/// Everything that is said about a lab.
fn check(lab: &str) -> String {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let source = sources.add("lab.toml".to_owned(), lab.into(), SourceKind::Lab);
    let tree = toml::read(source, lab, &mut diagnostics);
    if !diagnostics.has_errors() {
        let tree = with_defaults(tree, &mut sources, &mut diagnostics);
        if let Some(sections) = sections(&tree, &mut diagnostics) {
            let mut plan = AddressPlan::new(&sections);
            claims(&tree)
                .into_iter()
                .for_each(|claim| plan.claim(claim));
            let by_routes = tree.get("infrastructure").is_some_and(speaks_bgp);
            plan.check(!by_routes, &sources, &mut diagnostics);
        }
    }
    text(&diagnostics, &sources, Colour::No)
}

/// The `addresses` of every component.
fn claims(lab: &Node) -> Vec<Claim> {
    let mut claims = Vec::new();
    for layer in ["infrastructure", "apps"] {
        let components = lab.get(layer).and_then(Node::as_map).into_iter().flatten();
        for (name, component) in components {
            let addresses = component.node.get("addresses").and_then(Node::as_map);
            claims.extend(addresses.into_iter().flatten().map(|(_, entry)| Claim {
                address: entry.node.as_str().and_then(|text| text.parse().ok()),
                owner: format!("{layer}.{name}"),
                span: entry.node.origin.first().expect("it is written"),
            }));
        }
    }
    claims
}

fn speaks_bgp(components: &Node) -> bool {
    let mut components = components.as_map().into_iter().flatten();
    components.any(|(_, component)| component.node.get("bgp").is_some())
}

#[test]
fn every_page_shows_its_message() {
    let pages = Code::all().filter(|code| {
        let code = code.to_string();
        CHECKED.iter().any(|checked| code.starts_with(checked))
    });
    let mut run = 0;
    let mut wrong = Vec::new();
    for code in pages {
        let path = root().join(format!("src/diag/codes/{code}.md"));
        let page = Page::read(&path);
        let lab = page.block("toml lab.toml", 0);
        let lab = lab.unwrap_or_else(|| panic!("{code} shows no wrong lab"));
        let said = check(&completed(&lab));
        assert!(
            said.contains(&format!("[{code}]")),
            "{code} is not said:\n{said}"
        );
        wrong.extend(page.compare(&[said]));
        run += 1;
    }
    assert!(run > 0, "no page was run");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_edit_has_its_message() {
    let mut wrong = Vec::new();
    let cases = cases();
    assert!(!cases.is_empty(), "no case was found");
    for path in cases {
        let page = Page::read(&path);
        let base = page.lines[0]
            .strip_prefix("base: ")
            .expect("it begins with its base");
        let base = read(&root().join(format!("tests/messages/{base}.toml")));
        assert_eq!(check(&base), "", "the base of {} is wrong", path.display());
        let mut said = Vec::new();
        for (title, lab) in page.edits(&base) {
            let messages = check(&lab);
            let quiet = title.starts_with("quiet");
            assert_eq!(
                messages.is_empty(),
                quiet,
                "{}: {title}\n{messages}",
                path.display()
            );
            said.push(messages);
        }
        wrong.extend(page.compare(&said));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lab of a page, and the tables of the minimal lab whose names it does not have.
fn completed(lab: &str) -> String {
    let name = |line: &str| {
        let name = line
            .trim_start_matches('[')
            .split(['.', ']'])
            .next()
            .map(str::to_owned);
        name.filter(|_| line.starts_with('['))
    };
    let present: Vec<String> = lab.lines().filter_map(name).collect();
    let minimal = read(&root().join("tests/messages/minimal.toml"));
    let missing = minimal.split("\n\n").filter(|table| {
        let name = table.lines().next().and_then(name);
        name.is_some_and(|name| !present.contains(&name))
    });
    missing.fold(lab.to_owned(), |lab, table| format!("{lab}\n{table}\n"))
}

/// A Markdown file by its lines, and where its fenced blocks are.
struct Page {
    path: PathBuf,
    lines: Vec<String>,
    /// What stands behind the opening fence, the line of that fence, and of the closing one.
    blocks: Vec<(String, usize, usize)>,
}

impl Page {
    fn read(path: &Path) -> Self {
        let lines: Vec<String> = read(path).lines().map(str::to_owned).collect();
        let mut blocks = Vec::new();
        let mut open: Option<(String, usize)> = None;
        for (index, line) in lines.iter().enumerate() {
            open = match (open, line.strip_prefix("```")) {
                (None, Some(info)) => Some((info.to_owned(), index)),
                (Some((info, start)), Some("")) => {
                    blocks.push((info, start, index));
                    None
                }
                (open, _) => open,
            };
        }
        assert!(
            open.is_none(),
            "a block of {} is not closed",
            path.display()
        );
        let path = path.to_owned();
        Page {
            path,
            lines,
            blocks,
        }
    }

    fn body(&self, start: usize, end: usize) -> String {
        self.lines[start + 1..end]
            .iter()
            .map(|line| format!("{line}\n"))
            .collect()
    }

    /// The text of the block number `index` of a kind.
    fn block(&self, kind: &str, index: usize) -> Option<String> {
        let mut found = self.blocks.iter().filter(|(info, _, _)| info == kind);
        found
            .nth(index)
            .map(|(_, start, end)| self.body(*start, *end))
    }

    /// Each case's title, and the base after its edits: one lab a `text` block.
    fn edits(&self, base: &str) -> Vec<(String, String)> {
        let mut labs = Vec::new();
        let mut lab = base.to_owned();
        for (info, start, end) in &self.blocks {
            match info.as_str() {
                "diff" => lab = self.edited(&lab, &self.body(*start, *end)),
                "text" => {
                    let lab = std::mem::replace(&mut lab, base.to_owned());
                    labs.push((self.title_before(*start), lab));
                }
                info => panic!("a block `{info}` in {}", self.path.display()),
            }
        }
        labs
    }

    fn title_before(&self, line: usize) -> String {
        let mut above = self.lines[..line].iter().rev();
        let title = above.find_map(|line| line.strip_prefix("## "));
        title.expect("a case has a title").to_owned()
    }

    fn edited(&self, lab: &str, diff: &str) -> String {
        let side = |other: char| -> String {
            let lines = diff.lines().filter(|line| !line.starts_with(other));
            lines
                .map(|line| format!("{}\n", line.get(1..).unwrap_or_default()))
                .collect()
        };
        let (old, new) = (side('+'), side('-'));
        let times = lab.matches(&old).count();
        let path = self.path.display();
        assert!(
            !old.is_empty() && times == 1,
            "{path}: found {times} times:\n{old}"
        );
        lab.replacen(&old, &new, 1)
    }

    /// What differs from the `text` blocks; blessed, they are rewritten and nothing does.
    fn compare(&self, said: &[String]) -> Vec<String> {
        let texts: Vec<&(String, usize, usize)> = self
            .blocks
            .iter()
            .filter(|(info, _, _)| info == "text")
            .collect();
        assert_eq!(
            texts.len(),
            said.len(),
            "{} has other blocks",
            self.path.display()
        );
        if std::env::var_os("LABC_BLESS").is_some_and(|value| value == "1") {
            let mut lines = self.lines.clone();
            for ((_, start, end), said) in texts.iter().zip(said).rev() {
                lines.splice(start + 1..*end, said.lines().map(str::to_owned));
            }
            fs::write(&self.path, lines.join("\n") + "\n").expect("the file can be written");
            return Vec::new();
        }
        let pairs = texts.iter().zip(said);
        pairs
            .map(|((_, start, end), said)| (self.body(*start, *end), start, said))
            .filter(|(expected, _, said)| expected != *said)
            .map(|(expected, line, said)| {
                let path = self.path.display();
                format!(
                    "{path}:{}: expected\n{expected}\nbut it says\n{said}",
                    line + 1
                )
            })
            .collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn cases() -> Vec<PathBuf> {
    let folder = fs::read_dir(root().join("tests/messages")).expect("the folder is there");
    let mut paths: Vec<PathBuf> = folder
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths
}

#[test]
fn no_damage_to_a_lab_stops_the_checker() {
    let damage = [
        "",
        "[",
        "{",
        "\"",
        "é",
        "\\",
        "=",
        "\n",
        "'''",
        "0.0.0.0/0",
        "::/0",
    ];
    let lab = read(&root().join("tests/messages/minimal.toml"));
    for (at, letter) in lab.char_indices() {
        for text in damage {
            check(&format!(
                "{}{text}{}",
                &lab[..at],
                &lab[at + letter.len_utf8()..]
            ));
        }
    }
    for (at, quoted) in lab.match_indices('"').step_by(2) {
        let end = at + 2 + lab[at + 1..].find(quoted).expect("a text is closed");
        for text in [
            "",
            "é",
            "-",
            "/",
            "0.0.0.0/0",
            "::/0",
            "::",
            "255.255.255.255/32",
            "fe80::1",
        ] {
            check(&format!("{}\"{text}\"{}", &lab[..at], &lab[end..]));
        }
    }
}
