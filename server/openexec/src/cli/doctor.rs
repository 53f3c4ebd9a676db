//! What works here, what is missing, and what to type.

use super::models::{KeyState, installed, key_state, program};
use super::{At, paint};
use crate::config::{ModelConfig, UserConfig, UserDirs};
use crate::driver::Runtime;
use crate::process::Launcher;
use crate::shadow;
use openexec_engine::task::{TaskKind, Trust};
use std::process::ExitCode;

/// Prints findings and remembers whether one of them stands in the way of a run.
#[derive(Default)]
struct Findings {
    missing: bool,
}

impl Findings {
    fn good(&self, what: &str, detail: &str) {
        anstream::println!("{} {what}: {}", paint::good("ok     "), paint::plain(detail));
    }

    fn optional(&self, what: &str, detail: &str, remedy: &str) {
        anstream::println!("{} {what}: {}", paint::warn("note   "), paint::plain(detail));
        anstream::println!("        → {}", paint::plain(remedy));
    }

    fn missing(&mut self, what: &str, detail: &str, remedy: &str) {
        self.missing = true;
        anstream::println!("{} {what}: {}", paint::bad("missing"), paint::plain(detail));
        anstream::println!("        → {}", paint::plain(remedy));
    }
}

pub(super) async fn doctor(at: &At) -> anyhow::Result<ExitCode> {
    let mut findings = Findings::default();
    println!("openexec {}", env!("CARGO_PKG_VERSION"));
    let dirs = UserDirs::from_environment()?;
    let config = match UserConfig::load(&dirs) {
        Ok(config) => {
            findings.good("configuration", &dirs.config_path().display().to_string());
            config
        }
        Err(error) => {
            findings.missing(
                "configuration",
                &format!("{error:#}"),
                "mend the file; nothing is read from it until then",
            );
            UserConfig::default()
        }
    };
    sandbox(&mut findings, &dirs, &config).await;
    models(&mut findings, &dirs, &config).await;
    match Runtime::new(dirs, config) {
        Ok(runtime) => workspace(&mut findings, &runtime, at),
        Err(error) => findings.missing("state", &error.to_string(), "make the state directory writable"),
    }
    println!();
    if findings.missing {
        println!("something is missing; what to type stands behind each arrow");
        return Ok(ExitCode::FAILURE);
    }
    println!("ready: openexec run fix_tests --workspace {}", at.workspace.display());
    Ok(ExitCode::SUCCESS)
}

async fn sandbox(findings: &mut Findings, dirs: &UserDirs, config: &UserConfig) {
    let confinement = match Launcher::current() {
        Ok(launcher) => shadow::probe(&launcher, &dirs.state).await,
        Err(error) => {
            return findings.missing("sandbox", &error.to_string(), "start openexec by its real path");
        }
    };
    match (&confinement.remedy, confinement.confined) {
        (None, true) => {
            findings.good("sandbox", &confinement.name);
            for part in &confinement.parts {
                let what = format!("sandbox: {}", part.name);
                if part.in_force {
                    findings.good(&what, &part.detail);
                } else {
                    findings.optional(&what, &part.detail, part.remedy);
                }
            }
        }
        (remedy, _) => {
            let remedy = remedy.clone().unwrap_or_else(|| "see server/ARCHITECTURE.md".into());
            if config.allow_unsandboxed_tasks {
                findings.optional(
                    "sandbox",
                    &format!("{}; tasks run unconfined, as you configured", confinement.name),
                    &remedy,
                );
            } else {
                findings.missing("sandbox", &format!("{}; tasks are refused", confinement.name), &remedy);
            }
        }
    }
}

async fn models(findings: &mut Findings, dirs: &UserDirs, config: &UserConfig) {
    let http = match crate::models::http_client(&config.network) {
        Ok(http) => http,
        Err(error) => {
            return findings.missing("network", &error.to_string(), "mend it in your configuration");
        }
    };
    if config.models.is_empty() && config.default_model.is_none() {
        return at_hand(findings, dirs, config, &http).await;
    }
    for (name, model) in &config.models {
        one_model(findings, &format!("model {name}"), model);
    }
    findings.optional(
        "models",
        "whether they can be reached was not tried",
        "openexec models  (free of charge; with --ping one tiny request to each)",
    );
}

/// Nothing is configured: what is taken then, or what to type.
async fn at_hand(findings: &mut Findings, dirs: &UserDirs, config: &UserConfig, http: &reqwest::Client) {
    let variable = |name: &str| std::env::var(name).ok();
    match crate::models::model_at_hand(&config.local_servers, http, &variable).await {
        Some(found) => {
            findings.good("models", &format!("none is configured; {} is taken, as {}", found.name, found.because));
        }
        None => findings.optional(
            "models",
            "none is configured and none is at hand; only `--model scripted:FILE` works",
            &format!(
                "export ANTHROPIC_API_KEY=… (or OPENAI_API_KEY, or GEMINI_API_KEY), start Ollama, or describe a model in {}",
                dirs.config_path().display()
            ),
        ),
    }
}

