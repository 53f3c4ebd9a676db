use super::*;

mod behaviour;
mod directives;
mod outlines;

/// One line for each symbol: lines, kind, name, signature.
fn outline(language: Language, source: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for symbol in symbols_of(language, source) {
        assert!(symbol.range.contains(&symbol.name_range.start) && symbol.name_range.end <= symbol.range.end);
        let (first, last) = symbol.lines;
        let test = if symbol.is_test { " [test]" } else { "" };
        let kind = format!("{:?}", symbol.kind).to_lowercase();
        writeln!(text, "{first}-{last} {kind} {}{test} | {}", symbol.name, symbol.signature).unwrap();
    }
    text
}
