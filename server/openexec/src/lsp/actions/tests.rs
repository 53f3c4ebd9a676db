use super::*;
use crate::driver::TrustChanges;
use crate::lsp::documents::Documents;
use crate::lsp::memory::OwnRecord;
use openexec_engine::blueprint::{Blueprint, InputDeclaration, InputName, Trigger};
use openexec_engine::digest::Digest;
use openexec_engine::edit::Part;
use openexec_engine::memory::{Kind, PointerState, SymbolPointer};
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::{ApprovalMode, SandboxMode};
use openexec_engine::run::Target;
use openexec_engine::syntax::SymbolKind;
use openexec_engine::task::TestFailure;
use std::sync::Arc;

const TEXT: &str =
    "// openexec: return an error instead\nfn parse() {}\n\n#[test]\nfn it_parses() {\n    parse();\n}\n";

fn file() -> Arc<OpenFile> {
    let mut documents = Documents::default();
    let path = documents
        .open(json!({ "textDocument":
            { "uri": "file:///w/s%72c/lib.txt", "languageId": "rust", "version": 4, "text": TEXT } }))
        .unwrap();
    documents.at(&path).unwrap()
}

fn symbol(name: &str, kind: SymbolKind, head: &str, is_test: bool) -> Symbol {
    let start = TEXT.find(head).unwrap();
    let end = start + TEXT[start..].find('}').unwrap() + 1;
    Symbol {
        name: name.to_owned(),
        kind,
        range: start..end,
        name_range: start..start,
        lines: (1, 1),
        signature: String::new(),
        is_test,
    }
}

fn symbols() -> Vec<Symbol> {
    vec![
        symbol("parse", SymbolKind::Function, "fn parse", false),
        symbol("tests::it_parses", SymbolKind::Function, "#[test]", true),
    ]
}

fn directive() -> Directive {
    Directive { instruction: "return an error instead".to_owned(), range: 0..37, lines: (1, 1) }
}

fn blueprint(name: &str, triggers: &[Trigger], inputs: &[(InputName, bool)]) -> Blueprint {
    Blueprint {
        name: name.into(),
        description: "Review the code. At length.".to_owned(),
        toolset: "coding".into(),
        sandbox: SandboxMode::WorkspaceWrite,
        approval_mode: ApprovalMode::default(),
        triggers: triggers.to_vec(),
        inputs: inputs.iter().map(|&(name, required)| InputDeclaration { name, required }).collect(),
        gates: Vec::new(),
        stages: Vec::new(),
    }
}

fn offers() -> Offers {
    Offers {
        blueprints: vec![
            blueprint("fix_tests", &[Trigger::Test], &[(InputName::FailingTest, false)]),
            blueprint("implement", &[Trigger::Directive, Trigger::Symbol], &[(InputName::Instruction, true)]),
            blueprint("fix_diagnostic", &[Trigger::Diagnostic], &[(InputName::Diagnostics, true)]),
        ],
        model: Some("claude".to_owned()),
        trust: Some(TrustState::Trusted),
        has_tests: true,
        failing: Vec::new(),
        pending: Vec::new(),
        ended: None,
        elsewhere: Vec::new(),
        trouble: None,
    }
}

fn run(id: &str, status: RunStatus) -> RunLine {
    let view = RunView {
        run: RunId::new(format!("0192-{id}")),
        blueprint: "implement".into(),
        model: "claude".into(),
        target: None,
        activity: "edit".to_owned(),
        applied: matches!(status, RunStatus::Ended { outcome: Outcome::Done, .. }),
        status,
        taken: String::new(),
        events: 3,
    };
    RunLine { root: "/w".into(), view, driven: true, elsewhere: false }
}

fn waiting(id: &str) -> RunLine {
    run(
        id,
        RunStatus::AwaitingApproval {
            proposal: Digest::of(b"p"),
            what: crate::driver::Asked::Proposal {
                diff: String::new(),
                reasons: Vec::new(),
                parts: Vec::new(),
            },
        },
    )
}

fn ended(id: &str, outcome: Outcome) -> RunLine {
    run(id, RunStatus::Ended { outcome, summary: String::new() })
}

fn at(line: u32, character: u32) -> Range {
    let position = crate::lsp::protocol::Position { line, character };
    Range { start: position, end: position }
}

struct Asked<'a> {
    range: Range,
    only: &'a [CodeActionKind],
    diagnostics: &'a [Diagnostic],
    directive: Option<Directive>,
    offers: Offers,
    runs: &'a [RunLine],
    /// Whether the client shows what cannot be done.
    disabled: bool,
    undone: &'a [RunId],
}

