//! Commands that make a run go on, and wait for it.

use super::terminal::{Format, Terminal};
use super::{How, OneRun, RejectArguments, RouteArguments, RunArguments, Wish, paint, runtime};
use crate::driver::{Asked, RunHandle, RunStatus, RunView, Runtime, Say, StartRequest};
use anyhow::Context as _;
use openexec_engine::digest::Digest;
use openexec_engine::ids::RunId;
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::{Inputs, Outcome, Status, Target};
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

impl How {
    fn terminal(&self) -> Arc<Terminal> {
        Arc::new(Terminal::new(if self.json { Format::Json } else { Format::Text }, self.step))
    }

    fn may_ask(&self) -> bool {
        !self.no_input && !self.json && !self.step && std::io::stdin().is_terminal()
    }
}

impl Wish {
    fn request(self) -> anyhow::Result<StartRequest> {
        let patch = self.patch.as_ref().map(|file| {
            std::fs::read_to_string(file)
                .with_context(|| format!("the patch `{}` cannot be read", file.display()))
        });
        let inputs = Inputs {
            instruction: self.instruction,
            target: self.at_place.as_deref().map(parse_place).transpose()?,
            failing_test: self.test,
            diagnostics: Vec::new(),
            patch: patch.transpose()?,
        };
        Ok(StartRequest { root: self.at.workspace, blueprint: self.blueprint, inputs, model: self.model })
    }
}

