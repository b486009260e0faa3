//! The order in which the Image Factory's YAML library prints the keys of a map.

use smol_str::SmolStr;

use crate::value::Map;

/// The keys of a map in the printer's order. That order is no total one for odd keys, so this sorts as Go does with
/// few keys, by insertion, which ends with any order.
pub(super) fn sorted_keys(map: &Map) -> Vec<&SmolStr> {
    let mut keys: Vec<&SmolStr> = map.keys().collect();
    for end in 1..keys.len() {
        let mut at = end;
        while at > 0 && compare_keys(keys[at], keys[at - 1]).is_lt() {
            keys.swap(at, at - 1);
            at -= 1;
        }
    }
    keys
}

/// The order of two keys: letters behind everything else, numbers inside a key by their value.
fn compare_keys(left: &str, right: &str) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Greater, Less};
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut digits = false;
    for index in 0..left.len().min(right.len()) {
        let (one, other) = (left[index], right[index]);
        if one == other {
            digits = one.is_numeric();
            continue;
        }
        return match (one.is_alphabetic(), other.is_alphabetic()) {
            (true, true) => one.cmp(&other),
            // behind a number, a letter ends it and comes first
            (true, false) => {
                if digits {
                    Less
                } else {
                    Greater
                }
            }
            (false, true) => {
                if digits {
                    Greater
                } else {
                    Less
                }
            }
            (false, false) => {
                let zeros = compare_numbers(&left, &right, index);
                zeros.then(one.cmp(&other))
            }
        };
    }
    left.len().cmp(&right.len())
}

/// Compares the numbers that begin at `index`; what does not fit 64 bits overflows, as it does in Go.
fn compare_numbers(left: &[char], right: &[char], index: usize) -> std::cmp::Ordering {
    let behind_digit = left[..index]
        .iter()
        .rev()
        .take_while(|letter| letter.is_ascii_digit())
        .any(|letter| *letter != '0');
    let start = i64::from((left[index] == '0' || right[index] == '0') && behind_digit);
    let number = |letters: &[char]| {
        let digits = letters[index..]
            .iter()
            .map_while(|letter| letter.to_digit(10));
        digits.fold((start, index), |(value, end), digit| {
            let value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
            (value, end + 1)
        })
    };
    number(left).cmp(&number(right))
}
