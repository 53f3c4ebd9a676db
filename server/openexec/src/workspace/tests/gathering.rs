use super::*;
use openexec_engine::context::Relevance;
use openexec_engine::edit::FileChange;
use openexec_engine::limits::{CONTEXT_CANDIDATES_MAX, RANKED_BODIES_MAX};
use openexec_engine::run::{DiagnosticInput, RelatedPlace, Target};
use openexec_engine::task::TestFailure;
use std::sync::Mutex;

fn query() -> ContextQuery {
    ContextQuery {
        target: None,
        instruction: None,
        failures: Vec::new(),
        output: String::new(),
        diagnostics: Vec::new(),
        open_documents: Vec::new(),
        changes: ChangeSet::default(),
        may_edit: false,
    }
}

fn failure(name: &str, at: Option<(&str, u32)>, message: &str) -> TestFailure {
    TestFailure {
        name: name.to_owned(),
        path: at.map(|(at, _)| path(at)),
        line: at.map(|(_, line)| line),
        message: message.to_owned(),
    }
}

fn target(at: &str, lines: (u32, u32)) -> Option<Target> {
    Some(Target { path: path(at), lines })
}

fn gathered(tree: &Tree, query: &ContextQuery) -> Vec<Candidate> {
    tree.workspace.gather(query, &Sources::NONE).candidates
}

/// One line for each candidate: why, where, what, how good. Scores of the ranking are its own
/// business; the order of the lines is theirs.
fn listed(candidates: &[Candidate]) -> String {
    candidates.iter().map(line_of).collect::<Vec<_>>().join("\n")
}

fn line_of(candidate: &Candidate) -> String {
    let why = match &candidate.relevance {
        Relevance::Target => "target".to_owned(),
        Relevance::FailingTest { test } => format!("failing {test}"),
        Relevance::Reported { by } => format!("reported by {by}"),
        Relevance::Memory => "memory".to_owned(),
        Relevance::Convention => "convention".to_owned(),
        Relevance::Ranked { because } => format!("ranked ({because})"),
        Relevance::Neighbour => "neighbour".to_owned(),
    };
    let path = candidate.path.as_ref().map_or("-", WorkspacePath::as_str);
    let symbol = candidate.symbol.as_deref().unwrap_or("-");
    let lines = candidate.lines.map_or_else(|| "-".to_owned(), |(first, last)| format!("{first}-{last}"));
    match candidate.relevance {
        Relevance::Ranked { .. } => format!("{why}: {path} {symbol} {lines}"),
        _ => format!("{why}: {path} {symbol} {lines} ({})", candidate.score),
    }
}

fn without_neighbours(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.retain(|candidate| candidate.relevance != Relevance::Neighbour);
    candidates
}

/// A small shop with the cause of a failure one call away from what the test names.
fn shop() -> Tree {
    Tree::with(&[
        ("Cargo.toml", "[package]\nname = \"shop\"\n"),
        (
            "src/price.rs",
            "use crate::tax::rate;\n\n/// A price.\npub struct Price {\n    cents: u64,\n}\n\nimpl Price {\n    \
             /// With tax.\n    pub fn with_tax(&self) -> u64 {\n        apply_rate(self.cents)\n    }\n\n    \
             pub fn new(cents: u64) -> Self {\n        Self { cents }\n    }\n}\n\n\
             fn apply_rate(cents: u64) -> u64 {\n    cents + cents * rate() / 100\n}\n",
        ),
        (
            "src/tax.rs",
            "pub fn rate() -> u64 {\n    19\n}\n\npub struct Table;\n\nimpl Table {\n    pub fn new() -> Self {\n        \
             Self\n    }\n}\n",
        ),
        ("src/unrelated.rs", "pub fn unrelated() {}\n"),
        (
            "tests/prices.rs",
            "use shop::Price;\n\nfn cheap() -> Price {\n    Price::new(100)\n}\n\n#[test]\nfn tax_is_added() {\n    \
             assert_eq!(cheap().with_tax(), 119);\n}\n\n#[test]\nfn other() {\n    unrelated();\n}\n",
        ),
        (".env", "RATE=19\nfn with_tax() {}\n"),
    ])
}

