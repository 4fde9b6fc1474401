//! When a target counts as ready, and what is said when it does not.

use crate::fixture::{Bench, SERVE, answer, eventually, is_gone};
use anyhow::{Result, bail};
use plimsoll::config::plan::ManagedTarget;
use plimsoll::target::{EndStatus, PortOwner, Probe, TargetError};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Starts what never gets ready, with longer and longer limits until the error shows `enough`: how
/// fast a machine starts a process is not what is tested.
async fn not_ready(
    bench: &Bench,
    mut managed: ManagedTarget,
    enough: fn(&TargetError) -> bool,
) -> Result<TargetError> {
    for limit_ms in [400, 2_000, 10_000, 30_000] {
        managed.ready.within = Duration::from_millis(limit_ms);
        let Err(error) = bench.start(&managed).await else { bail!("it must not be ready") };
        if enough(&error) {
            return Ok(error);
        }
    }
    bail!("the target did not come far enough")
}

#[tokio::test]
async fn a_target_that_answers_is_ready_on_its_own_port() -> Result<()> {
    let bench = Bench::new()?;
    let target = bench.start(&bench.shell(&format!("echo started; {SERVE}"))?).await?;
    assert_eq!(target.base_url(), format!("http://127.0.0.1:{}", target.port()));
    assert_eq!(target.owner(), PortOwner::Verified);
    assert!(target.startup() > Duration::ZERO);
    let processes = target.processes()?;
    assert_eq!(target.pid(), processes.first().map(|process| process.pid));
    assert!(!processes.iter().any(|process| process.pid == target.guard_pid()));
    // Ctrl-C at the terminal goes to our group: it must not be theirs
    for pid in target.pid().into_iter().chain([target.guard_pid()]) {
        let group = procfs::process::Process::new(pid)?.stat()?.pgrp;
        assert_eq!(group, target.guard_pid());
    }
    target.stop().await;
    assert!(bench.read("target.log")?.starts_with("started\n"));
    Ok(())
}

#[tokio::test]
async fn a_target_that_ends_early_is_reported_with_its_status_and_last_lines() -> Result<()> {
    let bench = Bench::new()?;
    let managed = bench.shell("seq 1 100; echo 'model not found' >&2; exit 3")?;
    let error = bench.start(&managed).await.err();
    let Some(TargetError::ExitedEarly { exit }) = &error else { bail!("{error:?}") };
    assert_eq!(exit.status, EndStatus::Code(3));
    let lines = exit.last_lines.as_slice();
    assert_eq!(lines.len(), 20);
    assert_eq!(lines.last().map(String::as_str), Some("model not found"));
    assert_eq!(lines.first().map(String::as_str), Some("82"));
    let text = error.map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(text, "the target ended before it was ready: exit code 3");
    Ok(())
}

