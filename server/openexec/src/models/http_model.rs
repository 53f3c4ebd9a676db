//! A model behind HTTP: what all wire APIs have in common. An adapter says only what differs.

use super::call::{Decoder, Wire};
use super::document;
use super::framing::Framing;
use super::{Model, ModelProgress};
use crate::config::{HttpModelConfig, OutputForm};
use async_trait::async_trait;
use openexec_engine::action::{ActionSchema, schemas_for};
use openexec_engine::model::{ModelError, ModelReply, ModelRequest};
use reqwest::Url;
use serde_json::Value;
use std::borrow::Cow;
use std::marker::PhantomData;

/// What differs between wire APIs before anything is sent.
pub(super) struct Provider {
    /// The API's name, for people.
    pub api: &'static str,
    /// The provider's own address.
    pub base_url: &'static str,
    /// The variable that holds the key for the provider's own address; none when it takes none.
    pub key_env: Option<&'static str>,
    /// What stands before the endpoint where an address does not say it: the API's version.
    pub version: &'static str,
    /// The endpoint of a model, below the API's version.
    pub endpoint: fn(&str) -> String,
    /// What every address ends with.
    pub query: Option<&'static str>,
    /// Puts a key for an address into a header's name and value.
    pub key_header: fn(&Url, &str) -> (&'static str, String),
    /// Headers that never change.
    pub headers: &'static [(&'static str, &'static str)],
    /// How its replies are cut into events.
    pub framing: Framing,
}

/// A wire API.
pub(super) trait WireApi: Send + Sync + 'static {
    /// What differs before anything is sent.
    const PROVIDER: Provider;

    /// Reads its replies.
    type Decoder: Decoder;

    /// The request as it goes over the wire. What does not change within a conversation stands
    /// before the conversation, and the conversation last.
    fn body(asked: &Asked<'_>) -> Value;

    /// Reads the reply of one turn.
    fn decoder(turn: u32) -> Self::Decoder;
}

/// What a body is made of.
pub(super) struct Asked<'a> {
    /// The provider's name of the model.
    pub model: &'a str,
    /// Where it goes.
    pub server: &'a Url,
    /// The most tokens of the reply.
    pub output_tokens_max: u32,
    /// The context window in tokens, where the API lets us choose it.
    pub num_ctx: Option<u32>,
    /// The request.
    pub request: &'a ModelRequest,
    /// How actions are asked for.
    pub actions: AskedActions,
}

/// How actions are asked for.
pub(super) enum AskedActions {
    /// Not at all: any text is an answer.
    None,
    /// As calls of these tools.
    Tools(Vec<ActionSchema>),
    /// As one document of this schema.
    Document(Value),
}

impl AskedActions {
    pub(super) fn of(request: &ModelRequest, output: OutputForm) -> Self {
        match output {
            _ if request.actions.is_empty() => Self::None,
            OutputForm::ToolCalls => Self::Tools(schemas_for(&request.actions)),
            OutputForm::JsonSchema => Self::Document(document::schema(&request.actions)),
        }
    }
}

impl Asked<'_> {
    /// The rules of the conversation, and what a document must be where one is wanted.
    pub(super) fn system(&self) -> Cow<'_, str> {
        match self.actions {
            AskedActions::None | AskedActions::Tools(_) => Cow::Borrowed(&self.request.system),
            AskedActions::Document(_) => {
                let instruction = document::instruction(&self.request.actions);
                Cow::Owned(format!("{}\n{instruction}", self.request.system).trim_start().to_owned())
            }
        }
    }
}

/// A model that is called over one of them.
pub(super) struct HttpModel<A> {
    model: String,
    own_address: bool,
    output_tokens_max: u32,
    output: OutputForm,
    num_ctx: Option<u32>,
    wire: Wire,
    api: PhantomData<A>,
}

impl<A: WireApi> HttpModel<A> {
    pub(super) fn new(config: &HttpModelConfig, num_ctx: Option<u32>, wire: Wire) -> Self {
        Self {
            model: config.model.clone(),
            own_address: config.base_url.is_none(),
            output_tokens_max: config.output_tokens_max.unwrap_or(u32::MAX),
            output: config.output,
            num_ctx,
            wire,
            api: PhantomData,
        }
    }
}

#[async_trait]
impl<A: WireApi> Model for HttpModel<A> {
    fn describe(&self) -> String {
        self.wire.describe(&self.model, self.own_address)
    }

    fn preview(&self, request: &ModelRequest) -> String {
        format!("{:#}", self.body(request))
    }

    async fn complete(
        &self,
        request: &ModelRequest,
        progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<ModelReply, ModelError> {
        let body = self.body(request).to_string().into_bytes();
        self.wire.call(request, body, || A::decoder(request.turn), progress).await
    }
}

impl<A: WireApi> HttpModel<A> {
    fn body(&self, request: &ModelRequest) -> Value {
        A::body(&Asked {
            model: &self.model,
            server: self.wire.url(),
            output_tokens_max: request.output_tokens_max.min(self.output_tokens_max),
            num_ctx: self.num_ctx,
            request,
            actions: AskedActions::of(request, self.output),
        })
    }
}
