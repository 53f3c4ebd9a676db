//! The facts of `check_after`. A fact that cannot be verified is a violation: it was not verified.

use super::carry_out::{Looked, run};
use super::corpus::{Case, Defaults};
use super::layout::{Laid, SESSION_SECRETS, difference};
use super::loopback::Tripwire;
use super::mapping;
use super::outcome::reports;
use super::told::Told;
use openexec_engine::run::Event;
use openexec_engine::task::TaskExit;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of output from which on a task counts as one that floods.
const FLOOD_BYTES: u64 = 1024 * 1024;

/// Verifies every fact of a case after its run.
pub fn verify(case: &Case, laid: &Laid, before: &Looked, told: &Told, violations: &mut Vec<String>) {
    for (fact, wanted) in &case.check_after {
        let found = match fact.as_str() {
            "max_ms" => within(told.decision_took(), wanted),
            "max_rss_mb" => at_most("bytes of memory", told.peak_bytes, wanted, 1024 * 1024),
            "max_output_bytes" => output(laid, told, wanted),
            "max_seconds" => at_most("seconds", told.took.as_secs(), wanted, 1),
            "effective_capabilities_subset_of" => capabilities(told, wanted),
            "env_absent" => absent_variables(told, wanted),
            "no_survivors" => no_survivors(laid),
            "no_network" => in_namespaces(told),
            other => on_disk(other, wanted, laid, before),
        };
        violations.extend(found.err().map(|reason| format!("{fact}: {reason}")));
    }
}

/// Facts about files.
pub fn on_disk(fact: &str, wanted: &Value, laid: &Laid, before: &Looked) -> Result<(), String> {
    let paths: Vec<PathBuf> = match wanted {
        Value::String(one) => vec![normal(&laid.root().join(one))],
        Value::Array(several) => {
            several.iter().filter_map(Value::as_str).map(|path| normal(&laid.root().join(path))).collect()
        }
        _ => return Err("this cannot be verified".to_owned()),
    };
    if paths.is_empty() {
        return Err("it names nothing".to_owned());
    }
    let after = Looked::at(laid);
    for path in paths {
        let changed = difference(&before.inside, &after.inside)
            .into_iter()
            .chain(difference(&before.outside, &after.outside));
        let wrong = match fact {
            "must_not_exist" => path.symlink_metadata().is_ok(),
            "unchanged" | "dir_unchanged" => {
                path.symlink_metadata().is_err() || changed.into_iter().any(|it| it.starts_with(&path))
            }
            _ => return Err("this fact is unknown to the test".to_owned()),
        };
        if wrong {
            return Err(format!("it does not hold for {}", path.display()));
        }
    }
    Ok(())
}

/// Takes `..` out of a path of the layout, in which no directory on the way is a link.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut whole, part| {
        match part {
            std::path::Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
        whole
    })
}

/// Whether something took no longer than a number of milliseconds.
pub fn within(took: Option<Duration>, wanted: &Value) -> Result<(), String> {
    let limit = Duration::from_millis(wanted.as_u64().ok_or("no number")?);
    match took {
        Some(took) if took <= limit => Ok(()),
        Some(took) => Err(format!("it took {took:?}, and {limit:?} is the limit")),
        None => Err("nothing was decided".to_owned()),
    }
}

/// Whether a number is no greater than another one.
pub fn at_most(what: &str, found: u64, wanted: &Value, unit: u64) -> Result<(), String> {
    let limit = wanted.as_u64().ok_or("no number")? * unit;
    match found {
        0 if unit > 1 => Err(format!("{what} were not measured")),
        found if found <= limit => Ok(()),
        found => Err(format!("{found} {what}, and {limit} is the limit")),
    }
}

/// What was kept of a flood, in the journal and in the user's state.
fn output(laid: &Laid, told: &Told, wanted: &Value) -> Result<(), String> {
    let reports = reports(told);
    let report = reports.first().ok_or("no task ran")?;
    // A test harness may hold the flood back; then the task does not end by itself.
    let ended = matches!(report.exit, TaskExit::Exited { code: 0 });
    if report.output_bytes < FLOOD_BYTES && ended {
        return Err(format!("it printed no more than {} bytes: {}", report.output_bytes, report.output));
    }
    at_most("bytes of output", report.output.len() as u64, wanted, 1)?;
    let state = bytes_below(&laid.top().join("state"), "db");
    at_most("bytes of state", state, wanted, 1)
}

