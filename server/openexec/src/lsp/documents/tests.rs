use super::*;
use serde_json::json;

fn opened(uri: &str, text: &str) -> (Documents, PathBuf) {
    let mut documents = Documents::default();
    let params = json!({ "textDocument":
        { "uri": uri, "languageId": "plaintext", "version": 1, "text": text } });
    let path = documents.open(params).unwrap();
    (documents, path)
}

fn changed(
    documents: &mut Documents,
    uri: &str,
    version: i32,
    range: Value,
    text: &str,
    encoding: PositionEncoding,
) -> Result<PathBuf, SyncError> {
    let mut change = json!({ "text": text });
    if !range.is_null() {
        change["range"] = range;
    }
    let params = json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": [change] });
    documents.change(params, encoding)
}

fn range(start: (u32, u32), end: (u32, u32)) -> Value {
    json!({ "start": { "line": start.0, "character": start.1 }, "end": { "line": end.0, "character": end.1 } })
}

#[test]
fn columns_are_counted_as_negotiated() {
    for (encoding, column) in
        [(PositionEncoding::Utf8, 4), (PositionEncoding::Utf16, 2), (PositionEncoding::Utf32, 1)]
    {
        let uri = "file:///nowhere/notes.txt";
        let (mut documents, path) = opened(uri, "🦀b\n");
        changed(&mut documents, uri, 2, range((0, column), (0, column + 1)), "c", encoding).unwrap();
        let file = documents.at(&path).unwrap();
        assert_eq!((file.text.to_string().as_str(), file.version), ("🦀c\n", 2), "{encoding:?}");
    }
}

#[test]
fn a_lone_carriage_return_ends_a_line_and_a_line_separator_does_not() {
    let uri = "file:///nowhere/notes.txt";
    let (mut documents, path) = opened(uri, "a\rb\u{2028}c\r\nd");
    changed(&mut documents, uri, 2, range((2, 0), (2, 1)), "D", PositionEncoding::Utf8).unwrap();
    assert_eq!(documents.at(&path).unwrap().text.to_string(), "a\rb\u{2028}c\r\nD");
}

#[test]
fn whoever_holds_a_document_holds_it_as_it_was() {
    let uri = "file:///nowhere/notes.txt";
    let (mut documents, path) = opened(uri, "old");
    let held = documents.at(&path).unwrap();
    changed(&mut documents, uri, 2, Value::Null, "new", PositionEncoding::Utf16).unwrap();
    assert_eq!(held.text.to_string(), "old");
    assert_eq!(documents.at(&path).unwrap().text.to_string(), "new");
}

#[test]
fn a_change_that_does_not_fit_is_never_hidden() {
    let uri = "file:///nowhere/notes.txt";
    let (mut documents, path) = opened(uri, "one line");
    let beyond = changed(&mut documents, uri, 2, range((9, 0), (9, 0)), "x", PositionEncoding::Utf16);
    assert!(matches!(beyond, Err(SyncError::DoesNotFit { .. })));
    assert_eq!(documents.at(&path).unwrap().standing, Standing::Lost);
    changed(&mut documents, uri, 3, Value::Null, "whole", PositionEncoding::Utf16).unwrap();
    assert_eq!(documents.at(&path).unwrap().standing, Standing::Live);
}

#[test]
fn the_clients_own_spelling_is_kept_and_found_under_every_other() {
    let (documents, path) = opened("file:///nowhere/a%2Bb%20größe.txt", "x");
    assert_eq!(path, Path::new("/nowhere/a+b größe.txt"));
    let file = documents.of_uri("file:///nowhere/a%2Bb gr%C3%B6%C3%9Fe.txt").unwrap();
    assert_eq!(file.uri, "file:///nowhere/a%2Bb%20größe.txt");
}

#[test]
fn what_is_no_file_is_not_opened() {
    let mut documents = Documents::default();
    let params = json!({ "textDocument":
        { "uri": "untitled:Untitled-1", "languageId": "rust", "version": 1, "text": "" } });
    assert!(matches!(documents.open(params), Err(SyncError::Uri(_))));
    assert_eq!(documents.all().count(), 0);
    let change = json!({ "textDocument": { "uri": "file:///x", "version": 2 }, "contentChanges": [] });
    assert!(matches!(documents.change(change, PositionEncoding::Utf16), Err(SyncError::NotOpen(_))));
}

#[test]
fn closing_one_name_of_a_file_leaves_the_other_open() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    std::fs::write(folder.join("real.txt"), "x").unwrap();
    std::os::unix::fs::symlink(folder.join("real.txt"), folder.join("link.txt")).unwrap();
    let [real, link] = ["real.txt", "link.txt"].map(|name| uri::of_path(&folder.join(name)).unwrap());
    let (mut documents, path) = opened(&link, "through the link");
    let open = json!({ "textDocument": { "uri": real, "languageId": "", "version": 7, "text": "itself" } });
    assert_eq!(documents.open(open).unwrap(), path);
    documents.close(json!({ "textDocument": { "uri": link } })).unwrap();
    assert_eq!(documents.at(&path).unwrap().text.to_string(), "itself");
    documents.close(json!({ "textDocument": { "uri": real } })).unwrap();
    assert!(documents.at(&path).is_none());
}

