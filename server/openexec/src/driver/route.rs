//! From a request to its workflow and its models. The engine plans; this finds the files that
//! the request names, asks the router's model where there is one, and picks models by role.

use super::{Catalogue, Connected, DriverError, Runtime, StartRequest};
use crate::limits::ROUTER_TIMEOUT_MS;
use crate::models::Model;
use crate::workspace::Workspace;
use anyhow::{Context as _, anyhow};
use openexec_engine::blueprint::Blueprint;
use openexec_engine::ids::ModelName;
use openexec_engine::model::{ChosenModel, Models};
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::Policy;
use openexec_engine::routing::{Refined, Refinement, RoutePlan, Routed, Sensitivity, mentions};
use openexec_engine::run::Inputs;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

impl Runtime {
    /// What a request is about and which models would serve it; nothing is started. Asks the
    /// router's model, if one is configured and the request leaves it anything to say.
    ///
    /// # Errors
    /// When no workflow serves it; the inner one when no model does.
    pub async fn route(
        &self,
        request: &StartRequest,
    ) -> Result<(Routed, Result<Models, DriverError>), DriverError> {
        let workspace = self.workspace(&request.root)?;
        let trust = self.declarations(workspace.root())?.trust;
        let catalogue = Catalogue::of(workspace.root(), &trust);
        let (routed, _) = self.routed(&workspace, &catalogue, request).await?;
        if request.model.is_none() {
            self.model_at_hand().await;
        }
        let models = self.chosen(request.model.as_ref(), &routed).map_err(DriverError);
        Ok((routed, models))
    }

    /// The plan of a request, and its blueprint.
    pub(super) async fn routed(
        &self,
        workspace: &Workspace,
        catalogue: &Catalogue,
        request: &StartRequest,
    ) -> Result<(Routed, Blueprint), DriverError> {
        let rules = self.policy(workspace.root())?.snapshot;
        let inputs = &request.inputs;
        let zones = zones(workspace, inputs);
        if let Some(name) = &request.blueprint {
            let blueprint = catalogue.take(name)?;
            let policy = Policy::new(&rules.for_run(blueprint.sandbox, blueprint.approval_mode));
            let plan = RoutePlan::with(&blueprint, zones, &policy);
            return Ok((Routed { plan, refined: None }, blueprint));
        }
        let policy = Policy::new(&rules);
        let plan = RoutePlan::of(inputs, zones, &policy, catalogue.usable()).map_err(|why| anyhow!(why))?;
        let routed = self.refined(workspace, plan, request, catalogue).await?;
        let blueprint = catalogue.take(&routed.plan.blueprint)?;
        Ok((routed, blueprint))
    }

    /// Lets the router's model narrow a plan. Whoever names a model has decided already.
    async fn refined(
        &self,
        workspace: &Workspace,
        plan: RoutePlan,
        request: &StartRequest,
        catalogue: &Catalogue,
    ) -> Result<Routed, DriverError> {
        // Whoever wants to see each request before it leaves is asked by runs, and this is none yet.
        let router = self.config.roles.router.as_ref().filter(|_| !self.config.approve_requests);
        let (Some(name), Some(instruction), None) = (router, &request.inputs.instruction, &request.model)
        else {
            return Ok(Routed { plan, refined: None });
        };
        let root = workspace.root();
        let classes = self.policy(root)?.snapshot.redact;
        let mut redactions = self.memory(root)?.redactions(workspace, &classes)?;
        let question = plan.question(name.clone(), instruction, &mut redactions);
        let model = self.model(root, name).context("the router's model cannot be used")?;
        let asking = timeout(Duration::from_millis(ROUTER_TIMEOUT_MS), model.complete(&question, &|_| {}));
        let said = match asking.await {
            Ok(reply) => reply.map_err(|error| error.to_string()).and_then(|reply| Refinement::of(&reply)),
            Err(_) => Err(format!("it said nothing within {ROUTER_TIMEOUT_MS} ms")),
        };
        // A router that fails changes nothing: the plan stands without it.
        let (plan, said) = match said {
            Ok(refinement) => match plan.refined(refinement, &request.inputs, catalogue.usable()) {
                Ok(narrower) => (narrower, Ok(refinement)),
                Err(error) => (plan, Err(error.to_string())),
            },
            Err(why) => (plan, Err(why)),
        };
        Ok(Routed { plan, refined: Some(Refined { request: question, said }) })
    }

    /// The models of a run: the one that the user names, or those of the roles.
    pub(super) fn chosen(&self, named: Option<&ModelName>, routed: &Routed) -> anyhow::Result<Models> {
        if let Some(name) = named {
            return Ok(Models::only(self.choice(name)?));
        }
        let roles = &self.config.roles;
        if routed.plan.sensitivity > Sensitivity::Open
            && let Some(name) = &roles.sensitive
        {
            return Ok(Models::only(self.choice(name)?));
        }
        let default = self.default_model();
        let of = |role: &Option<ModelName>| {
            let name = role.as_ref().or(default.as_ref()).with_context(|| self.no_model())?;
            self.choice(name)
        };
        let models = Models { implement: of(&roles.implement)?, review: of(&roles.review)? };
        if routed.is_sensitive_itself() && !models.are_local() {
            return Err(anyhow!(
                "the router's model takes the request itself for sensitive, and it would leave this machine: name a local model as `sensitive` under `roles` in {}, or pass `--model` to decide yourself",
                self.dirs.config_path().display()
            ));
        }
        Ok(models)
    }

    fn choice(&self, name: &ModelName) -> anyhow::Result<ChosenModel> {
        self.config.chosen(name.clone())
    }

    pub(super) fn connected(&self, root: &Path, models: &Models) -> anyhow::Result<Connected> {
        let connect = |chosen: &ChosenModel| -> anyhow::Result<(ModelName, Arc<dyn Model>)> {
            Ok((chosen.name.clone(), self.model(root, &chosen.name)?))
        };
        models.all().map(connect).collect()
    }
}

/// The files that a request is about: its places, and what its instruction names.
fn zones(workspace: &Workspace, inputs: &Inputs) -> Vec<WorkspacePath> {
    let mut zones: BTreeSet<WorkspacePath> = BTreeSet::new();
    zones.extend(inputs.target.iter().map(|target| target.path.clone()));
    zones.extend(inputs.diagnostics.iter().map(|diagnostic| diagnostic.path.clone()));
    let mentions = inputs.instruction.as_deref().map(mentions).unwrap_or_default();
    if !mentions.is_empty() {
        zones.extend(workspace.named(&mentions));
    }
    zones.into_iter().collect()
}
