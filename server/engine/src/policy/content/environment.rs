//! Programs that newly print the whole environment: what is secret in it ends in a log.

use super::Objection;
use crate::path::WorkspacePath;
use crate::policy::Verdict;
use crate::policy::classes::{PathClass, classify};
use regex::Regex;
use std::sync::LazyLock;

/// A way to print the environment in some languages.
struct Dump {
    extensions: &'static [&'static str],
    /// One of them occurs in every text that matches.
    words: &'static [&'static str],
    pattern: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests hold the row to its examples"))]
    examples: &'static [&'static str],
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests hold the row to its examples"))]
    neighbours: &'static [&'static str],
}

const DUMPS: &[Dump] = &[
    Dump {
        extensions: &["rs"],
        words: &["env::vars"],
        pattern: r"(?s)\benv::vars(?:_os)?\(\)[^}]{0,120}?\b(?:e?print(?:ln)?|dbg|write(?:ln)?|trace|debug|info|warn|error|panic|format)!|\b(?:e?print(?:ln)?|dbg|write(?:ln)?|trace|debug|info|warn|error|panic|format)!\s*\([^;]{0,120}?\benv::vars(?:_os)?\(\)",
        examples: &[
            "for (k, v) in std::env::vars() { eprintln!(\"{k}={v}\"); }",
            "println!(\"{:?}\", std::env::vars().collect::<Vec<_>>());",
            "dbg!(env::vars_os());",
        ],
        neighbours: &[
            "println!(\"{}\", std::env::var(\"HOME\")?);",
            "let vars: BTreeMap<_, _> = std::env::vars().collect();",
            "command.envs(std::env::vars());",
        ],
    },
    Dump {
        extensions: &["py", "pyw"],
        words: &["environ"],
        pattern: r"(?s)\b(?:print|pprint|pformat|dumps|dump|debug|info|warning|error|exception|critical|write|repr|str|echo|secho)\s*\([^\n;]{0,120}?\b(?:os\.)?environb?(?:\.(?:items|copy|values)\(\))?\s*[),}!:]|\bfor\s+[\w, ()]+\s+in\s+(?:sorted\()?(?:os\.)?environ(?:\.items\(\))?\)?\s*:.{0,120}?\b(?:print|log\w*\.\w+|write)\s*\(",
        examples: &[
            "print(os.environ)",
            "print(dict(os.environ))",
            "logger.info(f\"env: {os.environ}\")",
            "for k, v in os.environ.items():\n    print(k, v)",
            "json.dumps(dict(os.environ))",
        ],
        neighbours: &[
            "print(os.environ['HOME'])",
            "print(os.environ.get('HOME'))",
            "env = dict(os.environ)",
            "subprocess.run(argv, env=os.environ)",
        ],
    },
    Dump {
        extensions: &["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"],
        words: &["process.env", "Deno.env", "Bun.env"],
        pattern: r"(?s)\b(?:console\.\w+|JSON\.stringify|util\.inspect|inspect|log(?:ger)?(?:\.\w+)?|res\.(?:send|json|end)|stdout\.write|stderr\.write)\s*\([^\n;]{0,120}?\b(?:process\.env|Bun\.env|Deno\.env\.toObject\(\))\s*[),}\]]|\bfor\s*\([^)]{0,60}\b(?:in|of)\s+(?:Object\.\w+\()?process\.env\)?\)?.{0,120}?\bconsole\.|\bObject\.(?:entries|keys|values)\(process\.env\)\.(?:forEach|map)\(.{0,120}?\bconsole\.",
        examples: &[
            "console.log(process.env);",
            "console.log('env', JSON.stringify(process.env));",
            "for (const [k, v] of Object.entries(process.env)) { console.log(k, v); }",
            "res.json(process.env);",
            "console.log({ ...process.env });",
        ],
        neighbours: &[
            "console.log(process.env.HOME);",
            "console.log(process.env['HOME']);",
            "spawn('x', [], { env: process.env });",
            "const env = { ...process.env };",
        ],
    },
    Dump {
        extensions: &["go"],
        words: &["Environ()"],
        pattern: r"(?s)\b(?:fmt|log|slog|logger|zap)\.\w+\([^\n]{0,120}?\bos\.Environ\(\)|\brange\s+os\.Environ\(\)\s*\{.{0,120}?\b(?:fmt|log|slog|logger)\.\w+\(",
        examples: &["fmt.Println(os.Environ())", "for _, e := range os.Environ() {\n\tlog.Println(e)\n}"],
        neighbours: &["cmd.Env = os.Environ()", "fmt.Println(os.Getenv(\"HOME\"))"],
    },
    Dump {
        extensions: &["java", "kt", "kts", "scala", "groovy"],
        words: &["getenv"],
        pattern: r"(?s)\b(?:println|print|printf|info|debug|warn|error|trace)\s*\([^;]{0,120}?\bSystem\.getenv\(\)|\bSystem\.getenv\(\)[^;]{0,120}?\b(?:println|print|printf|info|debug)\b",
        examples: &[
            "System.out.println(System.getenv());",
            "System.getenv().forEach((k, v) -> System.out.println(k + v));",
        ],
        neighbours: &[
            "System.out.println(System.getenv(\"HOME\"));",
            "Map<String, String> env = System.getenv();",
        ],
    },
    Dump {
        extensions: &["rb", "rake"],
        words: &["ENV"],
        pattern: r"\b(?:puts|pp?|print|warn|logger\.\w+)[ (]\s*ENV(?:\.(?:to_h|to_a|inspect|to_s))?\s*\)?\s*(?:$|[;#])|\bENV\.each\b[^\n]{0,80}\b(?:puts|print|pp?)\b",
        examples: &["puts ENV.to_h", "p ENV", "ENV.each { |k, v| puts k }"],
        neighbours: &["puts ENV['HOME']", "puts ENV.fetch('HOME')"],
    },
    Dump {
        extensions: &["php"],
        words: &["_ENV", "_SERVER", "getenv", "phpinfo"],
        pattern: r"\b(?:print_r|var_dump|var_export|json_encode|error_log)\s*\(\s*(?:\$_ENV|\$_SERVER|getenv\(\))\s*[,)]|\bphpinfo\(",
        examples: &["print_r($_ENV);", "var_dump(getenv());", "phpinfo();"],
        neighbours: &["print_r($_ENV['HOME']);", "echo getenv('HOME');"],
    },
    Dump {
        extensions: &["cs", "fs", "vb"],
        words: &["GetEnvironmentVariables"],
        pattern: r"(?s)\bGetEnvironmentVariables\(\).{0,160}?\b(?:WriteLine|Write|Log\w*)\s*\(|\b(?:WriteLine|Log\w*|Serialize)\s*\([^;]{0,80}?\bGetEnvironmentVariables\(\)",
        examples: &[
            "foreach (DictionaryEntry e in Environment.GetEnvironmentVariables()) { Console.WriteLine(e.Key); }",
        ],
        neighbours: &[
            "var env = Environment.GetEnvironmentVariables();",
            "Console.WriteLine(Environment.GetEnvironmentVariable(\"HOME\"));",
        ],
    },
    Dump {
        extensions: &["sh", "bash", "zsh", "ksh"],
        words: &["env", "export", "declare", "set"],
        pattern: r"(?m)^\s*(?:printenv|env|export\s+-p|declare\s+-[px]|set)\s*(?:$|[|>;&#])",
        examples: &["printenv", "env | sort", "env > /tmp/x", "export -p"],
        neighbours: &["env FOO=1 ./run", "set -eu", "printenv HOME", "environment=1", "export PATH"],
    },
    Dump {
        extensions: &["ps1", "psm1"],
        words: &["env:", "Env:"],
        pattern: r"(?im)\b(?:get-childitem|gci|dir|ls)\s+env:\s*(?:$|[|>;])",
        examples: &["Get-ChildItem Env:", "dir env: | Out-File x"],
        neighbours: &["$env:PATH", "Get-ChildItem Env:PATH"],
    },
];

