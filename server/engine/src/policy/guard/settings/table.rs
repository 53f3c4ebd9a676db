//! The settings that judge, by file.

use super::Form::{Ini, Json, Make, Toml, Yaml};
use super::Meaning::{Ceiling, Choice, Fixed, Floor, Switch};
use super::{File, Line, Setting};

const fn of(key: &'static [&'static str], meaning: super::Meaning) -> Setting {
    Setting { key, meaning }
}

const COVERAGE: [Setting; 7] = [
    of(&["check-coverage"], Switch("false")),
    of(&["branches"], Floor),
    of(&["functions"], Floor),
    of(&["lines"], Floor),
    of(&["statements"], Floor),
    of(&["exclude"], Choice),
    of(&["include"], Choice),
];

const MOCHA: [Setting; 8] = [
    of(&["spec"], Choice),
    of(&["ignore"], Choice),
    of(&["exclude"], Choice),
    of(&["grep"], Choice),
    of(&["fgrep"], Choice),
    of(&["invert"], Choice),
    of(&["retries"], Ceiling),
    of(&["forbid-only"], Switch("false")),
];

const JEST: [Setting; 11] = [
    of(&["coverageThreshold", "**"], Floor),
    of(&["testMatch"], Choice),
    of(&["testRegex"], Choice),
    of(&["test*Pattern*"], Choice),
    of(&["coveragePathIgnorePatterns"], Choice),
    of(&["collectCoverageFrom"], Choice),
    of(&["setupFiles*"], Choice),
    of(&["roots"], Choice),
    of(&["runner"], Choice),
    of(&["testRunner"], Choice),
    of(&["passWithNoTests"], Switch("true")),
];

