//! Text of the file to baseline and back. The one place that knows versions.

use super::fingerprint::{Fingerprint, Gpu};
use super::load::{Defect, Loaded};
use super::record::{Baseline, BaselineCheck, Environment, HistoryEntry, Recorded, SourceKind};
use super::v2::{
    BaselineV2, BetterV2, CheckV2, EndedV2, EnvironmentV2, FingerprintV2, HistoryV2, MetricV2,
    PointV2, RecordedV2, ResponseV2, SourceV2, TrialV2, TrialsV2,
};
use crate::check::{Estimate, Seen};
use crate::config;
use crate::slo::Better;
use crate::stats::Response;
use crate::trial::Ended;
use crate::units::{Ratio, SESSIONS_MAX};
use crate::workload::SequenceId;
use serde_json::Value;
use std::time::Duration;

/// Name and version of the file's format.
pub const SCHEMA: &str = "plimsoll.baseline/2";

/// The JSON Schema of the file.
#[must_use]
pub fn json_schema() -> Value {
    schemars::schema_for!(BaselineV2).to_value()
}

/// The file's text: stable key order, two spaces, a newline at the end.
#[must_use]
pub fn render(baseline: &Baseline) -> String {
    // Serialising plain maps, strings and numbers to memory cannot fail.
    let mut text = serde_json::to_string_pretty(&to_v2(baseline)).unwrap_or_default();
    text.push('\n');
    text
}

/// Reads the file's text; each way of being unusable has its own state.
#[must_use]
pub fn parse(text: &str) -> Loaded {
    if text.trim().is_empty() {
        return Loaded::Empty { what: "the file has no content".to_owned() };
    }
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return Loaded::Corrupt(json_defect(&error, None)),
    };
    if let Some(what) = emptiness(&value) {
        return Loaded::Empty { what };
    }
    match value.get("schema") {
        // The seam for migration: an older version becomes a `BaselineV2` here, by name.
        Some(Value::String(found)) if found == SCHEMA => read_v2(text),
        Some(Value::String(found)) => Loaded::UnknownSchema { found: Some(found.clone()) },
        Some(other) => Loaded::UnknownSchema { found: Some(other.to_string()) },
        None => Loaded::UnknownSchema { found: None },
    }
}

/// What is missing of a file that holds nothing to compare with.
fn emptiness(value: &Value) -> Option<String> {
    let object = value.as_object()?;
    if object.is_empty() {
        return Some("the file holds `{}`".to_owned());
    }
    let checks = object.get("checks")?.as_object()?;
    if checks.is_empty() {
        return Some("`checks` is empty".to_owned());
    }
    let (name, _) = checks.iter().find(|(_, check)| {
        check.get("metrics").and_then(Value::as_object).is_some_and(serde_json::Map::is_empty)
    })?;
    Some(format!("check `{name}` has no metrics"))
}

fn read_v2(text: &str) -> Loaded {
    let mut reader = serde_json::Deserializer::from_str(text);
    let file: BaselineV2 = match serde_path_to_error::deserialize(&mut reader) {
        Ok(file) => file,
        Err(error) => {
            let path = error.path().to_string();
            return Loaded::Corrupt(json_defect(error.inner(), Some(path)));
        }
    };
    match from_v2(file) {
        Ok(baseline) => Loaded::Baseline(Box::new(baseline)),
        Err(defect) => Loaded::Corrupt(defect),
    }
}

fn json_defect(error: &serde_json::Error, path: Option<String>) -> Defect {
    let text = error.to_string();
    // The place stands in fields of its own.
    let message = text.split(" at line ").next().unwrap_or_default().to_owned();
    Defect::Json { line: error.line(), column: error.column(), path, message }
}

fn to_v2(baseline: &Baseline) -> BaselineV2 {
    let Baseline { suite, recorded, environment, labels, history, checks } = baseline.clone();
    BaselineV2 {
        schema: SCHEMA.to_owned(),
        suite,
        recorded: RecordedV2 {
            time: recorded.time,
            commit: recorded.commit,
            version: recorded.version,
        },
        environment: environment.into(),
        labels,
        history: history
            .into_iter()
            .map(|(check, entries)| (check, entries.into_iter().map(HistoryV2::from).collect()))
            .collect(),
        checks: checks.into_iter().map(|(name, check)| (name, check.into())).collect(),
    }
}

