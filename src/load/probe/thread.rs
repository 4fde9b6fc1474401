//! How hard one thread has to work, second by second.

use super::cpu::thread_cpu;
use crate::trial::Strain;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;
use tokio::time::Instant;

/// Meters the thread that made it, second by second.
#[derive(Debug)]
pub(in crate::load) struct ThreadMeter {
    at: Instant,
    cpu: Option<Duration>,
    wait: Option<Duration>,
    /// Opened once: reading it again costs one call.
    schedstat: Option<File>,
}

impl ThreadMeter {
    pub(in crate::load) fn start() -> Self {
        let schedstat = File::open("/proc/thread-self/schedstat").ok();
        let wait = read_wait(schedstat.as_ref());
        Self { at: Instant::now(), cpu: thread_cpu(), wait, schedstat }
    }

    /// What the thread used and waited since the last call, as shares of the wall time. Call it on
    /// the same thread.
    pub(in crate::load) fn lap(&mut self, loop_lag_max: Duration) -> Strain {
        let at = Instant::now();
        let wall = at.saturating_duration_since(self.at).as_secs_f64();
        let (cpu, wait) = (thread_cpu(), read_wait(self.schedstat.as_ref()));
        let share = |now: Option<Duration>, before: Option<Duration>| {
            let spent = now?.checked_sub(before?)?.as_secs_f64();
            (wall > 0.0).then(|| spent / wall)
        };
        let strain =
            Strain { cpu: share(cpu, self.cpu), run_wait: share(wait, self.wait), loop_lag_max };
        (self.at, self.cpu, self.wait) = (at, cpu, wait);
        strain
    }
}

fn read_wait(schedstat: Option<&File>) -> Option<Duration> {
    let mut text = [0; 96];
    let length = schedstat?.read_at(&mut text, 0).ok()?;
    run_wait(std::str::from_utf8(text.get(..length)?).ok()?)
}

/// Time for which a thread was ready and had no CPU, in `/proc/thread-self/schedstat`.
fn run_wait(text: &str) -> Option<Duration> {
    text.split_ascii_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::{ThreadMeter, run_wait, thread_cpu};
    use std::time::Duration;

    #[test]
    fn the_second_number_is_the_wait() {
        for (text, expected) in [
            ("692583 1532682 2\n", Some(1_532_682)),
            ("0 0 0", Some(0)),
            ("692583", None),
            ("", None),
            ("1 -3 2", None),
        ] {
            assert_eq!(run_wait(text), expected.map(Duration::from_nanos), "{text}");
        }
    }

    #[test]
    fn each_lap_counts_from_the_one_before() {
        let mut meter = ThreadMeter::start();
        let mut sum = 0_u64;
        let before = thread_cpu();
        while thread_cpu().unwrap() - before.unwrap() < Duration::from_millis(5) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let worked = meter.lap(Duration::from_millis(3));
        assert!(worked.cpu.unwrap() > 0.0 && worked.loop_lag_max == Duration::from_millis(3));
        let again = meter.lap(Duration::ZERO).cpu.unwrap_or(0.0);
        assert!(again >= 0.0);
        if cfg!(target_os = "linux") && std::fs::exists("/proc/thread-self/schedstat").unwrap() {
            assert!(worked.run_wait.unwrap() >= 0.0);
        }
    }
}
