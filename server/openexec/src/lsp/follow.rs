//! Following a run for the user: progress while it works, one sentence when it needs somebody
//! or is over. The run neither waits for this nor depends on it.

use super::actions::{quote, short};
use super::editor::Editor;
use super::protocol::{
    MessageType, NumberOrString, ProgressToken, WorkDoneProgress, WorkDoneProgressBegin, WorkDoneProgressEnd,
    WorkDoneProgressReport,
};
use crate::driver::{Asked, RunHandle, RunStatus, RunView};
use crate::limits::VIEW_LAG_MS;
use crate::store::Recorded;
use openexec_engine::ids::RunId;
use openexec_engine::run::{Event, Outcome, tells_failed_reversal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

/// The rounds of all runs that were ever followed: a token is used once, also for a run that is
/// taken up again, to undo it.
static ROUNDS: AtomicU32 = AtomicU32::new(1);

/// Follows a run until it is over. `stands` is called whenever it has come to a stand.
pub(super) async fn follow(
    editor: Editor,
    shows_progress: bool,
    handle: RunHandle,
    stands: impl Fn(&RunHandle, &RunView),
) {
    let mut events = handle.subscribe();
    loop {
        let token = token(&handle.run, ROUNDS.fetch_add(1, Ordering::Relaxed));
        let view = accompany(&editor, shows_progress, &token, &handle, &mut events).await;
        let (typ, message) = announcement(&view);
        editor.show_message(typ, message).await;
        stands(&handle, &view);
        // Also one that has ended can be undone in the moment before it is gone.
        if !moved(&handle, &mut events, &view).await {
            return;
        }
    }
}

/// A token names the run and, as a run can begin to work again, the round.
fn token(run: &RunId, round: u32) -> ProgressToken {
    NumberOrString::String(format!("openexec/{run}/{round}"))
}

/// The run that a progress token of ours is about.
pub(super) fn run_of_token(token: &ProgressToken) -> Option<RunId> {
    let NumberOrString::String(text) = token else {
        return None;
    };
    let (run, _) = text.strip_prefix("openexec/")?.rsplit_once('/')?;
    Some(RunId::new(run))
}

/// Shows progress until the run needs somebody or is over.
async fn accompany(
    editor: &Editor,
    shows_progress: bool,
    token: &ProgressToken,
    handle: &RunHandle,
    events: &mut Receiver<Arc<Recorded>>,
) -> RunView {
    let settled = handle.settled();
    tokio::pin!(settled);
    if !shows_progress {
        return settled.await;
    }
    tokio::select! {
        view = &mut settled => return view,
        created = editor.create_progress(token) => if !created {
            return settled.await;
        },
    }
    let mut views = handle.views();
    let view = views.borrow_and_update().clone();
    let mut told = work(&view);
    editor.progress(token, WorkDoneProgress::Begin(begin(&view))).await;
    let view = loop {
        tokio::select! {
            view = &mut settled => break view,
            event = events.recv() => {
                if matches!(event, Err(RecvError::Closed)) {
                    break settled.await;
                }
                // However fast events come, the editor is told once for all that are here.
                while events.try_recv().is_ok() {}
            }
            // What a model sends changes the view without an event.
            changed = views.changed() => if changed.is_err() {
                break settled.await;
            },
        }
        let view = views.borrow_and_update().clone();
        let work = work(&view);
        if work != told && view.status == RunStatus::Active {
            editor.progress(token, WorkDoneProgress::Report(report(&work))).await;
            told = work;
        }
    };
    let (_, message) = announcement(&view);
    let end = WorkDoneProgressEnd { message: Some(message) };
    editor.progress(token, WorkDoneProgress::End(end)).await;
    view
}

/// Waits until the run stands otherwise than it did. False when it never will.
async fn moved(handle: &RunHandle, events: &mut Receiver<Arc<Recorded>>, before: &RunView) -> bool {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = handle.over() => return handle.view().status != before.status,
        };
        let (seq, resumed) = match event {
            // It may come to the same stand again, which the user wants to hear as well.
            Ok(recorded) => (recorded.seq, matches!(recorded.event, Event::ResumeRequested { .. })),
            Err(RecvError::Lagged(_)) => (0, false),
            Err(RecvError::Closed) => return handle.view().status != before.status,
        };
        // An event is announced when it is durable, which is before the view shows it.
        let deadline = Instant::now() + Duration::from_millis(VIEW_LAG_MS);
        while handle.view().events < seq && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if resumed || handle.view().status != before.status {
            return true;
        }
    }
}

fn begin(view: &RunView) -> WorkDoneProgressBegin {
    WorkDoneProgressBegin {
        title: format!("OpenExec {} {}", view.blueprint, short(&view.run)),
        cancellable: Some(true),
        message: Some(work(view)),
        percentage: None,
    }
}

/// Stages are counted in words: how long each takes is unknown, so that a percentage would be a guess.
fn report(work: &str) -> WorkDoneProgressReport {
    WorkDoneProgressReport { cancellable: Some(true), message: Some(work.to_owned()), percentage: None }
}

fn work(view: &RunView) -> String {
    if view.events == 0 { "starting".to_owned() } else { view.activity.clone() }
}

