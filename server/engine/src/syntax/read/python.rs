//! Python.

use super::{Inside, Place, Reading};
use crate::syntax::SymbolKind;

pub(in crate::syntax) fn read(place: &Place<'_, '_>) -> Reading {
    match place.node.kind() {
        "class_definition" => {
            let name = place.field("name").map(|name| place.text(name)).unwrap_or_default();
            let bases = place.field("superclasses").map(|bases| place.text(bases)).unwrap_or_default();
            // pytest collects classes named Test…, and every unittest.TestCase.
            let collected = name.starts_with("Test") || bases.contains("TestCase");
            let inside = if collected { Inside::TestType } else { Inside::Type };
            place.named(SymbolKind::Class, inside).with(|definition| definition.is_test = collected)
        }
        "function_definition" => place.named(place.callable(), Inside::Function).with(|definition| {
            definition.is_test = definition.name.starts_with("test")
                && matches!(place.inside, Inside::Module | Inside::TestType);
        }),
        "assignment" if !place.is_local() => match place.field("left") {
            Some(left) if left.kind() == "identifier" => {
                place.called(left, SymbolKind::Constant, Inside::Function).with(|definition| {
                    definition.head_end = place.field("right").map(|right| right.start_byte());
                })
            }
            _ => Reading::Nothing,
        },
        "type_alias_statement" => match place.field("left") {
            Some(left) => place.called(left, SymbolKind::Type, Inside::Function),
            None => Reading::Nothing,
        },
        _ => Reading::Nothing,
    }
}
