//! Maven and Gradle, offline. Their reports are directories of JUnit XML, one in each module.

use super::{Package, Spec};
use openexec_engine::task::{ReportFormat, TaskKind};

pub(super) fn maven(package: &mut Package) {
    const ORIGIN: &str = "pom.xml";
    if package.text(ORIGIN).is_none() {
        return;
    }
    package.note(".mvn/jvm.config");
    package.note(".mvn/maven.config");
    let maven = if package.has("mvnw") { "./mvnw" } else { "mvn" };
    package.note("mvnw");
    package.task(
        ORIGIN,
        "maven",
        Spec {
            report: ReportFormat::Junit,
            report_file: Some("target/surefire-reports"),
            ..Spec::plain(TaskKind::Test, &[maven, "--offline", "--batch-mode", "--fail-at-end", "test"])
        },
    );
}

pub(super) fn gradle(package: &mut Package) {
    let Some(origin) =
        ["build.gradle", "build.gradle.kts"].into_iter().find(|file| package.text(file).is_some())
    else {
        return;
    };
    for file in ["settings.gradle", "settings.gradle.kts", "gradle.properties", "gradlew"] {
        package.note(file);
    }
    let gradle = if package.has("gradlew") { "./gradlew" } else { "gradle" };
    // Without `cleanTest`, Gradle skips tests whose inputs are unchanged, and reports nothing.
    package.task(
        origin,
        "gradle",
        Spec {
            report: ReportFormat::Junit,
            report_file: Some("build/test-results/test"),
            ..Spec::plain(
                TaskKind::Test,
                &[gradle, "--offline", "--no-daemon", "--continue", "cleanTest", "test"],
            )
        },
    );
}
