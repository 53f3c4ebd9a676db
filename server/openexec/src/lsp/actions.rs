//! What the editor's menu offers at a place: workflows whose triggers match, and what can be
//! done with the runs that are there.
//!
//! Every action is a literal that carries only a command. Nothing here waits, reads a file or
//! asks a model: a place goes in, actions come out.

mod workflows;

use self::workflows::{bytes, enclosing, workflows};
use super::commands::OfferedPlace;
use super::decisions::shown_as;
use super::documents::OpenFile;
use super::memory::RecordSummary;
use super::protocol::{
    CodeAction, CodeActionDisabled, CodeActionKind, CodeActionOrCommand, Command, Diagnostic, Range,
};
use super::roots::below;
use super::session::Offers;
use super::trust::{TrustState, subject};
use crate::driver::{Asked, RunStatus, RunView};
use crate::limits::{CODE_ACTIONS_MAX, QUOTE_CHARS_MAX};
use openexec_engine::edit::ShownPart;
use openexec_engine::ids::RunId;
use openexec_engine::run::Outcome;
use openexec_engine::syntax::{Directive, Symbol};
use openexec_engine::text::PositionEncoding;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A run as menus and commands see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunLine {
    pub(super) root: PathBuf,
    pub(super) view: RunView,
    /// False for a recorded run that nobody drives, neither here nor in another process.
    pub(super) driven: bool,
    /// Another process drives it, so that nothing can be said to it here.
    pub(super) elsewhere: bool,
}

/// A place in a document, with everything that is known about it.
pub(super) struct Place<'a> {
    pub(super) file: &'a OpenFile,
    pub(super) range: Range,
    pub(super) encoding: PositionEncoding,
    /// The kinds asked for; all when there are none.
    pub(super) only: &'a [CodeActionKind],
    /// What other servers say about the place.
    pub(super) diagnostics: &'a [Diagnostic],
    pub(super) symbols: &'a [Symbol],
    pub(super) directive: Option<Directive>,
    pub(super) offers: &'a Offers,
    /// The workspace that the place lies in.
    pub(super) root: Option<&'a Path>,
    /// The runs of the place's workspace, newest first.
    pub(super) runs: &'a [RunLine],
    /// The records that are known of a symbol of the file.
    pub(super) known: &'a dyn Fn(&str) -> Vec<RecordSummary>,
    /// The runs that were undone here, the last one last.
    pub(super) undone: &'a [RunId],
}

/// The part of a run's id that people see.
pub(super) fn short(run: &RunId) -> &str {
    let text = run.as_str();
    let cut = text.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
    text.get(cut..).unwrap_or(text)
}

/// How the client takes actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// As actions with kinds; else as bare commands.
    pub(super) literals: bool,
    /// Also those that cannot be carried out now, with the reason.
    pub(super) disabled: bool,
}

/// The actions at a place, the most urgent first, those of one sort together, never more than
/// a menu can bear.
pub(super) fn offered(place: &Place<'_>, form: Form) -> Vec<CodeActionOrCommand> {
    let (mut actions, mut unable) = split(pending(place), form);
    // Most workflows fail where tasks may not run, so trust goes before them.
    actions.extend(trust(place));
    for offers in [workflows(place), running(place)] {
        let (able, not) = split(offers, form);
        actions.extend(able);
        unable.extend(not);
    }
    actions.extend(undo(place));
    actions.extend(redo(place));
    actions.extend(memory(place));
    actions.extend(unable);
    in_order(actions, place.only, form)
}

/// Something that can be offered.
struct Offer {
    action: CodeAction,
    /// Why it would come to nothing now, and what to do first.
    hindrance: Option<String>,
}

/// What can be carried out, and what cannot. The latter is said where the client can say why;
/// elsewhere it is offered all the same, and the refusal says it.
fn split(offers: Vec<Offer>, form: Form) -> (Vec<CodeAction>, Vec<CodeAction>) {
    let (mut able, mut unable) = (Vec::new(), Vec::new());
    for Offer { action, hindrance } in offers {
        match hindrance.filter(|_| form.disabled) {
            None => able.push(action),
            Some(reason) => unable.push(CodeAction {
                disabled: Some(CodeActionDisabled { reason }),
                command: None,
                ..action
            }),
        }
    }
    (able, unable)
}

