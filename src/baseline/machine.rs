//! Reads what this machine is. What cannot be read is unknown, never an error.

use super::fingerprint::{Fingerprint, Gpu};
use crate::units::number::significant;
use std::fs;
use std::path::{Path, PathBuf};

impl Fingerprint {
    /// This machine; `runner` is the CI runner's label, where there is one.
    #[must_use]
    pub fn read(runner: Option<&str>) -> Self {
        let mut machine = Self::read_below(Path::new("/"), runner);
        // Affinity, and the quota in whole cores.
        machine.cores =
            std::thread::available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok());
        machine
    }

    /// What the files below `root` tell; the cores are not among them.
    fn read_below(root: &Path, runner: Option<&str>) -> Self {
        let text = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        Self {
            cpu: cpu_model(&text("proc/cpuinfo")),
            cores: None,
            quota: quota(root, &text("proc/self/cgroup")),
            gpus: gpus(&root.join("proc/driver/nvidia/gpus")),
            gpu_driver: driver(&text("proc/driver/nvidia/version")),
            build: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
            kernel: some(text("proc/sys/kernel/osrelease").trim()),
            os: os_name(&text("etc/os-release")),
            memory_mib: memory_mib(&text("proc/meminfo")),
            runner: runner.and_then(|name| some(name.trim())),
        }
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The value of the first `key : value` line.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty())
}

/// `model name` where the kernel tells it (x86), else implementer and part (Arm).
fn cpu_model(cpuinfo: &str) -> Option<String> {
    if let Some(name) = field(cpuinfo, "model name") {
        return some(name);
    }
    let implementer = field(cpuinfo, "CPU implementer")?;
    let part = field(cpuinfo, "CPU part")?;
    Some(format!("{} implementer {implementer} part {part}", std::env::consts::ARCH))
}

fn memory_mib(meminfo: &str) -> Option<u64> {
    let kib: u64 = field(meminfo, "MemTotal")?.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

fn os_name(release: &str) -> Option<String> {
    let line = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    some(line.trim().trim_matches('"'))
}

/// The version is the first word of the first line that starts with a number and has a dot.
fn driver(version: &str) -> Option<String> {
    let line = version.lines().find(|line| line.starts_with("NVRM version"))?;
    line.split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .map(str::to_owned)
}

fn gpus(folder: &Path) -> Vec<Gpu> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
        .iter()
        .filter_map(|path| fs::read_to_string(path.join("information")).ok())
        .map(|text| Gpu { model: field(&text, "Model").unwrap_or("unknown").to_owned() })
        .collect()
}

/// The smallest quota from our control group up to the root (version 2), in cores.
fn quota(root: &Path, cgroup: &str) -> Option<f64> {
    let own = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let top = root.join("sys/fs/cgroup");
    top.join(own)
        .ancestors()
        .take_while(|folder| folder.starts_with(&top))
        .filter_map(|folder| fs::read_to_string(folder.join("cpu.max")).ok())
        .filter_map(|text| {
            let (quota, period) = text.trim().split_once(' ')?;
            let cores = quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?;
            cores.is_finite().then(|| significant(cores, 3))
        })
        .min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, cpu_model, driver};
    use std::fs;

    #[test]
    fn the_files_of_a_machine_become_its_fingerprint() {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("proc/cpuinfo", "processor\t: 0\nmodel name\t: AMD EPYC 7763\n\nprocessor\t: 1\n"),
            ("proc/self/cgroup", "9:name=systemd:/\n0::/runner/job\n"),
            ("sys/fs/cgroup/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/runner/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/runner/job/cpu.max", "400000 100000\n"),
            ("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA H200\n"),
            (
                "proc/driver/nvidia/version",
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu\nGCC version: 12.2\n",
            ),
            ("proc/sys/kernel/osrelease", "6.1.0\n"),
            ("etc/os-release", "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"),
            ("proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n"),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let machine = Fingerprint::read_below(root.path(), Some("ubuntu-24.04"));
        assert_eq!(machine.cpu.as_deref(), Some("AMD EPYC 7763"));
        assert_eq!(machine.quota, Some(1.5));
        assert_eq!(machine.gpus[0].model, "NVIDIA H200");
        assert_eq!(machine.gpu_driver.as_deref(), Some("570.86.15"));
        assert_eq!(machine.kernel.as_deref(), Some("6.1.0"));
        assert_eq!(machine.os.as_deref(), Some("Debian GNU/Linux 12"));
        assert_eq!(machine.memory_mib, Some(16_000));
        assert_eq!(machine.runner.as_deref(), Some("ubuntu-24.04"));
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let root = tempfile::tempdir().unwrap();
        let machine = Fingerprint::read_below(root.path(), Some(""));
        assert_eq!(machine.cpu, None);
        assert_eq!(machine.quota, None);
        assert_eq!(machine.gpus, []);
        assert_eq!(machine.runner, None);
        assert_eq!(driver("nonsense"), None);
        let arm = cpu_model("CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n").unwrap();
        assert!(arm.ends_with("implementer 0x41 part 0xd0c"), "{arm}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_cores() {
        assert!(Fingerprint::read(None).cores.unwrap() >= 1);
    }
}
