//! `openexec demo`: the whole machine on a small real project, with scripted replies in place
//! of a model. Everything else is what a real run does.

use super::terminal::{Format, Terminal};
use super::{drive, paint};
use crate::config::{SCRIPTED_PREFIX, UserConfig, UserDirs};
use crate::driver::{Runtime, StartRequest};
use anyhow::Context as _;
use openexec_engine::ids::ModelName;
use openexec_engine::run::Inputs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

const FILES: [(&str, &str); 3] = [
    ("Cargo.toml", include_str!("../../demo/Cargo.toml.in")),
    ("src/lib.rs", include_str!("../../demo/src/lib.rs")),
    ("tests/durations.rs", include_str!("../../demo/tests/durations.rs")),
];
const SCRIPT: &str = include_str!("../../demo/replies.yaml");

pub(super) async fn demo() -> anyhow::Result<ExitCode> {
    let place = tempfile::Builder::new().prefix("openexec-demo-").tempdir()?.keep();
    let project = place.join("project");
    let script = place.join("replies.yaml");
    lay_out(&project)?;
    std::fs::write(&script, SCRIPT)?;
    anstream::println!(
        "{}\n\
         A small Rust project with failing tests lies in {}.\n\
         The model is {}: its replies were written beforehand and come from a file.\n\
         Everything else is real: policy, shadow, sandbox, cargo, journal.\n",
        paint::strong("OpenExec demo"),
        project.display(),
        paint::warn("scripted"),
    );
    let homes = [place.join("config-home"), place.join("state-home")];
    let [config, state] = homes.map(|home| home.join("openexec"));
    let runtime = Runtime::new(UserDirs { config, state }, UserConfig::default())?;
    // The demo wrote these files itself a moment ago; yours you trust with `openexec trust`.
    runtime.trust(&project, runtime.declarations(&project)?.declared.content)?;
    let request = StartRequest {
        root: project.clone(),
        blueprint: Some("fix_tests".into()),
        inputs: Inputs::default(),
        model: Some(ModelName::new(format!("{SCRIPTED_PREFIX}{}", script.display()))),
    };
    let handle = runtime.start(request, Arc::new(Terminal::new(Format::Text, false))).await?;
    let code = drive::conclude(&handle, false, false).await?;
    anstream::println!("\n{} {}", paint::strong("journal:     "), runtime.journal_path(&project).display());
    anstream::println!(
        "{} export XDG_STATE_HOME={1}/state-home XDG_CONFIG_HOME={1}/config-home",
        paint::strong("look closer: "),
        place.display()
    );
    for command in ["show", "undo"] {
        anstream::println!(
            "              openexec {command} {} --workspace {}",
            handle.run,
            project.display()
        );
    }
    anstream::println!("{} rm -r {}", paint::strong("clean up:    "), place.display());
    Ok(code)
}

fn lay_out(project: &Path) -> anyhow::Result<()> {
    for (path, text) in FILES {
        let path = project.join(path);
        let parent = path.parent().context("every file of the demo lies in a directory")?;
        std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text)).with_context(|| {
            format!("the demo cannot be laid out in {}; is the disk full?", project.display())
        })?;
    }
    Ok(())
}