/// Something that is said to a run, which only the process can do that drives it.
fn said_to(line: &RunLine, action: CodeAction) -> Offer {
    let elsewhere = "another process drives this run; do it in the editor or terminal that started it";
    Offer { action, hindrance: line.elsewhere.then(|| elsewhere.to_owned()) }
}

/// Those that are asked for, those of one sort together, never more than a menu can bear, as
/// the client takes them.
pub(super) fn in_order(
    mut actions: Vec<CodeAction>,
    only: &[CodeActionKind],
    form: Form,
) -> Vec<CodeActionOrCommand> {
    actions.retain(|action| wanted(only, action.kind.as_ref()));
    actions.truncate(CODE_ACTIONS_MAX);
    let sorts: Vec<&'static str> = sorts(&actions);
    actions.sort_by_key(|action| sorts.iter().position(|known| *known == sort(action)));
    let as_client_takes_it = |action: CodeAction| match action.command {
        Some(command) if !form.literals => CodeActionOrCommand::Command(command),
        _ => CodeActionOrCommand::CodeAction(action),
    };
    actions.into_iter().map(as_client_takes_it).collect()
}

/// The sorts of these actions, that of the most urgent one first.
fn sorts(actions: &[CodeAction]) -> Vec<&'static str> {
    let mut sorts = Vec::new();
    for action in actions {
        if !sorts.contains(&sort(action)) {
            sorts.push(sort(action));
        }
    }
    sorts
}

/// What menus group actions by.
fn sort(action: &CodeAction) -> &'static str {
    let kind = action.kind.as_ref().map(CodeActionKind::as_str).unwrap_or_default();
    ["quickfix", "refactor", "source"].into_iter().find(|sort| kind.starts_with(sort)).unwrap_or_default()
}

