//! What is known of each server. Its numbers and remarks stand in the template.

use clap::ValueEnum;
use serde::Serialize;

/// A server that a suite can be written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Server {
    /// The built-in simulated LLM server
    Demo,
    /// Any URL that speaks OpenAI's chat completions
    Openai,
    /// vLLM
    Vllm,
    /// SGLang
    Sglang,
    /// The server of llama.cpp
    LlamaCpp,
    /// Text Generation Inference
    Tgi,
    /// Ollama
    Ollama,
    /// Any HTTP service
    Http,
}

/// Stands for the model in a command.
pub(super) const MODEL: &str = "<model>";

/// Where a server is when nothing else is said.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    BuiltIn,
    Url(&'static str),
    /// Words parted by blanks.
    Command(&'static str),
}

/// What a suite needs to know of a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// Its name in a sentence.
    pub(super) title: &'static str,
    pub(super) source: Source,
    /// Model when none is named; empty where none is asked for.
    pub(super) model: &'static str,
    /// What is sent as `model` whatever its command loads; empty: the model's own name.
    pub(super) sent: &'static str,
    /// Budget of a check, and of the first measurement, which has no baseline to start from.
    pub(super) budget: &'static str,
    pub(super) measure: &'static str,
}

const RUNNING: Facts = Facts {
    title: "the server",
    source: Source::Url("http://127.0.0.1:8000"),
    model: "my-model",
    sent: "",
    budget: "5m",
    measure: "7m",
};

/// One that takes minutes to load its model.
const LOADING: Facts =
    Facts { model: "Qwen/Qwen2.5-0.5B-Instruct", budget: "10m", measure: "15m", ..RUNNING };

impl Server {
    pub(super) const fn facts(self) -> Facts {
        match self {
            Self::Demo => Facts {
                title: "the demo",
                source: Source::BuiltIn,
                model: "",
                budget: "55s",
                ..RUNNING
            },
            Self::Openai => RUNNING,
            Self::Http => Facts { title: "the service", model: "", ..RUNNING },
            Self::Vllm => Facts {
                title: "vLLM",
                source: Source::Command("vllm serve <model> --host 127.0.0.1 --port {port}"),
                ..LOADING
            },
            Self::Sglang => Facts {
                title: "SGLang",
                source: Source::Command(
                    "python3 -m sglang.launch_server --model-path <model> --host 127.0.0.1 --port {port}",
                ),
                ..LOADING
            },
            Self::LlamaCpp => Facts {
                title: "llama.cpp",
                source: Source::Command(
                    "llama-server --model <model> --host 127.0.0.1 --port {port} --parallel 4 --ctx-size 8192 --cache-ram 0",
                ),
                model: "model.gguf",
                ..LOADING
            },
            Self::Tgi => Facts {
                title: "TGI",
                source: Source::Command(
                    "text-generation-launcher --model-id <model> --hostname 127.0.0.1 --port {port}",
                ),
                sent: "tgi",
                ..LOADING
            },
            Self::Ollama => Facts {
                title: "Ollama",
                source: Source::Url("http://127.0.0.1:11434"),
                model: "qwen2.5:0.5b",
                ..LOADING
            },
        }
    }
}
