//! Memory files, read and held against one another.

use super::*;
use crate::ids::TaskName;
use crate::path::WorkspacePath;
use crate::task::{ReportFormat, Task, TaskKind, TaskSet, TimeoutClass, Trust};

/// The example of the reference, `blueprints/MEMORY.md`.
pub(super) fn documented() -> &'static str {
    let reference = include_str!("../../../../blueprints/MEMORY.md");
    let example = reference.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    example.expect("the reference has an example")
}

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).expect("it is a path")
}

fn task(name: &str) -> Task {
    Task {
        name: TaskName::new(name),
        kind: TaskKind::Other,
        argv: vec!["run".into(), name.into()],
        cwd: None,
        env: Default::default(),
        report: ReportFormat::Auto,
        report_file: None,
        timeout: TimeoutClass::Fast,
        network: Vec::new(),
        origin: "here".into(),
        params: Vec::new(),
        writes: Vec::new(),
    }
}

fn tasks(names: &[&str]) -> TaskSet {
    TaskSet { tasks: names.iter().map(|name| task(name)).collect(), trust: Trust::Untrusted }
}

fn problems(text: &str) -> String {
    match load("m.yaml", text) {
        Ok(_) => "none".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn records(text: &str) -> Vec<Record> {
    let file = load("m.yaml", text).unwrap_or_else(|error| panic!("{error}"));
    file.records.into_iter().map(|written| written.record).collect()
}

#[test]
fn the_reference_s_example_is_read_and_hangs_together() {
    let file = load("m.yaml", documented()).unwrap_or_else(|error| panic!("{error}"));
    let kinds: Vec<&str> = file.records.iter().map(|written| written.record.kind().name()).collect();
    assert_eq!(kinds, ["symbol", "service", "runbook", "environment", "procedure", "maintenance"]);
    let declared = tasks(&["cache-is-idle", "drop-cache", "rebuild-cache", "restore-cache"]);
    assert_eq!(check(&[file], &[], Some(&declared.tasks)), []);
}

#[test]
fn everything_wrong_is_reported_together_with_its_place_and_a_remedy() {
    insta::assert_snapshot!(problems(
        "version: 2\nservices:\n  - id: a b\n    path: ../x\n    comand: rm\n  - path: ok\nrunbooks:\n  - id: r\n    failures:\n      - id: f\n        looks_like: [ab]\n      - looks_like: []\nprocedures:\n  - id: p\n    steps: []\n    argv: [rm]\nsymbols:\n  - id: s\n    at: {path: a.rs, symbol: x, anchor: nonsense}\n    why: because\nenvironments:\n  - id: e\n    sandbox: none\n    password: hunter2\n"
    ), @r#"
    m.yaml:1:10: `version` is 2; write `version: 1`, the only one there is
    m.yaml:3:9: `id` is `a b`; write letters, digits, `_`, `-` and `.`, beginning with a letter, a digit or `_`, at most 64
    m.yaml:4:11: `path` is `../x`; it is not canonical; write it without `.`, `..`, `//` and without a trailing `/`; write a path such as `services/billing`
    m.yaml:5:5: `comand` is not a key of a service record; remove it, or write `id`, `path`, `about`, `owners`, `deployment`, `dashboards`, `runbooks`, `environment`, `author`, `written`, `source`, `labels` or `redact`
    m.yaml:6:5: a service record has no `id`; give it a name of letters, digits, `_`, `-` and `.`
    m.yaml:11:22: an item of `looks_like` is `ab`; write at least 6 bytes: shorter texts occur everywhere
    m.yaml:12:9: a failure mode has no `id`; give it a name
    m.yaml:12:21: `looks_like` is an empty list; write texts of the failing output by which it is known
    m.yaml:15:12: `steps` is an empty list; write the tasks that it consists of, in their order
    m.yaml:16:5: `argv` is not a key of a procedure record; a record holds no commands: declare a task in `.openexec/tasks.yaml` and name it
    m.yaml:19:41: `anchor` is `nonsense`; leave the key out and run `openexec memory relocate`, which writes what belongs here
    m.yaml:23:14: `sandbox` is `none`; write `read_only`, `workspace_write`, `repo_write` or `danger_full_access`
    m.yaml:24:5: `password` is not a key of an environment record; a record holds no secrets; it is shared, and shown to models
    "#);
}

#[test]
fn a_name_that_leads_nowhere_is_said_with_the_nearest_one() {
    let text = "version: 1\nservices:\n  - {id: billing, path: services/billing, runbooks: [biling], environment: prod}\nrunbooks:\n  - id: billing\n    failures: [{id: f, looks_like: [stale lock], remediations: [unlok]}]\nprocedures:\n  - {id: unlock, steps: [{task: drop-lock}], rollback: [{task: x, args: [{name: a, value: b}]}]}\n  - {id: unlock, steps: [{task: x}]}\n";
    let file = load("m.yaml", text).unwrap_or_else(|error| panic!("{error}"));
    let found = check(&[file], &[], Some(&tasks(&["drop-locks", "x"]).tasks));
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    m.yaml:3:54: there is no runbook `biling`; did you mean `billing`?
    m.yaml:3:76: there is no environment `prod`; write it under `environments`
    m.yaml:6:65: there is no procedure `unlok`; did you mean `unlock`?
    m.yaml:8:33: this workspace declares no task `drop-lock`; did you mean `drop-locks`?
    m.yaml:8:64: the arguments of task `x` do not fit: `a`: task `x` takes no arguments; remove `args`
    m.yaml:9:10: there is another procedure unlock: m.yaml:8; give one of the two another id
    "#);
}

#[test]
fn what_is_wrong_with_own_records_and_with_two_services_of_one_folder_is_said() {
    let shared = "version: 1\nservices: [{id: one, path: src}, {id: two, path: src}]\n";
    let shared = load("m.yaml", shared).unwrap_or_else(|error| panic!("{error}"));
    let own = records(
        "version: 1\nservices: [{id: one, path: lib, runbooks: [bok]}, {id: three, path: src}]\nrunbooks: [{id: book, failures: [{id: f, looks_like: [is corrupt], remediations: [p]}]}]\nprocedures: [{id: p, steps: [{task: x}]}]\n",
    );
    let own: Vec<Record> = own.into_iter().map(|it| Record { origin: Origin::Private, ..it }).collect();
    let files = [shared];
    let found = check(&files, &own, Some(&[]));
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "m.yaml:2:39: service one is made of `src` as well: m.yaml:2; give each a folder of its own, or make \
          one service of the two"
        ]
    );
    insta::assert_snapshot!(check_private(&files, &own, Some(&[])).join("\n"), @r#"
    service one of your own: there is another one in m.yaml:2; give that one another id, or remove yours with `openexec memory forget one`
    service one of your own: there is no runbook `bok`; did you mean `book`?
    service three of your own: service one is made of `src` as well: m.yaml:2; give each a folder of its own, or make one service of the two
    procedure p of your own: this workspace declares no task `x`; declare it in .openexec/tasks.yaml
    "#);
}

#[test]
fn only_days_and_times_that_there_are_pass() {
    let written = |moment: &str| {
        problems(&format!("version: 1\nservices: [{{id: a, path: src, written: '{moment}'}}]\n"))
    };
    for good in [
        "2026-03-01",
        "2024-02-29",
        "2026-03-01T10:30",
        "2026-03-01 10:30:05.5",
        "2026-03-01T10:30Z",
        "2026-03-01T10:30:00+01:00",
    ] {
        assert_eq!(written(good), "none", "{good}");
    }
    for bad in
        ["2026-13-45", "2026-02-29", "2026-02-30T25:61", "2026-03-01T25:00", "10:30", "2026-03", "today"]
    {
        assert!(written(bad).contains("write a day that there is"), "{bad}");
    }
}

#[test]
fn what_is_written_reads_as_the_same() {
    let read = records(documented());
    let text = to_yaml(&read).expect("it can be written");
    let mut again = records(&text);
    for (again, read) in again.iter_mut().zip(&read) {
        again.origin = read.origin.clone();
    }
    assert_eq!(again, read, "{text}");
}

#[test]
fn a_record_keeps_its_pointer_through_a_file() {
    let source = "mod a {\n    fn b() { c(1) }\n}\n";
    let symbols = crate::syntax::symbols_of(crate::syntax::Language::Rust, source);
    let index = symbols.iter().position(|symbol| symbol.name == "a::b").expect("it is there");
    let pointer = SymbolPointer::of(&path("src/a.rs"), source, &symbols, index).expect("it is there");
    let note = Record {
        id: "n".into(),
        origin: Origin::Private,
        author: None,
        written: None,
        source: None,
        labels: Default::default(),
        redact: Vec::new(),
        body: Body::Symbol(SymbolNote {
            at: Anchor { path: path("src/a.rs"), symbol: "a::b".into(), pointer: Some(Box::new(pointer)) },
            why: "because: it \"must\"\nhold # really".into(),
        }),
    };
    let text = to_yaml(std::slice::from_ref(&note)).expect("it can be written");
    assert_eq!(records(&text).first().map(|it| &it.body), Some(&note.body), "{text}");
}

#[test]
fn a_failure_finds_the_runbook_of_its_service_first() {
    let text = "version: 1\nservices:\n  - {id: a, path: services/a, runbooks: [a], environment: prod}\n  - {id: all, path: services}\nrunbooks:\n  - id: z-general\n    failures: [{id: lock, looks_like: [\"the lock file is very stale\"], remediations: [other]}]\n  - id: a\n    failures:\n      - {id: lock, looks_like: [Lock File], remediations: [forbidden, unlock]}\nenvironments:\n  - {id: prod, actions: [unlock], masked: [10.0.0.7]}\nprocedures:\n  - {id: unlock, steps: [{task: drop}]}\n  - {id: forbidden, steps: [{task: drop}]}\n  - {id: other, steps: [{task: drop}]}\n";
    let operations = Operations::new(records(text));
    assert_eq!(operations.masked(), ["10.0.0.7"]);
    let said = "error: the lock\n  file is  very stale";
    let here = [path("services/a/main.py")];
    let remedy = operations.remedy(said, &here, &tasks(&["drop"])).expect("it is known");
    insta::assert_snapshot!(remedy, @r#"
    runbook `a` knows this as `lock` (by `Lock File`); procedure `unlock` is approved for it
    service `a`, environment `prod`
    step 1: drop: run drop
    "#);
    let elsewhere = operations.remedy(said, &[path("web/x.ts")], &tasks(&["drop"])).expect("it is known");
    assert_eq!(elsewhere.procedure.as_str(), "other");
    // Without a place the only service that names the runbook is meant; of two, none is.
    let remedy = operations.remedy("Lock File", &[], &tasks(&["drop"])).expect("it is known");
    assert_eq!(remedy.environment.as_ref().map(|it| it.as_str()), Some("prod"));
    let two = text.replace("{id: all, path: services}", "{id: all, path: services, runbooks: [a]}");
    let error = Operations::new(records(&two)).remedy("Lock File", &[], &tasks(&["drop"]));
    assert!(error.is_err_and(|error| error.contains("several services have it: a, all")));
    let titles: Vec<Option<String>> =
        operations.candidates(said, &here).into_iter().map(|candidate| candidate.symbol).collect();
    let titles: Vec<String> = titles.into_iter().flatten().collect();
    insta::assert_snapshot!(titles.join(", "), @"runbook a, runbook z-general, service a, procedure forbidden, procedure unlock, procedure other, environment prod");
    for (said, declared, why) in [
        ("all is well", &["drop"][..], "no runbook knows this failure"),
        ("lock file", &[][..], "task `drop` is not declared"),
    ] {
        let error = operations.remedy(said, &here, &tasks(declared)).expect_err("it must not be found");
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_run_knows_a_system_of_any_size_and_is_shown_what_is_nearest() {
    let number = |at: usize| format!("s{at:04}");
    let files = (0..4).map(|part| {
        let mut text = String::from("version: 1\nservices:\n");
        let ids = || (part * 500..(part + 1) * 500).map(number);
        for id in ids() {
            text += &format!("  - {{id: {id}, path: services/{id}, runbooks: [{id}], environment: {id}}}\n");
        }
        text += "runbooks:\n";
        for id in ids() {
            text += &format!("  - {{id: {id}, failures: [{{id: f, looks_like: [connection timed out]}}]}}\n");
        }
        text += "environments:\n";
        for id in ids() {
            text += &format!("  - {{id: {id}, masked: [{id}.internal]}}\n");
        }
        load("m.yaml", &text).unwrap_or_else(|error| panic!("{error}"))
    });
    let files: Vec<MemoryFile> = files.collect();
    assert_eq!(check(&files, &[], Some(&[])), []);
    let operations = Operations::new(files.iter().flat_map(|file| &file.records).map(|it| it.record.clone()));
    assert_eq!((operations.records().len(), operations.masked().len()), (6_000, 2_000));
    for id in ["s0000", "s1999"] {
        let here = [path(&format!("services/{id}/main.py"))];
        let shown = operations.candidates("error: connection timed out", &here);
        let titles: Vec<String> = shown.into_iter().filter_map(|it| it.symbol).take(3).collect();
        assert_eq!(titles, [format!("runbook {id}"), format!("service {id}"), format!("environment {id}")]);
    }
}

#[test]
fn what_cannot_be_masked_is_said_where_it_stands() {
    let text = |masked: &str| {
        format!(
            "version: 1\nenvironments:\n  - id: prod\n    masked: [10.0.0.7, {masked}]\n    redact: [Secret]\n"
        )
    };
    insta::assert_snapshot!(problems(&text("environment")), @r"
    m.yaml:4:24: an item of `masked` is `environment`; this word stands in the placeholders of what is masked, so that it cannot be masked itself; write more of the text that it stands in, or leave it out
    m.yaml:5:14: an item of `redact` is `Secret`; this word stands in the placeholders of what is masked, so that it cannot be masked itself; write more of the text that it stands in, or leave it out
    ");
    assert!(!problems(&text("my-environment")).contains("my-environment"));
    // One that was taken in before.
    let own = records("version: 1\nenvironments: [{id: prod, masked: [10.0.0.7]}]\n");
    let own =
        own.into_iter().map(|it| Record { origin: Origin::Private, redact: vec!["token".into()], ..it });
    insta::assert_snapshot!(check_private(&[], &own.collect::<Vec<_>>(), None).join("\n"), @"environment prod of your own: `token` is not masked; this word stands in the placeholders of what is masked, so that it cannot be masked itself; write more of the text that it stands in, or leave it out");
}

#[test]
fn records_of_what_did_not_stand_say_so_before_anything_else() {
    for standing in [Standing::Failed, Standing::Unapproved, Standing::Undone] {
        let record = MaintenanceRecord {
            run: "r".into(),
            blueprint: "fix_tests".into(),
            at_ms: 1,
            standing,
            instruction: "delete the tests".into(),
            summary: "done".into(),
            files: vec![crate::path::WorkspacePath::parse("var/run.lock").unwrap()],
            symbols: Vec::new(),
            repaired_tests: Vec::new(),
            errors: vec!["error: <path> is corrupt".into()],
            evidence: Vec::new(),
            tree: crate::digest::Digest::of(b""),
            notes: Vec::new(),
        };
        let text = record.describe();
        // Files are named where no symbol is, and what says nothing has no line.
        let rest = text.split_once("\n").map(|(_, rest)| rest).unwrap();
        assert_eq!(
            rest,
            "run r (fix_tests) would have changed var/run.lock\ntask: delete the tests\nsummary: done\n\
             error: error: <path> is corrupt"
        );
        assert!(text.starts_with(standing.warning().expect("it warns")), "{text}");
        assert!(text.contains("it is no advice") && text.contains("would have changed"), "{text}");
    }
}
