//! From a policy file to a declaration: everything in it resolved and checked by itself, the
//! examples of its rules included. What it means beside the other scope's file is not known here.

use super::file::{EgressFile, ExampleFile, Host, Pattern, PolicyFile, RuleFile, WhenFile};
use super::{ActionName, EgressRule, Extent, Kinds, Policy, Rule, Scope, Subject, When};
use crate::action::ActionKind;
use crate::ids::{RuleId, TaskName};
use crate::limits::{POLICY_EGRESS_MAX, POLICY_EXAMPLES_MAX, POLICY_PATTERNS_MAX, POLICY_RULES_MAX};
use crate::path::WorkspacePath;
use crate::policy::{ApprovalMode, Capability, PolicySnapshot, SandboxMode, Verdict, classify};
use crate::redact::PersonalData;
use crate::yaml::{Entry, LoadError, Mend, Place, Placed, Problems, Read as _, Value, tree};
use std::collections::BTreeSet;

/// The id of the rule that `deny_read` stands for. An underscore keeps it apart from written ids.
const DENY_READ: &str = "deny_read";
/// The id of the rule that `deny_write` stands for.
const DENY_WRITE: &str = "deny_write";

/// One scope's policy file, read and checked.
#[derive(Debug, Clone)]
pub struct Declaration {
    pub(super) scope: Scope,
    pub(super) file: String,
    pub(super) sandbox: Option<Placed<SandboxMode>>,
    pub(super) capabilities: Option<Vec<Placed<Capability>>>,
    pub(super) approval_mode: Option<Placed<ApprovalMode>>,
    pub(super) hosts: Option<Vec<Placed<String>>>,
    pub(super) redact: BTreeSet<PersonalData>,
    pub(super) rules: Vec<Placed<Rule>>,
    pub(super) egress: Vec<Placed<EgressRule>>,
    examples: usize,
}

impl Declaration {
    /// Whose it is.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The file's name as it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Its rules, in the order of the file.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|rule| &rule.value)
    }

    /// How many examples its rules carry. All of them hold, or it would not have been read.
    pub fn examples(&self) -> usize {
        self.examples
    }
}

/// Reads a policy file and checks it, the examples of its rules included. `file` is its name
/// for people, which rules remember with their line.
///
/// # Errors
/// Every problem with file, line, column and a remedy.
pub fn load(scope: Scope, file: &str, text: &str) -> Result<Declaration, LoadError> {
    let mut problems = Problems::new(file);
    let declaration = read(scope, file, text, &mut problems);
    problems.into_result(declaration)
}

fn read(scope: Scope, file: &str, text: &str, problems: &mut Problems<'_>) -> Option<Declaration> {
    let tree = match tree::parse(text) {
        Ok(tree) => tree,
        Err(fault) => {
            problems.report(fault.place, fault.message, fault.remedy);
            return None;
        }
    };
    if tree.value == Value::Null {
        problems.report(tree.place, "the file is empty", "write `version: 1`, or remove the file");
        return None;
    }
    let written = PolicyFile::read(&tree, "the file", problems)?;
    Some(Reading { scope, file, problems, examples: 0 }.declaration(&written))
}

struct Reading<'r, 'p> {
    scope: Scope,
    file: &'r str,
    problems: &'r mut Problems<'p>,
    examples: usize,
}

impl Reading<'_, '_> {
    fn declaration(mut self, written: &PolicyFile) -> Declaration {
        if written.version.is_absent() {
            self.required(&written.version, Place::START, "the file", "version", "write `version: 1`");
        }
        let mut rules = Vec::new();
        rules.extend(self.denied(DENY_READ, &written.deny_read, DENIED_READING));
        rules.extend(self.denied(DENY_WRITE, &written.deny_write, DENIED_WRITING));
        let listed = self.bounded(&written.rules, "rules", POLICY_RULES_MAX);
        rules.extend(listed.iter().filter_map(|rule| self.rule(rule)));
        self.unique(&rules);
        let listed = self.bounded(&written.egress, "egress", POLICY_EGRESS_MAX);
        let egress = listed.iter().filter_map(|rule| self.egress(rule)).collect();
        Declaration {
            scope: self.scope,
            file: self.file.to_owned(),
            sandbox: written.sandbox.present().cloned(),
            capabilities: written.capabilities.value().cloned(),
            approval_mode: written.approval_mode.present().cloned(),
            hosts: written.network_allowlist.value().map(|hosts| hosts.iter().map(host).collect()),
            redact: written.redact.value().into_iter().flatten().map(|class| class.value).collect(),
            rules,
            egress,
            examples: self.examples,
        }
    }

