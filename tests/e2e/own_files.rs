//! What an editor is told about our own files, over the protocol and with clients of every kind.

use crate::client::{Abilities, uri};
use crate::lsp::{Scene, scene};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const UNGATED: &str = "version: 1\nname: mine\nstages:\n  - id: implement\n    type: agent\n    goal: größe 🌍\n  \
                       - { id: apply, type: deterministic, action: apply_edit }\n";

/// Every kind of client: what it can, and how it counts columns.
fn clients() -> Vec<Abilities> {
    let with = |encoding| Abilities { encodings: vec![encoding], ..Abilities::all() };
    let poor = |encoding| Abilities { encodings: vec![encoding], ..Abilities::none() };
    vec![Abilities::all(), Abilities::none(), with("utf-8"), with("utf-32"), poor("utf-8"), poor("utf-32")]
}

fn opened(scene: &mut Scene, path: &str, text: &str) -> String {
    let uri = uri(&scene.root.join(path));
    scene.client.open_as(&uri, text);
    uri
}

/// Waits until the newest that was said about a file fits.
fn told(scene: &mut Scene, uri: &str, what: &str, fits: impl Fn(&[Value]) -> bool) -> Value {
    let is_it = |message: &Value| {
        message["method"] == "textDocument/publishDiagnostics"
            && message["params"]["uri"] == uri
            && message["params"]["diagnostics"].as_array().is_some_and(|all| fits(all))
    };
    scene.client.wait_for(what, is_it)["params"].clone()
}

fn at(uri: &str, line: u32, character: u32) -> Value {
    json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } })
}

#[test]
fn mistakes_are_told_while_they_stand_and_taken_back() {
    for abilities in clients() {
        let rich = abilities.rich;
        let mut scene = scene(abilities);
        let uri = opened(&mut scene, ".openexec/blueprints/mine.yaml", UNGATED);
        let params = told(&mut scene, &uri, "the escape", |all| all.len() == 1);
        let escape = &params["diagnostics"][0];
        assert!(escape["message"].as_str().unwrap().contains("`implement -> apply`"), "{escape}");
        assert_eq!(escape["range"]["start"], json!({ "line": 6, "character": 10 }));
        assert_eq!(escape["range"]["end"], json!({ "line": 6, "character": 15 }));
        assert_eq!(escape["source"], "openexec");
        assert_eq!(params.get("version").is_some(), rich);
        match rich {
            true => {
                let related = escape["relatedInformation"].as_array().unwrap();
                assert_eq!(related[0]["location"]["range"]["start"], json!({ "line": 3, "character": 8 }));
                assert_eq!(related[0]["location"]["uri"], uri);
                assert_eq!(related.len(), 2);
            }
            false => assert!(escape.get("relatedInformation").is_none()),
        }
        scene.client.heard.clear();
        scene.client.type_text(
            &uri,
            &UNGATED.replace("apply_edit", "remember").replace("type: agent", "type: agnet"),
        );
        told(&mut scene, &uri, "another mistake", |all| {
            all.len() == 1 && all[0]["message"].as_str().unwrap().contains("did you mean `agent`?")
        });
        scene.client.heard.clear();
        scene.client.close(&uri);
        told(&mut scene, &uri, "the end of it", <[Value]>::is_empty);
    }
}

#[test]
fn other_peoples_yaml_is_left_alone() {
    for abilities in clients() {
        let mut scene = scene(abilities);
        let foreign = opened(&mut scene, "deploy/values.yaml", "stages: [\n");
        let playbook = opened(&mut scene, "blueprints/site.yaml", "- hosts: all\n  tasks: [\n");
        for uri in [&foreign, &playbook] {
            for method in ["completion", "hover", "definition", "prepareRename"] {
                let answer = scene.client.request(&format!("textDocument/{method}"), at(uri, 0, 3)).unwrap();
                assert_eq!(answer, Value::Null, "{method}");
            }
            let document = json!({ "textDocument": { "uri": uri } });
            assert_eq!(scene.client.request("textDocument/documentSymbol", document).unwrap(), Value::Null);
            assert_eq!(scene.client.code_actions(uri, 0, 0), Vec::<Value>::new());
        }
        // What is ours is told, and only that.
        let ours = opened(&mut scene, "blueprints/ours.yaml", "stages: []\n");
        told(&mut scene, &ours, "mistakes", |all| !all.is_empty());
        let about = |uri: &str| scene.client.heard.iter().any(|it| it["params"]["uri"] == *uri);
        assert!(!about(&foreign) && !about(&playbook));
    }
}

