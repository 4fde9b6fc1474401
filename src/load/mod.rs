//! The live rig's engine: when to send ([`Play`], pure), how one request goes over the wire
//! ([`Client`]), and what the generator's own process did meanwhile.

mod client;
mod connection;
mod endpoint;
mod exchange;
mod failure;
mod headers;
mod play;
mod pool;
mod stamped;
mod timeouts;
mod tls;

pub use crate::target::protocol::Asked;
pub use client::{Client, ClientError, NoAnswer};
pub use exchange::{Exchanged, Observer};
pub use play::{Due, Play};
