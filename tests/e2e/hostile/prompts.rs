//! What a model was sent in a run: the engine folds the run's events and says it again.

use super::told::Told;
use openexec_engine::model::{Message, ModelRequest};
use openexec_engine::run::{Command, RunState};

/// Every request of a run, in order.
pub fn requests(told: &Told) -> Vec<ModelRequest> {
    let mut state = RunState::new();
    let mut requests = Vec::new();
    for recorded in &told.events {
        for command in state.apply(&recorded.event) {
            if let Command::CallModel { request, .. } = command {
                requests.push(*request);
            }
        }
    }
    requests
}

/// The texts that the runtime wrote in a request: not the rules, and not the model's own words.
pub fn texts(request: &ModelRequest) -> Vec<String> {
    let mut texts = Vec::new();
    for message in &request.messages {
        match message {
            Message::User { text } => texts.push(text.clone()),
            Message::Results { results } => texts.extend(results.iter().map(|it| it.text.clone())),
            Message::Model { .. } => {}
        }
    }
    texts
}

/// One envelope of a text.
#[derive(Debug, Clone)]
pub struct Envelope {
    pub title: String,
    /// As it stands in the prompt, its first and last line left out.
    pub body: String,
    /// All of it.
    pub whole: String,
}

/// The envelopes of a text, found by what a reader goes by: a first line, and the next line that
/// ends it with the same nonce. The rest of the text comes with them.
pub fn envelopes(text: &str) -> (Vec<Envelope>, String) {
    let mut found = Vec::new();
    let mut rest = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        // The runtime's own words may stand before it: ``action `a1` done: ``.
        let Some((before, head)) = line.split_once("<<openexec:data ") else {
            rest.push_str(line);
            rest.push('\n');
            continue;
        };
        rest.push_str(before);
        rest.push('\n');
        let nonce: String = head.chars().take_while(char::is_ascii_digit).collect();
        let end = format!("<<openexec:end {nonce}>>");
        let title = head.split_once(" | ").map_or("", |(_, title)| title).trim_end_matches(">>").to_owned();
        let mut body = Vec::new();
        for line in lines.by_ref() {
            if line == end {
                break;
            }
            body.push(line);
        }
        let body = body.join("\n");
        found.push(Envelope { title, whole: format!("<<openexec:data {head}\n{body}\n{end}"), body });
    }
    (found, rest)
}
