use super::*;
use crate::driver::RunView;
use crate::lsp::documents::Documents;
use openexec_engine::edit::{ChangeSet, FileChange, parts, unified_diff, without};
use std::sync::Arc;

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn change(base: Option<&str>, proposed: Option<&str>) -> FileChange {
    FileChange { base: base.map(str::to_owned), proposed: proposed.map(str::to_owned), renamed_from: None }
}

fn numbers() -> String {
    (1..40).map(|line| format!("{line}\n")).collect()
}

/// A file with two hunks, of which one quotes a diff; one with a single hunk; one that is
/// created; one that is renamed over another and edited in two places.
fn changes() -> ChangeSet {
    let base = numbers();
    let quoting =
        base.replace("\n3\n", "\ndiff --git a/x b/x\n@@ -1 +1 @@\n").replace("\n30\n", "\nthirty\n");
    let moved = base.replace("\n5\n", "\nfive\n").replace("\n35\n", "\n");
    let files = [
        (path("a b.txt"), change(Some(&base), Some(&quoting))),
        (path("c.txt"), change(Some("one\n"), Some("two\n"))),
        (path("new.txt"), change(None, Some("text\n"))),
        (path("old.txt"), change(Some(&base), None)),
        (
            path("to.txt"),
            FileChange { base: None, proposed: Some(moved), renamed_from: Some(path("old.txt")) },
        ),
    ];
    ChangeSet { files: files.into() }
}

fn waiting(changes: &ChangeSet) -> RunLine {
    let what = Asked::Proposal { diff: unified_diff(changes), reasons: Vec::new(), parts: parts(changes) };
    let view = RunView {
        run: RunId::new("0192-ab12cd"),
        blueprint: "implement".into(),
        model: "local".into(),
        target: None,
        activity: "propose".to_owned(),
        status: RunStatus::AwaitingApproval { proposal: changes.digest(), what },
        applied: false,
        taken: String::new(),
        events: 9,
    };
    RunLine { root: "/w".into(), view, driven: true, elsewhere: false }
}

fn document(path: &str, text: &str) -> Arc<OpenFile> {
    let mut documents = Documents::default();
    let opened = json!({ "textDocument": { "uri": format!("file://{path}"), "version": 1, "text": text } });
    let path = documents.open(opened).unwrap();
    documents.at(&path).unwrap()
}

const REVIEW: &str = "/state/openexec/workspaces/w/runs/0192-ab12cd/review-1.md";

fn markdown(changes: &ChangeSet) -> String {
    let line = waiting(changes);
    crate::lsp::review::review_markdown(&line.view, &unified_diff(changes), &[], &[])
}

/// The lenses of a review: the text of the line that each stands above, its title and command.
fn lenses(file: &OpenFile, line: &RunLine, accepted: &Accepted) -> Vec<(String, String, String)> {
    let review = Review::of(file, std::slice::from_ref(line), accepted).unwrap();
    let text = file.text.to_string();
    let above = |at: u32| text.split('\n').nth(at as usize).unwrap().to_owned();
    let lens = |lens: CodeLens| {
        let command = lens.command.unwrap();
        let argument = &command.arguments.unwrap()[0];
        assert_eq!(argument["run"], "0192-ab12cd");
        let part = argument["parts"][0].as_str().unwrap_or_default().to_owned();
        (above(lens.range.start.line), command.title, format!("{} {part}", command.command))
    };
    review.lenses().into_iter().map(lens).collect()
}

#[test]
fn every_file_and_hunk_of_a_review_can_be_accepted_and_rejected() {
    let changes = changes();
    let (line, text) = (waiting(&changes), markdown(&changes));
    let found = lenses(&document(REVIEW, &text), &line, &Accepted::default());
    let shown: Vec<String> =
        found.iter().map(|(above, title, what)| format!("{above} | {title} | {what}")).collect();
    assert_eq!(
        shown,
        [
            "# Review of run ab12cd | Apply all | openexec.apply ",
            "# Review of run ab12cd | Discard all | openexec.discard ",
            "diff --git a/a b.txt b/a b.txt | Accept file | openexec.accept a b.txt",
            "diff --git a/a b.txt b/a b.txt | Reject file | openexec.reject a b.txt",
            "@@ -1,6 +1,7 @@ | Accept hunk | openexec.accept a b.txt:1",
            "@@ -1,6 +1,7 @@ | Reject hunk | openexec.reject a b.txt:1",
            "@@ -27,7 +28,7 @@ | Accept hunk | openexec.accept a b.txt:2",
            "@@ -27,7 +28,7 @@ | Reject hunk | openexec.reject a b.txt:2",
            "@@ -1 +1 @@ | Accept hunk | openexec.accept c.txt:1",
            "@@ -1 +1 @@ | Reject hunk | openexec.reject c.txt:1",
            "diff --git a/new.txt b/new.txt | Accept file | openexec.accept new.txt",
            "diff --git a/new.txt b/new.txt | Reject file | openexec.reject new.txt",
            "diff --git a/old.txt b/to.txt | Accept file | openexec.accept to.txt",
            "diff --git a/old.txt b/to.txt | Reject file | openexec.reject to.txt",
        ]
    );
    // The diff alone is a review as well, and so is one whose line ends an editor has changed.
    let diff = unified_diff(&changes);
    let plain = lenses(&document(&REVIEW.replace(".md", ".diff"), &diff), &line, &Accepted::default());
    assert_eq!(plain[2..], found[2..]);
    let review = document(REVIEW, &text.replace('\n', "\r\n"));
    assert!(Review::of(&review, &[line], &Accepted::default()).is_some());
}