/// A kind is asked for by its own name or by the name of a kind above it.
pub(super) fn wanted(only: &[CodeActionKind], kind: Option<&CodeActionKind>) -> bool {
    let Some(kind) = kind.map(CodeActionKind::as_str) else {
        return only.is_empty();
    };
    only.is_empty()
        || only.iter().map(CodeActionKind::as_str).any(|asked| {
            asked.is_empty()
                || kind.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
}

pub(super) fn action(title: String, kind: String, command: &str, arguments: Value) -> CodeAction {
    let command =
        Command { title: title.clone(), command: command.to_owned(), arguments: Some(vec![arguments]) };
    CodeAction { title, kind: Some(CodeActionKind::from(kind)), command: Some(command), ..Default::default() }
}

/// Review, Apply and Discard for the newest proposal, or Show, Send and Discard for a request
/// that waits, wherever the cursor is.
fn pending(place: &Place<'_>) -> Vec<Offer> {
    let waiting = place.runs.iter().find_map(|line| match &line.view.status {
        RunStatus::AwaitingApproval { proposal, what } => Some((line, proposal, what)),
        RunStatus::Active | RunStatus::Paused { .. } | RunStatus::Ended { .. } => None,
    });
    let Some((line, proposal, what)) = waiting else {
        return Vec::new();
    };
    let run = &line.view.run;
    let shown = |action| Offer { action, hindrance: None };
    let short = short(run);
    let kind = |name: &str| format!("quickfix.openexec.{name}");
    let bound = json!({ "run": run, "proposal": proposal });
    let discard = action(format!("Discard run {short}"), kind("discard"), "openexec.discard", bound.clone());
    match what {
        Asked::Proposal { parts, .. } => {
            let review = format!("Review run {short}");
            let apply = format!("Apply run {short}'s edits");
            let mut actions = vec![
                shown(action(review, kind("review"), "openexec.review", json!({ "run": run }))),
                said_to(line, action(apply, kind("apply"), "openexec.apply", bound)),
                said_to(line, discard),
            ];
            // The whole of one part is what Discard is for.
            if let (Some(part), true) = (here(place, parts), parts.len() > 1) {
                let title = format!("Leave this out of run {short}: {}", shown_as(part));
                let which = json!({ "run": run, "proposal": proposal, "parts": [part.part.to_string()] });
                actions.push(said_to(line, action(title, kind("reject"), "openexec.reject", which)));
            }
            actions
        }
        Asked::Request(request) => {
            let model = quote(request.model.as_str());
            let which = json!({ "run": run, "number": request.number });
            let show = format!("Show what run {short} would send to {model}");
            let send = format!("Send run {short}'s request to {model}");
            vec![
                shown(action(show, kind("request"), "openexec.request", which)),
                said_to(line, action(send, kind("send"), "openexec.apply", bound)),
                said_to(line, discard),
            ]
        }
    }
}

/// The part of a proposal that is about the line under the cursor.
fn here<'a>(place: &Place<'_>, parts: &'a [ShownPart]) -> Option<&'a ShownPart> {
    let path = below(place.root?, &place.file.path)?;
    let line = usize::try_from(place.range.start.line).ok()?.saturating_add(1);
    parts.iter().find(|part| part.part.path == path && (part.lines.0..=part.lines.1).contains(&line))
}

pub(super) fn place_of(part: &ShownPart) -> String {
    match part.lines {
        (first, last) if first == last => format!("{}:{first}", part.part.path),
        (first, last) => format!("{}:{first}-{last}", part.part.path),
    }
}

/// Cancel for the newest run that goes on; for one that halts Resume, and Discard, or Cancel where
/// there is nothing to discard.
fn running(place: &Place<'_>) -> Vec<Offer> {
    let find = |fits: fn(&RunLine) -> bool| place.runs.iter().find(|line| fits(line));
    let offer = |line: &RunLine, wish: &str, name: &str| {
        let run = &line.view.run;
        let title = format!("{wish} run {} ({})", short(run), line.view.blueprint);
        let kind = format!("quickfix.openexec.{name}");
        said_to(line, action(title, kind, &format!("openexec.{name}"), json!({ "run": run })))
    };
    let halting = find(RunLine::can_resume);
    let resume = halting.map(|line| offer(line, "Resume", "resume"));
    let (discarded, halting) = match halting {
        Some(line) if line.can_discard() => (Some(line), None),
        other => (None, other),
    };
    let discard = discarded.map(|line| offer(line, "Discard", "discard"));
    let cancel = find(RunLine::is_running).or(halting).map(|line| offer(line, "Cancel", "cancel"));
    resume.into_iter().chain(discard).chain(cancel).collect()
}

impl RunLine {
    /// It waits for a decision of the user.
    pub(super) fn awaits_approval(&self) -> bool {
        matches!(self.view.status, RunStatus::AwaitingApproval { .. })
    }

    /// It waits for a decision, or it is paused and nothing of it stands in the files.
    pub(super) fn can_discard(&self) -> bool {
        self.awaits_approval() || matches!(self.view.status, RunStatus::Paused { .. }) && !self.view.applied
    }

    /// It waits for a yes before it sends something.
    pub(super) fn awaits_sending(&self) -> bool {
        matches!(self.view.status, RunStatus::AwaitingApproval { what: Asked::Request(_), .. })
    }

    /// It goes on.
    pub(super) fn is_running(&self) -> bool {
        self.driven && matches!(self.view.status, RunStatus::Active)
    }

    /// It is not over.
    pub(super) fn can_cancel(&self) -> bool {
        !matches!(self.view.status, RunStatus::Ended { .. })
    }

    /// It halts, or a process that drove it has ended.
    pub(super) fn can_resume(&self) -> bool {
        match self.view.status {
            RunStatus::Paused { .. } => true,
            RunStatus::Active => !self.driven,
            RunStatus::AwaitingApproval { .. } | RunStatus::Ended { .. } => false,
        }
    }

    /// Its edits stand in the files, so that they can be taken back; or they were, so that this can.
    pub(super) fn can_undo(&self) -> bool {
        match self.view.status {
            RunStatus::Ended { outcome, .. } => self.view.applied || outcome == Outcome::Undone,
            // A part of its edits may stand in the files.
            RunStatus::Paused { .. } => self.view.applied,
            RunStatus::Active | RunStatus::AwaitingApproval { .. } => false,
        }
    }
}

/// Undo for the newest run that has been done.
fn undo(place: &Place<'_>) -> Option<CodeAction> {
    let line = place.runs.iter().find(|line| line.can_undo() && line.view.applied)?;
    let run = &line.view.run;
    let title = format!("Undo run {} ({})", short(run), line.view.blueprint);
    Some(action(title, "source.openexec.undo".to_owned(), "openexec.undo", json!({ "run": run })))
}

/// Redo for the run that was undone last.
fn redo(place: &Place<'_>) -> Option<CodeAction> {
    let run = &undone_last(place.runs, place.undone)?.view;
    let title = format!("Redo run {} ({})", short(&run.run), run.blueprint);
    Some(action(title, "source.openexec.redo".to_owned(), "openexec.undo", json!({ "run": run.run })))
}

/// The run that was undone last, as far as that is known; else the newest that was undone.
pub(super) fn undone_last<'a>(lines: &'a [RunLine], order: &[RunId]) -> Option<&'a RunLine> {
    let undone = |line: &&RunLine| line.can_undo() && !line.view.applied;
    let place = |line: &RunLine| order.iter().rposition(|run| *run == line.view.run);
    lines.iter().filter(undone).max_by_key(|line| (place(line), &line.view.run))
}

