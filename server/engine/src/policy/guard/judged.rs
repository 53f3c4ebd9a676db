//! Assertions against assertions: which are gone, changed, or no longer reached.

use super::reading::{Hindrance, Judgement, Kind, Reading, Unit};
use super::tokens::{renamed, words};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What became of the assertions of one unit.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Old and new tokens.
    pub changed: Vec<(String, String)>,
    pub removed: Vec<String>,
    /// What newly stands between an assertion and its effect.
    pub hindered: Vec<(String, Hindrance)>,
    /// The tokens that are the same on both sides.
    pub kept: Vec<String>,
    /// True when nothing judges any more and something did.
    pub emptied: bool,
}

/// Functions of a file that judge on behalf of tests.
pub(super) fn helpers<'a>(reading: &'a Reading<'_>) -> BTreeSet<&'a str> {
    let functions = reading.units.iter().filter(|unit| unit.kind == Kind::Function);
    functions.filter(|unit| !unit.judgements.is_empty()).map(|unit| unit.own.as_str()).collect()
}

/// What judges in a unit: its assertions and calls of helpers; in a test that has neither,
/// everything that it calls, since it passes when nothing fails.
fn judgements<'a>(unit: &'a Unit, helpers: &BTreeSet<&str>, every_call: bool) -> Vec<&'a Judgement> {
    let calls_helper = |call: &&Judgement| words(&call.key).any(|word| helpers.contains(word));
    let calls = unit.calls.iter().filter(|call| every_call || calls_helper(call));
    unit.judgements.iter().chain(calls).collect()
}

pub(super) fn difference(before: &Unit, after: &Unit, helpers: &BTreeSet<&str>) -> Difference {
    let mut old = judgements(before, helpers, false);
    let every_call = old.is_empty() && before.kind == Kind::Test;
    if every_call {
        old = judgements(before, helpers, true);
    }
    let mut new = VecDeque::from(judgements(after, helpers, every_call));
    let names = new_names(before, after);
    let old: Vec<Judgement> = old.into_iter().map(|judgement| with_names(judgement, &names)).collect();
    let mut difference = Difference::default();
    let mut lost = Vec::new();
    for judgement in &old {
        // Of several that are the same, one that nothing new hinders is the same.
        let same = |candidate: &&Judgement| candidate.key == judgement.key;
        let free = |candidate: &Judgement| candidate.hindrances.is_subset(&judgement.hindrances);
        let at = new
            .iter()
            .position(|candidate| same(candidate) && free(candidate))
            .or_else(|| new.iter().position(same));
        match at {
            Some(at) => {
                let Some(kept) = new.remove(at) else { continue };
                let hindrances = kept.hindrances.difference(&judgement.hindrances);
                difference.hindered.extend(hindrances.map(|new| (kept.key.clone(), new.clone())));
                difference.kept.push(kept.key.clone());
            }
            None => lost.push(judgement),
        }
    }
    difference.emptied = difference.kept.is_empty() && !lost.is_empty() && new.is_empty();
    for judgement in lost {
        let alike = |candidate: &&Judgement| (likeness(&judgement.key, &candidate.key) * 1000.0) as u32;
        let best = new.iter().enumerate().max_by_key(|(at, candidate)| (alike(candidate), usize::MAX - at));
        let best = best.map(|(at, _)| at);
        match best.and_then(|at| new.remove(at)) {
            Some(replaced) => difference.changed.push((judgement.key.clone(), replaced.key.clone())),
            None => difference.removed.push(judgement.key.clone()),
        }
    }
    difference
}

/// Variables of a unit that have another name now and the same value.
fn new_names<'a>(before: &'a Unit, after: &'a Unit) -> BTreeMap<&'a str, &'a str> {
    let gone = before.bindings.iter().filter(|(name, _)| !after.bindings.contains_key(*name));
    let come = || after.bindings.iter().filter(|(name, _)| !before.bindings.contains_key(*name));
    gone.filter_map(|(name, bound)| {
        let mut same = come().filter(|(_, now)| *now == bound);
        let (now, _) = same.next()?;
        same.next().is_none().then_some((name.as_str(), now.as_str()))
    })
    .collect()
}

fn with_names(judgement: &Judgement, names: &BTreeMap<&str, &str>) -> Judgement {
    let hindrances = judgement.hindrances.iter();
    let hindrances = hindrances.map(|it| Hindrance { hold: it.hold, text: renamed(&it.text, names) });
    Judgement {
        key: renamed(&judgement.key, names),
        start: judgement.start,
        hindrances: hindrances.collect(),
    }
}

/// How alike two assertions are, by what they begin and end with, from 0 to 1.
fn likeness(a: &str, b: &str) -> f64 {
    let begin = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let end = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    let longer = a.len().max(b.len()).max(1);
    ((begin + end).min(longer)) as f64 / longer as f64
}

/// The names that an assertion hangs on: words that are neither members nor names of arguments.
pub(super) fn roots(key: &str) -> impl Iterator<Item = &str> {
    words(key).filter(move |word| {
        let at = word.as_ptr() as usize - key.as_ptr() as usize;
        let before = key.get(..at).unwrap_or_default();
        let after = key.get(at + word.len()..).unwrap_or_default();
        let is_argument = after.starts_with('=') && !after.starts_with("==");
        let is_macro = ["!(", "![", "!{"].iter().any(|call| after.starts_with(call));
        !before.ends_with('.') && !is_argument && !is_macro
    })
}
