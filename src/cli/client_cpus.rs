//! `--client-cpus`: the cores on which load is offered.

use super::ExitStatus;
use super::arguments::{not_empty, usage};
use crate::load::cores_allowed;
use clap::Args;
use std::collections::BTreeSet;

/// Highest number of a core that can be named.
const CORE_MAX: usize = 1_023;

/// Where the load generator runs.
#[derive(Debug, Args)]
pub(super) struct ClientCpusOption {
    /// Cores for the threads that offer load, for example `0,2-3`; by default any
    #[arg(long, env = "PLIMSOLL_CLIENT_CPUS", hide_env_values = true, value_name = "CORES")]
    client_cpus: Option<String>,
}

impl ClientCpusOption {
    /// The cores; none: any.
    pub(super) fn read(&self) -> Result<Vec<usize>, ExitStatus> {
        let Some(text) = not_empty(self.client_cpus.as_deref()) else { return Ok(Vec::new()) };
        let Some(cores) = parse(text) else {
            let what = format!("`--client-cpus {text}` is no list of cores");
            return Err(usage(&what, "write numbers and ranges, for example `0,2-3`"));
        };
        let allowed = cores_allowed().unwrap_or_else(|| cores.clone());
        if cores.is_subset(&allowed) {
            return Ok(cores.into_iter().collect());
        }
        let names: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let what = format!("`--client-cpus {text}` names a core that this process may not use");
        Err(usage(&what, &format!("it may use {}", names.join(", "))))
    }
}

fn parse(text: &str) -> Option<BTreeSet<usize>> {
    let mut cores = BTreeSet::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if first > last || last > CORE_MAX {
            return None;
        }
        cores.extend(first..=last);
    }
    Some(cores)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn cores_are_numbers_and_ranges() {
        for (text, cores) in [
            ("0", vec![0]),
            ("0,2-4", vec![0, 2, 3, 4]),
            (" 3 - 3 , 1", vec![1, 3]),
            ("1,1,0-1", vec![0, 1]),
        ] {
            assert!(parse(text).unwrap().into_iter().eq(cores), "{text}");
        }
        for text in ["", "a", "1-", "-1", "3-1", "0,,1", "0-99999999999", "1024"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
