//! Editors that tell the truth, lie, keep silent, refuse or are late.

use super::*;
use crate::lsp::service::Synchronised as _;
use crate::lsp::session::Inbox;
use openexec_engine::edit::FileChange;
use std::path::PathBuf;
use std::sync::Arc;

/// A workspace with open documents, and an editor over it that is driven by hand.
struct Scene {
    session: Arc<Session>,
    root: PathBuf,
    _folder: tempfile::TempDir,
}

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn scene(files: &[(&str, &str)], capabilities: Value) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for (name, text) in files {
        std::fs::write(root.join(name), text).unwrap();
    }
    let session = Arc::new(Session::default());
    let inbox = Inbox(Arc::clone(&session));
    inbox.initialize(&json!({ "rootUri": uri::of_path(&root).unwrap(), "capabilities": capabilities }));
    Scene { session, root, _folder: folder }
}

fn everything() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-16"] },
        "workspace": { "workspaceEdit": {
            "documentChanges": true, "resourceOperations": ["create", "rename", "delete"] } },
    })
}

impl Scene {
    fn uri(&self, name: &str) -> String {
        uri::of_path(&self.root.join(name)).unwrap()
    }

    fn notify(&self, method: &str, params: Value) {
        assert!(Inbox(Arc::clone(&self.session)).notified(method, params));
    }

    fn open(&self, name: &str, text: &str) {
        self.notify(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": self.uri(name), "languageId": "", "version": 1, "text": text } }),
        );
    }

    fn type_whole(&self, name: &str, version: i32, text: &str) {
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": self.uri(name), "version": version },
                    "contentChanges": [{ "text": text }] }),
        );
    }

    /// Applies while `editor` plays the editor: it gets what was sent and a way to answer.
    async fn apply<F>(
        &self,
        changes: &ChangeSet,
        editor: impl FnOnce(Value, oneshot::Sender<Answer>) -> F,
    ) -> String
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.landing(changes, editor).await.answer
    }

    /// The same, with all that came of it.
    async fn landing<F>(
        &self,
        changes: &ChangeSet,
        editor: impl FnOnce(Value, oneshot::Sender<Answer>) -> F,
    ) -> Landing
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let send = |params| {
            let (answer, receiver) = oneshot::channel();
            tokio::spawn(editor(params, answer));
            receiver
        };
        apply(&self.session, send, &self.root, changes, "run ab12cd").await
    }
}

fn replacement(name: &str, base: &str, proposed: &str) -> ChangeSet {
    let change =
        FileChange { base: Some(base.to_owned()), proposed: Some(proposed.to_owned()), renamed_from: None };
    ChangeSet { files: [(path(name), change)].into() }
}

fn yes() -> Answer {
    Answer::Said(json!({ "applied": true }))
}

fn shared(scene: Scene) -> Arc<Scene> {
    Arc::new(scene)
}

#[tokio::test(start_paused = true)]
async fn an_honest_editor() {
    let scene = shared(scene(&[("a.txt", "x\n")], everything()));
    scene.open("a.txt", "x\n");
    let changes = replacement("a.txt", "x\n", "y\n");
    let editor = Arc::clone(&scene);
    let said = scene
        .apply(&changes, |params, answer| async move {
            assert_eq!(params["label"], "run ab12cd");
            assert_eq!(params["edit"]["documentChanges"][0]["textDocument"]["version"], 1);
            editor.type_whole("a.txt", 2, "y\n");
            answer.send(yes()).unwrap();
        })
        .await;
    assert_eq!(said, "the editor says that it applied the edit; all 1 files are as proposed");
}

