//! The table of signals, line by line.

use super::limits::{self, Limits};
use super::rows::Rows;
use super::{Chunks, Health, HealthNote, InvalidReason, Readings, Turnover};
use crate::slo::Metric;
use crate::trial::{Counts, Distribution, Load, Observed, Outcome, Timeline, TrialPlan};
use crate::units::{as_f64, share};
use std::time::Duration;

/// What a trial recorded about the generator.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// What was asked.
    pub plan: &'a TrialPlan,
    /// Counts of the measured requests.
    pub counts: &'a Counts,
    /// Written − intended of the measured requests.
    pub send_lag: &'a Distribution,
    /// Read − stamped, where the kernel stamps; else empty.
    pub receive_lag: &'a Distribution,
    /// How late the workers' loops came to their regular probes; empty without probes.
    pub loop_lag: &'a Distribution,
    /// Counts about the arrival of chunks.
    pub chunks: Chunks,
    /// Samples that did not fit a histogram.
    pub dropped: u64,
    /// The trial, second by second.
    pub timeline: &'a Timeline,
    /// Readings of the process and the machine.
    pub readings: Readings,
    /// For Little's law: only of a steady closed loop without pauses.
    pub turnover: Option<Turnover>,
}

/// Examines the generator's figures of a trial. Pure: each line is a function of numbers in the report.
#[must_use]
pub fn examine(seen: &Seen<'_>) -> Health {
    let rows = seen.timeline.rows();
    let mut health = Health {
        readings: seen.readings,
        send_lag_p99: p99(seen.send_lag),
        receive_lag_p99: p99(seen.receive_lag),
        loop_lag_p99: p99(seen.loop_lag),
        run_wait: rows.run_wait(),
        ..Health::default()
    };
    sending(seen, rows, &mut health);
    arriving(seen, &mut health);
    resources(seen, rows, &mut health);
    processor(seen, rows, &mut health);
    if let Load::Closed { concurrency } = seen.plan.load {
        closed_loop(seen, f64::from(concurrency.get()), &mut health);
    }
    bookkeeping(seen, &mut health);
    health
}

fn sending(seen: &Seen<'_>, rows: &Rows, health: &mut Health) {
    let limits = limits::send_lag(seen.plan);
    if let Some(p99) = health.send_lag_p99 {
        match grade(&p99, &limits) {
            Grade::Quiet => {}
            Grade::Noted(limit) => health.notes.push(HealthNote::SendLag { p99, limit }),
            Grade::Broken(limit) => health.invalid.push(InvalidReason::SendLag { p99, limit }),
        }
    }
    if let Some(sent) = rows.found_behind {
        let (late, written, limit) = (sent.late, sent.written, limits.accepted);
        health.invalid.push(InvalidReason::Behind { late, written, limit });
    }
    let intended = seen.counts.intended;
    let written = intended.saturating_sub(seen.counts.held_back);
    if as_f64(written) < limits::WRITTEN_SHARE.accepted * as_f64(intended) {
        health.invalid.push(InvalidReason::Offered { intended, written });
    } else if as_f64(written) < limits::WRITTEN_SHARE.noted * as_f64(intended) {
        health.notes.push(HealthNote::Offered { intended, written });
    }
}

fn arriving(seen: &Seen<'_>, health: &mut Health) {
    let chunks = seen.chunks;
    let unstamped = share(chunks.unstamped, chunks.unstamped + chunks.stamped);
    let has_stamps = chunks.stamped > 0 && unstamped <= limits::UNSTAMPED_SHARE;
    if unstamped > limits::UNSTAMPED_SHARE {
        health.notes.push(HealthNote::Unstamped { share: unstamped });
    }
    if !has_stamps {
        health.receive_lag_p99 = None;
    }
    if let Some(p99) = health.receive_lag_p99 {
        match grade(&p99, &limits::RECEIVE_LAG) {
            Grade::Quiet => {}
            Grade::Noted(limit) => health.notes.push(HealthNote::ReceiveLag { p99, limit }),
            Grade::Broken(limit) => health.invalid.push(InvalidReason::ReceiveLag { p99, limit }),
        }
    }
    let Some(p99) = health.loop_lag_p99 else { return };
    match grade(&p99, &limits::loop_lag(seen.plan, has_stamps)) {
        Grade::Quiet => {}
        Grade::Noted(limit) => health.notes.push(HealthNote::LoopLag { p99, limit }),
        Grade::Broken(limit) => health.invalid.push(InvalidReason::LoopLag { p99, limit }),
    }
    let (share, limit) = (share(chunks.coalesced, chunks.gaps), limits::COALESCED_SHARE);
    let has_tbc = seen.plan.slos.iter().any(|slo| slo.metric == Metric::Tbc);
    if has_tbc && share > limit && p99 > limits::COALESCED_LOOP_LAG {
        health.invalid.push(InvalidReason::Coalesced { share, limit });
    }
}

