//! What a machine is, and in what two of them differ. Reading it is `machine`'s business.

use std::fmt;

/// A machine, as far as it decides how fast a target runs on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fingerprint {
    /// CPU model. Binds.
    pub cpu: Option<String>,
    /// Cores that may be used: affinity and whole-core quota. Binds.
    pub cores: Option<u32>,
    /// Quota of CPU time of the control group, in cores; `None`: no limit. Binds.
    pub quota: Option<f64>,
    /// GPUs, in the driver's order. Bind.
    pub gpus: Vec<Gpu>,
    /// Version of the GPU driver. Binds.
    pub gpu_driver: Option<String>,
    /// Profile in which Plimsoll was built: `debug` or `release`. Binds.
    pub build: String,
    /// Release of the kernel. Warns.
    pub kernel: Option<String>,
    /// Name of the operating system's image. Warns.
    pub os: Option<String>,
    /// Memory of the machine in MiB. Warns.
    pub memory_mib: Option<u64>,
    /// Label of the CI runner. Warns.
    pub runner: Option<String>,
}

/// One GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// Its model.
    pub model: String,
}

/// Whether a difference makes two numbers incomparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It does.
    Binding,
    /// It is only worth a word.
    Warning,
}

/// Something that is not as it was when the baseline was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub what: String,
    /// As it was.
    pub then: String,
    /// As it is.
    pub now: String,
    /// Whether it binds.
    pub weight: Weight,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} then, {} now", self.what, self.then, self.now)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", known(self.cores), known(self.cpu.as_deref()))?;
        if let Some(quota) = self.quota {
            write!(f, ", at most {quota} cores")?;
        }
        if !self.gpus.is_empty() {
            write!(f, ", {} (driver {})", models(&self.gpus), known(self.gpu_driver.as_deref()))?;
        }
        if let Some(os) = &self.os {
            write!(f, ", {os}")?;
        }
        write!(f, ", {} build", self.build)
    }
}

impl Fingerprint {
    /// Every fact that is known, by name.
    #[must_use]
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let gpus = (!self.gpus.is_empty()).then(|| models(&self.gpus));
        [
            ("cpu", self.cpu.clone()),
            ("cores", self.cores.map(|n| n.to_string())),
            ("cpu quota", self.quota.map(|cores| format!("{cores} cores"))),
            ("gpus", gpus),
            ("gpu driver", self.gpu_driver.clone()),
            ("build", Some(self.build.clone())),
            ("kernel", self.kernel.clone()),
            ("os", self.os.clone()),
            ("memory", self.memory_mib.map(|mib| format!("{mib} MiB"))),
            ("runner", self.runner.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// In what two machines differ. A CPU or a number of cores that is not known on either side binds:
/// two unknown machines are not the same machine.
#[must_use]
pub fn differences(then: &Fingerprint, now: &Fingerprint) -> Vec<Difference> {
    let quota = |f: &Fingerprint| f.quota.map_or("no limit".into(), |q| format!("{q} cores"));
    let driver = |f: &Fingerprint| f.gpu_driver.clone().unwrap_or_else(|| "none".into());
    let mut found = Vec::new();
    let mut note = |what: &str, then: String, now: String, weight, unknown: bool| {
        if then != now || unknown {
            found.push(Difference { what: what.to_owned(), then, now, weight });
        }
    };
    let unknown = then.cpu.is_none() || now.cpu.is_none();
    note(
        "CPU model",
        known(then.cpu.as_deref()),
        known(now.cpu.as_deref()),
        Weight::Binding,
        unknown,
    );
    let unknown = then.cores.is_none() || now.cores.is_none();
    note("cores", known(then.cores), known(now.cores), Weight::Binding, unknown);
    note("CPU quota", quota(then), quota(now), Weight::Binding, false);
    note("GPUs", models(&then.gpus), models(&now.gpus), Weight::Binding, false);
    note("GPU driver", driver(then), driver(now), Weight::Binding, false);
    note("build profile", then.build.clone(), now.build.clone(), Weight::Binding, false);
    for (what, then, now) in [
        ("kernel", &then.kernel, &now.kernel),
        ("operating system", &then.os, &now.os),
        ("runner", &then.runner, &now.runner),
    ] {
        note(what, known(then.as_deref()), known(now.as_deref()), Weight::Warning, false);
    }
    let memory = |f: &Fingerprint| known(f.memory_mib.map(|mib| format!("{mib} MiB")));
    note("memory", memory(then), memory(now), Weight::Warning, false);
    found
}

fn known(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}

fn models(gpus: &[Gpu]) -> String {
    if gpus.is_empty() {
        return "none".to_owned();
    }
    gpus.iter().map(|gpu| gpu.model.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, Gpu, Weight, differences};
    use crate::baseline::fixture;

    #[test]
    fn each_part_binds_or_warns_as_documented() {
        let then = fixture::fingerprint();
        assert_eq!(differences(&then, &then), []);
        type Change = fn(&mut Fingerprint);
        let changes: [(&str, Weight, Change); 11] = [
            ("CPU model", Weight::Binding, |f| f.cpu = Some("other".into())),
            ("CPU model", Weight::Binding, |f| f.cpu = None),
            ("cores", Weight::Binding, |f| f.cores = Some(8)),
            ("CPU quota", Weight::Binding, |f| f.quota = Some(1.5)),
            ("GPUs", Weight::Binding, |f| f.gpus = vec![Gpu { model: "H100".into() }]),
            ("GPU driver", Weight::Binding, |f| f.gpu_driver = Some("570.1".into())),
            ("build profile", Weight::Binding, |f| f.build = "release".into()),
            ("kernel", Weight::Warning, |f| f.kernel = None),
            ("operating system", Weight::Warning, |f| f.os = Some("other".into())),
            ("memory", Weight::Warning, |f| f.memory_mib = Some(1)),
            ("runner", Weight::Warning, |f| f.runner = Some("other".into())),
        ];
        for (what, weight, change) in changes {
            let mut now = then.clone();
            change(&mut now);
            let found = differences(&then, &now);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!((found[0].what.as_str(), found[0].weight), (what, weight));
        }
    }

    #[test]
    fn two_unknown_machines_are_not_the_same() {
        let mut unknown = fixture::fingerprint();
        unknown.cpu = None;
        unknown.cores = None;
        let found = differences(&unknown, &unknown);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|d| d.weight == Weight::Binding));
    }
}
