//! What surrounds the best definitions: who calls them, whom they call, what stands beside
//! them, and the types of the signature at the cursor.

use super::matching::factor;
use super::{Because, Query, Ranking, Weights};
use crate::index::{NameKey, names_in};
use std::collections::BTreeMap;

/// Definitions whose calls are followed.
const SEEDS_MAX: usize = 12;
/// A name that more definitions bear says nothing about which of them is called.
const TWINS_MAX: usize = 40;
/// Something that more functions call is called by everybody.
const CALLERS_MAX: usize = 60;

/// A definition from which links are followed, and what each kind of link is worth.
struct Seed {
    number: usize,
    called: f64,
    calls: f64,
}

pub(super) fn score(ranking: &mut Ranking<'_>, query: &Query<'_>, weights: &Weights) {
    let best = ranking.best(SEEDS_MAX, |file, it| it.is_callable() && !file.entry.is_test(it));
    let most = best.first().map_or(1.0, |number| ranking.score(*number));
    let mut seeds: Vec<Seed> = best
        .iter()
        .map(|number| {
            let share = ranking.score(*number) / most.max(f64::MIN_POSITIVE);
            Seed { number: *number, called: weights.called * share, calls: weights.calls * share }
        })
        .collect();
    let cursor = query.cursor.and_then(|(path, line)| ranking.at(path, line));
    if let Some(number) = cursor {
        seeds.push(Seed { number, called: weights.cursor_called, calls: weights.cursor_calls });
        ranking.add(number, 2.0, Because::Cursor);
    }
    for (path, line) in &query.tests {
        if let Some(number) = line.and_then(|line| ranking.at(path, line)) {
            seeds.push(Seed { number, called: weights.test_called, calls: 0.0 });
        }
    }
    for (path, line) in &query.reported {
        if let Some(number) = ranking.at(path, *line) {
            ranking.add(number, weights.reported, Because::Reported);
        }
    }
    follow(ranking, &seeds, weights);
    if let Some(number) = cursor {
        around(ranking, number, weights);
    }
    beside(ranking, weights);
}

/// Adds along the calls of the seeds, in both directions.
fn follow(ranking: &mut Ranking<'_>, seeds: &[Seed], weights: &Weights) {
    // By name: who calls it among the seeds, and which seed bears it.
    let mut wanted: BTreeMap<NameKey, Vec<usize>> = BTreeMap::new();
    let mut borne: BTreeMap<NameKey, Vec<usize>> = BTreeMap::new();
    for (at, seed) in seeds.iter().enumerate() {
        let Some((file, definition)) = ranking.definition(seed.number) else { continue };
        for name in file.entry.summary.calls(seed.number - file.base) {
            wanted.entry(*name).or_default().push(at);
        }
        if seed.calls > 0.0 {
            borne.entry(definition.own).or_default().push(at);
        }
    }
    let borne_names: Vec<NameKey> = borne.keys().copied().collect();
    let mut callees: BTreeMap<NameKey, Vec<usize>> = BTreeMap::new();
    let mut callers: BTreeMap<NameKey, Vec<usize>> = BTreeMap::new();
    for file in &ranking.files {
        for (at, definition) in file.entry.summary.definitions.iter().enumerate() {
            if definition.is_callable() && wanted.contains_key(&definition.own) {
                callees.entry(definition.own).or_default().push(file.base + at);
            }
            let calls = file.entry.summary.calls(at);
            for name in borne_names.iter().filter(|name| calls.binary_search(name).is_ok()) {
                callers.entry(*name).or_default().push(file.base + at);
            }
        }
    }
    for (names, found, most, inward) in
        [(&wanted, &callees, TWINS_MAX, true), (&borne, &callers, CALLERS_MAX, false)]
    {
        for (name, numbers) in found.iter().filter(|(_, numbers)| numbers.len() <= most) {
            let rarity = 1.0 / (numbers.len() as f64).sqrt();
            for number in numbers {
                let Some(factor) =
                    ranking.definition(*number).map(|(file, it)| factor(file.entry, it, weights))
                else {
                    continue;
                };
                // The strongest link counts; many weak ones are no reason.
                let strongest = names.get(name).into_iter().flatten().filter_map(|at| seeds.get(*at));
                let strongest = strongest.filter(|seed| seed.number != *number).max_by(|one, other| {
                    let value = |seed: &Seed| if inward { seed.called } else { seed.calls };
                    value(one).total_cmp(&value(other)).then(other.number.cmp(&one.number))
                });
                if let Some(seed) = strongest {
                    let (value, because) = if inward {
                        (seed.called, Because::CalledBy(seed.number))
                    } else {
                        (seed.calls, Because::Calls(seed.number))
                    };
                    ranking.add(*number, value * rarity * factor, because);
                }
            }
        }
    }
}

/// What stands in the file of the cursor, and the types of the signature there.
fn around(ranking: &mut Ranking<'_>, cursor: usize, weights: &Weights) {
    let Some((base, entry, signature)) =
        ranking.definition(cursor).map(|(file, it)| (file.base, file.entry, it.signature.clone()))
    else {
        return;
    };
    for (at, definition) in entry.summary.definitions.iter().enumerate() {
        if base + at != cursor {
            let value = weights.cursor_file * factor(entry, definition, weights);
            ranking.add(base + at, value, Because::Beside(cursor));
        }
    }
    let types = names_in(&signature);
    let mut found: Vec<usize> = Vec::new();
    for file in &ranking.files {
        for (at, definition) in file.entry.summary.definitions.iter().enumerate() {
            if !definition.is_callable() && types.contains(&definition.own) {
                found.push(file.base + at);
            }
        }
    }
    let rarity = 1.0 / (found.len() as f64).sqrt().max(1.0);
    for number in found.into_iter().filter(|number| *number != cursor) {
        ranking.add(number, weights.cursor_type * rarity, Because::TypeOf(cursor));
    }
}

/// Lends what stands beside the best of its file a part of the best's score.
fn beside(ranking: &mut Ranking<'_>, weights: &Weights) {
    let mut lent: Vec<(usize, f64, Because)> = Vec::new();
    for file in &ranking.files {
        let numbers = file.base..file.base + file.entry.summary.definitions.len();
        let best = numbers
            .clone()
            .max_by(|one, other| ranking.score(*one).total_cmp(&ranking.score(*other)).then(other.cmp(one)));
        let Some(best) = best.filter(|best| ranking.score(*best) > 0.0) else { continue };
        for (at, number) in numbers.enumerate().filter(|(_, number)| *number != best) {
            if let Some(definition) = file.entry.summary.definitions.get(at) {
                let value = weights.beside * ranking.score(best) * factor(file.entry, definition, weights);
                lent.push((number, value, Because::Beside(best)));
            }
        }
    }
    for (number, value, because) in lent {
        ranking.add(number, value, because);
    }
}
