//! Make, where nothing else is there.

use super::{Package, Spec};
use openexec_engine::task::TaskKind;

pub(super) fn make(package: &mut Package) {
    let Some((origin, text)) = ["GNUmakefile", "makefile", "Makefile"]
        .into_iter()
        .find_map(|file| package.text(file).map(|text| (file, text)))
    else {
        return;
    };
    // `test:` or `test other: dependency`, but not `test := value`.
    let has = |target: &str| {
        text.lines().any(|line| {
            line.split_once(':').is_some_and(|(targets, rest)| {
                !line.starts_with(['\t', '#', '.'])
                    && !rest.starts_with('=')
                    && !rest.starts_with(":=")
                    && targets.split_whitespace().any(|name| name == target)
            })
        })
    };
    if let Some(target) = ["test", "check"].into_iter().find(|target| has(target)) {
        package.task(origin, "make", Spec::plain(TaskKind::Test, &["make", target]));
    }
    if has("lint") {
        package.task(origin, "make", Spec::plain(TaskKind::Lint, &["make", "lint"]));
    }
    if let Some(target) = ["format", "fmt"].into_iter().find(|target| has(target)) {
        package.task(origin, "make", Spec::plain(TaskKind::Format, &["make", target]));
    }
}
