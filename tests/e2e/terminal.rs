//! A program in a terminal of its own, in tmux. Keys go in, and what the screen shows is what the
//! user saw.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take that is waited for.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Where what the tests need is installed, and where they keep what they show.
pub fn cache() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/.cache");
    std::env::var_os("OPENEXEC_TEST_CACHE").map_or_else(own, PathBuf::from)
}

/// A terminal of 140 columns and 40 rows.
pub struct Terminal {
    /// Everything that its programs keep lies below.
    place: PathBuf,
    /// The name of its server: the one of the terminal before may not have ended yet.
    socket: String,
    /// A second client of the terminal, which says when something was written to the screen.
    watcher: Child,
    changes: Receiver<()>,
}

impl Terminal {
    /// Starts a program, as a shell would be told to, in a folder. Its user scope is below `place`.
    pub fn open(place: &Path, folder: &Path, program: &str) -> Self {
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        let socket = OPENED.fetch_add(1, Ordering::Relaxed).to_string();
        let mut session =
            tmux(place, &socket, &["-f", "/dev/null", "new-session", "-d", "-x", "140", "-y", "40", "-c"]);
        assert_success(session.arg(folder).arg(program), "tmux starts");
        let mut watcher = tmux(place, &socket, &["-C", "attach-session", "-f", "ignore-size,read-only"]);
        let mut watcher = watcher.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let told = BufReader::new(watcher.stdout.take().unwrap());
        let (change, changes) = channel();
        std::thread::spawn(move || {
            for line in told.split(b'\n').map_while(Result::ok) {
                if line.starts_with(b"%output") && change.send(()).is_err() {
                    return;
                }
            }
        });
        Self { place: place.to_owned(), socket, watcher, changes }
    }

    /// Presses keys, by tmux's names for them.
    pub fn press(&self, keys: &[&str]) {
        assert_success(self.tmux(&["send-keys"]).args(keys), "keys are pressed");
    }

    /// Types a text.
    pub fn write(&self, text: &str) {
        assert_success(&mut self.tmux(&["send-keys", "-l", text]), "a text is typed");
    }

    /// The screen.
    pub fn screen(&self) -> String {
        self.capture(&["capture-pane", "-p"])
    }

    /// The screen, with its colours.
    pub fn styled(&self) -> String {
        self.capture(&["capture-pane", "-p", "-e"])
    }

    fn capture(&self, arguments: &[&str]) -> String {
        let captured = assert_success(&mut self.tmux(arguments), "the screen is read");
        String::from_utf8_lossy(&captured.stdout).into_owned()
    }

    /// Looks after each change of the screen until something is so, or time is up.
    pub fn until(&self, within: Duration, is_so: impl Fn() -> bool) -> bool {
        let end = Instant::now() + within;
        while !is_so() {
            let left = end.saturating_duration_since(Instant::now());
            if self.changes.recv_timeout(left).is_err() {
                return is_so();
            }
        }
        true
    }

    /// Whether the screen comes to show this within a time.
    pub fn shows(&self, part: &str, within: Duration) -> bool {
        self.until(within, || self.screen().contains(part))
    }

    /// Waits until the program has ended, and its terminal with it.
    pub fn wait_for_end(self) {
        let end = Instant::now() + DEADLINE;
        // The changes end with the watcher, and the watcher with the program.
        while self.changes.recv_timeout(end.saturating_duration_since(Instant::now())).is_ok() {}
        assert!(!self.is_there(), "the program does not end:\n{}", self.screen());
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        tmux(&self.place, &self.socket, arguments)
    }

    fn is_there(&self) -> bool {
        self.tmux(&["has-session"]).output().unwrap().status.success()
    }

    /// Keeps the screen with its colours, for who wants to see what the user saw.
    pub fn picture(&self, editor: &str, name: &str) {
        let folder = cache().join("screenshots").join(editor);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name).with_extension("ansi"), self.styled()).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The server of this terminal, which has a socket of its own.
        let _ = self.tmux(&["kill-server"]).output();
        let _ = self.watcher.wait();
    }
}

/// A command of tmux, to the terminal of a place.
fn tmux(place: &Path, socket: &str, arguments: &[&str]) -> Command {
    let openexec = Path::new(env!("CARGO_BIN_EXE_openexec")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::iter::once(openexec.to_owned()).chain(std::env::split_paths(&path));
    let mut command = Command::new("tmux");
    command
        .args(["-L", socket])
        .args(arguments)
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("TMUX_TMPDIR", place)
        .env("HOME", place.join("home"))
        .env("XDG_CONFIG_HOME", place.join("config"))
        .env("XDG_STATE_HOME", place.join("state"))
        .env("XDG_DATA_HOME", place.join("data"))
        .env("XDG_CACHE_HOME", place.join("cache"))
        .env("LC_ALL", "C.UTF-8")
        .envs(crate::client::NO_SERVERS)
        .env_remove("TMUX")
        .env_remove("COLORTERM")
        .stdin(Stdio::null());
    command
}

/// What a command answers, which has to succeed.
pub fn assert_success(command: &mut Command, what: &str) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
