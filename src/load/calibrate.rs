//! What a request and an output chunk cost the generator on this machine, and how late it is at best:
//! half a second through the whole engine against a target that costs nothing.

use super::control::Audience;
use super::engine::{LiveTrial, run_trial};
use super::error::LoadError;
use super::null::NullTarget;
use super::wire::Learnt;
use crate::config::plan::{
    Api, ConnectionMode, HttpRequest, HttpVersion, StatusClasses, TargetPlan, TargetSource,
    Timeouts,
};
use crate::trial::{Load, Observed, Outcome, Patient, Purpose, Series, TrialPlan, TrialReport};
use crate::units::{KnobValue, Rate, as_f64};
use crate::workload::{Arrivals, HistoryMode, Length, Salt, SessionLaw, ThinkTime};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Length of each of the three trials.
const LENGTH: Duration = Duration::from_millis(160);
/// More sessions than one of them can play.
const SESSIONS: u64 = 50_000;
/// Requests in flight, plain ones and streams.
const IN_FLIGHT: u32 = 32;
/// Requests per second for the lag.
const RATE: f64 = 1_000.0;

/// What the generator costs on this machine, and how late it is at best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// CPU time of a request with a small plain answer, everything included.
    pub cpu_per_request: Duration,
    /// CPU time of each output chunk of a stream on top.
    pub cpu_per_chunk: Duration,
    /// 99th percentile of written − intended at 1,000 requests per second; `None`: none was sent.
    pub send_lag_p99: Option<Duration>,
}

/// Measures it on these cores (none: any), in about half a second.
///
/// # Errors
/// Those of [`run_trial`], and [`LoadError::Uncalibrated`] when the null target was not answered
/// as expected or the system does not tell the CPU time of a thread.
pub async fn calibrate(cpus: &[usize], stop: &CancellationToken) -> Result<Calibration, LoadError> {
    let null = NullTarget::start().map_err(LoadError::Start)?;
    let url = null.base_url();
    let closed = closed_loop().ok_or(LoadError::Uncalibrated { what: "its load is none" })?;
    let open = open_loop().ok_or(LoadError::Uncalibrated { what: "its load is none" })?;
    let plain = play(&plain(), &url, closed, cpus, stop).await?;
    let streams = play(&streaming(), &url, closed, cpus, stop).await?;
    let paced = play(&self::plain(), &url, open, cpus, stop).await?;
    of(&plain, &streams, &paced)
}

fn of(
    plain: &TrialReport,
    streams: &TrialReport,
    paced: &TrialReport,
) -> Result<Calibration, LoadError> {
    let cpu_per_request = cpu(plain)?.div_f64(as_f64(plain.requests));
    let gaps = streams.latency.get(&Series::Tbc).map_or(0, crate::trial::Distribution::n);
    let chunks = gaps + streams.counts.of(Outcome::Ok);
    let requests = cpu_per_request.mul_f64(as_f64(streams.requests));
    let cpu_per_chunk = cpu(streams)?.saturating_sub(requests).div_f64(as_f64(chunks.max(1)));
    let lag = paced.latency.get(&Series::SendLag).and_then(|lag| lag.quantile(0.99, 0));
    let send_lag_p99 = match lag {
        Some(Observed::At(lag)) => Some(lag),
        Some(Observed::Beyond) | None => None,
    };
    Ok(Calibration { cpu_per_request, cpu_per_chunk, send_lag_p99 })
}

/// CPU time that a trial took which went as planned: requests were answered, none otherwise.
fn cpu(report: &TrialReport) -> Result<Duration, LoadError> {
    let odd = report.counts.ended()
        - report.counts.of(Outcome::Ok)
        - report.counts.of(Outcome::Unfinished);
    if report.counts.of(Outcome::Ok) == 0 || odd > 0 {
        return Err(LoadError::Uncalibrated { what: "the built-in target gave no answers" });
    }
    let cores = report.health.readings.cpu_cores;
    let cores = cores.ok_or(LoadError::Uncalibrated {
        what: "the system does not tell the cpu time of a thread",
    })?;
    Ok(report.elapsed.mul_f64(cores))
}

fn closed_loop() -> Option<Load> {
    NonZeroU32::new(IN_FLIGHT).map(|concurrency| Load::Closed { concurrency })
}

fn open_loop() -> Option<Load> {
    Rate::per_second(RATE).map(|rate| Load::Open { rate, arrivals: Arrivals::Poisson })
}

