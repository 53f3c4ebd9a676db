use super::super::tests::request;
use super::*;

const SCRIPT: &str = r#"
replies:
  - stage: fix
    reply:
      text: I look first
      actions:
        - {kind: read_file, path: src/lib.rs, first_line: 3}
        - {kind: search, id: mine, text: "a - b"}
  - stage: review
    text: "all is well"
  - stage: fix
    delay_ms: 20
    reply: {actions: [{kind: finish, summary: done}]}
  - {stage: fix, attempt: 2, text: second attempt}
  - {stage: fix, text: its second turn}
  - {stage: fix, turn: 7, text: a later turn}
"#;

fn asked(stage: &str, attempt: u32, turn: u32) -> ModelRequest {
    ModelRequest { stage: stage.into(), attempt, turn, ..request() }
}

async fn said(model: &dyn Model, stage: &str, attempt: u32, turn: u32) -> Result<ModelReply, ModelError> {
    model.complete(&asked(stage, attempt, turn), &|_| {}).await
}

#[tokio::test]
async fn a_request_alone_decides_which_reply_it_gets() {
    let model = connect_scripted_text("demo", SCRIPT).unwrap();
    // In any order, and again: nothing is counted.
    for _ in 0..2 {
        for (stage, attempt, turn, text) in [
            ("fix", 2, 7, "a later turn"),
            ("fix", 2, 2, "its second turn"),
            ("review", 1, 1, "all is well"),
            ("fix", 2, 1, "second attempt"),
            ("fix", 1, 1, "I look first"),
        ] {
            assert_eq!(said(&*model, stage, attempt, turn).await.unwrap().text, text);
        }
    }
    let first = said(&*model, "fix", 1, 1).await.unwrap();
    assert_eq!(first.stop, StopReason::ToolUse);
    let calls: Vec<_> =
        first.tool_calls.iter().map(|it| (it.id.as_str(), &*it.name, &*it.arguments)).collect();
    assert_eq!(
        calls,
        [
            ("a1", "read_file", r#"{"path":"src/lib.rs","first_line":3}"#),
            ("mine", "search", r#"{"text":"a - b"}"#)
        ]
    );
    let second = said(&*model, "fix", 1, 2).await.unwrap();
    assert_eq!(second.tool_calls[0].name, "finish");
    let raw = said(&*model, "review", 1, 1).await.unwrap();
    assert_eq!((raw.stop, raw.tool_calls.len()), (StopReason::End, 0));
}

#[tokio::test]
async fn what_the_script_does_not_say_is_an_error() {
    let model = connect_scripted_text("demo", SCRIPT).unwrap();
    for (stage, attempt, turn) in [("fix", 1, 3), ("fix", 3, 1), ("review", 2, 1), ("other", 1, 1)] {
        let error = said(&*model, stage, attempt, turn).await.unwrap_err().to_string();
        assert!(
            error.contains(&format!(
                "demo says nothing for turn {turn} of attempt {attempt} of stage `{stage}`"
            )),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_delay_is_waited_for_and_can_be_cancelled() {
    let model = connect_scripted_text("demo", "replies: [{stage: fix, delay_ms: 50, text: x}]").unwrap();
    let begun = std::time::Instant::now();
    said(&*model, "fix", 1, 1).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(50));
    let slow = connect_scripted_text("demo", "replies: [{stage: fix, delay_ms: 600000, text: x}]").unwrap();
    let cancelled = tokio::time::timeout(Duration::from_millis(20), said(&*slow, "fix", 1, 1)).await;
    assert!(cancelled.is_err());
}

#[test]
fn a_script_is_not_taken_for_a_model() {
    let model = connect_scripted_text("demo.yaml", "replies: []").unwrap();
    assert_eq!(model.describe(), "scripted replies from demo.yaml (not a model)");
}

#[test]
fn faults_name_their_place_and_the_remedy() {
    for (yaml, fault) in [
        ("replies:\n  - {stage: fix}\n", "s.yaml:2:5: write `reply: {actions: […]}` or `text`"),
        (
            "replies:\n  - {stage: fix, text: a, reply: {actions: []}}\n",
            "s.yaml:2:5: write either `reply` or `text`",
        ),
        (
            "replies:\n  - {stage: fix, text: a}\n  - {stage: fix, turn: 1, text: b}\n",
            "s.yaml:3:5: turn 1 of attempt 1 of stage `fix` is answered twice",
        ),
        (
            "replies:\n  - {stage: fix, turn: 0, text: a}\n",
            "s.yaml:2:5: `attempt` and `turn` are counted from 1",
        ),
        (
            "replies:\n  - {stage: fix, delay_ms: 600001, text: a}\n",
            "s.yaml:2:5: `delay_ms` is 600000 at most",
        ),
        (
            "replies:\n  - {stage: fix, reply: {actions: [{path: x}]}}\n",
            "s.yaml:2:5: action 1: `kind` is missing",
        ),
        (
            "replies:\n  - {stage: fix, reply: {actions: [{kind: 3}]}}\n",
            "s.yaml:2:5: action 1: `kind` must be a text",
        ),
        ("replies:\n  - {stage: fix, txt: a}\n", "s.yaml:2:18: unknown field `txt`"),
        ("reply: []\n", "s.yaml:1:1: unknown field `reply`"),
        ("replies: [", "s.yaml:1:10: "),
    ] {
        match connect_scripted_text("s.yaml", yaml) {
            Err(ModelError::NotConfigured { model, remedy }) => {
                assert_eq!(model.as_str(), "scripted:s.yaml");
                assert!(remedy.starts_with(fault), "{yaml} gave {remedy}, wanted {fault}");
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{yaml} was accepted"),
        }
    }
}

#[tokio::test]
async fn a_file_is_read_once_it_is_connected() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("demo.yaml");
    let missing = connect_scripted(&file).err().unwrap().to_string();
    assert!(missing.contains("could not read") && missing.contains("demo.yaml"), "{missing}");
    std::fs::write(&file, SCRIPT).unwrap();
    let model = connect_scripted(&file).unwrap();
    assert_eq!(said(&*model, "fix", 2, 1).await.unwrap().text, "second attempt");
    std::fs::write(&file, "#".repeat(SCRIPT_BYTES_MAX + 1)).unwrap();
    assert!(connect_scripted(&file).err().unwrap().to_string().contains("larger than"));
}
