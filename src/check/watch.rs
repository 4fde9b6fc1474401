//! When a trial of a capacity check may end before its time: never because "it looks fine so far".

use crate::slo::{Metric, Rule, Slo};
use crate::trial::{Flow, Load, Purpose, StopReason, TrialPlan, Watch, Window, settled_share};
use crate::units::as_f64;
use std::time::Duration;

/// Share of late requests above which the target counts as overloaded …
const LATE_SHARE: f64 = 0.9;
/// … of at least this many that are decided …
const DECIDED_MIN: u64 = 20;
/// … when also more requests are in flight than arrive in this many limits …
const BACKLOG_LIMITS: f64 = 2.0;
/// … and this many windows were seen.
const WINDOWS_MIN: u32 = 3;
/// A condition that allows more than this to be late says nothing about overload.
const ALLOWED_MAX: f64 = 0.5;

/// Ends a trial whose outcome can no longer change (curtailment), or whose target is overloaded.
#[derive(Debug)]
pub struct Curtail {
    slos: Vec<Slo>,
    /// Measured requests of the whole trial.
    requests: u64,
    /// How much later its requests are is asked, too: it is compared with an earlier trial.
    is_anchor: bool,
    /// The longest limit, where lateness means overload: in open loop (a closed one builds no
    /// backlog), and where every limit on a latency is one that most requests must keep.
    limit: Option<Duration>,
    /// Requests so far that were due, that are decided, and that are late or failed.
    due: u64,
    decided: u64,
    late: u64,
}

impl Curtail {
    /// For a trial of `plan` with `requests` measured requests.
    #[must_use]
    pub fn new(plan: &TrialPlan, requests: u64) -> Self {
        let latencies = || plan.slos.iter().filter(|slo| slo.latency_limit().is_some());
        let can_tell = matches!(plan.load, Load::Open { .. }) && latencies().all(binds_most);
        let limit = latencies().filter_map(Slo::latency_limit).max().filter(|_| can_tell);
        let is_anchor = plan.purpose == Purpose::Anchor;
        Self { slos: plan.slos.clone(), requests, is_anchor, limit, due: 0, decided: 0, late: 0 }
    }

    /// Whether one condition is broken so far that the whole sequence cannot bring it back.
    fn is_settled(&self, window: &Window) -> bool {
        self.slos.iter().zip(&window.tallies).any(|(slo, tally)| {
            let Rule::Share { allowed, .. } = slo.rule() else { return false };
            // Requests: the total is known. Chunks: scaled by the requests that have ended, and half of
            // those in flight, which are half done on average.
            let total = if slo.metric == Metric::Tbc {
                let done = as_f64(window.measured_ended + window.measured_due) / 2.0;
                as_f64(tally.n) * as_f64(self.requests) / done.clamp(1.0, f64::MAX)
            } else {
                as_f64(self.requests)
            };
            as_f64(tally.not_good) > settled_share(allowed.get()) * total && tally.not_good > 0
        })
    }

    /// Before the measured part: from then on the conditions say it themselves.
    fn is_overloaded(&mut self, window: &Window) -> bool {
        self.due += window.intended;
        self.decided += window.decided;
        self.late += window.late;
        let Some(limit) = self.limit.filter(|_| window.measured_ended == 0) else { return false };
        let late = as_f64(self.late) > LATE_SHARE * as_f64(self.decided);
        let per_s = as_f64(self.due) / window.end.as_secs_f64();
        let backlog = as_f64(window.in_flight) > BACKLOG_LIMITS * per_s * limit.as_secs_f64();
        late && backlog && self.decided >= DECIDED_MIN && window.index + 1 >= WINDOWS_MIN
    }
}

impl Watch for Curtail {
    fn observe(&mut self, window: &Window) -> Flow {
        if !self.is_anchor && self.is_settled(window) {
            Flow::Stop(StopReason::Settled)
        } else if self.is_overloaded(window) {
            Flow::Stop(StopReason::Overload)
        } else {
            Flow::Continue
        }
    }
}

/// Whether a condition on a latency is broken once nearly every request is beyond its limit.
fn binds_most(slo: &Slo) -> bool {
    matches!(slo.rule(), Rule::Share { allowed, .. } if allowed.get() <= ALLOWED_MAX)
}

#[cfg(test)]
mod tests {
    use super::Curtail;
    use crate::slo::Slo;
    use crate::trial::{Flow, Load, Purpose, StopReason, Tally, TrialPlan, Watch, Window};
    use crate::units::{KnobValue, Rate};
    use crate::workload::Arrivals;
    use std::time::Duration;

    fn plan() -> TrialPlan {
        let rate = Rate::per_second(100.0).unwrap();
        TrialPlan {
            index: 0,
            check: "c".into(),
            purpose: Purpose::Play,
            side: crate::trial::Side::Only,
            knob: "rate".into(),
            value: KnobValue::new(100.0).unwrap(),
            load: Load::Open { rate, arrivals: Arrivals::Poisson },
            setting: None,
            seed: 1,
            cut: 0,
            count: 1_000,
            slos: vec![
                Slo::parse("p99 ttfc < 500ms").unwrap(),
                Slo::parse("p90 tbc < 50ms").unwrap(),
            ],
            time_limit: Duration::from_secs(60),
            request_limit: u64::MAX,
        }
    }

