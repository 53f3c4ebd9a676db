//! A project, a model's server, user scope and the real language server, which all end together.

use crate::client::{Abilities, Client, uri};
use crate::model::ModelServer;
use crate::project::{self, Chosen};
use openexec::config::{UserConfig, UserDirs};
use openexec_engine::path::WorkspacePath;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Source files of the project.
pub const FILES: usize = 2_000;
/// Source files of a large one.
pub const FILES_MANY: usize = 50_000;

/// Everything a measurement needs.
pub struct Scene {
    pub client: Client,
    pub model: ModelServer,
    pub root: PathBuf,
    pub dirs: UserDirs,
    /// The server's process.
    pub process: u32,
    pub chosen: Chosen,
    _place: TempDir,
}

impl Scene {
    /// Generates the project, trusts it and starts the server.
    pub fn new() -> Self {
        Self::of(FILES)
    }

    /// The same with so many source files.
    pub fn of(files: usize) -> Self {
        let place = tempfile::tempdir().unwrap();
        let base = place.path().canonicalize().unwrap();
        let root = base.join("workspace");
        project::generate(&root, files).unwrap();
        let dirs = UserDirs { config: base.join("config/openexec"), state: base.join("state/openexec") };
        let model = ModelServer::start();
        std::fs::create_dir_all(&dirs.config).unwrap();
        std::fs::write(dirs.config_path(), configuration(&model)).unwrap();
        UserConfig::load(&dirs).unwrap();
        let (config, state) = (base.join("config"), base.join("state"));
        let environment =
            [("HOME", base.as_path()), ("XDG_CONFIG_HOME", &config), ("XDG_STATE_HOME", &state)];
        let program = Path::new(env!("CARGO_BIN_EXE_openexec"));
        let trust = Command::new(program).arg("trust").current_dir(&root).envs(environment).output().unwrap();
        assert!(trust.status.success(), "{}", String::from_utf8_lossy(&trust.stderr));
        let child = Client::spawn(program, &["lsp"], &environment);
        let process = child.id();
        let client = Client::of_child(child, &root, Abilities::all());
        Self { client, model, root, dirs, process, chosen: project::chosen(files), _place: place }
    }

    /// Another server on the same project, from its start to the moment at which it has answered
    /// `initialize` and has been sent `initialized`.
    pub fn another(&self) -> Client {
        let base = self.root.parent().unwrap();
        let (config, state) = (base.join("config"), base.join("state"));
        let environment = [("HOME", base), ("XDG_CONFIG_HOME", &config), ("XDG_STATE_HOME", &state)];
        let child = Client::spawn(Path::new(env!("CARGO_BIN_EXE_openexec")), &["lsp"], &environment);
        Client::of_child(child, &self.root, Abilities::all())
    }

    /// The arguments of a command that starts `implement` at the chosen function.
    pub fn run(&self) -> Value {
        let line = self.chosen.line;
        json!({
            "blueprint": "implement",
            "uri": uri(&self.root.join(&self.chosen.path)),
            "range": { "start": { "line": line, "character": 0 }, "end": { "line": line, "character": 0 } },
            "instruction": "check the limit before the first entry is merged, as update_session5_1 does",
        })
    }

    /// The chosen file as a path of the workspace.
    pub fn chosen_path(&self) -> WorkspacePath {
        WorkspacePath::parse(&self.chosen.path).unwrap()
    }

    /// Waits for what the server says to the user when a run needs them or is over.
    pub fn announcement(&mut self) -> String {
        let said = self.client.wait_for("an announcement", |said| said["method"] == "window/showMessage");
        self.client.heard.clear();
        said["params"]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// A line such as `VmRSS` of the server's `/proc/PID/status`, in MiB.
    pub fn memory(&self, name: &str) -> f64 {
        memory_of(self.process, name)
    }
}

/// The same of any process.
pub fn memory_of(process: u32, name: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kibibytes: f64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap();
    kibibytes / 1024.0
}

fn configuration(model: &ModelServer) -> String {
    let base_url = model.base_url();
    format!(
        "default_model: local\nmodels:\n  local:\n    api: openai_chat\n    model: m\n    base_url: {base_url}\n"
    )
}
