//! `kill -9` at every event, before and after it is recorded, and `openexec resume`.

use crate::project::{CHECK, FIXED, LIB, Project, TWO_ATTEMPTS};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs that are cut off and resumed at once.
const SIDE_BY_SIDE: usize = 6;

/// Starts a run that steps, lets it take `steps` steps, then kills it. Returns false when the
/// run was over before.
fn killed_after(project: &Project, steps: usize) -> bool {
    let model = project.model();
    let mut child = project
        .openexec(&["run", "fix_tests", "--model", &model, "--step"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = 0;
    let was_over = loop {
        let Some(line) = lines.next() else { break true };
        let line = line.unwrap();
        if !line.starts_with("next ") && !line.starts_with("recorded ") {
            continue;
        }
        seen += 1;
        if seen == steps {
            break false;
        }
        stdin.write_all(b"\n").unwrap();
    };
    // SIGKILL: nothing is flushed, nothing is cleaned up.
    child.kill().unwrap();
    child.wait().unwrap();
    !was_over
}

#[test]
fn a_run_killed_at_any_event_ends_the_same_way() {
    // Without a break, for comparison.
    let whole = Project::scripted_tests(TWO_ATTEMPTS, CHECK);
    whole.trust().run_blueprint(0, "fix_tests", &[]);
    let names: Vec<String> = whole.journal(&whole.only_run()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(whole.read("src/lib.rs"), FIXED);
    assert_eq!(names.iter().filter(|name| *name == "model_replied").count(), 2);

    // Every step of the run is cut off once; each has a project of its own, so they go on side
    // by side: most of their time they wait for the disk.
    let next = AtomicUsize::new(1);
    let resumed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(was_resumed) =
                    cut_off_and_resume(next.fetch_add(1, Ordering::Relaxed), &whole, &names)
                {
                    resumed.fetch_add(usize::from(was_resumed), Ordering::Relaxed);
                }
            });
        }
    });
    let resumed = resumed.into_inner();
    println!("crash: {} events, {resumed} kills resumed, final trees equal", names.len());
    assert!(resumed >= 2 * names.len() - 4, "{resumed} of {}", names.len());
}

/// Kills a run at its `steps`-th step and resumes it. `None` when it was over before that;
/// otherwise whether there was something to resume.
fn cut_off_and_resume(steps: usize, whole: &Project, names: &[String]) -> Option<bool> {
    let project = Project::scripted_tests(TWO_ATTEMPTS, CHECK);
    project.trust();
    if !killed_after(&project, steps) {
        return None;
    }
    if project.expect(0, &["runs"]).starts_with("no run") {
        // Killed before the first event was recorded: nothing was done, and nothing is resumed.
        assert_eq!(project.read("src/lib.rs"), LIB);
        return Some(false);
    }
    let run = project.only_run();
    let before = project.journal(&run);
    if before.last().is_some_and(|(name, _)| name == "run_ended") {
        assert_eq!(project.tree(), whole.tree());
        return Some(false);
    }
    let text = project.expect(0, &["resume", &run]);
    let after = project.journal(&run);
    assert_eq!(after[..before.len()], before[..], "step {steps}: what was recorded stays");
    // The same events: no recorded model call is made again, no edit is applied twice.
    let after: Vec<String> = after.into_iter().map(|(name, _)| name).collect();
    assert_eq!(after, names, "step {steps}\n{text}");
    assert_eq!(project.tree(), whole.tree(), "step {steps}");
    Some(true)
}

#[test]
fn two_processes_do_not_drive_one_run() {
    let project = Project::scripted_tests(TWO_ATTEMPTS, CHECK);
    project.trust();
    let model = project.model();
    let mut child = project
        .openexec(&["run", "fix_tests", "--model", &model, "--step"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut stdin = child.stdin.take().unwrap();
    // The first event is recorded before the run waits for its second step.
    assert!(lines.next().unwrap().unwrap().starts_with("next 1 "));
    stdin.write_all(b"\n").unwrap();
    while !lines.next().unwrap().unwrap().starts_with("recorded 1 ") {}
    let text = project.expect(1, &["resume", &project.only_run()]);
    assert!(text.contains("is being driven by process"), "{text}");
    child.kill().unwrap();
    child.wait().unwrap();
    project.expect(0, &["resume", &project.only_run()]);
}
