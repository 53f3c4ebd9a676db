//! Reversible redaction, through whole runs: whatever a file holds and however a model edits it,
//! no request holds a byte of its secrets, and the edited file has every secret that it should.
//!
//! The number of cases is `PROPTEST_CASES`.

use super::world::*;
use crate::context::{Candidate, Relevance};
use crate::model::{ModelReply, StopReason, Usage};
use crate::redact::{Redactions, hidden_in};
use crate::run::{Command, Event};
use proptest::prelude::*;

const FILE: &str = "src/settings.py";

/// A line or a block of the generated file.
#[derive(Debug, Clone)]
enum Block {
    Plain(String),
    /// A secret between what stands before and behind it.
    Secret(String, String, String),
}

impl Block {
    fn text(&self) -> String {
        match self {
            Self::Plain(text) => format!("{text}\n"),
            Self::Secret(before, secret, behind) => format!("{before}{secret}{behind}\n"),
        }
    }
}

/// What a model does.
#[derive(Debug, Clone, Copy)]
enum Edit {
    /// Writes a comment behind a line.
    Comment,
    /// Writes a line before another.
    Before,
    /// Indents a line.
    Indent,
    /// Takes a line away.
    Drop,
}

impl Edit {
    fn of(self, line: &str) -> String {
        match self {
            Self::Comment => format!("{line}  # seen"),
            Self::Before => format!("added = 1\n{line}"),
            Self::Indent => format!("\t{line}"),
            Self::Drop => "kept = 1".to_owned(),
        }
    }
}

