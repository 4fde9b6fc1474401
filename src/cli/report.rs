//! `plimsoll report`: render a saved run again.

use super::ExitStatus;
use super::arguments::{OutOption, TemplatesOption, chain, complain, usage};
use super::format::{Format, FormatOption, NOTHING_TO_EXPORT_HINT};
use super::progress::print;
use crate::report::{Results, Templates, markdown, terminal, trial};
use crate::run::{Folder, NoRun, is_partial, journal};
use crate::units::one_line;
use clap::Args;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// Longest first line of a journal.
const LINE_MAX: u64 = 64 * 1024;

/// `plimsoll report`. A run that was killed has no results; its journal is shown then.
#[derive(Debug, Args)]
#[command(after_help = "Of a run that was killed, the completed trials are shown.")]
pub(super) struct Report {
    /// The run: its folder, the folder's name, or `latest`
    #[arg(default_value = "latest", value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    out: OutOption,
    #[command(flatten)]
    templates: TemplatesOption,
}

impl Report {
    pub(super) fn run(self) -> ExitStatus {
        match self.text() {
            Ok(text) => print(&text),
            Err(status) => status,
        }
    }

    fn text(&self) -> Result<String, ExitStatus> {
        let format = self.format.read(Format::Text)?;
        let templates = self.templates.read()?;
        let folder = Folder::find(self.out.path(), &self.run).map_err(|error| no_run(&error))?;
        let refuse = |(error, hint): (String, Option<&str>)| {
            complain(&error, hint);
            ExitStatus::Usage
        };
        let plain = |error| (error, None);
        let text = match results(&folder) {
            Ok(Some(results)) => render(&results, format, templates.as_ref()),
            Ok(None) if !is_run(&folder) => {
                Err(plain(format!("{} is no run", folder.path().display())))
            }
            Ok(None) => unfinished(&folder, format).map_err(plain),
            Err(error) => Err(plain(error)),
        };
        text.map_err(refuse)
    }
}

/// Complains of a run that is not there.
pub(super) fn no_run(error: &NoRun) -> ExitStatus {
    let hint = if error.is_first {
        "run `plimsoll check` or `plimsoll measure` first, or name their folder with `--out`"
    } else {
        "name a folder below `.plimsoll/runs`, or `latest`"
    };
    usage(&error.to_string(), hint)
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

/// A saved run in one of the formats; else the error, and what to do about it.
fn render(
    results: &Results,
    format: Format,
    templates: Option<&Templates>,
) -> Result<String, (String, Option<&'static str>)> {
    let page = match templates.filter(|_| format == Format::Markdown) {
        Some(own) => Some(markdown::render_with(results, own).map_err(|e| (chain(&e), None))?),
        None => None,
    };
    let page = || page.unwrap_or_else(|| markdown::render(results));
    format
        .render(results, || terminal::render(results), page)
        .map_err(|error| (error.to_string(), Some(NOTHING_TO_EXPORT_HINT)))
}

/// Whether a folder without results can be a run's: one that was killed may not even have its first
/// file, or half of it, but one with other files only is something else.
fn is_run(folder: &Folder) -> bool {
    let has_nothing_else = || {
        std::fs::read_dir(folder.path())
            .is_ok_and(|mut files| files.all(|file| file.is_ok_and(|it| is_partial(&it.path()))))
    };
    folder.config().exists() || folder.journal().exists() || has_nothing_else()
}

/// Whether a journal has its first line: a run may be killed before.
fn has_begun(path: &Path) -> bool {
    let mut first = Vec::new();
    let read = |file: File| BufReader::new(file).take(LINE_MAX).read_until(b'\n', &mut first);
    match File::open(path).and_then(read) {
        Ok(_) => first.ends_with(b"\n"),
        // Anything else is told by whoever reads all of it.
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// What the journal of a run that was killed still holds: each completed trial, none twice.
fn unfinished(folder: &Folder, format: Format) -> Result<String, String> {
    if !matches!(format, Format::Text | Format::Json) {
        return Err(
            "this run ended before it had a verdict; use `--format text` or `json`".to_owned()
        );
    }
    let path = folder.journal();
    let found = if has_begun(&path) {
        let found = journal::read(&path)
            .map_err(|error| format!("cannot read the journal {}: {error}", path.display()))?;
        Some(found)
    } else {
        None
    };
    let (header, entries) = found.map_or((None, Vec::new()), |(header, all)| (Some(header), all));
    if format == Format::Json {
        let trials: Vec<_> = entries.iter().map(|entry| &entry.trial).collect();
        let value = serde_json::json!({ "header": header, "unfinished": true, "trials": trials });
        return Ok(format!("{value:#}\n"));
    }
    let which = header.map_or_else(String::new, |header| {
        format!(" of suite `{}` that began {}", one_line(&header.suite), one_line(&header.started))
    });
    let mut text = format!("UNFINISHED: the run{which} ended before it had a verdict.\n");
    match entries.len() {
        0 => text.push_str("No trial was completed.\n"),
        n => {
            let _ = writeln!(text, "{n} completed trial{}:\n", if n == 1 { "" } else { "s" });
        }
    }
    for entry in &entries {
        let _ =
            writeln!(text, "check `{}`, trial {}", one_line(&entry.check), entry.trial.index + 1);
        text.push_str(&trial::render(&(&entry.trial).into()));
        text.push('\n');
    }
    Ok(text)
}
