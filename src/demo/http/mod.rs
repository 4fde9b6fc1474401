//! The model behind HTTP, on the real clock, in the shape of an OpenAI-compatible server.
//!
//! One driver owns the model; handlers talk to it by messages, so nothing here is locked. Absent on
//! purpose: any notion of load, trials or measuring.

mod completion;
mod driver;
mod metrics;
mod openai;
mod server;

#[cfg(test)]
mod tests;

pub use server::{bind, serve};
