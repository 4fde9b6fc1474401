use super::{Case, Line, busy, case, counts, lag, line, turnover, waited};
use crate::trial::health::{Chunks, HealthNote};
use crate::trial::{Counts, Outcome};

fn notes(case: &Case) -> Vec<HealthNote> {
    let health = case.examined();
    assert_eq!(health.invalid, [], "a note changes nothing");
    health.notes
}

#[track_caller]
fn assert_lines(lines: impl IntoIterator<Item = Line>) {
    for (below, above, signal, text, advice) in lines {
        assert_eq!(notes(&case(below)), [], "{text}");
        let notes = notes(&case(above));
        let [note] = &notes[..] else { panic!("{text}: {notes:?}") };
        assert_eq!((note.signal(), note.to_string().as_str()), (signal, text));
        assert!(note.advice().contains(advice), "{text}: {}", note.advice());
        assert_eq!(serde_json::to_value(note).unwrap()["signal"], signal);
    }
}

#[test]
fn lags_that_show() {
    let asked = |change: fn(&mut Case)| {
        move |c: &mut Case| {
            c.slos(&["p99 ttfc < 200ms"]);
            change(c);
        }
    };
    let unstamped = |n| Chunks { stamped: 1_000 - n, unstamped: n, ..Chunks::default() };
    assert_lines([
        line(
            |c| c.send_lag = lag(1.0),
            |c| c.send_lag = lag(1.1),
            "send_lag",
            "requests left a little late: send lag p99 1.1 ms, more than 1.0 ms",
            "a core of its own",
        ),
        line(
            asked(|c| c.send_lag = lag(4.0)),
            asked(|c| c.send_lag = lag(4.1)),
            "send_lag",
            "requests left a little late: send lag p99 4.1 ms, more than 4.0 ms",
            "a core of its own",
        ),
        line(
            |c| c.receive_lag = lag(2.0),
            |c| c.receive_lag = lag(2.1),
            "receive_lag",
            "what arrived was read a little late: receive lag p99 2.1 ms, more than 2.0 ms",
            "a core of its own",
        ),
        line(
            asked(|c| c.loop_lag = lag(4.0)),
            asked(|c| c.loop_lag = lag(4.1)),
            "loop_lag",
            "the load generator was a little late: loop lag p99 4.1 ms, more than 4.0 ms",
            "a core of its own",
        ),
        line(
            move |c| c.chunks = unstamped(10),
            move |c| c.chunks = unstamped(11),
            "unstamped",
            "1.1 % of what arrived has no stamp of the kernel: our own delay is inside its times",
            "Linux",
        ),
    ]);
}

#[test]
fn a_machine_that_others_use() {
    let crowded = |wait: &'static [f64], slos: &'static [&str]| {
        move |c: &mut Case| {
            c.slos(slos);
            c.windows = waited(wait);
        }
    };
    let text = "this machine is crowded: the load generator waited for a CPU";
    let p90: &[&str] = &["p90 ttfc < 400ms", "p50 ttfc < 90ms"];
    assert_lines([
        line(
            crowded(&[0.004, 0.006], &[]),
            crowded(&[0.004, 0.008], &[]),
            "run_wait",
            "this machine is crowded: the load generator waited for a CPU 0.6 % of the time, more than 0.5 %",
            "quiet machine",
        ),
        // Half of what the highest quantile leaves above it.
        line(
            crowded(&[0.0, 0.099], p90),
            crowded(&[0.0, 0.12], p90),
            "run_wait",
            "this machine is crowded: the load generator waited for a CPU 6.0 % of the time, more than 5.0 %",
            "quiet machine",
        ),
        line(
            |c| (c.readings.steal_cores, c.readings.foreign_cores) = (Some(0.02), Some(0.03)),
            |c| (c.readings.steal_cores, c.readings.foreign_cores) = (Some(0.03), Some(0.03)),
            "foreign_cpu",
            "others used 0.06 cores of this machine meanwhile, more than 0.05",
            "quiet machine",
        ),
        line(
            |c| c.readings.cpu_cores = Some(0.6),
            |c| c.readings.cpu_cores = Some(0.61),
            "cpu",
            "the load generator used 61 % of a worker's CPU, more than 60 %",
            "more cores",
        ),
    ]);
    let case = case(crowded(&[0.0, 0.12], p90));
    assert!((case.examined().run_wait.unwrap() - 0.06).abs() < 1e-9, "{text}");
    assert_eq!(super::quiet().examined().run_wait, None);
}

#[test]
fn the_busiest_second_alone_is_no_note() {
    assert_eq!(notes(&case(|c| c.windows = busy(&[0.9, 0.1, 0.9]))), []);
}

#[test]
fn what_is_missing_a_little() {
    let held_back = |n| {
        let counts = Counts { held_back: n, ..counts(n, &[(Outcome::TimeoutFirst, 1_000)]) };
        move |c: &mut Case| c.counts = counts.clone()
    };
    let little = |per_s| {
        move |c: &mut Case| {
            c.closed(1_000.0);
            c.turnover = turnover(100.0, per_s, 10_000.0);
        }
    };
    assert_lines([
        line(
            held_back(2),
            held_back(3),
            "offered",
            "997 of 1000 requests were sent",
            "not have been the fast ones",
        ),
        line(
            |c| c.closed(990.0),
            |c| c.closed(989.0),
            "in_flight",
            "989.0 sessions were in flight instead of 1000",
            "longer",
        ),
        line(
            little(9_710.0),
            little(9_690.0),
            "littles_law",
            "1000.0 requests were in flight, and throughput times response time is 969.0",
            "longer",
        ),
    ]);
}
