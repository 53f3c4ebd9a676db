//! Texts and places in, what an editor would show out.

use super::complete::complete;
use super::diagnose::{Found, diagnose};
use super::fix::fixes;
use super::hover::hover;
use super::navigate::{definition, references, rename, renamed_at, toolset_at};
use super::symbols::symbols;
use super::toolsets::page_of as toolsets_page;
use super::{Known, OwnFile};
use crate::driver::TrustChanges;
use crate::lsp::documents::Documents;
use crate::lsp::protocol::{
    CompletionTextEdit, DocumentSymbolResponse, HoverContents, Location, Position as WirePosition,
    Range as WireRange, TextEdit,
};
use crate::lsp::trust::TrustState;
use openexec_engine::digest::Digest;
use openexec_engine::text::{Document, PositionEncoding};
use serde_json::json;
use std::path::Path;

const ENCODINGS: [PositionEncoding; 3] =
    [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32];

fn opened(path: &str, text: &str, encoding: PositionEncoding) -> Option<OwnFile> {
    let mut documents = Documents::default();
    let document = json!({ "textDocument": { "uri": format!("file://{path}"), "version": 3, "text": text } });
    let path = documents.open(document).unwrap();
    OwnFile::of(&documents.at(&path).unwrap(), encoding, Path::new("/u/openexec"))
}

fn blueprint(text: &str) -> OwnFile {
    opened("/w/.openexec/blueprints/mine.yaml", text, PositionEncoding::Utf16).unwrap()
}

fn of_kind(name: &str, text: &str) -> OwnFile {
    opened(name, text, PositionEncoding::Utf16).unwrap()
}

/// A workspace with two tasks of a manifest and one of its own file.
fn known() -> Known {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::write(root.join("Cargo.toml"), "[package]\nname = \"a\"\nversion = \"0.1.0\"\n").unwrap();
    std::fs::create_dir(root.join(".openexec")).unwrap();
    let tasks_file = "version: 1\ntasks:\n  - name: deploy\n    kind: other\n    argv: [make, deploy]\n";
    std::fs::write(root.join(".openexec/tasks.yaml"), tasks_file).unwrap();
    let declared = crate::tasks::declared(root).unwrap();
    Known {
        root: Some("/w".into()),
        tasks: Some(declared.tasks),
        tasks_file: Some(tasks_file.to_owned()),
        user_policy: None,
        trust: Some(TrustState::Trusted),
        ..Known::default()
    }
}

/// The text without `|`, and where that stood.
fn cursor(text: &str) -> (String, usize) {
    let byte = text.find('|').unwrap();
    (text.replacen('|', "", 1), byte)
}

fn position(file: &OwnFile, byte: usize) -> WirePosition {
    file.range(&(byte..byte)).start
}

/// A text after one edit.
fn applied(file: &OwnFile, edits: &[TextEdit]) -> String {
    let mut text = file.text.clone();
    let mut edits: Vec<_> = edits
        .iter()
        .map(|edit| {
            (file.byte_of(edit.range.start).unwrap(), file.byte_of(edit.range.end).unwrap(), &edit.new_text)
        })
        .collect();
    edits.sort();
    for (start, end, new) in edits.into_iter().rev() {
        text.replace_range(start..end, new);
    }
    text
}

/// `bytes: message` of each finding, the bytes as the text that stands there.
fn said(file: &OwnFile, known: &Known) -> Vec<String> {
    let shown = |found: &Found| format!("{}: {}", &file.text[found.bytes.clone()], found.message);
    diagnose(file, known).iter().map(shown).collect()
}

fn labels(file: &str, text: &str) -> Vec<String> {
    let (text, byte) = cursor(text);
    let file = of_kind(file, &text);
    complete(&file, position(&file, byte), &known()).into_iter().map(|item| item.label).collect()
}

const MINE: &str = "/w/.openexec/blueprints/mine.yaml";
const POLICY: &str = "/w/.openexec/policy.yaml";
const TASKS: &str = "/w/.openexec/tasks.yaml";

const HEAD: &str = "version: 1\nname: mine\nstages:\n";

