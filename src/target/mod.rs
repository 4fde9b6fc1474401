//! The service under test: how it is spoken to.

pub mod protocol;
