//! `plimsoll schema`: the JSON Schemas of what is read and written.

use super::ExitStatus;
use super::progress::print;
use clap::{Args, ValueEnum};

/// Print the JSON Schema of plimsoll.yml, of a baseline or of results.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Of what
    #[arg(value_enum, default_value_t = Of::Config)]
    of: Of,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// plimsoll.yml
    Config,
    /// baselines/<suite>.json
    Baseline,
    /// results.json
    Results,
}

impl Schema {
    pub(super) fn run(self) -> ExitStatus {
        let schema = match self.of {
            Of::Config => crate::config::json_schema(),
            Of::Baseline => crate::baseline::json_schema(),
            Of::Results => crate::report::results_schema().to_value(),
        };
        print(&format!("{schema:#}\n"));
        ExitStatus::Pass
    }
}
