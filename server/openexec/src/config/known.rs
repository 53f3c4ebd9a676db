//! What is known of models by their names: window, length of replies, prices.
//!
//! It must not ask anybody: the facts are a file of this program, and the user's own
//! configuration goes before them.

use super::money::Decimal;
use super::{CommandLineTool, HttpModelConfig, ModelConfig, OLLAMA_ADDRESS, read};
use openexec_engine::budget::Price;
use openexec_engine::context::Vocabulary;
use regex::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const KNOWN: &str = include_str!("known.yaml");

/// What may stand behind a model's name without making it another model.
const SNAPSHOT: &str = r"^(-latest|-preview|-exp)?([-@](\d{8}|\d{4}|\d{4}-\d{2}-\d{2}|\d{2}-\d{4}))?$";

/// What is known of a model. What is absent is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// Tokens that a request and its reply may have together, at this price.
    pub window_tokens: Option<u64>,
    /// The most tokens of one reply.
    pub output_tokens_max: Option<u32>,
    /// What its tokens cost.
    pub price: Option<Price>,
}

/// What costs nothing, because nobody is paid for it.
pub const FREE: Price = Price { input: 0, output: 0, cached_input: 0, cache_write: 0 };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownFile {
    providers: BTreeMap<String, ProviderEntry>,
    models: Vec<ModelEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderEntry {
    hosts: Vec<String>,
    #[expect(dead_code, reason = "for the people who keep the file true")]
    source: String,
    #[expect(dead_code, reason = "for the people who keep the file true")]
    as_of: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelEntry {
    name: String,
    provider: String,
    /// The API for which this model is taken where nothing is configured.
    default_for: Option<String>,
    window_tokens: Option<u64>,
    output_tokens_max: Option<u32>,
    price: Option<PriceEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    input: Decimal,
    output: Decimal,
    cached_input: Option<Decimal>,
    cache_write: Option<Decimal>,
}

impl PriceEntry {
    fn price(&self) -> Option<Price> {
        let input = self.input.micro_usd()?;
        let or_input = |part: &Option<Decimal>| part.as_ref().map_or(Some(input), Decimal::micro_usd);
        Some(Price {
            input,
            output: self.output.micro_usd()?,
            cached_input: or_input(&self.cached_input)?,
            cache_write: or_input(&self.cache_write)?,
        })
    }
}

/// The file, parsed. A test holds that it can be; were it not so, nothing would be known.
static FACTS: LazyLock<Option<KnownFile>> = LazyLock::new(|| serde_saphyr::from_str(KNOWN).ok());
static SNAPSHOTS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(SNAPSHOT).ok());

/// The entry of a provider's name of a model: the longest that names it.
fn entry(model: &str) -> Option<&'static ModelEntry> {
    let (file, snapshots) = (FACTS.as_ref()?, SNAPSHOTS.as_ref()?);
    let names =
        |entry: &&ModelEntry| model.strip_prefix(&*entry.name).is_some_and(|it| snapshots.is_match(it));
    file.models.iter().filter(names).max_by_key(|entry| entry.name.len())
}

/// The model that is taken for an API (`anthropic`, `openai`, `gemini`) where nothing is
/// configured: good at code, and not the most expensive one.
pub(super) fn default_for(api: &str) -> Option<&'static str> {
    let file = FACTS.as_ref()?;
    file.models.iter().find(|entry| entry.default_for.as_deref() == Some(api)).map(|entry| &*entry.name)
}

fn known(model: &str, host: &str) -> Facts {
    let Some(entry) = entry(model) else { return Facts::default() };
    let provider = FACTS.as_ref().and_then(|file| file.providers.get(&entry.provider));
    let is_of = provider.is_some_and(|provider| provider.hosts.iter().any(|known| known == host));
    Facts {
        window_tokens: entry.window_tokens,
        output_tokens_max: entry.output_tokens_max,
        // Whoever resells a model has prices of their own.
        price: entry.price.as_ref().filter(|_| is_of).and_then(PriceEntry::price),
    }
}

impl ModelConfig {
    /// What is known of it: what the user says, else what this program knows. What runs on this
    /// machine costs nothing.
    pub fn facts(&self) -> Facts {
        match self {
            Self::AnthropicMessages(http) => self.over_http(http, "https://api.anthropic.com"),
            Self::OpenaiChat(http) | Self::OpenaiResponses(http) => {
                self.over_http(http, "https://api.openai.com")
            }
            Self::Gemini(http) => self.over_http(http, "https://generativelanguage.googleapis.com"),
            Self::Ollama { http, num_ctx } => {
                let facts = self.over_http(http, OLLAMA_ADDRESS);
                Facts { window_tokens: http.window_tokens.or(num_ctx.map(u64::from)), ..facts }
            }
            // Its login may be a subscription; what the API would cost is then more than enough.
            Self::CommandLine(tool) => {
                let host = match tool.tool {
                    CommandLineTool::Claude => "api.anthropic.com",
                    CommandLineTool::Codex => "api.openai.com",
                    CommandLineTool::Gemini => "generativelanguage.googleapis.com",
                };
                tool.model.as_deref().map(|model| known(model, host)).unwrap_or_default()
            }
            Self::Scripted { .. } => Facts { price: Some(FREE), ..Facts::default() },
        }
    }

