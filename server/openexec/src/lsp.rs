//! The language server: what editors say becomes plain values, plain values become what
//! editors understand.
//!
//! It holds the open documents and the client's capabilities; runs belong to the driver.
//!
//! **Architecture invariant:** nothing in here waits for a model, a walk of the disk or the
//! editor while it answers a request; but a menu that is opened before anything could be read
//! waits a short time for that. Only [`frames`], [`service`], [`editor`] and [`server`]
//! know the transport; everything else is data in, value out.

mod actions;
mod annotations;
mod apply;
mod commands;
mod conversation;
mod decisions;
mod documents;
mod editor;
mod follow;
mod frames;
mod memory;
mod own_files;
mod review;
mod roots;
mod runs;
mod server;
mod service;
mod session;
mod stdin;
mod surface;
mod traits;
mod trust;
mod uri;
mod workspace_edit;

/// The protocol's types. The rest of the server names them through this module only, so that
/// another version or another crate is a change of one place.
mod protocol {
    pub(super) use tower_lsp::lsp_types::*;
}

pub use conversation::{Ended, converse};

use crate::config::{UserConfig, UserDirs};
use crate::driver::Runtime;
use anyhow::Context as _;

/// Serves LSP on standard input and output until `exit`.
///
/// A configuration that cannot be used does not keep the server from starting: the editor
/// is told why with every command.
///
/// # Errors
/// When user scope cannot be found, or when the editor leaves without `shutdown`, for which
/// the protocol wants a failing exit code.
pub async fn serve() -> anyhow::Result<()> {
    let dirs = UserDirs::from_environment().context("could not find the user's directories")?;
    let runtime = UserConfig::load(&dirs)
        .map_err(|error| format!("{error:#}"))
        .and_then(|config| Runtime::new(dirs.clone(), config).map_err(|error| error.to_string()));
    match converse(stdin::reader(), tokio::io::stdout(), runtime, dirs).await {
        Ended::Properly => Ok(()),
        Ended::WithoutShutdown => anyhow::bail!("the editor left without sending `shutdown`"),
    }
}
