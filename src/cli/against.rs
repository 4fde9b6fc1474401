//! `plimsoll check --against`: the base in a work tree of its own, both sides built, and their trials
//! by turns.

use super::ExitStatus;
use super::arguments::{Suite, chain, complain, usage};
use super::base::BaseCommit;
use super::conclude::{Judged, conclude, refused, run_session, watched};
use super::progress::say;
use super::session::Session;
use super::{compare, git};
use crate::baseline::{Baseline, Loaded};
use crate::config::plan::{FailOn, ManagedTarget, TargetSource};
use crate::config::{LoadError, Plan, environment, load};
use crate::gate::{WithSlos, hold_to, judge_pair};
use crate::report::{About, AgainstResult, Notice, Problem, ProblemCode};
use crate::target::{BuildError, TargetError, build, built};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// What a check against a commit is told.
pub(super) struct Orders<'a> {
    pub(super) base: BaseCommit,
    /// Verdicts that fail, where the command line says.
    pub(super) fail_on: Option<BTreeSet<FailOn>>,
    /// Whether the same build on both sides is measured all the same.
    pub(super) no_skip: bool,
    /// The committed baseline: where to begin, and what else to say.
    pub(super) baseline: &'a Loaded,
    /// What else a reviewer should know.
    pub(super) notices: &'a [Notice],
}

/// The suite of the base, in a work tree of its own.
struct Side {
    plan: Plan,
    managed: ManagedTarget,
}

/// What became of an attempt to prepare both sides.
enum Prepared {
    Ready {
        notices: Vec<Notice>,
    },
    /// Nothing has to be measured.
    Same(String),
    /// Something does not build.
    Broken(Problem),
    /// The base has no suite, so there is nothing to compare with.
    NoSuite,
}

/// Runs it; `None` where the base has no suite, so that only the baseline is left to compare with.
pub(super) fn check(suite: &mut Suite, orders: &Orders<'_>) -> Option<ExitStatus> {
    match run(suite, orders) {
        Ok(done) => done,
        Err(status) => Some(status),
    }
}

fn run(suite: &mut Suite, orders: &Orders<'_>) -> Result<Option<ExitStatus>, ExitStatus> {
    compare::refuse_exact(suite)?;
    let against =
        AgainstResult { commit: orders.base.sha.clone(), how: orders.base.how.to_owned() };
    let nothing = Judged { against: Some(against), ..Judged::nothing("check") };
    let (problem, skipped) = match prepare(suite, orders)? {
        Prepared::NoSuite => return Ok(None),
        Prepared::Same(why) => (None, Some(why)),
        Prepared::Broken(problem) => (Some(problem), None),
        Prepared::Ready { mut notices } => {
            let fail_on = orders.fail_on.clone().unwrap_or_else(|| suite.plan.fail_on.clone());
            let base = suite.plan.base.clone();
            let aim = |check: &str, _: &_, _| compare::aim(suite, orders.baseline, check);
            let session = run_session(suite, &aim, None, base.as_ref())?;
            let verdict = judge_pair(&suite.plan, suite.selected(), &session.findings());
            notices.extend(orders.notices.iter().cloned());
            notices.extend(beside(orders.baseline, &session));
            let judged = Judged { verdict: Some(verdict), fail_on: &fail_on, notices, ..nothing };
            return Ok(Some(conclude(suite, &session, &judged)));
        }
    };
    let session = Session::without_trials(&suite.plan, &suite.out, problem);
    let session = session.map_err(|error| refused(&error))?;
    Ok(Some(conclude(suite, &session, &Judged { skipped, ..nothing })))
}

