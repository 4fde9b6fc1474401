//! The other load generators.

use super::child::{Priority, Ran, on, run};
use super::trial::CLIENT_CORE;
use anyhow::Context as _;
use serde_json::Value;
use std::fs;
use std::path::Path;
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

/// AIPerf on `streams` streams at once, on all cores; its own p99 of the time to the first token,
/// in ms.
pub(super) fn aiperf(
    program: &Path,
    url: &str,
    (streams, requests): (u32, u32),
    chunks: usize,
    folder: &Path,
) -> anyhow::Result<f64> {
    let (output, tokenizer) = (folder.join("aiperf"), folder.join("tokenizer"));
    fs::create_dir_all(&tokenizer)?;
    fs::write(tokenizer.join("tokenizer.json"), TOKENIZER)?;
    fs::write(tokenizer.join("tokenizer_config.json"), TOKENIZER_CONFIG)?;
    // An earlier round's folder would be read again.
    let _absent = fs::remove_dir_all(&output);
    let mut command = on(None, Priority::Ordinary, program);
    command.args(["profile", "--model", "mock", "--endpoint-type", "chat", "--streaming"]);
    command.args(["--isl", "16", "--ui-type", "none", "--tokenizer"]).arg(&tokenizer);
    command.args(["--no-server-metrics", "--no-gpu-telemetry", "--url", url]);
    command.arg("--osl").arg(chunks.to_string());
    command.arg("--concurrency").arg(streams.to_string());
    command.arg("--request-count").arg(requests.to_string());
    command.arg("--output-artifact-dir").arg(&output);
    command.current_dir(folder);
    succeeded(run(command, LIMIT)?)?;
    let text = fs::read_to_string(output.join("profile_export_aiperf.json"))?;
    let result: Value = serde_json::from_str(&text)?;
    let p99 = result.pointer("/time_to_first_token/p99").and_then(Value::as_f64);
    p99.context("no p99 of the time to the first token")
}

fn succeeded(ran: Ran) -> anyhow::Result<Ran> {
    let said = if ran.err.trim().is_empty() { &ran.out } else { &ran.err };
    let last = said.trim().lines().last().unwrap_or_default();
    anyhow::ensure!(ran.status.success(), "{}: {last}", ran.status);
    Ok(ran)
}
