//! Raw suite to [`Plan`]: everything that the shape alone does not say. Every rule adds its problem
//! and goes on, so that all of them are reported at once. What a rule gives back beside a problem
//! never leaves [`read`]; it is `None` where other rules would only repeat the problem.

mod api;
mod between_trials;
mod ca;
mod check;
mod demo;
mod gate;
mod http;
mod knob;
mod slo;
mod target;
#[cfg(test)]
mod tests;
mod url;
#[cfg(test)]
mod wording;
mod workload;

use super::decode::{Decode, Decoder, Section, Spanned};
use super::environment::Lookup;
use super::leaf::Time;
use super::model::{self, Suite};
use super::node::Node;
use super::plan::{Budget, CheckPlan, FailOn, Plan};
use super::problem::{Code, Problem, Problems, quoted};
use super::source::{Source, Span};
use super::{resolved, set, yaml};
use indexmap::IndexMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Longest name of a suite or check: with `.json` it must fit every file system.
const NAME_CHARS_MAX: usize = 100;

/// A suite that cannot be used, with all that is wrong with it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{}` has {} problem{}", source_text.name(), problems.count(), if problems.count() == 1 { "" } else { "s" })]
pub struct Invalid {
    /// What is wrong.
    pub problems: Problems,
    /// The texts that the problems point into.
    pub source_text: Source,
}

/// Checks the text of a suite. `file` is its path, for messages; `sets` are `PATH=VALUE` arguments
/// laid over it; `lookup` answers for the environment.
///
/// # Errors
/// All problems at once, each with its place.
pub fn read(
    file: &Path,
    text: &str,
    sets: &[String],
    lookup: Lookup<'_>,
) -> Result<Plan, Box<Invalid>> {
    read_with(file, text, sets, lookup, &|_| Err("there are no files here".to_owned()))
}

/// Gives the bytes of a file that a suite names, or what the system said.
pub(super) type Files<'a> = &'a dyn Fn(&Path) -> Result<Vec<u8>, String>;

/// The same; `files` answers for the files that the suite names.
pub(super) fn read_with(
    file: &Path,
    text: &str,
    sets: &[String],
    lookup: Lookup<'_>,
    files: Files<'_>,
) -> Result<Plan, Box<Invalid>> {
    let mut source = Source::new(&file.display().to_string(), text);
    let mut problems = Problems::default();
    let plan = read_into(&mut source, file, sets, (lookup, files), &mut problems);
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        Some(_) | None => {
            problems.sort();
            Err(Box::new(Invalid { problems, source_text: source }))
        }
    }
}

fn read_into(
    source: &mut Source,
    file: &Path,
    sets: &[String],
    (lookup, files): (Lookup<'_>, Files<'_>),
    problems: &mut Problems,
) -> Option<Plan> {
    let mut root = yaml::parse(source.text(), super::Origin::File, problems)?;
    if root.is_null() {
        let hint = "`plimsoll init` writes a suite to start from";
        problems.push(Problem::new(Code::Empty, root.span, "the suite is empty").hint(hint));
        return None;
    }
    if let Some(foreign) = root.get("benchmark_config") {
        let what = "this is a Veeksha configuration, not a suite";
        let hint = "`plimsoll init` writes a suite to start from";
        problems.push(Problem::new(Code::OtherTool, foreign.key_span, what).hint(hint));
        return None;
    }
    set::apply(&mut root, sets, source, problems);
    let suite = Suite::decode(&root, &mut Decoder::new(problems))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut context = Context { source, lookup, files, folder, problems };
    context.suite(&suite, &root, file)
}

/// What the rules share.
struct Context<'a> {
    source: &'a Source,
    lookup: Lookup<'a>,
    files: Files<'a>,
    /// Where the suite is: paths in it count from here.
    folder: &'a Path,
    problems: &'a mut Problems,
}

