//! The pure heart of OpenExec: blueprints, runs, policy, edits and context.
//!
//! **Architecture invariant:** this crate performs no I/O, reads no clock, draws no random
//! number, starts no thread and looks at no environment. What it needs arrives as an event;
//! what it wants done leaves as a command.
#![warn(missing_docs)]

pub mod action;
pub mod blueprint;
pub mod budget;
pub mod context;
pub mod digest;
pub mod edit;
pub mod ids;
pub mod index;
pub mod limits;
pub mod memory;
pub mod model;
pub mod outline;
pub mod path;
pub mod policy;
pub mod redact;
pub mod routing;
pub mod run;
pub mod syntax;
pub mod task;
pub mod text;
pub mod workers;
mod yaml;
