use super::*;

const BASE: &str = "use proj::{add, is_admin};

#[test]
fn adds() {
    assert_eq!(add(2, 3), 5);
}

#[test]
fn only_root_is_admin() {
    let root = is_admin(\"root\");
    assert!(root, \"root {root}\");
    assert!(!is_admin(\"guest\"));
}

#[test]
#[ignore]
fn slow() {
    for (a, b) in [(1, 2), (2, 3)] {
        assert_eq!(add(a, 1), b);
    }
}

#[test]
fn does_not_panic() {
    add(1, 2);
}

fn check_sum(a: i64) {
    assert!(a > 0);
}

#[test]
fn sums() {
    check_sum(add(1, 1));
}
";

#[test]
fn what_weakens_is_said() {
    check(
        "tests/basic.rs",
        BASE,
        &[
            (&["guard.skipped"], &[("#[test]\nfn adds", "#[test]\n#[ignore]\nfn adds")]),
            (&["guard.skipped"], &[("#[test]\nfn adds", "#[test]\n#[cfg_attr(unix, ignore)]\nfn adds")]),
            (&["guard.expects_failure"], &[("#[test]\nfn adds", "#[test]\n#[should_panic]\nfn adds")]),
            (&["guard.uncollected"], &[("#[test]\nfn adds", "#[cfg(feature = \"x\")]\n#[test]\nfn adds")]),
            (&["guard.uncollected"], &[("#[test]\nfn adds", "fn adds")]),
            (&["guard.uncollected"], &[("#[test]\nfn adds", "fn helper_adds")]),
            (&["guard.uncollected"], &[("use proj", "#![cfg(any())]\nuse proj")]),
            (&["guard.deleted"], &[("#[test]\nfn adds() {\n    assert_eq!(add(2, 3), 5);\n}\n", "")]),
            (
                &["guard.deleted"],
                &[(
                    "#[test]\nfn adds() {\n    assert_eq!(add(2, 3), 5);\n}\n",
                    "// #[test]\n// fn adds() {\n//     assert_eq!(add(2, 3), 5);\n// }\n",
                )],
            ),
            (&["guard.emptied"], &[("    assert_eq!(add(2, 3), 5);\n", "")]),
            (&["guard.assertion_constant"], &[("assert_eq!(add(2, 3), 5)", "assert!(true)")]),
            (
                &["guard.assertion_constant"],
                &[("assert_eq!(add(2, 3), 5)", "assert!(add(2, 3) == 5 || true)")],
            ),
            (&["guard.assertion_changed"], &[("add(2, 3), 5", "add(2, 3), 6")]),
            (&["guard.assertion_changed"], &[("assert_eq!(add(2, 3), 5)", "assert!(add(2, 3) > 0)")]),
            (&["guard.assertion_removed"], &[("    assert!(!is_admin(\"guest\"));\n", "")]),
            (
                &["guard.conditional"],
                &[(
                    "    assert_eq!(add(2",
                    "    if std::env::var(\"CI\").is_err() { return; }\n    assert_eq!(add(2",
                )],
            ),
            (
                &["guard.conditional"],
                &[("assert_eq!(add(2, 3), 5);", "if cfg!(unix) { assert_eq!(add(2, 3), 5); }")],
            ),
            (
                &["guard.swallowed"],
                &[(
                    "assert_eq!(add(2, 3), 5);",
                    "let _ = std::panic::catch_unwind(|| { assert_eq!(add(2, 3), 5); });",
                )],
            ),
            (&["guard.case_removed"], &[("[(1, 2), (2, 3)]", "[(1, 2)]")]),
            (&["guard.case_removed"], &[("[(1, 2), (2, 3)]", "[(1, 2), (3, 3)]")]),
            (&["guard.emptied"], &[("    add(1, 2);\n", "")]),
            (&["guard.emptied"], &[("    check_sum(add(1, 1));\n", "")]),
            (&["guard.assertion_changed"], &[("assert!(a > 0)", "assert!(a > -9)")]),
            (&["guard.hard_coded"], &[("let root = is_admin(\"root\")", "let root = true")]),
            (&["guard.hard_coded"], &[("fn check_sum", "fn add(a: i64, b: i64) -> i64 { 5 }\nfn check_sum")]),
            (&["guard.exit"], &[("    add(1, 2);", "    add(1, 2);\n    std::process::exit(0);")]),
            (&["guard.framework"], &[("use proj", "macro_rules! assert_eq { ($($t:tt)*) => {} }\nuse proj")]),
            (&["guard.unknown"], &[("fn check_sum(a: i64) {", "fn check_sum(a: i64 {{")]),
        ],
    );
}

#[test]
fn what_does_not_weaken_is_not_spoken_of() {
    check(
        "tests/basic.rs",
        BASE,
        &[
            (
                &[],
                &[(
                    "#[test]\nfn adds",
                    "#[test]\nfn skip_blanks_and_ignore_case() {\n    assert_eq!(add(0, 0), 0);\n}\n\n#[test]\nfn adds",
                )],
            ),
            (&[], &[("fn adds()", "fn adds_two_numbers()")]),
            (&[], &[("#[ignore]\n", "")]),
            (
                &[],
                &[(
                    "    assert_eq!(add(2, 3), 5);",
                    "    assert_eq!(\n        add(2, 3),\n        5,\n    );",
                )],
            ),
            (
                &[],
                &[(
                    "    assert_eq!(add(2, 3), 5);",
                    "    // It adds.\n    assert_eq!(add(2, 3), 5);\n    assert_eq!(add(2, 0), 2);",
                )],
            ),
            (&[], &[("[(1, 2), (2, 3)]", "[(1, 2), (2, 3), (3, 4)]")]),
            (&[], &[("\"root {root}\"", "\"root is an admin\"")]),
            (&[], &[("use proj::{add, is_admin};", "use proj::add;\nuse proj::is_admin;\nuse std::fmt;")]),
            (&[], &[("fn check_sum", "fn sample() -> i64 { 5 }\n\nfn check_sum")]),
            (&[], &[("    add(1, 2);", "    add(1, 2);\n    assert_eq!(add(1, 2), 3);")]),
            (
                &[],
                &[("let root = is_admin(\"root\");", "let name = \"root\";\n    let root = is_admin(name);")],
            ),
            (&[], &[("#[test]\nfn adds", "/// Sums.\n#[test]\nfn adds")]),
        ],
    );
}

#[test]
fn sentences_say_what_happens() {
    let one =
        |old: &str, new: &str| sentences("tests/basic.rs", BASE, &BASE.replacen(old, new, 1)).remove(0).1;
    assert_eq!(
        one("#[test]\nfn adds", "#[test]\n#[ignore]\nfn adds"),
        "test `adds` is no longer run: `#[ignore]`"
    );
    assert_eq!(
        one("assert_eq!(add(2, 3), 5)", "assert!(true)"),
        "`assert_eq!(add(2, 3), 5)` in test `adds` becomes `assert!(true)`, which can never fail"
    );
    assert_eq!(
        one("assert_eq!(add(2, 3), 5);", "if quick { return; } assert_eq!(add(2, 3), 5);"),
        "`assert_eq!(add(2, 3), 5)` in test `adds` may no longer be reached, because `quick return` comes first"
    );
}

const PROGRAM: &str = "pub fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds() {
        assert_eq!(add(2, 3), 5);
    }
}
";

#[test]
fn tests_within_programs_are_guarded() {
    check(
        "src/lib.rs",
        PROGRAM,
        &[
            (
                &["guard.deleted"],
                &[("    #[test]\n    fn adds() {\n        assert_eq!(add(2, 3), 5);\n    }\n", "")],
            ),
            (&["guard.uncollected"], &[("#[cfg(test)]", "#[cfg(any())]")]),
            (&["guard.uncollected"], &[("#[cfg(test)]", "#[cfg(all(test, feature = \"slow\"))]")]),
            (&["guard.assertion_changed"], &[("add(2, 3), 5", "add(2, 2), 4")]),
            (&["guard.detects_tests"], &[("    a + b", "    if cfg!(test) { return 5; }\n    a + b")]),
            (&["guard.detects_tests"], &[("pub fn add", "#[cfg(test)]\npub fn other() {}\n\npub fn add")]),
            (&["guard.detects_tests"], &[("pub fn add", "#[cfg(not(test))]\npub fn add")]),
            (
                &["guard.detects_tests"],
                &[("    a + b", "    if std::env::var(\"NEXTEST\").is_ok() { return 5 }\n    a + b")],
            ),
            (&[], &[("    a + b", "    b + a")]),
            (
                &[],
                &[(
                    "pub fn add",
                    "#[cfg(feature = \"std\")]\npub fn other() {}\n\n#[cfg(unix)]\nstruct A;\n\npub fn add",
                )],
            ),
            (&[], &[("pub fn add", "#[cfg(test)]\nuse std::fmt;\n\npub fn add")]),
            (&[], &[("    use super::*;", "    use super::*;\n    use std::fmt;")]),
            (&[], &[("    a + b", "    assert!(a > 0);\n    a + b")]),
        ],
    );
}

#[test]
fn linked_test_modules_stay_linked() {
    let base = "pub fn a() {}\n\n#[cfg(test)]\nmod tests;\n";
    check(
        "src/lib.rs",
        base,
        &[
            (&["guard.uncollected"], &[("#[cfg(test)]\nmod tests;\n", "")]),
            (&["guard.uncollected"], &[("#[cfg(test)]", "#[cfg(any())]")]),
            (&[], &[("pub fn a() {}", "pub fn b() {}")]),
            (&[], &[("mod tests;", "mod tests {}")]),
        ],
    );
}

const MACROS: &str = "proptest! {
    #[test]
    fn adds(a in 0..10, b in 0..10) {
        prop_assert_eq!(add(a, b), a + b);
    }
}

#[rstest]
#[case(1, 2)]
#[case(2, 3)]
fn increments(#[case] a: i64, #[case] b: i64) {
    assert_eq!(add(a, 1), b);
}
";

#[test]
fn tests_within_macros_are_guarded() {
    check(
        "tests/props.rs",
        MACROS,
        &[
            (&["guard.emptied"], &[("        prop_assert_eq!(add(a, b), a + b);\n", "")]),
            (&["guard.assertion_changed"], &[("a + b)", "a + b + 0)")]),
            (&["guard.case_removed"], &[("#[case(1, 2)]\n", "")]),
            (&[], &[("#[case(1, 2)]\n", "#[case(1, 2)]\n#[case(3, 4)]\n")]),
        ],
    );
}
