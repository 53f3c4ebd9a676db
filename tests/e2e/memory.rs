//! Operational memory on a small service of ours, with the real program: a fault that a
//! runbook repairs, a procedure that is rolled back, records and pointers.

use crate::client::{Abilities, Client, uri};
use crate::lsp::server_for;
use crate::project::Project;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SERVER: &str = include_str!("memory/server.py");
const OPS: &str = include_str!("memory/ops.py");

const RECORDS: &str = "\
version: 1
services:
  - id: billing
    path: service
    owners: [billing-team]
    runbooks: [billing]
    environment: production
runbooks:
  - id: billing
    failures:
      - id: corrupt-cache
        looks_like: [is corrupt]
        cause: The process was killed while it wrote the file.
        remediations: [rebuild]
      - id: stale-lock
        looks_like: [the lock file]
        remediations: [rebuild]
      - id: overload
        looks_like: [too many requests]
        remediations: [drain]
environments:
  - {id: production, masked: [billing.internal.example]}
procedures:
  - id: rebuild
    preconditions: [{task: idle}]
    steps: [{task: drop-lock}, {task: rebuild-cache}]
  - id: drain
    steps: [{task: maintenance-on}, {task: fail}]
    rollback: [{task: maintenance-off}]
";

fn tasks(port: u16) -> String {
    let task = |name: &str, word: &str, more: &str| {
        format!("  - {{name: {name}, kind: other, argv: [python3, service/ops.py, {word}]{more}}}\n")
    };
    let posting = |path: &str| format!("post, '{port}', {path}");
    let network = format!(", network: ['127.0.0.1:{port}']");
    [
        "version: 1\ntasks:\n".to_owned(),
        "  - {name: health, kind: test, argv: [python3, service/ops.py, health], report: exit_code}\n"
            .to_owned(),
        task("idle", "idle", ""),
        task("drop-lock", "drop-lock", ", writes: [service/var/run.lock]"),
        task("rebuild-cache", "rebuild-cache", ", writes: [service/var/cache.json]"),
        task("fail", "fail", ", writes: [service/var/cache.json]"),
        task("maintenance-on", &posting("/maintenance/on"), &network),
        task("maintenance-off", &posting("/maintenance/off"), &network),
    ]
    .concat()
}

/// The service as it runs in production: outside of every sandbox, on the workspace's files.
struct Service {
    child: Child,
    port: u16,
}

