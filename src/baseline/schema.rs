//! Text of the file to baseline and back. The one place that knows versions.

use super::fingerprint::{Fingerprint, Gpu};
use super::load::{Defect, Loaded};
use super::record::{Baseline, BaselineCheck, Environment, HistoryEntry, Recorded, SourceKind};
use super::v1::{
    BaselineV1, BetterV1, CheckV1, EnvironmentV1, FingerprintV1, HistoryV1, MetricV1, RecordedV1,
    SourceV1, TrialV1, TrialsV1,
};
use crate::check::Estimate;
use crate::config;
use crate::slo::Better;
use crate::units::{Ratio, SESSIONS_MAX};
use crate::workload::SequenceId;
use serde_json::Value;
use std::time::Duration;

/// Name and version of the file's format.
pub const SCHEMA: &str = "plimsoll.baseline/1";

/// The JSON Schema of the file.
#[must_use]
pub fn json_schema() -> Value {
    schemars::schema_for!(BaselineV1).to_value()
}

/// The file's text: stable key order, two spaces, a newline at the end.
#[must_use]
pub fn render(baseline: &Baseline) -> String {
    // Serialising plain maps, strings and numbers to memory cannot fail.
    let mut text = serde_json::to_string_pretty(&to_v1(baseline)).unwrap_or_default();
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
        // The seam for migration: an older version becomes a `BaselineV1` here, by name.
        Some(Value::String(found)) if found == SCHEMA => read_v1(text),
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

fn read_v1(text: &str) -> Loaded {
    let mut reader = serde_json::Deserializer::from_str(text);
    let file: BaselineV1 = match serde_path_to_error::deserialize(&mut reader) {
        Ok(file) => file,
        Err(error) => {
            let path = error.path().to_string();
            return Loaded::Corrupt(json_defect(error.inner(), Some(path)));
        }
    };
    match from_v1(file) {
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

fn to_v1(baseline: &Baseline) -> BaselineV1 {
    let Baseline { suite, recorded, environment, labels, history, checks } = baseline.clone();
    BaselineV1 {
        schema: SCHEMA.to_owned(),
        suite,
        recorded: RecordedV1 {
            time: recorded.time,
            commit: recorded.commit,
            version: recorded.version,
        },
        environment: environment.into(),
        labels,
        history: history
            .into_iter()
            .map(|(check, entries)| (check, entries.into_iter().map(HistoryV1::from).collect()))
            .collect(),
        checks: checks.into_iter().map(|(name, check)| (name, check.into())).collect(),
    }
}

impl From<Environment> for EnvironmentV1 {
    fn from(environment: Environment) -> Self {
        let Environment { source, fingerprint: machine, calibration, machine_sd } = environment;
        Self {
            source: match source {
                SourceKind::Demo => SourceV1::Demo,
                SourceKind::Managed => SourceV1::Managed,
                SourceKind::Url => SourceV1::Url,
            },
            fingerprint: FingerprintV1 {
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
        }
    }
}

impl From<HistoryEntry> for HistoryV1 {
    fn from(entry: HistoryEntry) -> Self {
        let HistoryEntry { time, commit, value, low, high, unit, reason } = entry;
        Self { time, commit, value, low, high, unit, reason }
    }
}

impl From<BaselineCheck> for CheckV1 {
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
            trial: TrialV1 { seed, cut, count, trial_seconds, digest },
            trials: TrialsV1 { n: check.trials, seconds: check.elapsed.as_secs_f64() },
        }
    }
}

impl From<Estimate> for MetricV1 {
    fn from(estimate: Estimate) -> Self {
        Self {
            value: estimate.value,
            low: estimate.low,
            high: estimate.high,
            confidence: estimate.confidence.get(),
            unit: estimate.unit,
            better: match estimate.better {
                Better::Higher => BetterV1::Higher,
                Better::Lower => BetterV1::Lower,
            },
            samples: estimate.samples,
            trials: estimate.trials,
            spread: estimate.spread.get(),
        }
    }
}

fn from_v1(file: BaselineV1) -> Result<Baseline, Defect> {
    let RecordedV1 { time, commit, version } = file.recorded;
    if humantime::parse_rfc3339(&time).is_err() {
        return Err(Defect::value("recorded.time", "is no RFC 3339 time in UTC"));
    }
    let mut checks = std::collections::BTreeMap::new();
    for (name, check) in file.checks {
        let place = format!("checks.{name}");
        checks.insert(name, check_from_v1(check, &place)?);
    }
    let history = file.history.into_iter().map(|(check, entries)| {
        let entries = entries.into_iter().map(|entry| {
            let HistoryV1 { time, commit, value, low, high, unit, reason } = entry;
            HistoryEntry { time, commit, value, low, high, unit, reason }
        });
        (check, entries.collect())
    });
    Ok(Baseline {
        suite: file.suite,
        recorded: Recorded { time, commit, version },
        environment: environment_from_v1(file.environment),
        labels: file.labels,
        history: history.collect(),
        checks,
    })
}

fn environment_from_v1(environment: EnvironmentV1) -> Environment {
    let machine = environment.fingerprint;
    Environment {
        source: match environment.source {
            SourceV1::Demo => SourceKind::Demo,
            SourceV1::Managed => SourceKind::Managed,
            SourceV1::Url => SourceKind::Url,
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
    }
}

fn check_from_v1(check: CheckV1, place: &str) -> Result<BaselineCheck, Defect> {
    let mut metrics = std::collections::BTreeMap::new();
    for (name, metric) in check.metrics {
        let place = format!("{place}.metrics.{name}");
        metrics.insert(name, estimate_from_v1(metric, &place)?);
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
    let TrialV1 { seed, cut, count, trial_seconds, digest } = check.trial;
    if count == 0 || cut.saturating_add(count) > SESSIONS_MAX {
        let reason = "must say of how many sessions a trial was, a million at most";
        return Err(Defect::value(&format!("{place}.trial.count"), reason));
    }
    if check.trials.n == 0 {
        return Err(Defect::value(&format!("{place}.trials.n"), "must not be 0"));
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
        sequence: SequenceId { seed, cut, count, digest },
        trial: seconds(trial_seconds, "trial.trial_seconds")?,
        trials: check.trials.n,
        elapsed: seconds(check.trials.seconds, "trials.seconds")?,
    })
}

fn estimate_from_v1(metric: MetricV1, place: &str) -> Result<Estimate, Defect> {
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
            BetterV1::Higher => Better::Higher,
            BetterV1::Lower => Better::Lower,
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
        insta::assert_snapshot!("baseline_v1", text);
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
            (r#"{"schema": "plimsoll.baseline/1", "checks": {}}"#, "`checks` is empty"),
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
        let newer = render(&fixture::baseline()).replace(SCHEMA, "plimsoll.baseline/2");
        let found = Some("plimsoll.baseline/2".to_owned());
        assert_eq!(parse(&newer), Loaded::UnknownSchema { found });
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
