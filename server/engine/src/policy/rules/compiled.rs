//! A run's policy, ready for use. Globs are compiled once, into one set for all rules, so that
//! a verdict costs about the same whether there is one rule or a hundred.
//!
//! INVARIANT: a snapshot whose rules cannot be understood gives a policy that blocks everything.

use super::egress::CompiledEgress;
use super::{EDITS, Extent, LanguageName, Rule, RuleClass, Scope};
use crate::action::ActionKind;
use crate::ids::TaskName;
use crate::path::{WorkspacePath, comparison_key};
use crate::policy::{PathClass, PolicySnapshot, Verdict};
use crate::syntax::Language;
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// What has a meaning of its own in a glob.
const GLOB_SIGNS: [char; 9] = ['*', '?', '[', ']', '{', '}', ',', '!', '\\'];

/// A snapshot with its rules compiled. Built once for each run; it is not stored.
#[derive(Debug, Clone)]
pub struct Policy {
    snapshot: PolicySnapshot,
    compiled: Result<Compiled, String>,
}

#[derive(Debug, Clone)]
struct Compiled {
    paths: Globs,
    symbols: Globs,
    matchers: Vec<Matcher>,
    egress: CompiledEgress,
    wants_lines: bool,
    wants_symbols: bool,
    wants_classes: bool,
}

/// The parts of a rule that are looked up by number.
#[derive(Debug, Clone)]
struct Matcher {
    kinds: Kinds,
    has_paths: bool,
    has_except: bool,
    has_symbols: bool,
}

/// Kinds of action, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Kinds(u32);

impl Kinds {
    /// The set of these.
    pub(in crate::policy) fn of<'a>(kinds: impl IntoIterator<Item = &'a ActionKind>) -> Self {
        Self(kinds.into_iter().fold(0, |set, kind| set | 1 << (*kind as u32)))
    }

    /// Every kind of edit, for a change of which only the outcome is known.
    pub(in crate::policy) fn edits() -> Self {
        Self::of(EDITS)
    }

    /// Both sets together.
    pub(in crate::policy) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// True when each of them edits, so that the user is shown the outcome before it counts.
    fn all_edit(self) -> bool {
        ActionKind::ALL.iter().all(|kind| kind.edits() || !self.meets(Self::of([kind])))
    }
}

/// Something that a run wants to do, as rules see it.
#[derive(Debug)]
pub(in crate::policy) struct Subject<'a> {
    /// What it may be. Of a proposal only the outcome is known, and several kinds may have led
    /// to it: a rule that objects needs one of them, a rule that allows all of them.
    pub kinds: Kinds,
    /// The path as it was asked for and, where they differ, the place that it leads to.
    pub paths: &'a [&'a WorkspacePath],
    /// The task that is to run.
    pub task: Option<&'a TaskName>,
    /// How much of the file changes, and which symbols.
    pub extent: &'a Extent,
    /// The files that the run will have changed.
    pub files_changed: u64,
    /// What the paths are known to be.
    pub classes: &'a [PathClass],
    /// True when the guard of tests has asked about it.
    pub guarded: bool,
}

impl<'a> Subject<'a> {
    /// One of which nothing else is to be said.
    pub(in crate::policy) fn of(
        kinds: Kinds,
        paths: &'a [&'a WorkspacePath],
        classes: &'a [PathClass],
        extent: &'a Extent,
    ) -> Self {
        Self { kinds, paths, task: None, extent, files_changed: 0, classes, guarded: false }
    }

    /// What it is about, for people.
    pub(in crate::policy) fn shown(&self) -> String {
        match (self.paths, self.task) {
            ([path, ..], _) => path.to_string(),
            ([], Some(task)) => task.as_str().chars().take(80).flat_map(char::escape_debug).collect(),
            ([], None) => "the action".to_owned(),
        }
    }
}

/// The rules that speak about a subject, by what they do.
#[derive(Debug, Default)]
pub(in crate::policy) struct Rulings<'p> {
    /// Those that ask or block.
    pub objections: Vec<&'p Rule>,
    /// Those of the user that loosen a question.
    pub allowances: Vec<&'p Rule>,
}

impl Policy {
    /// Compiles a snapshot's rules.
    pub fn new(snapshot: &PolicySnapshot) -> Self {
        Self { snapshot: snapshot.clone(), compiled: Compiled::new(snapshot) }
    }

    /// What it was compiled from.
    pub fn snapshot(&self) -> &PolicySnapshot {
        &self.snapshot
    }

    /// Why the rules cannot be understood. Everything is blocked then.
    pub fn fault(&self) -> Option<&str> {
        self.compiled.as_ref().err().map(String::as_str)
    }

    /// True when a rule counts changed lines.
    pub(in crate::policy) fn wants_lines(&self) -> bool {
        self.compiled.as_ref().is_ok_and(|compiled| compiled.wants_lines)
    }

