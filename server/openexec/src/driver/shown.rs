//! What a model would be shown, without a run: nothing is sent and nothing is remembered.

use super::{DriverError, Runtime, canonical, memory, sift_by};
use crate::workspace::{Gathered, Sought, Sources, Workspace};
use anyhow::anyhow;
use openexec_engine::context::{self, Budget, ContextPack, Envelopes, Relevance, Vocabulary};
use openexec_engine::edit::ChangeSet;
use openexec_engine::ids::ModelName;
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::Policy;
use openexec_engine::run::{ContextQuery, Read, ReadScope, Target};
use std::path::Path;

/// What the nonces of a pack that is only printed are made of, so that two prints are the same.
const ENTROPY: &str = "printed, not sent";

/// Why nothing is shown at a place, as a model would be told that asks to read it.
fn nothing_at(workspace: &Workspace, target: &Target) -> anyhow::Error {
    let (first, last) = target.lines;
    let read = Read::File { path: target.path.clone(), scope: ReadScope::Lines { first, last } };
    let told = workspace.hydrate(&[read], &ChangeSet::default(), &[]);
    let why = told.into_iter().find_map(|told| told.text.err());
    let why = why.unwrap_or_else(|| "no symbol and no line stands there".to_owned());
    anyhow!("nothing can be shown at {}:{first}: {why}", target.path)
}

impl Runtime {
    /// The pack for a place or a text, as for a model elsewhere, which is told the least. Reads the
    /// disk.
    ///
    /// # Errors
    /// When the workspace, its declarations or the state cannot be read, or there is nothing to be
    /// shown at the place.
    pub fn pack(
        &self,
        root: &Path,
        query: &ContextQuery,
        budget_tokens: usize,
    ) -> Result<ContextPack, DriverError> {
        let root = canonical(root)?;
        let snapshot = self.policy(&root)?.snapshot;
        let policy = Policy::new(&snapshot);
        let workspace = self.workspace(&root)?.sifted(sift_by(policy.clone(), false));
        let store = self.store(&root)?;
        let remembered = self.memory(&root)?;
        remembered.tell_left_out();
        let notes = remembered.notes();
        let pointers = self.pointers(&root)?;
        let recall = |sought: &Sought<'_>| memory::recall(&store, &notes, &pointers, sought);
        let commits = || self.together.commits(&root);
        let repaired =
            |tests: &[&str], read: &memory::Read<'_>| memory::repaired(&store, &pointers, tests, read);
        let sources = Sources { recall: &recall, commits: &commits, repaired: &repaired };
        let Gathered { mut candidates, hidden } = workspace.gather(query, &sources);
        if let Some(target) = &query.target
            && !candidates.iter().any(|candidate| candidate.relevance == Relevance::Target)
        {
            return Err(DriverError(nothing_at(&workspace, target)));
        }
        let target: Vec<WorkspacePath> = query.target.iter().map(|target| target.path.clone()).collect();
        let said = query.instruction.as_deref().unwrap_or_default();
        candidates.extend(remembered.operations().candidates(said, &target));
        let mut redactions = remembered.redactions(&workspace, &snapshot.redact)?;
        redactions.know(&hidden);
        let mut envelopes = Envelopes::new(ENTROPY);
        let rules = (&policy, false);
        let budget = Budget { tokens: budget_tokens, vocabulary: self.vocabulary() };
        Ok(context::build_allowed(&candidates, rules, budget, &mut redactions, &mut envelopes))
    }

    /// What counts tokens for the models of the roles, as it would for a run that names none.
    fn vocabulary(&self) -> Vocabulary {
        let (roles, default) = (&self.config.roles, self.default_model());
        let names = [&roles.implement, &roles.review].map(|role| role.clone().or_else(|| default.clone()));
        let model = |name: Option<ModelName>| self.config.model(&name?).map(|model| model.vocabulary());
        Vocabulary::shared_by(names.map(|name| model(name).unwrap_or_default()))
    }
}
