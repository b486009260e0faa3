//! Source to what the engine runs, with a check behind every step that can make much out of little.
//!
//! The engine bounds steps, not data. So a program is compiled here: text that is too long or too nested is refused
//! before the engine sees it, constants that the engine would compute at once are weighed first, every operator that
//! builds a value is followed by a filter that weighs the result, and plain text is printed by the formatter, which
//! weighs it as well.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt};
use minijinja::machinery::{
    CodeGenerator, Instruction, Instructions, eval, make_string_output, parse, parse_expr,
};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value as Jinja;
use minijinja::{AutoEscape, Environment, Error, ErrorKind};

use super::budget::{Beyond, Budget, MAX_WEIGHT, weigh};
use super::filter;

/// Bytes that an expression may have.
pub(super) const MAX_EXPRESSION: usize = 8 << 10;
/// Bytes that a text file with expressions may have.
pub(super) const MAX_FILE: usize = 64 << 10;
/// Operators, calls and statements that may stand in one another; a chain of operators nests, too.
pub(super) const MAX_NESTING: usize = 400;

/// What the engine runs.
pub(super) struct Program {
    instructions: Instructions<'static>,
}

/// Text that lives as long as the process, each text once: the engine's programs borrow theirs.
fn keep(text: &str) -> &'static str {
    static KEPT: Mutex<BTreeMap<&'static str, ()>> = Mutex::new(BTreeMap::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, ())) = kept.get_key_value(text) {
        return known;
    }
    let text: &'static str = Box::leak(text.into());
    kept.insert(text, ());
    text
}

/// The program of one expression.
///
/// # Errors
/// It is none, or it goes beyond a bound.
pub(super) fn expression(source: &str) -> Result<Program, Error> {
    check_length(source)?;
    let source = keep(source);
    let tree = parse_expr(source)?;
    let mut check = Check::default();
    check.expression(&tree, 0)?;
    let mut generator = CodeGenerator::new("<expression>", source);
    generator.compile_expr(&tree);
    Ok(Program {
        instructions: guarded(&generator.finish().0),
    })
}

/// The program of a text file.
///
/// # Errors
/// It is none, or it goes beyond a bound.
pub(super) fn file(name: &str, source: &str, syntax: SyntaxConfig) -> Result<Program, Error> {
    check_bytes(source, MAX_FILE, "a text file with expressions")?;
    let (name, source) = (keep(name), keep(source));
    let tree = parse(source, name, syntax)?;
    let mut check = Check::default();
    check.statement(&tree, 0)?;
    let mut generator = CodeGenerator::new(name, source);
    generator.compile_stmt(&tree);
    Ok(Program {
        instructions: guarded(&generator.finish().0),
    })
}

/// Checks that a text is short enough for an expression.
///
/// # Errors
/// It is not.
pub(super) fn check_length(source: &str) -> Result<(), Beyond> {
    check_bytes(source, MAX_EXPRESSION, "an expression")
}

fn check_bytes(source: &str, most: usize, what: &str) -> Result<(), Beyond> {
    if source.len() > most {
        let length = source.len();
        return Err(Beyond(format!(
            "{what} may have {most} bytes, and this one has {length}"
        )));
    }
    Ok(())
}

impl Program {
    /// The value of an expression, or the text of a file.
    ///
    /// # Errors
    /// It fails, or goes beyond a bound.
    pub(super) fn run(
        &self,
        environment: &'static Environment<'static>,
        context: Jinja,
        budget: &Arc<Budget>,
    ) -> Result<(Option<Jinja>, String), Error> {
        let mut text = String::new();
        let mut output = make_string_output(&mut text);
        let blocks = BTreeMap::new();
        let result = eval(
            environment,
            &self.instructions,
            context,
            &blocks,
            &mut output,
            AutoEscape::None,
        );
        drop(output);
        match result {
            Ok((value, state)) => {
                let steps = state.fuel_levels().map_or(0, |(spent, _)| spent);
                budget.step(steps)?;
                Ok((value, text))
            }
            Err(error) => {
                if error.kind() == ErrorKind::OutOfFuel {
                    budget.step(super::budget::MAX_STEPS)?;
                }
                Err(error)
            }
        }
    }
}

