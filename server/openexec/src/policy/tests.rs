use super::*;
use openexec_engine::policy::{Capability, SandboxMode};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// User scope and a workspace in one temporary directory.
struct Scene {
    place: tempfile::TempDir,
}

impl Scene {
    fn new(user: Option<&str>, workspace: Option<&str>) -> Self {
        let scene = Self { place: tempfile::tempdir().unwrap() };
        std::fs::create_dir_all(scene.root().join(".openexec")).unwrap();
        std::fs::create_dir_all(scene.user().parent().unwrap()).unwrap();
        if let Some(text) = user {
            std::fs::write(scene.user(), text).unwrap();
        }
        if let Some(text) = workspace {
            std::fs::write(scene.root().join(POLICY_FILE), text).unwrap();
        }
        scene
    }

    fn root(&self) -> PathBuf {
        self.place.path().join("ws")
    }

    fn user(&self) -> PathBuf {
        self.place.path().join("config/policy.yaml")
    }

    fn effective(&self) -> Result<Effective, String> {
        effective(&self.user(), &self.root())
            .map_err(|error| error.to_string().replace(&self.place.path().display().to_string(), ""))
    }
}

#[test]
fn both_files_are_read_and_neither_is_needed() {
    let bare = Scene::new(None, None).effective().unwrap();
    assert!(bare.user.is_none() && bare.workspace.is_none());
    assert_eq!(bare.snapshot.sandbox, SandboxMode::WorkspaceWrite);
    let both = Scene::new(
        Some("version: 1\ndeny_read: ['a/**']\n"),
        Some("version: 1\nsandbox: read_only\ncapabilities: [repo_read]\ndeny_read: ['infra/**']\n"),
    );
    let both = both.effective().unwrap();
    assert_eq!(both.snapshot.capabilities, BTreeSet::from([Capability::RepoRead]));
    assert_eq!(both.snapshot.rules.len(), 2);
    assert_eq!(both.snapshot.rules[1].place, ".openexec/policy.yaml:4");
}

#[test]
fn what_cannot_be_read_is_closed() {
    let said = |scene: &Scene| scene.effective().unwrap_err();
    let scene = Scene::new(None, Some("version: 1\nsandbox: danger_full_access\n"));
    assert!(said(&scene).starts_with(".openexec/policy.yaml:2:10: workspace configuration cannot widen"));
    let scene = Scene::new(Some("version: 1\nmodels: {}\n"), None);
    assert!(said(&scene).starts_with("/config/policy.yaml:2:1: `models` is not a key"), "{}", said(&scene));
    let scene = Scene::new(None, None);
    std::fs::create_dir(scene.root().join(POLICY_FILE)).unwrap();
    assert!(said(&scene).contains("not a regular file"));
    let scene = Scene::new(None, None);
    std::fs::write(scene.root().join(POLICY_FILE), b"version: \xff").unwrap();
    assert!(said(&scene).contains("not UTF-8"));
    std::fs::write(scene.root().join(POLICY_FILE), "#".repeat(300_000)).unwrap();
    assert!(said(&scene).contains("more than"));
}

#[cfg(unix)]
#[test]
fn a_link_is_no_policy_of_a_workspace() {
    let scene = Scene::new(Some("version: 1\n"), None);
    std::os::unix::fs::symlink(scene.user(), scene.root().join(POLICY_FILE)).unwrap();
    assert!(scene.effective().unwrap_err().contains("not a regular file"));
    let scene = Scene::new(None, None);
    std::os::unix::fs::symlink("nowhere", scene.user()).unwrap();
    assert!(scene.effective().unwrap_err().contains("cannot be read"));
}

#[test]
fn a_policy_of_another_name_is_closed_too() {
    for name in ["policy.yml", "Policy.YAML", "policies.yaml", "policy.json", "rules.toml"] {
        let scene = Scene::new(None, None);
        std::fs::write(scene.root().join(".openexec").join(name), "").unwrap();
        assert!(scene.effective().unwrap_err().contains("call it `policy.yaml`"), "{name}");
        let scene = Scene::new(None, None);
        std::fs::write(scene.user().with_file_name(name), "").unwrap();
        assert!(scene.effective().unwrap_err().contains("call it `policy.yaml`"), "{name}");
    }
}

#[test]
fn files_that_look_like_configuration_are_named() {
    let scene = Scene::new(None, Some("version: 1\n"));
    let folder = scene.root().join(".openexec");
    for name in [
        "config.toml",
        "Config.yaml",
        "settings.local.json",
        "models.yaml",
        ".env",
        ".env.local",
        "tasks.yaml",
    ] {
        std::fs::write(folder.join(name), "").unwrap();
    }
    let found: Vec<String> =
        misplaced(&scene.root()).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(
        found,
        [
            ".openexec/.env",
            ".openexec/.env.local",
            ".openexec/Config.yaml",
            ".openexec/config.toml",
            ".openexec/models.yaml",
            ".openexec/settings.local.json",
        ]
    );
    assert!(scene.effective().is_ok(), "nothing reads them, so nothing is wrong with the policy");
}