    /// The items of a list, up to what it may hold.
    fn bounded<'f, T>(&mut self, list: &'f Entry<Vec<Placed<T>>>, key: &str, most: usize) -> &'f [Placed<T>] {
        let Some(list) = list.present() else { return &[] };
        if list.value.len() > most {
            let message = format!("`{key}` has {} items", list.value.len());
            self.problems.report(list.place, message, format!("write at most {most}"));
        }
        list.value.get(..most.min(list.value.len())).unwrap_or_default()
    }

    /// The values of a list in which an empty one would silently match everything or nothing.
    fn some<T, U>(&mut self, list: &Entry<Vec<Placed<T>>>, key: &str, value: impl Fn(&T) -> U) -> Vec<U> {
        if let Some(list) = list.present()
            && list.value.is_empty()
        {
            self.problems.report(
                list.place,
                format!("`{key}` is an empty list"),
                "leave the key out, or name what it is about",
            );
        }
        self.bounded(list, key, POLICY_PATTERNS_MAX).iter().map(|item| value(&item.value)).collect()
    }

    fn place_of(&self, place: Place) -> String {
        format!("{}:{}", self.file, place.line)
    }

    fn denied(
        &mut self,
        id: &str,
        list: &Entry<Vec<Placed<Pattern>>>,
        names: &[ActionName],
    ) -> Option<Placed<Rule>> {
        let place = list.present()?.place;
        let listed = self.bounded(list, id, POLICY_PATTERNS_MAX);
        let paths: Vec<String> = listed.iter().map(|glob| glob.value.0.clone()).collect();
        if paths.is_empty() {
            return None;
        }
        let actions = names.iter().flat_map(|name| name.kinds()).copied().collect();
        let reason = match names.contains(&ActionName::Read) {
            true => "the policy keeps this file from being read or written",
            false => "the policy keeps this file from being written",
        };
        let rule = Rule {
            id: RuleId::new(id),
            scope: self.scope,
            effect: Verdict::Block,
            reason: reason.to_owned(),
            when: When { actions, paths, ..When::default() },
            place: self.place_of(place),
        };
        Some(Placed { place, value: rule })
    }

    fn rule(&mut self, written: &Placed<RuleFile>) -> Option<Placed<Rule>> {
        let file = &written.value;
        self.required(&file.id, written.place, "a rule", "id", "give it a name of a-z, 0-9 and `-`");
        let remedy = "write `ask`, `block` or, in your own policy, `allow`";
        self.required(&file.effect, written.place, "a rule", "effect", remedy);
        self.required(&file.reason, written.place, "a rule", "reason", "say why, in a sentence");
        self.required(&file.when, written.place, "a rule", "when", "say what the rule is about");
        let id = file.id.value()?;
        let effect = *file.effect.value()?;
        let conditions = file.when.present()?;
        let when = self.when(&id.0, effect, conditions)?;
        let rule = Rule {
            id: RuleId::new(&id.0),
            scope: self.scope,
            effect,
            reason: file.reason.value()?.0.clone(),
            when,
            place: self.place_of(written.place),
        };
        self.check_examples(&rule, file);
        Some(Placed { place: written.place, value: rule })
    }

    fn required<T>(&mut self, entry: &Entry<T>, place: Place, owner: &str, key: &str, remedy: &str) {
        if entry.is_absent() {
            let mend = Some(Mend::Key(key.to_owned()));
            self.problems.report_mendable(place, format!("{owner} has no `{key}`"), remedy, mend);
        }
    }

    /// `None` when something in it could not be read: nothing is concluded from half a condition.
    fn when(&mut self, id: &str, effect: Verdict, written: &Placed<WhenFile>) -> Option<When> {
        let file = &written.value;
        let faulty = file.actions.is_faulty()
            || file.paths.is_faulty()
            || file.except.is_faulty()
            || file.tasks.is_faulty()
            || file.languages.is_faulty()
            || file.symbols.is_faulty()
            || file.lines_changed_over.is_faulty()
            || file.files_changed_over.is_faulty()
            || file.class.is_faulty();
        let named: Vec<ActionName> = self.some(&file.actions, "actions", |name| *name);
        let actions: BTreeSet<ActionKind> = named.iter().flat_map(|name| name.kinds()).copied().collect();
        let glob = |Pattern(glob): &Pattern| glob.clone();
        let when = When {
            actions,
            paths: self.some(&file.paths, "paths", glob),
            except: self.some(&file.except, "except", glob),
            tasks: self.some(&file.tasks, "tasks", |task| TaskName::new(&task.0)).into_iter().collect(),
            languages: self.some(&file.languages, "languages", |it| *it).into_iter().collect(),
            symbols: self.some(&file.symbols, "symbols", |symbol| symbol.0.clone()),
            lines_changed_over: file.lines_changed_over.value().map(|amount| amount.0),
            files_changed_over: file.files_changed_over.value().map(|amount| amount.0),
            class: self.some(&file.class, "class", |class| *class).into_iter().collect(),
        };
        if faulty {
            return None;
        }
        if when == When::default() {
            self.problems.report(
                written.place,
                format!("rule `{id}` is about everything: `when` is empty"),
                "name actions, paths, tasks, languages, symbols, sizes or classes",
            );
            return None;
        }
        self.askable(id, effect, &when, written)?;
        self.allowable(id, effect, &when, written)?;
        Some(when)
    }

    /// Nobody can be asked in the middle of a reply: only edits wait for an answer, as a proposal.
    fn askable(&mut self, id: &str, effect: Verdict, when: &When, written: &Placed<WhenFile>) -> Option<()> {
        let waits = when.actions.iter().all(|kind| kind.edits()) && when.tasks.is_empty();
        if effect != Verdict::Ask || waits {
            return Some(());
        }
        let file = &written.value;
        let actions = file.actions.present().map(|list| list.place);
        let place = actions.or(file.tasks.present().map(|list| list.place)).unwrap_or(written.place);
        self.problems.report(
            place,
            format!("rule `{id}` would ask about something that cannot wait for an answer"),
            "ask about edit, create, delete and rename only; for reading and running write `effect: block`",
        );
        None
    }

    /// What loosens a question says plainly which.
    fn allowable(
        &mut self,
        id: &str,
        effect: Verdict,
        when: &When,
        written: &Placed<WhenFile>,
    ) -> Option<()> {
        let hangs = !when.symbols.is_empty()
            || when.lines_changed_over.is_some()
            || when.files_changed_over.is_some();
        if effect != Verdict::Allow || !hangs {
            return Some(());
        }
        self.problems.report(
            written.place,
            format!("rule `{id}` allows by the size or the place of a change"),
            "a rule that allows names actions, paths, languages or classes; write the opposite as `effect: ask`",
        );
        None
    }

    fn unique(&mut self, rules: &[Placed<Rule>]) {
        let mut seen = BTreeSet::new();
        for rule in rules {
            if !seen.insert(&rule.value.id) {
                let message = format!("the id `{}` is used twice", rule.value.id);
                self.problems.report(rule.place, message, "give each rule a name of its own");
            }
        }
    }

    fn egress(&mut self, written: &Placed<EgressFile>) -> Option<Placed<EgressRule>> {
        let file = &written.value;
        self.required(&file.to, written.place, "an egress rule", "to", "write `none`, `local` or `any`");
        self.required(&file.reason, written.place, "an egress rule", "reason", "say why, in a sentence");
        let rule = EgressRule {
            scope: self.scope,
            paths: self.some(&file.paths, "paths", |Pattern(glob)| glob.clone()),
            labels: self.some(&file.labels, "labels", |label| label.0.clone()).into_iter().collect(),
            pointers: self.some(&file.pointers, "pointers", |pointer| *pointer).into_iter().collect(),
            to: *file.to.value()?,
            reason: file.reason.value()?.0.clone(),
            place: self.place_of(written.place),
        };
        if file.paths.is_absent() && file.labels.is_absent() && file.pointers.is_absent() {
            self.problems.report(
                written.place,
                "an egress rule is about everything",
                "name `paths`, `labels` or `pointers`",
            );
            return None;
        }
        Some(Placed { place: written.place, value: rule })
    }

    fn check_examples(&mut self, rule: &Rule, file: &RuleFile) {
        let Some(examples) = file.examples.value() else { return };
        if examples.matching.is_absent() && examples.passing.is_absent() {
            let place = file.examples.present().map_or(Place::START, |examples| examples.place);
            self.problems.report(
                place,
                "`examples` is empty",
                "write `match` or `no_match`, or leave it out",
            );
        }
        for (list, wanted) in [(&examples.matching, true), (&examples.passing, false)] {
            let key = if wanted { "match" } else { "no_match" };
            for example in self.bounded(list, key, POLICY_EXAMPLES_MAX) {
                self.examples += 1;
                self.check_example(rule, example, wanted);
            }
        }
    }

    fn check_example(&mut self, rule: &Rule, example: &Placed<ExampleFile>, wanted: bool) {
        let Some(scene) = Scene::of(&example.value) else {
            if example.value.action.is_absent() {
                let entry = &example.value.action;
                self.required(entry, example.place, "an example", "action", "write a kind of action");
            }
            return;
        };
        if scene.falls_under(rule) == wanted {
            return;
        }
        let shown = scene.describe();
        if wanted {
            let missing = scene.missing(rule).join("`, `");
            self.problems.report(
                example.place,
                format!("rule `{}` does not match its example `{shown}` because of `{missing}`", rule.id),
                "mend the rule, or the example",
            );
        } else {
            self.problems.report(
                example.place,
                format!("rule `{}` matches `{shown}`, which is listed under `no_match`", rule.id),
                "narrow the rule, with `except` for instance, or mend the example",
            );
        }
    }
}

