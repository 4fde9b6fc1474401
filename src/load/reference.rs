//! How fast a core of this machine is: a fixed piece of CPU-bound work, timed.
//!
//! The work mixes whole numbers, floating point and a walk over 1 MiB in an order that no cache
//! foretells; it is the same on every machine and in every build. One slice of it takes about 5 ms of
//! an ordinary core. What is timed is the thread's own CPU time: that somebody took the core away is
//! told by the CPU that others used, and here only blurs how fast the core is.
//!
//! The speed is that of the *fastest* slice, because whatever disturbs a slice makes it slower. Measured
//! on two cores of a virtual machine, 20 invocations of 5 s each in slices of 20 ms; the standard
//! deviation between invocations, and the bias while two other processes kept both cores busy half of
//! the time:
//!
//! | of the CPU times of the slices | sd, quiet | sd, beside hogs | bias, beside hogs |
//! | --- | --- | --- | --- |
//! | the fastest | 0.8 % | 2.3 % | 2.0 % |
//! | the fastest tenth | 1.2 % | 3.9 % | 4.2 % |
//! | the fastest quarter | 1.6 % | 5.6 % | 7.4 % |
//! | the median | 2.7 % | 6.7 % | 12.9 % |
//!
//! By wall time the fastest was as good, the median more than twice as bad. In 60 ms of the same machine,
//! crowded by three compilers, the fastest of twelve slices of 5 ms was 20 % above the floor in the
//! median, that of three of 20 ms 40 %: hence the short slices.

use super::probe::{stay_on, thread_cpu};
use std::hint::black_box;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Steps of a slice.
const STEPS: u32 = 300_000;
/// Cells of 8 bytes that it walks over: 1 MiB.
const CELLS: usize = 1 << 17;
/// Length of a reading just before a trial …
const BEFORE_TRIAL: Duration = Duration::from_millis(100);
/// … of that at the start of a run …
const MACHINE: Duration = Duration::from_secs(5);
/// … or this part of the budget, if that is less.
const BUDGET_PART: u32 = 50;

/// Slices of the reference work per second of CPU time that a core of this machine does, read over
/// 5 s, or a fiftieth of the budget if that is less; on one of these cores, or on any. `None` where
/// it cannot be read, and when `stop` is cancelled before the end.
pub async fn machine_speed(
    cpus: &[usize],
    budget: Duration,
    stop: &CancellationToken,
) -> Option<f64> {
    speed(cpus, MACHINE.min(budget / BUDGET_PART), stop).await
}

/// The same in 100 ms, for the moment before a trial. So few slices miss the fastest more often: beside
/// busy neighbours this is some percent less than what 5 s give.
pub async fn speed_before_trial(cpus: &[usize], stop: &CancellationToken) -> Option<f64> {
    speed(cpus, BEFORE_TRIAL, stop).await
}

/// Works on a thread of its own, which ends soon after nobody waits for it any more.
async fn speed(cpus: &[usize], length: Duration, stop: &CancellationToken) -> Option<f64> {
    let (tell, told) = oneshot::channel();
    let cpus = cpus.to_vec();
    let thread = std::thread::Builder::new().name("reference".to_owned()).spawn(move || {
        let fastest = fastest_slice(&cpus, length, || tell.is_closed());
        let _nobody_waits = tell.send(fastest);
    });
    if let Err(error) = thread {
        tracing::warn!(%error, "the speed of this machine is not known");
        return None;
    }
    let fastest = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        fastest = told => fastest.ok().flatten(),
    };
    fastest.map(|fastest| fastest.as_secs_f64().recip())
}

/// CPU time of the fastest of the slices that fit into `length`; at least one after one to warm up.
fn fastest_slice(cpus: &[usize], length: Duration, is_over: impl Fn() -> bool) -> Option<Duration> {
    if let Err(error) = stay_on(cpus) {
        tracing::warn!(%error, "the speed of the cores {cpus:?} is not known");
        return None;
    }
    let mut memory: Vec<u64> = (0..).take(CELLS).collect();
    slice(&mut memory);
    let (until, mut fastest) = (Instant::now() + length, None);
    while !is_over() {
        let before = thread_cpu()?;
        slice(&mut memory);
        let took = thread_cpu()?.saturating_sub(before);
        fastest = fastest.into_iter().chain([took]).min();
        if Instant::now() >= until {
            return fastest.filter(|took| !took.is_zero());
        }
    }
    None
}

/// The work. What comes of it is of no use, and no compiler may know that.
fn slice(memory: &mut [u64]) {
    let (mut whole, mut real) = (0x9E37_79B9_7F4A_7C15_u64, 1.0_f64);
    for _ in 0..black_box(STEPS) {
        whole ^= whole << 13;
        whole ^= whole >> 7;
        whole ^= whole << 17;
        let place = usize::try_from(whole >> 20).unwrap_or_default() % CELLS;
        if let Some(cell) = memory.get_mut(place) {
            *cell = cell.wrapping_mul(0x2545_F491_4F6C_DD1D).wrapping_add(whole);
            whole = whole.wrapping_add(*cell >> 60);
        }
        real = real * 0.999_999 + crate::units::as_f64(whole >> 40) * 1e-9;
    }
    black_box((whole, real));
}

#[cfg(test)]
mod tests {
    use super::{CELLS, fastest_slice, machine_speed, slice, speed_before_trial};
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn a_core_has_a_speed() {
        let stop = CancellationToken::new();
        let before = speed_before_trial(&[], &stop).await.unwrap();
        assert!((1.0..100_000.0).contains(&before), "{before}");
        let machine = machine_speed(&[], Duration::from_secs(1), &stop).await.unwrap();
        assert!((1.0..100_000.0).contains(&machine), "{machine}");
    }

    #[tokio::test]
    async fn nobody_waits_for_a_speed_after_the_end() {
        let stop = CancellationToken::new();
        stop.cancel();
        assert_eq!(machine_speed(&[], Duration::MAX, &stop).await, None);
        assert_eq!(fastest_slice(&[], Duration::from_secs(60), || true), None);
    }

    #[test]
    fn the_work_is_the_same_every_time_and_walks_over_all_of_its_memory() {
        let mut memory: Vec<u64> = (0..).take(CELLS).collect();
        slice(&mut memory);
        let mut again: Vec<u64> = (0..).take(CELLS).collect();
        slice(&mut again);
        assert!(memory == again);
        let touched = (0..).zip(&memory).filter(|(start, now)| start != *now).count();
        assert!(touched > CELLS / 2, "{touched} of {CELLS}");
    }
}
