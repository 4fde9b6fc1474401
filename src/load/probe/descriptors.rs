//! Descriptors of this process, and their limit.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::atomic::{AtomicU64, Ordering};

/// Most descriptors that were seen open. Written by whoever samples, read at the end of a trial.
#[derive(Debug, Default)]
pub(in crate::load) struct Descriptors {
    most: AtomicU64,
}

impl Descriptors {
    /// Counts the descriptors that are open now.
    pub(in crate::load) fn sample(&self) {
        if let Some(open) = open_descriptors() {
            self.most.fetch_max(open, Ordering::Relaxed);
        }
    }

    /// The most of all samples; `None` where none could be taken.
    pub(in crate::load) fn most(&self) -> Option<u64> {
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
pub(in crate::load) fn raise_descriptor_limit() -> Option<u64> {
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
    use super::{Descriptors, raise_descriptor_limit};

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