#[test]
fn other_peoples_yaml_is_none_of_ours() {
    for (path, text) in [
        ("/w/deploy/values.yaml", "stages: []\n"),
        ("/w/blueprints/other.yaml", "- hosts: all\n"),
        ("/w/blueprints/other.yaml", "jobs:\n  stages: []\n"),
        ("/w/.openexec/memory/deep/a.yaml", "version: 1\n"),
    ] {
        assert!(opened(path, text, PositionEncoding::Utf16).is_none(), "{path}");
    }
    assert!(opened("/w/blueprints/ours.yaml", "name: x\nstages:\n", PositionEncoding::Utf16).is_some());
}

#[test]
fn what_the_loader_says_is_placed_exactly() {
    let file = blueprint(&format!(
        "{HEAD}  - id: a\n    typo: agent\n    goal: größe 🌍 x\n    on_failure: bb\n  - id: b\n    type: deterministic\n    action: run_test\n"
    ));
    assert_eq!(
        said(&file, &Known::default()),
        [
            "typo: `typo` is not a key of a stage; did you mean `type`?",
            "bb: the route leads to `bb`, and there is no such stage; did you mean `b`?",
            "run_test: `action` is `run_test`; did you mean `run_tests`?",
        ]
    );
}

#[test]
fn columns_are_counted_in_every_encoding_and_through_marks_and_line_ends() {
    let text = "\u{feff}version: 2\r\nname: größe\r\nstages:\r\n  - {id: \"🌍é\", type: agent, goal: x, on_success: nowhere}\r\n";
    for encoding in ENCODINGS {
        let file = opened(MINE, text, encoding).unwrap();
        for found in diagnose(&file, &Known::default()) {
            let wire = found.to_wire(&file, true);
            let back = file.byte_of(wire.range.start).unwrap()..file.byte_of(wire.range.end).unwrap();
            assert_eq!(back, found.bytes, "{}", found.message);
        }
        let said = said(&file, &Known::default());
        assert!(said.iter().any(|it| it.starts_with("2: `version` is 2")), "{said:?}");
        assert!(said.iter().any(|it| it.starts_with("\"🌍é\": `id` is")), "{said:?}");
    }
}

#[test]
fn the_path_of_an_escape_is_told_stage_by_stage() {
    let file = blueprint(&format!(
        "{HEAD}  - {{ id: implement, type: agent, goal: x, outputs: [patch] }}\n  - {{ id: propose, type: deterministic, action: propose }}\n  \
         - {{ id: apply_edit, type: deterministic, action: apply_edit }}\n"
    ));
    let found = diagnose(&file, &Known::default());
    let [escape] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((escape.code, &file.text[escape.bytes.clone()]), ("ungated", "apply_edit"));
    let path: Vec<String> =
        escape.related.iter().map(|(bytes, said)| format!("{}: {said}", &file.text[bytes.clone()])).collect();
    assert_eq!(
        path,
        [
            "implement: 1. `implement` edits",
            "propose: 2. `propose` propose",
            "apply_edit: 3. `apply_edit` applies"
        ]
    );
    let wire = escape.to_wire(&file, true);
    assert_eq!(wire.related_information.unwrap().len(), 3);
    assert_eq!(escape.to_wire(&file, false).related_information, None);
}

#[test]
fn what_only_the_workspace_shows_is_told() {
    let text = format!("{HEAD}  - {{id: a, type: deterministic, action: run_task, task: deplyo}}\n");
    let file = blueprint(&text);
    assert_eq!(
        said(&file, &known()),
        ["deplyo: this workspace declares no task `deplyo`; did you mean `deploy`?"]
    );
    assert_eq!(said(&file, &Known::default()), [""; 0]);
    let changes = |is_first| TrustChanges { is_first, files: Vec::new(), diff: String::new() };
    let untrusted = |is_first| {
        let trust = TrustState::Untrusted {
            content: Digest::of(b"x"),
            commands: Vec::new(),
            loads: Vec::new(),
            files: Vec::new(),
            changes: changes(is_first),
        };
        Known { trust: Some(trust), ..known() }
    };
    let fine = blueprint(&text.replace("deplyo", "deploy"));
    assert!(said(&fine, &untrusted(true))[0].starts_with("version: you have not trusted"));
    assert!(said(&fine, &untrusted(false))[0].contains("has changed since you trusted it"));
    let elsewhere = of_kind("/w/blueprints/mine.yaml", &fine.text);
    assert_eq!(said(&elsewhere, &untrusted(true)), [""; 0]);
}

