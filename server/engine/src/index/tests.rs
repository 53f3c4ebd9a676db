use super::*;
use crate::path::WorkspacePath;
use crate::syntax::Language;
use std::sync::Arc;

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

/// One line for each definition.
fn listed(summary: &FileSummary) -> String {
    let lines = summary.definitions.iter().map(|it| {
        let test = if it.is_test { " [test]" } else { "" };
        format!(
            "{}-{} {} {} {:?} {}{test}",
            it.head_line, it.lines.1, it.name_line, it.name, it.kind, it.signature
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn counts(summary: &FileSummary, definition: usize, word: &str) -> Counts {
    let wanted = terms_of(word)[0];
    summary.terms(definition).find(|(term, _)| *term == wanted).map(|(_, counts)| counts).unwrap_or_default()
}

const RUST: &str = "use crate::tax::rate;\n\n/// A price with cents.\n#[derive(\n    Debug,\n)]\npub struct Price {\n    cents: u64,\n}\n\n\
    impl Price {\n    /// With the tax of the country.\n    #[must_use]\n    pub fn with_tax(&self, country: Country) -> u64 {\n        \
    apply_rates(self.cents, rate::<u64>(country))\n    }\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn taxes() {\n        \
    assert_eq!(Price { cents: 1 }.with_tax(X), 2);\n    }\n}\n";

#[test]
fn a_summary_knows_where_definitions_begin_without_their_comments() {
    insta::assert_snapshot!(listed(&summarise(Language::Rust, RUST)), @r"
    7-9 7 Price Struct pub struct Price
    14-16 14 Price::with_tax Method pub fn with_tax(&self, country: Country) -> u64
    20-25 20 tests Module mod tests [test]
    22-24 22 tests::taxes Function fn taxes() [test]
    ");
}

#[test]
fn words_are_counted_by_the_field_in_which_they_stand() {
    let summary = summarise(Language::Rust, RUST);
    let tax = counts(&summary, 1, "taxes");
    assert_eq!(
        [Held::Name, Held::Path, Held::Signature, Held::Doc, Held::Body].map(|it| tax.of(it)),
        [1, 0, 1, 1, 1]
    );
    assert_eq!(counts(&summary, 1, "price").of(Held::Path), 1);
    assert_eq!(counts(&summary, 1, "cents").of(Held::Body), 1);
    assert_eq!(counts(&summary, 0, "cent").of(Held::Doc), 1);
    // A module of tests does not speak with its members' words.
    assert_eq!(counts(&summary, 2, "cents"), Counts::default());
    assert_eq!(summary.calls(1), {
        let mut calls = names_in("apply_rates rate");
        calls.sort_unstable();
        calls
    });
    assert_eq!(&*summary.imports[0], "rate");
}

#[test]
fn forms_of_a_word_and_spellings_of_a_name_meet() {
    for (one, other) in [
        ("parse", "parsing"),
        ("Parsed", "parses"),
        ("file", "files"),
        ("entry", "entries"),
        ("cache", "caching"),
        ("run", "running"),
        ("HTTPServer", "http_server"),
        ("parseConfig", "parse_config"),
        ("address", "addresses"),
    ] {
        let all = |text: &str| {
            let mut terms = terms_of(text);
            terms.sort_unstable();
            terms
        };
        assert_eq!(all(one), all(other), "{one} and {other}");
    }
    assert_eq!(terms_of("the self 42 _ return").len(), 0);
    assert_eq!(terms_of("parseConfig").len(), 3);
}

#[test]
fn own_names_stand_behind_what_qualifies_them() {
    for (qualified, own) in
        [("a::b::c", "c"), ("A.b", "b"), ("suite > gives v1.2 back", "gives v1.2 back"), ("f", "f")]
    {
        assert_eq!(own_name(qualified), own);
    }
}

#[test]
fn a_text_without_a_grammar_is_divided_by_its_indentation() {
    let source = "module Shop\n  class Price\n    def with_tax(rate)\n      cents * rate\n    end\n\n    def cents\n    end\n  end\nend\n";
    insta::assert_snapshot!(listed(&summarise_plain(source)), @r"
    1-10 1 Shop Module module Shop
    2-9 2 Shop.Price Class class Price
    3-5 3 Shop.Price.with_tax Method def with_tax(rate)
    7-8 7 Shop.Price.cents Method def cents
    ");
    let source = "static int add(int a, int b) {\n\tif (a) {\n\t\treturn b;\n\t}\n\treturn a + b;\n}\nint twice(int a)\n{\n\treturn a;\n}\n";
    insta::assert_snapshot!(listed(&summarise_plain(source)), @"1-6 1 add Function static int add(int a, int b)");
}

#[test]
fn a_corpus_follows_its_files() {
    let mut corpus = Corpus::new();
    let summary = Arc::new(summarise(Language::Rust, RUST));
    corpus.replace(&path("src/price.rs"), Arc::clone(&summary));
    corpus.replace(&path("tests/price.rs"), summary);
    let places = |corpus: &Corpus| {
        corpus.named("with_tax").map(|(path, it)| format!("{path}:{}", it.name_line)).collect::<Vec<_>>()
    };
    assert_eq!(places(&corpus), ["src/price.rs:14", "tests/price.rs:14"]);
    assert!(
        !corpus.get(&path("src/price.rs")).unwrap().is_test
            && corpus.get(&path("tests/price.rs")).unwrap().is_test
    );
    corpus.replace(&path("src/price.rs"), Arc::new(summarise(Language::Rust, "fn other() {}")));
    corpus.remove(&path("tests/price.rs"));
    assert!(places(&corpus).is_empty());
    assert_eq!(corpus.len(), 1);
}

#[test]
fn a_summary_is_kept_as_data() {
    let summary = summarise(Language::Rust, RUST);
    let json = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<FileSummary>(&json).unwrap(), summary);
    assert!(summary.bytes() < 4 * RUST.len());
}

#[test]
fn a_summary_is_of_one_grammar_in_one_version() {
    let mut versions: Vec<_> = Language::all().map(|language| summary_version(Some(language))).collect();
    versions.push(summary_version(None));
    let all = versions.len();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), all);
    assert!(Language::Rust.grammar_version().len() > 10);
}
