//! Windows of several workers.

use super::Joiner;
use crate::trial::{Tally, Window};
use proptest::prelude::*;
use std::time::Duration;

/// What worker number `worker` has seen second by second; its last window is the end of it.
fn windows_of(worker: u64, lengths: u32) -> Vec<Window> {
    (0..=lengths)
        .map(|index| {
            let seen = worker * 1_000 + u64::from(index);
            Window {
                index,
                end: Duration::from_millis(u64::from(index) * 1_000 + worker),
                intended: seen,
                in_flight: worker + 1,
                measured_ended: seen,
                tallies: vec![Tally { not_good: seen / 2, n: seen }],
                ..Window::default()
            }
        })
        .collect()
}

/// The joined windows when the workers speak in this order, each as often as it has windows.
fn joined(workers: &[Vec<Window>], order: &[usize]) -> Vec<Window> {
    let mut joiner = Joiner::new(workers.len());
    let mut left: Vec<_> = workers.iter().map(|windows| windows.iter().peekable()).collect();
    let mut all = Vec::new();
    for &worker in order {
        let windows = &mut left[worker];
        let Some(window) = windows.next() else { continue };
        if windows.peek().is_some() {
            joiner.add(worker, window);
        } else {
            joiner.end(worker, window.clone());
        }
        all.extend(std::iter::from_fn(|| joiner.next()));
    }
    all
}

proptest! {
    #[test]
    fn workers_may_speak_in_any_order(
        (lengths, order) in prop::collection::vec(0_u32..6, 1..5).prop_flat_map(|lengths| {
            let each = lengths.iter().enumerate();
            let order: Vec<usize> =
                each.flat_map(|(worker, n)| vec![worker; *n as usize + 1]).collect();
            (Just(lengths), Just(order).prop_shuffle())
        }),
    ) {
        let workers: Vec<Vec<Window>> =
            (0..).zip(&lengths).map(|(worker, n)| windows_of(worker, *n)).collect();
        let mut in_turn = order.clone();
        in_turn.sort_unstable();
        let whole = joined(&workers, &in_turn);
        prop_assert_eq!(&joined(&workers, &order), &whole);
        // One a second until the last worker has ended, and nothing is left out.
        let seconds = 0..=*lengths.iter().max().unwrap();
        prop_assert!(whole.iter().map(|window| window.index).eq(seconds));
        let intended = |windows: &[Window]| windows.iter().map(|w| w.intended).sum::<u64>();
        prop_assert_eq!(intended(&whole), workers.iter().map(|w| intended(w)).sum::<u64>());
        let ended: u64 = workers.iter().filter_map(|w| w.last()).map(|w| w.measured_ended).sum();
        let last = whole.last().unwrap();
        prop_assert_eq!((last.measured_ended, last.tallies[0].n), (ended, ended));
    }
}
