//! From URLs and options to the same plan that a suite gives, through the same rules.

use super::document::{Document, Entry};
use super::options::{ApiName, Request};
use crate::cli::ExitStatus;
use crate::cli::arguments::{complain, usage};
use crate::config::plan::{Api, TargetSource};
use crate::config::{Invalid, Plan, environment, load_text};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The condition of a trial that nobody gave one.
const CONDITION: &str = "error_rate < 1%";
/// Largest body that is sent.
const BODY_BYTES_MAX: u64 = 64 << 20;
/// How what a suite's rules advise is written here.
const WORDINGS: [(&str, &str); 3] = [
    ("`http: ", "`--http "),
    ("`connections: ", "`--connections "),
    (", as seen from the suite's folder", ""),
];
/// Variables of a URL, a header or a body.
const VARIABLES: [&str; 7] = [
    "{session}",
    "{turn}",
    "{request}",
    "{salt}",
    "{prompt}",
    "{prompt_tokens}",
    "{output_tokens}",
];

/// What is tried where no suite says it.
pub(super) struct Direct {
    /// As of a suite with one check; its target is the first URL.
    pub(super) plan: Plan,
    /// All URLs.
    pub(super) places: Places,
}

/// Where the target is; both empty: the suite says it.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// What is asked whether it lives, for each URL.
    pub(super) bases: Vec<String>,
    /// What sessions take turns over: the same, or whole requests.
    pub(super) urls: Vec<String>,
}

/// Reads the options. On an error the message has been printed, and the exit status is returned.
pub(super) fn direct(urls: &[String], request: &Request) -> Result<Direct, ExitStatus> {
    request.fits_its_api()?;
    let body = request.body.as_deref().map(body).transpose()?;
    let mut read_urls: Vec<(Plan, String)> = Vec::with_capacity(urls.len());
    for url in urls {
        let (base, path) = request.divided(url)?;
        let document = request.document(base, path.as_deref())?;
        let name = Path::new("the command line");
        let plan = load_text(name, document.text(), &environment::process)
            .map_err(|invalid| explain(&invalid, &document))?;
        let TargetSource::Url(base) = &plan.target.source else { return Err(ExitStatus::Usage) };
        let base = base.clone();
        read_urls.push((plan, base));
    }
    let paths: Vec<String> = read_urls.iter().map(|(plan, _)| path_of(&plan.target.api)).collect();
    let is_one_path = paths.windows(2).all(|pair| pair.first() == pair.last());
    let bases: Vec<String> = read_urls.iter().map(|(_, base)| base.clone()).collect();
    let mut urls = bases.clone();
    let (mut plan, _) = read_urls.into_iter().next().ok_or(ExitStatus::Usage)?;
    if !is_one_path {
        // Then each URL is a whole request, and sent as it is.
        if paths.iter().any(|path| VARIABLES.iter().any(|name| path.contains(name))) {
            let what = "several URLs with variables differ in their paths";
            return Err(usage(what, "give them the same path, or take the variables out"));
        }
        for (base, path) in urls.iter_mut().zip(&paths).filter(|(base, _)| is_tcp(base)) {
            base.push_str(path);
        }
    }
    if let Api::Http(http) = &mut plan.target.api {
        http.body = body;
        if !is_one_path {
            http.path = String::new();
        }
    }
    if request.slos.is_empty() {
        let slos = plan.checks.values_mut().flat_map(|check| &mut check.slos);
        slos.for_each(|slo| slo.line = None);
    }
    // What is asked for here is bounded by its own number of sessions.
    plan.budget.requests = u64::MAX;
    Ok(Direct { plan, places: Places { bases, urls } })
}

impl Request {
    fn is_chat(&self) -> bool {
        self.api == Some(ApiName::OpenaiChat)
    }

