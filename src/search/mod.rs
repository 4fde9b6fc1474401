//! How a knob is searched: which value to try next, given which values held and which broke.
//!
//! Knows nothing of trials, SLOs or units; only numbers on a logarithmic scale.

mod bisect;
mod crossing;

pub use bisect::{Answer, Ask, Bisect, Point, Scale};
