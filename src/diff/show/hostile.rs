//! Hostile text in every field of a report: no format lets it out.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options as Dialect, Parser, Tag};
use smol_str::SmolStr;

use super::group::groups;
use super::markdown::{MARKER, Options, markdown};
use super::{Report, Side, json, text};
use crate::diag::report::{Colour, data};
use crate::diag::{Code, Severity};
use crate::diff::source::Table;
use crate::diff::{
    Cause, Change, Danger, Diff, Drift, Field, FieldPath, FieldStep, Kind, SourceChange, Subject,
    What,
};
use crate::render::ResourceId;
use crate::source::Origin;
use crate::value::Node;

/// Reports that are looked at: each of them has some 40 such texts.
const CASES: u32 = 300;

/// What closes, opens, links, mentions, steers or commands.
const PIECES: [&str; 64] = [
    "`",
    "``",
    "```",
    "````````````````````",
    "~~~",
    "\n```\n",
    "</code>",
    "</details>",
    "</summary>",
    "<details>",
    "<script>alert(1)</script>",
    "<img src=x onerror=x>",
    "<!--",
    "-->",
    MARKER,
    "<a href=x>",
    "@octocat",
    "@org/team",
    "#1",
    "GH-1",
    "octo/repo#1",
    "!1",
    "~label",
    "%1",
    "$1",
    "&1",
    "0123456789abcdef0123456789abcdef01234567",
    "deadbeef",
    "https://example.org",
    "www.example.org",
    "a@example.org",
    "<https://example.org>",
    "[a](https://example.org)",
    "![a](https://example.org/x.png)",
    "[a]: https://example.org",
    "[^1]",
    ":smile:",
    "# head",
    "\n# head\n",
    "\nhead\n====\n",
    "- item",
    "1. item",
    "> quote",
    "> [!NOTE]",
    "|a|b|\n|-|-|\n",
    "***",
    "__b__",
    "~~s~~",
    "\\",
    "&lt;",
    "&#64;x",
    "\r",
    "\r\n",
    "\t",
    "\u{1b}[31m",
    "\u{7}",
    "\u{7f}",
    "\u{9b}31m",
    "\u{202e}",
    "\u{2066}",
    "\u{200f}",
    "\u{61c}",
    "\n::error::x\n",
    "##[error]x",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned),
        2 => "[a-z]{1,8}",
        1 => any::<char>().prop_map(String::from),
        1 => Just(" ".to_owned()),
        1 => Just("\n".to_owned()),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn node(text: &str) -> Node {
    Node::new(text, Origin::none())
}

/// A report whose texts are these, in their order and again from the beginning where there are too few.
fn filled(texts: &[String]) -> (Diff, Side, Side) {
    let mut texts = texts.iter().cycle().cloned();
    let mut next = || texts.next().expect("there are some");
    let source = |next: &mut dyn FnMut() -> String, key: bool| SourceChange {
        kind: Kind::Changed,
        key: key.then(&mut *next),
        before: Some(next()),
        after: Some(next()),
        file: next(),
        line: 7,
        span: None,
        is_file: false,
        base: Vec::new(),
        target: Vec::new(),
        table: Table::default(),
    };
    let subjects = [
        Subject::Resource(ResourceId {
            group: next(),
            kind: next(),
            namespace: Some(next()),
            name: next(),
        }),
        Subject::Machine {
            patch: next(),
            document: next(),
        },
        Subject::Schematic(next()),
        Subject::Values(next()),
        Subject::File(next()),
    ];
    let mut changes = Vec::new();
    for (index, subject) in subjects.into_iter().enumerate() {
        let path = FieldPath(vec![
            FieldStep::Key(SmolStr::from(next())),
            FieldStep::Item(vec![("name", SmolStr::from(next()))]),
        ]);
        let what = match index {
            0 => What::Changed(node(&next()), node(&next())),
            1 => What::Added(node(&next())),
            2 => What::Removed(node(&next())),
            _ => What::Changed(node(&format!("{}\n{}", next(), next())), node(&next())),
        };
        changes.push(Change {
            subject,
            kind: Kind::Changed,
            component: Some(next()),
            from: Some(next()),
            to: Some(next()),
            nodes: vec![next()],
            before: None,
            after: None,
            fields: vec![Field {
                path,
                what,
                causes: vec![[Cause::Source(index % 2), Cause::Unknown][index / 4]],
            }],
            causes: Vec::new(),
        });
    }
    let danger = |next: &mut dyn FnMut() -> String| Danger {
        code: Code::UNEXPLAINED_REMOVAL,
        severity: Severity::Error,
        change: 0,
        others: vec![1],
        message: format!("`{}` goes, {}", next(), next()),
        notes: vec![next()],
        help: vec![format!("say so: `--allow '{}'`", next())],
        causes: vec![Cause::Source(0)],
    };
    let diff = Diff {
        sources: vec![source(&mut next, true), source(&mut next, false)],
        changes,
        dangers: vec![danger(&mut next), danger(&mut next)],
    };
    let mut side = || {
        let wrong = next() + "\n" + &next();
        Side {
            name: next(),
            commit: None,
            drift: vec![(next(), Drift::HandEdit)],
            wrong: Some((wrong.clone(), serde_json::Value::from(wrong))),
        }
    };
    let (base, target) = (side(), side());
    (diff, base, target)
}

