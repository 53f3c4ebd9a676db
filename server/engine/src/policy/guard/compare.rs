//! Two readings of every changed file against each other: tests are matched by name, then by
//! body, within a file and across files; what is matched is compared part by part.

mod lost;
mod whole;

use super::dialect::{Family, Hold};
use super::judged::{difference, helpers, roots};
use super::marks::{MOCKED, Mark, Reach};
use super::reading::{Hindrance, Kind, Reading, Unit};
use super::words::{Tolerance, can_never_fail, says_more, shown, tolerance};
use super::{Changed, Weakening};
use crate::path::WorkspacePath;
use std::collections::{BTreeMap, BTreeSet};

/// Both readings of a changed file.
pub(super) struct File<'a> {
    pub path: &'a WorkspacePath,
    pub family: Family,
    /// True when its path says that it is a test.
    pub is_test: bool,
    pub before: Option<Reading<'a>>,
    pub after: Option<Reading<'a>>,
}

/// A test of one side: the file and the unit.
type Place = (usize, usize);

struct Comparison<'f, 'a> {
    files: &'f [File<'a>],
    changes: &'f [Changed<'a>],
    found: Vec<Weakening>,
}

pub(super) fn weakenings(files: &[File<'_>], changes: &[Changed<'_>]) -> Vec<Weakening> {
    let mut comparison = Comparison { files, changes, found: Vec::new() };
    let mut lost = Vec::new();
    let mut gained = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let (missing, new) = comparison.matched(index, file);
        lost.extend(missing);
        gained.extend(new);
    }
    comparison.find_again(lost, gained);
    for file in files {
        comparison.whole_file(file);
    }
    comparison.found
}

impl Comparison<'_, '_> {
    fn say(&mut self, file: &File<'_>, place: impl Into<String>, rule: &'static str, sentence: String) {
        self.found.push(Weakening { path: file.path.clone(), place: place.into(), rule, sentence });
    }

    /// Compares the units that have the same name; gives the tests that are gone and those that
    /// are new.
    fn matched(&mut self, index: usize, file: &File<'_>) -> (Vec<Place>, Vec<Place>) {
        let empty = Vec::new();
        let old = file.before.as_ref().map_or(&empty, |reading| &reading.units);
        let new = file.after.as_ref().map_or(&empty, |reading| &reading.units);
        let mut by_name: BTreeMap<(&str, bool), Vec<usize>> = BTreeMap::new();
        for (at, unit) in new.iter().enumerate().filter(|(_, unit)| unit.kind != Kind::File) {
            by_name.entry((&unit.name, unit.kind == Kind::Test)).or_default().push(at);
        }
        if file.family == Family::Python {
            // A later definition takes the place of an earlier one.
            for places in by_name.values_mut() {
                places.drain(..places.len() - 1);
            }
        }
        let (Some(before), Some(after)) = (&file.before, &file.after) else {
            let all = |units: &[Unit]| {
                let tests = units.iter().enumerate().filter(|(_, unit)| unit.kind == Kind::Test);
                tests.map(|(at, _)| (index, at)).collect::<Vec<_>>()
            };
            return (all(old), all(new));
        };
        let helpers = helpers(before);
        let mut lost = Vec::new();
        let mut taken = BTreeSet::new();
        for (at, unit) in old.iter().enumerate().filter(|(_, unit)| unit.kind != Kind::File) {
            let places = by_name.get_mut(&(unit.name.as_str(), unit.kind == Kind::Test));
            let place = places.filter(|places| !places.is_empty()).map(|places| {
                // Of several of one name, the one that has the same body is the same.
                let body = before.body(unit);
                let same = |place: &usize| new.get(*place).is_some_and(|unit| after.body(unit) == body);
                let at = if places.len() > 1 { places.iter().position(same).unwrap_or(0) } else { 0 };
                places.remove(at)
            });
            match place {
                Some(place) => {
                    taken.insert(place);
                    if let Some(now) = new.get(place) {
                        self.unit(file, before, after, unit, now, &helpers);
                        self.own_marks(file, unit, now);
                    }
                }
                None if unit.kind == Kind::Test => lost.push((index, at)),
                None => {}
            }
        }
        let is_new = |at: &usize, unit: &Unit| unit.kind == Kind::Test && !taken.contains(at);
        let gained =
            new.iter().enumerate().filter(|(at, unit)| is_new(at, unit)).map(|(at, _)| (index, at)).collect();
        (lost, gained)
    }

    fn test(&self, place: Place, after: bool) -> Option<(&File<'_>, &Reading<'_>, &Unit)> {
        let file = self.files.get(place.0)?;
        let reading = if after { file.after.as_ref() } else { file.before.as_ref() }?;
        Some((file, reading, reading.units.get(place.1)?))
    }

