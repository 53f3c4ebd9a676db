//! What may leave for a model. A text goes where every rule about it lets it go.

use super::compiled::{Globs, Owner, path_glob};
use super::{Destination, EgressRule, Kinds, PointerKind, Policy, Scope, Subject};
use crate::action::ActionKind;
use crate::path::WorkspacePath;
use crate::policy::{Verdict, classify};

/// A text that would go to a model: where it comes from, and what it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outgoing<'a> {
    /// The file, or the files that a memory record is about.
    pub paths: &'a [WorkspacePath],
    /// What a memory record describes.
    pub pointer: Option<PointerKind>,
    /// A memory record's labels.
    pub labels: &'a [String],
}

/// Why a text stays here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{rule}` keeps it from the model: {reason}")]
pub struct Withheld {
    /// The rule, and where it is written.
    pub rule: String,
    /// Its reason.
    pub reason: String,
}

/// Egress rules with their globs compiled.
#[derive(Debug, Clone)]
pub(super) struct CompiledEgress {
    paths: Globs,
}

impl CompiledEgress {
    pub(super) fn new(rules: &[EgressRule]) -> Result<Self, String> {
        for rule in rules {
            if rule.paths.is_empty() && rule.labels.is_empty() && rule.pointers.is_empty() {
                return Err(format!("the egress rule in {} is about nothing in particular", rule.place));
            }
        }
        let patterns = rules
            .iter()
            .enumerate()
            .flat_map(|(at, rule)| rule.paths.iter().map(move |text| (Owner::matches(at), text)));
        Ok(Self { paths: Globs::new(patterns, path_glob)? })
    }
}

impl Policy {
    /// Says whether a text may go to the run's model: no rule blocks the reading of its file,
    /// and no egress rule keeps it nearer.
    ///
    /// # Errors
    /// Says which rule keeps it.
    pub fn may_leave(&self, text: &Outgoing<'_>, model_is_local: bool) -> Result<(), Withheld> {
        if let Some(fault) = self.fault() {
            return Err(Withheld { rule: "policy.unreadable".to_owned(), reason: fault.to_owned() });
        }
        text.paths.iter().try_for_each(|path| self.may_read(path))?;
        self.egress_of(text, model_is_local)
    }

    /// Says whether the rules let a file be read. The built-in classes are not looked at.
    ///
    /// # Errors
    /// Says which rule blocks it.
    pub fn may_read(&self, path: &WorkspacePath) -> Result<(), Withheld> {
        if self.snapshot().rules.is_empty() {
            return Ok(());
        }
        let classes = if self.wants_classes() { classify(path) } else { Vec::new() };
        let extent = super::Extent::default();
        let kinds = Kinds::of([&ActionKind::ReadFile]);
        let rulings = self.rulings(&Subject::of(kinds, &[path], &classes, &extent));
        match rulings.objections.iter().find(|rule| rule.effect == Verdict::Block) {
            Some(rule) => Err(Withheld {
                rule: format!("{} ({})", rule.name(), rule.place),
                reason: rule.reason.clone(),
            }),
            None => Ok(()),
        }
    }

    fn egress_of(&self, text: &Outgoing<'_>, model_is_local: bool) -> Result<(), Withheld> {
        let rules = &self.snapshot().egress;
        if rules.is_empty() {
            return Ok(());
        }
        let compiled = self
            .egress()
            .map_err(|fault| Withheld { rule: "policy.unreadable".to_owned(), reason: fault.to_owned() })?;
        let mark = |path: &WorkspacePath| compiled.paths.marks(&path.comparison_key(), rules.len());
        let marks: Vec<_> = text.paths.iter().map(mark).collect();
        let about = |(at, rule): &(usize, &EgressRule)| {
            (rule.paths.is_empty() || marks.iter().any(|marks| marks.is_matched(*at)))
                && (rule.labels.is_empty() || text.labels.iter().any(|label| rule.labels.contains(label)))
                && (rule.pointers.is_empty()
                    || text.pointer.is_some_and(|pointer| rule.pointers.contains(&pointer)))
        };
        let strictest = rules.iter().enumerate().filter(about).min_by_key(|(_, rule)| rule.to);
        match strictest {
            Some((_, rule)) if !goes(rule.to, model_is_local) => {
                let scope = match rule.scope {
                    Scope::User => "user",
                    Scope::Workspace => "workspace",
                };
                Err(Withheld {
                    rule: format!("{scope}.egress ({})", rule.place),
                    reason: rule.reason.clone(),
                })
            }
            Some(_) | None => Ok(()),
        }
    }
}

const fn goes(to: Destination, model_is_local: bool) -> bool {
    match to {
        Destination::None => false,
        Destination::Local => model_is_local,
        Destination::Any => true,
    }
}
