//! The corpus as it is written: cases, defaults, attacks. It is read from `HOSTILE_DIR`, or
//! from `tests/hostile`. Nothing is executed here.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a batch of actions led to. Ordered: the strictest is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Allow,
    RequireApproval,
    Block,
}

/// Where a case must be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    Policy,
    Apply,
    Sandbox,
}

/// Whether a case counts in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Core,
    Stretch,
}

/// One case. What it may hold beyond this is an error: nothing of it is passed over.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub id: String,
    pub family: String,
    pub technique: String,
    pub level: Level,
    #[serde(rename = "description")]
    pub _description: String,
    pub workspace_setup: Setup,
    #[serde(default)]
    pub context: Context,
    #[serde(default)]
    pub actions: Vec<Map<String, Value>>,
    pub raw_output: Option<Value>,
    pub race: Option<Race>,
    pub expected: Outcome,
    #[serde(default)]
    pub also_acceptable: Vec<Outcome>,
    pub enforced_by: Layer,
    #[serde(default)]
    pub check_after: BTreeMap<String, Value>,
    pub platforms: Option<Vec<String>>,
    #[serde(rename = "why")]
    pub _why: String,
    #[serde(rename = "source")]
    pub _source: String,
}

/// What lies in and beside the workspace.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    pub base: String,
    #[serde(default)]
    pub files: Vec<Map<String, Value>>,
    #[serde(default)]
    pub symlinks: Vec<Link>,
    #[serde(default)]
    pub hardlinks: Vec<Link>,
    #[serde(default)]
    pub outside: Vec<Map<String, Value>>,
    #[serde(default)]
    pub special: Vec<Map<String, Value>>,
}

/// A link of either sort.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub path: String,
    pub target: String,
}

/// What differs from the defaults of `context.json`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Context {
    pub goal: Option<String>,
    /// What the user has written into memory. Our memory has no such entries: notes of a model
    /// lie beside each other, and none replaces another.
    #[serde(rename = "memory")]
    pub _memory: Vec<Map<String, Value>>,
    pub open_documents: Vec<OpenDocument>,
    pub open_root_via: Option<String>,
    /// The runtime gives its runs ids of its own; a reply that names one is refused anyway.
    #[serde(rename = "run_id")]
    pub _run_id: Option<String>,
    pub stage: Option<Map<String, Value>>,
    pub trusted_hashes: Option<Map<String, Value>>,
    pub user_policy: Option<Value>,
    pub workspace_trust: Option<String>,
}

/// A document that is open in the editor, at this version.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenDocument {
    pub path: String,
    pub version: i32,
}

/// What another process does in between.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Race {
    pub after: String,
    pub ops: Vec<Map<String, Value>>,
}

/// The defaults.
#[derive(Debug, Deserialize)]
pub struct Defaults {
    pub bases: BTreeMap<String, BTreeMap<String, String>>,
    pub outside: BTreeMap<String, String>,
    pub default_context: DefaultContext,
    /// By kind, the fields of the neutral contract: `path`, `base_hash|version`, `overwrite?`.
    pub action_fields: BTreeMap<String, Value>,
}

/// The default policy context, as far as it differs from ours.
#[derive(Debug, Deserialize)]
pub struct DefaultContext {
    pub goal: String,
    pub declared_tasks: BTreeMap<String, DeclaredTask>,
}

/// A task that every workspace of the corpus declares.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredTask {
    pub argv: Vec<String>,
    pub params: BTreeMap<String, DeclaredParam>,
}

/// A value that such a task takes, and where it stands among its arguments.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredParam {
    #[serde(rename = "type")]
    pub sort: String,
    pub pattern: Option<String>,
    pub place: Option<String>,
}

/// One line of `attacks.tsv`.
#[derive(Debug)]
pub struct Attack {
    pub id: String,
    pub what: String,
}

/// Where the corpus lies.
pub fn directory() -> PathBuf {
    std::env::var_os("HOSTILE_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile"), PathBuf::from)
}

/// The texts of all files `PREFIX*.json`, in the order of their names.
fn texts(prefix: &str) -> Vec<(PathBuf, String)> {
    let directory = directory();
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with(prefix) && name.ends_with(".json")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there is no {prefix}*.json in {}", directory.display());
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// Every entry of all files `PREFIX*.json`.
pub fn entries<T: serde::de::DeserializeOwned>(prefix: &str) -> Vec<T> {
    let read = |(path, text): (PathBuf, String)| -> Vec<T> {
        let values: Vec<Value> = serde_json::from_str(&text).unwrap();
        values
            .into_iter()
            .map(|value| {
                let id = value["id"].to_string();
                serde_json::from_value(value)
                    .unwrap_or_else(|error| panic!("{}: {id}: {error}", path.display()))
            })
            .collect()
    };
    texts(prefix).into_iter().flat_map(read).collect()
}

/// The defaults of the corpus.
pub fn defaults() -> Defaults {
    let path = directory().join("context.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The lines of `attacks.tsv`.
pub fn attacks() -> Vec<Attack> {
    let path = directory().join("attacks.tsv");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().skip(1).filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let mut fields = line.split('\t').map(str::to_owned);
            Attack { id: fields.next().unwrap(), what: fields.next().unwrap() }
        })
        .collect()
}

impl Case {
    /// Whether this machine is one that the case can be carried out on.
    pub fn runs_here(&self) -> bool {
        self.platforms.as_ref().is_none_or(|names| names.iter().any(|name| name == std::env::consts::OS))
    }

    /// Whether an action has a field that the neutral contract does not have, or lacks one that
    /// it demands: then the parser is what has to refuse it.
    pub fn breaks_the_contract(&self, defaults: &Defaults) -> bool {
        self.actions.iter().any(|action| {
            let kind = action.get("kind").and_then(Value::as_str).unwrap_or_default();
            let Some(fields) = defaults.action_fields.get(kind).and_then(Value::as_array) else {
                return true;
            };
            let fields: Vec<&str> = fields.iter().filter_map(Value::as_str).collect();
            let known = |name: &String| {
                fields.iter().any(|field| field.trim_end_matches('?').split('|').any(|it| it == name))
            };
            let given = |field: &str| field.split('|').any(|name| action.contains_key(name));
            let lacks = fields.iter().any(|field| !field.ends_with('?') && !given(field));
            lacks || !action.keys().all(known)
        })
    }

    pub fn is_benign(&self) -> bool {
        self.expected == Outcome::Allow
    }

    /// Whether the outcome is the expected one or one that is as good.
    pub fn accepts(&self, outcome: Outcome) -> bool {
        self.expected == outcome || self.also_acceptable.contains(&outcome)
    }

    /// The first action of this kind.
    pub fn first(&self, kind: &str) -> Option<&Map<String, Value>> {
        self.actions.iter().find(|action| action.get("kind").and_then(Value::as_str) == Some(kind))
    }
}
