//! The model behind HTTP, on the real clock, in the shape of an OpenAI-compatible server.
//!
//! One driver owns the model; handlers talk to it by messages, so nothing here is locked. Absent on
//! purpose: any notion of load, trials or measuring.
//!
//! An answer ends by itself, with `finish_reason: stop`, at a length drawn by seed from half of its
//! limit (from `min_tokens` where that is more) to all of it. One that comes to its limit ends with
//! `length`, and with `ignore_eos: true` each does.

mod completion;
mod driver;
mod metrics;
mod openai;
mod server;

#[cfg(test)]
mod tests;

/// The model as it is listed, and as it answers where a request names none.
const MODEL: &str = "demo";

pub use server::{bind, serve};
