//! The blueprints that can be run: the shipped ones and a trusted workspace's own.

use super::DriverError;
use anyhow::anyhow;
use openexec_engine::blueprint::{self, Blueprint, LoadError};
use openexec_engine::ids::BlueprintName;
use openexec_engine::limits::CONFIG_BYTES_MAX;
use openexec_engine::task::Trust;
use std::collections::BTreeMap;
use std::path::Path;

const SHIPPED: [(&str, &str); 8] = [
    ("answer.yaml", include_str!("../../../../blueprints/answer.yaml")),
    ("fix_tests.yaml", include_str!("../../../../blueprints/fix_tests.yaml")),
    ("implement.yaml", include_str!("../../../../blueprints/implement.yaml")),
    ("fix_diagnostic.yaml", include_str!("../../../../blueprints/fix_diagnostic.yaml")),
    ("remediate.yaml", include_str!("../../../../blueprints/remediate.yaml")),
    ("record_decision.yaml", include_str!("../../../../blueprints/record_decision.yaml")),
    ("review.yaml", include_str!("../../../../blueprints/review.yaml")),
    ("scoped_code_change.yaml", include_str!("../../../../blueprints/scoped_code_change.yaml")),
];

/// One blueprint, or why it cannot be one.
#[derive(Debug, Clone)]
pub struct CatalogueEntry {
    /// Where it comes from: `shipped`, or the file.
    pub origin: String,
    /// The blueprint.
    pub blueprint: Result<Blueprint, LoadError>,
}

/// All blueprints of a workspace, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// A workspace's own come in place of shipped ones of the same name.
    pub entries: BTreeMap<BlueprintName, CatalogueEntry>,
    /// Files that were not looked into because the workspace is not trusted.
    pub untrusted: Vec<String>,
}

impl Catalogue {
    /// The blueprints of a workspace.
    pub fn of(root: &Path, trust: &Trust) -> Self {
        let mut catalogue = Self::shipped();
        for (file, text) in own_files(root) {
            match trust {
                Trust::Untrusted => catalogue.untrusted.push(file),
                Trust::Trusted { .. } => catalogue.insert(&file, &text),
            }
        }
        catalogue
    }

    /// The blueprints that come with the program.
    pub fn shipped() -> Self {
        let mut catalogue = Self::default();
        for (file, text) in SHIPPED {
            catalogue.insert(file, text);
            if let Some(entry) = catalogue.entries.get_mut(file.trim_end_matches(".yaml")) {
                entry.origin = "shipped".into();
            }
        }
        catalogue
    }

    fn insert(&mut self, file: &str, text: &str) {
        let blueprint = blueprint::load(file, text);
        // A file that does not load is filed under its own name, so that asking for it says why.
        let name = match &blueprint {
            Ok(blueprint) => blueprint.name.clone(),
            Err(_) => BlueprintName::new(file.rsplit('/').next().unwrap_or(file).trim_end_matches(".yaml")),
        };
        self.entries.insert(name, CatalogueEntry { origin: file.to_owned(), blueprint });
    }

    /// Those that load.
    pub fn usable(&self) -> impl Iterator<Item = &Blueprint> {
        self.entries.values().filter_map(|entry| entry.blueprint.as_ref().ok())
    }

    /// The blueprint of this name.
    ///
    /// # Errors
    /// When there is none, it is not trusted, or it does not load: with every error in it.
    pub fn take(&self, name: &BlueprintName) -> Result<Blueprint, DriverError> {
        match self.entries.get(name).map(|entry| &entry.blueprint) {
            Some(Ok(blueprint)) => Ok(blueprint.clone()),
            Some(Err(error)) => Err(DriverError(anyhow!("blueprint `{name}` cannot be used:\n{error}"))),
            None => {
                let names: Vec<&str> = self.entries.keys().map(BlueprintName::as_str).collect();
                let mut text = format!("there is no blueprint `{name}`; there are {}", names.join(", "));
                if !self.untrusted.is_empty() {
                    text += &format!(
                        "; not loaded until you trust the workspace (`openexec trust`): {}",
                        self.untrusted.join(", ")
                    );
                }
                Err(DriverError(anyhow!(text)))
            }
        }
    }
}

fn own_files(root: &Path) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(root.join(".openexec/blueprints")) else {
        return Vec::new();
    };
    let mut files: Vec<(String, String)> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter(|entry| entry.metadata().is_ok_and(|meta| meta.len() <= CONFIG_BYTES_MAX as u64))
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
            let text = is_yaml.then(|| std::fs::read_to_string(entry.path()).ok())??;
            Some((format!(".openexec/blueprints/{name}"), text))
        })
        .collect();
    files.sort();
    files
}
