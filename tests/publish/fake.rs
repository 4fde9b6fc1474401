//! The platform: one repository with pull requests and comments, which can be told to fail.

use crate::objects::comment;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Who writes with the token of a job.
pub(crate) const BOT: &str = "github-actions[bot]";
/// Longest body.
const BODY_MAX: usize = 65_536;

/// What happens to a write instead of a good answer.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) status: u16,
    pub(crate) message: &'static str,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    /// Whether it was done all the same.
    pub(crate) is_stored: bool,
}

impl Fault {
    pub(crate) fn new(status: u16, message: &'static str) -> Self {
        Self { status, message, headers: Vec::new(), is_stored: false }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn stored(mut self) -> Self {
        self.is_stored = true;
        self
    }
}

/// Everything that the platform holds.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) pulls: Vec<Value>,
    pub(crate) comments: Vec<Value>,
    /// What happens to the next writes.
    pub(crate) faults: VecDeque<Fault>,
    /// `METHOD path`, as they came.
    pub(crate) requests: Vec<String>,
    /// Values of the header `authorization`.
    pub(crate) tokens: Vec<String>,
    /// Exchanges, for the judge.
    exchanges: Vec<Value>,
}

#[derive(Debug, Clone)]
pub(crate) struct Fake {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Stands before every path, as on a server of one's own.
    prefix: &'static str,
}

struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Fake {
    pub(crate) fn start(prefix: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fake = Self { address: listener.local_addr().unwrap(), state: Arc::default(), prefix };
        let server = fake.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let server = server.clone();
                thread::spawn(move || server.converse(&stream.unwrap()));
            }
        });
        fake
    }

    pub(crate) fn api(&self) -> String {
        format!("http://{}{}", self.address, self.prefix)
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    /// A comment of somebody.
    pub(crate) fn say(&self, login: &str, body: &str) -> u64 {
        self.with(|state| state.add(login, body))
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        let body = |it: &Value| it["body"].as_str().unwrap_or_default().to_owned();
        self.with(|state| state.comments.iter().map(body).collect())
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.with(|state| state.requests.clone())
    }

    /// Writes what was said until now for the judge, if there is one.
    pub(crate) fn keep(&self, scenario: &str) {
        #[expect(clippy::disallowed_methods, reason = "a test may be told where to write")]
        let Ok(folder) = std::env::var("PLIMSOLL_EXCHANGES") else { return };
        let lines: String = self.with(|state| {
            let line = |it: &Value| {
                let mut it = it.clone();
                it["scenario"] = json!(scenario);
                format!("{it}\n")
            };
            state.exchanges.iter().map(line).collect()
        });
        std::fs::write(format!("{folder}/{scenario}.jsonl"), lines).unwrap();
    }

    fn converse(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some(request) = read(&mut reader) {
            let (status, headers, body) = self.answer(&request);
            let text = if status == 204 { String::new() } else { body.to_string() };
            let more: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let answer = format!(
                "HTTP/1.1 {status} Said\r\ncontent-type: application/json; charset=utf-8\r\n\
                 {more}content-length: {}\r\n\r\n{text}",
                text.len()
            );
            let path = request.target.strip_prefix(self.prefix).unwrap_or(&request.target);
            self.with(|state| {
                let mut headers: serde_json::Map<String, Value> =
                    headers.iter().map(|(n, v)| ((*n).to_owned(), json!(v))).collect();
                headers.insert("content-type".to_owned(), json!("application/json; charset=utf-8"));
                let asked: serde_json::Map<String, Value> =
                    request.headers.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
                state.exchanges.push(json!({
                    "method": request.method, "path": path, "request_headers": asked,
                    "request_body": request.body, "status": status,
                    "response_headers": headers, "response_body": text,
                }));
            });
            if (&mut &*stream).write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: &Request) -> (u16, Vec<(&'static str, String)>, Value) {
        let said = |message: &str| json!({ "message": message, "documentation_url": "https://docs.github.com/rest" });
        self.with(|state| {
            state.requests.push(format!("{} {}", request.method, request.target));
            let token = request.headers.iter().find(|(name, _)| name == "authorization");
            state.tokens.push(token.map(|(_, value)| value.clone()).unwrap_or_default());
            if request.target == format!("{}/user", self.prefix) {
                return (403, Vec::new(), said("Resource not accessible by personal access token"));
            }
            let Some(path) = request.target.strip_prefix(&format!("{}/repos/o/r/", self.prefix))
            else {
                return (404, Vec::new(), said("Not Found"));
            };
            if request.method != "GET"
                && let Some(fault) = state.faults.pop_front()
            {
                if fault.is_stored {
                    let _ = state.done(&request.method, path, &request.body);
                }
                let headers = fault
                    .headers
                    .iter()
                    .map(|(name, value)| (*name, (*value).to_owned()))
                    .collect();
                return (fault.status, headers, said(fault.message));
            }
            match state.done(&request.method, path, &request.body) {
                Some((status, body)) => (status, Vec::new(), body),
                None => (404, Vec::new(), said("Not Found")),
            }
        })
    }
}

impl State {
    fn add(&mut self, login: &str, body: &str) -> u64 {
        let id = 101 + self.comments.len() as u64;
        self.comments.push(comment(id, login, body));
        id
    }

    /// Status and body; `None` where there is nothing.
    fn done(&mut self, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let parts: Vec<&str> = path.split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["pulls"]) => {
                let head = query("head")?.replace("%3A", ":").replace("%2F", "/");
                let is_it = |it: &&Value| it["head"]["label"] == head.as_str();
                Some((200, self.pulls.iter().filter(is_it).cloned().collect()))
            }
            ("GET", ["pulls", number]) => {
                let is_it = |it: &&Value| it["number"].as_u64() == number.parse().ok();
                Some((200, self.pulls.iter().find(is_it)?.clone()))
            }
            ("GET", ["issues", "7", "comments"]) => {
                let size: usize = query("per_page")?.parse().ok()?;
                let page: usize = query("page")?.parse().ok()?;
                let page = self.comments.iter().skip((page - 1) * size).take(size);
                Some((200, page.cloned().collect()))
            }
            ("POST", ["issues", "7", "comments"]) => Some(match text(body) {
                Ok(text) => {
                    self.add(BOT, &text);
                    (201, self.comments.last().unwrap().clone())
                }
                Err(refused) => refused,
            }),
            ("PATCH" | "DELETE", ["issues", "comments", id]) => {
                let at =
                    self.comments.iter().position(|it| it["id"].as_u64() == id.parse().ok())?;
                if method == "DELETE" {
                    self.comments.remove(at);
                    return Some((204, Value::Null));
                }
                Some(match text(body) {
                    Ok(text) => {
                        self.comments[at]["body"] = json!(text);
                        (200, self.comments[at].clone())
                    }
                    Err(refused) => refused,
                })
            }
            _ => None,
        }
    }
}

fn text(body: &str) -> Result<String, (u16, Value)> {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    match body["body"].as_str() {
        Some(text) if text.chars().count() <= BODY_MAX => Ok(text.to_owned()),
        Some(_) => {
            let error = json!({ "resource": "IssueComment", "code": "unprocessable", "field": "data",
                "message": "Body is too long (maximum is 65536 characters)" });
            Err((
                422,
                json!({ "message": "Validation Failed", "errors": [error],
                "documentation_url": "https://docs.github.com/rest" }),
            ))
        }
        None => Err((400, json!({ "message": "Problems parsing JSON" }))),
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, target, headers, body: String::from_utf8(body).ok()? })
}
