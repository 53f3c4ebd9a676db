//! What happened in a run, as documents: the timeline for every client, and one page for a browser.

use super::{Shared, blocking};
use crate::driver::Runtime;
use crate::lsp::actions::RunLine;
use crate::lsp::commands::{OfRun, meant};
use crate::lsp::review::write_readonly;
use crate::report::{self, MARKDOWN_FILE, PAGE_FILE, Timeline};
use openexec_engine::ids::RunId;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Shared {
    /// Opens the timeline of a run as Markdown.
    pub(super) async fn timeline(self: &Arc<Self>, of: OfRun) -> Result<Value, String> {
        let (run, file, markdown) = self.told(&of, MARKDOWN_FILE, report::markdown).await?;
        self.show(file.clone());
        Ok(json!({ "run": run, "timeline": file, "markdown": markdown }))
    }

    /// Writes the page of a run, and has it opened outside of the editor where that can be done.
    /// A client that shows pages itself takes it from the answer.
    pub(super) async fn page(self: &Arc<Self>, of: OfRun) -> Result<Value, String> {
        let (run, file, html) = self.told(&of, PAGE_FILE, report::page).await?;
        match self.session.traits().lists_runs {
            true => Ok(json!({ "run": run, "report": file, "html": html })),
            false => {
                self.show_outside(file.clone());
                Ok(json!({ "run": run, "report": file }))
            }
        }
    }

    async fn told(
        self: &Arc<Self>,
        of: &OfRun,
        name: &'static str,
        tell: fn(&Timeline) -> String,
    ) -> Result<(RunId, PathBuf, String), String> {
        let runtime = Arc::clone(self.runtime()?);
        let lines = self.lines();
        let (root, run) = match (of.run.as_deref(), lines.first()) {
            // The newest run is the obvious one.
            (None, Some(line)) => (line.root.clone(), line.view.run.clone()),
            _ => self.any_run(of, &lines)?,
        };
        blocking(move || {
            let text = tell(&timeline(&runtime, &root, &run)?);
            let folder = runtime.run_dir(&root, &run);
            let file = write_readonly(&folder, name, &text).map_err(|error| {
                format!("the timeline could not be written to `{}`: {error}", folder.display())
            })?;
            Ok((run, file, text))
        })
        .await
    }

    /// The run that is named, whether it goes on, waits, or is only recorded.
    pub(super) fn any_run(&self, of: &OfRun, lines: &[RunLine]) -> Result<(PathBuf, RunId), String> {
        match meant(lines, of.run.as_deref(), |_| true, "shown") {
            Ok(line) => Ok((line.root.clone(), line.view.run.clone())),
            Err(reason) => of.run.as_deref().and_then(|run| self.recorded_anywhere(run)).ok_or(reason),
        }
    }
}

fn timeline(runtime: &Runtime, root: &Path, run: &RunId) -> Result<Timeline, String> {
    let recorded = runtime.journal(root, run).map_err(|error| error.to_string())?;
    report::timeline(recorded.iter().map(|record| (record.at_ms, &record.event)))
}
