//! Operational memory: typed pointer records. A record points at things; it does not copy
//! them. This room holds the model, finds the records that matter for a symbol, and finds
//! symbols again after their files have changed.

mod maintenance;
mod pointer;
mod resolve;
mod sketch;

pub use maintenance::{MaintenanceRecord, Note};
pub use pointer::{CommitId, CommitIdError, SymbolPointer};
pub use resolve::{
    Fingerprints, LineMap, PathMap, PointerState, Resolution, World, follow, newcomers, re_anchor, resolve,
};
pub use sketch::Sketch;
