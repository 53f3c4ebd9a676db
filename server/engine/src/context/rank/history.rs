//! Which files change together, from the files of each commit (Zimmermann et al., "Mining version
//! histories to guide software changes", 2005).

use crate::path::WorkspacePath;
use std::collections::BTreeMap;

/// What a commit is worth that changed one other file; one of many says less of each.
const COMMIT_WORTH: u32 = 1_000;

/// The files that were changed in one commit with some of the seeds, with their weight. The
/// order of the commits does not matter.
pub fn changed_together<'a>(
    commits: impl IntoIterator<Item = &'a [WorkspacePath]>,
    seeds: &[&WorkspacePath],
) -> Vec<(WorkspacePath, u32)> {
    let mut weights: BTreeMap<&WorkspacePath, u32> = BTreeMap::new();
    for files in commits.into_iter().filter(|files| files.iter().any(|file| seeds.contains(&file))) {
        let worth = COMMIT_WORTH / u32::try_from(files.len()).unwrap_or(COMMIT_WORTH);
        for file in files.iter().filter(|file| !seeds.contains(file)) {
            let weight = weights.entry(file).or_default();
            *weight = weight.saturating_add(worth);
        }
    }
    weights.into_iter().map(|(path, weight)| (path.clone(), weight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_of_few_files_says_more() {
        let paths = |names: &[&str]| -> Vec<WorkspacePath> {
            names.iter().map(|name| WorkspacePath::parse(name).unwrap()).collect()
        };
        let commits = [paths(&["a", "b"]), paths(&["a", "b", "c", "d"]), paths(&["c", "d"])];
        let found = |seeds: &[&str]| {
            let seeds = paths(seeds);
            let commits = commits.iter().map(Vec::as_slice);
            let found = changed_together(commits, &seeds.iter().collect::<Vec<_>>());
            found.iter().map(|(path, weight)| format!("{path} {weight}")).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(found(&["a"]), "b 750, c 250, d 250");
        assert_eq!(found(&["a", "c"]), "b 750, d 750");
        assert_eq!(found(&["x"]), "");
    }
}
