use super::*;
use openexec_engine::task::{ReportFormat, TaskArg};

fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

/// The tasks, one a line, for snapshots.
fn shown(files: &[(&str, &str)]) -> String {
    let dir = workspace(files);
    match declared(dir.path()) {
        Ok(declared) => {
            let lines: Vec<String> = declared.tasks.iter().map(line).collect();
            lines.join("\n")
        }
        Err(error) => format!("error: {error}"),
    }
}

fn line(task: &Task) -> String {
    let mut line = format!("{} = {} [{:?} by {}]", task.name, task.argv.join(" "), task.report, task.origin);
    if let Some(cwd) = &task.cwd {
        line.push_str(&format!(" in {cwd}"));
    }
    if let Some(file) = &task.report_file {
        line.push_str(&format!(" report {file}"));
    }
    for (key, value) in &task.env {
        line.push_str(&format!(" {key}={value}"));
    }
    line
}

/// Those of one name, so that what is installed here does not matter.
fn shown_tests(files: &[(&str, &str)]) -> String {
    shown(files).lines().filter(|line| line.starts_with("test")).collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_declares_nothing() {
    assert_eq!(shown(&[("README.md", "# hello")]), "");
}

#[test]
fn cargo_projects() {
    insta::assert_snapshot!(shown_tests(&[("Cargo.toml", "[package]\nname = \"a\"\n")]), @r#"test = cargo test --no-fail-fast [Libtest by Cargo.toml]"#);
    insta::assert_snapshot!(shown_tests(&[("Cargo.toml", "[workspace]\nmembers = [\"b\"]\n\n[package]\nname = \"a\"\n")]), @r#"test = cargo test --no-fail-fast --workspace [Libtest by Cargo.toml]"#);
}

#[test]
fn scripts_of_package_json() {
    let package = |test: &str| {
        format!(
            "{{\"scripts\": {{\"test\": \"{test}\", \"lint\": \"eslint .\", \"format\": \"prettier --check .\"}}}}"
        )
    };
    let with = |test: &str, lock: &str| shown(&[("package.json", package(test).as_str()), (lock, "")]);
    insta::assert_snapshot!(with("node --test", "package-lock.json"), @r#"
    test = npm run --silent test [Tap by package.json] NODE_OPTIONS=--test-reporter=tap
    lint = npm run --silent lint [Auto by package.json]
    "#);
    insta::assert_snapshot!(with("tsc && jest", "yarn.lock"), @r#"
    test = yarn run test --json [JestJson by package.json]
    lint = yarn run lint [Auto by package.json]
    "#);
    insta::assert_snapshot!(with("jest && eslint .", "package-lock.json"), @r#"
    test = npm run --silent test [Auto by package.json]
    lint = npm run --silent lint [Auto by package.json]
    "#);
    insta::assert_snapshot!(with("vitest run", "pnpm-lock.yaml"), @r#"
    test = pnpm --silent run test --reporter=junit --outputFile=.openexec-reports/vitest.xml [Junit by package.json] report .openexec-reports/vitest.xml
    lint = pnpm --silent run lint [Auto by package.json]
    "#);
    insta::assert_snapshot!(with("cross-env A=1 npx mocha spec", "package-lock.json"), @r#"
    test = npm run --silent test -- --reporter tap [Tap by package.json]
    lint = npm run --silent lint [Auto by package.json]
    "#);
    insta::assert_snapshot!(with("echo \\\"Error: no test specified\\\" && exit 1", "package-lock.json"), @r#"lint = npm run --silent lint [Auto by package.json]"#);
}

#[test]
fn python_projects() {
    insta::assert_snapshot!(shown(&[("pyproject.toml", "[tool.pytest.ini_options]\n"), (".venv/bin/python", "")]), @r#"test = .venv/bin/python -m pytest -q -p no:cacheprovider -o junit_family=xunit1 --junitxml=.openexec-reports/pytest.xml [Junit by pyproject.toml] report .openexec-reports/pytest.xml"#);
    insta::assert_snapshot!(shown(&[("tests/test_a.py", ""), ("venv/bin/python", "")]), @r#"test = venv/bin/python -m unittest discover -s tests -t . [Auto by tests]"#);
    insta::assert_snapshot!(shown(&[("test_a.py", ""), ("venv/bin/python", ""), ("venv/bin/pytest", ""), ("ruff.toml", ""), ("venv/bin/ruff", "")]), @r#"
    test = venv/bin/python -m pytest -q -p no:cacheprovider -o junit_family=xunit1 --junitxml=.openexec-reports/pytest.xml [Junit by test_*.py] report .openexec-reports/pytest.xml
    lint = venv/bin/ruff check --no-cache . [Auto by ruff.toml]
    format = venv/bin/ruff format --no-cache . [Auto by ruff.toml]
    "#);
    assert_eq!(shown(&[("pyproject.toml", "[project]\nname = \"a\"\n"), ("a.py", "")]), "");
}

#[test]
fn other_build_tools() {
    insta::assert_snapshot!(shown(&[("go.mod", "module m\n")]), @r#"
    test = go test -json ./... [GoJson by go.mod]
    lint = go vet ./... [Auto by go.mod]
    format = gofmt -w . [Auto by go.mod]
    "#);
    insta::assert_snapshot!(shown(&[("pom.xml", "<project/>")]), @r#"test = mvn --offline --batch-mode --fail-at-end test [Junit by pom.xml] report target/surefire-reports"#);
    insta::assert_snapshot!(shown(&[("build.gradle.kts", ""), ("gradlew", "")]), @r#"test = ./gradlew --offline --no-daemon --continue cleanTest test [Junit by build.gradle.kts] report build/test-results/test"#);
    insta::assert_snapshot!(shown(&[("Makefile", "test := x\n.PHONY: test\ncheck: all\n\tcargo test\nlint:\n")]), @r#"
    test = make check [Auto by Makefile]
    lint = make lint [Auto by Makefile]
    "#);
    insta::assert_snapshot!(shown(&[("CMakeLists.txt", ""), ("build/CMakeCache.txt", "CMAKE_GENERATOR:INTERNAL=Unix Makefiles\n")]), @r#"test = ctest --build-and-test . build --build-noclean --build-generator Unix Makefiles --test-command ctest --output-on-failure --output-junit .openexec-reports.xml [Junit by CMakeLists.txt] report build/.openexec-reports.xml"#);
    assert_eq!(shown(&[("CMakeLists.txt", "")]), "", "without a configured build there is nothing to run");
}

#[test]
fn several_ecosystems_have_names_of_their_own() {
    insta::assert_snapshot!(shown_tests(&[
        ("Cargo.toml", "[package]\n"),
        ("go.mod", "module m\n"),
        ("package.json", "{\"scripts\": {\"test\": \"node --test\"}}"),
        ("Makefile", "test:\n\tcargo test\n"),
    ]), @r#"
    test = cargo test --no-fail-fast [Libtest by Cargo.toml]
    test-go = go test -json ./... [GoJson by go.mod]
    test-npm = npm run --silent test [Tap by package.json] NODE_OPTIONS=--test-reporter=tap
    "#);
}

#[test]
fn packages_one_level_down() {
    insta::assert_snapshot!(shown_tests(&[
        ("api/go.mod", "module m\n"),
        ("web/package.json", "{\"scripts\": {\"test\": \"vitest\"}}"),
        ("node_modules/x/package.json", "{\"scripts\": {\"test\": \"vitest\"}}"),
        ("deep/er/Cargo.toml", "[package]\n"),
    ]), @r#"
    test = go test -json ./... [GoJson by api/go.mod] in api
    test-web = npm run --silent test -- --reporter=junit --outputFile=.openexec-reports/vitest.xml [Junit by web/package.json] in web report web/.openexec-reports/vitest.xml
    "#);
}

#[test]
fn the_file_adds_replaces_and_disables() {
    let yaml = "version: 1\ndisable: [lint, format]\ntasks:\n\
                - {name: test, kind: test, argv: [./run-tests, --all], report: junit, report_file: out/report.xml}\n\
                - name: smoke\n  kind: test\n  argv: [make, smoke]\n  cwd: e2e\n  env: {A: b}\n  report: exit_code\n  timeout: fast\n";
    insta::assert_snapshot!(shown(&[("go.mod", ""), (TASKS_FILE, yaml)]), @r#"
    smoke = make smoke [ExitCode by .openexec/tasks.yaml] in e2e A=b
    test = ./run-tests --all [Junit by .openexec/tasks.yaml] report out/report.xml
    "#);
}

#[test]
fn a_malformed_file_is_refused_with_its_place() {
    let with = |yaml: &str| shown(&[(TASKS_FILE, yaml)]);
    let task = |rest: &str| with(&format!("version: 1\ntasks:\n  - {rest}\n"));
    insta::assert_snapshot!(with("version: 2\n"), @r#"error: .openexec/tasks.yaml:1:10: this version is unknown; write `version: 1`"#);
    insta::assert_snapshot!(with("tasks: []\n"), @r#"error: .openexec/tasks.yaml:1:1: missing field `version`; a task has the keys name, kind (test, lint, format, other), argv (a list), and optionally cwd, env, report, report_file, timeout (fast, medium, long), network (a list of hosts), params (each with name, type (string, workspace_path, choice), pattern or of, and argv), writes (a list of files)"#);
    insta::assert_snapshot!(with("version: 1\ndisable: [nothing]\n"), @r#"error: .openexec/tasks.yaml:2:11: no task `nothing` was detected; remove it from `disable`"#);
    insta::assert_snapshot!(task("{name: a, kind: test, argv: [x], shell: true}"), @r#"error: .openexec/tasks.yaml:3:38: unknown field `shell`, expected one of name, kind, argv, cwd, env, report, report_file, timeout, network, params, writes; a task has the keys name, kind (test, lint, format, other), argv (a list), and optionally cwd, env, report, report_file, timeout (fast, medium, long), network (a list of hosts), params (each with name, type (string, workspace_path, choice), pattern or of, and argv), writes (a list of files)"#);
    insta::assert_snapshot!(task("{name: a, kind: tests, argv: [x]}"), @r#"error: .openexec/tasks.yaml:3:21: unknown variant `tests`, expected one of test, lint, format, other; a task has the keys name, kind (test, lint, format, other), argv (a list), and optionally cwd, env, report, report_file, timeout (fast, medium, long), network (a list of hosts), params (each with name, type (string, workspace_path, choice), pattern or of, and argv), writes (a list of files)"#);
    insta::assert_snapshot!(task("{name: a, kind: test, argv: make test}"), @r#"error: .openexec/tasks.yaml:3:33: expected sequence start; a task has the keys name, kind (test, lint, format, other), argv (a list), and optionally cwd, env, report, report_file, timeout (fast, medium, long), network (a list of hosts), params (each with name, type (string, workspace_path, choice), pattern or of, and argv), writes (a list of files)"#);
    insta::assert_snapshot!(task("{name: a, kind: test, argv: []}"), @r#"error: .openexec/tasks.yaml:3:33: `a` names no program; write `argv: [program, argument]`"#);
    insta::assert_snapshot!(task("{name: A b, kind: test, argv: [x]}"), @r#"error: .openexec/tasks.yaml:3:12: `A b` is no name for a task; use a-z, 0-9, `-` and `_`"#);
    insta::assert_snapshot!(task("{name: a, kind: test, argv: [x], cwd: ../up}"), @r#"error: .openexec/tasks.yaml:3:43: `../up`: it is not canonical; write it without `.`, `..`, `//` and without a trailing `/`; a task has the keys name, kind (test, lint, format, other), argv (a list), and optionally cwd, env, report, report_file, timeout (fast, medium, long), network (a list of hosts), params (each with name, type (string, workspace_path, choice), pattern or of, and argv), writes (a list of files)"#);
    insta::assert_snapshot!(task("{name: a, kind: test, argv: [x], report: junit}"), @r#"error: .openexec/tasks.yaml:3:12: `a` reports as `junit`; say where, with `report_file`"#);
    insta::assert_snapshot!(task("{name: a, kind: test, argv: [x]}\n  - {name: a, kind: test, argv: [y]}"), @r#"error: .openexec/tasks.yaml:4:12: `a` is declared twice; rename or remove one of the two"#);
    insta::assert_snapshot!(with("version: 1\ntasks: [\n"), @r#"error: .openexec/tasks.yaml:2:8: unclosed bracket '['; a task has the keys name, kind (test, lint, format, other), argv (a list), and optionally cwd, env, report, report_file, timeout (fast, medium, long), network (a list of hosts), params (each with name, type (string, workspace_path, choice), pattern or of, and argv), writes (a list of files)"#);
}

#[test]
fn parameters_are_declared_with_their_types() {
    let with = |params: &str| {
        let yaml = format!(
            "version: 1\ntasks:\n  - name: t\n    kind: test\n    argv: [run]\n    params: [{params}]\n"
        );
        let dir = workspace(&[(TASKS_FILE, yaml.as_str())]);
        declared(dir.path()).map(|declared| declared.tasks[0].clone()).map_err(|error| error.to_string())
    };
    let task = with(
        "{name: filter, type: string, pattern: '[a-z]+(::[a-z]+)*', argv: ['--', '{value}']}, \
         {name: path, type: workspace_path}, {name: mode, type: choice, of: [fast, slow], argv: ['--mode={value}']}",
    )
    .unwrap();
    let argv = |args: &[(&str, &str)]| {
        let args: Vec<TaskArg> = args
            .iter()
            .map(|(name, value)| TaskArg { name: (*name).to_owned(), value: (*value).to_owned() })
            .collect();
        task.argv_with(&args).map_err(|error| error.to_string())
    };
    assert_eq!(argv(&[]).unwrap(), ["run"]);
    assert_eq!(
        argv(&[("mode", "slow"), ("path", "tests/a b.py"), ("filter", "a::b")]).unwrap(),
        ["run", "--", "a::b", "tests/a b.py", "--mode=slow"],
    );
    for (name, value, says) in [
        ("filter", "a; id", "does not match"),
        ("filter", "a\nb", "control"),
        ("filter", "--config=x", "must not begin"),
        ("filter", "", "1 to"),
        ("path", "-pevil", "must not begin"),
        ("path", "../x", "not canonical"),
        ("path", "/etc/passwd", "relative"),
        ("mode", "medium", "one of fast, slow"),
        ("other", "x", "takes filter, path, mode"),
    ] {
        let error = argv(&[(name, value)]).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    assert!(argv(&[("mode", "fast"), ("mode", "fast")]).unwrap_err().contains("twice"));
    for (params, says) in [
        ("{name: f, type: string}", "6:30: a `string` needs `pattern`"),
        ("{name: f, type: string, pattern: '('}", "the pattern is broken"),
        ("{name: f, type: string, pattern: 'a)|(b'}", "the pattern is broken"),
        ("{name: f, type: choice, of: []}", "nothing to choose from"),
        ("{name: f, type: workspace_path, of: [a]}", "neither `pattern` nor `of`"),
        ("{name: f, type: workspace_path, argv: [x]}", "write `{value}` exactly once"),
        ("{name: F, type: workspace_path}", "no name for a parameter"),
        ("{name: f, type: workspace_path}, {name: f, type: workspace_path}", "declared twice"),
        ("{name: f, type: workspace_path, shell: true}", "unknown field `shell`"),
    ] {
        let error = with(params).unwrap_err();
        assert!(error.contains(says) && error.starts_with(".openexec/tasks.yaml:"), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_not_taken_for_absent() {
    let large = format!("version: 1\n#{}\n", "x".repeat(CONFIG_BYTES_MAX));
    assert!(shown(&[(TASKS_FILE, large.as_str())]).starts_with("error: "));
    assert!(shown(&[(".openexec/tasks.yaml/x", "")]).starts_with("error: "));
}

#[test]
fn declarations_are_plain_files() {
    for link in [".openexec/state", ".openexec/blueprints/a.yaml", ".openexec"] {
        let dir = workspace(&[("Cargo.toml", "[package]\n")]);
        std::fs::create_dir_all(dir.path().join(link).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/", dir.path().join(link)).unwrap();
        let error = declared(dir.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("`{link}` is a symbolic link")), "{error}");
    }
}

#[test]
fn content_changes_with_whatever_declares() {
    let files = [
        ("Cargo.toml", "[package]\n"),
        ("build.rs", "fn main() {}"),
        (".openexec/blueprints/a.yaml", "x"),
        ("src/lib.rs", ""),
    ];
    let dir = workspace(&files);
    let before = declared(dir.path()).unwrap();
    let names: Vec<&str> = before.files.keys().map(String::as_str).collect();
    assert_eq!(names, [".openexec/blueprints/a.yaml", "Cargo.toml", "build.rs"]);
    assert_eq!(before.tasks[0].report, ReportFormat::Libtest);
    assert_eq!(declared(dir.path()).unwrap(), before);
    std::fs::write(dir.path().join("src/lib.rs"), "// changed").unwrap();
    assert_eq!(declared(dir.path()).unwrap().content, before.content);
    for path in
        [".openexec/blueprints/a.yaml", "Cargo.toml", "build.rs", ".openexec/new", ".cargo/config.toml"]
    {
        let old = std::fs::read_to_string(dir.path().join(path)).ok();
        std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
        std::fs::write(dir.path().join(path), "# changed\n").unwrap();
        assert_ne!(declared(dir.path()).unwrap().content, before.content, "{path}");
        match old {
            Some(old) => std::fs::write(dir.path().join(path), old).unwrap(),
            None => std::fs::remove_file(dir.path().join(path)).unwrap(),
        }
    }
}

#[test]
fn hosts_are_checked_where_they_are_declared() {
    let declared = |hosts: &str| {
        let file =
            format!("version: 1\ntasks:\n- {{name: fetch, kind: other, argv: [x], network: [{hosts}]}}\n");
        shown(&[(".openexec/tasks.yaml", &file)])
    };
    assert_eq!(
        declared("example.org, '*.example.org', 'a.example:8443'"),
        "fetch = x [Auto by .openexec/tasks.yaml]"
    );
    insta::assert_snapshot!(declared("ok.example, 169.254.169.254"), @"error: .openexec/tasks.yaml:3:63: `169.254.169.254` in `network`: `169.254.169.254` is an address of a private network or of this link, which no task may reach");
    insta::assert_snapshot!(declared("\"a\\0b\""), @r"error: .openexec/tasks.yaml:3:51: `a\0b` in `network`: it is no host; write `host`, `host:port` or `*.example.org`");
    insta::assert_snapshot!(declared("'*'"), @"error: .openexec/tasks.yaml:3:51: `*` in `network`: a `*` stands for the names below a domain, as in `*.example.org`, and for nothing else");
    insta::assert_snapshot!(declared("{a: b}"), @"error: .openexec/tasks.yaml:3:51: expected string scalar; a task has the keys name, kind (test, lint, format, other), argv (a list), and optionally cwd, env, report, report_file, timeout (fast, medium, long), network (a list of hosts), params (each with name, type (string, workspace_path, choice), pattern or of, and argv), writes (a list of files)");
}

#[test]
fn the_checked_in_schema_is_the_one_of_the_types() {
    let checked_in = include_str!("../../../../blueprints/tasks.schema.json");
    let generated = serde_json::to_string_pretty(&super::json_schema()).unwrap() + "\n";
    assert!(
        generated == checked_in,
        "blueprints/tasks.schema.json is out of date; refresh it from the repository's root with\n\
         cargo test -p openexec --lib tasks::tests::the_checked_in 2>&1 | sed -n '/^{{$/,/^}}$/p' > schema.new; \
         mv schema.new blueprints/tasks.schema.json\n{generated}"
    );
}
