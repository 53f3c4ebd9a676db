//! What is known of a system, from the start of a run to what is carried out and remembered.

use super::world::*;
use crate::ids::TaskName;
use crate::memory::{Operations, Standing, load};
use crate::run::{Asked, Command, Event, RunStarted, Status};
use crate::task::{Task, TaskKind};

const RECORDS: &str = "version: 1
services: [{id: values, path: src, runbooks: [values], environment: prod}]
runbooks:
  - id: values
    failures: [{id: wrong, looks_like: [\"value is wrong\"], remediations: [mend]}]
environments: [{id: prod, masked: [10.0.0.7]}]
procedures:
  - id: mend
    preconditions: [{task: look}]
    steps: [{task: clear}, {task: mend}]
    rollback: [{task: restore}]
";

fn task(name: &str, argv: &[&str], writes: &[&str]) -> Task {
    Task {
        name: TaskName::new(name),
        kind: TaskKind::Other,
        argv: argv.iter().map(|it| (*it).to_owned()).collect(),
        writes: writes.iter().map(|it| path(it)).collect(),
        ..test_task()
    }
}

fn operations(text: &str) -> Operations {
    let file = load("m.yaml", text).unwrap_or_else(|error| panic!("{error}"));
    Operations::new(file.records.into_iter().map(|written| written.record))
}

fn failing(text: &str) -> RunStarted {
    let tasks = vec![
        task("clear", &["delete", "var/lock"], &["var/lock"]),
        task("look", &["look"], &[]),
        task("mend", &["write", "src/lib.rs", "fn value() -> u32 { right }\n"], &["src/lib.rs"]),
        task("restore", &["restore"], &["src/lib.rs"]),
        test_task(),
    ];
    let mut start = start_of(REMEDIATE);
    start.inputs.instruction = Some(text.to_owned());
    RunStarted { operations: operations(RECORDS), tasks: trusted(tasks), ..start }
}

fn world() -> World {
    let mut world = World::new(&[]);
    world.files.insert("var/lock".into(), "pid 1\n".into());
    world
}

fn waiting(world: &World) -> (crate::digest::Digest, Vec<String>) {
    match world.state.status() {
        Status::AwaitingApproval { proposal, what: Asked::Proposal { reasons, .. } } => (proposal, reasons),
        other => panic!("{other:?}"),
    }
}

fn approve(world: &mut World) {
    let (proposal, _) = waiting(world);
    world.say(Event::Approved { proposal, by: "test".into() });
}

#[test]
fn a_known_failure_is_remedied_by_the_approved_procedure_after_a_yes_to_exactly_it() {
    let mut world = world();
    world.start(failing("the service says: VALUE  is wrong"));
    // Nothing but the tests has run, and everything that would run is said.
    assert_eq!(world.executed, ["check"]);
    insta::assert_snapshot!(waiting(&world).1.join("\n"), @r#"
    procedure mend (procedure.approval): agree to exactly these tasks; nothing of it has run
    runbook `values` knows this as `wrong` (by `value is wrong`); procedure `mend` is approved for it
    service `values`, environment `prod`
    first must succeed 1: look: look
    step 1: clear: delete var/lock; what it writes to var/lock is proposed
    step 2: mend: write src/lib.rs "fn value() -> u32 { right }\n"; what it writes to src/lib.rs is proposed
    if a step fails 1: restore: restore
    "#);
    approve(&mut world);
    assert_eq!(
        world.executed,
        ["check", "look", "delete var/lock", "write src/lib.rs fn value() -> u32 { right }\n", "check"]
    );
    while let Status::AwaitingApproval { .. } = world.state.status() {
        assert!(world.lib().contains("wrong"), "the shadow only, before a yes to the edits");
        approve(&mut world);
    }
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
    assert!(world.lib().contains("right") && !world.files.contains_key("var/lock"));
    assert_eq!(world.model_calls, 0);
    let [record] = world.remembered.as_slice() else { panic!("{:?}", world.remembered) };
    assert_eq!(record.standing, Standing::Done);
    assert!(record.errors.is_empty() || record.summary.contains("procedure `mend`"), "{record:?}");
}

#[test]
fn a_step_that_fails_is_rolled_back_and_leaves_no_edit() {
    let mut start = failing("value is wrong");
    let mend = start.tasks.tasks.iter_mut().find(|task| task.name.as_str() == "mend").unwrap();
    mend.argv = vec!["fail".into()];
    let mut world = world();
    world.start(start);
    approve(&mut world);
    assert_eq!(world.executed, ["check", "look", "delete var/lock", "fail", "restore"]);
    let ending = world.ending();
    assert!(ending.contains("step 2 failed") && ending.contains("rolled back by 1 task"), "{ending}");
    assert!(world.files.contains_key("var/lock") && world.state.changes().unwrap().is_empty());
    assert_eq!(world.applies, 0);
    // The failure is remembered as one.
    let lesson = world.state.lesson().unwrap();
    assert_eq!(lesson.standing, Standing::Failed);
    assert_eq!(lesson.errors, ["value is wrong"]);
}

#[test]
fn a_rollback_that_fails_is_told_to_whoever_is_asked_again_and_remembered() {
    let failed = || {
        let mut start = failing("value is wrong");
        for task in &mut start.tasks.tasks {
            if matches!(task.name.as_str(), "mend" | "restore") {
                task.argv = vec!["fail".into()];
            }
        }
        let mut world = world();
        world.start(start);
        approve(&mut world);
        let Status::Paused { reason, .. } = world.state.status() else { panic!("it must wait for somebody") };
        assert!(reason.contains("the rollback failed as well"), "{reason}");
        world
    };
    let is_remembered = |world: &World| {
        let lesson = world.state.lesson().unwrap();
        assert_eq!(
            (lesson.standing, lesson.errors.as_slice()),
            (Standing::Failed, &["value is wrong".into()][..])
        );
        assert!(lesson.summary.contains("step 2 failed"), "{}", lesson.summary);
        assert!(lesson.summary.contains("the rollback failed as well"), "{}", lesson.summary);
    };
    let mut discarded = failed();
    discarded.say(Event::CancelRequested { by: "test".into() });
    is_remembered(&discarded);

    let mut resumed = failed();
    resumed.say(Event::ResumeRequested { by: "test".into(), budget: None });
    let (proposal, reasons) = waiting(&resumed);
    let question = &reasons[0];
    assert!(!question.contains("nothing of it has run"), "{question}");
    for told in ["step clear: delete var/lock", "step 2 failed", "the rollback failed as well"] {
        assert!(question.contains(told), "{question}");
    }
    resumed.say(Event::Refused { proposal, by: "test".into() });
    is_remembered(&resumed);
}

#[test]
fn a_precondition_that_does_not_hold_ends_it_before_anything_is_done() {
    let mut start = failing("value is wrong");
    let look = start.tasks.tasks.iter_mut().find(|task| task.name.as_str() == "look").unwrap();
    look.argv = vec!["fail".into()];
    let mut world = world();
    world.start(start);
    approve(&mut world);
    assert_eq!(world.executed, ["check", "fail"]);
    assert!(world.ending().contains("a precondition does not hold"), "{}", world.ending());
}

#[test]
fn what_no_runbook_knows_and_what_a_person_refuses_is_not_carried_out() {
    let mut world = world();
    world.start(failing("something else"));
    assert!(world.ending().contains("no runbook knows this failure"), "{}", world.ending());
    assert_eq!(world.executed, ["check"]);

    let mut world = self::world();
    world.start(failing("value is wrong"));
    let (proposal, _) = waiting(&world);
    world.say(Event::Refused { proposal, by: "test".into() });
    assert!(world.ending().starts_with("Discarded"), "{}", world.ending());
    assert_eq!(world.executed, ["check"]);
    assert_eq!(world.state.lesson().unwrap().standing, Standing::Unapproved);
}

#[test]
fn an_untrusted_task_of_a_procedure_does_not_run_even_after_a_yes() {
    let mut start = failing("value is wrong");
    start.tasks.trust = crate::task::Trust::Untrusted;
    let mut world = world();
    world.start(start);
    assert_eq!(world.executed, [] as [String; 0]);
}

#[test]
fn a_step_that_reaches_a_host_is_never_run_again_by_itself() {
    let mut start = failing("value is wrong");
    let hosts = |task: &mut Task| task.network = vec!["ops.example".into()];
    start.tasks.tasks.iter_mut().filter(|task| task.name.as_str() == "clear").for_each(hosts);
    start.policy.capabilities.insert(crate::policy::Capability::NetworkAccess);
    start.policy.network_allowlist.insert("ops.example".into());
    let mut world = world();
    world.start(start);
    let (proposal, reasons) = waiting(&world);
    assert!(reasons.iter().any(|line| line.contains("it reaches ops.example, at once")), "{reasons:?}");
    let commands = world.state.apply(&Event::Approved { proposal, by: "test".into() });
    let once = |command: &Command| matches!(command, Command::RunTask { once: true, .. });
    assert!(!commands.iter().any(once), "the precondition reaches nothing");
}

#[test]
fn a_decision_is_kept_with_a_pointer_to_the_symbol_around_the_target() {
    let mut start = start_of(RECORD_DECISION);
    start.inputs.instruction = Some("  two callers rely on it  ".into());
    start.inputs.target = Some(crate::run::Target { path: path("src/lib.rs"), lines: (2, 2) });
    let mut world = World::new(&[]);
    world.start(start.clone());
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
    let [kept] = world.kept.as_slice() else { panic!("{:?}", world.kept) };
    assert!(kept.describe().contains("symbol: value in src/lib.rs\nwhy: two callers rely on it"), "{kept:?}");
    assert!(kept.anchors()[0].pointer.is_some());

    start.inputs.target = Some(crate::run::Target { path: path("src/lib.rs"), lines: (3, 3) });
    let mut world = World::new(&[]);
    world.start(start);
    assert!(world.ending().contains("no symbol stands around"), "{}", world.ending());
    assert!(world.kept.is_empty());
}

#[test]
fn what_is_known_of_the_system_goes_before_the_model_and_its_addresses_do_not() {
    let mut start = start_of(IMPLEMENT);
    start.inputs.instruction = Some("the value is wrong on 10.0.0.7".into());
    start.inputs.target = Some(crate::run::Target { path: path("src/lib.rs"), lines: (2, 2) });
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(RunStarted { operations: operations(RECORDS), ..start });
    let sent = serde_json::to_string(&world.requests).unwrap();
    for wanted in ["runbook values", "failure mode: wrong", "service values", "environment prod"] {
        assert!(sent.contains(wanted), "{wanted}: {sent}");
    }
    assert!(!sent.contains("10.0.0.7"), "{sent}");
}

#[test]
fn a_failed_run_leaves_a_lesson_and_one_that_was_taken_back_is_marked() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(start_of(FIX_TESTS));
    assert_eq!(world.state.lesson().unwrap().standing, Standing::Done);
    world.say(Event::UndoRequested { by: "test".into() });
    let lesson = world.state.lesson().unwrap();
    assert_eq!((lesson.standing, lesson.files.len()), (Standing::Undone, 1));
    assert!(lesson.describe().starts_with("TAKEN BACK"), "{}", lesson.describe());
}
