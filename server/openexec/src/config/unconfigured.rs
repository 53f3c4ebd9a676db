//! Models that need no entry: their names say all there is to say.
//!
//! It must not look whether they are there; `models::presence` does.

use super::{HttpModelConfig, ModelConfig, known, read};

/// The port at which Ollama listens unless it is told otherwise.
const OLLAMA_PORT: u16 = 11_434;

/// Whom a name's prefix means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// `anthropic:MODEL`.
    Anthropic,
    /// `openai:MODEL`.
    Openai,
    /// `gemini:MODEL`.
    Gemini,
    /// `ollama:MODEL`, on this machine.
    Ollama,
    /// `llamacpp:MODEL`, on this machine.
    LlamaCpp,
}

/// Where the servers of this machine listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalServers {
    /// Ollama's address.
    pub ollama: String,
    /// The address of llama.cpp's server.
    pub llama_cpp: String,
}

impl Default for LocalServers {
    fn default() -> Self {
        Self::from_variables(|_| None)
    }
}

impl LocalServers {
    /// From the variables that the servers themselves read: `OLLAMA_HOST`, `LLAMA_ARG_HOST`
    /// and `LLAMA_ARG_PORT`.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
        let llama_host = set("LLAMA_ARG_HOST").unwrap_or_else(|| "127.0.0.1".to_owned());
        let llama_port = set("LLAMA_ARG_PORT").unwrap_or_else(|| "8080".to_owned());
        Self {
            ollama: reachable(&set("OLLAMA_HOST").unwrap_or_default(), OLLAMA_PORT),
            llama_cpp: reachable(&format!("{llama_host}:{llama_port}"), 8080),
        }
    }
}

/// The address at which something is reached that was told to listen at `host`: a name, with or
/// without scheme and port. What listens everywhere is reached on this machine.
fn reachable(host: &str, port: u16) -> String {
    let text = match host.contains("://") {
        true => host.to_owned(),
        false => format!("http://{}", if host.is_empty() { "127.0.0.1" } else { host }),
    };
    let fallback = || format!("http://127.0.0.1:{port}");
    let Ok(mut url) = reqwest::Url::parse(&text) else { return fallback() };
    if !matches!(url.scheme(), "http" | "https") {
        return fallback();
    }
    let everywhere = url.host_str().is_some_and(|host| matches!(host, "0.0.0.0" | "[::]"));
    if everywhere && url.set_host(Some("127.0.0.1")).is_err() {
        return fallback();
    }
    // An address with a scheme but no port means the scheme's port, as Ollama has it.
    if url.port().is_none() && !host.contains("://") && url.set_port(Some(port)).is_err() {
        return fallback();
    }
    url.as_str().trim_end_matches('/').to_owned()
}

impl Provider {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 5] = [Self::Anthropic, Self::Openai, Self::Gemini, Self::Ollama, Self::LlamaCpp];

    /// What a name begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::LlamaCpp => "llamacpp",
        }
    }

    /// The variable that holds its key; none where it is on this machine.
    pub fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("ANTHROPIC_API_KEY"),
            Self::Openai => Some("OPENAI_API_KEY"),
            Self::Gemini => Some("GEMINI_API_KEY"),
            Self::Ollama | Self::LlamaCpp => None,
        }
    }

    /// The model that is taken where none is named; none where only the server knows.
    pub fn default_model(self) -> Option<&'static str> {
        known::default_for(self.prefix())
    }
}

/// The model that a name describes: `PROVIDER:MODEL`.
pub(super) fn named(name: &str, servers: &LocalServers) -> Option<ModelConfig> {
    let (prefix, model) = name.split_once(':')?;
    let provider = Provider::ALL.into_iter().find(|provider| provider.prefix() == prefix)?;
    if model.trim().is_empty() {
        return None;
    }
    let http = HttpModelConfig { model: model.to_owned(), ..HttpModelConfig::default() };
    let at = |address: String| HttpModelConfig { base_url: Some(address), ..http.clone() };
    Some(match provider {
        Provider::Anthropic => ModelConfig::AnthropicMessages(http),
        Provider::Openai => ModelConfig::OpenaiResponses(http),
        Provider::Gemini => ModelConfig::Gemini(http),
        Provider::Ollama => ModelConfig::Ollama { http: at(servers.ollama.clone()), num_ctx: None },
        Provider::LlamaCpp => ModelConfig::OpenaiChat(at(format!("{}/v1", servers.llama_cpp))),
    })
}

impl LocalServers {
    /// The address of a provider's server, if it is on this machine.
    pub fn on_this_machine(&self, provider: Provider) -> Option<&str> {
        let address = match provider {
            Provider::Ollama => &self.ollama,
            Provider::LlamaCpp => &self.llama_cpp,
            Provider::Anthropic | Provider::Openai | Provider::Gemini => return None,
        };
        read::leads_to_loopback(address).then_some(address.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_model_it_means() {
        let servers = LocalServers::default();
        let found = |name: &str| named(name, &servers);
        assert!(matches!(found("anthropic:claude-sonnet-5"),
            Some(ModelConfig::AnthropicMessages(it)) if it.model == "claude-sonnet-5" && it.base_url.is_none()));
        assert!(matches!(found("openai:gpt-5"), Some(ModelConfig::OpenaiResponses(_))));
        assert!(matches!(found("gemini:gemini-2.5-pro"), Some(ModelConfig::Gemini(_))));
        let Some(ollama @ ModelConfig::Ollama { .. }) = found("ollama:qwen3:8b") else { panic!() };
        assert!(ollama.is_local());
        let Some(ModelConfig::OpenaiChat(http)) = found("llamacpp:qwen3") else { panic!() };
        assert_eq!(http.base_url.as_deref(), Some("http://127.0.0.1:8080/v1"));
        for name in ["claude", "ollama:", "ollama: ", "other:model", "scripted:a.yaml", ":x", ""] {
            assert!(found(name).is_none(), "{name}");
        }
        for provider in [Provider::Anthropic, Provider::Openai, Provider::Gemini] {
            assert!(provider.default_model().is_some() && provider.key_variable().is_some());
        }
    }

    #[test]
    fn servers_are_where_their_own_variables_say() {
        for (host, expected) in [
            ("", "http://127.0.0.1:11434"),
            ("127.0.0.1:9", "http://127.0.0.1:9"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("0.0.0.0:7", "http://127.0.0.1:7"),
            ("http://[::]:7", "http://127.0.0.1:7"),
            ("gpu.example.com", "http://gpu.example.com:11434"),
            ("https://gpu.example.com", "https://gpu.example.com"),
            ("::::", "http://127.0.0.1:11434"),
            ("unix:///run/ollama", "http://127.0.0.1:11434"),
        ] {
            let servers =
                LocalServers::from_variables(|name| (name == "OLLAMA_HOST").then(|| host.to_owned()));
            assert_eq!(servers.ollama, expected, "{host:?}");
            let near = servers.on_this_machine(Provider::Ollama).is_some();
            assert_eq!(near, !expected.contains("example"), "{host:?}");
        }
        let servers =
            LocalServers::from_variables(|name| (name == "LLAMA_ARG_PORT").then(|| "81".to_owned()));
        assert_eq!(servers.llama_cpp, "http://127.0.0.1:81");
    }
}
