//! The same work for many seeds, on all cores.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// `work` for each seed, on as many threads as there are cores; the results in the order of the seeds.
pub(crate) fn parallel<T: Send>(seeds: Range<u64>, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(seeds.start);
    let hand = || -> Vec<(u64, T)> {
        std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed))
            .take_while(|seed| *seed < seeds.end)
            .map(|seed| (seed, work(seed)))
            .collect()
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut done: Vec<(u64, T)> = thread::scope(|scope| {
        let hands: Vec<_> = (0..cores).map(|_| scope.spawn(hand)).collect();
        hands.into_iter().flat_map(|hand| hand.join().unwrap()).collect()
    });
    done.sort_by_key(|(seed, _)| *seed);
    done.into_iter().map(|(_, result)| result).collect()
}

#[test]
fn each_seed_is_worked_on_once_and_results_keep_their_order() {
    // The first take longest, so that they end last.
    let work = |seed: u64| (seed, (0..10_000 * (50 - seed)).fold(seed, u64::wrapping_add));
    let done = parallel(7..50, work);
    assert!(done.iter().map(|(seed, _)| *seed).eq(7..50));
    assert!(parallel(3..3, work).is_empty());
}
