//! Whether a runner that found a test where it stood would find it where it stands now.

use super::Changed;
use super::dialect::Family;
use crate::path::WorkspacePath;

/// Folders in which pytest does not look for tests.
const NOT_RECURSED: [&str; 7] = ["build", "dist", "node_modules", "venv", "{arch}", "_darcs", "CVS"];
/// Folders that runners of JavaScript take for tests.
const SCRIPT_FOLDERS: [&str; 3] = ["__tests__", "test", "tests"];

/// True when a test that moves from one file to another is still found. `is_new` says that the
/// other file did not exist before.
pub(super) fn still_found(
    family: Family,
    from: &WorkspacePath,
    to: &WorkspacePath,
    is_new: bool,
    changes: &[Changed<'_>],
) -> bool {
    match family {
        Family::Rust => !is_new || is_test_target(to) || is_linked(to, changes),
        Family::Python => {
            let stem = stem(to);
            let named = stem.starts_with("test") || stem.ends_with("_test") || !stem_is_test(from);
            named && same_root(from, to) && !to.components().any(is_not_recursed)
        }
        Family::Script => {
            let named = |path: &WorkspacePath| {
                let name = path.file_name();
                [".test.", ".spec.", "-test.", "_test."].iter().any(|infix| name.contains(infix))
            };
            let folder = |path: &WorkspacePath| {
                path.components().find(|part| SCRIPT_FOLDERS.contains(part)).map(ToOwned::to_owned)
            };
            let kept_name = !named(from) || named(to);
            let kept_folder = folder(from).is_none() || folder(from) == folder(to) || named(to);
            kept_name && kept_folder && !to.components().any(is_not_recursed)
        }
        Family::Go => {
            to.file_name().ends_with("_test.go")
                && !to.components().any(|part| part.starts_with(['_', '.']) || part == "testdata")
        }
        Family::Java => {
            let under = |path: &WorkspacePath| path.as_str().contains("src/test/");
            let stem = stem(to);
            let named = stem.starts_with("Test")
                || ["Test", "Tests", "TestCase", "IT", "ITCase"].iter().any(|end| stem.ends_with(end));
            (named || !stem_is_java_test(from)) && (!under(from) || under(to))
        }
    }
}

fn stem(path: &WorkspacePath) -> &str {
    let name = path.file_name();
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn stem_is_test(path: &WorkspacePath) -> bool {
    stem(path).starts_with("test") || stem(path).ends_with("_test")
}

fn stem_is_java_test(path: &WorkspacePath) -> bool {
    let stem = stem(path);
    stem.starts_with("Test") || ["Test", "Tests", "TestCase", "IT"].iter().any(|end| stem.ends_with(end))
}

fn is_not_recursed(part: &str) -> bool {
    NOT_RECURSED.contains(&part) || part.starts_with('.') || part.ends_with(".egg")
}

/// The folder in which the runner was told to look, if there is one, stays the same.
fn same_root(from: &WorkspacePath, to: &WorkspacePath) -> bool {
    let root = |path: &WorkspacePath| {
        let parts: Vec<&str> = path.components().collect();
        let at = parts.iter().position(|part| matches!(*part, "test" | "tests" | "testing"))?;
        Some(parts.get(..=at)?.join("/"))
    };
    root(from).is_none() || root(from) == root(to)
}

/// `tests/x.rs` and `tests/x/main.rs` are programs of their own.
fn is_test_target(path: &WorkspacePath) -> bool {
    let parts: Vec<&str> = path.components().collect();
    let Some(at) = parts.iter().rposition(|part| *part == "tests") else { return false };
    match parts.get(at + 1..) {
        Some([_]) => parts.get(..at).is_none_or(|above| !above.contains(&"src")),
        Some([_, name]) => *name == "main.rs",
        _ => false,
    }
}

/// True when a changed file declares the module that a new file holds.
fn is_linked(path: &WorkspacePath, changes: &[Changed<'_>]) -> bool {
    let stem = stem(path);
    let folder = path.components().rev().nth(1).unwrap_or_default();
    let module = if stem == "mod" { folder } else { stem };
    changes.iter().any(|change| {
        change.after.is_some_and(|after| after.contains(&format!("mod {module};")))
            && !change.before.is_some_and(|before| before.contains(&format!("mod {module};")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(family: Family, from: &str, to: &str) -> bool {
        let path = |text| WorkspacePath::parse(text).unwrap();
        still_found(family, &path(from), &path(to), true, &[])
    }

    #[test]
    fn tests_are_found_where_their_runners_look() {
        for (family, from, to) in [
            (Family::Python, "tests/test_a.py", "tests/unit/test_a.py"),
            (Family::Python, "app/test_a.py", "app/core/test_b.py"),
            (Family::Python, "tests/test_a.py", "tests/a_test.py"),
            (Family::Rust, "tests/a.rs", "tests/b.rs"),
            (Family::Rust, "tests/a.rs", "tests/b/main.rs"),
            (Family::Script, "test/a.test.js", "test/unit/a.test.js"),
            (Family::Script, "__tests__/a.js", "src/__tests__/a.js"),
            (Family::Script, "__tests__/a.js", "src/a.test.js"),
            (Family::Go, "a/x_test.go", "b/y_test.go"),
            (Family::Java, "src/test/java/AT.java", "src/test/java/b/ATest.java"),
        ] {
            assert!(found(family, from, to), "{from} {to}");
        }
    }

    #[test]
    fn and_nowhere_else() {
        for (family, from, to) in [
            (Family::Python, "tests/test_a.py", "tests/a.py"),
            (Family::Python, "tests/test_a.py", "attic/test_a.py"),
            (Family::Python, "tests/test_a.py", "tests/.old/test_a.py"),
            (Family::Rust, "tests/a.rs", "tests/old/a.rs"),
            (Family::Rust, "tests/a.rs", "src/a_tests.rs"),
            (Family::Script, "test/a.test.js", "test/a.disabled.js"),
            (Family::Script, "__tests__/a.js", "src/a.js"),
            (Family::Go, "a/x_test.go", "a/x.go"),
            (Family::Go, "a/x_test.go", "a/testdata/x_test.go"),
            (Family::Java, "src/test/java/ATest.java", "src/main/java/ATest.java"),
            (Family::Java, "src/test/java/ATest.java", "src/test/java/Abc.java"),
        ] {
            assert!(!found(family, from, to), "{from} {to}");
        }
    }
}
