//! The model adapters against what others wrote: the types and packages of the providers, a
//! mock of all five wire APIs, a translator between them, and servers that mean harm.
//!
//! `tests/prepare-models` gets the peers; `tests/models` describes what they are told.

mod aimock;
mod client;
mod conversations;
mod gemini_sdk;
mod hostile;
mod litellm;
mod peer;
mod recorder;
mod requests;
mod runs;
