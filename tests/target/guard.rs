//! The guard by itself, with a test at the other end of its lifeline.

use crate::fixture::{Bench, DAEMON, GUARD, PATIENCE, is_alive, is_gone, send};
use anyhow::{Context as _, Result};
use rustix::process::Signal;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

fn guard(bench: &Bench, script: &str) -> Result<Child> {
    Ok(Command::new(GUARD)
        .args(["guard", "--", "sh", "-c", script])
        .env("DIR", bench.file("."))
        .current_dir(bench.file("."))
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()?)
}

/// The exit code of a guard that ends by itself: its lifeline is held open until then.
async fn code_of(mut guard: Child) -> Result<Option<i32>> {
    let lifeline = guard.stdin.take();
    let status = ended(&mut guard).await;
    drop(lifeline);
    status
}

/// The exit code of a guard, with a deadline. A lifeline that is still inside is closed first.
async fn ended(guard: &mut Child) -> Result<Option<i32>> {
    Ok(timeout(PATIENCE, guard.wait()).await??.code())
}

fn pid_of(guard: &Child) -> Result<i32> {
    Ok(i32::try_from(guard.id().context("no guard")?)?)
}

#[tokio::test]
async fn the_exit_code_of_the_command_is_passed_on() -> Result<()> {
    let bench = Bench::new()?;
    for (script, code) in [("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", 128 + 15)] {
        let status = code_of(guard(&bench, script)?).await?;
        assert_eq!(status, Some(code), "{script}");
    }
    Ok(())
}

#[tokio::test]
async fn the_end_of_the_lifeline_kills_every_descendant() -> Result<()> {
    let bench = Bench::new()?;
    let script = format!("{DAEMON} trap '' TERM; sleep 90 & echo $! > child; echo $$ > pid; wait");
    let mut guard = guard(&bench, &script)?;
    let mut pids = Vec::new();
    for name in ["daemon", "child", "pid"] {
        pids.push(bench.living_pid_in(name).await?);
    }
    drop(guard.stdin.take());
    ended(&mut guard).await?;
    // the guard ends last: at its end nothing else is left
    assert_eq!(pids.iter().filter(|pid| is_alive(**pid)).count(), 0);
    Ok(())
}

#[tokio::test]
async fn signals_at_the_guard_do_not_end_it() -> Result<()> {
    let bench = Bench::new()?;
    let mut guard = guard(&bench, "echo $$ > pid; exec sleep 90")?;
    let pid = bench.living_pid_in("pid").await?;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        send(pid_of(&guard)?, signal)?;
    }
    // it still listens: the word reaches the command through it
    let mut lifeline = guard.stdin.take().context("no lifeline")?;
    assert!(is_alive(pid));
    lifeline.write_all(b"no-such-word\nterm\n").await?;
    assert_eq!(ended(&mut guard).await?, Some(128 + 15));
    is_gone(pid).await
}

#[tokio::test]
async fn the_command_inherits_no_ignored_signal() -> Result<()> {
    let bench = Bench::new()?;
    let guard = guard(&bench, "grep SigIgn /proc/$$/status > ignored")?;
    assert_eq!(code_of(guard).await?, Some(0));
    let ignored = bench.read("ignored")?;
    let mask = u64::from_str_radix(ignored.trim_start_matches("SigIgn:").trim(), 16)?;
    // SIGHUP, SIGINT, SIGPIPE and SIGTERM
    for signal in [1, 2, 13, 15] {
        assert_eq!(mask & (1 << (signal - 1)), 0, "signal {signal} in {ignored}");
    }
    Ok(())
}

#[tokio::test]
async fn a_guard_without_a_lifeline_refuses_to_start() -> Result<()> {
    let bench = Bench::new()?;
    let output = Command::new(GUARD)
        .args(["guard", "--", "touch", "started"])
        .current_dir(bench.file("."))
        .stdin(Stdio::null())
        .output()
        .await?;
    assert_eq!(output.status.code(), Some(127));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("started by plimsoll itself"), "{text}");
    assert!(!bench.file("started").exists());
    Ok(())
}
