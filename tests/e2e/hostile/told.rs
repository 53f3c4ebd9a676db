//! One run of the real program, driven event by event: what it recorded, how long it took, how
//! much memory it needed. What another process does in between is done while the program waits
//! before or after an event.

use openexec_engine::run::Event;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// A program that says nothing for so long hangs.
const SILENCE_MAX: Duration = Duration::from_secs(180);

/// An event, and when it was durable.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub event: Event,
    pub at: Duration,
}

/// What a run told.
#[derive(Debug, Default)]
pub struct Told {
    pub events: Vec<Recorded>,
    /// What it said for people.
    pub said: String,
    pub code: Option<i32>,
    /// The most memory that it held at any time, in bytes.
    pub peak_bytes: u64,
    pub took: Duration,
}

/// Runs the program with `--json --step` to its end. `between` is called after each event
/// became durable, before anything follows from it.
pub fn listen(mut command: Command, mut between: impl FnMut(&Event)) -> Result<Told, String> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().unwrap();
    let (sender, lines) = channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let reading = std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut stderr = child.stderr.take().unwrap();
    let complaining = std::thread::spawn(move || {
        let mut said = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stderr, &mut said);
        String::from_utf8_lossy(&said).into_owned()
    });
    let mut told = Told::default();
    loop {
        match lines.recv_timeout(SILENCE_MAX) {
            Ok(line) => {
                if let Some(said) = line.strip_prefix('{') {
                    let value: serde_json::Value =
                        serde_json::from_str(&format!("{{{said}")).map_err(|error| error.to_string())?;
                    let event: Event =
                        serde_json::from_value(value["event"].clone()).map_err(|error| error.to_string())?;
                    told.events.push(Recorded { event, at: begun.elapsed() });
                } else if line.starts_with("next ") || line.starts_with("recorded ") {
                    told.peak_bytes = told.peak_bytes.max(peak_of(&child));
                    if line.starts_with("recorded ")
                        && let Some(last) = told.events.last()
                    {
                        between(&last.event);
                    }
                    // The program may have ended in the meantime.
                    let _ = stdin.write_all(b"\n").and_then(|()| stdin.flush());
                } else {
                    told.said.push_str(&line);
                    told.said.push('\n');
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it hangs after {:?}", told.events.last().map(|it| it.event.name())));
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    told.code = child.wait().map_err(|error| error.to_string())?.code();
    told.took = begun.elapsed();
    let _ = reading.join();
    told.said.push_str(&complaining.join().unwrap_or_default());
    Ok(told)
}

/// The high water mark of a process's memory, in bytes.
fn peak_of(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

impl Told {
    /// The run's id.
    pub fn run(&self) -> Option<String> {
        self.events.iter().find_map(|it| match &it.event {
            Event::RunStarted(start) => Some(start.run.to_string()),
            _ => None,
        })
    }

    /// The events after the first reply of the model, or none.
    pub fn after_first_reply(&self) -> &[Recorded] {
        let at = self
            .events
            .iter()
            .position(|it| matches!(it.event, Event::ModelReplied { .. } | Event::ModelFailed { .. }));
        at.map_or(&[], |at| &self.events[at..])
    }

    /// The events from the first reply on up to the next request.
    pub fn first_turn(&self) -> &[Recorded] {
        let events = self.after_first_reply();
        let next = events.iter().position(|it| matches!(it.event, Event::ModelRequested { .. }));
        &events[..next.unwrap_or(events.len())]
    }

    /// How long the runtime took from the request to what it decided on the reply.
    pub fn decision_took(&self) -> Option<Duration> {
        let asked = self.events.iter().find(|it| matches!(it.event, Event::ModelRequested { .. }))?;
        let decided = self.after_first_reply().iter().find(|it| {
            matches!(
                it.event,
                Event::ModelFailed { .. } | Event::ReplyRejected { .. } | Event::PolicyDecided { .. }
            )
        })?;
        Some(decided.at.saturating_sub(asked.at))
    }
}
