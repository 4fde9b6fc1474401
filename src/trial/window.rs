//! One second of a trial.

use super::{Cells, Series, Tally};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What happened in one second. Requests count where they were intended or ended; `tallies` are
/// cumulated over the measured requests since the trial began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
    /// Measured requests that became due so far.
    #[serde(default)]
    pub measured_due: u64,
    /// Measured requests that have ended so far.
    pub measured_ended: u64,
    /// Not-good observations so far, one tally per SLO of the plan.
    pub tallies: Vec<Tally>,
    /// Lengths of time of the requests that ended well in it, measured or not; what was not observed
    /// is absent.
    pub latency: BTreeMap<Series, Cells>,
    /// How the generator kept up with sending.
    pub sending: Sending,
    /// How hard the generator had to work.
    pub strain: Strain,
}

impl Window {
    /// Series that windows hold.
    pub const SERIES: [Series; 5] =
        [Series::Ttfc, Series::Tbc, Series::E2e, Series::SendLag, Series::ReceiveLag];

    /// Adds what another worker saw in the same second.
    pub fn join(&mut self, other: &Self) {
        self.count(other);
        self.end = self.end.max(other.end);
        self.in_flight += other.in_flight;
        self.carry(other);
    }

    /// Adds what a worker that has ended, with this as its last window, had seen until then.
    pub fn carry(&mut self, other: &Self) {
        self.measured_due += other.measured_due;
        self.measured_ended += other.measured_ended;
        self.sending.measured_late += other.sending.measured_late;
        self.sending.measured_held_back += other.sending.measured_held_back;
        if self.tallies.len() < other.tallies.len() {
            self.tallies.resize(other.tallies.len(), Tally::default());
        }
        for (tally, theirs) in self.tallies.iter_mut().zip(&other.tallies) {
            tally.merge(*theirs);
        }
    }

    /// Adds the window that follows this one.
    pub(super) fn extend(&mut self, next: &Self) {
        self.count(next);
        self.end = next.end;
        self.in_flight = next.in_flight;
        self.measured_due = next.measured_due;
        self.measured_ended = next.measured_ended;
        self.sending.measured_late = next.sending.measured_late;
        self.sending.measured_held_back = next.sending.measured_held_back;
        self.tallies.clone_from(&next.tallies);
    }

    fn count(&mut self, other: &Self) {
        self.intended += other.intended;
        self.ok += other.ok;
        self.not_ok += other.not_ok;
        self.decided += other.decided;
        self.late += other.late;
        self.sending.written += other.sending.written;
        self.sending.late += other.sending.late;
        self.sending.resource += other.sending.resource;
        self.strain = self.strain.merge(other.strain);
        for (series, cells) in &other.latency {
            self.latency.entry(*series).or_default().merge(cells);
        }
    }
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
    use super::{Sending, Strain, Window};
    use crate::trial::Tally;
    use crate::trial::cells::Tray;
    use proptest::prelude::*;
    use std::time::Duration;

    fn any_sending() -> impl Strategy<Value = Sending> {
        (0_u64..99, 0_u64..99, 0_u64..99, 0_u64..99, 0_u64..99).prop_map(
            |(written, late, resource, measured_late, measured_held_back)| Sending {
                written,
                late,
                resource,
                measured_late,
                measured_held_back,
            },
        )
    }

    /// What one worker may have seen in a second.
    fn any_window() -> impl Strategy<Value = Window> {
        let counts = prop::array::uniform7(0_u64..1_000);
        let lengths = prop::collection::vec((0_usize..5, 0_u64..4_000_000_000_000), 0..20);
        let tallies = prop::collection::vec((0_u64..50, 0_u64..50), 0..3);
        let shares = (prop::option::of(0.0_f64..1.0), prop::option::of(0.0_f64..1.0));
        (counts, lengths, tallies, shares, any_sending(), 0_u64..2_000).prop_map(
            |(counts, lengths, tallies, (cpu, run_wait), sending, ms)| {
                let mut trays: [Tray; 5] = Default::default();
                lengths.iter().for_each(|(n, ns)| trays[*n].record(Duration::from_nanos(*ns)));
                let cells = trays.iter_mut().map(Tray::empty);
                let latency = Window::SERIES.into_iter().zip(cells).filter(|(_, c)| c.n() > 0);
                let tally = |(not_good, more)| Tally { not_good, n: not_good + more };
                let [intended, ok, not_ok, decided, late, in_flight, measured_ended] = counts;
                Window {
                    index: 4,
                    end: Duration::from_millis(ms),
                    intended,
                    ok,
                    not_ok,
                    decided,
                    late,
                    in_flight,
                    measured_due: measured_ended + in_flight,
                    measured_ended,
                    tallies: tallies.into_iter().map(tally).collect(),
                    latency: latency.collect(),
                    sending,
                    strain: Strain { cpu, run_wait, loop_lag_max: Duration::from_millis(ms) },
                }
            },
        )
    }

    proptest! {
        #[test]
        fn the_windows_of_several_workers_are_one_in_any_order(
            (windows, shuffled) in prop::collection::vec(any_window(), 1..7)
                .prop_flat_map(|windows| (Just(windows.clone()), Just(windows).prop_shuffle())),
        ) {
            let joined = |windows: &[Window]| {
                let mut whole = windows[0].clone();
                windows[1..].iter().for_each(|window| whole.join(window));
                whole
            };
            let whole = joined(&windows);
            prop_assert_eq!(joined(&shuffled), whole.clone());
            let n = |window: &Window| window.latency.values().map(super::Cells::n).sum::<u64>();
            prop_assert_eq!(windows.iter().map(n).sum::<u64>(), n(&whole));
            prop_assert_eq!(windows.iter().map(|w| w.intended).sum::<u64>(), whole.intended);
        }
    }

    #[test]
    fn two_workers_are_as_strained_as_the_busier_one_and_send_what_both_send() {
        let ms = Duration::from_millis;
        let a = Strain { cpu: Some(0.2), run_wait: None, loop_lag_max: ms(3) };
        let b = Strain { cpu: Some(0.1), run_wait: Some(0.4), loop_lag_max: ms(2) };
        let both = Strain { cpu: Some(0.2), run_wait: Some(0.4), loop_lag_max: ms(3) };
        assert_eq!((a.merge(b), b.merge(a)), (both, both));
        assert_eq!(a.merge(Strain::default()), a);

        let quiet = Sending::default();
        let one = Sending { written: 1, late: 2, resource: 3, measured_late: 4, ..quiet };
        let two = Sending { written: 10, measured_held_back: 5, ..quiet };
        let of = |sending| Window { sending, ..Window::default() };
        let mut joined = of(one);
        joined.join(&of(two));
        assert_eq!(joined.sending, Sending { written: 11, measured_held_back: 5, ..one });
        // In the second after it, what is cumulated stands for itself.
        let mut extended = of(one);
        extended.extend(&of(Sending { measured_late: 6, ..two }));
        let sum = Sending { written: 11, measured_held_back: 5, measured_late: 6, ..one };
        assert_eq!(extended.sending, sum);
    }
}
