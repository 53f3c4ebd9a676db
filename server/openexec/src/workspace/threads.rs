//! Work that is done side by side while somebody waits for it.

use crate::limits::INDEX_THREADS_MAX;
use openexec_engine::workers::{Workers, in_parts};

/// Items below which no thread is made.
const ITEMS_MIN: usize = 4;

/// As many threads as the machine can run at once, within limits. They last as long as the work.
pub(super) struct Threads;

impl Workers for Threads {
    fn count(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from).min(INDEX_THREADS_MAX)
    }

    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        std::thread::scope(|scope| {
            (1..pieces).for_each(|piece| _ = scope.spawn(move || work(piece)));
            // Whoever asks would only wait.
            if pieces > 0 {
                work(0);
            }
        });
    }
}

/// Maps in several threads; the results come in the order of the items.
pub(super) fn in_parallel<'a, T: Sync, R: Send + Sync>(
    items: &'a [T],
    work: impl Fn(&'a T) -> R + Sync,
) -> Vec<R> {
    let part = |part: &'a [T]| part.iter().map(&work).collect::<Vec<R>>();
    in_parts(&Threads, items, ITEMS_MIN, part).into_iter().flatten().collect()
}