fn resources(seen: &Seen<'_>, rows: &Rows, health: &mut Health) {
    let requests = seen.counts.of(Outcome::Resource).max(rows.resource);
    if requests > 0 {
        let scarce = seen.readings.scarce;
        health.invalid.push(InvalidReason::Resource { requests, scarce });
    }
    if let (Some(open), Some(limit)) = (seen.readings.descriptors, seen.readings.descriptors_limit)
        && is_near(open, limit)
    {
        health.invalid.push(InvalidReason::Descriptors { open, limit });
    }
}

/// Whether so many descriptors are open that a trial is not trusted.
pub(super) fn is_near(open: u64, limit: u64) -> bool {
    as_f64(open) > limits::DESCRIPTORS_SHARE * as_f64(limit)
}

fn processor(seen: &Seen<'_>, rows: &Rows, health: &mut Health) {
    let readings = seen.readings;
    let Limits { noted, accepted } = limits::CPU_SHARE;
    // A trial that ended before it sent anything did nothing but begin.
    let cores = readings.cpu_cores.filter(|_| seen.counts.intended > 0);
    let share = cores.map(|cores| cores / f64::from(readings.workers.max(1)));
    let broken = share.filter(|share| *share > accepted).or(rows.found_busy);
    if let Some(share) = broken {
        health.invalid.push(InvalidReason::Cpu { share, limit: accepted });
    } else if let Some(share) = share.filter(|share| *share > noted) {
        health.notes.push(HealthNote::Cpu { share, limit: noted });
    }
    let limit = limits::run_wait(seen.plan);
    if let Some(share) = health.run_wait.filter(|wait| *wait > limit) {
        health.notes.push(HealthNote::RunWait { share, limit });
    }
    let cores = readings.steal_cores.unwrap_or(0.0) + readings.foreign_cores.unwrap_or(0.0);
    if cores > limits::FOREIGN_CORES {
        health.notes.push(HealthNote::ForeignCpu { cores, limit: limits::FOREIGN_CORES });
    }
}

fn closed_loop(seen: &Seen<'_>, concurrency: f64, health: &mut Health) {
    let Some(mean) = seen.readings.in_flight_mean else { return };
    if mean < limits::IN_FLIGHT_SHARE.accepted * concurrency {
        health.invalid.push(InvalidReason::InFlight { mean, concurrency });
    } else if mean < limits::IN_FLIGHT_SHARE.noted * concurrency {
        health.notes.push(HealthNote::InFlight { mean, concurrency });
    }
    let Some(turnover) = seen.turnover else { return };
    let response = turnover.mean_response.as_secs_f64();
    let span = turnover.span.as_secs_f64();
    if mean <= 0.0 || span < limits::LITTLE_RESPONSES_MIN * response {
        return;
    }
    let (in_flight, implied) = (mean, turnover.per_s * response);
    // What lies across the ends may make up to one response time on one side.
    let (off, edge) = ((in_flight - implied).abs() / in_flight, response / span);
    if off > limits::LITTLE_SHARE.accepted + edge {
        health.invalid.push(InvalidReason::LittlesLaw { in_flight, implied });
    } else if off > limits::LITTLE_SHARE.noted + edge {
        health.notes.push(HealthNote::LittlesLaw { in_flight, implied });
    }
}

fn bookkeeping(seen: &Seen<'_>, health: &mut Health) {
    if seen.dropped > 0 {
        health.invalid.push(InvalidReason::Dropped { samples: seen.dropped });
    }
    let steps = seen.chunks.clock_steps;
    if steps > 0 {
        health.invalid.push(InvalidReason::Clock { steps });
    }
    let (intended, ended) = (seen.counts.intended, seen.counts.ended());
    if intended != ended {
        health.invalid.push(InvalidReason::Accounting { intended, ended });
    }
}

/// On which side of the lines a value lies; the line that it crossed.
enum Grade<T> {
    Quiet,
    Noted(T),
    Broken(T),
}

fn grade<T: PartialOrd + Copy>(value: &T, limits: &Limits<T>) -> Grade<T> {
    if *value > limits.accepted {
        Grade::Broken(limits.accepted)
    } else if *value > limits.noted {
        Grade::Noted(limits.noted)
    } else {
        Grade::Quiet
    }
}

fn p99(distribution: &Distribution) -> Option<Duration> {
    match distribution.quantile(0.99, 0) {
        Some(Observed::At(p99)) => Some(p99),
        Some(Observed::Beyond) | None => None,
    }
}
