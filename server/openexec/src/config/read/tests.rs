use super::*;
use crate::config::FREE;
use openexec_engine::budget::{Limit, Price};

fn load(text: &str) -> Result<UserConfig, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, text).unwrap();
    config(&path, LocalServers::default())
        .map_err(|error| format!("{error:#}").replace(&directory.path().display().to_string(), ""))
}

#[test]
fn an_absent_file_is_an_empty_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let found = config(&directory.path().join("config.yaml"), LocalServers::default()).unwrap();
    assert!(found.models.is_empty() && found.default_model.is_none() && !found.allow_unsandboxed_tasks);
    assert!(load("").unwrap().models.is_empty());
}

#[test]
fn every_kind_of_model_is_read() {
    let found = load(
        "default_model: claude\n\
         context_tokens: 9000\n\
         allow_unsandboxed_tasks: true\n\
         models:\n\
         \x20 claude: {api: anthropic_messages, model: claude-sonnet-4-5, key_env: MY_KEY, output_tokens_max: 4000}\n\
         \x20 local: {api: openai_chat, model: qwen, base_url: 'http://localhost:11434/v1'}\n\
         \x20 demo: {api: scripted, file: demo.yaml}\n\
         \x20 gpt: {api: openai_responses, model: gpt-5}\n\
         \x20 google: {api: gemini, model: gemini-2.5-pro, key_env: MY_KEY}\n\
         \x20 llama: {api: ollama, model: qwen3, num_ctx: 32768}\n\
         \x20 far: {api: ollama, model: qwen3, base_url: 'https://ollama.example.com'}\n\
         \x20 azure: {api: openai_chat, model: d, base_url: 'https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21', key_env: K}\n",
    )
    .unwrap();
    assert!(matches!(&found.models["gpt"], ModelConfig::OpenaiResponses(it) if it.model == "gpt-5"));
    assert!(
        matches!(&found.models["google"], ModelConfig::Gemini(it) if it.key == Some(KeySource::Variable("MY_KEY".into())))
    );
    assert!(
        matches!(&found.models["llama"], ModelConfig::Ollama { http, num_ctx: Some(32768) } if http.base_url.is_none())
    );
    let local: Vec<&str> =
        found.models.iter().filter(|(_, it)| it.is_local()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(local, ["demo", "llama", "local"], "Ollama's own address is on this machine");
    assert_eq!(found.default_model, Some("claude".into()));
    assert_eq!(found.context_tokens, Some(9000));
    assert!(found.allow_unsandboxed_tasks);
    assert!(matches!(&found.models["claude"], ModelConfig::AnthropicMessages(it)
        if it.model == "claude-sonnet-4-5" && it.key == Some(KeySource::Variable("MY_KEY".into())) && it.output_tokens_max == Some(4000)));
    assert!(matches!(&found.models["local"], ModelConfig::OpenaiChat(it)
        if it.base_url.as_deref() == Some("http://localhost:11434/v1") && it.key.is_none()));
    assert!(
        matches!(&found.models["demo"], ModelConfig::Scripted { file } if file.ends_with("demo.yaml") && file.is_absolute())
    );
}

#[test]
fn errors_name_their_place_and_the_remedy() {
    let model = |rest: &str| format!("models:\n  a:\n    api: openai_chat\n    model: m\n    {rest}\n");
    let ollama = |rest: &str| model(rest).replace("openai_chat", "ollama");
    let cases = [
        (model("key: sk-verysecret"), "/config.yaml:5:5: unknown field `key`", "`key_env`"),
        (model("api_key: sk-verysecret"), "/config.yaml:5:5: unknown field `api_key`", "`key_env`"),
        (model("key_env: sk-verysecret"), "/config.yaml:5:14: `key_env` is not the name", "never the key"),
        (model("output_tokens_max: 0"), "/config.yaml:5:24: ", "at least 1"),
        (model("file: x"), "/config.yaml:5:11: ", "api: scripted"),
        (model("base_url: 'ftp://sk-verysecret'"), "/config.yaml:5:15: ", "is not an address"),
        (model("base_url: 'http://u:sk-verysecret@h'"), "/config.yaml:5:15: ", "a password"),
        (model("base_url: 'http://far.example.com'\n    key_env: K"), "/config.yaml:5:15: ", "`https://`"),
        ("models:\n  a: {api: antropic, model: x}\n".into(), "/config.yaml:2:", "anthropic_messages"),
        (
            "models:\n  a:\n    api: openai_chat\n".into(),
            "/config.yaml:3:10: `model` is missing",
            "provider's name",
        ),
        ("models:\n  a:\n    api: scripted\n".into(), "/config.yaml:3:10: ", "`file`"),
        (
            "models:\n  a:\n    api: scripted\n    file: x\n    model: y\n".into(),
            "/config.yaml:5:12: ",
            "`file` only",
        ),
        ("default_model: gpt\n".into(), "/config.yaml:1:16: there is no model `gpt`", "under `models`"),
        (
            "modles: {}\n".into(),
            "/config.yaml:1:1: unknown field `modles`",
            "expected one of default_model, models",
        ),
        (model("num_ctx: 4096"), "/config.yaml:5:14: only Ollama's own API", "`api: ollama`"),
        (ollama("num_ctx: 0"), "/config.yaml:5:14: ", "at least 1"),
        (
            ollama("base_url: 'http://localhost:11434/v1/'"),
            "/config.yaml:5:15: Ollama's own API has no `/v1`",
            "`api: openai_chat`",
        ),
        (ollama("key_env: sk-verysecret"), "/config.yaml:5:14: `key_env` is not the name", "never the key"),
        (model("base_url: 'https://h?key=sk-verysecret'"), "/config.yaml:5:15: ", "a query"),
        (model("base_url: 'https://h?api-version=1&key=sk-verysecret'"), "/config.yaml:5:15: ", "a query"),
        ("models:\n  a: {api: olama, model: x}\n".into(), "/config.yaml:2:", "gemini"),
        ("models:\n  a:\n    api: gemini\n".into(), "/config.yaml:3:10: `model` is missing", "write"),
        (
            "models:\n  a:\n    api: scripted\n    file: x\n    num_ctx: 1\n".into(),
            "/config.yaml:5:14: ",
            "`file` only",
        ),
        (
            model("key_keyring: sk-verysecret"),
            "/config.yaml:5:18: `key_keyring` is not a name",
            "openexec key set",
        ),
        (model("key_keyring: 'a b verysecret'"), "/config.yaml:5:18: ", "at most 64 letters"),
        (model("key_env: K\n    key_keyring: k"), "/config.yaml:6:18: a model has one key", "remove"),
        (model("password: verysecret"), "/config.yaml:5:5: unknown field `password`", "`key_keyring`"),
        (model("window_tokens: 0"), "/config.yaml:5:20: ", "at least 1"),
        (model("price: {input: -3, output: 1}"), "/config.yaml:5:20: ", "not negative"),
        (model("price: {input: 3, output: .nan}"), "/config.yaml:5:31: ", "plain number"),
        (model("price: {input: 3, output: 1.2345678}"), "/config.yaml:5:31: ", "six digits"),
        (model("price: {input: 3}"), "/config.yaml:5:", "output"),
        (
            "models:\n  a:\n    api: scripted\n    file: x\n    price: {input: 1, output: 1}\n".into(),
            "/config.yaml:5:20: a scripted model has no `price`",
            "`file` only",
        ),
        ("budget: {run: {usd: -1}}\n".into(), "/config.yaml:1:21: ", "not negative"),
        ("budget: {run: {usd: .inf}}\n".into(), "/config.yaml:1:21: ", "plain number"),
        ("budget: {day: {tokens: 0}}\n".into(), "/config.yaml:1:24: ", "at least 1"),
        ("budget: {day: {tokens: -5}}\n".into(), "/config.yaml:1:24: ", "u64"),
        ("budget: {month: {usd: 1}}\n".into(), "/config.yaml:1:10: unknown field `month`", "call, run, day"),
        ("roles: {review: gpt}\n".into(), "/config.yaml:1:17: there is no model `gpt`", "under `models`"),
        (
            "roles: {sensitive: b}\nmodels:\n  b: {api: gemini, model: m}\n".into(),
            "/config.yaml:1:20: the model `b` is not on this machine, as `sensitive` must be",
            "`api: ollama`",
        ),
        (
            "roles: {router: 'anthropic:claude-sonnet-5'}\n".into(),
            "/config.yaml:1:17: the model `anthropic:claude-sonnet-5` is not on this machine",
            "`api: ollama`",
        ),
        ("network: {proxy: 'http://u:verysecret@h:1'}\n".into(), "/config.yaml:1:18: ", "`HTTPS_PROXY`"),
        (
            "network: {proxy: 'verysecret'}\n".into(),
            "/config.yaml:1:18: `proxy` is not an address",
            "http://",
        ),
        ("network: {proxy: 'socks5://h:1'}\n".into(), "/config.yaml:1:18: ", "http://"),
        ("network: {proxy: 'http://h:1/verysecret'}\n".into(), "/config.yaml:1:18: ", "more than an address"),
        ("network: {ca_file: ''}\n".into(), "/config.yaml:1:20: ", "PEM"),
        ("approve_requests: perhaps\n".into(), "/config.yaml:1:19: ", "bool"),
        (model("program: x"), "/config.yaml:5:14: only a command-line model", "`codex_cli`"),
        (model("output: json"), "/config.yaml:5:", "json_schema"),
        (
            "models:\n  a:\n    api: codex_cli\n    base_url: 'http://h'\n".into(),
            "/config.yaml:4:15: a command-line model has no `base_url`",
            "`program` only",
        ),
        ("context_tokens: 0\n".into(), "/config.yaml:1:17: ", "at least 1"),
        ("default_model: a\ndefault_model: b\n".into(), "/config.yaml:2:1: duplicate", "default_model"),
        ("models: [".into(), "/config.yaml:1:9: ", "mapping"),
    ];
    for (text, place, remedy) in cases {
        let error = load(&text).expect_err(&text);
        assert!(error.starts_with(place), "{text:?} gave {error:?}, wanted {place:?}");
        assert!(error.contains(remedy), "{text:?} gave {error:?}, wanted {remedy:?}");
        assert!(!error.contains("verysecret"), "{error}");
    }
}

#[test]
fn keys_reach_local_servers_in_the_clear_and_no_others() {
    for near in ["http://localhost:1", "http://127.0.0.1", "http://[::1]:8080/v1", "http://a.localhost"] {
        assert_eq!(address(near, true), Ok(()), "{near}");
    }
    for far in ["http://10.0.0.1", "http://localhost.example.com", "http://127.0.0.1.example.com"] {
        assert!(address(far, true).is_err(), "{far}");
        assert_eq!(address(far, false), Ok(()), "{far}");
    }
}

#[test]
fn a_scripted_default_needs_no_entry() {
    assert_eq!(
        load("default_model: scripted:a.yaml\n").unwrap().default_model,
        Some("scripted:a.yaml".into())
    );
}

#[test]
fn a_huge_or_binary_file_is_refused() {
    assert!(load(&"#".repeat(CONFIG_BYTES_MAX + 1)).unwrap_err().contains("larger than"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
    assert!(format!("{:#}", config(&path, LocalServers::default()).unwrap_err()).contains("UTF-8"));
}

#[test]
fn roles_budget_and_network_are_read() {
    let found = load(
        "roles: {implement: claude, review: 'openai:gpt-5', router: near, sensitive: 'ollama:qwen3'}\n\
         budget:\n\
         \x20 call: {tokens: 50000, usd: 0.30}\n\
         \x20 run: {usd: 2}\n\
         \x20 day: {usd: 10.000001}\n\
         approve_requests: true\n\
         network: {proxy: 'http://proxy.example.com:3128', ca_file: certificates/own.pem}\n\
         models:\n\
         \x20 claude: {api: anthropic_messages, model: claude-sonnet-4-5, key_keyring: anthropic}\n\
         \x20 near: {api: ollama, model: qwen3}\n\
         \x20 far: {api: openai_chat, model: m, base_url: 'https://h', window_tokens: 5000,\n\
         \x20   price: {input: 0.1, output: 0.2, cache_write: 0.15}}\n",
    )
    .unwrap();
    let name = |name: &str| Some(ModelName::from(name));
    assert_eq!(found.roles.implement, name("claude"));
    assert_eq!(found.roles.review, name("openai:gpt-5"));
    assert_eq!(found.roles.router, name("near"));
    assert_eq!(found.roles.sensitive, name("ollama:qwen3"));
    assert_eq!(found.budget.call, Limit { tokens: Some(50_000), micro_usd: Some(300_000) });
    assert_eq!(found.budget.run, Limit { tokens: None, micro_usd: Some(2_000_000) });
    assert_eq!(found.budget.day.micro_usd, Some(10_000_001));
    assert!(found.approve_requests);
    assert_eq!(found.network.proxy.as_deref(), Some("http://proxy.example.com:3128"));
    let ca_file = found.network.ca_file.as_deref().unwrap();
    assert!(ca_file.is_absolute() && ca_file.ends_with("certificates/own.pem"), "{ca_file:?}");
    assert!(matches!(&found.models["claude"], ModelConfig::AnthropicMessages(it)
        if it.key == Some(KeySource::Keyring("anthropic".into()))));
    let far = found.chosen("far".into()).unwrap();
    assert_eq!(far.window_tokens, Some(5_000));
    // What is not said of a cache costs what is read without one.
    let price = Price { input: 100_000, output: 200_000, cached_input: 100_000, cache_write: 150_000 };
    assert_eq!(far.price, Some(price));
    let near = found.chosen("near".into()).unwrap();
    assert!(near.is_local && near.price == Some(FREE), "{near:?}");
    let told = found.chosen("scripted:a.yaml".into()).unwrap();
    assert!(told.is_local && told.price == Some(FREE), "{told:?}");
}

#[test]
fn a_limit_in_money_needs_every_price() {
    let models =
        "models:\n  a: {api: openai_chat, model: m, base_url: 'https://h'}\n  b: {api: ollama, model: m}\n";
    let error = load(&format!("{models}budget: {{call: {{tokens: 1}}, day: {{usd: 5}}}}\n")).unwrap_err();
    assert!(error.starts_with("/config.yaml:4:"), "{error}");
    assert!(error.contains("that of `a` is not known") && error.contains("under `a`"), "{error}");
    load(&format!("{models}budget: {{day: {{tokens: 5}}}}\n")).unwrap();
    let found = load("budget: {day: {usd: 5}}\nmodels:\n  a: {api: ollama, model: m}\n").unwrap();
    // A name that needs no entry is met only when a run is started.
    let error = found.chosen("openai:gpt-99".into()).unwrap_err().to_string();
    assert!(error.contains("`openai:gpt-99`") && error.contains("price"), "{error}");
    assert!(found.chosen("openai:gpt-5".into()).unwrap().price.is_some());
}

#[test]
fn what_looks_like_a_key_is_no_name_for_one() {
    for name in ["anthropic", "work.openai", "gpt-5", "my_key-2", "a"] {
        assert!(is_keyring_name(name), "{name}");
    }
    let long = "a".repeat(65);
    for name in
        ["", "-a", "a b", "ä", "sk-ant", "AIzaSy", "a-0123456789abcdef0123456789abcdef", long.as_str(), "a/b"]
    {
        assert!(!is_keyring_name(name), "{name}");
    }
}

const SCHEMA: &str = include_str!("../../../../../blueprints/config.schema.json");

#[test]
fn the_checked_in_schema_is_the_one_of_the_types() {
    let generated = serde_json::to_string_pretty(&crate::config::json_schema()).unwrap() + "\n";
    assert!(
        generated == SCHEMA,
        "blueprints/config.schema.json is out of date; refresh it from the repository's root with\n\
         cargo run -p openexec -- config schema > schema.new; mv schema.new blueprints/config.schema.json"
    );
}

#[test]
fn the_schema_accepts_and_rejects_what_reading_does() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (text, good) in [
        ("{}", true),
        (
            "default_model: a\nmodels: {a: {api: ollama, model: m, num_ctx: 5}}\nbudget: {run: {usd: 0.5}}\n",
            true,
        ),
        ("models: {a: {api: gemini, model: m, price: {input: 1.25, output: 10}}}\n", true),
        ("network: {proxy: 'http://h:1'}\napprove_requests: true\n", true),
        ("budget: {run: {usd: -1}}\n", false),
        ("budget: {run: {tokens: 0}}\n", false),
        ("models: {a: {api: olama, model: m}}\n", false),
        ("models: {a: {api: ollama, model: m, key: x}}\n", false),
        ("models: {a: {api: ollama, model: m, key_env: 'a b'}}\n", false),
        ("roles: {reviewer: a}\n", false),
    ] {
        let value: serde_json::Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(validator.is_valid(&value), good, "{text}");
        assert_eq!(load(text).is_ok(), good, "{text}: {:?}", load(text).err());
    }
}

#[test]
fn the_reference_names_every_field() {
    let reference = include_str!("../../../../CONFIGURATION.md");
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let places = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let fields = places.filter_map(|place| place["properties"].as_object()).flat_map(|fields| fields.keys());
    for field in fields {
        assert!(reference.contains(&format!("`{field}`")), "server/CONFIGURATION.md does not name `{field}`");
    }
}

#[test]
fn models_behind_schemas_and_behind_command_lines_are_read() {
    let found = load(
        "models:\n\
         \x20 small: {api: ollama, model: qwen3, output: json_schema}\n\
         \x20 big: {api: ollama, model: qwen3, output: tool_calls}\n\
         \x20 claude: {api: claude_cli}\n\
         \x20 codex: {api: codex_cli, model: gpt-6-sol, program: codex-beta}\n\
         \x20 gemini: {api: gemini_cli, program: tools/gemini}\n",
    )
    .unwrap();
    let output = |name: &str| match &found.models[name] {
        ModelConfig::Ollama { http, .. } => http.output,
        other => panic!("{other:?}"),
    };
    assert_eq!((output("small"), output("big")), (OutputForm::JsonSchema, OutputForm::ToolCalls));
    let tool = |name: &str| match &found.models[name] {
        ModelConfig::CommandLine(config) => config.clone(),
        other => panic!("{other:?}"),
    };
    let claude = CommandLineConfig { tool: CommandLineTool::Claude, program: None, model: None };
    assert_eq!(tool("claude"), claude);
    assert_eq!(
        tool("codex"),
        CommandLineConfig {
            tool: CommandLineTool::Codex,
            program: Some("codex-beta".into()),
            model: Some("gpt-6-sol".into())
        }
    );
    let program = tool("gemini").program.unwrap();
    assert!(program.is_absolute() && program.ends_with("tools/gemini"), "{program:?}");
    assert!(found.models.values().filter(|it| it.is_local()).count() == 2, "a tool's model is elsewhere");
}
