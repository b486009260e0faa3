//! JSON patch (RFC 6902) on a tree whose leaves keep their origins.
//!
//! The `json-patch` crate works on values that know no origin, so the six operations are made here, with the crate's
//! pointers and its rules for indices; the tests hold the results to the crate's. It knows no resource.

use std::collections::BTreeSet;

use json_patch::jsonptr::{PointerBuf, Token};

use smol_str::SmolStr;

use super::merge::{put, replace};
use super::target::names;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::table::{self, Decode, Table};
use crate::source::{Origin, Spanned};
use crate::syntax::yaml::MAX_DEPTH;
use crate::value::{Node, Step, Value};

/// One operation of a JSON patch.
#[derive(Clone, Debug)]
pub struct Operation {
    /// What it does.
    pub action: Action,
    /// Where.
    pub path: Spanned<Pointer>,
    /// Where the operation is written.
    pub origin: Origin,
}

/// What an operation does at its path.
#[derive(Clone, Debug)]
pub enum Action {
    /// Inserts into a list, sets in a map.
    Add(Node),
    /// Takes away what is there.
    Remove,
    /// Sets what is there.
    Replace(Node),
    /// Takes what is at another place, and adds it.
    Move(Spanned<Pointer>),
    /// Adds what is at another place.
    Copy(Spanned<Pointer>),
    /// Demands that this is there.
    Test(Node),
}

/// A JSON pointer (RFC 6901).
#[derive(Clone, Debug)]
pub struct Pointer(PointerBuf);

impl Decode for Pointer {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        table::parse_string(node, path, diagnostics, |text| {
            let pointer = PointerBuf::parse(text).map(Pointer);
            pointer.map_err(|_| POINTER_RULE.to_owned())
        })
    }
}

const POINTER_RULE: &str =
    "a JSON pointer is empty or begins with `/`, and writes `~` in a key as `~0` and `/` as `~1`";

const ACTIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];

impl Decode for Operation {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut table = Table::new(node, path, diagnostics);
        let word: Option<Spanned<String>> = table.required("op", diagnostics);
        let pointer = table.required("path", diagnostics);
        let action = match word.as_ref().map(|word| word.value.as_str()) {
            Some("add") => table.required("value", diagnostics).map(Action::Add),
            Some("remove") => Some(Action::Remove),
            Some("replace") => table.required("value", diagnostics).map(Action::Replace),
            Some("move") => table.required("from", diagnostics).map(Action::Move),
            Some("copy") => table.required("from", diagnostics).map(Action::Copy),
            Some("test") => table.required("value", diagnostics).map(Action::Test),
            _ => None,
        };
        match word {
            Some(word) if !ACTIONS.contains(&word.value.as_str()) => {
                diagnostics.push(unknown_action(&word, path));
            }
            Some(_) => table.finish(diagnostics),
            None => {}
        }
        Some(Operation {
            action: action?,
            path: pointer?,
            origin: node.origin.clone(),
        })
    }
}

fn unknown_action(word: &Spanned<String>, path: &str) -> Diagnostic {
    let message = format!("`{path}.op` cannot be `{}`", word.value);
    Diagnostic::error(Code::INVALID_VALUE, word.span, message)
        .maybe_help(did_you_mean(&word.value, ACTIONS))
        .help(format!("it is one of {}", table::list(&ACTIONS)))
}

/// The most values that the `copy` operations of one patch make: a few of them, each copying the last one's work,
/// would fill any memory.
const COPIED: usize = 10_000;

/// Applies `operations` in order, or says why one of them fails; then `root` is half patched.
pub(super) fn apply(root: &mut Node, operations: &[Operation]) -> Result<(), Box<Diagnostic>> {
    let mut copied = 0;
    for operation in operations {
        let path = &operation.path;
        match &operation.action {
            Action::Add(value) => add(root, path, value.clone())?,
            Action::Remove => _ = remove(root, path, &operation.origin)?,
            Action::Replace(value) => {
                demand_depth(path, value)?;
                replace(find(root, path)?, value.clone());
            }
            Action::Test(value) => test(find(root, path)?, value, path)?,
            Action::Move(from) => {
                outside_itself(from, path)?;
                let mut value = remove(root, from, &operation.origin)?;
                mark(&mut value, &operation.origin);
                add(root, path, value)?;
            }
            Action::Copy(from) => {
                let mut value = find(root, from)?.clone();
                copied += mark(&mut value, &operation.origin);
                if copied > COPIED {
                    let message = format!("the patch copies more than {COPIED} values");
                    return Err(fails(from, message).into());
                }
                add(root, path, value)?;
            }
        }
    }
    Ok(())
}

