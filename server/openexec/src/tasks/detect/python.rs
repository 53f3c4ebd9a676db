//! pytest, or unittest where there is no pytest; ruff where it is configured.

use super::{Package, REPORTS, Spec, has_table, installed};
use openexec_engine::task::{ReportFormat, TaskKind};

pub(super) fn python(package: &mut Package) {
    let environment = [".venv", "venv"].into_iter().find(|name| package.has(&format!("{name}/bin/python")));
    let interpreter = environment.map_or_else(|| "python3".to_owned(), |name| format!("{name}/bin/python"));
    tests(package, environment, &interpreter);
    ruff(package, environment);
}

fn tests(package: &mut Package, environment: Option<&str>, interpreter: &str) {
    let configured = [
        ("pyproject.toml", ["tool.pytest.ini_options", "tool.pytest"]),
        ("pytest.ini", ["pytest", "pytest"]),
        ("tox.ini", ["pytest", "pytest"]),
        ("setup.cfg", ["tool:pytest", "tool:pytest"]),
    ]
    .into_iter()
    .find_map(|(file, tables)| {
        let text = package.text(file)?;
        (file == "pytest.ini" || tables.iter().any(|table| has_table(&text, table))).then_some(file)
    });
    let is_test =
        |name: &String| name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py"));
    let place = ["", "tests", "test"].into_iter().find(|place| package.names(place).iter().any(is_test));
    let Some(origin) = configured.or(place.map(|place| match place {
        "" => "test_*.py",
        "tests" => "tests",
        _ => "test",
    })) else {
        return;
    };
    for file in ["conftest.py", "tests/conftest.py", "test/conftest.py"] {
        package.note(file);
    }
    if configured.is_none() && !has_pytest(package, environment) {
        let argv = match place {
            Some("") | None => vec![interpreter, "-m", "unittest", "discover"],
            Some(place) => vec![interpreter, "-m", "unittest", "discover", "-s", place, "-t", "."],
        };
        package.task(origin, "python", Spec::plain(TaskKind::Test, &argv));
        return;
    }
    let report_file = format!("{REPORTS}/pytest.xml");
    // The older family of JUnit XML names file and line.
    let argv = [
        interpreter,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "junit_family=xunit1",
        &format!("--junitxml={report_file}"),
    ];
    let (report, report_file) = (ReportFormat::Junit, Some(report_file.as_str()));
    package.task(origin, "python", Spec { report, report_file, ..Spec::plain(TaskKind::Test, &argv) });
}

fn has_pytest(package: &Package, environment: Option<&str>) -> bool {
    match environment {
        Some(name) => package.has(&format!("{name}/bin/pytest")),
        None => installed("pytest"),
    }
}

fn ruff(package: &mut Package, environment: Option<&str>) {
    let in_pyproject = package
        .text("pyproject.toml")
        .is_some_and(|text| text.lines().any(|line| line.trim().starts_with("[tool.ruff")));
    let origin = match ["ruff.toml", ".ruff.toml"].into_iter().find(|file| package.text(file).is_some()) {
        Some(file) => file,
        None if in_pyproject => "pyproject.toml",
        None => return,
    };
    let own = environment.map(|name| format!("{name}/bin/ruff")).filter(|path| package.has(path));
    let ruff = own.as_deref().unwrap_or("ruff");
    package.task(origin, "python", Spec::plain(TaskKind::Lint, &[ruff, "check", "--no-cache", "."]));
    package.task(origin, "python", Spec::plain(TaskKind::Format, &[ruff, "format", "--no-cache", "."]));
}
