//! Keys in a real keyring: gnome-keyring behind a session bus of the test's own.

use crate::project::{CHECK, FIXED, Project, said};
use crate::wire::{Call, ModelServer, Reply, Wire};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Stands nowhere but in the keyring and in the header of a request.
const KEY: &str = "test-key-4f1d0c7b9a3e-never-seen";

/// A session bus with an unlocked keyring. Both end with it.
struct Keyring {
    bus: Child,
    daemon: Child,
    address: String,
}

impl Keyring {
    fn unlocked(place: &Path) -> Self {
        let home = place.join("home");
        let runtime = place.join("runtime");
        for dir in [&home, &runtime] {
            std::fs::create_dir_all(dir).unwrap();
        }
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is missing: apt-get install dbus");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        let mut daemon = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .env("HOME", &home)
            .env("XDG_RUNTIME_DIR", &runtime)
            .env("XDG_DATA_HOME", home.join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon is missing: apt-get install gnome-keyring");
        // The end of the password is the end of standard input.
        daemon.stdin.take().unwrap().write_all(b"a password of the test's\n").unwrap();
        let keyring = Self { bus, daemon, address };
        keyring.wait();
        keyring
    }

    /// Until the service has its name on the bus.
    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let asked = Command::new("dbus-send")
                .args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"])
                .args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"])
                .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
                .output()
                .expect("dbus-send is missing: apt-get install dbus");
            if said(&asked).contains("boolean true") {
                return;
            }
            assert!(Instant::now() < deadline, "the keyring did not start: {}", said(&asked));
        }
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        for child in [&mut self.daemon, &mut self.bus] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Stands before a server and says which `authorization` each request carried.
fn listener_before(server: &ModelServer) -> (String, Receiver<String>) {
    let to = server.base_url().trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (told, heard) = channel();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(mut client) = client else { return };
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && client.read_exact(&mut byte).is_ok() {
                head.push(byte[0]);
            }
            let text = String::from_utf8_lossy(&head).to_lowercase();
            let line = text.lines().find_map(|line| line.strip_prefix("authorization: "));
            let _ = told.send(line.unwrap_or_default().to_owned());
            let Ok(mut server) = TcpStream::connect(&to) else { return };
            if server.write_all(&head).is_err() {
                return;
            }
            let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from_server, &mut to_client));
            std::thread::spawn(move || std::io::copy(&mut client, &mut server));
        }
    });
    (address, heard)
}

/// Every file below a directory that holds the text.
fn holding(dir: &Path, text: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            holding(&path, text, found);
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
}

fn openexec(project: &Project, bus: &str, arguments: &[&str]) -> Command {
    let mut command = project.openexec(arguments);
    command.env("DBUS_SESSION_BUS_ADDRESS", bus);
    command
}

fn expect(code: i32, mut command: Command, stdin: &str) -> String {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Whoever reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = said(&output);
    assert!(!text.contains(KEY), "{text}");
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

#[test]
fn a_key_is_stored_used_and_removed_and_stands_nowhere_else() {
    let edit = json!({ "path": "src/lib.rs", "old": "    41\n", "new": "    42\n" });
    let calls = vec![
        Call { name: "replace_text", arguments: edit },
        Call { name: "finish", arguments: json!({ "summary": "done" }) },
    ];
    let server = ModelServer::start(Wire::OpenaiChat, vec![Reply { text: "I mend it.", calls }]);
    let (address, heard) = listener_before(&server);
    let project = Project::scripted_tests("replies: []\n", CHECK);
    project.trust();
    let config = json!({ "models": { "kept": {
        "api": "openai_chat", "model": "m", "base_url": address, "key_keyring": "work",
    } } });
    let place = project.place().join("config/openexec");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("config.yaml"), config.to_string()).unwrap();

    let keys = tempfile::tempdir().unwrap();
    let keyring = Keyring::unlocked(keys.path());
    let openexec = |arguments: &[&str]| openexec(&project, &keyring.address, arguments);
    let text = expect(1, openexec(&["run", "fix_tests", "--no-input"]), "");
    assert!(text.contains("the keyring holds no key named `work`"), "{text}");
    assert!(text.contains("`openexec key set work`"), "{text}");

    expect(0, openexec(&["key", "set", "other"]), "another\n");
    let text = expect(0, openexec(&["key", "set", "work"]), &format!("{KEY}\n"));
    assert!(text.contains("`key_keyring: work`"), "{text}");
    assert_eq!(expect(0, openexec(&["key", "list"]), ""), "other\nwork\n");
    let text = expect(0, openexec(&["doctor"]), "");
    assert!(text.contains("model kept: m, key in the keyring, as work"), "{text}");

    expect(0, openexec(&["run", "fix_tests", "--no-input"]), "");
    assert_eq!(project.read("src/lib.rs"), FIXED);
    assert_eq!(heard.recv().unwrap(), format!("bearer {KEY}"));
    let mut found = Vec::new();
    holding(project.place(), KEY, &mut found);
    assert!(found.is_empty(), "{found:?}");

    expect(0, openexec(&["key", "remove", "work"]), "");
    assert_eq!(expect(0, openexec(&["key", "list"]), ""), "other\n");
    let text = expect(1, openexec(&["run", "fix_tests", "--no-input"]), "");
    assert!(text.contains("`openexec key set work`"), "{text}");
    expect(1, openexec(&["key", "remove", "work"]), "");

    for (name, stdin, expected) in [
        ("sk-like-a-key", "", "not a name for a key"),
        ("work", "", "it is empty"),
        ("work", "a b\n", "characters that no key has"),
    ] {
        let text = expect(1, openexec(&["key", "set", name]), stdin);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn without_a_keyring_the_user_is_told_what_to_do() {
    let project = Project::scripted_tests("replies: []\n", CHECK);
    project.trust();
    let config =
        json!({ "models": { "kept": { "api": "openai_responses", "model": "m", "key_keyring": "work" } } });
    let place = project.place().join("config/openexec");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("config.yaml"), config.to_string()).unwrap();
    let bus = format!("unix:path={}", project.place().join("no-bus").display());
    for arguments in
        [&["run", "fix_tests", "--no-input"][..], &["key", "list"], &["key", "set", "work"], &["models"]]
    {
        let text = expect(1, openexec(&project, &bus, arguments), "a-key\n");
        assert!(text.contains("there is no keyring to ask"), "{arguments:?}: {text}");
        assert!(text.contains("gnome-keyring or KWallet") && text.contains("`key_env`"), "{text}");
    }
}