    /// True when a rule names symbols.
    pub(in crate::policy) fn wants_symbols(&self) -> bool {
        self.compiled.as_ref().is_ok_and(|compiled| compiled.wants_symbols)
    }

    /// True when a rule names classes.
    pub(super) fn wants_classes(&self) -> bool {
        self.compiled.as_ref().is_ok_and(|compiled| compiled.wants_classes)
    }

    /// The rules that speak about the subject. Without rules nothing is looked at.
    pub(in crate::policy) fn rulings(&self, subject: &Subject<'_>) -> Rulings<'_> {
        let mut rulings = Rulings::default();
        if let Ok(compiled) = &self.compiled
            && !self.snapshot.rules.is_empty()
        {
            compiled.rule(&self.snapshot.rules, subject, &mut rulings);
        }
        rulings
    }

    pub(super) fn egress(&self) -> Result<&CompiledEgress, &str> {
        self.compiled.as_ref().map(|compiled| &compiled.egress).map_err(String::as_str)
    }
}

impl Compiled {
    fn new(snapshot: &PolicySnapshot) -> Result<Self, String> {
        let rules = &snapshot.rules;
        for rule in rules {
            understood(rule).map_err(|what| format!("rule `{}`: {what}", rule.name()))?;
        }
        let patterns = rules.iter().enumerate().flat_map(|(at, rule)| {
            let matching = rule.when.paths.iter().map(move |text| (Owner::matches(at), text));
            matching.chain(rule.when.except.iter().map(move |text| (Owner::excepts(at), text)))
        });
        let names = rules
            .iter()
            .enumerate()
            .flat_map(|(at, rule)| rule.when.symbols.iter().map(move |text| (Owner::matches(at), text)));
        Ok(Self {
            paths: Globs::new(patterns, path_glob)?,
            symbols: Globs::new(names, symbol_glob)?,
            matchers: rules.iter().map(Matcher::new).collect(),
            egress: CompiledEgress::new(&snapshot.egress)?,
            wants_lines: rules.iter().any(|rule| rule.when.lines_changed_over.is_some()),
            wants_symbols: rules.iter().any(|rule| !rule.when.symbols.is_empty()),
            wants_classes: rules.iter().any(|rule| !rule.when.class.is_empty()),
        })
    }

    fn rule<'p>(&self, rules: &'p [Rule], subject: &Subject<'_>, rulings: &mut Rulings<'p>) {
        let paths: Vec<Marks> =
            subject.paths.iter().map(|path| self.paths.marks(&path.comparison_key(), rules.len())).collect();
        let symbols = match subject.extent.symbols.is_empty() {
            true => Marks::default(),
            false => {
                let mut marks = Marks::default();
                for name in &subject.extent.symbols {
                    marks.add(&self.symbols.marks(&plain_name(name), rules.len()));
                }
                marks
            }
        };
        for (at, (rule, matcher)) in rules.iter().zip(&self.matchers).enumerate() {
            if matcher.matches(at, rule, subject, &paths, &symbols) {
                match rule.effect {
                    Verdict::Ask | Verdict::Block => rulings.objections.push(rule),
                    Verdict::Allow => rulings.allowances.push(rule),
                }
            }
        }
    }
}

/// What no loader lets through. A snapshot can come from elsewhere.
fn understood(rule: &Rule) -> Result<(), &'static str> {
    if rule.when == super::When::default() {
        return Err("it is about nothing in particular");
    }
    if rule.effect != Verdict::Allow {
        return Ok(());
    }
    if rule.scope == Scope::Workspace {
        return Err("a workspace cannot allow anything");
    }
    if !rule.when.symbols.is_empty()
        || rule.when.lines_changed_over.is_some()
        || rule.when.files_changed_over.is_some()
    {
        return Err("a rule that allows cannot hang on the size or the place of a change");
    }
    Ok(())
}

impl Matcher {
    fn new(rule: &Rule) -> Self {
        let when = &rule.when;
        let kinds = match when.actions.is_empty() {
            // Nobody can be asked in the middle of a reply, only about its outcome.
            true if rule.effect == Verdict::Ask => {
                Kinds::of(ActionKind::ALL.iter().filter(|kind| kind.edits()))
            }
            true => Kinds(u32::MAX),
            false => Kinds::of(&when.actions),
        };
        Self {
            kinds,
            has_paths: !when.paths.is_empty(),
            has_except: !when.except.is_empty(),
            has_symbols: !when.symbols.is_empty(),
        }
    }

