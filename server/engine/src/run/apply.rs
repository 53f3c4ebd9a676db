//! From a verified change set to the user's files and back. Nothing is applied that is not
//! allowed or approved for exactly these bytes, nothing that has not passed its gates as it
//! is, and nothing onto a text that it was not made for.

use super::gate::{Then, Whole};
use super::landing::{self, Landed};
use super::state::{Active, AfterApproval, Phase, Step, record};
use super::{ApplyReport, Command, Event, LiveText, Nearness, Outcome};
use crate::digest::Digest;
use crate::edit::{self, ChangeSet, FileChange, Part, Rebased};
use crate::ids::CommandId;
use crate::limits::APPLY_ROUNDS_MAX;
use crate::memory::{Standing, SymbolPointer};
use crate::path::WorkspacePath;
use crate::policy::{self, Decision, Reason, Verdict};
use crate::syntax::{self, Language};
use std::collections::BTreeMap;

/// An undo, or the undo of an undo, on its way.
#[derive(Debug)]
pub(super) struct Reversal {
    changes: ChangeSet,
    /// How the run is called once it is done.
    outcome: Outcome,
    /// How it is called if it cannot be done.
    before: Outcome,
    waits: CommandId,
    /// False in journals of before, which do not tell an undo that failed from a redo.
    tells_why: bool,
    /// What may be kept beside its edits.
    nearness: Nearness,
}

impl Active {
    /// Puts the change set before the user, where the policy asks for it.
    pub(super) fn propose(&mut self, out: &mut Vec<Command>) {
        if self.changes.is_empty() {
            return self.fail("there is nothing to propose", out);
        }
        if let Some(reason) = self.unproven() {
            return self.fail(reason, out);
        }
        let because = self.environment_asks();
        self.put_forward(AfterApproval::Route, because, out);
    }

    /// `because` is why the user is asked even where the policy does not ask.
    fn put_forward(&mut self, then: AfterApproval, because: Option<Reason>, out: &mut Vec<Command>) {
        let mut decision = policy::evaluate_changes(&self.changes, &self.known, &self.policy);
        let asks_anyway = because.is_some();
        if let Some(reason) = because {
            decision.verdict = decision.verdict.max(reason.verdict);
            decision.reasons.insert(0, reason);
        }
        let proposal = self.changes.digest();
        let diff = edit::unified_diff(&self.changes);
        record(
            Event::Proposed {
                step: self.step_id(),
                proposal,
                decision: decision.clone(),
                diff: diff.clone(),
            },
            out,
        );
        match decision.verdict {
            Verdict::Block => {
                self.fail(format!("the policy blocks the proposal: {}", reasons_text(&decision)), out)
            }
            Verdict::Allow => {
                self.approved.insert(proposal);
                self.after_approval(then, "the policy allows it", out);
            }
            Verdict::Ask if !asks_anyway && self.approved.contains(&proposal) => {
                self.after_approval(then, "it is approved already", out);
            }
            Verdict::Ask => {
                // What is allowed is no reason to ask.
                let asks = decision.reasons.iter().filter(|reason| reason.verdict > Verdict::Allow);
                let reasons = asks.map(reason_text).collect();
                self.phase = Phase::Approval { proposal, diff, reasons, then };
            }
        }
    }

    /// A stage that demands approval of its result, whatever the policy says.
    pub(super) fn ask_for_stage(&mut self, step: &Step, out: &mut Vec<Command>) {
        let reason = Reason {
            rule: "stage.approval_required".into(),
            verdict: Verdict::Ask,
            matched: step.stage.id.to_string(),
            remedy: "the blueprint wants you to approve this stage's result".into(),
        };
        let decision = Decision { verdict: Verdict::Ask, reasons: vec![reason.clone()] };
        let proposal = self.stage_digest(step);
        let diff = edit::unified_diff(&self.changes);
        record(Event::Proposed { step: step.id, proposal, decision, diff: diff.clone() }, out);
        let reasons = vec![reason_text(&reason)];
        self.phase = Phase::Approval { proposal, diff, reasons, then: AfterApproval::Route };
    }

    pub(super) fn stage_is_approved(&self, step: &Step) -> bool {
        self.approved.contains(&self.stage_digest(step))
    }

    fn stage_digest(&self, step: &Step) -> Digest {
        Digest::of_json(&("stage", &step.stage.id, self.changes.digest()))
    }

    pub(super) fn approved_by_user(&mut self, proposal: Digest, then: AfterApproval, out: &mut Vec<Command>) {
        self.approved.insert(proposal);
        self.after_approval(then, "you approved it", out);
    }