#[test]
fn policies_are_held_to_their_examples_and_to_the_users_scope() {
    let policy = "version: 1\nsandbox: repo_write\nrules:\n  - id: r\n    effect: block\n    reason: why\n    when: {paths: [\"a/**\"]}\n    \
                  examples:\n      match:\n        - {action: delete_file, path: b}\n";
    let said_of = |text: &str| said(&of_kind(POLICY, text), &known());
    let found = said_of(policy);
    assert!(found[0].contains("does not match its example `delete_file b`"), "{found:?}");
    let found = said_of(&policy.replace("path: b", "path: a/b"));
    assert!(found[0].starts_with("repo_write: workspace configuration cannot widen"), "{found:?}");
    let user = Known {
        user_policy: Some(("/u/openexec/policy.yaml".into(), "version: 1\nsandbox: repo_write\n".into())),
        ..known()
    };
    assert_eq!(said(&of_kind(POLICY, &policy.replace("path: b", "path: a/b")), &user), [""; 0]);
    let own =
        of_kind("/u/openexec/policy.yaml", "version: 1\nsandbox: read_only\ncapabilities: [repo_write]\n");
    assert!(said(&own, &Known::default())[0].starts_with("repo_write: the sandbox mode `read_only`"));
}

#[test]
fn tasks_and_configuration_are_checked_as_they_are_written() {
    let tasks = of_kind(TASKS, "version: 1\ntasks:\n  - name: Bad\n    kind: test\n    argv: [x]\n");
    assert!(said(&tasks, &Known::default())[0].starts_with("Bad: `Bad` is no name for a task"));
    let tasks = of_kind(TASKS, "version: 1\ndisable: [nothing]\n");
    let folder = tempfile::tempdir().unwrap();
    let known = Known { root: Some(folder.path().to_owned()), ..Known::default() };
    assert!(said(&tasks, &known)[0].starts_with("nothing: no task `nothing` was detected"));
    let config = of_kind("/u/openexec/config.yaml", "default_model: x\nmodels: {}\n");
    let found = said(&config, &Known::default());
    assert!(found[0].starts_with("x: there is no model `x`"), "{found:?}");
}

#[test]
fn hostile_texts_are_judged_and_stop_nothing() {
    let bomb = "a: &a [x,x,x,x,x,x,x,x]\n".to_owned()
        + &(b'b'..=b'i')
            .map(|it| {
                let (name, before) = (char::from(it), char::from(it - 1));
                format!("{name}: &{name} [*{before},*{before},*{before},*{before},*{before},*{before},*{before},*{before}]\n")
            })
            .collect::<String>();
    let texts = [
        String::new(),
        "\u{feff}".to_owned(),
        "stages:\n\t- id: x\n".to_owned(),
        "[".repeat(50_000),
        (0..300).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
        bomb,
        "name: x\n".repeat(131_072),
        "stages: [".to_owned() + &"{id: a},".repeat(10_000),
        "\0\u{1}\u{2028}".to_owned(),
        "---\n---\n".to_owned(),
        "a\r\rb:\rc".to_owned(),
    ];
    for path in [MINE, POLICY, TASKS, "/u/openexec/config.yaml"] {
        for text in &texts {
            let file = of_kind(path, text);
            let found = diagnose(&file, &Known::default());
            assert!(
                !found.is_empty() || path.ends_with("config.yaml"),
                "{path}: {:.40?} is no file of ours",
                text
            );
            for byte in
                [0, text.len() / 2, text.len()].into_iter().filter(|byte| text.is_char_boundary(*byte))
            {
                let at = position(&file, byte);
                drop(complete(&file, at, &Known::default()));
                drop(hover(&file, at, &Known::default(), true));
                drop(definition(&file, at, &Known::default()));
                drop(fixes(&file, &Known::default(), WireRange { start: at, end: at }));
            }
            let beyond = WirePosition { line: u32::MAX, character: u32::MAX };
            assert!(complete(&file, beyond, &Known::default()).is_empty());
            drop(symbols(&file, true));
        }
    }
}

