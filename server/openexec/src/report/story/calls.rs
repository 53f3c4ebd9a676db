//! What was sent, and what it took.

use super::{Body, Call, Detail};
use crate::disclosure::{Disclosed, Fate};
use crate::report::shown::{Glass, span};
use openexec_engine::budget::{grouped, usd};

/// A call as a row of the table of all.
pub(super) fn row(request: &Disclosed, glass: &mut Glass) -> Call {
    let [read, cached, written, took] = match &request.fate {
        Fate::Answered { usage, duration_ms, .. } => [
            grouped(usage.input_tokens),
            grouped(usage.cached_tokens),
            grouped(usage.output_tokens),
            span(*duration_ms),
        ],
        Fate::Waits => ["waits for you", "", "", ""].map(str::to_owned),
        Fate::NotSent => ["never sent", "", "", ""].map(str::to_owned),
        Fate::Sent => ["no answer yet", "", "", ""].map(str::to_owned),
        Fate::Failed { .. } => ["no answer", "", "", ""].map(str::to_owned),
    };
    let cost = match (request.cost(), &request.fate) {
        (Some(amount), Fate::Answered { .. }) => usd(amount),
        (None, Fate::Answered { .. }) => "unknown".to_owned(),
        (_, Fate::Waits | Fate::NotSent | Fate::Sent | Fate::Failed { .. }) => String::new(),
    };
    let asked = &request.request;
    let stage = format!("{}, attempt {}, turn {}", asked.stage, asked.attempt, asked.turn);
    let model = format!("{}{}", asked.model, if request.model.is_local { " (local)" } else { "" });
    let (stage, model) = (glass.line(&stage), glass.line(&model));
    Call { cells: [request.number.to_string(), stage, model, read, cached, written, took, cost] }
}

/// What is behind the line of a request: what is known of it, and its parts with their reasons.
pub(super) fn details(request: &Disclosed, glass: &mut Glass) -> Vec<Detail> {
    let facts = request.facts().into_iter().map(|(name, fact)| (name, glass.line(&fact)));
    let facts = Detail { title: "what is known of it".to_owned(), body: Body::Facts(facts.collect()) };
    let spoken = request.spoken().into_iter().rev().take_while(|(who, _)| who != "model");
    let mut newest: Vec<(String, String)> = spoken.collect();
    newest.reverse();
    let texts = newest.into_iter().map(|(who, text)| {
        let title = format!("what the {} said to it", glass.line(&who));
        Detail { title, body: Body::Sent(glass.block(&text)) }
    });
    let texts: Vec<Detail> = texts.collect();
    std::iter::once(facts).chain(texts).collect()
}
