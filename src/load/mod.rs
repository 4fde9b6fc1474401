//! The live rig's engine: when to send ([`Play`], pure), how one request goes over the wire
//! ([`Client`]), and what the generator's own process did meanwhile ([`run_trial`]).

mod arrival;
mod calibrate;
mod cap;
mod client;
mod clock;
mod control;
mod dial;
mod draft;
mod endpoint;
mod engine;
mod error;
mod exchange;
mod failure;
#[cfg(test)]
mod fake;
mod feasible;
mod headers;
mod http1;
mod http2;
mod kernel;
mod lane;
mod learnt;
mod link;
mod null;
mod pacer;
mod play;
mod pool;
mod probe;
mod realtime;
mod route;
mod runners;
mod share;
mod socket;
mod timeouts;
mod timer;
mod tls;
mod worker;

pub use crate::target::protocol::Asked;
pub use arrival::Arrival;
pub use calibrate::{Calibration, calibrate};
pub use client::{Client, NoAnswer};
pub use control::{Audience, TraceRows};
pub use engine::{LiveTrial, run_trial};
pub use error::{ClientError, LoadError};
pub use exchange::{Exchanged, Observer};
pub use feasible::{Means, Refusal, SessionCost, feasible, offer_max};
pub use headers::secrets_of_headers;
pub use learnt::Learnt;
pub use play::{Due, Play, pause};
pub use probe::cores_allowed;
pub use share::Share;
