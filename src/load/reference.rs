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
/// How long a reading lasts, and how long at most where the machine is slower than it is known to be.
struct Length {
    usual: Duration,
    most: Duration,
}

/// Before a trial.
const BEFORE_TRIAL: Length =
    Length { usual: Duration::from_millis(100), most: Duration::from_secs(1) };
/// At the start of a run …
const MACHINE: Length = Length { usual: Duration::from_secs(5), most: Duration::from_secs(30) };
/// … or these parts of the budget, if they are less.
const BUDGET_PARTS: (u32, u32) = (50, 10);
/// A machine that reaches this part of the speed it is known for is that machine, undisturbed; what is
/// made of a speed allows 3 % and more.
const REACHED: f64 = 0.975;

/// Slices of the reference work per second of CPU time that a core of this machine does, read over
/// 5 s, or a fiftieth of the budget if that is less; on one of these cores, or on any. One that is
/// slower than `known`, its speed of earlier, is read for up to 30 s, or a tenth of the budget: a
/// neighbour on its host leaves it alone for a moment, and another machine stays slow. `None` where
/// it cannot be read, and when `stop` is cancelled before the end.
pub async fn machine_speed(
    cpus: &[usize],
    budget: Duration,
    known: Option<f64>,
    stop: &CancellationToken,
) -> Option<f64> {
    let (usual, most) = BUDGET_PARTS;
    let length =
        Length { usual: MACHINE.usual.min(budget / usual), most: MACHINE.most.min(budget / most) };
    speed(cpus, length, known, stop).await
}

/// The same in 100 ms, and up to 1 s where it is slower, for the moment before a trial. So few slices
/// miss the fastest more often: beside busy neighbours this is some percent less than what 5 s give.
pub async fn speed_before_trial(
    cpus: &[usize],
    known: Option<f64>,
    stop: &CancellationToken,
) -> Option<f64> {
    speed(cpus, BEFORE_TRIAL, known, stop).await
}

/// Works on a thread of its own, which ends soon after nobody waits for it any more.
async fn speed(
    cpus: &[usize],
    length: Length,
    known: Option<f64>,
    stop: &CancellationToken,
) -> Option<f64> {
    let (tell, told) = oneshot::channel();
    let cpus = cpus.to_vec();
    let thread = std::thread::Builder::new().name("reference".to_owned()).spawn(move || {
        let fastest = fastest_slice(&cpus, &length, known, || tell.is_closed());
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

/// CPU time of the fastest slice; of at least one, after one to warm up.
fn fastest_slice(
    cpus: &[usize],
    length: &Length,
    known: Option<f64>,
    is_over: impl Fn() -> bool,
) -> Option<Duration> {
    if let Err(error) = stay_on(cpus) {
        tracing::warn!(%error, "the speed of the cores {cpus:?} is not known");
        return None;
    }
    let mut memory: Vec<u64> = (0..).take(CELLS).collect();
    slice(&mut memory);
    let (began, mut fastest) = (Instant::now(), Duration::MAX);
    while !is_over() {
        let before = thread_cpu()?;
        slice(&mut memory);
        fastest = fastest.min(thread_cpu()?.saturating_sub(before));
        let is_slow = known.is_some_and(|known| fastest.as_secs_f64() * known * REACHED > 1.0);
        if began.elapsed() >= if is_slow { length.most } else { length.usual } {
            return Some(fastest).filter(|took| !took.is_zero());
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
    use super::{CELLS, Length, fastest_slice, machine_speed, slice, speed_before_trial};
    use std::cell::Cell;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn a_core_has_a_speed() {
        let stop = CancellationToken::new();
        let before = speed_before_trial(&[], None, &stop).await.unwrap();
        assert!((1.0..100_000.0).contains(&before), "{before}");
        let machine = machine_speed(&[], Duration::from_secs(1), None, &stop).await.unwrap();
        assert!((1.0..100_000.0).contains(&machine), "{machine}");
    }

    #[test]
    fn only_a_machine_that_is_slower_than_known_is_read_for_longer() {
        let length = Length { usual: Duration::from_millis(1), most: Duration::from_secs(60) };
        let read = |known| {
            let slices = Cell::new(0);
            fastest_slice(&[], &length, known, || slices.replace(slices.get() + 1) > 20)
        };
        assert!(read(None).is_some());
        // As fast as a snail, and as no core ever was.
        assert!(read(Some(1e-3)).is_some());
        assert!(read(Some(1e9)).is_none());
        let length = Length { most: Duration::from_millis(2), ..length };
        assert!(fastest_slice(&[], &length, Some(1e9), || false).is_some());
    }

    #[tokio::test]
    async fn nobody_waits_for_a_speed_after_the_end() {
        let stop = CancellationToken::new();
        stop.cancel();
        assert_eq!(machine_speed(&[], Duration::MAX, None, &stop).await, None);
        let length = Length { usual: Duration::from_secs(60), most: Duration::from_secs(60) };
        assert_eq!(fastest_slice(&[], &length, None, || true), None);
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
