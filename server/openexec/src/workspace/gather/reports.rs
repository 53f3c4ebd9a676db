//! Places in the text of reports: `--> src/x.rs:1:2`, `File "x.py", line 3`, `at f (/x.js:3:4)`,
//! `src/x.ts(3,4): error`. What such a text names need not exist; the caller looks.

use lsp_types::Url;
use regex::Regex;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

/// A path with an extension and a line, in the notations of compilers, test frameworks and
/// stack traces.
#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test compiles it")]
static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"File "(?<quoted>[^"\n]+)", line (?<quoted_line>\d{1,7})"#,
        r"|(?<path>(?:file://)?[\w@%+,./~\-\[\]]*[\w\])]\.\w+)(?::(?<line>\d{1,7})|\((?<paren>\d{1,7})[,)])",
    ))
    .expect("it is a regular expression")
});

#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test compiles it")]
static COLOUR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\x1b\[[0-9;]*m").expect("it is a regular expression"));

/// The places that a report names, in their order: path as written, line counted from 1.
pub(super) fn places(report: &str) -> Vec<(String, u32)> {
    let plain = COLOUR.replace_all(report, "");
    PLACE
        .captures_iter(&plain)
        .filter_map(|found| {
            let path = found.name("quoted").or_else(|| found.name("path"))?;
            let line = ["quoted_line", "line", "paren"]
                .iter()
                .find_map(|name| found.name(name))?
                .as_str()
                .parse()
                .ok()?;
            (line > 0).then(|| (path.as_str().to_owned(), line))
        })
        .collect()
}

/// A reported path as a path from the root, with `/` between components; `None` when it leads
/// elsewhere. Only the text is looked at.
pub(super) fn relative_to(reported: &str, root: &Path) -> Option<String> {
    let path = match reported.strip_prefix("file://") {
        Some(_) => Url::parse(reported).ok()?.to_file_path().ok()?,
        None => PathBuf::from(reported),
    };
    let relative = if path.is_absolute() { path.strip_prefix(root).ok()? } else { &path };
    let mut names: Vec<&str> = Vec::new();
    for component in relative.components() {
        match component {
            Component::Normal(name) => names.push(name.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => {
                names.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_the_notations_of_common_tools() {
        let report = "error[E0308]: mismatched types\n  \u{1b}[34m--> \u{1b}[0msrc/x.rs:1:2\n\
            thread 'a' panicked at crates/a-b/src/y.rs:30:9:\n\
            Traceback:\n  File \"/r/my pkg/x.py\", line 3, in f\n\
            tests/test_x.py:12: AssertionError\n    x_test.go:12: got 3\n\
            \u{20}   at f (/r/lib/x.js:3:4)\n    at file:///r/my%20dir/x.mjs:5:6\n\
            src/x.ts(7,4): error TS2322\nat 12:30:59 and v1.2.3 and http://localhost:8080/\n";
        let found: Vec<String> =
            places(report).into_iter().map(|(path, line)| format!("{path} {line}")).collect();
        insta::assert_snapshot!(found.join("\n"), @r"
        src/x.rs 1
        crates/a-b/src/y.rs 30
        /r/my pkg/x.py 3
        tests/test_x.py 12
        x_test.go 12
        /r/lib/x.js 3
        file:///r/my%20dir/x.mjs 5
        src/x.ts 7
        ");
    }

    #[test]
    fn absolute_paths_become_relative_only_below_the_root() {
        let root = Path::new("/r");
        for (reported, relative) in [
            ("/r/lib/x.js", Some("lib/x.js")),
            ("/rr/x.js", None),
            ("file:///r/my%20dir/x.mjs", Some("my dir/x.mjs")),
            ("./src/../lib/x.rs", Some("lib/x.rs")),
            ("../x.rs", None),
            ("/r/../etc/x.conf", None),
        ] {
            assert_eq!(relative_to(reported, root).as_deref(), relative, "{reported}");
        }
    }
}
