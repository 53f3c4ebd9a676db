//! What happened, a line each.

use super::{Body, Detail, Line, Piece, Tone, calls, ending, words};
use crate::disclosure::{Disclosed, told_part};
use crate::report::entry::{Entry, What};
use crate::report::shown::{Glass, counted, span};
use openexec_engine::budget::grouped;
use openexec_engine::context::{PackPart, Shown};
use openexec_engine::model::ModelReply;
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::{Decision, Verdict};
use openexec_engine::task::{Judgement, TaskExit, TaskReport};

/// A line, and what is behind it.
pub(super) fn line(entry: &Entry, requests: &[Disclosed], glass: &mut Glass) -> Line {
    let line = match &entry.what {
        What::Judged { subject, decision } => {
            let (tone, verdict) = verdict(decision.verdict);
            let subject = Piece::Said(glass.line(subject));
            Line::of(tone, vec![words(format!("policy: {verdict} ")), subject]).with(reasons(decision, glass))
        }
        What::Context { tokens, parts } => context(*tokens, parts, glass),
        What::RequestWaits(at) => request(requests, *at, "a request waits for your yes: ", Tone::Ask, glass),
        What::Asked(at) => request(requests, *at, "asked ", Tone::Plain, glass),
        What::Answered(reply) => answer(reply, glass),
        What::NoAnswer(error) => {
            Line::of(Tone::Bad, vec![words("no answer: "), Piece::Said(glass.line(&error.to_string()))])
        }
        What::ReplyRejected { reason } => {
            said(Tone::Bad, "the reply could not be taken as actions: ", reason, glass)
        }
        What::Read(texts) => read(texts, glass),
        What::Edited { files, tree } => {
            let mut pieces = vec![words("edited in the shadow: ")];
            pieces.extend(paths(files, glass));
            pieces.extend([words(", tree "), Piece::Code(tree.short())]);
            Line::of(Tone::Plain, pieces)
        }
        What::Ran { report, tree } => ran(report, &tree.short(), glass),
        What::Gate { judgement, tree } => gate(judgement, &tree.short(), glass),
        What::Proposed { proposal, decision, diff } => {
            let (tone, verdict) = verdict(decision.verdict);
            let pieces = vec![
                words("proposed "),
                Piece::Code(proposal.short()),
                words(format!("; policy: {verdict}")),
            ];
            let diff = Detail { title: "the diff".to_owned(), body: Body::Diff(glass.block(diff)) };
            Line::of(tone, pieces).with(reasons(decision, glass)).with(Some(diff))
        }
        What::Approved { proposal, by } => {
            decided(Tone::Good, &proposal.short(), " was approved by ", by, glass)
        }
        What::Refused { proposal, by } => {
            decided(Tone::Bad, &proposal.short(), " was refused by ", by, glass)
        }
        What::PartsRejected { parts, by } => {
            let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
            let parts = Piece::Code(glass.line(&parts.join(", ")));
            let by = Piece::Said(glass.line(by));
            Line::of(Tone::Ask, vec![parts, words(" was left out by "), by])
        }
        What::Rebased { files, tree } => {
            let mut pieces = paths(files, glass);
            pieces.push(words(" changed meanwhile; rebased and to be verified again, tree "));
            pieces.push(Piece::Code(tree.short()));
            Line::of(Tone::Ask, pieces)
        }
        What::Applied { files, answer } => applied(files, answer.as_deref(), glass),
        What::RunbookFound { lines } => {
            let approved = Detail {
                title: "what it approves".to_owned(),
                body: Body::Text(glass.block(&lines.join("\n"))),
            };
            Line::of(Tone::Plain, vec![words("a runbook knows the failure")]).with(Some(approved))
        }
        What::ProcedureStepped { part, task, judgement } => {
            let (tone, word, text) = judged(judgement);
            let task = Piece::Code(glass.line(task.as_str()));
            let said = Piece::Said(glass.line(text));
            Line::of(tone, vec![words(format!("{} ", part.name())), task, words(format!(" {word}: ")), said])
        }
        What::Remembered => Line::of(Tone::Plain, vec![words("a record of it is in the memory")]),
        What::Failed { reason } => said(Tone::Bad, "could not be carried out: ", reason, glass),
        What::Cancelled { by } => said(Tone::Ask, "cancelled by ", by, glass),
        What::Resumed { by } => said(Tone::Plain, "resumed by ", by, glass),
        What::UndoAsked { by } => said(Tone::Ask, "undo asked for by ", by, glass),
        What::Paused { reason } => said(Tone::Ask, "paused: ", reason, glass),
        What::Ended { outcome, summary } => {
            let (tone, word) = ending(*outcome);
            said(tone, &format!("{word}: "), summary, glass)
        }
    };
    Line { at_ms: Some(entry.at_ms), ..line }
}

