use super::*;
use crate::action::{CreateFile, DeleteFile, InsertAtSymbol, RenameFile, ReplaceSymbol, ReplaceText, Side};
use crate::policy::{PathFacts, Resolved};

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn asked(text: &str) -> RequestedPath {
    RequestedPath::new(text)
}

fn facts(files: &[(&str, Option<&str>)]) -> Facts {
    let entry = |text: &Option<&str>| match text {
        Some(text) => Entry::Text { text: (*text).to_owned(), links: 1, version: None },
        None => Entry::Missing,
    };
    let found = files.iter().map(|(name, text)| {
        (asked(name), PathFacts { entry: entry(text), resolved: Resolved::Direct, executed_by: None })
    });
    Facts { paths: found.collect(), ..Facts::default() }
}

fn replace(path: &str, old: &str, new: &str) -> Action {
    Action::ReplaceText(ReplaceText { path: asked(path), old: old.to_owned(), new: new.to_owned() })
}

fn replace_symbol(path: &str, symbol: &str, text: &str) -> Action {
    let (symbol, text) = (symbol.to_owned(), text.to_owned());
    Action::ReplaceSymbol(ReplaceSymbol { path: asked(path), symbol, text })
}

fn insert(path: &str, symbol: &str, side: Side, text: &str) -> Action {
    let (symbol, text) = (symbol.to_owned(), text.to_owned());
    Action::InsertAtSymbol(InsertAtSymbol { path: asked(path), symbol, side, text })
}

fn create(path: &str, text: &str) -> Action {
    Action::CreateFile(CreateFile { path: asked(path), text: text.to_owned(), overwrite: false })
}

fn delete(path: &str) -> Action {
    Action::DeleteFile(DeleteFile { path: asked(path), base_hash: None })
}

fn rename(path: &str, new_path: &str) -> Action {
    Action::RenameFile(RenameFile { path: asked(path), new_path: asked(new_path), base_hash: None })
}

fn run(changes: &ChangeSet, batch: Vec<Action>, facts: &Facts) -> Result<ChangeSet, PlanError> {
    let batch: Vec<ActionRequest> = batch
        .into_iter()
        .enumerate()
        .map(|(index, action)| ActionRequest { id: ActionId::new(format!("a{}", index + 1)), action })
        .collect();
    plan(changes, &batch, facts)
}

fn planned(batch: Vec<Action>, files: &[(&str, Option<&str>)]) -> ChangeSet {
    run(&ChangeSet::default(), batch, &facts(files)).unwrap()
}

fn refused(batch: Vec<Action>, files: &[(&str, Option<&str>)]) -> String {
    run(&ChangeSet::default(), batch, &facts(files)).unwrap_err().to_string()
}

/// The one file's text after one action.
fn edited(name: &str, text: &str, action: Action) -> String {
    let changes = planned(vec![action], &[(name, Some(text))]);
    assert_eq!(changes.files[&path(name)].base.as_deref(), Some(text));
    changes.files[&path(name)].proposed.clone().unwrap()
}

/// Path, base, proposed, origin.
fn listed(changes: &ChangeSet) -> String {
    let shown = |text: &Option<String>| format!("{:?}", text.as_deref().unwrap_or("(none)"));
    let lines = changes.files.iter().map(|(path, change)| {
        let from = change.renamed_from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
        format!("{path}: {} -> {}{from}\n", shown(&change.base), shown(&change.proposed))
    });
    lines.collect()
}

