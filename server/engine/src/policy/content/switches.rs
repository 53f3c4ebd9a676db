//! Sentences that switch something off or on for a whole file: lint suppressions, lines taken
//! out of an ignore file, encodings, editor modelines, remote schemas.
//! None of them is forbidden; each is asked about.

use super::{Objection, introduced_lines};
use crate::path::WorkspacePath;
use crate::policy::Verdict;
use regex::RegexSet;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// A sentence that means something to a tool.
struct Switch {
    rule: &'static str,
    /// Extensions of the files in which it means something; none for every file.
    extensions: &'static [&'static str],
    /// One line.
    pattern: &'static str,
    remedy: &'static str,
    /// Lines that must match, in a file of the first extension.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests hold the row to its examples"))]
    examples: &'static [&'static str],
    /// Lines that resemble the examples and must not match.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests hold the row to its examples"))]
    neighbours: &'static [&'static str],
}

const LINTS: &str = "mend what the linter reports, or suppress one named rule at one place";
const MODELINE: &str = "leave editor settings out of the file; a modeline is executed by some editors";

const SWITCHES: &[Switch] = &[
    Switch {
        rule: "content.lint_off",
        extensions: &["rs"],
        pattern: r"#!\s*\[\s*(?:allow|expect)\s*\([^)]*\b(?:warnings|clippy\s*::\s*(?:all|correctness|suspicious)|unused|deprecated|unsafe_code|unknown_lints)\b",
        remedy: LINTS,
        examples: &["#![allow(warnings, clippy::all)]", "#![allow(dead_code, clippy::all)]"],
        neighbours: &["#![allow(non_snake_case)]", "#![allow(unused_imports)]"],
    },
    Switch {
        rule: "content.lint_off",
        extensions: &["py", "pyi"],
        pattern: r"#\s*(?:flake8\s*:\s*noqa\s*$|ruff\s*:\s*noqa\s*$|pylint\s*:\s*(?:skip-file|disable\s*=\s*all)|mypy\s*:\s*ignore-errors|type\s*:\s*ignore\s*$|pyright\s*:\s*basic|pragma\s*:\s*no cover)",
        remedy: LINTS,
        examples: &["# flake8: noqa", "# type: ignore"],
        neighbours: &["x = f()  # type: ignore[arg-type]", "x = 1  # noqa: E501"],
    },
    Switch {
        rule: "content.lint_off",
        extensions: &["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"],
        pattern: r"(?:/\*\s*eslint-disable\s*\*/|@ts-nocheck|//\s*eslint-disable-next-line\s*$|/\*\s*(?:istanbul|c8|v8) ignore (?:file|next|start))",
        remedy: LINTS,
        examples: &["// @ts-nocheck", "/* eslint-disable */"],
        neighbours: &["// eslint-disable-next-line no-console"],
    },
    Switch {
        rule: "content.lint_off",
        extensions: &["go"],
        pattern: r"//\s*nolint(?:\s*:\s*all)?\s*$",
        remedy: LINTS,
        examples: &["x := 1 //nolint"],
        neighbours: &["x := 1 //nolint:errcheck"],
    },
    Switch {
        rule: "content.lint_off",
        extensions: &["java", "kt", "kts"],
        pattern: r#"@(?:file:)?Suppress(?:Warnings)?\s*\(\s*\{?\s*"(?:all|ALL)""#,
        remedy: LINTS,
        examples: &["@SuppressWarnings(\"all\")"],
        neighbours: &["@SuppressWarnings(\"unchecked\")"],
    },
    Switch {
        rule: "content.lint_off",
        extensions: &["c", "cc", "cpp", "cxx", "h", "hpp", "cs", "rb", "sh"],
        pattern: r"(?:NOLINTBEGIN\s*$|#pragma\s+(?:GCC|clang)\s+diagnostic\s+ignored\s+.-W(?:all|everything|extra)|#pragma\s+warning\s+disable\s*$|rubocop:disable\s+all|shellcheck\s+disable=all)",
        remedy: LINTS,
        examples: &["#pragma warning disable", "// NOLINTBEGIN"],
        neighbours: &["#pragma once", "// NOLINTNEXTLINE(x)"],
    },
    Switch {
        rule: "content.encoding",
        extensions: &["py", "pyi", "pyw"],
        // PEP 263: a comment in one of the first two lines; UTF-8 and ASCII change nothing.
        pattern: r"^[ \t\f]*#.*?coding[:=][ \t]*(?:[^uUaA\s]|[uU][^tT]|[aA][^sS])",
        remedy: "write the file in UTF-8, without a coding cookie",
        examples: &["# coding: unicode_escape", "# -*- coding: latin-1 -*-"],
        neighbours: &["# coding: utf-8", "# the encoding is chosen by the caller"],
    },
    Switch {
        rule: "content.modeline",
        extensions: &[],
        pattern: r"(?:^|[\s/#*;])(?:vim?|ex):\s*(?:se?t?\s|[a-z]+=\S*(?:expr|eval|exec|system))",
        remedy: MODELINE,
        examples: &["// vim: set foldmethod=expr foldexpr=execute('x'):"],
        neighbours: &["the vim: editor"],
    },
    Switch {
        rule: "content.modeline",
        extensions: &[],
        pattern: r"-\*-.*\beval\s*:|^\W*Local Variables\s*:|^\W*eval\s*:\s*\(",
        remedy: MODELINE,
        examples: &[";; -*- eval: (shell-command \"id\") -*-"],
        neighbours: &["-*- mode: rust -*-"],
    },
    Switch {
        rule: "content.remote_schema",
        extensions: &["json", "jsonc", "json5", "yaml", "yml", "toml"],
        pattern: r#"(?:"?\$schema"?\s*[:=]\s*["']?|yaml-language-server:\s*\$schema\s*=\s*|^#:schema\s+)(?:https?:)?//"#,
        remedy: "name a schema of json-schema.org or json.schemastore.org, or a local file; editors fetch others",
        examples: &["{\"$schema\": \"https://schema.c2.example/s.json?d=x\"}"],
        neighbours: &["{\"$schema\": \"./app.schema.json\"}"],
    },
];