impl Default for Asked<'_> {
    fn default() -> Self {
        Self {
            range: at(2, 0),
            only: &[],
            diagnostics: &[],
            directive: None,
            offers: offers(),
            runs: &[],
            disabled: false,
            undone: &[],
        }
    }
}

fn actions(asked: Asked<'_>) -> Vec<CodeAction> {
    let place = Place {
        file: &file(),
        range: asked.range,
        encoding: PositionEncoding::Utf16,
        only: asked.only,
        diagnostics: asked.diagnostics,
        symbols: &symbols(),
        directive: asked.directive,
        offers: &asked.offers,
        root: Some(Path::new("/w")),
        runs: asked.runs,
        known: &|_| Vec::new(),
        undone: asked.undone,
    };
    let literal = |action| match action {
        CodeActionOrCommand::CodeAction(action) => action,
        CodeActionOrCommand::Command(command) => panic!("{command:?}"),
    };
    offered(&place, Form { literals: true, disabled: asked.disabled }).into_iter().map(literal).collect()
}

fn titles(asked: Asked<'_>) -> Vec<String> {
    actions(asked).into_iter().map(|action| action.title).collect()
}

const REMEMBER: &str = "Remember why `parse` is as it is…";

fn argument(action: &CodeAction) -> &Value {
    &action.command.as_ref().unwrap().arguments.as_ref().unwrap()[0]
}

#[test]
fn on_a_test_it_offers_to_fix_it() {
    let actions = actions(Asked { range: at(5, 2), ..Asked::default() });
    assert_eq!(actions.len(), 2);
    assert_eq!(actions[1].title, "Remember why `tests::it_parses` is as it is…");
    assert_eq!(actions[0].title, "Fix failing test `tests::it_parses` · fix_tests · claude");
    assert_eq!(actions[0].kind.as_ref().unwrap().as_str(), "quickfix.openexec.fix_tests");
    assert_eq!(
        argument(&actions[0]),
        &json!({
            "blueprint": "fix_tests",
            "uri": "file:///w/s%72c/lib.txt",
            "range": { "start": { "line": 3, "character": 0 }, "end": { "line": 6, "character": 1 } },
            "version": 4,
            "failing_test": "tests::it_parses",
        })
    );
}

#[test]
fn the_part_of_a_proposal_under_the_cursor_can_be_left_out() {
    let part = |path: &str, hunk, lines| ShownPart {
        part: Part { path: WorkspacePath::parse(path).unwrap(), hunk },
        lines,
        added: 2,
        removed: 1,
    };
    let shown = |parts: Vec<ShownPart>, line| {
        let what = crate::driver::Asked::Proposal { diff: String::new(), reasons: Vec::new(), parts };
        let runs = [run("aaaaaa", RunStatus::AwaitingApproval { proposal: Digest::of(b"p"), what })];
        let actions = actions(Asked { range: at(line, 0), runs: &runs, ..Asked::default() });
        actions.iter().find(|action| action.title.starts_with("Leave this out")).cloned()
    };
    let parts = vec![part("src/lib.txt", Some(1), (1, 1)), part("src/lib.txt", Some(2), (3, 5))];
    let action = shown(parts.clone(), 3).unwrap();
    assert_eq!(action.title, "Leave this out of run aaaaaa: +2 −1 at src/lib.txt:3-5");
    assert_eq!(argument(&action)["parts"], json!(["src/lib.txt:2"]));
    assert_eq!(argument(&action)["proposal"], json!(Digest::of(b"p")));
    assert_eq!(shown(parts.clone(), 1), None, "nothing is proposed for this line");
    assert_eq!(shown(vec![parts[1].clone()], 3), None, "the only part is the whole");
    assert_eq!(shown(vec![part("src/other.txt", None, (1, 9)), parts[0].clone()], 3), None);
}

#[test]
fn a_directive_is_quoted_and_handed_on() {
    let actions = actions(Asked { range: at(0, 3), directive: Some(directive()), ..Asked::default() });
    assert_eq!(actions[0].title, "Implement “return an error instead” · implement · claude");
    assert_eq!(argument(&actions[0])["instruction"], "return an error instead");
    assert_eq!(argument(&actions[0])["range"]["end"], json!({ "line": 1, "character": 0 }));
}

#[test]
fn what_lacks_an_input_is_not_offered() {
    // `implement` is also for symbols, but nobody has said what to implement.
    assert_eq!(titles(Asked { range: at(1, 4), ..Asked::default() }), [REMEMBER]);
}