impl From<Environment> for EnvironmentV2 {
    fn from(environment: Environment) -> Self {
        let Environment { source, fingerprint: machine, calibration, machine_sd, runs } =
            environment;
        Self {
            source: match source {
                SourceKind::Demo => SourceV2::Demo,
                SourceKind::Managed => SourceV2::Managed,
                SourceKind::Url => SourceV2::Url,
            },
            fingerprint: FingerprintV2 {
                cpu: machine.cpu,
                cores: machine.cores,
                quota: machine.quota,
                gpus: machine.gpus.into_iter().map(|gpu| gpu.model).collect(),
                gpu_driver: machine.gpu_driver,
                build: machine.build,
                kernel: machine.kernel,
                os: machine.os,
                memory_mib: machine.memory_mib,
                runner: machine.runner,
            },
            calibration,
            machine_sd,
            runs,
        }
    }
}

impl From<HistoryEntry> for HistoryV2 {
    fn from(entry: HistoryEntry) -> Self {
        let HistoryEntry { time, commit, value, low, high, unit, reason } = entry;
        Self { time, commit, value, low, high, unit, reason }
    }
}

impl From<BaselineCheck> for CheckV2 {
    fn from(check: BaselineCheck) -> Self {
        let SequenceId { seed, cut, count, digest } = check.sequence;
        let trial_seconds = check.trial.as_secs_f64();
        Self {
            kind: check.kind,
            knob: check.knob,
            digest: check.digest,
            config: check.config,
            metrics: check
                .metrics
                .into_iter()
                .map(|(name, metric)| (name, metric.into()))
                .collect(),
            sd_log: check.sd_log,
            trial: TrialV2 { seed, cut, count, trial_seconds, digest },
            response: ResponseV2 { slope: check.response.slopes, sigma: check.response.spreads },
            margins: check.margins,
            trials: TrialsV2 { n: check.trials, seconds: check.elapsed.as_secs_f64() },
            points: check.seen.into_iter().map(PointV2::from).collect(),
        }
    }
}

impl From<Seen> for PointV2 {
    fn from(seen: Seen) -> Self {
        let Seen { value: load, ended, requests, slo, not_good: k, n } = seen;
        let ended = match ended {
            Ended::Complete => EndedV2::Complete,
            Ended::Settled => EndedV2::Settled,
            Ended::Overload => EndedV2::Overload,
            Ended::Stopped => EndedV2::Stopped,
        };
        Self { load, slo, k, n, requests, ended }
    }
}

impl From<PointV2> for Seen {
    fn from(point: PointV2) -> Self {
        let PointV2 { load: value, slo, k: not_good, n, requests, ended } = point;
        let ended = match ended {
            EndedV2::Complete => Ended::Complete,
            EndedV2::Settled => Ended::Settled,
            EndedV2::Overload => Ended::Overload,
            EndedV2::Stopped => Ended::Stopped,
        };
        Self { value, ended, requests, slo, not_good, n }
    }
}

impl From<Estimate> for MetricV2 {
    fn from(estimate: Estimate) -> Self {
        Self {
            value: estimate.value,
            low: estimate.low,
            high: estimate.high,
            confidence: estimate.confidence.get(),
            unit: estimate.unit,
            better: match estimate.better {
                Better::Higher => BetterV2::Higher,
                Better::Lower => BetterV2::Lower,
            },
            samples: estimate.samples,
            trials: estimate.trials,
            spread: estimate.spread.get(),
        }
    }
}

fn from_v2(file: BaselineV2) -> Result<Baseline, Defect> {
    let RecordedV2 { time, commit, version } = file.recorded;
    if humantime::parse_rfc3339(&time).is_err() {
        return Err(Defect::value("recorded.time", "is no RFC 3339 time in UTC"));
    }
    let mut checks = std::collections::BTreeMap::new();
    for (name, check) in file.checks {
        let place = format!("checks.{name}");
        checks.insert(name, check_from_v2(check, &place)?);
    }
    let history = file.history.into_iter().map(|(check, entries)| {
        let entries = entries.into_iter().map(|entry| {
            let HistoryV2 { time, commit, value, low, high, unit, reason } = entry;
            HistoryEntry { time, commit, value, low, high, unit, reason }
        });
        (check, entries.collect())
    });
    Ok(Baseline {
        suite: file.suite,
        recorded: Recorded { time, commit, version },
        environment: environment_from_v2(file.environment),
        labels: file.labels,
        history: history.collect(),
        checks,
    })
}

fn environment_from_v2(environment: EnvironmentV2) -> Environment {
    let machine = environment.fingerprint;
    Environment {
        source: match environment.source {
            SourceV2::Demo => SourceKind::Demo,
            SourceV2::Managed => SourceKind::Managed,
            SourceV2::Url => SourceKind::Url,
        },
        fingerprint: Fingerprint {
            cpu: machine.cpu,
            cores: machine.cores,
            quota: machine.quota,
            gpus: machine.gpus.into_iter().map(|model| Gpu { model }).collect(),
            gpu_driver: machine.gpu_driver,
            build: machine.build,
            kernel: machine.kernel,
            os: machine.os,
            memory_mib: machine.memory_mib,
            runner: machine.runner,
        },
        calibration: environment.calibration,
        machine_sd: environment.machine_sd,
        runs: environment.runs,
    }
}