#[test]
fn each_name_of_a_file_has_its_own_text() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    std::fs::write(folder.join("real.txt"), "x").unwrap();
    let names = ["one.txt", "two.txt"];
    for name in names {
        std::os::unix::fs::symlink(folder.join("real.txt"), folder.join(name)).unwrap();
    }
    let [real, one, two] =
        ["real.txt", names[0], names[1]].map(|name| uri::of_path(&folder.join(name)).unwrap());
    let (mut documents, path) = opened(&one, "one");
    let open = |uri: &str, text: &str| json!({ "textDocument": { "uri": uri, "languageId": "", "version": 7, "text": text } });
    let close = |uri: &str| json!({ "textDocument": { "uri": uri } });
    let best = |documents: &Documents| documents.at(&path).map(|file| file.text.to_string());
    documents.open(open(&two, "two")).unwrap();
    // Neither is the file's own name: the first one counts, then the second.
    assert_eq!(best(&documents).as_deref(), Some("one"));
    documents.open(open(&real, "itself")).unwrap();
    assert_eq!(best(&documents).as_deref(), Some("itself"));
    changed(&mut documents, &two, 8, range((0, 0), (0, 0)), "2 ", PositionEncoding::Utf16).unwrap();
    let texts: Vec<_> = [&one, &two, &real]
        .map(|uri| documents.of_uri(uri).unwrap())
        .map(|file| file.text.to_string())
        .into();
    assert_eq!(texts, ["one", "2 two", "itself"]);
    assert_eq!((documents.all().count(), documents.all_at(&path).len()), (1, 3));
    documents.close(close(&real)).unwrap();
    assert_eq!(best(&documents).as_deref(), Some("one"));
    documents.close(close(&one)).unwrap();
    assert_eq!(best(&documents).as_deref(), Some("2 two"));
    documents.close(close(&two)).unwrap();
    assert_eq!(best(&documents), None);
}

#[test]
fn structure_follows_the_edits() {
    let uri = "file:///nowhere/lib.rs";
    let (mut documents, path) = opened(uri, "// openexec: double it\nfn one() {}\n");
    let encoding = PositionEncoding::Utf16;
    changed(&mut documents, uri, 2, range((1, 0), (1, 0)), "#[test]\n", encoding).unwrap();
    let file = documents.at(&path).unwrap();
    assert_eq!(file.directive_at(0).unwrap().instruction, "double it");
    let symbols = file.symbols();
    assert_eq!(symbols.len(), 1);
    assert_eq!((symbols[0].name.as_str(), symbols[0].is_test), ("one", true));
}

#[test]
fn the_structure_of_exactly_this_text_is_told_once_it_was_read() {
    let uri = "file:///nowhere/lib.rs";
    let (mut documents, path) = opened(uri, "fn one() {}\n");
    let tree_of = |documents: &Documents, text: &str| documents.at(&path).unwrap().tree_of(text);
    // Nobody has read it yet: to read it is the same work for everybody.
    assert!(tree_of(&documents, "fn one() {}\n").is_none());
    documents.at(&path).unwrap().read_for_menu();
    assert!(tree_of(&documents, "fn one() {}\n").is_some());
    assert!(tree_of(&documents, "fn one() {} \n").is_none());
    changed(&mut documents, uri, 2, range((0, 3), (0, 6)), "two", PositionEncoding::Utf16).unwrap();
    // A menu was answered by a rough structure, which is nobody else's.
    documents.at(&path).unwrap().read_for_menu();
    let tree = tree_of(&documents, "fn two() {}\n").unwrap();
    assert_eq!(tree.symbols("fn two() {}\n")[0].name, "two");
    assert!(tree_of(&documents, "fn one() {}\n").is_none());
}

#[test]
fn a_whole_new_text_is_read_from_where_it_differs() {
    let uri = "file:///nowhere/lib.rs";
    let (mut documents, path) = opened(uri, "fn one() {}\nfn two() {}\n");
    documents.at(&path).unwrap().read_for_menu();
    let text = "fn one() {}\nfn other() {}\n";
    changed(&mut documents, uri, 2, Value::Null, text, PositionEncoding::Utf16).unwrap();
    let file = documents.at(&path).unwrap();
    assert!(matches!(file.before, Structure::Moved(_)));
    assert_eq!(file.tree_of(text).unwrap().symbols(text)[1].name, "other");
    assert_eq!(file.symbols()[1].name, "other");
}

#[test]
fn structure_is_that_of_the_text_after_all_changes_of_a_batch() {
    let uri = "file:///nowhere/lib.rs";
    let (mut documents, path) = opened(uri, "fn one() {}\n");
    // Read in between, and not read in between.
    for (version, is_read) in [(2, true), (3, false), (4, true)] {
        let changes = json!([
            { "range": range((0, 0), (0, 0)), "text": "fn two() {}\n" },
            { "range": range((0, 3), (0, 6)), "text": format!("v{version}") },
        ]);
        let params = json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": changes });
        documents.change(params, PositionEncoding::Utf16).unwrap();
        if is_read {
            let file = documents.at(&path).unwrap();
            let names: Vec<_> = file.symbols().iter().map(|symbol| symbol.name.clone()).collect();
            let wanted: Vec<String> = (2..=version).rev().map(|at| format!("v{at}")).collect();
            assert_eq!(names[..names.len() - 1], wanted[..]);
            assert_eq!(names.last().unwrap(), "one");
        }
    }
}