    fn window(ttfc: (u64, u64), tbc: (u64, u64)) -> Window {
        Window {
            index: 5,
            end: Duration::from_secs(6),
            intended: 100,
            ok: 90,
            decided: 100,
            in_flight: 50,
            measured_due: 500,
            measured_ended: 500,
            tallies: vec![
                Tally { not_good: ttfc.0, n: ttfc.1 },
                Tally { not_good: tbc.0, n: tbc.1 },
            ],
            ..Window::default()
        }
    }

    #[test]
    fn an_anchor_is_played_to_its_end() {
        let broken = window((100, 500), (0, 5_000));
        assert_eq!(Curtail::new(&plan(), 1_000).observe(&broken), Flow::Stop(StopReason::Settled));
        let anchor = TrialPlan { purpose: Purpose::Anchor, ..plan() };
        assert_eq!(Curtail::new(&anchor, 1_000).observe(&broken), Flow::Continue);
    }

    #[test]
    fn a_trial_ends_when_four_times_the_allowance_is_used_up() {
        // p99 of 1,000 requests allows 10 late ones, so 40 leave it open and 41 settle it.
        let mut watch = Curtail::new(&plan(), 1_000);
        assert_eq!(watch.observe(&window((40, 500), (0, 5_000))), Flow::Continue);
        assert_eq!(watch.observe(&window((41, 500), (0, 5_000))), Flow::Stop(StopReason::Settled));
    }

    #[test]
    fn chunks_are_scaled_by_the_requests_that_were_seen() {
        // 5,000 gaps in half of the requests: 10,000 expected, 1,000 allowed.
        let mut watch = Curtail::new(&plan(), 1_000);
        assert_eq!(watch.observe(&window((0, 500), (3_999, 5_000))), Flow::Continue);
        assert_eq!(
            watch.observe(&window((0, 500), (4_001, 5_000))),
            Flow::Stop(StopReason::Settled)
        );
        // With as many again in flight, half done: 750 seen.
        let in_flight = |late| Window { measured_due: 1_000, ..window((0, 500), (late, 7_500)) };
        assert_eq!(watch.observe(&in_flight(3_999)), Flow::Continue);
        assert_eq!(watch.observe(&in_flight(4_001)), Flow::Stop(StopReason::Settled));
    }

    #[test]
    fn overload_needs_lateness_of_many_and_a_backlog_and_time_before_the_measured_part() {
        let warm = |index, late, in_flight| Window {
            index,
            end: Duration::from_secs(u64::from(index) + 1),
            late,
            in_flight,
            measured_ended: 0,
            ..window((0, 0), (0, 0))
        };
        let last = |windows: &[Window], slos: &[&str]| {
            let slos = slos.iter().map(|text| Slo::parse(text).unwrap()).collect();
            let mut watch = Curtail::new(&TrialPlan { slos, ..plan() }, 1_000);
            windows.iter().map(|window| watch.observe(window)).last().unwrap()
        };
        let p99 = &["p99 ttfc < 500ms"][..];
        let overloaded = [warm(0, 95, 80), warm(1, 95, 90), warm(2, 95, 101)];
        assert_eq!(last(&overloaded, p99), Flow::Stop(StopReason::Overload));
        let few = overloaded.clone().map(|w| Window { decided: w.late / 16, late: 5, ..w });
        for (windows, slos) in [
            (&overloaded[..2], p99),
            (&[warm(0, 50, 80), warm(1, 95, 90), warm(2, 95, 101)], p99),
            (&[warm(0, 95, 80), warm(1, 95, 90), warm(2, 95, 99)], p99),
            // Five late requests in each second while all others take long.
            (&few, p99),
            // Once measured requests have ended, the condition decides.
            (&overloaded.clone().map(|w| Window { measured_ended: 1, ..w }), p99),
            // Nearly all may be late.
            (&overloaded, &["p5 ttfc < 500ms"]),
            (&overloaded, &["mean ttfc < 500ms"]),
            (&overloaded, &["error_rate < 1%"]),
        ] {
            assert_eq!(last(windows, slos), Flow::Continue, "{windows:?} {slos:?}");
        }
    }

    #[test]
    fn a_generous_condition_can_be_settled_too() {
        let slos = vec![Slo::parse("p50 ttfc < 500ms").unwrap()];
        let watch = |not_good| {
            let tallies = vec![Tally { not_good, n: 900 }];
            let mut watch = Curtail::new(&TrialPlan { slos: slos.clone(), ..plan() }, 1_000);
            watch.observe(&Window { tallies, ..window((0, 0), (0, 0)) })
        };
        assert_eq!(watch(750), Flow::Continue);
        assert_eq!(watch(751), Flow::Stop(StopReason::Settled));
    }

    #[test]
    fn nothing_ends_because_it_looks_fine() {
        let mut watch = Curtail::new(&plan(), 1_000);
        for index in 0..100 {
            assert_eq!(
                watch.observe(&Window { index, ..window((0, 900), (0, 9_000)) }),
                Flow::Continue
            );
        }
    }
}
