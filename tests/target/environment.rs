//! What a target sees, and what is kept of what it says.

use crate::fixture::Bench;
use anyhow::{Result, bail};
use plimsoll::target::TargetError;
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test]
async fn a_target_sees_the_allow_list_what_is_passed_and_what_is_set() -> Result<()> {
    let bench = Bench::new()?;
    let mut managed = bench.shell("env > seen; exit 0")?;
    // cargo sets these for every test: they stand for variables that are ours alone
    managed.pass_env = BTreeSet::from(["CARGO_PKG_NAME".to_owned()]);
    managed.env.insert("HOME".to_owned(), "/nowhere".to_owned().into());
    assert!(std::env::var_os("CARGO_PKG_VERSION").is_some());
    let Err(TargetError::ExitedEarly { .. }) = bench.start(&managed).await else {
        bail!("it ends by itself")
    };
    let text = bench.read("seen")?;
    let seen: BTreeMap<_, _> = text.lines().filter_map(|line| line.split_once('=')).collect();
    assert_eq!(seen.get("CARGO_PKG_NAME"), Some(&"plimsoll"));
    assert_eq!(seen.get("HOME"), Some(&"/nowhere"));
    assert!(seen.contains_key("PATH"));
    assert!(seen.get("PORT").is_some_and(|port| port.parse::<u16>().is_ok()), "{text}");
    assert!(!seen.contains_key("CARGO_PKG_VERSION"), "{text}");
    assert!(!seen.contains_key("CARGO_MANIFEST_DIR"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_talkative_target_is_drained_and_its_log_capped() -> Result<()> {
    let bench = Bench::new()?;
    let script = "yes 0123456789abcdef | head -c 20000000; echo; echo the end >&2; exit 0";
    let Err(TargetError::ExitedEarly { exit }) = bench.start(&bench.shell(script)?).await else {
        bail!("it ends by itself")
    };
    // all was read, to the last line, though not all was kept
    assert_eq!(exit.last_lines.as_slice().last().map(String::as_str), Some("the end"));
    let log = bench.read("target.log")?;
    assert!(log.len() > 16 * 1024 * 1024 && log.len() < 16 * 1024 * 1024 + 200, "{}", log.len());
    assert_eq!(log.matches("[plimsoll: the log is full").count(), 1);
    assert!(log.ends_with("further output is dropped]\n"));
    Ok(())
}