fn check_from_v2(check: CheckV2, place: &str) -> Result<BaselineCheck, Defect> {
    let mut metrics = std::collections::BTreeMap::new();
    for (name, metric) in check.metrics {
        let place = format!("{place}.metrics.{name}");
        metrics.insert(name, estimate_from_v2(metric, &place)?);
    }
    match metrics.get("capacity") {
        Some(capacity) if capacity.low > 0.0 => {}
        Some(_) => {
            let place = format!("{place}.metrics.capacity.low");
            return Err(Defect::value(&place, "must be greater than zero"));
        }
        None => return Err(Defect::value(&format!("{place}.metrics"), "has no `capacity`")),
    }
    if config::digest(&check.config) != check.digest {
        let reason = "is not that of `config`: the baseline was edited or badly merged";
        return Err(Defect::value(&format!("{place}.digest"), reason));
    }
    let TrialV2 { seed, cut, count, trial_seconds, digest } = check.trial;
    if count == 0 || cut.saturating_add(count) > SESSIONS_MAX {
        let reason = "must say of how many sessions a trial was, a million at most";
        return Err(Defect::value(&format!("{place}.trial.count"), reason));
    }
    if check.trials.n == 0 {
        return Err(Defect::value(&format!("{place}.trials.n"), "must not be 0"));
    }
    let response = response_from_v2(&check.response, place)?;
    if !(check.sd_log.is_finite() && check.sd_log >= 0.0) {
        let reason = "must be a number that is not negative";
        return Err(Defect::value(&format!("{place}.sd_log"), reason));
    }
    let seconds = |value: f64, key: &str| {
        Duration::try_from_secs_f64(value)
            .map_err(|_| Defect::value(&format!("{place}.{key}"), "is no length of time"))
    };
    Ok(BaselineCheck {
        kind: check.kind,
        knob: check.knob,
        digest: check.digest,
        config: check.config,
        metrics,
        sd_log: check.sd_log,
        response,
        margins: check.margins,
        seen: check.points.into_iter().map(Seen::from).collect(),
        sequence: SequenceId { seed, cut, count, digest },
        trial: seconds(trial_seconds, "trial.trial_seconds")?,
        trials: check.trials.n,
        elapsed: seconds(check.trials.seconds, "trials.seconds")?,
    })
}

/// Weights that are no shares of one would be believed all the same.
fn response_from_v2(response: &ResponseV2, place: &str) -> Result<Response, Defect> {
    let ResponseV2 { slope, sigma } = response;
    for (key, weights) in [("slope", slope.as_slice()), ("sigma", sigma.as_slice())] {
        let total: f64 = weights.iter().sum();
        let is_share = |weight: &f64| (0.0..=1.0).contains(weight);
        if !weights.iter().all(is_share) || (total - 1.0).abs() > 0.01 {
            let place = format!("{place}.response.{key}");
            return Err(Defect::value(&place, "must be shares whose sum is 1"));
        }
    }
    Ok(Response { slopes: *slope, spreads: *sigma })
}

