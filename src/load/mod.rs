//! The live rig's engine: when to send ([`Play`], pure), how one request goes over the wire
//! ([`Client`]), and what the generator's own process did meanwhile ([`run_trial`]).

mod cap;
mod client;
mod connection;
mod dial;
mod draft;
mod endpoint;
mod engine;
mod error;
mod exchange;
mod failure;
#[cfg(test)]
mod fake;
mod headers;
mod http2;
mod kernel;
mod lane;
mod pacer;
mod play;
mod pool;
mod probe;
mod realtime;
mod route;
mod socket;
mod stamped;
mod timeouts;
mod tls;
mod worker;

pub use crate::target::protocol::Asked;
pub use client::{Client, NoAnswer};
pub use engine::{LiveTrial, run_trial};
pub use error::{ClientError, LoadError};
pub use exchange::{Exchanged, Observer};
pub use headers::secrets_of_headers;
pub use play::{Due, Play, pause};
pub use stamped::Arrival;
