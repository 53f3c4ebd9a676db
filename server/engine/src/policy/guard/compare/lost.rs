//! Tests that no name finds any more: found again by their body, in their file or in another one, or
//! gone.

use super::{Comparison, File, Place, counts, held_by, key};
use crate::policy::guard::collection;
use crate::policy::guard::dialect::{Family, Hold};
use crate::policy::guard::reading::{Kind, Reading, Unit};
use crate::policy::guard::words::shown;
use std::collections::{BTreeMap, BTreeSet};

impl Comparison<'_, '_> {
    /// Finds tests again that were renamed or moved; reports the others.
    pub(super) fn find_again(&mut self, lost: Vec<Place>, mut gained: Vec<Place>) {
        let mut gone: BTreeMap<usize, Vec<Place>> = BTreeMap::new();
        let mut hidden: BTreeMap<(usize, usize), Vec<Place>> = BTreeMap::new();
        // A body that says nothing identifies nothing.
        let body = |found: Option<(&File<'_>, &Reading<'_>, &Unit)>| {
            found.map(|(file, reading, unit)| (file.family, reading.body(unit)))
        };
        let bodies: BTreeMap<Place, _> =
            gained.iter().filter_map(|place| Some((*place, body(self.test(*place, true))?))).collect();
        for place in lost {
            let Some(wanted) = body(self.test(place, false)) else { continue };
            let same = |candidate: &&Place| bodies.get(*candidate) == Some(&wanted);
            let here = gained.iter().position(|candidate| candidate.0 == place.0 && same(&candidate));
            let at = here.or_else(|| gained.iter().position(|candidate| same(&candidate)));
            match at {
                Some(at) => {
                    let now = gained.remove(at);
                    if now.0 == place.0 || self.is_found(place.0, now.0) {
                        self.again(place, now);
                    } else {
                        hidden.entry((place.0, now.0)).or_default().push(place);
                    }
                }
                None => gone.entry(place.0).or_default().push(place),
            }
        }
        for ((from, to), tests) in hidden {
            if let (Some(file), Some(target)) = (self.files.get(from), self.files.get(to)) {
                let names = self.names(&tests);
                let sentence =
                    format!("{names} moved to `{}`, where the runner does not look for tests", target.path);
                self.say(file, "the file", "guard.uncollected", sentence);
            }
        }
        for (index, tests) in gone {
            self.gone(index, &tests);
        }
    }

    fn is_found(&self, from: usize, to: usize) -> bool {
        match (self.files.get(from), self.files.get(to)) {
            (Some(from), Some(to)) => {
                collection::still_found(from.family, from.path, to.path, to.before.is_none(), self.changes)
            }
            _ => false,
        }
    }

    /// `test `a` is`, `tests `a`, `b` are`.
    fn names(&self, tests: &[Place]) -> String {
        const NAMES_MAX: usize = 5;
        let named = tests.iter().filter_map(|place| self.test(*place, false));
        let names: Vec<String> = named.map(|(_, _, unit)| shown(&unit.name)).take(NAMES_MAX).collect();
        match tests.len() {
            1 => format!("test {} is", names.concat()),
            count if count > NAMES_MAX => format!("{count} tests ({}, …) are", names.join(", ")),
            _ => format!("tests {} are", names.join(", ")),
        }
    }

    fn gone(&mut self, index: usize, tests: &[Place]) {
        let Some(file) = self.files.get(index) else { return };
        let Some(after) = &file.after else {
            let sentence = format!("{} deleted with the file", self.names(tests));
            self.say(file, "the file", "guard.deleted", sentence);
            return;
        };
        for place in tests {
            let Some((_, before, unit)) = self.test(*place, false) else { continue };
            let (name, own) = (shown(&unit.name), unit.own.as_str());
            let body = before.body(unit);
            let twin = |other: &&Unit| other.kind == Kind::Function && after.body(other) == body;
            let namesake = after.units.iter().find(|other| other.kind == Kind::Function && other.own == own);
            let (rule, sentence) = if namesake.is_some() {
                (
                    "guard.uncollected",
                    format!("test {name} is no longer run: the runner does not take it for a test"),
                )
            } else if let Some(twin) = after.units.iter().find(twin) {
                let now = shown(&twin.own);
                (
                    "guard.uncollected",
                    format!("test {name} is no longer run: the runner does not collect {now}"),
                )
            } else if is_commented_out(file.family, before.source, after.source, own) {
                ("guard.deleted", format!("test {name} is commented out"))
            } else {
                ("guard.deleted", format!("test {name} is deleted"))
            };
            let place = unit.name.clone();
            self.say(file, place, rule, sentence);
        }
    }

    /// A test with the same body under another name: what stops it may still be new.
    fn again(&mut self, before: Place, after: Place) {
        let (Some((file, old, unit)), Some((_, new, _))) = (self.test(before, false), self.test(after, true))
        else {
            return;
        };
        let mut had = BTreeSet::new();
        let mut held = BTreeSet::new();
        for around in old.chain(before.1) {
            had.extend(around.marks.iter().filter(|mark| counts(file, old, around, mark)).map(key));
            held.extend(around.outer.iter().filter(|outer| outer.hold != Hold::Closure).cloned());
        }
        let mut new_marks = Vec::new();
        let mut new_holds = Vec::new();
        for around in new.chain(after.1) {
            let marks = around.marks.iter().filter(|mark| counts(file, new, around, mark));
            new_marks.extend(marks.filter(|mark| !had.contains(&key(mark))).cloned());
            let outer = around.outer.iter().filter(|outer| outer.hold != Hold::Closure);
            new_holds.extend(outer.filter(|outer| !held.contains(*outer)).cloned());
        }
        let name = unit.name.clone();
        let Some(file) = self.files.get(before.0) else { return };
        for mark in new_marks {
            self.mark(file, &name, &mark);
        }
        for hold in new_holds {
            self.say(file, &name, "guard.conditional", format!("test {} {}", shown(&name), held_by(&hold)));
        }
    }
}

/// True when a comment now holds the name of a test more often than before.
fn is_commented_out(family: Family, before: &str, after: &str, name: &str) -> bool {
    let sign = if family == Family::Python { "#" } else { "//" };
    let count = |text: &str| {
        let lines = text.lines().map(str::trim_start);
        lines.filter(|line| (line.starts_with(sign) || line.starts_with('*')) && line.contains(name)).count()
    };
    count(after) > count(before)
        || (after.contains(name) && after.matches("/*").count() > before.matches("/*").count())
}