#[test]
fn the_menu_on_a_hunk_offers_what_its_lenses_do() {
    let changes = changes();
    let (line, text) = (waiting(&changes), markdown(&changes));
    let file = document(REVIEW, &text);
    let menu = |part: &str| -> Vec<(String, String)> {
        let at = text.split('\n').position(|line| line == part).unwrap();
        let review = Review::of(&file, std::slice::from_ref(&line), &Accepted::default()).unwrap();
        let actions = review.actions(u32::try_from(at).unwrap()).into_iter();
        actions.map(|it| (it.title, it.kind.unwrap().as_str().to_owned())).collect()
    };
    let whole = [
        ("Apply all of run ab12cd".to_owned(), "quickfix.openexec.apply".to_owned()),
        ("Discard all of run ab12cd".to_owned(), "quickfix.openexec.discard".to_owned()),
    ];
    let part = |verb: &str, object: &str, what: &str| {
        let kind = format!("quickfix.openexec.{}", verb.to_lowercase());
        (format!("{verb} {object} of run ab12cd: {what}"), kind)
    };
    assert_eq!(menu("## Changes"), whole);
    let second = "+1 −1 at a b.txt:30";
    assert_eq!(menu("+thirty")[..2], [part("Accept", "hunk", second), part("Reject", "hunk", second)]);
    assert_eq!(menu("+thirty")[2..], whole);
    let file_of_two = "+3 −2 in a b.txt";
    assert_eq!(menu("+++ b/a b.txt\t")[0], part("Accept", "file", file_of_two));
    assert_eq!(menu("+text")[0], part("Accept", "file", "+1 −0 at new.txt:1"));
}

#[test]
fn what_shows_something_else_decides_nothing() {
    let changes = changes();
    let (line, text) = (waiting(&changes), markdown(&changes));
    let is_review = |path: &str, text: &str, line: &RunLine| {
        Review::of(&document(path, text), std::slice::from_ref(line), &Accepted::default()).is_some()
    };
    assert!(is_review(REVIEW, &text, &line));
    assert!(!is_review(REVIEW, &text.replace("+thirty", "+30"), &line), "the user has changed it");
    for other in [
        "/w/review-1.md",
        "/state/runs/0192-ffffff/review-1.md",
        "/state/runs/0192-ab12cd/request-1.md",
        "/state/runs/0192-ab12cd/review-x.md",
    ] {
        assert!(!is_review(other, &text, &line), "{other}");
    }
    let rest = without(&changes, &[Part { path: path("c.txt"), hunk: None }]).unwrap();
    assert!(!is_review(REVIEW, &text, &waiting(&rest)), "another proposal waits");
    // What was shown before its end was left out begins with what waits now.
    let rest = without(&changes, &["new.txt", "old.txt"].map(|it| it.parse().unwrap())).unwrap();
    assert!(markdown(&changes).contains(unified_diff(&rest).trim_end()));
    for (path, shown) in
        [(REVIEW.to_owned(), text.clone()), (REVIEW.replace(".md", ".diff"), unified_diff(&changes))]
    {
        assert!(!is_review(&path, &shown, &waiting(&rest)), "{path}");
    }
    let over = RunView { status: RunStatus::Active, ..line.view.clone() };
    assert!(!is_review(REVIEW, &text, &RunLine { view: over, ..line }));
}

/// Accepts parts of a proposal, as a store notes them and tells of them.
fn accept(
    accepted: &mut Accepted,
    run: &RunId,
    parts: &[Part],
    (diff, shown): (&str, &[ShownPart]),
) -> Result<Progress, String> {
    accepted.learn([(run.clone(), marks_of(parts, diff, shown)?)].into());
    Ok(accepted.progress(run, diff, shown))
}

