//! What models may cost: prices, limits, and what has been spent, in tokens and in money.
//!
//! It must not know where prices come from, or what day it is.

use crate::ids::ModelName;
use crate::limits::{DAY_REPLIES_MIN, OUTPUT_TOKENS_MAX, OUTPUT_TOKENS_MIN};
use crate::model::{ChosenModel, Models, Usage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Tokens for which prices are named.
const PRICED_TOKENS: u128 = 1_000_000;

/// Millionths of a US dollar. Whole numbers, so that every machine counts alike.
pub type MicroUsd = u64;

/// What a model's tokens cost, each in millionths of a US dollar for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Price {
    /// Tokens read that no cache held.
    pub input: MicroUsd,
    /// Tokens written, thinking included.
    pub output: MicroUsd,
    /// Tokens read from the provider's cache.
    pub cached_input: MicroUsd,
    /// Tokens read and put into the provider's cache.
    pub cache_write: MicroUsd,
}

/// The most that something may cost. What is absent has no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limit {
    /// Tokens, read and written together.
    pub tokens: Option<u64>,
    /// Millionths of a US dollar.
    pub micro_usd: Option<MicroUsd>,
}

/// The limits that a run was started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Of one call.
    pub call: Limit,
    /// Of one run; the same again each time that the user resumes it.
    pub run: Limit,
    /// Of all runs of the user in one day.
    pub day: Limit,
}

/// What has been spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spent {
    /// Tokens, read and written together.
    pub tokens: u64,
    /// Millionths of a US dollar; what has no known price counts nothing.
    pub micro_usd: MicroUsd,
}

impl Price {
    /// What this usage costs, rounded up.
    pub fn of(&self, usage: &Usage) -> MicroUsd {
        let written = usage.cache_write_tokens.min(usage.input_tokens);
        let cached = usage.cached_tokens.min(usage.input_tokens - written);
        let plain = usage.input_tokens - written - cached;
        let parts = [
            (plain, self.input),
            (cached, self.cached_input),
            (written, self.cache_write),
            (usage.output_tokens, self.output),
        ];
        let total: u128 = parts.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(*price)).sum();
        u64::try_from(total.div_ceil(PRICED_TOKENS)).unwrap_or(u64::MAX)
    }

    /// What so many tokens cost at most, rounded up: nobody knows beforehand what a cache holds,
    /// and putting something into one may cost more than reading it.
    pub fn at_most(&self, input_tokens: u64, output_tokens: u64) -> MicroUsd {
        let input = self.input.max(self.cached_input).max(self.cache_write);
        let dearest = Self { input, ..*self };
        dearest.of(&Usage { input_tokens, output_tokens, ..Usage::default() })
    }
}

impl Spent {
    /// Counts what was spent besides.
    pub fn add(&mut self, other: Self) {
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.micro_usd = self.micro_usd.saturating_add(other.micro_usd);
    }

    /// True when more has been spent than this allows.
    pub fn exceeds(&self, limit: &Limit) -> bool {
        limit.tokens.is_some_and(|most| self.tokens > most)
            || limit.micro_usd.is_some_and(|most| self.micro_usd > most)
    }
}

impl ChosenModel {
    /// What its tokens cost, as far as that is known: a model on this machine costs nothing
    /// unless the user says otherwise.
    pub fn known_price(&self) -> Option<Price> {
        self.price.or_else(|| self.is_local.then(Price::default))
    }

    /// The most tokens that it is asked to write in one reply, whatever is left.
    pub fn output_ceiling(&self) -> u32 {
        self.output_tokens_max.map_or(OUTPUT_TOKENS_MAX, |most| most.min(OUTPUT_TOKENS_MAX))
    }

    /// What a call counts as. Where a server does not count, our own estimate of both sides
    /// stands for it: nothing that was sent counts as nothing.
    pub fn spent(&self, usage: &Usage, estimated_input: u64, estimated_output: u64) -> Spent {
        let counted = Usage {
            input_tokens: if usage.input_tokens == 0 { estimated_input } else { usage.input_tokens },
            output_tokens: if usage.output_tokens == 0 { estimated_output } else { usage.output_tokens },
            ..*usage
        };
        Spent {
            tokens: counted.input_tokens.saturating_add(counted.output_tokens),
            micro_usd: self.known_price().map_or(0, |price| price.of(&counted)),
        }
    }

