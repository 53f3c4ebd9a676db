//! Carrying out one case: the reply goes through the real program, what other processes do
//! happens at its time, and afterwards everything is looked at.

use super::checks;
use super::config;
use super::corpus::{Case, Defaults, Layer, Outcome};
use super::editor;
use super::layout::{Laid, Listing, difference};
use super::loopback::BytesServer;
use super::mapping::{self, Reply};
use super::outcome::{Came, came_of, reports};
use super::told::{Told, listen};
use openexec_engine::run::Event;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Bytes of a reply that goes into a file of scripted replies; a larger one comes from a server.
const SCRIPTED_BYTES_MAX: usize = 1024 * 1024;

/// What a case came to.
#[derive(Debug)]
pub struct Result_ {
    /// What came of it; an error when it could not be carried out.
    pub came: Result<Came, String>,
    /// Facts that do not hold afterwards.
    pub violations: Vec<String>,
}

/// A workspace before and after.
pub struct Looked {
    pub inside: Listing,
    pub outside: Listing,
}

impl Looked {
    pub fn at(laid: &Laid) -> Self {
        Self { inside: laid.inside(), outside: laid.outside() }
    }
}

/// Carries out a case and looks at everything.
pub fn carry_out(case: &Case, defaults: &Defaults) -> Result_ {
    let mut violations = Vec::new();
    let mut came = attempt(case, defaults, &mut violations);
    if let (Ok(first), Some(without)) = (&came, mapping::without_needless(case))
        && first.rules == ["parse"]
    {
        came = attempt(&without, defaults, &mut violations);
    }
    Result_ { came, violations }
}

fn attempt(case: &Case, defaults: &Defaults, violations: &mut Vec<String>) -> Result<Came, String> {
    let laid = Laid::of(case, defaults)?;
    if let Some(action) = case.first("load_config") {
        return config::load(case, defaults, action, &laid, violations);
    }
    let reply = mapping::reply(case, &laid)?;
    if !case.context.open_documents.is_empty() {
        return editor::carry_out(case, defaults, &laid, &reply, violations);
    }
    let mut before = Looked::at(&laid);
    let told = run(case, defaults, &laid, &reply, &mut before)?;
    let mut came = match came_of(&told) {
        // Where a write has to be stopped, any end before it is as good.
        Err(reason) if case.enforced_by == Layer::Apply => {
            Came { outcome: Outcome::Block, rules: vec!["apply".to_owned()], reason }
        }
        came => came?,
    };
    if came.outcome == Outcome::RequireApproval {
        refuse(&laid, &told);
    }
    look(case, &laid, &before, came.outcome, violations);
    checks::verify(case, &laid, &before, &told, violations);
    if case.enforced_by == Layer::Sandbox {
        came = of_sandbox(&told, came)?;
        if case.check_after.contains_key("no_network") {
            checks::tripwire(case, defaults, violations)?;
        }
    }
    Ok(came)
}

/// Runs the reply of a case. `before` is taken anew when another process has interfered.
pub fn run(
    case: &Case,
    defaults: &Defaults,
    laid: &Laid,
    reply: &Reply,
    before: &mut Looked,
) -> Result<Told, String> {
    let (arguments, _server) = arguments(case, defaults, laid, reply)?;
    *before = Looked::at(laid);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut asked = false;
    let mut raced = Ok(());
    let mut due = case.race.as_ref();
    let told = listen(laid.openexec(&words), |event| {
        asked |= matches!(event, Event::ModelReplied { .. });
        let here = due.is_some_and(|race| match race.after.as_str() {
            "policy_decision" => asked && matches!(event, Event::PolicyDecided { .. }),
            other => event.name() == other,
        });
        if let Some(race) = due.take_if(|_| here) {
            raced = laid.race(race);
            *before = Looked::at(laid);
        }
    })?;
    raced?;
    match due {
        Some(race) => Err(format!("the point `{}` was never reached", race.after)),
        None => Ok(told),
    }
}