#[test]
fn what_is_accepted_stays_so_when_something_else_is_left_out() {
    let (changes, run) = (changes(), RunId::new("0192-ab12cd"));
    let of = |part: &str| -> Part { part.parse().unwrap() };
    let (diff, shown) = (unified_diff(&changes), parts(&changes));
    let mut accepted = Accepted::default();
    let reason = accept(&mut accepted, &run, &[of("c.txt"), of("c.txt:7")], (&diff, &shown)).unwrap_err();
    assert!(reason.contains("no part `c.txt:7`") && reason.contains("`a b.txt:2`"), "{reason}");
    assert_eq!(accepted.progress(&run, &diff, &shown).accepted, []);

    accept(&mut accepted, &run, &[of("a b.txt:2")], (&diff, &shown)).unwrap();
    let progress = accept(&mut accepted, &run, &[of("new.txt")], (&diff, &shown)).unwrap();
    assert_eq!(progress.accepted, [of("a b.txt:2"), of("new.txt")]);
    assert_eq!(progress.left, [of("a b.txt:1"), of("c.txt:1"), of("to.txt")]);
    let found = lenses(&document(REVIEW, &markdown(&changes)), &waiting(&changes), &accepted);
    let titles: Vec<&str> = found.iter().map(|(_, title, _)| title.as_str()).collect();
    assert_eq!(titles[0], "Apply all (2 of 5 accepted)");
    assert!(found.contains(&(
        "@@ -27,7 +28,7 @@".to_owned(),
        "Accepted · Reject hunk".to_owned(),
        "openexec.reject a b.txt:2".to_owned()
    )));
    assert!(!found.iter().any(|(_, _, what)| what == "openexec.accept a b.txt:2"));

    // The second hunk is the first now, with other numbers in its header.
    let rest = without(&changes, &[of("a b.txt:1")]).unwrap();
    let (diff, shown) = (unified_diff(&rest), parts(&rest));
    assert_eq!(accepted.progress(&run, &diff, &shown).accepted, [of("a b.txt:1"), of("new.txt")]);
    // What says something else is not what was accepted.
    let mut other = rest.clone();
    let text = numbers().replace("\n30\n", "\nThirty\n");
    other.files.insert(path("a b.txt"), change(Some(&numbers()), Some(&text)));
    let progress = accepted.progress(&run, &unified_diff(&other), &parts(&other));
    assert_eq!(progress.accepted, [of("new.txt")]);
    // A whole file stands for all of its parts, and all parts are all there is.
    let all: Vec<Part> = ["a b.txt", "c.txt", "new.txt", "to.txt"].map(of).into();
    let (diff, shown) = (unified_diff(&changes), parts(&changes));
    assert_eq!(accept(&mut accepted, &run, &all, (&diff, &shown)).unwrap().left, []);
    accepted.forget(&run);
    assert_eq!(accepted.progress(&run, &diff, &shown).accepted, []);
}

#[test]
fn parts_that_read_alike_are_accepted_one_by_one() {
    let base = "a\n1\n2\n3\n4\n5\n6\n7\n8\na\n1\n2\n3\n";
    let same = |text: &str| format!("x\ny\nz\n{text}x\ny\nz\n");
    let (base, proposed) = (same(&base.repeat(2)), same(&base.replace("a\n", "b\n").repeat(2)));
    let changes = ChangeSet { files: [(path("f"), change(Some(&base), Some(&proposed)))].into() };
    let (diff, shown) = (unified_diff(&changes), parts(&changes));
    let all: Vec<Part> = shown.iter().map(|it| it.part.clone()).collect();
    let mut accepted = Accepted::default();
    let run = RunId::new("r");
    for (count, part) in (1..).zip(&all) {
        let progress = accept(&mut accepted, &run, std::slice::from_ref(part), (&diff, &shown)).unwrap();
        assert_eq!(progress.accepted.len(), count, "{part}");
    }
}

#[test]
fn the_only_part_is_decided_about_as_the_whole() {
    let changes = ChangeSet { files: [(path("c.txt"), change(Some("one\n"), Some("two\n")))].into() };
    let found = lenses(&document(REVIEW, &markdown(&changes)), &waiting(&changes), &Accepted::default());
    let titles: Vec<&str> = found.iter().map(|(_, title, _)| title.as_str()).collect();
    assert_eq!(titles, ["Apply all", "Discard all"]);
}
