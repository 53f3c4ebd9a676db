//! Documents for people: the review of a proposal, the state of all runs.
//!
//! They lie in user scope, never in the workspace, and are texts only: the decision is a
//! command of the user.

use super::actions::{RunLine, short};
use super::commands::standing;
use super::trust::{TrustState, subject};
use crate::disclosure::{Disclosed, Fate};
use crate::driver::{Asked, RunStatus, RunView};
use crate::store::Recorded;
use openexec_engine::ids::ModelName;
use openexec_engine::run::Event;
use openexec_engine::task::{Judgement, TaskExit, TaskReport};
use openexec_engine::text::visible;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

/// The files of a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReviewFiles {
    pub(super) markdown: PathBuf,
    pub(super) diff: PathBuf,
}

/// Writes the review of a waiting proposal into the run's folder. A proposal that was reviewed before gets the same
/// files again; every other one gets new ones, so that earlier reviews stay as they were.
///
/// # Errors
/// When the state directory cannot be written.
pub(super) fn write_review(folder: &Path, diff: &str, markdown: &str) -> io::Result<ReviewFiles> {
    std::fs::create_dir_all(folder)?;
    let mut number = 1_u32;
    loop {
        let [markdown_file, diff_file] =
            ["md", "diff"].map(|extension| folder.join(format!("review-{number}.{extension}")));
        let is_ours = match std::fs::read_to_string(&diff_file) {
            Ok(written) => written == diff,
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(error),
        };
        if is_ours {
            std::fs::write(&diff_file, diff)?;
            std::fs::write(&markdown_file, markdown)?;
            return Ok(ReviewFiles { markdown: markdown_file, diff: diff_file });
        }
        number = number.saturating_add(1);
    }
}

/// Writes the state of all runs.
///
/// # Errors
/// When the state directory cannot be written.
pub(super) fn write_status(state: &Path, markdown: &str) -> io::Result<PathBuf> {
    write_document(state, "status.md", markdown)
}

/// Writes a document of which only the newest is of interest.
///
/// # Errors
/// When the folder cannot be written.
pub(super) fn write_document(folder: &Path, name: &str, markdown: &str) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join(name);
    std::fs::write(&file, markdown)?;
    Ok(file)
}

/// What trusting a workspace agrees to.
pub(super) fn trust_markdown(root: &Path, trust: &TrustState) -> String {
    let mut text = format!("# What `{}` would run\n\n", visible(&root.display().to_string()));
    match trust {
        TrustState::NothingDeclared => {
            text.push_str("It declares no task, no blueprint and no memory, so there is nothing to trust.\n")
        }
        TrustState::Trusted => text.push_str("It is trusted exactly as it is now.\n"),
        TrustState::Untrusted { commands, loads, files, changes, content } => {
            let subject = subject(commands, loads);
            let commands: Vec<String> =
                commands.iter().map(|command| format!("`{}`", visible(command))).collect();
            list(&mut text, "Commands", &commands, "None.");
            if !loads.is_empty() {
                list(&mut text, "Blueprints and memory that are loaded", loads, "None.");
            }
            list(&mut text, "Files that decide about it", files, "None.");
            let title = if changes.is_first {
                "What the files hold"
            } else {
                "What has changed since you trusted it"
            };
            let fence = fence(&changes.diff);
            let _ = write!(
                text,
                "## {title}\n\n{fence}diff\n{}\n{fence}\n\n\
                 Nothing of this runs or is loaded until you trust it: code action *Trust this workspace's \
                 {subject}*, or `openexec.trust`. Trust binds exactly this content, {content}, and ends when it changes.\n",
                changes.diff.trim_end_matches('\n')
            );
        }
    }
    text
}

/// The review of a proposal.
pub(super) fn review_markdown(view: &RunView, diff: &str, reasons: &[String], evidence: &[String]) -> String {
    let short = short(&view.run);
    let mut text = format!(
        "# Review of run {short}\n\nBlueprint `{}`, model `{}`. Nothing has been changed in your files yet.\n\n",
        view.blueprint, view.model
    );
    let reasons: Vec<String> = reasons.iter().map(|reason| visible(reason)).collect();
    let evidence: Vec<String> = evidence.iter().map(|line| visible(line)).collect();
    list(&mut text, "Why you are asked", &reasons, "The policy asks for every proposal.");
    list(&mut text, "Evidence", &evidence, "No task has judged this proposal.");
    let diff = visible(diff);
    let fence = fence(&diff);
    let _ = write!(
        text,
        "## Decide\n\n\
         - apply exactly this: code action *Apply all of run {short}*, elsewhere *Apply run {short}'s edits*, \
         or `openexec.apply {short}`\n\
         - discard it: code action *Discard all of run {short}*, elsewhere *Discard run {short}*, or \
         `openexec.discard {short}`\n\
         - accept or reject single files and hunks: the lenses above them, or the code actions on their \
         lines. What is rejected is left out, and the rest is verified anew; when all is accepted, it is \
         applied\n\n\
         Without a decision nothing is applied. Your yes binds exactly these bytes. What cannot be seen is \
         shown between ⟪ and ⟫.\n\n\
         ## Changes\n\n{fence}diff\n{}\n{fence}\n",
        diff.trim_end_matches('\n')
    );
    text
}