/// What `deny_read` stands for.
const DENIED_READING: &[ActionName] =
    &[ActionName::Read, ActionName::Edit, ActionName::Create, ActionName::Delete, ActionName::Rename];
/// What `deny_write` stands for.
const DENIED_WRITING: &[ActionName] =
    &[ActionName::Edit, ActionName::Create, ActionName::Delete, ActionName::Rename];

fn host(host: &Placed<Host>) -> Placed<String> {
    Placed { place: host.place, value: host.value.0.clone() }
}

/// An example as a subject of rules.
struct Scene {
    kind: ActionKind,
    path: Option<WorkspacePath>,
    task: Option<TaskName>,
    extent: Extent,
    files_changed: u64,
}

impl Scene {
    fn of(file: &ExampleFile) -> Option<Self> {
        let faulty = file.path.is_faulty()
            || file.task.is_faulty()
            || file.symbols.is_faulty()
            || file.lines_changed.is_faulty()
            || file.files_changed.is_faulty();
        if faulty {
            return None;
        }
        let path = match file.path.value() {
            Some(path) => Some(WorkspacePath::parse(&path.0).ok()?),
            None => None,
        };
        let symbols = file.symbols.value().into_iter().flatten().map(|it| it.value.0.clone()).collect();
        Some(Self {
            kind: *file.action.value()?,
            path,
            task: file.task.value().map(|task| TaskName::new(&task.0)),
            extent: Extent { lines: file.lines_changed.value().map_or(1, |amount| amount.0), symbols },
            files_changed: file.files_changed.value().map_or(1, |amount| amount.0),
        })
    }