fn report<'a>((diff, base, target): &'a (Diff, Side, Side)) -> Report<'a> {
    Report {
        base: base.clone(),
        target: target.clone(),
        diff: Some(diff),
        acknowledged: vec![1],
    }
}

fn dialect() -> Dialect {
    Dialect::all() & !Dialect::ENABLE_SMART_PUNCTUATION
}

/// What is wrong with a comment: anything in it that is not code and that labc did not write.
fn breakouts(comment: &str, links: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut found, mut headings, mut depth) = (0, 0, 0);
    let mut is_code = false;
    for event in Parser::new_ext(comment, dialect()) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_code = true,
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => is_code = false,
            Event::Start(Tag::Link { .. }) => found += 1,
            Event::Start(Tag::Heading { .. }) => headings += 1,
            Event::Start(
                Tag::Paragraph | Tag::List(None) | Tag::Item | Tag::Strong | Tag::HtmlBlock,
            )
            | Event::End(_)
            | Event::Code(_)
            | Event::SoftBreak => {}
            Event::Html(html) => match html.trim_end() {
                "</details>" => depth -= 1,
                MARKER => {}
                line if is_summary(line) => depth += 1,
                line => wrong.push(format!("HTML {line:?}")),
            },
            Event::Text(text) if is_code || is_quiet(&text) => {}
            other => wrong.push(format!("{other:?}")),
        }
    }
    if (found, headings, depth) != (links, 1, 0) {
        wrong.push(format!("{found} links, {headings} headings, {depth} open"));
    }
    wrong
}

fn is_summary(line: &str) -> bool {
    let inside = line
        .strip_prefix("<details><summary>")
        .and_then(|line| line.strip_suffix("</summary>"));
    inside.is_some_and(|inside| {
        let rest = inside.replace("<code>", "").replace("</code>", "");
        !rest.contains(['<', '>'])
            && inside.matches("<code>").count() == inside.matches("</code>").count()
    })
}

/// Whether no service makes anything of a text.
fn is_quiet(text: &str) -> bool {
    let is_id =
        |word: &str| word.len() >= 7 && word.chars().all(|letter| letter.is_ascii_hexdigit());
    let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    !text.contains(|letter: char| !letter.is_ascii() || "@#<>*_~`|[]\\&$%^+={}/".contains(letter))
        && !text.contains("www.")
        && !text.contains("GH-")
        && !words.any(is_id)
}

