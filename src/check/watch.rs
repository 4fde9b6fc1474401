//! When a trial of a capacity check may end before its time: never because "it looks fine so far".

use crate::slo::{Metric, Rule, Slo};
use crate::trial::{Flow, Load, SETTLED_FACTOR, StopReason, TrialPlan, Watch, Window};
use std::time::Duration;

/// Share of late requests in a window above which the target counts as overloaded …
const LATE_SHARE: f64 = 0.9;
/// … when also more requests are in flight than arrive in this many limits …
const BACKLOG_LIMITS: f64 = 2.0;
/// … and this many windows were seen.
const WINDOWS_MIN: u32 = 3;

/// Ends a trial whose outcome can no longer change (curtailment), or whose target is overloaded.
#[derive(Debug)]
pub struct Curtail {
    slos: Vec<Slo>,
    /// Measured requests of the whole trial.
    requests: u64,
    /// Requests in flight that are a backlog: rate * limit, in open loop only. A closed loop cannot
    /// build one.
    backlog: Option<f64>,
}

impl Curtail {
    /// For a trial of `plan` with `requests` measured requests.
    #[must_use]
    pub fn new(plan: &TrialPlan, requests: u64) -> Self {
        let limit = plan.slos.iter().filter_map(Slo::latency_limit).max();
        let backlog = match plan.load {
            Load::Open { rate, .. } => limit
                .map(|limit: Duration| BACKLOG_LIMITS * rate.as_per_second() * limit.as_secs_f64()),
            Load::Closed { .. } => None,
        };
        Self { slos: plan.slos.clone(), requests, backlog }
    }

    /// Whether one condition is broken so far that the whole sequence cannot bring it back.
    fn is_settled(&self, window: &Window) -> bool {
        self.slos.iter().zip(&window.tallies).any(|(slo, tally)| {
            let Rule::Share { allowed, .. } = slo.rule() else { return false };
            // Requests: the total is known. Chunks: scaled by the requests that have ended.
            let total = if slo.metric == Metric::Tbc {
                to_f64(tally.n) * to_f64(self.requests) / to_f64(window.measured_ended.max(1))
            } else {
                to_f64(self.requests)
            };
            to_f64(tally.not_good) > to_f64(SETTLED_FACTOR) * allowed.get() * total
                && tally.not_good > 0
        })
    }

    fn is_overloaded(&self, window: &Window) -> bool {
        let late = to_f64(window.late) > LATE_SHARE * to_f64(window.decided) && window.decided > 0;
        let backlog = self.backlog.is_some_and(|backlog| to_f64(window.in_flight) > backlog);
        late && backlog && window.index + 1 >= WINDOWS_MIN
    }
}

impl Watch for Curtail {
    fn observe(&mut self, window: &Window) -> Flow {
        if self.is_settled(window) {
            Flow::Stop(StopReason::Settled)
        } else if self.is_overloaded(window) {
            Flow::Stop(StopReason::Overload)
        } else {
            Flow::Continue
        }
    }
}

fn to_f64(n: u64) -> f64 {
    crate::trial::share(n, 1)
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
            knob: "rate".into(),
            value: KnobValue::new(100.0).unwrap(),
            load: Load::Open { rate, arrivals: Arrivals::Poisson },
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
            not_ok: 0,
            decided: 100,
            late: 0,
            in_flight: 50,
            measured_ended: 500,
            tallies: vec![
                Tally { not_good: ttfc.0, n: ttfc.1 },
                Tally { not_good: tbc.0, n: tbc.1 },
            ],
        }
    }

    #[test]
    fn a_trial_ends_when_four_times_the_allowance_is_used_up() {
        // p99 of 1,000 requests allows 10 late ones, so 40 leave it open and 41 settle it.
        let mut watch = Curtail::new(&plan(), 1_000);
        assert_eq!(watch.observe(&window((40, 500), (0, 5_000))), Flow::Continue);
        assert_eq!(watch.observe(&window((41, 500), (0, 5_000))), Flow::Stop(StopReason::Settled));
    }

    #[test]
    fn chunks_are_scaled_by_the_requests_that_have_ended() {
        // 5,000 gaps in half of the requests: 10,000 expected, 1,000 allowed.
        let mut watch = Curtail::new(&plan(), 1_000);
        assert_eq!(watch.observe(&window((0, 500), (3_999, 5_000))), Flow::Continue);
        assert_eq!(
            watch.observe(&window((0, 500), (4_001, 5_000))),
            Flow::Stop(StopReason::Settled)
        );
    }

    #[test]
    fn overload_needs_lateness_and_a_backlog_and_time() {
        let overloaded = Window { late: 95, in_flight: 101, ..window((0, 0), (0, 0)) };
        let observe = |window: &Window| Curtail::new(&plan(), 1_000).observe(window);
        assert_eq!(observe(&overloaded), Flow::Stop(StopReason::Overload));
        assert_eq!(observe(&Window { index: 1, ..overloaded.clone() }), Flow::Continue);
        assert_eq!(observe(&Window { late: 80, ..overloaded.clone() }), Flow::Continue);
        assert_eq!(observe(&Window { in_flight: 99, ..overloaded.clone() }), Flow::Continue);
        assert_eq!(observe(&Window { decided: 0, late: 0, ..overloaded }), Flow::Continue);
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