#[test]
fn what_is_known_is_offered_where_something_is() {
    let place_file = file();
    let (symbols, offers) = (symbols(), Offers::default());
    let record = |id: &str, own: Option<OwnRecord>| RecordSummary {
        title: format!("symbol {id}"),
        kind: "symbol",
        why: format!("because of {id}"),
        state: "suspect",
        pointer: PointerState::Suspect,
        told: String::new(),
        own,
    };
    let path = WorkspacePath::parse("src/lib.rs").unwrap();
    let elsewhere = SymbolPointer::bare(path, "parse", Digest::of(b"p"));
    let own = |id: &str, offered| Some(OwnRecord { kind: Kind::Symbol, id: id.into(), offered });
    let known = |symbol: &str| match symbol {
        "parse" => vec![
            record("shared", None),
            record("sure", own("sure", None)),
            record("doubtful", own("doubtful", Some((0, elsewhere.clone())))),
        ],
        _ => Vec::new(),
    };
    let place = |line, character| Place {
        file: &place_file,
        range: at(line, character),
        encoding: PositionEncoding::Utf16,
        only: &[],
        diagnostics: &[],
        symbols: &symbols,
        directive: None,
        offers: &offers,
        root: Some(Path::new("/w")),
        runs: &[],
        known: &known,
        undone: &[],
    };
    let titles = |place: &Place<'_>| -> Vec<String> {
        let actions = offered(place, Form { literals: true, disabled: false }).into_iter();
        let title = |action| match action {
            CodeActionOrCommand::CodeAction(action) => action.title,
            CodeActionOrCommand::Command(command) => command.title,
        };
        actions.map(title).collect()
    };
    assert_eq!(
        titles(&place(1, 4)),
        [
            "Show what is known about `parse` (3)",
            REMEMBER,
            "Forget your note: because of sure",
            "Confirm that your note is about `parse`: because of doubtful",
            "Forget your note: because of doubtful",
        ]
    );
    assert_eq!(titles(&place(2, 0)), [""; 0]);
}

#[test]
fn a_diagnostic_of_another_server_is_handed_on_without_its_secrets() {
    let diagnostic: Diagnostic = serde_json::from_value(json!({
        "range": at(1, 0), "message": "mismatched types\nexpected `()`", "source": "rustc",
        "code": "E0308", "data": { "rendered": "…" }, "severity": 1 }))
    .unwrap();
    let actions = actions(Asked { range: at(1, 0), diagnostics: &[diagnostic], ..Asked::default() });
    assert_eq!(actions[0].title, "Fix this diagnostic: mismatched types · fix_diagnostic · claude");
    assert_eq!(
        argument(&actions[0])["diagnostics"],
        json!([{ "range": at(1, 0), "message": "mismatched types\nexpected `()`", "source": "rustc", "code": "E0308" }])
    );
}

#[test]
fn a_proposal_can_be_decided_anywhere_and_binds_what_was_seen() {
    let runs = [waiting("ab12cd"), waiting("ffffff")];
    let actions = actions(Asked { runs: &runs, ..Asked::default() });
    let titles: Vec<&str> = actions.iter().map(|action| action.title.as_str()).collect();
    assert_eq!(titles, ["Review run ab12cd", "Apply run ab12cd's edits", "Discard run ab12cd"]);
    assert_eq!(argument(&actions[1])["proposal"], json!(Digest::of(b"p")));
    assert_eq!(argument(&actions[2])["run"], "0192-ab12cd");
}

#[test]
fn runs_offer_what_makes_sense_in_their_state() {
    let interrupted = RunLine { driven: false, ..run("333333", RunStatus::Active) };
    let runs = [
        run("111111", RunStatus::Active),
        run("222222", RunStatus::Paused { reason: "no budget".to_owned() }),
        ended("444444", Outcome::Discarded),
        ended("555555", Outcome::Done),
    ];
    assert_eq!(
        titles(Asked { runs: &runs, ..Asked::default() }),
        [
            "Resume run 222222 (implement)",
            "Discard run 222222 (implement)",
            "Cancel run 111111 (implement)",
            "Undo run 555555 (implement)"
        ]
    );
    let resume = "Resume run 333333 (implement)";
    let cancel = "Cancel run 333333 (implement)";
    assert_eq!(titles(Asked { runs: &[interrupted], ..Asked::default() }), [resume, cancel]);
    let paused = run("333333", RunStatus::Paused { reason: "no budget".to_owned() });
    let discard = "Discard run 333333 (implement)";
    assert_eq!(titles(Asked { runs: std::slice::from_ref(&paused), ..Asked::default() }), [resume, discard]);
    // What stands in the files is taken back, not discarded.
    let mut applied = paused;
    applied.view.applied = true;
    let undo = "Undo run 333333 (implement)";
    assert_eq!(titles(Asked { runs: &[applied], ..Asked::default() }), [resume, cancel, undo]);
}

