//! Reads which model does what.

use super::read::Fault;
use super::{LocalServers, ModelConfig, Roles, is_told, unconfigured};
use openexec_engine::ids::ModelName;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// Which model does what, where it is not the default model.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RolesEntry {
    /// Stages that may edit.
    #[schemars(with = "Option<String>")]
    implement: Option<Spanned<String>>,
    /// Stages that may only read.
    #[schemars(with = "Option<String>")]
    review: Option<Spanned<String>>,
    /// Refines what a request is about; a model on this machine.
    #[schemars(with = "Option<String>")]
    router: Option<Spanned<String>>,
    /// Everything of a run that touches what may only go to a local model; a model on this machine.
    #[schemars(with = "Option<String>")]
    sensitive: Option<Spanned<String>>,
}

pub(super) fn roles(
    entry: RolesEntry,
    models: &BTreeMap<ModelName, ModelConfig>,
    servers: &LocalServers,
) -> Result<Roles, Fault> {
    let any = |name: Option<Spanned<String>>| name.map(|name| resolvable(name, models)).transpose();
    let local = |name: Option<Spanned<String>>, role: &str| {
        name.map(|name| on_this_machine(name, role, models, servers)).transpose()
    };
    Ok(Roles {
        implement: any(entry.implement)?,
        review: any(entry.review)?,
        router: local(entry.router, "router")?,
        sensitive: local(entry.sensitive, "sensitive")?,
    })
}

/// The name, if there is a model of that name.
pub(super) fn resolvable(
    name: Spanned<String>,
    models: &BTreeMap<ModelName, ModelConfig>,
) -> Result<ModelName, Fault> {
    let needs_no_entry =
        is_told(&name.value) || unconfigured::named(&name.value, &LocalServers::default()).is_some();
    if needs_no_entry || models.contains_key(name.value.as_str()) {
        return Ok(ModelName::new(name.value));
    }
    let known: Vec<&str> = models.keys().map(ModelName::as_str).collect();
    let remedy = match known.is_empty() {
        true => "describe it under `models`".to_owned(),
        false => format!("write one of {}, or describe it under `models`", known.join(", ")),
    };
    Err(Fault::new(name.referenced, format!("there is no model `{}`; {remedy}", name.value)))
}

fn on_this_machine(
    name: Spanned<String>,
    role: &str,
    models: &BTreeMap<ModelName, ModelConfig>,
    servers: &LocalServers,
) -> Result<ModelName, Fault> {
    let at = name.referenced;
    let name = resolvable(name, models)?;
    let is_local = match models.get(&name) {
        Some(model) => model.is_local(),
        None => {
            is_told(name.as_str())
                || unconfigured::named(name.as_str(), servers).is_some_and(|model| model.is_local())
        }
    };
    match is_local {
        true => Ok(name),
        false => Err(Fault::new(
            at,
            format!(
                "the model `{name}` is not on this machine, as `{role}` must be; name one that is, such as one with `api: ollama`"
            ),
        )),
    }
}
