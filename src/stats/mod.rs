//! Tests on samples, intervals, and what trials say together about where a service gives in.

mod likelihood;
mod logistic;
mod normal;
mod posterior;
mod proportion;

pub use likelihood::{Known, Likelihood, Reading};
pub use logistic::{logistic, logit};
pub use posterior::{Band, Crossing, Posterior, Response, SLOPES, SPREADS};
pub use proportion::{Z_90, wilson};