    /// Refuses what would silently do nothing.
    fn fits_its_api(&self) -> Result<(), ExitStatus> {
        let only_for = |given: [(&str, bool); 3], api: &str| {
            let foreign = given.into_iter().find(|(_, is_given)| *is_given);
            foreign.map_or(Ok(()), |(option, _)| {
                let hint = format!("add `--api {api}`, or take `{option}` out");
                Err(usage(&format!("`{option}` is only for `--api {api}`"), &hint))
            })
        };
        if !self.is_chat() {
            let (model, extra) = (self.model.is_some(), self.extra.is_some());
            let given = [("--model", model), ("--no-stream", self.no_stream), ("--extra", extra)];
            return only_for(given, "openai-chat");
        }
        let (method, body) = (self.method.is_some(), self.body.is_some());
        only_for([("--method", method), ("--body", body), ("", false)], "http")?;
        match self.model {
            Some(_) => Ok(()),
            None => {
                let hint = "give the model's name as the server knows it: `--model llama-3-8b`";
                Err(usage("`--api openai-chat` needs a model", hint))
            }
        }
    }

    /// A URL as its base and, where it is a whole request, path and query.
    fn divided<'a>(&self, url: &'a str) -> Result<(&'a str, Option<String>), ExitStatus> {
        let url = url.trim();
        let authority = url.find("://").map_or(0, |scheme| scheme + 3);
        let end = url.get(authority..).and_then(|rest| rest.find(['/', '?', '#']));
        let (base, rest) =
            end.and_then(|end| url.split_at_checked(authority + end)).unwrap_or((url, ""));
        if base.contains('@') {
            let hint = "put the key into a header: `-H 'authorization: Basic ${KEY}'`";
            return Err(usage("a URL holds a user or password, and is printed in reports", hint));
        }
        if self.is_chat() || url.starts_with("unix:") {
            return Ok((url, None));
        }
        match &self.path {
            Some(_) => Ok((url, None)),
            None if rest.starts_with('/') => Ok((base, Some(rest.to_owned()))),
            None => Ok((base, Some(format!("/{rest}")))),
        }
    }

    fn document(&self, url: &str, path: Option<&str>) -> Result<Document, ExitStatus> {
        let mut document = Document::default();
        document.line(0, "version", "1", "");
        document.line(0, "suite", "trial", "");
        document.line(0, "target", "", "URL");
        self.target(&mut document, url, path);
        self.headers(&mut document)?;
        self.extra(&mut document)?;
        let number = |number: Option<u32>| number.map(Value::from);
        document.line(0, "workload", "", "--seed");
        document.line(2, "seed", &self.seed.unwrap_or(42).to_string(), "--seed");
        let sessions: [Entry; 3] = [
            ("turns", number(self.turns), "--turns"),
            ("prompt_tokens", number(self.prompt_tokens), "--prompt-tokens"),
            ("output_tokens", number(self.output_tokens), "--output-tokens"),
        ];
        document.section(2, "sessions", &sessions);
        document.line(0, "checks", "", "");
        document.line(2, "load", "", "");
        document.line(4, "capacity", "{ knob: rate, from: 1 }", "--rate");
        document.line(4, "slos", "", "--slo");
        for slo in &self.slos {
            document.item(6, &literal(slo), &format!("--slo '{slo}'"));
        }
        if self.slos.is_empty() {
            document.item(6, &json!(CONDITION), "");
        }
        Ok(document)
    }

    fn target(&self, document: &mut Document, url: &str, path: Option<&str>) {
        let text = |text: &Option<String>| text.as_deref().map(literal);
        document.line(2, "url", &literal(url).to_string(), &format!("URL {}", shown(url)));
        if self.is_chat() {
            document.entries(
                2,
                [
                    ("api", Some(json!("openai-chat")), "--api"),
                    ("model", text(&self.model), "--model"),
                    ("stream", self.no_stream.then_some(json!(false)), "--no-stream"),
                    ("path", text(&self.path), "--path"),
                ],
            );
        } else {
            let default = if self.body.is_some() { "POST" } else { "GET" };
            let method = self.method.as_deref().unwrap_or(default).to_ascii_uppercase();
            let whose = if self.path.is_some() { "--path" } else { "URL, its path" };
            document.line(2, "api", "http", "--api");
            let path = self.path.as_deref().or(path).map(literal);
            let method = ("method", Some(literal(&method)), "--method");
            document.section(2, "request", &[method, ("path", path, whose)]);
        }
        let total = text(&self.timeout);
        let part = || total.clone().filter(|_| self.is_chat());
        let timeouts = [
            ("total", total.clone(), "--timeout"),
            ("first_chunk", part(), "--timeout"),
            ("between_chunks", part(), "--timeout"),
            ("connect", text(&self.connect_timeout), "--connect-timeout"),
        ];
        document.section(2, "timeouts", &timeouts);
        document.entries(
            2,
            [
                ("connection", text(&self.connection), "--connection"),
                ("http", self.http.map(Value::from), "--http"),
                ("connections", self.connections.map(Value::from), "--connections"),
                ("ca", text(&self.ca), "--ca"),
            ],
        );
    }

    fn headers(&self, document: &mut Document) -> Result<(), ExitStatus> {
        if !self.headers.is_empty() {
            document.line(2, "headers", "", "--header");
        }
        for (index, header) in self.headers.iter().enumerate() {
            let Some((name, value)) = header.split_once(':') else {
                // It may be a key, so it is not repeated.
                let what = format!("`--header` number {} has no `:`", index + 1);
                return Err(usage(&what, "write `--header 'name: value'`"));
            };
            let (name, value) = (name.trim(), value.trim());
            let option = format!("--header '{name}'");
            document.line(4, &json!(name).to_string(), &json!(value).to_string(), &option);
        }
        Ok(())
    }

    fn extra(&self, document: &mut Document) -> Result<(), ExitStatus> {
        let Some(extra) = &self.extra else { return Ok(()) };
        let Ok(Value::Object(fields)) = serde_json::from_str(extra) else {
            let hint = "write for example `--extra '{\"ignore_eos\": true}'`";
            return Err(usage("`--extra` is no JSON object", hint));
        };
        if !fields.is_empty() {
            document.line(2, "extra", "", "--extra");
        }
        for (name, value) in fields {
            document.line(4, &json!(name).to_string(), &value.to_string(), "--extra");
        }
        Ok(())
    }
}