/// Adds `value` to the map or the list that `path` ends in, or puts it in the place of the whole tree.
fn add(root: &mut Node, path: &Spanned<Pointer>, value: Node) -> Result<(), Box<Diagnostic>> {
    demand_depth(path, &value)?;
    let Some((parent, last)) = path.value.0.split_back() else {
        replace(root, value);
        return Ok(());
    };
    let parent = descend(root, parent.tokens(), path).map_err(|fault| {
        fault.help("`add` makes only the last part of its path: add what it is in first")
    })?;
    match &mut parent.value {
        Value::Map(map) => put(map, &last.decoded(), Some(path.span), value),
        Value::List(list) => match last.to_index().map(|index| index.for_len_incl(list.len())) {
            Ok(Ok(index)) => list.insert(index, value),
            _ => {
                let help = "`-` is the place behind the last element";
                return Err(missing(&parent.value, &last, path).help(help).into());
            }
        },
        value => return Err(missing(value, &last, path).into()),
    }
    Ok(())
}

/// Takes out what `path` leads to; the map or list around it remembers the operation.
fn remove(
    root: &mut Node,
    path: &Spanned<Pointer>,
    origin: &Origin,
) -> Result<Node, Box<Diagnostic>> {
    let Some((parent, last)) = path.value.0.split_back() else {
        let message = "a json patch cannot remove the whole resource";
        return Err(fails(path, message)
            .help("a strategic patch can: `$patch: delete`")
            .into());
    };
    let parent = descend(root, parent.tokens(), path)?;
    parent.add_origin(origin);
    match &mut parent.value {
        Value::Map(map) => match map.remove(last.decoded().as_ref()) {
            Some(entry) => Ok(entry.node),
            None => Err(missing(&parent.value, &last, path).into()),
        },
        Value::List(list) => match index_of(&last, list) {
            Some(index) => Ok(list.remove(index)),
            None => Err(missing(&parent.value, &last, path).into()),
        },
        value => Err(missing(value, &last, path).into()),
    }
}

/// What `path` leads to.
fn find<'a>(root: &'a mut Node, path: &Spanned<Pointer>) -> Result<&'a mut Node, Box<Diagnostic>> {
    descend(root, path.value.0.tokens(), path)
}

/// What `tokens`, the first ones of `path`, lead to.
fn descend<'a, 'b>(
    root: &'a mut Node,
    tokens: impl Iterator<Item = Token<'b>>,
    path: &Spanned<Pointer>,
) -> Result<&'a mut Node, Box<Diagnostic>> {
    let mut node = root;
    for token in tokens {
        node = match step(&node.value, &token) {
            Some(step) => enter(node, step),
            None => return Err(missing(&node.value, &token, path).into()),
        };
    }
    Ok(node)
}

/// The step that `token` means in `value`, if something is there.
fn step(value: &Value, token: &Token<'_>) -> Option<Step> {
    match value {
        Value::Map(map) => {
            let key = token.decoded();
            map.contains_key(key.as_ref())
                .then(|| Step::Key(key.into()))
        }
        Value::List(list) => index_of(token, list).map(Step::Index),
        _ => None,
    }
}

/// Goes where [`step`] leads.
fn enter(node: &mut Node, step: Step) -> &mut Node {
    match (&mut node.value, step) {
        (Value::Map(map), Step::Key(key)) => {
            let entry = map.get_mut(&key);
            &mut entry.expect("a step leads to what is there").node
        }
        (Value::List(list), Step::Index(index)) => &mut list[index],
        (value, step) => panic!("{step:?} leads into no {}", value.kind()),
    }
}

/// The index of an element that is there; neither `01` nor `-1` is one.
fn index_of(token: &Token<'_>, list: &[Node]) -> Option<usize> {
    token.to_index().ok()?.for_len(list.len()).ok()
}

/// No patch makes a tree deeper than a file may be.
fn demand_depth(path: &Spanned<Pointer>, value: &Node) -> Result<(), Box<Diagnostic>> {
    if path.value.0.count() + depth(value) <= MAX_DEPTH {
        return Ok(());
    }
    let message = format!("more than {MAX_DEPTH} maps and lists in one another");
    Err(fails(path, message).into())
}

fn depth(node: &Node) -> usize {
    let below = match &node.value {
        Value::Map(map) => map.values().map(|entry| depth(&entry.node)).max(),
        Value::List(list) => list.iter().map(depth).max(),
        _ => return 0,
    };
    1 + below.unwrap_or(0)
}

/// A value cannot be moved into a part of itself.
fn outside_itself(from: &Spanned<Pointer>, path: &Spanned<Pointer>) -> Result<(), Box<Diagnostic>> {
    let (source, target) = (&from.value.0, &path.value.0);
    if target.starts_with(source) && target != source {
        let message = format!("`{source}` cannot be moved into itself");
        return Err(fails(path, message)
            .label(from.span, "this is moved")
            .into());
    }
    Ok(())
}

