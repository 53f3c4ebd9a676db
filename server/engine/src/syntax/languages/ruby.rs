//! Ruby.

use crate::syntax::grammar::{Grammar, call, callable, named, own};
use crate::syntax::read::{Inside, Place, Reading, TitledTests};
use crate::syntax::{Language, SymbolKind};

/// Tests of RSpec, of Minitest's specs and of Rails.
const TITLED: TitledTests = TitledTests {
    suites: &["describe", "context", "feature", "fdescribe", "xdescribe"],
    tests: &["it", "specify", "test", "scenario", "fit"],
    skipped: &["xit", "xspecify", "xscenario"],
};

pub(super) static RUBY: Grammar = Grammar {
    language: Language::Ruby,
    load: || Some(tree_sitter_ruby::LANGUAGE.into()),
    extensions: &["rb", "rake", "gemspec", "ru", "podspec", "jbuilder"],
    files: &[
        "Rakefile",
        "Gemfile",
        "Guardfile",
        "Podfile",
        "Capfile",
        "Vagrantfile",
        "Brewfile",
        "Fastfile",
        "Appfile",
        "Appraisals",
        "Dangerfile",
        "Berksfile",
        "Thorfile",
        ".irbrc",
        ".pryrc",
    ],
    separator: "::",
    line_comments: &["#"],
    block_comments: &[("=begin", "=end")],
    bodies: &["end"],
    definitions: &[
        named(&["module"], SymbolKind::Module, Inside::Module),
        own(&["class"], class),
        callable(&["method"], is_test),
        named(&["singleton_method"], SymbolKind::Method, Inside::Function),
        own(&["assignment"], assignment),
        own(&["call"], titled),
    ],
    calls: &[call("call", "method")],
    importers: &["require", "require_relative", "load", "autoload"],
    strings: &["string"],
    ..Grammar::UNKNOWN
};

fn class(place: &Place<'_, '_>) -> Reading {
    // Minitest::Test, Test::Unit::TestCase, ActiveSupport::TestCase.
    let is_suite = place.field("superclass").is_some_and(|base| place.text(base).contains("Test"));
    place.named(SymbolKind::Class, if is_suite { Inside::TestType } else { Inside::Type })
}

fn is_test(place: &Place<'_, '_>, name: &str) -> bool {
    place.inside == Inside::TestType && name.starts_with("test_")
}

fn assignment(place: &Place<'_, '_>) -> Reading {
    match place.field("left") {
        Some(left) if left.kind() == "constant" && !place.is_local() => {
            place.called(left, SymbolKind::Constant, Inside::Function).with(|definition| {
                definition.head_end = place.field("right").map(|right| right.start_byte());
            })
        }
        _ => Reading::Nothing,
    }
}

/// `describe "title" do … end` and `it "title" do … end`.
fn titled(place: &Place<'_, '_>) -> Reading {
    let title = place.field("arguments").and_then(|arguments| arguments.named_child(0));
    match (place.field("method"), title, place.field("block")) {
        (Some(method), Some(title), Some(block)) => {
            place.titled(place.text(method), title, block.start_byte(), &TITLED)
        }
        _ => Reading::Nothing,
    }
}
