//! One trial against one server.

use crate::table::{Fault, Shape};
use plimsoll::config::plan::{
    Api, ConnectionMode, HttpRequest, HttpVersion, StatusClasses, TargetPlan, TargetSource,
    Timeouts,
};
use plimsoll::load::{Audience, Learnt, LiveTrial, LoadError, run_trial};
use plimsoll::slo::Slo;
use plimsoll::trial::{Load, Outcome, Purpose, TrialPlan, TrialReport, Watch};
use plimsoll::units::{KnobValue, Rate};
use plimsoll::workload::{Arrivals, HistoryMode, Length, Salt, SessionLaw, ThinkTime};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Long enough for any machine; a request that waits for it has the wrong class.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// Short enough to wait for.
const SHORT: Duration = Duration::from_millis(300);

/// How the load is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    Open,
    Closed,
}

impl Offer {
    pub(crate) const ALL: [Self; 2] = [Self::Open, Self::Closed];
}

/// Limits of which only that is short which must pass; all are long where none must.
pub(crate) fn timeouts(fault: Fault, outcome: Outcome) -> Timeouts {
    // There must be time to write a part of the request.
    let short = if fault == Fault::NeverReads { 4 * SHORT } else { SHORT };
    let limit_of = |passing| if outcome == passing { short } else { LONG };
    let limits = Timeouts {
        connect: limit_of(Outcome::TimeoutConnect),
        first_chunk: limit_of(Outcome::TimeoutFirst),
        between_chunks: limit_of(Outcome::TimeoutBetween),
        total: limit_of(Outcome::TimeoutTotal),
    };
    if fault == Fault::NeverAcceptsInTime {
        return Timeouts { connect: 4 * SHORT, first_chunk: SHORT, ..limits };
    }
    limits
}

/// A target that is spoken to in this shape.
pub(crate) fn target(shape: Shape, timeouts: Timeouts, padding: usize) -> TargetPlan {
    let extra = match padding {
        0 => serde_json::Map::new(),
        _ => [("padding".to_owned(), "x".repeat(padding).into())].into_iter().collect(),
    };
    let chat = |stream| Api::OpenAiChat {
        path: "/v1/chat/completions".into(),
        model: "tiny".into(),
        stream,
        extra,
    };
    let api = match shape {
        Shape::Stream => chat(true),
        Shape::Json => chat(false),
        Shape::Http => Api::Http(HttpRequest {
            method: "POST".into(),
            path: "/".into(),
            body: Some("x".repeat(padding)),
            item: None,
            items_per_request: 1,
        }),
    };
    TargetPlan {
        source: TargetSource::Url(String::new()),
        api,
        headers: Vec::new(),
        timeouts,
        status: StatusClasses { ok: (200..300).collect(), shed: [429, 503].into() },
        connection: ConnectionMode::Pooled,
        labels: BTreeMap::new(),
        ca: Vec::new(),
        http: HttpVersion::One,
    }
}

/// A trial with so many measured sessions. Its condition is one that nothing meets or breaks in the
/// time of a test, so that no lag of a busy machine ends it early.
pub(crate) fn plan(load: Load, cut: u64, count: u64) -> TrialPlan {
    TrialPlan {
        index: 0,
        check: "c".into(),
        purpose: Purpose::Play,
        side: plimsoll::trial::Side::Only,
        knob: "k".into(),
        value: KnobValue::new(load.value()).unwrap(),
        load,
        setting: None,
        seed: 5,
        cut,
        count,
        slos: vec![Slo::parse("p50 ttfc < 100s").unwrap()],
        time_limit: 2 * LONG,
        request_limit: 10_000,
    }
}

pub(crate) fn open(per_s: f64) -> Load {
    Load::Open { rate: Rate::per_second(per_s).unwrap(), arrivals: Arrivals::Poisson }
}

pub(crate) fn closed(concurrency: u32) -> Load {
    Load::Closed { concurrency: NonZeroU32::new(concurrency).unwrap() }
}

/// Runs a trial of sessions of one turn against a target of which nothing is known.
pub(crate) async fn play(
    plan: &TrialPlan,
    target: &TargetPlan,
    url: String,
    watch: &mut dyn Watch,
    stop: &CancellationToken,
) -> Result<TrialReport, LoadError> {
    play_knowing(&Learnt::default(), plan, target, url, watch, stop).await
}

pub(crate) async fn play_knowing(
    learnt: &Learnt,
    plan: &TrialPlan,
    target: &TargetPlan,
    url: String,
    watch: &mut dyn Watch,
    stop: &CancellationToken,
) -> Result<TrialReport, LoadError> {
    let law = SessionLaw {
        turns: Length::Fixed(1),
        prompt_tokens: Length::Fixed(4),
        output_tokens: Length::Fixed(2),
        think_time: ThinkTime::Fixed(Duration::ZERO),
        history: HistoryMode::None,
    };
    let trial = LiveTrial {
        plan,
        law: &law,
        salt: Salt::new(5, 1, "c", 0),
        target,
        base_urls: &[url],
        in_flight_max: None,
        cpus: &[],
        workers: None,
        target_pids: &[],
        calibration: None,
        learnt,
    };
    let mut audience = Audience { watch, windows: &mut |_| {}, rows: None };
    Box::pin(run_trial(&trial, &mut audience, stop)).await
}