#[tokio::test(start_paused = true)]
async fn a_liar_is_found_out() {
    let scene = shared(scene(&[("a.txt", "x\n"), ("b.txt", "x\n")], everything()));
    scene.open("a.txt", "x\n");
    scene.open("b.txt", "x\n");
    let mut changes = replacement("a.txt", "x\n", "y\n");
    changes.files.extend(replacement("b.txt", "x\n", "y\n").files);
    let editor = Arc::clone(&scene);
    // Neovim checks the version of the first change only and says `true` whatever became of the others.
    let said = scene
        .apply(&changes, |_, answer| async move {
            editor.type_whole("a.txt", 2, "y\n");
            answer.send(yes()).unwrap();
        })
        .await;
    assert_eq!(said, "the editor says that it applied the edit; 1 of 2 files are not as proposed: b.txt");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_comes_after_the_answer_counts() {
    let scene = shared(scene(&[("a.txt", "x\n")], everything()));
    scene.open("a.txt", "x\n");
    let changes = replacement("a.txt", "x\n", "y\n");
    let editor = Arc::clone(&scene);
    let said = scene
        .apply(&changes, |_, answer| async move {
            answer.send(yes()).unwrap();
            tokio::time::sleep(Duration::from_secs(3)).await;
            editor.type_whole("a.txt", 2, "y\n");
        })
        .await;
    assert!(said.ends_with("all 1 files are as proposed"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_editor_is_not_waited_for_longer_than_its_effect() {
    let scene = shared(scene(&[("a.txt", "x\n")], everything()));
    scene.open("a.txt", "x\n");
    let changes = replacement("a.txt", "x\n", "y\n");
    let editor = Arc::clone(&scene);
    let begun = Instant::now();
    let said = scene
        .apply(&changes, |_, answer| async move {
            editor.type_whole("a.txt", 2, "y\n");
            std::future::pending::<()>().await;
            drop(answer);
        })
        .await;
    assert_eq!(said, "the editor has not answered; all 1 files are as proposed");
    assert!(begun.elapsed() < Duration::from_millis(2 * RECONCILE_GRACE_MS));
}

#[tokio::test(start_paused = true)]
async fn what_the_editor_formats_at_once_has_landed() {
    let changes = replacement("a.txt", "fn x() {}\n", "fn x(){y()}\n");
    for (shown, lands) in [("fn x() {\n    y()\n}\n", true), ("fn x() {\n    z()\n}\n", false)] {
        let scene = shared(scene(&[("a.txt", "fn x() {}\n")], everything()));
        scene.open("a.txt", "fn x() {}\n");
        let editor = Arc::clone(&scene);
        let said = scene
            .apply(&changes, |_, answer| async move {
                editor.type_whole("a.txt", 2, shown);
                answer.send(yes()).unwrap();
            })
            .await;
        assert_eq!(said.ends_with("all 1 files are as proposed"), lands, "{said}");
    }
    // Where blanks are all that is proposed, they must be these.
    let scene = shared(scene(&[("a.txt", "x y\n")], everything()));
    scene.open("a.txt", "x y\n");
    let changes = replacement("a.txt", "x y\n", "x  y\n");
    let said = scene.apply(&changes, |_, answer| async move { answer.send(yes()).unwrap() }).await;
    assert!(said.contains("not as proposed: a.txt"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn an_editor_that_does_nothing_is_given_up() {
    let scene = shared(scene(&[("a.txt", "x\n")], everything()));
    scene.open("a.txt", "x\n");
    let changes = replacement("a.txt", "x\n", "y\n");
    let said = scene
        .apply(&changes, |_, answer| async move {
            std::future::pending::<()>().await;
            drop(answer);
        })
        .await;
    assert_eq!(said, "the editor has not answered; 1 of 1 files are not as proposed: a.txt");
}

#[tokio::test(start_paused = true)]
async fn answers_of_every_shape_are_taken() {
    for (answer, begins) in [
        (Answer::Said(Value::Null), "the editor's answer says nothing"),
        (Answer::Said(json!({})), "the editor's answer says nothing"),
        (Answer::Said(json!({ "applied": null })), "the editor's answer says nothing"),
        (
            Answer::Said(json!({ "applied": false, "failedChange": 0, "failureReason": "stale" })),
            "the editor says that it did not apply the edit, change 0 failed: stale",
        ),
        (Answer::Refused("boom".to_owned()), "the editor answered with an error: boom"),
        (Answer::Silent, "the editor has not answered"),
    ] {
        let scene = scene(&[("a.txt", "x\n")], everything());
        scene.open("a.txt", "x\n");
        let changes = replacement("a.txt", "x\n", "y\n");
        let said = scene.apply(&changes, |_, way| async move { way.send(answer).unwrap() }).await;
        assert_eq!(said, format!("{begins}; 1 of 1 files are not as proposed: a.txt"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_after_a_part_was_applied_is_looked_at() {
    let scene = shared(scene(&[("a.txt", "x\n"), ("b.txt", "x\n")], everything()));
    scene.open("a.txt", "x\n");
    let mut changes = replacement("a.txt", "x\n", "y\n");
    changes.files.extend(replacement("b.txt", "x\n", "y\n").files);
    let editor = Arc::clone(&scene);
    let said = scene
        .apply(&changes, |_, answer| async move {
            answer.send(Answer::Refused("half-way".to_owned())).unwrap();
            editor.type_whole("a.txt", 2, "y\n");
            std::fs::write(editor.root.join("b.txt"), "y\n").unwrap();
        })
        .await;
    assert_eq!(said, "the editor answered with an error: half-way; all 2 files are as proposed");
}

#[tokio::test(start_paused = true)]
async fn a_buffer_that_nobody_sees_is_named() {
    let scene = scene(&[("a.txt", "x\n")], everything());
    let changes = replacement("a.txt", "x\n", "y\n");
    let said = scene.apply(&changes, |_, way| async move { way.send(yes()).unwrap() }).await;
    assert!(said.contains("not as proposed: a.txt; they may stand in buffers that we cannot see"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn what_the_user_typed_meanwhile_is_never_overwritten() {
    let scene = scene(&[("a.txt", "x\n")], everything());
    scene.open("a.txt", "x\nand more\n");
    let changes = replacement("a.txt", "x\n", "y\n");
    let said = scene.apply(&changes, |_, _| async move { panic!("nothing may be sent") }).await;
    assert!(said.contains("`a.txt` is neither as it was checked nor as proposed"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_document_whose_text_is_unknown_is_not_edited() {
    let scene = scene(&[("a.txt", "x\n")], everything());
    scene.open("a.txt", "x\n");
    let beyond = json!({ "start": { "line": 9, "character": 0 }, "end": { "line": 9, "character": 0 } });
    scene.notify(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": scene.uri("a.txt"), "version": 2 },
                "contentChanges": [{ "range": beyond, "text": "?" }] }),
    );
    let changes = replacement("a.txt", "x\n", "y\n");
    let said = scene.apply(&changes, |_, _| async move { panic!("nothing may be sent") }).await;
    assert!(said.contains("what the editor shows of `a.txt` is unknown"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn the_buffer_of_a_deleted_file_is_no_file_any_more() {
    let scene = shared(scene(&[("a.txt", "x\n")], everything()));
    scene.open("a.txt", "x\n");
    let gone = FileChange { base: Some("x\n".to_owned()), proposed: None, renamed_from: None };
    let changes = ChangeSet { files: [(path("a.txt"), gone)].into() };
    let editor = Arc::clone(&scene);
    let said = scene
        .apply(&changes, |params, answer| async move {
            assert_eq!(params["edit"]["documentChanges"][0]["kind"], "delete");
            std::fs::remove_file(editor.root.join("a.txt")).unwrap();
            answer.send(yes()).unwrap();
        })
        .await;
    assert!(said.ends_with("all 1 files are as proposed"), "{said}");
    assert!(scene.session.open_documents(&scene.root).is_empty());
    scene.type_whole("a.txt", 2, "typed again\n");
    assert_eq!(scene.session.open_documents(&scene.root)[0].text, "typed again\n");
}

#[tokio::test(start_paused = true)]
async fn the_clients_own_uri_is_sent_back() {
    let scene = shared(scene(&[("a b.txt", "x\n")], everything()));
    let written = scene.uri("a b.txt").replace("a%20b", "%61%20b");
    scene.notify(
        "textDocument/didOpen",
        json!({ "textDocument": { "uri": written, "languageId": "", "version": 3, "text": "x\n" } }),
    );
    let changes = replacement("a b.txt", "x\n", "y\n");
    let said = scene
        .apply(&changes, |params, answer| async move {
            let named = params["edit"]["documentChanges"][0]["textDocument"].clone();
            assert_eq!(named, json!({ "uri": written, "version": 3 }));
            answer.send(Answer::Said(json!({ "applied": false }))).unwrap();
        })
        .await;
    assert!(said.starts_with("the editor says that it did not apply the edit"), "{said}");
}

/// Deletes an open file as Helix does, which keeps the buffer.
async fn deleted(scene: &Arc<Scene>, text: &str) {
    let gone = FileChange { base: Some(text.to_owned()), proposed: None, renamed_from: None };
    let changes = ChangeSet { files: [(path("a.txt"), gone)].into() };
    let editor = Arc::clone(scene);
    scene
        .apply(&changes, |_, answer| async move {
            std::fs::remove_file(editor.root.join("a.txt")).unwrap();
            answer.send(yes()).unwrap();
        })
        .await;
}

fn creation(text: &str) -> ChangeSet {
    let created = FileChange { base: None, proposed: Some(text.to_owned()), renamed_from: None };
    ChangeSet { files: [(path("a.txt"), created)].into() }
}

#[tokio::test(start_paused = true)]
async fn the_kept_buffer_of_a_deleted_file_is_not_filled_a_second_time() {
    let scene = shared(scene(&[("a.txt", "x\ny\n")], everything()));
    scene.open("a.txt", "x\ny\n");
    deleted(&scene, "x\ny\n").await;
    assert!(scene.session.open_documents(&scene.root).is_empty());
    // The same text: nothing becomes of it, but the editor knows that it is not saved.
    let editor = Arc::clone(&scene);
    let said = scene
        .apply(&creation("x\ny\n"), |params, answer| async move {
            let operations = params["edit"]["documentChanges"].as_array().unwrap().clone();
            let uri = editor.uri("a.txt");
            let first =
                json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 1, "character": 0 } });
            let again = json!({ "textDocument": { "uri": uri, "version": 1 },
                                "edits": [{ "range": first, "newText": "x\n" }] });
            assert_eq!(operations, [json!({ "kind": "create", "uri": uri }), again]);
            std::fs::write(editor.root.join("a.txt"), "").unwrap();
            editor.type_whole("a.txt", 2, "x\ny\n");
            answer.send(yes()).unwrap();
        })
        .await;
    assert!(said.ends_with("all 1 files are as proposed"), "{said}");
    assert_eq!(scene.session.open_documents(&scene.root)[0].text, "x\ny\n");
    // Another text: what stands in the buffer is edited, at its version.
    deleted(&scene, "x\ny\n").await;
    let editor = Arc::clone(&scene);
    let said = scene
        .apply(&creation("x\nz\n"), |params, answer| async move {
            let edit = &params["edit"]["documentChanges"][1];
            assert_eq!(edit["textDocument"], json!({ "uri": editor.uri("a.txt"), "version": 2 }));
            assert_eq!(edit["edits"].as_array().unwrap().len(), 1);
            assert_eq!(edit["edits"][0]["range"]["start"]["line"], 1);
            std::fs::write(editor.root.join("a.txt"), "").unwrap();
            editor.type_whole("a.txt", 3, "x\nz\n");
            answer.send(yes()).unwrap();
        })
        .await;
    assert!(said.ends_with("all 1 files are as proposed"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_kept_buffer_counts_again_once_its_file_is_there_again() {
    let scene = shared(scene(&[("a.txt", "x\n")], everything()));
    scene.open("a.txt", "x\n");
    deleted(&scene, "x\n").await;
    // Not by us: a checkout, say. What the disk holds is not what the editor shows.
    std::fs::write(scene.root.join("a.txt"), "of the disk\n").unwrap();
    assert_eq!(scene.session.open_documents(&scene.root)[0].text, "x\n");
    let changes = replacement("a.txt", "of the disk\n", "y\n");
    let said = scene.apply(&changes, |_, _| async move { panic!("nothing may be sent") }).await;
    assert!(said.contains("neither as it was checked nor as proposed"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn what_is_typed_once_the_edit_was_seen_is_nothing_to_wait_for() {
    // In notifications of their own, and in one.
    for in_one in [false, true] {
        let scene = shared(scene(&[("a.txt", "x\nend\n")], everything()));
        scene.open("a.txt", "x\nend\n");
        let changes = replacement("a.txt", "x\nend\n", "y\nend\n");
        let editor = Arc::clone(&scene);
        let begun = Instant::now();
        let landing = scene
            .landing(&changes, |_, answer| async move {
                if in_one {
                    editor.notify(
                        "textDocument/didChange",
                        json!({ "textDocument": { "uri": editor.uri("a.txt"), "version": 2 },
                                "contentChanges": [{ "text": "y\nend\n" }, { "text": "y\nend\ntyped" }] }),
                    );
                } else {
                    editor.type_whole("a.txt", 2, "y\nend\n");
                    editor.type_whole("a.txt", 3, "y\nend\ntyped");
                }
                answer.send(yes()).unwrap();
            })
            .await;
        assert_eq!(landing.answer, "the editor says that it applied the edit; all 1 files are as proposed");
        assert_eq!(landing.seen, [(path("a.txt"), "y\nend\n".to_owned())].into());
        assert!(begun.elapsed() < Duration::from_millis(RECONCILE_GRACE_MS));
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_file_under_two_names_is_edited_where_it_is_known_best_and_only_without_doubt() {
    let scene = shared(scene(&[("a.txt", "x\n")], everything()));
    std::os::unix::fs::symlink("a.txt", scene.root.join("b.txt")).unwrap();
    scene.open("b.txt", "x\n");
    scene.open("a.txt", "typed\nx\n");
    let changes = replacement("a.txt", "typed\nx\n", "typed\ny\n");
    let said = scene.apply(&changes, |_, _| async move { panic!("nothing may be sent") }).await;
    assert!(said.starts_with("`a.txt` is open under two names that do not show the same text"), "{said}");
    let close = json!({ "textDocument": { "uri": scene.uri("b.txt") } });
    scene.notify("textDocument/didClose", close);
    let editor = Arc::clone(&scene);
    let said = scene
        .apply(&changes, |params, answer| async move {
            let named = &params["edit"]["documentChanges"][0]["textDocument"];
            assert_eq!(*named, json!({ "uri": editor.uri("a.txt"), "version": 1 }));
            editor.type_whole("a.txt", 2, "typed\ny\n");
            answer.send(yes()).unwrap();
        })
        .await;
    assert!(said.ends_with("all 1 files are as proposed"), "{said}");
}
