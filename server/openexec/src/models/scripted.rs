//! Replies from a YAML file, or from the journal of an earlier run. Not a model: for
//! demonstrations, tests, and to look at a run once more.
//!
//! INVARIANT: which reply a request gets depends on the request alone (stage, attempt, turn),
//! never on what was asked before, so that a resumed run that repeats a call gets the same.

use super::{Model, ModelProgress};
use crate::config::SCRIPTED_PREFIX;
use crate::limits::{MODEL_TOTAL_TIMEOUT_MS, SCRIPT_BYTES_MAX};
use async_trait::async_trait;
use openexec_engine::ids::{ActionId, CommandId, ModelName, RunId, StageId, StepId};
use openexec_engine::model::{ModelError, ModelReply, ModelRequest, StopReason, ToolCall, Usage};
use openexec_engine::run::Event;
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    replies: Vec<Spanned<Entry>>,
}

/// One reply. Without `attempt` it belongs to the same attempt as the entry before it for
/// its stage (the first: 1); without `turn` it follows that entry's turn (the first: 1).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    stage: StageId,
    attempt: Option<u32>,
    turn: Option<u32>,
    /// Waits before it answers.
    #[serde(default)]
    delay_ms: u64,
    /// Typed actions.
    reply: Option<Actions>,
    /// The reply's text as it is, for replies that are not what they should be.
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Actions {
    #[serde(default)]
    text: String,
    actions: Vec<Map<String, Value>>,
}

/// Which request a reply belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    stage: StageId,
    attempt: u32,
    turn: u32,
}

struct Scripted {
    source: String,
    replies: BTreeMap<Place, (Duration, ModelReply)>,
}

/// Connects a file of scripted replies. Its model name is `scripted:FILE`.
///
/// # Errors
/// When the file cannot be read or is malformed: with line, column and remedy.
pub fn connect_scripted(file: &Path) -> Result<Arc<dyn Model>, ModelError> {
    let source = file.display().to_string();
    let text = text(file).map_err(|remedy| not_configured(&source, remedy))?;
    connect_scripted_text(&source, &text)
}

/// Connects scripted replies that are at hand, under a name for messages.
///
/// # Errors
/// When the text is malformed: with line, column and remedy.
pub fn connect_scripted_text(name: &str, yaml: &str) -> Result<Arc<dyn Model>, ModelError> {
    let replies = replies(yaml).map_err(|(at, what)| {
        not_configured(name, format!("{name}:{}:{}: {what}", at.line().max(1), at.column().max(1)))
    })?;
    Ok(Arc::new(Scripted { source: name.to_owned(), replies }))
}

/// Connects the replies of a run that was recorded. Its model name is `recorded:RUN`. They are
/// given byte for byte, at the same places of the workflow.
pub fn connect_recorded(run: &RunId, events: &[Event]) -> Arc<dyn Model> {
    let mut steps: BTreeMap<StepId, (StageId, u32)> = BTreeMap::new();
    let mut asked: BTreeMap<CommandId, Place> = BTreeMap::new();
    let mut replies = BTreeMap::new();
    for event in events {
        if let Event::StepStarted { step, stage, attempt } = event {
            steps.insert(*step, (stage.clone(), *attempt));
        } else if let Event::ModelRequested { command, step, turn, .. } = event {
            if let Some((stage, attempt)) = steps.get(step).cloned() {
                asked.insert(*command, Place { stage, attempt, turn: *turn });
            }
        } else if let Event::ModelReplied { command, reply, .. } = event
            && let Some(place) = asked.get(command)
        {
            replies.insert(place.clone(), (Duration::ZERO, reply.clone()));
        }
    }
    Arc::new(Scripted { source: format!("run {run}"), replies })
}

fn not_configured(source: &str, remedy: String) -> ModelError {
    ModelError::NotConfigured { model: ModelName::new(format!("{SCRIPTED_PREFIX}{source}")), remedy }
}

