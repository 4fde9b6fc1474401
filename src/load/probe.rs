//! What the generator's own process used: CPU of the calling thread, descriptors and their limit.
//! Where the system does not tell, the reading is absent and no rule is built on it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// CPU time that the calling thread has used so far.
pub(super) fn thread_cpu() -> Option<Duration> {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).ok()
}

/// Meters the CPU of the thread that made it.
#[derive(Debug)]
pub(super) struct CpuMeter {
    since: Instant,
    used: Option<Duration>,
}

impl CpuMeter {
    pub(super) fn start() -> Self {
        Self { since: Instant::now(), used: thread_cpu() }
    }

    /// CPU time / wall time since the start: 1 is one whole core. Call it on the same thread.
    pub(super) fn cores(&self) -> Option<f64> {
        let used = thread_cpu()?.checked_sub(self.used?)?.as_secs_f64();
        let wall = self.since.elapsed().as_secs_f64();
        (wall > 0.0).then(|| used / wall)
    }
}

/// Most descriptors that were seen open. Written by whoever samples, read at the end of a trial.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    most: AtomicU64,
}

impl Descriptors {
    /// Counts the descriptors that are open now.
    pub(super) fn sample(&self) {
        if let Some(open) = open_descriptors() {
            self.most.fetch_max(open, Ordering::Relaxed);
        }
    }

    /// The most of all samples; `None` where none could be taken.
    pub(super) fn most(&self) -> Option<u64> {
        Some(self.most.load(Ordering::Relaxed)).filter(|most| *most > 0)
    }
}

/// Descriptors of this process, without the one that is needed to count them.
fn open_descriptors() -> Option<u64> {
    let entries = std::fs::read_dir("/proc/self/fd").ok()?;
    u64::try_from(entries.count()).ok().map(|n| n.saturating_sub(1))
}

/// Raises our own limit on descriptors as far as we may, and returns it; `None`: without limit. Does
/// nothing when it is raised already.
pub(super) fn raise_descriptor_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Refused (some systems know a further bound): we go on with what we have.
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit on open files could not be raised");
        }
    }
    getrlimit(Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::{CpuMeter, Descriptors, raise_descriptor_limit, thread_cpu};

    #[test]
    fn the_cpu_of_a_thread_counts_its_own_work() {
        let Some(before) = thread_cpu() else { return };
        let meter = CpuMeter::start();
        let mut sum = 0_u64;
        while thread_cpu().unwrap() - before < std::time::Duration::from_millis(5) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(meter.cores().unwrap() > 0.0);
        let other = std::thread::spawn(|| thread_cpu().unwrap()).join().unwrap();
        assert!(other < thread_cpu().unwrap());
    }

    #[test]
    fn descriptors_are_counted_and_the_most_is_kept() {
        let descriptors = Descriptors::default();
        assert_eq!(descriptors.most(), None);
        let files: Vec<_> = (0..40).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        descriptors.sample();
        let most = descriptors.most();
        drop(files);
        descriptors.sample();
        if cfg!(target_os = "linux") {
            assert!(most.unwrap() >= 43, "{most:?}");
            assert!(descriptors.most() >= most);
        }
    }

    #[test]
    fn raising_the_limit_twice_is_the_same_as_once() {
        let limit = raise_descriptor_limit();
        assert_eq!(raise_descriptor_limit(), limit);
        assert!(limit.is_none_or(|limit| limit >= 256));
    }
}
