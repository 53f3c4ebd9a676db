//! The command line: flags, logging, terminal output. It decides nothing about a run.

mod context;
mod demo;
mod doctor;
mod drive;
mod inspect;
mod key;
mod memory;
mod models;
mod paint;
mod policy;
mod terminal;

use crate::config::{UserConfig, UserDirs};
use crate::driver::Runtime;
use clap::{Parser, Subcommand};
use openexec_engine::edit::Part;
use openexec_engine::ids::{BlueprintName, ModelName};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// The deterministic runtime for AI-assisted engineering.
///
/// Exit codes: 0 done; 1 a gate stayed red, or the run failed or was refused; 2 wrong usage;
/// 3 the run waits for you (approval or pause); 130 cancelled.
#[derive(Debug, Parser)]
#[command(version, about, long_about)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show everything on a small project in a temporary directory, without key or network.
    Demo,
    /// Serve an editor: LSP on standard input and output.
    Lsp,
    /// Run a blueprint on a workspace.
    Run(RunArguments),
    /// Say what a request would be taken for, and which models would serve it; run nothing.
    Route(RouteArguments),
    /// Print the context pack for a place or a text: what a model would be shown, and why.
    Context(context::ContextArguments),
    /// List the runs of a workspace.
    Runs(At),
    /// Show a run: its timeline, evidence and diff.
    Show(ShowArguments),
    /// Write what happened in a run as one page for a browser, which needs nothing else.
    Report(ReportArguments),
    /// Take up a run that was interrupted or is paused.
    Resume(OneRun),
    /// Approve the proposal or the request that a run waits with, after showing it.
    Approve(OneRun),
    /// Refuse the proposal or the request that a run waits with; nothing is changed or sent.
    Discard(OneRun),
    /// Leave parts out of the proposal that a run waits with; the rest is verified again.
    Reject(RejectArguments),
    /// Take back what a run applied; once more to redo it.
    Undo(OneRun),
    /// Allow the tasks and blueprints that a workspace declares, as they are now.
    Trust(TrustArguments),
    /// Say what works here, what is missing, and what to type.
    Doctor(At),
    /// Check blueprint files, list those there are, or print their JSON Schema.
    Blueprint(BlueprintArguments),
    /// Check policy files, explain what they say to an action, or print their JSON Schema.
    Policy(policy::PolicyArguments),
    /// Records of what is known: list, show, add, check, relocate, export, import.
    Memory(memory::MemoryArguments),
    /// List the models, and say whether they can be reached. Free of charge without `--ping`.
    Models(models::ModelsArguments),
    /// Store, remove and list keys in the system's keyring.
    Key(key::KeyArguments),
    /// Print the JSON Schema of your configuration file.
    Config(ConfigArguments),
}

#[derive(Debug, clap::Args)]
struct At {
    /// The workspace.
    #[arg(long, default_value = ".")]
    workspace: PathBuf,
}

