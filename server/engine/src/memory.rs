//! Operational memory: typed pointer records. A record points at things; it does not copy
//! them. This room holds the model and finds the records that matter for a symbol.

mod maintenance;
mod pointer;

pub use maintenance::{MaintenanceRecord, Note};
pub use pointer::SymbolPointer;