/// Trusting what the workspace declares, and a look at what that would mean.
fn trust(place: &Place<'_>) -> Vec<CodeAction> {
    let Some(TrustState::Untrusted { content, commands, loads, changes, .. }) = &place.offers.trust else {
        return Vec::new();
    };
    let subject = subject(commands, loads);
    let named = if commands.is_empty() { loads } else { commands };
    let title = format!("Trust this workspace's {subject} ({})", quote(&named.join(", ")));
    // The title may be cut; a client that asks once more can show all of it.
    let arguments = json!({ "uri": place.file.uri, "content": content, "commands": commands });
    let look = match changes.is_first {
        true if commands.is_empty() => format!("Show what trusting this workspace's {subject} agrees to"),
        true => "Show what this workspace's tasks would run".to_owned(),
        false => format!("Show what has changed since you trusted this workspace's {subject}"),
    };
    let look_arguments = json!({ "uri": place.file.uri, "review": true });
    vec![
        action(title, "quickfix.openexec.trust".to_owned(), "openexec.trust", arguments),
        action(look, "quickfix.openexec.trust.show".to_owned(), "openexec.trust", look_arguments),
    ]
}

/// What is known of the symbol around the cursor, and writing down why it is as it is.
fn memory(place: &Place<'_>) -> Vec<CodeAction> {
    let Some(symbol) = enclosing(place, |symbol| symbol.kind.is_code()) else { return Vec::new() };
    let range = bytes(place, symbol.name_range.start, symbol.name_range.end);
    let at = json!({ "uri": place.file.uri, "range": range });
    let mut actions = Vec::new();
    let known = (place.known)(&symbol.name);
    if !known.is_empty() {
        let title = format!("Show what is known about `{}` ({})", quote(&symbol.name), known.len());
        actions.push(action(title, "source.openexec.known".to_owned(), "openexec.known", at));
    }
    let title = format!("Remember why `{}` is as it is…", quote(&symbol.name));
    let at = json!({ "uri": place.file.uri, "range": range, "version": place.file.version });
    actions.push(action(title, "source.openexec.remember".to_owned(), "openexec.remember", at));
    for record in &known {
        actions.extend(about_own(place, record));
    }
    actions
}

/// What can be done about one of the user's own records: say that it is about what it is shown at,
/// where that is doubtful, or drop it. What is shared is mended in its file.
fn about_own(place: &Place<'_>, record: &RecordSummary) -> Vec<CodeAction> {
    let Some(own) = &record.own else { return Vec::new() };
    let (why, mut actions) = (quote(&record.why), Vec::new());
    let which = json!({ "uri": place.file.uri, "kind": own.kind, "id": own.id });
    if let Some((_, offered)) = &own.offered {
        let title = format!("Confirm that your note is about `{}`: {why}", quote(&offered.symbol));
        let seen = json!({
            "uri": place.file.uri, "kind": own.kind, "id": own.id, "place": OfferedPlace::of(offered),
        });
        actions.push(action(title, "source.openexec.confirm".to_owned(), "openexec.confirm", seen));
    }
    let title = format!("Forget your note: {why}");
    actions.push(action(title, "source.openexec.forget".to_owned(), "openexec.forget", which));
    actions
}

/// A text on one line, cut to what a menu shows. Invisible characters could make a menu say
/// what it does not do, so they are left out.
pub(super) fn quote(text: &str) -> String {
    let blank = |character: char| if character.is_whitespace() { ' ' } else { character };
    let visible = text.chars().map(blank).filter(|character| !is_invisible(*character));
    let mut quoted: String = visible.clone().take(QUOTE_CHARS_MAX).collect();
    if visible.count() > QUOTE_CHARS_MAX {
        quoted = quoted.trim_end().to_owned();
        quoted.push('…');
    }
    quoted
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests;