/// What a run sends to its model: the same as `openexec show RUN --request N` and `--wire` print.
/// `wire` is the body as it goes over the wire, or why it cannot be shown.
pub(super) fn request_markdown(view: &RunView, request: &Disclosed, wire: &Result<String, String>) -> String {
    let short = short(&view.run);
    let mut text = format!("# Request {} of run {short}\n\n", request.number);
    for (name, fact) in request.facts() {
        let _ = writeln!(text, "- {name}: {}", visible(&fact).replace('\n', " "));
    }
    text.push('\n');
    if request.fate == Fate::Waits {
        let _ = write!(
            text,
            "## Decide\n\n\
             - send exactly this: code action *Send run {short}'s request*, or `openexec.apply {short}`\n\
             - refuse it, which ends the run: code action *Discard run {short}*, or `openexec.discard {short}`\n\n\
             Without a decision nothing is sent. Your yes is for this request and for no other.\n\n"
        );
    }
    let parts: Vec<String> = request.parts().iter().map(|part| visible(part)).collect();
    list(&mut text, "Context, and why", &parts, "No file is in it.");
    text.push_str("## Text\n\n");
    for (who, said) in request.spoken() {
        let said = visible(&said);
        let fence = fence(&said);
        let _ = write!(text, "### {who}\n\n{fence}text\n{}\n{fence}\n\n", said.trim_end_matches('\n'));
    }
    text.push_str("## As it goes over the wire, without the key\n\n");
    match wire {
        Ok(body) => {
            let body = visible(body);
            let fence = fence(&body);
            let _ = write!(text, "{fence}json\n{}\n{fence}\n", body.trim_end_matches('\n'));
        }
        Err(reason) => {
            let _ = writeln!(text, "It cannot be shown: {}", visible(reason));
        }
    }
    text
}

/// Writes a document that is only to be read, in the place of an earlier one of the same name.
///
/// # Errors
/// When the folder cannot be written.
pub(super) fn write_readonly(folder: &Path, name: &str, markdown: &str) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join(name);
    match std::fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    std::fs::write(&file, markdown)?;
    let mut permissions = std::fs::metadata(&file)?.permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&file, permissions)?;
    Ok(file)
}

/// Which model a run asks that names none, or what to do where there is none.
pub(super) fn model_fact(model: Option<&ModelName>, config: &Path) -> String {
    match model {
        Some(model) => format!(
            "a run that names no model asks `{model}`; `openexec models` in a terminal says whether it answers"
        ),
        None => format!(
            "there is no model yet, so no run can be started. One of these is enough: a key in \
             `ANTHROPIC_API_KEY`, `OPENAI_API_KEY` or `GEMINI_API_KEY`; Ollama on this machine; a model in \
             `{}`. Then restart the server",
            visible(&config.display().to_string())
        ),
    }
}

/// The state of all runs of the open workspaces. `facts` are said beside them, a line each.
pub(super) fn status_markdown(
    lines: &[RunLine],
    trust: &[(PathBuf, TrustState)],
    trouble: Option<&str>,
    facts: &[String],
) -> String {
    let mut text = "# OpenExec\n\n".to_owned();
    if let Some(trouble) = trouble {
        let _ = write!(text, "No run can be started: {trouble}\n\n");
    }
    for (root, trust) in trust {
        let root = root.display();
        match trust {
            TrustState::NothingDeclared => {
                let _ = writeln!(text, "- `{root}` declares no task, so nothing can be verified there");
            }
            TrustState::Trusted => {
                let _ = writeln!(text, "- the tasks of `{root}` are trusted");
            }
            TrustState::Untrusted { commands, loads, files, .. } => {
                let (subject, named) =
                    (subject(commands, loads), if commands.is_empty() { loads } else { commands });
                let _ = writeln!(
                    text,
                    "- the {subject} of `{root}` are not trusted: {} (from {}); `openexec.trust` trusts them, \
                     with {{\"review\": true}} it shows what they are",
                    named.join(", "),
                    files.join(", ")
                );
            }
        }
    }
    for fact in facts {
        let _ = writeln!(text, "- {fact}");
    }
    text.push_str("\n## Runs\n\n");
    if lines.is_empty() {
        text.push_str("No run has been started here.\n");
    }
    for line in lines {
        let run = short(&line.view.run);
        let next = match &line.view.status {
            _ if line.elsewhere => "; another process drives it",
            RunStatus::Active if line.driven => "; `openexec.cancel`",
            RunStatus::Paused { .. } if line.can_discard() => "; `openexec.resume`, `openexec.discard`",
            RunStatus::Paused { .. } => "; `openexec.resume`, `openexec.cancel`, `openexec.undo`",
            RunStatus::Active => "; `openexec.resume`, `openexec.cancel`",
            RunStatus::AwaitingApproval { what: Asked::Proposal { .. }, .. } => {
                "; `openexec.review`, `openexec.apply`, `openexec.discard`"
            }
            RunStatus::AwaitingApproval { what: Asked::Request(_), .. } => {
                "; `openexec.request`, `openexec.apply`, `openexec.discard`"
            }
            RunStatus::Ended { .. } if line.can_undo() => "; `openexec.undo`",
            RunStatus::Ended { .. } => "",
        };
        let (blueprint, standing, root) = (&line.view.blueprint, standing(line), line.root.display());
        let taken = match line.view.taken.as_str() {
            "" => String::new(),
            taken => format!(" ({taken})"),
        };
        let _ = writeln!(text, "- **{run}** `{blueprint}` in `{root}`: {standing}{taken}{next}");
    }
    text
}

