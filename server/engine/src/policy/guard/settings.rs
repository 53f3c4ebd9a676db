//! placeholder
use super::{Changed, Weakening};
use crate::path::WorkspacePath;
pub(super) fn concerns(_: &WorkspacePath) -> bool {
    false
}
pub(super) fn weakenings(_: &Changed<'_>) -> Vec<Weakening> {
    Vec::new()
}
