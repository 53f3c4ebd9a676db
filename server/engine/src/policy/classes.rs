//! Kinds of files that are known without configuration. The knowledge is data: tables of
//! patterns, each group with examples that must match and neighbours that must not.
//!
//! Paths are compared folded: without case, in normal form KC, without ignorable code points
//! and with the letters that look like others made equal, because the file system or the
//! reader that is fooled may be another one than ours.

mod fold;
mod tables;

use crate::path::WorkspacePath;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::sync::LazyLock;
use tables::TABLES;

/// What a file does besides being text. Ordered: the strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathClass {
    /// May not be touched: `.git`, `.openexec`, by any alias and at any depth.
    Never,
    /// Holds secrets: `.env` and its like. Neither read nor written.
    Secret,
    /// Is executed by tools: build scripts, hooks, CI, editor tasks, package scripts.
    Executes,
    /// Configures tools: lock files, compiler and linter settings, dependency sources.
    Configures,
    /// Instructs other agents.
    Instructs,
    /// Judges the work: snapshots, thresholds, what chooses the tests, and tests in languages
    /// that the guard does not understand.
    Judges,
    /// Tests in a language that the guard understands: only what weakens them is asked about.
    Tests,
}

impl PathClass {
    /// True where no model may see a file of this class.
    const fn hides(self) -> bool {
        matches!(self, Self::Never | Self::Secret)
    }
}

/// How a table's patterns are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// With the folded path. Patterns are lowercase.
    Folded,
    /// With the path as it is written, for names in which a capital letter begins a word.
    Written,
}

/// A group of patterns of one class.
struct Table {
    class: PathClass,
    comparison: Comparison,
    /// Globs in which `*` does not cross `/`.
    patterns: &'static [&'static str],
    /// What is ordinary although a pattern matches it.
    except: &'static [&'static str],
    /// Paths that must be of this class by this table.
    examples: &'static [&'static str],
    /// Paths that resemble the examples and must not match this table.
    neighbours: &'static [&'static str],
}

/// A table ready for use. `None` when a pattern cannot be compiled: the table then matches
/// every path, and a test fails.
struct Matcher {
    class: PathClass,
    comparison: Comparison,
    patterns: Option<GlobSet>,
    except: Option<GlobSet>,
}

/// Every pattern of some tables, of those of one comparison. Nearly all paths match none, and are
/// known to be ordinary after one look. `None` when it cannot be compiled: each table is asked then.
struct Any {
    comparison: Comparison,
    patterns: Option<GlobSet>,
}

impl Any {
    fn of(comparison: Comparison, is_meant: impl Fn(PathClass) -> bool) -> Self {
        let tables = TABLES.iter().filter(|table| table.comparison == comparison && is_meant(table.class));
        let patterns: Vec<&str> = tables.flat_map(|table| table.patterns).copied().collect();
        Self { comparison, patterns: globs(&patterns) }
    }

    fn matches(&self, written: &str, folded: &str) -> bool {
        let path = match self.comparison {
            Comparison::Folded => folded,
            Comparison::Written => written,
        };
        self.patterns.as_ref().is_none_or(|patterns| patterns.is_match(path))
    }
}

static ANY: LazyLock<[Any; 2]> =
    LazyLock::new(|| [Comparison::Folded, Comparison::Written].map(|it| Any::of(it, |_| true)));
static ANY_HIDDEN: LazyLock<[Any; 2]> =
    LazyLock::new(|| [Comparison::Folded, Comparison::Written].map(|it| Any::of(it, PathClass::hides)));
static MATCHERS: LazyLock<Vec<Matcher>> = LazyLock::new(|| TABLES.iter().map(Matcher::new).collect());

fn globs(patterns: &[&str]) -> Option<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern).literal_separator(true).build().ok()?);
    }
    set.build().ok()
}

impl Matcher {
    fn new(table: &Table) -> Self {
        Self {
            class: table.class,
            comparison: table.comparison,
            patterns: globs(table.patterns),
            except: globs(table.except),
        }
    }

    fn matches(&self, written: &str, folded: &str) -> bool {
        let path = match self.comparison {
            Comparison::Folded => folded,
            Comparison::Written => written,
        };
        self.patterns.as_ref().is_none_or(|patterns| patterns.is_match(path))
            && !self.except.as_ref().is_some_and(|except| except.is_match(path))
    }
}

