//! Texts in, trees and places out.

use super::*;
use crate::blueprint::{examine, json_schema, load, prove, with_gates};
use proptest::prelude::*;

/// A tree on one line.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Scalar(text) => text.clone(),
        Value::Alias => "*".to_owned(),
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Mapping(entries) => {
            let entry = |entry: &Entry| format!("{}: {}", shown(&entry.key), shown(&entry.value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

fn read(text: &str) -> String {
    Outline::read(text).root().map_or_else(String::new, shown)
}

#[test]
fn unfinished_texts_are_read_as_far_as_they_go() {
    for (text, tree) in [
        ("", ""),
        ("a: 1\nb:\n", "{a: 1, b: }"),
        ("s:\n  - id: x\n    ty\n    goal: y\n  - id: z\n", "{s: [{id: x, goal: y}, {id: z}]}"),
        ("a: 1\nc: [a, b\nd: 2\n", "{a: 1, d: 2}"),
        ("a: \"open\nb: 2\n", "{b: 2}"),
        ("a: x: y\nb: 2\n", "{b: 2}"),
        ("a: 1\n\tb: 2\nc: 3\n", "{a: 1, c: 3}"),
        ("a: *nope\nb: &x 1\nc: *x\n", "{a: *, b: 1, c: *}"),
        ("\u{feff}ä: é\r\nb: |\r\n  foo\r\nc: ''\r\n", "{ä: é, b: foo\n, c: }"),
        ("a: 1\n---\nb: 2\n", "{a: 1}"),
        ("a: 1\n}\nb: 2\n", "{a: 1, b: 2}"),
    ] {
        assert_eq!(read(text), tree, "{text:?}");
    }
}

#[test]
fn bytes_keep_their_places_when_lines_are_left_out() {
    let text = "ä: 1\nöö\nstages:\n  - id: größe\n";
    let outline = Outline::read(text);
    assert!(!outline.is_whole());
    let spot = outline.at(text.find("größe").unwrap() + 2).unwrap();
    assert_eq!(&text[spot.node.range.clone()], "größe");
    assert_eq!(spot.path, [Step::Key("stages".into()), Step::Item(0), Step::Key("id".into())]);
    assert_eq!(spot.role, Role::Value);
    let key = outline.at(text.find("id").unwrap()).unwrap();
    assert_eq!((key.role, &text[key.node.range.clone()]), (Role::Key, "id"));
    assert_eq!(outline.get(&spot.path).and_then(Node::text), Some("größe"));
    assert_eq!(outline.at(text.find("- id").unwrap()), None);
}

#[test]
fn hostile_texts_are_read_within_limits() {
    let deep_flow = "[".repeat(100_000);
    let deep_block = (0..400).map(|depth| format!("{}- \n", " ".repeat(depth))).collect::<String>();
    let compact = "- ".repeat(5_000);
    let bomb = "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n";
    let many = "- x\n".repeat(60_000);
    let huge = "a: 1\n".repeat(300_000);
    for text in
        [deep_flow.as_str(), &deep_block, &compact, bomb, &many, &huge, "\0", "%YAML 9.9\n---\n", "? ? ? :"]
    {
        let outline = Outline::read(text);
        for byte in [0, 1, text.len() / 2, text.len()] {
            drop(outline.at(byte));
            drop(sites(text, byte.min(4_000)));
        }
    }
    assert_eq!(Outline::read(&huge).root(), None);
    assert_eq!(read(bomb), "{a: [x, x], b: [*, *], c: [*, *], d: [*, *]}");
}

/// What the word at `|` could be: paths in words, with what stands beside.
fn at(text: &str) -> Vec<String> {
    let byte = text.find('|').unwrap();
    let text = text.replacen('|', "", 1);
    let step = |step: &Step| match step {
        Step::Key(key) => key.clone(),
        Step::Item(at) => at.to_string(),
    };
    let found = sites(&text, byte).into_iter().map(|site| {
        let path = site.path.iter().map(step).collect::<Vec<_>>().join("/");
        let word = &text[site.word.clone()];
        format!(
            "{:?} {path} [{}] `{word}`{}",
            site.role,
            site.beside.join(" "),
            if site.has_colon { " :" } else { "" }
        )
    });
    found.collect()
}

#[test]
fn a_cursor_is_a_key_or_a_value() {
    let key = |text: &str| at(text).into_iter().filter(|it| it.starts_with("Key")).collect::<Vec<_>>();
    let value = |text: &str| at(text).into_iter().filter(|it| it.starts_with("Value")).collect::<Vec<_>>();
    assert_eq!(key("|"), ["Key  [] ``"]);
    assert_eq!(key("version: 1\nna|\nstages:\n  - id: a\n"), ["Key  [version stages] `na`"]);
    assert_eq!(key("stages:\n  - id: a\n    |\n  - id: b\n"), ["Key stages/0 [id] ``"]);
    assert_eq!(key("stages:\n  - id: a\n    on_|: x\n"), ["Key stages/0 [id] `on_` :"]);
    assert_eq!(
        value("stages:\n  - id: a\n    on_success: |\n  - id: b\n"),
        ["Value stages/0/on_success [] ``"]
    );
    assert_eq!(value("stages:\n  - id: a\n    on_success: b|x\n"), ["Value stages/0/on_success [] `bx`"]);
    assert_eq!(key("stages:\n  - |\n"), ["Key stages/0 [] ``"]);
    assert_eq!(key("stages:\n  -|\n"), [""; 0]);
    assert_eq!(value("inputs: [a, |\nstages:\n  - id: b\n"), ["Value inputs/1 [a] ``"]);
    assert_eq!(value("inputs: [a, x|, c]\n"), ["Value inputs/1 [a c] `x`"]);
    assert_eq!(key("s:\n  - {id: a, t|\n  - {id: b}\n"), ["Key s/0 [id] `t`"]);
    assert_eq!(value("s:\n  - {id: a, type: |\n"), ["Value s/0/type [] ``"]);
    // A mistake elsewhere does not silence it.
    assert_eq!(value("nonsense\nstages:\n  - id: a\n    type: |\n"), ["Value stages/0/type [] ``"]);
}

#[test]
fn comments_and_prose_are_no_places_for_names() {
    for text in ["# about |\na: 1\n", "a: some words |\n", "a: >-\n  some |\n", "a: \"x |\"\n"] {
        assert_eq!(at(text), [""; 0], "{text:?}");
    }
}

#[test]
fn the_schema_tells_keys_values_and_meanings() {
    let schema = Schema::new(json_schema());
    let names = |keys: Vec<Key>| keys.into_iter().map(|key| key.name).collect::<Vec<_>>();
    let text = "stages:\n  - id: a\n    type: agent\n  - id: b\n    type: deterministic\n  - id: c\n";
    let outline = Outline::read(text);
    let stage = |at: usize| vec![Step::Key("stages".into()), Step::Item(at)];
    let of_agent = names(schema.keys(&outline, &stage(0)));
    assert!(of_agent.contains(&"goal".into()) && !of_agent.contains(&"action".into()), "{of_agent:?}");
    let of_code = names(schema.keys(&outline, &stage(1)));
    assert!(!of_code.contains(&"goal".into()) && of_code.contains(&"action".into()), "{of_code:?}");
    let of_neither = names(schema.keys(&outline, &stage(2)));
    assert!(of_neither.contains(&"goal".into()) && of_neither.contains(&"action".into()));
    let below = |key: &str| [stage(0), vec![Step::Key(key.into())]].concat();
    let choices = |key: &str| schema.choices(&below(key)).into_iter().map(|it| it.name).collect::<Vec<_>>();
    assert_eq!(choices("type"), ["deterministic", "agent"]);
    assert_eq!(choices("approval_required"), ["true", "false"]);
    assert_eq!(choices("timeout"), ["fast", "medium", "long"]);
    assert_eq!(choices("on_success"), [""; 0]);
    assert!(schema.describe(&below("on_success")).unwrap().starts_with("The next stage after success"));
    assert_eq!(schema.describe(&below("nonsense")), None);
    assert_eq!(schema.describe(&[]), None);
    assert!(
        schema.keys(&outline, &[]).iter().any(|key| key.name == "stages" && key.is_required && key.is_nested)
    );
}

/// Pieces of blueprints, of other YAML and of nonsense.
const PIECES: [&str; 30] = [
    "version: 1\n",
    "name: x\n",
    "stages:\n",
    "  - id: a\n    type: agent\n    goal: x\n",
    "  - { id: b, type: deterministic, action: apply_edit }\n",
    "  - {id: c, type: deterministic, action: run_tests, on_failure: a}\n",
    "    on_success: b\n",
    "    on_failure: \n",
    "    outputs: [patch, ",
    "gates: [run_linters, run_tests]\n",
    "    goal: >-\n      größe 🌍\n",
    "- ",
    "? ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "'",
    "\t",
    "\r\n",
    "\r",
    "\n",
    "# c\n",
    "&a ",
    "*a",
    "---\n",
    "\u{feff}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_is_written_is_read_within_its_bytes(picked in prop::collection::vec(0..PIECES.len(), 0..14), cut in 0_usize..400) {
        let mut text: String = picked.iter().map(|at| PIECES[*at]).collect();
        let cut = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        text.truncate(if cut < 30 { text.len() } else { cut });
        let outline = Outline::read(&text);
        if let Some(root) = outline.root() {
            within(root, &text);
        }
        let loaded = load("x.yaml", &text);
        let examined = examine("x.yaml", &text);
        prop_assert_eq!(loaded.is_ok(), examined.blueprint.is_some() && examined.diagnostics.is_empty());
        if loaded.is_ok() {
            prop_assert!(outline.is_whole(), "{:?}", text);
        }
        if let Some(gated) = with_gates(&text) {
            let blueprint = examine("x.yaml", &gated).blueprint.unwrap();
            prop_assert_eq!(prove(&blueprint), Ok(()));
        }
        for byte in (0..=text.len()).step_by(7).filter(|byte| text.is_char_boundary(*byte)) {
            for site in sites(&text, byte) {
                prop_assert!(text.get(site.word.clone()).is_some());
            }
        }
    }
}

fn within(node: &Node, text: &str) {
    assert!(text.get(node.range.clone()).is_some(), "{:?} in {text:?}", node.range);
    match &node.value {
        Value::Scalar(_) | Value::Alias => {}
        Value::List(items) => items.iter().for_each(|item| within(item, text)),
        Value::Mapping(entries) => entries.iter().for_each(|entry| {
            within(&entry.key, text);
            within(&entry.value, text);
        }),
    }
}
