//! Two readings of every changed file against each other: tests are matched by name, then by
//! body, within a file and across files; what is matched is compared part by part.

use super::dialect::{Family, Hold};
use super::judged::{difference, helpers, roots};
use super::marks::{EQUALITY, MOCKED, Mark, Reach};
use super::reading::{Hindrance, Kind, Reading, Unit};
use super::words::{Tolerance, can_never_fail, says_more, shown, tolerance};
use super::{Changed, Weakening, collection};
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

    /// Finds tests again that were renamed or moved; reports the others.
    fn find_again(&mut self, lost: Vec<Place>, mut gained: Vec<Place>) {
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

    /// What concerns a file as a whole.
    fn whole_file(&mut self, file: &File<'_>) {
        let Some(after) = &file.after else { return };
        self.others(file, after);
        let Some(before) = &file.before else { return };
        let judged = file.is_test
            || before.tests().next().is_some()
            || before.links.iter().any(|link| link.is_test || looks_like_tests(&link.name));
        if !judged {
            return;
        }
        if after.errors > before.errors {
            let sentence =
                "the grammar of the file is broken, so that what its tests do is not known".to_owned();
            self.say(file, "the file", "guard.unknown", sentence);
        }
        if let (Some(old), Some(new)) = (before.units.first(), after.units.first()) {
            self.own_marks(file, old, new);
        }
        self.new_functions(file, before, after);
        self.shadowed(file, before, after);
        self.links(file, before, after);
        if file.family == Family::Go {
            self.build_tags(file, before, after);
        }
    }

    /// Marks that reach beyond the unit in which they stand.
    fn others(&mut self, file: &File<'_>, after: &Reading<'_>) {
        let counted = |reading: &Reading<'_>| {
            let mut marks = Vec::new();
            for (at, unit) in reading.units.iter().enumerate() {
                let in_test = file.is_test || is_test_area(reading, at);
                let wanted = if in_test { Reach::Others } else { Reach::Production };
                let equality = |mark: &Mark| mark.rule == EQUALITY;
                marks
                    .extend(unit.marks.iter().filter(|mark| mark.reach == wanted || equality(mark)).cloned());
            }
            marks
        };
        let mut had: Vec<_> = file.before.as_ref().map(&counted).unwrap_or_default();
        for mark in counted(after) {
            if let Some(at) = had.iter().position(|old| key(old) == key(&mark)) {
                had.remove(at);
                continue;
            }
            let place = format!("line {}", after.line(mark.start));
            let sentence = format!("{} {}", shown(&mark.text), mark.says);
            self.say(file, place, mark.rule, sentence);
        }
    }

    /// A function that is no test but skips, such as a `setUp`, concerns the tests around it.
    fn new_functions(&mut self, file: &File<'_>, before: &Reading<'_>, after: &Reading<'_>) {
        let had: BTreeSet<&str> = before.units.iter().map(|unit| unit.name.as_str()).collect();
        let functions = after.units.iter().filter(|unit| unit.kind == Kind::Function);
        for unit in functions.filter(|unit| !had.contains(unit.name.as_str())) {
            for mark in unit.marks.iter().filter(|mark| counts(file, after, unit, mark)) {
                let sentence =
                    format!("the new function {} may stop tests: {}", shown(&unit.name), shown(&mark.text));
                self.say(file, &unit.name, mark.rule, sentence);
            }
        }
    }

    /// Names on which assertions hang, or tests themselves, newly defined in the file.
    fn shadowed(&mut self, file: &File<'_>, before: &Reading<'_>, after: &Reading<'_>) {
        let defined = |reading: &Reading<'_>| {
            let mut names = BTreeMap::new();
            for unit in &reading.units {
                let around = reading.units.get(unit.parent);
                let top = around.is_some_and(|around| matches!(around.kind, Kind::File | Kind::Scope));
                if unit.kind == Kind::Function && top {
                    names.insert(unit.own.clone(), unit.range.start);
                }
            }
            if let Some(file) = reading.units.first() {
                let bound = file.bindings.iter().filter(|(_, bound)| !bound.value.starts_with("require("));
                names.extend(bound.map(|(name, _)| (name.clone(), 0)));
            }
            names
        };
        let had = defined(before);
        let mut judged = BTreeMap::new();
        for (_, test) in before.tests() {
            judged.insert(test.own.as_str(), test.name.as_str());
            let keys = test.judgements.iter().flat_map(|judgement| roots(&judgement.key));
            judged.extend(keys.map(|word| (word, test.name.as_str())));
        }
        let new = defined(after).into_iter().filter(|(name, _)| !had.contains_key(name));
        for (name, start) in new {
            let Some(test) = judged.get(name.as_str()) else { continue };
            let is_lost_test = before.tests().any(|(_, unit)| unit.own == name)
                && !after.tests().any(|(_, unit)| unit.own == name);
            if !is_lost_test {
                let sentence = format!(
                    "{}, which test {} uses, is now defined in the test's own file",
                    shown(&name),
                    shown(test)
                );
                self.say(file, format!("line {}", after.line(start)), "guard.hard_coded", sentence);
            }
        }
    }

    /// Modules of tests that are no longer part of the program.
    fn links(&mut self, file: &File<'_>, before: &Reading<'_>, after: &Reading<'_>) {
        for link in before.links.iter().filter(|link| link.is_test || looks_like_tests(&link.name)) {
            let now = after.links.iter().find(|now| now.name == link.name);
            let inline = after.units.iter().any(|unit| unit.kind == Kind::Scope && unit.own == link.name);
            let deleted = self.changes.iter().any(|change| {
                let path = change.path.as_str();
                let ends = [format!("{}.rs", link.name), format!("{}/mod.rs", link.name)];
                change.after.is_none() && ends.iter().any(|end| path.ends_with(end.as_str()))
            });
            let place = format!("line {}", before.line(link.start));
            match now {
                None if !inline && !deleted => {
                    let sentence = format!(
                        "the tests in module {} are no longer part of the program",
                        shown(&link.name)
                    );
                    self.say(file, place, "guard.uncollected", sentence);
                }
                Some(now) if now.attributes != link.attributes && now.attributes.contains("cfg(") => {
                    let sentence = format!(
                        "the tests in module {} are only built under {}",
                        shown(&link.name),
                        shown(&now.attributes)
                    );
                    let harmless = now.attributes.replace("#[cfg(test)]", "");
                    if harmless.contains("cfg(") {
                        self.say(file, place, "guard.uncollected", sentence);
                    }
                }
                _ => {}
            }
        }
    }

    fn build_tags(&mut self, file: &File<'_>, before: &Reading<'_>, after: &Reading<'_>) {
        let tags = |reading: &Reading<'_>| {
            let lines = reading.source.lines().take_while(|line| !line.starts_with("package"));
            lines
                .map(|line| line.trim().to_owned())
                .filter(|line| line.starts_with("//go:build") || line.starts_with("// +build"))
                .collect::<BTreeSet<String>>()
        };
        let had = tags(before);
        for tag in tags(after).difference(&had) {
            let sentence = format!("the tests of the file are only built under {}", shown(tag));
            self.say(file, "the file", "guard.uncollected", sentence);
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

fn looks_like_tests(module: &str) -> bool {
    module == "tests"
        || module.starts_with("test_")
        || module.ends_with("_tests")
        || module.ends_with("_test")
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