    fn mark(&mut self, file: &File<'_>, test: &str, mark: &Mark) {
        let sentence = match test {
            "" => format!("the tests of the file: {} {}", shown(&mark.text), narrows(mark)),
            test => format!("test {} {}: {}", shown(test), mark.says, shown(&mark.text)),
        };
        let place = if test.is_empty() { "the file" } else { test };
        self.say(file, place, mark.rule, sentence);
    }

    /// Marks that a unit newly has.
    fn own_marks(&mut self, file: &File<'_>, before: &Unit, after: &Unit) {
        let (Some(old), Some(new)) = (&file.before, &file.after) else { return };
        let had: BTreeSet<_> =
            before.marks.iter().filter(|mark| counts(file, old, before, mark)).map(key).collect();
        for mark in after.marks.iter().filter(|mark| counts(file, new, after, mark)) {
            if !had.contains(&key(mark)) {
                self.mark(file, &after.name, mark);
            }
        }
        for hold in after.outer.difference(&before.outer).filter(|outer| outer.hold != Hold::Closure) {
            if after.kind != Kind::Function {
                let sentence = format!("test {} {}", shown(&after.name), held_by(hold));
                self.say(file, &after.name, "guard.conditional", sentence);
            }
        }
    }

    /// Compares two units of the same name.
    fn unit(
        &mut self,
        file: &File<'_>,
        before: &Reading<'_>,
        after: &Reading<'_>,
        old: &Unit,
        new: &Unit,
        helpers: &BTreeSet<&str>,
    ) {
        if old.kind == Kind::Scope || !is_judging(file, before, old) {
            return;
        }
        let what = if old.kind == Kind::Test { "test" } else { "the helper" };
        let name = format!("{what} {}", shown(&new.name));
        let difference = difference(old, new, helpers);
        if difference.emptied {
            self.say(file, &new.name, "guard.emptied", format!("{name} no longer checks anything"));
            return;
        }
        for (from, to) in &difference.changed {
            self.changed(file, &new.name, &name, from, to);
        }
        for removed in &difference.removed {
            let sentence = format!("{} is removed from {name}", shown(removed));
            self.say(file, &new.name, "guard.assertion_removed", sentence);
        }
        let mut said = BTreeSet::new();
        for (key, hindrance) in &difference.hindered {
            if said.insert(hindrance.clone()) {
                let rule =
                    if hindrance.hold == Hold::Swallow { "guard.swallowed" } else { "guard.conditional" };
                self.say(file, &new.name, rule, format!("{} in {name} {}", shown(key), held_by(hindrance)));
            }
        }
        self.hard_coded(file, &name, old, new, &difference.kept);
        self.rows(file, &name, old, new);
        let _ = after;
    }

    fn changed(&mut self, file: &File<'_>, place: &str, name: &str, from: &str, to: &str) {
        match tolerance(from, to) {
            Some(Tolerance::Narrower) => return,
            Some(Tolerance::Wider { from, to }) => {
                let sentence = format!("the tolerance in {name} goes from {from} to {to}");
                self.say(file, place, "guard.tolerance", sentence);
                return;
            }
            None => {}
        }
        if says_more(from, to) {
            return;
        }
        let (rule, end) = if can_never_fail(to) && !can_never_fail(from) {
            ("guard.assertion_constant", ", which can never fail")
        } else {
            ("guard.assertion_changed", "")
        };
        self.say(file, place, rule, format!("{} in {name} becomes {}{end}", shown(from), shown(to)));
    }

    /// Values that were computed and are now written down, below assertions that stay the same.
    fn hard_coded(&mut self, file: &File<'_>, name: &str, old: &Unit, new: &Unit, kept: &[String]) {
        let judged: BTreeSet<&str> = kept.iter().flat_map(|key| roots(key)).collect();
        for word in judged {
            let Some(now) = new.bindings.get(word) else { continue };
            let sentence = match old.bindings.get(word) {
                Some(was) if was.calls && !now.calls => format!(
                    "{}, which {name} checks, is now written down as {}, not computed by {}",
                    shown(word),
                    shown(&now.value),
                    shown(&was.value)
                ),
                None if !now.value.starts_with("require(")
                    && !old.bindings.values().any(|was| was == now) =>
                {
                    format!("{}, which {name} checks, is now defined in the test itself", shown(word))
                }
                _ => continue,
            };
            self.say(file, &new.name, "guard.hard_coded", sentence);
        }
    }