    fn matches(
        &self,
        at: usize,
        rule: &Rule,
        subject: &Subject<'_>,
        paths: &[Marks],
        symbols: &Marks,
    ) -> bool {
        let when = &rule.when;
        let allows = rule.effect == Verdict::Allow;
        let kinds = if allows { self.kinds.covers(subject.kinds) } else { self.kinds.meets(subject.kinds) };
        kinds
            && self.place_matches(at, allows, paths)
            && (when.tasks.is_empty() || subject.task.is_some_and(|task| when.tasks.contains(task)))
            && (when.languages.is_empty() || language_matches(when, allows, subject.paths))
            && (!self.has_symbols || symbols.is_matched(at))
            && when.lines_changed_over.is_none_or(|most| subject.extent.lines > most)
            && when
                .files_changed_over
                .is_none_or(|most| subject.kinds.all_edit() && subject.files_changed > most)
            && (when.class.is_empty() || class_matches(when, subject))
    }

    /// A rule that objects needs one of the path's two places, a rule that allows both.
    fn place_matches(&self, at: usize, allows: bool, paths: &[Marks]) -> bool {
        if !self.has_paths && !self.has_except {
            return true;
        }
        let here = |marks: &Marks| (!self.has_paths || marks.is_matched(at)) && !marks.is_excepted(at);
        if allows { !paths.is_empty() && paths.iter().all(here) } else { paths.iter().any(here) }
    }
}

fn language_matches(when: &super::When, allows: bool, paths: &[&WorkspacePath]) -> bool {
    let named = |path: &&WorkspacePath| {
        Language::of_path(path).is_some_and(|it| when.languages.contains(&LanguageName::of(it)))
    };
    if allows { !paths.is_empty() && paths.iter().all(named) } else { paths.iter().any(named) }
}

fn class_matches(when: &super::When, subject: &Subject<'_>) -> bool {
    let named = |class: &RuleClass| {
        (subject.guarded && *class == RuleClass::Tests)
            || subject.classes.iter().any(|known| class.covers(*known))
    };
    when.class.iter().any(named)
}

/// Whose glob it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    at: usize,
    excepts: bool,
}

impl Owner {
    pub(super) const fn matches(at: usize) -> Self {
        Self { at, excepts: false }
    }

    const fn excepts(at: usize) -> Self {
        Self { at, excepts: true }
    }
}

/// All globs of all rules, in one set.
#[derive(Debug, Clone)]
pub(super) struct Globs {
    set: GlobSet,
    owners: Vec<Owner>,
}

impl Globs {
    pub(super) fn new<'a>(
        patterns: impl Iterator<Item = (Owner, &'a String)>,
        glob: fn(&str) -> Result<Glob, String>,
    ) -> Result<Self, String> {
        let mut set = GlobSetBuilder::new();
        let mut owners = Vec::new();
        for (owner, text) in patterns {
            set.add(glob(text).map_err(|what| format!("`{text}`: {what}"))?);
            owners.push(owner);
        }
        let set = set.build().map_err(|error| format!("the globs are too large together: {error}"))?;
        Ok(Self { set, owners })
    }

    /// Which rules a path or a name falls under.
    pub(super) fn marks(&self, folded: &str, rules: usize) -> Marks {
        let mut marks = Marks(vec![0; rules]);
        if self.owners.is_empty() {
            return marks;
        }
        for number in self.set.matches(folded) {
            if let Some(owner) = self.owners.get(number)
                && let Some(mark) = marks.0.get_mut(owner.at)
            {
                *mark |= if owner.excepts { Marks::EXCEPTED } else { Marks::MATCHED };
            }
        }
        marks
    }
}

/// For each rule, whether one of its globs matches.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<u8>);

impl Marks {
    const MATCHED: u8 = 1;
    const EXCEPTED: u8 = 2;

    pub(super) fn is_matched(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|mark| mark & Self::MATCHED != 0)
    }

    fn is_excepted(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|mark| mark & Self::EXCEPTED != 0)
    }

    fn add(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        self.0.iter_mut().zip(&other.0).for_each(|(mark, more)| *mark |= more);
    }
}

/// Compiles a glob over paths, folded as the paths are that it is compared with.
pub(super) fn path_glob(text: &str) -> Result<Glob, String> {
    let folded = comparison_key(text);
    // Folding turns some letters into signs that mean something in a glob.
    if signs(text) != signs(&folded) {
        return Err("it holds a letter that other spellings of Unicode take for a sign of globs; use `?` in its place".to_owned());
    }
    built(GlobBuilder::new(&folded).literal_separator(true).backslash_escape(true))
}

/// Compiles a glob over qualified names. The separators of all languages are one.
pub(super) fn symbol_glob(text: &str) -> Result<Glob, String> {
    built(GlobBuilder::new(&plain_name(text)).backslash_escape(true))
}

fn plain_name(name: &str) -> String {
    name.replace("::", ".")
}

fn signs(text: &str) -> Vec<char> {
    text.chars().filter(|it| GLOB_SIGNS.contains(it)).collect()
}

fn built(builder: &GlobBuilder<'_>) -> Result<Glob, String> {
    builder
        .build()
        .map_err(|error| format!("this is no glob: {}; see the reference for `paths`", error.kind()))
}
