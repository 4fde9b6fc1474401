//! What the machine is and does: readings of `/proc`.

use super::number::as_f64;
use std::fs;
use std::process::{Command, Stdio};

/// CPU times of the whole machine since it started, in ticks.
#[derive(Debug, Clone, Copy)]
pub(super) struct CpuTimes {
    total: u64,
    steal: u64,
}

impl CpuTimes {
    /// The times so far; zeros where they cannot be read.
    pub(super) fn now() -> Self {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal; guest times are part of the first two.
        let fields: Vec<u64> =
            line.split_ascii_whitespace().skip(1).take(8).filter_map(|f| f.parse().ok()).collect();
        Self { total: fields.iter().sum(), steal: fields.get(7).copied().unwrap_or_default() }
    }

    /// Share of the CPUs that the host took since `self`.
    pub(super) fn steal_since(self) -> f64 {
        let now = Self::now();
        let total = now.total.saturating_sub(self.total);
        if total == 0 { 0.0 } else { as_f64(now.steal.saturating_sub(self.steal)) / as_f64(total) }
    }
}

/// One line on the machine, for the head of the table.
pub(super) fn describe() -> String {
    let first = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let info = first("/proc/cpuinfo");
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("an unknown CPU", |(_, model)| model.trim());
    let release = first("/proc/sys/kernel/osrelease");
    let load = first("/proc/loadavg");
    let load: Vec<&str> = load.split(' ').take(3).collect();
    format!(
        "{} x {model}, Linux {}, load average {} before",
        cores(),
        release.trim(),
        load.join(" ")
    )
}

/// CPUs that this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Whether processes may be given real-time priority.
pub(super) fn grants_real_time() -> bool {
    let mut command = Command::new("chrt");
    command.args(["-f", "5", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
