//! Who does work that falls into pieces. The engine has no threads; the edge may lend it some.

use std::sync::OnceLock;

/// Does pieces of work that do not depend on each other. What they come to is the same, whether
/// they are done one after the other or side by side.
pub trait Workers {
    /// How many pieces can be done at once.
    fn count(&self) -> usize;

    /// Does the pieces from 0 to below this number, each once. Returns when all are done.
    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync));
}

/// Whoever asks does it all.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Workers for Alone {
    fn count(&self) -> usize {
        1
    }

    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..pieces).for_each(work);
    }
}

/// What `work` gives for each part of some items, in their order. There is a part for every
/// worker, but none of fewer items than this, except the last.
pub fn in_parts<'a, T: Sync, R: Send + Sync>(
    workers: &dyn Workers,
    items: &'a [T],
    items_min: usize,
    work: impl Fn(&'a [T]) -> R + Sync,
) -> Vec<R> {
    let share = items.len().div_ceil(workers.count().max(1)).max(items_min).max(1);
    let parts: Vec<(&'a [T], OnceLock<R>)> =
        items.chunks(share).map(|part| (part, OnceLock::new())).collect();
    workers.each(parts.len(), &|at| {
        if let Some((part, done)) = parts.get(at) {
            done.get_or_init(|| work(part));
        }
    });
    parts.into_iter().filter_map(|(_, done)| done.into_inner()).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Several, of whom the last begins.
    pub(crate) struct Backwards(pub(crate) usize);

    impl Workers for Backwards {
        fn count(&self) -> usize {
            self.0
        }

        fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
            (0..pieces).rev().for_each(work);
        }
    }

    proptest! {
        #[test]
        fn whoever_works_every_item_is_in_one_part_and_in_order(
            items in prop::collection::vec(any::<u8>(), 0..40),
            count in 0_usize..6,
            items_min in 0_usize..6,
        ) {
            let parts = in_parts(&Backwards(count), &items, items_min, <[u8]>::to_vec);
            prop_assert!(parts.len() <= count.max(1));
            prop_assert!(parts.iter().rev().skip(1).all(|part| part.len() >= items_min));
            prop_assert_eq!(parts.concat(), items);
        }
    }
}
