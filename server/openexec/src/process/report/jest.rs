//! The document of `jest --json`, which `vitest --reporter=json` prints as well. Package
//! managers print their own lines before it.

use super::{Locate, ParsedReport, failure, place};
use openexec_engine::task::TestCounts;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    num_passed_tests: u32,
    num_failed_tests: u32,
    #[serde(default)]
    num_pending_tests: u32,
    #[serde(default)]
    num_todo_tests: u32,
    test_results: Vec<Suite>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Suite {
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    assertion_results: Vec<Assertion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assertion {
    #[serde(default)]
    full_name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    failure_messages: Option<Vec<String>>,
}

/// The first document that begins a line.
fn document(text: &str) -> Option<Document> {
    let starts = text.match_indices('{').map(|(at, _)| at);
    starts.filter(|at| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n')).find_map(|at| {
        serde_json::Deserializer::from_str(text.get(at..)?).into_iter::<Document>().next()?.ok()
    })
}

pub(super) fn recognises(text: &str) -> bool {
    text.contains("\"numPassedTests\"") && document(text).is_some()
}

pub(super) fn parse(text: &str, locate: Locate) -> ParsedReport {
    let Some(document) = document(text) else { return ParsedReport::default() };
    let mut counts = TestCounts {
        passed: document.num_passed_tests,
        failed: document.num_failed_tests,
        skipped: document.num_pending_tests.saturating_add(document.num_todo_tests),
    };
    let mut failures = Vec::new();
    for suite in &document.test_results {
        let file = locate(&suite.name);
        let failing = suite.assertion_results.iter().filter(|assertion| assertion.status == "failed");
        let before = failures.len();
        for assertion in failing {
            let message = assertion.failure_messages.as_deref().unwrap_or_default().join("\n");
            let at = place(&message, locate).map(|(path, line)| (path, Some(line)));
            failures.push(failure(
                &assertion.full_name,
                at.or(file.clone().map(|file| (file, None))),
                &message,
            ));
        }
        // A suite that fails without a failing test could not be loaded.
        if suite.status == "failed" && failures.len() == before {
            counts.failed = counts.failed.saturating_add(1);
            let at = place(&suite.message, locate).map(|(path, line)| (path, Some(line)));
            let name = file.as_ref().map_or(suite.name.as_str(), |file| file.as_str());
            failures.push(failure(name, at.or(file.clone().map(|file| (file, None))), &suite.message));
        }
    }
    ParsedReport { counts: Some(counts), failures }
}
