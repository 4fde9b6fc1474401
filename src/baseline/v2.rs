//! Version 2 of the file, as it is written. A change here needs a new version and a migration.

use schemars::JsonSchema;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Accepted findings of a suite: `baselines/<suite>.json`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Baseline of a suite")]
pub(super) struct BaselineV2 {
    /// Always `plimsoll.baseline/2`.
    pub(super) schema: String,
    /// Name of the suite.
    pub(super) suite: String,
    pub(super) recorded: RecordedV2,
    pub(super) environment: EnvironmentV2,
    /// What identified the target.
    #[serde(deserialize_with = "unique")]
    pub(super) labels: BTreeMap<String, String>,
    /// Accepted capacities per check, oldest first.
    #[serde(deserialize_with = "unique")]
    pub(super) history: BTreeMap<String, Vec<HistoryV2>>,
    /// The accepted checks.
    #[serde(deserialize_with = "unique")]
    pub(super) checks: BTreeMap<String, CheckV2>,
}

/// When and from what the file was recorded last.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordedV2 {
    /// RFC 3339, UTC.
    pub(super) time: String,
    /// Commit of the working tree.
    pub(super) commit: Option<String>,
    /// Version of Plimsoll.
    pub(super) version: String,
}

/// Where it was measured.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnvironmentV2 {
    pub(super) source: SourceV2,
    pub(super) fingerprint: FingerprintV2,
    /// Speed of a core of that machine, in slices of a fixed work per second of its time.
    pub(super) calibration: Option<f64>,
    /// Standard deviation of ln(capacity) from one accepted run to another.
    pub(super) machine_sd: Option<f64>,
    /// Accepted runs behind it.
    pub(super) runs: u32,
}

/// Where the target's speed came from.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SourceV2 {
    /// The demo's own clock.
    Demo,
    /// The machine of the fingerprint.
    Managed,
    /// Elsewhere; the labels say where.
    Url,
}

/// The machine.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FingerprintV2 {
    pub(super) cpu: Option<String>,
    /// Cores that may be used.
    pub(super) cores: Option<u32>,
    /// Quota of CPU time, in cores.
    pub(super) quota: Option<f64>,
    /// Models of the GPUs.
    pub(super) gpus: Vec<String>,
    pub(super) gpu_driver: Option<String>,
    /// `debug` or `release`.
    pub(super) build: String,
    pub(super) kernel: Option<String>,
    pub(super) os: Option<String>,
    pub(super) memory_mib: Option<u64>,
    /// Label of the CI runner.
    pub(super) runner: Option<String>,
}

/// One accepted capacity.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryV2 {
    /// RFC 3339, UTC.
    pub(super) time: String,
    pub(super) commit: Option<String>,
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) unit: String,
    pub(super) reason: Option<String>,
}

/// The accepted finding of a check.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckV2 {
    /// Kind of the experiment.
    pub(super) kind: String,
    /// Name of the knob.
    pub(super) knob: String,
    /// SHA-256 of `config`, hexadecimal.
    pub(super) digest: String,
    /// Everything that changes what is measured.
    pub(super) config: String,
    /// Named metrics, `capacity` among them.
    #[serde(deserialize_with = "unique")]
    pub(super) metrics: BTreeMap<String, MetricV2>,
    /// Standard deviation of ln(capacity).
    pub(super) sd_log: f64,
    pub(super) trial: TrialV2,
    pub(super) response: ResponseV2,
    /// How far each condition lay from its limit in the trial closest to the capacity: difference of the
    /// logits of its share and of the allowed one.
    #[serde(deserialize_with = "unique")]
    pub(super) margins: BTreeMap<String, f64>,
    pub(super) trials: TrialsV2,
    /// The full trials near the capacity: enough to compute it again.
    pub(super) points: Vec<PointV2>,
}

/// What was learnt of the service's response to load: weights over fixed grids, each of sum 1.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResponseV2 {
    /// Of the slopes 8, 12, 18, 27, 40, 60, 90, 135, 200, 300.
    pub(super) slope: [f64; 10],
    /// Of the spreads between trials 0.005, 0.01, 0.02, 0.04, 0.08.
    pub(super) sigma: [f64; 5],
}

/// One full trial near the capacity.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PointV2 {
    /// Value of the knob.
    pub(super) load: f64,
    /// Its worst condition.
    pub(super) slo: String,
    /// Observations of that which were not good.
    pub(super) k: u64,
    /// All observations of it.
    pub(super) n: u64,
    /// Requests of its measured sessions.
    pub(super) requests: u64,
    /// How it ended.
    pub(super) ended: EndedV2,
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum EndedV2 {
    /// Every measured request ended by itself.
    Complete,
    /// The outcome could no longer change.
    Settled,
    /// The target was overloaded.
    Overload,
    /// It was cut.
    Stopped,
}

/// One metric.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricV2 {
    pub(super) value: f64,
    /// Lower end of the interval.
    pub(super) low: f64,
    /// Upper end of the interval.
    pub(super) high: f64,
    /// Nominal confidence of the interval, 0 to 1.
    pub(super) confidence: f64,
    /// Unit of the three numbers.
    pub(super) unit: String,
    pub(super) better: BetterV2,
    /// Measured requests behind it.
    pub(super) samples: u64,
    /// Trials that entered it.
    pub(super) trials: u32,
    /// Standard deviation between trials, relative to the value, 0 to 1.
    pub(super) spread: f64,
}

/// Which direction is an improvement.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BetterV2 {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// Identity of the sequence that was played.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialV2 {
    pub(super) seed: u64,
    /// Sessions before the measured ones.
    pub(super) cut: u64,
    /// Measured sessions.
    pub(super) count: u64,
    /// Nominal length.
    pub(super) trial_seconds: f64,
    /// SHA-256 over arrivals and lengths.
    pub(super) digest: String,
}

/// What the measurement cost.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialsV2 {
    /// Trials that entered the estimate.
    pub(super) n: u32,
    /// Time of all trials of the check.
    pub(super) seconds: f64,
}

/// Reads a map and refuses a repeated key: the last one would win, and a check vanish silently.
fn unique<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Unique<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Unique<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = access.next_entry::<String, V>()? {
                if map.contains_key(&key) {
                    return Err(serde::de::Error::custom(format_args!("`{key}` stands twice")));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(Unique(PhantomData))
}
