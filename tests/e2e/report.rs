//! What people see of a run afterwards: the timeline, the page, and what stands at symbols.

use crate::client::{Abilities, Client};
use crate::project::{CHECK, FIXED, LIB, ONE_ATTEMPT, Project, TWO_ATTEMPTS};
use scraper::{Html, Selector};
use serde_json::{Value, json};
use std::path::Path;

fn server_for(project: &Project, abilities: Abilities) -> Client {
    let place = project.place().canonicalize().unwrap();
    let [config, state] = ["config", "state"].map(|name| place.join(name));
    let environment = [("XDG_CONFIG_HOME", config.as_path()), ("XDG_STATE_HOME", state.as_path())];
    let child = Client::spawn(Path::new(env!("CARGO_BIN_EXE_openexec")), &["lsp"], &environment);
    Client::of_child(child, &project.root().canonicalize().unwrap(), abilities)
}

fn texts(html: &str, selector: &str) -> Vec<String> {
    let (document, selector) = (Html::parse_document(html), Selector::parse(selector).unwrap());
    document.select(&selector).map(|it| it.text().collect::<String>().trim().to_owned()).collect()
}

#[test]
fn a_real_run_is_told_on_one_page() {
    let project = Project::scripted_tests(TWO_ATTEMPTS, CHECK);
    project.trust().run_blueprint(0, "fix_tests", &[]);
    let run = project.only_run();

    let file = project.expect(0, &["report", &run]);
    let beside = std::fs::read_to_string(file.trim()).unwrap();
    let named = project.root().join("run.html");
    project.expect(0, &["report", &run, "--output", named.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(&named).unwrap(), beside);
    assert_eq!(project.expect(0, &["report", &run, "--output", "-"]), beside);
    // Once more, over what lies there.
    project.expect(0, &["report", &run]);

    assert_eq!(texts(&beside, "h1"), ["fix_tests done"]);
    assert_eq!(texts(&beside, ".attempt .again"), ["attempt 2"; 3]);
    assert_eq!(texts(&beside, "tbody tr").len(), 2);
    let lines = texts(&beside, ".line").join("\n");
    for part in
        ["python3 check.py: exit code 1, 0 passed, 1 failed", "gate passed: 1 test passed", "policy: allows"]
    {
        assert!(lines.contains(part), "`{part}` is missing in\n{lines}");
    }
    assert_eq!(texts(&beside, "section > .diff .added").last().unwrap(), "+    42");
    let document = Html::parse_document(&beside);
    for foreign in
        ["script", "link", "iframe", "img", "a", "form", "base", "object", "[style]", "[src]", "[href]"]
    {
        assert_eq!(document.select(&Selector::parse(foreign).unwrap()).count(), 0, "{foreign}");
    }

    let unknown = project.expect(1, &["report", "ffffff"]);
    assert!(unknown.contains("ffffff"), "{unknown}");
}

#[test]
fn an_editor_opens_the_timeline_and_the_page() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust().run_blueprint(0, "fix_tests", &[]);
    let run = project.only_run();
    let mut client = server_for(&project, Abilities::all());
    client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    let short = &run[run.len() - 6..];
    let shown = client.execute("openexec.status", json!(short)).unwrap();
    assert_eq!(shown["run"], json!(run));
    let markdown = shown["markdown"].as_str().unwrap();
    assert!(markdown.starts_with("# ✓ `fix_tests`: done\n"), "{markdown}");
    assert_eq!(std::fs::read_to_string(shown["timeline"].as_str().unwrap()).unwrap(), markdown);
    let request = client.wait_for("a document", |message| message["method"] == "window/showDocument");
    assert!(request["params"]["uri"].as_str().unwrap().ends_with("/timeline.md"), "{request}");

    let page = client.execute("openexec.report", json!({ "run": run })).unwrap();
    assert!(page.get("html").is_none(), "only a client that shows pages itself is given it");
    let is_page = |message: &Value| {
        message["params"]["uri"].as_str().is_some_and(|uri| uri.ends_with("/timeline.html"))
    };
    let request = client.wait_for("a page", is_page);
    assert_eq!(request["params"]["external"], true);
    // The terminal writes the same, over what the editor was shown.
    let file = project.expect(0, &["report", &run]);
    assert_eq!(file.trim(), page["report"].as_str().unwrap());
    client.leave();

    let mut client = server_for(&project, Abilities { lists_runs: true, ..Abilities::all() });
    client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    let page = client.execute("openexec.report", json!({ "run": run })).unwrap();
    assert_eq!(texts(page["html"].as_str().unwrap(), "h1"), ["fix_tests done"]);
    let error = client.execute("openexec.status", json!("ffffff")).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("no run `ffffff`"), "{error}");
}

