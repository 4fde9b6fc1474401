//! The whole server over real sockets, by a client that knows nothing but TCP.

use super::{bind, serve};
use crate::demo::{Faults, Profile};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(20);

/// A server that runs until it is dropped.
struct Demo {
    address: SocketAddr,
    stop: CancellationToken,
    tasks: JoinSet<std::io::Result<()>>,
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

/// Steps of one millisecond.
fn fast(faults: Faults) -> Profile {
    let step = Duration::from_millis(1);
    let none = Duration::ZERO;
    Profile {
        step,
        per_sequence: none,
        per_token: none,
        per_prefill_token: none,
        faults,
        ..Profile::named("llm").unwrap()
    }
}

async fn start(profile: Profile) -> Demo {
    let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(listener, profile, None, stop.clone()));
    Demo { address, stop, tasks }
}

impl Demo {
    /// Sends a request and returns the open connection.
    async fn open(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let mut stream = self.open(method, path, body).await;
        let mut bytes = Vec::new();
        tokio::time::timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
        Reply::parse(&String::from_utf8(bytes).unwrap())
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "").await
    }

    async fn chat(&self, more: &str) -> Reply {
        self.send("POST", "/v1/chat/completions", &chat_body(more)).await
    }

    /// Waits until `/metrics` has all the lines.
    async fn until_metrics(&self, lines: &[&str]) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let text = self.get("/metrics").await.body;
            if lines.iter().all(|line| text.lines().any(|found| found == *line)) {
                return;
            }
            assert!(Instant::now() < deadline, "{lines:?} did not come:\n{text}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Reply {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let is_chunked = head.contains("transfer-encoding: chunked");
        let body = if is_chunked { unchunked(body) } else { body.to_owned() };
        Self { status, head, body }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The payloads of the events, `[DONE]` as a string.
    fn events(&self) -> Vec<Value> {
        assert!(self.body.ends_with("\n\n"), "{}", self.body);
        let payloads =
            self.body.split_terminator("\n\n").map(|e| e.strip_prefix("data: ").unwrap());
        payloads.map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.into())).collect()
    }
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").expect("a chunked body that was cut off");
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
}

/// A chat that has all its tokens.
fn chat_body(more: &str) -> String {
    let more = format!(r#","ignore_eos":true{more}"#);
    free_chat_body(&more)
}

fn free_chat_body(more: &str) -> String {
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"one two three"}}]{more}}}"#)
}

#[tokio::test]
async fn every_route_answers_and_others_do_not() {
    let demo = start(fast(Faults::default())).await;
    for (method, path, status) in [
        ("GET", "/health", 200),
        ("GET", "/health/live", 200),
        ("GET", "/health/ready", 200),
        ("GET", "/health/startup", 200),
        ("GET", "/metrics", 200),
        ("GET", "/v1/models", 200),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/health", 405),
    ] {
        assert_eq!(demo.send(method, path, "").await.status, status, "{method} {path}");
    }
    assert_eq!(demo.get("/v1/models").await.json()["data"][0]["id"], "demo");
    assert!(demo.get("/metrics").await.head.contains("content-type: text/plain; version=0.0.4"));
}