impl Context<'_> {
    fn suite(&mut self, raw: &Suite, root: &Node, file: &Path) -> Option<Plan> {
        self.version(raw);
        let suite = self.required(raw, raw.suite.as_ref(), "suite", "name it: `suite: chat`");
        let suite = suite.map(|name| self.name(name, "suite"));
        let hint = "say what is tested: `target: { … }`";
        let target = self.required(raw, raw.target.as_ref(), "target", hint);
        let target = target.and_then(|target| self.target(target));
        let base = raw.base.as_ref().and_then(|base| self.base(base));
        let target = target.map(|target| self.items(raw, target));
        let workload = raw.workload.as_ref();
        let seed = workload.and_then(|raw| raw.seed.as_ref()).map_or(42, |seed| seed.value);
        let sessions = self.sessions(workload.and_then(|raw| raw.sessions.as_ref()));
        let budget = self.budget(raw.budget.as_ref());
        let fail_on = self.fail_on(raw);
        let hint = "add a check under `checks:`";
        let named = self.required(raw, raw.checks.as_ref(), "checks", hint);
        if let Some(checks) = named.filter(|checks| checks.entries.is_empty()) {
            let hint = "a run that checks nothing would always pass; add a check";
            self.refuse(Code::Empty, checks.span, "there is no check", hint);
        }
        // A check is read even where the target is not, so that its own problems are reported.
        let measured = check::Measured {
            target: target.as_ref(),
            seed,
            sessions: sessions.as_ref(),
            budget: budget.as_ref(),
            parameters: &Self::parameters(raw),
        };
        let checks: IndexMap<String, CheckPlan> = named
            .iter()
            .flat_map(|checks| &checks.entries)
            .filter_map(|(name, check)| self.check(name, check, &measured))
            .map(|plan| (plan.name.clone(), plan))
            .collect();
        Some(Plan {
            suite: suite?,
            target: target?,
            base,
            seed,
            sessions: sessions?,
            checks,
            budget: budget?,
            fail_on,
            resolved: resolved::text(root),
            file: file.to_owned(),
        })
    }

    fn version(&mut self, raw: &Suite) {
        let hint = "write `version: 1`";
        let version = self.required(raw, raw.version.as_ref(), "version", hint);
        if let Some(version) = version.filter(|version| version.value != 1) {
            let hint = "write `version: 1`, or use a newer Plimsoll";
            self.refuse(Code::NotSupported, version.span, "this version is not known", hint);
        }
    }

    fn budget(&mut self, raw: Option<&model::Budget>) -> Option<Budget> {
        let time = raw.and_then(|raw| raw.time.as_ref());
        let requests = raw.and_then(|raw| raw.requests.as_ref());
        let time = self.time(time, "budget.time", Duration::from_secs(8 * 60));
        if let Some(requests) = requests.filter(|requests| requests.value == 0) {
            self.zero(requests.span, "budget.requests");
        }
        Some(Budget { time: time?, requests: requests.map_or(1_000_000, |given| given.value) })
    }

    fn fail_on(&mut self, raw: &Suite) -> BTreeSet<FailOn> {
        let Some(list) = &raw.fail_on else {
            return FailOn::ALL.iter().map(|(fail_on, _)| *fail_on).collect();
        };
        if list.items.is_empty() {
            let hint = "name at least `regression`, or take it out";
            self.refuse(Code::Empty, list.span, "`fail_on` is empty: nothing could fail", hint);
        }
        list.items.iter().map(|fail_on| fail_on.value).collect()
    }

    /// The value of a key that must be there.
    fn required<'t, T>(
        &mut self,
        section: &dyn Section,
        value: Option<&'t T>,
        key: &str,
        hint: &str,
    ) -> Option<&'t T> {
        if value.is_none() && section.lacks(key) {
            self.refuse(Code::MissingKey, section.span(), format!("`{key}` is missing"), hint);
        }
        value
    }

    /// A name that becomes part of file names.
    fn name(&mut self, name: &Spanned<String>, what: &str) -> String {
        let text = &name.value;
        let is_fit = text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.len() <= NAME_CHARS_MAX
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !is_fit {
            let what = format!("{} cannot be the name of a {what}", quoted(text));
            let hint = format!(
                "names become file names: up to {NAME_CHARS_MAX} letters, digits, `-`, `_` and `.`, a letter or digit first"
            );
            self.refuse(Code::Name, name.span, what, hint);
        }
        text.clone()
    }

    /// A time that must not be zero.
    fn time(
        &mut self,
        given: Option<&Spanned<Time>>,
        key: &str,
        default: Duration,
    ) -> Option<Duration> {
        let Some(given) = given else { return Some(default) };
        if given.value.0.is_zero() {
            self.zero(given.span, key);
            return None;
        }
        Some(given.value.0)
    }

    fn zero(&mut self, span: Span, key: &str) {
        self.out_of_range(span, format!("`{key}` is zero"), "write a value greater than zero");
    }

    fn out_of_range(&mut self, span: Span, what: impl Into<String>, hint: impl Into<String>) {
        self.refuse(Code::OutOfRange, span, what, hint);
    }

    fn conflict(
        &mut self,
        (first, what): (Span, impl Into<String>),
        (second, label): (Span, &str),
        hint: &str,
    ) {
        self.problems
            .push(Problem::new(Code::Conflict, first, what).second(second, label).hint(hint));
    }

    fn refuse(&mut self, code: Code, span: Span, what: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::new(code, span, what).hint(hint));
    }
}