fn estimate_from_v2(metric: MetricV2, place: &str) -> Result<Estimate, Defect> {
    let share = |value, key: &str| {
        Ratio::new(value)
            .ok_or_else(|| Defect::value(&format!("{place}.{key}"), "must lie between 0 and 1"))
    };
    if !(metric.low <= metric.value && metric.value <= metric.high) {
        return Err(Defect::value(place, "must have low <= value <= high"));
    }
    if metric.samples == 0 {
        return Err(Defect::value(&format!("{place}.samples"), "must not be 0"));
    }
    if metric.trials == 0 {
        return Err(Defect::value(&format!("{place}.trials"), "must not be 0"));
    }
    Ok(Estimate {
        value: metric.value,
        low: metric.low,
        high: metric.high,
        confidence: share(metric.confidence, "confidence")?,
        unit: metric.unit,
        better: match metric.better {
            BetterV2::Higher => Better::Higher,
            BetterV2::Lower => Better::Lower,
        },
        samples: metric.samples,
        trials: metric.trials,
        spread: share(metric.spread, "spread")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{SCHEMA, json_schema, parse, render};
    use crate::baseline::{Defect, Loaded, fixture};

    #[test]
    fn the_file_reads_as_it_was_written_and_does_not_change() {
        let text = render(&fixture::baseline());
        insta::assert_snapshot!("baseline_v2", text);
        let Loaded::Baseline(again) = parse(&text) else { panic!("not readable:\n{text}") };
        assert_eq!(*again, fixture::baseline());
        assert_eq!(render(&again), text);
    }

    #[test]
    fn hollow_gate_2_an_empty_baseline_is_no_baseline() {
        for (text, what) in [
            ("", "the file has no content"),
            (" \n", "the file has no content"),
            ("{}", "the file holds `{}`"),
            (r#"{"checks": {}}"#, "`checks` is empty"),
            (r#"{"schema": "plimsoll.baseline/2", "checks": {}}"#, "`checks` is empty"),
            (r#"{"schema": "x", "checks": {"a": {"metrics": {}}}}"#, "check `a` has no metrics"),
        ] {
            assert_eq!(parse(text), Loaded::Empty { what: what.into() }, "{text}");
        }
        for text in [r#"{"baselines": {}}"#, "[]", "null", "7"] {
            assert_eq!(parse(text), Loaded::UnknownSchema { found: None }, "{text}");
        }
    }

    #[test]
    fn another_schema_is_named_and_never_guessed() {
        let newer = render(&fixture::baseline()).replace(SCHEMA, "plimsoll.baseline/3");
        let found = Some("plimsoll.baseline/3".to_owned());
        assert_eq!(parse(&newer), Loaded::UnknownSchema { found });
        // What an older method measured is another number.
        let older = render(&fixture::baseline()).replace(SCHEMA, "plimsoll.baseline/1");
        assert!(matches!(parse(&older), Loaded::UnknownSchema { found: Some(_) }));
        let number = r#"{"schema": 1, "checks": {"a": 1}}"#;
        assert_eq!(parse(number), Loaded::UnknownSchema { found: Some("1".into()) });
    }

    #[test]
    fn a_defect_is_shown_with_its_place() {
        let good = render(&fixture::baseline());
        for (from, to, place) in [
            ("\"suite\"", "<<<<<<< HEAD\n  \"suite\"", "line 3 column 3"),
            ("\"knob\"", "\"nob\"", "checks.chat-rate.nob"),
            (
                "\"value\": 41.0,\n          \"low\": 39.8",
                "\"value\": \"41\", \"low\": 39.8",
                "metrics.capacity.value",
            ),
            (
                "\"low\": 39.8,\n          \"high\": 42.1,\n          \"conf",
                "\"low\": 49.8,\n          \"high\": 42.1,\n          \"conf",
                "low <= value <= high",
            ),
            ("\"confidence\": 0.9", "\"confidence\": 90", "must lie between 0 and 1"),
            ("\"samples\": 12840", "\"samples\": 0", "must not be 0"),
            ("\"trials\": 14", "\"trials\": 0", "metrics.capacity.trials"),
            ("\"n\": 14", "\"n\": 0", "trials.n"),
            ("\"count\": 600", "\"count\": 0", "a million at most"),
            ("\"count\": 600", "\"count\": 999881", "a million at most"),
            ("seed: 42", "seed: 43", "edited or badly merged"),
            ("\"capacity\": {", "\"kapacity\": {", "has no `capacity`"),
            ("\"error_rate\": {", "\"capacity\": {", "`capacity` stands twice"),
            ("2026-11-21T09:12:00Z", "yesterday", "RFC 3339"),
            ("\"trial_seconds\": 25.0", "\"trial_seconds\": -1", "no length of time"),
        ] {
            assert!(good.contains(from), "{from}");
            let text = good.replacen(from, to, 1);
            let Loaded::Corrupt(defect) = parse(&text) else { panic!("{to} was read") };
            assert!(defect.to_string().contains(place), "{place}: {defect}");
        }
        let nested = "[".repeat(100_000);
        assert!(matches!(parse(&nested), Loaded::Corrupt(Defect::Json { .. })));
    }

    #[test]
    fn the_published_schema_names_every_key_of_the_file() {
        let schema = json_schema().to_string();
        for key in ["schema", "environment", "history", "sd_log", "trial_seconds", "spread"] {
            assert!(schema.contains(&format!("\"{key}\"")), "{key}");
        }
        assert!(schema.contains("\"additionalProperties\":false"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:a-z0-9 .\\-]{0,80}") {
            proptest::prop_assert!(!matches!(parse(&text), Loaded::Baseline(_)));
        }

        #[test]
        fn a_damaged_file_is_read_the_same_or_refused(at in 0_usize..2_000, byte in 32_u8..127) {
            let good = render(&fixture::baseline());
            let mut bytes = good.clone().into_bytes();
            if let Some(place) = bytes.get_mut(at) { *place = byte; }
            let text = String::from_utf8(bytes).unwrap();
            if let Loaded::Baseline(read) = parse(&text) {
                let Loaded::Baseline(again) = parse(&render(&read)) else { panic!("unstable") };
                proptest::prop_assert_eq!(read, again);
            }
        }
    }
}
