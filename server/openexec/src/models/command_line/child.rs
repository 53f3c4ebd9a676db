//! One start of a tool: fed, heard, and ended with everything that it started.
//!
//! It must not know which tool it is.

use crate::limits::{
    COMMAND_LINE_COMPLAINT_BYTES_MAX, COMMAND_LINE_DRAIN_TIMEOUT_MS, COMMAND_LINE_OUTPUT_BYTES_MAX,
};
use crate::process::{Group, confine_writes};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

/// Bytes that are read from a pipe at once.
const READ_BYTES: usize = 64 * 1024;

/// What is started.
pub(super) struct Child<'a> {
    pub program: &'a Path,
    pub arguments: &'a [OsString],
    /// Its whole environment.
    pub variables: &'a BTreeMap<&'static str, OsString>,
    pub cwd: &'a Path,
    /// What it reads.
    pub input: &'a [u8],
    /// Where it may write.
    pub written: &'a [PathBuf],
}

/// What it printed.
#[derive(Debug)]
pub(super) struct Printed {
    pub stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
}

/// Why it did not come to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    NotThere,
    NotStarted { reason: String },
    TimedOut { limit_ms: u64 },
    TooMuch { limit_bytes: usize },
}

impl Printed {
    /// What it printed for people.
    pub(super) fn complaints(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Each line that is a JSON document.
    pub(super) fn documents(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.split(|byte| *byte == b'\n');
        lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}

impl Child<'_> {
    /// Runs it to its end. Dropping the future kills it and all that it has started, but for
    /// what has left its process group.
    pub(super) async fn run(
        &self,
        limit: Duration,
        received: &(dyn Fn(usize) + Send + Sync),
    ) -> Result<Printed, Stopped> {
        let mut command = Command::new(self.program);
        command.args(self.arguments).env_clear().envs(self.variables).current_dir(self.cwd);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let not_started = |error: std::io::Error| Stopped::NotStarted { reason: error.to_string() };
        confine_writes(&mut command, self.written).map_err(not_started)?;
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => Stopped::NotThere,
            _ => not_started(error),
        })?;
        // Dropped before the child is: the kernel cannot have given its number to another.
        let group = Group::of(&child);
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feeding = async {
            if let Some(mut stdin) = stdin {
                // One that does not read what it is told says why itself.
                let _ = stdin.write_all(self.input).await;
                let _ = stdin.shutdown().await;
            }
        };
        let (mut out, mut complaints) = (Vec::new(), Vec::new());
        let ended = {
            let reading = async {
                let ((), whole, ()) = tokio::join!(
                    feeding,
                    keep(stdout, &mut out, received),
                    keep_tail(stderr, &mut complaints)
                );
                whole
            };
            tokio::pin!(reading);
            let whole = async {
                let mut read = false;
                let status = tokio::select! {
                    status = child.wait() => status,
                    whole = &mut reading => {
                        whole?;
                        read = true;
                        child.wait().await
                    }
                };
                // What it leaves behind may hold the pipes open.
                group.kill();
                if !read {
                    let drain = Duration::from_millis(COMMAND_LINE_DRAIN_TIMEOUT_MS);
                    timeout(drain, &mut reading).await.unwrap_or(Ok(()))?;
                }
                status.map_err(not_started)
            };
            timeout(limit, whole).await
        };
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let code = ended.map_err(|_| Stopped::TimedOut { limit_ms })??.code();
        Ok(Printed { stdout: out, stderr: complaints, code })
    }
}

/// Reads a stream to its end, as much as is allowed.
async fn keep(
    stream: Option<impl AsyncRead + Unpin>,
    kept: &mut Vec<u8>,
    received: &(dyn Fn(usize) + Send + Sync),
) -> Result<(), Stopped> {
    let Some(mut stream) = stream else { return Ok(()) };
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(length) => kept.extend(buffer.get(..length).unwrap_or_default()),
        }
        if kept.len() > COMMAND_LINE_OUTPUT_BYTES_MAX {
            return Err(Stopped::TooMuch { limit_bytes: COMMAND_LINE_OUTPUT_BYTES_MAX });
        }
        received(kept.len());
    }
}

/// Reads a stream to its end and keeps the last of it.
async fn keep_tail(stream: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(length) = stream.read(&mut buffer).await
        && length > 0
    {
        kept.extend(buffer.get(..length).unwrap_or_default());
        let surplus = kept.len().saturating_sub(COMMAND_LINE_COMPLAINT_BYTES_MAX);
        kept.drain(..surplus);
    }
}