fn said(tone: Tone, ours: &str, theirs: &str, glass: &mut Glass) -> Line {
    Line::of(tone, vec![words(ours), Piece::Said(glass.line(theirs))])
}

fn decided(tone: Tone, proposal: &str, ours: &str, by: &str, glass: &mut Glass) -> Line {
    let by = Piece::Said(glass.line(by));
    Line::of(tone, vec![Piece::Code(proposal.to_owned()), words(ours), by])
}

const fn verdict(verdict: Verdict) -> (Tone, &'static str) {
    match verdict {
        Verdict::Allow => (Tone::Plain, "allows"),
        Verdict::Ask => (Tone::Ask, "asks about"),
        Verdict::Block => (Tone::Bad, "blocks"),
    }
}

fn reasons(decision: &Decision, glass: &mut Glass) -> Option<Detail> {
    let lines = decision.reasons.iter().map(|reason| {
        let tone = verdict(reason.verdict).0;
        let mut pieces = vec![Piece::Code(glass.line(reason.rule.as_str())), words(" ")];
        pieces.push(Piece::Said(glass.line(&reason.matched)));
        if !reason.remedy.is_empty() {
            pieces.extend([words(": "), Piece::Said(glass.line(&reason.remedy))]);
        }
        Line::of(tone, pieces)
    });
    let lines: Vec<Line> = lines.collect();
    let title = counted(lines.len(), "reason");
    (!lines.is_empty()).then_some(Detail { title, body: Body::List(lines) })
}

fn context(tokens: usize, parts: &[PackPart], glass: &mut Glass) -> Line {
    let redactions: usize = parts.iter().map(|part| part.redactions).sum();
    let shown = parts.iter().filter(|part| part.shown != Shown::LeftOut).count();
    let text = format!(
        "context: {shown} of {}, about {} tokens, {} replaced",
        counted(parts.len(), "part"),
        grouped(tokens as u64),
        counted(redactions, "secret"),
    );
    let lines = parts.iter().map(|part| {
        let tone = if part.withheld.is_some() { Tone::Ask } else { Tone::Plain };
        Line::of(tone, vec![Piece::Said(glass.line(&told_part(part)))])
    });
    let lines: Vec<Line> = lines.collect();
    let detail =
        Detail { title: "what is in it, why, and what was left out".to_owned(), body: Body::List(lines) };
    Line::of(Tone::Plain, vec![words(text)]).with((!parts.is_empty()).then_some(detail))
}

fn request(requests: &[Disclosed], at: usize, ours: &str, tone: Tone, glass: &mut Glass) -> Line {
    let Some(request) = requests.get(at) else {
        return Line::of(tone, vec![words(ours)]);
    };
    let asked = &request.request;
    let pieces = vec![
        words(ours),
        Piece::Code(glass.line(asked.model.as_str())),
        words(format!(
            ", request {}, turn {}: about {} tokens",
            request.number,
            asked.turn,
            grouped(asked.estimated_tokens(request.model.vocabulary))
        )),
    ];
    Line { details: calls::details(request, glass), ..Line::of(tone, pieces) }
}

fn answer(reply: &ModelReply, glass: &mut Glass) -> Line {
    let mut pieces = vec![words("answered: ")];
    let names: Vec<String> = reply.tool_calls.iter().map(|call| glass.line(&call.name)).collect();
    match names.is_empty() {
        true => pieces.push(words("words only")),
        false => pieces.push(Piece::Code(names.join(", "))),
    }
    let usage = &reply.usage;
    let took = (usage.input_tokens, usage.output_tokens);
    if took != (0, 0) {
        pieces.push(words(format!("; {} tokens read, {} written", grouped(took.0), grouped(took.1))));
    }
    let mut details = Vec::new();
    if !reply.text.trim().is_empty() {
        details.push(Detail { title: "what it said".to_owned(), body: Body::Text(glass.block(&reply.text)) });
    }
    for call in &reply.tool_calls {
        let title = format!("its action {}", glass.line(&call.name));
        details.push(Detail { title, body: Body::Text(glass.block(&call.arguments)) });
    }
    Line { details, ..Line::of(Tone::Plain, pieces) }
}

fn read(texts: &[(String, Option<String>)], glass: &mut Glass) -> Line {
    let titles: Vec<String> = texts.iter().map(|(title, _)| glass.line(title)).collect();
    let refused: Vec<Line> = texts
        .iter()
        .filter_map(|(title, refusal)| Some((title, refusal.as_ref()?)))
        .map(|(title, why)| {
            let pieces = vec![Piece::Code(glass.line(title)), words(": "), Piece::Said(glass.line(why))];
            Line::of(Tone::Bad, pieces)
        })
        .collect();
    let detail = Detail { title: "what it was not shown".to_owned(), body: Body::List(refused.clone()) };
    let pieces = vec![words("it read "), Piece::Code(titles.join(", "))];
    Line::of(Tone::Plain, pieces).with((!refused.is_empty()).then_some(detail))
}

