use super::*;
use crate::lsp::traits::ResourceOperations;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn changes(files: &[(&str, Option<&str>, Option<&str>)]) -> ChangeSet {
    let change = |base: &Option<&str>, proposed: &Option<&str>| FileChange {
        base: base.map(str::to_owned),
        proposed: proposed.map(str::to_owned),
        renamed_from: None,
    };
    ChangeSet { files: files.iter().map(|(name, base, new)| (path(name), change(base, new))).collect() }
}

fn traits(encoding: PositionEncoding) -> ClientTraits {
    ClientTraits {
        encoding,
        document_changes: true,
        resources: ResourceOperations { create: true, rename: true, delete: true },
        ..ClientTraits::default()
    }
}

/// Sites where everything stands as it was checked; the named files are open at version 7.
fn as_checked<'a>(changes: &'a ChangeSet, open: &'a [&str]) -> impl Fn(&WorkspacePath) -> Site + 'a {
    move |path| Site {
        uri: format!("file:///w/{path}"),
        version: open.contains(&path.as_str()).then_some(7),
        text: changes.files.get(path).and_then(|change| change.base.clone()),
        kept: None,
        has_folder: true,
    }
}

fn sent(changes: &ChangeSet, open: &[&str], traits: &ClientTraits) -> Value {
    workspace_edit(changes, traits, &as_checked(changes, open)).unwrap().unwrap()
}

/// Applies the text edits of a `TextDocumentEdit` as a client would: all ranges mean the text
/// before the edit.
fn applied(base: &str, edits: &Value, encoding: PositionEncoding) -> String {
    let document = Document::new(base);
    let position = |value: &Value| serde_json::from_value::<Position>(value.clone()).unwrap();
    let mut text = base.to_owned();
    let mut replaced: BTreeMap<usize, (usize, String)> = BTreeMap::new();
    for edit in edits.as_array().unwrap() {
        let [start, end] =
            ["start", "end"].map(|side| document.byte_of(position(&edit["range"][side]), encoding).unwrap());
        let new = edit["newText"].as_str().unwrap().to_owned();
        assert!(replaced.insert(start, (end, new)).is_none(), "two edits begin at one place");
    }
    let mut floor = usize::MAX;
    for (start, (end, new)) in replaced.into_iter().rev() {
        assert!(end <= floor, "edits overlap");
        floor = start;
        text.replace_range(start..end, &new);
    }
    text
}

#[test]
fn open_files_carry_their_version_and_others_an_explicit_null() {
    let changes = changes(&[("a.rs", Some("x\n"), Some("y\n")), ("b.rs", Some("x\n"), Some("z\n"))]);
    let edit = sent(&changes, &["a.rs"], &traits(PositionEncoding::Utf16));
    let documents = edit["documentChanges"].as_array().unwrap();
    assert_eq!(documents[0]["textDocument"], json!({ "uri": "file:///w/a.rs", "version": 7 }));
    assert_eq!(documents[1]["textDocument"], json!({ "uri": "file:///w/b.rs", "version": null }));
}

