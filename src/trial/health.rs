//! The generator watches itself: if it, and not the target, was the limit, the trial is invalid.

use super::{Counts, Distribution, Load, Observed, Outcome, TrialPlan};
use crate::units::as_f64;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Readings of the generator's own process during a trial; `None` where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// CPU time that the generator used / wall time: 1 is one whole core.
    pub cpu_cores: Option<f64>,
    /// Threads that offer load: the generator cannot use more cores than this.
    pub workers: u32,
    /// Most descriptors open at once.
    pub descriptors: Option<u64>,
    /// Limit on descriptors.
    pub descriptors_limit: Option<u64>,
    /// Mean sessions in flight over the measured period, for closed loop.
    pub in_flight_mean: Option<f64>,
}

/// Why a trial says nothing about the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum InvalidReason {
    /// Requests left too late.
    SendLag {
        /// 99th percentile of written − intended.
        p99: Duration,
        /// Largest that is accepted.
        limit: Duration,
    },
    /// Fewer requests left than the schedule wanted.
    Offered {
        /// Requests that were due.
        intended: u64,
        /// Requests that left.
        written: u64,
    },
    /// We ran out of descriptors, ports or memory.
    Resource {
        /// Requests that could not be sent for it.
        requests: u64,
    },
    /// Descriptors were nearly exhausted.
    Descriptors {
        /// Most that were open.
        open: u64,
        /// Limit of the process.
        limit: u64,
    },
    /// The generator's threads were busy all the time.
    Cpu {
        /// CPU time / (wall time * workers).
        share: f64,
        /// Largest that is accepted.
        limit: f64,
    },
    /// Samples did not fit a histogram.
    Dropped {
        /// How many.
        samples: u64,
    },
    /// Closed loop: fewer sessions were in flight than asked for.
    InFlight {
        /// Mean in flight.
        mean: f64,
        /// Asked for.
        concurrency: f64,
    },
    /// Requests ended that were never intended, or the other way round: a defect of ours.
    Accounting {
        /// Requests that were due.
        intended: u64,
        /// Requests that ended.
        ended: u64,
    },
}

impl fmt::Display for InvalidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SendLag { p99, limit } => write!(
                f,
                "requests left late: send lag p99 {:.1} ms, at most {:.1} ms is accepted",
                ms(*p99),
                ms(*limit)
            ),
            Self::Offered { intended, written } => {
                write!(f, "the load was not offered: {written} of {intended} requests were sent")
            }
            Self::Resource { requests } => {
                write!(
                    f,
                    "{requests} requests were not sent for want of descriptors, ports or memory"
                )
            }
            Self::Descriptors { open, limit } => {
                write!(f, "{open} of {limit} file descriptors were open")
            }
            Self::Cpu { share, limit } => write!(
                f,
                "the load generator used {:.0} % of its CPU, at most {:.0} % is accepted",
                share * 100.0,
                limit * 100.0
            ),
            Self::Dropped { samples } => write!(f, "{samples} samples did not fit the histograms"),
            Self::InFlight { mean, concurrency } => {
                write!(f, "{mean:.1} sessions were in flight instead of {concurrency}")
            }
            Self::Accounting { intended, ended } => {
                write!(f, "{intended} requests were due but {ended} are accounted for")
            }
        }
    }
}

impl InvalidReason {
    /// What the reader can do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::SendLag { .. } | Self::Offered { .. } | Self::Cpu { .. } => {
                "give the load generator a core of its own, a quieter machine, or lower `to`"
            }
            Self::Resource { .. } | Self::Descriptors { .. } => {
                "raise the limit on open files (`ulimit -n`) or lower `to`"
            }
            Self::Dropped { .. } => {
                "set a shorter `timeouts.total`; latencies beyond an hour are not recorded"
            }
            Self::InFlight { .. } => {
                "make the trial longer, so that its start does not dominate it"
            }
            Self::Accounting { .. } => {
                "this is a defect in plimsoll: please report it with the run folder"
            }
        }
    }
}

/// What the generator's own figures were, and what follows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// What was read.
    pub readings: Readings,
    /// 99th percentile of written − intended.
    pub send_lag_p99: Option<Duration>,
    /// Reasons why the trial is invalid; empty when it is valid.
    pub invalid: Vec<InvalidReason>,
}

