//! The built-in target: a simulated LLM server by continuous batching.
//!
//! [`model`] is pure and in one place: behind [`http`] on the real clock it is the demo, in virtual
//! time it is the simulated rig's server.

pub mod http;
pub mod model;
mod profile;

pub use profile::{Faults, Profile};