fn prepare(suite: &mut Suite, orders: &Orders<'_>) -> Result<Prepared, ExitStatus> {
    let folder = super::base::folder(suite);
    let sha = &orders.base.sha;
    if !orders.no_skip && is_same_tree(&folder, sha) {
        return Ok(Prepared::Same(format!(
            "same tree: the working tree is that of `{}`",
            short(sha)
        )));
    }
    let place = absolute(&suite.out)?.join("against");
    let tree = work_tree(&folder, &place.join(sha), sha)?;
    let path = git::path_in_repository(&suite.plan.file).ok_or_else(|| {
        usage("the suite is in no git repository", "`--against` needs the history of the suite")
    })?;
    let base = match base_suite(&tree.join(path))? {
        Some(base) => base,
        None => {
            say(&format!("`{}` has no suite here: nothing to build and compare with", short(sha)));
            return Ok(Prepared::NoSuite);
        }
    };
    let TargetSource::Managed(head) = &suite.plan.target.source else {
        return Err(usage("this target has no `command`", "leave `--against` out"));
    };
    let head = anchored(head, &suite.plan.file)?;
    let stop = CancellationToken::new();
    if let Err(problem) = watched(&stop, build_both(&base.managed, &head, &place, sha, &stop))? {
        return Ok(Prepared::Broken(problem));
    }
    if let (false, Some(before), Some(now)) = (orders.no_skip, built(&base.managed), built(&head))
        && before == now
    {
        let files: Vec<String> = now.keys().map(|name| format!("`{name}`")).collect();
        return Ok(Prepared::Same(format!(
            "same build: {} made of `{}` and of the working tree do not differ in a byte; what else \
             the service reads was not compared, and `--no-skip` measures all the same",
            files.join(", "),
            short(sha)
        )));
    }
    let loosened = hold_to(&base.plan, &mut suite.plan, WithSlos::Yes);
    suite.plan.base = Some(TargetSource::Managed(base.managed));
    Ok(Prepared::Ready { notices: Notice::all(About::Loosens, loosened) })
}

/// The same files, nothing changed and nothing new: what is built of them cannot differ.
fn is_same_tree(folder: &Path, sha: &str) -> bool {
    let tree =
        |commit: &str| git::line(folder, &["rev-parse", "--verify", &format!("{commit}^{{tree}}")]);
    let is_clean = git::line(folder, &["status", "--porcelain"]).is_some_and(|it| it.is_empty());
    is_clean && tree("HEAD").is_some() && tree("HEAD") == tree(sha)
}

/// A work tree of this commit. One that is there already is used again, with what was built in it.
fn work_tree(folder: &Path, place: &Path, sha: &str) -> Result<PathBuf, ExitStatus> {
    let cannot = |what: &str| {
        usage(
            &format!("cannot make a work tree of `{}`: {what}", short(sha)),
            "is this a git clone?",
        )
    };
    let at = git::line(place, &["rev-parse", "--verify", "HEAD"]);
    let is_its_own = git::line(place, &["rev-parse", "--show-toplevel"])
        .is_some_and(|top| Path::new(&top) == place.canonicalize().unwrap_or_default());
    if is_its_own && at.as_deref() == Some(sha) {
        return Ok(place.to_owned());
    }
    if place.exists() {
        std::fs::remove_dir_all(place).map_err(|error| cannot(&error.to_string()))?;
    }
    let _ = git::line(folder, &["worktree", "prune"]);
    let path = place.to_str().ok_or_else(|| cannot("its path is not text"))?;
    let hooks = "core.hooksPath=/dev/null";
    let add = ["-c", hooks, "worktree", "add", "--quiet", "--force", "--detach", path, sha];
    git::line(folder, &add).ok_or_else(|| cannot("`git worktree add` failed"))?;
    Ok(place.to_owned())
}

/// The base's own suite: what is built and started there is its own matter.
fn base_suite(file: &Path) -> Result<Option<Side>, ExitStatus> {
    let plan = match load(file, &[], &environment::process) {
        Ok(plan) => plan,
        Err(LoadError::Missing { .. }) => return Ok(None),
        Err(error) => {
            if let LoadError::Invalid(invalid) = &error {
                invalid.problems.render(&invalid.source_text, false).lines().for_each(say);
            }
            complain(
                &format!("the base's suite cannot be used: {}", chain(&error)),
                Some("compare with a commit whose suite is in order, or leave `--against` out"),
            );
            return Err(ExitStatus::Target);
        }
    };
    let TargetSource::Managed(managed) = &plan.target.source else {
        return Err(usage(
            "the base's suite has no `command` to start",
            "`--against none` compares with the committed baseline",
        ));
    };
    Ok(Some(Side { managed: anchored(managed, &plan.file)?, plan }))
}

