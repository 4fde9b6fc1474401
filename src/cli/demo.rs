//! `plimsoll demo`: serve the built-in target.

use super::ExitStatus;
use super::arguments::{chain, complain, duration, usage};
use crate::demo::{Faults, Profile, http};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Shown below `--help`.
const AFTER_HELP: &str = "\
It speaks OpenAI's chat completions and completions, streamed and plain, and shows its state under
/metrics. Its speed comes from its own clock, so it is the same on every machine. An answer ends by
itself at half of its limit or later; with `ignore_eos: true` it has all its tokens.";

/// `plimsoll demo`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Demo {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8000", value_name = "ADDR")]
    listen: SocketAddr,
    /// Built-in profile to start from
    #[arg(long, default_value = "llm", value_name = "NAME")]
    profile: String,
    /// A whole profile as JSON; what `check` passes on
    #[arg(long, hide = true, conflicts_with = "profile")]
    profile_json: Option<String>,
    /// Factor on the length of every step
    #[arg(long, value_name = "FACTOR")]
    slowdown: Option<f64>,
    /// File that holds its speed, read again each second; 1 is that of the profile
    #[arg(long, value_name = "FILE")]
    speed_file: Option<PathBuf>,
    /// Answer 503 for this long after the start, for example `2s`
    #[arg(long, value_name = "TIME")]
    startup_delay: Option<String>,
    /// Added to the very first request
    #[arg(long, value_name = "TIME")]
    cold_start: Option<String>,
    /// Share of requests that are answered 500
    #[arg(long, value_name = "SHARE")]
    error_rate: Option<f64>,
    /// Share of answers that stop in the middle
    #[arg(long, value_name = "SHARE")]
    truncate_rate: Option<f64>,
    /// Share of requests that are shed with 503 whatever the load
    #[arg(long, value_name = "SHARE")]
    shed_rate: Option<f64>,
    /// Bytes kept for ever per request
    #[arg(long, value_name = "BYTES")]
    leak: Option<u64>,
    /// Stand still for half a second each time this has passed
    #[arg(long, value_name = "TIME")]
    freeze_every: Option<String>,
}

impl Demo {
    pub(super) fn run(self) -> ExitStatus {
        match self.profile() {
            Ok(profile) => serve(self.listen, profile, self.speed_file),
            Err(status) => status,
        }
    }

    fn profile(&self) -> Result<Profile, ExitStatus> {
        if let Some(json) = &self.profile_json {
            return serde_json::from_str(json)
                .map_err(|error| usage(&format!("`--profile-json`: {error}"), "pass a profile"));
        }
        let mut profile = Profile::named(&self.profile).ok_or_else(|| {
            usage(
                &format!("there is no profile `{}`", self.profile),
                &format!("built in: {}", Profile::NAMES.join(", ")),
            )
        })?;
        let faults = &mut profile.faults;
        let share = |option: &str, value: Option<f64>, into: &mut f64| match value {
            Some(value) if !(0.0..=1.0).contains(&value) => {
                Err(usage(&format!("`{option} {value}` is no share"), "write a number from 0 to 1"))
            }
            Some(value) => {
                *into = value;
                Ok(())
            }
            None => Ok(()),
        };
        share("--error-rate", self.error_rate, &mut faults.error_rate)?;
        share("--truncate-rate", self.truncate_rate, &mut faults.truncate_rate)?;
        share("--shed-rate", self.shed_rate, &mut faults.shed_rate)?;
        if let Some(slowdown) = self.slowdown {
            if !(slowdown.is_finite() && slowdown > 0.0) {
                return Err(usage(
                    &format!("`--slowdown {slowdown}` is no factor"),
                    "write a number above 0, for example 1.25",
                ));
            }
            faults.slowdown = slowdown;
        }
        self.times(faults)?;
        faults.leak = self.leak.unwrap_or(faults.leak);
        Ok(profile)
    }

    fn times(&self, faults: &mut Faults) -> Result<(), ExitStatus> {
        if let Some(text) = &self.startup_delay {
            faults.startup_delay = duration("--startup-delay", text)?;
        }
        if let Some(text) = &self.cold_start {
            faults.cold_start = duration("--cold-start", text)?;
        }
        if let Some(text) = &self.freeze_every {
            faults.freeze_every = Some(duration("--freeze-every", text)?);
        }
        Ok(())
    }
}

fn serve(address: SocketAddr, profile: Profile, speed: Option<PathBuf>) -> ExitStatus {
    let serving = async {
        let listener = http::bind(address).await?;
        let address = listener.local_addr()?;
        super::progress::say(&format!("demo `{}` listens on http://{address}", profile.name));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let signals = async move {
            super::signal::asked_to_stop().await;
            stopped.cancel();
        };
        let (served, ()) = tokio::join!(http::serve(listener, profile, speed, stop), signals);
        served
    };
    match super::arguments::runtime().and_then(|runtime| runtime.block_on(serving)) {
        Ok(()) => ExitStatus::Pass,
        Err(error) => {
            complain(
                &format!("the demo cannot listen on {address}: {}", chain(&error)),
                Some("take another address, or port 0"),
            );
            ExitStatus::Target
        }
    }
}
