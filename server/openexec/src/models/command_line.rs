//! Models behind command-line tools that have logins of their own. Each call starts the tool
//! once and takes what it prints: one document of actions.
//!
//! Three things keep the tool from doing anything itself. Its own settings switch all of its
//! tools off, and its extensions, hooks and memories. It starts in an empty directory, so that
//! no file of a repository reaches it but through the prompt, in which it finds no command and
//! no mention of a file. And it can write nowhere but there and where it keeps its login.

mod child;
mod claude;
mod codex;
mod gemini;
mod prompt;
mod scratch;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use super::document;
use super::explanation::Explanation;
use super::refusal::Meaning;
use super::{Model, ModelProgress, Timeouts};
use crate::config::{CommandLineConfig, CommandLineTool};
use crate::limits::COMMAND_LINE_ASK_TIMEOUT_MS;
use async_trait::async_trait;
use child::{Printed, Stopped};
use openexec_engine::model::{ModelError, ModelReply, ModelRequest, StopReason, Usage};
use scratch::Scratch;
use secrecy::SecretString;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::OnceCell;

/// What is known of a tool.
struct Tool {
    /// For people.
    name: &'static str,
    /// The program's usual name.
    program: &'static str,
    /// What installs or updates it.
    install: &'static str,
    /// What logs it in.
    login: &'static str,
    /// The variables that it gets besides those that every tool gets.
    variables: &'static [&'static str],
    /// Which of them are keys.
    keys: &'static [&'static str],
    /// What it must be asked first, and what is made of the answer.
    first: Option<First>,
    /// How it is started.
    prepare: fn(&Call<'_>) -> std::io::Result<Invocation>,
    /// What its output says.
    read: fn(&Printed) -> Result<Answered, Complaint>,
}

/// What a tool must be asked before it can be started with all of its tools switched off.
struct First {
    arguments: &'static [&'static str],
    convert: fn(Value) -> Option<Value>,
}

/// What a start is prepared from.
struct Call<'a> {
    scratch: &'a Scratch,
    session: &'a BTreeMap<&'static str, String>,
    model: Option<&'a str>,
    system: String,
    prompt: String,
    schema: Value,
    first: Option<&'a Value>,
}

/// How a tool is started.
#[derive(Default)]
struct Invocation {
    arguments: Vec<OsString>,
    /// Besides the session's variables, or instead of them.
    variables: BTreeMap<&'static str, OsString>,
    /// What it reads from its standard input.
    input: String,
    /// Where it keeps its login. All of it is the tool's own.
    written: Vec<PathBuf>,
}

/// What a tool has answered.
struct Answered {
    text: String,
    stop: StopReason,
    usage: Usage,
}

/// What a tool has to say instead of an answer.
#[derive(Debug)]
enum Complaint {
    /// It has no login.
    NotLoggedIn { said: String },
    /// The provider refused, with this status where it is known.
    Refused { status: Option<u16>, said: String },
    /// It printed something else.
    Garbage,
}

/// Variables that every tool gets: where programs and its own files are, how the network is
/// reached, and in which language it speaks.
const PASSED: [&str; 21] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "USERPROFILE",
    "APPDATA",
    "SYSTEMROOT",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
];

pub(super) struct CommandLine {
    tool: &'static Tool,
    program: PathBuf,
    model: Option<String>,
    session: BTreeMap<&'static str, String>,
    keys: Vec<SecretString>,
    timeouts: Timeouts,
    /// What the tool has answered to its first question, for all calls.
    first: OnceCell<Value>,
}

