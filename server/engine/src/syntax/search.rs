//! Finding symbols by name and by place.

use super::{Symbol, SymbolError};
use crate::limits::{SIMILAR_NAMES_MAX, SYMBOL_NAME_BYTES_MAX};
use std::collections::BTreeSet;

/// The shortest identifier that says anything, in characters.
const IDENTIFIER_CHARS_MIN: usize = 3;
/// How alike two names must be to be called similar, from 0 to 1.
const SIMILARITY_MIN: f64 = 0.6;

/// The one symbol of this name: fully qualified, or unambiguous by its last parts. `::` and
/// `.` mean the same, and so do the ` > ` and ` › ` of nested tests' titles. A test is also
/// found by a name that is longer than its own in front, as runners print it
/// (`crate::module::tests::name`, `tests/test_x.py::TestX::test_y[1]`).
///
/// # Errors
/// When there is none, or more than one.
pub fn find<'a>(symbols: &'a [Symbol], name: &str) -> Result<&'a Symbol, SymbolError> {
    let wanted = normalised(name);
    let ways: [&dyn Fn(&Symbol) -> bool; 4] = [
        &|symbol| symbol.name == name.trim(),
        &|symbol| normalised(&symbol.name) == wanted,
        &|symbol| ends_with_parts(&normalised(&symbol.name), &wanted),
        &|symbol| symbol.is_test && is_runner_name(&normalised(&symbol.name), &wanted),
    ];
    if !wanted.is_empty() {
        for way in ways {
            let matches: Vec<&Symbol> = symbols.iter().filter(|symbol| way(symbol)).collect();
            match matches.as_slice() {
                [] => {}
                [only] => return Ok(only),
                // `typedef struct point { … } point;` is one thing with one name.
                [outer, inner @ ..] if inner.iter().all(|symbol| contains(outer, symbol)) => {
                    return Ok(outer);
                }
                several => {
                    return Err(SymbolError::Ambiguous {
                        name: name.to_owned(),
                        lines: several.iter().map(|symbol| symbol.lines.0).collect(),
                    });
                }
            }
        }
    }
    Err(SymbolError::Missing { name: name.to_owned(), similar: similar(symbols, &wanted) })
}

fn contains(outer: &Symbol, inner: &Symbol) -> bool {
    outer.name == inner.name && outer.range.start <= inner.range.start && inner.range.end <= outer.range.end
}

/// One spelling for all separators.
fn normalised(name: &str) -> String {
    let name = name.trim();
    name.strip_suffix("()").unwrap_or(name).replace("::", ".").replace(" › ", " > ")
}

/// True when `parts` are the last parts of `name`.
fn ends_with_parts(name: &str, parts: &str) -> bool {
    name.strip_suffix(parts).is_some_and(|rest| rest.ends_with('.') || rest.ends_with(" > "))
}

/// True when `printed` is the test's own name with more in front or parameters behind, or its
/// titles joined with blanks.
fn is_runner_name(name: &str, printed: &str) -> bool {
    let bare = match printed.split_once('[') {
        Some((bare, parameters)) if parameters.ends_with(']') => bare,
        _ => printed,
    };
    bare == name || ends_with_parts(bare, name) || name.replace(" > ", " ") == printed
}

/// The names that resemble the wanted one most, judged by their last parts.
fn similar(symbols: &[Symbol], wanted: &str) -> Vec<String> {
    let last = |name: &str| name.rsplit(['.', '>']).next().unwrap_or_default().trim().to_lowercase();
    if wanted.len() > SYMBOL_NAME_BYTES_MAX {
        return Vec::new();
    }
    let wanted_last = last(wanted);
    let names: BTreeSet<&str> = symbols.iter().map(|symbol| symbol.name.as_str()).collect();
    let mut ranked: Vec<(u32, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let name_last = last(&normalised(name));
            let alike = strsim::jaro_winkler(&name_last, &wanted_last);
            let holds = !wanted_last.is_empty() && name_last.contains(&wanted_last);
            let alike = if holds { alike.max(0.9) } else { alike };
            // Quantised, so that the order does not hang on the last bit of a float.
            (alike >= SIMILARITY_MIN).then_some(((alike * 1000.0) as u32, name))
        })
        .collect();
    ranked.sort_by(|(a, a_name), (b, b_name)| b.cmp(a).then(a_name.cmp(b_name)));
    ranked.into_iter().take(SIMILAR_NAMES_MAX).map(|(_, name)| name.to_owned()).collect()
}

/// The innermost symbol that contains the byte. Directly behind a symbol counts as in it when
/// nothing else holds the byte.
pub fn enclosing(symbols: &[Symbol], byte: usize) -> Option<&Symbol> {
    let innermost = |holds: &dyn Fn(&Symbol) -> bool| {
        // Outer comes before inner, so the last of the shortest is the innermost.
        symbols.iter().filter(|symbol| holds(symbol)).min_by_key(|symbol| symbol.range.len())
    };
    innermost(&|symbol| symbol.range.contains(&byte))
        .or_else(|| innermost(&|symbol| symbol.range.end == byte))
}

/// The identifiers that a text contains, in any language: words of letters, digits and `_`
/// of at least three characters that do not begin with a digit.
pub fn identifiers(text: &str) -> BTreeSet<String> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.starts_with(char::is_numeric))
        .filter(|word| word.chars().nth(IDENTIFIER_CHARS_MIN - 1).is_some())
        .map(ToOwned::to_owned)
        .collect()
}
