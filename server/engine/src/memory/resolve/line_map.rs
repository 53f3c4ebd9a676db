//! Which lines of a text are still there in another one.

use crate::limits::LINE_MAP_LINES_MAX;
use crate::text::split_lines;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// The lines that two texts have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineMap {
    /// Runs of equal lines: the first line then, the first line now, how many. Ascending.
    runs: Vec<(u32, u32, u32)>,
}

impl LineMap {
    /// Compares two texts; nothing when they have more lines than is allowed.
    pub fn between(then: &str, now: &str) -> Option<Self> {
        let (then, now) = (split_lines(then), split_lines(now));
        if then.len() + now.len() > LINE_MAP_LINES_MAX {
            return None;
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let runs =
            capture_diff_slices(Algorithm::Patience, &then, &now).into_iter().filter_map(|op| match op {
                DiffOp::Equal { old_index, new_index, len } => {
                    Some((count(old_index) + 1, count(new_index) + 1, count(len)))
                }
                _ => None,
            });
        Some(Self { runs: runs.collect() })
    }

    /// How many of the lines `then` are among the lines `now`; first and last line of both,
    /// counted from 1.
    pub fn surviving(&self, then: (u32, u32), now: (u32, u32)) -> u32 {
        let within = |&(old, new, length): &(u32, u32, u32)| {
            // Both ends as distances from the run's beginning.
            let first = then.0.saturating_sub(old).max(now.0.saturating_sub(new));
            let behind_then = (then.1 + 1).saturating_sub(old);
            let behind_now = (now.1 + 1).saturating_sub(new);
            behind_then.min(behind_now).min(length).saturating_sub(first)
        };
        self.runs.iter().map(within).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_followed_through_an_insertion_and_a_deletion() {
        let map = LineMap::between("a\nb\nc\nd\n", "new\na\nb\nd\n").unwrap();
        assert_eq!(map.surviving((1, 2), (2, 3)), 2);
        assert_eq!(map.surviving((1, 4), (1, 4)), 3);
        assert_eq!(map.surviving((3, 3), (1, 4)), 0);
        assert_eq!(map.surviving((2, 4), (3, 3)), 1);
    }

    #[test]
    fn texts_without_end_are_not_compared() {
        let long = "x\n".repeat(LINE_MAP_LINES_MAX);
        assert_eq!(LineMap::between(&long, "x\n"), None);
    }
}
