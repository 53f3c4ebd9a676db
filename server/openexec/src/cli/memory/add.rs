//! Writing down why a symbol is as it is.

use super::super::{At, paint};
use super::Scene;
use crate::memory::MEMORY_DIR;
use anyhow::{Context as _, anyhow, bail};
use openexec_engine::blueprint::LoadError;
use openexec_engine::ids::RecordId;
use openexec_engine::memory::{Anchor, Body, Kind, Origin, Record, SymbolNote, SymbolPointer, load, to_yaml};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::{Language, symbols_of};
use std::collections::BTreeSet;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct AddArguments {
    /// `src/lib.rs:12`, or a file followed by the name of a symbol.
    place: String,
    /// The qualified name of the symbol, where no line is given.
    symbol: Option<String>,
    /// Why it is as it is.
    #[arg(long)]
    why: String,
    /// The record's id; made from the symbol's name when absent.
    #[arg(long)]
    id: Option<String>,
    /// Keep it among your own records instead of writing a file that is shared through git.
    #[arg(long)]
    private: bool,
    /// Who writes it.
    #[arg(long)]
    author: Option<String>,
    /// What it is taken from.
    #[arg(long)]
    source: Option<String>,
    /// A label that egress rules name.
    #[arg(long = "label")]
    labels: Vec<String>,
    #[command(flatten)]
    pub(super) at: At,
}

/// The symbol that somebody means by a line or a name.
fn pointed_at(scene: &Scene, place: &str, symbol: Option<&str>) -> anyhow::Result<SymbolPointer> {
    let (file, line) = match place.rsplit_once(':') {
        Some((file, line)) => match line.parse::<u32>() {
            Ok(line) => (file, Some(line)),
            Err(_) => (place, None),
        },
        None => (place, None),
    };
    let path = WorkspacePath::parse(file)
        .map_err(|error| anyhow!("`{file}`: {error}; write a path relative to the workspace"))?;
    let text = scene.workspace.read(&path)?.with_context(|| format!("there is no file `{path}`"))?;
    let language = Language::of_path(&path)
        .with_context(|| format!("`{path}` is in no language whose symbols are known"))?;
    let symbols = symbols_of(language, &text);
    let around = |line: u32| {
        let holding = symbols.iter().enumerate().filter(|(_, it)| (it.lines.0..=it.lines.1).contains(&line));
        holding.min_by_key(|(_, it)| it.lines.1 - it.lines.0).map(|(index, _)| index)
    };
    let index = match (line, symbol) {
        (Some(_), Some(_)) => bail!("give a line or a symbol, not both"),
        (None, None) => bail!("say which symbol: `{path}:LINE`, or `{path} NAME`"),
        (Some(line), None) => {
            around(line).with_context(|| format!("no symbol stands in line {line} of `{path}`"))?
        }
        (None, Some(name)) => {
            let found = openexec_engine::syntax::find(&symbols, name)?;
            let found = symbols.iter().position(|it| it.range == found.range);
            found.with_context(|| format!("there is no symbol `{name}` in `{path}`"))?
        }
    };
    let pointer = SymbolPointer::of(&path, &text, &symbols, index);
    let pointer = pointer.context("the symbol cannot be pointed at")?;
    Ok(scene.pointers.look().bound(pointer))
}

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

pub(super) async fn add(scene: &Scene, arguments: AddArguments) -> anyhow::Result<ExitCode> {
    let pointer = pointed_at(scene, &arguments.place, arguments.symbol.as_deref())?;
    let taken: BTreeSet<&str> = scene
        .known
        .records()
        .filter(|record| record.kind() == Kind::Symbol)
        .map(|record| record.id.as_str())
        .collect();
    let id = match arguments.id {
        Some(id) => id,
        None => free_id(pointer.own_name(), |id| {
            let is_written = !arguments.private
                && place_of(id).is_ok_and(|path| scene.workspace.read(&path).is_ok_and(|it| it.is_some()));
            !is_written && !taken.contains(id)
        }),
    };
    if taken.contains(id.as_str()) {
        bail!("there is a symbol record `{id}` already; give another `--id`");
    }
    let record = Record {
        id: RecordId::new(&id),
        origin: Origin::Private,
        author: arguments.author,
        written: Some(today()),
        source: arguments.source,
        labels: arguments.labels.into_iter().collect(),
        redact: Vec::new(),
        body: Body::Symbol(SymbolNote { at: Anchor::to(pointer), why: arguments.why }),
    };
    let text = to_yaml(std::slice::from_ref(&record)).map_err(|error| anyhow!(error))?;
    // What the reader would refuse is not written.
    load("the record", &text).map_err(refused)?;
    if arguments.private {
        scene.runtime.store(&scene.root)?.keep(&record).await?;
        anstream::println!("{} is among your own records", record.title());
        return Ok(ExitCode::SUCCESS);
    }
    let path = place_of(&id)?;
    if scene.workspace.read(&path)?.is_some() {
        bail!("`{path}` is there already; give another `--id`, or add to the file by hand");
    }
    scene.runtime.write_memory(&scene.root, &path, &text)?;
    anstream::println!("{} stands in {path}", record.title());
    if scene.runtime.memory(&scene.root)?.untrusted.iter().any(|file| file == path.as_str()) {
        let note = "it counts once you have trusted the workspace as it is (`openexec trust`)";
        anstream::eprintln!("{} {note}", paint::warn("note:"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The file of a record that is shared.
fn place_of(id: &str) -> anyhow::Result<WorkspacePath> {
    WorkspacePath::parse(&format!("{MEMORY_DIR}/{id}.yaml"))
        .map_err(|error| anyhow!("`{id}`: {error}; give another `--id`"))
}

/// What is wrong with what was given. Its place in a file that nobody has seen says nothing.
fn refused(error: LoadError) -> anyhow::Error {
    let problems = error.diagnostics.iter().map(|it| format!("{}; {}", it.message, it.remedy));
    anyhow!("{}", problems.collect::<Vec<_>>().join("\n"))
}

fn free_id(name: &str, is_free: impl Fn(&str) -> bool) -> String {
    let plain: String =
        name.chars().filter(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-')).take(48).collect();
    let plain = if plain.is_empty() { "symbol".to_owned() } else { plain };
    let numbered = (2..).map(|number| format!("{plain}-{number}"));
    std::iter::once(plain.clone()).chain(numbered).find(|id| is_free(id)).unwrap_or(plain)
}
