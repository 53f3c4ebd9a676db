//! Properties of hunks, diffs, rebases and inverses, against plain strings.

use super::*;
use crate::text::split_lines;
use proptest::prelude::*;

type Tree = BTreeMap<WorkspacePath, String>;

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn change(base: Option<&str>, proposed: Option<&str>) -> FileChange {
    FileChange { base: base.map(Into::into), proposed: proposed.map(Into::into), renamed_from: None }
}

fn set(files: impl IntoIterator<Item = (&'static str, FileChange)>) -> ChangeSet {
    ChangeSet { files: files.into_iter().map(|(name, change)| (path(name), change)).collect() }
}

/// Texts of few different lines, so that diffs have much to align.
fn text() -> impl Strategy<Value = String> {
    let line =
        prop::sample::select(vec!["a\n", "b\n", "c\n", "\n", "a\r\n", "b\r", "\r", "}\n", "😀\n", "end"]);
    prop::collection::vec(line, 0..16).prop_map(|lines| lines.concat())
}

/// Two edits of lines of one text, each of which leaves the other's lines alone.
fn apart() -> impl Strategy<Value = (Vec<String>, (usize, String), (usize, String))> {
    (4..12_usize).prop_flat_map(|count| {
        let lines: Vec<String> = (0..count).map(|number| format!("line {number}\n")).collect();
        let edit = prop::sample::select(vec!["", "new\n", "new\nand\nmore\n"]);
        (Just(lines), 0..count - 2, edit.clone(), edit).prop_flat_map(|(lines, first, ours, theirs)| {
            let second = first + 2..lines.len();
            (Just(lines), Just((first, ours.to_owned())), (second, Just(theirs.to_owned())))
        })
    })
}

fn with_line(lines: &[String], (at, text): &(usize, String)) -> String {
    let mut lines = lines.to_vec();
    lines[*at].clone_from(text);
    lines.concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn hunks_make_the_proposed_text(base in text(), proposed in text()) {
        let found = hunks(&base, &proposed);
        let mut made = String::new();
        let mut at = 0;
        for (index, hunk) in found.iter().enumerate() {
            prop_assert!(hunk.base.start > at || index == 0, "hunks do not touch");
            prop_assert_ne!(&base[hunk.base.clone()], &hunk.text);
            for edge in [hunk.base.start, hunk.base.end] {
                let begins_line = base[..edge].ends_with('\n') || base[..edge].ends_with('\r') && !base[edge..].starts_with('\n');
                prop_assert!(edge == 0 || edge == base.len() || begins_line);
            }
            made.push_str(&base[at..hunk.base.start]);
            made.push_str(&hunk.text);
            at = hunk.base.end;
        }
        made.push_str(&base[at..]);
        prop_assert_eq!(made, proposed);
    }

    #[test]
    fn a_diff_can_be_applied(base in text(), proposed in text()) {
        let diff = unified_diff(&set([("a.txt", change(Some(&base), Some(&proposed)))]));
        prop_assert_eq!(diff.is_empty(), base == proposed);
        if let Some(at) = diff.find("--- ") {
            let patch = diffy::Patch::from_str(&diff[at..]).unwrap();
            prop_assert_eq!(diffy::apply(&base, &patch).unwrap(), proposed);
        }
    }

    #[test]
    fn one_sided_rebases_are_clean(base in text(), proposed in text()) {
        prop_assert_eq!(rebase(&base, &proposed, &base), Rebased::Clean(proposed.clone()));
        prop_assert_eq!(rebase(&base, &base, &proposed), Rebased::Clean(proposed.clone()));
        prop_assert_eq!(rebase(&base, &proposed, &proposed), Rebased::Clean(proposed.clone()));
    }

    #[test]
    fn rebases_do_not_depend_on_the_side(base in text(), proposed in text(), current in text()) {
        prop_assert_eq!(rebase(&base, &proposed, &current), rebase(&base, &current, &proposed));
    }

    #[test]
    fn edits_of_different_lines_are_both_made((lines, ours, theirs) in apart()) {
        let base = lines.concat();
        let mut expected = lines.clone();
        expected[ours.0].clone_from(&ours.1);
        expected[theirs.0].clone_from(&theirs.1);
        let merged = rebase(&base, &with_line(&lines, &ours), &with_line(&lines, &theirs));
        prop_assert_eq!(merged, Rebased::Clean(expected.concat()));
    }

    #[test]
    fn edits_beside_one_another_lose_no_line(
        base in text(),
        proposed in text(),
        current in text(),
    ) {
        let merged = rebase_beside(&base, &proposed, &current);
        prop_assert_eq!(&merged, &rebase_beside(&base, &current, &proposed));
        if let Rebased::Clean(merged) = merged {
            // Every line of either side that the base has not stands there as often as it did.
            for side in [&proposed, &current] {
                // A line end that the last line lacks may be added.
                let bare = |line: &str| line.trim_end_matches(['\r', '\n']).to_owned();
                let count = |text: &str, line: &str| {
                    split_lines(text).into_iter().filter(|it| bare(it) == line).count()
                };
                let lines: Vec<String> = split_lines(side).into_iter().map(bare).collect();
                for line in lines.iter().filter(|line| count(&base, line) == 0) {
                    prop_assert!(count(&merged, line) >= count(side, line), "{:?}", merged);
                }
            }
        }
    }

    #[test]
    fn edits_of_the_same_line_overlap(count in 1..8_usize, at in 0..8_usize) {
        let lines: Vec<String> = (0..count).map(|number| format!("line {number}\n")).collect();
        let at = at % count;
        let ours = with_line(&lines, &(at, "ours\n".to_owned()));
        let theirs = with_line(&lines, &(at, "theirs\n".to_owned()));
        prop_assert_eq!(rebase(&lines.concat(), &ours, &theirs), Rebased::Overlapping);
    }
}

#[test]
fn hunks_are_minimal() {
    let base = "one\ntwo\nthree\nfour\nfive\n";
    let found = hunks(base, "one\n2\nthree\nfour\nfive\nsix\n");
    assert_eq!(
        found,
        [Hunk { base: 4..8, text: "2\n".to_owned() }, Hunk { base: 24..24, text: "six\n".to_owned() }]
    );
    assert_eq!(hunks(base, base), []);
    assert_eq!(hunks("a\rb\rc", "a\rB\rc"), [Hunk { base: 2..4, text: "B\r".to_owned() }]);
}

#[test]
fn a_large_rewrite_is_left_to_the_user() {
    let lines = |prefix: &str| (0..30_000).map(|number| format!("{prefix} {number}\n")).collect::<String>();
    assert_eq!(rebase(&lines("base"), &lines("ours"), &lines("theirs")), Rebased::Overlapping);
}

#[test]
fn diffs_are_written_as_git_writes_them() {
    let mut changes = set([
        ("changed.txt", change(Some("1\n2\n3\n4\n5\n6\n7\n8\n9\n"), Some("1\n2\n3\n4\nfive\n6\n7\n8\n9"))),
        ("created.txt", change(None, Some("new\n"))),
        ("deleted.txt", change(Some("old\r\n"), None)),
        ("empty.txt", change(None, Some(""))),
        ("old name.txt", change(Some("a\nb\n"), None)),
        ("renamed only.txt", change(None, Some("same\n"))),
        ("src.txt", change(Some("same\n"), None)),
        ("to.txt", change(None, Some("a\nB\n"))),
        ("untouched.txt", change(Some("x"), Some("x"))),
    ]);
    changes.files.get_mut(&path("to.txt")).unwrap().renamed_from = Some(path("old name.txt"));
    changes.files.get_mut(&path("renamed only.txt")).unwrap().renamed_from = Some(path("src.txt"));
    insta::assert_snapshot!(unified_diff(&changes).replace('\r', "<CR>").replace('\t', "<TAB>"), @r#"
    diff --git a/changed.txt b/changed.txt
    --- a/changed.txt
    +++ b/changed.txt
    @@ -2,8 +2,8 @@
     2
     3
     4
    -5
    +five
     6
     7
     8
    -9
    +9
    \ No newline at end of file
    diff --git a/created.txt b/created.txt
    new file mode 100644
    --- /dev/null
    +++ b/created.txt
    @@ -0,0 +1 @@
    +new
    diff --git a/deleted.txt b/deleted.txt
    deleted file mode 100644
    --- a/deleted.txt
    +++ /dev/null
    @@ -1 +0,0 @@
    -old<CR>
    diff --git a/empty.txt b/empty.txt
    new file mode 100644
    diff --git a/src.txt b/renamed only.txt
    rename from src.txt
    rename to renamed only.txt
    diff --git a/old name.txt b/to.txt
    rename from old name.txt
    rename to to.txt
    --- a/old name.txt<TAB>
    +++ b/to.txt
    @@ -1,2 +1,2 @@
     a
    -b
    +B
    "#);
}

/// What applying does: every base must be what stands there.
fn apply(tree: &Tree, changes: &ChangeSet) -> Tree {
    let mut tree = tree.clone();
    for (path, change) in changes.effective() {
        assert_eq!(tree.get(path), change.base.as_ref(), "{path}");
    }
    for (path, change) in changes.effective() {
        match &change.proposed {
            Some(text) => tree.insert(path.clone(), text.clone()),
            None => tree.remove(path),
        };
    }
    tree
}

#[test]
fn the_inverse_restores() {
    let tree = Tree::from([
        (path("a"), "a\n".to_owned()),
        (path("b"), "b\n".to_owned()),
        (path("c"), "c\n".to_owned()),
        (path("same"), "same".to_owned()),
    ]);
    let mut changes = set([
        ("a", change(Some("a\n"), Some("A\n"))),
        ("b", change(Some("b\n"), None)),
        ("c", change(Some("c\n"), None)),
        ("new", change(None, Some("new\n"))),
        ("moved", change(None, Some("b, edited\n"))),
        ("same", change(Some("same"), Some("same"))),
    ]);
    changes.files.get_mut(&path("moved")).unwrap().renamed_from = Some(path("b"));
    let applied = apply(&tree, &changes);
    let inverse = changes.invert();
    assert_eq!(inverse.files[&path("b")].renamed_from, Some(path("moved")));
    assert_eq!(apply(&applied, &inverse), tree);
    let again = inverse.invert();
    assert_eq!(apply(&tree, &again), applied);
    assert_eq!(again.files[&path("moved")].renamed_from, Some(path("b")));
    assert_eq!(again.tree(), changes.tree());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Lines that are all different, of which some are edited; which of them belong to one hunk
    /// is told from their distance alone.
    #[test]
    fn a_rejected_hunk_leaves_its_lines_and_no_others_as_they_were(
        count in 1..60_usize,
        edited in prop::collection::btree_set(0..60_usize, 1..12),
        rejected in prop::collection::btree_set(1..12_usize, 0..6),
    ) {
        let edited: Vec<usize> = edited.into_iter().filter(|line| *line < count).collect();
        prop_assume!(!edited.is_empty());
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for line in &edited {
            match groups.last_mut().filter(|group| line - group.last().unwrap() <= 2 * 3 + 1) {
                Some(group) => group.push(*line),
                None => groups.push(vec![*line]),
            }
        }
        let rejected: Vec<usize> = rejected.into_iter().filter(|hunk| *hunk <= groups.len()).collect();
        let kept = |line: &usize| {
            let group = groups.iter().position(|group| group.contains(line)).unwrap() + 1;
            !rejected.contains(&group)
        };
        let with = |lines: &[usize]| -> String {
            (0..count).map(|at| if lines.contains(&at) { format!("new {at}\n") } else { format!("old {at}\n") }).collect()
        };
        let (base, proposed) = (with(&[]), with(&edited));
        prop_assert_eq!(hunks_of(&base, &proposed), groups.len());
        let changes = set([("a", change(Some(&base), Some(&proposed)))]);
        let parts: Vec<Part> = rejected.iter().map(|hunk| Part { path: path("a"), hunk: Some(*hunk) }).collect();
        let rest = without(&changes, &parts).unwrap();
        let wanted: Vec<usize> = edited.iter().copied().filter(kept).collect();
        prop_assert_eq!(rest.files[&path("a")].proposed.as_ref().unwrap(), &with(&wanted));
    }

    #[test]
    fn without_every_hunk_nothing_is_changed(base in text(), proposed in text()) {
        let changes = set([("a", change(Some(&base), Some(&proposed)))]);
        let hunks = hunks_of(&base, &proposed);
        let diff = unified_diff(&changes);
        prop_assert_eq!(diff.lines().filter(|line| line.starts_with("@@ ")).count(), hunks, "as it is shown");
        let all: Vec<Part> = (1..=hunks).map(|hunk| Part { path: path("a"), hunk: Some(hunk) }).collect();
        prop_assert!(without(&changes, &all).unwrap().is_empty());
        prop_assert_eq!(&without(&changes, &[]).unwrap(), &changes);
        if hunks > 0 {
            let whole = Part { path: path("a"), hunk: None };
            prop_assert!(without(&changes, &[whole]).unwrap().is_empty());
        }
    }
}

#[test]
fn a_renamed_file_stays_or_goes_with_both_its_names() {
    let mut changes = set([
        ("kept", change(Some("k\n"), Some("K\n"))),
        ("from", change(Some("b\n"), None)),
        ("to", change(None, Some("B\n"))),
    ]);
    changes.files.get_mut(&path("to")).unwrap().renamed_from = Some(path("from"));
    for name in ["from", "to"] {
        let rest = without(&changes, &[Part { path: path(name), hunk: None }]).unwrap();
        let left: Vec<&str> = rest.effective().map(|(path, _)| path.as_str()).collect();
        assert_eq!(left, ["kept"], "{name}");
    }
    let refused =
        |name: &str, hunk| without(&changes, &[Part { path: path(name), hunk }]).unwrap_err().to_string();
    assert_eq!(refused("kept", Some(2)), "`kept` has 1 hunks, and no hunk 2");
    assert_eq!(refused("kept", Some(0)), "`kept` has 1 hunks, and no hunk 0");
    assert!(refused("to", Some(1)).contains("name the whole file"));
    assert!(refused("other", None).contains("changed are `from`, `kept`, `to`"));
}

#[test]
fn a_line_end_that_saving_adds_is_no_change_of_the_last_line() {
    for (base, proposed, current, merged) in [
        ("a\nb", "a\nB", "a\nb\n", "a\nB\n"),
        ("a\r\nb", "a\r\nB", "a\r\nb\r\n", "a\r\nB\r\n"),
        ("a\nb", "a\nb\nc\n", "a\nb\n", "a\nb\nc\n"),
        ("a\nb", "", "a\nb\n", ""),
    ] {
        assert_eq!(rebase(base, proposed, current), Rebased::Clean(merged.to_owned()), "{base:?}");
        assert_eq!(rebase(base, current, proposed), Rebased::Clean(merged.to_owned()), "{base:?}");
    }
    // More than that is a change.
    assert_eq!(rebase("a\nb", "a\nB", "a\nb \n"), Rebased::Overlapping);
}

#[test]
fn a_line_beside_the_changed_ones_keeps_its_place() {
    let base = "a\nright\nb\n";
    let proposed = "a\nwrong\nb\n";
    for (current, merged) in [
        ("a\nright\nmine\nb\n", "a\nwrong\nmine\nb\n"),
        ("a\nmine\nright\nb\n", "a\nmine\nwrong\nb\n"),
        ("a\nright\nB\n", "a\nwrong\nB\n"),
        ("a\nright\n", "a\nwrong\n"),
    ] {
        assert_eq!(rebase(base, proposed, current), Rebased::Overlapping, "{current:?}");
        assert_eq!(rebase_beside(base, proposed, current), Rebased::Clean(merged.to_owned()));
    }
    for (base, proposed, current) in [
        // The same line.
        (base, proposed, "a\nmine\nb\n"),
        // Which of two new lines stands above the other is not known.
        ("a\nb\n", "a\nours\nb\n", "a\nmine\nb\n"),
        // Nor on which side of its like a line was written.
        ("a\nx\nb\n", "a\ny\nb\n", "a\nx\nx\nb\n"),
        ("x\nx\n", "x\n", "x\nmine\nx\n"),
        // Two lines never become one.
        ("a\nb\n", "A", "a\nb\nc\n"),
    ] {
        assert_eq!(rebase_beside(base, proposed, current), Rebased::Overlapping, "{current:?}");
    }
}

#[test]
fn a_renamed_file_is_one_file() {
    let path = |text: &str| WorkspacePath::parse(text).unwrap();
    let change = |base: Option<&str>, proposed: Option<&str>, from: Option<&str>| FileChange {
        base: base.map(str::to_owned),
        proposed: proposed.map(str::to_owned),
        renamed_from: from.map(path),
    };
    let files = [
        (path("edited"), change(Some("a"), Some("b"), None)),
        (path("old"), change(Some("c"), None, None)),
        (path("new"), change(None, Some("c"), Some("old"))),
        (path("gone"), change(Some("d"), None, None)),
        (path("same"), change(Some("e"), Some("e"), None)),
    ];
    let changes = ChangeSet { files: files.into() };
    assert_eq!(changes.files_changed(), 3);
    let headers = unified_diff(&changes);
    assert_eq!(headers.lines().filter(|line| line.starts_with("diff --git ")).count(), 3);
}
