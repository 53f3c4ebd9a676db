use super::*;
use crate::index::{FileSummary, summarise};
use crate::syntax::Language;
use crate::workers::Alone;
use crate::workers::tests::Backwards;
use std::sync::Arc;

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn corpus(files: &[(&str, &str)]) -> Corpus {
    let read =
        |at: &str, text: &str| -> FileSummary { summarise(Language::of_path(&path(at)).unwrap(), text) };
    files.iter().map(|(at, text)| (path(at), Arc::new(read(at, text)))).collect()
}

fn shop() -> Corpus {
    corpus(&[
        (
            "src/price.rs",
            "use crate::tax::rate_of;\n\npub struct Price(u64);\n\nimpl Price {\n    /// With the country's tax.\n    \
             pub fn with_tax(&self, country: Country) -> u64 {\n        half_up(self.0 * rate_of(country))\n    }\n}\n\n\
             fn half_up(cents: u64) -> u64 {\n    cents / 100\n}\n\nfn unused() {}\n",
        ),
        ("src/tax.rs", "pub enum Country { A }\n\npub fn rate_of(country: Country) -> u64 {\n    19\n}\n"),
        ("src/stock.rs", "pub fn withdraw(pieces: u32) -> bool {\n    pieces > 0\n}\n"),
        ("tests/price.rs", "#[test]\nfn taxes() {\n    assert_eq!(price().with_tax(Country::A), 119);\n}\n"),
    ])
}