async fn play(
    target: &TargetPlan,
    base_url: &str,
    load: Load,
    cpus: &[usize],
    stop: &CancellationToken,
) -> Result<TrialReport, LoadError> {
    let Some(value) = KnobValue::new(load.value()) else {
        return Err(LoadError::Uncalibrated { what: "its load is none" });
    };
    let plan = TrialPlan {
        index: 0,
        check: "calibration".to_owned(),
        purpose: Purpose::Probe,
        side: crate::trial::Side::Only,
        knob: "calibration".to_owned(),
        value,
        load,
        setting: None,
        seed: 0,
        cut: 0,
        count: SESSIONS,
        slos: Vec::new(),
        time_limit: LENGTH,
        request_limit: u64::MAX,
    };
    let law = SessionLaw {
        turns: Length::Fixed(1),
        prompt_tokens: Length::Fixed(1),
        output_tokens: Length::Fixed(1),
        think_time: ThinkTime::Fixed(Duration::ZERO),
        history: HistoryMode::None,
    };
    let salt = Salt::new(0, 0, &plan.check, 0);
    let trial = LiveTrial {
        plan: &plan,
        law: &law,
        salt,
        target,
        base_urls: &[base_url.to_owned()],
        in_flight_max: None,
        cpus,
        workers: Some(1),
        target_pids: &[],
        calibration: None,
        learnt: &Learnt::default(),
    };
    let mut audience = Audience { watch: &mut Patient, windows: &mut |_| {}, rows: None };
    run_trial(&trial, &mut audience, stop).await
}

fn plain() -> TargetPlan {
    let request = HttpRequest {
        method: "GET".to_owned(),
        path: "/".to_owned(),
        body: None,
        item: None,
        items_per_request: 1,
    };
    target(Api::Http(request))
}

fn streaming() -> TargetPlan {
    target(Api::OpenAiChat {
        path: "/v1/chat/completions".to_owned(),
        model: "null".to_owned(),
        stream: true,
        extra: serde_json::Map::new(),
    })
}

fn target(api: Api) -> TargetPlan {
    let limit = Duration::from_secs(5);
    TargetPlan {
        source: TargetSource::Url(String::new()),
        api,
        headers: Vec::new(),
        timeouts: Timeouts {
            connect: limit,
            first_chunk: limit,
            between_chunks: limit,
            total: limit,
        },
        status: StatusClasses { ok: BTreeSet::from([200]), shed: BTreeSet::new() },
        connection: ConnectionMode::Pooled,
        ca: Vec::new(),
        http: HttpVersion::One,
        labels: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{calibrate, closed_loop, of, plain, play, streaming};
    use crate::load::LoadError;
    use crate::load::null::{CHUNKS, NullTarget};
    use crate::trial::{Outcome, Series};
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn a_request_and_a_chunk_have_a_price_and_pacing_a_lag() {
        let calibration = calibrate(&[], &CancellationToken::new()).await.unwrap();
        for cost in [calibration.cpu_per_request, calibration.cpu_per_chunk] {
            assert!(cost > Duration::ZERO && cost < Duration::from_millis(20), "{calibration:?}");
        }
        assert!(calibration.send_lag_p99.is_some());
    }

    #[tokio::test]
    async fn every_answer_of_the_null_target_is_whole() {
        let null = NullTarget::start().unwrap();
        let (url, stop) = (null.base_url(), CancellationToken::new());
        let load = closed_loop().unwrap();
        let answers = play(&plain(), &url, load, &[], &stop).await.unwrap();
        let streams = play(&streaming(), &url, load, &[], &stop).await.unwrap();
        for report in [&answers, &streams] {
            let known = report.counts.of(Outcome::Ok) + report.counts.of(Outcome::Unfinished);
            assert!(report.counts.of(Outcome::Ok) > 0, "{:?}", report.failures);
            assert_eq!(known, report.counts.ended(), "{:?}", report.failures);
        }
        let gaps = streams.latency[&Series::Tbc].n();
        assert!(gaps >= (CHUNKS - 1) * streams.counts.of(Outcome::Ok), "{gaps}");
        drop(null);
        let gone = play(&plain(), &url, load, &[], &stop).await.unwrap();
        assert!(matches!(of(&gone, &streams, &gone), Err(LoadError::Uncalibrated { .. })));
    }

    #[tokio::test]
    async fn a_run_that_is_stopped_is_not_calibrated() {
        let stop = CancellationToken::new();
        stop.cancel();
        assert!(matches!(calibrate(&[], &stop).await, Err(LoadError::Interrupted)));
    }
}
