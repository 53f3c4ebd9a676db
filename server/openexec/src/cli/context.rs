//! `openexec context`: the pack that a model would be shown for a place or a text. Nothing is
//! sent, and nothing is remembered.

use super::{At, paint, runtime};
use openexec_engine::context::{ContextPack, PackPart, Shown};
use openexec_engine::edit::ChangeSet;
use openexec_engine::limits::CONTEXT_TOKENS_DEFAULT;
use openexec_engine::run::ContextQuery;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true, args = ["at_place", "text"])]
pub(super) struct ContextArguments {
    /// A place: `src/lib.rs:12` or `src/lib.rs:12-30`.
    #[arg(long = "at", value_name = "FILE:LINE")]
    at_place: Option<String>,
    /// What you want, or what is wrong, in your own words.
    #[arg(long)]
    text: Option<String>,
    /// Tokens of the pack.
    #[arg(long, default_value_t = CONTEXT_TOKENS_DEFAULT)]
    budget: usize,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

pub(super) fn context(arguments: &ContextArguments) -> anyhow::Result<ExitCode> {
    let query = ContextQuery {
        target: arguments.at_place.as_deref().map(super::drive::parse_place).transpose()?,
        instruction: arguments.text.clone(),
        failures: Vec::new(),
        output: String::new(),
        diagnostics: Vec::new(),
        open_documents: Vec::new(),
        changes: ChangeSet::default(),
        may_edit: true,
    };
    let pack = runtime()?.pack(&arguments.at.workspace, &query, arguments.budget)?;
    if arguments.json {
        println!("{}", serde_json::json!({ "digest": pack.digest(), "pack": pack }));
    } else {
        print(&pack);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(pack: &ContextPack) {
    anstream::println!("{}", paint::plain(&pack.text));
    anstream::println!();
    for part in &pack.parts {
        anstream::println!("{}", line_of(part));
    }
    let digest = pack.digest();
    let about = if pack.vocabulary.is_estimated() { "about " } else { "" };
    let (tokens, budget, vocabulary) = (pack.tokens, pack.budget_tokens, pack.vocabulary);
    anstream::println!("{about}{tokens} of {budget} tokens, {vocabulary}; {digest}");
}

/// One line of the table of contents.
fn line_of(part: &PackPart) -> String {
    let shown = match part.shown {
        Shown::Whole => "whole",
        Shown::Signature => "signature",
        Shown::LeftOut => "left out",
    };
    let path = part.path.as_ref().map(ToString::to_string).unwrap_or_default();
    let lines = part.lines.map(|(first, last)| format!(":{first}-{last}")).unwrap_or_default();
    let symbol = part.symbol.as_deref().unwrap_or_default();
    let why = match &part.withheld {
        Some(rule) => format!("withheld: {rule}"),
        None => part.relevance.to_string(),
    };
    paint::plain(&format!("{shown:<9} {:>6}  {path}{lines} {symbol}  {why}", part.tokens))
}
