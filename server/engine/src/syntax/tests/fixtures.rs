//! A small file of each language that has no test of its own in `outlines`: what is found in
//! it, what it uses, and that an error in its middle hides nothing that stands around it.

use super::*;

/// The files, known by their names.
const FIXTURES: [(&str, &str); 15] = [
    ("parser.kt", include_str!("fixtures/parser.kt")),
    ("parser.rb", include_str!("fixtures/parser.rb")),
    ("parser.php", include_str!("fixtures/parser.php")),
    ("parser.sh", include_str!("fixtures/parser.sh")),
    ("parser.lua", include_str!("fixtures/parser.lua")),
    ("Parser.cs", include_str!("fixtures/Parser.cs")),
    ("parser.swift", include_str!("fixtures/parser.swift")),
    ("Parser.scala", include_str!("fixtures/Parser.scala")),
    ("schema.sql", include_str!("fixtures/schema.sql")),
    ("data.json", include_str!("fixtures/data.json")),
    ("data.yaml", include_str!("fixtures/data.yaml")),
    ("data.toml", include_str!("fixtures/data.toml")),
    ("document.md", include_str!("fixtures/document.md")),
    ("document.html", include_str!("fixtures/document.html")),
    ("style.css", include_str!("fixtures/style.css")),
];

/// The languages whose tests stand in `outlines` and `uses`.
const OUTLINED: [Language; 9] = [
    Language::Rust,
    Language::Python,
    Language::JavaScript,
    Language::TypeScript,
    Language::Tsx,
    Language::Go,
    Language::Java,
    Language::C,
    Language::Cpp,
];

fn language_of(name: &str) -> Language {
    Language::of_path(&WorkspacePath::parse(name).unwrap()).unwrap()
}

#[test]
fn what_is_found_in_each_language() {
    let settings = {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("fixtures");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings
    };
    for (name, source) in FIXTURES {
        let language = language_of(name);
        if !language.is_built_in() {
            assert!(LARGE.contains(&language), "{language:?} is not built in");
            continue;
        }
        let found = format!("{}\n{}", outline(language, source), uses(language, source));
        settings.bind(|| insta::assert_snapshot!(name, found));
    }
}

/// The languages of the feature `large-grammars`.
const LARGE: [Language; 4] = [Language::CSharp, Language::Swift, Language::Scala, Language::Sql];

#[test]
fn the_table_holds_every_language_once() {
    let shown = FIXTURES.map(|(name, _)| language_of(name)).into_iter().chain(OUTLINED);
    let mut shown: Vec<Language> = shown.collect();
    let mut all: Vec<Language> = Language::all().collect();
    shown.sort();
    all.sort();
    assert_eq!(all, shown, "every language has its fixture, and none stands twice in the table");
    for language in LARGE {
        assert_eq!(language.is_built_in(), cfg!(feature = "large-grammars"), "{language:?}");
    }
}

#[test]
fn entries_name_what_their_grammars_know() {
    let mut names = std::collections::BTreeSet::new();
    for entry in languages::all() {
        let grammar = entry.grammar;
        for name in grammar.extensions.iter().chain(grammar.files) {
            assert!(names.insert(*name), "{name} stands for two languages");
        }
        let Some(loaded) = entry.loaded() else { continue };
        for kind in grammar.bodies {
            let id = |is_named| loaded.parser.id_for_node_kind(kind, is_named);
            assert!(id(true) != 0 || id(false) != 0, "{:?} has no `{kind}`", grammar.language);
        }
        for kind in grammar.kinds_named() {
            assert!(
                loaded.parser.id_for_node_kind(kind, true) != 0,
                "{:?} has no kind of node `{kind}`",
                grammar.language
            );
        }
        for field in grammar.fields_named() {
            assert!(
                loaded.parser.field_id_for_name(field).is_some(),
                "{:?} has no field `{field}`",
                grammar.language
            );
        }
    }
}

/// What stands behind the error is found, and so is what stands before it.
#[test]
fn an_error_in_the_middle_hides_nothing_around_it() {
    for (name, source) in FIXTURES {
        let language = language_of(name);
        let Some(tree) = SyntaxTree::parse(language, &Rope::from_str(source)) else {
            assert!(!language.is_built_in());
            continue;
        };
        let symbols = tree.symbols(source);
        let (first, last) = (symbols.first().unwrap(), symbols.last().unwrap());
        // To Markdown and HTML nothing is an error.
        let forgives = matches!(language, Language::Markdown | Language::Html);
        if !forgives {
            assert!(tree.tree().root_node().has_error(), "{name}");
            let error = source.find("broken").or_else(|| source.find("Broken")).unwrap();
            assert!(first.range.start < error && error < last.range.start, "{name}: {last:?}");
        }
    }
}
