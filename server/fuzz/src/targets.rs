//! The bodies of the fuzzing targets. Each takes any bytes and panics when something that must
//! hold does not.

#[path = "declared.rs"]
mod declared;

use arbitrary::{Arbitrary as _, Result, Unstructured};
use openexec_engine::action::{
    Action, ActionRequest, CreateFile, DeleteFile, Finish, Place, PlaceRange, ReadFile, Remember, RenameFile,
    ReplaceRange, ReplaceText, RunTask, Search, parse_document, parse_tool_calls,
};
use openexec_engine::digest::Digest;
use openexec_engine::edit::{ChangeSet, FileChange, plan};
use openexec_engine::ids::{ActionId, TaskName, ToolsetName};
use openexec_engine::memory;
use openexec_engine::model::ToolCall;
use openexec_engine::outline::{Node, Outline, Schema, Value as Read, sites};
use openexec_engine::path::{RequestedPath, WorkspacePath, comparison_key};
use openexec_engine::policy::rules::{Scope, load, merge};
use openexec_engine::policy::{
    ApprovalMode, Entry, Facts, Known, PathFacts, Policy, PolicySnapshot, Resolved, SandboxMode, Situation,
    Verdict, evaluate_changes, toolset,
};
use openexec_engine::task::{TaskArg, TaskSet};
use std::collections::BTreeMap;

/// What a target does with its bytes.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("reply", reply),
    ("path", path),
    ("blueprint", blueprint),
    ("tasks", tasks),
    ("rules", rules),
    ("evaluate", evaluate),
    ("guard", guard),
    ("outline", outline),
    ("memory", memory_file),
];

/// Pieces of paths that mean something somewhere.
const PIECES: [&str; 24] = [
    ".git",
    ".GIT",
    ".g\u{200c}it",
    "git~1",
    ".openexec",
    ".OpenExec",
    "..",
    ".",
    "",
    "src",
    "lib.rs",
    "tests",
    "a",
    "\u{ff0e}git",
    ".git ",
    ".git.",
    "con",
    "C:",
    "hooks",
    "pre-commit",
    ".env",
    "build.rs",
    ".github",
    "caf\u{e9}",
];

/// Replies: what is accepted says the same when it is written out and read again.
pub fn reply(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(batch) = parse_document(text) {
        let actions: Vec<serde_json::Value> = batch.iter().map(document_of).collect();
        let again = parse_document(&serde_json::json!({ "actions": actions }).to_string());
        assert_eq!(again.as_ref(), Ok(&batch), "a document is read differently the second time");
        let calls: Vec<ToolCall> = batch.iter().map(call_of).collect();
        // The other way of saying it comes to the same, but for a reply without any action.
        if !calls.is_empty() {
            assert_eq!(parse_tool_calls(&calls), Ok(batch), "the same actions as tool calls differ");
        }
    }
    let (name, arguments) = text.split_once('\n').unwrap_or((text, "{}"));
    let call = ToolCall { id: ActionId::new("a1"), name: name.to_owned(), arguments: arguments.to_owned() };
    if let Ok(batch) = parse_tool_calls(std::slice::from_ref(&call)) {
        let calls: Vec<ToolCall> = batch.iter().map(call_of).collect();
        assert_eq!(parse_tool_calls(&calls), Ok(batch), "a tool call is read differently the second time");
    }
}

fn document_of(request: &ActionRequest) -> serde_json::Value {
    let mut value = serde_json::to_value(&request.action).expect("an action can be written");
    value["id"] = request.id.as_str().into();
    value
}

fn call_of(request: &ActionRequest) -> ToolCall {
    let mut value = serde_json::to_value(&request.action).expect("an action can be written");
    value.as_object_mut().map(|object| object.remove("kind"));
    ToolCall {
        id: request.id.clone(),
        name: request.action.kind().name().to_owned(),
        arguments: value.to_string(),
    }
}

