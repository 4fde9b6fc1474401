//! What the machine and our own process did while load was offered, and what they have left. Where
//! the system does not tell, a reading is absent and no rule is built on it.

mod cores;
mod cpu;
mod descriptors;
mod machine;
mod room;
mod thread;

pub use cores::cores_allowed;
pub(super) use cores::stay_on;
pub(super) use cpu::{CpuMeter, thread_cpu};
pub(super) use descriptors::{Descriptors, raise_descriptor_limit};
pub(super) use machine::{MachineMeter, Others};
pub(super) use room::{memory_available, port_range};
pub(super) use thread::ThreadMeter;
