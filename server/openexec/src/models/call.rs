//! One call over HTTP, whatever the wire API: attempts, timeouts, limits, errors.
//!
//! It must not know what is in a request or a reply: a [`Decoder`] does.

use super::certificate;
use super::explanation::{Explanation, cause};
use super::framing::Framing;
use super::http_model::Provider;
use super::refusal::Meaning;
use super::{ModelProgress, Timeouts, retry_after};
use crate::config::{AZURE_VERSION, HttpModelConfig};
use crate::limits::{
    MODEL_ATTEMPTS_MAX, MODEL_ERROR_BODY_BYTES_MAX, MODEL_EVENT_BYTES_MAX, MODEL_REPLY_BYTES_MAX,
    MODEL_RETRY_AFTER_MS_MAX, MODEL_WIRE_BYTES_MAX,
};
use backon::{ExponentialBuilder, Retryable as _};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use openexec_engine::ids::ActionId;
use openexec_engine::model::{ModelError, ModelReply, ModelRequest, ToolCall};
use parking_lot::Mutex;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::bytes::Bytes;

/// Turns a stream's events into a reply.
pub(super) trait Decoder: Send {
    /// Takes one event.
    fn event(&mut self, data: &str, explanation: &Explanation<'_>) -> Result<Flow, Fault>;
    /// Bytes of content so far: text, arguments, thinking.
    fn content_bytes(&self) -> usize;
    /// True when the reply is whole, even if the stream has not ended as it should.
    fn is_whole(&self) -> bool;
    /// The reply; asked for only when it is whole.
    fn reply(self) -> ModelReply;
}

/// Whether more events are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    More,
    Ended,
}

/// Why an attempt failed, and whether another one may help.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(super) struct Fault {
    pub error: ModelError,
    pub again: Again,
}

/// Whether another attempt may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    /// After the usual delay.
    Soon,
    /// Not before this has passed.
    After(Duration),
}

impl Fault {
    pub(super) fn never(error: ModelError) -> Self {
        Self { error, again: Again::Never }
    }

    fn soon(error: ModelError) -> Self {
        Self { error, again: Again::Soon }
    }

    /// What a server says in the midst of a stream, by the name that it gives the error.
    pub(super) fn announced(kind: &str, said: &str, explanation: &Explanation<'_>) -> Self {
        let meaning = Meaning::announced(kind, said);
        let error = meaning.error(&explanation.of_body(said), explanation.key_name);
        let again = if meaning.may_pass() { Again::Soon } else { Again::Never };
        Self { error, again }
    }
}

/// A reply that is not what the wire format promises.
pub(super) fn malformed(reason: impl Into<String>) -> Fault {
    Fault::never(ModelError::Malformed { reason: reason.into() })
}

/// The arguments of a tool call as text; some servers send the object itself.
pub(super) fn arguments_text(arguments: Option<Value>) -> Result<String, Fault> {
    match arguments {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text),
        Some(object @ Value::Object(_)) => Ok(object.to_string()),
        Some(_) => Err(malformed("arguments of a tool call are neither a text nor an object")),
    }
}

/// A tool call as it was received. Without an id it gets one that depends on nothing but its
/// place; without arguments it has none.
pub(super) fn tool_call(id: String, made_id: String, name: String, arguments: String) -> ToolCall {
    ToolCall {
        id: ActionId::new(if id.is_empty() { made_id } else { id }),
        name,
        arguments: if arguments.is_empty() { "{}".to_owned() } else { arguments },
    }
}

/// Reads one event. What the parser says of it passes through the explanation.
pub(super) fn read<'a, T: Deserialize<'a>>(
    data: &'a str,
    what: &str,
    explanation: &Explanation<'_>,
) -> Result<T, Fault> {
    serde_json::from_str(data).map_err(|error| {
        malformed(format!("{what} could not be read ({})", explanation.of_text(&error.to_string())))
    })
}

/// A key, or that there is none.
pub(super) struct Key {
    /// The key itself.
    pub value: Option<SecretString>,
    /// Where it is, for people: "the key in the variable `NAME`".
    pub name: String,
}

/// The way to one model's server.
pub(super) struct Wire {
    http: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    key: Key,
    timeouts: Timeouts,
    api: &'static str,
    framing: Framing,
}

