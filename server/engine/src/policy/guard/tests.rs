use super::*;

mod generated;
mod go;
mod java;
mod python;
mod rust;
mod script;
mod sets;

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

/// The rules that a change of one file breaks, in order.
fn rules(at: &str, before: &str, after: &str) -> Vec<&'static str> {
    sentences(at, before, after).into_iter().map(|(rule, _)| rule).collect()
}

fn sentences(at: &str, before: &str, after: &str) -> Vec<(&'static str, String)> {
    let path = path(at);
    let side = |text| Some(text).filter(|text: &&str| !text.is_empty());
    let change = Changed { path: &path, before: side(before), after: side(after) };
    weakenings(&[change]).into_iter().map(|found| (found.rule, found.sentence)).collect()
}

/// A base, and what becomes of it: rules, then pairs of old and new text.
type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

/// Applies each row's replacements to the base and compares the rules.
fn check(at: &str, base: &str, rows: &[Row<'_>]) {
    let mut wrong = Vec::new();
    for (expected, replacements) in rows {
        let after = replacements.iter().fold(base.to_owned(), |text, (old, new)| {
            assert!(old.is_empty() || text.contains(old), "{old} does not stand in the base");
            if old.is_empty() { format!("{new}{text}") } else { text.replacen(old, new, 1) }
        });
        let found = sentences(at, base, &after);
        let rules: Vec<&str> = found.iter().map(|(rule, _)| *rule).collect();
        if rules != *expected {
            wrong.push(format!("{replacements:?}\n  expected {expected:?}\n  found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
