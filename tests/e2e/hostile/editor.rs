//! Cases with open documents: the real language server, with the documents open at the versions
//! that the case wants, and the run started from the editor.

use super::carry_out::{Looked, look, scripted_model};
use super::corpus::{Case, Defaults, Outcome};
use super::layout::Laid;
use super::mapping::Reply;
use super::outcome::{Came, came_of};
use super::told::{Recorded, Told};
use crate::client::{Abilities, Client, PATIENCE};
use openexec_engine::policy::Verdict;
use openexec_engine::run::Event;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Carries out a case in an editor.
pub fn carry_out(
    case: &Case,
    defaults: &Defaults,
    laid: &Laid,
    reply: &Reply,
    violations: &mut Vec<String>,
) -> Result<Came, String> {
    if !case.check_after.is_empty() || case.race.is_some() {
        return Err("facts and races of a case with open documents are unknown to the test".to_owned());
    }
    let text = std::str::from_utf8(&reply.0).map_err(|error| error.to_string())?;
    let model = scripted_model(laid, "implement", text);
    let before = Looked::at(laid);
    let child = laid
        .openexec(&["lsp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut client = Client::of_child(child, &laid.root(), Abilities::all());
    for document in &case.context.open_documents {
        let uri = client.open(&laid.root().join(&document.path));
        let text = client.text(&uri).to_owned();
        while client.buffers[&uri].version < document.version {
            client.type_text(&uri, &text);
        }
    }
    let goal = case.context.goal.as_ref().unwrap_or(&defaults.default_context.goal);
    let started = client
        .execute("openexec.run", json!({ "blueprint": "hostile", "instruction": goal, "model": model }))
        .map_err(|error| error.to_string())?;
    let run = started["run"].as_str().ok_or_else(|| format!("no run: {started}"))?.to_owned();
    let told = settled(laid, &run, &mut client)?;
    let came = came_of(&told)?;
    if came.outcome == Outcome::RequireApproval {
        client.execute("openexec.discard", json!({ "run": run })).map_err(|error| error.to_string())?;
    }
    drop(client);
    look(case, laid, &before, came.outcome, violations);
    Ok(came)
}

/// Waits until the run needs the user or is over.
pub fn settled(laid: &Laid, run: &str, client: &mut Client) -> Result<Told, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // While it waits for this answer, the client applies the edits that it is asked to.
        client.execute("openexec.status", Value::Null).map_err(|error| error.to_string())?;
        let told = journal(laid, run)?;
        // The baseline beside the run may end after the run has come to its stand.
        let last = told.events.iter().rev().find(|it| !matches!(it.event, Event::TaskFinished { .. }));
        let settled = last.is_some_and(|it| match &it.event {
            Event::RunPaused { .. } | Event::RunEnded { .. } => true,
            Event::Proposed { decision, .. } => decision.verdict == Verdict::Ask,
            _ => false,
        });
        if settled {
            return Ok(told);
        }
        if Instant::now() > deadline {
            return Err(format!("the run does not settle: {:?}", told.events.last()));
        }
    }
}

fn journal(laid: &Laid, run: &str) -> Result<Told, String> {
    let output = laid.openexec(&["show", run, "--json"]).output().map_err(|error| error.to_string())?;
    let mut told = Told { code: output.status.code(), ..Told::default() };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let event = serde_json::from_value(value["event"].clone()).map_err(|error| error.to_string())?;
        told.events.push(Recorded { event, at: Duration::ZERO });
    }
    Ok(told)
}