#[test]
fn nothing_optional_is_null() {
    let changes = changes(&[
        ("a.rs", Some("x\n"), Some("y\n")),
        ("b.rs", None, Some("n\n")),
        ("c.rs", Some("o\n"), None),
    ]);
    let text = sent(&changes, &["a.rs"], &traits(PositionEncoding::Utf8)).to_string();
    // The one null that the protocol wants is the version of a document that is not open.
    assert!(!text.replace("\"version\":null", "").contains("null"), "{text}");
    for word in ["annotation", "overwrite", "ignoreIfExists", "options"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[test]
fn each_file_is_edited_once_and_each_line_at_most_once() {
    let base = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";
    let proposed = "one\nTWO\nthree\nfour\nfive\nsix\nSEVEN\neight\nnine\n";
    let changes = changes(&[("a.rs", Some(base), Some(proposed))]);
    let edit = sent(&changes, &["a.rs"], &traits(PositionEncoding::Utf16));
    let documents = edit["documentChanges"].as_array().unwrap();
    assert_eq!(documents.len(), 1);
    assert!(documents[0]["edits"].as_array().unwrap().len() >= 2, "{edit}");
    assert_eq!(applied(base, &documents[0]["edits"], PositionEncoding::Utf16), proposed);
}

#[test]
fn columns_and_line_ends_survive_every_encoding() {
    for (base, proposed) in [
        ("🦀🦀 a\ne\u{301} b\n", "🦀🦀 c\ne\u{301} d\n"),
        ("a 🦀", "a 🦀🦀"),
        ("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n"),
        ("a\nb\r\nc\rd", "a\nB\r\nc\rD"),
        ("a\u{2028}b\nc\n", "a\u{2028}B\nc\n"),
        ("no end", "no end\n"),
        ("an end\n", "an end"),
        ("", "new\n"),
        ("old\n", ""),
    ] {
        for encoding in [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32] {
            let changes = changes(&[("a.txt", Some(base), Some(proposed))]);
            let edit = sent(&changes, &["a.txt"], &traits(encoding));
            let edits = &edit["documentChanges"][0]["edits"];
            assert_eq!(applied(base, edits, encoding), proposed, "{encoding:?} {base:?}");
        }
    }
}

#[test]
fn a_byte_order_mark_is_no_text() {
    let changes = changes(&[("a.cs", Some("\u{FEFF}class A\nx\n"), Some("\u{FEFF}class B\nx\n"))]);
    let edit = sent(&changes, &[], &traits(PositionEncoding::Utf16));
    let edits = &edit["documentChanges"][0]["edits"];
    assert!(!edits.to_string().contains('\u{FEFF}'));
    assert_eq!(edits[0]["range"]["start"], json!({ "line": 0, "character": 0 }));
    assert_eq!(applied("class A\nx\n", edits, PositionEncoding::Utf16), "class B\nx\n");
}

#[test]
fn files_are_created_filled_renamed_and_deleted_in_that_shape() {
    let mut changes = changes(&[
        ("new.rs", None, Some("fn new() {}\n")),
        ("gone.rs", Some("x\n"), None),
        ("from.rs", Some("a\nb\n"), None),
        ("to.rs", None, Some("a\nB\n")),
    ]);
    changes.files.get_mut(&path("to.rs")).unwrap().renamed_from = Some(path("from.rs"));
    let edit = sent(&changes, &[], &traits(PositionEncoding::Utf16));
    let kinds: Vec<Value> = edit["documentChanges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            json!([one["kind"], one.pointer("/textDocument/uri").or(one.get("uri")).or(one.get("newUri"))])
        })
        .collect();
    assert_eq!(
        json!(kinds),
        json!([
            ["rename", "file:///w/to.rs"],
            [null, "file:///w/to.rs"],
            ["delete", "file:///w/gone.rs"],
            ["create", "file:///w/new.rs"],
            [null, "file:///w/new.rs"],
        ])
    );
}

#[test]
fn a_rename_into_a_missing_folder_is_a_new_file_and_a_deletion() {
    let mut changes = changes(&[("from.rs", Some("a\n"), None), ("deep/to.rs", None, Some("a\n"))]);
    changes.files.get_mut(&path("deep/to.rs")).unwrap().renamed_from = Some(path("from.rs"));
    let base = as_checked(&changes, &[]);
    let edit = workspace_edit(&changes, &traits(PositionEncoding::Utf16), &|path| Site {
        has_folder: path.as_str() != "deep/to.rs",
        ..base(path)
    });
    let kinds: Vec<Value> = edit.unwrap().unwrap()["documentChanges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["kind"].clone())
        .collect();
    assert_eq!(json!(kinds), json!(["create", null, "delete"]));
}

#[test]
fn one_source_is_renamed_only_once() {
    let mut changes = changes(&[
        ("from.rs", Some("a\n"), None),
        ("to1.rs", None, Some("a\n")),
        ("to2.rs", None, Some("a\n")),
    ]);
    for name in ["to1.rs", "to2.rs"] {
        changes.files.get_mut(&path(name)).unwrap().renamed_from = Some(path("from.rs"));
    }
    let edit = sent(&changes, &[], &traits(PositionEncoding::Utf16));
    let text = edit.to_string();
    assert_eq!(text.matches("\"kind\":\"rename\"").count(), 1);
    assert_eq!(text.matches("\"kind\":\"create\"").count(), 1);
    assert!(!text.contains("\"kind\":\"delete\""), "{text}");
}

#[test]
fn what_has_moved_is_never_sent() {
    let changes = changes(&[("a.rs", Some("x\n"), Some("y\n")), ("b.rs", Some("x\n"), Some("z\n"))]);
    let base = as_checked(&changes, &["a.rs", "b.rs"]);
    let typed = |path: &WorkspacePath| match path.as_str() {
        "b.rs" => Site { text: Some("the user typed\n".to_owned()), ..base(path) },
        _ => base(path),
    };
    let refused = workspace_edit(&changes, &traits(PositionEncoding::Utf16), &typed);
    assert_eq!(refused, Err(Unsendable::Moved(path("b.rs"))));
}

#[test]
fn a_new_file_never_lands_on_one_that_is_there() {
    let changes = changes(&[("a.rs", None, Some("new\n"))]);
    let base = as_checked(&changes, &[]);
    let there = |path: &WorkspacePath| Site { text: Some("precious\n".to_owned()), ..base(path) };
    let refused = workspace_edit(&changes, &traits(PositionEncoding::Utf16), &there);
    assert_eq!(refused, Err(Unsendable::Exists(path("a.rs"))));
}

#[test]
fn what_is_done_already_is_left_alone() {
    let changes = changes(&[("a.rs", Some("x\n"), Some("y\n"))]);
    let base = as_checked(&changes, &[]);
    let done = |path: &WorkspacePath| Site { text: Some("y\n".to_owned()), ..base(path) };
    assert_eq!(workspace_edit(&changes, &traits(PositionEncoding::Utf16), &done), Ok(None));
}

#[test]
fn a_client_without_document_changes_gets_plain_changes_or_a_reason() {
    let plain = ClientTraits { document_changes: false, ..traits(PositionEncoding::Utf16) };
    let texts = changes(&[("a.rs", Some("x\n"), Some("y\n"))]);
    let edit = sent(&texts, &["a.rs"], &plain);
    assert_eq!(edit.as_object().unwrap().keys().collect::<Vec<_>>(), ["changes"]);
    assert_eq!(applied("x\n", &edit["changes"]["file:///w/a.rs"], PositionEncoding::Utf16), "y\n");
    let creates = changes(&[("new.rs", None, Some("x\n"))]);
    let refused = workspace_edit(&creates, &plain, &as_checked(&creates, &[]));
    assert_eq!(refused, Err(Unsendable::Unsupported { operation: "create", path: path("new.rs") }));
}

#[test]
fn lines_are_added_before_the_last_line_end() {
    for (base, proposed) in [("a\n", "a\nb\n"), ("a\r\n", "a\r\nb\r\n"), ("\n", "\n\n")] {
        let changes = changes(&[("a.txt", Some(base), Some(proposed))]);
        let edits = sent(&changes, &["a.txt"], &traits(PositionEncoding::Utf8));
        let edits = &edits["documentChanges"][0]["edits"];
        assert_eq!(edits[0]["range"]["start"]["line"], 0, "{edits}");
        assert_eq!(applied(base, edits, PositionEncoding::Utf8), proposed);
    }
    // Nothing to move: the last line has no end, or gets none.
    for (base, proposed) in [("a", "a\nb\n"), ("a\n", "a\nb"), ("", "a\n")] {
        let changes = changes(&[("a.txt", Some(base), Some(proposed))]);
        let edits = sent(&changes, &["a.txt"], &traits(PositionEncoding::Utf8));
        let edits = &edits["documentChanges"][0]["edits"];
        assert_eq!(applied(base, edits, PositionEncoding::Utf8), proposed);
    }
}

#[test]
fn an_editor_that_ends_every_buffer_ends_a_new_one_as_well() {
    let changes = changes(&[("new.txt", None, Some("a\nb\n"))]);
    for (ends_every_buffer, text) in [(false, "a\nb\n"), (true, "a\nb")] {
        let traits = ClientTraits { ends_every_buffer, ..traits(PositionEncoding::Utf8) };
        let edit = sent(&changes, &[], &traits);
        assert_eq!(edit["documentChanges"][1]["edits"][0]["newText"], text);
    }
}

/// A text with line ends of every kind, a last line that ends or does not, and perhaps a byte order
/// mark.
fn text() -> impl Strategy<Value = String> {
    let line = ("[ab\u{1F980}]{0,3}", prop_oneof![Just("\n"), Just("\r\n"), Just("\r")]);
    let lines = proptest::collection::vec(line.prop_map(|(line, end)| format!("{line}{end}")), 0..8);
    (any::<bool>(), lines, "[ab]{0,2}").prop_map(|(is_marked, lines, last)| {
        let mark = if is_marked { "\u{FEFF}" } else { "" };
        format!("{mark}{}{last}", lines.concat())
    })
}

/// A text and what becomes of it: another one, or lines of it changed, left out and added.
fn texts() -> impl Strategy<Value = (String, String)> {
    let lines = proptest::collection::vec((0_u8..5, "[cd]{0,2}(\n|\r\n|\r)"), 9);
    let edited = (text(), lines).prop_map(|(base, edits)| {
        let lines = openexec_engine::text::split_lines(&base);
        let mut edits = edits.into_iter();
        let mut proposed: String = lines
            .iter()
            .zip(&mut edits)
            .map(|(line, (what, new))| match what {
                0 => String::new(),
                1 => new,
                2 => format!("{line}{new}"),
                _ => (*line).to_owned(),
            })
            .collect();
        proposed.extend(edits.next().filter(|(what, _)| *what < 3).map(|(_, new)| new));
        (base, proposed)
    });
    prop_oneof![edited, (text(), text())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_buffer_becomes_exactly_the_proposal((base, proposed) in texts()) {
        prop_assume!(base != proposed);
        for encoding in [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32] {
            let changes = changes(&[("a.txt", Some(&base), Some(&proposed))]);
            let edit = sent(&changes, &["a.txt"], &traits(encoding));
            let edits = &edit["documentChanges"][0]["edits"];
            prop_assert_eq!(applied(&base, edits, encoding), proposed.as_str(), "{}", edits);
        }
    }

    /// As an editor does that looks only at where lines begin: no place lies within a line end.
    #[test]
    fn no_place_lies_within_a_line_end((base, proposed) in texts()) {
        let document = Document::new(&base);
        for edit in text_edits(&base, &proposed, PositionEncoding::Utf16, true) {
            for place in [edit.range.start, edit.range.end] {
                let byte = document.byte_of(place, PositionEncoding::Utf16).unwrap();
                prop_assert!(!(base[..byte].ends_with('\r') && base[byte..].starts_with('\n')), "{byte}");
            }
        }
    }
}

#[test]
fn a_line_that_ends_otherwise_is_added_behind_the_last_line_end() {
    for (base, proposed) in [
        ("x\ny\nz\r\n", "x\ny\nz\r\nMARK\n"),
        ("x\nz\n", "x\nz\nMARK\r\n"),
        ("x\r\n", "x\r\n\n"),
        ("x\r\r\n", "x\r\r\nMARK\r\n"),
    ] {
        let changes = changes(&[("a.txt", Some(base), Some(proposed))]);
        let edits = sent(&changes, &["a.txt"], &traits(PositionEncoding::Utf16));
        let edits = &edits["documentChanges"][0]["edits"];
        assert_eq!(applied(base, edits, PositionEncoding::Utf16), proposed, "{edits}");
    }
}

#[test]
fn a_byte_order_mark_that_a_buffer_shows_is_text() {
    for (base, proposed) in
        [("\u{FEFF}x\ny\n", "\u{FEFF}z\ny\n"), ("\u{FEFF}x\n", "x\n"), ("x\n", "\u{FEFF}x\n")]
    {
        let changes = changes(&[("a.cs", Some(base), Some(proposed))]);
        let edit = sent(&changes, &["a.cs"], &traits(PositionEncoding::Utf16));
        let edits = &edit["documentChanges"][0]["edits"];
        assert_eq!(applied(base, edits, PositionEncoding::Utf16), proposed);
    }
}

#[test]
fn a_kept_buffer_is_no_place_for_a_rename() {
    let mut changes = changes(&[("from.rs", Some("a\n"), None), ("to.rs", None, Some("a\n"))]);
    changes.files.get_mut(&path("to.rs")).unwrap().renamed_from = Some(path("from.rs"));
    let base = as_checked(&changes, &[]);
    let edit = workspace_edit(&changes, &traits(PositionEncoding::Utf16), &|path| Site {
        kept: (path.as_str() == "to.rs").then(|| (4, "a\nkept\n".to_owned())),
        ..base(path)
    });
    let edit = edit.unwrap().unwrap();
    let kinds: Vec<Value> =
        edit["documentChanges"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(json!(kinds), json!(["delete", "create", null]));
    let filled = &edit["documentChanges"][2];
    assert_eq!(filled["textDocument"]["version"], 4);
    assert_eq!(applied("a\nkept\n", &filled["edits"], PositionEncoding::Utf16), "a\n");
}