#[test]
fn a_failing_test_leads_two_calls_further() {
    let tree = shop();
    let message = "thread 'tax_is_added' panicked at tests/prices.rs:9:5:\nassertion failed";
    let query = ContextQuery {
        failures: vec![failure("tax_is_added", Some(("tests/prices.rs", 9)), message)],
        output: format!("running 2 tests\n{message}\ntest result: FAILED"),
        ..query()
    };
    let found = gathered(&tree, &query);
    insta::assert_snapshot!(listed(&found), @r"
    failing tax_is_added: tests/prices.rs tax_is_added 7-10 (1000)
    ranked (speaks of tax_is_added, prices, with_tax): src/price.rs Price::with_tax 10-12
    ranked (beside `Price::with_tax`): src/price.rs apply_rate 19-21
    ranked (beside `Price::with_tax`): src/price.rs Price::new 14-16
    ranked (speaks of tax_is_added): src/tax.rs Table::new 8-10
    ranked (speaks of tax_is_added): src/tax.rs rate 1-3
    ranked (beside `Price::with_tax`): src/price.rs Price 3-6
    ranked (speaks of tests, prices, cheap): tests/prices.rs cheap 3-5
    ranked (speaks of tax_is_added): src/tax.rs Table 5-5
    ranked (speaks of tests, prices): tests/prices.rs other 12-15
    neighbour: src/price.rs - 1-2 (1000)
    neighbour: tests/prices.rs - 1-2 (998)
    ");
    assert_eq!(found[0].text, "#[test]\nfn tax_is_added() {\n    assert_eq!(cheap().with_tax(), 119);\n}");
    // The index is warm now, and says the same.
    assert_eq!(gathered(&tree, &query), found);
    // So does another workspace that begins cold.
    assert_eq!(Workspace::open(&tree.at("")).unwrap().gather(&query, &Sources::NONE).candidates, found);
}

#[test]
fn what_earlier_runs_knew_changes_no_answer() {
    let tree = shop();
    let known = Knowledge::default();
    let query = ContextQuery { instruction: Some("apply_rate rounds".to_owned()), ..query() };
    let opened = || Workspace::open(&tree.at("")).unwrap();
    let first = opened().knowing(&known).gather(&query, &Sources::NONE).candidates;
    assert!(!first.is_empty());
    // As many bytes as before, within the same tick of the clock perhaps.
    let price = fs::read_to_string(tree.at("src/price.rs")).unwrap();
    tree.put("src/price.rs", price.replace("apply_rate", "apply_mark"));
    let second = opened().knowing(&known).gather(&query, &Sources::NONE).candidates;
    assert_eq!(second, opened().gather(&query, &Sources::NONE).candidates);
    assert_ne!(second, first);
}

#[test]
fn a_test_is_found_by_its_name_alone() {
    let tree = Tree::with(&[
        ("src/lib.rs", "#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {}\n}\n"),
        ("src/deep.rs", "#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {}\n}\n"),
        ("tests/test_a.py", "class TestA:\n    def test_one(self):\n        assert f() == 1\n"),
        ("tests/test_b.py", "class TestB:\n    def test_one(self):\n        assert g() == 1\n"),
        ("a_test.go", "package a\n\nfunc TestSum(t *testing.T) {\n\tsum(1)\n}\n"),
        (
            "test/parse.js",
            "suite('parse()', function () {\n    test('keeps a dot', () => {\n        f(1);\n    });\n});\n",
        ),
        (
            "test/parse.test.ts",
            "describe(`outer`, () => {\n  it(\"is kind\", () => {\n    g();\n  });\n});\n",
        ),
    ]);
    for (name, place) in [
        ("deep::tests::adds", "src/deep.rs"),
        ("tests/test_b.py::TestB::test_one[x-1]", "tests/test_b.py"),
        ("TestSum/negative_numbers", "a_test.go"),
        ("keeps a dot", "test/parse.js"),
        ("parse() > keeps a dot", "test/parse.js"),
        ("outer is kind", "test/parse.test.ts"),
        ("nobody knows it", ""),
    ] {
        let query = ContextQuery { failures: vec![failure(name, None, "")], ..query() };
        let found: Vec<String> = gathered(&tree, &query)
            .iter()
            .filter(|candidate| matches!(candidate.relevance, Relevance::FailingTest { .. }))
            .map(|candidate| candidate.path.as_ref().unwrap().to_string())
            .collect();
        assert_eq!(found.join(" "), place, "{name}");
    }
}

#[test]
fn the_target_is_the_symbol_around_it_or_the_lines() {
    let long: String = (0..300).map(|line| format!("    let x{line} = {line};\n")).collect();
    let tree = Tree::with(&[
        ("a.rs", "fn one() {\n    1\n}\n\nfn two() {\n    2\n}\n"),
        ("long.rs", &format!("fn long() {{\n{long}}}\n")),
        ("notes.txt", &"text\n".repeat(100)),
    ]);
    for (at, lines, expected) in [
        ("a.rs", (2, 2), "target: a.rs one 1-3 (1000)"),
        ("a.rs", (2, 6), "target: a.rs - 1-7 (1000)"),
        ("long.rs", (150, 151), "target: long.rs - 130-171 (1000)"),
        ("notes.txt", (50, 50), "target: notes.txt - 30-70 (1000)"),
        ("notes.txt", (500, 500), ""),
        ("missing.rs", (1, 1), ""),
    ] {
        let found = gathered(&tree, &ContextQuery { target: target(at, lines), ..query() });
        let found: Vec<Candidate> =
            found.into_iter().filter(|candidate| candidate.relevance == Relevance::Target).collect();
        assert_eq!(listed(&found), expected, "{at} {lines:?}");
    }
}

#[test]
fn the_target_brings_what_it_calls_and_what_calls_it() {
    let tree = shop();
    let found = gathered(&tree, &ContextQuery { target: target("src/price.rs", (10, 10)), ..query() });
    insta::assert_snapshot!(listed(&found), @r"
    target: src/price.rs Price::with_tax 9-12 (1000)
    ranked (`Price::with_tax` calls it): src/price.rs apply_rate 19-21
    ranked (beside `Price::with_tax`): src/price.rs Price::new 14-16
    ranked (beside `Price::with_tax`): src/price.rs Price 3-6
    ranked (calls `Price::with_tax`): tests/prices.rs tax_is_added 7-10
    ranked (beside `tax_is_added`): tests/prices.rs cheap 3-5
    ranked (beside `tax_is_added`): tests/prices.rs other 12-15
    neighbour: src/price.rs - 1-2 (1000)
    neighbour: tests/prices.rs - 1-2 (999)
    ");
}

#[test]
fn reports_lead_to_the_symbols_around_the_places_they_name() {
    let tree = shop();
    let root = tree.workspace.root().display().to_string();
    let output = format!(
        "error --> src/tax.rs:2:5\n  File \"{root}/src/price.rs\", line 20, in f\n    \
         at f (/usr/lib/node/price.rs:3:4)\n  at g (file://{root}/src/unrelated.rs:1:1)\n  prices.rs:14: odd\n  \
         --> src/nowhere.rs:1:1\n  --> ../../etc/passwd.d:1:1\n  --> .env.x:1:1\n"
    );
    let diagnostic = DiagnosticInput {
        path: path("src/price.rs"),
        line: 15,
        source: "rustc".to_owned(),
        code: Some("E0308".to_owned()),
        message: "mismatched types".to_owned(),
        related: vec![RelatedPlace {
            path: path("src/unrelated.rs"),
            line: 1,
            message: "expected due to this".to_owned(),
        }],
    };
    let found = gathered(&tree, &ContextQuery { output, diagnostics: vec![diagnostic], ..query() });
    let found: Vec<Candidate> = found
        .into_iter()
        .filter(|candidate| matches!(candidate.relevance, Relevance::Reported { .. }))
        .collect();
    insta::assert_snapshot!(listed(&found), @r"
    reported by rustc E0308: src/price.rs Price::new 14-16 (1000)
    reported by rustc E0308, a related place: src/unrelated.rs unrelated 1-1 (900)
    reported by the output: src/tax.rs rate 1-3 (500)
    reported by the output: src/price.rs apply_rate 19-21 (499)
    reported by the output: tests/prices.rs other 12-15 (497)
    ");
}

#[test]
fn an_instruction_brings_what_it_speaks_of_the_rare_names_first() {
    let mut files: Vec<(String, String)> = (0..30)
        .map(|n| {
            (
                format!("src/m{n}.rs"),
                format!("struct S{n};\nimpl S{n} {{ fn open(&self) {{ everywhere() }} }}\n"),
            )
        })
        .collect();
    files.push(("src/rare.rs".to_owned(), "fn parse_header() { open() }\n\nfn everywhere() {}\n".to_owned()));
    files.push(("tests/t.rs".to_owned(), "fn parse_header() {}\n".to_owned()));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let tree = Tree::with(&files);
    let instruction = Some("let `parse_header` skip what S7's open and everywhere wrote".to_owned());
    let found = without_neighbours(gathered(&tree, &ContextQuery { instruction, ..query() }));
    let ranked: Vec<String> = found.iter().map(line_of).collect();
    // `open` is defined in thirty files, so that its name alone says little.
    insta::assert_snapshot!(ranked[..4].join("\n"), @r"
    ranked (speaks of parse_header, open): src/rare.rs parse_header 1-1
    ranked (`everywhere` is mentioned): src/rare.rs everywhere 3-3
    ranked (speaks of S7, open, everywhere): src/m7.rs S7::open 2-2
    ranked (`open` is mentioned): src/m0.rs S0::open 2-2
    ");
    // What tests comes after what it tests.
    let at = |end: &str| ranked.iter().position(|line| line.ends_with(end)).unwrap();
    assert!(at("tests/t.rs parse_header 1-1") > at("src/m29.rs S29::open 2-2"));
}

#[test]
fn buffers_and_proposals_are_seen_instead_of_the_disk() {
    let tree = shop();
    let base = fs::read_to_string(tree.at("src/tax.rs")).unwrap();
    let changed = |path_of: &str, base: Option<&str>, proposed: Option<&str>| {
        let change = FileChange {
            base: base.map(str::to_owned),
            proposed: proposed.map(str::to_owned),
            renamed_from: None,
        };
        (path(path_of), change)
    };
    let query = ContextQuery {
        instruction: Some("look at rate, fresh_name and unsaved_name".to_owned()),
        open_documents: vec![buffer("src/unrelated.rs", "fn unsaved_name() { typed() }\n")],
        changes: ChangeSet {
            files: [
                changed("src/tax.rs", Some(&base), None),
                changed("src/new.rs", None, Some("fn fresh_name() {}\n\nfn rate() -> u64 { 7 }\n")),
            ]
            .into(),
        },
        ..query()
    };
    let found = without_neighbours(gathered(&tree, &query));
    insta::assert_snapshot!(listed(&found), @r"
    ranked (speaks of fresh_name): src/new.rs fresh_name 1-1
    ranked (speaks of fresh_name, unsaved_name): src/unrelated.rs unsaved_name 1-1
    ranked (`rate` is mentioned): src/new.rs rate 3-3
    ranked (speaks of rate): src/price.rs apply_rate 19-21
    ranked (speaks of rate): src/price.rs Price::with_tax 10-12
    ranked (beside `apply_rate`): src/price.rs Price::new 14-16
    ranked (beside `apply_rate`): src/price.rs Price 3-6
    ");
    assert_eq!(found[1].text, "fn unsaved_name() { typed() }\n");
}

#[test]
fn a_file_that_changes_is_read_again() {
    let tree = shop();
    let query = ContextQuery { instruction: Some("rate and brand_new".to_owned()), ..query() };
    let named = |found: Vec<Candidate>| {
        let symbols = found.into_iter().filter_map(|it| it.symbol);
        symbols.filter(|symbol| ["rate", "brand_new"].contains(&symbol.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(named(gathered(&tree, &query)), ["rate"]);
    // As long as before, so that only its times tell.
    let text = fs::read_to_string(tree.at("src/tax.rs")).unwrap();
    tree.put("src/tax.rs", text.replace("fn rate()", "fn rats()"));
    assert_eq!(named(gathered(&tree, &query)), Vec::<String>::new());
    tree.put("src/tax.rs", "fn brand_new() {}\n");
    assert_eq!(named(gathered(&tree, &query)), ["brand_new"]);
    fs::remove_file(tree.at("src/tax.rs")).unwrap();
    assert_eq!(named(gathered(&tree, &query)), Vec::<String>::new());
}

#[test]
fn nothing_hidden_becomes_a_candidate() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("out.rs"), "fn needle_name() {}\n").unwrap();
    let tree = Tree::with(&[(".env", "fn needle_name() {}\n"), (".git/x.rs", "fn needle_name() {}\n")]);
    tree.put("key.pem", "fn needle_name() {}\n");
    tree.put("a.rs", b"\xff fn needle_name() {}\n");
    tree.link(outside.path().join("out.rs"), "linked.rs");
    tree.link(outside.path(), "dir");
    tree.link(".git/x.rs", "inner.rs");
    for at in [".env", ".git/x.rs", "key.pem", "a.rs", "linked.rs", "dir/out.rs", "inner.rs"] {
        let place = path(at);
        let query = ContextQuery {
            target: target(at, (1, 1)),
            instruction: Some("needle_name".to_owned()),
            failures: vec![failure("needle_name", Some((at, 1)), &format!("at {at}:1:1"))],
            output: format!("--> {at}:1:1"),
            diagnostics: vec![DiagnosticInput {
                path: place.clone(),
                line: 1,
                source: "x".to_owned(),
                code: None,
                message: String::new(),
                related: vec![RelatedPlace { path: place, line: 1, message: String::new() }],
            }],
            ..query()
        };
        assert_eq!(gathered(&tree, &query), [], "{at}");
        // Neither when the editor shows it, for what is secret.
        let open_documents = vec![buffer(at, "fn needle_name() {}\n")];
        let shown = gathered(&tree, &ContextQuery { open_documents, ..query });
        let secret = [".env", ".git/x.rs", "key.pem"].contains(&at);
        assert_eq!(shown.is_empty(), secret, "{at}");
    }
}

#[test]
fn a_listed_line_hides_what_its_file_gives_away_today() {
    let many: String =
        (0..2 * RANKED_BODIES_MAX).map(|n| format!("def first_{n}():\n    return {n}\n\n")).collect();
    let tree = Tree::with(&[("many.py", &many)]);
    let instruction: String = (0..2 * RANKED_BODIES_MAX).map(|n| format!("first_{n} ")).collect();
    let query = ContextQuery { instruction: Some(instruction + "unlock"), ..query() };
    let value = "Zk48qPw21mVx7Lt90";
    let hidden = |text: String| {
        tree.put("vault.py", text);
        // The second time from what is known of the file.
        [(); 2].map(|()| {
            let found = tree.workspace.gather(&query, &Sources::NONE);
            let listed = found.candidates.iter().find(|it| it.symbol.as_deref() == Some("unlock")).unwrap();
            assert_eq!(listed.signature.as_ref(), Some(&listed.text));
            assert!(listed.text.contains(value), "{}", listed.text);
            found.hidden.into_iter().map(|hidden| hidden.text).collect::<Vec<_>>()
        })
    };
    let unlock = format!("def unlock(by='{value}'):\n    return by\n");
    assert_eq!(hidden(unlock.clone()), [vec![], vec![]] as [Vec<String>; 2]);
    let given_away = format!("password = '{value}'\n{unlock}");
    assert_eq!(hidden(given_away), [vec![value.to_owned()], vec![value.to_owned()]]);
    assert_eq!(hidden(unlock), [vec![], vec![]] as [Vec<String>; 2]);
}

#[test]
fn memory_is_asked_for_the_symbols_that_matter() {
    let tree = shop();
    let asked = Mutex::new(Vec::new());
    let recalled = Candidate {
        path: None,
        symbol: None,
        lines: None,
        text: "what is known".to_owned(),
        signature: None,
        relevance: Relevance::Memory,
        score: 1,
        signature_line: None,
        record: None,
    };
    let query = ContextQuery {
        target: target("src/price.rs", (10, 10)),
        failures: vec![failure("tax_is_added", None, "")],
        ..query()
    };
    let recall = |sought: &Sought<'_>| {
        asked.lock().unwrap().extend_from_slice(sought.places);
        vec![recalled.clone(); 20]
    };
    let found = tree.workspace.gather(&query, &Sources { recall: &recall, ..Sources::NONE }).candidates;
    let asked: Vec<String> = asked
        .into_inner()
        .unwrap()
        .iter()
        .map(|(path, symbol)| format!("{path} {}", symbol.as_deref().unwrap_or("-")))
        .collect();
    insta::assert_snapshot!(asked.join("\n"), @r"
    src/price.rs Price::with_tax
    src/price.rs -
    tests/prices.rs tax_is_added
    src/price.rs apply_rate
    src/price.rs Price::new
    src/tax.rs Table::new
    src/tax.rs rate
    src/price.rs Price
    src/tax.rs Table
    tests/prices.rs cheap
    tests/prices.rs other
    ");
    let memory: Vec<&Candidate> =
        found.iter().filter(|candidate| candidate.relevance == Relevance::Memory).collect();
    assert_eq!(memory.len(), openexec_engine::limits::MEMORY_RECORDS_MAX);
    assert_eq!((memory[0].path.as_ref(), &memory[0].text), (None, &recalled.text));
}

#[test]
fn the_number_and_the_bytes_of_candidates_are_limited() {
    let body = "    let value = 1;\n".repeat(100);
    let files: Vec<(String, String)> = (0..20)
        .map(|n| {
            let functions = (0..40).map(|m| format!("fn name_{n}_{m}() {{\n{body}}}\n\n")).collect();
            (format!("src/m{n}.rs"), functions)
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let tree = Tree::with(&files);
    let names: String = (0..20).flat_map(|n| (0..40).map(move |m| format!("name_{n}_{m} "))).collect();
    let found = gathered(&tree, &ContextQuery { instruction: Some(names), ..query() });
    assert!(found.len() > 100 && found.len() <= CONTEXT_CANDIDATES_MAX, "{}", found.len());
    let bytes: usize = found.iter().map(|candidate| candidate.text.len()).sum();
    assert!(bytes <= crate::limits::CANDIDATES_BYTES_MAX, "{bytes}");
}

#[test]
fn of_a_large_suite_only_the_lines_around_the_failures_are_shown() {
    let tests: String = (0..100)
        .map(|n| format!("    t.test('case {n}', function (st) {{\n        st.equal(f({n}), {n});\n        st.end();\n    }});\n"))
        .collect();
    let suite = format!("test('suite', function (t) {{\n{tests}}});\n");
    let tree =
        Tree::with(&[("test/suite.js", &suite), ("node_modules/tape/index.js", "function assert() {}\n")]);
    let message = "at f (test/suite.js:203:9)\n at assert (node_modules/tape/index.js:1:1)";
    let at = |line| failure("should be equal", Some(("test/suite.js", line)), message);
    let found = gathered(&tree, &ContextQuery { failures: vec![at(203), at(207), at(303)], ..query() });
    // The second failure is shown with the first. What is installed is not what failed.
    insta::assert_snapshot!(listed(&without_neighbours(found)), @r"
    failing should be equal: test/suite.js - 183-223 (1000)
    failing should be equal: test/suite.js - 283-323 (998)
    ranked (speaks of st, test, equal): test/suite.js suite 1-402
    ");
}

#[test]
fn what_mentions_a_name_that_nothing_defines_is_found() {
    let tree = Tree::with(&[
        (
            "lib/parse.js",
            "var defaults = { arrayLimit: 20 };\n\nfunction parse(options) {\n    return options.arrayLimit;\n}\n",
        ),
        ("lib/other.js", "function limits() {\n    return 'limits of';\n}\n"),
        ("dist/bundle.js", &format!("function parse(o){{return o.arrayLimit}}{}\n", ";".repeat(1000))),
        ("test/parse.js", "test('limits of arrayLimit', function () {\n    f();\n});\n"),
    ]);
    let found = gathered(
        &tree,
        &ContextQuery { failures: vec![failure("limits of arrayLimit", None, "")], ..query() },
    );
    insta::assert_snapshot!(listed(&without_neighbours(found)), @r"
    failing limits of arrayLimit: test/parse.js limits of arrayLimit 1-3 (1000)
    ranked (`limits` is mentioned): lib/other.js limits 1-3
    ranked (speaks of arrayLimit, limits): lib/parse.js parse 3-5
    ranked (speaks of arrayLimit, limits): lib/parse.js defaults 1-1
    ");
}

fn conventions(found: &[Candidate]) -> String {
    let lines = found.iter().filter(|it| it.relevance == Relevance::Convention);
    lines.map(line_of).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_the_project_says_of_its_code_is_shown_the_nearest_first() {
    let long = "Write short lines.\n".repeat(300);
    let tree = Tree::with(&[
        ("AGENTS.md", "Be kind.\n"),
        (".editorconfig", "root = true\n"),
        (".github/copilot-instructions.md", "Use tabs.\n"),
        ("rustfmt.toml", "max_width = 90\n"),
        ("CLAUDE.md", " \n"),
        (
            "pyproject.toml",
            "[project]\nname = \"x\"\n\n[tool.ruff]\nline-length = 90\n\n[tool.ruff.lint]\nselect = []\n",
        ),
        (".prettierrc", "{}\n"),
        (".gitignore", ".prettierrc\n/app/.eslintrc\n"),
        ("app/.eslintrc", "{}\n"),
        ("app/CONTRIBUTING.md", &long),
        ("app/deep/a.rs", "fn a() {}\n"),
        ("app/deep/a.py", "def a():\n    pass\n"),
        ("lib/b.ts", "export function b() {}\n"),
    ]);
    tree.link("AGENTS.md", "lib/AGENTS.md");
    let at = |place: Option<Target>| {
        conventions(&gathered(&tree, &ContextQuery { target: place, may_edit: true, ..query() }))
    };
    insta::assert_snapshot!(at(target("app/deep/a.rs", (1, 1))), @r"
    convention: app/CONTRIBUTING.md - 1-107 (1000)
    convention: AGENTS.md - 1-1 (999)
    convention: .github/copilot-instructions.md - 1-1 (998)
    convention: rustfmt.toml - 1-1 (997)
    convention: .editorconfig - 1-1 (996)
    ");
    insta::assert_snapshot!(at(target("app/deep/a.py", (1, 1))), @r"
    convention: app/CONTRIBUTING.md - 1-107 (1000)
    convention: AGENTS.md - 1-1 (999)
    convention: .github/copilot-instructions.md - 1-1 (998)
    convention: pyproject.toml - 4-5 (997)
    convention: pyproject.toml - 7-8 (997)
    convention: .editorconfig - 1-1 (996)
    ");
    // What an ignore file leaves out and what lies behind a link says nothing.
    insta::assert_snapshot!(at(target("lib/b.ts", (1, 1))), @r"
    convention: AGENTS.md - 1-1 (1000)
    convention: .github/copilot-instructions.md - 1-1 (999)
    convention: .editorconfig - 1-1 (998)
    ");
    let reading = gathered(&tree, &ContextQuery { target: target("lib/b.ts", (1, 1)), ..query() });
    assert_eq!(conventions(&reading), "");
}

#[test]
fn of_a_tool_s_settings_those_are_shown_that_are_about_the_language_at_hand() {
    let tree = Tree::with(&[
        (
            "setup.cfg",
            "[metadata]\nname = x\n[flake8]\nmax-line-length = 90\n\n[mypy-tests.*]\nstrict = true\n",
        ),
        ("tox.ini", "[tox]\nenvlist = py\n[flake8]\nmax-line-length = 70\n"),
        ("ruff.toml", "line-length = 90\n"),
        ("Cargo.toml", "[package]\nname = \"x\"\n\n[lints.clippy]\nunwrap_used = \"deny\"\n"),
        ("package.json", "{\n  \"name\": \"x\",\n  \"prettier\": { \"semi\": false }\n}\n"),
        (".prettierrc", "semi: true\n"),
        ("biome.json", "{}\n"),
        (".golangci.yml", "version: 2\n"),
        (
            ".editorconfig",
            "root = true\n\n[*]\nindent_size = 4\n\n[*.{kt,kts}]\nktlint_code_style = android\n\n[app/**.py]\nindent_size = 2\n",
        ),
        ("app/a.py", "def a():\n    pass\n"),
        ("src/a.rs", "fn a() {}\n"),
        ("src/a.kt", "fun a() {}\n"),
        ("web/a.ts", "export function telling() {}\n"),
        ("README.txt", "x\n"),
    ]);
    let at = |file: &str| {
        let target = target(file, (1, 1));
        conventions(&gathered(&tree, &ContextQuery { target, may_edit: true, ..query() }))
    };
    insta::assert_snapshot!(at("app/a.py"), @r"
    convention: ruff.toml - 1-1 (1000)
    convention: setup.cfg - 3-5 (999)
    convention: setup.cfg - 6-7 (998)
    convention: .editorconfig - 1-2 (997)
    convention: .editorconfig - 3-5 (997)
    convention: .editorconfig - 9-10 (997)
    ");
    insta::assert_snapshot!(at("src/a.rs"), @r"
    convention: Cargo.toml - 4-5 (1000)
    convention: .editorconfig - 1-2 (999)
    convention: .editorconfig - 3-5 (999)
    ");
    insta::assert_snapshot!(at("src/a.kt"), @r"
    convention: .editorconfig - 1-2 (1000)
    convention: .editorconfig - 3-5 (1000)
    convention: .editorconfig - 6-8 (1000)
    ");
    insta::assert_snapshot!(at("web/a.ts"), @r"
    convention: biome.json - 1-1 (1000)
    convention: package.json - 3-3 (999)
    convention: .editorconfig - 1-2 (998)
    convention: .editorconfig - 3-5 (998)
    ");
    // Without a file, the languages of what was found.
    let asked = ContextQuery { instruction: Some("mend `telling`".to_owned()), may_edit: true, ..query() };
    assert!(conventions(&gathered(&tree, &asked)).starts_with("convention: biome.json"));
    let nothing = ContextQuery { may_edit: true, ..query() };
    insta::assert_snapshot!(conventions(&gathered(&tree, &nothing)), @"convention: .editorconfig - 1-2 (1000)");
}

#[test]
fn what_runs_changed_for_a_failing_test_before_is_ranked_higher() {
    let tree = Tree::with(&[
        ("src/b.rs", "pub fn parse_one() {\n    1;\n}\n"),
        ("src/c.rs", "pub fn parse_two() {\n    2;\n}\n"),
        ("secrets/.env", "KEY=none\n"),
    ]);
    let red = ContextQuery { failures: vec![failure("parse::works", None, "parse went wrong")], ..query() };
    let first = |query: &ContextQuery, sources: &Sources<'_>| {
        let found = tree.workspace.gather(query, sources).candidates;
        let ranked = found.iter().find(|it| matches!(it.relevance, Relevance::Ranked { .. })).unwrap();
        ranked.path.as_ref().unwrap().to_string()
    };
    assert_eq!(first(&red, &Sources::NONE), "src/b.rs");
    let repaired = |tests: &[&str], read: &dyn Fn(&WorkspacePath) -> Option<String>| {
        assert_eq!(tests, ["parse::works"]);
        assert_eq!(read(&path("src/c.rs")).as_deref(), Some("pub fn parse_two() {\n    2;\n}\n"));
        assert_eq!(read(&path("secrets/.env")), None);
        vec![(path("src/c.rs"), "parse_two".to_owned())]
    };
    assert_eq!(first(&red, &Sources { repaired: &repaired, ..Sources::NONE }), "src/c.rs");
    // Nobody is asked where no test fails.
    let asked = |_: &[&str], _: &dyn Fn(&WorkspacePath) -> Option<String>| panic!("no test fails");
    let text_only = ContextQuery { instruction: Some("parse".to_owned()), ..query() };
    assert_eq!(first(&text_only, &Sources { repaired: &asked, ..Sources::NONE }), "src/b.rs");
}

#[test]
fn files_that_changed_with_the_seeds_are_ranked_higher() {
    let tree = Tree::with(&[
        ("src/a.rs", "pub fn seed() {\n    one();\n}\n"),
        ("src/b.rs", "pub fn parse_one() {\n    1;\n}\n"),
        ("src/c.rs", "pub fn parse_two() {\n    2;\n}\n"),
    ]);
    let query =
        ContextQuery { target: target("src/a.rs", (1, 1)), instruction: Some("parse".to_owned()), ..query() };
    let first = |sources: &Sources<'_>| {
        let found = tree.workspace.gather(&query, sources).candidates;
        let ranked = found.iter().find(|it| matches!(it.relevance, Relevance::Ranked { .. })).unwrap();
        ranked.path.as_ref().unwrap().to_string()
    };
    assert_eq!(first(&Sources::NONE), "src/b.rs");
    let commits = || Commits::new(vec![vec![path("src/a.rs"), path("src/c.rs")]]);
    assert_eq!(first(&Sources { commits: &commits, ..Sources::NONE }), "src/c.rs");
    // Nobody is asked where nothing is the seed.
    let asked = || panic!("there is no seed");
    let text_only = ContextQuery { target: None, ..query.clone() };
    assert!(
        !tree
            .workspace
            .gather(&text_only, &Sources { commits: &asked, ..Sources::NONE })
            .candidates
            .is_empty()
    );
}
