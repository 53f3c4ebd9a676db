//! One conversation with one editor, over any pair of streams.

use super::frames::decodable;
use super::protocol::notification::Notification as _;
use super::protocol::notification::WorkDoneProgressCancel;
use super::server::{Handlers, stop_indexing};
use super::service::{Leaving, OrderedService};
use super::session::{Inbox, Session};
use crate::config::UserDirs;
use crate::driver::Runtime;
use crate::limits::{EXIT_FLUSH_MS, MESSAGES_CONCURRENT_MAX};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tower_lsp::{LspService, Server};

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The editor sent `shutdown` first.
    Properly,
    /// It did not.
    WithoutShutdown,
}

/// Talks to an editor until it sends `exit` or its stream ends. `runtime` is an error when
/// user scope cannot be used: the editor is then told why with every command. Documents for
/// people are written into the state of `dirs`.
pub async fn converse<I, O>(
    input: I,
    output: O,
    runtime: Result<Arc<Runtime>, String>,
    dirs: UserDirs,
) -> Ended
where
    I: AsyncRead + Unpin,
    O: AsyncWrite,
{
    let session = Arc::new(Session::default());
    let handlers_session = Arc::clone(&session);
    let background = runtime.clone().ok();
    let (service, socket) =
        LspService::build(|client| Handlers::new(client, handlers_session, runtime, dirs))
            .custom_method(WorkDoneProgressCancel::METHOD, Handlers::progress_cancelled)
            .custom_method("openexec/runs", Handlers::runs)
            .custom_method("openexec/changes", Handlers::changes)
            .custom_method("openexec/documentDigest", Handlers::document_digest)
            .finish();
    let (service, left) = OrderedService::new(service, Arc::new(Inbox(Arc::clone(&session))));
    let input = std::pin::pin!(decodable(input));
    let serving =
        Server::new(input, output, socket).concurrency_level(MESSAGES_CONCURRENT_MAX).serve(service);
    tokio::pin!(serving);
    let mut exited = left.clone();
    tokio::select! {
        () = &mut serving => {}
        () = exit(&mut exited) => {
            // Answers that were ready before `exit` still go out; the input may stay open for ever.
            let flush = Duration::from_millis(EXIT_FLUSH_MS);
            drop(tokio::time::timeout(flush, &mut serving).await);
        }
    }
    if let Some(runtime) = background {
        stop_indexing(&session, runtime).await;
    }
    let leaving = *left.borrow();
    match leaving {
        Leaving::ShutDown | Leaving::Exited { after_shutdown: true } => Ended::Properly,
        Leaving::Not | Leaving::Exited { after_shutdown: false } => Ended::WithoutShutdown,
    }
}

async fn exit(left: &mut watch::Receiver<Leaving>) {
    let gone = left.wait_for(|leaving| matches!(leaving, Leaving::Exited { .. })).await;
    if gone.is_err() {
        // The service is gone, so that the transport has ended or is about to.
        std::future::pending::<()>().await;
    }
}
