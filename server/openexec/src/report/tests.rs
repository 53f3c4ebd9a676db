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
    insta::assert_snapshot!(text, @r#"
    # ✓ `fix_tests`: done

    1 file changed; run_tests: 3 tests passed

    - **run**: `0192-ab12cd`
    - **workspace**: `/home/me/make it 42`
    - **asked for**: make it 42
    - **model**: `claude`
    - **began**: 2026-07-14 09:30:00 UTC, took 49.0 s
    - **models took**: 2,400 tokens read, 160 written, 0.0096 USD
    - **changed**: 1 file

    ## What happened

    ### ✗ reproduce · +1.00 s · 4.0 s

    - `+2.00 s` · policy: allows task test
      - · `allow.task` test: nothing is needed
    - `+3.00 s` ✗ `cargo test make it 42`: exit code 1, 2 passed, 1 failed, 0 skipped, 1.5 s, tree `e3b0c44298fc`, sandbox overlay+namespaces
      - ✗ `is_the_answer make it 42` at `tests/it.rs:3`
        - what it said:

          ```text
          left: 41
          right: 42 make it 42
          ```

      - what it printed:

        ```text
        running 3 tests
        make it 42
        ```

    - `+4.00 s` ✗ gate red: 1 of 3 tests failed (tree `e3b0c44298fc`)
    - ✗ 1 of 3 tests failed

    ### ✓ gather_context · +6.00 s · 3.0 s

    - `+8.00 s` · context: 1 of 1 part, about 65 tokens, 0 secrets replaced
      - · src/lib.rs:1-3 `make it 42`: the target; about 65 tokens
    - ✓ 1 parts, about 65 of 4096 tokens

    ### ✓ fix · +10.00 s · 6.0 s

    - `+11.00 s` · asked `claude`, request 1, turn 1: about 2,548 tokens
    - `+12.00 s` · answered: words only; 1,200 tokens read, 80 written
      - what it said:

        ```text
        {"actions":[{"id":"a1","kind":"replace_text","path":"src/lib.rs","old":"    41\n","new":"    40\n"},{"id":"a2","kind":"finish","summary":"made it worse"}]}
        ```

    - `+14.00 s` · policy: allows 2 actions
      - · `allow.edit` src/lib.rs: nothing is needed
      - · `allow.finish` summary: nothing is needed
    - `+15.00 s` · edited in the shadow: `src/lib.rs`, tree `627f0e143b66`
    - ✓ made it worse

    ### ✓ run_linters · +17.00 s · 1.0 s

    - ✓ no task is declared for `run_linters`; nothing was checked

    ### ✗ run_tests · +19.00 s · 4.0 s

    - `+20.00 s` · policy: allows task test
      - · `allow.task` test: nothing is needed
    - `+21.00 s` ✗ `cargo test make it 42`: exit code 1, 2 passed, 1 failed, 0 skipped, 1.5 s, tree `627f0e143b66`, sandbox overlay+namespaces
      - ✗ `is_the_answer make it 42` at `tests/it.rs:3`
        - what it said:

          ```text
          left: 41
          right: 42 make it 42
          ```

      - what it printed:

        ```text
        running 3 tests
        make it 42
        ```

    - `+22.00 s` ✗ gate red: 1 of 3 tests failed (tree `627f0e143b66`)
    - ✗ 1 of 3 tests failed

    ### ✓ fix, attempt 2 · +24.00 s · 6.0 s

    - `+25.00 s` · asked `claude`, request 2, turn 1: about 2,663 tokens
    - `+26.00 s` · answered: words only; 1,200 tokens read, 80 written
      - what it said:

        ```text
        {"actions":[{"id":"a1","kind":"replace_text","path":"src/lib.rs","old":"    40\n","new":"    42\n"},{"id":"a2","kind":"finish","summary":"made it right"}]}
        ```

    - `+28.00 s` · policy: allows 2 actions
      - · `allow.edit` src/lib.rs: nothing is needed
      - · `allow.finish` summary: nothing is needed
    - `+29.00 s` · edited in the shadow: `src/lib.rs`, tree `031e44b038df`
    - ✓ made it right

    ### ✓ run_linters, attempt 2 · +31.00 s · 1.0 s

    - ✓ no task is declared for `run_linters`; nothing was checked

    ### ✓ run_tests, attempt 2 · +33.00 s · 4.0 s

    - `+34.00 s` · policy: allows task test
      - · `allow.task` test: nothing is needed
    - `+35.00 s` ✓ `cargo test make it 42`: exit code 0, 3 passed, 0 failed, 0 skipped, 1.5 s, tree `031e44b038df`, sandbox overlay+namespaces
      - what it printed:

        ```text
        running 3 tests
        make it 42
        ```

    - `+36.00 s` ✓ gate passed: 3 tests passed (tree `031e44b038df`)
    - ✓ 3 tests passed

    ### ✓ propose · +38.00 s · 2.0 s

    - `+39.00 s` · proposed `89b18517508e`; policy: allows
      - · `allow.edit` src/lib.rs: nothing is needed
    - ✓ the policy allows it

    ### ✓ apply_edit · +41.00 s · 4.0 s

    - `+44.00 s` ✓ applied, and looked at afterwards: 1 file
      - · `src/lib.rs` holds `78d5283640e7`
      - · the editor answered: make it 42
    - ✓ 1 file holds the proposed text

    ### ✓ remember · +46.00 s · 2.0 s

    - `+47.00 s` · a record of it is in the memory
    - ✓ the record is stored

    - `+49.00 s` ✓ done: 1 file changed; run_tests: 3 tests passed

    ## Evidence

    - ✓ run_tests: 3 tests passed for tree `031e44b038df`

    ## What was sent

    | # | stage | model | read | from the cache | written | took | cost |
    |---|---|---|---|---|---|---|---|
    | 1 | fix, attempt 1, turn 1 | claude | 1,200 | 0 | 80 | 900 ms | 0.0048 USD |
    | 2 | fix, attempt 2, turn 1 | claude | 1,200 | 0 | 80 | 900 ms | 0.0048 USD |

    `openexec.request` shows one of them whole, with the body as it goes over the wire.

    ## What stands in your files

    ```diff
    diff --git a/src/lib.rs b/src/lib.rs
    --- a/src/lib.rs
    +++ b/src/lib.rs
    @@ -1,3 +1,3 @@
     pub fn value() -> u32 {
    -    41
    +    42
     }
    ```

    50 events in 49.0 s. `openexec report 0192-ab12cd` has the same on one page, with what was said and printed. What cannot be seen is shown between ⟪ and ⟫, and placeholders stand for secrets.
    "#);
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
