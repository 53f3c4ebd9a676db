//! Programs of others that stand in for a provider: where they are and how they are started.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A peer that takes longer to listen does not start, on any machine.
const START_TIMEOUT: Duration = Duration::from_secs(180);

/// Our own scripts and fixtures.
pub fn told(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/models").canonicalize().unwrap().join(name)
}

/// A tool that `tests/prepare-models` installs.
pub fn tool(path: &str) -> PathBuf {
    let cache = std::env::var_os("OPENEXEC_TEST_CACHE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/.cache"), PathBuf::from);
    let tool = cache.join("models").join(path);
    assert!(
        tool.exists(),
        "`{}` is missing; run `bash tests/run`, or `bash tests/prepare-models` alone",
        tool.display()
    );
    tool
}

/// Python with the providers' packages.
pub fn sdk_python() -> Command {
    Command::new(tool("sdk/bin/python"))
}

/// A program that listens. It ends when it is dropped.
pub struct Peer {
    child: Child,
    url: String,
}

impl Peer {
    /// The mock of all five wire APIs, told `tests/models/peers.json`.
    pub fn aimock() -> Self {
        let mut command = Command::new("node");
        command.arg(tool("aimock/node_modules/@copilotkit/aimock/dist/cli.js"));
        command.args(["--port", "0", "--log-level", "info", "--fixtures"]).arg(told("peers.json"));
        Self::start(command, "listening on ")
    }

    /// Starts a program, and waits until it says where it listens: after this text.
    pub fn start(mut command: Command, before_address: &'static str) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; run `bash tests/run`"));
        let said = Arc::new(Mutex::new(String::new()));
        let (listens, url) = channel();
        let pipes: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for pipe in pipes {
            read(pipe, before_address, Arc::clone(&said), listens.clone());
        }
        drop(listens);
        let mut peer = Self { child, url: String::new() };
        peer.url = url.recv_timeout(START_TIMEOUT).unwrap_or_else(|_| {
            panic!("{command:?} does not listen: {}", said.lock().unwrap());
        });
        peer
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Reads to the end, so that the program never waits for a reader.
fn read(
    pipe: Box<dyn Read + Send>,
    before_address: &'static str,
    said: Arc<Mutex<String>>,
    listens: Sender<String>,
) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once(before_address) {
                let address = rest.split_whitespace().next().unwrap_or_default();
                // Who waits for it has it already when it is said twice.
                let _ = listens.send(address.trim_end_matches('/').to_owned());
            }
            let mut said = said.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
        }
    });
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
