use super::*;
use crate::lsp::documents::Documents;
use crate::lsp::protocol::HoverContents;
use openexec_engine::memory::{Standing, SymbolPointer};
use serde_json::{Value, json};

const TEXT: &str = "fn parse() {}\n\n/// Größe.\nfn size() -> u32 {\n    41\n}\n";
const SIZE: &str = "/// Größe.\nfn size() -> u32 {\n    41\n}";

struct Scene {
    documents: Documents,
    version: i32,
}

impl Scene {
    fn of(text: &str) -> Self {
        let mut documents = Documents::default();
        let opened = json!({ "textDocument": { "uri": "file:///w/lib.rs", "version": 1, "text": text } });
        documents.open(opened).unwrap();
        Self { documents, version: 1 }
    }

    /// Types a text at a place.
    fn typed(mut self, at: (u32, u32), text: &str, removed_to: (u32, u32)) -> Self {
        self.version += 1;
        let position = |(line, character): (u32, u32)| json!({ "line": line, "character": character });
        let change = json!({
            "textDocument": { "uri": "file:///w/lib.rs", "version": self.version },
            "contentChanges": [{ "range": { "start": position(at), "end": position(removed_to) }, "text": text }],
        });
        self.documents.change(change, PositionEncoding::Utf16).unwrap();
        self
    }

