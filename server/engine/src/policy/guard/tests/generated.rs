//! Properties over generated test files.

use super::*;
use proptest::prelude::*;

/// One test of a language: its text, by name and number.
fn test_of(language: usize, name: &str, number: u32) -> String {
    match language {
        0 => {
            format!("#[test]\nfn {name}() {{\n    let x = f({number});\n    assert_eq!(x, {number});\n}}\n\n")
        }
        1 => format!("def test_{name}():\n    x = f({number})\n    assert x == {number}\n\n\n"),
        2 => format!(
            "test('{name}', () => {{\n  const x = f({number});\n  expect(x).toBe({number});\n}});\n\n"
        ),
        3 => format!(
            "func Test_{name}(t *testing.T) {{\n\tx := f({number})\n\tif x != {number} {{\n\t\tt.Error(x)\n\t}}\n}}\n\n"
        ),
        _ => format!(
            "    @Test\n    void {name}() {{\n        int x = f({number});\n        assertEquals({number}, x);\n    }}\n\n"
        ),
    }
}

fn function_of(language: usize, name: &str) -> String {
    match language {
        0 => format!("fn help_{name}(a: i64) -> i64 {{\n    a + 1\n}}\n\n"),
        1 => format!("def help_{name}(a):\n    return a + 1\n\n\n"),
        2 => format!("function help_{name}(a) {{\n  return a + 1;\n}}\n\n"),
        3 => format!("func help_{name}(a int) int {{\n\treturn a + 1\n}}\n\n"),
        _ => format!("    int help_{name}(int a) {{\n        return a + 1;\n    }}\n\n"),
    }
}

const PATHS: [&str; 5] =
    ["tests/a.rs", "tests/test_a.py", "test/a.test.js", "a/a_test.go", "src/test/java/ATest.java"];

fn file_of(language: usize, parts: &[String]) -> String {
    let (head, tail) = match language {
        3 => ("package a\n\n", ""),
        4 => ("class ATest {\n", "}\n"),
        _ => ("", ""),
    };
    format!("{head}{}{tail}", parts.concat())
}

fn names() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::btree_set("[a-z]{1,3}_[a-z]{2,6}", 1..8)
        .prop_map(|names| names.into_iter().collect())
}

proptest! {
    #[test]
    fn a_function_or_a_test_more_never_weakens(
        language in 0..5_usize,
        names in names(),
        at in any::<prop::sample::Index>(),
        is_test in any::<bool>(),
    ) {
        let tests: Vec<String> =
            names.iter().enumerate().map(|(number, name)| test_of(language, name, number as u32)).collect();
        let before = file_of(language, &tests);
        let more = if is_test { test_of(language, "quite_new_one", 7) } else { function_of(language, "new_one") };
        let mut parts = tests.clone();
        parts.insert(at.index(tests.len() + 1), more);
        let after = file_of(language, &parts);
        prop_assert_eq!(sentences(PATHS[language], &before, &after), []);
    }

    #[test]
    fn a_test_less_always_does(
        language in 0..5_usize,
        names in names(),
        at in any::<prop::sample::Index>(),
    ) {
        let tests: Vec<String> =
            names.iter().enumerate().map(|(number, name)| test_of(language, name, number as u32)).collect();
        let before = file_of(language, &tests);
        let mut parts = tests.clone();
        parts.remove(at.index(tests.len()));
        let after = file_of(language, &parts);
        prop_assert_eq!(rules(PATHS[language], &before, &after), ["guard.deleted"]);
    }

    #[test]
    fn a_renamed_test_or_a_new_order_never_weakens(language in 0..5_usize, names in names(), seed in any::<u64>()) {
        let renamed: Vec<String> = names.iter().map(|name| format!("{name}_too")).collect();
        let file = |names: &[String]| {
            names.iter().enumerate().map(|(number, name)| test_of(language, name, number as u32)).collect::<Vec<_>>()
        };
        let before = file_of(language, &file(&names));
        let mut parts = file(&renamed);
        let middle = seed as usize % parts.len();
        parts.rotate_left(middle);
        prop_assert_eq!(sentences(PATHS[language], &before, &file_of(language, &parts)), []);
    }

    #[test]
    fn a_changed_expectation_always_does(
        language in 0..5_usize,
        names in names(),
        at in any::<prop::sample::Index>(),
    ) {
        let tests: Vec<String> =
            names.iter().enumerate().map(|(number, name)| test_of(language, name, number as u32 + 10)).collect();
        let before = file_of(language, &tests);
        let at = at.index(tests.len());
        let mut parts = tests.clone();
        let number = (at + 10).to_string();
        let place = parts[at].rfind(&number).unwrap();
        parts[at].replace_range(place..place + 2, "99");
        prop_assert_eq!(rules(PATHS[language], &before, &file_of(language, &parts)), ["guard.assertion_changed"]);
    }

    #[test]
    fn the_edited_tree_is_the_parsed_one(
        language in 0..5_usize,
        names in names(),
        drops in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        adds in proptest::collection::vec((any::<prop::sample::Index>(), "[a-z(){};: \n\r]{1,12}"), 0..4),
    ) {
        let tests: Vec<String> =
            names.iter().enumerate().map(|(number, name)| test_of(language, name, number as u32)).collect();
        let before = file_of(language, &tests);
        let mut lines: Vec<String> = before.split_inclusive('\n').map(ToOwned::to_owned).collect();
        for drop in drops.iter().filter(|_| lines.len() > 1).collect::<Vec<_>>() {
            if lines.len() > 1 {
                lines.remove(drop.index(lines.len()));
            }
        }
        for (at, text) in adds {
            lines.insert(at.index(lines.len() + 1), text);
        }
        let after = lines.concat();
        let language = Language::of_path(&path(PATHS[language])).unwrap();
        let tree = SyntaxTree::parse(language, &Rope::from_str(&before)).unwrap();
        let new = edited(&tree, &before, &after).unwrap();
        let parsed = SyntaxTree::parse(language, &Rope::from_str(&after)).unwrap();
        let node = |tree: &SyntaxTree| {
            let root = tree.tree().root_node();
            (root.byte_range(), root.end_position(), root.has_error(), (!root.has_error()).then(|| root.to_sexp()))
        };
        prop_assert_eq!(node(&new), node(&parsed));
    }

    #[test]
    fn any_text_is_survived(before in "\\PC{0,200}", after in "\\PC{0,200}", language in 0..5_usize) {
        let _ = rules(PATHS[language], &before, &after);
    }
}
