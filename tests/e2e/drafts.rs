//! Reasons that are written into a memory file which was begun at a symbol, as in editors that
//! cannot ask for a sentence: who saves has said it, and trusts nothing else with it.

use crate::client::{Abilities, Client};
use crate::project::{CHECK, ONE_ATTEMPT, Project};
use serde_json::{Value, json};

const RECORD: &str = ".openexec/memory/answer.yaml";

/// A trusted project, an editor in which a record about its function was begun, the record as the
/// editor shows it, and the line on which the cursor stands there.
fn begun() -> (Project, Client, String, usize) {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let root = project.root().canonicalize().unwrap();
    let mut client = project.editor(Abilities::all());
    let lib = client.open(&root.join("src/lib.rs"));
    let at = json!({ "line": 1, "character": 8 });
    let place = json!({ "uri": lib, "range": { "start": at, "end": at } });
    let begun = client.execute("openexec.remember", place).unwrap();
    assert_eq!(begun["record"], RECORD);
    let shown = client.wait_for("the record", |message| message["method"] == "window/showDocument");
    let record = client.open(&root.join(RECORD));
    assert_eq!(shown["params"]["uri"], record);
    let selection = &shown["params"]["selection"];
    assert_eq!(selection["start"], selection["end"]);
    let number = |of: &Value| usize::try_from(of.as_u64().unwrap()).unwrap();
    let (line, column) = (number(&selection["start"]["line"]), number(&selection["start"]["character"]));
    let lines: Vec<&str> = client.text(&record).split('\n').collect();
    assert_eq!((lines[line - 1].trim(), lines[line]), ("why: >-", " ".repeat(column).as_str()), "{lines:#?}");
    (project, client, record, line)
}

/// Writes a reason on this line, and saves.
fn say(client: &mut Client, record: &str, line: usize, why: &str) {
    let mut lines: Vec<String> = client.text(record).split('\n').map(str::to_owned).collect();
    lines[line].push_str(why);
    client.type_text(record, &lines.join("\n"));
    client.save(record);
}

/// Whether what the workspace declares is trusted as it is.
fn is_trusted(client: &mut Client, record: &str) -> bool {
    let seen = client.execute("openexec.trust", json!({ "uri": record, "review": true })).unwrap();
    seen.get("content").is_none()
}

#[test]
fn saved_is_kept_and_the_workspace_stays_trusted() {
    let (project, mut client, record, line) = begun();
    assert!(is_trusted(&mut client, &record));
    // A record without a reason is no knowledge.
    assert!(!project.expect(0, &["memory", "list", "--json"]).contains("\"answer\""));
    say(&mut client, &record, line, "\"41\": two teams count from 1 # really");
    client.wait_for_message("the reason in .openexec/memory/answer.yaml is kept");
    assert!(is_trusted(&mut client, &record));
    let listed = project.expect(0, &["memory", "list", "--json"]);
    assert!(listed.contains(r#"\"41\": two teams count from 1 # really"#), "{listed}");
    client.leave();
}

#[test]
fn nothing_else_is_trusted_with_it() {
    let (project, mut client, record, line) = begun();
    let tasks = project.read(".openexec/tasks.yaml");
    project.write(".openexec/tasks.yaml", &tasks.replace("check.py", "other.py"));
    say(&mut client, &record, line, "two teams count from 1");
    client.wait_for_message("counts once you trust what this workspace declares");
    assert!(!is_trusted(&mut client, &record));
    client.leave();
}

#[test]
fn a_record_that_others_have_begun_is_trusted_by_nobody_s_save() {
    let (project, mut client, record, line) = begun();
    client.leave();
    client = project.editor(Abilities::all());
    let path = crate::client::path_of(&record);
    assert_eq!(client.open(&path), record);
    assert!(is_trusted(&mut client, &record));
    say(&mut client, &record, line, "two teams count from 1");
    assert!(!is_trusted(&mut client, &record));
    client.leave();
}

#[test]
fn a_record_that_was_begun_and_not_written_is_shown_again() {
    let (project, mut client, record, line) = begun();
    let lib = client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    let at = json!({ "line": 1, "character": 8 });
    let place = json!({ "uri": lib, "range": { "start": at, "end": at } });
    assert_eq!(client.execute("openexec.remember", place.clone()).unwrap()["record"], RECORD);
    say(&mut client, &record, line, "the tests of last year ask for it");
    assert_eq!(
        client.execute("openexec.remember", place).unwrap()["record"],
        ".openexec/memory/answer-2.yaml"
    );
}
