//! Files that somebody may take for configuration although nothing reads them. A rule that
//! stands in such a file protects nothing, and its author should hear of it.

use super::PolicyError;
use openexec_engine::path::comparison_key;
use std::path::Path;

/// Names, without their ending, that configuration goes by elsewhere.
const CONFIGURATION: [&str; 12] = [
    "config",
    "configuration",
    "settings",
    "models",
    "model",
    "providers",
    "keys",
    "credentials",
    "secrets",
    "trust",
    "approvals",
    "permissions",
];
/// The endings of such files.
const ENDINGS: [&str; 9] = ["yaml", "yml", "json", "jsonc", "json5", "toml", "ini", "conf", "env"];
/// What a policy is called by mistake.
const NEAR_MISSES: [&str; 4] = ["policy", "policies", "rules", "polices"];

/// Files in `.openexec/` that look like configuration and are not read: each with what to do.
pub fn misplaced(root: &Path) -> Vec<String> {
    let folder = root.join(".openexec");
    let mut names = names(&folder);
    names.sort();
    names
        .into_iter()
        .filter(|name| is_configuration(&comparison_key(name)))
        .map(|name| {
            format!(
                ".openexec/{}: nothing reads this file: models, endpoints, keys, trust and approvals stand in your \
                 own configuration, rules in .openexec/policy.yaml; remove it",
                name.escape_debug()
            )
        })
        .collect()
}

/// Refuses what was meant to be the policy of a scope and is called something else.
pub(super) fn refuse_near_misses(user: Option<&Path>, workspace: &Path) -> Result<(), PolicyError> {
    for (folder, shown) in [(user, None), (Some(workspace), Some(".openexec"))] {
        let Some(folder) = folder else { continue };
        let missed = names(folder).into_iter().find(|name| is_near_miss(name));
        if let Some(name) = missed {
            let place = shown.map_or_else(|| folder.display().to_string(), str::to_owned);
            return Err(PolicyError(format!(
                "{place}/{}: nothing reads a policy of this name; call it `policy.yaml`, or remove it",
                name.escape_debug()
            )));
        }
    }
    Ok(())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn is_configuration(name: &str) -> bool {
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    if stem.is_empty() {
        return ending == "env" || ending.starts_with("env.");
    }
    CONFIGURATION.contains(&stem) && (ending.is_empty() || ENDINGS.iter().any(|it| ending.ends_with(it)))
}

fn is_near_miss(name: &str) -> bool {
    let folded = comparison_key(name);
    let (stem, ending) = folded.rsplit_once('.').unwrap_or((&folded, ""));
    name != "policy.yaml" && NEAR_MISSES.contains(&stem) && ENDINGS.contains(&ending)
}
