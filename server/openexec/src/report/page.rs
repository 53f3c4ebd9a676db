//! The report as one page that stands alone: no script, nothing from elsewhere, and a policy in
//! it that would let neither work.

use super::Timeline;
use super::shown::{counted, since, span};
use super::story::{Body, CALL_HEADS, Detail, Line, Piece, Story, Told, Tone};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

/// The whole look of the page.
const STYLE: &str = include_str!("page.css");

/// The report of a run.
pub fn page(timeline: &Timeline) -> String {
    let story = Story::of(timeline);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                // Before anything that it is about.
                meta http-equiv="Content-Security-Policy" content=(content_security_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (story.blueprint) " · run " (story.run) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { (head(&story)) (strip(&story)) (happened(&story)) (evidence(&story)) (sent(&story)) (changes(&story)) }
                footer {
                    "Told from " (story.events) " journal events. What cannot be seen is shown between ⟪ and ⟫, "
                    "and placeholders stand for secrets. OpenExec " (env!("CARGO_PKG_VERSION")) "."
                }
            }
        }
    };
    markup.into_string()
}

/// Nothing is loaded, nothing is run, nothing is sent, and only our own style is a style.
fn content_security_policy() -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'")
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Ask => "ask",
        Tone::Plain => "plain",
    }
}

fn head(story: &Story) -> Markup {
    html! {
        header {
            p.over { "OpenExec run " code { (story.run) } }
            h1 { (story.blueprint) " " span class={ "pill " (class(story.tone)) } { (story.standing) } }
            p.summary { bdi { (story.summary) } }
            @if !story.reasons.is_empty() {
                ul.reasons { @for reason in &story.reasons { li { bdi { (reason) } } } }
            }
            dl { @for (name, fact) in &story.facts { div { dt { (name) } dd { (pieces(fact)) } } } }
        }
    }
}

/// How long each attempt took, drawn to scale.
fn strip(story: &Story) -> Markup {
    let whole = story.duration_ms.max(1);
    let share = |ms: u64| {
        let thousandths = ms.min(whole).saturating_mul(100_000) / whole;
        format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000)
    };
    let attempts = story.told.iter().filter(|told| told.stage.is_some());
    html! {
        svg.strip role="img" aria-label="how long each attempt took" width="100%" height="28" {
            rect.track x="0" y="10" width="100%" height="8" rx="4" {}
            @for told in attempts {
                rect class=(class(told.tone)) x=(share(told.began_ms)) y="6" width=(share(told.duration_ms))
                    height="16" rx="3" { title { (name(told)) ", " (span(told.duration_ms)) } }
            }
        }
    }
}

fn name(told: &Told) -> String {
    match &told.stage {
        Some((stage, 1)) => stage.clone(),
        Some((stage, attempt)) => format!("{stage}, attempt {attempt}"),
        None => String::new(),
    }
}

fn happened(story: &Story) -> Markup {
    html! {
        section {
            h2 { "What happened" }
            ol.told {
                @for told in &story.told {
                    @match &told.stage {
                        Some((stage, attempt)) => {
                            li class={ "attempt " (class(told.tone)) } {
                                h3 {
                                    bdi { (stage) }
                                    @if *attempt > 1 { span.again { "attempt " (attempt) } }
                                    span.time { (since(told.began_ms)) " · " (span(told.duration_ms)) }
                                }
                                @if let Some(outcome) = &told.outcome { div.outcome { (line(outcome)) } }
                                ul.lines { @for it in &told.lines { li { (line(it)) } } }
                            }
                        }
                        None => li.between { ul.lines { @for it in &told.lines { li { (line(it)) } } } }
                    }
                }
            }
        }
    }
}

fn line(line: &Line) -> Markup {
    html! {
        div class={ "line " (class(line.tone)) } {
            @if let Some(at_ms) = line.at_ms { span.time { (since(at_ms)) } }
            div.what {
                p { (pieces(&line.pieces)) }
                @for it in &line.details { (detail(it)) }
            }
        }
    }
}

fn detail(detail: &Detail) -> Markup {
    html! {
        details {
            summary { bdi { (detail.title) } }
            @match &detail.body {
                Body::List(lines) => ul.lines { @for it in lines { li { (line(it)) } } },
                Body::Facts(facts) => dl { @for (name, fact) in facts { div { dt { (name) } dd { bdi { (fact) } } } } },
                Body::Text(text) | Body::Sent(text) => pre { bdi { (text) } },
                Body::Diff(text) => (diff(text)),
            }
        }
    }
}

fn pieces(pieces: &[Piece]) -> Markup {
    html! {
        @for piece in pieces {
            @match piece {
                Piece::Words(words) => (words),
                Piece::Code(text) => code { (text) },
                Piece::Said(text) => bdi { (text) },
            }
        }
    }
}

fn evidence(story: &Story) -> Markup {
    html! {
        @if !story.evidence.is_empty() {
            section { h2 { "Evidence" } ul.lines { @for it in &story.evidence { li { (line(it)) } } } }
        }
    }
}

fn sent(story: &Story) -> Markup {
    html! {
        @if !story.calls.is_empty() {
            section {
                h2 { "What was sent" }
                div.wide {
                    table {
                        thead { tr { @for head in CALL_HEADS { th { (head) } } } }
                        tbody {
                            @for call in &story.calls { tr { @for cell in &call.cells { td { bdi { (cell) } } } } }
                        }
                    }
                }
                p.note {
                    "Each request stands above with its parts; all of one, with the body as it goes over the wire: "
                    code { "openexec show " (story.run) " --request 1 --wire" }
                }
            }
        }
    }
}

fn changes(story: &Story) -> Markup {
    html! {
        @if let Some((title, text)) = &story.changes {
            section {
                h2 { (title) " " span.again { (counted(text.lines().filter(|line| line.starts_with("+++ ") ).count(), "file")) } }
                (diff(text))
            }
        }
    }
}

fn diff(text: &str) -> Markup {
    html! {
        pre.diff {
            @for line in text.lines() {
                span class=(class_of_diff(line)) { bdi { (line) } "\n" }
            }
        }
    }
}

fn class_of_diff(line: &str) -> &'static str {
    match line {
        _ if line.starts_with("+++") || line.starts_with("---") || line.starts_with("diff ") => "file",
        _ if line.starts_with("@@") => "hunk",
        _ if line.starts_with('+') => "added",
        _ if line.starts_with('-') => "removed",
        _ => "same",
    }
}
