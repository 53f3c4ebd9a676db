//! Collects reasons and makes a decision of them.

use super::gate::is_too_large;
use crate::ids::RuleId;
use crate::limits::FILE_BYTES_MAX;
use crate::path::WorkspacePath;
use crate::policy::classes::{PathClass, classify};
use crate::policy::content::{self, Objection};
use crate::policy::rules::{Extent, Policy, Rule, RuleClass, Subject, extent};
use crate::policy::{Capability, Decision, Known, Reason, Verdict, Weakening};
use std::collections::BTreeSet;

/// The reasons so far.
pub(super) struct Judge<'a> {
    policy: &'a Policy,
    known: &'a Known,
    reasons: Vec<Reason>,
}

impl<'a> Judge<'a> {
    /// INVARIANT: rules that cannot be understood block everything, first of all.
    pub(super) fn new(policy: &'a Policy, known: &'a Known) -> Self {
        let mut judge = Self { policy, known, reasons: Vec::new() };
        if let Some(fault) = policy.fault() {
            let remedy =
                format!("the run's rules cannot be understood: {fault}; mend them and start a new run");
            judge.block("policy.unreadable", "the policy", &remedy);
        }
        judge
    }

    /// How many reasons there are. What adds none has not objected.
    pub(super) fn reasons(&self) -> usize {
        self.reasons.len()
    }

    fn say(&mut self, rule: &str, verdict: Verdict, matched: &str, remedy: &str) {
        self.reasons.push(Reason {
            rule: RuleId::new(rule),
            verdict,
            matched: matched.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    pub(super) fn allow(&mut self, rule: &str, matched: &str) {
        self.say(rule, Verdict::Allow, matched, "nothing is needed");
    }

    pub(super) fn ask(&mut self, rule: &str, matched: &str, remedy: &str) {
        self.say(rule, Verdict::Ask, matched, remedy);
    }

    pub(super) fn block(&mut self, rule: &str, matched: &str, remedy: &str) {
        self.say(rule, Verdict::Block, matched, remedy);
    }

    /// The decision: the strictest verdict, and every reason once, strictest first. No reason at
    /// all is no permission.
    pub(super) fn decision(mut self) -> Decision {
        if self.reasons.is_empty() {
            self.block("default.block", "nothing", "there is nothing that a rule could allow");
        }
        let mut said = BTreeSet::new();
        self.reasons.retain(|reason| {
            said.insert((reason.rule.clone(), reason.matched.clone(), reason.remedy.clone()))
        });
        self.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.verdict));
        let verdict = self.reasons.iter().map(|reason| reason.verdict).max().unwrap_or(Verdict::Block);
        Decision { verdict, reasons: self.reasons }
    }

    /// True when the run has the capability.
    pub(super) fn capability(&mut self, capability: Capability, matched: &str) -> bool {
        let held = &self.policy.snapshot().capabilities;
        // Journals from before `run_tasks` had its own name call it `shell_exec`.
        let has = held.contains(&capability)
            || (capability == Capability::RunTasks && held.contains(&Capability::ShellExec));
        if !has {
            let name = capability.name();
            let matched: String = matched.chars().take(200).flat_map(char::escape_debug).collect();
            self.block(
                "capability.missing",
                &matched,
                &format!("this run does not have the capability `{name}`"),
            );
        }
        has
    }

    /// True when the user has listed the host.
    pub(super) fn may_reach(&self, host: &str) -> bool {
        self.policy.snapshot().network_allowlist.contains(host)
    }

    /// Judges the name of a file that is to be created, changed, renamed or deleted.
    /// Answers with the classes of the path.
    pub(super) fn edited_path(&mut self, path: &WorkspacePath) -> Vec<PathClass> {
        let matched = path.as_str();
        let classes = classify(path);
        let executed = self.known.executed_by(path);
        if let Some(by) = executed {
            let remedy = format!("{by} executes this file; the user must approve the change");
            self.ask("class.executes", matched, &remedy);
        }
        for class in &classes {
            match class {
                PathClass::Never | PathClass::Secret => self.read_class(path, *class),
                PathClass::Executes => {
                    self.ask(
                        "class.executes",
                        matched,
                        "tools execute this file; the user must approve the change",
                    );
                }
                PathClass::Configures => {
                    self.ask(
                        "class.configures",
                        matched,
                        "it configures tools; the user must approve the change",
                    );
                }
                PathClass::Instructs => {
                    self.ask(
                        "class.instructs",
                        matched,
                        "it instructs other agents; the user must approve the change",
                    );
                }
                PathClass::Judges => {
                    self.ask("class.judges", matched, "it judges the work; the user must approve the change");
                }
                // What gets weaker in it is asked about, sentence by sentence.
                PathClass::Tests => {}
            }
        }
        classes.into_iter().chain(executed.map(|_| PathClass::Executes)).collect()
    }

    /// Asks about what judges the work and gets weaker.
    pub(super) fn weakened<'w>(&mut self, weakenings: impl Iterator<Item = &'w Weakening>) {
        for weakening in weakenings {
            let matched = format!("{}: {}", weakening.path, weakening.place);
            let remedy = format!("{}; the user must approve it", weakening.sentence);
            self.ask(weakening.rule, &matched, &remedy);
        }
    }

