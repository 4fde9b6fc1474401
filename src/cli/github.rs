//! What GitHub Actions reads of a run: outputs of the step, the job summary, annotations.

use super::arguments::{chain, complain};
use super::progress::command;
use crate::config::environment;
use crate::publish::{self, Workflow};
use crate::report::{Download, Place, Results, Templates, annotations, markdown};
use std::path::Path;

/// Writes all of it, as far as the platform asks for it. A failure never changes the verdict.
pub(super) fn write(results: &Results, folder: &Path, templates: Option<&Templates>) {
    to("GITHUB_OUTPUT", |file| publish::write_outputs(file, &publish::outputs(results, folder)));
    let page = match templates.map(|own| markdown::summary_with(results, &place(), own)) {
        Some(Ok(page)) => page,
        Some(Err(error)) => {
            complain(&chain(&error), Some("the summary is rendered by the built-in templates"));
            markdown::summary(results, &place())
        }
        None => markdown::summary(results, &place()),
    };
    to("GITHUB_STEP_SUMMARY", |file| publish::write_summary(file, &page, &results.headline));
    for annotation in annotations(results) {
        command(&publish::command(&annotation));
    }
}

/// Where a reader of the job's summary can find more.
pub(super) fn place() -> Place {
    let Ok(workflow) = Workflow::read() else { return Place::default() };
    let (run, _) = workflow.run;
    Place {
        run_url: Some(workflow.run_url(run)),
        download: environment::process("PLIMSOLL_ARTIFACT")
            .map(|artifact| Download { run, artifact }),
        is_claim: false,
    }
}

/// Writes to the file that a variable names, if there is one.
pub(super) fn to(variable: &str, write: impl FnOnce(&Path) -> std::io::Result<()>) {
    if let Some(path) = environment::process(variable)
        && let Err(error) = write(Path::new(&path))
    {
        complain(
            &format!("cannot write to {path}, which {variable} names: {error}"),
            Some("the verdict is unaffected"),
        );
    }
}