#[test]
fn keys_and_values_are_offered_where_they_can_stand() {
    let all = labels(MINE, "|");
    assert_eq!(all[..3], ["version", "name", "description"]);
    let stage = labels(MINE, &format!("{HEAD}  - id: a\n    type: agent\n    |\n  - id: b\n"));
    assert!(stage.contains(&"goal".into()) && stage.contains(&"on_success".into()), "{stage:?}");
    assert!(!stage.contains(&"id".into()) && !stage.contains(&"action".into()), "{stage:?}");
    let routes =
        labels(MINE, &format!("{HEAD}  - id: a\n    type: agent\n    on_success: |\n  - id: b\n  - id: c\n"));
    assert_eq!(routes, ["b", "c", "done", "fail", "paused"]);
    let routes = labels(MINE, &format!("{HEAD}  - {{ id: a, type: agent, on_failure: p|\n  - {{ id: b }}\n"));
    assert_eq!(routes, ["b", "done", "fail", "paused"]);
    let tasks = labels(MINE, &format!("{HEAD}  - id: a\n    action: run_task\n    task: |\n"));
    assert!(tasks.contains(&"deploy".into()) && tasks.contains(&"test".into()), "{tasks:?}");
    assert_eq!(
        labels(MINE, &format!("{HEAD}  - id: a\n    toolset: |\n")),
        ["coding_backend", "coding_positions", "repo_readonly", "docs_lookup"]
    );
    let inputs =
        labels(MINE, &format!("{HEAD}  - id: a\n    action: run_tests\n  - id: b\n    inputs: [|]\n"));
    assert_eq!(inputs, ["test_report", "instruction", "target"]);
    assert_eq!(labels(MINE, "gates: |\n"), ["run_linters", "run_tests"]);
    assert_eq!(labels(MINE, "gates: [run_tests, |]\n"), ["run_linters"]);
    assert_eq!(labels(MINE, "description: some words |\n"), [""; 0]);
    let mut capabilities = labels(POLICY, "version: 1\ncapabilities: [repo_read, |\n");
    capabilities.sort();
    assert_eq!(
        capabilities,
        ["git_commit", "memory_write", "network_access", "repo_write", "run_tasks", "shell_exec"]
    );
    assert_eq!(
        labels(POLICY, "sandbox: |"),
        ["read_only", "workspace_write", "repo_write", "danger_full_access"]
    );
    let classes = labels(POLICY, "rules:\n  - id: x\n    when:\n      class: [|]\n");
    assert!(classes.contains(&"executes".into()) && classes.contains(&"judges".into()), "{classes:?}");
    let kinds = labels(POLICY, "rules:\n  - id: x\n    examples:\n      match:\n        - {action: |}\n");
    assert!(kinds.contains(&"replace_text".into()), "{kinds:?}");
    let keys = labels(TASKS, "version: 1\ntasks:\n  - name: x\n    |\n");
    assert!(keys.contains(&"argv".into()) && keys.contains(&"network".into()), "{keys:?}");
    assert_eq!(labels(TASKS, "tasks:\n  - kind: |\n"), ["test", "lint", "format", "other"]);
    let config = "/u/openexec/config.yaml";
    assert_eq!(
        labels(config, "default_model: |\nmodels:\n  fast: {api: ollama}\n  good: {}\n"),
        ["fast", "good"]
    );
    let keys = labels(config, "models:\n  fast:\n    |\n");
    assert!(keys.contains(&"api".into()) && keys.contains(&"key_env".into()), "{keys:?}");
    assert!(labels(config, "models:\n  fast: {api: |}\n").contains(&"ollama".into()));
    assert!(labels(config, "roles:\n  |\n").contains(&"review".into()));
}

#[test]
fn an_item_takes_the_place_of_the_word_in_every_encoding() {
    let (text, byte) = cursor("version: 1\nname: x\nstages:\n  - {goal: \"🌍é\", typ|x\n");
    for encoding in ENCODINGS {
        let file = opened(MINE, &text, encoding).unwrap();
        let items = complete(&file, position(&file, byte), &Known::default());
        let item = items.iter().find(|item| item.label == "type").unwrap();
        let Some(CompletionTextEdit::Edit(edit)) = &item.text_edit else { panic!("{item:?}") };
        assert!(applied(&file, std::slice::from_ref(edit)).ends_with("\"🌍é\", type: \n"), "{edit:?}");
    }
}

