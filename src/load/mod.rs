//! The live rig's engine: when to send ([`Play`], pure), how one request goes over the wire, and
//! what the generator's own process did meanwhile.

mod cap;
mod engine;
mod error;
mod exchange;
#[cfg(test)]
mod fake;
mod pacer;
mod play;
mod probe;
mod worker;

pub use engine::{LiveTrial, run_trial};
pub use error::LoadError;
pub use exchange::{Asked, Client, ClientError, Exchanged, Observer};
pub use play::{Due, Play};