/// The titles of the lenses of a document, once there are so many.
fn lenses(client: &mut Client, uri: &str, wanted: usize) -> Vec<Value> {
    loop {
        // A refresh may overtake the answer that it is about.
        client.heard.retain(|message| message["method"] != "workspace/codeLens/refresh");
        let params = json!({ "textDocument": { "uri": uri } });
        let shown = client.request("textDocument/codeLens", params).unwrap();
        let shown = shown.as_array().cloned().unwrap_or_default();
        if shown.len() == wanted {
            return shown;
        }
        client.wait_for("other lenses", |message| message["method"] == "workspace/codeLens/refresh");
    }
}

#[test]
fn a_changed_symbol_says_by_which_run_until_that_is_undone_or_unwanted() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let mut client = server_for(&project, Abilities { annotations: true, ..Abilities::all() });
    assert!(client.server["capabilities"]["codeLensProvider"].is_object());
    assert!(client.server["capabilities"].get("inlayHintProvider").is_none(), "one of the two is enough");
    let uri = client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    assert_eq!(lenses(&mut client, &uri, 0), Vec::<Value>::new());
    client.execute("openexec.run", json!({ "blueprint": "fix_tests", "model": project.model() })).unwrap();
    client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(client.text(&uri), FIXED);
    let lens = lenses(&mut client, &uri, 1).remove(0);
    let title = lens["command"]["title"].as_str().unwrap();
    assert!(title.starts_with("changed by run ") && title.ends_with(": made it right"), "{title}");
    assert_eq!(lens["range"]["start"], json!({ "line": 1, "character": 7 }));
    let run = lens["command"]["arguments"][0].clone();
    let told = client.execute("openexec.status", run).unwrap();
    assert!(told["markdown"].as_str().unwrap().contains("made it right"), "{told}");
    let at = json!({ "textDocument": { "uri": uri }, "position": { "line": 1, "character": 8 } });
    let hover = client.request("textDocument/hover", at).unwrap();
    assert!(hover["contents"]["value"].as_str().unwrap().contains("evidence: "), "{hover}");

    // What is typed above moves it at once.
    let moved = format!("// one\n// two\n{FIXED}");
    client.type_text(&uri, &moved);
    assert_eq!(lenses(&mut client, &uri, 1)[0]["range"]["start"]["line"], 3);
    client.type_text(&uri, FIXED);

    for (wanted, count) in [(false, 0), (true, 1)] {
        let settings = json!({ "settings": { "openexec": { "annotations": wanted } } });
        client.notify("workspace/didChangeConfiguration", settings);
        assert_eq!(lenses(&mut client, &uri, count).len(), count);
    }

    client.execute("openexec.undo", json!({})).unwrap();
    client.wait_for_message("was undone");
    assert_eq!(client.text(&uri), LIB);
    lenses(&mut client, &uri, 0);
}

#[test]
fn a_user_who_wants_no_annotations_has_none() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    let config = project.place().join("config/openexec");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.yaml"), "annotations: false\n").unwrap();
    project.trust().run_blueprint(0, "fix_tests", &[]);
    let mut client = server_for(&project, Abilities { annotations: true, ..Abilities::all() });
    let uri = client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    // Lenses are for reviews then, and for nothing else.
    lenses(&mut client, &uri, 0);
    let at = json!({ "textDocument": { "uri": uri }, "position": { "line": 1, "character": 8 } });
    assert_eq!(client.request("textDocument/hover", at).unwrap(), Value::Null);
}