/// Paths: one that is accepted stays below every root and spells no other name.
pub fn path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let key = comparison_key(text);
    assert_eq!(comparison_key(&key), key, "a key has another key: {text:?}");
    let Ok(path) = WorkspacePath::parse(text) else { return };
    assert_eq!(path.as_str(), text, "a path is kept as it was written");
    let joined = std::path::Path::new("/root/ws").join(path.as_str());
    let mut depth = 0;
    for component in joined.strip_prefix("/root/ws").expect("it stays below its root").components() {
        assert!(matches!(component, std::path::Component::Normal(_)), "{text:?} has {component:?}");
        depth += 1;
    }
    assert_eq!(depth, path.components().count(), "{text:?} is taken apart differently elsewhere");
    for component in path.components() {
        let folded = folded(component);
        for name in [".git", ".openexec"] {
            let plain = component.eq_ignore_ascii_case(name);
            assert!(plain || folded != name, "{text:?} is another spelling of {name}");
        }
        let short = folded.strip_prefix("git~").and_then(|rest| rest.chars().next());
        assert!(!short.is_some_and(|digit| digit.is_ascii_digit()), "{text:?} is a short name of .git");
    }
    assert!(!text.contains(['\\', ':', '\0']), "{text:?} has a separator of another platform");
}

/// A name as file systems may fold it, by a hand other than the product's: without what cannot
/// be seen on HFS+ (git's list), in lower case, without trailing dots and blanks.
fn folded(name: &str) -> String {
    let visible = |character: &char| {
        !matches!(*character,
            '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
    };
    let name: String = name.chars().filter(visible).flat_map(char::to_lowercase).collect();
    name.trim_end_matches(['.', ' ']).to_owned()
}

/// Blueprint files: any text is a blueprint or a list of complaints, of which there are not too
/// many and each of which says something.
pub fn blueprint(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match openexec_engine::blueprint::load("fuzz.yaml", text) {
        Ok(blueprint) => {
            let digest = blueprint.digest();
            let again = openexec_engine::blueprint::load("fuzz.yaml", text).map(|it| it.digest());
            assert_eq!(again.ok(), Some(digest), "a blueprint is read differently the second time");
        }
        Err(error) => {
            let said = error.to_string();
            assert!(!said.is_empty() && said.len() < 1024 * 1024, "{} bytes of complaints", said.len());
        }
    }
}

/// Task files: the same.
pub fn tasks(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match declared::tasks(text) {
        Ok(declared) => {
            for task in &declared {
                assert!(!task.argv.is_empty() && !task.name.as_str().is_empty(), "{task:?}");
                let args: Vec<TaskArg> = task
                    .params
                    .iter()
                    .map(|param| TaskArg { name: param.name.clone(), value: "-rf".to_owned() })
                    .collect();
                assert!(args.is_empty() || task.argv_with(&args).is_err(), "an option got through: {task:?}");
            }
        }
        Err(error) => assert!(error.0.len() < 1024 * 1024),
    }
}

/// Policy files: any text is rules or complaints, and a workspace's rules take nothing of the
/// user's away and give nothing that the user has not.
pub fn rules(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (user, workspace) = text.split_once('\u{0}').unwrap_or(("", text));
    let read = |scope, text: &str| (!text.is_empty()).then(|| load(scope, "policy.yaml", text));
    let (Ok(user), Ok(workspace)) =
        (read(Scope::User, user).transpose(), read(Scope::Workspace, workspace).transpose())
    else {
        return;
    };
    let alone = merge(user.as_ref(), None);
    let Ok(together) = merge(user.as_ref(), workspace.as_ref()) else { return };
    let alone = alone.expect("what holds together with a workspace's rules holds without them");
    assert!(together.capabilities.is_subset(&alone.capabilities), "a workspace gives capabilities");
    assert!(together.sandbox <= alone.sandbox, "a workspace widens the sandbox");
    assert!(together.approval_mode >= alone.approval_mode, "a workspace asks less");
    assert!(Policy::new(&together).fault().is_none_or(|fault| !fault.is_empty()));
}

/// Memory files: what is read is written so that it reads as the same, and what hangs together
/// leads to a remedy or to a reason.
pub fn memory_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(file) = memory::load("memory.yaml", text) else { return };
    let tasks = TaskSet::default();
    for problem in memory::check(std::slice::from_ref(&file), &[], Some(&tasks.tasks)) {
        assert!(problem.line > 0 && !problem.remedy.is_empty(), "{problem}");
    }
    let records: Vec<memory::Record> = file.records.into_iter().map(|written| written.record).collect();
    let written = memory::to_yaml(&records).expect("what was read can be written");
    let again = memory::load("again.yaml", &written).expect("what was written can be read");
    let said = |record: &memory::Record| {
        let memory::Record { id, author, written, source, labels, redact, body, .. } = record.clone();
        (id, author, written, source, labels, redact, body)
    };
    let read_again: Vec<_> = again.records.iter().map(|written| said(&written.record)).collect();
    assert_eq!(records.iter().map(said).collect::<Vec<_>>(), read_again, "{written}");
    let operations = memory::Operations::new(records);
    let known = operations.failures(text, &[]).len();
    let remedy = operations.remedy(text, &[], &tasks);
    assert!(known > 0 || remedy.is_err(), "a remedy for what nobody knows");
    for form in memory::error_forms([], [text]) {
        assert!(!form.is_empty() && !form.contains('\n'), "{form}");
    }
}