    /// The most that a call can take.
    pub fn at_most(&self, input_tokens: u64, output_tokens: u32) -> Spent {
        let output_tokens = u64::from(output_tokens);
        Spent {
            tokens: input_tokens.saturating_add(output_tokens),
            micro_usd: self.known_price().map_or(0, |price| price.at_most(input_tokens, output_tokens)),
        }
    }
}

/// What a limit is a limit of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One call.
    Call,
    /// One run, since its start or since the user resumed it last.
    Run,
    /// All runs of the user in one day.
    Day,
}

impl Scope {
    /// Where the limit stands in the user's configuration.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Call => "budget.call",
            Self::Run => "budget.run",
            Self::Day => "budget.day",
        }
    }
}

/// Why a request may not be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exceeded {
    /// It and the shortest sensible reply do not fit into what the model can read.
    Window {
        /// The model.
        model: ModelName,
        /// Estimated tokens of the request.
        input_tokens: u64,
        /// What the model can read and write together.
        window_tokens: u64,
        /// Tokens of the shortest reply that is worth asking for.
        output_tokens_min: u32,
    },
    /// A limit would be passed.
    Limit {
        /// The model.
        model: ModelName,
        /// Which.
        scope: Scope,
        /// What was spent already.
        spent: Spent,
        /// The limit.
        limit: Limit,
        /// The least that the call would take.
        next: Spent,
    },
    /// There is a limit in money, and nobody knows what the model costs.
    Unpriced {
        /// The model.
        model: ModelName,
        /// Where the limit stands.
        scope: Scope,
    },
}

impl Exceeded {
    /// Which limit is in the way; none when it is the model's window or its price.
    pub const fn scope(&self) -> Option<Scope> {
        match self {
            Self::Limit { scope, .. } => Some(*scope),
            Self::Window { .. } | Self::Unpriced { .. } => None,
        }
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window { model, input_tokens, window_tokens, output_tokens_min } => write!(
                f,
                "the next request to `{model}` would take about {} tokens and {} for the shortest sensible \
                 reply, and its window holds {}",
                grouped(*input_tokens),
                grouped(u64::from(*output_tokens_min)),
                grouped(*window_tokens)
            ),
            Self::Limit { model, scope, spent, limit, next } => {
                f.write_str(&exhausted(*scope, *spent, *limit, *next, model))
            }
            Self::Unpriced { model, scope } => write!(
                f,
                "`{}` limits what may be spent in USD, and the price of `{model}` is not known",
                scope.key()
            ),
        }
    }
}

/// One sentence with the numbers: what was spent, what the limit is, what the next call takes.
pub fn exhausted(scope: Scope, spent: Spent, limit: Limit, next: Spent, model: &ModelName) -> String {
    let of = match scope {
        Scope::Call => "one call".to_owned(),
        Scope::Run => "this run since its start or its last resume".to_owned(),
        Scope::Day => "all your runs of today (UTC)".to_owned(),
    };
    let mut parts = Vec::new();
    if let Some(most) = limit.tokens {
        parts.push(format!(
            "{} of {} tokens are spent and the next call to `{model}` would take about {} more",
            grouped(spent.tokens),
            grouped(most),
            grouped(next.tokens)
        ));
    }
    if let Some(most) = limit.micro_usd {
        parts.push(format!(
            "{} of {} are spent and the next call to `{model}` would take up to {} more",
            usd(spent.micro_usd),
            usd(most),
            usd(next.micro_usd)
        ));
    }
    format!("`{}`, the limit of {of}, does not allow it: {}", scope.key(), parts.join("; "))
}

/// What a run has taken, in one line: `12,000 tokens read (9,000 from the cache), 800 written, 0.0412 USD`.
/// Where no server has counted: `about 12,800 tokens (an estimate: none were counted), 0.0412 USD`.
pub fn told(usage: &Usage, spent: Spent, models: &Models) -> String {
    let counted = usage.input_tokens.saturating_add(usage.output_tokens);
    let text = if counted == 0 && spent.tokens > 0 {
        format!("about {} tokens (an estimate: none were counted)", grouped(spent.tokens))
    } else {
        let mut text = format!("{} tokens read", grouped(usage.input_tokens));
        if usage.cached_tokens > 0 {
            text.push_str(&format!(" ({} from the cache)", grouped(usage.cached_tokens)));
        }
        text.push_str(&format!(", {} written", grouped(usage.output_tokens)));
        if spent.tokens > counted {
            text.push_str(&format!(" (with uncounted ones about {} in all)", grouped(spent.tokens)));
        }
        text
    };
    match models.all().find(|model| model.known_price().is_none()) {
        Some(model) if spent.micro_usd == 0 => format!("{text}, price of `{}` unknown", model.name),
        Some(model) => format!("{text}, {} and an unknown price of `{}`", usd(spent.micro_usd), model.name),
        None => format!("{text}, {}", usd(spent.micro_usd)),
    }
}

