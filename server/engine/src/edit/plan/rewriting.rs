//! How actions rewrite the text of a file that stands there. The gate judges and the plan
//! applies with this same code, so that what was judged is what is applied.

use super::ranges::Ranges;
use super::{replacement, symbol};
use crate::action::Action;
use crate::digest::Digest;
use crate::path::WorkspacePath;

/// The rewriting actions of one batch, in order.
#[derive(Debug, Default)]
pub(crate) struct Rewriting {
    ranges: Ranges,
}

impl Rewriting {
    /// The text that an action leaves of a file. `version` is the open document's. Actions that
    /// rewrite nothing leave it as it is.
    ///
    /// # Errors
    /// Says for the model why the action has no meaning in this text.
    pub(crate) fn rewritten(
        &mut self,
        action: &Action,
        path: &WorkspacePath,
        present: &str,
        version: Option<i32>,
    ) -> Result<String, String> {
        match action {
            Action::ReplaceText(it) => replacement::replaced(present, &it.old, &it.new),
            Action::ReplaceSymbol(it) => symbol::replaced(path, present, &it.symbol, &it.text),
            Action::InsertAtSymbol(it) => symbol::inserted(path, present, &it.symbol, it.side, &it.text),
            Action::ReplaceRange(it) => self.ranges.replaced(path, present, version, it),
            Action::CreateFile(it) if it.overwrite => Ok(it.text.clone()),
            Action::CreateFile(_)
            | Action::DeleteFile(_)
            | Action::RenameFile(_)
            | Action::ReadFile(_)
            | Action::ReadSymbol(_)
            | Action::Search(_)
            | Action::RunTask(_)
            | Action::Remember(_)
            | Action::Finish(_) => Ok(present.to_owned()),
        }
    }
}

/// Whether a text is the one that an action was meant for, where the action says which.
///
/// # Errors
/// Says for the model that it is another.
pub(crate) fn check_base(base_hash: Option<&str>, path: &WorkspacePath, present: &str) -> Result<(), String> {
    let Some(wanted) = base_hash else { return Ok(()) };
    let wanted: Digest = wanted.parse().map_err(|error| format!("`base_hash`: {error}"))?;
    let found = Digest::of(present.as_bytes());
    if wanted == found {
        return Ok(());
    }
    Err(format!("`{path}` is another text by now: it is {found}; read the file again"))
}
