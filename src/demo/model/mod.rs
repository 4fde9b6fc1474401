//! A continuous-batching server as a discrete-event model: no clock, no socket, no randomness that
//! was not handed in by seed. Times are since the server's start.
//!
//! Absent on purpose: what a request says, and how it travels. HTTP is [`super::http`].

mod chance;
mod freeze;
mod request;
mod server;

#[cfg(test)]
mod knee;
#[cfg(test)]
mod tests;

pub use request::{Admission, Event, Progress, Request, Stats};
pub use server::Server;
