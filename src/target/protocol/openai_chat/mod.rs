//! Chat completions in the shape of OpenAI's API, streamed or plain.

mod body;
mod chunk;
mod progress;
mod reader;

pub(super) use body::body;
pub(super) use reader::{PlainReader, StreamReader};