/// A text that names no variable of the environment: the shell has done that.
fn literal(text: &str) -> Value {
    Value::String(text.replace("${", "$${"))
}

/// A URL without its query, which may hold a key.
pub(super) fn shown(url: &str) -> String {
    url.split_once('?').map_or_else(|| url.to_owned(), |(base, _)| format!("{base}?…"))
}

fn path_of(api: &Api) -> String {
    match api {
        Api::Http(request) => request.path.clone(),
        Api::OpenAiChat { path, .. } => path.clone(),
    }
}

fn is_tcp(base: &str) -> bool {
    !base.starts_with("unix:")
}

/// The body itself, or the content of the file that `@FILE` names.
fn body(text: &str) -> Result<String, ExitStatus> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let refuse =
        |why: &str| usage(&format!("`--body {text}`: {why}"), "name a file that holds text");
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| refuse(&error.to_string()))?;
    let read = file.take(BODY_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| refuse(&error.to_string()))?;
    if bytes.len() as u64 > BODY_BYTES_MAX {
        return Err(refuse("it is larger than 64 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| refuse("it is not UTF-8"))
}

/// Says what is wrong, by the names of the options instead of places in a file.
fn explain(invalid: &Invalid, document: &Document) -> ExitStatus {
    for problem in invalid.problems.iter() {
        let option = document.option(problem.span.line);
        let hint = match option {
            "--extra" => {
                Some("take it out; `--model`, `--no-stream` and `--output-tokens` write fields too")
            }
            _ => problem.hint.as_deref(),
        };
        let hint = hint.map(in_options);
        complain(&format!("`{option}`: {}", in_options(&problem.what)), hint.as_deref());
    }
    ExitStatus::Usage
}

fn in_options(text: &str) -> String {
    WORDINGS.iter().fold(text.to_owned(), |text, (suite, option)| text.replace(suite, option))
}