/// The first file whose name matches speaks.
pub(super) const FILES: &[File] = &[
    File {
        names: &["package.json"],
        form: Json,
        settings: &[
            of(&["scripts", "pretest*"], Choice),
            of(&["scripts", "posttest*"], Choice),
            of(&["scripts", "*test*"], Fixed),
            of(&["scripts", "*coverage*"], Fixed),
            of(&["scripts", "check*"], Fixed),
            of(&["scripts", "lint*"], Fixed),
            of(&["jest", "coverageThreshold", "**"], Floor),
            of(&["jest", "passWithNoTests"], Switch("true")),
            of(&["jest", "test*"], Choice),
            of(&["jest", "coveragePathIgnorePatterns"], Choice),
            of(&["jest", "collectCoverageFrom"], Choice),
            of(&["jest", "setupFiles*"], Choice),
            of(&["jest", "roots"], Choice),
            of(&["jest", "runner"], Choice),
            of(&["nyc", "check-coverage"], Switch("false")),
            of(&["nyc", "branches"], Floor),
            of(&["nyc", "functions"], Floor),
            of(&["nyc", "lines"], Floor),
            of(&["nyc", "statements"], Floor),
            of(&["nyc", "exclude"], Choice),
            of(&["c8", "check-coverage"], Switch("false")),
            of(&["c8", "branches"], Floor),
            of(&["c8", "functions"], Floor),
            of(&["c8", "lines"], Floor),
            of(&["c8", "statements"], Floor),
            of(&["c8", "exclude"], Choice),
            of(&["mocha", "**"], Choice),
            of(&["ava", "**"], Choice),
            of(&["vitest", "**"], Choice),
            of(&["tap", "**"], Choice),
        ],
    },
    File { names: &[".nycrc", ".nycrc.json", ".c8rc", ".c8rc.json"], form: Json, settings: &COVERAGE },
    File { names: &[".nycrc.yml", ".nycrc.yaml", ".c8rc.yml"], form: Yaml, settings: &COVERAGE },
    File { names: &[".mocharc.json", ".mocharc.jsonc"], form: Json, settings: &MOCHA },
    File { names: &[".mocharc.yml", ".mocharc.yaml"], form: Yaml, settings: &MOCHA },
    File { names: &["jest.config.json"], form: Json, settings: &JEST },
    File {
        names: &["pyproject.toml"],
        form: Toml,
        settings: &[
            of(&["tool", "pytest", "ini_options", "xfail_strict"], Switch("false")),
            of(&["tool", "pytest", "ini_options", "addopts"], Choice),
            of(&["tool", "pytest", "ini_options", "testpaths"], Choice),
            of(&["tool", "pytest", "ini_options", "python_*"], Choice),
            of(&["tool", "pytest", "ini_options", "norecursedirs"], Choice),
            of(&["tool", "pytest", "ini_options", "confcutdir"], Choice),
            of(&["tool", "pytest", "ini_options", "usefixtures"], Choice),
            of(&["tool", "coverage", "report", "fail_under"], Floor),
            of(&["tool", "coverage", "report", "omit"], Choice),
            of(&["tool", "coverage", "report", "exclude*"], Choice),
            of(&["tool", "coverage", "run", "omit"], Choice),
            of(&["tool", "coverage", "run", "source"], Choice),
            of(&["tool", "hatch", "**", "scripts", "*test*"], Fixed),
            of(&["tool", "pdm", "scripts", "*test*"], Fixed),
            of(&["tool", "poe", "tasks", "*test*"], Fixed),
        ],
    },
    File {
        names: &["cargo.toml"],
        form: Toml,
        settings: &[
            of(&["package", "autotests"], Switch("false")),
            of(&["lib", "test"], Switch("false")),
            of(&["lib", "doctest"], Switch("false")),
            of(&["lib", "harness"], Switch("false")),
            of(&["bin", "*", "test"], Switch("false")),
            of(&["test", "*", "test"], Switch("false")),
            of(&["test", "*", "harness"], Switch("false")),
            of(&["test", "*", "required-features"], Choice),
            of(&["test", "*", "name"], Fixed),
            of(&["test", "*", "path"], Fixed),
            of(&["profile", "*", "debug-assertions"], Switch("false")),
            of(&["profile", "*", "overflow-checks"], Switch("false")),
        ],
    },
    File {
        names: &["nextest.toml"],
        form: Toml,
        settings: &[
            of(&["profile", "*", "default-filter"], Choice),
            of(&["profile", "*", "retries"], Ceiling),
            of(&["profile", "*", "retries", "count"], Ceiling),
            of(&["profile", "*", "overrides", "**"], Choice),
            of(&["profile", "*", "run-ignored"], Choice),
        ],
    },
    File {
        names: &["tarpaulin.toml", ".tarpaulin.toml"],
        form: Toml,
        settings: &[of(&["*", "fail-under"], Floor), of(&["*", "exclude*"], Choice)],
    },
    File {
        names: &["codecov.yml", ".codecov.yml", "codecov.yaml", ".codecov.yaml"],
        form: Yaml,
        settings: &[
            of(&["coverage", "status", "**", "target"], Floor),
            of(&["coverage", "status", "**", "threshold"], Ceiling),
            of(&["coverage", "status", "**", "informational"], Switch("true")),
            of(&["coverage", "status", "*"], Switch("false")),
            of(&["coverage", "range"], Fixed),
            of(&["ignore"], Choice),
        ],
    },
    File {
        names: &[".coveragerc", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg"],
        form: Ini,
        settings: &[
            of(&["*report", "fail_under"], Floor),
            of(&["*report", "omit"], Choice),
            of(&["*report", "exclude*"], Choice),
            of(&["*run", "omit"], Choice),
            of(&["*run", "source"], Choice),
            of(&["*pytest", "xfail_strict"], Switch("false")),
            of(&["*pytest", "addopts"], Choice),
            of(&["*pytest", "testpaths"], Choice),
            of(&["*pytest", "python_*"], Choice),
            of(&["*pytest", "norecursedirs"], Choice),
            of(&["*pytest", "usefixtures"], Choice),
            of(&["testenv*", "commands*"], Fixed),
            of(&["testenv*", "ignore_*"], Switch("true")),
        ],
    },
    File {
        names: &["makefile", "gnumakefile", "justfile", ".justfile"],
        form: Make,
        settings: &[
            of(&["*test*"], Fixed),
            of(&["check*"], Fixed),
            of(&["coverage*"], Fixed),
            of(&["ci*"], Fixed),
            of(&["lint*"], Fixed),
            of(&["verify*"], Fixed),
        ],
    },
];

/// Settings that are programs.
pub(super) const LINES: &[Line] = &[
    Line {
        names: &[
            "jest.config.*",
            "vitest.config.*",
            "vitest.workspace.*",
            "vite.config.*",
            "playwright.config.*",
            "karma.conf.*",
            "wdio.conf.*",
            "cypress.config.*",
            "ava.config.*",
            ".mocharc.js",
            ".mocharc.cjs",
            "web-test-runner.config.*",
        ],
        pattern: r"\b(?:testMatch|testRegex|testPathIgnorePatterns|coveragePathIgnorePatterns|testIgnore|grepInvert|grep|setupFiles(?:AfterEnv)?|globalSetup|passWithNoTests|exclude|dangerouslyIgnoreUnhandledErrors|allowOnly|excludeSpecPattern|testNamePattern)\b\s*[:=]|\bretries\s*:\s*[1-9]|\bforbidOnly\s*:\s*false",
        examples: &[
            "  testPathIgnorePatterns: ['/x/'],",
            "passWithNoTests: true,",
            "retries: 3,",
            "forbidOnly: false,",
        ],
        neighbours: &["preset: 'ts-jest',", "forbidOnly: true,", "retries: 0,", "// nothing"],
    },
    Line {
        names: &["pom.xml"],
        pattern: r"<(?:skipTests|maven\.test\.skip|skipITs|testFailureIgnore|maven\.test\.failure\.ignore)>\s*true|<rerunFailingTestsCount>|<excludedGroups>",
        examples: &["<skipTests>true</skipTests>", "<testFailureIgnore>true</testFailureIgnore>"],
        neighbours: &["<skipTests>false</skipTests>", "<version>1</version>"],
    },
    Line {
        names: &["*.gradle", "*.gradle.kts"],
        pattern: r"\bignoreFailures\s*=\s*true|\bonlyIf\s*\{|\bexcludeTestsMatching\b|\bexclude(?:Tags|Groups)\b|\btasks?\b.*\btest\b.*\benabled\s*=\s*false|\bisEnabled\s*=\s*false|^\s*enabled\s*=\s*false",
        examples: &[
            "ignoreFailures = true",
            "test.enabled = false // task test enabled = false",
            "excludeTags 'slow'",
        ],
        neighbours: &["ignoreFailures = false", "implementation 'a:b:1'"],
    },
];