/// Hosts whose schemas every editor knows already.
const SCHEMA_HOSTS: &[&str] = &[
    "json-schema.org",
    "json.schemastore.org",
    "www.schemastore.org",
    "schemastore.org",
    "raw.githubusercontent.com/SchemaStore",
    "schema.management.azure.com",
    "developer.microsoft.com/json-schemas",
];

static COMPILED: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(SWITCHES.iter().map(|switch| switch.pattern)).ok());

/// The switches that a text throws and its base did not.
pub(super) fn switched(path: &WorkspacePath, base: &str, text: &str) -> Vec<Objection> {
    let new = introduced_lines(base, text);
    let extension = path.extension();
    let mut objections = Vec::new();
    let mut rules = BTreeSet::new();
    for line in &new {
        for index in COMPILED.as_ref().map(|set| set.matches(line)).into_iter().flatten() {
            let Some(switch) = SWITCHES.get(index) else { continue };
            let concerns = switch.extensions.is_empty() || switch.extensions.contains(&extension.as_str());
            // PEP 263 looks at the first two lines only.
            let concerns = concerns
                && (switch.rule != "content.encoding" || text.lines().take(2).any(|top| top == *line));
            if concerns && !is_known_schema(switch, line) && rules.insert(switch.rule) {
                objections.push(ask(switch.rule, line, switch.remedy));
            }
        }
    }
    objections.extend(ignored_no_more(path, base, text));
    objections
}

fn ask(rule: &'static str, found: &str, remedy: &'static str) -> Objection {
    let found = found.trim().chars().take(80).flat_map(char::escape_debug).collect();
    Objection { rule, verdict: Verdict::Ask, found, remedy }
}

fn is_known_schema(switch: &Switch, line: &str) -> bool {
    let address = line.split_once("//").map_or("", |(_, address)| address);
    let on = |host: &str| {
        address
            .strip_prefix(host)
            .is_some_and(|rest| rest.starts_with(['/', '"', '\'', '#']) || rest.is_empty())
    };
    switch.rule == "content.remote_schema" && SCHEMA_HOSTS.iter().any(|host| on(host))
}

/// A pattern taken out of an ignore file, or negated in it, makes git, and the next commit, see
/// what was hidden.
fn ignored_no_more(path: &WorkspacePath, base: &str, text: &str) -> Option<Objection> {
    if !is_ignore_file(path) {
        return None;
    }
    let negated = introduced_lines(base, text).into_iter().find(|line| line.starts_with('!'));
    let hides = |line: &&str| !line.trim().is_empty() && !line.starts_with(['#', '!']);
    let removed = || introduced_lines(text, base).into_iter().find(hides);
    let line = negated.or_else(removed)?;
    Some(ask(
        "content.ignore_narrowed",
        line,
        "leave the existing patterns in place; what they hide could hold secrets",
    ))
}

