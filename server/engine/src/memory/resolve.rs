//! Finding symbols again: where a pointer's symbol stands now, and how sure that is.
//!
//! Two states of a workspace are compared by a cascade of ways, the surest first (`search`).
//! Where the states between are known, [`follow`] goes through them one by one, so that each
//! step is small. Everything here is pure: the edge reads files and commits, and hands over
//! what it read as a [`World`].

mod anchor;
mod fingerprints;
mod line_map;
mod path_map;
mod search;
#[cfg(test)]
mod tests;
mod twins;

pub use anchor::re_anchor;
pub use fingerprints::{Fingerprints, newcomers};
pub use line_map::LineMap;
pub use path_map::PathMap;
pub use search::resembles;

use super::SymbolPointer;
use crate::path::WorkspacePath;
use crate::syntax::Language;
use search::Way;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// From which likeness on two texts are taken for the same symbol without a question, in
/// thousandths.
const CERTAIN_PERMILLE_MIN: u32 = 800;
/// The same for a symbol that keeps its qualified name and its file through one step of a walk:
/// that in a single commit one symbol goes and another of its name comes is rare, and then
/// they have little in common.
const STEP_CERTAIN_PERMILLE_MIN: u32 = 500;

/// How a pointer stands to the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointerState {
    /// The same text under the same name in the same file.
    Exact,
    /// The same name in the same file; its text has changed.
    Edited,
    /// The same name in another place: another file, or another container.
    Moved,
    /// Another name.
    Renamed,
    /// Something stands where the traces lead, but it may be something else. Never hydrated
    /// without a person's word.
    Suspect,
    /// Nothing was found.
    Stale,
}

impl PointerState {
    /// True where the place may be used without asking.
    pub fn is_certain(self) -> bool {
        match self {
            Self::Exact | Self::Edited | Self::Moved | Self::Renamed => true,
            Self::Suspect | Self::Stale => false,
        }
    }
}

/// Where a pointer's symbol stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// How it stands to the present.
    pub state: PointerState,
    /// The place now; of a suspect the place that is offered. Nothing when it is stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SymbolPointer>,
    /// Why, in one sentence for people.
    pub why: String,
    /// How alike the texts are, from 0 to 100: of a single comparison then and now, of a walk
    /// the two of its weakest step. 0 when it is stale or the text then is not known.
    pub similarity_percent: u8,
}

/// Two states of a workspace: *then*, when the pointer held, and *now*.
pub trait World {
    /// False where a file and everything in it is known to be the same in both.
    fn touches(&self, path: &WorkspacePath) -> bool;

