//! A run as a state machine. [`RunState::apply`] takes an event and answers with commands;
//! the driver carries the commands out and brings back events. All of a run's inputs are
//! events, so the same journal gives the same commands, byte for byte.

mod agent;
mod apply;
mod command;
mod course;
mod event;
mod flow;
mod gate;
mod landing;
mod lesson;
mod procedure;
mod prompt;
mod stage;
mod state;
mod status;

#[cfg(test)]
mod tests;

pub use apply::tells_failed_reversal;
pub use command::{Command, ContextQuery, Read, ReadScope};
pub use event::{
    ApplyReport, DiagnosticInput, Event, FileOutcome, HydratedText, Inputs, LiveText, Look, Nearness,
    OpenDocument, Outcome, ProcedurePart, RelatedPlace, RunStarted, StepOutcome, Target,
};
pub use state::RunState;
pub use status::{Asked, Evidence, RequestSummary, Status};
