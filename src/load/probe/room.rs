//! What the machine has left for connections: memory and local ports.

/// Memory in bytes that can be had without swapping, no more than this process's group may use.
pub(in crate::load) fn memory_available() -> Option<u64> {
    let read = |path| std::fs::read_to_string(path).ok();
    let machine = available(&read("/proc/meminfo")?)?;
    let group = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    Some(group.map_or(machine, |group: u64| machine.min(group)))
}

/// Local ports that outgoing connections to one address can have.
pub(in crate::load) fn port_range() -> Option<u64> {
    ports(&std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?)
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

fn ports(range: &str) -> Option<u64> {
    let mut ends = range.split_ascii_whitespace().map(str::parse::<u64>);
    let (low, high) = (ends.next()?.ok()?, ends.next()?.ok()?);
    (ends.next().is_none() && high <= 65_535).then_some(())?;
    high.checked_sub(low).map(|n| n + 1)
}

#[cfg(test)]
mod tests {
    use super::{available, memory_available, port_range, ports};
    use proptest::prelude::*;

    #[test]
    fn memory_is_what_is_available_and_not_what_is_free() {
        let text = "MemTotal:  100 kB\nMemFree:  5 kB\nMemAvailable:       64 kB\nBuffers: 1 kB\n";
        assert_eq!(available(text), Some(65_536));
        for text in ["", "MemAvailable: 3 MB", "MemAvailable: x kB", "MemFree: 5 kB"] {
            assert_eq!(available(text), None, "{text}");
        }
    }

    #[test]
    fn a_range_of_ports_has_both_its_ends() {
        assert_eq!(ports("32768\t60999\n"), Some(28_232));
        assert_eq!(ports("5 5"), Some(1));
        for text in ["", "1", "9 5", "1 2 3", "1 70000", "a b"] {
            assert_eq!(ports(text), None, "{text}");
        }
    }

    #[test]
    fn linux_tells_both() {
        if cfg!(target_os = "linux") {
            assert!(memory_available().unwrap() > 1_000_000);
            assert!(port_range().is_none_or(|ports| ports > 0));
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_file_may_hold_is_a_defect(text in "\\PC*") {
            available(&text);
            ports(&text);
        }
    }
}