fn test(node: &Node, expected: &Node, path: &Spanned<Pointer>) -> Result<(), Box<Diagnostic>> {
    if node == expected {
        return Ok(());
    }
    let message = format!("`{}` is not what the patch tests for", path.value.0);
    let wanted = format!("wanted: {}", shown(&expected.value));
    let found = format!("found: {}", shown(&node.value));
    Err(fails(path, message)
        .label(expected.origin.first(), wanted)
        .label(node.origin.first(), found)
        .into())
}

/// Adds `origin` behind the spans of every value in `node`, and counts them.
fn mark(node: &mut Node, origin: &Origin) -> usize {
    node.add_origin(origin);
    let below: usize = match &mut node.value {
        Value::Map(map) => map
            .iter_mut()
            .map(|(_, entry)| mark(&mut entry.node, origin))
            .sum(),
        Value::List(list) => list.iter_mut().map(|item| mark(item, origin)).sum(),
        _ => 0,
    };
    below + 1
}

/// The message about a path that ends too early: at `value`, which has no `token`.
fn missing(value: &Value, token: &Token<'_>, path: &Spanned<Pointer>) -> Diagnostic {
    let key = token.decoded();
    let keys = value_keys(value);
    let unescaped = keys
        .iter()
        .any(|other| other.starts_with(&format!("{key}/")));
    let help = if unescaped || key.contains('.') {
        Some("a `/` inside a key is written `~1`".to_owned())
    } else {
        did_you_mean(&key, keys)
    };
    fails(path, format!("`{}` leads nowhere", path.value.0))
        .here(format!("no `{key}` in {}", shown(value)))
        .maybe_help(help)
}

fn value_keys(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::Map(map) => map.keys().map(SmolStr::as_str).collect(),
        _ => BTreeSet::new(),
    }
}

/// The longest string that a message repeats, in characters.
const SHOWN: usize = 40;

/// A value in a few words.
fn shown(value: &Value) -> String {
    match value {
        Value::Map(map) if map.is_empty() => "an empty map".to_owned(),
        Value::Map(_) => format!("a map with {}", names(&value_keys(value))),
        Value::List(list) if list.is_empty() => "an empty list".to_owned(),
        Value::List(list) => format!("a list of {}", list.len()),
        Value::Str(text) if text.chars().count() > SHOWN => "a long string".to_owned(),
        Value::Str(text) => format!("the string {text:?}"),
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Int(number) => format!("`{number}`"),
        Value::Uint(number) => format!("`{number}`"),
        Value::Float(number) => format!("`{number}`"),
    }
}

fn fails(path: &Spanned<Pointer>, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::PATCH_FAILS, path.span, message)
}

#[cfg(test)]
mod tests {
    use super::{Operation, apply};
    use crate::diag::Diagnostics;
    use crate::parse::table::Decode;
    use crate::render::patch::testing::{node, origins};

    fn operations(text: &str) -> Vec<Operation> {
        let mut diagnostics = Diagnostics::default();
        let operations = Vec::decode(&node(1, text), "json", &mut diagnostics);
        assert!(!diagnostics.has_errors(), "{diagnostics:?}");
        operations.expect("operations")
    }

    #[test]
    fn what_is_moved_or_copied_takes_its_origins_along() {
        let mut root = node(0, "{a: {x: 1}, list: [1, 2], kept: 1}");
        let patch = "[{op: move, from: /a, path: /list/0}, {op: copy, from: /kept, path: /copy}]";
        apply(&mut root, &operations(patch)).expect("it fits");
        assert_eq!(root, node(0, "{list: [{x: 1}, 1, 2], kept: 1, copy: 1}"));
        let expected = [
            "copy: 0 1",
            "kept: 0",
            "list: 0",
            "list[0]: 0 1",
            "list[0].x: 0 1",
            "list[1]: 0",
            "list[2]: 0",
        ];
        assert_eq!(origins(&root), expected);
    }

    #[test]
    fn what_is_replaced_remembers_what_it_was() {
        let mut root = node(0, "{a: {x: 1, y: 2}, list: [1]}");
        let patch = "[{op: replace, path: /a, value: {x: 3, z: 4}}, {op: remove, path: /list/0}]";
        apply(&mut root, &operations(patch)).expect("it fits");
        let expected = ["a: 1 0", "a.x: 1 0", "a.z: 1", "list: 0 1"];
        assert_eq!(origins(&root), expected);
    }

    #[test]
    fn no_patch_digs_deeper_than_a_file_may() {
        let chain = "/a".repeat(100);
        let dig = format!(
            "{{op: move, from: /a, path: /b}}, {{op: add, path: /a, value: {}}}",
            { "{a: ".repeat(99) + "{}" + &"}".repeat(99) }
        );
        let hang = format!("{{op: move, from: /b, path: {chain}/b}}");
        let text = format!("[{dig}, {hang}]");
        let mut root = node(0, "{a: {x: 1}}");
        apply(&mut root, &operations(&text)).expect("101 deep");
        let again = operations(&text);
        let message = apply(&mut root, &again).expect_err("202 deep").message;
        assert_eq!(message, "more than 128 maps and lists in one another");
    }
}