/// One line for each of the best.
fn ranked(corpus: &Corpus, query: &Query<'_>, count: usize) -> String {
    let ranked = rank(corpus, query, &Weights::default(), &Alone);
    let lines =
        ranked.iter().take(count).map(|it| format!("{} {}: {}", it.path, it.definition.name, it.reason));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_text_finds_what_speaks_of_it_before_its_tests() {
    let query = Query { texts: vec!["Withdrawing the last piece is refused"], ..Query::default() };
    assert_eq!(ranked(&shop(), &query, 1), "src/stock.rs withdraw: speaks of Withdrawing, piece");
    let query = Query { texts: vec!["`half_up` is wrong"], ..Query::default() };
    assert_eq!(ranked(&shop(), &query, 1).split(' ').nth(1), Some("half_up:"));
    let query = Query { texts: vec!["taxes come out wrong"], ..Query::default() };
    let found = ranked(&shop(), &query, 9);
    assert!(found.find("Price::with_tax") < found.find("tests/price.rs taxes"), "{found}");
}

#[test]
fn whoever_works_the_order_is_the_same() {
    let name = |n: usize| format!("src/m{}/file_{n}.rs", n % 7);
    let text = |n: usize| {
        format!(
            "/// Counts stock.\nfn count_{}(a: u8) {{ count_{}(a); stock_{n}() }}\nfn idle() {{}}\n",
            n % 90,
            n % 31
        )
    };
    let files: Vec<(String, String)> = (0..3 * FILES_PER_WORKER_MIN).map(|n| (name(n), text(n))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(at, text)| (at.as_str(), text.as_str())).collect();
    let corpus = corpus(&files);
    let at = path(&name(11));
    let texts = vec!["count_7 of the stock in m3 is idle"];
    let query = Query { texts, cursor: Some((&at, 2)), ..Query::default() };
    let by = |workers: &dyn Workers| {
        let ranked = rank(&corpus, &query, &Weights::default(), workers);
        ranked.iter().map(|it| (it.path.clone(), it.score, it.reason.clone())).collect::<Vec<_>>()
    };
    let alone = by(&Alone);
    assert!(alone.len() > 500, "{}", alone.len());
    assert_eq!(by(&Backwards(3)), alone);
}

#[test]
fn a_text_lists_tests_only_where_it_names_them() {
    let is_listed = |query: &Query<'_>| ranked(&shop(), query, 99).contains("tests/price.rs taxes");
    let text = |text| Query { texts: vec![text], ..Query::default() };
    assert!(!is_listed(&text("the price with tax is wrong in some country")));
    assert!(is_listed(&text("`taxes` fails in some country")));
    let at = path("src/price.rs");
    assert!(is_listed(&Query { cursor: Some((&at, 8)), ..text("the price with tax is wrong") }));
}

#[test]
fn what_the_best_calls_and_what_stands_beside_it_comes_along() {
    let query = Query { code: vec!["with_tax"], ..Query::default() };
    let found = rank(&shop(), &query, &Weights::default(), &Alone).len();
    assert!(found >= 4);
    let corpus = shop();
    let ranked = rank(&corpus, &query, &Weights::default(), &Alone);
    let reason =
        |name: &str| ranked.iter().find(|it| &*it.definition.name == name).map(|it| it.reason.to_string());
    // Both are called, too; but what they are called or where they stand says more.
    assert_eq!(reason("rate_of").as_deref(), Some("speaks of with_tax"));
    assert_eq!(reason("half_up").as_deref(), Some("beside `Price::with_tax`"));
    assert_eq!(reason("unused").as_deref(), Some("beside `Price::with_tax`"));
    assert_eq!(reason("withdraw"), None);
}

#[test]
fn a_cursor_finds_its_surroundings_without_a_word() {
    let at = path("src/price.rs");
    let query = Query { cursor: Some((&at, 8)), ..Query::default() };
    let corpus = shop();
    let ranked = rank(&corpus, &query, &Weights::default(), &Alone);
    assert_eq!((&*ranked[0].definition.name, &ranked[0].reason), ("Price::with_tax", &Reason::Cursor));
    let reason =
        |name: &str| ranked.iter().find(|it| &*it.definition.name == name).map(|it| it.reason.to_string());
    assert_eq!(reason("Country").as_deref(), Some("a type of `Price::with_tax`"));
    assert_eq!(reason("rate_of").as_deref(), Some("`Price::with_tax` calls it"));
}

#[test]
fn a_test_leads_to_the_file_that_it_is_called_after() {
    let at = path("tests/price.rs");
    let query = Query { tests: vec![(&at, None)], ..Query::default() };
    let found = ranked(&shop(), &query, 1);
    assert!(
        found.starts_with("src/price.rs") && found.ends_with("`tests/price.rs` is called after its file"),
        "{found}"
    );
}

#[test]
fn files_that_change_together_and_reported_places_count() {
    let (tax, stock) = (path("src/tax.rs"), path("src/stock.rs"));
    let query = Query { co_changed: vec![(&tax, 500), (&stock, 100)], ..Query::default() };
    let found = ranked(&shop(), &query, 9);
    assert!(found.find("src/tax.rs") < found.find("src/stock.rs"), "{found}");
    let query = Query { reported: vec![(&stock, 2)], ..Query::default() };
    assert_eq!(ranked(&shop(), &query, 1), "src/stock.rs withdraw: a report names it");
}

#[test]
fn what_a_run_changed_for_the_same_test_comes_first() {
    let (stock, tests) = (path("src/stock.rs"), path("tests/price.rs"));
    let told = |repaired| Query { texts: vec!["taxes"], code: vec!["price()"], repaired, ..Query::default() };
    let first = |query: &Query<'_>| ranked(&shop(), query, 1);
    assert_ne!(first(&told(Vec::new())).split(':').next(), Some("src/stock.rs withdraw"));
    let query = Query { repaired: vec![(&stock, "withdraw")], ..Query::default() };
    assert_eq!(first(&query), "src/stock.rs withdraw: a run changed it when the test failed before");
    // What is gone says nothing, and a test that a run changed stays one.
    let gone = Query { repaired: vec![(&stock, "gone"), (&stock, "draw")], ..Query::default() };
    assert_eq!(first(&gone), "");
    let both = Query { repaired: vec![(&tests, "taxes"), (&stock, "withdraw")], ..Query::default() };
    assert!(first(&both).starts_with("src/stock.rs withdraw"));
}

#[test]
fn behind_what_is_read_a_long_body_is_listed_before_a_short_one() {
    let body = |number: usize| "    g();\n".repeat(if number == 88 { 40 } else { 1 });
    let text: String = (0..90).map(|number| format!("fn f{number}() {{\n{}}}\n", body(number))).collect();
    let corpus = corpus(&[("src/a.rs", &text)]);
    let mut ranking = Ranking::new(&corpus);
    for (number, score) in ranking.scores.iter_mut().enumerate() {
        *score = 1.0 - number as f64 / 1e3;
    }
    let offered = order::offered(&ranking, (0..90).collect(), &Weights::default());
    let expected: Vec<usize> =
        (0..RANKED_BODIES_MAX).chain([88]).chain(RANKED_BODIES_MAX..88).chain([89]).collect();
    assert_eq!(offered, expected);
}

#[test]
fn the_same_files_give_the_same_order_however_they_came() {
    let query = Query { texts: vec!["tax of a country in cents"], ..Query::default() };
    let forward = shop();
    let mut backward = Corpus::new();
    let files: Vec<_> =
        forward.files().map(|(path, entry)| (path.clone(), Arc::clone(&entry.summary))).collect();
    for (path, summary) in files.into_iter().rev() {
        backward.replace(&path, summary);
    }
    assert_eq!(ranked(&forward, &query, 99), ranked(&backward, &query, 99));
    assert_eq!(ranked(&Corpus::new(), &query, 99), "");
    assert_eq!(ranked(&forward, &Query::default(), 99), "");
}