/// An amount for people, exact to the millionth: `0.0412 USD`.
pub fn usd(amount: MicroUsd) -> String {
    let fraction = format!("{:06}", amount % 1_000_000);
    let fraction = fraction.trim_end_matches('0');
    format!("{}.{fraction:0<2} USD", grouped(amount / 1_000_000))
}

/// A number for people: `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many tokens a model may write in answer to a request of so many tokens: what it can
/// write, what its window leaves, and what each limit leaves. `spent` is what the run has spent
/// since its start or since it was resumed.
///
/// # Errors
/// When less would be left than a sensible reply needs, or when a limit in money meets a model
/// of which no price is known.
pub fn output_allowed(
    model: &ChosenModel,
    input_tokens: u64,
    budget: &Budget,
    spent: Spent,
) -> Result<u32, Exceeded> {
    let ceiling = model.output_ceiling();
    let least = OUTPUT_TOKENS_MIN.min(ceiling).max(1);
    let mut allowed = u64::from(ceiling.max(1));
    if let Some(window_tokens) = model.window_tokens {
        allowed = allowed.min(window_tokens.saturating_sub(input_tokens));
        if allowed < u64::from(least) {
            let (model, output_tokens_min) = (model.name.clone(), least);
            return Err(Exceeded::Window { model, input_tokens, window_tokens, output_tokens_min });
        }
    }
    let none = Spent::default();
    for (scope, limit, spent) in
        [(Scope::Call, budget.call, none), (Scope::Run, budget.run, spent), (Scope::Day, budget.day, none)]
    {
        if limit.micro_usd.is_some() && model.known_price().is_none() {
            return Err(Exceeded::Unpriced { model: model.name.clone(), scope });
        }
        let mut left = left_for_output(model, input_tokens, limit, spent);
        if scope == Scope::Day {
            // The most that a call can take is reserved of the day, so one reply must not be all of it.
            left = left.min((left / DAY_REPLIES_MIN).max(u64::from(least)));
        }
        allowed = allowed.min(left);
        if allowed < u64::from(least) {
            let next = model.at_most(input_tokens, least);
            return Err(Exceeded::Limit { model: model.name.clone(), scope, spent, limit, next });
        }
    }
    Ok(u32::try_from(allowed).unwrap_or(ceiling))
}

