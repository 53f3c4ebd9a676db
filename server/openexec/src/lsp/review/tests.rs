use super::*;
use crate::driver::TrustChanges;
use openexec_engine::digest::Digest;
use openexec_engine::ids::{CommandId, RunId, StepId};
use openexec_engine::task::{TaskKind, TestCounts};

fn view(status: RunStatus) -> RunView {
    RunView {
        run: RunId::new("0192-ab12cd"),
        blueprint: "fix_tests".into(),
        model: "local".into(),
        target: None,
        activity: "propose".to_owned(),
        status,
        applied: false,
        taken: String::new(),
        events: 9,
    }
}

fn recorded(events: Vec<Event>) -> Vec<Recorded> {
    let record = |(at, event)| Recorded { seq: at as u64 + 1, at_ms: 0, event, chain: Digest::of(b"") };
    events.into_iter().enumerate().map(record).collect()
}

fn tested(passed: u32, failed: u32) -> Event {
    let report = TaskReport {
        task: "test".into(),
        kind: TaskKind::Test,
        argv: vec!["cargo".to_owned(), "test".to_owned()],
        exit: TaskExit::Exited { code: i32::from(failed > 0) },
        duration_ms: 1200,
        tests: Some(TestCounts { passed, failed, skipped: 0 }),
        failures: Vec::new(),
        output: String::new(),
        output_bytes: 0,
        sandbox: "overlay+namespaces".to_owned(),
        rewritten: Vec::new(),
        written: Vec::new(),
        connections: Vec::new(),
    };
    Event::TaskFinished { command: CommandId(1), report: Box::new(report), tree: Digest::of(b"tree") }
}

#[test]
fn evidence_is_of_the_tree_that_is_proposed() {
    let planned = Event::EditsPlanned { step: StepId(2), files: Vec::new(), tree: Digest::of(b"tree") };
    let judged = Event::GateJudged {
        step: StepId(3),
        tree: Digest::of(b"tree"),
        judgement: Judgement::Passed { summary: "3 tests passed".to_owned() },
    };
    let lines = evidence(&recorded(vec![tested(2, 1), planned, tested(3, 0), judged]));
    let tree = Digest::of(b"tree").short();
    assert_eq!(
        lines,
        [
            format!(
                "`cargo test`: exit code 0, 3 passed, 0 failed, 0 skipped, 1200 ms, sandbox overlay+namespaces (tree {tree})"
            ),
            "gate passed: 3 tests passed".to_owned(),
        ]
    );
}

#[test]
fn a_review_shows_everything_that_a_decision_needs() {
    let diff = "--- a/x.md\n+++ b/x.md\n@@ -1 +1 @@\n-a\n+```rust\n";
    let status = RunStatus::Active;
    let text =
        review_markdown(&view(status), diff, &["rule `ask.all`".to_owned()], &["gate passed".to_owned()]);
    assert!(text.contains("- rule `ask.all`\n") && text.contains("- gate passed\n"), "{text}");
    assert!(text.contains("openexec.apply ab12cd") && text.contains("openexec.discard ab12cd"), "{text}");
    assert!(text.contains("````diff\n") && text.ends_with("+```rust\n````\n"), "{text}");
}

#[test]
fn every_proposal_has_a_review_of_its_own_and_the_same_one_again() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("run-1");
    let write = |diff: &str| write_review(&folder, diff, "# text").unwrap();
    let first = write("+one\n");
    let second = write("+two\n");
    assert_ne!(first, second);
    assert_eq!(write("+one\n"), first);
    assert!(first.markdown.ends_with("run-1/review-1.md"));
    assert_eq!(std::fs::read_to_string(&second.diff).unwrap(), "+two\n");
}

