//! The toolsets that blueprints can name. A blueprint chooses among them; it defines none.

use super::Toolset;
use crate::action::ActionKind;
use crate::ids::ToolsetName;

/// Everything an agent stage can be given.
const CODING_BACKEND: &str = "coding_backend";
/// The same, and edits by position: for models and programs that address text as the Language
/// Server Protocol does. Its stages are told the digest of each text that they read.
const CODING_POSITIONS: &str = "coding_positions";
/// Reading the repository.
const REPO_READONLY: &str = "repo_readonly";
/// Reading documentation. It differs from `repo_readonly` in what a blueprint says, not in
/// what an action can do: both read files of the workspace and nothing else.
const DOCS_LOOKUP: &str = "docs_lookup";

/// What a stage that changes nothing may ask for.
const READING: [ActionKind; 4] =
    [ActionKind::ReadFile, ActionKind::ReadSymbol, ActionKind::Search, ActionKind::Finish];

/// The built-in toolset of this name.
pub fn toolset(name: &ToolsetName) -> Option<Toolset> {
    let by_symbol = |kind: &ActionKind| *kind != ActionKind::ReplaceRange;
    let actions = match name.as_str() {
        CODING_BACKEND => ActionKind::ALL.into_iter().filter(by_symbol).collect(),
        CODING_POSITIONS => ActionKind::ALL.into_iter().collect(),
        REPO_READONLY | DOCS_LOOKUP => READING.into_iter().collect(),
        _ => return None,
    };
    Some(Toolset { name: name.clone(), actions })
}

/// The names of all built-in toolsets, the default first.
pub fn toolset_names() -> Vec<&'static str> {
    vec![CODING_BACKEND, CODING_POSITIONS, REPO_READONLY, DOCS_LOOKUP]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_toolset_in_which_a_stage_can_finish() {
        for name in toolset_names() {
            let toolset = toolset(&ToolsetName::from(name)).expect(name);
            assert_eq!(toolset.name.as_str(), name);
            assert!(toolset.actions.contains(&ActionKind::Finish), "{name}");
        }
        assert_eq!(toolset(&ToolsetName::from("everything")), None);
    }

    #[test]
    fn the_reading_toolsets_neither_edit_nor_run() {
        for name in [REPO_READONLY, DOCS_LOOKUP] {
            let toolset = toolset(&ToolsetName::from(name)).expect(name);
            assert!(!toolset.actions.iter().any(|kind| kind.edits() || *kind == ActionKind::RunTask));
        }
    }

    #[test]
    fn the_default_toolset_holds_every_action_but_edits_by_position() {
        let held = |name| toolset(&ToolsetName::from(name)).expect("it is built in").actions;
        assert!(ActionKind::ALL.iter().all(|kind| held(CODING_POSITIONS).contains(kind)));
        let missing: Vec<_> = held(CODING_POSITIONS).difference(&held(CODING_BACKEND)).copied().collect();
        assert_eq!(missing, [ActionKind::ReplaceRange]);
    }
}
