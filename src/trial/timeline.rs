//! The windows of a trial, bounded in number whatever its length.

use super::Window;
use super::health::Rows;

/// Most windows that are kept.
const WINDOWS_MAX: usize = 128;

/// Windows in the order of time. Each is a second long, until there would be too many: then pairs of
/// neighbours become one, and what comes later is added until it is as long.
#[derive(Debug, Clone)]
pub struct Timeline {
    windows: Vec<Window>,
    /// Seconds in a window, a power of two.
    width: u32,
    /// Seconds that the newest window holds.
    filled: u32,
    /// What shows over seconds in a row, which longer windows would not tell.
    rows: Rows,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { windows: Vec::new(), width: 1, filled: 1, rows: Rows::default() }
    }
}

impl Timeline {
    /// Adds the window that follows the newest.
    pub fn push(&mut self, window: Window) {
        self.rows.see(&window);
        if let Some(newest) = self.windows.last_mut()
            && self.filled < self.width
        {
            newest.extend(&window);
            self.filled += 1;
            return;
        }
        if self.windows.len() >= WINDOWS_MAX {
            self.windows = self
                .windows
                .chunks(2)
                .filter_map(|pair| {
                    pair.iter().cloned().reduce(|mut first, second| {
                        first.extend(&second);
                        first
                    })
                })
                .collect();
            self.width *= 2;
        }
        self.windows.push(window);
        self.filled = 1;
    }

    /// The windows, oldest first.
    #[must_use]
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    pub(super) fn into_windows(self) -> Vec<Window> {
        self.windows
    }
}

#[cfg(test)]
mod tests {
    use super::{Timeline, WINDOWS_MAX};
    use crate::trial::{Tally, Window};
    use proptest::prelude::*;
    use std::time::Duration;

    proptest! {
        #[test]
        fn however_long_a_trial_is_it_has_few_windows_and_loses_nothing(seconds in 0_u32..3_000) {
            let mut timeline = Timeline::default();
            for index in 0..seconds {
                let end = Duration::from_secs(u64::from(index) + 1);
                let tally = Tally { not_good: 1, n: u64::from(index) };
                let in_flight = u64::from(index);
                timeline.push(Window { index, end, intended: 2, in_flight, tallies: vec![tally], ..Window::default() });
            }
            let windows = timeline.windows();
            prop_assert!(windows.len() <= WINDOWS_MAX);
            prop_assert_eq!(windows.iter().map(|w| w.intended).sum::<u64>(), 2 * u64::from(seconds));
            prop_assert!(windows.windows(2).all(|pair| pair[0].end < pair[1].end));
            if let Some(last) = windows.last() {
                prop_assert_eq!(last.end, Duration::from_secs(seconds.into()));
                prop_assert_eq!(last.in_flight, u64::from(seconds) - 1);
                prop_assert_eq!(last.tallies[0].n, u64::from(seconds) - 1);
            }
            if let [first, .., before, _] = windows {
                let width = before.end - windows[windows.len() - 3].end;
                prop_assert_eq!(width, first.end, "all but the last are equally long");
            }
        }
    }
}
