use super::super::rank::Reason;
use super::*;
use crate::path::WorkspacePath;
use proptest::prelude::*;

fn candidate(path: &str, lines: (u32, u32), relevance: Relevance, score: u32) -> Candidate {
    let text = (lines.0..=lines.1).map(|line| format!("line {line} of {path}\n")).collect();
    Candidate {
        path: Some(WorkspacePath::parse(path).unwrap()),
        symbol: Some(format!("f{}", lines.0)),
        lines: Some(lines),
        text,
        signature: Some(format!("fn f{}()", lines.0)),
        signature_line: None,
        relevance,
        score,
        record: None,
    }
}

const ALL: [Vocabulary; 3] = [Vocabulary::Cl100kBase, Vocabulary::O200kBase, Vocabulary::Estimated];

fn packed(candidates: &[Candidate], tokens: usize) -> ContextPack {
    packed_by(Vocabulary::Estimated, candidates, tokens)
}

fn packed_by(vocabulary: Vocabulary, candidates: &[Candidate], tokens: usize) -> ContextPack {
    let budget = Budget { tokens, vocabulary };
    build(candidates, budget, &mut Redactions::default(), &mut Envelopes::new("ab"))
}

/// A pack without nonces, which are long and say nothing.
fn written(pack: &ContextPack) -> String {
    regex::Regex::new("[0-9]{39}").unwrap().replace_all(&pack.text, "N").into_owned()
}

/// The texts in a pack's envelopes, in order.
fn contents(pack: &ContextPack) -> Vec<String> {
    let starts: Vec<usize> = pack.text.match_indices("<<openexec:data ").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).map(|next| next - 1).chain([pack.text.len()]);
    starts.iter().zip(ends).map(|(start, end)| Envelopes::unwrap(&pack.text[*start..end]).unwrap()).collect()
}

#[test]
fn a_pack_is_ordered_by_value() {
    let pack = packed(
        &[
            candidate("src/c.rs", (1, 2), Relevance::Neighbour, 900),
            candidate("src/b.rs", (1, 2), Relevance::FailingTest { test: "z".into() }, 1),
            candidate("src/a.rs", (1, 2), Relevance::FailingTest { test: "a".into() }, 0),
            candidate("src/d.rs", (1, 2), Relevance::Target, 0),
        ],
        10_000,
    );
    let order: Vec<&str> = pack.parts.iter().map(|part| part.path.as_ref().unwrap().as_str()).collect();
    assert_eq!(order, ["src/d.rs", "src/b.rs", "src/a.rs", "src/c.rs"]);
    assert!(pack.parts.iter().all(|part| part.shown == Shown::Whole && part.tokens > 0));
    assert_eq!(contents(&pack)[0], "line 1 of src/d.rs\nline 2 of src/d.rs");
    assert_eq!(pack.tokens, Vocabulary::Estimated.count(&pack.text));
}

#[test]
fn no_line_is_shown_twice() {
    let pack = packed(
        &[
            candidate("src/a.rs", (10, 12), Relevance::Target, 0),
            candidate("src/a.rs", (1, 20), Relevance::Neighbour, 0),
            candidate("src/a.rs", (11, 11), Relevance::Neighbour, 0),
            candidate("src/b.rs", (1, 20), Relevance::Neighbour, 0),
        ],
        10_000,
    );
    let lines: Vec<Option<Lines>> = pack.parts.iter().map(|part| part.lines).collect();
    assert_eq!(lines, [Some((10, 12)), Some((1, 9)), Some((13, 20)), Some((11, 11)), Some((1, 20))]);
    assert_eq!(pack.parts[3].tokens, 0);
    for line in 1..=20 {
        assert_eq!(pack.text.matches(&format!("line {line} of src/a.rs\n")).count(), 1);
    }
}