/// Secrets are put together here, so that no text of this repository looks like one.
fn block() -> impl Strategy<Value = Block> {
    let secret = |before: &'static str, prefix: &'static str, body: &'static str, behind: &'static str| {
        body.prop_map(move |body| {
            Block::Secret(before.to_owned(), format!("{prefix}{body}"), behind.to_owned())
        })
    };
    prop_oneof![
        3 => "(def f[a-z]{1,4}\\(\\): return [0-9]{1,3}|# [a-z ]{1,30}|v_[a-z]{1,5} = [0-9]{1,4})".prop_map(Block::Plain),
        1 => secret("aws = '", concat!("AK", "IA"), "[A-Z2-7]{12}7QX4", "'"),
        1 => secret("hub = \"", concat!("gh", "p_"), "[0-9a-f]{12}[A-Za-z0-9]{24}", "\""),
        1 => secret("db = 'postgres://svc:", "", "[A-Za-z0-9]{6}-9f2eQ", "@db.corp/x'"),
        // Only its name betrays it, so it must not look like a word, which would be no secret.
        1 => secret("api_token = '", "", "([0-9][b-df-hj-np-tv-z]){9}x7q2", "'"),
        1 => secret("pay(\"", concat!("sk", "_live_"), "[0-9A-Za-z]{20}x7Q", "\")"),
        1 => proptest::collection::vec("[A-Za-z0-9+/]{60}x7Q9", 2..5).prop_map(|lines| {
            let marker = |word: &str| format!("-----{word} {} KEY-----", concat!("PRIV", "ATE"));
            Block::Secret(
                format!("{}\n", marker("BEGIN")),
                lines.join("\n"),
                format!("\n{}", marker("END")),
            )
        }),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![Just(Edit::Comment), Just(Edit::Before), Just(Edit::Indent), Just(Edit::Drop)]
}

/// The file as the model sees it: without the envelope and the marks of its lines.
fn shown(request: &str) -> String {
    let begin = request.find("<<openexec:data").unwrap();
    let lines = request[begin..].lines().skip(1).take_while(|line| line.starts_with('|'));
    lines.map(|line| format!("{}\n", line.strip_prefix("| ").unwrap_or_default())).collect()
}

fn sent(world: &World) -> Vec<String> {
    world.requests.iter().map(|request| serde_json::to_string(request).unwrap()).collect()
}

fn answered(world: &mut World, reply: String) {
    let outstanding = world.state.outstanding();
    let command = outstanding.iter().find(|command| matches!(command, Command::CallModel { .. }));
    let command = command.and_then(Command::id).unwrap();
    let reply = ModelReply {
        text: reply,
        tool_calls: Vec::new(),
        stop: StopReason::End,
        usage: Usage::default(),
        opaque: Vec::new(),
    };
    world.say(Event::ModelReplied { command, reply, duration_ms: 1 });
}

proptest! {
    #[test]
    fn no_secret_leaves_and_every_secret_comes_back(
        blocks in proptest::collection::vec(block(), 1..10),
        chosen in any::<prop::sample::Index>(),
        edit in edit(),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole: String = blocks.iter().map(Block::text).collect();
        let all: Vec<&str> = whole.split_inclusive('\n').collect();
        // What is shown may begin in the midst of a key.
        let first = if all.len() > 3 { cut.index(3) } else { 0 };
        let part = all[first..].concat();
        let mut world = World::new(&[]);
        world.files.insert(FILE.to_owned(), whole.clone());
        world.candidates = vec![Candidate {
            path: Some(path(FILE)),
            symbol: None,
            lines: Some((first as u32 + 1, all.len() as u32)),
            text: part.clone(),
            signature: None,
            relevance: Relevance::Target,
            score: 1,
            signature_line: None,
            record: None,
        }];
        world.hidden = hidden_in(&path(FILE), &whole, &[&part]);
        world.start(start_of(FIX_TESTS));
        let seen = sent(&world);
        prop_assert_eq!(seen.len(), 1);

        let request = match world.requests[0].messages.first() {
            Some(crate::model::Message::User { text }) => text.clone(),
            other => panic!("{other:?}"),
        };
        let at = request.find("# Context").unwrap();
        let shown = shown(&request[at..]);
        let lines: Vec<&str> = shown.lines().collect();
        let line = lines[chosen.index(lines.len())];
        let is_one = shown.matches(line).count() == 1 && !line.trim().is_empty();
        let new = edit.of(line);
        answered(&mut world, edit_and_finish(FILE, line, &new));

        let secrets = blocks.iter().filter_map(|block| match block {
            Block::Secret(_, secret, _) => Some(secret.as_str()),
            Block::Plain(_) => None,
        });
        let secrets: Vec<&str> = secrets.flat_map(str::lines).collect();
        for text in sent(&world) {
            for secret in &secrets {
                prop_assert!(!text.contains(secret), "{} in {}", secret, text);
            }
        }
        // The same edit by somebody who sees the secrets.
        let file = world.state.changes().and_then(|changes| changes.files.get(&path(FILE)));
        let Some(file) = file.filter(|_| is_one) else { return Ok(()) };
        let proposed = file.proposed.clone().unwrap();
        prop_assert!(!proposed.contains("⟦secret:"), "{}", proposed);
        let undone = match edit {
            Edit::Comment => proposed.replacen("  # seen", "", 1),
            Edit::Before => proposed.replacen("added = 1\n", "", 1),
            Edit::Indent => proposed.replacen('\t', "", 1),
            Edit::Drop => {
                // What its placeholder stood for is gone, in one piece, and nothing else.
                let missing: Vec<&str> =
                    secrets.iter().filter(|secret| !proposed.contains(**secret)).copied().collect();
                prop_assert_eq!(missing.is_empty(), !line.contains("⟦secret:"));
                prop_assert!(whole.contains(&missing.join("\n")));
                return Ok(());
            }
        };
        prop_assert_eq!(undone, whole);
    }
}

#[test]
fn what_one_file_begins_and_another_ends_is_no_secret() {
    let marker = |word: &str| format!("-----{word} {} KEY-----", concat!("PRIV", "ATE"));
    let file = |name: &str, text: String| Candidate {
        path: Some(path(name)),
        symbol: None,
        lines: Some((1, 1)),
        text,
        signature: None,
        relevance: Relevance::Target,
        score: 1,
        signature_line: None,
        record: None,
    };
    let mut world = World::new(&[]);
    world.candidates = vec![
        file("src/a.py", format!("BEGIN = '{}'\n", marker("BEGIN"))),
        file("src/b.py", "between = 'what the model has to see, whatever stands around it'\n".to_owned()),
        file("src/c.py", format!("END = '{}'\n", marker("END"))),
    ];
    world.start(start_of(FIX_TESTS));
    let seen = sent(&world);
    for text in ["src/a.py", "src/b.py", "src/c.py", &marker("BEGIN"), &marker("END"), "between = "] {
        assert!(seen[0].contains(text), "{text}: {}", seen[0]);
    }
    assert!(!seen[0].contains("⟦secret:private-key"), "{}", seen[0]);
    // Who looks at the whole of it at once takes everything between the two for a key.
    let Some(crate::model::Message::User { text }) = world.requests[0].messages.first() else { panic!() };
    let mut redactions = Redactions::default();
    redactions.survey(text);
    assert!(redactions.sealed(text).is_some_and(|sealed| !sealed.contains("between = ")));
}
