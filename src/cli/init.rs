//! `plimsoll init`: a commented plimsoll.yml to start from.

mod server;
mod suite;
mod workflow;
#[cfg(test)]
mod tests;

use super::ExitStatus;
use super::arguments::{chain, usage};
use super::progress::{print, say};
use clap::Args;
use server::{MODEL, Server, Source};
use std::path::{Path, PathBuf};
use workflow::Action;

/// Shown below `--help`.
const AFTER_HELP: &str = "\
The suite is complete and can be run; its limits, lengths and range are a start, and marked.";

/// `plimsoll init`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Init {
    /// Server that is to be tested
    #[arg(value_enum, ignore_case = true, default_value_t = Server::Openai)]
    server: Server,
    /// Base URL of a server that runs already
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Model, as the server knows it
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Name of the suite and its baseline; by default that of the directory
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// File that is written
    #[arg(long, default_value = "plimsoll.yml", value_name = "FILE")]
    output: PathBuf,
    /// Write workflows of GitHub Actions as well, which use Plimsoll's action at this commit or tag:
    /// `OWNER/plimsoll@SHA`
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Overwrite files that are there
    #[arg(long)]
    force: bool,
    /// Print the suite instead of writing it
    #[arg(long)]
    print: bool,
    /// Program and arguments that start the server, `{port}` where its port goes; comes last, for
    /// all that follows belongs to it
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true, conflicts_with = "url")]
    command: Vec<String>,
}

/// What cannot be done, and what would be right.
#[derive(Debug)]
struct Refusal(String, String);

impl Init {
    pub(super) fn run(self) -> ExitStatus {
        match self.write() {
            Ok(status) => status,
            Err(Refusal(error, hint)) => usage(&error, &hint),
        }
    }

    fn write(&self) -> Result<ExitStatus, Refusal> {
        let mut files = vec![(self.output.clone(), self.text()?)];
        if let Some(action) = &self.action {
            let action = Action::read(action, workflow::commit_of_tag)?;
            files.extend(workflow::files(&self.name(), &self.output, &action)?);
        }
        if self.print {
            let texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
            return Ok(print(&texts.join("---\n")));
        }
        for (path, _) in files.iter().filter(|_| !self.force) {
            if path.symlink_metadata().is_ok() {
                let hint = "`--force` overwrites it, `--output` names another suite, `--print` writes none";
                let what = format!("there is a `{}` already", workflow::shown(path));
                return Err(Refusal(what, hint.to_owned()));
            }
        }
        for (index, (path, text)) in files.iter().enumerate() {
            // Only the folder of the workflows is made.
            let folder = path.parent().filter(|_| index > 0);
            write(path, text, folder)?;
        }
        say(&self.next_steps());
        let more: Vec<String> =
            files.iter().skip(1).map(|(path, _)| workflow::shown(path)).collect();
        if !more.is_empty() {
            let files = more.join(" and ");
            say(&format!(
                "wrote {files}: commit them, and make the job `capacity` a required check"
            ));
        }
        Ok(ExitStatus::Pass)
    }

    fn name(&self) -> String {
        self.suite.clone().unwrap_or_else(|| suite::name_of(&directory(&self.output)))
    }

    /// The suite; never one that `check` would refuse to read.
    fn text(&self) -> Result<String, Refusal> {
        self.refuse_idle_options()?;
        let facts = self.server.facts();
        let model = self.model.as_deref().unwrap_or(facts.model);
        let own = |word: &str| (if word == MODEL { model } else { word }).to_owned();
        let (command, url) = match (self.url.as_deref(), facts.source) {
            (Some(url), _) => (Vec::new(), Some(url)),
            (None, _) if !self.command.is_empty() => (self.command.clone(), None),
            (None, Source::Command(line)) => (line.split(' ').map(own).collect(), None),
            (None, Source::Url(url)) => (Vec::new(), Some(url)),
            (None, Source::BuiltIn) => (Vec::new(), None),
        };
        // With a command or URL of the user's own, a model can only mean what is sent.
        let is_own = self.url.is_some() || !self.command.is_empty();
        let is_sent = facts.sent.is_empty() || (is_own && self.model.is_some());
        let context = suite::Context {
            server: self.server,
            title: facts.title,
            suite: &self.name(),
            command: &command,
            url,
            model: if is_sent { model } else { facts.sent },
            budget: facts.budget,
        };
        let text = suite::text(&context).map_err(|error| {
            Refusal(
                format!("the template cannot be used: {}", chain(&error)),
                "this is a defect of Plimsoll: please report it".to_owned(),
            )
        })?;
        match crate::config::read(&self.output, &text, &[], &|_| None) {
            Ok(_) => Ok(text),
            Err(invalid) => {
                let problem = invalid.problems.iter().next();
                let what = problem.map_or_else(|| invalid.to_string(), |first| first.what.clone());
                let hint = problem.and_then(|first| first.hint.clone());
                Err(Refusal(what, hint.unwrap_or_else(|| "name it differently".to_owned())))
            }
        }
    }

    /// Refuses what would do nothing.
    fn refuse_idle_options(&self) -> Result<(), Refusal> {
        let refuse = |what: &str, hint: &str| Err(Refusal(what.to_owned(), hint.to_owned()));
        let facts = self.server.facts();
        let is_built_in = matches!(facts.source, Source::BuiltIn);
        if is_built_in && (self.url.is_some() || !self.command.is_empty()) {
            let hint = "name the server that is there, for example `plimsoll init openai --url …`";
            return refuse("the demo is built in and takes no `--url` or `--command`", hint);
        }
        if facts.model.is_empty() && self.model.is_some() {
            return refuse("no model is asked for here: `--model` would do nothing", "take it out");
        }
        match &self.suite {
            Some(name) if suite::name_of(name) != *name => refuse(
                "`--suite` takes letters, digits, `-`, `_` and `.`, and at most 60 of them",
                &format!("write for example `--suite {}`", suite::name_of(name)),
            ),
            Some(_) | None => Ok(()),
        }
    }

    fn next_steps(&self) -> String {
        let file = suite::quoted(&self.output.display().to_string());
        let facts = self.server.facts();
        let config =
            if file == "plimsoll.yml" { String::new() } else { format!(" --config {file}") };
        let steps = [
            (format!("measure --budget {}{config}", facts.measure), "what does it carry?"),
            (format!("baseline accept{config}"), "so much it must carry from now on"),
            (format!("check{config}"), "fails when it carries less; for every change"),
        ];
        let width = steps.iter().map(|(verb, _)| verb.chars().count()).max().unwrap_or_default();
        let mut text =
            format!("wrote {file} for {}; set what is marked \"yours\", then:", facts.title);
        for (verb, why) in steps {
            text.push_str(&format!("\n  plimsoll {verb:width$}  # {why}"));
        }
        text + &format!("\ncommit {file} and the folder `baselines` once it is accepted")
    }
}

fn write(path: &Path, text: &str, folder: Option<&Path>) -> Result<(), Refusal> {
    folder
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| crate::run::write_atomically(path, text.as_bytes()))
        .map_err(|error| {
            let hint = "`--output` names another file, `--print` writes none";
            Refusal(
                format!("cannot write `{}`: {}", path.display(), chain(&error)),
                hint.to_owned(),
            )
        })
}

/// Name of the directory that the file stands in.
fn directory(file: &Path) -> String {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new(".")).canonicalize().unwrap_or_default();
    parent.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