#[test]
fn the_client_is_asked_to_ask_about_our_files_only() {
    let mut rich = scene(Abilities::all());
    let capabilities = rich.client.server["capabilities"].clone();
    for provider in ["completionProvider", "hoverProvider", "definitionProvider", "renameProvider"] {
        assert!(capabilities.get(provider).is_none(), "{provider}");
    }
    let request = rich.client.wait_for("registrations", |it| it["method"] == "client/registerCapability");
    let registrations = request["params"]["registrations"].as_array().unwrap();
    let methods: Vec<&str> = registrations.iter().map(|it| it["method"].as_str().unwrap()).collect();
    let wanted = ["completion", "hover", "definition", "references", "documentSymbol", "rename"];
    assert_eq!(methods, wanted.map(|feature| format!("textDocument/{feature}")));
    for registration in registrations {
        let selector = registration["registerOptions"]["documentSelector"].as_array().unwrap();
        assert!(selector.iter().all(|it| it["pattern"].as_str().unwrap().contains(".{yaml,yml}")
            || it["pattern"].as_str().unwrap().ends_with(".yaml")));
    }
    let poor = scene(Abilities::none());
    let capabilities = &poor.client.server["capabilities"];
    assert_eq!(capabilities["hoverProvider"], true);
    assert_eq!(capabilities["renameProvider"]["prepareProvider"], true);
    assert!(capabilities["completionProvider"].get("triggerCharacters").is_none());
}

#[test]
fn names_are_offered_explained_followed_and_renamed() {
    for abilities in clients() {
        let (rich, literals) = (abilities.rich, abilities.literals);
        let mut scene = scene(abilities);
        let text = "version: 1\nname: mine\nstages:\n  - id: implement\n    type: agent\n    goal: x\n  \
                    - id: tests\n    type: deterministic\n    action: run_tests\n    on_failure: implement\n";
        let uri = opened(&mut scene, ".openexec/blueprints/mine.yaml", text);
        let items = scene.client.request("textDocument/completion", at(&uri, 9, 18)).unwrap();
        let labels: Vec<&str> =
            items.as_array().unwrap().iter().map(|it| it["label"].as_str().unwrap()).collect();
        assert_eq!(labels, ["implement", "done", "fail", "paused"]);
        let hover = scene.client.request("textDocument/hover", at(&uri, 9, 18)).unwrap();
        assert_eq!(hover["contents"]["kind"], if rich { "markdown" } else { "plaintext" });
        assert!(hover["contents"]["value"].as_str().unwrap().contains("implement"), "{hover}");
        let place = scene.client.request("textDocument/definition", at(&uri, 9, 18)).unwrap();
        assert_eq!(place[0]["range"]["start"], json!({ "line": 3, "character": 8 }));
        let mut asked = at(&uri, 3, 9);
        asked["context"] = json!({ "includeDeclaration": true });
        let places = scene.client.request("textDocument/references", asked).unwrap();
        assert_eq!(places.as_array().unwrap().len(), 2);
        let symbols = scene
            .client
            .request("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri } }))
            .unwrap();
        assert_eq!(symbols[1]["name"], "tests");
        assert_eq!(symbols[1].get("selectionRange").is_some(), rich);
        let range = scene.client.request("textDocument/prepareRename", at(&uri, 3, 9)).unwrap();
        assert_eq!(range["placeholder"], "implement");
        let mut asked = at(&uri, 3, 9);
        asked["newName"] = json!("done");
        let error = scene.client.request("textDocument/rename", asked.clone()).unwrap_err();
        assert!(error["message"].as_str().unwrap().contains("is no id"), "{error}");
        asked["newName"] = json!("write");
        let edit = scene.client.request("textDocument/rename", asked).unwrap();
        assert_eq!(edit.get("documentChanges").is_some(), literals);
        scene.client.apply(&edit).unwrap();
        assert_eq!(scene.client.text(&uri), text.replace("implement", "write"));
    }
}

#[test]
fn a_toolset_is_followed_to_the_page_of_all_of_them() {
    for abilities in clients() {
        let mut scene = scene(abilities);
        let text =
            "version: 1\nname: mine\nstages:\n  - {id: look, type: agent, toolset: repo_readonly, goal: x}\n";
        let uri = opened(&mut scene, ".openexec/blueprints/mine.yaml", text);
        let at_toolset = u32::try_from(text.lines().nth(3).unwrap().find("readonly").unwrap()).unwrap();
        let places = scene.client.request("textDocument/definition", at(&uri, 3, at_toolset)).unwrap();
        let page = crate::client::path_of(places[0]["uri"].as_str().unwrap());
        let line = usize::try_from(places[0]["range"]["start"]["line"].as_u64().unwrap()).unwrap();
        let page = std::fs::read_to_string(page).unwrap();
        assert_eq!(page.lines().nth(line), Some("## repo_readonly"), "{page}");
        let nothing = scene.client.request("textDocument/definition", at(&uri, 1, 7)).unwrap();
        assert_eq!(nothing, Value::Null);
    }
}

#[test]
fn names_in_memory_are_offered_and_followed_from_file_to_file() {
    for abilities in clients() {
        let mut scene = scene(abilities);
        let books =
            "version: 1\nrunbooks:\n  - {id: billing, failures: [{id: f, looks_like: [\"is full\"]}]}\n";
        let folder = scene.root.join(".openexec/memory");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("books.yaml"), books).unwrap();
        let text = "version: 1\nservices:\n  - {id: billing, path: ., runbooks: [billing]}\n";
        let uri = opened(&mut scene, ".openexec/memory/services.yaml", text);
        let column = u32::try_from(text.lines().nth(2).unwrap().find("[billing").unwrap()).unwrap() + 3;
        let places = scene.client.request("textDocument/definition", at(&uri, 2, column)).unwrap();
        assert!(places[0]["uri"].as_str().unwrap().ends_with("/.openexec/memory/books.yaml"), "{places}");
        assert_eq!(places[0]["range"]["start"], json!({ "line": 2, "character": 9 }));
        let items = scene.client.request("textDocument/completion", at(&uri, 2, column)).unwrap();
        assert!(items.as_array().unwrap().iter().any(|it| it["label"] == "billing"), "{items}");
        let hover = scene.client.request("textDocument/hover", at(&uri, 2, column)).unwrap();
        assert!(hover["contents"]["value"].as_str().unwrap().contains("runbook"), "{hover}");
    }
}