#[test]
fn what_was_undone_last_can_be_done_again() {
    let runs =
        [ended("333333", Outcome::Undone), ended("222222", Outcome::Undone), ended("111111", Outcome::Done)];
    let runs: Vec<RunLine> = runs
        .into_iter()
        .map(|mut line| {
            line.view.applied = line.view.run.as_str().ends_with("111111");
            line
        })
        .collect();
    let undone = [runs[0].view.run.clone(), runs[1].view.run.clone()];
    let actions = actions(Asked { runs: &runs, undone: &undone, ..Asked::default() });
    let titles: Vec<&str> = actions.iter().map(|action| action.title.as_str()).collect();
    assert_eq!(titles, ["Undo run 111111 (implement)", "Redo run 222222 (implement)"]);
    let command = actions[1].command.as_ref().unwrap();
    assert_eq!(
        (command.command.as_str(), &argument(&actions[1])["run"]),
        ("openexec.undo", &json!(undone[1]))
    );
}

#[test]
fn what_only_another_process_can_do_is_disabled_with_the_reason() {
    let of = |mut line: RunLine, elsewhere, disabled| {
        line.elsewhere = elsewhere;
        let actions = actions(Asked { runs: &[line], disabled, ..Asked::default() });
        let disabled =
            actions.iter().map(|it| (it.title.clone(), it.disabled.is_some() && it.command.is_none()));
        disabled.collect::<Vec<_>>()
    };
    let (review, apply, discard) = ("Review run ab12cd", "Apply run ab12cd's edits", "Discard run ab12cd");
    let shown = |able: [(&str, bool); 3]| able.map(|(title, is)| (title.to_owned(), is)).to_vec();
    assert_eq!(of(waiting("ab12cd"), true, true), shown([(review, false), (apply, true), (discard, true)]));
    let able = shown([(review, false), (apply, false), (discard, false)]);
    assert_eq!(of(waiting("ab12cd"), false, true), able);
    assert_eq!(
        of(waiting("ab12cd"), true, false),
        able,
        "a client that shows no reasons is told by the refusal"
    );
    let cancel = ("Cancel run ab12cd (implement)".to_owned(), true);
    assert_eq!(of(run("ab12cd", RunStatus::Active), true, true), [cancel]);
}

#[test]
fn without_a_model_what_asks_one_is_disabled() {
    let shipped = crate::driver::Catalogue::shipped();
    let blueprints: Vec<Blueprint> =
        shipped.usable().filter(|it| it.name.as_str() == "review").cloned().collect();
    let reasons = |model: Option<&str>| {
        let offers = Offers { blueprints: blueprints.clone(), model: model.map(str::to_owned), ..offers() };
        let mut actions = actions(Asked { range: at(1, 4), offers, disabled: true, ..Asked::default() });
        actions.retain(|action| action.title.starts_with("Review function"));
        actions.into_iter().map(|it| it.disabled.map(|disabled| disabled.reason)).collect::<Vec<_>>()
    };
    assert_eq!(reasons(Some("local")), [None]);
    assert!(matches!(reasons(None).as_slice(), [Some(reason)] if reason.contains("no model is configured")));
}

#[test]
fn tasks_that_cannot_be_read_leave_the_workflows_in_the_menu_with_the_reason() {
    let offers = Offers { trouble: Some("tasks.yaml:1: no list".to_owned()), trust: None, ..offers() };
    let told = hindered(offers, &[], true);
    let (fix, review) = ("Fix failing test `tests::it_parses`", "Review test `tests::it_parses`");
    let reason = || Some("tasks.yaml:1: no list; mend it first".to_owned());
    let mut told = told;
    told.sort();
    assert_eq!(told, [(fix.to_owned(), reason()), (review.to_owned(), reason())]);
}

#[test]
fn a_diagnostic_is_named_by_its_first_words() {
    let diagnostic = json!({ "range": at(1, 0), "message": "\n  \n\nexpected `()`\nmore" });
    let diagnostic: Diagnostic = serde_json::from_value(diagnostic).unwrap();
    let titles = titles(Asked { range: at(1, 0), diagnostics: &[diagnostic], ..Asked::default() });
    assert_eq!(titles[0], "Fix this diagnostic: expected `()` · fix_diagnostic · claude");
}

