//! The filters and tests that expressions have, each of them weighed: what it is given, and what it can make of it.

use minijinja::value::{Kwargs, Rest, Value as Jinja};
use minijinja::{Environment, Error, State, filters, tests};

use super::budget::{MAX_WEIGHT, charge, weigh};

/// The filter that only weighs; no template can write its name.
pub(super) const GUARD: &str = "$guard";

/// How much a filter can make of what it is given.
#[derive(Clone, Copy)]
enum Growth {
    /// About as much.
    Linear,
    /// As often as its numbers say: `batch`, `indent`, `slice`.
    Numbers,
    /// As wide as the numbers in its text say: `format`.
    Widths,
    /// The third argument for each place of the second.
    Replace,
    /// The second argument between the items of the first.
    Join,
}

/// Gives an environment all filters of the engine, weighed, and the tests that walk what they are given.
pub(super) fn add_all(environment: &mut Environment<'static>) {
    environment.add_filter(
        GUARD,
        |state: &mut State<'_, '_>, value: Jinja| -> Result<Jinja, Error> {
            charge(state, weigh(&value)?)?;
            Ok(value)
        },
    );
    for (name, growth, filter) in filters() {
        environment.add_filter(
            name,
            move |state: &mut State<'_, '_>,
                  args: Rest<Jinja>,
                  named: Kwargs|
                  -> Result<Jinja, Error> {
                let args = together(args, named);
                charge(state, reach(growth, &args)?)?;
                filter.call(state, &args)
            },
        );
    }
    for (names, test) in walking_tests() {
        for name in names {
            let test = test.clone();
            environment.add_test(
                *name,
                move |state: &mut State<'_, '_>, args: Rest<Jinja>| -> Result<bool, Error> {
                    charge(state, reach(Growth::Linear, &args)?)?;
                    Ok(test.call(state, &args)?.is_true())
                },
            );
        }
    }
}

/// Arguments as the engine passes them on: the named ones as one value at the end.
fn together(args: Rest<Jinja>, named: Kwargs) -> Vec<Jinja> {
    let mut args = args.0;
    if named.args().next().is_some() {
        args.push(Jinja::from(named));
    }
    args
}

/// Every filter of the engine.
fn filters() -> Vec<(&'static str, Growth, Jinja)> {
    use Growth::{Join, Linear, Numbers, Replace, Widths};
    vec![
        ("upper", Linear, Jinja::from_function(filters::upper)),
        ("lower", Linear, Jinja::from_function(filters::lower)),
        ("title", Linear, Jinja::from_function(filters::title)),
        (
            "capitalize",
            Linear,
            Jinja::from_function(filters::capitalize),
        ),
        ("length", Linear, Jinja::from_function(filters::length)),
        ("count", Linear, Jinja::from_function(filters::length)),
        ("dictsort", Linear, Jinja::from_function(filters::dictsort)),
        ("items", Linear, Jinja::from_function(filters::items)),
        ("reverse", Linear, Jinja::from_function(filters::reverse)),
        ("trim", Linear, Jinja::from_function(filters::trim)),
        ("split", Linear, Jinja::from_function(filters::split)),
        ("lines", Linear, Jinja::from_function(filters::lines)),
        ("default", Linear, Jinja::from_function(filters::default)),
        ("d", Linear, Jinja::from_function(filters::default)),
        ("abs", Linear, Jinja::from_function(filters::abs)),
        ("int", Linear, Jinja::from_function(filters::int)),
        ("float", Linear, Jinja::from_function(filters::float)),
        ("sum", Linear, Jinja::from_function(filters::sum)),
        ("attr", Linear, Jinja::from_function(filters::attr)),
        ("round", Linear, Jinja::from_function(filters::round)),
        ("first", Linear, Jinja::from_function(filters::first)),
        ("last", Linear, Jinja::from_function(filters::last)),
        ("min", Linear, Jinja::from_function(filters::min)),
        ("max", Linear, Jinja::from_function(filters::max)),
        ("sort", Linear, Jinja::from_function(filters::sort)),
        ("list", Linear, Jinja::from_function(filters::list)),
        ("string", Linear, Jinja::from_function(filters::string)),
        ("bool", Linear, Jinja::from_function(filters::bool)),
        ("select", Linear, Jinja::from_function(filters::select)),
        (
            "selectattr",
            Linear,
            Jinja::from_function(filters::selectattr),
        ),
        ("reject", Linear, Jinja::from_function(filters::reject)),
        (
            "rejectattr",
            Linear,
            Jinja::from_function(filters::rejectattr),
        ),
        ("map", Linear, Jinja::from_function(filters::map)),
        ("groupby", Linear, Jinja::from_function(filters::groupby)),
        ("unique", Linear, Jinja::from_function(filters::unique)),
        ("chain", Linear, Jinja::from_function(filters::chain)),
        ("zip", Linear, Jinja::from_function(filters::zip)),
        ("pprint", Linear, Jinja::from_function(filters::pprint)),
        ("safe", Linear, Jinja::from_function(filters::safe)),
        ("escape", Linear, Jinja::from_function(filters::escape)),
        ("e", Linear, Jinja::from_function(filters::escape)),
        ("slice", Numbers, Jinja::from_function(filters::slice)),
        ("batch", Numbers, Jinja::from_function(filters::batch)),
        ("indent", Numbers, Jinja::from_function(filters::indent)),
        ("format", Widths, Jinja::from_function(filters::format)),
        ("replace", Replace, Jinja::from_function(filters::replace)),
        ("join", Join, Jinja::from_function(filters::join)),
    ]
}

