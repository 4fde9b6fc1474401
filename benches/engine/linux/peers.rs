//! The other load generators.

use super::child::{Priority, Ran, on, run};
use super::trial::CLIENT_CORE;
use anyhow::Context as _;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What a peer may take, however slow it is.
const LIMIT: Duration = Duration::from_secs(180);

/// Prompts are made with a tokenizer; every other one would be fetched from the net.
const TOKENIZER: &str = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],
"normalizer":null,"pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,
"model":{"type":"WordLevel","vocab":{"<unk>":0,"the":1,"and":2,"of":3,"to":4},"unk_token":"<unk>"}}"#;
const TOKENIZER_CONFIG: &str =
    r#"{"tokenizer_class":"PreTrainedTokenizerFast","unk_token":"<unk>","eos_token":"<unk>"}"#;

/// Whether `program` can be started.
pub(super) fn is_there(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

/// Closed loop of oha.
pub(super) fn oha(program: &Path, url: &str, seconds: u32) -> anyhow::Result<Ran> {
    let mut command = on(Some(CLIENT_CORE), Priority::Ordinary, program);
    command.args(["--no-tui", "-c", "64", "-z"]).arg(format!("{seconds}s")).arg(url);
    succeeded(run(command, LIMIT)?)
}

/// Closed loop of wrk.
pub(super) fn wrk(program: &Path, url: &str, seconds: u32) -> anyhow::Result<Ran> {
    let mut command = on(Some(CLIENT_CORE), Priority::Ordinary, program);
    command.args(["-t1", "-c64"]).arg(format!("-d{seconds}s")).arg(url);
    succeeded(run(command, LIMIT)?)
}

/// A closed loop of streams, for a peer that runs on all cores.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streaming<'a> {
    pub(super) url: &'a str,
    /// At once.
    pub(super) streams: u32,
    pub(super) requests: u32,
    /// Of each.
    pub(super) chunks: usize,
    /// Where a peer may write.
    pub(super) folder: &'a Path,
}

impl Streaming<'_> {
    /// Plays it with AIPerf; its own p99 of the time to the first token, in ms.
    pub(super) fn aiperf(&self, program: &Path) -> anyhow::Result<f64> {
        let Self { url, streams, requests, chunks, .. } = *self;
        let (tokenizer, output) = (self.tokenizer()?, self.output("aiperf"));
        let mut command = self.command(program);
        command.args(["profile", "--model", "mock", "--endpoint-type", "chat", "--streaming"]);
        command.args(["--isl", "16", "--ui-type", "none", "--tokenizer"]).arg(&tokenizer);
        command.args(["--no-server-metrics", "--no-gpu-telemetry", "--url", url]);
        command.arg("--osl").arg(chunks.to_string());
        command.arg("--concurrency").arg(streams.to_string());
        command.arg("--request-count").arg(requests.to_string());
        command.arg("--output-artifact-dir").arg(&output);
        succeeded(run(command, LIMIT)?)?;
        let result = read(&output.join("profile_export_aiperf.json"))?;
        let p99 = result.pointer("/time_to_first_token/p99").and_then(Value::as_f64);
        p99.context("no p99 of the time to the first token")
    }

    /// Plays it with GuideLLM; its own p99 of the time to the first token, in ms.
    pub(super) fn guidellm(&self, program: &Path) -> anyhow::Result<f64> {
        let Self { url, streams, requests, chunks, .. } = *self;
        let (tokenizer, output) = (self.tokenizer()?, self.output("guidellm"));
        let (tokenizer, path) = (tokenizer.display(), output.join("benchmarks.json"));
        let mut command = self.command(program);
        command.env("HF_HUB_OFFLINE", "1");
        command.args(["run", "--disable-console", "--backend"]);
        command.arg(format!("kind=openai_http,model=mock,target={url}"));
        command.arg("--profile").arg(format!("kind=concurrent,streams={streams}"));
        command.arg("--constraint").arg(format!("kind=max_requests,count={requests}"));
        command.arg("--tokenizer").arg(format!("kind=huggingface_auto,model={tokenizer}"));
        command.arg("--data");
        command.arg(format!("kind=synthetic_text,prompt_tokens=16,output_tokens={chunks}"));
        command.arg("--output").arg(format!("kind=json,path={}", path.display()));
        succeeded(run(command, LIMIT)?)?;
        let result = read(&path)?;
        let metric = |name: &str| result.pointer(&format!("/benchmarks/0/metrics/{name}"));
        let answered = metric("request_totals/successful").and_then(Value::as_u64);
        anyhow::ensure!(answered == Some(requests.into()), "{answered:?} of {requests} requests");
        let p99 = metric("time_to_first_token_ms/successful/percentiles/p99");
        p99.and_then(Value::as_f64).context("no p99 of the time to the first token")
    }

    /// Writes the tokenizer.
    fn tokenizer(&self) -> anyhow::Result<PathBuf> {
        let tokenizer = self.folder.join("tokenizer");
        fs::create_dir_all(&tokenizer)?;
        fs::write(tokenizer.join("tokenizer.json"), TOKENIZER)?;
        fs::write(tokenizer.join("tokenizer_config.json"), TOKENIZER_CONFIG)?;
        Ok(tokenizer)
    }

    /// An empty place: what an earlier round left would be read again.
    fn output(&self, name: &str) -> PathBuf {
        let output = self.folder.join(name);
        let _absent = fs::remove_dir_all(&output);
        output
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = on(None, Priority::Ordinary, program);
        command.current_dir(self.folder);
        command
    }
}

fn read(path: &Path) -> anyhow::Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("no {}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

fn succeeded(ran: Ran) -> anyhow::Result<Ran> {
    let said = if ran.err.trim().is_empty() { &ran.out } else { &ran.err };
    let last = said.trim().lines().last().unwrap_or_default();
    anyhow::ensure!(ran.status.success(), "{}: {last}", ran.status);
    Ok(ran)
}