#[test]
fn untrusted_tasks_can_be_trusted_as_they_were_shown() {
    let content = Digest::of(b"c");
    let trust = TrustState::Untrusted {
        content,
        commands: vec!["cargo test".to_owned(), "cargo clippy".to_owned()],
        loads: Vec::new(),
        files: vec!["Cargo.toml".to_owned()],
        changes: TrustChanges {
            is_first: false,
            files: vec!["Cargo.toml".to_owned()],
            diff: "+[package]\n".to_owned(),
        },
    };
    let offers = Offers { trust: Some(trust), ..offers() };
    let actions = actions(Asked { range: at(5, 2), offers, ..Asked::default() });
    assert_eq!(actions[0].title, "Trust this workspace's tasks (cargo test, cargo clippy)");
    assert_eq!(argument(&actions[0])["content"], json!(content));
    assert_eq!(argument(&actions[0])["commands"], json!(["cargo test", "cargo clippy"]));
    assert_eq!(actions[1].title, "Show what has changed since you trusted this workspace's tasks");
    assert_eq!(argument(&actions[1])["review"], json!(true));
    // What would fail without it is offered below it.
    assert!(actions[2].title.starts_with("Fix failing test"), "{}", actions[2].title);
}

#[test]
fn memory_and_blueprints_without_tasks_can_be_trusted_too() {
    let untrusted = |loads: &[&str]| {
        let trust = TrustState::Untrusted {
            content: Digest::of(b"c"),
            commands: Vec::new(),
            loads: loads.iter().map(|path| (*path).to_owned()).collect(),
            files: Vec::new(),
            changes: TrustChanges { is_first: true, files: Vec::new(), diff: String::new() },
        };
        actions(Asked {
            offers: Offers { trust: Some(trust), blueprints: gated(), ..offers() },
            ..Asked::default()
        })
    };
    let memory = untrusted(&[".openexec/memory/billing.yaml"]);
    assert_eq!(memory[0].title, "Trust this workspace's memory (.openexec/memory/billing.yaml)");
    assert_eq!(argument(&memory[0])["commands"], json!([]));
    assert_eq!(memory[1].title, "Show what trusting this workspace's memory agrees to");
    let both = untrusted(&[".openexec/blueprints/mine.yaml", ".openexec/memory/billing.yaml"]);
    assert!(both[0].title.starts_with("Trust this workspace's blueprints and memory ("), "{}", both[0].title);
    assert!(untrusted(&[".openexec/blueprints/mine.yaml"])[0].title.contains("'s blueprints ("));
    // Trust alone would not make an edit provable.
    let trust = TrustState::Untrusted {
        content: Digest::of(b"c"),
        commands: Vec::new(),
        loads: vec![".openexec/memory/billing.yaml".to_owned()],
        files: Vec::new(),
        changes: TrustChanges { is_first: true, files: Vec::new(), diff: String::new() },
    };
    let told = hindered(Offers { trust: Some(trust), has_tests: false, ..offers() }, &[], true);
    let why = told.iter().find_map(|(_, reason)| reason.as_deref()).unwrap();
    assert!(why.contains("declares no task that tests"), "{told:?}");
}

#[test]
fn every_sort_of_place_triggers_its_workflows_and_each_of_them_once() {
    let triggers = [
        (Trigger::Directive, "by_directive"),
        (Trigger::Test, "by_test"),
        (Trigger::Diagnostic, "by_diagnostic"),
        (Trigger::Selection, "by_selection"),
        (Trigger::Symbol, "by_symbol"),
        (Trigger::File, "by_file"),
    ];
    let diagnostic: Diagnostic =
        serde_json::from_value(json!({ "range": at(5, 0), "message": "no such name", "source": "rustc" }))
            .unwrap();
    let of = |blueprints: Vec<Blueprint>, only: &[CodeActionKind]| {
        let asked = Asked {
            range: Range { end: at(5, 4).end, ..at(5, 2) },
            only,
            diagnostics: std::slice::from_ref(&diagnostic),
            directive: Some(directive()),
            offers: Offers { blueprints, ..offers() },
            ..Asked::default()
        };
        actions(asked)
            .into_iter()
            .filter(|it| it.command.as_ref().unwrap().command == "openexec.run")
            .collect::<Vec<_>>()
    };
    for (trigger, name) in triggers {
        let found = of(vec![blueprint(name, &[trigger], &[])], &[]);
        let named: Vec<&Value> = found.iter().map(|it| &argument(it)["blueprint"]).collect();
        assert_eq!(named, [name], "{trigger:?}");
    }
    // One that several sorts trigger is offered once, for what the user wrote before what the
    // cursor stands on; and there are never more than a menu can bear.
    let all: Vec<Trigger> = triggers.iter().map(|(trigger, _)| *trigger).collect();
    let once = of(vec![blueprint("all", &all, &[])], &[]);
    assert_eq!(once.len(), 1);
    // The workflow's name stands in front, so that two for one directive can be told apart.
    assert!(once[0].title.starts_with("All “return an error instead”"), "{}", once[0].title);
    let many = triggers.map(|(trigger, name)| blueprint(name, &[trigger], &[])).to_vec();
    let kinds: Vec<String> =
        of(many, &[]).iter().map(|it| it.kind.as_ref().unwrap().as_str().to_owned()).collect();
    assert_eq!(
        kinds,
        [
            "refactor.rewrite.openexec.by_directive",
            "refactor.rewrite.openexec.by_selection",
            "refactor.rewrite.openexec.by_symbol",
            "quickfix.openexec.by_test",
            "quickfix.openexec.by_diagnostic",
        ]
    );
}

