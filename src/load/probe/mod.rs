//! What the machine and our own process did while load was offered, and what they have left. Where
//! the system does not tell, a reading is absent and no rule is built on it.

mod cpu;
mod descriptors;
#[cfg_attr(not(test), expect(dead_code, reason = "read once workers report their strain"))]
mod machine;
mod room;
#[cfg_attr(not(test), expect(dead_code, reason = "read once workers report their strain"))]
mod thread;

pub(super) use cpu::CpuMeter;
pub(super) use descriptors::{Descriptors, raise_descriptor_limit};
#[expect(unused_imports, reason = "read once workers report their strain")]
pub(super) use machine::{MachineMeter, Others};
pub(super) use room::{memory_available, port_range};
#[expect(unused_imports, reason = "read once workers report their strain")]
pub(super) use thread::ThreadMeter;
