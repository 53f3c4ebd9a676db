use super::super::Relevance;
use super::super::rank::Reason;
use super::*;
use proptest::prelude::*;

fn candidate(path: &str, lines: (u32, u32), relevance: Relevance, score: u32) -> Candidate {
    let text = (lines.0..=lines.1).map(|line| format!("line {line} of {path}\n")).collect();
    Candidate {
        path: Some(WorkspacePath::parse(path).unwrap()),
        symbol: Some(format!("f{}", lines.0)),
        lines: Some(lines),
        text,
        signature: Some(format!("fn f{}()", lines.0)),
        relevance,
        score,
        record: None,
    }
}

fn packed(candidates: &[Candidate], budget: usize) -> ContextPack {
    build(candidates, budget, &mut Redactions::default(), &mut Envelopes::new("ab"))
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
    assert_eq!(contents(&pack)[0], "line 1 of src/d.rs\nline 2 of src/d.rs\n");
    assert!(pack.text.contains("| src/d.rs:1-2 f1; the target>>"), "{}", pack.text);
    assert_eq!(pack.tokens, estimate_tokens(&pack.text));
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
    assert!(last.contains("src/f10.rs:1-30 f1  fn f1()"), "{last}");
}

#[test]
fn one_large_text_may_take_what_nobody_else_needs() {
    let pack = packed(&[candidate("src/a.rs", (1, 100), Relevance::Target, 0)], 900);
    assert!(pack.tokens > 900 * CONTEXT_BODIES_PERCENT / 100);
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
    let pack = build(&[secret], 1_000, &mut redactions, &mut Envelopes::new("ab"));
    assert!(!pack.text.contains(&key));
    assert_eq!(pack.parts[0].redactions, 1);
    assert_eq!(redactions.restore(&contents(&pack)[0]).unwrap(), format!("const K: &str = \"{key}\";\n"));
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
        let pack = packed(&candidates, budget);
        prop_assert!(pack.tokens <= budget);
        prop_assert_eq!(pack.tokens, estimate_tokens(&pack.text));
        prop_assert_eq!(&packed(&shuffled, budget), &pack);
        // The parts account for the text.
        let shown: usize = pack.parts.iter().map(|part| part.tokens).sum();
        prop_assert!(shown + 70 >= pack.tokens, "{} {}", shown, pack.tokens);
        // Every envelope can be opened.
        contents(&pack);
    }
}