#[test]
fn actions_see_what_came_before_them() {
    let changes = planned(
        vec![
            replace("a.txt", "one", "two"),
            replace("a.txt", "two", "three"),
            create("b.txt", "new"),
            replace("b.txt", "new", "newer"),
            rename("b.txt", "c.txt"),
            rename("d.txt", "e.txt"),
            replace("e.txt", "d", "edited"),
            delete("f.txt"),
        ],
        &[
            ("a.txt", Some("one")),
            ("b.txt", None),
            ("c.txt", None),
            ("d.txt", Some("d")),
            ("e.txt", None),
            ("f.txt", Some("f")),
        ],
    );
    insta::assert_snapshot!(listed(&changes), @r#"
    a.txt: "one" -> "three"
    b.txt: "(none)" -> "(none)"
    c.txt: "(none)" -> "newer"
    d.txt: "d" -> "(none)"
    e.txt: "(none)" -> "edited" from d.txt
    f.txt: "f" -> "(none)"
    "#);
}

#[test]
fn the_base_is_the_text_before_the_first_edit() {
    let first = planned(vec![replace("a", "1", "2")], &[("a", Some("1"))]);
    // The facts of a later turn show the disk, or a buffer that the user has changed since.
    let second = run(&first, vec![replace("a", "2", "3")], &facts(&[("a", Some("9"))])).unwrap();
    assert_eq!(listed(&second), "a: \"1\" -> \"3\"\n");
    let back = run(&second, vec![replace("a", "3", "1")], &facts(&[])).unwrap();
    assert_eq!(listed(&back), "a: \"1\" -> \"1\"\n", "a restored file stays in the set");
    assert!(back.is_empty());
}

#[test]
fn renames_lead_back_to_the_first_name() {
    let files = [("a", Some("x")), ("b", None), ("c", None)];
    let chain = planned(vec![rename("a", "b"), rename("b", "c")], &files);
    assert_eq!(
        listed(&chain),
        "a: \"x\" -> \"(none)\"\nb: \"(none)\" -> \"(none)\"\nc: \"(none)\" -> \"x\" from a\n"
    );
    let there_and_back = planned(vec![rename("a", "b"), rename("b", "a")], &files);
    assert_eq!(listed(&there_and_back), "a: \"x\" -> \"x\"\nb: \"(none)\" -> \"(none)\"\n");
    let refilled = planned(vec![rename("a", "b"), create("a", "y")], &files);
    assert_eq!(listed(&refilled), "a: \"x\" -> \"y\"\nb: \"(none)\" -> \"x\"\n");
    let gone = planned(vec![rename("a", "b"), delete("b")], &files);
    assert_eq!(listed(&gone), "a: \"x\" -> \"(none)\"\nb: \"(none)\" -> \"(none)\"\n");
    let over = planned(vec![delete("b"), rename("a", "b")], &[("a", Some("x")), ("b", Some("y"))]);
    assert_eq!(listed(&over), "a: \"x\" -> \"(none)\"\nb: \"y\" -> \"x\"\n");
}

#[test]
fn all_or_nothing_and_every_failure_is_named() {
    let files = [
        ("a", Some("one one")),
        ("b", Some("b")),
        ("gone", None),
        ("c", Some("c")),
        ("d", Some("d")),
        ("e.txt", Some("e")),
    ];
    insta::assert_snapshot!(refused(
        vec![
            replace("a", "one", "two"),
            replace("a", "three", "four"),
            replace("b", "b", "fine"),
            replace("a", "", "x"),
            replace("a", "one one", "one one"),
            replace("gone", "a", "b"),
            create("b", "again"),
            delete("gone"),
            rename("c", "a"),
            rename("d", "d"),
            replace("../b", "a", "b"),
            replace("unseen", "a", "b"),
            replace_symbol("e.txt", "x", "y"),
        ],
        &files
    )
    .replace("; a", "\n a"), @r#"
    nothing was changed: a1: `old` occurs 2 times, in lines 1, 1; give more of the text around the one that is meant
     a2: `old` does not occur in the file, which has 1 line; read it again
     a4: `old` is empty; give the exact present text
     a5: `old` and `new` are the same; leave the action out
     a6: `gone` does not exist; use create_file, or search for the right path
     a7: `b` exists already; edit it with replace_text or replace_symbol
     a8: `gone` does not exist; use create_file, or search for the right path
     a9: `a` exists already; choose another name or delete it first
     a10: `d` has that name already; leave the action out
     a11: `../b` is not a path of the workspace: it is not canonical; write it without `.`, `..`, `//` and without a trailing `/`
     a12: `unseen` was not examined
     ask for the action again
     a13: no grammar is known for `e.txt`; use replace_text instead
    "#);
}

#[test]
fn what_follows_from_a_failure_is_not_told_again() {
    let files = [("a", Some("x")), ("b", None), ("c", None)];
    let error = run(
        &ChangeSet::default(),
        vec![create("a", "y"), replace("a", "y", "z"), rename("b", "c"), replace("c", "1", "2"), delete("a")],
        &facts(&files),
    );
    let ids: Vec<String> = error.unwrap_err().failures.into_iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(ids, ["a1", "a3"]);
}

#[test]
fn names_that_some_platform_confuses_are_refused() {
    let files =
        [("A.txt", Some("x")), ("a.txt", None), ("B", None), ("b", None), ("f", Some("x")), ("f/g", None)];
    insta::assert_snapshot!(refused(vec![create("a.txt", "y"), create("b", ""), create("B", ""), create("f/g", "")], &files).replace("; a", "\n a"), @r#"
    nothing was changed: a1: `a.txt` and `A.txt` are one file where case does not count; choose another name
     a3: `B` and `b` are one file where case does not count; choose another name
     a4: `f/g` cannot be created because `f` is a file
    "#);
    insta::assert_snapshot!(refused(vec![rename("A.txt", "a.txt")], &files), @r#"nothing was changed: a1: `a.txt` and `A.txt` are one file where case does not count; choose another name"#);
}

#[test]
fn limits_hold() {
    let large = "x".repeat(FILE_BYTES_MAX + 1);
    assert!(refused(vec![create("a", &large)], &[("a", None)]).contains("at most 2097152 are allowed"));
    let half = "x".repeat(FILE_BYTES_MAX);
    let names: Vec<String> = (0..5).map(|number| format!("f{number}")).collect();
    let files: Vec<(&str, Option<&str>)> = names.iter().map(|name| (name.as_str(), None)).collect();
    let error =
        run(&ChangeSet::default(), names.iter().map(|name| create(name, &half)).collect(), &facts(&files));
    assert_eq!(error.unwrap_err().failures.len(), 1, "four files of the largest size fit");
    let names: Vec<String> = (0..=CHANGE_FILES_MAX).map(|number| format!("f{number}")).collect();
    let files: Vec<(&str, Option<&str>)> = names.iter().map(|name| (name.as_str(), None)).collect();
    let error =
        run(&ChangeSet::default(), names.iter().map(|name| create(name, "")).collect(), &facts(&files));
    assert!(error.unwrap_err().to_string().contains("more than 100 files"));
}

#[test]
fn other_actions_and_entries_are_told_apart() {
    let mut facts = facts(&[("a", Some("x"))]);
    for (name, entry) in [
        ("bin", Entry::Opaque { bytes: 9 }),
        ("dir", Entry::Directory),
        ("pipe", Entry::Other { what: "a named pipe".to_owned() }),
    ] {
        facts.paths.insert(asked(name), PathFacts { entry, resolved: Resolved::Direct, executed_by: None });
    }
    let batch = vec![replace("bin", "a", "b"), create("dir", "x"), delete("pipe")];
    insta::assert_snapshot!(run(&ChangeSet::default(), batch, &facts).unwrap_err().to_string().replace("; a", "\n a"), @r#"
    nothing was changed: a1: `bin` is binary or too large to edit (9 bytes)
     a2: `dir` is a directory; name a file
     a3: `pipe` is not a regular file: a named pipe
    "#);
    let finish = Action::Finish(crate::action::Finish { summary: String::new() });
    assert_eq!(run(&ChangeSet::default(), vec![finish], &facts), Ok(ChangeSet::default()));
}

#[test]
fn line_endings_are_those_of_the_file() {
    assert_eq!(edited("a", "one\r\ntwo\r\n", replace("a", "one\ntwo\n", "1\n2\n3\n")), "1\r\n2\r\n3\r\n");
    assert_eq!(edited("a", "one\ntwo\n", replace("a", "one\r\ntwo", "1\r\n2")), "1\n2\n");
    assert_eq!(edited("a", "one\rtwo\r", replace("a", "two", "2\n3")), "one\r2\r3\r");
    assert_eq!(edited("a", "one\r\ntwo\n", replace("a", "two\n", "2\n")), "one\r\n2\n", "mixed: as given");
    let code = "fn a() {\r\n}\r\n\r\nfn b() {}\r\n";
    assert_eq!(
        edited("a.rs", code, replace_symbol("a.rs", "a", "fn a() {\n    1;\n}\n")),
        "fn a() {\r\n    1;\r\n}\r\n\r\nfn b() {}\r\n"
    );
    assert_eq!(
        edited("a.rs", code, insert("a.rs", "b", Side::After, "fn c() {\n}\n")),
        "fn a() {\r\n}\r\n\r\nfn b() {}\r\n\r\nfn c() {\r\n}\r\n"
    );
}

#[test]
fn a_text_that_is_not_there_is_explained() {
    let text = "fn a() {\n    one();\n    two();\n}\nfn b() {\n    one();\n}\n";
    let why = |old: &str, text: &str| refused(vec![replace("a", old, "x")], &[("a", Some(text))]);
    let told = [
        why("one();", text),
        why("nothing", "at all"),
        why("fn a() {\n  one();\n  two();\n}", text),
        why("    one();\n    three();\n", text),
        why("nothing like it", text),
        why("one\ntwo\n", "zero\none\r\ntwo\nthree\n"),
        why("\n\n\n\n", text),
        why("aa", "aaa"),
    ];
    insta::assert_snapshot!(told.join("\n").replace("nothing was changed: ", ""), @r#"
    a1: `old` occurs 2 times, in lines 2, 6; give more of the text around the one that is meant
    a1: `old` does not occur in the file, which has 1 line; read it again
    a1: `old` does not occur; lines 1-4 match except for blanks; copy them exactly
    a1: `old` does not occur; its first line stands in line 2 and 6, but what follows differs; read it again
    a1: `old` does not occur in the file, which has 7 lines; read it again
    a1: `old` does not occur; it matches at line 2 except for line endings, which are mixed in this file; replace the lines one by one
    a1: `old` is blank and does not occur; give text that is there
    a1: `old` occurs 2 times, in lines 1, 1; give more of the text around the one that is meant
    "#);
}

#[test]
fn a_symbol_is_replaced_with_its_comments_and_attributes() {
    let text = "use x;\n\n/// Old words.\n#[inline]\npub fn a() -> u8 {\n    1\n}\n\nfn b() {}\n";
    assert_eq!(
        edited("a.rs", text, replace_symbol("a.rs", "a", "\npub fn a() -> u8 {\n    2\n}\n\n")),
        "use x;\n\npub fn a() -> u8 {\n    2\n}\n\nfn b() {}\n"
    );
    assert_eq!(
        edited("a.rs", text, replace_symbol("a.rs", "b", "/// New.\nfn b() { a(); }")),
        "use x;\n\n/// Old words.\n#[inline]\npub fn a() -> u8 {\n    1\n}\n\n/// New.\nfn b() { a(); }\n"
    );
    let missing = refused(vec![replace_symbol("a.rs", "c", "fn c() {}")], &[("a.rs", Some(text))]);
    assert_eq!(
        missing,
        "nothing was changed: a1: there is no symbol `c`; name one of `a.rs`, or use replace_text"
    );
}

#[test]
fn indentation_is_kept_where_it_was_lost() {
    let rust = "impl A {\n    fn f(&self) {\n        1\n    }\n}\n";
    let expected = "impl A {\n    fn f(&self) {\n        2\n    }\n}\n";
    for given in [
        "fn f(&self) {\n        2\n    }",
        "    fn f(&self) {\n        2\n    }\n",
        "fn f(&self) {\n    2\n}\n",
        "\n    fn f(&self) {\n        2\n    }\n",
    ] {
        assert_eq!(edited("a.rs", rust, replace_symbol("a.rs", "A::f", given)), expected, "{given:?}");
    }
    let python = "class A:\n    @x\n    def f(self):\n        return 1\n\n    def g(self): pass\n";
    let expected = "class A:\n    @y\n    def f(self):\n        return 2\n\n    def g(self): pass\n";
    for given in [
        "@y\n    def f(self):\n        return 2\n",
        "    @y\n    def f(self):\n        return 2\n",
        "@y\ndef f(self):\n    return 2\n",
    ] {
        assert_eq!(edited("a.py", python, replace_symbol("a.py", "A.f", given)), expected, "{given:?}");
    }
    let given = "fn f(&self) {\n    \"line\nline\"\n}";
    assert_eq!(
        edited("a.rs", rust, replace_symbol("a.rs", "f", given)),
        "impl A {\n    fn f(&self) {\n        \"line\nline\"\n    }\n}\n",
        "lines within a string are not indentation"
    );
}

#[test]
fn an_insertion_keeps_the_distance_of_its_neighbours() {
    let rust = "impl A {\n    fn f(&self) {\n        1\n    }\n\n    fn g(&self) {}\n}\n";
    let h = "fn h(&self) {\n    3\n}\n";
    assert_eq!(
        edited("a.rs", rust, insert("a.rs", "f", Side::After, h)),
        "impl A {\n    fn f(&self) {\n        1\n    }\n\n    fn h(&self) {\n        3\n    }\n\n    fn g(&self) {}\n}\n"
    );
    assert_eq!(
        edited("a.rs", rust, insert("a.rs", "f", Side::Before, h)),
        "impl A {\n    fn h(&self) {\n        3\n    }\n\n    fn f(&self) {\n        1\n    }\n\n    fn g(&self) {}\n}\n"
    );
    assert_eq!(
        edited("a.rs", rust, insert("a.rs", "g", Side::After, "    fn h(&self) {}")),
        "impl A {\n    fn f(&self) {\n        1\n    }\n\n    fn g(&self) {}\n\n    fn h(&self) {}\n}\n"
    );
    let constants = "const A: u8 = 1;\nconst B: u8 = 2; // two\n";
    assert_eq!(
        edited("a.rs", constants, insert("a.rs", "A", Side::After, "const C: u8 = 3;")),
        "const A: u8 = 1;\nconst C: u8 = 3;\nconst B: u8 = 2; // two\n"
    );
    assert_eq!(
        edited("a.rs", constants, insert("a.rs", "B", Side::After, "const C: u8 = 3;")),
        "const A: u8 = 1;\nconst B: u8 = 2; // two\nconst C: u8 = 3;\n"
    );
    let python = "import os\n\n\ndef f():\n    return 1\n";
    assert_eq!(
        edited("a.py", python, insert("a.py", "f", Side::After, "def g():\n    return 2\n")),
        "import os\n\n\ndef f():\n    return 1\n\n\ndef g():\n    return 2\n"
    );
    assert_eq!(
        edited("a.rs", "fn a() {}", insert("a.rs", "a", Side::After, "fn b() {\n}\n")),
        "fn a() {}\n\nfn b() {\n}"
    );
    assert_eq!(
        edited("a.rs", "fn a() {} fn b() {}\n", insert("a.rs", "a", Side::After, "fn c() {}")),
        "fn a() {}\nfn c() {}\n fn b() {}\n"
    );
    assert_eq!(
        edited(
            "a.js",
            "test('one', () => {\n  ok();\n});\n",
            insert("a.js", "one", Side::After, "test('two', () => {});")
        ),
        "test('one', () => {\n  ok();\n});\n\ntest('two', () => {});\n"
    );
}

#[test]
fn the_plan_can_be_taken_back() {
    let changes = planned(
        vec![rename("a", "b"), replace("b", "x", "y"), delete("c"), create("d", "d")],
        &[("a", Some("x")), ("b", None), ("c", Some("c")), ("d", None)],
    );
    let inverse = changes.invert();
    assert_eq!(
        listed(&inverse),
        "a: \"(none)\" -> \"x\" from b\nb: \"y\" -> \"(none)\"\nc: \"(none)\" -> \"c\"\nd: \"d\" -> \"(none)\"\n"
    );
    assert_eq!(listed(&inverse.invert()), listed(&changes));
}
