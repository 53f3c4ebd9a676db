mod world;

use super::*;
use scraper::{Html, Node, Selector};
use std::collections::BTreeSet;
use world::{World, edit};

/// What tries to be markup, to hide, and to leave the place that it is put in.
const HOSTILE: &str = "x\"'><script>alert(1)</script><img src=//evil.example/x onerror=alert(2)> \
    --> ]]> </style></title></pre></code> &lt;b&gt; ![p](https://evil.example/p) <!-- \u{202e}gnp.exe\u{200b} \
    \u{1b}[2K ``` ~~~ `tick";

fn fixed() -> World {
    let replies =
        [edit("    41\n", "    40\n", "made it worse"), edit("    40\n", "    42\n", "made it right")];
    let mut world = World::new("make it 42", &replies);
    world.start();
    world
}

fn hostile() -> World {
    let new = "    42 // <script>alert(3)</script> \"onload=\"x\n";
    let mut world = World::new(HOSTILE, &[edit("    41\n", new, "<iframe srcdoc=\"<b>\">")]);
    world.start();
    world
}

fn read(world: &World) -> Timeline {
    timeline(world.timed()).unwrap()
}

#[test]
fn a_run_is_told_from_its_start_to_its_end() {
    let text = markdown(&read(&fixed()));
    insta::assert_snapshot!(text, @"");
}

#[test]
fn stages_and_attempts_are_chapters_with_their_times() {
    let timeline = read(&fixed());
    let stages: Vec<(String, u32, bool)> = timeline
        .chapters
        .iter()
        .filter_map(|chapter| chapter.attempt.as_ref())
        .map(|it| {
            (it.stage.to_string(), it.number, matches!(it.outcome, Some(StepOutcome::Succeeded { .. })))
        })
        .collect();
    assert!(
        stages.contains(&("fix".to_owned(), 1, true)) && stages.contains(&("fix".to_owned(), 2, true)),
        "{stages:?}"
    );
    assert_eq!(timeline.requests.len(), 2);
    assert_eq!(timeline.duration_ms, (timeline.events - 1) * 1_000);
    for pair in timeline.chapters.windows(2) {
        assert!(pair[0].began_ms <= pair[0].ended_ms && pair[0].ended_ms <= pair[1].began_ms, "{pair:?}");
    }
}

#[test]
fn what_was_undone_is_told_as_undone() {
    let mut world = fixed();
    world.say(Event::UndoRequested { by: "neovim".into() });
    let text = markdown(&read(&world));
    assert!(text.starts_with("# ✓ `fix_tests`: undone\n"), "{text}");
    assert!(
        text.contains("undo asked for by neovim") && !text.contains("What stands in your files"),
        "{text}"
    );
}

#[test]
fn a_journal_without_a_beginning_is_refused() {
    assert!(timeline([]).is_err());
    let world = fixed();
    let headless: Vec<(u64, &Event)> = world.timed().into_iter().skip(1).collect();
    assert!(timeline(headless).is_err());
}

#[test]
fn a_clock_that_was_set_back_turns_no_time_around() {
    let world = fixed();
    let mut timed = world.timed();
    for (at, entry) in timed.iter_mut().enumerate().skip(5) {
        entry.0 -= 10_000_000 + at as u64;
    }
    let timeline = timeline(timed).unwrap();
    assert_eq!(timeline.duration_ms, 4_000);
}

/// The elements and attributes that we write.
const ELEMENTS: [&str; 39] = [
    "html", "head", "meta", "title", "style", "body", "main", "footer", "header", "section", "h1", "h2",
    "h3", "p", "span", "code", "bdi", "pre", "ul", "ol", "li", "dl", "dt", "dd", "div", "details", "summary",
    "table", "thead", "tbody", "tr", "th", "td", "svg", "rect", "b", "i", "em", "strong",
];
const ATTRIBUTES: [&str; 15] = [
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "role",
    "aria-label",
    "width",
    "height",
    "x",
    "y",
    "rx",
    "id",
    "viewBox",
];

