//! The section `target`.

use crate::config::decode::{Keyed, List, Spanned, section, words};
use crate::config::leaf::{Json, Label, Part, Secret, Size, Time};
use crate::config::plan::{ConnectionMode, Residency};

section! {
    /// The service under test: one of `command`, `url` and `demo`, and how it is spoken to.
    Target later ["cpus"] {
        /// Program and arguments of a server that Plimsoll starts and stops, as a list; no shell is
        /// involved. `{port}` is replaced by a free port.
        command: List<Spanned<String>>,
        /// Base URL of a server that runs already: `http://…` or `https://…`, or the path of its socket:
        /// `unix:/run/server.sock`.
        url: Spanned<String>,
        /// The built-in simulated LLM server.
        demo: Demo,
        /// Working directory of `command`, relative to this file.
        directory: Spanned<String>,
        /// Environment variables set for `command`; `${VAR}` is read from our own environment.
        env: Keyed<Spanned<Secret>>,
        /// Names of our own variables that `command` may see.
        pass_env: List<Spanned<String>>,
        /// A fixed port for `command`, instead of a free one.
        port: Spanned<u16>,
        /// Shell command that builds the server before two commits are compared (`check --against`), in
        /// the folder of `command` and with its environment.
        build: Spanned<String>,
        /// Files that `build` makes, relative to `directory`: where all of them are equal on both sides,
        /// nothing is measured. By default the program of `command`, if it is one, with the files among
        /// its arguments.
        artifacts: List<Spanned<String>>,
        /// Which of two targets that are compared run at the same time: `both` (default), or `one`,
        /// which stops one before it starts the other, where only one fits (a GPU).
        residency: Spanned<Residency>,
        /// When `command` counts as ready.
        ready: Ready,
        /// Time between asking `command` to stop and killing it; default 10s.
        grace: Spanned<Time>,
        /// How the service is spoken to; default `openai-chat`.
        api: Spanned<ApiName>,
        /// The `model` field of each request.
        model: Spanned<String>,
        /// Whether answers are streamed; default true.
        stream: Spanned<bool>,
        /// Path below the base URL; default `/v1/chat/completions`.
        path: Spanned<String>,
        /// Further fields of each request's body, passed on as they are; but text that is nothing but
        /// `{prompt_tokens}`, `{output_tokens}` or the parameter that a check varies, in braces, becomes
        /// that number. With `demo`, `ignore_eos` is
        /// true unless it is given here.
        extra: Keyed<Json>,
        /// The request of `api: http`.
        request: Request,
        /// Headers of each request; `${VAR}` is read from the environment and never written out.
        headers: Keyed<Spanned<Secret>>,
        /// PEM file, relative to this file, with certificates that are trusted besides those of the
        /// machine: the authority of a private network.
        ca: Spanned<String>,
        /// Limits on each request.
        timeouts: Timeouts,
        /// How status codes are read; all else is a failure.
        status: Status,
        /// Version of HTTP: 1 (default) or 2. 2 is agreed upon over TLS, and spoken unasked without.
        http: Spanned<u16>,
        /// Connections that all requests share with `http: 2`, 1 to 1024; default 1.
        connections: Spanned<u16>,
        /// When a connection is opened anew with `http: 1`; default `pooled`.
        connection: Spanned<ConnectionMode>,
        /// What identifies a server that runs elsewhere, such as `gpu: H100`.
        labels: Keyed<Spanned<Label>>,
    }
}

section! {
    /// When a managed server counts as ready.
    Ready {
        /// Path that answers 2xx when it is; default `/health`.
        get: Spanned<String>,
        /// Longest wait; default 120s, and never longer than `budget.time`.
        within: Spanned<Time>,
    }
}

section! {
    /// One plain HTTP request per turn. Path, body, item and the values of headers may hold
    /// `{session}`, `{turn}`, `{request}`, `{salt}`, `{prompt}`, `{prompt_tokens}`, `{output_tokens}`
    /// and the parameter that a check varies; path and body also `{items}` and `{item_count}`.
    Request {
        /// Method; default GET.
        method: Spanned<String>,
        /// Path and query below the base URL; default `/`.
        path: Spanned<String>,
        /// Body.
        body: Spanned<String>,
        /// One item: `{items}` is `workload.items_per_request` of them, joined by commas. It may also
        /// hold `{item}`, its number in the request from 0.
        item: Spanned<String>,
    }
}

section! {
    /// Limits on each request; one that exceeds them counts as a failure.
    Timeouts {
        /// Opening a connection, TLS included; default 5s.
        connect: Spanned<Time>,
        /// Until the first output chunk; default 30s, and `total` where answers are not streamed.
        first_chunk: Spanned<Time>,
        /// Between output chunks; default 10s.
        between_chunks: Spanned<Time>,
        /// The whole request; default 120s.
        total: Spanned<Time>,
    }
}

section! {
    /// How status codes are read; all else is a failure.
    Status {
        /// Success, if the body proves it; every 2xx by default.
        ok: List<Spanned<u16>>,
        /// Declined on purpose; default 429 and 503.
        shed: List<Spanned<u16>>,
    }
}

section! {
    /// The built-in simulated LLM server: a profile, what it is like, and what it does worse on
    /// purpose.
    Demo {
        /// The profile that it starts from.
        #[schemars(required)]
        profile: Spanned<ProfileName>,
        /// Factor on the length of every step; 1.25 is a quarter slower.
        slowdown: Spanned<f64>,
        /// Time from the start during which all but liveness and metrics is answered 503; the port
        /// itself answers at once.
        startup_delay: Spanned<Time>,
        /// Added to the first request's prefill.
        cold_start: Spanned<Time>,
        /// Share of requests that are answered 500.
        error_rate: Spanned<Part>,
        /// Share of streams that end without a finish reason.
        truncate_rate: Spanned<Part>,
        /// Share of requests that are shed with 503 whatever the load.
        shed_rate: Spanned<Part>,
        /// Memory kept for ever per request.
        leak: Spanned<Size>,
        /// The server stops for `freeze_for` each time this has passed.
        freeze_every: Spanned<Time>,
        /// Length of a freeze; default 500ms.
        freeze_for: Spanned<Time>,
        /// Fixed part of a step.
        step: Spanned<Time>,
        /// Added per running sequence.
        per_sequence: Spanned<Time>,
        /// Added per token held in the cache.
        per_token: Spanned<Time>,
        /// Added per prompt token prefilled in the step.
        per_prefill_token: Spanned<Time>,
        /// Most prompt tokens prefilled in one step.
        prefill_chunk: Spanned<u32>,
        /// Most sequences in the batch.
        max_num_seqs: Spanned<u32>,
        /// Most requests that wait; further ones are shed with 503.
        max_queue: Spanned<u32>,
        /// Most tokens of prompt and output together; more is answered 400.
        context: Spanned<u32>,
        /// Relative standard deviation of a step's length.
        jitter: Spanned<Part>,
        /// Seed of the jitter, the faults and the lengths of answers.
        seed: Spanned<u64>,
    }
}

words! {
    /// How the service is spoken to.
    pub(crate) ApiName: "an api" {
        /// `POST /v1/chat/completions`, streamed or plain.
        OpenAiChat = "openai-chat",
        /// One plain HTTP request per turn.
        Http = "http",
    }
    later ["openai-completions", "anthropic-messages", "websocket"]
}

words! {
    /// A profile of the demo.
    pub(crate) ProfileName: "a profile of the demo" {
        /// A small LLM on one accelerator, about a hundred short requests per second.
        Llm = "llm",
    }
}
