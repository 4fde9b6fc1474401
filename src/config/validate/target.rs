//! `target`: which of the three sources, and how a command is run.

use super::Context;
use crate::config::decode::{List, Section, Spanned};
use crate::config::environment::{expanded, is_name, unescaped};
use crate::config::model::Target;
use crate::config::plan::{Api, ConnectionMode, ManagedTarget, Ready, TargetPlan, TargetSource};
use crate::config::problem::{Code, Problem, quoted};
use crate::config::{Origin, resolved};
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// Shortest value given by `--set` that is blanked wherever the target prints it.
const SECRET_LEN_MIN: usize = 8;

impl Context<'_> {
    pub(super) fn target(&mut self, raw: &Target) -> Option<TargetPlan> {
        let source = self.target_source(raw, "target");
        let api = self.api(raw);
        let headers = self.headers(raw);
        let is_streamed = matches!(api, Some(Api::OpenAiChat { stream: true, .. }) | None);
        let timeouts = self.timeouts(raw.timeouts.as_ref(), is_streamed);
        let status = self.status(raw.status.as_ref());
        let ca = self.ca(raw);
        let http = self.http_version(raw);
        let labels = raw.labels.iter().flat_map(|labels| &labels.entries);
        Some(TargetPlan {
            source: source?,
            api: api?,
            headers,
            timeouts: timeouts?,
            status,
            ca,
            http,
            connection: raw.connection.as_ref().map_or(ConnectionMode::Pooled, |mode| mode.value),
            labels: labels
                .map(|(name, label)| (name.value.clone(), label.value.0.clone()))
                .collect(),
        })
    }

    /// What the target is compared with: its source alone.
    pub(super) fn base(&mut self, raw: &Target) -> Option<TargetSource> {
        for (key, span) in [
            ("api", raw.api.as_ref().map(|value| value.span)),
            ("model", raw.model.as_ref().map(|value| value.span)),
            ("stream", raw.stream.as_ref().map(|value| value.span)),
            ("path", raw.path.as_ref().map(|value| value.span)),
            ("extra", raw.extra.as_ref().map(|value| value.span)),
            ("request", raw.request.as_ref().map(Section::span)),
            ("headers", raw.headers.as_ref().map(|value| value.span)),
            ("ca", raw.ca.as_ref().map(|value| value.span)),
            ("timeouts", raw.timeouts.as_ref().map(Section::span)),
            ("status", raw.status.as_ref().map(Section::span)),
            ("http", raw.http.as_ref().map(|value| value.span)),
            ("connections", raw.connections.as_ref().map(|value| value.span)),
            ("connection", raw.connection.as_ref().map(|value| value.span)),
            ("labels", raw.labels.as_ref().map(|value| value.span)),
        ] {
            let Some(span) = span else { continue };
            let what = format!("`base` is spoken to as `target` is: it has no `{key}` of its own");
            self.refuse(Code::Conflict, span, what, "take it out");
        }
        self.target_source(raw, "base")
    }

    fn target_source(&mut self, raw: &Target, name: &str) -> Option<TargetSource> {
        let mut given = [
            ("command", raw.command.as_ref().map(|command| command.span)),
            ("url", raw.url.as_ref().map(|url| url.span)),
            ("demo", raw.demo.as_ref().map(Section::span)),
        ]
        .into_iter()
        .filter_map(|(key, span)| Some((key, span?)));
        let Some((first, first_span)) = given.next() else {
            if ["command", "url", "demo"].into_iter().all(|key| raw.lacks(key)) {
                let what = format!("`{name}` does not say what is tested");
                let hint = "write one of `command`, `url` and `demo`";
                self.refuse(Code::MissingKey, raw.span(), what, hint);
            }
            return None;
        };
        let mut is_one = true;
        for (other, span) in given {
            let what = format!("`{name}` has both `{first}` and `{other}`");
            let label = format!("`{first}` is here");
            self.conflict((span, what), (first_span, &label), "keep the one that is to be tested");
            is_one = false;
        }
        if !is_one {
            return None;
        }
        if let Some(command) = &raw.command {
            return self.managed(raw, command).map(TargetSource::Managed);
        }
        // Keys that would silently do nothing without a command.
        for (key, span) in [
            ("directory", raw.directory.as_ref().map(|value| value.span)),
            ("env", raw.env.as_ref().map(|value| value.span)),
            ("pass_env", raw.pass_env.as_ref().map(|value| value.span)),
            ("port", raw.port.as_ref().map(|value| value.span)),
            ("build", raw.build.as_ref().map(|value| value.span)),
            ("artifacts", raw.artifacts.as_ref().map(|value| value.span)),
            ("residency", raw.residency.as_ref().map(|value| value.span)),
            ("ready", raw.ready.as_ref().map(Section::span)),
            ("grace", raw.grace.as_ref().map(|value| value.span)),
        ] {
            let Some(span) = span else { continue };
            let what = format!("`{key}` is only for a target with `command`");
            self.refuse(Code::Conflict, span, what, "take it out: it would do nothing");
        }
        if let Some(url) = &raw.url {
            return self.url(url).map(TargetSource::Url);
        }
        raw.demo.as_ref().and_then(|demo| self.demo(demo)).map(TargetSource::Demo)
    }

    fn managed(&mut self, raw: &Target, command: &List<Spanned<String>>) -> Option<ManagedTarget> {
        let port = raw.port.as_ref();
        let env_values = raw.env.iter().flat_map(|env| &env.entries);
        let in_env = env_values.into_iter().any(|(_, value)| value.value.0.contains("{port}"));
        self.command(command, in_env || port.is_some());
        if let Some(port) = port.filter(|port| port.value == 0) {
            self.out_of_range(port.span, "`port` is zero", "take it out for a free port");
        }
        let (env, secrets) = self.env(raw);
        let pass_env = self.pass_env(raw);
        let ready = raw.ready.as_ref();
        let within = ready.and_then(|ready| ready.within.as_ref());
        let within = self.time(within, "ready.within", Duration::from_secs(120));
        let path = match ready.and_then(|ready| ready.get.as_ref()) {
            Some(path) => self.path(path, "ready.get"),
            None => "/health".to_owned(),
        };
        let directory = raw.directory.as_ref().map_or(".", |directory| &directory.value);
        Some(ManagedTarget {
            command: command.items.iter().map(|word| word.value.clone()).collect(),
            directory: PathBuf::from(directory),
            env,
            pass_env,
            secrets,
            port: port.map(|port| port.value),
            ready: Ready { path, within: within? },
            build: raw.build.as_ref().map(|build| build.value.clone()),
            artifacts: raw
                .artifacts
                .iter()
                .flat_map(|names| &names.items)
                .map(|name| PathBuf::from(&name.value))
                .collect(),
            residency: raw.residency.as_ref().map(|given| given.value).unwrap_or_default(),
            grace: raw.grace.as_ref().map_or(Duration::from_secs(10), |grace| grace.value.0),
        })
    }

    fn command(&mut self, command: &List<Spanned<String>>, has_port: bool) {
        let Some(program) = command.items.first().filter(|word| !word.value.is_empty()) else {
            let hint = "write `command: [./server, --port, \"{port}\"]`";
            self.refuse(Code::Empty, command.span, "`command` names no program", hint);
            return;
        };
        if !has_port && !command.items.iter().any(|word| word.value.contains("{port}")) {
            let what = "`command` is not told its port";
            self.problems.push(
                Problem::new(Code::NoPort, program.span, what)
                    .label("has no `{port}` in its arguments, nor has `env`")
                    .hint("pass `\"{port}\"` where the server takes its port, or fix it: `port: 8000`"),
            );
        }
    }

    /// The variables that are set, and those of their values that may be keys: what comes from our
    /// own environment, and what is not written into `config.yml` either.
    fn env(&mut self, raw: &Target) -> (BTreeMap<String, SecretString>, Vec<SecretString>) {
        let mut env = BTreeMap::new();
        let mut secrets = Vec::new();
        for (name, value) in raw.env.iter().flat_map(|env| &env.entries) {
            self.variable_name(name);
            let written = &value.value.0;
            let found = expanded(written, value.span, self.lookup, self.problems);
            // A short one by `--set` is a number or a word: blanking it would blank every such word.
            let by_set = value.span.origin != Origin::File && written.len() >= SECRET_LEN_MIN;
            let is_secret = unescaped(written).is_none()
                || by_set
                || resolved::is_secret(&name.value, written, Origin::File);
            secrets.extend(found.clone().filter(|_| is_secret));
            env.extend(found.map(|found| (name.value.clone(), found)));
        }
        (env, secrets)
    }

    fn pass_env(&mut self, raw: &Target) -> BTreeSet<String> {
        let names = raw.pass_env.iter().flat_map(|names| &names.items);
        for name in names.clone() {
            self.variable_name(name);
            let mut set = raw.env.iter().flat_map(|env| &env.entries);
            if let Some((set, _)) = set.find(|(set, _)| set.value == name.value) {
                let what = format!("{} is both passed on and set", quoted(&name.value));
                self.conflict((name.span, what), (set.span, "set here"), "keep one of them");
            }
        }
        names.map(|name| name.value.clone()).collect()
    }

    fn variable_name(&mut self, name: &Spanned<String>) {
        if !is_name(&name.value) {
            let what = format!("{} is no name of a variable", quoted(&name.value));
            let hint = "use letters, digits and `_`, no digit first";
            self.refuse(Code::Environment, name.span, what, hint);
        }
    }
}