fn shown(path: &str, text: &str) -> String {
    let (text, byte) = cursor(text);
    let file = of_kind(path, &text);
    match hover(&file, position(&file, byte), &known(), true).map(|hover| hover.contents) {
        Some(HoverContents::Markup(markup)) => markup.value,
        Some(other) => panic!("{other:?}"),
        None => String::new(),
    }
}

#[test]
fn a_word_is_explained() {
    let with = |rest: &str| format!("{HEAD}{rest}");
    assert!(shown(MINE, "ver|sion: 1\n").starts_with("**version**: The version of the language: 1."));
    let route = shown(
        MINE,
        &with(
            "  - id: a\n    on_success: |b\n  - id: b\n    type: agent\n    goal: Do <b> it\n    on_failure: paused\n",
        ),
    );
    assert_eq!(
        route,
        "**b** · `agent`\n\nDo  b> it\n\nAfter success: the next stage. After failure: `paused`."
    );
    let action = shown(MINE, &with("  - id: a\n    action: run_te|sts\n"));
    assert_eq!(action, "**run_tests**: Run the declared test tasks in the shadow. Leaves `test_report`.");
    let toolset = shown(MINE, &with("  - id: a\n    toolset: repo_read|only\n"));
    assert!(toolset.starts_with("**repo_readonly**: A model can use `read_file`"), "{toolset}");
    let task = shown(MINE, &with("  - id: a\n    task: dep|loy\n"));
    assert_eq!(
        task,
        "**deploy** · other · from `.openexec/tasks.yaml`\n\n    make deploy\n\nTrusted as it is."
    );
    let artifact =
        shown(MINE, &with("  - id: a\n    action: run_tests\n  - id: b\n    inputs: [test_|report]\n"));
    assert_eq!(artifact, "`test_report`: left by `a`");
    assert_eq!(shown(MINE, "# no|thing\nversion: 1\n"), "");
    assert!(shown(POLICY, "sandbox: repo_|write\n").starts_with("**repo_write**: As before, and commits."));
}

fn places(locations: &[Location], file: &OwnFile) -> Vec<String> {
    let shown = |location: &Location| {
        let range = location.range;
        let name = location.uri.path().rsplit('/').next().unwrap().to_owned();
        let here = location.uri.as_str() == file.uri;
        let text = match here {
            true => {
                file.text[file.byte_of(range.start).unwrap()..file.byte_of(range.end).unwrap()].to_owned()
            }
            false => String::new(),
        };
        format!("{name}:{}:{} {text}", range.start.line + 1, range.start.character + 1)
    };
    locations.iter().map(shown).collect()
}

#[test]
fn names_lead_to_their_declarations() {
    let found = |text: &str| {
        let (text, byte) = cursor(text);
        let file = blueprint(&text);
        places(&definition(&file, position(&file, byte), &known()), &file)
    };
    let with = |rest: &str| format!("{HEAD}{rest}");
    assert_eq!(found(&with("  - id: a\n    on_success: b|\n  - id: b\n")), ["mine.yaml:6:9 b"]);
    assert_eq!(found(&with("  - id: a\n    on_success: do|ne\n")), [""; 0]);
    assert_eq!(found(&with("  - id: a\n    task: depl|oy\n")), ["tasks.yaml:3:11 "]);
    assert_eq!(found(&with("  - id: a\n    task: te|st\n")), ["Cargo.toml:1:1 "]);
    assert_eq!(
        found(&with(
            "  - id: a\n    action: run_tests\n  - id: b\n    outputs: [test_report]\n  - id: c\n    inputs: [test_re|port]\n"
        )),
        ["mine.yaml:5:13 run_tests", "mine.yaml:7:15 test_report"]
    );
}

