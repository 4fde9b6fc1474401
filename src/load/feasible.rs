//! Whether this machine can offer a load at all: refused before the start rather than found out after.

use super::calibrate::Calibration;
use super::cap::Allowed;
use super::probe;
use crate::config::plan::ConnectionMode;
use crate::trial::{Load, Scarce};
use crate::units::as_f64;

/// Share of the workers' cores, by the calibration, of a load that is said to be possible. It is
/// calibrated at full speed, where work comes in batches; paced, the same work was measured to need 1.3
/// to 1.6 times as much CPU …
const CORES_SHARE: f64 = 0.5;
/// … and the share beyond which a load is refused: what was tried near it was invalid.
const CORES_SHARE_MAX: f64 = 0.8;
/// Seconds for which a port stays taken after its connection was closed.
const PORT_REST_S: f64 = 60.0;

/// What one session costs the generator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SessionCost {
    /// Requests of a session, on average.
    pub requests: f64,
    /// Output chunks of a request, on average; 0 where the answer is not streamed.
    pub chunks: f64,
}

/// What this machine has to offer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Means {
    /// What a request and a chunk cost here; `None`: not calibrated, and not judged.
    pub calibration: Option<Calibration>,
    /// Threads that offer load.
    pub workers: u32,
    /// Requests in flight that our own resources allow, and whose limit it is.
    pub in_flight_max: Option<(usize, Scarce)>,
    /// Local ports towards the target, over all of its addresses.
    pub ports: Option<u64>,
}

impl Means {
    /// Of this machine now, which allows so much, towards so many addresses of the target; 0: no
    /// ports are needed.
    pub(super) fn read(
        calibration: Option<Calibration>,
        workers: u32,
        allowed: Allowed,
        addresses: usize,
    ) -> Self {
        let ports = probe::port_range().filter(|_| addresses > 0);
        Self {
            calibration,
            workers,
            in_flight_max: allowed.tightest(),
            ports: ports.map(|range| range.saturating_mul(addresses as u64)),
        }
    }
}

/// Why a load is not tried.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It costs more CPU than the workers have.
    #[error(
        "{asked:.0} sessions/s were asked for, but this machine can offer about {can:.0}/s with {}", threads(*workers)
    )]
    Cpu {
        /// Sessions per second that were asked for.
        asked: f64,
        /// Sessions per second that the calibration allows.
        can: f64,
        /// Threads that offer load.
        workers: u32,
    },
    /// Each request opens a connection, and ports come back too slowly.
    #[error(
        "{asked:.0} new connections/s were asked for, but this machine can open about {can:.0}/s: it has {ports} local ports, and each rests for 60 s"
    )]
    Ports {
        /// Connections per second that were asked for.
        asked: f64,
        /// Connections per second that the ports allow.
        can: f64,
        /// Local ports towards the target.
        ports: u64,
    },
    /// It needs more in flight than we can hold.
    #[error(
        "{asked} sessions in flight were asked for, but this machine can hold {can}, for want of {scarce}"
    )]
    InFlight {
        /// Sessions in flight that were asked for.
        asked: u32,
        /// Requests in flight that our resources allow.
        can: usize,
        /// The resource that bounds them.
        scarce: Scarce,
    },
}

fn threads(count: u32) -> String {
    if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") }
}

impl Refusal {
    /// Its stable name in files.
    #[must_use]
    pub fn signal(&self) -> &'static str {
        match self {
            Self::Cpu { .. } => "cpu",
            Self::Ports { .. } => Scarce::Port.name(),
            Self::InFlight { scarce, .. } => scarce.name(),
        }
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Cpu { .. } => {
                "lower `to`, or give the load generator more or faster cores of its own"
            }
            Self::Ports { .. } => {
                "lower `to`, set `connection: pooled`, widen `net.ipv4.ip_local_port_range`, or give the target more addresses"
            }
            Self::InFlight { scarce, .. } => scarce.advice(),
        }
    }
}

/// Sessions per second that this many workers can offer: by the calibration, half of their cores.
#[must_use]
pub fn offer_max(calibration: &Calibration, workers: u32, cost: SessionCost) -> f64 {
    let per_request = calibration.cpu_per_request.as_secs_f64()
        + cost.chunks * calibration.cpu_per_chunk.as_secs_f64();
    let per_session = cost.requests * per_request;
    if per_session > 0.0 { CORES_SHARE * f64::from(workers) / per_session } else { f64::INFINITY }
}