#[test]
fn an_offered_edit_makes_the_proof_hold() {
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let mut scene = scene(Abilities { encodings: vec![encoding], ..Abilities::all() });
        let uri = opened(&mut scene, ".openexec/blueprints/mine.yaml", UNGATED);
        told(&mut scene, &uri, "the escape", |all| all.len() == 1);
        let actions = scene.client.code_actions(&uri, 6, 12);
        let titles: Vec<&str> = actions.iter().filter_map(|it| it["title"].as_str()).collect();
        let fix = actions.iter().find(|it| it["title"] == "Lead the path through `run_tests`");
        let fix = fix.unwrap_or_else(|| panic!("{titles:?}")).clone();
        assert_eq!(fix["diagnostics"][0]["code"], "ungated");
        scene.client.heard.clear();
        scene.client.apply(&fix["edit"]).unwrap();
        told(&mut scene, &uri, "silence", <[Value]>::is_empty);
        assert!(scene.client.text(&uri).contains("action: run_tests"));
    }
    // Who takes no edits in a menu is offered none.
    let mut scene = scene(Abilities::none());
    let uri = opened(&mut scene, ".openexec/blueprints/mine.yaml", UNGATED);
    let actions = scene.client.code_actions(&uri, 6, 12);
    let commands: Vec<&str> = actions.iter().filter_map(|it| it["command"].as_str()).collect();
    assert_eq!(commands, ["openexec.graph"]);
}

