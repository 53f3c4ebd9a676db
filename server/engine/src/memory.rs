//! Operational memory: typed records that point at things and do not copy them. This room
//! holds what a record is, how memory files are read and checked, how the records hang
//! together, which of them matter to a failure, what runs leave behind, and how symbols are
//! found again after their files have changed.
//!
//! It does not open files and carries nothing out. Nothing that a record says instructs a
//! model, and a record names tasks but holds no command.

mod error;
mod file;
mod graph;
mod load;
mod maintenance;
mod masks;
mod operations;
mod pointer;
mod record;
mod remedy;
mod resolve;
mod schema;
mod sketch;
mod write;

pub use error::{error_forms, normalised};
pub use graph::{check, check_private};
pub use load::{MemoryFile, Reference, Referred, Written, anchor_text, load};
pub use maintenance::{MaintenanceRecord, Note, Standing};
pub use masks::masks_of;
pub use operations::{KnownFailure, Operations};
pub use pointer::{CommitId, CommitIdError, SymbolPointer};
pub use record::{
    Anchor, Body, Environment, FailureMode, Kind, Maintained, Origin, Procedure, Record, Runbook, Service,
    SymbolNote, TaskCall,
};
pub use remedy::{PlannedTask, Remedy};
pub use resolve::{
    Fingerprints, LineMap, PathMap, PointerState, Resolution, Trail, World, follow, may_move, newcomers,
    re_anchor, resembles, resolve,
};
pub use schema::json_schema;
pub use sketch::Sketch;
pub use write::to_yaml;

#[cfg(test)]
mod tests;
