//! The live rig's engine: when to send ([`Play`], pure), how one request goes over the wire
//! ([`Client`]), and what the generator's own process did meanwhile ([`run_trial`]).

mod calibrate;
mod cap;
mod clock;
mod control;
mod engine;
mod error;
#[cfg(test)]
mod fake;
mod feasible;
mod link;
mod null;
mod pacer;
mod play;
mod probe;
mod reference;
mod runners;
mod share;
mod timer;
mod wire;
mod worker;

pub use crate::target::protocol::Asked;
pub use calibrate::{Calibration, calibrate};
pub use control::{Audience, TraceRows};
pub use engine::{LiveTrial, run_trial};
pub use error::{ClientError, LoadError};
pub use feasible::{Means, Refusal, SessionCost, feasible, offer_max};
pub use play::{Due, Play, pause};
pub use probe::cores_allowed;
pub use reference::{machine_speed, speed_before_trial};
pub use share::Share;
pub use wire::{Arrival, Client, Exchanged, Learnt, NoAnswer, Observer, secrets_of_headers};