    fn asked<T>(&self, known: &Known, question: impl FnOnce(&Sheet<'_>) -> T) -> T {
        let file = self.documents.at(Path::new("/w/lib.rs")).unwrap();
        let symbols = file.symbols_at_hand().unwrap();
        question(&Sheet { file: &file, symbols: &symbols, encoding: PositionEncoding::Utf16, known })
    }

    fn lenses(&self, known: &Known) -> Vec<(u32, u32, String)> {
        let lens = |lens: CodeLens| {
            let start = lens.range.start;
            (start.line, start.character, lens.command.unwrap().title)
        };
        self.asked(known, |sheet| sheet.lenses()).into_iter().map(lens).collect()
    }
}

fn path() -> WorkspacePath {
    WorkspacePath::parse("lib.rs").unwrap()
}

fn record(run: &str, instruction: &str, symbol: &str, text: &str) -> MaintenanceRecord {
    MaintenanceRecord {
        run: run.into(),
        blueprint: "fix_tests".into(),
        at_ms: 1,
        standing: Standing::Done,
        instruction: instruction.to_owned(),
        summary: "made it right".to_owned(),
        files: vec![path()],
        symbols: vec![SymbolPointer::bare(path(), symbol, Digest::of(text.as_bytes()))],
        repaired_tests: vec!["is_the_answer".to_owned()],
        errors: Vec::new(),
        evidence: vec!["run_tests: 3 tests passed".to_owned()],
        tree: Digest::of(b"tree"),
        notes: Vec::new(),
    }
}

fn known() -> Known {
    Known::of(&path(), vec![record("0192-ab12cd", "", "size", SIZE)])
}

#[test]
fn a_changed_symbol_has_a_lens_that_opens_the_timeline() {
    let scene = Scene::of(TEXT);
    assert_eq!(scene.lenses(&known()), [(3, 3, "changed by run ab12cd: made it right".to_owned())]);
    let lens = scene.asked(&known(), |sheet| sheet.lenses()).remove(0);
    let command = lens.command.unwrap();
    assert_eq!(
        (command.command.as_str(), command.arguments.unwrap()),
        ("openexec.status", vec![json!({ "run": "0192-ab12cd" })])
    );
}

fn note(why: &str, pointer: PointerState) -> RecordSummary {
    RecordSummary {
        title: "symbol size-why".to_owned(),
        kind: "symbol",
        why: why.to_owned(),
        state: "exact",
        pointer,
        told: format!("why: {why}\npointer: `size` in `lib.rs`\n"),
        own: None,
    }
}

fn noted(notes: Vec<RecordSummary>) -> Known {
    Known::default().with(notes.into_iter().map(|note| ("size".to_owned(), note)).collect())
}

#[test]
fn what_people_wrote_down_stands_there_too_and_what_is_doubtful_says_so_first() {
    let scene = Scene::of(TEXT);
    for (pointer, title) in [
        (PointerState::Exact, "noted: two teams rely on it"),
        (PointerState::Moved, "noted: two teams rely on it"),
        (PointerState::Renamed, "noted: two teams rely on it"),
        (PointerState::Edited, "noted, and edited since: two teams rely on it"),
        (PointerState::Suspect, "suspect, perhaps noted about something else: two teams rely on it"),
        (PointerState::Stale, "stale, noted about something that is gone: two teams rely on it"),
    ] {
        let known = noted(vec![note("two teams rely on it", pointer)]);
        assert_eq!(scene.lenses(&known), [(3, 3, title.to_owned())]);
        let hover =
            scene.asked(&known, |sheet| sheet.hover(Position { line: 3, character: 4 }, false)).unwrap();
        let HoverContents::Markup(shown) = hover.contents else { panic!("{hover:?}") };
        assert!(shown.value.starts_with(title) && shown.value.contains("pointer: `size`"), "{}", shown.value);
    }
    // What is certain goes before what is not, and the others are counted.
    let known = noted(vec![note("one", PointerState::Suspect), note("two", PointerState::Exact)]);
    assert_eq!(scene.lenses(&known)[0].2, "noted: two (+1)");
    let lens = scene.asked(&known, |sheet| sheet.lenses()).remove(0).command.unwrap();
    let argument = &lens.arguments.unwrap()[0];
    assert_eq!((lens.command.as_str(), &argument["uri"]), ("openexec.known", &json!("file:///w/lib.rs")));
    assert_eq!(argument["range"]["start"], json!({ "line": 3, "character": 3 }));
}

#[test]
fn changes_and_notes_of_a_symbol_stand_side_by_side() {
    let scene = Scene::of(TEXT);
    let notes = vec![("size".to_owned(), note("two\nteams \u{202e}rely", PointerState::Exact))];
    let known = known().with(notes);
    let titles: Vec<String> = scene.lenses(&known).into_iter().map(|(.., title)| title).collect();
    assert_eq!(titles, ["changed by run ab12cd: made it right", "noted: two teams rely"]);
    let everywhere = Range { start: Position::new(0, 0), end: Position::new(9, 0) };
    let hints = scene.asked(&known, |sheet| sheet.hints(everywhere));
    let label = serde_json::to_value(&hints[0].label).unwrap();
    assert_eq!(
        (hints.len(), label),
        (1, json!("changed by run ab12cd: made it right · noted: two teams rely"))
    );
    let hover = scene.asked(&known, |sheet| sheet.hover(Position { line: 3, character: 4 }, true)).unwrap();
    let HoverContents::Markup(shown) = hover.contents else { panic!("{hover:?}") };
    assert_eq!(shown.value.matches("```text").count(), 2, "{}", shown.value);
    assert!(!shown.value.contains('\u{202e}'), "{}", shown.value);
}

#[test]
fn a_place_moves_with_what_is_above_it() {
    let scene = Scene::of(TEXT).typed((0, 0), "// 😀 one\n// two\n", (0, 0));
    assert_eq!(scene.lenses(&known())[0].0, 5);
    let scene = scene.typed((0, 0), "", (2, 0)).typed((0, 0), "", (2, 0));
    assert_eq!(scene.lenses(&known())[0], (1, 3, "changed by run ab12cd: made it right".to_owned()));
}

#[test]
fn a_symbol_that_is_gone_has_none_and_one_that_was_changed_says_so() {
    let known = known();
    assert_eq!(Scene::of(TEXT).typed((3, 3), "length", (3, 7)).lenses(&known), []);
    assert_eq!(Scene::of(TEXT).typed((2, 0), "", (5, 1)).lenses(&known), []);
    let changed = Scene::of(TEXT).typed((4, 4), "42", (4, 6)).lenses(&known);
    assert_eq!(changed[0].2, "changed by run ab12cd, and again since: made it right");
}

#[test]
fn the_newest_of_several_records_counts_and_says_what_was_asked_for() {
    let records = vec![
        record("0192-bbbbbb", "say\nhow `large` \u{202e}it is", "size", SIZE),
        record("0192-aaaaaa", "", "size", ""),
    ];
    let known = Known::of(&path(), records);
    assert_eq!(Scene::of(TEXT).lenses(&known)[0].2, "changed by run bbbbbb: say how `large` it is");
    let elsewhere = WorkspacePath::parse("other.rs").unwrap();
    assert!(Known::of(&elsewhere, vec![record("0192-cccccc", "", "size", SIZE)]).is_empty());
}

#[test]
fn a_hint_stands_at_the_end_of_the_line_that_is_asked_for() {
    let scene = Scene::of(TEXT);
    let hints = |first, last| {
        let position = |line| Position { line, character: 0 };
        scene.asked(&known(), |sheet| sheet.hints(Range { start: position(first), end: position(last) }))
    };
    assert!(hints(0, 2).is_empty());
    let hint = hints(0, 5).remove(0);
    assert_eq!((hint.position.line, hint.position.character), (3, 18));
    let value = serde_json::to_value(&hint).unwrap();
    assert!(value.as_object().unwrap().values().all(|member| !member.is_null()), "{value}");
}

#[test]
fn a_hover_shows_the_record_and_lets_nothing_out_of_its_block() {
    let hostile = record("0192-ab12cd", "```\n# [x](http://evil.example) \u{202e}", "size", SIZE);
    let known = Known::of(&path(), vec![hostile]);
    let scene = Scene::of(TEXT);
    let shown = |line, character, markdown| {
        scene.asked(&known, |sheet| sheet.hover(Position { line, character }, markdown)).map(|hover| {
            match hover.contents {
                HoverContents::Markup(markup) => markup.value,
                other => panic!("{other:?}"),
            }
        })
    };
    assert_eq!(shown(0, 4, true), None);
    assert_eq!(shown(4, 4, true), None, "only on the name");
    let text = shown(3, 5, true).unwrap();
    assert!(text.starts_with("````text\n") && text.ends_with("\n````"), "{text}");
    assert!(text.contains("repaired tests: is_the_answer") && !text.contains('\u{202e}'), "{text}");
    assert!(!shown(3, 5, false).unwrap().contains("````"));
}

#[test]
fn records_of_languages_without_symbols_annotate_nothing() {
    let mut documents = Documents::default();
    let opened: Value =
        json!({ "textDocument": { "uri": "file:///w/notes.txt", "version": 1, "text": "size" } });
    let path_ = documents.open(opened).unwrap();
    assert_eq!(*documents.at(&path_).unwrap().symbols_at_hand().unwrap(), Vec::new());
}
