//! Whole runs on texts of every kind: what is edited is exactly what was meant, whatever the
//! columns are counted in and however lines end.

use crate::client::{Abilities, Client};
use crate::project::{CHECK, Project};
use serde_json::{Value, json};

/// What stands before the repaired place: beyond the basic plane, combining, wide.
const WIDE: &str = "// 🦀e\u{301}한🧮";
/// A line separator of Unicode, which ends no line. It is no neighbour of what is edited.
const FIRST: &str = "// a\u{2028}b";

/// Two places on lines behind such characters.
const REPLIES: &str = r##"
replies:
  - stage: fix
    reply:
      actions:
        - { id: a1, kind: replace_text, path: src/lib.rs, old: "41 /* 🚩 */ + 0", new: "42 /* 🚩🚩 */ + 0" }
        - { id: a2, kind: replace_text, path: src/lib.rs, old: "last 🦀", new: "LAST 🦀" }
        - { id: a3, kind: finish, summary: made it right }
"##;
const PASSES: &str = r#"
text = open("src/lib.rs", encoding="utf-8", newline="").read()
good = "42 /* " in text and "LAST" in text
print("1..1")
print(("ok" if good else "not ok") + " 1 - is the answer")
raise SystemExit(0 if good else 1)
"#;

fn source(line_end: &str) -> String {
    // What a reply brings in is judged by lines that end at `\n`, and the policy wants no such
    // separator in a changed one.
    let first = if line_end == "\r" { "// a, b" } else { FIRST };
    let lines = [first, &format!("{WIDE} 41 /* 🚩 */ + 0 // 🚩"), "// between", "// last 🦀 e\u{301}", ""];
    lines.join(line_end)
}

fn changed(text: &str) -> String {
    text.replace("41 /* 🚩 */", "42 /* 🚩🚩 */").replace("last 🦀", "LAST 🦀")
}

fn run(client: &mut Client, project: &Project, file: &str) {
    let run = json!({ "blueprint": "fix_tests", "uri": file, "model": project.model() });
    client.execute("openexec.run", run).unwrap();
    client.wait_for_message("undo with `openexec.undo`");
    client.heard.clear();
}

fn undo(client: &mut Client) {
    client.execute("openexec.undo", Value::Null).unwrap();
    client.wait_for_message("undo this run again to redo it");
    client.heard.clear();
}

#[test]
fn every_encoding_and_line_end_gets_exactly_the_edit_that_was_meant() {
    let texts = ["\n", "\r\n", "\r"].map(source);
    // Mixed: the second line ends otherwise than the others.
    let mixed = source("\n").replacen("// 🚩\n", "// 🚩\r\n", 1);
    let unended = source("\r\n").trim_end().to_owned();
    for text in texts.into_iter().chain([mixed, unended]) {
        for encodings in [vec!["utf-8"], vec!["utf-16"], vec!["utf-32", "utf-16"], vec![]] {
            let project = Project::scripted_tests(REPLIES, PASSES);
            project.write("src/lib.rs", &text);
            project.trust();
            let mut client = project.editor(Abilities { encodings: encodings.clone(), ..Abilities::all() });
            let file = client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
            // Typed behind wide characters, with columns as agreed, so that both sides must count.
            let typed = text.replacen("// between", "// 🧮 between", 1);
            client.type_text(&file, &typed);
            run(&mut client, &project, &file);
            assert_eq!(client.text(&file), changed(&typed), "{encodings:?} {text:?}");
            undo(&mut client);
            assert_eq!(client.text(&file), typed, "{encodings:?} {text:?}");
        }
    }
}

#[test]
fn a_byte_order_mark_on_disk_is_no_text_of_the_buffer() {
    for line_end in ["\n", "\r\n"] {
        let project = Project::scripted_tests(REPLIES, PASSES);
        let text = source(line_end);
        project.write("src/lib.rs", &format!("\u{FEFF}{text}"));
        project.trust();
        let mut client = project.editor(Abilities::all());
        let path = project.root().canonicalize().unwrap().join("src/lib.rs");
        let file = crate::client::uri(&path);
        // An editor keeps the mark to itself.
        client.open_as(&file, &text);
        run(&mut client, &project, &file);
        assert_eq!(client.text(&file), changed(&text));
        undo(&mut client);
        assert_eq!(client.text(&file), text);
    }
}

/// A line that is added behind the last one, and ends otherwise.
const APPENDS: &str = r#"
replies:
  - stage: fix
    reply:
      actions:
        - { id: a1, kind: replace_text, path: src/lib.rs, old: "z\r\n", new: "z\r\n42 /* LAST */\n" }
        - { id: a2, kind: finish, summary: made it right }
"#;

#[test]
fn a_line_that_ends_otherwise_than_the_last_one_is_added_behind_it() {
    let project = Project::scripted_tests(APPENDS, PASSES);
    let text = "x\ny\nz\r\n";
    project.write("src/lib.rs", text);
    project.trust();
    let mut client = project.editor(Abilities::all());
    let file = client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    run(&mut client, &project, &file);
    assert_eq!(client.text(&file), format!("{text}42 /* LAST */\n"));
    undo(&mut client);
    assert_eq!(client.text(&file), text);
}

#[test]
fn a_byte_order_mark_that_the_buffer_shows_is_kept() {
    let project = Project::scripted_tests(REPLIES, PASSES);
    let text = format!("\u{FEFF}{}", source("\n"));
    project.write("src/lib.rs", &text);
    project.trust();
    let mut client = project.editor(Abilities::all());
    let file = crate::client::uri(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    client.open_as(&file, &text);
    run(&mut client, &project, &file);
    assert_eq!(client.text(&file), changed(&text));
    undo(&mut client);
    assert_eq!(client.text(&file), text);
}

#[test]
fn a_line_end_that_saving_adds_is_no_drift() {
    let project = Project::scripted_tests(REPLIES, PASSES);
    let text = source("\n").trim_end().to_owned();
    project.write("src/lib.rs", &text);
    project.trust();
    let mut client = project.editor(Abilities::all());
    let file = client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    run(&mut client, &project, &file);
    // Saving ends the last line, as Neovim and formatters do.
    let saved = format!("{}\n", changed(&text));
    client.type_text(&file, &saved);
    client.save(&file);
    undo(&mut client);
    assert_eq!(client.text(&file).trim_end(), text);
}

#[test]
fn the_server_holds_what_the_editor_shows() {
    // The request that the soak asks after every batch of changes.
    let project = Project::scripted_tests(REPLIES, CHECK);
    let mut client = project.editor(Abilities::all());
    let file = client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    let digest = |client: &mut Client, file: &str| {
        client.request("openexec/documentDigest", json!({ "uri": file })).unwrap()
    };
    let of = |text: &str| json!(openexec_engine::digest::Digest::of(text.as_bytes()));
    let held = digest(&mut client, &file);
    let text = client.text(&file).to_owned();
    assert_eq!(held, json!({ "version": 1, "bytes": text.len(), "digest": of(&text), "live": true }));
    client.type_text(&file, "🦀\r\n");
    let held = digest(&mut client, &file);
    assert_eq!(held, json!({ "version": 2, "bytes": 6, "digest": of("🦀\r\n"), "live": true }));
    client.close(&file).unwrap();
    assert_eq!(digest(&mut client, &file), Value::Null);
}
