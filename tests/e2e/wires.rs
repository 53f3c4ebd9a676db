//! One contract for all models: the same workflow over every wire API gives the same decisions,
//! the same edits and the same files. Only names, ids, times and usage differ.

use crate::project::{CHECK, FIXED, Project};
use crate::wire::{Call, ModelServer, Reply, Wire};
use serde_json::{Value, json};

pub const WIRES: [Wire; 5] =
    [Wire::AnthropicMessages, Wire::OpenaiChat, Wire::OpenaiResponses, Wire::Gemini, Wire::Ollama];

/// What an event decides, without what may differ.
fn decided(event: &Value) -> Value {
    let name = event["event"].as_str().unwrap();
    let parts: &[&str] = match name {
        "step_started" => &["stage", "attempt"],
        "policy_decided" => &["subject", "decision"],
        "edits_planned" => &["files", "tree"],
        "gate_judged" => &["judgement", "tree"],
        "proposed" => &["proposal", "decision", "diff"],
        "step_finished" | "run_ended" => &["outcome", "summary"],
        _ => &[],
    };
    let parts: Vec<Value> = parts.iter().map(|part| event[part].clone()).collect();
    json!([name, parts])
}

fn call(name: &'static str, arguments: Value) -> Call {
    Call { name, arguments }
}

/// The decisions of a run over one wire: a reply that is blocked, one that is red, one that is right.
fn decisions(wire: Wire) -> Vec<Value> {
    let edit =
        |old: &str, new: &str| call("replace_text", json!({ "path": "src/lib.rs", "old": old, "new": new }));
    let finish = || call("finish", json!({ "summary": "done" }));
    let replies = vec![
        Reply {
            text: "I add a hook.",
            calls: vec![
                call("create_file", json!({ "path": ".git/hooks/pre-commit", "text": "#!/bin/sh\n" })),
                edit("    41\n", "    42\n"),
            ],
        },
        Reply { text: "I look first.", calls: vec![call("read_file", json!({ "path": "src/lib.rs" }))] },
        Reply { text: "All tests pass.", calls: vec![edit("    41\n", "    40\n"), finish()] },
        Reply { text: "Now they do.", calls: vec![edit("    40\n", "    42\n"), finish()] },
    ];
    let server = ModelServer::start(wire, replies);
    let project = Project::scripted_tests("replies: []\n", CHECK);
    let config = json!({
        "models": { "wire": { "api": wire.api(), "model": "scripted", "base_url": server.base_url() } },
    });
    let place = project.place().join("config/openexec");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("config.yaml"), config.to_string()).unwrap();
    project.trust();
    let mut command = project.openexec(&["run", "fix_tests", "--model", "wire", "--json", "--no-input"]);
    let output = command.env("NO_PROXY", "127.0.0.1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{wire:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(project.read("src/lib.rs"), FIXED, "{wire:?}");
    assert_eq!(server.received().len(), 4, "{wire:?}");
    let events = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].clone());
    // The baseline beside the run may end earlier or later; it decides nothing here.
    events.filter(|event| event["event"] != "task_finished").map(|event| decided(&event)).collect()
}

#[test]
fn every_wire_gives_the_same_decisions_and_the_same_files() {
    let first = decisions(WIRES[0]);
    let verdicts =
        first.iter().filter(|event| event[0] == "policy_decided" && event[1][1]["verdict"] == "block");
    assert_eq!(verdicts.count(), 1, "{first:#?}");
    assert!(first.iter().any(|event| event[0] == "proposed"), "{first:#?}");
    for wire in &WIRES[1..] {
        let other = decisions(*wire);
        for (ours, theirs) in first.iter().zip(&other) {
            assert_eq!(ours, theirs, "{wire:?}");
        }
        assert_eq!(first.len(), other.len(), "{wire:?}");
    }
}