#[test]
fn a_hostile_journal_writes_no_element_and_no_attribute() {
    let html = page(&read(&hostile()));
    let document = Html::parse_document(&html);
    assert_eq!(document.errors, Vec::<std::borrow::Cow<'static, str>>::new());
    let mut scripts_as_text = 0;
    for node in document.tree.values() {
        match node {
            Node::Element(element) => {
                assert!(ELEMENTS.contains(&element.name()), "<{}>", element.name());
                for (name, value) in element.attrs() {
                    assert!(ATTRIBUTES.contains(&name), "{name}={value}");
                    assert!(!value.contains("evil") && !value.contains("alert"), "{name}={value}");
                }
            }
            Node::Comment(comment) => panic!("{comment:?}"),
            Node::Text(text) => scripts_as_text += text.matches("<script>alert(").count(),
            Node::Document | Node::Fragment | Node::Doctype(_) | Node::ProcessingInstruction(_) => {}
        }
    }
    assert!(scripts_as_text > 5, "what was said is shown as it was said: {scripts_as_text}");
    for hidden in ['\u{202e}', '\u{200b}', '\u{1b}'] {
        assert!(!html.contains(hidden), "{hidden:?}");
    }
    assert!(html.contains("⟪U+202E⟫"));
}

#[test]
fn the_page_stands_alone_under_a_strict_policy() {
    let html = page(&read(&hostile()));
    let document = Html::parse_document(&html);
    let policy = Selector::parse("meta[http-equiv='Content-Security-Policy']").unwrap();
    let policy = document.select(&policy).next().unwrap().attr("content").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.ends_with("base-uri 'none'; form-action 'none'"), "{policy}");
    // What the policy allows is the style that is there, to the byte.
    let style = Selector::parse("style").unwrap();
    let styles: Vec<String> = document.select(&style).map(|it| it.text().collect()).collect();
    assert_eq!(styles.len(), 1);
    use base64::Engine as _;
    use sha2::Digest as _;
    let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(styles[0].as_bytes()));
    assert!(policy.contains(&digest), "{policy}");
    assert!(!styles[0].contains("url(") && !styles[0].contains("@import"));
}

#[test]
fn a_hostile_journal_writes_no_markup_into_the_markdown() {
    let text = markdown(&read(&hostile()));
    assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}'));
    // Outside of code, every character that begins a tag, a link or a picture is escaped.
    let mut fence: Option<String> = None;
    for line in text.lines() {
        let bare = line.trim_start();
        let ticks: String = bare.chars().take_while(|character| *character == '`').collect();
        match &fence {
            Some(open) => {
                if bare == open {
                    fence = None;
                }
                continue;
            }
            None if ticks.len() >= 3 && !bare.trim_start_matches('`').contains('`') => {
                fence = Some(ticks);
                continue;
            }
            None => {}
        }
        let outside = without_code(line);
        for (at, _) in outside.match_indices(['<', '[']) {
            assert!(outside[..at].ends_with('\\'), "{line}");
        }
    }
    assert_eq!(fence, None, "every fence is closed");
}

/// A line without its code spans, as CommonMark finds them.
fn without_code(line: &str) -> String {
    let mut rest = line;
    let mut outside = String::new();
    while let Some(at) = rest.find('`') {
        let ticks = rest[at..].chars().take_while(|character| *character == '`').count();
        outside.push_str(&rest[..at]);
        let after = &rest[at + ticks..];
        let mut from = 0;
        let close = loop {
            let Some(next) = after[from..].find('`') else { break None };
            let run = after[from + next..].chars().take_while(|character| *character == '`').count();
            if run == ticks {
                break Some(from + next + run);
            }
            from += next + run;
        };
        match close {
            Some(close) => rest = &after[close..],
            None => {
                outside.push_str(&rest[at..at + ticks]);
                rest = after;
            }
        }
    }
    outside + rest
}

#[test]
fn every_word_of_the_page_is_told_once_in_order() {
    let html = page(&read(&fixed()));
    let document = Html::parse_document(&html);
    let of = |selector: &str| -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        document.select(&selector).map(|it| it.text().collect::<String>().trim().to_owned()).collect()
    };
    assert_eq!(of("h1"), ["fix_tests done"]);
    let stages: BTreeSet<String> = of(".attempt > h3 > bdi").into_iter().collect();
    assert!(
        stages.contains("fix") && stages.contains("run_tests") && stages.contains("apply_edit"),
        "{stages:?}"
    );
    assert!(of("td").contains(&"0.0048 USD".to_owned()), "{:?}", of("td"));
    assert_eq!(of(".diff .added").last().unwrap(), "+    42");
    assert!(of("summary").contains(&"1 failing test".to_owned()));
}
