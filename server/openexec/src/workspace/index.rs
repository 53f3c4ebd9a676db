//! What is known of each file without reading it again: a summary of what it defines and which
//! words stand where. It is made once for each content of a file, side by side and in the
//! background where a session lasts, and kept from one session to the next.
//!
//! The index is a cache: dropping it, or any part of it, changes no answer that waits for it to
//! be complete. Files that no model may see never enter it.
//!
//! How it is brought up to date: `refresh` finds out what has changed, by the states of files
//! and directories alone; `shelf` takes back what was known in an earlier session; `work` reads
//! and parses what is left, in as many threads as come to help; what an editor has `open` is not
//! parsed a second time. All of them leave their results
//! in `state`, from which `rest` puts them aside while nobody needs them. `keeper` does this in the background; `view` is what a pack is gathered from.

mod keeper;
mod open;
mod pace;
mod parsed;
mod record;
mod refresh;
mod rest;
mod shelf;
mod state;
mod view;
mod work;

pub use keeper::{Changed, Keeper};
pub use open::OpenTexts;
pub(super) use parsed::Parsed;
pub use shelf::Shelf;
pub(super) use state::Content;
pub use view::Indexed;
pub(super) use work::content_of;

use super::secrets::{Environments, SecretsKept};
use parking_lot::{Condvar, Mutex};
use state::State;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

/// What is known of the files of one root, as they stand on disk.
#[derive(Default)]
pub(super) struct Index {
    state: Mutex<State>,
    /// Told whenever a file is done.
    done: Condvar,
    /// Told when there is enough to be saved, or nothing more will come. Whoever saves is not
    /// woken for each file.
    savable: Condvar,
    texts: Mutex<Option<Arc<dyn OpenTexts>>>,
    /// Held, and waited with, by the threads of the background while somebody types.
    pausing: Mutex<()>,
    typed: Condvar,
    /// Held by whoever looks for changes: who comes meanwhile waits for the answer.
    refreshing: Mutex<()>,
    /// Held by whoever saves.
    saving: Mutex<()>,
    shelf: Option<Arc<dyn Shelf>>,
    /// Done once: what an earlier session knew is there.
    taken: OnceLock<()>,
    /// How many keepers work in the background.
    keepers: AtomicUsize,
    used: rest::Use,
    over: Mutex<view::Buffers>,
    symbols: Mutex<parsed::Symbols>,
    pub(super) environments: Mutex<Environments>,
    pub(super) secrets: SecretsKept,
}

impl Index {
    pub(super) fn with_shelf(shelf: Arc<dyn Shelf>) -> Self {
        Self { shelf: Some(shelf), ..Self::default() }
    }
}
