//! Bash and its kin.

use crate::syntax::grammar::{Grammar, around_one, call, named, own};
use crate::syntax::read::{Inside, Place, Reading, unquoted};
use crate::syntax::{Language, SymbolKind};

pub(super) static BASH: Grammar = Grammar {
    language: Language::Bash,
    load: || Some(tree_sitter_bash::LANGUAGE.into()),
    extensions: &["sh", "bash", "bats", "zsh", "ksh"],
    files: &[
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".bash_logout",
        ".bash_aliases",
        ".profile",
        ".zshrc",
        ".zshenv",
        ".zprofile",
        ".kshrc",
        ".envrc",
        "PKGBUILD",
        "APKBUILD",
    ],
    line_comments: &["#"],
    wrappers: &[around_one("declaration_command", &["variable_assignment"])],
    definitions: &[
        named(&["function_definition"], SymbolKind::Function, Inside::Function),
        own(&["variable_assignment"], variable),
        own(&["command"], test),
    ],
    calls: &[call("command", "name")],
    importers: &["source", "."],
    strings: &["word", "string", "raw_string"],
    ..Grammar::UNKNOWN
};

fn variable(place: &Place<'_, '_>) -> Reading {
    // `LANG=C sort` sets it for one command only.
    let is_passing = place.parent.is_some_and(|parent| parent.kind() == "command");
    match place.field("name") {
        Some(name) if name.kind() == "variable_name" && !place.is_local() && !is_passing => {
            place.called(name, SymbolKind::Constant, Inside::Function).with(|definition| {
                definition.head_end = Some(definition.name_range.end);
            })
        }
        _ => Reading::Nothing,
    }
}

/// A test of bats: `@test "title" {` on one line and `}` on another. To the grammar the first
/// is a command, and what follows are others.
fn test(place: &Place<'_, '_>) -> Reading {
    let is_test = place.field("name").is_some_and(|name| place.text(name) == "@test");
    let Some(title) = place.field("argument").filter(|_| is_test) else {
        return Reading::Nothing;
    };
    let rest = place.source.get(place.node.end_byte()..).unwrap_or_default();
    let body = rest.find("\n}").map_or(0, |at| at + "\n}".len());
    place.called(title, SymbolKind::Function, Inside::Function).with(|definition| {
        definition.name = unquoted(&definition.name).to_owned();
        definition.is_test = true;
        definition.head_end = Some(title.end_byte());
        definition.end = Some(place.node.end_byte() + body);
    })
}
