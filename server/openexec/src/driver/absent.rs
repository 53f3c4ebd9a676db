//! A model that a recorded run names and that is not to be had here. Looking at a run and
//! undoing it need no model, so the lack is said only when one is called.

use crate::models::{Model, ModelProgress};
use async_trait::async_trait;
use openexec_engine::ids::ModelName;
use openexec_engine::model::{ModelError, ModelReply, ModelRequest};

pub(super) struct AbsentModel {
    pub name: ModelName,
    pub remedy: String,
}

#[async_trait]
impl Model for AbsentModel {
    fn describe(&self) -> String {
        format!("`{}`, which is not configured here", self.name)
    }

    async fn complete(
        &self,
        _request: &ModelRequest,
        _progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<ModelReply, ModelError> {
        Err(ModelError::NotConfigured { model: self.name.clone(), remedy: self.remedy.clone() })
    }
}