#[test]
fn a_symbol_is_called_by_its_kind() {
    let titled = |kind| {
        let (place_file, offers) =
            (file(), Offers { blueprints: vec![blueprint("review", &[Trigger::Symbol], &[])], ..offers() });
        let place = Place {
            file: &place_file,
            range: at(1, 4),
            encoding: PositionEncoding::Utf16,
            only: &[CodeActionKind::from("refactor".to_owned())],
            diagnostics: &[],
            symbols: &[symbol("parse", kind, "fn parse", false)],
            directive: None,
            offers: &offers,
            root: Some(Path::new("/w")),
            runs: &[],
            known: &|_| Vec::new(),
            undone: &[],
        };
        match offered(&place, Form { literals: true, disabled: false }).first() {
            Some(CodeActionOrCommand::CodeAction(action)) => action.title.clone(),
            Some(CodeActionOrCommand::Command(command)) => panic!("{command:?}"),
            None => String::new(),
        }
    };
    for (kind, called) in [
        (SymbolKind::Function, "function"),
        (SymbolKind::Method, "method"),
        (SymbolKind::Class, "class"),
        (SymbolKind::Struct, "struct"),
        (SymbolKind::Enum, "enum"),
        (SymbolKind::Interface, "interface"),
        (SymbolKind::Trait, "trait"),
        (SymbolKind::Module, "module"),
        (SymbolKind::Constant, "constant"),
        (SymbolKind::Type, "type"),
    ] {
        assert_eq!(titled(kind), format!("Review {called} `parse` · review · claude"));
    }
    // A heading or a key is no code.
    assert_eq!([SymbolKind::Section, SymbolKind::Key].map(titled), ["", ""]);
}

#[test]
fn a_title_says_what_is_done_on_what() {
    let of = |name: &str, range| {
        let blueprints = vec![blueprint(name, &[Trigger::Selection, Trigger::Symbol, Trigger::File], &[])];
        titles(Asked { range, offers: Offers { blueprints, ..offers() }, ..Asked::default() })
    };
    assert_eq!(of("review", at(1, 4)), ["Review function `parse` · review · claude", REMEMBER]);
    assert_eq!(of("review", at(2, 0)), ["Review this file · review · claude"]);
    assert_eq!(of("add_docs", at(1, 4)), ["Add docs: function `parse` · add_docs · claude", REMEMBER]);
    let selected = Range { end: at(1, 9).end, ..at(1, 4) };
    assert_eq!(of("review", selected), ["Review the selection · review · claude", REMEMBER]);
}

#[test]
fn a_menu_is_never_longer_than_it_can_bear() {
    let runs = [waiting("111111"), run("222222", RunStatus::Active), ended("333333", Outcome::Done)];
    let asked = Asked { range: at(5, 2), directive: Some(directive()), runs: &runs, ..Asked::default() };
    let titles = titles(asked);
    assert_eq!(titles.len(), CODE_ACTIONS_MAX);
    assert!(titles[3].starts_with("Fix failing test") && titles[4].starts_with("Implement"), "{titles:?}");
}

#[test]
fn kinds_are_asked_for_from_above() {
    let kinds = |only: &[&str]| {
        let only: Vec<CodeActionKind> =
            only.iter().map(|kind| CodeActionKind::from(kind.to_string())).collect();
        let runs = [waiting("111111"), ended("333333", Outcome::Done)];
        let directive = Some(directive());
        titles(Asked { only: &only, runs: &runs, directive, ..Asked::default() }).len()
    };
    assert_eq!(kinds(&[]), 5);
    assert_eq!(kinds(&[""]), 5);
    assert_eq!(kinds(&["quickfix"]), 3);
    assert_eq!(kinds(&["quick"]), 0);
    assert_eq!(kinds(&["refactor", "source"]), 2);
    assert_eq!(kinds(&["refactor.rewrite.openexec.implement"]), 1);
    assert_eq!(kinds(&["source.fixAll"]), 0);
    assert_eq!(kinds(&["source.organizeImports"]), 0);
}

#[test]
fn actions_carry_commands_and_nothing_else() {
    let runs = [waiting("111111")];
    for action in
        actions(Asked { range: at(5, 2), directive: Some(directive()), runs: &runs, ..Asked::default() })
    {
        let value = serde_json::to_value(&action).unwrap();
        assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), ["title", "kind", "command"]);
    }
}