#[tokio::test]
async fn a_chat_streams_role_tokens_finish_and_done() {
    let demo = start(fast(Faults::default())).await;
    let reply = demo.chat(r#","stream":true,"max_tokens":3"#).await;
    assert_eq!(reply.status, 200);
    assert!(reply.head.contains("content-type: text/event-stream"), "{}", reply.head);
    let events = reply.events();
    assert_eq!(events.len(), 6);
    let choices: Vec<_> = events[..5].iter().map(|event| &event["choices"][0]).collect();
    assert_eq!(choices[0]["delta"]["role"], "assistant");
    assert_eq!(choices[0]["delta"]["content"], "");
    let texts = [1, 2, 3].map(|i: usize| choices[i]["delta"]["content"].as_str().unwrap());
    assert_eq!(texts.concat(), "the load line");
    assert!(choices[..4].iter().all(|choice| choice["finish_reason"].is_null()));
    assert_eq!(choices[4]["finish_reason"], "length");
    assert_eq!(events[5], "[DONE]");
    assert!(events[..5].iter().all(|event| event["object"] == "chat.completion.chunk"));
    assert!(events[..5].iter().all(|event| event["model"] == "m" && event["usage"].is_null()));
}

#[tokio::test]
async fn the_usage_comes_in_a_chunk_of_its_own_when_asked() {
    let demo = start(fast(Faults::default())).await;
    let body = r#"{"prompt":"a b","stream":true,"max_tokens":4,"ignore_eos":true,"stream_options":{"include_usage":true}}"#;
    let events = demo.send("POST", "/v1/completions", body).await.events();
    assert_eq!(events.len(), 7); // four tokens, finish, usage, done
    assert_eq!(events[0]["choices"][0]["text"], "the");
    assert_eq!(events[0]["object"], "text_completion");
    assert_eq!(events[4]["choices"][0]["finish_reason"], "length");
    assert_eq!(events[5]["choices"], serde_json::json!([]));
    let usage = serde_json::json!({"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6});
    assert_eq!(events[5]["usage"], usage);
    assert_eq!(events[6], "[DONE]");
}

#[tokio::test]
async fn without_stream_the_answer_is_one_document() {
    let demo = start(fast(Faults::default())).await;
    let chat = demo.chat(r#","max_completion_tokens":2"#).await.json();
    assert_eq!(chat["object"], "chat.completion");
    assert_eq!(chat["choices"][0]["message"]["content"], "the load");
    assert_eq!(chat["choices"][0]["finish_reason"], "length");
    assert_eq!(chat["usage"]["total_tokens"], 5);
    let text = demo
        .send("POST", "/v1/completions", r#"{"prompt":"a b c","ignore_eos":true}"#)
        .await
        .json();
    assert_eq!(text["model"], "demo");
    assert_eq!(text["usage"]["completion_tokens"], 16);
}

#[tokio::test]
async fn an_answer_ends_by_itself_and_says_so_unless_told_otherwise() {
    let demo = start(fast(Faults::default())).await;
    let mut stopped = 0;
    for index in 0..24 {
        let is_streamed = index % 2 == 0;
        let body = free_chat_body(&format!(r#","max_tokens":6,"stream":{is_streamed}"#));
        let reply = demo.send("POST", "/v1/chat/completions", &body).await;
        let (tokens, reason) = if is_streamed {
            let events = reply.events(); // role, tokens, finish, done
            let finish = events[events.len() - 2].clone();
            (events.len() as u64 - 3, finish["choices"][0]["finish_reason"].clone())
        } else {
            let document = reply.json();
            let tokens = document["usage"]["completion_tokens"].as_u64().unwrap();
            (tokens, document["choices"][0]["finish_reason"].clone())
        };
        assert!((3..=6).contains(&tokens), "{tokens}");
        assert_eq!(reason, if tokens == 6 { "length" } else { "stop" });
        stopped += u32::from(tokens < 6);
    }
    assert!((1..24).contains(&stopped), "{stopped}");
    let success = "vllm:request_success_total{model_name=\"demo\",finished_reason";
    demo.until_metrics(&[
        &format!("{success}=\"stop\"}} {stopped}"),
        &format!("{success}=\"length\"}} {}", 24 - stopped),
    ])
    .await;
}

#[tokio::test]
async fn what_cannot_be_served_is_a_400_in_openai_form() {
    let demo = start(fast(Faults::default())).await;
    for (more, code, text) in [
        (r#","max_tokens":9000"#, "context_length_exceeded", "8192"),
        (r#","max_tokens":0"#, "invalid_value", "max_tokens"),
        (r#","max_tokens":"#, "invalid_value", "line 1 column"),
    ] {
        let reply = demo.chat(more).await;
        assert_eq!(reply.status, 400, "{more}");
        let error = reply.json()["error"].clone();
        assert_eq!(error["type"], "invalid_request_error", "{more}");
        assert_eq!(error["code"], code, "{more}");
        assert!(error["message"].as_str().unwrap().contains(text), "{more}: {error}");
    }
    demo.until_metrics(&["demo:requests_refused_total{model_name=\"demo\"} 1"]).await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let demo = start(fast(Faults::default())).await;
    let mut stream = TcpStream::connect(demo.address).await.unwrap();
    let head = "POST /v1/completions HTTP/1.1\r\nHost: demo\r\nContent-Length: 8388609\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; 8_388_609]).await.unwrap();
    let mut start = [0; 12];
    tokio::time::timeout(DEADLINE, stream.read_exact(&mut start)).await.unwrap().unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_full_queue_sheds_with_retry_after_and_a_gone_client_frees_its_place() {
    let mut profile = fast(Faults::default());
    profile.max_num_seqs = 1;
    profile.max_queue = 0;
    profile.step = Duration::from_millis(20);
    let demo = start(profile).await;
    let body = chat_body(r#","stream":true,"max_tokens":8000"#);
    let mut first = demo.open("POST", "/v1/chat/completions", &body).await;
    let mut start = [0; 12];
    first.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    let shed = demo.chat(r#","stream":true"#).await;
    assert_eq!(shed.status, 503);
    assert!(shed.head.contains("retry-after: 1"), "{}", shed.head);
    assert_eq!(shed.json()["error"]["code"], "overloaded");
    drop(first);
    demo.until_metrics(&[
        "vllm:num_requests_running{model_name=\"demo\"} 0",
        "demo:requests_cancelled_total{model_name=\"demo\"} 1",
        "demo:requests_shed_total{model_name=\"demo\"} 1",
    ])
    .await;
    assert_eq!(demo.chat("").await.status, 200);
}

#[tokio::test]
async fn a_client_that_leaves_a_plain_answer_is_cancelled_too() {
    let demo = start(fast(Faults::default())).await;
    let body = chat_body(r#","max_tokens":8000"#);
    let stream = demo.open("POST", "/v1/chat/completions", &body).await;
    demo.until_metrics(&["vllm:num_requests_running{model_name=\"demo\"} 1"]).await;
    drop(stream);
    demo.until_metrics(&["demo:requests_cancelled_total{model_name=\"demo\"} 1"]).await;
}

#[tokio::test]
async fn each_fault_shows_on_the_wire() {
    let demo = start(fast(Faults { error_rate: 1.0, ..Faults::default() })).await;
    assert_eq!(demo.chat("").await.status, 500);
    let demo = start(fast(Faults { shed_rate: 1.0, ..Faults::default() })).await;
    assert_eq!(demo.chat("").await.status, 503);
    let demo = start(fast(Faults { truncate_rate: 1.0, ..Faults::default() })).await;
    let cut = demo.chat(r#","stream":true,"max_tokens":6"#).await;
    assert_eq!(cut.status, 200);
    let events = cut.events();
    assert_eq!(events.len(), 4); // role and three of six tokens
    assert!(events.iter().all(|event| event["choices"][0]["finish_reason"].is_null()));
    assert!(!cut.body.contains("[DONE]"));
    let plain = demo.chat(r#","max_tokens":6"#).await.json();
    assert!(plain["choices"][0]["finish_reason"].is_null());
    assert_eq!(plain["usage"]["completion_tokens"], 3);
}

#[tokio::test]
async fn until_it_has_started_only_liveness_and_metrics_answer() {
    let startup_delay = Duration::from_secs(3_600);
    let demo = start(fast(Faults { startup_delay, ..Faults::default() })).await;
    for (path, status) in [
        ("/health/live", 200),
        ("/metrics", 200),
        ("/health", 503),
        ("/health/ready", 503),
        ("/health/startup", 503),
        ("/v1/models", 503),
    ] {
        assert_eq!(demo.get(path).await.status, status, "{path}");
    }
    let reply = demo.chat("").await;
    assert_eq!(reply.status, 503);
    assert!(reply.head.contains("retry-after: 3600"), "{}", reply.head);
}

#[tokio::test]
async fn it_becomes_ready_by_itself() {
    let startup_delay = Duration::from_millis(100);
    let demo = start(fast(Faults { startup_delay, ..Faults::default() })).await;
    let deadline = Instant::now() + DEADLINE;
    while demo.get("/health/ready").await.status != 200 {
        assert!(Instant::now() < deadline, "it never became ready");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(demo.chat("").await.status, 200);
}

#[tokio::test]
async fn the_metrics_count_what_was_served() {
    let demo = start(fast(Faults::default())).await;
    for _ in 0..3 {
        assert_eq!(demo.chat(r#","max_tokens":5"#).await.status, 200);
    }
    demo.until_metrics(&[
        "vllm:num_requests_running{model_name=\"demo\"} 0",
        "vllm:num_requests_waiting{model_name=\"demo\"} 0",
        "vllm:prompt_tokens_total{model_name=\"demo\"} 9",
        "vllm:generation_tokens_total{model_name=\"demo\"} 15",
        "vllm:request_success_total{model_name=\"demo\",finished_reason=\"length\"} 3",
        "vllm:time_to_first_token_seconds_count{model_name=\"demo\"} 3",
        "vllm:inter_token_latency_seconds_count{model_name=\"demo\"} 12",
        "vllm:e2e_request_latency_seconds_count{model_name=\"demo\"} 3",
    ])
    .await;
}

#[tokio::test]
async fn asked_to_stop_it_ends_open_answers_and_takes_no_more() {
    let mut demo = start(fast(Faults::default())).await;
    let body = chat_body(r#","stream":true,"max_tokens":200"#);
    let mut stream = demo.open("POST", "/v1/chat/completions", &body).await;
    demo.until_metrics(&["vllm:num_requests_running{model_name=\"demo\"} 1"]).await;
    demo.stop.cancel();
    let mut text = String::new();
    tokio::time::timeout(DEADLINE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    assert_eq!(Reply::parse(&text).events().last().unwrap(), "[DONE]");
    let ended = tokio::time::timeout(DEADLINE, demo.tasks.join_next()).await.unwrap();
    assert!(matches!(ended, Some(Ok(Ok(())))), "{ended:?}");
    assert!(TcpStream::connect(demo.address).await.is_err());
}

#[tokio::test]
async fn a_burst_on_many_connections_is_served_in_full() {
    let mut profile = fast(Faults::default());
    profile.max_queue = 500;
    let demo = std::sync::Arc::new(start(profile).await);
    let mut clients = JoinSet::new();
    for _ in 0..300 {
        let demo = demo.clone();
        clients.spawn(async move { demo.chat(r#","stream":true,"max_tokens":8"#).await });
    }
    while let Some(reply) = clients.join_next().await {
        let reply = reply.unwrap();
        assert_eq!((reply.status, reply.events().len()), (200, 11));
    }
}