/// True for the files that say what git does not see.
fn is_ignore_file(path: &WorkspacePath) -> bool {
    path.comparison_key().rsplit('/').next() == Some(".gitignore")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(COMPILED.is_some());
    }

    #[test]
    fn every_row_keeps_its_promises() {
        for switch in SWITCHES {
            let pattern = regex::Regex::new(switch.pattern).unwrap();
            assert!(!switch.examples.is_empty() && !switch.neighbours.is_empty(), "{}", switch.pattern);
            for example in switch.examples {
                assert!(pattern.is_match(example), "{example} is not {}", switch.rule);
            }
            for neighbour in switch.neighbours {
                assert!(!pattern.is_match(neighbour), "{neighbour} is {}", switch.rule);
            }
        }
    }

    fn rules(path: &str, line: &str) -> Vec<&'static str> {
        let path = WorkspacePath::parse(path).unwrap();
        switched(&path, "", line).into_iter().map(|objection| objection.rule).collect()
    }

    #[test]
    fn switches_are_seen_where_they_mean_something() {
        for (path, line, rule) in [
            ("src/a.rs", "#![allow(warnings, clippy::all)]", "content.lint_off"),
            ("src/a.rs", "#![allow(dead_code, clippy::all)]", "content.lint_off"),
            ("a.py", "# flake8: noqa", "content.lint_off"),
            ("a.py", "# type: ignore", "content.lint_off"),
            ("a.ts", "// @ts-nocheck", "content.lint_off"),
            ("a.js", "/* eslint-disable */", "content.lint_off"),
            ("a.go", "x := 1 //nolint", "content.lint_off"),
            ("A.java", "@SuppressWarnings(\"all\")", "content.lint_off"),
            ("a.py", "# coding: unicode_escape", "content.encoding"),
            ("a.py", "# -*- coding: latin-1 -*-", "content.encoding"),
            ("a.rs", "// vim: set foldmethod=expr foldexpr=execute('x'):", "content.modeline"),
            ("a.el", ";; -*- eval: (shell-command \"id\") -*-", "content.modeline"),
            ("c.json", "{\"$schema\": \"https://schema.c2.example/s.json?d=x\"}", "content.remote_schema"),
            (
                "c.json",
                "{\"$schema\": \"https://json-schema.org.c2.example/s.json\"}",
                "content.remote_schema",
            ),
            ("c.yml", "# yaml-language-server: $schema=https://c2.example/s", "content.remote_schema"),
            (".gitignore", "!.env", "content.ignore_narrowed"),
        ] {
            assert_eq!(rules(path, line), [rule], "{line}");
        }
    }

    #[test]
    fn an_ignore_file_may_grow_and_not_shrink() {
        let path = WorkspacePath::parse(".gitignore").unwrap();
        let rules = |text: &str| switched(&path, "/target\n.env\n# note\n", text).len();
        assert_eq!(rules("/target\n.env\n*.log\n"), 0);
        assert_eq!(rules(".env\n/target\n"), 0);
        assert_eq!(rules("/target\n# note\n"), 1);
        assert_eq!(rules("/target\n.env\n!.env\n"), 1);
    }

    #[test]
    fn ordinary_lines_throw_no_switch() {
        for (path, line) in [
            ("src/a.rs", "#![allow(non_snake_case)]"),
            ("src/a.rs", "#[allow(clippy::all)] // one item"),
            ("src/a.rs", "#![allow(unused_imports)]"),
            ("a.py", "x = f()  # type: ignore[arg-type]"),
            ("a.py", "x = 1  # noqa: E501"),
            ("a.py", "# coding: utf-8"),
            ("a.py", "import os\n\n# Decoding: base64"),
            ("a.py", "# the encoding is chosen by the caller"),
            ("a.ts", "// eslint-disable-next-line no-console"),
            ("README.md", "Use `// @ts-nocheck` sparingly."),
            ("docs/vim.md", "the vim: editor"),
            ("c.json", "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"}"),
            ("c.json", "{\"$schema\": \"./app.schema.json\"}"),
            (".gitignore", "*.log"),
        ] {
            assert_eq!(rules(path, line), [""; 0], "{line}");
        }
    }
}
