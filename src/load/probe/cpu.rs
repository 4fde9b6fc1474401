//! CPU that the calling thread used.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use tokio::time::Instant;

/// CPU time that the calling thread has used so far.
pub(in crate::load) fn thread_cpu() -> Option<Duration> {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).ok()
}

/// Meters the CPU of the thread that made it.
#[derive(Debug)]
pub(in crate::load) struct CpuMeter {
    since: Instant,
    used: Option<Duration>,
}

impl CpuMeter {
    pub(in crate::load) fn start() -> Self {
        Self { since: Instant::now(), used: thread_cpu() }
    }

    /// CPU time / wall time since the start: 1 is one whole core. Call it on the same thread.
    pub(in crate::load) fn cores(&self) -> Option<f64> {
        let used = thread_cpu()?.checked_sub(self.used?)?.as_secs_f64();
        let wall = self.since.elapsed().as_secs_f64();
        (wall > 0.0).then(|| used / wall)
    }
}

#[cfg(test)]
mod tests {
    use super::{CpuMeter, thread_cpu};
    use std::time::Duration;

    #[test]
    fn the_cpu_of_a_thread_counts_its_own_work() {
        let Some(before) = thread_cpu() else { return };
        let meter = CpuMeter::start();
        let mut sum = 0_u64;
        while thread_cpu().unwrap() - before < Duration::from_millis(5) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(meter.cores().unwrap() > 0.0);
        let other = std::thread::spawn(|| thread_cpu().unwrap()).join().unwrap();
        assert!(other < thread_cpu().unwrap());
    }
}
