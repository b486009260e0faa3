//! Simple expressions are evaluated without the template engine. They have the same value and the same origin as with
//! it: here each is written once as it is, and once so that only the engine can read it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests may look at the machine"
)]

use std::sync::Arc;

use labc::diag::Diagnostics;
use labc::source::{SourceId, SourceKind, Sources};
use labc::syntax::yaml;
use labc::template::{Scope, compile, expand};
use labc::value::Node;

const DATA: &str = "\
inputs:
  port: 8080
  zero: 0
  name: web
  empty: ''
  nothing: null
  yes: true
  no: false
  half: 0.5
  list: [1, 2]
  bare: []
  map: { TZ: UTC, web: 1 }
  none_at_all: {}
  image: { $text: 'nginx:1.27', tag: '1.27' }
  only_text: { $text: shown }
traits:
  expose:
    main: { node_port: null, host: a }
    other: { node_port: 30080, host: b }
  storage: {}
  odd: { main: 1 }
";

const PATHS: [&str; 22] = [
    "inputs.port",
    "inputs.zero",
    "inputs.name",
    "inputs.empty",
    "inputs.nothing",
    "inputs.yes",
    "inputs.no",
    "inputs.half",
    "inputs.list",
    "inputs.bare",
    "inputs.map",
    "inputs.none_at_all",
    "inputs.image",
    "inputs.only_text",
    "inputs[\"map\"].TZ",
    "inputs['map']['web']",
    "inputs.absent",
    "inputs.absent.deeper",
    "traits.expose",
    "traits.storage",
    "nowhere",
    "inputs",
];

const OPERANDS: [&str; 12] = [
    "'web'",
    "\"TZ\"",
    "''",
    "8080",
    "0",
    "none",
    "true",
    "False",
    "{}",
    "traits.expose | pluck('node_port')",
    "traits.odd | pluck('node_port')",
    "inputs.name | default('x')",
];

/// Numbers that look random and are the same in every run (xorshift64*).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap_or_default() % limit
    }

    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.below(3) {
                0 => OPERANDS[self.below(OPERANDS.len())].to_owned(),
                _ => PATHS[self.below(PATHS.len())].to_owned(),
            };
        }
        let below = depth - 1;
        let (left, right) = (self.expression(below), self.expression(below));
        match self.below(16) {
            0 => format!("not {left}"),
            1 | 2 => format!("{left} and {right}"),
            3 | 4 => format!("{left} or {right}"),
            5 => format!("{left} == {right}"),
            6 => format!("{left} != {right}"),
            7 => format!("{left} in {right}"),
            8 => format!("{left} not in {right}"),
            9 => format!("{left} is none"),
            10 => format!("{left} is not none"),
            11 => format!("{left} is defined"),
            12 => format!("{left} is not mapping"),
            13 => format!("{left} ~ {right}"),
            14 => format!("({left})"),
            _ => {
                let condition = self.expression(below);
                format!("{left} if {condition} else {right}")
            }
        }
    }
}

struct Bench {
    sources: Sources,
    scope: Scope,
}

impl Bench {
    fn new() -> Self {
        let mut sources = Sources::default();
        let id = sources.add("data.yaml".to_owned(), DATA.into(), SourceKind::Lab);
        let mut found = Diagnostics::default();
        let data = yaml::read(id, DATA, &mut found);
        assert!(!found.has_errors());
        let mut scope = Scope::default();
        for name in ["inputs", "traits"] {
            let node = data[0].get(name).expect("it is there").clone();
            scope.bind(name, Arc::new(node));
        }
        Bench { sources, scope }
    }

    /// The value, and the places that it was made from but the expression's own.
    fn value(&mut self, template: &str) -> Result<Option<(Node, Vec<String>)>, ()> {
        let text = format!("value: {template}\n");
        let id: SourceId = self.sources.add(
            "template.yaml".to_owned(),
            text.as_str().into(),
            SourceKind::Lab,
        );
        let mut found = Diagnostics::default();
        let syntax = yaml::read_syntax(id, &text, &mut found);
        let [document] = syntax.as_slice() else {
            return Err(());
        };
        let template = compile(document, &text, &mut found).map_err(|_| ())?;
        let node = expand(&template, &self.scope, &mut found).map_err(|_| ())?;
        let value = node.as_ref().and_then(|node| node.get("value")).cloned();
        Ok(value.map(|node| {
            let mut places = Vec::new();
            node.each_leaf(&mut |_, leaf| {
                let made = leaf.origin.spans().iter();
                places.extend(
                    made.filter(|span| span.source != id)
                        .map(|span| self.sources.text(*span).to_owned()),
                );
            });
            (node, places)
        }))
    }
}

fn quoted(expression: &str) -> String {
    format!(
        "\"${{{{ {} }}}}\"",
        expression.replace('\\', "\\\\").replace('"', "\\\"")
    )
}

#[test]
fn a_shortcut_says_what_the_engine_says() {
    let mut bench = Bench::new();
    let mut chance = Chance(0x1ab_c0de);
    let mut with_value = 0;
    for round in 0..4_000 {
        let expression = chance.expression(round % 4);
        // The filter changes nothing, and no shortcut knows it.
        let engine = format!("[{expression}] | first");
        for [short, long] in [
            [
                format!("|-\n  ${{{{ {expression} }}}}"),
                format!("|-\n  ${{{{ {engine} }}}}"),
            ],
            [quoted(&expression), quoted(&engine)],
            [
                format!("{{ $if: {}, $then: 1 }}", quoted(&expression)),
                format!("{{ $if: {}, $then: 1 }}", quoted(&engine)),
            ],
        ] {
            let (short, long) = (bench.value(&short), bench.value(&long));
            match (&short, &long) {
                (Ok(Some((short, made))), Ok(Some((long, read)))) => {
                    with_value += 1;
                    assert_eq!(short, long, "{expression}");
                    if short.is_scalar() {
                        assert_eq!(made, read, "{expression}");
                    }
                }
                _ => assert_eq!(
                    short.is_ok(),
                    long.is_ok(),
                    "{expression}: {short:?} {long:?}"
                ),
            }
        }
    }
    assert!(with_value > 1_000, "only {with_value} had a value");
}