/// Whether every block is closed: of Markdown's by their lines, of HTML's by its tags.
fn is_balanced(comment: &str) -> bool {
    let mut fence: Option<&str> = None;
    let mut depth = 0;
    for line in comment.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        let is_end = fence.is_some_and(|fence| line == ticks && ticks.len() >= fence.len());
        match fence {
            Some(_) if is_end => fence = None,
            Some(_) => {}
            None if ticks.len() > 2 && !line[ticks.len()..].contains('`') => fence = Some(ticks),
            None if line.starts_with("<details>") => depth += 1,
            None if line == "</details>" => depth -= 1,
            None => {}
        }
    }
    fence.is_none() && depth == 0
}

/// Raw letters that steer a terminal.
fn steering(text: &str) -> Vec<char> {
    let steers = |letter: &char| {
        letter.is_control() && *letter != '\n'
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
    };
    text.chars().filter(steers).collect()
}

fn commands(text: &str) -> Vec<&str> {
    let is_command = |line: &&str| {
        let rest = line.trim_start().strip_prefix("::");
        let is_new =
            rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()));
        is_new || line.contains("##[")
    };
    text.lines().filter(is_command).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_gets_out_of_a_comment(texts in proptest::collection::vec(hostile(), 40)) {
        let filled = filled(&texts);
        let report = report(&filled);
        let whole = markdown(&report, Options { max_bytes: usize::MAX, artifact: None });
        prop_assert_eq!(breakouts(&whole, 0), Vec::<String>::new(), "{}", whole);
        let blocks = Parser::new_ext(&whole, dialect());
        let blocks = blocks.filter(|event| matches!(event, Event::Start(Tag::CodeBlock(_)))).count();
        prop_assert_eq!(blocks, 4 + groups(&filled.0).len(), "{}", whole);
        prop_assert_eq!(steering(&whole), Vec::<char>::new());
        prop_assert_eq!(commands(&whole), Vec::<&str>::new());
    }

    #[test]
    fn a_comment_of_any_length_is_whole(texts in proptest::collection::vec(hostile(), 40), max_bytes in 0..6000_usize) {
        let filled = filled(&texts);
        let artifact = Some("https://example.org/artifact?a=1&b_c");
        let comment = markdown(&report(&filled), Options { max_bytes, artifact });
        prop_assert!(comment.len() <= max_bytes);
        prop_assert!(is_balanced(&comment), "{}", comment);
        if comment.contains("###") {
            let links = usize::from(comment.contains("[the whole diff]("));
            prop_assert_eq!(breakouts(&comment, links), Vec::<String>::new(), "{}", comment);
        }
    }

    #[test]
    fn nothing_steers_a_terminal_or_a_runner(texts in proptest::collection::vec(hostile(), 40)) {
        let filled = filled(&texts);
        let report = report(&filled);
        for shown in [text(&report, Colour::No), data(&json(&report))] {
            prop_assert_eq!(steering(&shown), Vec::<char>::new());
            prop_assert_eq!(commands(&shown), Vec::<&str>::new());
        }
        let read: serde_json::Value = serde_json::from_str(&data(&json(&report))).expect("it is JSON");
        prop_assert_eq!(read, json(&report));
    }
}

/// Every length near the ends of what a comment may have.
#[test]
fn a_comment_is_never_too_long() {
    let texts: Vec<String> = PIECES.iter().map(|piece| format!("{piece}é")).collect();
    let (mut diff, base, target) = filled(&texts);
    let few = diff.changes.clone();
    while diff.changes.len() < 400 {
        diff.changes.extend(few.iter().cloned());
    }
    let filled = (diff, base, target);
    let report = report(&filled);
    for max_bytes in (0..=200).chain((59_900..=60_100).step_by(10)) {
        let comment = markdown(
            &report,
            Options {
                max_bytes,
                artifact: None,
            },
        );
        assert!(
            comment.len() <= max_bytes && is_balanced(&comment),
            "{max_bytes}"
        );
        if max_bytes > 1000 {
            assert_eq!(breakouts(&comment, 0), Vec::<String>::new());
            assert!(
                comment.ends_with("left out: `labc diff` shows all of it.\n"),
                "{comment}"
            );
            assert!(comment.len() > max_bytes / 2);
        }
    }
}
