//! Order statistics of a trial's latencies, with what never ended counted as longer than all.

use super::result::ms;
use super::{Distribution, Observed, Series, TrialReport};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Order statistics of a length of time. A request that was not ok counts as longer than all others
/// (`censored`). A number is `null` for one of two reasons: its name stands in `beyond` and it lies
/// among the censored, or there are fewer than 1 / (1 - q) observations and it would be the largest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyResult {
    /// Always `ms`.
    pub unit: String,
    /// Observations.
    pub n: u64,
    /// Requests that were not ok and count as longer than all observations.
    pub censored: u64,
    /// Median.
    pub p50: Option<f64>,
    /// 75th percentile.
    pub p75: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// Mean of the observations, without the censored.
    pub mean: Option<f64>,
    /// Names of the numbers that lie among the censored.
    pub beyond: Vec<String>,
}

impl LatencyResult {
    fn new(distribution: &Distribution, censored: u64) -> Self {
        let mut beyond = Vec::new();
        let mut at = |name: &str, q: f64, needed: u64| match distribution.quantile(q, censored) {
            _ if distribution.n() + censored < needed => None,
            Some(Observed::At(at)) => Some(ms(at)),
            Some(Observed::Beyond) => {
                beyond.push(name.to_owned());
                None
            }
            None => None,
        };
        let p50 = at("p50", 0.50, 2);
        let p75 = at("p75", 0.75, 4);
        let p90 = at("p90", 0.90, 10);
        let p95 = at("p95", 0.95, 20);
        let p99 = at("p99", 0.99, 100);
        let max = at("max", 1.0, 1);
        Self {
            unit: "ms".to_owned(),
            n: distribution.n(),
            censored,
            p50,
            p75,
            p90,
            p95,
            p99,
            // The exact one: a quantile is the end of its cell.
            max: max.and_then(|_| distribution.max()).map(ms),
            mean: distribution.mean().map(ms),
            beyond,
        }
    }
}

/// Every series that was observed, and those that only failures would have filled.
pub(super) fn latency_of(report: &TrialReport) -> IndexMap<String, LatencyResult> {
    let not_ok = report.counts.not_ok();
    Series::ALL
        .into_iter()
        .filter_map(|series| {
            let distribution = report.latency.get(&series)?;
            let censored = match series {
                // Chunks and sends are observed as they happen, whatever becomes of the request.
                Series::Tbc | Series::SendLag | Series::ReceiveLag | Series::Connect => 0,
                Series::Ttfc
                | Series::Tpot
                | Series::E2e
                | Series::E2eClosed
                | Series::Ttfb
                | Series::TtftAnswer
                | Series::TtfcSent
                | Series::E2eSent => not_ok,
            };
            let says_something = distribution.n() > 0
                || (censored > 0 && matches!(series, Series::Ttfc | Series::E2e));
            says_something
                .then(|| (series.name().to_owned(), LatencyResult::new(distribution, censored)))
        })
        .collect()
}

impl LatencyResult {
    /// Whether it saw too little to say anything.
    #[must_use]
    pub fn is_too_small(&self) -> bool {
        self.n + self.censored < 100
    }
}