/// Whether `load` can be offered at all with these means. What ends well may still turn out invalid:
/// the null target is faster than any other, and alone.
///
/// # Errors
/// The first of: the cores, the ports, what may be in flight.
pub fn feasible(
    load: Load,
    cost: SessionCost,
    connection: ConnectionMode,
    means: &Means,
) -> Result<(), Refusal> {
    match load {
        Load::Open { rate, .. } => {
            let asked = rate.as_per_second();
            if let Some(calibration) = &means.calibration {
                let (can, workers) = (offer_max(calibration, means.workers, cost), means.workers);
                if asked > can * (CORES_SHARE_MAX / CORES_SHARE) {
                    return Err(Refusal::Cpu { asked, can, workers });
                }
            }
            let opened = match connection {
                ConnectionMode::Pooled => 0.0,
                ConnectionMode::PerSession => asked,
                ConnectionMode::New => asked * cost.requests,
            };
            match means.ports.map(|ports| (ports, as_f64(ports) / PORT_REST_S)) {
                Some((ports, can)) if opened > can => {
                    Err(Refusal::Ports { asked: opened, can, ports })
                }
                Some(_) | None => Ok(()),
            }
        }
        Load::Closed { concurrency } => match means.in_flight_max {
            Some((can, scarce)) if (concurrency.get() as usize) > can => {
                Err(Refusal::InFlight { asked: concurrency.get(), can, scarce })
            }
            Some(_) | None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowed, Calibration, Means, Refusal, SessionCost, feasible, offer_max};
    use crate::config::plan::ConnectionMode::{self, New, PerSession, Pooled};
    use crate::load::fake::{closed, open};
    use crate::trial::{Load, Scarce};
    use std::time::Duration;

    const PLAIN: SessionCost = SessionCost { requests: 1.0, chunks: 0.0 };
    const STREAMS: SessionCost = SessionCost { requests: 2.0, chunks: 20.0 };

    fn means() -> Means {
        let us = Duration::from_micros;
        Means {
            calibration: Some(Calibration {
                cpu_per_request: us(10),
                cpu_per_chunk: us(7),
                send_lag_p99: None,
            }),
            workers: 1,
            in_flight_max: Some((768, Scarce::Fd)),
            ports: Some(28_232),
        }
    }

    #[test]
    fn a_machine_offers_half_of_its_workers() {
        let calibration = means().calibration.unwrap();
        for (workers, cost, expected) in
            [(1, PLAIN, 50_000.0), (2, PLAIN, 100_000.0), (1, STREAMS, 1_666.7)]
        {
            let can = offer_max(&calibration, workers, cost);
            assert!((can - expected).abs() < 0.1, "{can}");
        }
        let free = Calibration { cpu_per_request: Duration::ZERO, ..calibration };
        assert!(offer_max(&free, 1, PLAIN).is_infinite());
    }

    fn refused(load: Load, cost: SessionCost, connection: ConnectionMode) -> Option<Refusal> {
        feasible(load, cost, connection, &means()).err()
    }

    #[test]
    fn what_cannot_be_offered_is_refused_with_what_can() {
        for (accepted, broken, cost, connection, signal, text, advice) in [
            (
                open(79_999.0),
                open(210_000.0),
                PLAIN,
                Pooled,
                "cpu",
                "210000 sessions/s were asked for, but this machine can offer about 50000/s with 1 thread",
                "cores of its own",
            ),
            (
                open(2_666.0),
                open(2_667.0),
                STREAMS,
                Pooled,
                "cpu",
                "2667 sessions/s were asked for, but this machine can offer about 1667/s with 1 thread",
                "lower `to`",
            ),
            (
                open(235.0),
                open(236.0),
                STREAMS,
                New,
                "port",
                "472 new connections/s were asked for, but this machine can open about 471/s: it has 28232 local ports, and each rests for 60 s",
                "pooled",
            ),
            (
                open(470.0),
                open(471.0),
                STREAMS,
                PerSession,
                "port",
                "471 new connections/s were asked for, but this machine can open about 471/s: it has 28232 local ports, and each rests for 60 s",
                "ip_local_port_range",
            ),
            (
                closed(768),
                closed(769),
                PLAIN,
                Pooled,
                "fd",
                "769 sessions in flight were asked for, but this machine can hold 768, for want of file descriptors",
                "ulimit -n",
            ),
        ] {
            assert_eq!(refused(accepted, cost, connection), None, "{text}");
            let refusal = refused(broken, cost, connection).unwrap();
            assert_eq!((refusal.signal(), refusal.to_string().as_str()), (signal, text));
            assert!(refusal.advice().contains(advice), "{}", refusal.advice());
        }
    }

    #[test]
    fn what_is_not_known_refuses_nothing() {
        let means = Means { calibration: None, workers: 1, in_flight_max: None, ports: None };
        for load in [open(1e9), closed(1_000_000)] {
            assert_eq!(feasible(load, STREAMS, New, &means), Ok(()));
        }
        let read =
            Means::read(None, 2, Allowed::read(crate::load::probe::raise_descriptor_limit(), 0), 0);
        assert_eq!((read.ports, read.workers), (None, 2));
    }
}
