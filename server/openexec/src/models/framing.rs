//! How the body of a streamed reply is cut into events.
//!
//! It must not know what an event says: a [`Decoder`](super::call::Decoder) does.

use super::call::{Fault, malformed};
use eventsource_stream::{EventStreamError, Eventsource as _};
use futures::io::AsyncBufReadExt as _;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use serde::de::IgnoredAny;
use tokio_util::bytes::Bytes;

/// What lies between two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-sent events.
    EventStream,
    /// One JSON document on each line.
    JsonLines,
}

impl Framing {
    /// The media type that is asked for.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::EventStream => "text/event-stream",
            Self::JsonLines => "application/x-ndjson",
        }
    }

    /// True when a body of this media type is cut in this way.
    pub(super) fn takes(self, content_type: &str) -> bool {
        let content_type = content_type.to_ascii_lowercase();
        match self {
            Self::EventStream => content_type.starts_with(self.media_type()),
            // A single document is a single line; proxies in front of Ollama say no more.
            Self::JsonLines => {
                content_type.starts_with(self.media_type()) || content_type.starts_with("application/json")
            }
        }
    }

    /// For people.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::EventStream => "a stream of events",
            Self::JsonLines => "a stream of JSON lines",
        }
    }

    /// The events of a body.
    pub(super) fn events<'a>(
        self,
        chunks: impl Stream<Item = Result<Bytes, Fault>> + Send + 'a,
    ) -> BoxStream<'a, Result<String, Fault>> {
        match self {
            Self::EventStream => {
                chunks.eventsource().map(|event| event.map(|event| event.data).map_err(event_fault)).boxed()
            }
            Self::JsonLines => lines(chunks).boxed(),
        }
    }
}

fn event_fault(error: EventStreamError<Fault>) -> Fault {
    match error {
        EventStreamError::Transport(fault) => fault,
        EventStreamError::Utf8(_) => not_utf8(),
        // The parser's own text would repeat what was received.
        EventStreamError::Parser(_) => malformed("it is not a stream of events"),
    }
}

fn not_utf8() -> Fault {
    malformed("it is not UTF-8 text")
}

/// The lines that are not blank. How long one may get is the business of whoever gives the chunks.
fn lines<'a>(
    chunks: impl Stream<Item = Result<Bytes, Fault>> + Send + 'a,
) -> impl Stream<Item = Result<String, Fault>> + Send + 'a {
    let reader = Box::pin(chunks.map_err(std::io::Error::other)).into_async_read();
    futures::stream::try_unfold(reader, |mut reader| async move {
        loop {
            let mut line = Vec::new();
            reader.read_until(b'\n', &mut line).await.map_err(|error| {
                error.downcast::<Fault>().unwrap_or_else(|_| malformed("it is not a stream of JSON lines"))
            })?;
            if line.is_empty() || is_cut(&line) {
                return Ok(None);
            }
            let line = String::from_utf8(line).map_err(|_| not_utf8())?;
            if !line.trim().is_empty() {
                return Ok(Some((line, reader)));
            }
        }
    })
}

/// True for a last line that does not end, and whose document does not either: it broke off.
fn is_cut(line: &[u8]) -> bool {
    let document = serde_json::from_slice::<IgnoredAny>(line);
    !line.ends_with(b"\n") && document.is_err_and(|error| error.is_eof())
}
