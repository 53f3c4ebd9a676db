//! What the files themselves say: which change together, which a test is called after, which
//! are imported; and what earlier runs changed for the same tests.

use super::{Because, File, Query, Ranking, Weights};
use crate::index::{Term, terms_of};
use crate::path::WorkspacePath;

/// Words in the name of a test's file that only say that it is one.
const TEST_WORDS: [&str; 8] = ["test", "tests", "spec", "specs", "it", "testing", "bench", "e2e"];

pub(super) fn score(ranking: &mut Ranking<'_>, query: &Query<'_>, weights: &Weights) {
    let mut found: Vec<(usize, f64, Because)> = Vec::new();
    let most = query.co_changed.iter().map(|(_, weight)| *weight).max().unwrap_or(1).max(1);
    for (path, weight) in &query.co_changed {
        if let Some(file) = ranking.file_at(path) {
            let share = f64::from(*weight) / f64::from(most);
            found.push((file, weights.co_changed * share, Because::CoChanged));
        }
    }
    let mut seen: Vec<&WorkspacePath> = Vec::new();
    for (test, _) in &query.tests {
        if !seen.contains(test) {
            seen.push(test);
            mirrored(ranking, test, weights, &mut found);
            imported(ranking, test, weights, &mut found);
            if let Some(file) = ranking.file_at(test) {
                found.push((file, weights.test_file, Because::CoChanged));
            }
        }
    }
    if let Some((path, _)) = query.cursor {
        imported(ranking, path, weights, &mut found);
    }
    for (path, symbol) in &query.repaired {
        repaired(ranking, path, symbol, weights);
    }
    for (file, value, because) in found {
        whole_file(ranking, file, value, because, weights);
    }
}

/// Adds to the definitions of a file that something speaks for already, by how much does.
fn whole_file(ranking: &mut Ranking<'_>, file: usize, value: f64, because: Because, weights: &Weights) {
    let Some(numbers) = ranking.files.get(file).map(File::numbers) else { return };
    for number in numbers {
        ranking.add(number, value * ranking.factor(number, weights), because);
    }
}

/// Adds to what a run changed when a test became green; to a test itself, only what tests get.
fn repaired(ranking: &mut Ranking<'_>, path: &WorkspacePath, symbol: &str, weights: &Weights) {
    let Some(file) = ranking.file_at(path).and_then(|file| ranking.files.get(file)) else { return };
    let (base, entry) = (file.base, file.entry);
    for (at, definition) in entry.summary.definitions.iter().enumerate() {
        if &*definition.name == symbol {
            let value = weights.repaired * ranking.factor(base + at, weights);
            ranking.add(base + at, value, Because::Repaired);
        }
    }
}

/// The terms of a file's own name, without those that say that it is a test.
fn stem_terms(path: &WorkspacePath) -> Vec<Term> {
    let stem = path.file_name().split('.').next().unwrap_or_default();
    let ignored: Vec<Term> = TEST_WORDS.iter().flat_map(|word| terms_of(word)).collect();
    let mut terms = Vec::new();
    let mut words: Vec<String> = vec![String::new()];
    for character in stem.chars() {
        let last_is_lower = words.last().and_then(|word| word.chars().last()).is_some_and(char::is_lowercase);
        if character == '_' || character == '-' || (character.is_uppercase() && last_is_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character != '_' && character != '-') {
            word.push(character);
        }
    }
    for word in words {
        terms.extend(terms_of(&word).into_iter().filter(|term| !ignored.contains(term)));
    }
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// Files that are called as the test's is, without what makes it a test.
fn mirrored(
    ranking: &Ranking<'_>,
    test: &WorkspacePath,
    weights: &Weights,
    found: &mut Vec<(usize, f64, Because)>,
) {
    let wanted = stem_terms(test);
    let Some(of) = ranking.file_at(test) else { return };
    if wanted.is_empty() {
        return;
    }
    let mirrors: Vec<usize> = ranking
        .files
        .iter()
        .enumerate()
        .filter(|(at, file)| *at != of && !file.entry.is_test && stem_terms(file.path) == wanted)
        .map(|(at, _)| at)
        .collect();
    let share = weights.mirrored / (mirrors.len() as f64).sqrt().max(1.0);
    found.extend(mirrors.into_iter().map(|file| (file, share, Because::Mirrored(of))));
}

/// Files that a file imports: one of the words of an import is the file's own name.
fn imported(
    ranking: &Ranking<'_>,
    by: &WorkspacePath,
    weights: &Weights,
    found: &mut Vec<(usize, f64, Because)>,
) {
    let Some(importer) = ranking.file_at(by).and_then(|file| ranking.files.get(file)) else { return };
    let mut words: Vec<&str> = importer
        .entry
        .summary
        .imports
        .iter()
        .flat_map(|import| {
            import.split(|character: char| !(character.is_alphanumeric() || matches!(character, '_' | '-')))
        })
        .filter(|word| word.len() > 2)
        .collect();
    words.sort_unstable();
    words.dedup();
    for (at, file) in ranking.files.iter().enumerate() {
        let stem = file.path.file_name().split('.').next().unwrap_or_default();
        let named = match stem {
            "mod" | "index" | "__init__" | "lib" => file.path.components().rev().nth(1).unwrap_or_default(),
            stem => stem,
        };
        if !file.entry.is_test && file.path != by && words.binary_search(&named).is_ok() {
            found.push((at, weights.imported, Because::Imported));
        }
    }
}
