//! Rules of policy files, from the start of a run to what its model is sent.

use super::world::*;
use crate::context::{Candidate, RecordTag, Relevance};
use crate::model::{ChosenModel, Message, Models};
use crate::policy::rules::{self, PointerKind, Scope};
use crate::run::{Command, Event, RunStarted};

fn start_with(policy: &str, local: bool) -> RunStarted {
    let start = start_of(FIX_TESTS);
    let user = rules::load(Scope::User, "policy.yaml", &format!("version: 1\n{policy}\n"))
        .unwrap_or_else(|error| panic!("{error}"));
    let merged = rules::merge(Some(&user), None).unwrap_or_else(|error| panic!("{error}"));
    let policy = merged.for_run(start.blueprint.sandbox, start.blueprint.approval_mode);
    let model = ChosenModel { is_local: local, ..ChosenModel::named("scripted") };
    RunStarted { policy, models: Models::only(model), ..start }
}

fn file(text: &str) -> Candidate {
    Candidate {
        path: Some(path(text)),
        symbol: None,
        lines: None,
        text: format!("text of {text}\n"),
        signature: Some(format!("signature of {text}")),
        relevance: Relevance::Neighbour,
        score: 1,
        signature_line: None,
        record: None,
    }
}

fn record(pointer: PointerKind, label: &str, files: &[&str]) -> Candidate {
    let files = files.iter().map(|text| path(text)).collect();
    Candidate {
        path: None,
        text: format!("record labelled {label}\n"),
        record: Some(RecordTag { pointer, labels: vec![label.to_owned()], files }),
        ..file("x")
    }
}

/// Everything that the model was sent so far.
fn sent(world: &World) -> String {
    let waiting = world.state.outstanding().into_iter();
    let requests = waiting.filter_map(|command| match command {
        Command::CallModel { request, .. } => Some(request.messages),
        _ => None,
    });
    let texts = requests.flatten().map(|message| match message {
        Message::User { text } => text,
        Message::Results { results } => results.iter().map(|it| format!("{}\n", it.text)).collect(),
        Message::Model { .. } => String::new(),
    });
    texts.collect()
}

fn withheld(world: &World) -> Vec<String> {
    let built = world.journal.iter().filter_map(|event| match event {
        Event::ContextBuilt { parts, .. } => Some(parts),
        _ => None,
    });
    built.flatten().filter_map(|part| part.withheld.clone()).collect()
}

#[test]
fn a_part_that_may_not_leave_is_left_out_with_its_reason() {
    let policy = "deny_read: ['infra/**']\n\
        egress:\n\
        \x20 - {paths: ['docs/**'], to: local, reason: stays on this machine}\n\
        \x20 - {pointers: [environment], labels: [internal], to: none, reason: never}";
    let candidates = || {
        vec![
            file("src/other.rs"),
            file("infra/main.tf"),
            file("docs/plan.md"),
            record(PointerKind::Environment, "internal", &[]),
            record(PointerKind::Environment, "public", &[]),
            record(PointerKind::Maintenance, "about", &["infra/main.tf"]),
        ]
    };
    for local in [false, true] {
        let mut world = World::new(&[]);
        world.candidates = candidates();
        world.start(start_with(policy, local));
        let sent = sent(&world);
        assert!(sent.contains("text of src/other.rs") && sent.contains("labelled public"), "{sent}");
        for secret in ["infra/main.tf", "labelled internal", "labelled about"] {
            assert!(!sent.contains(secret), "{secret}: {sent}");
        }
        assert_eq!(sent.contains("text of docs/plan.md"), local);
        assert!(!sent.contains("signature of docs/plan.md"));
        let withheld = withheld(&world);
        assert_eq!(withheld.len(), if local { 3 } else { 4 }, "{withheld:?}");
        assert_eq!(withheld.iter().any(|why| why.contains("stays on this machine")), !local);
        assert!(withheld.iter().any(|why| why.contains("user.deny_read (policy.yaml:2)")), "{withheld:?}");
    }
}

#[test]
fn a_read_that_may_not_leave_is_refused_and_the_rest_is_answered() {
    let policy = "egress: [{paths: [tests/it.rs], to: local, reason: stays on this machine}]";
    let reads = serde_json::json!({ "actions": [
        { "id": "a1", "kind": "read_file", "path": "tests/it.rs" },
        { "id": "a2", "kind": "read_file", "path": "src/lib.rs" },
    ]})
    .to_string();
    for local in [false, true] {
        let mut world = World::new(std::slice::from_ref(&reads));
        world.start(start_with(policy, local));
        let sent = sent(&world);
        let refused = "action `a1` refused: `user.egress (policy.yaml:2)` keeps it from the model: stays on this machine";
        assert_eq!(sent.contains(refused), !local, "{sent}");
        assert!(sent.contains("action `a2` done"), "{sent}");
    }
}

#[test]
fn a_denied_read_has_no_effect_and_is_told() {
    let reads = r#"{"actions":[{"id":"a1","kind":"read_file","path":"tests/it.rs"}]}"#;
    let mut world = World::new(&[reads.to_owned()]);
    world.start(start_with("deny_read: ['Tests/**']", true));
    let sent = sent(&world);
    assert!(sent.contains("user.deny_read blocks `tests/it.rs`"), "{sent}");
}

#[test]
fn the_edits_of_a_file_that_stays_here_are_named_and_not_shown() {
    let policy = "egress: [{paths: [src/lib.rs], to: none, reason: stays here}]";
    let mut world = World::new(&[edit_and_finish("src/lib.rs", "wrong", "worse")]);
    world.start(start_with(policy, false));
    let sent = sent(&world);
    assert!(sent.contains("src/lib.rs is changed as well; `user.egress"), "{sent}");
    assert!(!sent.contains("// end"), "{sent}");
}

#[test]
fn a_rule_that_asks_waits_for_the_user_and_one_that_blocks_stops_the_reply() {
    let ask = "rules: [{id: look, effect: ask, reason: two people look, when: {paths: ['src/**']}}]";
    let right = || edit_and_finish("src/lib.rs", "wrong", "right");
    let mut world = World::new(&[right()]);
    world.start(start_with(ask, false));
    assert!(world.ending().contains("AwaitingApproval"), "{}", world.ending());
    assert_eq!(world.applies, 0);
    let mut world = World::new(&[right(), right(), right(), right()]);
    world.start(start_with(&ask.replace("ask", "block"), false));
    assert_eq!(world.applies, 0);
    let rejected = world.journal.iter().any(|event| {
        matches!(event, Event::ReplyRejected { reason, .. } if reason.contains("user.look blocks `src/lib.rs`: two people look"))
    });
    assert!(rejected);
}
