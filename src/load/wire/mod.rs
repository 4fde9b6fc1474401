//! One request over the wire: how it is written, over which connection it goes, what is heard of its
//! answer and when that arrived.

mod arrival;
mod client;
mod dial;
mod draft;
mod endpoint;
mod exchange;
mod failure;
mod headers;
mod http1;
mod http2;
mod kernel;
mod lane;
mod learnt;
mod pool;
mod realtime;
mod route;
mod socket;
mod timeouts;
mod tls;

pub use arrival::Arrival;
pub use client::{Client, NoAnswer};
pub(super) use endpoint::{Endpoint, addresses};
pub use exchange::{Exchanged, Observer};
pub use headers::secrets_of_headers;
pub use learnt::Learnt;