#[tokio::test]
async fn a_signal_is_named_in_the_status() -> Result<()> {
    let bench = Bench::new()?;
    let error = bench.start(&bench.shell("kill -SEGV $$")?).await.err();
    let Some(TargetError::ExitedEarly { exit }) = error else { bail!("{error:?}") };
    assert_eq!(exit.status, EndStatus::Code(128 + 11));
    Ok(())
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_named() -> Result<()> {
    let bench = Bench::new()?;
    let mut managed = bench.shell("")?;
    managed.command = vec!["./no-such-server".to_owned()];
    let error = bench.start(&managed).await.err();
    let Some(TargetError::ExitedEarly { exit }) = error else { bail!("{error:?}") };
    assert_eq!(exit.status, EndStatus::Code(127));
    let lines = exit.last_lines.as_slice().join("\n");
    assert!(lines.contains("cannot start `./no-such-server`"), "{lines}");
    Ok(())
}

#[tokio::test]
async fn a_command_is_found_relative_to_its_directory() -> Result<()> {
    let bench = Bench::new()?;
    std::os::unix::fs::symlink("/bin/sh", bench.file("server"))?;
    let mut managed = bench.shell("pwd; exit 0")?;
    managed.command[0] = "./server".to_owned();
    let error = bench.start(&managed).await.err();
    let Some(TargetError::ExitedEarly { exit }) = error else { bail!("{error:?}") };
    assert_eq!(exit.status, EndStatus::Code(0));
    let folder = bench.file(".").canonicalize()?.display().to_string();
    assert_eq!(exit.last_lines.as_slice(), [folder]);
    Ok(())
}

#[tokio::test]
async fn a_target_that_never_listens_times_out_and_is_killed() -> Result<()> {
    let bench = Bench::new()?;
    let managed = bench.shell("echo $$ > pid; echo loading; exec sleep 90")?;
    let printed = |error: &TargetError| error.last_lines() == ["loading"];
    let error = not_ready(&bench, managed, printed).await?;
    let TargetError::NotReady { last_probe, last_lines, .. } = error else { bail!("{error}") };
    assert_eq!(last_probe, Probe::Refused);
    assert_eq!(last_lines.as_slice(), ["loading"]);
    is_gone(bench.pid_in("pid").await?).await
}

#[tokio::test]
async fn a_target_that_answers_503_is_not_ready() -> Result<()> {
    let bench = Bench::new()?;
    let managed = bench.shell(&format!("STATUS=503 {SERVE}"))?;
    let error = not_ready(&bench, managed, |error| error.to_string().contains("503")).await?;
    let TargetError::NotReady { last_probe, .. } = error else { bail!("{error}") };
    assert_eq!(last_probe, Probe::Status(503));
    Ok(())
}

#[tokio::test]
async fn a_target_that_accepts_and_never_answers_is_not_ready() -> Result<()> {
    let bench = Bench::new()?;
    let managed = bench.shell(&format!("STATUS=silent {SERVE}"))?;
    let accepted = |error: &TargetError| error.to_string().contains("accepted but not answered");
    let error = not_ready(&bench, managed, accepted).await?;
    let TargetError::NotReady { last_probe, .. } = error else { bail!("{error}") };
    assert_eq!(last_probe, Probe::Silent);
    Ok(())
}

#[tokio::test]
async fn a_target_on_another_port_is_told_where_it_listens() -> Result<()> {
    let bench = Bench::new()?;
    let managed = bench.shell(&format!("PORT=0 {SERVE}"))?;
    let says_where = |error: &TargetError| error.to_string().contains("the target listens on");
    let error = not_ready(&bench, managed, says_where).await?;
    let TargetError::NotReady { listens, .. } = error else { bail!("{error}") };
    assert_eq!(listens.len(), 1);
    assert!(listens[0].ip().is_loopback() && listens[0].port() != 0, "{listens:?}");
    Ok(())
}

#[tokio::test]
async fn a_fixed_port_that_is_in_use_is_refused_before_anything_starts() -> Result<()> {
    let bench = Bench::new()?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut managed = bench.shell("touch started; exit 0")?;
    managed.port = Some(listener.local_addr()?.port());
    let error = bench.start(&managed).await.err();
    let Some(TargetError::PortInUse { port, owner }) = error else { bail!("{error:?}") };
    assert_eq!(Some(port), managed.port);
    assert_eq!(owner.map(|owner| owner.pid), i32::try_from(std::process::id()).ok());
    assert!(!bench.file("started").exists());
    Ok(())
}

#[tokio::test]
async fn a_fixed_port_that_is_free_is_used() -> Result<()> {
    let bench = Bench::new()?;
    let mut managed = bench.shell(SERVE)?;
    managed.port = Some(free_port()?);
    let target = bench.start(&managed).await?;
    assert_eq!(Some(target.port()), managed.port);
    target.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_stranger_that_answers_on_the_port_is_not_the_target() -> Result<()> {
    let bench = Bench::new()?;
    let mut managed = bench.shell("echo $$ > pid; exec sleep 90")?;
    let port = free_port()?;
    managed.port = Some(port);
    let stranger = async {
        bench.pid_in("pid").await?;
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        std::thread::spawn(move || answer(&listener, "200"));
        anyhow::Ok(())
    };
    let (error, stranger) = tokio::join!(bench.start(&managed), stranger);
    stranger?;
    let Err(TargetError::Stranger { port: told, owner, .. }) = error else { bail!("{error:?}") };
    assert_eq!(told, port);
    assert_eq!(owner.map(|owner| owner.pid), i32::try_from(std::process::id()).ok());
    is_gone(bench.pid_in("pid").await?).await
}

#[tokio::test]
async fn a_chosen_port_that_was_taken_is_tried_again_with_another() -> Result<()> {
    let bench = Bench::new()?;
    // the first start loses its port to a thief, says so by ending, the second one serves
    let script = format!("echo $PORT >> ports; until [ -e stolen ]; do sleep 0.01; done; {SERVE}");
    let thief = async {
        let mut port = None;
        eventually("the first port", || {
            port = bench
                .read("ports")
                .ok()
                .and_then(|text| text.strip_suffix('\n')?.parse::<u16>().ok());
            port.is_some()
        })
        .await?;
        let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or_default()))?;
        std::fs::write(bench.file("stolen"), "")?;
        anyhow::Ok(listener)
    };
    let managed = bench.shell(&script)?;
    let (target, thief) = tokio::join!(bench.start(&managed), thief);
    let (target, thief) = (target?, thief?);
    assert_ne!(target.port(), thief.local_addr()?.port());
    assert_eq!(bench.read("ports")?.lines().count(), 2);
    target.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_interrupt_ends_the_wait_and_the_target() -> Result<()> {
    let bench = Bench::new()?;
    let stop = CancellationToken::new();
    let managed = bench.shell("echo $$ > pid; exec sleep 90")?;
    let interrupt = async {
        let pid = bench.living_pid_in("pid").await;
        stop.cancel();
        pid
    };
    let (result, pid) = tokio::join!(bench.start_until(&managed, &stop), interrupt);
    assert!(matches!(result, Err(TargetError::Interrupted)), "{result:?}");
    is_gone(pid?).await
}

#[tokio::test]
async fn what_cannot_be_started_at_all_is_refused_by_name() -> Result<()> {
    let bench = Bench::new()?;
    let stop = CancellationToken::new();
    let guard = Path::new(crate::fixture::GUARD);
    let log = bench.file("target.log");
    let managed = bench.shell("exit 0")?;

    let mut empty = managed.clone();
    empty.command.clear();
    let error = bench.start(&empty).await.err();
    assert!(matches!(error, Some(TargetError::NoCommand)), "{error:?}");

    let mut nowhere = managed.clone();
    nowhere.directory = bench.file("no-such-folder");
    let error = bench.start(&nowhere).await.err();
    assert!(matches!(error, Some(TargetError::NoDirectory { .. })), "{error:?}");

    let missing = bench.file("no-such-folder/target.log");
    let error = plimsoll::target::start(&managed, &missing, guard, &stop).await.err();
    assert!(matches!(error, Some(TargetError::Log { .. })), "{error:?}");

    let no_guard = bench.file("no-such-guard");
    let error = plimsoll::target::start(&managed, &log, &no_guard, &stop).await.err();
    assert!(matches!(error, Some(TargetError::Guard { .. })), "{error:?}");
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