/// The classes of a path, strictest first. Empty for ordinary files.
pub fn classify(path: &WorkspacePath) -> Vec<PathClass> {
    let folded = fold::folded(path);
    if !ANY.iter().any(|any| any.matches(path.as_str(), &folded)) {
        return Vec::new();
    }
    let matching = MATCHERS.iter().filter(|matcher| matcher.matches(path.as_str(), &folded));
    let mut classes: Vec<PathClass> = matching.map(|matcher| matcher.class).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// True for files that no model may see. Says the same as the classes, for whoever asks of every
/// file of a workspace.
pub fn is_hidden(path: &WorkspacePath) -> bool {
    let folded = fold::folded(path);
    ANY_HIDDEN.iter().any(|any| any.matches(path.as_str(), &folded))
        && classify(path).into_iter().any(PathClass::hides)
}

/// Holds the tables to their examples: how many there are, and those that do not hold.
pub fn check_classes() -> (usize, Vec<String>) {
    let mut count = 0;
    let mut broken = Vec::new();
    for table in TABLES {
        let matcher = Matcher::new(table);
        let examples = table.examples.iter().map(|text| (text, true));
        for (text, belongs) in examples.chain(table.neighbours.iter().map(|text| (text, false))) {
            count += 1;
            let matches = WorkspacePath::parse(text)
                .is_ok_and(|path| matcher.matches(path.as_str(), &fold::folded(&path)) == belongs);
            if !matches {
                let not = if belongs { "not " } else { "" };
                broken.push(format!("`{text}` is {not}taken for {:?}", table.class));
            }
        }
    }
    (count, broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn matches(matcher: &Matcher, text: &str) -> bool {
        let path = path(text);
        matcher.matches(path.as_str(), &fold::folded(&path))
    }

    /// Paths that a glob must match: wildcards filled in, alternatives taken one by one.
    fn instances(pattern: &str) -> Vec<String> {
        if let Some((before, rest)) = pattern.split_once('{') {
            let (alternatives, after) = rest.split_once('}').unwrap();
            return alternatives
                .split(',')
                .flat_map(|one| instances(&format!("{before}{one}{after}")))
                .collect();
        }
        if let Some((before, rest)) = pattern.split_once('[') {
            let (class, after) = rest.split_once(']').unwrap();
            return instances(&format!("{before}{}{after}", class.chars().next().unwrap()));
        }
        let inner = pattern.replace("/**", "/x/y").replace("**/", "");
        vec![inner.replace('*', "z"), inner.replace('*', "q-1")]
    }

    #[test]
    fn every_table_compiles_and_keeps_its_promises() {
        for table in TABLES {
            let matcher = Matcher::new(table);
            assert!(matcher.patterns.is_some() && matcher.except.is_some(), "{:?}", table.patterns);
            assert!(!table.examples.is_empty() && !table.neighbours.is_empty(), "{:?}", table.patterns);
            for example in table.examples {
                assert!(matches(&matcher, example), "{example} is not {:?}", table.class);
                let classes = classify(&path(example));
                assert!(classes.contains(&table.class), "{example}");
                assert_eq!(is_hidden(&path(example)), classes.iter().any(|it| it.hides()), "{example}");
            }
            for neighbour in table.neighbours {
                assert!(!matches(&matcher, neighbour), "{neighbour} is {:?}", table.class);
                let classes = classify(&path(neighbour));
                assert_eq!(is_hidden(&path(neighbour)), classes.iter().any(|it| it.hides()), "{neighbour}");
            }
        }
    }

    #[test]
    fn every_pattern_matches_its_own_instances_at_any_depth_it_claims() {
        for table in TABLES {
            let matcher = Matcher::new(table);
            for pattern in table.patterns {
                if table.comparison == Comparison::Folded {
                    assert_eq!(*pattern, pattern.to_lowercase(), "patterns are compared with folded paths");
                }
                for instance in instances(pattern) {
                    let mut spellings = vec![instance.clone()];
                    if pattern.starts_with("**/") {
                        spellings.push(format!("a/b/{instance}"));
                    }
                    if table.comparison == Comparison::Folded {
                        spellings.push(instance.to_uppercase());
                    }
                    for spelling in spellings {
                        let excepted =
                            matcher.except.as_ref().unwrap().is_match(fold::folded(&path(&spelling)));
                        assert!(excepted || matches(&matcher, &spelling), "{pattern} misses {spelling}");
                    }
                }
            }
        }
    }

    #[test]
    fn ordinary_paths_have_no_class() {
        for text in [
            "src/lib.rs",
            "src/latest.rs",
            "src/contest.py",
            "contest.py",
            "docs/testing.md",
            "docs/git-hooks.md",
            "src/git/hooks.rs",
            "src/git/config.rs",
            "src/environment.rs",
            "src/gitignore.rs",
            "src/agents.rs",
            "docs/secrets-management.md",
            "docs/v1..v2-changes.md",
            ".github/ISSUE_TEMPLATE/bug.md",
            "migrations/0002_down.sql",
            "CONTRIBUTING.md",
            "README.md",
            ".editorconfig",
            ".gitignore",
            "src/console.rs",
            "src/policy/attestation.rs",
            "src/Contest.java",
            "src/Latest.kt",
            "config/app.json",
            "src/protest/mod.rs",
            "public/index.html",
            "src/specification.ts",
            "src/inspect.js",
            "data/cache.txt",
        ] {
            assert_eq!(classify(&path(text)), [], "{text}");
        }
    }

    #[test]
    fn aliases_change_nothing() {
        for (text, class) in [
            (".GIT/config", PathClass::Never),
            ("a/b/.Git", PathClass::Never),
            (".OpenExec/Policy.yaml", PathClass::Never),
            (".v\u{17F}code/settings.json", PathClass::Executes),
            (".g\u{131}thub/workflows/ci.yml", PathClass::Executes),
            (".\u{456}dea/x.xml", PathClass::Executes),
            ("\u{41C}akefile", PathClass::Executes),
            (".ENV", PathClass::Secret),
            ("Agents.MD", PathClass::Instructs),
            ("TESTS/a.rs", PathClass::Tests),
        ] {
            assert_eq!(classify(&path(text)).first(), Some(&class), "{text}");
        }
        assert!(WorkspacePath::parse(".g\u{200c}it/config").is_err());
        assert!(WorkspacePath::parse("git~1/config").is_err());
    }

    #[test]
    fn the_strictest_class_comes_first() {
        assert_eq!(classify(&path("tests/.git/x")), [PathClass::Never, PathClass::Judges]);
        assert_eq!(classify(&path("conftest.py")), [PathClass::Executes, PathClass::Judges]);
        assert_eq!(classify(&path("tests/.env")), [PathClass::Secret, PathClass::Judges]);
    }
}
