//! What is learnt of a target while it is used.

use crate::target::protocol::UsageField;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is learnt of a target and holds for as long as it runs: hand it to the next trial, which then
/// need not learn it again at the cost of a request. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Learnt {
    refuses_usage: Arc<AtomicBool>,
}

impl Learnt {
    /// Whether to ask for token counts.
    pub(super) fn usage(&self) -> UsageField {
        if self.refuses_usage.load(Ordering::Relaxed) {
            UsageField::Omitted
        } else {
            UsageField::Asked
        }
    }

    /// The target refused a request because it was asked for them.
    pub(super) fn refused_usage(&self) {
        self.refuses_usage.store(true, Ordering::Relaxed);
    }
}