    fn rows(&mut self, file: &File<'_>, name: &str, old: &Unit, new: &Unit) {
        let missing = more(&old.rows, &new.rows);
        let now = more(&new.rows, &old.rows);
        const CASES_NAMED_MAX: usize = 3;
        if missing.len() > CASES_NAMED_MAX {
            let named: Vec<String> = missing.iter().take(CASES_NAMED_MAX).map(|row| shown(row)).collect();
            let sentence =
                format!("{} cases of {name} are removed or changed: {}, …", missing.len(), named.join(", "));
            self.say(file, &new.name, "guard.case_removed", sentence);
            return;
        }
        let replaced = missing.len().min(now.len());
        for (at, row) in missing.iter().enumerate() {
            let sentence = match now.get(at).filter(|_| at < replaced) {
                Some(other) => format!("case {} of {name} becomes {}", shown(row), shown(other)),
                None => format!("case {} of {name} is removed", shown(row)),
            };
            self.say(file, &new.name, "guard.case_removed", sentence);
        }
    }
}

/// What the first list has and the second does not, each as often as it has more of them.
fn more<'a>(rows: &'a [String], others: &[String]) -> Vec<&'a str> {
    let mut had: BTreeMap<&str, usize> = BTreeMap::new();
    others.iter().for_each(|row| *had.entry(row).or_default() += 1);
    let is_more = |row: &&str| match had.get_mut(*row) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    rows.iter().map(String::as_str).filter(is_more).collect()
}

fn key(mark: &Mark) -> (&'static str, String) {
    (mark.rule, mark.text.clone())
}

fn narrows(mark: &Mark) -> &'static str {
    match mark.rule {
        "guard.skipped" | "guard.uncollected" => "keeps them from being run",
        "guard.expects_failure" => "says that they are expected to fail",
        "guard.retried" => "repeats them until they pass",
        _ => mark.says,
    }
}

fn held_by(hindrance: &Hindrance) -> String {
    let text = shown(&hindrance.text);
    match hindrance.hold {
        // The other branch of a condition is written with the word that begins it.
        Hold::Condition if hindrance.text.starts_with("if(") || hindrance.text.starts_with("if ") => {
            format!("now stands in the branch that is taken when this does not hold: {text}")
        }
        Hold::Condition => format!("now depends on {text}"),
        Hold::Loop => format!("now runs once for each of {text}, perhaps never"),
        Hold::Swallow => format!("may now fail unnoticed: {text}"),
        Hold::Closure => format!("now stands in a function that somebody else calls, or nobody: {text}"),
        Hold::Exit => format!("may no longer be reached, because {text} comes first"),
    }
}

/// True for units whose assertions judge the work.
fn is_judging(file: &File<'_>, reading: &Reading<'_>, unit: &Unit) -> bool {
    let helps = || file.is_test || reading.tests().any(|(_, test)| test.parent == unit.parent);
    unit.kind == Kind::Test || (unit.kind == Kind::Function && !unit.judgements.is_empty() && helps())
}

/// True for what stands in, or is, a test or a group of tests.
fn is_test_area(reading: &Reading<'_>, unit: usize) -> bool {
    let chain = reading.chain(unit);
    chain.iter().any(|around| around.kind == Kind::Test || reading.is_test_module(around))
}

/// True when what a stand-in replaces is what the file's tests have judged so far.
fn replaces_tested(file: &File<'_>, mark: &Mark) -> bool {
    let Some(before) = &file.before else { return false };
    let named = mark.text.split('"').skip(1).step_by(2);
    match file.family {
        Family::Python => {
            let targets: BTreeSet<&str> = named.filter_map(|name| name.rsplit('·').next()).collect();
            let mut keys = before.tests().flat_map(|(_, test)| &test.judgements);
            keys.any(|judgement| roots(&judgement.key).any(|word| targets.contains(word)))
        }
        _ => {
            let plain = before.tokens.plain().0;
            named.filter(|name| !name.is_empty()).any(|name| {
                // A module of the project, not a package that it depends on.
                name.starts_with('·')
                    && [
                        format!("from\"{name}\""),
                        format!("require(\"{name}\""),
                        format!("import(\"{name}\""),
                    ]
                    .iter()
                    .any(|import| plain.contains(import.as_str()))
            })
        }
    }
}

/// True when a mark stops the unit that it stands in, or the tests in that.
fn counts(file: &File<'_>, reading: &Reading<'_>, unit: &Unit, mark: &Mark) -> bool {
    if mark.reach != Reach::Own || (mark.rule == MOCKED && !replaces_tested(file, mark)) {
        return false;
    }
    match unit.kind {
        Kind::Test => true,
        Kind::Function => file.is_test && (file.family != Family::Rust || mark.start >= unit.body.start),
        Kind::Scope | Kind::File if file.family == Family::Rust => {
            let holds_tests = || reading.tests().any(|(_, test)| unit.range.contains(&test.range.start));
            let is_head = unit.kind == Kind::Scope && mark.start < unit.body.start;
            (mark.text.starts_with("#!") || is_head) && holds_tests()
        }
        Kind::Scope | Kind::File => true,
    }
}
