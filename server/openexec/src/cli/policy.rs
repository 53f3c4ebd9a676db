//! Commands about policy files: whether they hold, what they come to, what they say to an action.

use super::paint;
use crate::config::UserDirs;
use crate::policy::{Effective, POLICY_FILE, effective, misplaced};
use crate::workspace::Workspace;
use anyhow::{Context as _, bail};
use openexec_engine::action::{ActionKind, ActionRequest, parse_document};
use openexec_engine::edit::ChangeSet;
use openexec_engine::ids::ToolsetName;
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::rules::{self, Declaration, Outgoing, Rule, When};
use openexec_engine::policy::{
    ApprovalMode, Decision, Known, Policy, Reason, Situation, Verdict, evaluate, toolset,
};
use openexec_engine::syntax::{Language, find, symbols_of};
use openexec_engine::task::TaskSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct PolicyArguments {
    #[command(subcommand)]
    what: PolicyWhat,
}

#[derive(Debug, clap::Subcommand)]
enum PolicyWhat {
    /// Check both policy files with the examples of their rules, and print what holds.
    Check(Root),
    /// Say what the policy says to an action, why, and what would make it pass.
    Explain {
        /// `replace_text src/build.rs`, `delete_file x`, `run_task deploy`, `read_file .env`, or
        /// the action as JSON.
        #[arg(required = true, trailing_var_arg = true)]
        action: Vec<String>,
        #[command(flatten)]
        root: Root,
    },
    /// Check the examples of all rules, and those of the built-in classes of files.
    Test(Root),
    /// Print the JSON Schema of policy files.
    Schema,
}

#[derive(Debug, clap::Args)]
struct Root {
    /// The workspace.
    #[arg(long, visible_alias = "workspace", default_value = ".")]
    root: PathBuf,
}

