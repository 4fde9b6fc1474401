//! What a reviewer should know beside the verdict.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a reviewer should know beside the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// What it is about.
    pub about: About,
    /// One sentence.
    pub text: String,
}

impl Notice {
    /// One for each of these sentences.
    pub fn all(about: About, texts: impl IntoIterator<Item = String>) -> Vec<Self> {
        texts.into_iter().map(|text| Self { about, text }).collect()
    }
}

/// What a [`Notice`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The change brings a new baseline.
    Accepts,
    /// The change loosens its own gate, which takes effect when it is merged.
    Loosens,
    /// What the accepted changes add up to.
    Drift,
    /// A baseline that no run meets, or that every run beats.
    Stale,
    /// Instances that a peak needs.
    Instances,
    /// How often the gate is red for nothing here.
    Selftest,
    /// What the committed baseline says beside a comparison.
    Baseline,
}

impl About {
    /// The label in reports.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Accepts => "Accepts a new baseline",
            Self::Loosens => "Loosens its own gate",
            Self::Drift => "Slow drift",
            Self::Stale => "Stale baseline",
            Self::Instances => "Instances",
            Self::Selftest => "Self-test",
            Self::Baseline => "Against the baseline",
        }
    }
}
