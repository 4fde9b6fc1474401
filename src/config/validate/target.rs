//! `target`: which of the three sources, and how a command is run.

use super::Context;
use crate::config::decode::{List, Section, Spanned};
use crate::config::environment::{expanded, is_name, unescaped};
use crate::config::model::Target;
use crate::config::plan::{ConnectionMode, ManagedTarget, Ready, TargetPlan, TargetSource};
use crate::config::problem::{Code, Problem, Problems, quoted};
use crate::config::source::Span;
use hyper::Uri;
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

impl Context<'_> {
    pub(super) fn target(&mut self, raw: &Target) -> Option<TargetPlan> {
        let source = self.target_source(raw);
        let api = self.api(raw);
        let headers = self.headers(raw);
        let timeouts = self.timeouts(raw.timeouts.as_ref());
        let status = self.status(raw.status.as_ref());
        let labels = raw.labels.iter().flat_map(|labels| &labels.entries);
        Some(TargetPlan {
            source: source?,
            api: api?,
            headers: headers?,
            timeouts: timeouts?,
            status: status?,
            connection: raw.connection.as_ref().map_or(ConnectionMode::Pooled, |mode| mode.value),
            labels: labels
                .map(|(name, label)| (name.value.clone(), label.value.0.clone()))
                .collect(),
        })
    }

    fn target_source(&mut self, raw: &Target) -> Option<TargetSource> {
        let given: Vec<(&str, Span)> = [
            ("command", raw.command.as_ref().map(|command| command.span)),
            ("url", raw.url.as_ref().map(|url| url.span)),
            ("demo", raw.demo.as_ref().map(Section::span)),
        ]
        .into_iter()
        .filter_map(|(key, span)| Some((key, span?)))
        .collect();
        match given.as_slice() {
            [] => {
                if ["command", "url", "demo"].into_iter().all(|key| raw.lacks(key)) {
                    let what = "`target` does not say what is tested";
                    self.problems.push(
                        Problem::new(Code::MissingKey, raw.span(), what)
                            .hint("write one of `command`, `url` and `demo`"),
                    );
                }
                return None;
            }
            [_] => {}
            [(first, first_span), rest @ ..] => {
                for (other, span) in rest {
                    let what = format!("`target` has both `{first}` and `{other}`");
                    let label = format!("`{first}` is here");
                    let hint = "keep the one that is to be tested";
                    self.conflict((*span, what), (*first_span, &label), hint);
                }
                return None;
            }
        }
        if let Some(command) = &raw.command {
            return self.managed(raw, command).map(TargetSource::Managed);
        }
        self.only_for_command(raw);
        if let Some(url) = &raw.url {
            return self.url(url).map(TargetSource::Url);
        }
        raw.demo.as_ref().and_then(|demo| self.demo(demo)).map(TargetSource::Demo)
    }

    /// Keys that would silently do nothing without a command.
    fn only_for_command(&mut self, raw: &Target) {
        let keys = [
            ("directory", raw.directory.as_ref().map(|value| value.span)),
            ("env", raw.env.as_ref().map(|value| value.span)),
            ("pass_env", raw.pass_env.as_ref().map(|value| value.span)),
            ("port", raw.port.as_ref().map(|value| value.span)),
            ("build", raw.build.as_ref().map(|value| value.span)),
            ("ready", raw.ready.as_ref().map(Section::span)),
            ("grace", raw.grace.as_ref().map(|value| value.span)),
        ];
        for (key, span) in keys {
            let Some(span) = span else { continue };
            let what = format!("`{key}` is only for a target with `command`");
            self.problems.push(
                Problem::new(Code::Conflict, span, what).hint("take it out: it would do nothing"),
            );
        }
    }

    fn managed(&mut self, raw: &Target, command: &List<Spanned<String>>) -> Option<ManagedTarget> {
        let port = raw.port.as_ref();
        let env_values = raw.env.iter().flat_map(|env| &env.entries);
        let in_env = env_values.into_iter().any(|(_, value)| value.value.0.contains("{port}"));
        let is_command = self.command(command, in_env || port.is_some());
        let is_port = port.is_none_or(|port| port.value != 0);
        if let Some(port) = port.filter(|_| !is_port) {
            self.out_of_range(
                port.span,
                "`port` is zero".to_owned(),
                "take it out for a free port",
            );
        }
        let env = self.env(raw);
        let pass_env = self.pass_env(raw);
        let ready = raw.ready.as_ref();
        let within = ready.and_then(|ready| ready.within.as_ref());
        let within = self.time(within, "ready.within", Duration::from_secs(120));
        let path = match ready.and_then(|ready| ready.get.as_ref()) {
            Some(path) => self.path(path, "ready.get"),
            None => Some("/health".to_owned()),
        };
        let grace = raw.grace.as_ref().map_or(Duration::from_secs(10), |grace| grace.value.0);
        (is_command && is_port).then_some(())?;
        Some(ManagedTarget {
            command: command.items.iter().map(|word| word.value.clone()).collect(),
            directory: raw
                .directory
                .as_ref()
                .map_or_else(|| PathBuf::from("."), |directory| PathBuf::from(&directory.value)),
            secrets: self.secrets_in_env(raw),
            env: env?,
            pass_env: pass_env?,
            port: port.map(|port| port.value),
            ready: Ready { path: path?, within: within? },
            grace,
        })
    }

    fn command(&mut self, command: &List<Spanned<String>>, has_port: bool) -> bool {
        let Some(program) = command.items.first().filter(|word| !word.value.is_empty()) else {
            self.problems.push(
                Problem::new(Code::Empty, command.span, "`command` names no program")
                    .hint("write `command: [./server, --port, \"{port}\"]`"),
            );
            return false;
        };
        let knows_port = command.items.iter().any(|word| word.value.contains("{port}"));
        if !knows_port && !has_port {
            let what = "`command` is not told its port";
            self.problems.push(
                Problem::new(Code::NoPort, program.span, what)
                    .label("has no `{port}` in its arguments, nor has `env`")
                    .hint("pass `\"{port}\"` where the server takes its port, or fix it: `port: 8000`"),
            );
        }
        knows_port || has_port
    }

    fn env(&mut self, raw: &Target) -> Option<BTreeMap<String, SecretString>> {
        let mut env = BTreeMap::new();
        let mut is_fit = true;
        for (name, value) in raw.env.iter().flat_map(|env| &env.entries) {
            is_fit &= self.variable_name(name);
            match expanded(&value.value.0, value.span, self.lookup, self.problems) {
                Some(value) => drop(env.insert(name.value.clone(), value)),
                None => is_fit = false,
            }
        }
        is_fit.then_some(env)
    }

    /// The values that come from our own environment.
    fn secrets_in_env(&mut self, raw: &Target) -> Vec<SecretString> {
        let all = raw.env.iter().flat_map(|env| &env.entries);
        all.filter(|(_, value)| unescaped(&value.value.0).is_none())
            .filter_map(|(_, value)| {
                expanded(&value.value.0, value.span, self.lookup, &mut Problems::default())
            })
            .collect()
    }

    fn pass_env(&mut self, raw: &Target) -> Option<BTreeSet<String>> {
        let mut is_fit = true;
        for name in raw.pass_env.iter().flat_map(|names| &names.items) {
            is_fit &= self.variable_name(name);
            let set = raw.env.iter().flat_map(|env| &env.entries);
            if let Some((set, _)) = set.into_iter().find(|(set, _)| set.value == name.value) {
                let what = format!("{} is both passed on and set", quoted(&name.value));
                self.conflict((name.span, what), (set.span, "set here"), "keep one of them");
                is_fit = false;
            }
        }
        let names = raw.pass_env.iter().flat_map(|names| &names.items);
        is_fit.then(|| names.map(|name| name.value.clone()).collect())
    }

    fn variable_name(&mut self, name: &Spanned<String>) -> bool {
        let is_fit = is_name(&name.value);
        if !is_fit {
            let what = format!("{} is no name of a variable", quoted(&name.value));
            self.problems.push(
                Problem::new(Code::Environment, name.span, what)
                    .hint("use letters, digits and `_`, no digit first"),
            );
        }
        is_fit
    }

    fn url(&mut self, url: &Spanned<String>) -> Option<String> {
        let mut refuse = |what: &str, hint: &str| {
            self.problems.push(Problem::new(Code::Http, url.span, what).hint(hint));
            None
        };
        const HINT: &str = "write for example `http://127.0.0.1:8000`";
        let Ok(parsed) = url.value.parse::<Uri>() else {
            return refuse("`url` cannot be read", HINT);
        };
        let Some(authority) = parsed.authority() else {
            return refuse("`url` has no scheme or no host", HINT);
        };
        if !matches!(parsed.scheme_str(), Some("http" | "https")) {
            return refuse("`url` must start with `http://` or `https://`", HINT);
        }
        if authority.as_str().contains('@') {
            let hint = "put the key into `headers`: `authorization: \"Basic ${KEY}\"`";
            return refuse("`url` holds a user or password, and is printed in reports", hint);
        }
        if authority.host().is_empty() {
            return refuse("`url` has no host", HINT);
        }
        if authority.as_str().len() > authority.host().len() && parsed.port_u16().is_none() {
            return refuse("`url` has no possible port", HINT);
        }
        if parsed.query().is_some() || url.value.contains('#') {
            return refuse("`url` has a query or fragment", "a base URL ends with its path");
        }
        Some(url.value.trim_end_matches('/').to_owned())
    }
}
