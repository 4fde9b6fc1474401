//! `target`: how the service is spoken to.

use super::Context;
use crate::config::decode::{Keyed, List, Section, Spanned};
use crate::config::environment::expanded;
use crate::config::leaf::Json;
use crate::config::model::{self, ApiName, Target};
use crate::config::plan::{Api, HttpRequest, StatusClasses, Timeouts};
use crate::config::problem::{Code, quoted};
use hyper::header::{HeaderName, HeaderValue};
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
            Some(ApiName::Http) => Some(self.http(raw)),
        }
    }

    fn chat(&mut self, raw: &Target) -> Option<Api> {
        if let Some(request) = &raw.request {
            let hint = "take it out, or write `api: http`";
            self.refuse(Code::Conflict, request.span(), "`request` is only for `api: http`", hint);
        }
        let path = match &raw.path {
            Some(path) => self.path(path, "path"),
            None => "/v1/chat/completions".to_owned(),
        };
        let model = match (&raw.model, &raw.demo) {
            (Some(model), _) => Some(model.value.clone()),
            (None, Some(_)) => Some("demo".to_owned()),
            (None, None) => {
                let hint = "write the model's name as the server knows it: `model: llama-3-8b`";
                self.required(raw, None, "model", hint).cloned()
            }
        };
        let mut extra = self.extra(raw.extra.as_ref());
        if raw.demo.is_some() {
            // Else it would end its answers by itself, and what is measured would be another load
            // than the one that was asked for.
            extra.entry("ignore_eos").or_insert(true.into());
        }
        let stream = raw.stream.as_ref().is_none_or(|stream| stream.value);
        Some(Api::OpenAiChat { path, model: model?, stream, extra })
    }

    fn extra(&mut self, raw: Option<&Keyed<Json>>) -> serde_json::Map<String, serde_json::Value> {
        let entries = raw.into_iter().flat_map(|raw| &raw.entries);
        for (name, value) in entries.clone() {
            if OWN_FIELDS.contains(&name.value.as_str()) {
                let what = format!("{} is written by Plimsoll itself", quoted(&name.value));
                let hint = "use `target.model`, `target.stream` or the workload instead";
                self.refuse(Code::Conflict, name.span, what, hint);
            }
            if value.0.to_string().replace("$${", "").contains("${") {
                let what = "the environment is read only in `target.headers` and `target.env`";
                let hint = "use `--set`, or write `$${` for a plain `${`";
                self.refuse(Code::Environment, name.span, what, hint);
            }
        }
        entries.map(|(name, value)| (name.value.clone(), value.0.clone())).collect()
    }

    fn http(&mut self, raw: &Target) -> Api {
        for (key, span) in [
            ("model", raw.model.as_ref().map(|value| value.span)),
            ("stream", raw.stream.as_ref().map(|value| value.span)),
            ("path", raw.path.as_ref().map(|value| value.span)),
            ("extra", raw.extra.as_ref().map(|value| value.span)),
        ] {
            let Some(span) = span else { continue };
            let what = format!("`{key}` is not for `api: http`");
            let hint = "write `request: { method: …, path: …, body: … }`";
            self.refuse(Code::Conflict, span, what, hint);
        }
        let request = raw.request.as_ref();
        let method = request.and_then(|request| request.method.as_ref());
        if let Some(method) = method {
            self.method(method);
        }
        let path = match request.and_then(|request| request.path.as_ref()) {
            Some(path) => self.path(path, "request.path"),
            None => "/".to_owned(),
        };
        let body = request.and_then(|request| request.body.as_ref());
        Api::Http(HttpRequest {
            method: method.map_or_else(|| "GET".to_owned(), |method| method.value.clone()),
            path,
            body: body.map(|body| body.value.clone()),
            item: request.and_then(|request| Some(request.item.as_ref()?.value.clone())),
            items_per_request: 1,
        })
    }

    /// The method of a request.
    pub(super) fn method(&mut self, method: &Spanned<String>) {
        if METHODS.contains(&method.value.as_str()) {
            return;
        }
        let upper = method.value.to_ascii_uppercase();
        let hint = if METHODS.contains(&upper.as_str()) {
            format!("write `{upper}`")
        } else {
            format!("write one of {}", METHODS.join(", "))
        };
        let what = format!("{} is no method", quoted(&method.value));
        self.refuse(Code::Http, method.span, what, hint);
    }

    /// A path below the base URL.
    pub(super) fn path(&mut self, path: &Spanned<String>, key: &str) -> String {
        let text = &path.value;
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '#' || !c.is_ascii();
        if !text.starts_with('/') {
            let hint = format!("write {}", quoted(&format!("/{text}")));
            self.refuse(Code::Http, path.span, format!("`{key}` must start with `/`"), hint);
        } else if text.contains(is_odd) {
            let what = format!("`{key}` has a character that a path cannot have");
            let hint = "write blanks and other scripts in per cent: `%20`";
            self.refuse(Code::Http, path.span, what, hint);
        }
        text.clone()
    }

    pub(super) fn headers(&mut self, raw: &Target) -> Vec<(String, SecretString)> {
        let mut headers: Vec<(String, SecretString)> = Vec::new();
        for (name, value) in raw.headers.iter().flat_map(|headers| &headers.entries) {
            let lower = name.value.to_ascii_lowercase();
            let header = quoted(&name.value);
            if HeaderName::from_bytes(name.value.as_bytes()).is_err() {
                let what = format!("{header} is no name of a header");
                self.refuse(Code::Http, name.span, what, "use letters and `-`");
            } else if OWN_HEADERS.contains(&lower.as_str()) {
                let what = format!("{header} is set by the connection");
                self.refuse(Code::Http, name.span, what, "take it out");
            } else if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&lower)) {
                let what = format!("{header} is there twice");
                self.refuse(Code::Http, name.span, what, "keep one of them");
            }
            let found = expanded(&value.value.0, value.span, self.lookup, self.problems);
            let Some(found) = found else { continue };
            if HeaderValue::from_str(found.expose_secret()).is_err() {
                // The value is not repeated: it may be a key.
                let what = format!("the value of {header} has a character no header can have");
                let hint = "it may hold a line break: check the variable that it comes from";
                self.refuse(Code::Http, value.span, what, hint);
            }
            headers.push((name.value.clone(), found));
        }
        headers
    }

    /// `is_streamed`: whether there is output before the end of an answer.
    pub(super) fn timeouts(
        &mut self,
        raw: Option<&model::Timeouts>,
        is_streamed: bool,
    ) -> Option<Timeouts> {
        let seconds = Duration::from_secs;
        let total = raw.and_then(|raw| raw.total.as_ref());
        let first = raw.and_then(|raw| raw.first_chunk.as_ref());
        let connect = raw.and_then(|raw| raw.connect.as_ref());
        let between = raw.and_then(|raw| raw.between_chunks.as_ref());
        let parts = [("connect", connect), ("first_chunk", first), ("between_chunks", between)];
        for (name, part) in parts {
            if let (Some(total), Some(part)) = (total, part)
                && part.value.0 > total.value.0
            {
                let what = format!("`{name}` is longer than `total`");
                let second = (total.span, "the whole request");
                self.conflict((part.span, what), second, "make `total` the longest");
            }
        }
        let connect = self.time(connect, "timeouts.connect", seconds(5));
        let between_chunks = self.time(between, "timeouts.between_chunks", seconds(10));
        let total = self.time(total, "timeouts.total", seconds(120))?;
        // The first output of an answer that comes as a whole is its last.
        let first_default = if is_streamed { seconds(30) } else { total };
        let first_chunk = self.time(first, "timeouts.first_chunk", first_default);
        // A default never outlasts the whole request that was asked for.
        let capped = |limit: Duration| limit.min(total);
        Some(Timeouts {
            connect: capped(connect?),
            first_chunk: capped(first_chunk?),
            between_chunks: capped(between_chunks?),
            total,
        })
    }

    pub(super) fn status(&mut self, raw: Option<&model::Status>) -> StatusClasses {
        let ok = raw.and_then(|raw| raw.ok.as_ref());
        let shed = raw.and_then(|raw| raw.shed.as_ref());
        for code in ok.into_iter().chain(shed).flat_map(|list| &list.items) {
            if !(100..=599).contains(&code.value) {
                let what = format!("{} is no status code", code.value);
                self.out_of_range(code.span, what, "write a number from 100 to 599");
            }
        }
        if let Some(ok) = ok.filter(|ok| ok.items.is_empty()) {
            let what = "`status.ok` is empty: no request could succeed";
            self.refuse(Code::Empty, ok.span, what, "write `[200]`");
        }
        for code in ok.into_iter().flat_map(|list| &list.items) {
            let mut others = shed.into_iter().flat_map(|list| &list.items);
            if let Some(other) = others.find(|other| other.value == code.value) {
                let what = format!("{} is both ok and shed", code.value);
                self.conflict((other.span, what), (code.span, "ok here"), "keep one of them");
            }
        }
        let codes = |list: &List<Spanned<u16>>| list.items.iter().map(|code| code.value).collect();
        let explicit: Option<BTreeSet<u16>> = ok.map(codes);
        let is_ok = |code: &u16| explicit.as_ref().is_some_and(|ok| ok.contains(code));
        let shed = shed
            .map_or_else(|| [429, 503].into_iter().filter(|code| !is_ok(code)).collect(), codes);
        let ok =
            explicit.unwrap_or_else(|| (200..=299).filter(|code| !shed.contains(code)).collect());
        StatusClasses { ok, shed }
    }
}