#[test]
fn a_toolset_leads_to_the_page_on_which_all_of_them_stand() {
    let named = |text: &str| {
        let (text, byte) = cursor(&format!("{HEAD}{text}"));
        let file = blueprint(&text);
        toolset_at(&file, position(&file, byte))
    };
    assert_eq!(named("  - id: a\n    toolset: repo_read|only\n").as_deref(), Some("repo_readonly"));
    assert_eq!(named("  - id: a\n    tool|set: repo_readonly\n"), None);
    assert_eq!(named("  - id: repo_read|only\n"), None);
    let (text, byte) = cursor("version: 1\ndefaults: {toolset: docs_|lookup}\nstages: []\n");
    let file = blueprint(&text);
    assert_eq!(toolset_at(&file, position(&file, byte)).as_deref(), Some("docs_lookup"));
    for name in ["coding_backend", "coding_positions", "repo_readonly", "docs_lookup"] {
        let (page, line) = toolsets_page(name).unwrap();
        assert_eq!(page.lines().nth(line as usize), Some(format!("## {name}").as_str()));
    }
    assert_eq!(toolsets_page("everything"), None);
}

#[test]
fn names_in_memory_lead_to_their_records_and_are_explained() {
    let text = "version: 1\nservices:\n  - {id: billing, path: src, runbooks: [bill|ing, rest], environment: prod}\n\
                runbooks:\n  - {id: rest, failures: [{id: f, looks_like: [\"is stale\"], remediations: [drain]}]}\n\
                procedures:\n  - {id: drain, steps: [{task: deploy}]}\n";
    let others = "version: 1\nrunbooks:\n  - {id: billing, failures: [{id: f, looks_like: [\"is full\"]}]}\n";
    let known = Known {
        memory_files: [(".openexec/memory/other.yaml".to_owned(), others.to_owned())].into(),
        ..known()
    };
    let text = text.replace('|', "");
    let file = of_kind(MEMORY, &text);
    let asked = |word: &str| {
        let at = position(&file, text.rfind(word).unwrap() + 1);
        let told = hover(&file, at, &known, false).map(|hover| match hover.contents {
            HoverContents::Markup(markup) => markup.value,
            other => panic!("{other:?}"),
        });
        (places(&definition(&file, at, &known), &file), told.unwrap_or_default())
    };
    let (found, told) = asked("billing, rest");
    assert_eq!(found, ["other.yaml:3:10 "]);
    assert!(told.starts_with("**billing** · runbook · from `.openexec/memory/other.yaml:3`"), "{told}");
    assert_eq!(asked("rest], env").0, ["mine.yaml:5:10 rest"]);
    assert_eq!(asked("drain]}]").0, ["mine.yaml:7:10 drain"]);
    assert_eq!(asked("deploy").0, ["tasks.yaml:3:11 "]);
    let (found, told) = asked("prod}");
    assert_eq!((found, told), (Vec::new(), "`prod`: there is no environment of this name".to_owned()));
}

#[test]
fn a_stage_is_found_everywhere_and_renamed_everywhere() {
    let (text, byte) = cursor(&format!(
        "{HEAD}  - id: a\n    on_success: b\n    on_failure: \"b\"\n  - id: |b\n    goal: b\n    on_failure: c\n  - id: c\n    on_failure: b\n"
    ));
    let file = blueprint(&text);
    let at = position(&file, byte);
    let all = places(&references(&file, at, true), &file);
    assert_eq!(all, ["mine.yaml:5:17 b", "mine.yaml:6:17 \"b\"", "mine.yaml:7:9 b", "mine.yaml:11:17 b"]);
    assert_eq!(references(&file, at, false).len(), 3);
    assert_eq!(renamed_at(&file, at).unwrap().1, "b");
    let renamed = applied(&file, &rename(&file, at, "better").unwrap());
    assert_eq!(renamed.matches("better").count(), 4);
    assert!(renamed.contains("goal: b\n"));
    for (name, says) in [("c", "another stage"), ("done", "is no id"), ("a b", "is no id"), ("", "is no id")]
    {
        assert!(rename(&file, at, name).unwrap_err().contains(says), "{name}");
    }
    assert!(applied(&file, &rename(&file, at, "7").unwrap()).contains("- id: \"7\"\n"));
    let nowhere = position(&file, 0);
    assert!(rename(&file, nowhere, "x").unwrap_err().contains("there is no stage here"));
    assert_eq!(renamed_at(&file, nowhere), None);
}