    fn after_approval(&mut self, then: AfterApproval, summary: &str, out: &mut Vec<Command>) {
        match (then, self.step.clone()) {
            (AfterApproval::Apply, _) => self.ask_for_bases(0, out),
            (AfterApproval::Proceed, _) => self.start_procedure(out),
            // A stage whose result was approved has already been called finished.
            (AfterApproval::Route, Some(step)) if self.stage_is_approved(&step) => {
                self.follow(&step.stage.on_success, out);
            }
            (AfterApproval::Route, _) => self.succeed(summary, out),
        }
    }

    pub(super) fn refused_by_user(&mut self, by: &str, out: &mut Vec<Command>) {
        let summary = format!("the proposal was refused by {by}; {}", self.what_stands());
        self.end(Outcome::Discarded, summary, out);
    }

    /// What a run that is given up leaves in the user's files. Journals of before say of all of them
    /// that it is nothing.
    pub(super) fn what_stands(&self) -> &'static str {
        match self.applied.is_some() && self.open_documents.is_some() {
            true => "what it had applied before stands in your files; undo it to take it back",
            false => "your files are as they were",
        }
    }

    /// A paused run of which nothing stands in the user's files is given up.
    pub(super) fn discarded_by_user(&mut self, by: &str, out: &mut Vec<Command>) {
        self.end(Outcome::Discarded, format!("by {by}; your files are as they were"), out);
    }

    /// The edits without these parts, if that is a question about them at all.
    pub(super) fn without(&self, proposal: Digest, parts: &[Part]) -> Option<ChangeSet> {
        // The result of a stage is agreed to as a whole.
        let rest = edit::without(&self.changes, parts).ok()?;
        (proposal == self.changes.digest() && rest != self.changes).then_some(rest)
    }

    /// INVARIANT: what is left of a proposal is another tree, for which no gate is open.
    pub(super) fn take_rest(
        &mut self,
        rest: ChangeSet,
        by: &str,
        then: AfterApproval,
        out: &mut Vec<Command>,
    ) {
        if rest.is_empty() {
            return self.refused_by_user(by, out);
        }
        let changes = std::mem::replace(&mut self.changes, rest);
        let whole = Whole { changes, gates: self.gates.clone(), then };
        self.record_planned(out);
        self.pass_again(self.missing_gates(), Then::Ask(Box::new(whole)), out);
    }

    pub(super) fn ask_for_rest(&mut self, then: AfterApproval, out: &mut Vec<Command>) {
        let because = "this is what is left of it without what you rejected; it was verified again";
        self.put_forward(then, Some(rejection(because.to_owned())), out);
    }

    /// The rest does not stand by itself. What was proven of the whole is proven still.
    pub(super) fn take_whole(&mut self, whole: Whole, why: &str, out: &mut Vec<Command>) {
        self.changes = whole.changes;
        self.gates = whole.gates;
        self.record_planned(out);
        let because = format!(
            "without what you rejected it does not pass ({why}); this is all of it again: apply or discard it"
        );
        self.put_forward(whole.then, Some(rejection(because)), out);
    }

    pub(super) fn record_planned(&self, out: &mut Vec<Command>) {
        let files = self.changes.effective().map(|(path, _)| path.clone()).collect();
        record(Event::EditsPlanned { step: self.step_id(), files, tree: self.changes.tree() }, out);
    }

    /// INVARIANT: edits leave the shadow only through here, and only when every gate is open
    /// for exactly this tree and the policy or the user has agreed to exactly these bytes.
    pub(super) fn start_apply(&mut self, out: &mut Vec<Command>) {
        if self.changes.is_empty() {
            return self.fail("there is nothing to apply", out);
        }
        if let Some(reason) = self.unproven() {
            return self.fail(reason, out);
        }
        if !self.approved.contains(&self.changes.digest()) {
            return self.put_forward(AfterApproval::Apply, None, out);
        }
        self.ask_for_bases(0, out);
    }

    fn unproven(&self) -> Option<String> {
        let missing = self.missing_gates();
        let names: Vec<&str> = missing.iter().map(|gate| gate.name()).collect();
        (!names.is_empty()).then(|| format!("the edits have not passed {} as they are now", names.join(", ")))
    }

    fn ask_for_bases(&mut self, rounds: u32, out: &mut Vec<Command>) {
        let command = self.next_command();
        let paths = self.changes.effective().map(|(path, _)| path.clone()).collect();
        out.push(Command::CheckBases { id: command, paths });
        self.phase = Phase::Bases { command, rounds };
    }

    /// Compares what stands in the user's files with what the edits were made for. `tells_why` is
    /// false in journals of before, which know one reason only.
    pub(super) fn check_bases(
        &mut self,
        texts: &[LiveText],
        rounds: u32,
        tells_why: bool,
        nearness: Nearness,
        out: &mut Vec<Command>,
    ) {
        match rebase_onto(&self.changes, texts, tells_why, nearness) {
            Moved::Nowhere => self.apply_now(out),
            Moved::Overlapping(paths) => {
                let why = match tells_why {
                    true => landing::hindrance(&self.changes, texts, &paths, "meanwhile"),
                    false => format!("{} changed meanwhile at the same lines", join(&paths)),
                };
                let otherwise = self.otherwise(tells_why);
                self.pause(format!("{why}; settle it in the editor, then resume, {otherwise}"), out);
            }
            Moved::Aside(changes, files) if rounds < APPLY_ROUNDS_MAX => {
                self.changes = changes;
                record(Event::Rebased { step: self.step_id(), files, tree: self.changes.tree() }, out);
                self.pass_again(self.missing_gates(), Then::Apply { rounds: rounds + 1 }, out);
            }
            Moved::Aside(_, files) => {
                self.pause(
                    format!("{} keeps changing; resume when you have finished typing", join(&files)),
                    out,
                );
            }
        }
    }

    /// What the user can do with a paused run besides resuming it. What stands in the files is
    /// undone, not discarded.
    fn otherwise(&self, is_told: bool) -> &'static str {
        if is_told && self.applied.is_some() { "or undo" } else { "or discard the run" }
    }

    /// Rebased edits have passed their gates. They are other bytes than those that were agreed to.
    pub(super) fn apply_again(&mut self, rounds: u32, out: &mut Vec<Command>) {
        let decision = policy::evaluate_changes(&self.changes, &self.known, &self.policy);
        if decision.verdict == Verdict::Allow {
            self.approved.insert(self.changes.digest());
            return self.ask_for_bases(rounds, out);
        }
        self.put_forward(AfterApproval::Apply, None, out);
    }

    fn apply_now(&mut self, out: &mut Vec<Command>) {
        self.send_edits(&self.changes.clone(), "", out);
        self.phase = Phase::Applying;
    }

    fn send_edits(&mut self, changes: &ChangeSet, prefix: &str, out: &mut Vec<Command>) -> CommandId {
        let id = self.next_command();
        record(Event::ApplyIntended { command: id, changes: changes.digest() }, out);
        out.push(Command::Apply {
            id,
            changes: Box::new(changes.clone()),
            label: format!("OpenExec: {prefix}{}", self.start.blueprint.name),
        });
        id
    }

    /// Believes what stands in the files, not what the editor says about it. What landed is kept
    /// in any case: an undo must be able to take it back.
    pub(super) fn check_applied(&mut self, report: &ApplyReport, out: &mut Vec<Command>) {
        let Landed { stands, wrong, parts } = Landed::of(&self.changes, report);
        let has_looked = landing::has_looked(report);
        let total = self.changes.effective().count();
        let whole = total - wrong.len();
        if wrong.is_empty() || !stands.is_empty() {
            let mut applied = if wrong.is_empty() { self.changes.clone() } else { ChangeSet::default() };
            applied.files.extend(stands);
            let earlier = self.applied.take().filter(|_| has_looked);
            self.applied = Some(landing::with_earlier(earlier.as_ref(), applied));
        }
        if wrong.is_empty() {
            let text = if total == 1 { "1 file holds".to_owned() } else { format!("{total} files hold") };
            return self.succeed(format!("{text} the proposed text"), out);
        }
        let is_undoable = if has_looked { self.applied.is_some() } else { whole > 0 };
        let otherwise = if is_undoable { "or undo" } else { "or discard the run" };
        let part = match parts.as_slice() {
            [] => String::new(),
            parts => format!(" (there is a part of it in {})", join(parts)),
        };
        self.pause(
            format!(
                "{whole} of {total} files were applied; {} {} not hold the proposed text{part}{}; resume to try again, {otherwise}",
                join(&wrong),
                if wrong.len() == 1 { "does" } else { "do" },
                answer_of(report),
            ),
            out,
        );
    }

    pub(super) fn start_remember(&mut self, out: &mut Vec<Command>) {
        let record = self.maintenance_record(Standing::Done, &self.summary);
        let command = self.next_command();
        out.push(Command::Remember { id: command, record: Box::new(record) });
        self.phase = Phase::Remembering { command };
    }

    /// Takes back what was applied; on a run that was taken back, applies it again. The user
    /// asked, so no gate is asked; but no text is touched that the run did not leave there.
    pub(super) fn start_reversal(&mut self, phase: Phase, out: &mut Vec<Command>) {
        let Some(applied) = self.applied.clone() else {
            self.phase = phase;
            return;
        };
        let (changes, outcome, before) = match &phase {
            Phase::Ended { outcome: Outcome::Undone, .. } => (applied, Outcome::Done, Outcome::Undone),
            Phase::Ended { outcome, .. } => (applied.invert(), Outcome::Undone, *outcome),
            _ => (applied.invert(), Outcome::Undone, Outcome::Failed),
        };
        let waits = self.next_command();
        let paths = changes.effective().map(|(path, _)| path.clone()).collect();
        out.push(Command::CheckBases { id: waits, paths });
        self.phase = Phase::Reversing(Box::new(Reversal {
            changes,
            outcome,
            before,
            waits,
            tells_why: false,
            nearness: Nearness::Apart,
        }));
    }

    pub(super) fn reverse(&mut self, mut reversal: Box<Reversal>, event: &Event, out: &mut Vec<Command>) {
        match event {
            Event::BasesChecked { command, texts, open_documents, nearness }
                if *command == reversal.waits =>
            {
                reversal.tells_why = open_documents.is_some();
                reversal.nearness = *nearness;
                match rebase_onto(&reversal.changes, texts, reversal.tells_why, reversal.nearness) {
                    Moved::Overlapping(paths) => {
                        let reason = match reversal.tells_why {
                            true => landing::hindrance(&reversal.changes, texts, &paths, "since"),
                            false => format!("{} changed since at the same lines", join(&paths)),
                        };
                        return self.reversal_failed(*reversal, &reason, out);
                    }
                    Moved::Aside(changes, _) => reversal.changes = changes,
                    Moved::Nowhere => {}
                }
                // An undo that finds nothing has undone nothing: the edits may stand unsaved in
                // another editor.
                if reversal.tells_why && !reversal.is_redo() && landing::is_done(&reversal.changes, texts) {
                    return self.reversal_failed(*reversal, NOTHING_STANDS, out);
                }
                reversal.waits = self.send_edits(&reversal.changes.clone(), "undo ", out);
                self.phase = Phase::Reversing(reversal);
            }
            Event::Applied { command, report } if *command == reversal.waits => {
                let Landed { stands, wrong, .. } = Landed::of(&reversal.changes, report);
                if wrong.is_empty() {
                    return self.reversed(*reversal, stands, out);
                }
                let reason = match landing::has_looked(report) {
                    true if reversal.is_redo() => {
                        format!("{} could not be changed again{}", join(&wrong), answer_of(report))
                    }
                    true => format!("{} could not be changed back{}", join(&wrong), answer_of(report)),
                    false => format!("{} could not be changed back", join(&wrong)),
                };
                self.reversal_failed(*reversal, &reason, out);
            }
            _ => self.phase = Phase::Reversing(reversal),
        }
    }

    /// What was taken back is brought again as it stood, with what the user has typed beside it.
    fn reversed(
        &mut self,
        reversal: Reversal,
        stands: BTreeMap<WorkspacePath, FileChange>,
        out: &mut Vec<Command>,
    ) {
        let is_redo = reversal.is_redo();
        let summary = match reversal.nearness {
            _ if is_redo => "redone",
            Nearness::Apart => "undo again to redo",
            // An undo that names no run may be about another one.
            Nearness::Beside => "undo this run again to redo it",
        };
        if reversal.nearness == Nearness::Beside {
            let mut changes = reversal.changes;
            changes.files.extend(stands);
            self.applied = Some(if is_redo { changes } else { changes.invert() });
        }
        self.end(reversal.outcome, summary.into(), out);
    }

    pub(super) fn reversal_failed(&mut self, reversal: Reversal, reason: &str, out: &mut Vec<Command>) {
        let what = if reversal.tells_why && reversal.is_redo() { "redone" } else { "undone" };
        self.end(reversal.before, format!("{COULD_NOT_BE}{what}: {reason}"), out);
    }
}