/// One sentence about a run that has come to a stand.
pub(super) fn announcement(view: &RunView) -> (MessageType, String) {
    let run = short(&view.run);
    match &view.status {
        // It came to a stand without settling: whatever drove it is gone.
        RunStatus::Active => {
            let what = format!("Run {run} was interrupted at {}", view.activity);
            (MessageType::WARNING, format!("{what} — `openexec.resume` goes on"))
        }
        RunStatus::AwaitingApproval { what: Asked::Request(request), .. } => (
            MessageType::INFO,
            format!("Show or send in the code-action menu: run {run} waits before it sends {request}"),
        ),
        RunStatus::AwaitingApproval { what: Asked::Proposal { diff, reasons, .. }, .. } => {
            let files = diff.lines().filter(|line| line.starts_with("diff --git ")).count();
            let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            let why = reasons.first().map(|reason| format!(" ({})", quote(reason))).unwrap_or_default();
            // The next step comes first: notifications are cut at their end.
            let next = "Review or apply in the code-action menu";
            (MessageType::INFO, format!("{next}: run {run} waits for you, {files} would change{why}"))
        }
        RunStatus::Paused { reason } => (
            MessageType::WARNING,
            format!("Run {run} is paused: {} — `openexec.resume` goes on", reason.trim_end_matches('.')),
        ),
        RunStatus::Ended { outcome, summary } => {
            ended(run, *outcome, summary.trim_end_matches('.'), view.applied)
        }
    }
}

fn ended(run: &str, outcome: Outcome, summary: &str, applied: bool) -> (MessageType, String) {
    if tells_failed_reversal(summary) {
        return (MessageType::WARNING, format!("Run {run} {summary}; it stands as it did before"));
    }
    match outcome {
        Outcome::Done if !applied => (MessageType::INFO, format!("Run {run}: {summary}")),
        Outcome::Done => (MessageType::INFO, format!("Run {run}: {summary} — undo with `openexec.undo`")),
        Outcome::Failed => (MessageType::ERROR, format!("Run {run} failed: {summary}")),
        Outcome::Cancelled => (MessageType::INFO, format!("Run {run} was cancelled {}", quote(summary))),
        Outcome::Discarded => (MessageType::INFO, format!("Run {run} was discarded: {summary}")),
        Outcome::Undone => (MessageType::INFO, format!("Run {run} was undone; {summary}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(status: RunStatus) -> RunView {
        RunView {
            run: RunId::new("0192-ab12cd"),
            blueprint: "fix_tests".into(),
            model: "local".into(),
            target: None,
            activity: "run_tests, stage 5 of 8, attempt 2".to_owned(),
            status,
            applied: true,
            taken: String::new(),
            events: 17,
        }
    }

    #[test]
    fn a_token_leads_back_to_its_run() {
        let run = RunId::new("0192-ab12cd");
        assert_eq!(run_of_token(&token(&run, 3)), Some(run));
        for foreign in ["openexec", "openexec/", "rustAnalyzer/Indexing", "openexec/x"] {
            assert_eq!(run_of_token(&NumberOrString::String(foreign.to_owned())), None, "{foreign}");
        }
        assert_eq!(run_of_token(&NumberOrString::Number(7)), None);
    }

    #[test]
    fn progress_says_what_is_being_done() {
        let begin = begin(&view(RunStatus::Active));
        assert_eq!(begin.title, "OpenExec fix_tests ab12cd");
        assert_eq!(begin.message.unwrap(), "run_tests, stage 5 of 8, attempt 2");
        assert_eq!(begin.cancellable, Some(true));
    }

    #[test]
    fn every_stand_is_one_sentence_with_a_next_step() {
        let summary = "3 tests passed, 1 file changed".to_owned();
        let ended = |outcome| announcement(&view(RunStatus::Ended { outcome, summary: summary.clone() }));
        assert_eq!(
            ended(Outcome::Done),
            (
                MessageType::INFO,
                "Run ab12cd: 3 tests passed, 1 file changed — undo with `openexec.undo`".to_owned()
            )
        );
        assert_eq!(ended(Outcome::Failed).0, MessageType::ERROR);
        let waiting = RunStatus::AwaitingApproval {
            proposal: openexec_engine::digest::Digest::of(b"x"),
            what: Asked::Proposal {
                diff: "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n".to_owned(),
                reasons: vec!["tests/it.rs (test.edited): it judges the work".to_owned()],
                parts: Vec::new(),
            },
        };
        assert_eq!(
            announcement(&view(waiting)).1,
            "Review or apply in the code-action menu: run ab12cd waits for you, 1 file would change \
             (tests/it.rs (test.edited): it judges the work)"
        );
        let of = |outcome, summary: &str| {
            announcement(&view(RunStatus::Ended { outcome, summary: summary.to_owned() })).1
        };
        assert_eq!(of(Outcome::Undone, "undo again to redo"), "Run ab12cd was undone; undo again to redo");
        // What failed is not told like what was done.
        let failed = RunStatus::Ended {
            outcome: Outcome::Done,
            summary: "could not be undone: `a.rs` changed since at the same lines".to_owned(),
        };
        assert_eq!(
            announcement(&view(failed)),
            (
                MessageType::WARNING,
                "Run ab12cd could not be undone: `a.rs` changed since at the same lines; it stands as it did before"
                    .to_owned()
            )
        );
        assert_eq!(of(Outcome::Cancelled, "by Neovim 0.11.4"), "Run ab12cd was cancelled by Neovim 0.11.4");
    }
}
