//! Rules as their reference describes them, without any of the code that the gate uses.

use super::*;
use crate::policy::rules::{Rule, RuleClass};

/// The classes of the paths that the property draws.
pub(super) fn classes(path: &str) -> &'static [&'static str] {
    match path.to_lowercase().as_str() {
        ".percy.yml" => &["judges"],
        "dockerfile" => &["executes"],
        "claude.md" => &["instructs"],
        "cargo.lock" => &["configures"],
        _ => &[],
    }
}

/// What a run wants to do, in words.
pub(super) struct Deed<'a> {
    pub kinds: &'a [&'a str],
    pub paths: Vec<&'a str>,
    pub task: Option<&'a str>,
    pub lines: usize,
    pub files: usize,
}

impl<'a> Deed<'a> {
    pub(super) fn of(kinds: &'a [&'a str]) -> Self {
        Self { kinds, paths: Vec::new(), task: None, lines: 0, files: 0 }
    }
}

pub(super) const EDITS: &[&str] = &["replace_text", "replace_symbol", "insert_at_symbol", "replace_range"];
const CHANGES: &[&str] = &[
    "replace_text",
    "replace_symbol",
    "insert_at_symbol",
    "replace_range",
    "create_file",
    "delete_file",
    "rename_file",
];

/// The strictest word of the rules that object, and for each question whether it is loosened.
pub(super) fn ruling(rules: &[Rule], deed: &Deed<'_>, questions: &[&str]) -> u8 {
    let speaking = || rules.iter().filter(|rule| speaks(rule, deed));
    let objections = speaking().map(|rule| match rule.effect {
        Verdict::Allow => 0,
        Verdict::Ask => 1,
        Verdict::Block => 2,
    });
    let open = questions
        .iter()
        .any(|question| !speaking().any(|rule| rule.effect == Verdict::Allow && loosens(rule, question)));
    objections.max().unwrap_or(0).max(u8::from(open))
}

fn loosens(rule: &Rule, question: &str) -> bool {
    question == "deleted"
        || rule.when.class.is_empty()
        || rule.when.class.iter().any(|it| name(*it) == question)
}

fn name(class: RuleClass) -> &'static str {
    match class {
        RuleClass::Executes => "executes",
        RuleClass::Configures => "configures",
        RuleClass::Instructs => "instructs",
        RuleClass::Judges | RuleClass::Tests => "judges",
    }
}

fn speaks(rule: &Rule, deed: &Deed<'_>) -> bool {
    let (when, allows) = (&rule.when, rule.effect == Verdict::Allow);
    let every = |holds: &dyn Fn(&str) -> bool, all: &[&str]| match allows {
        true => !all.is_empty() && all.iter().all(|one| holds(one)),
        false => all.iter().any(|one| holds(one)),
    };
    let named: Vec<&str> = when.actions.iter().map(|kind| kind.name()).collect();
    let kind = |kind: &str| match (named.is_empty(), rule.effect) {
        (true, Verdict::Ask) => CHANGES.contains(&kind),
        (true, _) => true,
        (false, _) => named.contains(&kind),
    };
    let fits = |globs: &[String], path: &str| globs.iter().any(|glob| matches(glob, path));
    let place = |path: &str| (when.paths.is_empty() || fits(&when.paths, path)) && !fits(&when.except, path);
    let changing = deed.kinds.iter().all(|kind| CHANGES.contains(kind));
    every(&kind, deed.kinds)
        && ((when.paths.is_empty() && when.except.is_empty()) || every(&place, &deed.paths))
        && (when.tasks.is_empty() || when.tasks.iter().any(|task| Some(task.as_str()) == deed.task))
        && when.lines_changed_over.is_none_or(|most| deed.lines as u64 > most)
        && when.files_changed_over.is_none_or(|most| changing && deed.files as u64 > most)
        && (when.class.is_empty()
            || when
                .class
                .iter()
                .any(|class| deed.paths.iter().any(|path| classes(path).contains(&name(*class)))))
}

/// A glob, one name after the other.
fn matches(glob: &str, path: &str) -> bool {
    let fold = |text: &str| text.to_lowercase();
    let (glob, path) = (fold(glob), fold(path));
    if let Some((before, rest)) = glob.split_once('{') {
        let (inside, after) = rest.split_once('}').unwrap();
        return inside.split(',').any(|one| matches(&format!("{before}{one}{after}"), &path));
    }
    let (glob, path): (Vec<&str>, Vec<&str>) = (glob.split('/').collect(), path.split('/').collect());
    folders(&glob, &path)
}

fn folders(glob: &[&str], path: &[&str]) -> bool {
    match (glob, path) {
        ([], []) => true,
        (["**"], path) => !path.is_empty(),
        (["**", rest @ ..], path) => (0..=path.len()).any(|skipped| folders(rest, &path[skipped..])),
        ([glob, globs @ ..], [name, names @ ..]) => {
            let (glob, name): (Vec<char>, Vec<char>) = (glob.chars().collect(), name.chars().collect());
            letters(&glob, &name) && folders(globs, names)
        }
        _ => false,
    }
}

fn letters(glob: &[char], name: &[char]) -> bool {
    match (glob, name) {
        ([], []) => true,
        (['*', rest @ ..], name) => (0..=name.len()).any(|skipped| letters(rest, &name[skipped..])),
        (['[', rest @ ..], [letter, letters_left @ ..]) => {
            let end = rest.iter().position(|it| *it == ']').unwrap();
            rest[..end].contains(letter) && letters(&rest[end + 1..], letters_left)
        }
        (['?', rest @ ..], [_, name @ ..]) => letters(rest, name),
        ([same, rest @ ..], [letter, name @ ..]) => same == letter && letters(rest, name),
        _ => false,
    }
}

/// Lines that must go and come to turn one text into the other.
pub(super) fn lines_between(base: &str, proposed: &str) -> usize {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (base.split_inclusive('\n').collect(), proposed.split_inclusive('\n').collect());
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for (at, old_line) in old.iter().enumerate() {
        for (to, new_line) in new.iter().enumerate() {
            common[at + 1][to + 1] = match old_line == new_line {
                true => common[at][to] + 1,
                false => common[at][to + 1].max(common[at + 1][to]),
            };
        }
    }
    old.len() + new.len() - 2 * common[old.len()][new.len()]
}
