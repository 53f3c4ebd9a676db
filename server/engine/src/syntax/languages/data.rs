//! JSON, YAML and TOML: the keys at the top and one level below. Signatures end before the
//! value, which may be anything.

use crate::syntax::grammar::{Grammar, Nature, own};
use crate::syntax::read::{Inside, Place, Reading, unquoted};
use crate::syntax::{Language, SymbolKind};
use tree_sitter::Node;

pub(super) static JSON: Grammar = Grammar {
    language: Language::Json,
    nature: Nature::Structure,
    load: || Some(tree_sitter_json::LANGUAGE.into()),
    extensions: &["json", "jsonc", "webmanifest", "geojson", "ipynb"],
    files: &["composer.lock", "Pipfile.lock", "flake.lock", ".babelrc", ".jshintrc", ".swcrc"],
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    definitions: &[own(&["pair"], pair), own(&["array"], list)],
    ..Grammar::UNKNOWN
};

pub(super) static YAML: Grammar = Grammar {
    language: Language::Yaml,
    nature: Nature::Structure,
    load: || Some(tree_sitter_yaml::LANGUAGE.into()),
    extensions: &["yaml", "yml", "cff"],
    files: &[".clang-format", ".clang-tidy", ".clangd", ".prettierrc", ".eslintrc", "pubspec.lock"],
    line_comments: &["#"],
    definitions: &[
        own(&["block_mapping_pair", "flow_pair"], pair),
        own(&["block_sequence", "flow_sequence"], list),
    ],
    ..Grammar::UNKNOWN
};

pub(super) static TOML: Grammar = Grammar {
    language: Language::Toml,
    nature: Nature::Structure,
    load: || Some(tree_sitter_toml_ng::LANGUAGE.into()),
    extensions: &["toml"],
    files: &["Cargo.lock", "poetry.lock", "uv.lock", "pdm.lock", "Gopkg.lock", "Pipfile"],
    line_comments: &["#"],
    definitions: &[own(&["table", "table_array_element"], table), own(&["pair"], setting)],
    ..Grammar::UNKNOWN
};

fn pair(place: &Place<'_, '_>) -> Reading {
    let holds_pairs = place.field("value").is_some_and(|value| {
        // A node of YAML has its tag and its anchor before the value itself.
        let is_pairs = |node: &Node<'_>| matches!(node.kind(), "object" | "block_mapping" | "flow_mapping");
        is_pairs(&value)
            || matches!(value.kind(), "block_node" | "flow_node")
                && value.named_children(&mut value.walk()).any(|inner| is_pairs(&inner))
    });
    keyed(place, place.field("key"), if holds_pairs { SymbolKind::Section } else { SymbolKind::Key })
}

fn table(place: &Place<'_, '_>) -> Reading {
    let key = place.node.named_child(0);
    let bracket = key.and_then(|key| key.next_sibling());
    keyed(place, key, SymbolKind::Section).with(|definition| {
        definition.head_end = bracket.map(|bracket| bracket.end_byte()).or(definition.head_end);
    })
}

fn setting(place: &Place<'_, '_>) -> Reading {
    keyed(place, place.node.named_child(0), SymbolKind::Key)
}

fn keyed(place: &Place<'_, '_>, key: Option<Node<'_>>, kind: SymbolKind) -> Reading {
    let inside = match place.inside {
        Inside::Module => Inside::Type,
        Inside::Type | Inside::TestType => Inside::Function,
        Inside::Function => return Reading::Nothing,
    };
    let Some(key) = key else {
        return Reading::Nothing;
    };
    place.called(key, kind, inside).with(|definition| {
        definition.name = unquoted(&definition.name).to_owned();
        definition.head_end = Some(key.end_byte());
    })
}

/// The keys of what stands in a list are those of any of its items.
fn list(_: &Place<'_, '_>) -> Reading {
    Reading::Within(Inside::Function)
}