#[test]
fn stages_rules_tasks_and_models_are_outlined() {
    let names = |path: &str, text: &str| match symbols(&of_kind(path, text), true) {
        DocumentSymbolResponse::Nested(all) => all
            .into_iter()
            .map(|it| format!("{} {}", it.name, it.detail.unwrap_or_default()))
            .collect::<Vec<_>>(),
        DocumentSymbolResponse::Flat(_) => panic!("nested ones were asked for"),
    };
    let text = format!("{HEAD}  - id: a\n    action: run_tests\n  - goal: x\n  - {{id: b, type: agent}}\n");
    assert_eq!(names(MINE, &text), ["a run_tests", "b agent"]);
    assert_eq!(names(POLICY, "rules:\n  - {id: r, effect: ask}\n"), ["r ask"]);
    assert_eq!(names(TASKS, "tasks:\n  - {name: t, kind: test}\n"), ["t test"]);
    assert_eq!(names("/u/openexec/config.yaml", "models:\n  m: {api: ollama}\n"), ["m ollama"]);
    match symbols(&of_kind(MINE, &text), false) {
        DocumentSymbolResponse::Flat(all) => assert_eq!(all.len(), 2),
        DocumentSymbolResponse::Nested(_) => panic!("flat ones were asked for"),
    }
}

/// The text after the fix of this title, which is offered on a line.
fn fixed(path: &str, text: &str, line: u32, title: &str) -> String {
    let file = of_kind(path, text);
    let at = WirePosition { line, character: 0 };
    let offered = fixes(&file, &known(), WireRange { start: at, end: at });
    let titles: Vec<&str> = offered.iter().map(|fix| fix.title.as_str()).collect();
    let fix = offered.iter().find(|fix| fix.title == title).unwrap_or_else(|| panic!("{titles:?}"));
    applied(&file, &fix.edits)
}

#[test]
fn mistakes_are_mended_by_edits() {
    let with = |rest: &str| format!("{HEAD}{rest}");
    let route = with("  - {id: a, type: agent, goal: x, on_failure: pausd}\n");
    assert_eq!(fixed(MINE, &route, 3, "Write `paused`"), route.replace("pausd", "paused"));
    let key = with("  - id: a\n    tpye: agent\n    goal: x\n");
    assert_eq!(fixed(MINE, &key, 4, "Write `type`"), key.replace("tpye", "type"));
    let missing = with("  - id: a\n    goal: x\n");
    assert_eq!(fixed(MINE, &missing, 3, "Add `type`"), with("  - id: a\n    type: agent\n    goal: x\n"));
    let missing = "# mine\r\nname: x\r\nstages:\r\n  - {id: a, action: remember}\r\n";
    assert_eq!(fixed(MINE, missing, 1, "Add `version`"), missing.replace("name", "version: 1\r\nname"));
    assert_eq!(fixed(MINE, missing, 3, "Add `type`"), missing.replace("{id", "{ type: deterministic,id"));
    let unnamed = "version: 1\nstages:\n  - type: agent\n    goal: x\n";
    assert_eq!(fixed(MINE, unnamed, 0, "Add `name`"), unnamed.replace("1\n", "1\nname: mine\n"));
    assert_eq!(fixed(MINE, unnamed, 2, "Add `id`"), unnamed.replace("- type", "- id: agent\n    type"));
    let ungated = with("  - id: a\n    type: agent\n    goal: x\n");
    let gated = fixed(MINE, &ungated, 3, "Lead the path through `run_tests`");
    assert_eq!(said(&blueprint(&gated), &Known::default()), [""; 0], "{gated}");
    let rule = "version: 1\nrules:\n  - id: r\n    effect: blok\n    reason: x\n    when: {paths: [a]}\n";
    assert_eq!(fixed(POLICY, rule, 3, "Write `block`"), rule.replace("blok", "block"));
    let task = with("  - {id: a, type: deterministic, action: run_task, task: deplyo}\n");
    assert_eq!(fixed(MINE, &task, 3, "Write `deploy`"), task.replace("deplyo", "deploy"));
}

#[test]
fn columns_of_the_document_and_of_its_ranges_agree() {
    let document = Document::new("a: é🌍\n");
    for encoding in ENCODINGS {
        let range = super::range_in(&document, &(3..9), encoding);
        assert_eq!(range.start.character, 3);
        let wide = match encoding {
            PositionEncoding::Utf8 => 9,
            PositionEncoding::Utf16 => 6,
            PositionEncoding::Utf32 => 5,
        };
        assert_eq!(range.end.character, wide);
    }
}