impl Reversal {
    fn is_redo(&self) -> bool {
        self.outcome != Outcome::Undone
    }
}

/// How the summary of a run begins that was to be undone or redone and could not be.
const COULD_NOT_BE: &str = "could not be ";

/// Whether the summary of a run that is over says that its undo, or the undo of that, has failed. The
/// run is then what it was before.
pub fn tells_failed_reversal(summary: &str) -> bool {
    summary
        .strip_prefix(COULD_NOT_BE)
        .is_some_and(|rest| rest.starts_with("undone: ") || rest.starts_with("redone: "))
}

/// Why there is nothing to undo here.
const NOTHING_STANDS: &str = "nothing of its edits stands in the files as they are here; undo it in the editor \
                              that shows them, or save them there first";

/// What the editor or the file system said, for people.
fn answer_of(report: &ApplyReport) -> String {
    let answer = report.answer.as_deref();
    answer.map(|answer| format!(" (the editor answered: {answer})")).unwrap_or_default()
}

/// Why the user is asked again after having rejected a part.
fn rejection(remedy: String) -> Reason {
    Reason {
        rule: "proposal.part_rejected".into(),
        verdict: Verdict::Ask,
        matched: "the proposal".to_owned(),
        remedy,
    }
}

/// Where the texts have gone that a change set was made for.
enum Moved {
    /// They stand where they stood, or the change stands there already.
    Nowhere,
    /// The same edits fit the new texts; these files had moved.
    Aside(ChangeSet, Vec<WorkspacePath>),
    /// Somebody changed the same lines.
    Overlapping(Vec<WorkspacePath>),
}

