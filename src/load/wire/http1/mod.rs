//! HTTP/1.1 over connections of our own: one request at a time, read from one buffer that all
//! connections of a worker share, without a task or a queue between the socket and who waits for it.

mod connection;
mod framing;
mod head;

pub(super) use connection::{Connection, Written};
