//! What surrounds the best definitions: who calls them, whom they call, what stands beside
//! them, and the types of the signature at the cursor.

use super::filter::Few;
use super::{Because, FILES_PER_WORKER_MIN, File, Mark, Query, Ranking, Weights};
use crate::index::{NameKey, names_in};
use crate::workers::{Workers, in_parts};
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

pub(super) fn score(ranking: &mut Ranking<'_>, query: &Query<'_>, weights: &Weights, workers: &dyn Workers) {
    let best = ranking.best(SEEDS_MAX, Mark::has_body);
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
    follow(ranking, &seeds, weights, workers);
    if let Some(number) = cursor {
        around(ranking, number, weights);
    }
    beside(ranking, weights);
}

/// Adds along the calls of the seeds, in both directions.
fn follow(ranking: &mut Ranking<'_>, seeds: &[Seed], weights: &Weights, workers: &dyn Workers) {
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
    let [are_wanted, are_borne] =
        [&wanted, &borne].map(|names| Few::new(names.keys().map(|it| it.0).collect()));
    let mut callees: BTreeMap<NameKey, Vec<usize>> = BTreeMap::new();
    let mut callers: BTreeMap<NameKey, Vec<usize>> = BTreeMap::new();
    for (number, mark) in ranking.marks.iter().enumerate() {
        if mark.is_callable && are_wanted.place(mark.own.0).is_some() {
            callees.entry(mark.own).or_default().push(number);
        }
    }
    if are_borne.len() > 0 {
        let calling = |files: &[File<'_>]| {
            let calls = files.iter().flat_map(|file| {
                let borne = |name: NameKey| are_borne.place(name.0).is_some();
                file.entry.summary.calls_wanted(borne).map(|(at, name)| (name, file.base + at))
            });
            calls.collect::<Vec<(NameKey, usize)>>()
        };
        for (name, number) in
            in_parts(workers, &ranking.files, FILES_PER_WORKER_MIN, calling).into_iter().flatten()
        {
            callers.entry(name).or_default().push(number);
        }
    }
    for (names, found, most, inward) in
        [(&wanted, &callees, TWINS_MAX, true), (&borne, &callers, CALLERS_MAX, false)]
    {
        for (name, numbers) in found.iter().filter(|(_, numbers)| numbers.len() <= most) {
            let rarity = 1.0 / (numbers.len() as f64).sqrt();
            for number in numbers {
                let factor = ranking.factor(*number, weights);
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
    let Some((numbers, signature)) =
        ranking.definition(cursor).map(|(file, it)| (file.numbers(), it.signature.clone()))
    else {
        return;
    };
    for number in numbers.filter(|number| *number != cursor) {
        let value = weights.cursor_file * ranking.factor(number, weights);
        ranking.add(number, value, Because::Beside(cursor));
    }
    let mut types: Vec<u32> = names_in(&signature).into_iter().map(|name| name.0).collect();
    types.sort_unstable();
    let types = Few::new(types);
    let marks = ranking.marks.iter().enumerate();
    let types = marks.filter(|(_, mark)| !mark.is_callable && types.place(mark.own.0).is_some());
    let found: Vec<usize> = types.map(|(number, _)| number).collect();
    let rarity = 1.0 / (found.len() as f64).sqrt().max(1.0);
    for number in found.into_iter().filter(|number| *number != cursor) {
        ranking.add(number, weights.cursor_type * rarity, Because::TypeOf(cursor));
    }
}

/// Lends what stands beside the best of its file a part of the best's score.
fn beside(ranking: &mut Ranking<'_>, weights: &Weights) {
    for at in 0..ranking.files.len() {
        let Some(numbers) = ranking.files.get(at).map(File::numbers) else { continue };
        let best = numbers
            .clone()
            .max_by(|one, other| ranking.score(*one).total_cmp(&ranking.score(*other)).then(other.cmp(one)));
        let Some(best) = best.filter(|best| ranking.score(*best) > 0.0) else { continue };
        let share = weights.beside * ranking.score(best);
        for number in numbers.filter(|number| *number != best) {
            let value = share * ranking.factor(number, weights);
            ranking.add(number, value, Because::Beside(best));
        }
    }
}