    /// Judges the name of a file that is to be read. Answers with the classes of the path.
    pub(super) fn read_path(&mut self, path: &WorkspacePath) -> Vec<PathClass> {
        let classes = classify(path);
        for class in &classes {
            self.read_class(path, *class);
        }
        classes
    }

    /// How much of a file changes, as far as a rule asks.
    pub(super) fn extent(&self, path: &WorkspacePath, base: &str, proposed: &str) -> Extent {
        let wants_symbols = self.policy.wants_symbols();
        if !wants_symbols && !self.policy.wants_lines() {
            return Extent::default();
        }
        extent(path, base, proposed, wants_symbols)
    }

    /// Says what the rules of the policy files say about a subject. What the built-in rules have
    /// asked about it since `before` is loosened where a rule of the user's allows it.
    pub(super) fn rules(&mut self, before: usize, mut subject: Subject<'_>) {
        let said = self.reasons.get(before..).unwrap_or_default();
        subject.guarded = said.iter().any(|reason| is_of_guard(&reason.rule));
        let rulings = self.policy.rulings(&subject);
        for reason in self.reasons.iter_mut().skip(before) {
            let loosened = reason.verdict == Verdict::Ask && is_about(reason, subject.paths);
            let rule = rulings.allowances.iter().find(|rule| loosened && loosens(rule, &reason.rule));
            if let Some(rule) = rule {
                reason.remedy = format!("`{}` would ask; {}", reason.rule, rule.reason);
                reason.rule = rule.name();
                reason.verdict = Verdict::Allow;
            }
        }
        let shown = subject.shown();
        for rule in rulings.objections {
            let remedy = match rule.effect {
                Verdict::Ask => format!("{}; the user must approve it", rule.reason),
                Verdict::Block | Verdict::Allow => format!("{}; leave it as it is", rule.reason),
            };
            self.say(rule.name().as_str(), rule.effect, &shown, &remedy);
        }
    }

    fn read_class(&mut self, path: &WorkspacePath, class: PathClass) {
        match class {
            PathClass::Never => {
                let rule =
                    if path.comparison_key().contains(".openexec") { "never.openexec" } else { "never.git" };
                self.block(rule, path.as_str(), "it is never read or written by a run; leave it alone");
            }
            PathClass::Secret => {
                self.block(
                    "secret.file",
                    path.as_str(),
                    "it is made to hold secrets; neither read nor write it",
                );
            }
            PathClass::Executes
            | PathClass::Configures
            | PathClass::Instructs
            | PathClass::Judges
            | PathClass::Tests => {}
        }
    }

    pub(super) fn deleted(&mut self, path: &WorkspacePath, text: &str) {
        self.ask("entry.deleted", path.as_str(), "the file is deleted; the user must approve it");
        if let Some(lost) = self.known.redacted().lost_with(text) {
            let remedy =
                "the secrets behind these placeholders are gone with the file; the user must approve it";
            self.ask("content.secret_dropped", &format!("{path}: {lost}"), remedy);
        }
    }

