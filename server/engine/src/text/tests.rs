use super::*;
use proptest::prelude::*;

const ENCODINGS: [PositionEncoding; 3] =
    [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32];

fn at(line: u32, character: u32) -> Position {
    Position { line, character }
}

/// The naive model: lines by scanning, columns by adding up characters.
fn model_byte_of(text: &str, position: Position, encoding: PositionEncoding) -> Option<usize> {
    let mut lines = split_lines(text);
    if lines.last().is_none_or(|line| LineEnding::of_line(line).is_some()) {
        lines.push("");
    }
    let line = position.line as usize;
    if line == lines.len() {
        return Some(text.len());
    }
    let content = lines.get(line)?.trim_end_matches(['\r', '\n']);
    let mut byte = lines[..line].iter().map(|line| line.len()).sum::<usize>();
    let mut column = 0;
    for character in content.chars() {
        let units = match encoding {
            PositionEncoding::Utf8 => character.len_utf8(),
            PositionEncoding::Utf16 => character.len_utf16(),
            PositionEncoding::Utf32 => 1,
        };
        if column + units > position.character as usize {
            break;
        }
        column += units;
        byte += character.len_utf8();
    }
    Some(byte)
}

fn model_point(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..byte];
    (before.matches('\n').count(), byte - before.rfind('\n').map_or(0, |last| last + 1))
}

/// Texts in which everything that is hard about positions stands close together.
fn hard_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a"),
        Just("word "),
        Just("é"),
        Just("e\u{301}"),
        Just("😀"),
        Just("👨\u{200d}👩"),
        Just("漢"),
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just("\u{2028}"),
        Just("\u{85}"),
        Just("\u{c}"),
        Just("\u{feff}"),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn encoding() -> impl Strategy<Value = PositionEncoding> {
    prop::sample::select(ENCODINGS.to_vec())
}

fn position() -> impl Strategy<Value = Position> {
    (0..14_u32, 0..12_u32).prop_map(|(line, character)| at(line, character))
}

proptest! {
    #[test]
    fn lines_are_those_of_the_rope(text in hard_text(), times in 1..200_usize) {
        let text = text.repeat(times);
        let lines = split_lines(&text);
        prop_assert_eq!(lines.concat(), text.clone());
        let rope = Rope::from_str(&text);
        let of_rope: Vec<String> = rope.lines().map(|line| line.to_string()).filter(|line| !line.is_empty()).collect();
        prop_assert_eq!(lines, of_rope);
        let index = LineIndex::new(&text);
        for byte in (0..=text.len()).filter(|byte| text.is_char_boundary(*byte)).take(300) {
            prop_assert_eq!(index.line_of(byte), rope.byte_to_line(byte));
        }
    }

    #[test]
    fn positions_are_those_of_the_model(text in hard_text(), position in position(), encoding in encoding()) {
        let document = Document::new(&text);
        prop_assert_eq!(document.byte_of(position, encoding).ok(), model_byte_of(&text, position, encoding));
    }

    #[test]
    fn a_byte_survives_its_position(text in hard_text(), encoding in encoding()) {
        let document = Document::new(&text);
        for byte in 0..text.len() + 3 {
            let position = document.position_of(byte, encoding);
            let back = document.byte_of(position, encoding).unwrap();
            let mut expected = byte.min(text.len());
            while !text.is_char_boundary(expected) {
                expected -= 1;
            }
            if text[..expected].ends_with('\r') && text[expected..].starts_with('\n') {
                expected -= 1;
            }
            prop_assert_eq!(back, expected);
        }
    }

    #[test]
    fn edits_are_those_of_the_model(
        text in hard_text(),
        times in 1..80_usize,
        edits in prop::collection::vec((position(), position(), hard_text(), encoding()), 1..8),
    ) {
        let mut model = text.repeat(times);
        let mut document = Document::new(&model);
        for (from, to, text, encoding) in edits {
            let bytes = model_byte_of(&model, from, encoding).zip(model_byte_of(&model, to, encoding));
            let edit = document.change(Some((from, to)), &text, encoding);
            prop_assert_eq!(edit.is_ok(), bytes.is_some());
            if let (Ok(edit), Some((from, to))) = (edit, bytes) {
                let (start, old_end) = (from.min(to), from.max(to));
                prop_assert_eq!((edit.start, edit.old_end, edit.new_end), (start, old_end, start + text.len()));
                prop_assert_eq!(edit.start_point, model_point(&model, start));
                prop_assert_eq!(edit.old_end_point, model_point(&model, old_end));
                model.replace_range(start..old_end, &text);
                prop_assert_eq!(edit.new_end_point, model_point(&model, edit.new_end));
            }
            prop_assert_eq!(document.to_string(), model.clone());
            prop_assert_eq!(document.rope().len_lines(), LineIndex::new(&model).line_of(model.len()) + 1);
        }
    }

    #[test]
    fn a_whole_new_text_changes_no_more_than_differs(
        one in hard_text(), between in hard_text(), other in hard_text(), new in hard_text(),
        encoding in encoding(),
    ) {
        for (old, new) in [
            (format!("{one}{between}{other}"), format!("{one}{new}{other}")),
            (between, new),
        ] {
            let mut document = Document::new(&old);
            let edit = document.change(None, &new, encoding).unwrap();
            prop_assert_eq!(document.to_string(), new.as_str());
            prop_assert_eq!(document.rope(), &Rope::from_str(&new));
            prop_assert_eq!(old.get(..edit.start).unwrap(), new.get(..edit.start).unwrap());
            prop_assert_eq!(old.get(edit.old_end..).unwrap(), new.get(edit.new_end..).unwrap());
            let (before, after) = (&old[edit.start..edit.old_end], &new[edit.start..edit.new_end]);
            let is_least = before.is_empty() || after.is_empty() || (
                before.chars().next() != after.chars().next()
                    && before.chars().last() != after.chars().last()
            );
            prop_assert!(is_least, "{before:?} {after:?}");
            prop_assert_eq!(edit.start_point, model_point(&old, edit.start));
            prop_assert_eq!(edit.old_end_point, model_point(&old, edit.old_end));
            prop_assert_eq!(edit.new_end_point, model_point(&new, edit.new_end));
        }
    }

    #[test]
    fn endings_can_be_exchanged(text in hard_text()) {
        for ending in [LineEnding::Lf, LineEnding::CrLf, LineEnding::Cr] {
            let adapted = ending.apply(&text);
            prop_assert_eq!(split_lines(&adapted).len(), split_lines(&text).len());
            prop_assert!(LineEnding::only_of(&adapted).is_none_or(|only| only == ending));
        }
    }
}

