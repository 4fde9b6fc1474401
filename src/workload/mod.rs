//! Sessions, lengths, arrivals and prompts: pure and seeded. The same seed gives the same sequence
//! on every machine and build (`libm`, `Pcg64`); contents are salted apart from it.

mod law;

pub use law::{Arrivals, HistoryMode, Length, SessionLaw, ThinkTime};