#[test]
fn the_status_names_what_can_be_done() {
    let status = RunStatus::AwaitingApproval {
        proposal: Digest::of(b"p"),
        what: Asked::Proposal { diff: String::new(), reasons: Vec::new(), parts: Vec::new() },
    };
    let line = RunLine { root: "/w".into(), view: view(status), driven: true, elsewhere: false };
    let untrusted = TrustState::Untrusted {
        content: Digest::of(b"c"),
        commands: vec!["cargo test".to_owned()],
        loads: Vec::new(),
        files: vec!["Cargo.toml".to_owned()],
        changes: TrustChanges {
            is_first: true,
            files: vec!["Cargo.toml".to_owned()],
            diff: "+[package]\n".to_owned(),
        },
    };
    let text = trust_markdown(Path::new("/w"), &untrusted);
    assert!(text.contains("- `cargo test`") && text.contains("diff\n+[package]\n"), "{text}");
    assert!(text.contains(&Digest::of(b"c").to_string()), "{text}");
    let text = status_markdown(
        &[line],
        &[("/w".into(), untrusted)],
        Some("no model is configured"),
        &[model_fact(Some(&"mine".into()), Path::new("/c/config.yaml"))],
    );
    assert!(text.contains("- a run that names no model asks `mine`; "), "{text}");
    assert!(text.contains("No run can be started: no model is configured"), "{text}");
    assert!(text.contains("cargo test (from Cargo.toml); `openexec.trust`"), "{text}");
    assert!(text.contains("**ab12cd** `fix_tests` in `/w`: waiting for your decision"), "{text}");
    assert!(status_markdown(&[], &[], None, &[]).contains("No run has been started here."));
    let paused = |applied| {
        let view = RunView { applied, ..view(RunStatus::Paused { reason: "no budget".to_owned() }) };
        let line = RunLine { root: "/w".into(), view, driven: true, elsewhere: false };
        status_markdown(&[line], &[], None, &[])
    };
    assert!(paused(false).contains("paused: no budget; `openexec.resume`, `openexec.discard`\n"));
    let applied = "paused: no budget; `openexec.resume`, `openexec.cancel`, `openexec.undo`\n";
    assert!(paused(true).contains(applied));
    let none = model_fact(None, Path::new("/c/config.yaml"));
    assert!(none.contains("no model yet") && none.contains("`/c/config.yaml`"), "{none}");
}

#[test]
fn a_request_is_shown_whole_and_cannot_hide_anything() {
    use crate::disclosure::{Disclosed, Fate};
    use openexec_engine::context::{PackPart, Relevance, Shown};
    use openexec_engine::model::{ChosenModel, Message, ModelRequest};
    let request = ModelRequest {
        model: "local".into(),
        stage: "fix".into(),
        step: StepId(1),
        attempt: 1,
        turn: 2,
        system: "rules".into(),
        messages: vec![Message::User { text: "a\u{202e}b ```` ⟦secret:github-token:1⟧".into() }],
        actions: Vec::new(),
        output_tokens_max: 1_000,
    };
    let part = |withheld: Option<&str>| PackPart {
        path: openexec_engine::path::WorkspacePath::parse("docs/plan.md").ok(),
        symbol: None,
        lines: Some((1, 2)),
        relevance: Relevance::Target,
        shown: if withheld.is_some() { Shown::LeftOut } else { Shown::Whole },
        tokens: 12,
        redactions: 1,
        withheld: withheld.map(str::to_owned),
    };
    let disclosed = Disclosed {
        number: 3,
        digest: request.digest(),
        request,
        model: ChosenModel::named("local"),
        parts: vec![part(None), part(Some("`user.egress` keeps it"))],
        fate: Fate::Waits,
    };
    let view = view(RunStatus::Active);
    let text = request_markdown(&view, &disclosed, &Err("no key".to_owned()));
    for wanted in [
        "# Request 3 of run ab12cd",
        "- redactions: placeholders stand for 1 github-token",
        "- docs/plan.md:1-2: the target; about 12 tokens; 1 redacted",
        "- docs/plan.md:1-2: the target; left out: `user.egress` keeps it",
        "price unknown",
        "It cannot be shown: no key",
        "`````text\n",
        "code action *Send run ab12cd's request*",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains('\u{202e}'), "{text}");
    let sent = Disclosed { fate: Fate::Sent, ..disclosed };
    let text = request_markdown(&view, &sent, &Ok("{}".to_owned()));
    assert!(!text.contains("## Decide") && text.contains("```json\n{}\n```"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_document_that_is_only_to_be_read_is_replaced_and_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = write_readonly(folder.path(), "request-1.md", "one").unwrap();
    assert!(std::fs::metadata(&file).unwrap().permissions().readonly());
    assert_eq!(write_readonly(folder.path(), "request-1.md", "two").unwrap(), file);
    assert_eq!(std::fs::read_to_string(file).unwrap(), "two");
}