/// The same instructions with a guard at every one that can make or walk much.
fn guarded(plain: &Instructions<'static>) -> Instructions<'static> {
    let steps = || (0..).map_while(|at| plain.get(at).map(|step| (at, step)));
    let mut moved = Vec::new();
    let mut length = 0;
    for (_, step) in steps() {
        moved.push(length);
        length += expanded(step).len() as u32;
    }
    moved.push(length);
    let to = |at: u32| moved.get(at as usize).copied().unwrap_or(at);
    let mut guarded = Instructions::new(plain.name(), plain.source());
    for (at, step) in steps() {
        for mut step in expanded(step) {
            match &mut step {
                Instruction::Jump(target)
                | Instruction::JumpIfFalse(target)
                | Instruction::JumpIfFalseOrPop(target)
                | Instruction::JumpIfTrueOrPop(target)
                | Instruction::Iterate(target) => *target = to(*target),
                _ => {}
            }
            match plain.get_span(at) {
                Some(span) => guarded.add_with_span(step, span),
                None => {
                    let line = plain.get_line(at).unwrap_or_default();
                    guarded.add_with_line(step, u16::try_from(line).unwrap_or(u16::MAX))
                }
            };
        }
    }
    guarded
}

/// One instruction with its guard: on the result of what builds, on the right side of what compares. Text is
/// printed as a value is.
fn expanded(step: &Instruction<'static>) -> Vec<Instruction<'static>> {
    let guard = || Instruction::ApplyFilter(filter::GUARD, Some(1), !0);
    match step {
        Instruction::Add | Instruction::Mul | Instruction::StringConcat | Instruction::Slice => {
            vec![step.clone(), guard()]
        }
        Instruction::In
        | Instruction::Eq
        | Instruction::Ne
        | Instruction::Gt
        | Instruction::Gte
        | Instruction::Lt
        | Instruction::Lte => vec![guard(), step.clone()],
        Instruction::EmitRaw(text) => {
            vec![
                Instruction::LoadConst(Jinja::from(*text)),
                Instruction::Emit,
            ]
        }
        _ => vec![step.clone()],
    }
}

/// Walks a syntax tree before it is compiled.
#[derive(Default)]
struct Check {
    /// What the constants weigh that the engine computes when it compiles.
    folded: u64,
    /// The files that it reads.
    files: Vec<Wanted>,
}

/// What is known of a constant without computing it.
#[derive(Clone, Copy)]
struct Constant {
    weight: u64,
    is_number: bool,
}

impl Check {
    fn statement(&mut self, statement: &Stmt<'_>, depth: usize) -> Result<(), Error> {
        let depth = deeper(depth)?;
        match statement {
            Stmt::Template(template) => self.statements(&template.children, depth),
            Stmt::EmitExpr(emit) => self.expression(&emit.expr, depth),
            Stmt::EmitRaw(_) => Ok(()),
            Stmt::ForLoop(turns) => {
                self.expression(&turns.iter, depth)?;
                if let Some(filter) = &turns.filter_expr {
                    self.expression(filter, depth)?;
                }
                self.statements(&turns.body, depth)?;
                self.statements(&turns.else_body, depth)
            }
            Stmt::IfCond(choice) => {
                self.expression(&choice.expr, depth)?;
                self.statements(&choice.true_body, depth)?;
                self.statements(&choice.false_body, depth)
            }
            Stmt::WithBlock(with) => {
                for (_, value) in &with.assignments {
                    self.expression(value, depth)?;
                }
                self.statements(&with.body, depth)
            }
            Stmt::Set(set) => self.expression(&set.expr, depth),
            Stmt::SetBlock(set) => {
                if let Some(filter) = &set.filter {
                    self.expression(filter, depth)?;
                }
                self.statements(&set.body, depth)
            }
            Stmt::AutoEscape(escape) => {
                self.expression(&escape.enabled, depth)?;
                self.statements(&escape.body, depth)
            }
            Stmt::FilterBlock(block) => {
                self.expression(&block.filter, depth)?;
                self.statements(&block.body, depth)
            }
            Stmt::Do(call) => {
                self.expression(&call.call.expr, depth)?;
                self.arguments(&call.call.args, depth)
            }
        }
    }

    fn statements(&mut self, statements: &[Stmt<'_>], depth: usize) -> Result<(), Error> {
        statements
            .iter()
            .try_for_each(|statement| self.statement(statement, depth))
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>], depth: usize) -> Result<(), Error> {
        arguments.iter().try_for_each(|argument| match argument {
            CallArg::Pos(value)
            | CallArg::Kwarg(_, value)
            | CallArg::PosSplat(value)
            | CallArg::KwargSplat(value) => self.expression(value, depth),
        })
    }

    fn expressions(&mut self, expressions: &[Expr<'_>], depth: usize) -> Result<(), Error> {
        expressions
            .iter()
            .try_for_each(|expression| self.expression(expression, depth))
    }

    fn optional(&mut self, expression: Option<&Expr<'_>>, depth: usize) -> Result<(), Error> {
        expression.map_or(Ok(()), |expression| self.expression(expression, depth))
    }

    fn expression(&mut self, expression: &Expr<'_>, depth: usize) -> Result<(), Error> {
        let depth = deeper(depth)?;
        match expression {
            Expr::Var(_) | Expr::Const(_) => Ok(()),
            Expr::Slice(slice) => {
                self.expression(&slice.expr, depth)?;
                self.optional(slice.start.as_ref(), depth)?;
                self.optional(slice.stop.as_ref(), depth)?;
                self.optional(slice.step.as_ref(), depth)
            }
            Expr::UnaryOp(unary) => self.expression(&unary.expr, depth),
            Expr::BinOp(binary) => {
                self.expression(&binary.left, depth)?;
                self.expression(&binary.right, depth)?;
                self.fold(expression)
            }
            Expr::Compare(chain) => {
                self.expression(&chain.expr, depth)?;
                let mut operands = chain.ops.iter();
                operands.try_for_each(|operand| self.expression(&operand.expr, depth))
            }
            Expr::IfExpr(choice) => {
                self.expression(&choice.test_expr, depth)?;
                self.expression(&choice.true_expr, depth)?;
                self.optional(choice.false_expr.as_ref(), depth)
            }
            Expr::Filter(filter) => {
                self.optional(filter.expr.as_ref(), depth)?;
                self.arguments(&filter.args, depth)
            }
            Expr::Test(test) => {
                self.expression(&test.expr, depth)?;
                self.arguments(&test.args, depth)
            }
            Expr::GetAttr(get) => self.expression(&get.expr, depth),
            Expr::GetItem(get) => {
                self.expression(&get.expr, depth)?;
                self.expression(&get.subscript_expr, depth)
            }
            Expr::Call(call) => {
                if matches!(&call.expr, Expr::Var(called) if called.id == "file") {
                    self.files.extend(call.args.first().and_then(wanted));
                }
                self.expression(&call.expr, depth)?;
                self.arguments(&call.args, depth)
            }
            Expr::List(list) => self.expressions(&list.items, depth),
            Expr::Tuple(tuple) => self.expressions(&tuple.items, depth),
            Expr::Map(map) => {
                self.expressions(&map.keys, depth)?;
                self.expressions(&map.values, depth)
            }
        }
    }

    /// Weighs what the engine would compute while it compiles.
    fn fold(&mut self, expression: &Expr<'_>) -> Result<(), Error> {
        if let Some(constant) = constant(expression) {
            self.folded = self.folded.saturating_add(constant.weight);
        }
        if self.folded > MAX_WEIGHT {
            return Err(Beyond(format!(
                "the constants of an expression may weigh {MAX_WEIGHT} bytes"
            ))
            .into());
        }
        Ok(())
    }
}

/// What an expression weighs that the engine computes when it compiles; its parts have been weighed before.
fn constant(expression: &Expr<'_>) -> Option<Constant> {
    match expression {
        Expr::Const(constant) => Some(Constant {
            weight: weigh(&constant.value).unwrap_or(u64::MAX),
            is_number: constant.value.is_number(),
        }),
        Expr::List(list) => all(&list.items),
        Expr::Tuple(tuple) => all(&tuple.items),
        Expr::Map(map) => {
            let (keys, values) = (all(&map.keys)?, all(&map.values)?);
            Some(Constant {
                weight: keys.weight.saturating_add(values.weight),
                is_number: false,
            })
        }
        Expr::UnaryOp(unary) => constant(&unary.expr),
        Expr::BinOp(binary) => {
            let (left, right) = (constant(&binary.left)?, constant(&binary.right)?);
            let sum = left.weight.saturating_add(right.weight);
            let is_number =
                left.is_number && right.is_number && !matches!(binary.op, BinOpKind::Concat);
            let weight = match (binary.op, left.is_number, right.is_number) {
                (BinOpKind::Mul, false, true) => sum.saturating_mul(factor(&binary.right)),
                (BinOpKind::Mul, true, false) => sum.saturating_mul(factor(&binary.left)),
                _ => sum,
            };
            Some(Constant { weight, is_number })
        }
        _ => None,
    }
}

fn all(items: &[Expr<'_>]) -> Option<Constant> {
    let weights: Option<Vec<u64>> = items
        .iter()
        .map(|item| constant(item).map(|constant| constant.weight))
        .collect();
    Some(Constant {
        weight: weights?.into_iter().fold(64, u64::saturating_add),
        is_number: false,
    })
}

/// How often a constant number repeats what stands beside it.
fn factor(number: &Expr<'_>) -> u64 {
    let number = number.as_const().and_then(|number| number.as_usize());
    number.map_or(0, |number| number as u64).max(1)
}

fn deeper(depth: usize) -> Result<usize, Error> {
    if depth == MAX_NESTING {
        return Err(Beyond(format!(
            "{MAX_NESTING} operators, calls and statements may stand in one another"
        ))
        .into());
    }
    Ok(depth + 1)
}

/// A file that is read with `file(...)`, as far as its text says which.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// The file of this path.
    File(String),
    /// One of the files in this folder.
    Folder(String),
}

/// The files that an expression reads.
pub(super) fn files_of_expression(source: &str) -> Vec<Wanted> {
    files(source, |check| check.expression(&parse_expr(source)?, 0))
}

/// The files that a text file with expressions reads.
pub(super) fn files_of_text(name: &str, source: &str, syntax: SyntaxConfig) -> Vec<Wanted> {
    files(source, |check| {
        check.statement(&parse(source, name, syntax)?, 0)
    })
}

/// What is wrong with the text is reported where it is compiled.
fn files(source: &str, walk: impl FnOnce(&mut Check) -> Result<(), Error>) -> Vec<Wanted> {
    let mut check = Check::default();
    if source.contains("file") && check_bytes(source, MAX_FILE, "").is_ok() {
        walk(&mut check).ok();
    }
    check.files
}

/// The file that an argument of `file(...)` names: a text, or a folder's text before what is computed.
fn wanted(argument: &CallArg<'_>) -> Option<Wanted> {
    let CallArg::Pos(argument) = argument else {
        return None;
    };
    if let Expr::Const(path) = argument {
        return Some(Wanted::File(path.value.as_str()?.to_owned()));
    }
    let mut first = argument;
    while let Expr::BinOp(binary) = first {
        first = &binary.left;
    }
    let Expr::Const(prefix) = first else {
        return None;
    };
    let (folder, _) = prefix.value.as_str()?.rsplit_once('/')?;
    Some(Wanted::Folder(folder.to_owned()))
}

/// The paths of names that an expression asks its scope for.
pub(super) fn names(environment: &Environment<'static>, source: &str) -> Vec<String> {
    let Ok(plain) = environment.compile_expression(source) else {
        return Vec::new();
    };
    let found = plain.undeclared_variables(true);
    let mut names: Vec<String> = found.into_iter().collect();
    names.sort();
    names
}