/// The gate: whatever a batch is and whatever stands in the workspace, what names `.git`,
/// `.openexec` or a place outside is blocked, and what is not blocked can be planned or is refused.
pub fn evaluate(data: &[u8]) {
    // Too few bytes make no batch.
    let _ = judged(&mut Unstructured::new(data));
}

fn judged(bytes: &mut Unstructured<'_>) -> Result<()> {
    let mut facts = Facts::default();
    let mut batch = Vec::new();
    for number in 0..bytes.int_in_range(1..=5)? {
        let action = action(bytes)?;
        for path in action.paths() {
            let known = facts_of(bytes)?;
            if bytes.ratio(7, 8)? {
                facts.paths.entry(path.clone()).or_insert(known);
            }
        }
        batch.push(ActionRequest { id: ActionId::new(format!("a{number}")), action });
    }
    let sandbox = *bytes.choose(&[SandboxMode::ReadOnly, SandboxMode::WorkspaceWrite])?;
    let policy = Policy::new(&PolicySnapshot::built_in(sandbox, ApprovalMode::OnRiskyActions));
    let toolset = toolset(&ToolsetName::from("coding_positions")).expect("it is built in");
    let changes = ChangeSet::default();
    let mut known = Known::default();
    known.learn(&facts);
    let tasks = TaskSet::default();
    let situation =
        Situation { toolset: &toolset, tasks: &tasks, facts: &facts, changes: &changes, known: &known };
    let decision = openexec_engine::policy::evaluate(&batch, situation, &policy);
    assert!(!decision.reasons.is_empty(), "a decision without a reason");
    let strictest = decision.reasons.iter().map(|reason| reason.verdict).max();
    assert_eq!(strictest, Some(decision.verdict), "the strictest does not win");
    let forbidden = batch.iter().flat_map(|request| request.action.paths()).find(|path| {
        let outside = facts.paths.get(*path).is_none_or(|it| it.resolved == Resolved::Outside);
        outside || is_nobodys(path.as_str())
    });
    if let Some(path) = forbidden {
        assert_eq!(decision.verdict, Verdict::Block, "{path} is let through: {decision:?}");
    }
    if sandbox == SandboxMode::ReadOnly && batch.iter().any(|request| request.action.kind().edits()) {
        assert_eq!(decision.verdict, Verdict::Block, "an edit where nothing may be edited: {decision:?}");
    }
    if decision.verdict != Verdict::Block
        && let Ok(planned) = plan(&changes, &batch, &facts)
    {
        for (path, _) in planned.effective() {
            assert!(!is_nobodys(path.as_str()), "{path} is planned");
        }
        evaluate_changes(&planned, &known, &policy);
    }
    Ok(())
}

