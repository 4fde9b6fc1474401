//! One folder in which the built binary is run as a user starts it, with nothing in the environment
//! that changes what it does.

use super::processes::{eventually, living_in, nothing_lives_in};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Our own binary.
pub(crate) const PLIMSOLL: &str = env!("CARGO_BIN_EXE_plimsoll");
/// Longest time of a run, for the day on which one hangs.
const RUN_TIME_MAX: Duration = Duration::from_secs(100);
/// What changes how a program talks, or to whom.
const CLEARED: [&str; 4] = ["CI", "NO_COLOR", "RUST_LOG", "RUST_BACKTRACE"];
const CLEARED_PREFIXES: [&str; 4] = ["GITHUB_", "RUNNER_", "CLICOLOR", "PLIMSOLL_"];

/// A folder of its own, removed at the end.
#[derive(Debug)]
pub(crate) struct Bench {
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With a `plimsoll.yml`.
    pub(crate) fn with(suite: &str) -> Self {
        let bench = Self::new();
        bench.write("plimsoll.yml", suite);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A command in this folder, in a clean environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env("COLUMNS", "100").stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let is_proxy = text.to_ascii_lowercase().ends_with("_proxy");
            let is_cleared = CLEARED.contains(&&*text)
                || CLEARED_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
            if is_proxy || is_cleared {
                command.env_remove(&name);
            }
        }
        command
    }

    /// Runs Plimsoll with these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    /// Runs Plimsoll with these arguments and variables.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = self.command(PLIMSOLL);
        command.args(arguments).envs(variables.iter().copied());
        self.finish(command)
    }

    /// Runs a command to its end, and sees that nothing is left of it.
    pub(crate) fn finish(&self, command: Command) -> Ran {
        let output = assert_cmd::Command::from_std(command).timeout(RUN_TIME_MAX).output().unwrap();
        self.ended(Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        })
    }

    /// What holds after every run, however it was meant to end.
    fn ended(&self, ran: Ran) -> Ran {
        assert_ne!(ran.code, Some(101), "{ran}");
        assert!(!ran.stderr.contains("panicked"), "{ran}");
        nothing_lives_in(self.folder.path());
        ran
    }

    /// Starts Plimsoll; what it prints goes into files.
    pub(crate) fn start(&self, arguments: &[&str]) -> Started<'_> {
        let to = |name: &str| std::fs::File::create(self.path(name)).unwrap();
        let mut command = self.command(PLIMSOLL);
        command.args(arguments).stdout(to("stdout")).stderr(to("stderr"));
        Started { child: command.spawn().unwrap(), bench: self }
    }

    /// The folders of all runs, the oldest first.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.path(".plimsoll/runs")) else { return Vec::new() };
        let mut runs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        runs.sort();
        runs
    }

    /// The folder of the only run.
    pub(crate) fn only_run(&self) -> PathBuf {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    /// A file of the only run.
    pub(crate) fn in_run(&self, name: &str) -> String {
        let path = self.only_run().join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// `results.json` of the only run.
    pub(crate) fn results(&self) -> serde_json::Value {
        serde_json::from_str(&self.in_run("results.json")).unwrap()
    }

    /// The journal of the only run, line by line: its header, then the trials.
    pub(crate) fn journal(&self) -> Vec<serde_json::Value> {
        journal(&self.only_run())
    }
}

/// The journal in the folder of a run. A last line without its end is left out.
pub(crate) fn journal(run: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(run.join("trials.jsonl")).unwrap_or_default();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Ran {
    /// Fails unless it ended with `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Fails unless standard error holds all of `parts`.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not on standard error:\n{self}");
        }
        self
    }

    /// Fails unless standard output holds all of `parts`.
    #[track_caller]
    pub(crate) fn prints(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stdout.contains(part), "`{part}` is not on standard output:\n{self}");
        }
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, stdout, stderr } = self;
        write!(f, "exit code {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// A run under way; killed when dropped.
#[derive(Debug)]
pub(crate) struct Started<'a> {
    child: Child,
    bench: &'a Bench,
}

impl Started<'_> {
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits until it has started a process whose command line holds `part`.
    pub(crate) fn has_child(&mut self, part: &str) {
        let (own, folder) = (self.pid(), self.bench.folder.path());
        eventually(&format!("a process with `{part}`"), || {
            assert!(self.is_running(), "it has ended: {}", self.bench.read("stderr"));
            living_in(folder).iter().any(|p| p.pid != own && p.command.contains(part))
        });
    }

    /// Waits until this many trials are in its journal.
    pub(crate) fn has_completed(&mut self, trials: usize) {
        eventually(&format!("{trials} trials"), || {
            assert!(self.is_running(), "it has ended: {}", self.bench.read("stderr"));
            self.bench.runs().first().is_some_and(|run| journal(run).len() > trials)
        });
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn send(&self, signal: rustix::process::Signal) {
        super::processes::send(self.pid(), signal);
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let mut status = None;
        eventually("the end of the run", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        self.bench.ended(Ran {
            code: status.unwrap().code(),
            stdout: self.bench.read("stdout"),
            stderr: self.bench.read("stderr"),
        })
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