const MEMORY: &str = "/w/.openexec/memory/mine.yaml";

#[test]
fn names_in_memory_that_lead_nowhere_are_said_and_mended_beside_other_files() {
    let text = "version: 1\nservices:\n  - {id: billing, path: src, runbooks: [biling], environment: prod}\nprocedures:\n  - {id: p, steps: [{task: deploi}]}\n";
    let file = of_kind(MEMORY, text);
    let others =
        "version: 1\nrunbooks:\n  - {id: billing, failures: [{id: f, looks_like: [\"is stale\"]}]}\n";
    let known = Known {
        memory_files: [(".openexec/memory/other.yaml".to_owned(), others.to_owned())].into(),
        ..known()
    };
    assert_eq!(
        said(&file, &known),
        [
            "biling: there is no runbook `biling`; did you mean `billing`?",
            "prod: there is no environment `prod`; write it under `environments`",
            "deploi: this workspace declares no task `deploi`; did you mean `deploy`?",
        ]
    );
    let all = WireRange { start: position(&file, 0), end: position(&file, text.len()) };
    let mended = fixes(&file, &known, all);
    let titles: Vec<&str> = mended.iter().map(|fix| fix.title.as_str()).collect();
    assert_eq!(titles, ["Write `billing`", "Write `deploy`"]);
    assert!(applied(&file, &mended[0].edits).contains("runbooks: [billing]"));
    let tasks = labels(MEMORY, "version: 1\nprocedures:\n  - id: p\n    steps:\n      - task: |\n");
    assert!(tasks.contains(&"deploy".to_owned()), "{tasks:?}");
    let keys = labels(MEMORY, "version: 1\nrunbooks:\n  - id: r\n    |\n");
    assert!(keys.contains(&"failures".to_owned()) && keys.contains(&"labels".to_owned()), "{keys:?}");
}

#[test]
fn a_doubtful_pointer_is_confirmed_or_dropped() {
    use openexec_engine::memory::{Anchor, PointerState, Resolution, SymbolPointer};
    use openexec_engine::path::WorkspacePath;
    use openexec_engine::syntax::{Language, symbols_of};
    let text = "version: 1\nsymbols:\n  - id: a\n    at: {path: src/a.rs, symbol: f}\n    why: so\n  - id: b\n    at: {path: src/b.rs, symbol: g}\n    why: so\n";
    let file = of_kind(MEMORY, text);
    let (path, source) = (WorkspacePath::parse("src/c.rs").unwrap(), "fn h() { i(1) }\n");
    let place = SymbolPointer::of(&path, source, &symbols_of(Language::Rust, source), 0).unwrap();
    let anchor = |path: &str, symbol: &str| Anchor {
        path: WorkspacePath::parse(path).unwrap(),
        symbol: symbol.into(),
        pointer: None,
    };
    let standing =
        |state, place, why: &str| Resolution { state, place, why: why.into(), similarity_percent: 60 };
    let known = Known {
        pointers: vec![
            (anchor("src/a.rs", "f"), standing(PointerState::Suspect, Some(place), "`f` may now be `h`")),
            (anchor("src/b.rs", "g"), standing(PointerState::Stale, None, "nothing like `g` is left")),
        ],
        ..known()
    };
    assert_eq!(
        said(&file, &known),
        [
            "{path: src/a.rs, symbol: f}: `f` may now be `h`; nothing of this is shown as knowledge before you confirm it",
            "{path: src/b.rs, symbol: g}: nothing like `g` is left; nothing of this is shown as knowledge before you confirm it",
        ]
    );
    let all = WireRange { start: position(&file, 0), end: position(&file, text.len()) };
    let offered = fixes(&file, &known, all);
    let titles: Vec<&str> = offered.iter().map(|fix| fix.title.as_str()).collect();
    assert_eq!(titles, ["Confirm the new place: `h` in src/c.rs", "Drop this pointer", "Drop this pointer"]);
    let confirmed = applied(&file, &offered[0].edits);
    let read = openexec_engine::memory::load("m.yaml", &confirmed).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.records[0].record.anchors()[0].path, path, "{confirmed}");
    let dropped = applied(&file, &offered[2].edits);
    assert!(!dropped.contains("src/b.rs") && dropped.contains("src/a.rs"), "{dropped}");
}