/// In journals of before a text with a byte order mark is another one than without.
fn rebase_onto(changes: &ChangeSet, texts: &[LiveText], knows_marks: bool, nearness: Nearness) -> Moved {
    let mut rebased = changes.clone();
    let mut moved = Vec::new();
    let mut overlapping = Vec::new();
    for (path, change) in changes.effective() {
        // A path nobody looked at counts as one that cannot be changed.
        let Some(live) = texts.iter().find(|live| &live.path == path) else {
            overlapping.push(path.clone());
            continue;
        };
        if live.text == change.base || live.text == change.proposed {
            continue;
        }
        let change = match &live.text {
            Some(current) if knows_marks => &landing::marked_as(change, current),
            _ => change,
        };
        let merged = match (&change.base, &change.proposed, &live.text) {
            (Some(base), Some(proposed), Some(current)) => match nearness {
                Nearness::Apart => edit::rebase(base, proposed, current),
                Nearness::Beside => edit::rebase_beside(base, proposed, current),
            },
            _ => Rebased::Overlapping,
        };
        match merged {
            Rebased::Clean(text) => {
                let change = FileChange {
                    base: live.text.clone(),
                    proposed: Some(text),
                    renamed_from: change.renamed_from.clone(),
                };
                rebased.files.insert(path.clone(), change);
                moved.push(path.clone());
            }
            Rebased::Overlapping => overlapping.push(path.clone()),
        }
    }
    match (overlapping.is_empty(), moved.is_empty()) {
        (false, _) => Moved::Overlapping(overlapping),
        (true, true) => Moved::Nowhere,
        (true, false) => Moved::Aside(rebased, moved),
    }
}