/// What has been found out about a run's edits since it last edited, one line each.
pub(super) fn evidence(recorded: &[Recorded]) -> Vec<String> {
    let mut lines = Vec::new();
    for record in recorded {
        match &record.event {
            // What was judged before an edit says nothing of the tree after it.
            Event::EditsPlanned { .. } | Event::Rebased { .. } => lines.clear(),
            Event::TaskFinished { report, tree, .. } => {
                lines.push(format!("{} (tree {})", task(report), tree.short()));
            }
            Event::GateJudged { judgement, .. } => lines.push(match judgement {
                Judgement::Passed { summary } => format!("gate passed: {summary}"),
                Judgement::Red { summary } => format!("gate not passed: {summary}"),
                Judgement::Blocked { reason } => format!("gate blocked: {reason}"),
            }),
            Event::ProcedureStepped { part, task, judgement, .. } => {
                let how = match judgement {
                    Judgement::Passed { .. } => "succeeded".to_owned(),
                    Judgement::Red { summary: why } | Judgement::Blocked { reason: why } => why.clone(),
                };
                lines.push(format!("{} `{task}`: {how}", part.name()));
            }
            Event::RunStarted(_)
            | Event::RunbookFound { .. }
            | Event::StepStarted { .. }
            | Event::PolicyDecided { .. }
            | Event::ContextGathered { .. }
            | Event::ContextBuilt { .. }
            | Event::RequestProposed { .. }
            | Event::ModelRequested { .. }
            | Event::ModelReplied { .. }
            | Event::ModelFailed { .. }
            | Event::ReplyRejected { .. }
            | Event::FactsGathered { .. }
            | Event::Hydrated { .. }
            | Event::StepFinished { .. }
            | Event::Proposed { .. }
            | Event::Approved { .. }
            | Event::Refused { .. }
            | Event::PartsRejected { .. }
            | Event::BasesChecked { .. }
            | Event::ApplyIntended { .. }
            | Event::Applied { .. }
            | Event::Remembered { .. }
            | Event::CommandFailed { .. }
            | Event::CancelRequested { .. }
            | Event::ResumeRequested { .. }
            | Event::UndoRequested { .. }
            | Event::RunPaused { .. }
            | Event::RunEnded { .. } => {}
        }
    }
    lines
}

fn task(report: &TaskReport) -> String {
    let exit = match &report.exit {
        TaskExit::Exited { code } => format!("exit code {code}"),
        TaskExit::Signalled { signal } => format!("ended by signal {signal}"),
        TaskExit::TimedOut { limit_ms } => format!("killed after {} s", limit_ms / 1000),
        TaskExit::NotStarted { reason } => format!("not started: {reason}"),
    };
    let tests = report.tests.map(|counts| {
        format!(", {} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped)
    });
    let (argv, tests) = (report.argv.join(" "), tests.unwrap_or_default());
    let network: String =
        report.connections.iter().map(|connection| format!("; network: {connection}")).collect();
    format!("`{argv}`: {exit}{tests}, {} ms, sandbox {}{network}", report.duration_ms, report.sandbox)
}

fn list(text: &mut String, title: &str, lines: &[String], empty: &str) {
    let _ = write!(text, "## {title}\n\n");
    if lines.is_empty() {
        let _ = writeln!(text, "{empty}");
    }
    for line in lines {
        let _ = writeln!(text, "- {}", line.replace('\n', " "));
    }
    text.push('\n');
}

/// A fence that the text cannot close.
fn fence(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.saturating_add(1).max(3))
}

#[cfg(test)]
mod tests;
