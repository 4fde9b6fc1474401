//! HTTP/2: a few connections, which many requests share.

mod lines;
mod stream;
mod trunk;

pub(super) use lines::{Dialling, Shared};
pub(super) use stream::Stream;
pub(super) use trunk::{Payload, Wire};