#[test]
fn an_old_client_gets_bare_commands() {
    let place_file = file();
    let place = Place {
        file: &place_file,
        range: at(5, 2),
        encoding: PositionEncoding::Utf16,
        only: &[],
        diagnostics: &[],
        symbols: &symbols(),
        directive: None,
        offers: &offers(),
        root: Some(Path::new("/w")),
        runs: &[],
        known: &|_| Vec::new(),
        undone: &[],
    };
    assert!(
        matches!(offered(&place, Form { literals: false, disabled: false }).as_slice(), [CodeActionOrCommand::Command(command), _] if command.command == "openexec.run")
    );
}

#[test]
fn quotations_are_short_and_show_all_there_is() {
    assert_eq!(quote("two\nlines\tof text"), "two lines of text");
    assert_eq!(quote("ap\u{202E}ply\u{200B}"), "apply");
    let long = quote(&"word ".repeat(40));
    assert!(long.chars().count() <= QUOTE_CHARS_MAX + 1 && long.ends_with('…'), "{long}");
}

fn failure(name: &str, path: Option<&str>, line: Option<u32>) -> TestFailure {
    let path = path.map(|path| WorkspacePath::parse(path).unwrap());
    TestFailure { name: name.to_owned(), path, line, message: "no".to_owned() }
}

/// Without what is offered at every symbol.
fn titles_with(failing: Vec<TestFailure>, range: Range) -> Vec<String> {
    let mut titles = titles(Asked { range, offers: Offers { failing, ..offers() }, ..Asked::default() });
    titles.retain(|title| !title.starts_with("Remember why"));
    titles
}

#[test]
fn a_test_that_the_last_report_knows_to_be_red_is_named_so() {
    let red = || vec![failure("small::tests::it_parses", Some("src/lib.txt"), Some(6))];
    assert_eq!(titles_with(red(), at(5, 2)), ["Fix `tests::it_parses` test failure · fix_tests · claude"]);
    // Only its name is known; the symbol is a test by its syntax.
    let named = vec![failure("it_parses", None, None)];
    assert_eq!(titles_with(named, at(5, 2)), ["Fix `tests::it_parses` test failure · fix_tests · claude"]);
    let other = vec![failure("it_prints", Some("src/lib.txt"), Some(40))];
    assert_eq!(titles_with(other, at(5, 2)), ["Fix failing test `tests::it_parses` · fix_tests · claude"]);
    let elsewhere = vec![failure("it_parses", Some("src/other.txt"), Some(6))];
    assert_eq!(
        titles_with(elsewhere, at(5, 2)),
        ["Fix failing test `tests::it_parses` · fix_tests · claude"]
    );
}

#[test]
fn a_red_test_is_offered_also_where_no_syntax_says_that_it_is_one() {
    // `parse` is a function like any other; the report knows better.
    let red = || vec![failure("spec > parse", Some("src/lib.txt"), Some(2))];
    let actions =
        actions(Asked { range: at(1, 4), offers: Offers { failing: red(), ..offers() }, ..Asked::default() });
    assert_eq!(actions[0].title, "Fix `parse` test failure · fix_tests · claude");
    assert_eq!(argument(&actions[0])["failing_test"], "spec > parse", "the report's own name is handed on");
    // No symbol at all: the line is what the report names.
    let bare = |line| vec![failure("adds two numbers", Some("src/lib.txt"), Some(line))];
    assert_eq!(titles_with(bare(3), at(2, 0)), ["Fix `adds two numbers` test failure · fix_tests · claude"]);
    assert_eq!(titles_with(bare(9), at(2, 0)), [""; 0]);
    // A name alone makes no function a test.
    assert_eq!(titles_with(vec![failure("parse", None, None)], at(1, 4)), [""; 0]);
}

fn gated() -> Vec<Blueprint> {
    let gates = vec![openexec_engine::blueprint::DeterministicAction::RunTests];
    vec![
        Blueprint { gates, ..blueprint("fix_tests", &[Trigger::Test], &[(InputName::FailingTest, false)]) },
        blueprint("review", &[Trigger::Symbol], &[]),
    ]
}

/// What is offered on a test, and why not where not; without what is offered at every symbol.
fn hindered(offers: Offers, runs: &[RunLine], disabled: bool) -> Vec<(String, Option<String>)> {
    let offers = Offers { blueprints: gated(), ..offers };
    let actions = actions(Asked { range: at(5, 2), offers, runs, disabled, ..Asked::default() });
    for action in &actions {
        assert_eq!(action.command.is_none(), action.disabled.is_some(), "{}", action.title);
    }
    let short = |title: String| title.split(" · ").next().unwrap_or_default().to_owned();
    let actions = actions.into_iter().filter(|action| !action.title.starts_with("Remember why"));
    actions.map(|it| (short(it.title), it.disabled.map(|disabled| disabled.reason))).collect()
}