/// Share of a worker's CPU above which the trial is invalid.
const CPU_SHARE_MAX: f64 = 0.85;
/// Send lag p99 that is accepted, as a share of the tightest latency limit …
const SEND_LAG_SHARE_MAX: f64 = 0.10;
/// … and never below this …
const SEND_LAG_FLOOR: Duration = Duration::from_millis(5);
/// … nor, without any latency condition, above this.
const SEND_LAG_WITHOUT_LIMIT: Duration = Duration::from_millis(10);
/// Share of the intended requests that must have left.
const WRITTEN_SHARE_MIN: f64 = 0.99;
/// Share of the asked concurrency that must have been in flight.
const IN_FLIGHT_SHARE_MIN: f64 = 0.97;
/// Share of the descriptor limit above which a trial is not trusted.
const DESCRIPTORS_SHARE_MAX: f64 = 0.95;

/// Examines the generator's figures of a trial. Pure: each line is a function of numbers in the report.
#[must_use]
pub fn examine(
    plan: &TrialPlan,
    counts: &Counts,
    send_lag: &Distribution,
    dropped: u64,
    readings: Readings,
) -> Health {
    let mut invalid = Vec::new();
    let send_lag_p99 = match send_lag.quantile(0.99, 0) {
        Some(Observed::At(p99)) => Some(p99),
        Some(Observed::Beyond) | None => None,
    };
    let limit = plan.tightest_limit().map_or(SEND_LAG_WITHOUT_LIMIT, |tightest| {
        tightest.mul_f64(SEND_LAG_SHARE_MAX).max(SEND_LAG_FLOOR)
    });
    if let Some(p99) = send_lag_p99.filter(|p99| *p99 > limit) {
        invalid.push(InvalidReason::SendLag { p99, limit });
    }
    let written = counts.intended.saturating_sub(counts.held_back);
    if as_f64(written) < WRITTEN_SHARE_MIN * as_f64(counts.intended) {
        invalid.push(InvalidReason::Offered { intended: counts.intended, written });
    }
    let resource = counts.of(Outcome::Resource);
    if resource > 0 {
        invalid.push(InvalidReason::Resource { requests: resource });
    }
    if let (Some(open), Some(limit)) = (readings.descriptors, readings.descriptors_limit)
        && as_f64(open) > DESCRIPTORS_SHARE_MAX * as_f64(limit)
    {
        invalid.push(InvalidReason::Descriptors { open, limit });
    }
    if let Some(cores) = readings.cpu_cores {
        let share = cores / f64::from(readings.workers.max(1));
        if share > CPU_SHARE_MAX {
            invalid.push(InvalidReason::Cpu { share, limit: CPU_SHARE_MAX });
        }
    }
    if dropped > 0 {
        invalid.push(InvalidReason::Dropped { samples: dropped });
    }
    if let (Load::Closed { concurrency }, Some(mean)) = (plan.load, readings.in_flight_mean) {
        let concurrency = f64::from(concurrency.get());
        if mean < IN_FLIGHT_SHARE_MIN * concurrency {
            invalid.push(InvalidReason::InFlight { mean, concurrency });
        }
    }
    if counts.intended != counts.ended() {
        invalid
            .push(InvalidReason::Accounting { intended: counts.intended, ended: counts.ended() });
    }
    Health { readings, send_lag_p99, invalid }
}

