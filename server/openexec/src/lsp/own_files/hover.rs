//! What the word at a place means, as Markdown.

use super::complete::meaning;
use super::navigate::{Word, word_at};
use super::{Known, OwnFile};
use crate::lsp::protocol::{Hover, HoverContents, MarkupContent, MarkupKind, Position};
use crate::lsp::trust::TrustState;
use crate::memory::Shared;
use openexec_engine::blueprint::{DeterministicAction, SketchedStage};
use openexec_engine::memory::Kind as RecordKind;
use openexec_engine::outline::{Role, Spot};
use openexec_engine::task::Task;
use openexec_engine::text::visible;

/// What is shown at a position.
pub(in crate::lsp) fn hover(
    file: &OwnFile,
    position: Position,
    known: &Known,
    markdown: bool,
) -> Option<Hover> {
    let spot = file.outline.at(file.byte_of(position)?)?;
    let value = told(file, &spot, known)?;
    let kind = if markdown { MarkupKind::Markdown } else { MarkupKind::PlainText };
    let range = Some(file.range(&spot.node.range));
    Some(Hover { contents: HoverContents::Markup(MarkupContent { kind, value }), range })
}

fn told(file: &OwnFile, spot: &Spot<'_>, known: &Known) -> Option<String> {
    if spot.role == Role::Key {
        return key(file, spot);
    }
    match word_at(file, spot) {
        Some(Word::Stage(id)) => file.sketch().stage(&id).map(stage),
        Some(Word::Task(name)) => {
            let task = known.tasks.iter().flatten().find(|task| task.name.as_str() == name);
            Some(task.map_or_else(
                || format!("`{}`: this workspace declares no such task", plain(&name)),
                |it| self::task(it, known),
            ))
        }
        Some(Word::Artifact(name)) => {
            let sketch = file.sketch();
            let leaves = sketch.stages.iter().filter(|stage| stage.leaves().contains(&name));
            let mut by: Vec<String> =
                leaves.filter_map(SketchedStage::name).map(|name| format!("`{}`", plain(name))).collect();
            if sketch.run_inputs().contains(&name.as_str()) {
                by.push("the run's inputs".to_owned());
            }
            (!by.is_empty()).then(|| format!("`{}`: left by {}", plain(&name), by.join(", ")))
        }
        Some(Word::Record(kind, id)) => Some(record(file, kind, &id, known)),
        Some(Word::Toolset(_)) | None => choice(file, spot),
    }
}

/// What kind of record a name means, and what it says.
fn record(file: &OwnFile, kind: RecordKind, id: &str, known: &Known) -> String {
    let mut texts = known.memory_files.clone();
    texts.insert(file.name(), file.text.clone());
    let shared = Shared::of(&texts);
    let found =
        shared.records().chain(&known.own_records).find(|it| it.kind() == kind && it.id.as_str() == id);
    match found {
        Some(record) => format!(
            "**{}** · {} · from `{}`\n\n{}",
            plain(id),
            kind.name(),
            plain(&record.origin.to_string()),
            plain(&record.gist())
        ),
        None => format!("`{}`: there is no {} of this name", plain(id), kind.name()),
    }
}

fn key(file: &OwnFile, spot: &Spot<'_>) -> Option<String> {
    let said = file.schema().describe(&spot.path)?;
    let name = spot.node.text()?;
    let choices: Vec<String> =
        file.schema().choices(&spot.path).iter().map(|choice| format!("`{}`", choice.name)).collect();
    let values =
        if choices.is_empty() { String::new() } else { format!("\n\nOne of {}.", choices.join(", ")) };
    Some(format!("**{}**: {said}{values}", plain(name)))
}

/// A value of a closed set.
fn choice(file: &OwnFile, spot: &Spot<'_>) -> Option<String> {
    let text = spot.node.text()?;
    let choice = file.schema().choices(&spot.path).into_iter().find(|choice| choice.name == text)?;
    let action = DeterministicAction::ALL.into_iter().find(|action| action.name() == text);
    let mut told = match choice.description.is_empty() {
        true => meaning(text),
        false => choice.description,
    };
    if let Some(action) = action {
        told += &format!(" Leaves `{}`.", action.output());
        if action.edits() {
            told += " It edits, so the gates must be passed after it.";
        }
        if !action.is_idempotent() {
            told += " It is never repeated blindly.";
        }
    }
    (!told.is_empty()).then(|| format!("**{}**: {}", plain(text), told.trim()))
}

fn stage(stage: &SketchedStage) -> String {
    let name = |named: &Option<openexec_engine::blueprint::Named>| {
        named.as_ref().map(|named| format!("`{}`", plain(&named.name)))
    };
    let mut told = format!("**{}**", plain(stage.name().unwrap_or_default()));
    let does = [name(&stage.kind), name(&stage.action), name(&stage.task), name(&stage.toolset)];
    let does: Vec<String> = does.into_iter().flatten().collect();
    if !does.is_empty() {
        told += &format!(" · {}", does.join(" · "));
    }
    if let Some(goal) = &stage.goal {
        told += &format!("\n\n{}", plain(goal.name.trim()));
    }
    let success = name(&stage.on_success).unwrap_or_else(|| "the next stage".to_owned());
    let failure = name(&stage.on_failure).unwrap_or_else(|| "`fail`".to_owned());
    told + &format!("\n\nAfter success: {success}. After failure: {failure}.")
}

fn task(task: &Task, known: &Known) -> String {
    let trust = match &known.trust {
        Some(TrustState::Trusted) => "Trusted as it is.",
        Some(TrustState::Untrusted { .. }) => "Not trusted: it does not run.",
        Some(TrustState::NothingDeclared) | None => "",
    };
    format!(
        "**{}** · {} · from `{}`\n\n    {}\n\n{trust}",
        plain(task.name.as_str()),
        kind_name(task),
        plain(&task.origin),
        plain(&task.argv.join(" "))
    )
    .trim_end()
    .to_owned()
}

fn kind_name(task: &Task) -> &'static str {
    use openexec_engine::task::TaskKind;
    match task.kind {
        TaskKind::Test => "test",
        TaskKind::Lint => "lint",
        TaskKind::Format => "format",
        TaskKind::Other => "other",
    }
}

/// A text of somebody's, which shall not become markup and hides nothing.
fn plain(text: &str) -> String {
    visible(text).chars().map(|it| if matches!(it, '<' | '[' | '`') { ' ' } else { it }).collect()
}