/// Pointers to the symbols whose text the change made.
pub(super) fn changed_symbols(path: &WorkspacePath, change: &FileChange) -> Vec<SymbolPointer> {
    let language = Language::of_path(path).filter(|language| language.is_program());
    let (Some(language), Some(proposed)) = (language, &change.proposed) else {
        return Vec::new();
    };
    let base = change.base.as_deref().unwrap_or_default();
    let before = syntax::symbols_of(language, base);
    let text_in = |source: &str, symbol: &syntax::Symbol| source.get(symbol.range.clone()).map(str::to_owned);
    let is_new = |symbol: &syntax::Symbol| {
        let now = text_in(proposed, symbol);
        !before.iter().any(|old| old.name == symbol.name && text_in(base, old) == now)
    };
    let now = syntax::symbols_of(language, proposed);
    let changed = now.iter().enumerate().filter(|(_, symbol)| is_new(symbol));
    changed.filter_map(|(index, _)| SymbolPointer::of(path, proposed, &now, index)).collect()
}

fn join(paths: &[WorkspacePath]) -> String {
    paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
}

pub(super) fn reason_text(reason: &Reason) -> String {
    format!("{} ({}): {}", reason.matched, reason.rule, reason.remedy)
}

pub(super) fn reasons_text(decision: &Decision) -> String {
    let objections = decision.reasons.iter().filter(|reason| reason.verdict > Verdict::Allow);
    objections.map(reason_text).collect::<Vec<_>>().join("; ")
}