/// Whether a path leads to a place that no run touches, by the simplest look there is.
fn is_nobodys(path: &str) -> bool {
    let lower = path.to_lowercase().replace('\\', "/");
    let mut components = lower.split('/').map(folded);
    path.starts_with(['/', '~'])
        || path.contains(['\\', ':', '\0'])
        || lower.split('/').any(|component| component == "..")
        || components.clone().any(|component| component == ".git")
        || components.next().is_some_and(|component| component == ".openexec")
}

fn action(bytes: &mut Unstructured<'_>) -> Result<Action> {
    let path = requested(bytes)?;
    let text = text(bytes)?;
    let hash = if bytes.arbitrary()? { Some(Digest::of(text.as_bytes()).to_string()) } else { None };
    Ok(match bytes.int_in_range(0..=10)? {
        0 => Action::CreateFile(CreateFile { path, text, overwrite: bytes.arbitrary()? }),
        1 => Action::DeleteFile(DeleteFile { path, base_hash: hash }),
        2 => Action::RenameFile(RenameFile { path, new_path: requested(bytes)?, base_hash: hash }),
        3 => {
            Action::ReadFile(ReadFile { path, first_line: bytes.arbitrary()?, last_line: bytes.arbitrary()? })
        }
        4 => Action::Search(Search { text, below: Some(path) }),
        5 => Action::RunTask(RunTask {
            task: TaskName::new(text),
            args: vec![TaskArg { name: "filter".to_owned(), value: path.as_str().to_owned() }],
        }),
        6 => Action::Remember(Remember { text, key: Some(path.as_str().to_owned()), scope: hash }),
        7 => Action::Finish(Finish { summary: text }),
        8 => Action::ReplaceText(ReplaceText { path, old: String::arbitrary(bytes)?, new: text }),
        _ => {
            let mut place = || -> Result<Place> {
                Ok(Place { line: bytes.int_in_range(0..=6)?, character: bytes.int_in_range(0..=12)? })
            };
            let range = PlaceRange { start: place()?, end: place()? };
            Action::ReplaceRange(ReplaceRange { path, base_hash: hash, version: None, range, text })
        }
    })
}

fn requested(bytes: &mut Unstructured<'_>) -> Result<RequestedPath> {
    let mut path = String::new();
    for number in 0..bytes.int_in_range(1..=4)? {
        if number > 0 {
            path.push(*bytes.choose(&['/', '/', '/', '\\'])?);
        }
        if bytes.ratio(1, 6)? {
            path.push_str(<&str>::arbitrary(bytes)?);
        } else {
            path.push_str(bytes.choose(&PIECES)?);
        }
    }
    Ok(RequestedPath::new(path))
}

fn text(bytes: &mut Unstructured<'_>) -> Result<String> {
    let known =
        ["x\n", "a\r\nb\r\n", "#[test]\nfn t() { assert!(true); }\n", "AKIAFAKEFAKEFAKEFAKE", "\u{202e}", ""];
    if bytes.arbitrary()? { Ok((*bytes.choose(&known)?).to_owned()) } else { String::arbitrary(bytes) }
}

fn facts_of(bytes: &mut Unstructured<'_>) -> Result<PathFacts> {
    let entry = match bytes.int_in_range(0..=5)? {
        0 | 1 => Entry::Missing,
        2 => Entry::Directory,
        3 => Entry::Opaque { bytes: bytes.arbitrary()? },
        4 => Entry::Other { what: "a pipe".to_owned() },
        _ => {
            let text = text(bytes)?;
            // Fields that come later are given as a journal would give them.
            let entry =
                serde_json::json!({ "entry": "text", "text": text, "links": bytes.int_in_range(1..=2)? });
            serde_json::from_value(entry).expect("it is an entry")
        }
    };
    let resolved = match bytes.int_in_range(0..=5)? {
        0 => Resolved::Outside,
        1 => {
            let to = requested(bytes)?;
            WorkspacePath::parse(to.as_str()).map_or(Resolved::Outside, |to| Resolved::Linked { to })
        }
        _ => Resolved::Direct,
    };
    let executed_by = if bytes.ratio(1, 8)? { Some("a hook".to_owned()) } else { None };
    Ok(PathFacts { entry, resolved, executed_by })
}

