//! What models may cost: prices, limits, and what has been spent, in tokens and in money.
//!
//! It must not know where prices come from, or what day it is.

use crate::model::Usage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Millionths of a US dollar. Whole numbers, so that every machine counts alike.
pub type MicroUsd = u64;

/// What a model's tokens cost, each in millionths of a US dollar for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
        u64::try_from(total.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
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
}