fn paths(files: &[WorkspacePath], glass: &mut Glass) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for file in files {
        if !pieces.is_empty() {
            pieces.push(words(", "));
        }
        pieces.push(Piece::Code(glass.line(file.as_str())));
    }
    pieces
}

/// How a process ended.
fn exit(exit: &TaskExit, glass: &mut Glass) -> Vec<Piece> {
    match exit {
        TaskExit::Exited { code } => vec![words(format!(": exit code {code}"))],
        TaskExit::Signalled { signal } => vec![words(format!(": ended by signal {signal}"))],
        TaskExit::TimedOut { limit_ms } => vec![words(format!(": killed after {}", span(*limit_ms)))],
        TaskExit::NotStarted { reason } => vec![words(": not started: "), Piece::Said(glass.line(reason))],
    }
}

fn ran(report: &TaskReport, tree: &str, glass: &mut Glass) -> Line {
    let tone = match report.judge() {
        Judgement::Passed { .. } => Tone::Good,
        Judgement::Red { .. } | Judgement::Blocked { .. } => Tone::Bad,
    };
    let mut text = String::new();
    if let Some(tests) = report.tests {
        text.push_str(&format!(
            ", {} passed, {} failed, {} skipped",
            tests.passed, tests.failed, tests.skipped
        ));
    }
    text.push_str(&format!(", {}, tree ", span(report.duration_ms)));
    let mut pieces = vec![Piece::Code(glass.line(&report.argv.join(" ")))];
    pieces.extend(exit(&report.exit, glass));
    pieces.extend([words(text), Piece::Code(tree.to_owned()), words(", sandbox ")]);
    pieces.push(Piece::Said(glass.line(&report.sandbox)));
    let failures = report.failures.iter().map(|failure| {
        let mut pieces = vec![Piece::Code(glass.line(&failure.name))];
        if let (Some(path), Some(line)) = (&failure.path, failure.line) {
            pieces.extend([words(" at "), Piece::Code(glass.line(&format!("{path}:{line}")))]);
        }
        let message = (!failure.message.trim().is_empty()).then(|| Detail {
            title: "what it said".to_owned(),
            body: Body::Text(glass.block(&failure.message)),
        });
        Line::of(Tone::Bad, pieces).with(message)
    });
    let failures: Vec<Line> = failures.collect();
    let title = counted(failures.len(), "failing test");
    let failures = (!failures.is_empty()).then_some(Detail { title, body: Body::List(failures) });
    let connections: Vec<Line> = report
        .connections
        .iter()
        .map(|connection| Line::of(Tone::Plain, vec![Piece::Said(glass.line(&connection.to_string()))]))
        .collect();
    let title = counted(connections.len(), "connection");
    let connections = (!connections.is_empty()).then_some(Detail { title, body: Body::List(connections) });
    let output = (!report.output.trim().is_empty()).then(|| Detail {
        title: "what it printed".to_owned(),
        body: Body::Text(glass.block(&report.output)),
    });
    Line::of(tone, pieces).with(failures).with(connections).with(output)
}

fn gate(judgement: &Judgement, tree: &str, glass: &mut Glass) -> Line {
    let (tone, word, text) = judged(judgement);
    let said = Piece::Said(glass.line(text));
    let tree = Piece::Code(tree.to_owned());
    Line::of(tone, vec![words(format!("gate {word}: ")), said, words(" (tree "), tree, words(")")])
}

fn judged(judgement: &Judgement) -> (Tone, &'static str, &str) {
    match judgement {
        Judgement::Passed { summary } => (Tone::Good, "passed", summary),
        Judgement::Red { summary } => (Tone::Bad, "red", summary),
        Judgement::Blocked { reason } => (Tone::Bad, "blocked", reason),
    }
}

fn applied(
    files: &[(WorkspacePath, Option<openexec_engine::digest::Digest>)],
    answer: Option<&str>,
    glass: &mut Glass,
) -> Line {
    let lines = files.iter().map(|(path, digest)| {
        let stands = match digest {
            Some(digest) => vec![words(" holds "), Piece::Code(digest.short())],
            None => vec![words(" is not there")],
        };
        let path = Piece::Code(glass.line(path.as_str()));
        Line::of(Tone::Plain, std::iter::once(path).chain(stands).collect())
    });
    let mut lines: Vec<Line> = lines.collect();
    if let Some(answer) = answer {
        lines.push(said(Tone::Plain, "the editor answered: ", answer, glass));
    }
    let text = format!("applied, and looked at afterwards: {}", counted(files.len(), "file"));
    let detail = Detail { title: "what stands there".to_owned(), body: Body::List(lines) };
    Line::of(Tone::Good, vec![words(text)]).with(Some(detail))
}