/// Files that judge the work, in the languages that tests are written in.
const JUDGES: [&str; 10] = [
    "tests/basic.rs",
    "tests/test_calc.py",
    "test/calc.test.js",
    "src/calc.test.ts",
    "calc_test.go",
    "src/test/java/CalcTest.java",
    "tests/calc.c",
    "tests/calc.cpp",
    "tests/snapshots/a.snap",
    "pytest.ini",
];

/// What judges the work: any text before and any text after lead to a decision, and a text that
/// does not change leads to none.
pub fn guard(data: &[u8]) {
    let Some((selector, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let name = JUDGES.get(usize::from(*selector) % JUDGES.len()).expect("it is in range");
    let (before, after) = text.split_once('\u{0}').unwrap_or((text, ""));
    let policy =
        Policy::new(&PolicySnapshot::built_in(SandboxMode::WorkspaceWrite, ApprovalMode::OnRiskyActions));
    let path = WorkspacePath::parse(name).expect("it is a path");
    let decided = |base: Option<&str>, proposed: Option<&str>| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let change = FileChange { base: own(base), proposed: own(proposed), renamed_from: None };
        let changes = ChangeSet { files: BTreeMap::from([(path.clone(), change)]) };
        evaluate_changes(&changes, &Known::default(), &policy).verdict
    };
    decided(Some(before), Some(after));
    decided(None, Some(after));
    assert!(decided(Some(before), None) >= Verdict::Ask, "{name} may be deleted without a question");
    assert_eq!(decided(Some(before), Some(before)), Verdict::Allow, "{name} is not changed at all");
}

/// Unfinished files of ours: every place lies in the text and in its parent, what is whole stays
/// whole, and nothing that is asked about a place fails. A gate that is offered is proven.
pub fn outline(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let outline = Outline::read(text);
    if let Some(root) = outline.root() {
        placed(root, text);
    }
    let schema = Schema::new(openexec_engine::blueprint::json_schema());
    let byte = text.char_indices().map(|(at, _)| at).nth(data.len() / 2).unwrap_or(text.len());
    if let Some(spot) = outline.at(byte) {
        assert!(spot.node.range.start <= byte && byte <= spot.node.range.end, "a spot lies elsewhere");
        let _ = schema.describe(&spot.path);
    }
    for site in sites(text, byte) {
        assert!(text.get(site.word.clone()).is_some(), "a word has no text");
        let _ = (schema.keys(&site.outline, &site.path), schema.choices(&site.path));
    }
    let examined = openexec_engine::blueprint::examine("b.yaml", text);
    let loaded = openexec_engine::blueprint::load("b.yaml", text);
    assert_eq!(
        loaded.is_ok(),
        examined.blueprint.is_some() && examined.diagnostics.is_empty(),
        "two judgements"
    );
    if loaded.is_ok() {
        assert!(outline.is_whole(), "what loads is read as broken");
    }
    if let Some(gated) = openexec_engine::blueprint::with_gates(text) {
        let blueprint = openexec_engine::blueprint::examine("b.yaml", &gated).blueprint;
        let blueprint = blueprint.expect("a graph that was mended is known");
        assert!(openexec_engine::blueprint::prove(&blueprint).is_ok(), "an offered gate proves nothing");
    }
}

fn placed(node: &Node, text: &str) {
    assert!(text.get(node.range.clone()).is_some(), "a node has no text: {:?}", node.range);
    match &node.value {
        Read::Scalar(_) | Read::Alias => {}
        Read::List(items) => items.iter().for_each(|item| placed(item, text)),
        Read::Mapping(entries) => entries.iter().for_each(|entry| {
            placed(&entry.key, text);
            placed(&entry.value, text);
        }),
    }
}
