use super::{Case, Change, Line, busy, case, counts, lag, line, sent, turnover};
use crate::trial::health::{Chunks, Readings, Scarce};
use crate::trial::{InvalidReason, Outcome};
use std::time::Duration;

fn reasons(case: &Case) -> Vec<InvalidReason> {
    case.examined().invalid
}

#[track_caller]
fn assert_lines(lines: impl IntoIterator<Item = Line>) {
    for (accepted, broken, signal, text, advice) in lines {
        assert_eq!(reasons(&case(accepted)), [], "{text}");
        let reasons = reasons(&case(broken));
        let [reason] = &reasons[..] else { panic!("{text}: {reasons:?}") };
        assert_eq!((reason.signal(), reason.to_string().as_str()), (signal, text));
        assert!(reason.advice().contains(advice), "{text}: {}", reason.advice());
        let json = serde_json::to_value(reason).unwrap();
        assert_eq!(json["signal"], signal);
    }
}

#[test]
fn what_was_sent_late_or_not_at_all() {
    assert_lines([
        line(
            |c| c.send_lag = lag(10.0),
            |c| c.send_lag = lag(10.1),
            "send_lag",
            "requests left late: send lag p99 10.1 ms, at most 10.0 ms is accepted",
            "a core of its own",
        ),
        line(
            |c| c.windows = sent(&[(100, 51), (100, 51), (100, 50), (100, 51), (100, 51)]),
            |c| c.windows = sent(&[(100, 0), (100, 51), (100, 60), (100, 100), (100, 0)]),
            "behind",
            "requests left late, seconds on end: 211 of 300 by more than 10.0 ms",
            "a core of its own",
        ),
        line(
            |c| c.windows = sent(&[(6, 6), (6, 6), (7, 7)]),
            |c| c.windows = sent(&[(6, 6), (7, 7), (7, 7)]),
            "behind",
            "requests left late, seconds on end: 20 of 20 by more than 10.0 ms",
            "lower `to`",
        ),
        line(
            // A time-out before the request was even written is ours.
            |c| c.counts = counts(10, &[(Outcome::TimeoutFirst, 1_000)]),
            |c| c.counts = counts(11, &[(Outcome::TimeoutFirst, 1_000)]),
            "offered",
            "the load was not offered: 989 of 1000 requests were sent",
            "lower `to`",
        ),
    ]);
}

#[test]
fn what_arrived_and_waited_for_us() {
    let unstamped = Chunks { stamped: 989, unstamped: 11, ..Chunks::default() };
    let together = Chunks { gaps: 1_000, coalesced: 11, stamped: 1_000, ..Chunks::default() };
    assert_lines([
        line(
            |c| c.receive_lag = lag(50.0),
            |c| c.receive_lag = lag(50.1),
            "receive_lag",
            "what arrived was read late: receive lag p99 50.1 ms, at most 50.0 ms is accepted",
            "a core of its own",
        ),
        // With stamps the loop may be late; without them every time is ours.
        line(
            |c| c.loop_lag = lag(50.0),
            |c| c.loop_lag = lag(50.1),
            "loop_lag",
            "the load generator was late: loop lag p99 50.1 ms, at most 50.0 ms is accepted",
            "a core of its own",
        ),
        line(
            move |c| (c.chunks, c.loop_lag) = (unstamped, lag(10.0)),
            move |c| (c.chunks, c.loop_lag) = (unstamped, lag(10.1)),
            "loop_lag",
            "the load generator was late: loop lag p99 10.1 ms, at most 10.0 ms is accepted",
            "a quieter machine",
        ),
        line(
            move |c| {
                c.slos(&["p99 tbc < 50ms"]);
                (c.chunks, c.loop_lag) = (Chunks { coalesced: 10, ..together }, lag(2.0));
            },
            move |c| {
                c.slos(&["p99 tbc < 50ms"]);
                (c.chunks, c.loop_lag) = (together, lag(1.1));
            },
            "coalesced",
            "1.1 % of the gaps between chunks are unknown, at most 1.0 % is accepted: the load generator was late and read the chunks together",
            "a core of its own",
        ),
    ]);
    // Nobody asked for gaps; or the loop was quick, so the target sent them together.
    let unasked = case(move |c| (c.chunks, c.loop_lag) = (together, lag(2.0)));
    let quick = case(move |c| {
        c.slos(&["p99 tbc < 50ms"]);
        (c.chunks, c.loop_lag) = (together, lag(1.0));
    });
    assert_eq!((reasons(&unasked), reasons(&quick)), (Vec::new(), Vec::new()));
    // Where stamps are missing, what they say of the others does not count.
    let late = case(move |c| (c.chunks, c.receive_lag) = (unstamped, lag(99.0)));
    assert_eq!((reasons(&late), late.examined().receive_lag_p99), (Vec::new(), None));
}