#[test]
fn what_would_come_to_nothing_is_disabled_with_the_reason() {
    let (fix, review) =
        ("Fix failing test `tests::it_parses`".to_owned(), "Review test `tests::it_parses`".to_owned());
    let able = vec![(fix.clone(), None), (review.clone(), None)];
    assert_eq!(hindered(offers(), &[], true), able);
    let no_tests = || Offers { has_tests: false, ..offers() };
    let why = hindered(no_tests(), &[], true);
    assert_eq!(why[0], (review.clone(), None), "what can be done goes first");
    assert!(
        why[1].0 == fix && why[1].1.as_deref().unwrap().contains("declares no task that tests"),
        "{why:?}"
    );
    assert_eq!(hindered(no_tests(), &[], false), able, "a client that shows no reasons sees what it saw");
    let nothing = Offers { trust: Some(TrustState::NothingDeclared), ..no_tests() };
    assert_eq!(hindered(nothing, &[], true), why);

    let mut busy = run("ab12cd", RunStatus::Active);
    busy.view.target = Some(Target { path: WorkspacePath::parse("src/lib.txt").unwrap(), lines: (5, 5) });
    let told = hindered(offers(), std::slice::from_ref(&busy), true);
    let reason = "run ab12cd (implement) is at work here; wait for it, or cancel it";
    assert!(told.contains(&(fix, Some(reason.to_owned()))), "{told:?}");
    busy.view.target = Some(Target { path: WorkspacePath::parse("src/other.txt").unwrap(), lines: (5, 5) });
    let told = hindered(offers(), &[busy], true);
    assert!(told.iter().all(|(_, reason)| reason.is_none()), "{told:?}");
}

#[test]
fn no_workflow_works_on_the_files_that_govern_it() {
    let mut documents = Documents::default();
    let uri = "file:///w/.openexec/blueprints/mine.yaml";
    let path = documents.open(json!({ "textDocument": { "uri": uri, "version": 1, "text": TEXT } })).unwrap();
    let offers = Offers { blueprints: vec![blueprint("review", &[Trigger::File], &[])], ..offers() };
    let place = Place {
        file: &documents.at(&path).unwrap(),
        range: at(0, 0),
        encoding: PositionEncoding::Utf16,
        only: &[],
        diagnostics: &[],
        symbols: &[],
        directive: None,
        offers: &offers,
        root: Some(Path::new("/w")),
        runs: &[],
        known: &|_| Vec::new(),
        undone: &[],
    };
    let found = offered(&place, Form { literals: true, disabled: true });
    assert!(
        matches!(found.as_slice(), [CodeActionOrCommand::CodeAction(action)]
            if action.disabled.as_ref().is_some_and(|it| it.reason.starts_with("no run reads or changes"))),
        "{found:?}"
    );
}

#[test]
fn what_is_not_trusted_is_disabled_below_what_trusts_it() {
    let trust = TrustState::Untrusted {
        content: Digest::of(b"c"),
        commands: vec!["cargo test".to_owned()],
        loads: Vec::new(),
        files: Vec::new(),
        changes: TrustChanges { is_first: true, files: Vec::new(), diff: String::new() },
    };
    let told = hindered(Offers { trust: Some(trust), ..offers() }, &[], true);
    assert!(told[0].0.starts_with("Trust this workspace's tasks") && told[0].1.is_none(), "{told:?}");
    let disabled: Vec<&(String, Option<String>)> =
        told.iter().filter(|(_, reason)| reason.is_some()).collect();
    assert!(
        matches!(disabled.as_slice(), [(title, Some(reason))] if title.starts_with("Fix failing") && reason.contains("trust them first")),
        "{told:?}"
    );
}

#[test]
fn actions_of_one_sort_stand_together() {
    let runs = [run("111111", RunStatus::Active), ended("333333", Outcome::Done)];
    let asked = Asked { range: at(5, 2), directive: Some(directive()), runs: &runs, ..Asked::default() };
    let kinds: Vec<String> =
        actions(asked).iter().map(|it| it.kind.as_ref().unwrap().as_str().to_owned()).collect();
    assert_eq!(
        kinds,
        [
            "refactor.rewrite.openexec.implement",
            "quickfix.openexec.fix_tests",
            "quickfix.openexec.cancel",
            "source.openexec.undo",
            "source.openexec.remember"
        ]
    );
}