/// The command line of a run, and the model's server where one is needed.
fn arguments(
    case: &Case,
    defaults: &Defaults,
    laid: &Laid,
    reply: &Reply,
) -> Result<(Vec<String>, Option<BytesServer>), String> {
    let reads_only = case
        .context
        .stage
        .as_ref()
        .is_some_and(|stage| stage.get("sandbox").and_then(Value::as_str) == Some("read_only"));
    let (blueprint, stage) = if reads_only { ("review", "review") } else { ("hostile", "implement") };
    let goal = case.context.goal.as_ref().unwrap_or(&defaults.default_context.goal);
    let scripted = std::str::from_utf8(&reply.0).ok().filter(|text| text.len() <= SCRIPTED_BYTES_MAX);
    let (model, server) = match scripted {
        Some(text) => (scripted_model(laid, stage, text), None),
        None => {
            let server = BytesServer::start(reply.0.clone());
            laid.configure_model(&server.base_url());
            ("wire".to_owned(), Some(server))
        }
    };
    let mut arguments = vec!["run", blueprint, "--json", "--step", "--instruction", goal, "--model", &model];
    if reads_only {
        arguments.extend(["--at-place", "README.md:1"]);
    }
    Ok((arguments.into_iter().map(str::to_owned).collect(), server))
}

/// A file of scripted replies: the hostile one, then the end.
pub fn scripted_model(laid: &Laid, stage: &str, text: &str) -> String {
    scripted_turns(laid, stage, &[text.to_owned()])
}

/// A file of scripted replies: these, one a turn, then the end.
pub fn scripted_turns(laid: &Laid, stage: &str, texts: &[String]) -> String {
    let finish = json!({ "actions": [{ "id": "z", "kind": "finish", "summary": "done" }] }).to_string();
    let turns = texts.iter().chain([&finish]);
    let entries: String =
        turns.map(|text| format!("  - stage: {stage}\n    text: {}\n", yaml_text(text))).collect();
    let file = laid.top().join("replies.yaml");
    std::fs::write(&file, format!("replies:\n{entries}")).unwrap();
    format!("scripted:{}", file.display())
}

/// A text of YAML in double quotes, in ASCII.
fn yaml_text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 16);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            other => quoted.push_str(&format!("\\U{:08x}", u32::from(other))),
        }
    }
    quoted.push('"');
    quoted
}

/// The user refuses whatever waits.
pub fn refuse(laid: &Laid, told: &Told) {
    if let Some(run) = told.run() {
        let _ = laid.openexec(&["discard", &run]).output();
    }
}

/// What always holds: nothing but the workspace changes, and that only where it was allowed,
/// and only where the reply said so.
pub fn look(case: &Case, laid: &Laid, before: &Looked, outcome: Outcome, violations: &mut Vec<String>) {
    let after = Looked::at(laid);
    for path in difference(&before.outside, &after.outside) {
        violations.push(format!("changed outside the workspace: {}", path.display()));
    }
    let named = named_paths(case, laid);
    let edits = ["create", "edit", "delete", "rename"].iter().any(|kind| case.first(kind).is_some());
    if outcome == Outcome::Allow && edits && before.inside == after.inside {
        violations.push("it was allowed and nothing changed on the disk".to_owned());
    }
    for path in difference(&before.inside, &after.inside) {
        let expected = named.iter().any(|named| named.starts_with(&path) || &path == named);
        if outcome != Outcome::Allow || !expected {
            violations.push(format!("changed in the workspace although {outcome:?}: {}", path.display()));
        }
    }
}

/// The paths that a case's reply names, whatever they are.
fn named_paths(case: &Case, laid: &Laid) -> Vec<PathBuf> {
    let raw = case.raw_output.as_ref().and_then(Value::as_str);
    let parsed = raw.and_then(|raw| serde_json::from_str::<Value>(raw).ok());
    let raw_actions = parsed.as_ref().and_then(|value| value["actions"].as_array());
    let of_raw = raw_actions.into_iter().flatten().filter_map(Value::as_object);
    case.actions
        .iter()
        .chain(of_raw)
        .flat_map(|action| ["path", "new_path"].map(|key| action.get(key).and_then(Value::as_str)))
        .flatten()
        .map(|path| laid.root().join(path))
        .collect()
}

/// For what the sandbox has to stop, the effect counts and not the decision: the facts are
/// verified elsewhere. But the task must really have run.
fn of_sandbox(told: &Told, came: Came) -> Result<Came, String> {
    if came.outcome == Outcome::Block {
        return Ok(came);
    }
    let reports = reports(told);
    let Some(report) = reports.first() else {
        return Err("the task never ran".to_owned());
    };
    let ran = ["running ", "passed", "failed", "xxxx"].iter().any(|word| report.output.contains(word));
    if !ran {
        return Err(format!("the task did not execute the test: {:?} {}", report.exit, report.output));
    }
    Ok(Came { outcome: Outcome::Block, rules: vec!["sandbox".to_owned()], reason: report.sandbox.clone() })
}
