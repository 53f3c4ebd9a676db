//! Collecting what is wrong with a file, so that everything is reported together.

use super::{Diagnostic, LoadError, Mend, Node, Place, Related};
use crate::limits::CONFIG_PROBLEMS_MAX;

/// How alike two words must be for one to be offered in place of the other.
const LIKENESS_MIN: f32 = 0.6;

/// The problems of one file.
pub(crate) struct Problems<'f> {
    file: &'f str,
    found: Vec<Diagnostic>,
}

impl<'f> Problems<'f> {
    pub(crate) fn new(file: &'f str) -> Self {
        Self { file, found: Vec::new() }
    }

    pub(crate) fn report(&mut self, place: Place, message: impl Into<String>, remedy: impl Into<String>) {
        self.report_mendable(place, message, remedy, None);
    }

    /// Reports what an edit can mend.
    pub(crate) fn report_mendable(
        &mut self,
        place: Place,
        message: impl Into<String>,
        remedy: impl Into<String>,
        mend: Option<Mend>,
    ) {
        self.found.push(Diagnostic {
            file: self.file.to_owned(),
            line: place.line,
            column: place.column,
            message: message.into(),
            remedy: remedy.into(),
            mend,
            related: Vec::new(),
        });
    }

    /// Reports a word that is none of those that could stand there.
    pub(crate) fn report_choice(
        &mut self,
        place: Place,
        message: impl Into<String>,
        word: &str,
        choices: &[&str],
    ) {
        let mend = closest(word, choices).map(|choice| Mend::Instead(choice.to_owned()));
        self.report_mendable(place, message, choice_remedy(word, choices), mend);
    }

    /// Adds the places that explain what was reported last.
    pub(crate) fn explain(&mut self, places: impl IntoIterator<Item = (Place, String)>) {
        if let Some(last) = self.found.last_mut() {
            last.related = places
                .into_iter()
                .map(|(place, message)| Related { line: place.line, column: place.column, message })
                .collect();
        }
    }

    /// Everything that was reported, in the order of the file.
    pub(crate) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        self.found.dedup();
        self.found.truncate(CONFIG_PROBLEMS_MAX);
        self.found
    }

    /// `Ok` when nothing was reported; else everything, in the order of the file.
    pub(crate) fn into_result<T>(mut self, value: Option<T>) -> Result<T, LoadError> {
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => {
                if self.found.is_empty() {
                    // INVARIANT: what could not be built was reported. Should that ever be
                    // untrue, the file is still rejected.
                    self.report(Place::START, "the file could not be read", "check it against the reference");
                }
                Err(LoadError { diagnostics: self.into_diagnostics() })
            }
        }
    }
}

/// The one of `choices` that `word` was probably meant to be.
pub(crate) fn closest<'c>(word: &str, choices: &[&'c str]) -> Option<&'c str> {
    similar::get_close_matches(word, choices, 1, LIKENESS_MIN).into_iter().next()
}

/// `did you mean …?` where a choice is near, else all of them.
pub(crate) fn choice_remedy(word: &str, choices: &[&str]) -> String {
    match closest(word, choices) {
        Some(choice) => format!("did you mean `{choice}`?"),
        None => format!("write {}", one_of(choices)),
    }
}

/// `` `a`, `b` or `c` ``.
pub(crate) fn one_of(choices: &[&str]) -> String {
    match choices {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|choice| format!("`{choice}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
    }
}

/// Reports a key that occurs a second time.
pub(crate) fn report_duplicate(key: &Node, name: &str, problems: &mut Problems<'_>) {
    problems.report(key.place, format!("`{name}` occurs twice in this mapping"), "keep one of the two");
}
