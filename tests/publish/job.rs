//! A job of a workflow: its event, its environment, and the run that it publishes.

use crate::fake::Fake;
use crate::objects::pull;
use assert_cmd::Command;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The commit of the pull request.
pub(crate) fn head() -> String {
    "a".repeat(40)
}

/// A job.
pub(crate) struct Job {
    pub(crate) fake: Fake,
    folder: TempDir,
    pub(crate) event: (&'static str, Value),
    pub(crate) run: (u64, u32),
    pub(crate) token: &'static str,
    pub(crate) results: Value,
    pub(crate) options: Vec<String>,
}

/// How it ended.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stderr: String,
    /// The file of outputs.
    pub(crate) outputs: String,
}

impl Job {
    /// Of pull request 7, which passed.
    pub(crate) fn new() -> Self {
        Self::on("")
    }

    /// The same on a platform whose API has this path.
    pub(crate) fn on(prefix: &'static str) -> Self {
        let fake = Fake::start(prefix);
        fake.with(|state| state.pulls.push(pull(7, &head(), (1, "o"))));
        let event = json!({ "pull_request": { "number": 7, "head": { "sha": head() } } });
        Self {
            fake,
            folder: tempfile::tempdir().unwrap(),
            event: ("pull_request", event),
            run: (5, 1),
            token: "ghs_token",
            results: saved("pass"),
            options: Vec::new(),
        }
    }

    /// The folder of the run.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    pub(crate) fn write_run(&self, folder: &Path, results: &Value) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("results.json"), results.to_string()).unwrap();
        std::fs::write(folder.join("config.yml"), "").unwrap();
    }

    /// Publishes the run.
    pub(crate) fn publish(&self) -> Done {
        self.publish_to(&self.fake.api())
    }

    /// The same with an address of the API that ends in a slash.
    pub(crate) fn publish_with_slash(&self) -> Done {
        self.publish_to(&format!("{}/", self.fake.api()))
    }

    /// The same to another platform.
    pub(crate) fn publish_to(&self, api: &str) -> Done {
        let run = self.folder();
        self.write_run(&run, &self.results);
        self.with_arguments(&[run.to_str().unwrap()], api)
    }

    /// Publishes every run below the folder.
    pub(crate) fn publish_all(&self) -> Done {
        self.with_arguments(&["--runs", self.folder().to_str().unwrap()], &self.fake.api())
    }

    fn with_arguments(&self, arguments: &[&str], api: &str) -> Done {
        let path = |name: &str| self.folder.path().join(name);
        let (name, event) = &self.event;
        std::fs::write(path("event.json"), event.to_string()).unwrap();
        let _ = std::fs::remove_file(path("outputs"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command
            .env_clear()
            .arg("publish")
            .args(arguments)
            .args(&self.options)
            .current_dir(self.folder.path())
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", name)
            .env("GITHUB_EVENT_PATH", path("event.json"))
            .env("GITHUB_OUTPUT", path("outputs"))
            .env("GITHUB_REPOSITORY", "o/r")
            .env("GITHUB_RUN_ID", self.run.0.to_string())
            .env("GITHUB_RUN_ATTEMPT", self.run.1.to_string())
            .env("GITHUB_SERVER_URL", "https://github.com")
            .env("GITHUB_API_URL", api)
            .env("PLIMSOLL_GITHUB_TOKEN", self.token)
            .timeout(std::time::Duration::from_secs(120));
        let output = command.output().unwrap();
        assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
        Done {
            code: output.status.code().unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            outputs: std::fs::read_to_string(path("outputs")).unwrap_or_default(),
        }
    }
}

/// The results of a run of the demo: `pass` or `regression`.
pub(crate) fn saved(name: &str) -> Value {
    let path = format!("{}/tests/publish/runs/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A comment as an earlier run wrote it.
pub(crate) fn earlier(key: &str, run: u64, head: char) -> String {
    let head = head.to_string().repeat(12);
    format!("<!-- plimsoll:1 key={key} run={run} attempt=1 head={head} -->\n### earlier\n")
}
