//! The tower layer around tower-lsp's service.
//!
//! tower-lsp polls handlers side by side, so that a `didChange` which waits is overtaken by
//! the next one; a handler that panics ends the server; and `exit` waits for standard input
//! to end. The transport calls [`OrderedService::call`] in the order of arrival, and that is
//! where this layer puts things right.

mod params;

use self::params::mended;
use super::frames::{REFUSED, refused};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::watch;
use tower::Service;
use tower_lsp::jsonrpc::{Error, ErrorCode, Id, Request, Response};

/// What must happen in the order of arrival: what the client is, and what its documents hold.
pub(super) trait Synchronised: Send + Sync + 'static {
    /// The `initialize` request, before it is answered.
    fn initialize(&self, params: &Value);

    /// A notification. True when it was one of those that must keep their order, and is done.
    fn notified(&self, method: &str, params: Value) -> bool;
}

/// How far the client has gone towards leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Not at all.
    Not,
    /// It has sent `shutdown`.
    ShutDown,
    /// It has sent `exit`.
    Exited {
        /// Whether `shutdown` came first.
        after_shutdown: bool,
    },
}

/// The layer.
pub(super) struct OrderedService<S> {
    inner: S,
    synchronised: Arc<dyn Synchronised>,
    leaving: watch::Sender<Leaving>,
}

impl<S> OrderedService<S> {
    /// Puts the layer around a service. The receiver tells when the client leaves.
    pub(super) fn new(inner: S, synchronised: Arc<dyn Synchronised>) -> (Self, watch::Receiver<Leaving>) {
        let (leaving, left) = watch::channel(Leaving::Not);
        (Self { inner, synchronised, leaving }, left)
    }

    fn leave(&self) {
        self.leaving.send_modify(|leaving| {
            *leaving = Leaving::Exited { after_shutdown: *leaving == Leaving::ShutDown };
        });
    }
}

impl<S> Service<Request> for OrderedService<S>
where
    S: Service<Request, Response = Option<Response>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Option<Response>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Option<Response>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let request = match request.id() {
            Some(_) if request.method() == REFUSED => return answered(refused(&request)),
            // tower-lsp passes over requests that an implementation need not know, and whoever has
            // sent one waits for ever.
            Some(id) if request.method().starts_with("$/") => {
                return answered(Response::from_error(id.clone(), Error::method_not_found()));
            }
            Some(_) => self.prepared(request),
            None => {
                let method = request.method().to_owned();
                if method == "exit" {
                    self.leave();
                }
                let params = request.params().cloned().unwrap_or(Value::Null);
                let synchronised = Arc::clone(&self.synchronised);
                match catch_unwind(AssertUnwindSafe(|| synchronised.notified(&method, params))) {
                    Ok(false) => without_null_params(request),
                    Ok(true) => return Box::pin(std::future::ready(Ok(None))),
                    Err(_) => {
                        tracing::error!(method, "a notification could not be applied: it panicked");
                        return Box::pin(std::future::ready(Ok(None)));
                    }
                }
            }
        };
        let id = request.id().cloned();
        // The task starts here, not when the transport first polls the answer.
        let task = tokio::spawn(self.inner.call(request));
        Box::pin(async move {
            match task.await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::error!(%error, "a handler ended without an answer");
                    Ok(id.map(|id| Response::from_error(id, panicked())))
                }
            }
        })
    }
}

impl<S> OrderedService<S> {
    fn prepared(&self, request: Request) -> Request {
        match request.method() {
            "initialize" => {
                let params = request.params().cloned().unwrap_or(Value::Null);
                self.synchronised.initialize(&params);
                // What the client is has been read above, leniently. tower-lsp would refuse the
                // whole request for one enum value that is younger than its types.
                with_params(request, Some(json!({ "capabilities": {} })))
            }
            "shutdown" => {
                self.leaving.send_modify(|leaving| {
                    if *leaving == Leaving::Not {
                        *leaving = Leaving::ShutDown;
                    }
                });
                with_params(request, None)
            }
            "textDocument/codeAction" | "workspace/executeCommand" => with_mended_params(request),
            _ => without_null_params(request),
        }
    }
}

fn with_mended_params(request: Request) -> Request {
    let (method, id, params) = request.into_parts();
    let params = params.map(|params| mended(&method, params)).filter(|params| !params.is_null());
    built(method, id, params)
}

fn answered<E: Send + 'static>(response: Response) -> BoxFuture<'static, Result<Option<Response>, E>> {
    Box::pin(std::future::ready(Ok(Some(response))))
}

/// Some clients write `"params": null` where the protocol has none, which tower-lsp refuses.
fn without_null_params(request: Request) -> Request {
    match request.params() {
        Some(Value::Null) => with_params(request, None),
        _ => request,
    }
}

fn with_params(request: Request, params: Option<Value>) -> Request {
    let (method, id, _) = request.into_parts();
    built(method, id, params)
}

fn built(method: Cow<'static, str>, id: Option<Id>, params: Option<Value>) -> Request {
    let mut built = Request::build(method);
    if let Some(params) = params {
        built = built.params(params);
    }
    match id {
        Some(id) => built.id(id).finish(),
        None => built.finish(),
    }
}

fn panicked() -> Error {
    Error {
        code: ErrorCode::InternalError,
        message: "the server failed at this request; the other requests are not affected".into(),
        data: None,
    }
}

#[cfg(test)]
mod tests;