impl Wire {
    /// Errors are remedies for people.
    pub(super) fn new(
        http: reqwest::Client,
        config: &HttpModelConfig,
        provider: &Provider,
        key: Key,
        timeouts: Timeouts,
    ) -> Result<Self, String> {
        let base = config.base_url.as_deref().unwrap_or(provider.base_url);
        let url = endpoint(base, provider, &config.model)
            .ok_or("write `base_url` as an address like `http://localhost:11434/v1`")?;
        let mut headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static(provider.framing.media_type())),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]);
        for (name, value) in provider.headers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if let Some(key) = &key.value {
            let (name, value) = (provider.key_header)(&url, key.expose_secret());
            let mut value =
                HeaderValue::from_str(&value).map_err(|_| "the key holds characters that no header takes")?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(Self { http, url, headers, key, timeouts, api: provider.api, framing: provider.framing })
    }

    /// For people: which API and where.
    pub(super) fn describe(&self, model: &str, own_address: bool) -> String {
        match own_address {
            true => format!("{model} through {}", self.api),
            false => format!("{model} through {} at {}", self.api, self.origin()),
        }
    }

    /// Where requests go.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Calls the model until it has answered or must not be asked again.
    pub(super) async fn call<D: Decoder>(
        &self,
        request: &ModelRequest,
        body: Vec<u8>,
        decoder: impl Fn() -> D + Send + Sync,
        progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<ModelReply, ModelError> {
        let body = Bytes::from(body);
        let keys: Vec<&SecretString> = self.key.value.iter().collect();
        let explanation = Explanation { keys: &keys, key_name: &self.key.name, request };
        let mut attempt = 1;
        // What is being waited for between two attempts: when the time runs out there, this is
        // what the user has to know.
        let waiting: Mutex<Option<ModelError>> = Mutex::new(None);
        let attempts = (|| {
            *waiting.lock() = None;
            self.attempt(body.clone(), decoder(), &explanation, progress)
        })
        .retry(self.delays())
        .when(|fault: &Fault| fault.again != Again::Never)
        .adjust(|fault: &Fault, proposed| match fault.again {
            Again::Never => None,
            Again::Soon => proposed,
            Again::After(wait) if wait > Duration::from_millis(MODEL_RETRY_AFTER_MS_MAX) => None,
            Again::After(wait) => proposed.map(|proposed| proposed.max(wait)),
        })
        .notify(|fault: &Fault, wait| {
            attempt += 1;
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            progress(ModelProgress::Retrying { attempt, reason: fault.error.to_string(), wait_ms });
            *waiting.lock() = Some(fault.error.clone());
        });
        match timeout(self.timeouts.total, attempts).await {
            Ok(outcome) => outcome.map_err(|fault| fault.error),
            Err(_) => {
                let cause = waiting.lock().take();
                Err(cause.unwrap_or_else(|| timed_out(self.timeouts.total, "the whole reply")))
            }
        }
    }

    fn delays(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_min_delay(self.timeouts.retry_delay)
            .with_max_delay(self.timeouts.retry_delay_max)
            .with_factor(2.0)
            .with_jitter()
            .with_max_times(MODEL_ATTEMPTS_MAX - 1)
    }

    async fn attempt<D: Decoder>(
        &self,
        body: Bytes,
        mut decoder: D,
        explanation: &Explanation<'_>,
        progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<ModelReply, Fault> {
        let first_byte = Instant::now() + self.timeouts.first_byte;
        let sending = self.http.post(self.url.clone()).headers(self.headers.clone()).body(body).send();
        let response = timeout_at(first_byte, sending)
            .await
            .map_err(|_| Fault::never(timed_out(self.timeouts.first_byte, "the first byte")))?
            .map_err(|error| self.unreachable(error))?;
        let response = self.accepted(response, explanation).await?;

        // A line that never ends must not pile up: the bytes since the last event are counted.
        let since_event = AtomicUsize::new(0);
        let chunks = limited(response, first_byte, self.timeouts, &since_event);
        let mut events = self.framing.events(chunks);
        while let Some(event) = events.next().await {
            since_event.store(0, Ordering::Relaxed);
            let before = decoder.content_bytes();
            let flow = event.and_then(|event| decoder.event(&event, explanation));
            let content_bytes = decoder.content_bytes();
            match flow {
                Ok(Flow::Ended) => break,
                Ok(Flow::More) => {}
                // Everything has arrived; what went wrong after it changes nothing.
                Err(_) if decoder.is_whole() => break,
                // INVARIANT: a reply of which anything was received is not asked for again.
                Err(fault) if content_bytes > 0 => return Err(Fault::never(fault.error)),
                Err(fault) => return Err(fault),
            }
            if content_bytes > MODEL_REPLY_BYTES_MAX {
                return Err(too_large(MODEL_REPLY_BYTES_MAX));
            }
            if content_bytes > before {
                progress(ModelProgress::Received { bytes: content_bytes });
            }
        }
        if decoder.is_whole() {
            return Ok(decoder.reply());
        }
        let error = ModelError::BrokenOff { reason: "the stream ended before the reply did".to_owned() };
        Err(if decoder.content_bytes() > 0 { Fault::never(error) } else { Fault::soon(error) })
    }

    fn unreachable(&self, error: reqwest::Error) -> Fault {
        let error = error.without_url();
        let certificate = certificate::remedy(&error);
        let again = if certificate.is_some() { Again::Never } else { Again::Soon };
        let remedy = certificate.unwrap_or_else(|| {
            "see whether the server runs, and check `base_url`, network and proxy".to_owned()
        });
        let reason = format!("{}: {}; {remedy}", self.origin(), cause(&error));
        Fault { error: ModelError::Unreachable { reason }, again }
    }

    /// Lets a stream of events pass and turns everything else into what it means.
    async fn accepted(&self, response: Response, explanation: &Explanation<'_>) -> Result<Response, Fault> {
        let status = response.status();
        if !status.is_success() {
            return Err(self.refused(status, response, explanation).await);
        }
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        match kind {
            Some(kind) if !self.framing.takes(&kind) => {
                let said = explanation.of_body(&self.error_body(response).await);
                Err(malformed(format!(
                    "{} answers with `{}` and not with {} ({said}); see whether `base_url` is right and whether a login page stands in between",
                    self.origin(),
                    explanation.of_text(&kind),
                    self.framing.describe(),
                )))
            }
            Some(_) | None => Ok(response),
        }
    }

    async fn refused(&self, status: StatusCode, response: Response, explanation: &Explanation<'_>) -> Fault {
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let wait = header(RETRY_AFTER.as_str()).and_then(|it| retry_after::wait(it, jiff::Timestamp::now()));
        // Anthropic and OpenAI say it when they know better than the status does.
        let hint = header("x-should-retry").map(str::to_owned);
        let target = header(LOCATION.as_str()).map(|target| explanation.of_text(target));
        let body = self.error_body(response).await;
        let said = explanation.of_body(&body);
        let reason = match status.canonical_reason() {
            Some(name) => format!("{} {name}: {said}", status.as_u16()),
            None => format!("{}: {said}", status.as_u16()),
        };
        if status.is_redirection() {
            return Fault::never(ModelError::Rejected {
                reason: format!(
                    "{reason}; it redirects to `{}`: log in to this network in a browser if that is its login page, or write that address as `base_url` if you trust it",
                    target.unwrap_or_default()
                ),
            });
        }
        let meaning = Meaning::of(status.as_u16(), &body);
        let reason = if meaning.may_pass() { patience(&reason, wait) } else { reason };
        let error = meaning.error(&reason, explanation.key_name);
        let again = match wait {
            _ if !meaning.may_pass() || hint.as_deref() == Some("false") => Again::Never,
            Some(wait) => Again::After(wait),
            None => Again::Soon,
        };
        Fault { error, again }
    }

    /// The beginning of an error's body. A body that does not come is none.
    async fn error_body(&self, response: Response) -> String {
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Ok(Some(Ok(chunk))) = timeout(self.timeouts.idle, chunks.next()).await {
            let room = MODEL_ERROR_BODY_BYTES_MAX - body.len();
            body.extend(chunk.iter().take(room));
            if body.len() == MODEL_ERROR_BODY_BYTES_MAX {
                break;
            }
        }
        String::from_utf8_lossy(&body).into_owned()
    }
}

fn patience(reason: &str, wait: Option<Duration>) -> String {
    match wait {
        Some(wait) => format!("{reason}; it asks to wait {} s", wait.as_secs()),
        None => reason.to_owned(),
    }
}

fn timed_out(limit: Duration, phase: &str) -> ModelError {
    let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    ModelError::TimedOut { limit_ms, phase: phase.to_owned() }
}

fn too_large(limit_bytes: usize) -> Fault {
    Fault::never(ModelError::TooLarge { limit_bytes })
}

/// The body's chunks, each waited for as long as is allowed, together not more than allowed.
fn limited<'a>(
    response: Response,
    first_byte: Instant,
    timeouts: Timeouts,
    since_event: &'a AtomicUsize,
) -> impl Stream<Item = Result<Bytes, Fault>> + Send + 'a {
    struct Reading<S> {
        chunks: S,
        received: usize,
    }
    let reading = Reading { chunks: Box::pin(response.bytes_stream()), received: 0 };
    futures::stream::try_unfold(reading, move |mut reading| async move {
        let chunk = if reading.received == 0 {
            timeout_at(first_byte, reading.chunks.try_next())
                .await
                .map_err(|_| Fault::never(timed_out(timeouts.first_byte, "the first byte")))?
        } else {
            timeout(timeouts.idle, reading.chunks.try_next())
                .await
                .map_err(|_| Fault::never(timed_out(timeouts.idle, "between two bytes")))?
        };
        let chunk = chunk
            .map_err(|error| Fault::soon(ModelError::BrokenOff { reason: cause(&error.without_url()) }))?;
        let Some(chunk) = chunk else {
            return Ok(None);
        };
        reading.received += chunk.len();
        let pending = since_event.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len();
        if pending > MODEL_EVENT_BYTES_MAX {
            return Err(too_large(MODEL_EVENT_BYTES_MAX));
        }
        if reading.received > MODEL_WIRE_BYTES_MAX {
            return Err(too_large(MODEL_WIRE_BYTES_MAX));
        }
        Ok(Some((chunk, reading)))
    })
}

