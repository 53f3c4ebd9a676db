//! What the documents say is so.

use std::collections::BTreeSet;
use std::path::Path;

/// Every test function below a directory, as its name alone.
fn functions(root: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with(".cache") {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let names = text.lines().filter_map(|line| {
                let line = line.trim_start().trim_start_matches("async ");
                line.strip_prefix("fn ")?.split('(').next()
            });
            found.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(repository.join("server/SECURITY.md")).unwrap();
    let mut known = BTreeSet::new();
    functions(&repository.join("server"), &mut known);
    functions(&repository.join("tests"), &mut known);
    let promises: Vec<&str> =
        text.lines().filter(|line| line.starts_with("| ") && line.contains("::")).collect();
    assert!(promises.len() > 20, "{}", promises.len());
    for line in promises {
        let tests = line.rsplit('|').nth(1).unwrap().split('`').skip(1).step_by(2);
        for test in tests.filter(|test| test.contains("::")) {
            let name = test.rsplit("::").next().unwrap();
            // A whole module is named by its path alone.
            let exists = match name.is_empty() {
                true => module_exists(&repository, test.trim_end_matches("::")),
                false => known.contains(name),
            };
            assert!(exists, "SECURITY.md names `{test}`, which does not exist");
        }
    }
}

/// True when some source file is the module, or holds it: `a::tests` may stand in `a.rs`.
fn module_exists(repository: &Path, module: &str) -> bool {
    let paths = [module.to_owned(), module.trim_end_matches("::tests").to_owned()];
    let roots = ["server/engine/src", "server/openexec/src", "tests/e2e"];
    roots.iter().any(|root| {
        paths.iter().any(|path| {
            let place = repository.join(root).join(path.replace("::", "/"));
            place.is_dir() || place.with_extension("rs").exists()
        })
    })
}