pub(super) async fn route(arguments: RouteArguments) -> anyhow::Result<ExitCode> {
    let (routed, models) = runtime()?.route(&arguments.wish.request()?).await?;
    if arguments.json {
        println!("{}", serde_json::json!({ "route": routed, "models": models.ok() }));
        return Ok(ExitCode::SUCCESS);
    }
    let plan = &routed.plan;
    anstream::println!("blueprint    {} ({})", paint::strong(plan.blueprint.as_str()), plan.mode);
    anstream::println!("toolset      {}", plan.toolset);
    let zones: Vec<&str> = plan.zones.iter().map(WorkspacePath::as_str).collect();
    anstream::println!(
        "files        {}",
        if zones.is_empty() { "none named".into() } else { zones.join(", ") }
    );
    anstream::println!("sensitivity  {}", plan.sensitivity);
    match models {
        Ok(models) if models.are_local() => anstream::println!("             {models}, on this machine"),
        Ok(models) => anstream::println!("             {models}"),
        Err(why) => anstream::println!("{}      {}", paint::warn("no model"), paint::plain(&why.to_string())),
    }
    for why in routed.because() {
        anstream::println!("because      {}", paint::plain(&why));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn run(arguments: RunArguments) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    let request = arguments.wish.request()?;
    if request.model.is_none()
        && let Some(found) = runtime.model_at_hand().await
    {
        anstream::eprintln!("{found}");
    }
    let handle = runtime.start(request, arguments.how.terminal()).await?;
    conclude(&handle, arguments.how.may_ask(), !arguments.how.json).await
}

pub(super) async fn resume(one: OneRun) -> anyhow::Result<ExitCode> {
    let journal = runtime()?;
    let run = find(&journal, &one.at.workspace, &one.run)?;
    let state = journal.fold(&one.at.workspace, &run)?.state;
    if let Status::Ended { summary, .. } = state.status()
        && !state.has_unrecorded()
    {
        anyhow::bail!("run {run} is over ({summary}); `openexec undo` takes it back");
    }
    let (_, handle) = take_up(&one).await?;
    if matches!(handle.view().status, RunStatus::Paused { .. }) {
        handle.say(Say::Resume, "terminal").await?;
    }
    conclude(&handle, one.how.may_ask(), !one.how.json).await
}

pub(super) async fn approve(one: OneRun) -> anyhow::Result<ExitCode> {
    let (_, handle) = take_up(&one).await?;
    let RunStatus::AwaitingApproval { proposal, what } = handle.view().status else {
        anyhow::bail!("run {} waits for no approval; `openexec show` tells where it stands", handle.run);
    };
    print_question(&handle.run, proposal, &what);
    handle.say(Say::Approve(proposal), "terminal").await?;
    conclude(&handle, one.how.may_ask(), !one.how.json).await
}

pub(super) async fn reject(arguments: RejectArguments) -> anyhow::Result<ExitCode> {
    let RejectArguments { one, parts } = arguments;
    let (_, handle) = take_up(&one).await?;
    let RunStatus::AwaitingApproval { proposal, .. } = handle.view().status else {
        anyhow::bail!("run {} waits for no approval; `openexec show` tells where it stands", handle.run);
    };
    handle.say(Say::Reject { proposal, parts }, "terminal").await?;
    conclude(&handle, one.how.may_ask(), !one.how.json).await
}

pub(super) async fn discard(one: OneRun) -> anyhow::Result<ExitCode> {
    let (_, handle) = take_up(&one).await?;
    let what = match handle.view().status {
        RunStatus::AwaitingApproval { proposal, .. } => Say::Refuse(proposal),
        RunStatus::Active | RunStatus::Paused { .. } | RunStatus::Ended { .. } => Say::Cancel,
    };
    handle.say(what, "terminal").await?;
    handle.settled().await;
    handle.over().await;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn undo(one: OneRun) -> anyhow::Result<ExitCode> {
    let (_, handle) = take_up(&one).await?;
    let before = handle.view().status;
    handle.say(Say::Undo, "terminal").await?;
    let view = handle.settled().await;
    handle.over().await;
    // An undo that could not be done leaves the run called as it was.
    let same = match (&before, &view.status) {
        (RunStatus::Ended { outcome: old, .. }, RunStatus::Ended { outcome: new, .. }) => old == new,
        _ => false,
    };
    Ok(if same { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn take_up(one: &OneRun) -> anyhow::Result<(Arc<Runtime>, RunHandle)> {
    let runtime = runtime()?;
    let run = find(&runtime, &one.at.workspace, &one.run)?;
    let handle = runtime.take_up(&one.at.workspace, &run, one.how.terminal()).await?;
    Ok((runtime, handle))
}

pub(super) fn find(runtime: &Runtime, workspace: &Path, text: &str) -> anyhow::Result<RunId> {
    Ok(runtime.store(workspace)?.find_run(text)?)
}

/// Waits for the run, asks where it may, and says how it ended.
pub(super) async fn conclude(
    handle: &RunHandle,
    may_ask: bool,
    for_people: bool,
) -> anyhow::Result<ExitCode> {
    loop {
        let view = tokio::select! {
            view = handle.settled() => view,
            _ = tokio::signal::ctrl_c() => {
                // Refused where the run is over already: the next round says how it ended.
                let _ = handle.say(Say::Cancel, "terminal").await;
                continue;
            }
        };
        match &view.status {
            RunStatus::Active => {}
            RunStatus::AwaitingApproval { proposal, what } if may_ask => {
                print_question(&handle.run, *proposal, what);
                let question = match what {
                    Asked::Proposal { .. } => "apply exactly this? [y/N] ",
                    Asked::Request(_) => "send exactly this? [y/N] ",
                };
                let answer =
                    if ask(question).await? { Say::Approve(*proposal) } else { Say::Refuse(*proposal) };
                handle.say(answer, "terminal").await?;
            }
            RunStatus::AwaitingApproval { .. } | RunStatus::Paused { .. } | RunStatus::Ended { .. } => {
                if matches!(view.status, RunStatus::Ended { .. }) {
                    handle.over().await;
                }
                if for_people {
                    print_next_steps(&view);
                }
                return Ok(exit_code(&view));
            }
        }
    }
}

fn exit_code(view: &RunView) -> ExitCode {
    match &view.status {
        RunStatus::Ended { outcome: Outcome::Done | Outcome::Undone, .. } => ExitCode::SUCCESS,
        RunStatus::Ended { outcome: Outcome::Cancelled, .. } => ExitCode::from(130),
        RunStatus::Ended { outcome: Outcome::Failed | Outcome::Discarded, .. } => ExitCode::FAILURE,
        RunStatus::Active | RunStatus::AwaitingApproval { .. } | RunStatus::Paused { .. } => {
            ExitCode::from(3)
        }
    }
}

fn print_question(run: &RunId, proposal: Digest, what: &Asked) {
    match what {
        Asked::Proposal { diff, reasons, .. } => {
            anstream::println!("\n{}", paint::diff(diff));
            for reason in reasons {
                anstream::println!("{} {}", paint::warn("asks:"), paint::plain(reason));
            }
        }
        Asked::Request(request) => {
            anstream::println!("\n{} {}", paint::warn("asks:"), paint::plain(&request.to_string()));
            let look =
                format!("digest {proposal}; all of it: openexec show {run} --request {}", request.number);
            anstream::println!("      {}", paint::dim(&look));
        }
    }
}

fn print_next_steps(view: &RunView) {
    let run = &view.run;
    let next = match &view.status {
        RunStatus::AwaitingApproval { what: Asked::Proposal { .. }, .. } => {
            format!("openexec approve {run}   or   openexec discard {run}")
        }
        RunStatus::AwaitingApproval { what: Asked::Request(request), .. } => format!(
            "openexec show {run} --request {}   and   openexec approve {run}   or   openexec discard {run}",
            request.number
        ),
        RunStatus::Paused { .. } => format!("openexec resume {run}   or   openexec discard {run}"),
        RunStatus::Ended { .. } if view.applied => format!("openexec show {run}   or   openexec undo {run}"),
        RunStatus::Ended { .. } | RunStatus::Active => format!("openexec show {run}"),
    };
    anstream::println!("{}", paint::dim(&format!("next: {next}")));
}

async fn ask(question: &str) -> anyhow::Result<bool> {
    print!("{question}");
    std::io::stdout().flush()?;
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    Ok(matches!(line.await??.trim(), "y" | "Y" | "yes"))
}

/// `src/lib.rs:12` or `src/lib.rs:12-30`.
pub(super) fn parse_place(text: &str) -> anyhow::Result<Target> {
    let wrong = || format!("`{text}` is not a place; write `src/lib.rs:12` or `src/lib.rs:12-30`");
    let (path, lines) = text.rsplit_once(':').with_context(wrong)?;
    let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
    let path =
        WorkspacePath::parse(path).with_context(|| format!("`{path}` is not a path in the workspace"))?;
    let first: u32 = first.parse().with_context(wrong)?;
    let last: u32 = last.parse().with_context(wrong)?;
    anyhow::ensure!(first >= 1 && first <= last, wrong());
    Ok(Target { path, lines: (first, last) })
}