pub(super) fn policy(arguments: PolicyArguments) -> anyhow::Result<ExitCode> {
    match arguments.what {
        PolicyWhat::Check(at) => check(&at.root),
        PolicyWhat::Explain { action, root } => explain(&action, &root.root),
        PolicyWhat::Test(at) => test(&at.root),
        PolicyWhat::Schema => {
            println!("{}", serde_json::to_string_pretty(&rules::json_schema())?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(root: &Path) -> anyhow::Result<ExitCode> {
    let dirs = UserDirs::from_environment()?;
    let wrong = misplaced(root);
    for line in &wrong {
        anstream::eprintln!("{} {}", paint::bad("error:"), paint::plain(line));
    }
    match effective(&dirs.policy_path(), root) {
        Ok(found) => {
            print_effective(&found, &dirs);
            Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(error) => {
            complain_each(&error.to_string());
            anstream::eprintln!("no run starts in this workspace before that is mended");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn complain_each(lines: &str) {
    for line in lines.lines() {
        anstream::eprintln!("{} {}", paint::bad("error:"), paint::plain(line));
    }
}

fn print_effective(found: &Effective, dirs: &UserDirs) {
    let of = |declaration: &Option<Declaration>, file: &str| match declaration {
        Some(it) => format!("{file}, {} rules, {} examples hold", it.rules().count(), it.examples()),
        None => format!("none ({file} would be read)"),
    };
    let user = dirs.policy_path().display().to_string();
    anstream::println!("{} {}", paint::strong("user:     "), paint::plain(&of(&found.user, &user)));
    anstream::println!("{} {}", paint::strong("workspace:"), of(&found.workspace, POLICY_FILE));
    let policy = &found.snapshot;
    let approval = match policy.approval_mode {
        ApprovalMode::OnRiskyActions => "where a rule asks (on_risky_actions)",
        ApprovalMode::Always => "always",
    };
    let capabilities: Vec<&str> = policy.capabilities.iter().map(|it| it.name()).collect();
    let hosts: Vec<&str> = policy.network_allowlist.iter().map(String::as_str).collect();
    anstream::println!("{} {}", paint::strong("sandbox:  "), policy.sandbox.name());
    anstream::println!("{} {}", paint::strong("may:      "), capabilities.join(", "));
    anstream::println!("{} {approval}", paint::strong("asks:     "));
    let network = if hosts.is_empty() { "no host".to_owned() } else { hosts.join(", ") };
    anstream::println!("{} {network}", paint::strong("network:  "));
    for rule in &policy.rules {
        let effect = match rule.effect {
            Verdict::Allow => paint::good("allow"),
            Verdict::Ask => paint::warn("ask  "),
            Verdict::Block => paint::bad("block"),
        };
        anstream::println!(
            "{effect} {} {} {}",
            rule.name(),
            paint::plain(&conditions(&rule.when)),
            paint::dim(&paint::plain(&format!("({}; {})", rule.reason, rule.place)))
        );
    }
    for rule in &policy.egress {
        let to = match rule.to {
            rules::Destination::None => "no model",
            rules::Destination::Local => "a model on this machine only",
            rules::Destination::Any => "any model",
        };
        let labels = rule.labels.iter().cloned();
        let pointers = rule.pointers.iter().map(|pointer| format!("{pointer:?}").to_lowercase());
        let about: Vec<String> = rule.paths.iter().cloned().chain(labels).chain(pointers).collect();
        anstream::println!(
            "{} {}.egress {} may go to {to} {}",
            paint::strong("egress"),
            rule.scope.name(),
            paint::plain(&about.join(", ")),
            paint::dim(&paint::plain(&format!("({}; {})", rule.reason, rule.place)))
        );
    }
}

/// What a rule is about, on one line.
fn conditions(when: &When) -> String {
    let list =
        |key: &str, items: Vec<String>| (!items.is_empty()).then(|| format!("{key}: {}", items.join(", ")));
    let over = |key: &str, amount: Option<u64>| amount.map(|amount| format!("{key}: {amount}"));
    let parts = [
        list("actions", when.actions.iter().map(|kind| kind.name().to_owned()).collect()),
        list("paths", when.paths.clone()),
        list("except", when.except.clone()),
        list("tasks", when.tasks.iter().map(ToString::to_string).collect()),
        list("languages", when.languages.iter().map(|it| format!("{it:?}").to_lowercase()).collect()),
        list("symbols", when.symbols.clone()),
        over("lines_changed_over", when.lines_changed_over),
        over("files_changed_over", when.files_changed_over),
        list("class", when.class.iter().map(|class| format!("{class:?}").to_lowercase()).collect()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn test(root: &Path) -> anyhow::Result<ExitCode> {
    let dirs = UserDirs::from_environment()?;
    let (known, broken) = openexec_engine::policy::check_classes();
    for line in &broken {
        anstream::eprintln!("{} {line}", paint::bad("failed:"));
    }
    anstream::println!("built-in classes: {} of {known} examples hold", known - broken.len().min(known));
    match effective(&dirs.policy_path(), root) {
        Ok(found) => {
            for (file, declaration) in [("user", &found.user), ("workspace", &found.workspace)] {
                match declaration {
                    Some(it) => anstream::println!(
                        "{file} policy: {0} of {0} examples of {1} rules hold",
                        it.examples(),
                        it.rules().count()
                    ),
                    None => anstream::println!("{file} policy: none"),
                }
            }
            Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(error) => {
            let lines = error.to_string();
            for line in lines.lines() {
                anstream::eprintln!("{} {}", paint::bad("failed:"), paint::plain(line));
            }
            anstream::eprintln!("{} failures", lines.lines().count());
            Ok(ExitCode::FAILURE)
        }
    }
}

fn explain(words: &[String], root: &Path) -> anyhow::Result<ExitCode> {
    let runtime = super::runtime()?;
    let workspace = Workspace::open(root)?;
    let found = runtime.policy(root)?;
    let policy = Policy::new(&found.snapshot);
    let request = requested(words, &workspace)?;
    let status = runtime.declarations(root)?;
    let tasks = TaskSet { tasks: status.declared.tasks, trust: status.trust };
    let everything = toolset(&ToolsetName::from("coding_positions")).context("a toolset is missing")?;
    let paths: Vec<_> = request.action.paths().into_iter().cloned().collect();
    let facts = workspace.facts(&paths, &[]);
    let mut known = Known::default();
    known.learn(&facts);
    let situation = Situation {
        toolset: &everything,
        tasks: &tasks,
        facts: &facts,
        changes: &ChangeSet::default(),
        known: &known,
    };
    let decision = evaluate(std::slice::from_ref(&request), situation, &policy);
    print_decision(&request, &decision, &policy);
    let always = found.snapshot.approval_mode == ApprovalMode::Always;
    if always && request.action.kind().edits() && decision.verdict < Verdict::Block {
        anstream::println!("  the finished proposal waits for you in any case (approval_mode: always)");
    }
    for path in paths.iter().filter_map(|path| WorkspacePath::parse(path.as_str()).ok()) {
        print_egress(&request, &path, &policy);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_decision(request: &ActionRequest, decision: &Decision, policy: &Policy) {
    let kind = request.action.kind().name();
    let paths: Vec<String> = request.action.paths().iter().map(ToString::to_string).collect();
    let verdict = match decision.verdict {
        Verdict::Allow => paint::good("allow"),
        Verdict::Ask => paint::warn("ask"),
        Verdict::Block => paint::bad("block"),
    };
    anstream::println!("{verdict} {kind} {}", paint::plain(&paths.join(" -> ")));
    for reason in &decision.reasons {
        let word = match reason.verdict {
            Verdict::Allow => "allowed by",
            Verdict::Ask => "asked about by",
            Verdict::Block => "blocked by",
        };
        anstream::println!(
            "  {word} {} {}: {}; {}",
            paint::strong(reason.rule.as_str()),
            paint::dim(&paint::plain(&origin(reason, policy))),
            paint::plain(&reason.matched),
            paint::plain(&reason.remedy)
        );
    }
}

/// Whose rule it is, and where it stands.
fn origin(reason: &Reason, policy: &Policy) -> String {
    let rule: Option<&Rule> = policy.snapshot().rules.iter().find(|rule| rule.name() == reason.rule);
    match rule {
        Some(rule) => format!("({} scope, {})", rule.scope.name(), rule.place),
        None => "(built in)".to_owned(),
    }
}

/// Whether what an action reads may go to a model, where a rule speaks about that.
fn print_egress(request: &ActionRequest, path: &WorkspacePath, policy: &Policy) {
    let reads =
        matches!(request.action.kind(), ActionKind::ReadFile | ActionKind::ReadSymbol | ActionKind::Search);
    if !reads || policy.may_read(path).is_err() {
        return;
    }
    let text = Outgoing { paths: std::slice::from_ref(path), ..Outgoing::default() };
    let line = match (policy.may_leave(&text, false), policy.may_leave(&text, true)) {
        (Ok(()), _) => return,
        (Err(why), Ok(())) => format!("goes to a model on this machine only: {why}"),
        (Err(why), Err(_)) => format!("goes to no model: {why}"),
    };
    anstream::println!("  {} {}", paint::warn("its text"), paint::plain(&line));
}

/// The action that somebody asks about: as JSON, or a kind and what it is about. What such words
/// leave open is filled in with the smallest change of the file as it stands.
fn requested(words: &[String], workspace: &Workspace) -> anyhow::Result<ActionRequest> {
    let joined = words.join(" ");
    if joined.trim_start().starts_with('{') {
        return from_json(&joined);
    }
    let words: Vec<&str> = match words {
        [only] => only.split_whitespace().collect(),
        several => several.iter().map(String::as_str).collect(),
    };
    let (kind, about) = words.split_first().context("name an action, such as `read_file src/lib.rs`")?;
    let action = match (*kind, about) {
        ("replace_text" | "edit", [path]) => replace_text(path, workspace),
        ("replace_range", [path]) => serde_json::json!({
            "kind": "replace_range", "path": path, "text": "\n",
            "base_hash": openexec_engine::digest::Digest::of(present(path, workspace).as_bytes()),
            "range": { "start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0} },
        }),
        ("replace_symbol", [path, symbol]) => serde_json::json!({
            "kind": kind, "path": path, "symbol": symbol,
            "text": format!("{}\n", symbol_text(path, symbol, workspace)),
        }),
        ("insert_at_symbol", [path, symbol]) => serde_json::json!({
            "kind": kind, "path": path, "symbol": symbol, "side": "after", "text": "\n",
        }),
        ("create_file" | "create", [path]) => {
            serde_json::json!({ "kind": "create_file", "path": path, "text": "\n" })
        }
        ("delete_file" | "delete", [path]) => serde_json::json!({ "kind": "delete_file", "path": path }),
        ("rename_file" | "rename", [path, to]) => {
            serde_json::json!({ "kind": "rename_file", "path": path, "new_path": to })
        }
        ("read_file" | "read", [path]) => serde_json::json!({ "kind": "read_file", "path": path }),
        ("read_symbol", [path, symbol]) => {
            serde_json::json!({ "kind": "read_symbol", "path": path, "symbol": symbol })
        }
        ("search", []) => serde_json::json!({ "kind": "search", "text": "x" }),
        ("search", [below]) => serde_json::json!({ "kind": "search", "text": "x", "below": below }),
        ("run_task" | "run", [task]) => serde_json::json!({ "kind": "run_task", "task": task }),
        ("remember", text) if !text.is_empty() => {
            serde_json::json!({ "kind": "remember", "text": text.join(" ") })
        }
        _ => bail!(
            "`{}` is no action that can be explained; write `replace_text FILE`, `replace_symbol FILE SYMBOL`, \
             `create_file FILE`, `delete_file FILE`, `rename_file FILE NEW`, `read_file FILE`, `search FOLDER`, \
             `run_task TASK`, `remember TEXT`, or the action as JSON",
            joined.escape_debug()
        ),
    };
    from_json(&action.to_string())
}

fn from_json(text: &str) -> anyhow::Result<ActionRequest> {
    let mut action: serde_json::Value = serde_json::from_str(text).context(
        "this is no JSON; write an action as `{\"kind\": \"read_file\", \"path\": \"src/lib.rs\"}`",
    )?;
    if let Some(fields) = action.as_object_mut() {
        fields.entry("id").or_insert_with(|| "asked".into());
    }
    let document = serde_json::json!({ "actions": [action] }).to_string();
    let actions = parse_document(&document)?;
    actions.into_iter().next().context("there is no action in it")
}

/// A line more at the end of the file.
fn replace_text(path: &str, workspace: &Workspace) -> serde_json::Value {
    let present = present(path, workspace);
    if present.is_empty() {
        return serde_json::json!({ "kind": "create_file", "path": path, "text": "\n", "overwrite": true });
    }
    let changed = format!("{present}\n");
    serde_json::json!({ "kind": "replace_text", "path": path, "old": present, "new": changed })
}

/// The text as it stands; empty where there is none that can be read.
fn present(path: &str, workspace: &Workspace) -> String {
    let path = WorkspacePath::parse(path).ok();
    path.and_then(|path| workspace.read(&path).ok().flatten()).unwrap_or_default()
}

fn symbol_text(path: &str, symbol: &str, workspace: &Workspace) -> String {
    let text = present(path, workspace);
    let language = WorkspacePath::parse(path).ok().and_then(|path| Language::of_path(&path));
    let symbols = language.map(|language| symbols_of(language, &text)).unwrap_or_default();
    let range = find(&symbols, symbol).map(|found| found.range.clone()).unwrap_or_default();
    text.get(range).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use openexec_engine::action::Action;

    #[test]
    fn every_kind_can_be_asked_about_in_words() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("a.rs"), "fn a() {}\n").unwrap();
        let workspace = Workspace::open(place.path()).unwrap();
        for kind in ActionKind::ALL.into_iter().filter(|kind| *kind != ActionKind::Finish) {
            let about = match kind {
                ActionKind::ReplaceSymbol | ActionKind::InsertAtSymbol | ActionKind::ReadSymbol => "a.rs a",
                ActionKind::RenameFile => "a.rs b.rs",
                _ => "a.rs",
            };
            let words = format!("{} {about}", kind.name());
            let asked = requested(std::slice::from_ref(&words), &workspace).unwrap();
            assert_eq!(asked.action.kind(), kind, "{words}");
        }
        let json = r#"{"kind": "read_file", "path": "a.rs"}"#.to_owned();
        assert!(matches!(requested(&[json], &workspace).unwrap().action, Action::ReadFile(_)));
        let error = requested(&["fly away".to_owned()], &workspace).unwrap_err().to_string();
        assert!(error.contains("`fly away` is no action"), "{error}");
    }
}