impl CommandLine {
    pub(super) fn new(
        config: &CommandLineConfig,
        timeouts: Timeouts,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let tool = match config.tool {
            CommandLineTool::Claude => &claude::TOOL,
            CommandLineTool::Codex => &codex::TOOL,
            CommandLineTool::Gemini => &gemini::TOOL,
        };
        let of = |names: &[&'static str]| -> BTreeMap<&'static str, String> {
            names.iter().filter_map(|name| Some((*name, variable(name)?))).collect()
        };
        let mut session = of(&PASSED);
        session.extend(of(tool.variables));
        Self {
            tool,
            program: config.program.clone().unwrap_or_else(|| tool.program.into()),
            model: config.model.clone(),
            session,
            keys: of(tool.keys).into_values().filter(|key| !key.is_empty()).map(SecretString::from).collect(),
            timeouts,
            first: OnceCell::new(),
        }
    }

    async fn answered(
        &self,
        request: &ModelRequest,
        progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<Answered, ModelError> {
        let scratch = Scratch::new().map_err(|error| no_scratch(&error))?;
        let first = match &self.tool.first {
            Some(first) => Some(self.first.get_or_try_init(|| self.ask(first, &scratch)).await?),
            None => None,
        };
        let invocation = (self.tool.prepare)(&Call {
            scratch: &scratch,
            session: &self.session,
            model: self.model.as_deref(),
            system: system(request),
            prompt: prompt::render(&request.messages),
            schema: document::schema(&request.actions),
            first,
        })
        .map_err(|error| no_scratch(&error))?;
        let received = |bytes| progress(ModelProgress::Received { bytes });
        let printed = self.run(invocation, &scratch, self.timeouts.total, &received).await?;
        (self.tool.read)(&printed).map_err(|complaint| self.explained(complaint, &printed, request))
    }

    /// What the tool answers to its first question.
    async fn ask(&self, first: &First, scratch: &Scratch) -> Result<Value, ModelError> {
        let invocation = Invocation {
            arguments: first.arguments.iter().map(OsString::from).collect(),
            ..Invocation::default()
        };
        let limit = Duration::from_millis(COMMAND_LINE_ASK_TIMEOUT_MS);
        let printed = self.run(invocation, scratch, limit, &|_| {}).await?;
        serde_json::from_slice(&printed.stdout).ok().and_then(first.convert).ok_or_else(|| {
            ModelError::Rejected {
                reason: format!(
                    "{} does not say which models it knows, so its own tools cannot be switched off; update it: `{}`",
                    self.tool.name, self.tool.install
                ),
            }
        })
    }

    async fn run(
        &self,
        invocation: Invocation,
        scratch: &Scratch,
        limit: Duration,
        received: &(dyn Fn(usize) + Send + Sync),
    ) -> Result<Printed, ModelError> {
        let session = self.session.iter().map(|(name, value)| (*name, OsString::from(value)));
        let variables = session.chain(scratch.variables()).chain(invocation.variables).collect();
        let child = child::Child {
            program: &self.program,
            arguments: &invocation.arguments,
            variables: &variables,
            cwd: scratch.work(),
            input: invocation.input.as_bytes(),
            written: &scratch.written().chain(invocation.written).collect::<Vec<_>>(),
        };
        child.run(limit, received).await.map_err(|stopped| self.stopped(stopped))
    }

    fn stopped(&self, stopped: Stopped) -> ModelError {
        let Tool { name, install, .. } = self.tool;
        let program = self.program.display();
        match stopped {
            Stopped::NotThere => ModelError::Unreachable {
                reason: format!(
                    "{name} is not installed: there is no program `{program}` on `PATH`; type `{install}`, or write where it is as `program` in config.yaml"
                ),
            },
            Stopped::NotStarted { reason } => ModelError::Unreachable {
                reason: format!(
                    "{name} could not be started as `{program}`: {reason}; check `program` in config.yaml"
                ),
            },
            Stopped::TimedOut { limit_ms } => {
                ModelError::TimedOut { limit_ms, phase: format!("the whole reply of {name}") }
            }
            Stopped::TooMuch { limit_bytes } => ModelError::TooLarge { limit_bytes },
        }
    }

    fn explained(&self, complaint: Complaint, printed: &Printed, request: &ModelRequest) -> ModelError {
        let Tool { name, install, login, .. } = self.tool;
        let keys: Vec<&SecretString> = self.keys.iter().collect();
        let key_name = format!("the login of {name}: {login}");
        let explanation = Explanation { keys: &keys, key_name: &key_name, request };
        match complaint {
            Complaint::NotLoggedIn { said } => ModelError::Unauthorized {
                reason: format!("{name} is not logged in ({}); {login}", explanation.of_text(&said)),
            },
            Complaint::Refused { status, said } => {
                // What is refused without a status is judged by its words alone.
                let meaning = Meaning::of(status.unwrap_or(400), &said);
                let said = format!("{name}: {}", explanation.of_body(&said));
                meaning.error(&said, explanation.key_name)
            }
            Complaint::Garbage => {
                let said = explanation.of_text(&printed.complaints());
                match printed.code {
                    Some(0) => ModelError::Malformed {
                        reason: format!("{name} printed no answer ({said}); update it: `{install}`"),
                    },
                    Some(code) => ModelError::Rejected {
                        reason: format!(
                            "{name} ended with exit code {code} ({said}); if it does not know an option, update it: `{install}`"
                        ),
                    },
                    None => ModelError::BrokenOff { reason: format!("{name} was killed ({said})") },
                }
            }
        }
    }
}

/// The rules of the conversation, and what a document must be.
fn system(request: &ModelRequest) -> String {
    format!("{}\n{}", request.system, document::instruction(&request.actions))
}

fn no_scratch(error: &std::io::Error) -> ModelError {
    ModelError::Unreachable {
        reason: format!(
            "no temporary directory could be prepared below `{}`: {error}; make room there, or set `TMPDIR`",
            std::env::temp_dir().display()
        ),
    }
}

#[async_trait]
impl Model for CommandLine {
    fn describe(&self) -> String {
        format!("{} through {}", self.model.as_deref().unwrap_or("the default model"), self.tool.name)
    }

    /// The tool adds words of its own, which are not known here.
    fn preview(&self, request: &ModelRequest) -> String {
        format!("{}\n\n{}", system(request), prompt::render(&request.messages))
    }

    async fn complete(
        &self,
        request: &ModelRequest,
        progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<ModelReply, ModelError> {
        let Answered { text, stop, usage } = self.answered(request, progress).await?;
        Ok(ModelReply { text, tool_calls: Vec::new(), stop, usage, opaque: Vec::new() })
    }
}

/// A tool's own directory: where a variable says, or at its usual place below the user's home.
/// Nothing when there is none yet.
fn own_directory(session: &BTreeMap<&'static str, String>, variable: &str, usual: &str) -> Option<PathBuf> {
    let named = session.get(variable).map(PathBuf::from);
    let home = session.get("HOME").or_else(|| session.get("USERPROFILE"));
    named.or_else(|| Some(Path::new(home?).join(usual))).filter(|path| path.is_dir())
}