    fn falls_under(&self, rule: &Rule) -> bool {
        // Whether the workspace may say so is judged elsewhere; here only the conditions count.
        let rule = Rule { scope: Scope::User, ..rule.clone() };
        let mut snapshot = PolicySnapshot::built_in(SandboxMode::default(), ApprovalMode::default());
        snapshot.rules = vec![rule];
        let paths: Vec<&WorkspacePath> = self.path.iter().collect();
        let classes = self.path.as_ref().map(classify).unwrap_or_default();
        let policy = Policy::new(&snapshot);
        let rulings = policy.rulings(&Subject {
            kinds: Kinds::of([&self.kind]),
            paths: &paths,
            task: self.task.as_ref(),
            extent: &self.extent,
            files_changed: self.files_changed,
            classes: &classes,
            guarded: false,
        });
        !rulings.objections.is_empty() || !rulings.allowances.is_empty()
    }

    /// The keys of the rule that do not match, each looked at alone.
    fn missing(&self, rule: &Rule) -> Vec<&'static str> {
        let alone = |when: When| Rule { when, ..rule.clone() };
        let missing: Vec<&'static str> = key_by_key(&rule.when)
            .into_iter()
            .filter(|(_, when)| *when != When::default() && !self.falls_under(&alone(when.clone())))
            .map(|(key, _)| key)
            .collect();
        // An asking rule without `actions` is about edits.
        if missing.is_empty() { vec!["actions"] } else { missing }
    }

    fn describe(&self) -> String {
        let mut shown = self.kind.name().to_owned();
        if let Some(path) = &self.path {
            shown.push_str(&format!(" {path}"));
        }
        if let Some(task) = &self.task {
            shown.push_str(&format!(" {task}"));
        }
        shown
    }
}

/// Conditions with one key each.
fn key_by_key(when: &When) -> [(&'static str, When); 9] {
    let When { actions, paths, except, tasks, languages, symbols, class, .. } = when.clone();
    let none = When::default;
    [
        ("actions", When { actions, ..none() }),
        ("paths", When { paths, ..none() }),
        ("except", When { except, ..none() }),
        ("tasks", When { tasks, ..none() }),
        ("languages", When { languages, ..none() }),
        ("symbols", When { symbols, ..none() }),
        ("lines_changed_over", When { lines_changed_over: when.lines_changed_over, ..none() }),
        ("files_changed_over", When { files_changed_over: when.files_changed_over, ..none() }),
        ("class", When { class, ..none() }),
    ]
}
