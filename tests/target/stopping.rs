//! However a target is stopped, nothing of it is left.

use crate::fixture::{Bench, DAEMON, SERVE, eventually, is_alive, is_gone, send};
use anyhow::{Context as _, Result};
use plimsoll::target::{EndStatus, Ending, start};
use rustix::process::Signal;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_target_that_obeys_is_stopped_by_sigterm() -> Result<()> {
    let bench = Bench::new()?;
    let script = format!(r#"sh -c '{SERVE}' & trap 'echo bye; exit 5' TERM; wait"#);
    let target = bench.start(&bench.shell(&script)?).await?;
    let stopped = target.stop().await;
    assert_eq!(stopped.ending, Ending::Terminated);
    let exit = stopped.exit.context("no exit")?;
    assert_eq!(exit.status, EndStatus::Code(5));
    assert_eq!(exit.last_lines.as_slice().last().map(String::as_str), Some("bye"));
    assert!(stopped.survivors.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_processes_below_have_the_grace_of_the_command() -> Result<()> {
    let bench = Bench::new()?;
    // the command ends at once, its worker takes its time and then says so
    let worker = r#"sh -c 'trap "sleep 0.3; touch done; exit" TERM; touch up; while :; do sleep 0.01; done' &"#;
    let script = format!("{worker} until [ -e up ]; do sleep 0.01; done; {SERVE}");
    let target = bench.start(&bench.shell(&script)?).await?;
    let stopped = target.stop().await;
    assert_eq!(stopped.ending, Ending::Terminated);
    assert!(bench.file("done").exists());
    Ok(())
}

#[tokio::test]
async fn a_target_that_ignores_sigterm_is_killed_after_the_grace() -> Result<()> {
    let bench = Bench::new()?;
    let mut managed = bench.shell(&format!("trap '' TERM; {SERVE}"))?;
    managed.grace = Duration::from_millis(100);
    let target = bench.start(&managed).await?;
    let pid = target.pid().context("no pid")?;
    let stopped = target.stop().await;
    assert_eq!(stopped.ending, Ending::Killed);
    assert_eq!(stopped.exit.map(|exit| exit.status), Some(EndStatus::Code(128 + 9)));
    assert!(!is_alive(pid));
    Ok(())
}

#[tokio::test]
async fn a_daemon_that_left_the_group_is_killed_with_the_target() -> Result<()> {
    let bench = Bench::new()?;
    let mut managed = bench.shell(&format!("{DAEMON} {SERVE}"))?;
    managed.grace = Duration::from_millis(100);
    let target = bench.start(&managed).await?;
    let daemon = bench.living_pid_in("daemon").await?;
    let stopped = target.stop().await;
    assert_eq!(stopped.ending, Ending::Killed);
    assert_eq!(stopped.survivors, []);
    assert!(!is_alive(daemon));
    Ok(())
}

#[tokio::test]
async fn what_a_target_leaves_behind_when_it_ends_by_itself_is_killed() -> Result<()> {
    let bench = Bench::new()?;
    let script = format!("{DAEMON} {SERVE}");
    let mut target = bench.start(&bench.shell(&script)?).await?;
    let daemon = bench.living_pid_in("daemon").await?;
    send(target.pid().context("no pid")?, Signal::ABORT)?;
    let exit = target.exited().await;
    assert_eq!(exit.status, EndStatus::Code(128 + 6));
    assert!(!is_alive(daemon));
    assert_eq!(target.stop().await.ending, Ending::Earlier);
    Ok(())
}

#[tokio::test]
async fn a_dropped_target_is_killed() -> Result<()> {
    let bench = Bench::new()?;
    let target = bench.start(&bench.shell(&format!("{DAEMON} {SERVE}"))?).await?;
    let daemon = bench.living_pid_in("daemon").await?;
    let pid = target.pid().context("no pid")?;
    drop(target);
    is_gone(pid).await?;
    is_gone(daemon).await
}

#[tokio::test]
async fn a_killed_guard_takes_the_target_with_it() -> Result<()> {
    let bench = Bench::new()?;
    let mut target = bench.start(&bench.shell(&format!("sleep 90 & {SERVE}"))?).await?;
    let processes = target.processes()?;
    assert_eq!(processes.len(), 2);
    send(target.guard_pid(), Signal::KILL)?;
    assert_eq!(target.exited().await.status, EndStatus::GuardKilled(9));
    for process in processes {
        is_gone(process.pid).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_guard_that_does_not_react_is_no_obstacle() -> Result<()> {
    let bench = Bench::new()?;
    let mut managed = bench.shell(&format!("{DAEMON} {SERVE}"))?;
    managed.grace = Duration::from_millis(50);
    let target = bench.start(&managed).await?;
    let daemon = bench.living_pid_in("daemon").await?;
    let (guard, pid) = (target.guard_pid(), target.pid().context("no pid")?);
    send(guard, Signal::STOP)?;
    let stopped = target.stop().await;
    assert_eq!(stopped.ending, Ending::Killed);
    assert_eq!(stopped.survivors, []);
    for pid in [daemon, pid, guard] {
        assert!(!is_alive(pid), "{pid}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_survives_when_plimsoll_itself_is_killed() -> Result<()> {
    let bench = Bench::new()?;
    let mut plimsoll = tokio::process::Command::new(std::env::current_exe()?)
        .args(["--ignored", "--exact", "stopping::holds_a_target"])
        .env("HOLD", bench.file("."))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let target = bench.living_pid_in("held").await?;
    let daemon = bench.living_pid_in("daemon").await?;
    plimsoll.start_kill()?;
    plimsoll.wait().await?;
    is_gone(target).await?;
    is_gone(daemon).await
}

#[tokio::test]
#[ignore = "what the test above kills; it does nothing by itself"]
async fn holds_a_target() -> Result<()> {
    let Some(folder) = std::env::var_os("HOLD") else { return Ok(()) };
    let folder = Path::new(&folder);
    let mut managed = Bench::new()?.shell(&format!("{DAEMON} {SERVE}"))?;
    managed.directory = folder.to_owned();
    managed.env.insert("DIR".to_owned(), folder.display().to_string().into());
    let guard = Path::new(crate::fixture::GUARD);
    let log = folder.join("target.log");
    let mut target = start(&managed, &log, guard, &CancellationToken::new()).await?;
    let pid = target.pid().context("no pid")?;
    std::fs::write(folder.join("held"), format!("{pid}\n"))?;
    target.exited().await;
    Ok(())
}

#[tokio::test]
async fn a_target_that_dies_later_is_noticed_with_its_last_lines() -> Result<()> {
    let bench = Bench::new()?;
    let script =
        format!(r#"sh -c '{SERVE}' & until [ -e die ]; do sleep 0.01; done; echo broken; exit 7"#);
    let mut target = bench.start(&bench.shell(&script)?).await?;
    let processes = target.processes()?;
    tokio::select! {
        biased;
        exit = target.exited() => anyhow::bail!("ended too early: {exit}"),
        written = tokio::fs::write(bench.file("die"), "") => written?,
    }
    let exit = target.exited().await;
    assert_eq!(exit.status, EndStatus::Code(7));
    assert_eq!(exit.last_lines.as_slice().last().map(String::as_str), Some("broken"));
    eventually("the end of all", || !processes.iter().any(|p| is_alive(p.pid))).await
}