    /// The symbols of a file now; nothing where there is none.
    fn now(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>>;

    /// The symbols of a file then; nothing where there was none, or where it is not known.
    fn then(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>>;

    /// Where a file went that is no longer at its place.
    fn moved_to(&self, path: &WorkspacePath) -> Option<WorkspacePath>;

    /// The lines that a file then and a file now have in common, where both are known.
    fn lines(&self, then: &WorkspacePath, now: &WorkspacePath) -> Option<LineMap>;

    /// Visits symbols of any file that exist now and did not exist then, as far as that is
    /// known. A world with an index may leave out what resembles `wanted` in nothing.
    fn newcomers(&self, wanted: &SymbolPointer, visit: &mut dyn FnMut(&SymbolPointer));
}

/// Compares two states of a workspace.
pub fn resolve(pointer: &SymbolPointer, world: &dyn World) -> Resolution {
    match search::search(pointer, world) {
        Some(hit) => {
            let (way, similarity) = (hit.way, hit.similarity_permille);
            judge(pointer, hit.place, &[(way, similarity)], CERTAIN_PERMILLE_MIN)
        }
        None => lost(pointer),
    }
}

/// Follows a symbol through consecutive states, the oldest step first. A step that does not
/// touch the symbol's file costs nothing.
pub fn follow<W: World>(pointer: &SymbolPointer, steps: impl IntoIterator<Item = W>) -> Resolution {
    let mut trail = Trail::of(pointer);
    for step in steps {
        trail.step(&step);
    }
    trail.end()
}

/// A pointer's symbol on its way through consecutive states of a workspace. A trail that has
/// been walked once can be kept, and walked on from there.
#[derive(Debug, Clone)]
pub struct Trail {
    pointer: SymbolPointer,
    /// Where it has come, or where it was last before it was lost.
    place: SymbolPointer,
    is_lost: bool,
    /// How it was found again at each step that touched its file, and how alike it was then.
    ways: Vec<(Way, Option<u32>)>,
}

impl Trail {
    /// One that begins where the pointer holds.
    pub fn of(pointer: &SymbolPointer) -> Self {
        Self { pointer: pointer.clone(), place: pointer.clone(), is_lost: false, ways: Vec::new() }
    }

    /// Goes one step on. What was lost is taken up again where it is back.
    pub fn step(&mut self, world: &dyn World) {
        let hit = match self.is_lost {
            false if !world.touches(&self.place.path) => return,
            false => search::search(&self.place, world),
            true => search::returned(&self.place, world),
        };
        self.is_lost = hit.is_none();
        if let Some(hit) = hit {
            self.ways.push((hit.way, hit.similarity_permille));
            self.place = hit.place;
        }
    }

    /// Where it has come, and how sure that is.
    pub fn end(self) -> Resolution {
        match self.is_lost {
            false => judge(&self.pointer, self.place, &self.ways, STEP_CERTAIN_PERMILLE_MIN),
            true => lost(&self.pointer),
        }
    }
}

/// True where a symbol of the one file may move into the other as it is: both are in the same
/// language, or in languages between which texts are handed on.
pub fn may_move(from: &WorkspacePath, to: &WorkspacePath) -> bool {
    use Language as L;
    let (from, to) = (Language::of_path(from), Language::of_path(to));
    let are_both = |family: &[L]| {
        let is_in = |language: Option<L>| language.is_some_and(|language| family.contains(&language));
        is_in(from) && is_in(to)
    };
    from == to || are_both(&[L::JavaScript, L::TypeScript, L::Tsx]) || are_both(&[L::C, L::Cpp])
}

fn lost(pointer: &SymbolPointer) -> Resolution {
    Resolution {
        state: PointerState::Stale,
        place: None,
        why: format!("nothing like `{}` is left of what stood in `{}`", pointer.symbol, pointer.path),
        similarity_percent: 0,
    }
}

/// What came of a search: `ways` are those of all its steps, and `named_min` is the likeness from
/// which on one that was found by its qualified name is certain.
fn judge(
    pointer: &SymbolPointer,
    place: SymbolPointer,
    ways: &[(Way, Option<u32>)],
    named_min: u32,
) -> Resolution {
    let weakest = ways.iter().map(|(_, similarity)| similarity.unwrap_or_default()).min();
    let similarity = weakest.unwrap_or(1000);
    let is_weak = |(way, similarity): &(Way, Option<u32>)| {
        let similarity = similarity.unwrap_or_default();
        match way {
            Way::Text => false,
            Way::Returned | Way::Copies => true,
            Way::Name => similarity < named_min,
            Way::OwnName | Way::Likeness => similarity < CERTAIN_PERMILLE_MIN,
        }
    };
    let same_file = pointer.path == place.path;
    let state = if ways.iter().any(is_weak) {
        PointerState::Suspect
    } else if same_file && pointer.symbol == place.symbol {
        if pointer.text == place.text { PointerState::Exact } else { PointerState::Edited }
    } else if pointer.own_name() == place.own_name() {
        PointerState::Moved
    } else {
        PointerState::Renamed
    };
    let percent = u8::try_from(similarity / 10).unwrap_or(100);
    let has_copies = ways.iter().any(|(way, _)| *way == Way::Copies);
    let why = match state {
        PointerState::Suspect if has_copies => format!(
            "`{}` may now be `{}` in `{}`, and the same text stands elsewhere as well",
            pointer.symbol, place.symbol, place.path
        ),
        state => reason(pointer, &place, state, percent),
    };
    Resolution { state, why, place: Some(place), similarity_percent: percent }
}

fn reason(pointer: &SymbolPointer, place: &SymbolPointer, state: PointerState, percent: u8) -> String {
    let place_text = format!("`{}` in `{}`", place.symbol, place.path);
    match state {
        PointerState::Exact => format!("`{}` stands unchanged in `{}`", pointer.symbol, pointer.path),
        PointerState::Edited => format!("{place_text} was edited and is {percent} % alike"),
        PointerState::Moved => format!("`{}` moved and is now {place_text}", pointer.symbol),
        PointerState::Renamed => format!("`{}` was renamed and is now {place_text}", pointer.symbol),
        PointerState::Suspect => {
            format!("`{}` may now be {place_text}, which is {percent} % alike", pointer.symbol)
        }
        PointerState::Stale => format!("nothing like `{}` is left", pointer.symbol),
    }
}