impl Service {
    fn start(project: &Project) -> Self {
        let mut child = Command::new("python3")
            .arg(project.root().join("service/server.py"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed for these tests; install it");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap() }
    }

    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "{method} {path} HTTP/1.0\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn health(&self) -> String {
        self.ask("GET", "/health")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The service with a fault: its cache is cut off, and the lock of a dead process lies there.
fn broken() -> (Project, Service) {
    let project = Project::empty("replies: []\n");
    project.write("service/server.py", SERVER);
    project.write("service/ops.py", OPS);
    project.write("service/entries.jsonl", "{\"amount\": 40}\n{\"amount\": 2}\n");
    project.write("service/var/cache.json", "{\"total\": 4");
    project.write("service/var/run.lock", "4711\n");
    let service = Service::start(&project);
    project.write(".openexec/tasks.yaml", &tasks(service.port));
    project.write(".openexec/memory/billing.yaml", RECORDS);
    (project, service)
}

const FAILURE: &str = "GET /health answered 503: the lock file /srv/billing/var/run.lock is stale";

#[test]
fn a_runbook_repairs_the_running_service_and_the_repair_can_be_undone() {
    let (project, service) = broken();
    project.trust();
    assert!(service.health().contains("503"), "{}", service.health());
    let before = project.tree();
    // Nobody is there to agree: the run waits, and nothing of the procedure has run.
    let text = project.expect(3, &["run", "remediate", "-i", FAILURE, "--no-input"]);
    for part in [
        "runbook `billing` knows this as",
        "service `billing`, environment `production`",
        "first must succeed 1: idle: python3 service/ops.py idle",
        "step 1: drop-lock: python3 service/ops.py drop-lock; what it writes to service/var/run.lock is proposed",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(project.tree(), before);
    let run = project.only_run();
    let ran = |project: &Project| -> Vec<String> {
        let journal = project.journal(&run).into_iter();
        let finished = journal.filter(|(name, _)| name == "task_finished");
        finished.map(|(_, event)| event["report"]["task"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ran(&project), ["health"]);
    // After the yes to the procedure it has run, in the shadow only, and the health check passes there.
    let text = project.run(&["approve", &run, "--no-input"]);
    let text = crate::project::said(&text);
    assert!(text.contains("gate passed: 1 test passed"), "{text}");
    assert_eq!(ran(&project), ["health", "idle", "drop-lock", "rebuild-cache", "health"]);
    if text.contains("waits for your approval") || service.health().contains("503") {
        assert_eq!(project.tree(), before, "{text}");
        project.expect(0, &["approve", &run, "--no-input"]);
    }
    // The files that the tasks declare are as they made them; nothing else is.
    assert!(
        service.health().contains("healthy\n") && service.health().contains("200"),
        "{}",
        service.health()
    );
    assert_eq!(project.read("service/var/cache.json"), "{\"total\": 42}\n");
    let changed: Vec<String> = {
        let after = project.tree();
        let paths = before.keys().chain(after.keys()).collect::<std::collections::BTreeSet<_>>();
        let differ = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
        differ.cloned().collect()
    };
    assert_eq!(changed, ["service/var/cache.json", "service/var/run.lock"]);
    let listed = project.expect(0, &["memory", "list"]);
    assert!(listed.contains(&run) && listed.contains("procedure `rebuild`"), "{listed}");
    // Where no symbol changed, the files say what did.
    let shown = project.expect(0, &["memory", "show", &run]);
    let first = format!("run {run} (remediate) changed service/var/cache.json, service/var/run.lock\n");
    assert!(shown.contains(&first) && !shown.contains("repaired tests: \n"), "{shown}");
    project.expect(0, &["undo", &run]);
    assert_eq!(project.tree(), before);
    let shown = project.expect(0, &["memory", "show", &run]);
    assert!(shown.starts_with("TAKEN BACK"), "{shown}");
}

#[test]
fn a_procedure_whose_second_step_fails_is_rolled_back_also_where_it_was_real_at_once() {
    let (project, service) = broken();
    let config = project.place().join("config/openexec");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(
        config.join("policy.yaml"),
        "version: 1\nsandbox: danger_full_access\nnetwork_allowlist: ['127.0.0.1']\n",
    )
    .unwrap();
    let shipped = include_str!("../../blueprints/remediate.yaml");
    let reaching = shipped
        .replace("name: remediate\n", "name: remediate_hosts\n")
        .replace("triggers: []\n", "triggers: []\n\ndefaults:\n  sandbox: danger_full_access\n");
    project.write(".openexec/blueprints/remediate_hosts.yaml", &reaching);
    project.trust();
    let before = project.tree();
    let failure = "the gateway says: too many requests";
    // The shipped workflow reaches no host: the procedure is refused before anything runs.
    let text = project.expect(3, &["run", "remediate", "-i", failure, "--no-input"]);
    assert!(text.contains("maintenance-on") && text.contains("may not run"), "{text}");
    let first = project.only_run();
    project.expect(0, &["discard", &first]);
    let text = project.expect(3, &["run", "remediate_hosts", "-i", failure, "--no-input"]);
    assert!(text.contains(&format!("it reaches 127.0.0.1:{}, at once", service.port)), "{text}");
    let runs = project.expect(0, &["runs"]);
    let run = runs.split_whitespace().next().unwrap().to_owned();
    let text = project.expect(1, &["approve", &run, "--no-input"]);
    for part in ["step 2 failed", "the disk is full", "rolled back by 1 task", "your files are as they were"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(project.tree(), before);
    // What was real at once was taken back by the rollback, in this order.
    let told = service.ask("POST", "/end");
    assert!(told.ends_with("/maintenance/on\n/maintenance/off\n/end\n"), "{told}");
    let shown = project.expect(0, &["memory", "show", &run]);
    assert!(shown.starts_with("FAILED") && shown.contains("it is no advice"), "{shown}");
    assert!(shown.contains("error: the gateway says: too many requests"), "{shown}");
}

#[test]
fn untrusted_memory_files_are_not_loaded() {
    let (project, _service) = broken();
    let text = project.expect(1, &["memory", "check"]);
    assert!(text.contains(".openexec/memory/billing.yaml") && text.contains("openexec trust"), "{text}");
    let listed = project.expect(0, &["memory", "list"]);
    assert!(!listed.contains("billing-team") && !listed.contains("rebuild"), "{listed}");
    let text = crate::project::said(&project.run(&["run", "remediate", "-i", FAILURE, "--no-input"]));
    assert!(!text.contains("runbook `billing`"), "{text}");
    project.trust();
    assert!(project.expect(0, &["memory", "list"]).contains("billing"));
    // Any change ends the trust, and with it the records.
    project.write(".openexec/memory/more.yaml", "version: 1\n");
    assert!(project.expect(0, &["memory", "list"]).contains("not loaded until you trust"));
}

#[test]
fn a_reason_is_written_down_found_again_and_moves_along() {
    let (project, _service) = broken();
    project.trust();
    let text = project.expect(
        0,
        &[
            "memory",
            "add",
            "service/server.py",
            "trouble",
            "--why",
            "the lock comes first",
            "--id",
            "lock-first",
        ],
    );
    assert!(text.contains(".openexec/memory/lock-first.yaml"), "{text}");
    // The user's own hand does not end the trust.
    assert!(project.expect(0, &["memory", "check"]).contains("0 problems, 0 doubtful pointers"));
    let shown = project.expect(0, &["memory", "show", "lock-first"]);
    assert!(shown.contains("why: the lock comes first") && shown.contains("stands unchanged"), "{shown}");
    project.expect(
        0,
        &[
            "memory",
            "add",
            "service/ops.py:16",
            "--why",
            "it ends what it starts",
            "--private",
            "--label",
            "internal",
        ],
    );
    // The function gets another name, and is found by what it does.
    let renamed = SERVER.replace("trouble()", "what_is_wrong()");
    project.write("service/server.py", &renamed);
    let text = project.expect(0, &["memory", "relocate"]);
    assert!(text.contains("renamed") && text.contains("--all"), "{text}");
    let text = project.expect(0, &["memory", "relocate", "--all"]);
    assert!(text.contains("it points there now"), "{text}");
    assert!(project.read(".openexec/memory/lock-first.yaml").contains("what_is_wrong"));
    project.expect(0, &["memory", "check"]);
    // The function goes, and the record says so.
    let gone = renamed.split("class Handler").nth(1).unwrap();
    project.write("service/server.py", &format!("class Handler{gone}"));
    let text = project.expect(1, &["memory", "check"]);
    assert!(text.contains("stale"), "{text}");
    // One's own records leave and come back as a file.
    let exported = project.expect(0, &["memory", "export"]);
    assert!(exported.contains("it ends what it starts") && exported.contains("internal"), "{exported}");
    let other = Project::empty("replies: []\n");
    other.write("mine.yaml", &exported);
    other.expect(0, &["memory", "import", "mine.yaml"]);
    assert_eq!(other.expect(0, &["memory", "export"]), exported);
    let found: serde_json::Value =
        serde_json::from_str(&project.expect(0, &["memory", "list", "--json"])).unwrap();
    assert!(found["records"].as_array().unwrap().len() > 5, "{found}");
}

#[test]
fn a_decision_is_recorded_without_a_model() {
    let (project, _service) = broken();
    project.trust();
    let arguments = [
        "run",
        "record_decision",
        "--at-place",
        "service/server.py:16",
        "-i",
        "two teams rely on it",
        "--no-input",
    ];
    let text = project.expect(0, &arguments);
    assert!(text.contains("the reason is kept"), "{text}");
    let listed = project.expect(0, &["memory", "list", "--kind", "symbol"]);
    assert!(listed.contains("two teams rely on it") && listed.contains("private"), "{listed}");
}

/// Asks until there is an answer.
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "there was no {what} within a minute");
    }
}

/// The action of a menu whose title begins so.
fn offered(client: &mut Client, uri: &str, line: u32, title: &str) -> Option<Value> {
    let actions = client.code_actions(uri, line, 6).into_iter();
    actions.into_iter().find(|action| action["title"].as_str().unwrap().starts_with(title))
}

fn line_of(text: &str, beginning: &str) -> u32 {
    let line = text.lines().position(|line| line.starts_with(beginning)).unwrap();
    u32::try_from(line).unwrap()
}

/// The titles of the lenses of a document, once one is like this.
fn lens(client: &mut Client, uri: &str, fits: impl Fn(&str) -> bool) -> Value {
    loop {
        // A refresh may overtake the answer that it is about.
        client.heard.retain(|message| message["method"] != "workspace/codeLens/refresh");
        let params = json!({ "textDocument": { "uri": uri } });
        let shown = client.request("textDocument/codeLens", params).unwrap();
        let all = shown.as_array().cloned().unwrap_or_default();
        if let Some(found) = all.into_iter().find(|lens| fits(lens["command"]["title"].as_str().unwrap())) {
            return found;
        }
        client.wait_for("other lenses", |message| message["method"] == "workspace/codeLens/refresh");
    }
}

#[test]
fn what_is_written_down_about_a_symbol_stands_above_it_and_what_is_doubtful_says_so() {
    let (project, _service) = broken();
    project.trust();
    let add =
        ["memory", "add", "service/server.py", "trouble", "--why", "the lock comes first", "--id", "lock"];
    project.expect(0, &add);
    let root = project.root().canonicalize().unwrap();
    let mut client = project.editor(Abilities { annotations: true, ..Abilities::all() });
    let server = client.open(&root.join("service/server.py"));
    let shown = lens(&mut client, &server, |title| title == "noted: the lock comes first");
    let line = line_of(SERVER, "def trouble");
    assert_eq!(shown["range"]["start"], json!({ "line": line, "character": 4 }));
    let at = json!({ "textDocument": { "uri": server }, "position": { "line": line, "character": 6 } });
    let hover = client.request("textDocument/hover", at.clone()).unwrap();
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(text.contains("the lock comes first") && text.contains("stands unchanged"), "{text}");
    // The lens opens all that is known.
    let known = client.execute("openexec.known", shown["command"]["arguments"][0].clone()).unwrap();
    assert!(known["markdown"].as_str().unwrap().contains("the lock comes first"), "{known}");
    // Edited: it is still this function. Replaced by another one of the same name: it may not be.
    let body: String = SERVER.split("def trouble").nth(1).unwrap().split("\ndef ").next().unwrap().to_owned();
    let body = body.split("\nclass ").next().unwrap().to_owned();
    let other =
        "(a, b, c):\n    for one in sorted(a):\n        print(one, b * c)\n    return [b for b in c]\n\n";
    let replaced = SERVER.replace(&body, other);
    assert_ne!(replaced, SERVER);
    client.type_text(&server, &replaced);
    project.write("service/server.py", &replaced);
    client.save(&server);
    lens(&mut client, &server, |title| {
        (title.starts_with("suspect, ") || title.starts_with("stale, "))
            && title.ends_with("the lock comes first")
    });
    let hover = client.request("textDocument/hover", at).unwrap();
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(text.contains("\nsuspect, ") || text.contains("\nstale, "), "{text}");
    // One setting switches all of it off.
    let settings = json!({ "settings": { "openexec": { "annotations": false } } });
    client.notify("workspace/didChangeConfiguration", settings);
    client.wait_for("other lenses", |message| message["method"] == "workspace/codeLens/refresh");
    let params = json!({ "textDocument": { "uri": server } });
    assert_eq!(client.request("textDocument/codeLens", params).unwrap(), Value::Null);
    client.leave();
}

#[test]
fn memory_without_tasks_is_trusted_from_the_menu() {
    let project = Project::empty("replies: []\n");
    project.write("service/ops.py", OPS);
    let records = "version: 1\nsymbols:\n  - {id: quiet, at: {path: service/ops.py, symbol: idle}, why: one writer only}\n";
    project.write(".openexec/memory/quiet.yaml", records);
    let root = project.root().canonicalize().unwrap();
    let mut client = project.editor(Abilities { annotations: true, ..Abilities::all() });
    let ops = client.open(&root.join("service/ops.py"));
    let line = line_of(OPS, "def idle");
    let trust =
        eventually("offer", || offered(&mut client, &ops, line, "Trust this workspace's memory (.openexec/"));
    assert!(offered(&mut client, &ops, line, "Show what is known").is_none());
    let seen = client.execute("openexec.trust", json!({ "uri": ops, "review": true })).unwrap();
    assert_eq!((&seen["commands"], &seen["loads"]), (&json!([]), &json!([".openexec/memory/quiet.yaml"])));
    let review = std::fs::read_to_string(seen["review"].as_str().unwrap()).unwrap();
    assert!(
        review.contains("- .openexec/memory/quiet.yaml") && review.contains("one writer only"),
        "{review}"
    );
    let status = client.execute("openexec.status", json!({})).unwrap();
    assert!(status["markdown"].as_str().unwrap().contains("- the memory of `"), "{status}");
    // A yes is for what was shown.
    project.write(".openexec/memory/more.yaml", "version: 1\n");
    let arguments = trust["command"]["arguments"][0].clone();
    let error = client.execute("openexec.trust", arguments).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("changed since they were shown"), "{error}");
    client.save(&ops);
    let trust = eventually("offer of both", || {
        offered(&mut client, &ops, line, "Trust this workspace's memory (.openexec/memory/more.yaml, ")
    });
    client.execute("openexec.trust", trust["command"]["arguments"][0].clone()).unwrap();
    client.wait_for_message("trusted, loads .openexec/memory/more.yaml, .openexec/memory/quiet.yaml");
    eventually("record", || offered(&mut client, &ops, line, "Show what is known about `idle` (1)"));
    lens(&mut client, &ops, |title| title == "noted: one writer only");
    assert!(offered(&mut client, &ops, line, "Trust this").is_none());
    let again = client.execute("openexec.trust", json!({ "uri": ops })).unwrap();
    assert!(again.get("commands").is_none(), "{again}");
    client.leave();
}

#[test]
fn an_editor_writes_reasons_down_shows_them_and_keeps_them_at_their_symbols() {
    let (project, _service) = broken();
    let stale = "version: 1\nsymbols:\n  - id: gone\n    at: {path: service/ops.py, symbol: never_was}\n    why: nobody knows\n";
    project.write(".openexec/memory/stale.yaml", stale);
    project.trust();
    let root = project.root().canonicalize().unwrap();
    let mut client = server_for(&project);
    // A pointer that leads nowhere is told in the file that holds it.
    let records = uri(&root.join(".openexec/memory/stale.yaml"));
    client.open_as(&records, stale);
    let told = client.wait_for("the stale pointer", |message| {
        message["method"] == "textDocument/publishDiagnostics"
            && message["params"]["uri"] == records
            && message["params"]["diagnostics"].as_array().unwrap().iter().any(|it| it["code"] == "stale")
    });
    assert!(told["params"]["diagnostics"][0]["message"].as_str().unwrap().contains("never_was"), "{told}");
    // A reason is written down at a symbol, and found there.
    let ops = client.open(&root.join("service/ops.py"));
    let line = line_of(OPS, "def idle");
    assert!(offered(&mut client, &ops, line, "Show what is known").is_none());
    let action = offered(&mut client, &ops, line, "Remember why `idle` is as it is").unwrap();
    let place = action["command"]["arguments"][0].clone();
    let mut reason = place.clone();
    reason["why"] = json!("the cache is written by one process only");
    client.execute("openexec.remember", reason).unwrap();
    let show =
        eventually("record", || offered(&mut client, &ops, line, "Show what is known about `idle` (1)"));
    let shown = client.execute("openexec.known", show["command"]["arguments"][0].clone()).unwrap();
    assert!(shown["markdown"].as_str().unwrap().contains("written by one process only"), "{shown}");
    assert_eq!(shown["records"][0]["state"], "exact");
    // Without a reason, a file is begun in which it can be written.
    let begun = client.execute("openexec.remember", place).unwrap();
    assert_eq!(begun["record"], ".openexec/memory/idle.yaml");
    assert!(project.read(".openexec/memory/idle.yaml").contains("symbol: idle"));
    // The user's own record goes along when the function gets another name.
    let renamed = OPS.replace("def idle():", "def nobody_writes():");
    client.type_text(&ops, &renamed);
    project.write("service/ops.py", &renamed);
    client.save(&ops);
    eventually("record under the new name", || {
        offered(&mut client, &ops, line, "Show what is known about `nobody_writes`")
    });
    assert!(client.leave().unwrap().success());
    // Beside it is said that the file which was begun has no reason.
    let listed = project.run(&["memory", "list", "--kind", "symbol", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert!(listed["faults"].to_string().contains("idle.yaml"), "{}", listed["faults"]);
    let own =
        listed["records"].as_array().unwrap().iter().find(|it| it["record"]["origin"]["kept"] == "private");
    assert_eq!(own.unwrap()["record"]["body"]["at"]["symbol"], "nobody_writes");
}

/// Git as a person would call it in the project.
fn git(project: &Project, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(project.root())
        .output()
        .expect("git is needed for these tests; install it");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Commits everything, and answers with the commit.
fn commit(project: &Project) -> String {
    git(project, &["add", "-A"]);
    git(project, &["commit", "-q", "-m", "change"]);
    git(project, &["rev-parse", "HEAD"])
}

const TOTAL: &str = "def total(items):\n    amount = 0\n    for item in items:\n        amount += item.price * item.count\n    return amount\n";

/// What `total` becomes, by steps that are small each.
fn steps_of_total() -> [String; 3] {
    let renamed = TOTAL.replace("def total(items)", "def amount_due(items, region)");
    let taxed = renamed.replace(
        "        amount += item.price * item.count\n",
        "        taxed = item.price * rates.of(region).factor\n        amount += taxed * item.count\n",
    );
    let checked = taxed
        .replace("(items, region)", "(cart, region)")
        .replace("amount = 0", "amount = Money.zero(cart.currency)")
        .replace("for item in items", "for item in cart.lines()")
        .replace("return amount", "return amount.rounded(cart.currency)");
    [renamed, taxed, checked]
}

#[test]
fn a_shared_record_is_followed_through_commits_and_written_only_when_asked() {
    let project = Project::empty("replies: []\n");
    git(&project, &["init", "-q", "-b", "main"]);
    project.write("shop/sums.py", TOTAL);
    let first = commit(&project);
    project.trust();
    project.expect(
        0,
        &["memory", "add", "shop/sums.py", "total", "--why", "rebates come later", "--id", "sums"],
    );
    let record = ".openexec/memory/sums.yaml";
    assert!(project.read(record).contains(&first), "{}", project.read(record));
    let [renamed, taxed, checked] = steps_of_total();
    let written = project.read(record);
    for (path, text) in [
        ("shop/sums.py", &renamed),
        ("shop/sums.py", &taxed),
        ("shop/cart.py", &taxed),
        ("shop/cart.py", &checked),
    ] {
        if path != "shop/sums.py" {
            project.write("shop/sums.py", "");
        }
        project.write(path, text);
        commit(&project);
    }
    let told = project.expect(0, &["memory", "check"]);
    assert!(
        told.contains("renamed symbol sums") && told.contains("`amount_due` in `shop/cart.py`"),
        "{told}"
    );
    let told = project.expect(0, &["memory", "relocate"]);
    assert!(told.contains("1 to accept"), "{told}");
    assert_eq!(project.read(record), written, "nobody has agreed to another text");
    project.expect(0, &["memory", "relocate", "--all"]);
    let now = project.read(record);
    assert!(now.contains("amount_due") && now.contains(&git(&project, &["rev-parse", "HEAD"])), "{now}");
    // What a commit rewrites is suspect, and what the record says is not told to any model.
    project.write("shop/cart.py", "def amount_due(path):\n    return Key.of(path).digest().hex()\n");
    commit(&project);
    let told = project.expect(1, &["memory", "check"]);
    assert!(told.contains("suspect symbol sums"), "{told}");
    let pack = project.expect(0, &["context", "--at", "shop/cart.py:1"]);
    assert!(pack.contains("SUSPECT: ") && !pack.contains("rebates come later"), "{pack}");
    // A person's word makes it knowledge again.
    project.expect(0, &["memory", "relocate", "--accept", "sums"]);
    assert!(project.expect(0, &["memory", "check"]).contains("0 doubtful pointers"));
    let pack = project.expect(0, &["context", "--at", "shop/cart.py:1"]);
    assert!(!pack.contains("SUSPECT: ") && pack.contains("rebates come later"), "{pack}");
}

#[test]
fn an_editor_re_anchors_at_every_save_change_on_disk_and_commit() {
    let project = Project::empty("replies: []\n");
    git(&project, &["init", "-q", "-b", "main"]);
    project.write("shop/sums.py", TOTAL);
    let first = commit(&project);
    project.trust();
    let add = ["memory", "add", "shop/sums.py", "total"];
    project.expect(0, &[&add[..], &["--why", "mine", "--private"]].concat());
    project.expect(0, &[&add[..], &["--why", "ours", "--id", "ours"]].concat());
    let shared = project.read(".openexec/memory/ours.yaml");
    let root = project.root().canonicalize().unwrap();
    let mut client = server_for(&project);
    let own = |project: &Project| -> Value {
        let listed = project.expect(0, &["memory", "list", "--kind", "symbol", "--json"]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let records = listed["records"].as_array().unwrap().iter();
        let mut own = records.filter(|it| it["record"]["origin"]["kept"] == "private");
        own.next().unwrap()["record"]["body"]["at"].clone()
    };
    let anchored = |what: &str, fits: &dyn Fn(&Value) -> bool| {
        eventually(what, || {
            let at = own(&project);
            fits(&at).then_some(at)
        })
    };
    assert_eq!(own(&project)["pointer"]["commit"], first.as_str());
    // A save.
    let [renamed, taxed, checked] = steps_of_total();
    let sums = client.open(&root.join("shop/sums.py"));
    client.type_text(&sums, &renamed);
    client.save(&sums);
    let at = anchored("new name after a save", &|at| at["symbol"] == "amount_due");
    assert_eq!(at["pointer"]["commit"], Value::Null, "no commit holds it yet");
    client.close(&sums);
    // A commit binds what it holds.
    let second = commit(&project);
    anchored("commit in the pointer", &|at| at["pointer"]["commit"] == second.as_str());
    // Changes on disk that nobody tells of: each is one small step.
    for text in [&taxed, &checked] {
        let before = own(&project)["pointer"]["text"].clone();
        project.write("shop/sums.py", text);
        anchored("new text after a change on disk", &|at| at["pointer"]["text"] != before);
        commit(&project);
    }
    // A commit that moves the function.
    project.write("shop/sums.py", "");
    project.write("shop/cart.py", &checked);
    let last = commit(&project);
    let moved = |at: &Value| at["path"] == "shop/cart.py" && at["pointer"]["commit"] == last.as_str();
    anchored("new file after a commit", &moved);
    // What is shared stands as its people wrote it; its file says where the symbol went.
    assert_eq!(project.read(".openexec/memory/ours.yaml"), shared);
    let records = uri(&root.join(".openexec/memory/ours.yaml"));
    client.open_as(&records, &shared);
    client.wait_for("the moved pointer", |message| {
        message["method"] == "textDocument/publishDiagnostics"
            && message["params"]["uri"] == records
            && message["params"]["diagnostics"].as_array().unwrap().iter().any(|it| it["code"] == "moved")
    });
    assert!(client.leave().unwrap().success());
}

#[test]
fn a_decision_that_a_run_writes_down_is_bound_as_one_that_a_person_does() {
    let project = Project::empty("replies: []\n");
    git(&project, &["init", "-q", "-b", "main"]);
    project.write("a.py", TOTAL);
    project.write("b.py", TOTAL);
    let first = commit(&project);
    project.expect(0, &["memory", "add", "a.py:1", "--why", "by hand", "--private", "--id", "by-hand"]);
    project.expect(0, &["run", "record_decision", "--at-place", "a.py:1", "-i", "by a run", "--no-input"]);
    let exported = project.expect(0, &["memory", "export"]);
    assert_eq!(exported.matches(&first).count(), 2, "{exported}");
    git(&project, &["rm", "-q", "a.py"]);
    commit(&project);
    let told = project.expect(1, &["memory", "check"]);
    assert!(told.contains("stale symbol by-hand") && told.contains("stale symbol total-"), "{told}");
    let pack = project.expect(0, &["context", "--at", "b.py:1"]);
    assert!(!pack.contains("by a run") && !pack.contains("by hand"), "{pack}");
}

#[test]
fn what_a_commit_brings_back_is_taken_up_again() {
    let project = Project::empty("replies: []\n");
    git(&project, &["init", "-q", "-b", "main"]);
    project.write("shop/sums.py", TOTAL);
    commit(&project);
    project
        .expect(0, &["memory", "add", "shop/sums.py", "total", "--why", "so", "--private", "--id", "sums"]);
    git(&project, &["rm", "-q", "shop/sums.py"]);
    commit(&project);
    assert!(project.expect(1, &["memory", "check"]).contains("stale symbol sums"));
    // Brought back with another text, and not committed: nobody knows that it is the same.
    let edited = TOTAL.replace("amount = 0", "amount = 0.0");
    project.write("shop/sums.py", &edited);
    let told = project.expect(1, &["memory", "check"]);
    assert!(told.contains("suspect symbol sums") && told.contains("`total` in `shop/sums.py`"), "{told}");
    // Brought back as it was, and then edited: a commit makes no difference.
    project.write("shop/sums.py", TOTAL);
    commit(&project);
    project.write("shop/sums.py", &edited);
    let before = project.expect(0, &["memory", "check"]);
    assert!(before.contains("edited symbol sums"), "{before}");
    commit(&project);
    assert_eq!(project.expect(0, &["memory", "check"]), before);
}

/// A memory file with these symbol records.
fn symbols(records: &[(&str, &str)]) -> String {
    let records = records.iter().map(|(id, why)| {
        format!("  - {{id: {id}, at: {{path: shop/sums.py, symbol: total}}, why: {why}}}\n")
    });
    format!("version: 1\nsymbols:\n{}", records.collect::<String>())
}

#[test]
fn an_import_takes_all_or_nothing_and_what_is_wrong_with_own_records_is_said() {
    let project = Project::empty("replies: []\n");
    project.write("shop/sums.py", TOTAL);
    project.write("twice.yaml", &symbols(&[("x", "one"), ("y", "two"), ("x", "three")]));
    let told = project.expect(1, &["memory", "import", "twice.yaml"]);
    assert!(told.contains("twice.yaml:5: there is another symbol x: twice.yaml:3"), "{told}");
    assert!(!project.expect(0, &["memory", "list"]).contains("symbol"), "nothing was imported");
    project.write("one.yaml", &symbols(&[("x", "one")]));
    project.expect(0, &["memory", "import", "one.yaml"]);
    let again = project.expect(0, &["memory", "import", "one.yaml"]);
    assert!(again.contains("among your own records already, as it is"), "{again}");
    project.write("other.yaml", &symbols(&[("y", "two"), ("x", "other")]));
    let told = project.expect(1, &["memory", "import", "other.yaml"]);
    assert!(told.contains("other.yaml:4: there is another symbol x among your own"), "{told}");
    let listed = project.expect(0, &["memory", "list"]);
    assert!(listed.contains("one") && !listed.contains("two") && !listed.contains("other"), "{listed}");
    for moment in ["2026-13-45", "2026-02-30T25:61"] {
        project.write("day.yaml", &symbols(&[("z", &format!("so, written: '{moment}'"))]));
        let told = project.expect(1, &["memory", "import", "day.yaml"]);
        assert!(told.contains("a day that there is"), "{told}");
    }
    // What is wrong with records of one's own is reported as what is wrong with files.
    project.write("loose.yaml", "version: 1\nrunbooks:\n  - {id: r, symbols: [z], failures: [{id: f, looks_like: [is corrupt], remediations: [p]}]}\n");
    project.expect(0, &["memory", "import", "loose.yaml"]);
    project.write(".openexec/memory/x.yaml", &symbols(&[("x", "shared")]));
    project.trust();
    let told = project.expect(1, &["memory", "check"]);
    for part in [
        "symbol x of your own: there is another one in .openexec/memory/x.yaml:3",
        "runbook r of your own: there is no symbol `z`",
        "runbook r of your own: there is no procedure `p`",
        "3 problems",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    // Nobody knows which of two is meant.
    let told = project.expect(1, &["memory", "relocate", "--accept", "x"]);
    assert!(told.contains("`x` is the id of several records"), "{told}");
    // One's own can be dropped; what is shared is said to stand in its file.
    project.expect(0, &["memory", "forget", "x"]);
    let told = project.expect(1, &["memory", "forget", "x"]);
    assert!(told.contains("symbol x in .openexec/memory/x.yaml:3"), "{told}");
    project.expect(0, &["memory", "forget", "r"]);
    assert!(project.expect(0, &["memory", "check"]).contains("0 problems"));
}

#[test]
fn what_cannot_be_accepted_and_services_of_nothing_are_said() {
    let project = Project::empty("replies: []\n");
    project.write("src/a.py", TOTAL);
    project.write(
        ".openexec/memory/all.yaml",
        "version: 1\nservices: [{id: one, path: no/such}, {id: two, path: src}, {id: three, path: src}]\n\
         symbols: [{id: gone, at: {path: src/a.py, symbol: nothing}, why: so}]\n\
         runbooks: [{id: book, failures: [{id: f, looks_like: [is corrupt]}]}]\n",
    );
    project.trust();
    let told = project.expect(1, &["memory", "check"]);
    for part in [
        "service one: there is no folder `no/such`",
        "service two is made of `src` as well",
        "2 problems, 1 doubtful",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let told = project.expect(1, &["memory", "relocate", "--accept", "book"]);
    assert!(told.contains("runbook book points at no symbol; there is nothing to accept"), "{told}");
    let told = project.expect(1, &["memory", "relocate", "--accept", "gone"]);
    assert!(told.contains("stale symbol gone"), "{told}");
    project.expect(0, &["memory", "relocate"]);
}

#[test]
fn a_record_of_several_symbols_is_pointed_at_all_of_them() {
    let project = Project::empty("replies: []\n");
    project.write("shop/sums.py", &format!("{TOTAL}\n\ndef parse(text):\n    return text.split()\n"));
    project.write(
        "past.yaml",
        "version: 1\nmaintenance:\n  - id: past\n    cause: so\n    change: that\n    symbols:\n      \
         - {path: shop/sums.py, symbol: total}\n      - {path: shop/sums.py, symbol: parse}\n",
    );
    project.expect(0, &["memory", "import", "past.yaml"]);
    let told = project.expect(0, &["memory", "relocate", "--all"]);
    assert_eq!(told.matches("it points there now").count(), 2, "{told}");
    let told = project.expect(0, &["memory", "relocate", "--all"]);
    assert!(!told.contains("it points there now"), "{told}");
}

#[test]
fn a_fault_of_a_memory_file_is_said_once_wherever_its_records_would_count() {
    let project = Project::empty("replies: []\n");
    project.write(".openexec/memory/m.yaml", "version: 1\nservices: [{id: a}]\n");
    project.write(".openexec/memory/wide.yaml", &"# wide\n".repeat(50_000));
    project.trust();
    for (code, arguments) in [
        (1, &["memory", "check"][..]),
        (0, &["memory", "list"]),
        (1, &["memory", "show", "a"]),
        (1, &["memory", "forget", "a"]),
    ] {
        let told = project.expect(code, arguments);
        assert_eq!(told.matches("m.yaml:2:12: a service record has no `path`").count(), 1, "{told}");
        assert_eq!(told.matches("wide.yaml:1:1: the file is larger than 256 KiB").count(), 1, "{told}");
    }
    // Whoever writes a mask that cannot hold is told so.
    project.write(".openexec/memory/m.yaml", "version: 1\nenvironments: [{id: p, masked: [environment]}]\n");
    project.trust();
    let told = project.expect(1, &["memory", "check"]);
    assert!(told.contains("m.yaml:2:33: an item of `masked` is `environment`; this word"), "{told}");
}

#[test]
fn one_s_own_record_is_confirmed_and_forgotten_where_it_is_shown() {
    let project = Project::empty("replies: []\n");
    project.write("shop/sums.py", TOTAL);
    let name = TOTAL.split("def ").nth(1).unwrap().split('(').next().unwrap();
    let add = ["memory", "add", "shop/sums.py", name, "--why", "cents never get lost", "--private"];
    project.expect(0, &add);
    let mut client = server_for(&project);
    let sums = client.open(&project.root().canonicalize().unwrap().join("shop/sums.py"));
    let line = line_of(TOTAL, "def ");
    eventually("own record", || offered(&mut client, &sums, line, "Forget your note: cents never"));
    assert!(offered(&mut client, &sums, line, "Confirm that your note").is_none());
    let other = format!(
        "def {name}(a, b, c):\n    for one in sorted(a):\n        print(one, b * c)\n    return [d for d in c]\n"
    );
    client.type_text(&sums, &other);
    project.write("shop/sums.py", &other);
    client.save(&sums);
    let confirm = eventually("doubt", || offered(&mut client, &sums, 0, "Confirm that your note is about"));
    let argument = confirm["command"]["arguments"][0].clone();
    let mut unseen = argument.clone();
    unseen["place"]["symbol"] = json!("another");
    let refused = client.execute("openexec.confirm", unseen).unwrap_err();
    assert!(refused.to_string().contains("has changed since it was shown"), "{refused}");
    assert_eq!(client.execute("openexec.confirm", argument).unwrap()["confirmed"], format!("symbol {name}"));
    eventually("certainty", || {
        offered(&mut client, &sums, 0, "Confirm that your note").is_none().then_some(())
    });
    let forget = offered(&mut client, &sums, 0, "Forget your note").unwrap();
    let argument = forget["command"]["arguments"][0].clone();
    let forgotten = client.execute("openexec.forget", argument.clone()).unwrap();
    assert!(forgotten["record"].as_str().unwrap().contains("cents never get lost"), "{forgotten}");
    let refused = client.execute("openexec.forget", argument).unwrap_err();
    assert!(refused.to_string().contains("among your own records"), "{refused}");
    eventually("nothing", || offered(&mut client, &sums, 0, "Show what is known").is_none().then_some(()));
    assert!(client.leave().unwrap().success());
    assert!(project.expect(0, &["memory", "list"]).contains("nothing is known here yet"));
}

#[test]
fn what_is_added_says_what_it_needs_and_what_is_wrong_with_it() {
    let project = Project::empty("replies: []\n");
    project.write("shop/sums.py", TOTAL);
    let add = |code: i32, more: &[&str]| {
        project.expect(code, &[&["memory", "add", "shop/sums.py:2"], more].concat())
    };
    let told = add(1, &["--why", ""]);
    assert!(told.contains("error: `why` is empty; say why it is as it is"), "{told}");
    // Nothing is trusted, so that nobody has read the first one; its place is taken all the same.
    for id in ["total", "total-2"] {
        let told = add(0, &["--why", "cents never get lost"]);
        assert!(told.contains(&format!("stands in .openexec/memory/{id}.yaml")), "{told}");
        assert!(told.contains("it counts once you have trusted the workspace"), "{told}");
    }
    let told = crate::project::said(&project.run(&["run", "remediate", "-i", FAILURE, "--no-input"]));
    assert!(told.contains("not loaded until you trust the workspace"), "{told}");
    project.trust();
    let told = add(0, &["--why", "and again"]);
    assert!(told.contains("total-3.yaml") && !told.contains("it counts once"), "{told}");
}
