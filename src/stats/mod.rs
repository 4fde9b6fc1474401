//! Tests on samples and intervals.

mod proportion;

pub use proportion::wilson;