/// The tests whose time depends on the size of both sides.
fn walking_tests() -> Vec<(&'static [&'static str], Jinja)> {
    vec![
        (&["in"], Jinja::from_function(tests::is_in)),
        (&["eq", "equalto", "=="], Jinja::from_function(tests::is_eq)),
        (&["ne", "!="], Jinja::from_function(tests::is_ne)),
        (&["lt", "lessthan", "<"], Jinja::from_function(tests::is_lt)),
        (&["le", "<="], Jinja::from_function(tests::is_le)),
        (
            &["gt", "greaterthan", ">"],
            Jinja::from_function(tests::is_gt),
        ),
        (&["ge", ">="], Jinja::from_function(tests::is_ge)),
    ]
}

/// What a filter's result can weigh at most, and its arguments with it.
fn reach(growth: Growth, args: &[Jinja]) -> Result<u64, Error> {
    let mut given = 0u64;
    for arg in args {
        given = given.saturating_add(weigh(arg)?);
    }
    Ok(match growth {
        Growth::Linear => given,
        Growth::Numbers => given.saturating_mul(1 + numbers(args)),
        Growth::Widths => given
            .saturating_add(numbers(args))
            .saturating_add(widths(args)),
        Growth::Replace => given.saturating_add(replaced(args)),
        Growth::Join => given.saturating_add(joined(args)),
    })
}

/// The sum of all numbers behind the first argument, their signs left out.
fn numbers(args: &[Jinja]) -> u64 {
    let number = |arg: &Jinja| i64::try_from(arg.clone()).ok();
    let rest = args.iter().skip(1).flat_map(|arg| match arg.is_kwargs() {
        true => values(arg),
        false => vec![arg.clone()],
    });
    rest.filter_map(|arg| number(&arg))
        .fold(0, |sum, number| sum.saturating_add(number.unsigned_abs()))
}

fn values(map: &Jinja) -> Vec<Jinja> {
    let keys = map.try_iter().into_iter().flatten();
    keys.filter_map(|key| map.get_item(&key).ok()).collect()
}

/// The sum of all numbers that are written in the first argument.
fn widths(args: &[Jinja]) -> u64 {
    let text = args.first().and_then(Jinja::as_str).unwrap_or_default();
    text.split(|letter: char| !letter.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse().unwrap_or(MAX_WEIGHT + 1))
        .fold(0, u64::saturating_add)
}

fn replaced(args: &[Jinja]) -> u64 {
    let text = |at: usize| args.get(at).and_then(Jinja::as_str).unwrap_or_default();
    let (whole, from, to) = (text(0), text(1), text(2));
    let places = if from.is_empty() {
        whole.len() + 1
    } else {
        whole.matches(from).count()
    };
    (places as u64).saturating_mul(to.len() as u64)
}

fn joined(args: &[Jinja]) -> u64 {
    let items = args.first().and_then(Jinja::len).unwrap_or_default();
    let between = args.get(1).and_then(Jinja::as_str).unwrap_or_default();
    (items as u64).saturating_mul(between.len() as u64)
}
