//! `plimsoll.yml`: what may be written (`model`), how it is read (`yaml`, `decode`), what is wrong
//! with it (`problem`, `validate`) and what it means ([`Plan`]). Only a `Plan` reaches the layers
//! above.
//!
//! text → tree with places (`yaml`) → `--set` laid over it (`set`) → raw sections (`decode`,
//! `model`) → [`Plan`] (`validate`). No step stops at the first problem unless the text is no YAML.

mod canonical;
mod decode;
pub mod environment;
mod identity;
mod leaf;
mod load;
mod model;
mod node;
pub mod plan;
mod problem;
mod resolved;
mod schema;
mod set;
mod source;
mod validate;
mod yaml;

pub(crate) use identity::digest;
pub use load::{LoadError, load, load_text};
pub use plan::Plan;
pub use problem::{Code, Problem, Problems};
pub use resolved::names_a_secret;
pub use schema::json_schema;
pub use set::redacted;
pub use source::{Origin, Source, Span};
pub use validate::{Invalid, read};
