//! Each call to a model passes through the user's spending ledger: reserved before it is made,
//! settled when it has ended.

use super::perform::Place;
use super::{DriverError, Runtime, now_ms};
use crate::models::{Model, ModelProgress};
use crate::store::{Call, Reserved, Spending};
use anyhow::Context as _;
use openexec_engine::budget::{Limit, Spent, grouped, usd};
use openexec_engine::model::{ChosenModel, ModelError, ModelReply, ModelRequest, Usage};
use std::sync::Arc;

/// Where calls are paid.
#[derive(Clone)]
pub(super) struct Till {
    /// The ledger.
    pub ledger: Arc<Spending>,
    /// What the user allows for a day, as the configuration says it now.
    pub day: Limit,
}

impl Runtime {
    /// What all runs of the user have taken today, a day of UTC, and of how much, in one line.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn spent_today(&self) -> Result<String, DriverError> {
        let spent = self.spending.spent_in_day(now_ms()).context("the spending ledger cannot be read")?;
        let day = self.config.budget.day;
        let of_tokens = day.tokens.map(|most| format!(" of {}", grouped(most))).unwrap_or_default();
        let of_usd = day.micro_usd.map(|most| format!(" of {}", usd(most))).unwrap_or_default();
        Ok(format!("{}{of_tokens} tokens, {}{of_usd}", grouped(spent.tokens), usd(spent.micro_usd)))
    }
}

/// Calls the model, if the day's budget allows it. A call whose future is dropped leaves its
/// reservation, because nobody knows how much of it was paid for.
///
/// # Errors
/// When the ledger cannot be used; then nothing was sent.
pub(super) async fn paid(
    place: &Arc<Place>,
    model: &dyn Model,
    request: &ModelRequest,
    progress: &(dyn Fn(ModelProgress) + Send + Sync),
) -> Result<Result<ModelReply, ModelError>, String> {
    let chosen = place.chosen.as_ref().and_then(|models| models.named(&request.model)).cloned();
    let chosen = chosen.unwrap_or_else(|| ChosenModel::named(request.model.clone()));
    let input_tokens = request.estimated_tokens(chosen.vocabulary);
    let at_most = chosen.at_most(input_tokens, request.output_tokens_max);
    if place.till.day.micro_usd.is_some() && chosen.known_price().is_none() {
        return Err(format!(
            "`budget.day` limits what may be spent in USD, and the price of `{}` is not known: write its `price` \
             in config.yaml and start a new run, or limit tokens instead and resume",
            chosen.name
        ));
    }
    let call = match reserve(place, &chosen, at_most).await? {
        Reserved::Yes { call } => call,
        Reserved::No { spent } => {
            let (model, limit) = (chosen.name, place.till.day);
            return Ok(Err(ModelError::BudgetExhausted { model, spent, limit, next: at_most }));
        }
    };
    let outcome = model.complete(request, progress).await;
    let (usage, spent) = match &outcome {
        Ok(reply) => {
            let written = reply.estimated_tokens(chosen.vocabulary);
            (reply.usage, chosen.spent(&reply.usage, input_tokens, written))
        }
        Err(error) if error.may_have_cost() => (Usage::default(), at_most),
        Err(_) => (Usage::default(), Spent::default()),
    };
    settle(place, call, usage, spent).await;
    Ok(outcome)
}

async fn reserve(place: &Arc<Place>, model: &ChosenModel, at_most: Spent) -> Result<Reserved, String> {
    let (till, run, model) = (place.till.clone(), place.run.clone(), model.name.clone());
    let reserved = tokio::task::spawn_blocking(move || {
        let call = Call { run: &run, model: &model, at_ms: now_ms(), at_most };
        till.ledger.reserve(&call, &till.day)
    });
    let reserved = reserved.await.map_err(|_| "an internal error while spending was counted".to_owned())?;
    reserved.map_err(|error| format!("what is spent cannot be counted, so nothing is sent: {error}"))
}

async fn settle(place: &Arc<Place>, call: i64, usage: Usage, spent: Spent) {
    let till = place.till.clone();
    let settled = tokio::task::spawn_blocking(move || till.ledger.settle(call, &usage, spent));
    match settled.await {
        Ok(Ok(())) => {}
        // The reservation stays, which is more than was spent.
        Ok(Err(error)) => tracing::warn!(run = %place.run, "a call could not be settled: {error}"),
        Err(error) => tracing::warn!(run = %place.run, "a call could not be settled: {error}"),
    }
}
