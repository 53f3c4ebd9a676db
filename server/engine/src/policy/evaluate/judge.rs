//! Collects reasons and makes a decision of them.

use super::is_too_large;
use crate::ids::RuleId;
use crate::limits::FILE_BYTES_MAX;
use crate::path::WorkspacePath;
use crate::policy::classes::{PathClass, classify};
use crate::policy::content::{self, Objection};
use crate::policy::{Capability, Decision, Known, PolicySnapshot, Reason, Verdict};
use std::collections::BTreeSet;

/// The reasons so far.
pub(super) struct Judge<'a> {
    policy: &'a PolicySnapshot,
    known: &'a Known,
    reasons: Vec<Reason>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(policy: &'a PolicySnapshot, known: &'a Known) -> Self {
        Self { policy, known, reasons: Vec::new() }
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
        let has = self.policy.capabilities.contains(&capability);
        if !has {
            let name = match capability {
                Capability::RepoRead => "repo_read",
                Capability::RepoWrite => "repo_write",
                Capability::GitCommit => "git_commit",
                Capability::NetworkAccess => "network_access",
                Capability::ShellExec => "shell_exec",
                Capability::MemoryWrite => "memory_write",
            };
            let matched: String = matched.chars().take(200).flat_map(char::escape_debug).collect();
            self.block(
                "capability.missing",
                &matched,
                &format!("this run does not have the capability `{name}`"),
            );
        }
        has
    }

    /// Judges the name of a file that is to be created, changed, renamed or deleted.
    pub(super) fn edited_path(&mut self, path: &WorkspacePath) {
        let matched = path.as_str();
        if let Some(by) = self.known.executed_by(path) {
            let remedy = format!("{by} executes this file; the user must approve the change");
            self.ask("class.executes", matched, &remedy);
        }
        for class in classify(path) {
            match class {
                PathClass::Never | PathClass::Secret => self.read_class(path, class),
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
            }
        }
    }

    /// Judges the name of a file that is to be read.
    pub(super) fn read_path(&mut self, path: &WorkspacePath) {
        for class in classify(path) {
            self.read_class(path, class);
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
            PathClass::Executes | PathClass::Configures | PathClass::Instructs | PathClass::Judges => {}
        }
    }

    pub(super) fn deleted(&mut self, path: &WorkspacePath) {
        self.ask("entry.deleted", path.as_str(), "the file is deleted; the user must approve it");
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
        const OPENING: &str = "⟦secret:";
        if text.matches(OPENING).count() > base.matches(OPENING).count() {
            self.block(
                "content.placeholder",
                path.as_str(),
                "the text holds a placeholder for a secret; leave placeholders exactly as they are",
            );
        }
    }
}
