//! What the editor's menu offers at a place: workflows whose triggers match, and what can be
//! done with the runs that are there.
//!
//! Every action is a literal that carries only a command. Nothing here waits, reads a file or
//! asks a model: a place goes in, actions come out.

use super::documents::OpenFile;
use super::protocol::{
    CodeAction, CodeActionKind, CodeActionOrCommand, Command, Diagnostic, NumberOrString, Range,
};
use super::roots::below;
use super::session::Offers;
use super::trust::TrustState;
use crate::driver::{Asked, RunStatus, RunView};
use crate::limits::{CODE_ACTIONS_MAX, DIAGNOSTICS_MAX, QUOTE_CHARS_MAX};
use openexec_engine::blueprint::{Blueprint, InputName, Trigger};
use openexec_engine::edit::ShownPart;
use openexec_engine::ids::RunId;
use openexec_engine::run::Outcome;
use openexec_engine::syntax::{Directive, Symbol};
use openexec_engine::text::{Position, PositionEncoding};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A run as menus and commands see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunLine {
    pub(super) root: PathBuf,
    pub(super) view: RunView,
    /// False for a recorded run that nobody drives, neither here nor in another process.
    pub(super) driven: bool,
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
    /// The runs of the place's workspace, newest first.
    pub(super) runs: &'a [RunLine],
    /// How many records are known of a symbol of the file.
    pub(super) known: &'a dyn Fn(&str) -> usize,
}

/// The part of a run's id that people see.
pub(super) fn short(run: &RunId) -> &str {
    let text = run.as_str();
    let cut = text.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
    text.get(cut..).unwrap_or(text)
}

