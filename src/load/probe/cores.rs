//! The cores on which threads of ours may run.

use std::collections::BTreeSet;

/// The cores that the calling thread may use; `None` where the system does not tell.
#[must_use]
pub fn cores_allowed() -> Option<BTreeSet<usize>> {
    system::allowed()
}

/// Keeps the calling thread on these cores; on none in particular where there are none.
pub(in crate::load) fn stay_on(cores: &[usize]) -> std::io::Result<()> {
    if cores.is_empty() { Ok(()) } else { system::stay_on(cores) }
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    use std::collections::BTreeSet;
    use std::io;

    pub(super) fn allowed() -> Option<BTreeSet<usize>> {
        let set = sched_getaffinity(None).ok()?;
        Some((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect())
    }

    pub(super) fn stay_on(cores: &[usize]) -> io::Result<()> {
        let mut set = CpuSet::new();
        cores.iter().filter(|core| **core < CpuSet::MAX_CPU).for_each(|core| set.set(*core));
        Ok(sched_setaffinity(None, &set)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::collections::BTreeSet;
    use std::io;

    pub(super) fn allowed() -> Option<BTreeSet<usize>> {
        None
    }

    pub(super) fn stay_on(_: &[usize]) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "threads cannot be kept on cores here"))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{cores_allowed, stay_on};

    #[test]
    fn a_thread_stays_where_it_is_told_to() {
        let before = cores_allowed().unwrap();
        let one = *before.last().unwrap();
        let inside = std::thread::spawn(move || {
            stay_on(&[one]).unwrap();
            cores_allowed().unwrap()
        });
        assert!(inside.join().unwrap().into_iter().eq([one]));
        stay_on(&[]).unwrap();
        assert_eq!(cores_allowed().unwrap(), before);
        assert!(stay_on(&[1_023]).is_err() || before.contains(&1_023));
    }
}
