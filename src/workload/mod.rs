//! Sessions, lengths, arrivals and prompts: pure and seeded. The same seed gives the same sequence
//! on every machine and build (`libm`, `Pcg64`); contents are salted apart from it.

mod law;
mod prompt;
mod random;
mod realised;
mod sequence;
mod setting;

pub use law::{Arrivals, HistoryMode, Length, SessionLaw, ThinkTime};
pub use prompt::{Message, Role, Salt, conversation};
pub use random::Random;
pub use realised::Realised;
pub use sequence::{Extent, Sequence, SequenceId, Session, Turn};
pub use setting::{Dial, Setting};