fn left_for_output(model: &ChosenModel, input_tokens: u64, limit: Limit, spent: Spent) -> u64 {
    let by_tokens =
        limit.tokens.map_or(u64::MAX, |most| most.saturating_sub(spent.tokens).saturating_sub(input_tokens));
    let price = model.known_price().unwrap_or_default();
    let by_money = limit.micro_usd.map_or(u64::MAX, |most| {
        let taken = spent.micro_usd.saturating_add(price.at_most(input_tokens, 0));
        match most.checked_sub(taken) {
            None => 0,
            Some(left) => (u128::from(left) * PRICED_TOKENS)
                .checked_div(u128::from(price.output))
                .map_or(u64::MAX, |tokens| u64::try_from(tokens).unwrap_or(u64::MAX)),
        }
    });
    by_tokens.min(by_money)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sort_of_token_has_its_price() {
        let price =
            Price { input: 3_000_000, output: 15_000_000, cached_input: 300_000, cache_write: 3_750_000 };
        let usage = Usage {
            input_tokens: 10_000,
            output_tokens: 1_000,
            cached_tokens: 6_000,
            cache_write_tokens: 2_000,
        };
        assert_eq!(price.of(&usage), 2_000 * 3 + 6_000 * 3 / 10 + 2_000 * 15 / 4 + 1_000 * 15);
        assert_eq!(price.of(&Usage { output_tokens: 1, ..Usage::default() }), 15);
        assert_eq!(Price { output: 1, ..price }.of(&Usage { output_tokens: 1, ..Usage::default() }), 1);
        // What a server counts wrongly costs no more than its whole input.
        let wrong = Usage { input_tokens: 5, cached_tokens: 9, cache_write_tokens: 9, output_tokens: 0 };
        assert_eq!(price.of(&wrong), 19);
    }

    #[test]
    fn amounts_and_numbers_are_written_for_people() {
        assert_eq!([usd(0), usd(41_200), usd(1_500_000)], ["0.00 USD", "0.0412 USD", "1.50 USD"]);
        assert_eq!(usd(1_234_000_001), "1,234.000001 USD");
        assert_eq!([grouped(7), grouped(1_000), grouped(1_234_567)], ["7", "1,000", "1,234,567"]);
    }

    fn model(price: Option<Price>) -> ChosenModel {
        ChosenModel { price, ..ChosenModel::named("m") }
    }

    const PRICE: Price =
        Price { input: 3_000_000, output: 15_000_000, cached_input: 300_000, cache_write: 3_750_000 };

    #[test]
    fn a_reply_is_as_long_as_everything_allows() {
        let free = Budget::default();
        let none = Spent::default();
        let allowed = |model: &ChosenModel, budget: &Budget| output_allowed(model, 2_000, budget, none);
        assert_eq!(allowed(&model(None), &free), Ok(OUTPUT_TOKENS_MAX));
        let short = ChosenModel { output_tokens_max: Some(7), ..model(None) };
        assert_eq!(allowed(&short, &free), Ok(7), "what a model can write goes before the least");
        let narrow = |window| ChosenModel { window_tokens: Some(window), ..model(None) };
        assert_eq!(allowed(&narrow(8_000), &free), Ok(6_000));
        assert_eq!(allowed(&narrow(3_000), &free), Ok(OUTPUT_TOKENS_MIN));
        assert!(matches!(allowed(&narrow(2_999), &free), Err(Exceeded::Window { .. })));
        let call = |tokens, micro_usd| Budget { call: Limit { tokens, micro_usd }, ..free };
        assert_eq!(allowed(&model(None), &call(Some(5_000), None)), Ok(3_000));
        // 2,000 tokens at 3.75, the price of putting them into a cache, and 2,000 at 15.
        assert_eq!(allowed(&model(Some(PRICE)), &call(None, Some(7_500 + 30_000))), Ok(2_000));
        assert!(allowed(&model(Some(PRICE)), &call(None, Some(7_500 + 14_999))).is_err());
        let day = |tokens| Budget { day: Limit { tokens: Some(tokens), micro_usd: None }, ..free };
        assert_eq!(allowed(&model(None), &day(3_000)), Ok(1_000));
        assert!(allowed(&model(None), &day(2_999)).is_err(), "no call is larger than the day");
        assert_eq!(allowed(&model(None), &day(22_000)), Ok(5_000), "and no reply is all of it");
    }

    #[test]
    fn what_nobody_knows_the_price_of_is_not_paid_for() {
        let limits = Budget { run: Limit { tokens: None, micro_usd: Some(1) }, ..Budget::default() };
        let none = Spent::default();
        let refused = output_allowed(&model(None), 1, &limits, none).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "`budget.run` limits what may be spent in USD, and the price of `m` is not known"
        );
        let local = ChosenModel { is_local: true, ..model(None) };
        assert_eq!(output_allowed(&local, 1, &limits, none), Ok(OUTPUT_TOKENS_MAX), "it costs nothing");
        let said = ChosenModel { price: Some(PRICE), ..local };
        assert!(output_allowed(&said, 1, &limits, none).is_err(), "unless the user says that it does");
    }

    #[test]
    fn a_refusal_has_the_numbers() {
        let limits = Budget { run: Limit { tokens: Some(10_000), micro_usd: None }, ..Budget::default() };
        let spent = Spent { tokens: 7_500, micro_usd: 9 };
        let refused = output_allowed(&model(None), 2_000, &limits, spent).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "`budget.run`, the limit of this run since its start or its last resume, does not allow it: \
             7,500 of 10,000 tokens are spent and the next call to `m` would take about 3,000 more"
        );
    }

    #[test]
    fn what_is_not_counted_counts_as_estimated() {
        let counted = Usage { input_tokens: 10, output_tokens: 5, ..Usage::default() };
        assert_eq!(model(Some(PRICE)).spent(&counted, 100, 50), Spent { tokens: 15, micro_usd: 105 });
        assert_eq!(model(None).spent(&Usage::default(), 100, 50), Spent { tokens: 150, micro_usd: 0 });
        let half = Usage { output_tokens: 5, ..Usage::default() };
        assert_eq!(model(None).spent(&half, 100, 50).tokens, 105);
    }
}
