//! What concerns a file as a whole: what stands outside its tests and decides about them.

use super::{Comparison, File, counts, is_test_area, key};
use crate::policy::guard::dialect::Family;
use crate::policy::guard::judged::roots;
use crate::policy::guard::marks::{EQUALITY, Mark, Reach};
use crate::policy::guard::reading::{Kind, Reading};
use crate::policy::guard::words::shown;
use std::collections::{BTreeMap, BTreeSet};

impl Comparison<'_, '_> {
    /// What concerns a file as a whole.
    pub(super) fn whole_file(&mut self, file: &File<'_>) {
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

fn looks_like_tests(module: &str) -> bool {
    module == "tests"
        || module.starts_with("test_")
        || module.ends_with("_tests")
        || module.ends_with("_test")
}
