//! The windows of a trial, bounded in number whatever its length.

use super::Window;
use super::health::Rows;

/// Most windows that are kept.
const WINDOWS_MAX: usize = 256;

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