static COMPILED: LazyLock<Vec<Option<Regex>>> =
    LazyLock::new(|| DUMPS.iter().map(|dump| Regex::new(dump.pattern).ok()).collect());

/// A place at which a program newly prints its whole environment.
pub(super) fn dumped(path: &WorkspacePath, base: &str, text: &str) -> Option<Objection> {
    let extension = path.extension();
    let dumps = DUMPS.iter().zip(COMPILED.iter());
    let mut dumps = dumps.filter(|(dump, _)| {
        dump.extensions.contains(&extension.as_str()) && dump.words.iter().any(|word| text.contains(word))
    });
    let found = dumps.find_map(|(_, pattern)| {
        let pattern = pattern.as_ref()?;
        let mut had: Vec<&str> = pattern.find_iter(base).map(|found| found.as_str()).collect();
        pattern.find_iter(text).map(|found| found.as_str()).find(|found| {
            let at = had.iter().position(|old| old == found);
            at.map(|at| had.swap_remove(at)).is_none()
        })
    })?;
    let is_test = || classify(path).iter().any(|class| matches!(class, PathClass::Tests | PathClass::Judges));
    if is_test() {
        return None;
    }
    let shown = found.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Objection {
        rule: "content.environment_dump",
        verdict: Verdict::Ask,
        found: shown.chars().take(80).flat_map(char::escape_debug).collect(),
        remedy: "print only the variables that are needed, by name; others may hold secrets",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, base: &str, text: &str) -> bool {
        dumped(&WorkspacePath::parse(path).unwrap(), base, text).is_some()
    }

    #[test]
    fn every_row_compiles_and_keeps_its_promises() {
        for (dump, pattern) in DUMPS.iter().zip(COMPILED.iter()) {
            assert!(pattern.is_some(), "{}", dump.pattern);
            assert!(!dump.examples.is_empty() && !dump.neighbours.is_empty(), "{}", dump.pattern);
            let path = format!("src/a.{}", dump.extensions[0]);
            for example in dump.examples {
                assert!(found(&path, "", example), "{example}");
            }
            for neighbour in dump.neighbours {
                assert!(!found(&path, "", neighbour), "{neighbour}");
            }
        }
    }

    #[test]
    fn what_stood_there_and_what_tests_do_is_not_asked_about() {
        assert!(!found("a.py", "print(os.environ)\n", "x = 1\nprint(os.environ)\n"));
        assert!(found("a.py", "print(os.environ)\n", "print(os.environ)\nprint(os.environ)\n"));
        assert!(!found("tests/test_a.py", "", "print(os.environ)\n"));
        assert!(!found("docs/a.md", "", "print(os.environ)\n"));
    }
}