fn text(file: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("could not read `{}`: {error}", file.display());
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(failed)?;
    opened.take(SCRIPT_BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() > SCRIPT_BYTES_MAX {
        return Err(format!("`{}` is larger than {SCRIPT_BYTES_MAX} bytes; split it", file.display()));
    }
    Ok(text)
}

fn replies(yaml: &str) -> Result<BTreeMap<Place, (Duration, ModelReply)>, (Location, String)> {
    let script: Script = serde_saphyr::from_str(yaml).map_err(|error| {
        let said = error.without_snippet().to_string();
        let what = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
        (error.location().unwrap_or(Location::UNKNOWN), what.to_owned())
    })?;
    let mut last: BTreeMap<StageId, Place> = BTreeMap::new();
    let mut replies = BTreeMap::new();
    for entry in script.replies {
        let (at, entry) = (entry.referenced, entry.value);
        let place = place(&entry, last.get(&entry.stage));
        if place.attempt == 0 || place.turn == 0 {
            return Err((at, "`attempt` and `turn` are counted from 1".to_owned()));
        }
        if entry.delay_ms > MODEL_TOTAL_TIMEOUT_MS {
            return Err((at, format!("`delay_ms` is {MODEL_TOTAL_TIMEOUT_MS} at most")));
        }
        let delay = Duration::from_millis(entry.delay_ms);
        let reply = reply(entry).map_err(|what| (at, what))?;
        last.insert(place.stage.clone(), place.clone());
        if replies.insert(place.clone(), (delay, reply)).is_some() {
            return Err((at, format!("{} is answered twice; remove one of the two", described(&place))));
        }
    }
    Ok(replies)
}

fn place(entry: &Entry, before: Option<&Place>) -> Place {
    let attempt = entry.attempt.or(before.map(|before| before.attempt)).unwrap_or(1);
    let following =
        before.filter(|before| before.attempt == attempt).map(|before| before.turn.saturating_add(1));
    Place { stage: entry.stage.clone(), attempt, turn: entry.turn.or(following).unwrap_or(1) }
}

fn described(place: &Place) -> String {
    format!("turn {} of attempt {} of stage `{}`", place.turn, place.attempt, place.stage)
}

fn reply(entry: Entry) -> Result<ModelReply, String> {
    let (text, actions) = match (entry.reply, entry.text) {
        (Some(reply), None) => (reply.text, reply.actions),
        (None, Some(text)) => (text, Vec::new()),
        (Some(_), Some(_)) => return Err("write either `reply` or `text`, not both".to_owned()),
        (None, None) => return Err("write `reply: {actions: […]}` or `text`".to_owned()),
    };
    let stop = if actions.is_empty() { StopReason::End } else { StopReason::ToolUse };
    let tool_calls = actions.into_iter().zip(1..).map(tool_call).collect::<Result<_, _>>()?;
    Ok(ModelReply { text, tool_calls, stop, usage: Usage::default(), opaque: Vec::new() })
}

/// An action's contents are not judged here: what a model writes is not either.
fn tool_call((mut action, number): (Map<String, Value>, u32)) -> Result<ToolCall, String> {
    let mut take = |field: &str| match action.shift_remove(field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("action {number}: `{field}` must be a text")),
    };
    let id = take("id")?.unwrap_or_else(|| format!("a{number}"));
    let name =
        take("kind")?.ok_or_else(|| format!("action {number}: `kind` is missing, such as `replace_text`"))?;
    Ok(ToolCall { id: ActionId::new(id), name, arguments: Value::Object(action).to_string() })
}

#[async_trait]
impl Model for Scripted {
    fn describe(&self) -> String {
        format!("scripted replies from {} (not a model)", self.source)
    }

    async fn complete(
        &self,
        request: &ModelRequest,
        progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<ModelReply, ModelError> {
        let place = Place { stage: request.stage.clone(), attempt: request.attempt, turn: request.turn };
        let (delay, reply) = self.replies.get(&place).ok_or_else(|| ModelError::ScriptExhausted {
            reason: format!("{} says nothing for {}", self.source, described(&place)),
        })?;
        tokio::time::sleep(*delay).await;
        let arguments: usize = reply.tool_calls.iter().map(|call| call.arguments.len()).sum();
        progress(ModelProgress::Received { bytes: reply.text.len() + arguments });
        Ok(reply.clone())
    }
}

#[cfg(test)]
mod tests;
