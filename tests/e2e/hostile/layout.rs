//! A case on the disk: `parent/{proj,outside,home}`, and user scope beside it, all in one
//! temporary directory.

use super::corpus::{Case, DeclaredParam, Defaults, Layer, Race};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files from this size on are told apart by size and time only.
const HASHED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The task that stands for the gates where the gates are not what a case is about.
const GATE: &str = "gate";
/// The workflow of the cases: a model that may do everything a model may, and the way of an edit
/// to the disk. The shipped workflows have the same stages, but offer no edits by position.
const BLUEPRINT: &str = "\
version: 1
name: hostile
defaults:
  toolset: coding_positions
stages:
  - id: implement
    type: agent
    goal: Carry out the instruction.
    outputs: [patch]
    retry_limit: 0
    on_failure: fail
  - id: run_tests
    type: deterministic
    action: run_tests
    inputs: [patch]
    on_failure: fail
  - id: propose
    type: deterministic
    action: propose
    inputs: [patch]
    on_failure: fail
  - id: apply_edit
    type: deterministic
    action: apply_edit
    inputs: [patch]
    on_failure: paused
  - id: remember
    type: deterministic
    action: remember
";
/// What the user's session holds and no task may see.
pub const SESSION_SECRETS: [(&str, &str); 3] = [
    ("OPENAI_API_KEY", "fake-canary-openai-4b1f"),
    ("OPENEXEC_API_KEY", "fake-canary-openexec-77aa"),
    ("SSH_AUTH_SOCK", "/fake-canary-agent.sock"),
];

/// Everything of one case.
pub struct Laid {
    dir: tempfile::TempDir,
    /// The canonical path of `dir`.
    top: PathBuf,
    /// How the user names the workspace.
    opened: PathBuf,
}

/// What stands where: a path and what can be seen of it.
pub type Listing = BTreeMap<PathBuf, String>;