/// True when an address belongs to this domain.
pub(super) fn is_of(url: &Url, domain: &str) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// The endpoint below a base address. An address without a path, or whose path names no
/// version, gets the provider's; one that does (`/v1`, `/v1beta/openai`, `/api/paas/v4`) is
/// complete. So is one with Azure's `api-version`: its path names a deployment instead.
pub(super) fn endpoint(base: &str, provider: &Provider, model: &str) -> Option<Url> {
    let mut url = Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let own = provider.version.trim_start_matches('/');
    let is_version = |segment: &str| match is_numbered(own) {
        true => is_numbered(segment),
        false => segment == own,
    };
    let api_version =
        url.query_pairs().find(|(name, _)| name == AZURE_VERSION).map(|(_, it)| it.into_owned());
    let path = url.path().trim_end_matches('/').to_owned();
    let complete = api_version.is_some() || path.split('/').any(is_version);
    let version = if complete { "" } else { provider.version };
    url.set_path(&format!("{path}{version}{}", (provider.endpoint)(model)));
    url.set_query(provider.query);
    if let Some(api_version) = api_version {
        url.query_pairs_mut().append_pair(AZURE_VERSION, &api_version);
    }
    url.set_fragment(None);
    Some(url)
}

/// `v1`, `v1beta`, `v4`.
fn is_numbered(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|rest| rest.bytes().next().is_some_and(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::models::gemini::Gemini;
    use crate::models::http_model::WireApi as _;
    use crate::models::ollama::Ollama;
    use crate::models::openai_chat::OpenaiChat;
    use crate::models::openai_responses::OpenaiResponses;

    #[test]
    fn a_base_address_with_and_without_a_version_is_understood() {
        let chat = &OpenaiChat::PROVIDER;
        let gemini = &Gemini::PROVIDER;
        let ollama = &Ollama::PROVIDER;
        for (provider, base, wanted) in [
            (chat, "https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
            (chat, "https://api.openai.com/", "https://api.openai.com/v1/chat/completions"),
            (chat, "http://localhost:11434/v1", "http://localhost:11434/v1/chat/completions"),
            (chat, "http://localhost:11434/v1/", "http://localhost:11434/v1/chat/completions"),
            (chat, "https://h.example.com/proxy", "https://h.example.com/proxy/v1/chat/completions"),
            (
                chat,
                "https://h.example.com/v1beta/openai/",
                "https://h.example.com/v1beta/openai/chat/completions",
            ),
            (chat, "https://h.example.com/api/paas/v4", "https://h.example.com/api/paas/v4/chat/completions"),
            (chat, "https://h.example.com/vendor", "https://h.example.com/vendor/v1/chat/completions"),
            (
                chat,
                "https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21",
                "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
            ),
            (
                &OpenaiResponses::PROVIDER,
                "https://r.openai.azure.com/openai?api-version=2025-04-01-preview",
                "https://r.openai.azure.com/openai/responses?api-version=2025-04-01-preview",
            ),
            (
                &OpenaiResponses::PROVIDER,
                "https://r.openai.azure.com/openai/v1/",
                "https://r.openai.azure.com/openai/v1/responses",
            ),
            // What Google and Amazon offer in OpenAI's shape.
            (
                chat,
                "https://l-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi",
                "https://l-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi/chat/completions",
            ),
            (
                chat,
                "https://bedrock-runtime.r.amazonaws.com/openai/v1",
                "https://bedrock-runtime.r.amazonaws.com/openai/v1/chat/completions",
            ),
            (
                gemini,
                "https://h.example.com",
                "https://h.example.com/v1beta/models/m:streamGenerateContent?alt=sse",
            ),
            (
                gemini,
                "https://h.example.com/v1",
                "https://h.example.com/v1/models/m:streamGenerateContent?alt=sse",
            ),
            (ollama, "http://localhost:11434", "http://localhost:11434/api/chat"),
            (ollama, "http://localhost:11434/api/", "http://localhost:11434/api/chat"),
            (ollama, "https://h.example.com/v2/ollama", "https://h.example.com/v2/ollama/api/chat"),
        ] {
            assert_eq!(endpoint(base, provider, "m").unwrap().as_str(), wanted, "{base}");
        }
        for wrong in ["", "localhost:1", "ftp://h", "http://u:p@h", "/v1"] {
            assert_eq!(endpoint(wrong, chat, "m"), None, "{wrong}");
        }
    }
}
