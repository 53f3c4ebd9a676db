//! The same qualified name in the same file: overloads, implementations of several traits,
//! definitions under conditions of a preprocessor.

use super::World;
use super::fingerprints::Fingerprints;
use super::search::{Hit, Way, alike, same_body, same_sort};
use crate::memory::SymbolPointer;
use std::cmp::Reverse;

/// Likeness below which a twin is not taken for another one that has gone.
const TWIN_PERMILLE_MIN: u32 = 450;

/// The symbol that bears the pointer's qualified name in its file now.
pub(super) fn named(pointer: &SymbolPointer, now: &Fingerprints, world: &dyn World) -> Option<Hit> {
    let bearers: Vec<&SymbolPointer> =
        now.named(&pointer.symbol).filter(|bearer| same_sort(pointer.kind, bearer.kind)).collect();
    if let Some(same) = closest(pointer, bearers.iter().copied().filter(|bearer| pointer.text == bearer.text))
    {
        return Some(Hit::new(pointer, same, Way::Text));
    }
    let then = world.then(&pointer.path);
    let twins: Vec<&SymbolPointer> = then
        .iter()
        .flat_map(|then| then.named(&pointer.symbol))
        .filter(|twin| twin.ordinal != pointer.ordinal && same_sort(pointer.kind, twin.kind))
        .collect();
    let free = unclaimed(&bearers, &twins);
    match free.as_slice() {
        [] => None,
        [only] if twins.is_empty() => Some(Hit::new(pointer, only, Way::Name)),
        several => among(pointer, several, &twins, world),
    }
}

/// The bearers that no twin has a better right to: one whose text is a twin's belongs to it.
fn unclaimed<'a>(bearers: &[&'a SymbolPointer], twins: &[&SymbolPointer]) -> Vec<&'a SymbolPointer> {
    let mut free = bearers.to_vec();
    for same in [
        (|one: &SymbolPointer, two: &SymbolPointer| one.text == two.text)
            as fn(&SymbolPointer, &SymbolPointer) -> bool,
        same_body,
    ] {
        for twin in twins {
            if bearers.len() > free.len() + twins.len() {
                break;
            }
            if let Some(at) = free.iter().position(|bearer| same(twin, bearer)) {
                free.remove(at);
            }
        }
    }
    free
}

/// The one of several: of the same tokens, of the same head, on the same lines, most alike.
fn among(
    pointer: &SymbolPointer,
    several: &[&SymbolPointer],
    twins: &[&SymbolPointer],
    world: &dyn World,
) -> Option<Hit> {
    let hit = |place: &SymbolPointer| Some(Hit::new(pointer, place, Way::Name));
    if let Some(same) = closest(pointer, several.iter().copied().filter(|bearer| same_body(pointer, bearer)))
    {
        return hit(same);
    }
    let mut heads = several
        .iter()
        .filter(|bearer| !pointer.signature.is_empty() && bearer.signature == pointer.signature);
    if let (Some(only), None) = (heads.next(), heads.next()) {
        return hit(only);
    }
    let lines = several.first().and_then(|first| world.lines(&pointer.path, &first.path));
    let surviving =
        |bearer: &SymbolPointer| lines.as_ref().map_or(0, |map| map.surviving(pointer.lines, bearer.lines));
    let most = several.iter().copied().max_by_key(|bearer| {
        (surviving(bearer), alike(pointer, bearer), Reverse(bearer.ordinal.abs_diff(pointer.ordinal)))
    })?;
    // One that shares no line with it and resembles another twin more is that twin's.
    let likeness = alike(pointer, most).unwrap_or_default();
    let is_anothers = || twins.iter().any(|twin| alike(twin, most).unwrap_or_default() > likeness);
    if surviving(most) == 0 && likeness < TWIN_PERMILLE_MIN && is_anothers() {
        return None;
    }
    hit(most)
}

/// The one whose number among its twins is closest.
fn closest<'a>(
    pointer: &SymbolPointer,
    bearers: impl Iterator<Item = &'a SymbolPointer>,
) -> Option<&'a SymbolPointer> {
    bearers.min_by_key(|bearer| (bearer.ordinal.abs_diff(pointer.ordinal), bearer.ordinal))
}