#[derive(Debug, clap::Args)]
struct RunArguments {
    #[command(flatten)]
    wish: Wish,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
struct RouteArguments {
    #[command(flatten)]
    wish: Wish,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What somebody wants of a run.
#[derive(Debug, clap::Args)]
struct Wish {
    /// The blueprint's name, such as `fix_tests`; found from what you want when absent.
    blueprint: Option<BlueprintName>,
    #[command(flatten)]
    at: At,
    /// The model as your configuration names it, or `scripted:FILE`.
    #[arg(long)]
    model: Option<ModelName>,
    /// What you want, in your own words.
    #[arg(long, short)]
    instruction: Option<String>,
    /// A place: `src/lib.rs:12` or `src/lib.rs:12-30`.
    #[arg(long)]
    at_place: Option<String>,
    /// The failing test to fix; all of them when absent.
    #[arg(long)]
    test: Option<String>,
    /// A unified diff to apply, for blueprints that take one.
    #[arg(long)]
    patch: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct How {
    /// Print each event as a line of JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Wait for a line on standard input before and after each event is recorded.
    #[arg(long)]
    step: bool,
    /// Never ask on the terminal; a run that needs you stops with exit code 3.
    #[arg(long)]
    no_input: bool,
}

#[derive(Debug, clap::Args)]
struct ShowArguments {
    /// The run's id, or enough of its beginning or end.
    run: String,
    #[command(flatten)]
    at: At,
    /// Print exactly what is sent to the model in its N-th request, with the reason for each
    /// part, what was redacted, what it takes. Also one that still waits for your yes.
    #[arg(long)]
    request: Option<usize>,
    /// Print the request's body as it goes over the wire, without the key, and nothing else.
    #[arg(long, requires = "request")]
    wire: bool,
    /// Print the journal as lines of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct ReportArguments {
    /// The run's id, or enough of its beginning or end.
    run: String,
    #[command(flatten)]
    at: At,
    /// Where to; `-` for standard output. Beside the run's other files when absent.
    #[arg(long, short)]
    output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct OneRun {
    /// The run's id, or enough of its beginning or end.
    run: String,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
struct RejectArguments {
    #[command(flatten)]
    one: OneRun,
    /// What to leave out: `src/lib.rs`, or `src/lib.rs:2` for its second hunk in the diff.
    #[arg(required = true)]
    parts: Vec<Part>,
}

#[derive(Debug, clap::Args)]
struct TrustArguments {
    #[command(flatten)]
    at: At,
    /// Show what would be trusted, or what has changed since, and trust nothing.
    #[arg(long, conflicts_with = "revoke")]
    show: bool,
    /// Take the trust back.
    #[arg(long)]
    revoke: bool,
}

#[derive(Debug, clap::Args)]
struct BlueprintArguments {
    #[command(subcommand)]
    what: BlueprintWhat,
}

#[derive(Debug, Subcommand)]
enum BlueprintWhat {
    /// Check files: syntax, routes, bounds, and the proof that gates come before edits.
    Check {
        /// The files.
        files: Vec<PathBuf>,
    },
    /// List the blueprints of a workspace.
    List(At),
    /// Show the graph of a blueprint: its stages and routes, and what the proof found on them.
    Graph {
        /// The blueprint's name, or its file, which need not be proven.
        blueprint: String,
        #[command(flatten)]
        at: At,
        /// How.
        #[arg(long, value_enum, default_value_t)]
        format: GraphFormat,
    },
    /// Print the JSON Schema of blueprint files.
    Schema,
}

#[derive(Debug, clap::Args)]
struct ConfigArguments {
    #[command(subcommand)]
    what: ConfigWhat,
}

#[derive(Debug, Subcommand)]
enum ConfigWhat {
    /// Print the JSON Schema of `config.yaml`.
    Schema,
}

/// How a graph is shown.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum GraphFormat {
    /// A drawing for the terminal.
    #[default]
    Text,
    /// A Mermaid document.
    Mermaid,
    /// Data.
    Json,
}

/// Runs the program.
pub fn main() -> ExitCode {
    // Before any thread, as namespaces belong to the whole process; and before the arguments
    // are parsed, which takes longer than a task should wait.
    if std::env::args_os().nth(1).is_some_and(|what| what == crate::process::SANDBOX_SUBCOMMAND) {
        let error = crate::process::sandbox_main();
        eprintln!("openexec: the sandbox could not be built: {error:#}");
        return ExitCode::from(125);
    }
    let arguments = Arguments::parse();
    log_to_stderr();
    if matches!(arguments.what, What::Lsp) {
        crate::allocator::share_pools();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&anyhow::anyhow!("threads cannot be started: {error}")),
    };
    let code = runtime.block_on(dispatch(arguments.what)).unwrap_or_else(|error| complain(&error));
    // A read that still waits on standard input must not keep the process.
    runtime.shutdown_background();
    code
}

async fn dispatch(what: What) -> anyhow::Result<ExitCode> {
    match what {
        What::Demo => demo::demo().await,
        What::Lsp => crate::lsp::serve().await.map(|()| ExitCode::SUCCESS),
        What::Run(arguments) => drive::run(arguments).await,
        What::Route(arguments) => drive::route(arguments).await,
        What::Context(arguments) => context::context(&arguments),
        What::Runs(at) => inspect::runs(&at),
        What::Show(arguments) => inspect::show(&arguments),
        What::Report(arguments) => inspect::report(&arguments),
        What::Resume(one) => drive::resume(one).await,
        What::Approve(one) => drive::approve(one).await,
        What::Discard(one) => drive::discard(one).await,
        What::Reject(arguments) => drive::reject(arguments).await,
        What::Undo(one) => drive::undo(one).await,
        What::Trust(arguments) => inspect::trust(&arguments),
        What::Doctor(at) => doctor::doctor(&at).await,
        What::Blueprint(arguments) => inspect::blueprint(arguments.what),
        What::Policy(arguments) => policy::policy(arguments),
        What::Memory(arguments) => memory::memory(arguments).await,
        What::Models(arguments) => models::models(arguments).await,
        What::Key(arguments) => key::key(arguments),
        What::Config(ConfigArguments { what: ConfigWhat::Schema }) => {
            println!("{}", serde_json::to_string_pretty(&crate::config::json_schema())?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn complain(error: &anyhow::Error) -> ExitCode {
    anstream::eprintln!("{} {error:#}", paint::bad("error:"));
    ExitCode::FAILURE
}

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("OPENEXEC_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}

/// The runtime over the user's own configuration.
fn runtime() -> anyhow::Result<Arc<Runtime>> {
    let dirs = UserDirs::from_environment()?;
    let config = UserConfig::load(&dirs)?;
    Ok(Runtime::new(dirs, config)?)
}
