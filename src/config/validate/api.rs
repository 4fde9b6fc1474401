//! `target`: how the service is spoken to.

use super::Context;
use crate::config::decode::{Keyed, Section, Spanned};
use crate::config::environment::expanded;
use crate::config::leaf::Json;
use crate::config::model::{self, ApiName, Target};
use crate::config::plan::{Api, HttpRequest, StatusClasses, Timeouts};
use crate::config::problem::{Code, Problem, quoted};
use crate::config::source::Span;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeSet;
use std::time::Duration;

/// Fields of a chat request that Plimsoll writes itself.
const OWN_FIELDS: [&str; 5] = ["model", "messages", "stream", "stream_options", "max_tokens"];

/// Headers that belong to the connection and not to the user.
const OWN_HEADERS: [&str; 4] = ["content-length", "transfer-encoding", "connection", "upgrade"];

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

impl Context<'_> {
    pub(super) fn api(&mut self, raw: &Target) -> Option<Api> {
        match raw.api.as_ref().map(|api| api.value) {
            // Which other keys are right depends on what was meant.
            None if !raw.lacks("api") => None,
            None | Some(ApiName::OpenAiChat) => self.chat(raw),
            Some(ApiName::Http) => self.http(raw),
        }
    }

    fn chat(&mut self, raw: &Target) -> Option<Api> {
        if let Some(request) = &raw.request {
            let what = "`request` is only for `api: http`".to_owned();
            self.only(request.span(), what, "take it out, or write `api: http`");
        }
        let path = match &raw.path {
            Some(path) => self.path(path, "path"),
            None => Some("/v1/chat/completions".to_owned()),
        };
        let model = match (&raw.model, &raw.demo) {
            (Some(model), _) => Some(model.value.clone()),
            (None, Some(_)) => Some("demo".to_owned()),
            (None, None) => {
                let hint = "write the model's name as the server knows it: `model: llama-3-8b`";
                self.required(raw, None::<&()>, "model", hint);
                None
            }
        };
        let extra = self.extra(raw.extra.as_ref());
        let stream = raw.stream.as_ref().is_none_or(|stream| stream.value);
        Some(Api::OpenAiChat { path: path?, model: model?, stream, extra: extra? })
    }

    fn extra(
        &mut self,
        raw: Option<&Keyed<Json>>,
    ) -> Option<serde_json::Map<String, serde_json::Value>> {
        let mut extra = serde_json::Map::new();
        let mut is_fit = true;
        for (name, value) in raw.into_iter().flat_map(|raw| &raw.entries) {
            if OWN_FIELDS.contains(&name.value.as_str()) {
                let what = format!("{} is written by Plimsoll itself", quoted(&name.value));
                let hint = "use `target.model`, `target.stream` or the workload instead";
                self.only(name.span, what, hint);
                is_fit = false;
            }
            if value.0.to_string().replace("$${", "").contains("${") {
                let what = "the environment is read only in `target.headers` and `target.env`";
                self.problems.push(
                    Problem::new(Code::Environment, name.span, what)
                        .hint("use `--set`, or write `$${` for a plain `${`"),
                );
                is_fit = false;
            }
            extra.insert(name.value.clone(), value.0.clone());
        }
        is_fit.then_some(extra)
    }

    fn http(&mut self, raw: &Target) -> Option<Api> {
        let chat_only = [
            ("model", raw.model.as_ref().map(|value| value.span)),
            ("stream", raw.stream.as_ref().map(|value| value.span)),
            ("path", raw.path.as_ref().map(|value| value.span)),
            ("extra", raw.extra.as_ref().map(|value| value.span)),
        ];
        for (key, span) in chat_only {
            let Some(span) = span else { continue };
            let what = format!("`{key}` is not for `api: http`");
            self.only(span, what, "write `request: { method: …, path: …, body: … }`");
        }
        let request = raw.request.as_ref();
        let method = match request.and_then(|request| request.method.as_ref()) {
            None => Some("GET".to_owned()),
            Some(method) if METHODS.contains(&method.value.as_str()) => Some(method.value.clone()),
            Some(method) => {
                let upper = method.value.to_ascii_uppercase();
                let hint = if METHODS.contains(&upper.as_str()) {
                    format!("write `{upper}`")
                } else {
                    format!("write one of {}", METHODS.join(", "))
                };
                let what = format!("{} is no method", quoted(&method.value));
                self.problems.push(Problem::new(Code::Http, method.span, what).hint(hint));
                None
            }
        };
        let path = match request.and_then(|request| request.path.as_ref()) {
            Some(path) => self.path(path, "request.path"),
            None => Some("/".to_owned()),
        };
        let body = request.and_then(|request| request.body.as_ref());
        let body = body.map(|body| body.value.clone());
        Some(Api::Http(HttpRequest { method: method?, path: path?, body }))
    }

    fn only(&mut self, span: Span, what: String, hint: &str) {
        self.problems.push(Problem::new(Code::Conflict, span, what).hint(hint));
    }

    /// A path below the base URL.
    pub(super) fn path(&mut self, path: &Spanned<String>, key: &str) -> Option<String> {
        let text = &path.value;
        if !text.starts_with('/') {
            let what = format!("`{key}` must start with `/`");
            let hint = format!("write {}", quoted(&format!("/{text}")));
            self.problems.push(Problem::new(Code::Http, path.span, what).hint(hint));
            return None;
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#' || !c.is_ascii())
        {
            let what = format!("`{key}` has a character that a path cannot have");
            let hint = "write blanks and other scripts in per cent: `%20`";
            self.problems.push(Problem::new(Code::Http, path.span, what).hint(hint));
            return None;
        }
        Some(text.clone())
    }

    pub(super) fn headers(&mut self, raw: &Target) -> Option<Vec<(String, SecretString)>> {
        let mut headers: Vec<(String, SecretString)> = Vec::new();
        let mut is_fit = true;
        for (name, value) in raw.headers.iter().flat_map(|headers| &headers.entries) {
            let lower = name.value.to_ascii_lowercase();
            let mut refuse = |span, what: String, hint: &str| {
                self.problems.push(Problem::new(Code::Http, span, what).hint(hint));
                is_fit = false;
            };
            let header = quoted(&name.value);
            if hyper::header::HeaderName::from_bytes(name.value.as_bytes()).is_err() {
                refuse(
                    name.span,
                    format!("{header} is no name of a header"),
                    "use letters and `-`",
                );
            } else if OWN_HEADERS.contains(&lower.as_str()) {
                refuse(name.span, format!("{header} is set by the connection"), "take it out");
            } else if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&lower)) {
                refuse(name.span, format!("{header} is there twice"), "keep one of them");
            }
            let found = expanded(&value.value.0, value.span, self.lookup, self.problems);
            match found {
                None => is_fit = false,
                // The value is not repeated: it may be a key.
                Some(found)
                    if hyper::header::HeaderValue::from_str(found.expose_secret()).is_err() =>
                {
                    let what = format!("the value of {header} has a character no header can have");
                    let hint = "it may hold a line break: check the variable that it comes from";
                    self.problems.push(Problem::new(Code::Http, value.span, what).hint(hint));
                    is_fit = false;
                }
                Some(found) => headers.push((name.value.clone(), found)),
            }
        }
        is_fit.then_some(headers)
    }

    pub(super) fn timeouts(&mut self, raw: Option<&model::Timeouts>) -> Option<Timeouts> {
        let seconds = Duration::from_secs;
        let total = raw.and_then(|raw| raw.total.as_ref());
        let first = raw.and_then(|raw| raw.first_chunk.as_ref());
        let connect = raw.and_then(|raw| raw.connect.as_ref());
        let between = raw.and_then(|raw| raw.between_chunks.as_ref());
        if let (Some(total), Some(first)) = (total, first)
            && first.value.0 > total.value.0
        {
            let what = "`first_chunk` is longer than `total`".to_owned();
            let second = (total.span, "the whole request");
            self.conflict((first.span, what), second, "make `total` the longest");
        }
        let connect = self.time(connect, "timeouts.connect", seconds(5));
        let first_chunk = self.time(first, "timeouts.first_chunk", seconds(30));
        let between_chunks = self.time(between, "timeouts.between_chunks", seconds(10));
        let total = self.time(total, "timeouts.total", seconds(120))?;
        // A default never outlasts the whole request that was asked for.
        let capped = |limit: Duration| limit.min(total);
        Some(Timeouts {
            connect: capped(connect?),
            first_chunk: capped(first_chunk?),
            between_chunks: capped(between_chunks?),
            total,
        })
    }

    pub(super) fn status(&mut self, raw: Option<&model::Status>) -> Option<StatusClasses> {
        let lists = |raw: &model::Status| (raw.ok.clone(), raw.shed.clone());
        let (ok, shed) = raw.map(lists).unwrap_or_default();
        let mut is_fit = true;
        for code in ok.iter().chain(&shed).flat_map(|list| &list.items) {
            if !(100..=599).contains(&code.value) {
                let what = format!("{} is no status code", code.value);
                self.out_of_range(code.span, what, "write a number from 100 to 599");
                is_fit = false;
            }
        }
        if let Some(ok) = ok.as_ref().filter(|ok| ok.items.is_empty()) {
            let what = "`status.ok` is empty: no request could succeed";
            self.problems.push(Problem::new(Code::Empty, ok.span, what).hint("write `[200]`"));
            is_fit = false;
        }
        for code in ok.iter().flat_map(|list| &list.items) {
            let mut others = shed.iter().flat_map(|list| &list.items);
            if let Some(other) = others.find(|other| other.value == code.value) {
                let what = format!("{} is both ok and shed", code.value);
                self.conflict((other.span, what), (code.span, "ok here"), "keep one of them");
                is_fit = false;
            }
        }
        let codes = |list: &crate::config::decode::List<Spanned<u16>>| -> BTreeSet<u16> {
            list.items.iter().map(|code| code.value).collect()
        };
        let explicit = ok.as_ref().map(codes);
        let shed_default =
            || [429, 503].into_iter().filter(|code| !explicit.iter().flatten().any(|c| c == code));
        let shed = shed.as_ref().map_or_else(|| shed_default().collect(), codes);
        let ok = explicit
            .clone()
            .unwrap_or_else(|| (200..=299).filter(|code| !shed.contains(code)).collect());
        is_fit.then_some(StatusClasses { ok, shed })
    }
}
