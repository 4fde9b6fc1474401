//! `plimsoll schema`: the JSON Schemas of what is read and written.

use super::ExitStatus;
use super::progress::print;
use crate::report::json::render;
use clap::{Args, ValueEnum};

/// `plimsoll schema`.
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
        print(&match self.of {
            Of::Config => render(&crate::config::json_schema()),
            Of::Baseline => render(&crate::baseline::json_schema()),
            Of::Results => render(&crate::report::results_schema()),
        })
    }
}