/// The actions at a place, the most urgent first, never more than a menu can bear.
pub(super) fn offered(place: &Place<'_>, literals: bool) -> Vec<CodeActionOrCommand> {
    let mut actions = pending(place);
    // Most workflows fail where tasks may not run, so trust goes before them.
    actions.extend(trust(place));
    actions.extend(workflows(place));
    actions.extend(running(place));
    actions.extend(undo(place));
    actions.extend(memory(place));
    actions.retain(|action| wanted(place.only, action.kind.as_ref()));
    actions.truncate(CODE_ACTIONS_MAX);
    let as_client_takes_it = |action: CodeAction| match action.command {
        Some(command) if !literals => CodeActionOrCommand::Command(command),
        _ => CodeActionOrCommand::CodeAction(action),
    };
    actions.into_iter().map(as_client_takes_it).collect()
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

fn action(title: String, kind: String, command: &str, arguments: Value) -> CodeAction {
    let command =
        Command { title: title.clone(), command: command.to_owned(), arguments: Some(vec![arguments]) };
    CodeAction { title, kind: Some(CodeActionKind::from(kind)), command: Some(command), ..Default::default() }
}

/// Review, Apply and Discard for the newest proposal, or Show, Send and Discard for a request
/// that waits, wherever the cursor is.
fn pending(place: &Place<'_>) -> Vec<CodeAction> {
    let waiting = place.runs.iter().find_map(|line| match &line.view.status {
        RunStatus::AwaitingApproval { proposal, what } => Some((&line.view.run, proposal, what)),
        RunStatus::Active | RunStatus::Paused { .. } | RunStatus::Ended { .. } => None,
    });
    let Some((run, proposal, what)) = waiting else {
        return Vec::new();
    };
    let short = short(run);
    let kind = |name: &str| format!("quickfix.openexec.{name}");
    let bound = json!({ "run": run, "proposal": proposal });
    let discard = action(format!("Discard run {short}"), kind("discard"), "openexec.discard", bound.clone());
    match what {
        Asked::Proposal { parts, .. } => {
            let review = format!("Review run {short}");
            let mut actions = vec![
                action(review, kind("review"), "openexec.review", json!({ "run": run })),
                action(format!("Apply run {short}'s edits"), kind("apply"), "openexec.apply", bound),
                discard,
            ];
            // The whole of one part is what Discard is for.
            if let (Some(part), true) = (here(place, parts), parts.len() > 1) {
                let what = format!("+{} −{}", part.added, part.removed);
                let title = format!("Leave this out of run {short}: {what} at {}", quote(&place_of(part)));
                let which = json!({ "run": run, "proposal": proposal, "parts": [part.part.to_string()] });
                actions.push(action(title, kind("reject"), "openexec.reject", which));
            }
            actions
        }
        Asked::Request(request) => {
            let model = quote(request.model.as_str());
            let which = json!({ "run": run, "number": request.number });
            let show = format!("Show what run {short} would send to {model}");
            let send = format!("Send run {short}'s request to {model}");
            vec![
                action(show, kind("request"), "openexec.request", which),
                action(send, kind("send"), "openexec.apply", bound),
                discard,
            ]
        }
    }
}

/// The part of a proposal that is about the line under the cursor.
fn here<'a>(place: &Place<'_>, parts: &'a [ShownPart]) -> Option<&'a ShownPart> {
    let root = place.runs.first().map(|line| line.root.as_path())?;
    let path = below(root, &place.file.path)?;
    let line = usize::try_from(place.range.start.line).ok()?.saturating_add(1);
    parts.iter().find(|part| part.part.path == path && (part.lines.0..=part.lines.1).contains(&line))
}

fn place_of(part: &ShownPart) -> String {
    match part.lines {
        (first, last) if first == last => format!("{}:{first}", part.part.path),
        (first, last) => format!("{}:{first}-{last}", part.part.path),
    }
}

/// Cancel for the newest run that goes on; Resume for one that halts.
fn running(place: &Place<'_>) -> Vec<CodeAction> {
    let find = |fits: fn(&RunLine) -> bool| place.runs.iter().find(|line| fits(line));
    let mut actions = Vec::new();
    if let Some(line) = find(RunLine::can_resume) {
        let run = &line.view.run;
        let title = format!("Resume run {} ({})", short(run), line.view.blueprint);
        let kind = "quickfix.openexec.resume".to_owned();
        actions.push(action(title, kind, "openexec.resume", json!({ "run": run })));
    }
    if let Some(line) = find(RunLine::is_running) {
        let run = &line.view.run;
        let title = format!("Cancel run {} ({})", short(run), line.view.blueprint);
        let kind = "quickfix.openexec.cancel".to_owned();
        actions.push(action(title, kind, "openexec.cancel", json!({ "run": run })));
    }
    actions
}

impl RunLine {
    /// It waits for a decision of the user.
    pub(super) fn awaits_approval(&self) -> bool {
        matches!(self.view.status, RunStatus::AwaitingApproval { .. })
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

    /// It has been done, so that it can be taken back; or taken back, so that this can.
    pub(super) fn can_undo(&self) -> bool {
        match self.view.status {
            RunStatus::Ended { outcome, .. } => {
                self.view.applied || matches!(outcome, Outcome::Done | Outcome::Undone)
            }
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

/// Trusting the workspace, and a look at what that would mean.
fn trust(place: &Place<'_>) -> Vec<CodeAction> {
    let Some(TrustState::Untrusted { content, commands, changes, .. }) = &place.offers.trust else {
        return Vec::new();
    };
    let title = format!("Trust this workspace's tasks ({})", quote(&commands.join(", ")));
    // The title may be cut; a client that asks once more can show all of it.
    let arguments = json!({ "uri": place.file.uri, "content": content, "commands": commands });
    let look = match changes.is_first {
        true => "Show what this workspace's tasks would run",
        false => "Show what has changed since you trusted this workspace's tasks",
    };
    let look_arguments = json!({ "uri": place.file.uri, "review": true });
    vec![
        action(title, "quickfix.openexec.trust".to_owned(), "openexec.trust", arguments),
        action(look.to_owned(), "quickfix.openexec.trust.show".to_owned(), "openexec.trust", look_arguments),
    ]
}

/// The workflows that the place triggers and that have all they need there.
fn workflows(place: &Place<'_>) -> Vec<CodeAction> {
    let mut actions = Vec::new();
    // What the user wrote goes before what the user stands on.
    let order = [
        Trigger::Directive,
        Trigger::Test,
        Trigger::Diagnostic,
        Trigger::Selection,
        Trigger::Symbol,
        Trigger::File,
    ];
    let mut offered = Vec::new();
    for trigger in order {
        for blueprint in &place.offers.blueprints {
            if blueprint.triggers.contains(&trigger)
                && !offered.contains(&&blueprint.name)
                && let Some(work) = workflow(place, blueprint, trigger)
            {
                offered.push(&blueprint.name);
                actions.push(work);
            }
        }
    }
    actions
}

/// What is known of the symbol around the cursor, and writing down why it is as it is.
fn memory(place: &Place<'_>) -> Vec<CodeAction> {
    let Some(symbol) = enclosing(place, |_| true) else { return Vec::new() };
    let range = bytes(place, symbol.name_range.start, symbol.name_range.end);
    let at = json!({ "uri": place.file.uri, "range": range });
    let mut actions = Vec::new();
    let known = (place.known)(&symbol.name);
    if known > 0 {
        let title = format!("Show what is known about `{}` ({known})", quote(&symbol.name));
        actions.push(action(title, "source.openexec.known".to_owned(), "openexec.known", at));
    }
    let title = format!("Remember why `{}` is as it is…", quote(&symbol.name));
    let at = json!({ "uri": place.file.uri, "range": range, "version": place.file.version });
    actions.push(action(title, "source.openexec.remember".to_owned(), "openexec.remember", at));
    actions
}

/// What a trigger gives to a run.
struct Given {
    /// What the title says.
    subject: String,
    kind: &'static str,
    range: Range,
    inputs: Vec<(InputName, &'static str, Value)>,
}

fn workflow(place: &Place<'_>, blueprint: &Blueprint, trigger: Trigger) -> Option<CodeAction> {
    let takes = |name: InputName| blueprint.inputs.iter().any(|input| input.name == name);
    let given = match trigger {
        Trigger::Directive => given_directive(place)?,
        Trigger::Test => given_test(place, takes(InputName::FailingTest), blueprint)?,
        Trigger::Diagnostic => given_diagnostics(place)?,
        Trigger::Selection => given_selection(place, blueprint)?,
        Trigger::Symbol => given_symbol(place, blueprint)?,
        Trigger::File => given_file(place, blueprint),
    };
    let has = |name| name == InputName::Target || given.inputs.iter().any(|(given, ..)| *given == name);
    if !blueprint.inputs.iter().all(|input| !input.required || has(input.name)) {
        return None;
    }
    let mut arguments = json!({
        "blueprint": blueprint.name,
        "uri": place.file.uri,
        "range": given.range,
        "version": place.file.version,
    });
    if let Some(members) = arguments.as_object_mut() {
        for (name, key, value) in given.inputs {
            if takes(name) {
                members.insert(key.to_owned(), value);
            }
        }
    }
    let mut title = format!("{} · {}", given.subject, blueprint.name);
    if let Some(model) = &place.offers.model {
        title.push_str(" · ");
        title.push_str(model);
    }
    Some(action(title, format!("{}.{}", given.kind, blueprint.name), "openexec.run", arguments))
}

fn given_directive(place: &Place<'_>) -> Option<Given> {
    let directive = place.directive.as_ref()?;
    Some(Given {
        subject: format!("Implement “{}”", quote(&directive.instruction)),
        kind: "refactor.rewrite.openexec",
        range: bytes(place, directive.range.start, directive.range.end),
        inputs: vec![(InputName::Instruction, "instruction", json!(directive.instruction))],
    })
}

fn given_test(place: &Place<'_>, fixes: bool, blueprint: &Blueprint) -> Option<Given> {
    let test = enclosing(place, |symbol| symbol.is_test)?;
    let subject = if fixes {
        format!("Fix failing test `{}`", quote(&test.name))
    } else {
        on(blueprint, &format!("test `{}`", quote(&test.name)))
    };
    Some(Given {
        subject,
        kind: "quickfix.openexec",
        range: bytes(place, test.range.start, test.range.end),
        inputs: vec![(InputName::FailingTest, "failing_test", json!(test.name))],
    })
}

fn given_diagnostics(place: &Place<'_>) -> Option<Given> {
    let first = place.diagnostics.first()?;
    let message = first.message.lines().next().unwrap_or_default();
    let diagnostics: Vec<Value> = place.diagnostics.iter().take(DIAGNOSTICS_MAX).map(trimmed).collect();
    Some(Given {
        subject: format!("Fix this diagnostic: {}", quote(message)),
        kind: "quickfix.openexec",
        range: first.range,
        inputs: vec![(InputName::Diagnostics, "diagnostics", json!(diagnostics))],
    })
}

/// A diagnostic without what only its own server and the editor understand.
fn trimmed(diagnostic: &Diagnostic) -> Value {
    let mut value = json!({ "range": diagnostic.range, "message": diagnostic.message });
    if let Some(members) = value.as_object_mut() {
        if let Some(source) = &diagnostic.source {
            members.insert("source".to_owned(), json!(source));
        }
        if let Some(code) = &diagnostic.code {
            let code = match code {
                NumberOrString::Number(number) => number.to_string(),
                NumberOrString::String(text) => text.clone(),
            };
            members.insert("code".to_owned(), json!(code));
        }
    }
    value
}

fn given_selection(place: &Place<'_>, blueprint: &Blueprint) -> Option<Given> {
    let (start, end) = (place.range.start, place.range.end);
    (start != end).then(|| Given {
        subject: on(blueprint, "the selection"),
        kind: "refactor.rewrite.openexec",
        range: place.range,
        inputs: Vec::new(),
    })
}

fn given_symbol(place: &Place<'_>, blueprint: &Blueprint) -> Option<Given> {
    let symbol = enclosing(place, |symbol| symbol.kind.is_code())?;
    Some(Given {
        subject: on(blueprint, &format!("`{}`", quote(&symbol.name))),
        kind: "refactor.rewrite.openexec",
        range: bytes(place, symbol.range.start, symbol.range.end),
        inputs: Vec::new(),
    })
}

fn given_file(place: &Place<'_>, blueprint: &Blueprint) -> Given {
    Given {
        subject: on(blueprint, "this file"),
        kind: "source.openexec",
        range: place.range,
        inputs: Vec::new(),
    }
}

/// The innermost symbol around the cursor that fits.
fn enclosing<'a>(place: &Place<'a>, fits: fn(&Symbol) -> bool) -> Option<&'a Symbol> {
    let start = place.range.start;
    let position = Position { line: start.line, character: start.character };
    let byte = place.file.text.byte_of(position, place.encoding).ok()?;
    let around = place.symbols.iter().filter(|symbol| fits(symbol));
    around
        .filter(|symbol| symbol.range.start <= byte && byte <= symbol.range.end)
        .min_by_key(|symbol| symbol.range.len())
}

fn bytes(place: &Place<'_>, start: usize, end: usize) -> Range {
    let position = |byte| {
        let Position { line, character } = place.file.text.position_of(byte, place.encoding);
        super::protocol::Position { line, character }
    };
    Range { start: position(start), end: position(end) }
}

/// A workflow and what it is done on, as a title: ``Review `parse` ``, `Add docs: this file`.
fn on(blueprint: &Blueprint, object: &str) -> String {
    let words = quote(&blueprint.name.as_str().replace(['_', '-'], " "));
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    let name: String = first.into_iter().flatten().chain(letters).collect();
    // One word is a verb more often than not.
    if name.contains(' ') { format!("{name}: {object}") } else { format!("{name} {object}") }
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
