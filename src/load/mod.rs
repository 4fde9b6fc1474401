//! The live rig's engine: when to send ([`Play`], pure), how one request goes over the wire, and
//! what the generator's own process did meanwhile.

mod play;

pub use play::{Due, Play};

/// placeholder
#[derive(Debug, thiserror::Error)]
pub enum LoadError {}
