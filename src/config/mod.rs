//! `plimsoll.yml`: what may be written (`model`), how it is read (`yaml`), what is wrong with it
//! (`problem`, `validate`) and what it means ([`Plan`]). Only a `Plan` reaches the layers above.

pub mod plan;

pub use plan::Plan;