#[test]
fn what_ran_out() {
    let failed = |n| counts(n, &[(Outcome::Ok, 1_000 - n), (Outcome::Resource, n)]);
    let of = move |scarce| {
        move |c: &mut Case| {
            c.counts = failed(1);
            c.readings.scarce = Some(scarce);
        }
    };
    let open = |n| {
        move |c: &mut Case| {
            (c.readings.descriptors, c.readings.descriptors_limit) = (Some(n), Some(100));
        }
    };
    let unmeasured = |n| {
        move |c: &mut Case| {
            c.windows = sent(&[(5, 0), (5, 0)]);
            c.windows[1].sending.resource = n;
        }
    };
    let none = |_: &mut Case| {};
    assert_lines([
        line(
            none,
            move |c| c.counts = failed(1),
            "resource",
            "1 requests were not sent for want of descriptors, ports or memory",
            "ulimit -n",
        ),
        line(
            move |c| c.readings.scarce = Some(Scarce::Fd),
            of(Scarce::Fd),
            "resource",
            "1 requests were not sent for want of file descriptors",
            "ulimit -n",
        ),
        line(
            none,
            of(Scarce::Port),
            "resource",
            "1 requests were not sent for want of local ports",
            "ip_local_port_range",
        ),
        line(
            none,
            of(Scarce::Memory),
            "resource",
            "1 requests were not sent for want of memory",
            "more memory",
        ),
        line(
            unmeasured(0),
            unmeasured(7),
            "resource",
            "7 requests were not sent for want of descriptors, ports or memory",
            "ulimit -n",
        ),
        line(
            open(95),
            open(96),
            "descriptors",
            "96 of 100 file descriptors were open",
            "ulimit -n",
        ),
    ]);
}

#[test]
fn a_trial_that_ended_before_it_sent_anything_was_not_limited_by_its_processor() {
    let ended = case(|c| {
        c.counts.intended = 0;
        c.readings = Readings { cpu_cores: Some(0.97), workers: 1, ..Readings::default() };
    });
    let invalid = ended.examined().invalid;
    assert!(!invalid.iter().any(|it| matches!(it, InvalidReason::Cpu { .. })), "{invalid:?}");
}

#[test]
fn a_processor_that_is_full() {
    let cores = |cores, workers| {
        move |c: &mut Case| {
            c.readings = Readings { cpu_cores: Some(cores), workers, ..Readings::default() };
        }
    };
    let text = "the load generator used 86 % of its CPU, at most 85 % is accepted";
    assert_lines([
        line(cores(0.85, 1), cores(0.86, 1), "cpu", text, "a core of its own"),
        line(cores(1.7, 2), cores(1.72, 2), "cpu", text, "a quieter machine"),
        line(
            |c| c.windows = busy(&[0.9, 0.9, 0.85, 0.9, 0.9]),
            |c| c.windows = busy(&[0.1, 0.86, 0.87, 0.85001, 0.1, 0.1]),
            "cpu",
            text,
            "lower `to`",
        ),
    ]);
    // The last window of a trial may be too short to be a second.
    let short = case(|c| {
        c.windows = busy(&[0.9, 0.9, 0.9]);
        c.windows[2].end = c.windows[1].end + Duration::from_millis(499);
    });
    assert_eq!(reasons(&short), []);
}

#[test]
fn what_does_not_add_up() {
    let little = |per_s| {
        move |c: &mut Case| {
            c.closed(1_000.0);
            // 1 % of edge: 1,000 in flight for 100 ms each are 10,000/s.
            c.turnover = turnover(100.0, per_s, 10_000.0);
        }
    };
    assert_lines([
        line(
            |c| c.dropped = 0,
            |c| c.dropped = 2,
            "dropped",
            "2 samples did not fit the histograms",
            "timeouts",
        ),
        line(
            |c| c.chunks.clock_steps = 0,
            |c| c.chunks.clock_steps = 1,
            "clock",
            "the system's clock was set while the trial ran (1 times)",
            "slew",
        ),
        line(
            |c| c.closed(970.0),
            |c| c.closed(969.0),
            "in_flight",
            "969.0 sessions were in flight instead of 1000",
            "longer",
        ),
        line(
            little(9_410.0),
            little(9_390.0),
            "littles_law",
            "1000.0 requests were in flight, but throughput times response time is 939.0",
            "defect",
        ),
        line(
            |_| {},
            |c| c.counts = counts(0, &[(Outcome::Ok, 999)]),
            "accounting",
            "1000 requests were due but 999 are accounted for",
            "defect",
        ),
    ]);
    // Over a few response times only, the ends weigh too much.
    let short = case(|c| {
        c.closed(1_000.0);
        c.turnover = turnover(100.0, 5_000.0, 1_999.0);
    });
    assert_eq!(reasons(&short), []);
}

#[test]
fn accepted_lag_follows_the_tightest_limit_down_to_a_floor() {
    let unstamped = Chunks { unstamped: 1, ..Chunks::default() };
    for (slos, send, turn) in [
        (&["p99 e2e < 2s", "p90 ttfc < 400ms"][..], 40.0, 40.0),
        // Gaps do not suffer when a request leaves late.
        (&["p90 ttfc < 400ms", "p99 tbc < 30ms"], 40.0, 3.0),
        (&["p99 ttfc < 2ms"], 1.0, 1.0),
        (&["error_rate < 1%"], 10.0, 10.0),
    ] {
        for (factor, fires) in [(1.0, false), (1.02, true)] {
            let lags: [Change; 2] = [
                Box::new(move |c| c.send_lag = lag(send * factor)),
                Box::new(move |c| {
                    (c.chunks, c.loop_lag) = (unstamped, lag(turn * factor));
                }),
            ];
            for change in lags {
                let case = case(|c| {
                    c.slos(slos);
                    change(c);
                });
                assert_eq!(!reasons(&case).is_empty(), fires, "{slos:?} {:?}", reasons(&case));
            }
        }
    }
}