#[test]
fn a_file_has_one_envelope_and_each_piece_its_place_and_reason() {
    let mut signature = candidate("src/b.rs", (7, 9), Relevance::Neighbour, 0);
    signature.text = "fn f7()".to_owned();
    signature.symbol = Some("Price::f7".to_owned());
    signature.signature_line = Some(8);
    let mut record = candidate("src/c.rs", (1, 1), Relevance::Memory, 0);
    (record.path, record.lines, record.text) = (None, None, "remember\n".to_owned());
    let windows = Candidate {
        text: "a\r\nb\r\n".to_owned(),
        ..candidate("src/a.rs", (20, 21), Relevance::Reported { by: "a\n|@ report".into() }, 0)
    };
    let pack = packed(
        &[
            candidate("src/a.rs", (10, 11), Relevance::Target, 0),
            candidate("src/a.rs", (3, 3), Relevance::Neighbour, 0),
            signature,
            record,
            windows,
        ],
        10_000,
    );
    insta::assert_snapshot!(written(&pack), @r"
    <<openexec:data N | src/a.rs>>
    |@ 3 f3; imports around it
    | line 3 of src/a.rs
    |@ 10 f10; the target
    | line 10 of src/a.rs
    | line 11 of src/a.rs
    |@crlf 20 f20; named by a\u{a}|@ report
    | a
    | b
    <<openexec:end N>>
    <<openexec:data N | f1; earlier work>>
    | remember
    <<openexec:end N>>
    <<openexec:data N | signatures of further places, each behind its line; files from above by their names, `:` for the same type>>
    |@ src/b.rs
    | 8 Price: fn f7()
    <<openexec:end N>>
    ");
    assert_eq!(contents(&pack)[0], "line 3 of src/a.rs\nline 10 of src/a.rs\nline 11 of src/a.rs\r\na\r\nb");
    let nonces: BTreeSet<&str> =
        pack.text.lines().filter(|line| line.starts_with("<<openexec:data")).collect();
    assert_eq!(nonces.len(), 3);
}

#[test]
fn signatures_of_one_type_name_it_once_and_long_ones_are_cut() {
    let listed = |symbol: &str, line: u32, score| {
        let own = symbol.rsplit("::").next().unwrap();
        let signature = format!("fn {own}(&self, {})", "a: u64, ".repeat(if line == 9 { 30 } else { 1 }));
        Candidate {
            symbol: Some(symbol.to_owned()),
            text: signature.clone(),
            signature: Some(signature),
            ..candidate("src/b.rs", (line, line + 3), Relevance::Ranked { because: Reason::Reported }, score)
        }
    };
    let body = candidate("src/b.rs", (40, 41), Relevance::Ranked { because: Reason::Reported }, 9);
    let found = [
        listed("Price::tax", 9, 8),
        listed("Stock::take", 5, 7),
        listed("free", 30, 6),
        listed("Price::cents", 3, 5),
    ];
    for all in [&found[..], &[body, found[0].clone(), found[3].clone()]] {
        for vocabulary in ALL {
            let pack = packed_by(vocabulary, all, 1_000);
            assert_eq!(pack.tokens, vocabulary.count(&pack.text));
        }
    }
    insta::assert_snapshot!(written(&packed(&found, 1_000)), @r"
    <<openexec:data N | signatures of further places, each behind its line; files from above by their names, `:` for the same type>>
    |@ src/b.rs
    | 30 fn free(&self, a: u64, )
    | 3 Price: fn cents(&self, a: u64, )
    | 9 : fn tax(&self, a: u64, a: u64, a: u64, a: u64, a: u64, a: u64, a: u64, a: u64, a:…
    | 5 Stock: fn take(&self, a: u64, )
    <<openexec:end N>>
    ");
    let beside = packed(&[candidate("src/b.rs", (40, 41), Relevance::Target, 9), found[0].clone()], 1_000);
    assert!(beside.text.contains("|@ b.rs\n| 9 Price: fn tax("), "{}", beside.text);
}

#[test]
fn conventions_take_a_small_share_and_only_their_head() {
    let conventions =
        |path: &str, lines| Candidate { signature: None, ..candidate(path, lines, Relevance::Convention, 9) };
    let all = [
        conventions("AGENTS.md", (1, 200)),
        conventions("CONTRIBUTING.md", (1, 200)),
        candidate("src/a.rs", (1, 900), Relevance::Neighbour, 0),
    ];
    let pack = packed(&all, 4_096);
    let part = &pack.parts[0];
    assert_eq!((part.shown, part.lines.map(|lines| lines.0)), (Shown::Whole, Some(1)));
    assert!(part.tokens > 150 && part.tokens <= 4_096 * CONTEXT_CONVENTIONS_PERCENT / 100, "{part:?}");
    assert_eq!(pack.parts[1].shown, Shown::LeftOut);
    assert!(pack.text.contains("conventions of the project"), "{}", pack.text);
    // Too little of it would say nothing.
    assert_eq!(packed(&all, 1_024).parts[0].shown, Shown::LeftOut);
}

#[test]
fn the_last_look_replaces_what_only_the_whole_gives_away() {
    let body = [
        "RkFLRSBLRVkgTk9U\n",
        "IFJFQUwgRkFLRSBLRVk=\n",
        "RkFLRSBLRVkgTk9UIFJFQUwgRkFLRSBLRVkgTk9UIFJFQUw=\n",
    ];
    let lines = ["-----BEGIN PRIVATE KEY-----\n", body[0], body[1], body[2], "-----END PRIVATE KEY-----\n"];
    let candidates: Vec<Candidate> = (1..)
        .zip(lines)
        .map(|(line, text)| Candidate {
            text: text.to_owned(),
            ..candidate("src/a.rs", (line, line), Relevance::Target, 0)
        })
        .collect();
    for budget in [10_000, 150] {
        let pack = packed(&candidates, budget);
        assert!(budget < 10_000 || pack.text.contains("⟦secret:"), "{}", pack.text);
        assert!(body.iter().all(|line| !pack.text.contains(line.trim())), "{}", pack.text);
        assert!(pack.tokens <= budget && pack.tokens == Vocabulary::Estimated.count(&pack.text));
        contents(&pack);
    }
}

#[test]
fn a_value_that_one_text_gives_away_is_replaced_in_all() {
    let value = ["hunter", "2hunter3X9"].concat();
    let mut plain = candidate("src/a.rs", (1, 1), Relevance::Target, 0);
    plain.text = format!("connect(\"{value}\");\n");
    let mut telling = candidate("src/b.rs", (1, 1), Relevance::Neighbour, 0);
    telling.text = format!("password = \"{value}\"\n");
    let pack = packed(&[plain, telling], 1_000);
    assert!(!pack.text.contains(&value), "{}", pack.text);
    assert_eq!((pack.parts[0].redactions, pack.parts[1].redactions), (1, 1));
}

#[test]
fn what_does_not_fit_is_named_or_left_out() {
    let mut candidates: Vec<Candidate> = (0..20)
        .map(|n| candidate(&format!("src/f{n:02}.rs"), (1, 30), Relevance::Neighbour, 20 - n))
        .collect();
    candidates[19].signature = None;
    let pack = packed(&candidates, 1_000);
    let count = |shown: Shown| pack.parts.iter().filter(|part| part.shown == shown).count();
    assert!(count(Shown::Whole) >= 2 && count(Shown::Signature) >= 5, "{:#?}", pack.parts);
    assert_eq!(pack.parts[0].shown, Shown::Whole);
    assert_eq!(pack.parts[19].shown, Shown::LeftOut);
    assert!(pack.tokens <= 1_000);
    let last = contents(&pack).pop().unwrap();
    assert!(last.contains("1 fn f1()"), "{last}");
    assert!(pack.text.contains("|@ src/f10.rs\n| 1 fn f1()"), "{}", pack.text);
}

#[test]
fn one_large_text_may_take_what_nobody_else_needs() {
    let pack = packed(&[candidate("src/a.rs", (1, 100), Relevance::Target, 0)], 900);
    assert!(pack.tokens > 900 * Shares::CURSOR.certain_percent / 100, "{}", pack.tokens);
    assert_eq!(pack.parts[0].shown, Shown::Whole);
}

#[test]
fn nothing_fits_into_nothing() {
    let candidates = [candidate("src/a.rs", (1, 2), Relevance::Target, 0)];
    for budget in [0, 1, 20] {
        let pack = packed(&candidates, budget);
        assert_eq!((pack.text.as_str(), pack.tokens, pack.parts[0].shown), ("", 0, Shown::LeftOut));
    }
    assert_eq!(packed(&[], 100).parts, []);
}

#[test]
fn secrets_are_replaced_before_anything_is_shown() {
    let key = ["AKIA", "FAKEFAKEFAKE7ABC"].concat();
    let mut secret = candidate("src/a.rs", (1, 1), Relevance::Target, 0);
    secret.text = format!("const K: &str = \"{key}\";\n");
    secret.signature = Some(format!("const K = {key}"));
    secret.symbol = Some(key.clone());
    let mut redactions = Redactions::default();
    let pack = build(
        &[secret],
        Budget { tokens: 1_000, vocabulary: Vocabulary::Estimated },
        &mut redactions,
        &mut Envelopes::new("ab"),
    );
    assert!(!pack.text.contains(&key));
    assert_eq!(pack.parts[0].redactions, 1);
    assert_eq!(redactions.restore(&contents(&pack)[0]).unwrap(), format!("const K: &str = \"{key}\";"));
}

#[test]
fn a_secret_over_several_lines_is_never_cut() {
    let body = ["RkFLRSBLRVkgTk9U\n", "IFJFQUwgRkFLRSBLRVk=\n", "RkFLRSBLRVkgTk9U\n"].concat();
    let mut file = candidate("src/a.rs", (1, 6), Relevance::Neighbour, 0);
    file.text = format!("a\n-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n");
    let target = candidate("src/a.rs", (3, 3), Relevance::Target, 0);
    let pack = packed(&[file, target], 10_000);
    assert!(!pack.text.contains("RkFLRSBLRVkgTk9U"), "{}", pack.text);
}

#[test]
fn more_candidates_than_are_considered_are_left_out() {
    let candidates: Vec<Candidate> = (0..CONTEXT_CANDIDATES_MAX as u32 + 3)
        .map(|n| candidate(&format!("src/f{n}.rs"), (1, 1), Relevance::Neighbour, n))
        .collect();
    let pack = packed(&candidates, 1_000_000);
    let shown = pack.parts.iter().filter(|part| part.shown == Shown::Whole).count();
    assert_eq!((shown, pack.parts.len()), (CONTEXT_CANDIDATES_MAX, CONTEXT_CANDIDATES_MAX + 3));
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let relevance = prop_oneof![
        Just(Relevance::Target),
        "[a-c]{1,3}".prop_map(|test| Relevance::FailingTest { test }),
        "[a-c\n<>]{1,3}".prop_map(|by| Relevance::Reported { by }),
        Just(Relevance::Memory),
        Just(Relevance::Convention),
        "[a-c]".prop_map(|name| Relevance::Ranked { because: Reason::Named { name } }),
        Just(Relevance::Neighbour),
    ];
    let text = prop_oneof![
        3 => (1..40_u32, 0..30_u32).prop_map(|(first, more)| {
            let lines = (first, first + more);
            let text: String = (lines.0..=lines.1).map(|line| format!("line {line}: x = {}\n", line * 7)).collect();
            (Some(lines), text)
        }),
        1 => any::<String>().prop_map(|text| (None, text)),
        1 => proptest::collection::vec("[a-z語🙂e\u{301}\u{200d} /]{0,12}", 4).prop_map(|lines| {
            (Some((7, 10)), lines.iter().map(|line| format!("{line}\n")).collect())
        }),
        1 => "(<s>|\u{202e}|[a-z ]{1,9}|\n){0,30}".prop_map(|text| (Some((1, 9)), text)),
    ];
    let path = proptest::option::weighted(0.9, prop::sample::select(&["src/a.rs", "src/b.rs"][..]));
    (path, text, proptest::option::of("[a-z<>()\n ]{0,40}"), relevance, 0..3_u32).prop_map(
        |(path, (lines, text), signature, relevance, score)| Candidate {
            path: path.map(|path| WorkspacePath::parse(path).unwrap()),
            symbol: None,
            lines,
            text,
            signature,
            signature_line: None,
            relevance,
            score,
            record: None,
        },
    )
}

proptest! {
    #[test]
    fn a_pack_keeps_to_its_budget_and_its_order(
        (candidates, shuffled) in proptest::collection::vec(any_candidate(), 0..12)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        budget in prop_oneof![0..400_usize, 0..4000_usize],
    ) {
        for vocabulary in ALL {
            let pack = packed_by(vocabulary, &candidates, budget);
            prop_assert!(pack.tokens <= budget);
            prop_assert_eq!(pack.tokens, vocabulary.count(&pack.text));
            prop_assert_eq!(&packed_by(vocabulary, &shuffled, budget), &pack);
        }
        let pack = packed(&candidates, budget);
        // The parts account for the text.
        let shown: usize = pack.parts.iter().map(|part| part.tokens).sum();
        prop_assert!(shown >= pack.tokens, "{} {}", shown, pack.tokens);
        // Every envelope can be opened.
        contents(&pack);
    }
}