    /// Judges a file with this text that comes to stand elsewhere, where others may read it.
    pub(super) fn moved(&mut self, from: &WorkspacePath, to: &WorkspacePath, text: &str) {
        let known = self.known.redacted().lost_with(text);
        let held = || {
            let found = crate::redact::find(text, Some(from)).into_iter().next()?;
            Some(found.kind)
        };
        if let Some(secret) = known.or_else(held) {
            let remedy = format!("the file takes secrets along ({secret}); the user must approve it");
            self.ask("content.secret_moved", &format!("{to}: from {from}"), &remedy);
        }
    }

    pub(super) fn twin(&mut self, path: &WorkspacePath, twin: &WorkspacePath) {
        let remedy =
            format!("some file systems take it for `{twin}`; use that path, or one that differs more");
        self.block("path.twin", path.as_str(), &remedy);
    }

    pub(super) fn size(&mut self, matched: &str, bytes: usize) {
        if is_too_large(bytes) {
            let remedy =
                format!("the file would have {bytes} bytes, and at most {FILE_BYTES_MAX} are allowed");
            self.block("limit.file_bytes", matched, &remedy);
        }
    }

    /// Judges what a text newly brings in.
    pub(super) fn content(&mut self, path: &WorkspacePath, base: &str, text: &str) {
        if !is_too_large(text.len()) {
            self.objections(path.as_str(), content::objections(Some(path), base, text));
            if self.known.is_copied_into(base, text) {
                let remedy = "it holds the value of a secret that stands elsewhere; read it from the environment instead";
                self.block("content.secret_copied", path.as_str(), remedy);
            } else {
                self.objections(path.as_str(), self.known.redacted().objections(base, text));
            }
        }
    }

    pub(super) fn objections(&mut self, matched: &str, objections: Vec<Objection>) {
        for objection in objections {
            let matched = format!("{matched}: {}", objection.found);
            self.say(objection.rule, objection.verdict, &matched, objection.remedy);
        }
    }

    /// Judges whether a file's text may be shown.
    pub(super) fn key_material(&mut self, path: &WorkspacePath, text: &str) {
        if content::is_key_material(text) {
            self.block("secret.content", path.as_str(), "it holds a private key; it is not shown");
        }
    }

    /// A placeholder that was not restored must not reach the user's files.
    pub(super) fn placeholders(&mut self, path: &WorkspacePath, base: &str, text: &str) {
        const OPENING: &str = crate::redact::OPENING;
        if text.matches(OPENING).count() > base.matches(OPENING).count() {
            self.block(
                "content.placeholder",
                path.as_str(),
                "the text holds a placeholder for a secret; leave placeholders exactly as they are",
            );
        }
    }
}

/// How the rules of the guard of tests begin.
const GUARD: &str = "guard.";

fn is_of_guard(rule: &RuleId) -> bool {
    rule.as_str().starts_with(GUARD)
}

/// True when a reason is about one of the paths.
fn is_about(reason: &Reason, paths: &[&WorkspacePath]) -> bool {
    paths.iter().any(|path| {
        reason
            .matched
            .strip_prefix(path.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
    })
}

/// True when a rule that allows speaks about what a built-in rule asks. What a text brings in is
/// never loosened; what guards the tests only by a rule that names them.
fn loosens(rule: &Rule, asked: &RuleId) -> bool {
    let named = &rule.when.class;
    let class = match asked.as_str() {
        "class.executes" => PathClass::Executes,
        "class.configures" => PathClass::Configures,
        "class.instructs" => PathClass::Instructs,
        "class.judges" => PathClass::Judges,
        "entry.deleted" => return true,
        _ => {
            return is_of_guard(asked)
                && (named.contains(&RuleClass::Tests) || named.contains(&RuleClass::Judges));
        }
    };
    named.is_empty() || named.iter().any(|one| one.covers(class))
}
