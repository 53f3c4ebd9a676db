use super::*;

mod behaviour;
mod directives;
mod fixtures;
mod outlines;
mod uses;

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

/// The calls, then the imports, each in the order of the file.
fn uses(language: Language, source: &str) -> String {
    let tree = SyntaxTree::parse(language, &Rope::from_str(source)).unwrap();
    let found = tree.uses(source);
    assert!(found.is_sorted_by_key(|it| it.range.start), "{found:?}");
    let (symbols, spots) = tree.symbols_and_spots(source, &LineIndex::new(source));
    assert_eq!((symbols, named(spots, source)), (tree.symbols(source), found.clone()));
    let of = |kind| {
        let names = found.iter().filter(|it| it.kind == kind).map(|it| {
            assert_eq!(source[it.range.clone()], it.name);
            it.name.as_str()
        });
        names.collect::<Vec<_>>().join(" ")
    };
    format!("calls {}\nimports {}", of(UseKind::Call), of(UseKind::Import))
}