fn one_model(findings: &mut Findings, what: &str, model: &ModelConfig) {
    match model {
        ModelConfig::AnthropicMessages(http)
        | ModelConfig::OpenaiChat(http)
        | ModelConfig::OpenaiResponses(http)
        | ModelConfig::Gemini(http)
        | ModelConfig::Ollama { http, .. } => match key_state(model) {
            KeyState::None => findings.good(what, &format!("{}, without a key", http.model)),
            KeyState::There { place } => findings.good(what, &format!("{}, key in {place}", http.model)),
            KeyState::Missing { place, remedy } => {
                findings.missing(what, &format!("its key is looked for in {place}, and not there"), &remedy);
            }
        },
        ModelConfig::CommandLine(tool) => {
            let usual = std::path::PathBuf::from(program(tool.tool));
            let program = tool.program.clone().unwrap_or(usual);
            match installed(&program) {
                true => findings
                    .good(what, &format!("{} is installed; it has a login of its own", program.display())),
                false => findings.missing(
                    what,
                    &format!("{} is not installed", program.display()),
                    "install it and log in with it once, or name its path as `program`",
                ),
            }
        }
        ModelConfig::Scripted { file } => {
            findings.good(what, &format!("scripted replies from {}", file.display()));
        }
    }
}

fn workspace(findings: &mut Findings, runtime: &Runtime, at: &At) {
    let root = &at.workspace;
    match runtime.store(root) {
        Ok(_) => findings.good("journal", "opens, and is durable"),
        Err(error) => findings.missing(
            "journal",
            &error.to_string(),
            "move the damaged file away; its runs are lost to resuming, not your files",
        ),
    }
    match runtime.index_size(root) {
        Ok(Some(size)) => findings.good(
            "index",
            &format!("{} files are known, {} MB on disk", size.files, size.bytes.div_ceil(1_000_000)),
        ),
        Ok(None) => findings.good("index", "not made yet; the first run or editor makes it"),
        Err(error) => {
            findings.optional("index", &error.to_string(), "nothing to do: the next run makes it anew")
        }
    }
    let status = match runtime.declarations(root) {
        Ok(status) => status,
        Err(error) => return findings.missing("tasks", &error.to_string(), "mend the file"),
    };
    for kind in [TaskKind::Test, TaskKind::Lint, TaskKind::Format] {
        let tasks: Vec<_> = status.declared.tasks.iter().filter(|task| task.kind == kind).collect();
        let what = format!("{kind:?} tasks").to_lowercase();
        let detail = tasks.iter().map(|task| task.argv.join(" ")).collect::<Vec<_>>().join("; ");
        match (tasks.is_empty(), kind) {
            (false, _) => findings.good(&what, &detail),
            (true, TaskKind::Test) => findings.missing(
                &what,
                "none found; without tests nothing can be proven",
                "declare one in .openexec/tasks.yaml:  {version: 1, tasks: [{name: test, kind: test, argv: […]}]}",
            ),
            (true, _) => findings.optional(&what, "none found", "declare one in .openexec/tasks.yaml if you have one"),
        }
    }
    for task in &status.declared.tasks {
        if let Some(program) = task.argv.first().filter(|program| !is_on_path(root, program)) {
            findings.missing(
                &format!("task {}", task.name),
                &format!("`{program}` is not installed"),
                &format!("install {program}, or declare another task"),
            );
        }
    }
    match status.trust {
        Trust::Trusted { .. } => findings.good("trust", "the workspace's tasks are trusted as they are now"),
        Trust::Untrusted => findings.missing(
            "trust",
            "the workspace's tasks are not trusted, or have changed since",
            &format!("openexec trust --workspace {}", root.display()),
        ),
    }
    match runtime.policy(root) {
        Ok(found) => {
            let rules = found.snapshot.rules.len() + found.snapshot.egress.len();
            let mode = found.snapshot.sandbox.name();
            findings.good("policy", &format!("{mode}, {rules} rules of policy files"));
        }
        Err(error) => findings.missing("policy", &error.to_string(), "openexec policy check"),
    }
    match runtime.catalogue(root) {
        Ok(catalogue) => {
            for (name, entry) in &catalogue.entries {
                if let Err(error) = &entry.blueprint {
                    findings.missing(&format!("blueprint {name}"), &error.to_string(), "mend the file");
                }
            }
            findings.good(
                "blueprints",
                &catalogue.usable().map(|it| it.name.to_string()).collect::<Vec<_>>().join(", "),
            );
        }
        Err(error) => findings.missing("blueprints", &error.to_string(), "mend the files"),
    }
}

fn is_on_path(root: &std::path::Path, program: &str) -> bool {
    if program.contains('/') {
        return root.join(program).exists();
    }
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
