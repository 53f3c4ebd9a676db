//! Which files are ours. The path decides, without a look at the disk; only a file in a folder
//! named `blueprints` that lies nowhere of ours is told by its text.

use openexec_engine::outline::Outline;
use openexec_engine::policy::rules::Scope;
use std::ffi::OsStr;
use std::path::Path;

/// Where our files lie, as patterns for clients that register what they ask us about.
pub(in crate::lsp) const FILE_PATTERNS: [&str; 3] =
    ["**/.openexec/**/*.{yaml,yml}", "**/blueprints/**/*.{yaml,yml}", "**/openexec/{policy,config}.yaml"];

/// A kind of file of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lsp) enum Kind {
    /// A workflow.
    Blueprint,
    /// Rules for runs.
    Policy(Scope),
    /// `.openexec/tasks.yaml`.
    Tasks,
    /// The user's `config.yaml`.
    Config,
    /// Records that a team shares: `.openexec/memory/*.yaml`.
    Memory,
}

impl Kind {
    /// The kind that a path may be. `config` is the user's own directory.
    pub(super) fn of(path: &Path, config: &Path) -> Option<Self> {
        let extension = path.extension().and_then(OsStr::to_str)?;
        if !matches!(extension, "yaml" | "yml") {
            return None;
        }
        let folder = path.parent()?;
        let name = path.file_name().and_then(OsStr::to_str)?;
        if folder == config {
            match name {
                "policy.yaml" => return Some(Self::Policy(Scope::User)),
                "config.yaml" => return Some(Self::Config),
                _ => {}
            }
        }
        if folder.file_name() == Some(OsStr::new(".openexec")) {
            return match name {
                "policy.yaml" => Some(Self::Policy(Scope::Workspace)),
                "tasks.yaml" => Some(Self::Tasks),
                _ => None,
            };
        }
        if folder.ends_with(".openexec/memory") {
            return Some(Self::Memory);
        }
        let is_blueprint = folder.components().any(|part| part.as_os_str() == "blueprints");
        is_blueprint.then_some(Self::Blueprint)
    }
}

/// True for a blueprint that its path alone makes one.
pub(super) fn is_certain(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with(".openexec/blueprints"))
}

/// True for a text that says of itself that it is a blueprint.
pub(super) fn declares_stages(outline: &Outline) -> bool {
    outline.root().is_some_and(|root| root.get("stages").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_what_a_file_is() {
        let config = Path::new("/home/u/.config/openexec");
        for (path, kind) in [
            ("/w/.openexec/blueprints/a.yaml", Some(Kind::Blueprint)),
            ("/w/.openexec/blueprints/a.yml", Some(Kind::Blueprint)),
            ("/w/.openexec/policy.yaml", Some(Kind::Policy(Scope::Workspace))),
            ("/w/.openexec/tasks.yaml", Some(Kind::Tasks)),
            ("/w/.openexec/memory/a.yaml", Some(Kind::Memory)),
            ("/w/.openexec/memory/deep/a.yaml", None),
            ("/w/memory/a.yaml", None),
            ("/w/policy.yaml", None),
            ("/w/blueprints/deep/a.yaml", Some(Kind::Blueprint)),
            ("/w/blueprints/a.json", None),
            ("/w/deploy/values.yaml", None),
            ("/home/u/.config/openexec/policy.yaml", Some(Kind::Policy(Scope::User))),
            ("/home/u/.config/openexec/config.yaml", Some(Kind::Config)),
            ("/home/u/.config/other/config.yaml", None),
        ] {
            assert_eq!(Kind::of(Path::new(path), config), kind, "{path}");
        }
        assert!(is_certain(Path::new("/w/.openexec/blueprints/a.yaml")));
        assert!(!is_certain(Path::new("/w/blueprints/a.yaml")));
    }
}
