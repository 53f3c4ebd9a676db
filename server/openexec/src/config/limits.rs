//! Reads what models may cost and what they cost.

use super::ModelConfig;
use super::money::Decimal;
use super::read::Fault;
use openexec_engine::budget::{Budget, Limit, MicroUsd, Price};
use openexec_engine::ids::ModelName;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;

/// What models may cost. A limit that is absent does not exist.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BudgetEntry {
    /// Of one call.
    call: LimitEntry,
    /// Of one run; the same again each time that you resume it.
    run: LimitEntry,
    /// Of all your runs in one day.
    day: LimitEntry,
}

/// The most that something may cost.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
struct LimitEntry {
    /// Tokens, read and written together.
    #[schemars(with = "Option<u64>", range(min = 1))]
    tokens: Option<Spanned<u64>>,
    /// US dollars, such as `0.50`.
    #[schemars(with = "Option<Decimal>")]
    usd: Option<Spanned<Decimal>>,
}

/// What a model's tokens cost, in US dollars for a million tokens.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceEntry {
    /// Tokens read.
    #[schemars(with = "Decimal")]
    input: Spanned<Decimal>,
    /// Tokens written, thinking included.
    #[schemars(with = "Decimal")]
    output: Spanned<Decimal>,
    /// Tokens read from the provider's cache; what `input` costs, if absent.
    #[schemars(with = "Option<Decimal>")]
    cached_input: Option<Spanned<Decimal>>,
    /// Tokens put into the provider's cache; what `input` costs, if absent.
    #[schemars(with = "Option<Decimal>")]
    cache_write: Option<Spanned<Decimal>>,
}

impl PriceEntry {
    pub(super) fn at(&self) -> Location {
        self.input.referenced
    }

    pub(super) fn price(&self) -> Result<Price, Fault> {
        let input = usd(&self.input)?;
        let or_input = |part: &Option<Spanned<Decimal>>| part.as_ref().map_or(Ok(input), usd);
        Ok(Price {
            input,
            output: usd(&self.output)?,
            cached_input: or_input(&self.cached_input)?,
            cache_write: or_input(&self.cache_write)?,
        })
    }
}

fn usd(amount: &Spanned<Decimal>) -> Result<MicroUsd, Fault> {
    amount.value.micro_usd().ok_or_else(|| {
        Fault::new(
            amount.referenced,
            "this is no amount of US dollars; write a plain number that is not negative, with at most six digits behind the point, such as `0.25`",
        )
    })
}

pub(super) fn budget(entry: &BudgetEntry) -> Result<Budget, Fault> {
    Ok(Budget { call: limit(&entry.call)?, run: limit(&entry.run)?, day: limit(&entry.day)? })
}

fn limit(entry: &LimitEntry) -> Result<Limit, Fault> {
    if let Some(tokens) = entry.tokens.as_ref().filter(|tokens| tokens.value == 0) {
        return Err(Fault::new(
            tokens.referenced,
            "a limit of 0 tokens lets nothing pass; write at least 1, or remove it for no limit",
        ));
    }
    Ok(Limit {
        tokens: entry.tokens.as_ref().map(|tokens| tokens.value),
        micro_usd: entry.usd.as_ref().map(usd).transpose()?,
    })
}

/// True when one of the limits is an amount of money.
pub(super) fn is_of_money(budget: &Budget) -> bool {
    [budget.call, budget.run, budget.day].iter().any(|limit| limit.micro_usd.is_some())
}

/// A limit in money that does not count some model is no limit.
pub(super) fn every_price_is_known(
    budget: &BudgetEntry,
    models: &BTreeMap<ModelName, ModelConfig>,
) -> Result<(), Fault> {
    let Some(usd) = [&budget.call, &budget.run, &budget.day].into_iter().find_map(|it| it.usd.as_ref())
    else {
        return Ok(());
    };
    let Some((name, model)) = models.iter().find(|(_, model)| model.facts().price.is_none()) else {
        return Ok(());
    };
    let remedy = match model {
        ModelConfig::CommandLine(_) => {
            format!("write the full name of a model that is known as its `model` under `{name}`")
        }
        _ => format!(
            "write `price: {{input: …, output: …}}`, in US dollars for a million tokens, under `{name}`"
        ),
    };
    Err(Fault::new(
        usd.referenced,
        format!(
            "a limit in US dollars needs the price of every model, and that of `{name}` is not known; {remedy}, or limit `tokens` instead"
        ),
    ))
}