fn ms(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::{InvalidReason, Readings, examine};
    use crate::slo::Slo;
    use crate::trial::{Counts, Distribution, Load, Outcome, TrialPlan};
    use crate::units::{KnobValue, Rate};
    use crate::workload::Arrivals;
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn plan(slos: &[&str]) -> TrialPlan {
        TrialPlan {
            index: 0,
            check: "c".into(),
            purpose: crate::trial::Purpose::Play,
            knob: "rate".into(),
            value: KnobValue::new(10.0).unwrap(),
            load: Load::Open { rate: Rate::per_second(10.0).unwrap(), arrivals: Arrivals::Poisson },
            seed: 1,
            cut: 0,
            count: 100,
            slos: slos.iter().map(|text| Slo::parse(text).unwrap()).collect(),
            time_limit: Duration::from_secs(60),
            request_limit: u64::MAX,
        }
    }

    fn counts(held_back: u64, outcomes: &[(Outcome, u64)]) -> Counts {
        let by_outcome = outcomes.iter().copied().collect();
        Counts { intended: 100, held_back, by_outcome, ..Counts::default() }
    }

    /// 98 requests left at once and two after `late`: the p99 is theirs.
    fn lag(late: Duration) -> Distribution {
        let mut lag = Distribution::default();
        (0..98).for_each(|_| lag.record(Duration::ZERO));
        (0..2).for_each(|_| lag.record(late));
        lag
    }

    fn quiet() -> (TrialPlan, Counts, Distribution, u64, Readings) {
        let readings = Readings {
            cpu_cores: Some(0.85),
            workers: 1,
            descriptors: Some(95),
            descriptors_limit: Some(100),
            in_flight_mean: None,
        };
        (plan(&[]), counts(0, &[(Outcome::Ok, 100)]), lag(Duration::from_millis(9)), 0, readings)
    }

    type Case = (TrialPlan, Counts, Distribution, u64, Readings);

    fn invalid((plan, counts, lag, dropped, readings): &Case) -> Vec<InvalidReason> {
        examine(plan, counts, lag, *dropped, *readings).invalid
    }

    #[test]
    fn a_generator_at_its_limits_is_still_valid() {
        assert_eq!(invalid(&quiet()), []);
    }

    #[test]
    fn each_rule_fires_alone_and_says_what_to_do() {
        let closed = Load::Closed { concurrency: NonZeroU32::new(100).unwrap() };
        let q = quiet;
        let cases: [(Case, &str, &str); 8] = [
            (
                (q().0, q().1, lag(Duration::from_millis(11)), 0, q().4),
                "requests left late: send lag p99 11.0 ms, at most 10.0 ms is accepted",
                "a core of its own",
            ),
            (
                // A time-out before the request was even written is ours.
                (q().0, counts(2, &[(Outcome::TimeoutFirst, 100)]), q().2, 0, q().4),
                "the load was not offered: 98 of 100 requests were sent",
                "lower `to`",
            ),
            (
                (q().0, counts(1, &[(Outcome::Ok, 99), (Outcome::Resource, 1)]), q().2, 0, q().4),
                "1 requests were not sent for want of descriptors, ports or memory",
                "ulimit -n",
            ),
            (
                (q().0, q().1, q().2, 0, Readings { descriptors: Some(96), ..q().4 }),
                "96 of 100 file descriptors were open",
                "ulimit -n",
            ),
            (
                (q().0, q().1, q().2, 0, Readings { cpu_cores: Some(0.86), ..q().4 }),
                "the load generator used 86 % of its CPU, at most 85 % is accepted",
                "a core of its own",
            ),
            ((q().0, q().1, q().2, 2, q().4), "2 samples did not fit the histograms", "timeouts"),
            (
                (
                    TrialPlan { load: closed, ..q().0 },
                    q().1,
                    q().2,
                    0,
                    Readings { in_flight_mean: Some(96.9), ..q().4 },
                ),
                "96.9 sessions were in flight instead of 100",
                "longer",
            ),
            (
                (q().0, counts(0, &[(Outcome::Ok, 99)]), q().2, 0, q().4),
                "100 requests were due but 99 are accounted for",
                "defect",
            ),
        ];
        for (case, text, advice) in cases {
            let reasons = invalid(&case);
            let [reason] = &reasons[..] else { panic!("{text}: {reasons:?}") };
            assert_eq!(reason.to_string(), text);
            assert!(reason.advice().contains(advice), "{text}: {}", reason.advice());
        }
    }

    #[test]
    fn accepted_send_lag_follows_the_tightest_limit_down_to_a_floor() {
        for (slos, accepted) in [
            (&["p99 e2e < 2s", "p90 ttfc < 400ms"][..], 40),
            (&["p99 ttfc < 20ms"][..], 5),
            (&["error_rate < 1%"][..], 10),
        ] {
            for (late, fires) in [(accepted, false), (accepted + 1, true)] {
                let (_, counts, _, dropped, readings) = quiet();
                let lag = lag(Duration::from_micros(late * 1_000 - 100));
                let found = invalid(&(plan(slos), counts, lag, dropped, readings));
                assert_eq!(!found.is_empty(), fires, "{slos:?} {late}: {found:?}");
            }
        }
    }

    #[test]
    fn every_worker_brings_a_core() {
        let (plan, counts, lag, dropped, readings) = quiet();
        let readings = Readings { cpu_cores: Some(1.6), workers: 2, ..readings };
        assert_eq!(invalid(&(plan, counts, lag, dropped, readings)), []);
    }
}
