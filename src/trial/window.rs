//! One second of a trial.

use super::Tally;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What happened in one second. Requests count where they were intended or ended; `tallies` are
/// cumulated over the measured requests since the trial began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Number of the window, from 0.
    pub index: u32,
    /// End of the window, since the trial's start.
    pub end: Duration,
    /// Requests that became due in it, measured or not.
    pub intended: u64,
    /// Requests that ended well in it.
    pub ok: u64,
    /// Requests that ended otherwise in it.
    pub not_ok: u64,
    /// Requests whose latency condition was decided in it: good, late or failed.
    pub decided: u64,
    /// Of these, those that were late or failed.
    pub late: u64,
    /// Requests in flight at its end.
    pub in_flight: u64,
    /// Measured requests that have ended so far.
    pub measured_ended: u64,
    /// Not-good observations so far, one tally per SLO of the plan.
    pub tallies: Vec<Tally>,
    /// How the generator kept up with sending.
    #[serde(default)]
    pub sending: Sending,
    /// How hard the generator had to work.
    #[serde(default)]
    pub strain: Strain,
}

/// How the generator kept up with sending in one window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// Requests, measured or not, that were written in it.
    pub written: u64,
    /// Of these, those whose send lag was above [`send_lag_limit`](super::send_lag_limit).
    pub late: u64,
    /// Requests, measured or not, that ended in it as [`Outcome::Resource`](super::Outcome::Resource).
    pub resource: u64,
    /// Measured requests since the trial began whose send lag was above the limit.
    pub measured_late: u64,
    /// Measured requests since the trial began that nothing but the generator kept from going out.
    pub measured_held_back: u64,
}

impl Sending {
    /// The counts of two together: of two workers in the same second.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            written: self.written + other.written,
            late: self.late + other.late,
            resource: self.resource + other.resource,
            measured_late: self.measured_late + other.measured_late,
            measured_held_back: self.measured_held_back + other.measured_held_back,
        }
    }
}

/// How hard the busiest worker had to work in one window; `None` where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Strain {
    /// CPU time of the worker's thread / length of the window.
    pub cpu: Option<f64>,
    /// Time for which the thread was ready and had no CPU / length of the window.
    pub run_wait: Option<f64>,
    /// The latest that the loop came to its regular probe.
    pub loop_lag_max: Duration,
}

impl Strain {
    /// The larger of each, for two workers in the same second.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            cpu: larger(self.cpu, other.cpu),
            run_wait: larger(self.run_wait, other.run_wait),
            loop_lag_max: self.loop_lag_max.max(other.loop_lag_max),
        }
    }
}

fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.into_iter().chain(b).max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::{Sending, Strain};
    use std::time::Duration;

    #[test]
    fn two_workers_are_as_strained_as_the_busier_one_and_send_what_both_send() {
        let ms = Duration::from_millis;
        let a = Strain { cpu: Some(0.2), run_wait: None, loop_lag_max: ms(3) };
        let b = Strain { cpu: Some(0.1), run_wait: Some(0.4), loop_lag_max: ms(2) };
        let both = Strain { cpu: Some(0.2), run_wait: Some(0.4), loop_lag_max: ms(3) };
        assert_eq!((a.merge(b), b.merge(a)), (both, both));
        assert_eq!(a.merge(Strain::default()), a);

        let one = Sending { written: 1, late: 2, resource: 3, measured_late: 4, ..quiet() };
        let two = Sending { written: 10, measured_held_back: 5, ..quiet() };
        let both = Sending { written: 11, measured_held_back: 5, ..one };
        assert_eq!((one.merge(two), two.merge(one)), (both, both));
    }

    fn quiet() -> Sending {
        Sending::default()
    }
}
