//! Commands that look and change nothing of a run: lists, timelines, trust, blueprints.

use super::terminal::describe;
use super::{
    At, BlueprintWhat, GraphFormat, ReportArguments, ShowArguments, TrustArguments, drive, paint, runtime,
};
use crate::disclosure::{self, Disclosed};
use crate::driver::{Asked, Catalogue, RunStatus};
use crate::{graph, report as reports};
use anyhow::Context as _;
use openexec_engine::run::{Command, Outcome, RunState};
use openexec_engine::task::Trust;
use openexec_engine::{blueprint, edit};
use std::io::Write as _;
use std::process::ExitCode;

pub(super) fn runs(at: &At) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    let runs = runtime.store(&at.workspace)?.runs()?;
    if runs.is_empty() {
        anstream::println!("no run has been recorded for this workspace");
    }
    for summary in runs {
        let started = i64::try_from(summary.started_at_ms)
            .ok()
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
            .map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
            .unwrap_or_default();
        let told = match runtime.standing(&at.workspace, &summary) {
            Ok(standing) => {
                let view = &standing.view;
                let status = match &view.status {
                    RunStatus::Active => paint::warn("unfinished; `openexec resume` goes on"),
                    RunStatus::AwaitingApproval { what: Asked::Proposal { .. }, .. } => {
                        paint::warn("waits for approval")
                    }
                    RunStatus::AwaitingApproval { what: Asked::Request(request), .. } => {
                        format!("{} {request}", paint::warn("waits before it sends:"))
                    }
                    RunStatus::Paused { reason } => {
                        format!("{} {}", paint::warn("paused:"), paint::plain(reason))
                    }
                    RunStatus::Ended { outcome: Outcome::Done, summary } => {
                        format!("{} {}", paint::good("done:"), paint::plain(summary))
                    }
                    RunStatus::Ended { outcome, summary } => {
                        let word = format!("{outcome:?}:").to_lowercase();
                        format!("{} {}", paint::bad(&word), paint::plain(summary))
                    }
                };
                let taken = match view.taken.as_str() {
                    "" => String::new(),
                    taken => format!(" {}", paint::dim(&format!("({})", paint::plain(taken)))),
                };
                format!("{} · {} · {status}{taken}", view.blueprint, view.model)
            }
            Err(error) => paint::bad(&error.to_string()),
        };
        anstream::println!("{}  {}  {told}", summary.run, paint::dim(&started));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn show(arguments: &ShowArguments) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    let root = &arguments.at.workspace;
    let run = drive::find(&runtime, root, &arguments.run)?;
    let events = runtime.store(root)?.events(&run)?;
    if arguments.json {
        for recorded in &events {
            let line = serde_json::json!({
                "seq": recorded.seq, "at_ms": recorded.at_ms, "chain": recorded.chain, "event": recorded.event,
            });
            println!("{line}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(number) = arguments.request {
        let requests = disclosure::requests(events.iter().map(|recorded| &recorded.event));
        let requests = requests.map_err(anyhow::Error::msg)?;
        let request = number.checked_sub(1).and_then(|at| requests.get(at));
        let request = request.with_context(|| format!("the run made {} requests", requests.len()))?;
        match arguments.wire {
            true => println!("{}", runtime.preview(root, &request.request)?),
            false => print_request(request),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut state = RunState::new();
    let began = events.first().map_or(0, |recorded| recorded.at_ms);
    for recorded in &events {
        for command in state.apply(&recorded.event) {
            if let Command::Halt { reason } = command {
                anyhow::bail!("event {}: {reason}", recorded.seq);
            }
        }
        let since = recorded.at_ms.saturating_sub(began);
        for line in describe(&recorded.event) {
            anstream::println!("{}  {line}", paint::dim(&format!("{since:>7} ms")));
        }
    }
    if let Some(changes) = state.applied() {
        anstream::println!("\n{}", paint::strong("applied to your files:"));
        anstream::println!("{}", paint::diff(&edit::unified_diff(changes)));
    }
    for evidence in state.evidence() {
        anstream::println!(
            "{} {} (tree {})",
            paint::good("evidence:"),
            evidence.summary,
            evidence.tree.short()
        );
    }
    if !state.taken().is_empty() {
        anstream::println!("{} {}", paint::strong("models:"), paint::plain(&state.taken()));
        let today = runtime.spent_today()?;
        anstream::println!("{}", paint::dim(&format!("all your runs of today (UTC): {today}")));
    }
    anstream::println!("{}", paint::dim(&format!("{} events, chain verified", events.len())));
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a run, and says where it lies.
pub(super) fn report(arguments: &ReportArguments) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    let root = &arguments.at.workspace;
    let run = drive::find(&runtime, root, &arguments.run)?;
    let events = runtime.store(root)?.events(&run)?;
    let timeline = reports::timeline(events.iter().map(|recorded| (recorded.at_ms, &recorded.event)));
    let page = reports::page(&timeline.map_err(anyhow::Error::msg)?);
    let file = match &arguments.output {
        Some(output) if output.as_os_str() == "-" => {
            print!("{page}");
            return Ok(ExitCode::SUCCESS);
        }
        Some(output) => output.clone(),
        None => {
            let folder = runtime.run_dir(root, &run);
            std::fs::create_dir_all(&folder).with_context(|| {
                format!("`{}` cannot be made; name a file with --output", folder.display())
            })?;
            folder.join(reports::PAGE_FILE)
        }
    };
    write_page(&file, &page)
        .with_context(|| format!("`{}` cannot be written; name another with --output", file.display()))?;
    println!("{}", file.display());
    Ok(ExitCode::SUCCESS)
}

/// Puts a page in the place of what lies there, whole or not at all, for its owner's eyes.
fn write_page(file: &std::path::Path, page: &str) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut written = tempfile::NamedTempFile::new_in(folder.unwrap_or(std::path::Path::new(".")))?;
    written.write_all(page.as_bytes())?;
    written.persist(file)?;
    Ok(())
}

/// Exactly what is sent, but for the wire format and the key, and why.
fn print_request(disclosed: &Disclosed) {
    for (name, text) in disclosed.facts() {
        anstream::println!("{:<12}{}", name, paint::plain(&text));
    }
    let parts = disclosed.parts();
    anstream::println!("\n{}", paint::strong(if parts.is_empty() { "no context" } else { "context" }));
    for part in parts {
        println!("  {}", paint::plain(&part));
    }
    for (who, text) in disclosed.spoken() {
        println!("\n--- {who}\n{}", paint::plain(&text));
    }
}

pub(super) fn trust(arguments: &TrustArguments) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    let root = &arguments.at.workspace;
    if arguments.revoke {
        runtime.revoke_trust(root)?;
        anstream::println!("the workspace is no longer trusted");
        return Ok(ExitCode::SUCCESS);
    }
    let status = runtime.declarations(root)?;
    let changes = runtime.trust_changes(root)?;
    if !changes.files.is_empty() {
        let since = if changes.is_first { "what these files hold" } else { "what has changed since" };
        anstream::println!("{since}:\n{}", paint::diff(&changes.diff));
    }
    if arguments.show {
        anstream::println!("{} to trust this: openexec trust", paint::warn("nothing was trusted;"));
        return Ok(ExitCode::SUCCESS);
    }
    runtime.trust(root, status.declared.content)?;
    anstream::println!("{} as they are now; a change of these files ends it:", paint::good("trusted"));
    for file in status.declared.files.keys() {
        println!("  {}", paint::plain(file));
    }
    anstream::println!("which declare these tasks:");
    for task in &status.declared.tasks {
        println!("  {:<14} {}", task.name.to_string(), paint::plain(&task.argv.join(" ")));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn blueprint(what: BlueprintWhat) -> anyhow::Result<ExitCode> {
    match what {
        BlueprintWhat::Schema => {
            println!("{}", serde_json::to_string_pretty(&blueprint::json_schema())?);
            Ok(ExitCode::SUCCESS)
        }
        BlueprintWhat::List(at) => {
            let runtime = runtime()?;
            let untrusted = matches!(runtime.declarations(&at.workspace)?.trust, Trust::Untrusted);
            let catalogue = runtime.catalogue(&at.workspace)?;
            list(&catalogue);
            if untrusted && !catalogue.untrusted.is_empty() {
                anstream::println!(
                    "not loaded until you trust the workspace: {}",
                    catalogue.untrusted.join(", ")
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        BlueprintWhat::Graph { blueprint, at, format } => show_graph(&blueprint, &at, format),
        BlueprintWhat::Check { files } => {
            anyhow::ensure!(!files.is_empty(), "name the files to check");
            let mut code = ExitCode::SUCCESS;
            for file in files {
                let name = file.display().to_string();
                let text =
                    std::fs::read_to_string(&file).with_context(|| format!("`{name}` cannot be read"))?;
                match blueprint::load(&name, &text) {
                    Ok(blueprint) => anstream::println!(
                        "{name}: {}: `{}`, {} stages; every edit passes {} before it is applied",
                        paint::good("proven"),
                        blueprint.name,
                        blueprint.stages.len(),
                        blueprint.gates.iter().map(|gate| gate.name()).collect::<Vec<_>>().join(", "),
                    ),
                    Err(error) => {
                        anstream::eprintln!("{error}");
                        code = ExitCode::FAILURE;
                    }
                }
            }
            Ok(code)
        }
    }
}

fn list(catalogue: &Catalogue) {
    for (name, entry) in &catalogue.entries {
        match &entry.blueprint {
            Ok(blueprint) => anstream::println!(
                "{} {} {}",
                paint::strong(&format!("{:<18}", name.as_str())),
                paint::plain(&blueprint.description),
                paint::dim(&format!("({})", entry.origin))
            ),
            Err(error) => anstream::println!("{} {error}", paint::bad(name.as_str())),
        }
    }
}

/// Shows the graph of a blueprint by its file, else by its name.
fn show_graph(named: &str, at: &At, format: GraphFormat) -> anyhow::Result<ExitCode> {
    let path = std::path::Path::new(named);
    let blueprint = match path.is_file() {
        true => graph::text_of(path)
            .and_then(|text| graph::blueprint(named, &text))
            .map_err(anyhow::Error::msg)?,
        false => {
            let name = openexec_engine::ids::BlueprintName::new(named);
            runtime()?.catalogue(&at.workspace)?.take(&name)?
        }
    };
    let chart = blueprint::Chart::of(&blueprint);
    match format {
        GraphFormat::Text => anstream::print!("{}", chart.drawing()),
        GraphFormat::Mermaid => print!("{}", chart.mermaid()),
        GraphFormat::Json => println!("{}", serde_json::to_string_pretty(&chart)?),
    }
    Ok(ExitCode::SUCCESS)
}