/// The target with its folder from the root, so that it can be started from anywhere.
fn anchored(managed: &ManagedTarget, suite: &Path) -> Result<ManagedTarget, ExitStatus> {
    let folder = suite.parent().unwrap_or(Path::new("")).join(&managed.directory);
    Ok(ManagedTarget { directory: absolute(&folder)?, ..managed.clone() })
}

fn absolute(path: &Path) -> Result<PathBuf, ExitStatus> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::path::absolute(path).map_err(|error| {
        usage(&format!("cannot find `{}`: {error}", path.display()), "name another folder")
    })
}

/// Builds the base, unless that was done before, and the head.
async fn build_both(
    base: &ManagedTarget,
    head: &ManagedTarget,
    place: &Path,
    sha: &str,
    stop: &CancellationToken,
) -> Result<(), Problem> {
    let program = std::env::current_exe().map_err(|error| Problem {
        code: ProblemCode::Usage,
        text: format!("cannot find our own program: {error}"),
        last_lines: Vec::new(),
    })?;
    let mark = place.join(format!("{sha}.built"));
    let command = base.build.clone().unwrap_or_default();
    if base.build.is_some() && std::fs::read_to_string(&mark).ok().as_ref() != Some(&command) {
        let log = place.join(format!("{sha}.log"));
        one("base", base, &log, &program, stop).await?;
        // Without it the base is only built once more.
        let _ = std::fs::write(&mark, command);
    }
    if head.build.is_some() {
        one("working tree", head, &place.join("head.log"), &program, stop).await?;
    }
    Ok(())
}

async fn one(
    who: &str,
    managed: &ManagedTarget,
    log: &Path,
    program: &Path,
    stop: &CancellationToken,
) -> Result<(), Problem> {
    say(&format!("building the {who}: {}", managed.build.as_deref().unwrap_or_default()));
    let _ = std::fs::remove_file(log);
    build(managed, log, program, stop).await.map_err(|error| Problem {
        code: match &error {
            BuildError::Target(TargetError::Interrupted) => ProblemCode::Interrupted,
            BuildError::Target(_) | BuildError::Failed { .. } | BuildError::Endless { .. } => {
                ProblemCode::Target
            }
        },
        text: format!("the {who} does not build: {}", chain(&error)),
        last_lines: error.last_lines(),
    })
}

/// What the committed baseline says, where there is one: it does not count here.
fn beside(baseline: &Loaded, session: &Session) -> Vec<Notice> {
    let Some(baseline) = baseline.baseline() else { return Vec::new() };
    let text = |name: &str| of_baseline(baseline, session, name);
    Notice::all(About::Baseline, session.suite.checks.iter().filter_map(|check| text(&check.name)))
}

fn of_baseline(baseline: &Baseline, session: &Session, name: &str) -> Option<String> {
    use crate::units::number::{change_short, estimate, plain};
    let accepted = baseline.checks.get(name)?.metrics.get("capacity")?;
    let finding = session.suite.checks.iter().find(|check| check.name == name)?.finding.as_ref()?;
    let then = estimate(accepted.value, accepted.low, accepted.high);
    let day = baseline.recorded.time.split('T').next().unwrap_or_default();
    let belief = finding.belief.as_ref();
    let now = match (finding.metrics.get("capacity"), belief) {
        (Some(now), _) => {
            let change = change_short(now.value / accepted.value - 1.0);
            format!("here the head carries {} ({change})", estimate(now.value, now.low, now.high))
        }
        (None, Some(belief)) => match (belief.at_least, belief.at_most) {
            (Some(low), _) => format!("here the head carries at least {}", plain(low)),
            (None, Some(high)) => format!("here the head carries at most {}", plain(high)),
            (None, None) => return None,
        },
        (None, None) => return None,
    };
    Some(format!(
        "`{name}` was accepted with {then} {} on {day}; {now}; the comparison on one machine is what \
         counts",
        accepted.unit
    ))
}

fn short(sha: &str) -> String {
    sha.chars().take(12).collect()
}
