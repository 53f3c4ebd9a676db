//! Cargo, Go and CMake.

use super::{Package, REPORTS, Spec, has_table, installed};
use openexec_engine::task::{ReportFormat, TaskKind};

/// `cargo test`, with all members where the root is a package and a workspace at once: cargo
/// itself would test the root package only. The linter is clippy with the project's own
/// levels; making every warning an error is for the project to say.
pub(super) fn cargo(package: &mut Package) {
    const ORIGIN: &str = "Cargo.toml";
    let Some(manifest) = package.text(ORIGIN) else { return };
    for file in ["build.rs", ".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"] {
        package.note(file);
    }
    let both = has_table(&manifest, "workspace") && has_table(&manifest, "package");
    let mut test = vec!["cargo", "test", "--no-fail-fast"];
    let mut lint = match installed("cargo-clippy") {
        true => vec!["cargo", "clippy", "--all-targets"],
        false => vec!["cargo", "check", "--all-targets"],
    };
    if both {
        test.push("--workspace");
        lint.push("--workspace");
    }
    let report = ReportFormat::Libtest;
    package.task(ORIGIN, "cargo", Spec { report, ..Spec::plain(TaskKind::Test, &test) });
    package.task(ORIGIN, "cargo", Spec::plain(TaskKind::Lint, &lint));
    if installed("cargo-fmt") {
        package.task(ORIGIN, "cargo", Spec::plain(TaskKind::Format, &["cargo", "fmt"]));
    }
}

pub(super) fn go(package: &mut Package) {
    const ORIGIN: &str = "go.mod";
    if package.text(ORIGIN).is_none() {
        return;
    }
    let report = ReportFormat::GoJson;
    package.task(
        ORIGIN,
        "go",
        Spec { report, ..Spec::plain(TaskKind::Test, &["go", "test", "-json", "./..."]) },
    );
    package.task(ORIGIN, "go", Spec::plain(TaskKind::Lint, &["go", "vet", "./..."]));
    package.task(ORIGIN, "go", Spec::plain(TaskKind::Format, &["gofmt", "-w", "."]));
}

/// CMake projects with a build directory that is configured already. `ctest --build-and-test`
/// builds and then runs the tests, as one command; it wants to be told the generator, which
/// the cache names.
pub(super) fn cmake(package: &mut Package) {
    const ORIGIN: &str = "CMakeLists.txt";
    const BUILDS: [&str; 5] = ["build", "cmake-build-debug", "cmake-build-release", "out", "_build"];
    if package.text(ORIGIN).is_none() {
        return;
    }
    let Some((build, cache)) = BUILDS
        .iter()
        .find_map(|build| Some((*build, package.cache_text(&format!("{build}/CMakeCache.txt"))?)))
    else {
        return;
    };
    let Some(generator) = cache.lines().find_map(|line| line.strip_prefix("CMAKE_GENERATOR:INTERNAL="))
    else {
        return;
    };
    let report_file = format!("{build}/{REPORTS}.xml");
    let argv = [
        "ctest",
        "--build-and-test",
        ".",
        build,
        "--build-noclean",
        "--build-generator",
        generator,
        "--test-command",
        "ctest",
        "--output-on-failure",
        "--output-junit",
        &format!("{REPORTS}.xml"),
    ];
    package.task(
        ORIGIN,
        "cmake",
        Spec {
            report: ReportFormat::Junit,
            report_file: Some(&report_file),
            ..Spec::plain(TaskKind::Test, &argv)
        },
    );
}

impl Package<'_> {
    /// A file that a build tool wrote: it declares nothing that needs trust, and changes with
    /// every configuration, so it is not remembered.
    fn cache_text(&self, file: &str) -> Option<String> {
        self.sources.unnoted_text(&format!("{}{file}", self.prefix))
    }
}
