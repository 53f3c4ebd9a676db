//! The toolsets that blueprints can name.

use super::Toolset;
use crate::ids::ToolsetName;

/// The built-in toolset of this name.
pub fn toolset(_name: &ToolsetName) -> Option<Toolset> {
    todo!()
}

/// The names of all built-in toolsets.
pub fn toolset_names() -> Vec<&'static str> {
    todo!()
}