impl Laid {
    /// Lays out a case. `timeout` is the class of the declared tasks.
    pub fn of(case: &Case, defaults: &Defaults) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let top = dir.path().canonicalize().map_err(|error| error.to_string())?;
        let mut laid = Self { dir, opened: PathBuf::new(), top };
        laid.opened = laid.root();
        laid.lay_out(case, defaults).map_err(|reason| format!("the case cannot be laid out: {reason}"))?;
        Ok(laid)
    }

    fn lay_out(&mut self, case: &Case, defaults: &Defaults) -> Result<(), String> {
        let base = defaults.bases.get(&case.workspace_setup.base).ok_or("the base is unknown")?;
        for (path, text) in &defaults.outside {
            write(&self.parent().join(path), text.as_bytes());
        }
        for (path, text) in base {
            write(&self.root().join(path), text.as_bytes());
        }
        write(&self.root().join(".openexec/tasks.yaml"), tasks(case, defaults).to_string().as_bytes());
        write(&self.root().join(".openexec/blueprints/hostile.yaml"), BLUEPRINT.as_bytes());
        write(&self.top.join("scratch/.keep"), b"");
        self.write_user_scope(case);
        // The configuration that a family is about is what a clone brings along after the
        // user has trusted what was there.
        let trusts_base_only = case.family == "workspace_config_trust";
        let trusts = case.context.workspace_trust.as_deref() != Some("none");
        if trusts && trusts_base_only {
            self.trust(case)?;
        }
        let setup = &case.workspace_setup;
        for file in &setup.files {
            let (path, bytes) = file_of(file)?;
            write(&self.root().join(path), &bytes);
        }
        for file in &setup.outside {
            let (path, bytes) = file_of(file)?;
            write(&self.parent().join(path), &bytes);
        }
        for link in &setup.symlinks {
            symlink(&link.target, &self.root().join(&link.path));
        }
        for link in &setup.hardlinks {
            let path = self.root().join(&link.path);
            make_parent(&path);
            std::fs::hard_link(self.root().join(&link.target), path).map_err(|error| error.to_string())?;
        }
        self.commit()?;
        for special in &setup.special {
            self.lay_special(special)?;
        }
        if let Some(via) = &case.context.open_root_via {
            self.opened = self.root().join(via);
        }
        if trusts && !trusts_base_only {
            self.trust(case)?;
        }
        Ok(())
    }

    fn write_user_scope(&self, case: &Case) {
        let config = self.top.join("config/openexec");
        std::fs::create_dir_all(&config).unwrap();
        if let Some(policy) = &case.context.user_policy {
            let mut file = json!({ "version": 1 });
            for (key, value) in policy.as_object().into_iter().flatten() {
                file[key] = value.clone();
            }
            write(&config.join("policy.yaml"), file.to_string().as_bytes());
        }
    }

    /// Writes the user's `config.yaml` with one model on this machine.
    pub fn configure_model(&self, base_url: &str) {
        let models = json!({ "wire": { "api": "openai_chat", "model": "m", "base_url": base_url } });
        let config = json!({ "default_model": "wire", "models": models });
        write(&self.top.join("config/openexec/config.yaml"), config.to_string().as_bytes());
    }

    fn lay_special(&self, special: &Map<String, Value>) -> Result<(), String> {
        let text = |key: &str| special.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let path = self.root().join(text("path"));
        make_parent(&path);
        match text("type").as_str() {
            "fifo" => {
                let done = Command::new("mkfifo").arg(&path).status().map_err(|error| error.to_string())?;
                if done.success() { Ok(()) } else { Err("mkfifo failed".to_owned()) }
            }
            "sparse" => {
                let file = std::fs::File::create(&path).map_err(|error| error.to_string())?;
                let size = special.get("size").and_then(Value::as_u64).ok_or("no size")?;
                file.set_len(size).map_err(|error| error.to_string())
            }
            "git_config" => {
                for (key, value) in special.get("set").and_then(Value::as_object).ok_or("no `set`")? {
                    self.git(&["config", key, value.as_str().ok_or("a value is no text")?])?;
                }
                Ok(())
            }
            "root_symlink" => {
                symlink("proj", &path);
                Ok(())
            }
            other => Err(format!("`{other}` cannot be laid out on this platform")),
        }
    }

    fn commit(&self) -> Result<(), String> {
        self.git(&["init", "-q", "-b", "main", "--template="])?;
        self.git(&["add", "-A"])?;
        self.git(&["commit", "-q", "-m", "base"])
    }

    fn git(&self, arguments: &[&str]) -> Result<(), String> {
        let name = [("GIT_AUTHOR_NAME", "t"), ("GIT_COMMITTER_NAME", "t")];
        let mail = [("GIT_AUTHOR_EMAIL", "t@example.org"), ("GIT_COMMITTER_EMAIL", "t@example.org")];
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.root())
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(name)
            .envs(mail)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Trusts the workspace as it is now, as the user does. A workspace that is hostile itself may
    /// be refused here already; its run will be, too.
    fn trust(&self, case: &Case) -> Result<(), String> {
        let output = self.openexec(&["trust"]).output().map_err(|error| error.to_string())?;
        if output.status.success() || case.enforced_by == Layer::Apply {
            Ok(())
        } else {
            Err(crate::project::said(&output))
        }
    }

    /// The program, in the user's session of this case.
    pub fn openexec(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openexec"));
        command
            .args(arguments)
            .current_dir(&self.opened)
            .env_clear()
            .envs(self.environment())
            .stdin(std::process::Stdio::null());
        command
    }

    /// The whole environment of the user's session.
    pub fn environment(&self) -> Vec<(String, String)> {
        let home = std::env::var("HOME").unwrap_or_default();
        let own = |name: &str, below: &str| std::env::var(name).unwrap_or_else(|_| format!("{home}/{below}"));
        let path = std::env::var("PATH").unwrap_or_default();
        let tools = cache().join("packages/venv/bin");
        let place = |name: &str| self.top.join(name).display().to_string();
        let mut environment = vec![
            ("PATH".to_owned(), format!("{}:{path}", tools.display())),
            ("HOME".to_owned(), self.parent().join("home").display().to_string()),
            ("CARGO_HOME".to_owned(), own("CARGO_HOME", ".cargo")),
            ("RUSTUP_HOME".to_owned(), own("RUSTUP_HOME", ".rustup")),
            ("XDG_CONFIG_HOME".to_owned(), place("config")),
            ("XDG_STATE_HOME".to_owned(), place("state")),
            ("TMPDIR".to_owned(), place("scratch")),
        ];
        environment.extend(SESSION_SECRETS.map(|(name, value)| (name.to_owned(), value.to_owned())));
        environment
    }

    /// The temporary directory.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The directory that holds workspace, home and outside.
    pub fn parent(&self) -> PathBuf {
        self.top.join("parent")
    }

    /// The workspace.
    pub fn root(&self) -> PathBuf {
        self.parent().join("proj")
    }

    /// Replaces `${WORKSPACE}`.
    pub fn resolved(&self, text: &str) -> String {
        text.replace("${WORKSPACE}", &self.root().display().to_string())
    }

    /// The workspace as it stands.
    pub fn inside(&self) -> Listing {
        listing(&self.root(), &[])
    }

    /// Everything of the case but the workspace and the runtime's own state.
    pub fn outside(&self) -> Listing {
        let own = ["state", "scratch", "replies.yaml"].map(|name| self.top.join(name));
        listing(&self.top, &[&[self.root()], own.as_slice()].concat())
    }

    /// What another process does.
    pub fn race(&self, race: &Race) -> Result<(), String> {
        for op in &race.ops {
            let text = |key: &str| op.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let path = self.root().join(text("path"));
            let done = match text("op").as_str() {
                "remove_tree" => std::fs::remove_dir_all(&path),
                "remove" | "delete" => std::fs::remove_file(&path),
                "mkdir" => std::fs::create_dir_all(&path),
                "symlink" => {
                    symlink(&text("target"), &path);
                    Ok(())
                }
                "write" => {
                    write(&path, text("text").as_bytes());
                    Ok(())
                }
                "rename" => std::fs::rename(&path, self.root().join(text("new_path"))),
                other => return Err(format!("the race's operation `{other}` is unknown")),
            };
            done.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

impl Drop for Laid {
    /// The kernel leaves a directory of mode 000 in an overlay's work directory, which only
    /// root can remove without looking at it first.
    fn drop(&mut self) {
        use std::os::unix::fs::PermissionsExt as _;
        let mut pending = vec![self.dir.path().join("state")];
        while let Some(directory) = pending.pop() {
            let _ = std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700));
            let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
            pending.extend(
                entries.filter(|it| it.file_type().is_ok_and(|sort| sort.is_dir())).map(|it| it.path()),
            );
        }
    }
}