#[test]
fn a_graph_is_shown_of_what_stands_in_the_editor() {
    let mut scene = scene(Abilities::all());
    let uri = opened(&mut scene, "blueprints/mine.yaml", UNGATED);
    let graph = scene.client.execute("openexec.graph", json!({ "uri": uri })).unwrap();
    let markdown = graph["markdown"].as_str().unwrap();
    assert!(markdown.contains("```mermaid\n%% mine\nflowchart TD\n"), "{markdown}");
    assert!(markdown.contains("edits would escape their gates: implement -> apply"), "{markdown}");
    assert_eq!(std::fs::read_to_string(graph["graph"].as_str().unwrap()).unwrap(), markdown);
    scene.client.wait_for("a document", |message| message["method"] == "window/showDocument");
    let shipped = scene.client.execute("openexec.graph", json!("fix_tests")).unwrap();
    assert!(shipped["markdown"].as_str().unwrap().contains("proven: no edit is applied before its gates"));
    let error = scene.client.execute("openexec.graph", json!({ "blueprint": "nonsense" })).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("there is no blueprint `nonsense`"), "{error}");
    scene.client.type_text(&uri, "stages: [\n");
    let error = scene.client.execute("openexec.graph", json!({ "uri": uri })).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("mine.yaml:"), "{error}");
}

#[test]
fn the_users_own_files_and_the_workspaces_are_judged_together() {
    let mut scene = scene(Abilities::all());
    let users = uri(&scene.config.join("policy.yaml"));
    let workspaces = opened(&mut scene, ".openexec/policy.yaml", "version: 1\nsandbox: repo_write\n");
    told(&mut scene, &workspaces, "the widening", |all| {
        all.len() == 1 && all[0]["message"].as_str().unwrap().contains("cannot widen")
    });
    std::fs::create_dir(&scene.config).unwrap();
    scene.client.open_as(&users, "version: 1\nsandbox: repo_writ\n");
    told(&mut scene, &users, "the user's mistake", |all| all.len() == 1);
    scene.client.heard.clear();
    scene.client.type_text(&users, "version: 1\nsandbox: repo_write\n");
    scene.client.save(&users);
    told(&mut scene, &users, "silence", <[Value]>::is_empty);
    told(&mut scene, &workspaces, "silence there", <[Value]>::is_empty);
    let config = uri(&scene.config.join("config.yaml"));
    scene.client.open_as(&config, "default_model: nobody\n");
    told(&mut scene, &config, "the missing model", |all| all.len() == 1);
    // A file that another folder holds under the same name is not the user's.
    let other = opened(&mut scene, "config.yaml", "default_model: nobody\n");
    assert_eq!(scene.client.request("textDocument/hover", at(&other, 0, 3)).unwrap(), Value::Null);
}

#[test]
fn hostile_files_stop_nothing() {
    let mut scene = scene(Abilities::all());
    let texts = [
        "- ".repeat(20_000),
        "[".repeat(100_000),
        "name: x\r\n".repeat(120_000),
        (0..500).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
        "\u{feff}stages:\r\n\t- id: 🌍\r\n".to_owned(),
        "a: &a [x,x]\n".to_owned() + &(0..40).map(|it| format!("b{it}: [*a,*a]\n")).collect::<String>(),
    ];
    for (number, text) in texts.iter().enumerate() {
        let uri = opened(&mut scene, &format!(".openexec/blueprints/h{number}.yaml"), text);
        told(&mut scene, &uri, "a mistake", |all| !all.is_empty() && all.len() <= 100);
        for line in [0, 1, 400] {
            drop(scene.client.request("textDocument/completion", at(&uri, line, 3)).unwrap());
            drop(scene.client.request("textDocument/hover", at(&uri, line, 3)).unwrap());
        }
        scene.client.code_actions(&uri, 0, 0);
    }
    scene.client.execute("openexec.status", Value::Null).unwrap();
}

#[test]
fn the_command_line_draws_a_graph() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    std::fs::write(&file, UNGATED).unwrap();
    let graph = |named: &Path, format: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_openexec"))
            .args(["blueprint", "graph", "--format", format, "--workspace"])
            .args([folder.path(), named])
            .env_clear()
            .env("HOME", folder.path())
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (done, drawn, _) = graph(&file, "text");
    assert!(done && drawn.contains("│ implement │ agent coding_backend · edits"), "{drawn}");
    let (done, drawn, _) = graph(Path::new("review"), "mermaid");
    assert!(done && drawn.starts_with("%% review\nflowchart TD\n"), "{drawn}");
    let (done, drawn, _) = graph(&file, "json");
    let drawn: Value = serde_json::from_str(&drawn).unwrap();
    assert!(done && drawn["escape"] == json!(["implement", "apply"]), "{drawn}");
    let (done, _, said) = graph(Path::new("nonsense"), "text");
    assert!(!done && said.contains("there is no blueprint `nonsense`"), "{said}");
}
