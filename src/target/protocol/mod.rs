//! What goes over the wire, without a wire: bytes of a request out of a turn, and a verdict out of
//! the bytes of its answer. No sockets, no clock; who calls brings both.

mod answer;
mod api;
mod detail;
mod http;
mod openai_chat;
mod refused;
mod sse;
mod template;

pub use answer::{End, Head, Output, Verdict};
pub use api::{Asked, Outgoing, Protocol, Reader, UsageField, retry_after};
pub use detail::short_line;
pub(super) use detail::words_of;
pub use sse::{Event, Splitter, TooLarge};
pub use template::expand;
