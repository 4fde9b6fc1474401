//! `plimsoll report`: render a saved run again.

use super::ExitStatus;
use super::arguments::{Format, chain, choice, complain, not_empty};
use super::progress::print;
use crate::report::{Results, TemplateError, Templates, json, junit, markdown, terminal, trial};
use crate::run::{Folder, journal};
use clap::Args;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Render a saved run again. A run that was killed has no results; its journal is shown then.
#[derive(Debug, Args)]
pub(super) struct Report {
    /// The run: its folder, the folder's name, or `latest`
    #[arg(default_value = "latest", value_name = "RUN")]
    run: PathBuf,
    /// text, json, markdown or junit
    #[arg(long, env = "PLIMSOLL_FORMAT", default_value = "text")]
    format: String,
    /// Where runs are written
    #[arg(long, env = "PLIMSOLL_OUT", default_value = ".plimsoll", value_name = "DIR")]
    out: String,
    /// Folder with templates that replace the built-in ones
    #[arg(long, env = "PLIMSOLL_TEMPLATES", value_name = "DIR")]
    templates: Option<PathBuf>,
}

impl Report {
    pub(super) fn run(self) -> ExitStatus {
        let format = match choice("--format", &self.format, Format::Text) {
            Ok(format) => format,
            Err(status) => return status,
        };
        let out = not_empty(Some(&self.out)).unwrap_or(".plimsoll");
        let folder = match Folder::find(Path::new(out), &self.run) {
            Ok(folder) => folder,
            Err(error) => {
                complain(&chain(&error), Some("name a folder below `.plimsoll/runs`, or `latest`"));
                return ExitStatus::Usage;
            }
        };
        let text = match results(&folder) {
            Ok(Some(results)) => render(&results, format, self.templates.as_deref(), false),
            Ok(None) => unfinished(&folder, format),
            Err(error) => Err(error),
        };
        match text {
            Ok(text) => {
                print(&text);
                ExitStatus::Pass
            }
            Err(error) => {
                complain(&error, None);
                ExitStatus::Usage
            }
        }
    }
}

/// The results of a run; `None` when it never came to any.
pub(super) fn results(folder: &Folder) -> Result<Option<Results>, String> {
    let path = folder.results();
    match std::fs::read_to_string(&path) {
        Ok(text) => Results::from_json(&text)
            .map(Some)
            .map_err(|error| format!("{}: {}", path.display(), chain(&error))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// A saved or fresh run in one of the formats.
pub(super) fn render(
    results: &Results,
    format: Format,
    templates: Option<&Path>,
    colour: bool,
) -> Result<String, String> {
    Ok(match format {
        Format::Text if colour => terminal::render_with(results, terminal::Colour::Ansi),
        Format::Text => terminal::render(results),
        Format::Json => json::render(results),
        Format::Junit => junit::render(results),
        Format::Markdown => {
            let render = |folder: &Path| -> Result<String, TemplateError> {
                markdown::render_with(results, &Templates::from_folder(folder)?)
            };
            match templates {
                Some(folder) => render(folder).map_err(|error| chain(&error))?,
                None => markdown::render(results),
            }
        }
    })
}

/// What the journal of a run that was killed still holds: each completed trial, none twice.
fn unfinished(folder: &Folder, format: Format) -> Result<String, String> {
    let path = folder.journal();
    let (header, entries) = journal::read(&path)
        .map_err(|error| format!("cannot read the journal {}: {error}", path.display()))?;
    if format == Format::Json {
        let trials: Vec<_> = entries.iter().map(|entry| &entry.trial).collect();
        let value = serde_json::json!({ "header": header, "unfinished": true, "trials": trials });
        return Ok(format!("{value:#}\n"));
    }
    if format != Format::Text {
        return Err(
            "this run ended before it had a verdict; use `--format text` or `json`".to_owned()
        );
    }
    let mut text = format!(
        "UNFINISHED: the run of suite `{}` that began {} ended before it had a verdict.\n",
        header.suite, header.started
    );
    match entries.len() {
        0 => text.push_str("No trial was completed.\n"),
        n => {
            let _ = writeln!(text, "{n} completed trial{}:\n", if n == 1 { "" } else { "s" });
        }
    }
    for entry in &entries {
        let _ = writeln!(text, "check `{}`, trial {}", entry.check, entry.trial.index + 1);
        text.push_str(&trial::render(&entry.trial));
        text.push('\n');
    }
    Ok(text)
}
