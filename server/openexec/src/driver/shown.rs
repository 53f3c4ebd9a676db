//! What a model would be shown, without a run: nothing is sent and nothing is remembered.

use super::{DriverError, Runtime, canonical, memory, sift_by};
use crate::workspace::{Gathered, Sought, Sources};
use openexec_engine::context::{self, Budget, ContextPack, Envelopes, Vocabulary};
use openexec_engine::ids::ModelName;
use openexec_engine::policy::Policy;
use openexec_engine::redact::Redactions;
use openexec_engine::run::ContextQuery;
use std::path::Path;

/// What the nonces of a pack that is only printed are made of, so that two prints are the same.
const ENTROPY: &str = "printed, not sent";

impl Runtime {
    /// The pack for a query, as for a model elsewhere, which is told the least. Reads the disk.
    ///
    /// # Errors
    /// When the workspace, its declarations or the state cannot be read.
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
        let notes = self.memory(&root)?.notes();
        let pointers = self.pointers(&root)?;
        let recall = |sought: &Sought<'_>| memory::recall(&store, &notes, &pointers, sought);
        let commits = || self.together.commits(&root);
        let repaired =
            |tests: &[&str], read: &memory::Read<'_>| memory::repaired(&store, &pointers, tests, read);
        let sources = Sources { recall: &recall, commits: &commits, repaired: &repaired };
        let Gathered { candidates, hidden } = workspace.gather(query, &sources);
        let mut redactions = Redactions::default();
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