    /// What counts its tokens: its maker's vocabulary, where that is public.
    pub fn vocabulary(&self) -> Vocabulary {
        match self {
            Self::AnthropicMessages(_) | Self::Gemini(_) | Self::Scripted { .. } => Vocabulary::Estimated,
            Self::OpenaiChat(http) | Self::OpenaiResponses(http) | Self::Ollama { http, .. } => {
                Vocabulary::of_model(&http.model)
            }
            Self::CommandLine(tool) => tool.model.as_deref().map(Vocabulary::of_model).unwrap_or_default(),
        }
    }

    fn over_http(&self, http: &HttpModelConfig, own_address: &str) -> Facts {
        let host = read::host(http.base_url.as_deref().unwrap_or(own_address)).unwrap_or_default();
        let known = match self.is_local() {
            true => Facts { price: Some(FREE), ..Facts::default() },
            false => known(&http.model, &host),
        };
        Facts {
            window_tokens: http.window_tokens.or(known.window_tokens),
            output_tokens_max: http.output_tokens_max.or(known.output_tokens_max),
            price: http.price.or(known.price),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn file() -> KnownFile {
        serde_saphyr::from_str(KNOWN).unwrap_or_else(|error| panic!("{error}"))
    }

    fn anthropic(model: &str, base_url: Option<&str>) -> ModelConfig {
        ModelConfig::AnthropicMessages(HttpModelConfig {
            model: model.to_owned(),
            base_url: base_url.map(str::to_owned),
            ..HttpModelConfig::default()
        })
    }

    #[test]
    fn every_entry_is_whole_and_names_one_model() {
        let file = file();
        let mut names = BTreeSet::new();
        for model in &file.models {
            assert!(names.insert(&model.name), "{} stands twice", model.name);
            assert!(file.providers.contains_key(&model.provider), "{}", model.name);
            let price = model.price.as_ref().map(|price| price.price().expect("its digits are few"));
            if let Some(price) = price {
                assert!(price.input > 0 && price.output >= price.input, "{}", model.name);
                assert!(price.cached_input <= price.input, "{}", model.name);
                assert!(price.cache_write >= price.input, "{}", model.name);
            }
            assert!(model.window_tokens.is_some_and(|tokens| tokens >= 100_000), "{}", model.name);
            // Its own name, and a snapshot of it, lead to it and to no other.
            for name in [model.name.clone(), format!("{}-20260131", model.name)] {
                assert_eq!(entry(&name).map(|found| &found.name), Some(&model.name), "{name}");
            }
        }
    }

    #[test]
    fn each_api_that_can_be_found_has_one_default() {
        for api in ["anthropic", "openai", "gemini"] {
            let defaults = file().models.iter().filter(|it| it.default_for.as_deref() == Some(api)).count();
            assert_eq!(defaults, 1, "{api}");
            assert!(default_for(api).is_some());
        }
        assert_eq!(default_for("nobody"), None);
    }

    #[test]
    fn a_model_is_known_by_its_name_and_its_snapshots_only() {
        let name = |model: &str| entry(model).map(|entry| &*entry.name);
        assert_eq!(name("claude-sonnet-4-5-20250929"), Some("claude-sonnet-4-5"));
        assert_eq!(name("claude-opus-5-5"), Some("claude-opus-5-5"), "not claude-opus-5");
        assert_eq!(name("gpt-5-2025-08-07"), Some("gpt-5"));
        assert_eq!(name("gpt-5-mini"), Some("gpt-5-mini"));
        assert_eq!(name("gemini-2.5-flash-preview-09-2025"), Some("gemini-2.5-flash"));
        assert_eq!(name("gemini-3.1-pro-preview"), Some("gemini-3.1-pro"));
        assert_eq!(name("devstral-latest"), Some("devstral"));
        // Another model of a known family may cost ten times as much.
        for unknown in ["gpt-5-pro", "claude-opus-5-7", "claude-opus", "gpt-5.7", "xgpt-5", "GPT-5", ""] {
            assert_eq!(name(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn prices_hold_at_the_provider_only() {
        let own = anthropic("claude-sonnet-4-5", None).facts();
        assert_eq!(own.window_tokens, Some(200_000));
        assert_eq!(own.output_tokens_max, Some(64_000));
        let price =
            Price { input: 3_000_000, output: 15_000_000, cached_input: 300_000, cache_write: 3_750_000 };
        assert_eq!(own.price, Some(price));
        assert_eq!(anthropic("claude-sonnet-4-5", Some("https://api.anthropic.com/v1")).facts(), own);
        let resold = anthropic("claude-sonnet-4-5", Some("https://api.anthropic.com.example")).facts();
        assert_eq!(resold, Facts { price: None, ..own });
        let near = anthropic("claude-sonnet-4-5", Some("http://localhost:1")).facts();
        assert_eq!(near, Facts { price: Some(FREE), ..Facts::default() }, "a server of that name here");
        assert_eq!(anthropic("claude-2", None).facts(), Facts::default());
    }

    #[test]
    fn the_user_knows_better() {
        let http = HttpModelConfig {
            model: "gpt-5".to_owned(),
            window_tokens: Some(9),
            output_tokens_max: Some(5),
            price: Some(FREE),
            ..HttpModelConfig::default()
        };
        let facts = ModelConfig::OpenaiChat(http).facts();
        assert_eq!(facts, Facts { window_tokens: Some(9), output_tokens_max: Some(5), price: Some(FREE) });
        let http = HttpModelConfig { model: "qwen3".to_owned(), ..HttpModelConfig::default() };
        let ollama = ModelConfig::Ollama { http, num_ctx: Some(32_768) }.facts();
        assert_eq!(ollama.window_tokens, Some(32_768));
        assert_eq!(ollama.price, Some(FREE));
    }
}