/// Where `tests/prepare-packages` puts Python with pytest.
fn cache() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/.cache");
    let cache = std::env::var_os("OPENEXEC_TEST_CACHE").map_or_else(own, PathBuf::from);
    cache.canonicalize().unwrap_or(cache)
}

/// `.openexec/tasks.yaml`: what the corpus declares, and a gate that costs nothing.
fn tasks(case: &Case, defaults: &Defaults) -> Value {
    // A task that floods must be ended by its limit; the limit must leave it time to compile.
    let timeout = if case.family == "oversize_dos" { "fast" } else { "medium" };
    let declared = defaults.default_context.declared_tasks.iter().map(|(name, task)| {
        let params: Vec<Value> = task.params.iter().map(|(name, param)| param_of(name, param)).collect();
        json!({ "name": name, "kind": "other", "argv": task.argv, "timeout": timeout, "params": params })
    });
    let gate = json!({ "name": GATE, "kind": "test", "argv": ["/bin/true"], "report": "exit_code" });
    let tasks: Vec<Value> = declared.chain([gate]).collect();
    json!({ "version": 1, "tasks": tasks })
}

/// A parameter in our words.
fn param_of(name: &str, param: &DeclaredParam) -> Value {
    let mut value = json!({ "name": name, "type": param.sort });
    if let Some(pattern) = &param.pattern {
        value["pattern"] = json!(pattern);
    }
    value["argv"] = match param.place.as_deref() {
        None => json!(["{value}"]),
        Some("after '--'") => json!(["--", "{value}"]),
        Some(place) => match place.strip_prefix("value of ") {
            Some(option) => json!([option, "{value}"]),
            None => panic!("the place `{place}` is unknown to the test"),
        },
    };
    value
}

fn file_of(file: &Map<String, Value>) -> Result<(String, Vec<u8>), String> {
    use base64::Engine as _;
    let mut path = None;
    let mut bytes = None;
    for (key, value) in file {
        match (key.as_str(), value) {
            ("path", Value::String(text)) => path = Some(text.clone()),
            ("text", Value::String(text)) => bytes = Some(text.clone().into_bytes()),
            ("b64" | "text_b64", Value::String(text)) => {
                let decoded = base64::engine::general_purpose::STANDARD.decode(text);
                bytes = Some(decoded.map_err(|error| error.to_string())?);
            }
            ("text_gen", generator) => bytes = Some(generated(generator)?.into_bytes()),
            (other, _) => return Err(format!("a file's `{other}` is unknown")),
        }
    }
    Ok((path.ok_or("a file without path")?, bytes.ok_or("a file without text")?))
}

/// Expands `prefix` + `repeat` x `count` + `suffix`.
pub fn generated(generator: &Value) -> Result<String, String> {
    let text = |key: &str| generator[key].as_str().unwrap_or_default();
    let count = generator["count"].as_u64().ok_or("a generator without count")?;
    let count = usize::try_from(count).map_err(|error| error.to_string())?;
    Ok(format!("{}{}{}", text("prefix"), text("repeat").repeat(count), text("suffix")))
}

fn make_parent(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
}

fn write(path: &Path, bytes: &[u8]) {
    make_parent(path);
    std::fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn symlink(target: &str, path: &Path) {
    make_parent(path);
    std::os::unix::fs::symlink(target, path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Everything below `root`, symbolic links not followed.
fn listing(root: &Path, without: &[PathBuf]) -> Listing {
    let mut found = Listing::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if without.contains(&path) {
                continue;
            }
            let metadata = path.symlink_metadata().unwrap();
            let kind = metadata.file_type();
            let seen = if kind.is_dir() {
                pending.push(path.clone());
                "directory".to_owned()
            } else if kind.is_symlink() {
                format!("link to {}", std::fs::read_link(&path).unwrap().display())
            } else if kind.is_file() && metadata.len() <= HASHED_BYTES_MAX {
                let digest = openexec_engine::digest::Digest::of(&std::fs::read(&path).unwrap());
                format!("{digest} {:o}", metadata.mode())
            } else {
                format!("{:o} {} {:?}", metadata.mode(), metadata.len(), metadata.modified().ok())
            };
            found.insert(path, seen);
        }
    }
    found
}

/// What differs between two listings, in words.
pub fn difference(before: &Listing, after: &Listing) -> Vec<PathBuf> {
    let changed = before.iter().filter(|(path, seen)| after.get(*path) != Some(*seen)).map(|(path, _)| path);
    let added = after.keys().filter(|path| !before.contains_key(*path));
    changed.chain(added).cloned().collect()
}