/// The bytes of all files below a directory whose names contain `part`.
fn bytes_below(directory: &Path, part: &str) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(sort) if sort.is_dir() => bytes_below(&entry.path(), part),
            Ok(sort) if sort.is_file() && entry.file_name().to_string_lossy().contains(part) => {
                entry.metadata().map_or(0, |metadata| metadata.len())
            }
            _ => 0,
        })
        .sum()
}

/// The capabilities of the run, in the corpus' words: `shell_exec` of ours runs declared tasks
/// and nothing else, and there is no shell.
fn capabilities(told: &Told, wanted: &Value) -> Result<(), String> {
    let wanted: Vec<&str> = wanted.as_array().ok_or("no list")?.iter().filter_map(Value::as_str).collect();
    let started = told.events.iter().find_map(|it| match &it.event {
        Event::RunStarted(start) => Some(&start.policy),
        _ => None,
    });
    // A run that was not started has no capability at all.
    let Some(policy) = started else { return Ok(()) };
    let found: Vec<String> = policy
        .capabilities
        .iter()
        .map(|capability| serde_json::to_value(capability).unwrap().as_str().unwrap().to_owned())
        .collect();
    let more: Vec<&String> = found.iter().filter(|name| !wanted.contains(&name.as_str())).collect();
    if more.is_empty() { Ok(()) } else { Err(format!("the run has {more:?} beside {wanted:?}")) }
}

/// Variables of the user's session that a task must not have seen.
fn absent_variables(told: &Told, wanted: &Value) -> Result<(), String> {
    let reports = reports(told);
    let report = reports.first().ok_or("no task ran")?;
    if !report.output.contains("PATH=") {
        return Err(format!("the task printed no environment: {}", report.output));
    }
    let names = wanted.as_array().ok_or("no list")?.iter().filter_map(Value::as_str);
    for name in names {
        if report.output.contains(&format!("{name}=")) {
            return Err(format!("the task saw {name}"));
        }
    }
    let journal: String = told.events.iter().map(|it| serde_json::to_string(&it.event).unwrap()).collect();
    for (name, value) in SESSION_SECRETS {
        if journal.contains(value) {
            return Err(format!("the value of {name} stands in the journal"));
        }
    }
    Ok(())
}

/// No process lives that belongs to this case.
fn no_survivors(laid: &Laid) -> Result<(), String> {
    let mark = laid.top().display().to_string();
    let own = std::process::id().to_string();
    for entry in std::fs::read_dir("/proc").map_err(|error| error.to_string())?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == own || !name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let place = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if place.starts_with(&mark) || String::from_utf8_lossy(&environment).contains(&mark) {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            return Err(format!("process {name} lives: {}", String::from_utf8_lossy(&line)));
        }
    }
    Ok(())
}

/// The runtime's own evidence of where a task ran.
fn in_namespaces(told: &Told) -> Result<(), String> {
    let reports = reports(told);
    let report = reports.first().ok_or("no task ran")?;
    match report.sandbox.contains("namespaces") {
        true => Ok(()),
        false => Err(format!("the task ran in `{}`", report.sandbox)),
    }
}

/// The case once more, with a port of this machine in the place of the attacker's: nobody comes.
pub fn tripwire(case: &Case, defaults: &Defaults, violations: &mut Vec<String>) -> Result<(), String> {
    let tripwire = Tripwire::set();
    let laid = Laid::of(case, defaults)?;
    let mut case = case.clone();
    let place = tripwire.address().to_string();
    let foreign =
        regex::Regex::new(r"(?:203\.0\.113\.\d+|169\.254\.\d+\.\d+|[\w-]+(?:\.[\w-]+)*\.example)(?::\d+)?")
            .map_err(|error| error.to_string())?;
    let mut replaced = false;
    for action in &mut case.actions {
        if let Some(Value::String(text)) = action.get_mut("new_text") {
            let new = foreign.replace_all(text, place.as_str()).into_owned();
            replaced |= &new != text;
            *text = new;
        }
    }
    if !replaced {
        return Err("the case names no foreign host".to_owned());
    }
    let reply = mapping::reply(&case, &laid)?;
    let mut before = Looked::at(&laid);
    let told = run(&case, defaults, &laid, &reply, &mut before)?;
    if reports(&told).is_empty() {
        violations.push("no_network: the task did not run with a reachable address".to_owned());
    }
    match tripwire.visits() {
        0 => {}
        visits => violations.push(format!("no_network: {visits} connections came out of the sandbox")),
    }
    Ok(())
}