#[test]
fn a_hunk_may_start_after_a_surrogate_pair() {
    let mut document = Document::new("let s = \"😀\"; // e\u{301}\n");
    document.change(Some((at(0, 11), at(0, 12))), "'", PositionEncoding::Utf16).unwrap();
    assert_eq!(document.to_string(), "let s = \"😀'; // e\u{301}\n");
    let inside = document.byte_of(at(0, 10), PositionEncoding::Utf16);
    assert_eq!(
        inside,
        document.byte_of(at(0, 9), PositionEncoding::Utf16),
        "inside the pair means its start"
    );
}

#[test]
fn only_three_line_breaks_exist() {
    let document = Document::new("a\rb\u{2028}c\u{85}d\r\ne\u{b}f\n");
    assert_eq!(document.rope().len_lines(), 4);
    assert_eq!(document.byte_of(at(0, 99), PositionEncoding::Utf16), Ok(1));
    assert_eq!(document.position_of(2, PositionEncoding::Utf16), at(1, 0));
}

#[test]
fn the_line_after_the_last_is_the_end_and_no_further() {
    let mut document = Document::new("one\ntwo");
    assert_eq!(document.byte_of(at(2, 0), PositionEncoding::Utf16), Ok(7));
    assert_eq!(
        document.change(Some((at(0, 0), at(3, 0))), "x", PositionEncoding::Utf16),
        Err(PositionError { line: 3, lines: 2 })
    );
    assert_eq!(document.to_string(), "one\ntwo");
    document.change(Some((at(2, 0), at(0, 3))), "!", PositionEncoding::Utf16).unwrap();
    assert_eq!(document.to_string(), "one!", "a reversed range is taken the right way round");
    document.change(None, "new\n", PositionEncoding::Utf8).unwrap();
    assert_eq!(document.to_string(), "new\n");
}

#[test]
fn the_dominant_ending_is_counted() {
    assert_eq!(LineEnding::dominant_of("a\r\nb\r\nc\n"), LineEnding::CrLf);
    assert_eq!(LineEnding::dominant_of("a\rb"), LineEnding::Cr);
    assert_eq!(LineEnding::dominant_of("none"), LineEnding::Lf);
    assert_eq!(LineEnding::only_of("a\r\nb\n"), None);
    assert_eq!(LineEnding::CrLf.apply("a\nb\rc\r\n"), "a\r\nb\r\nc\r\n");
}

#[test]
fn what_editors_do_by_themselves_is_no_difference() {
    assert!(same_to_editors("\u{FEFF}a\nb", "a\r\nb\r\n"));
    assert!(same_to_editors("a\r\nb\n", "a\nb"));
    assert!(!same_to_editors("a\n\nb", "a\nb"));
    assert!(!same_to_editors("a", "a\n\n"));
}
