use super::{Change, busy, case, counts, lag, sent, windows};
use crate::trial::{
    Ended, Flow, GeneratorWatch, Outcome, Sending, StopReason, Strain, Watch, Window,
};

/// After how many windows the watch of 1,000 measured requests stops the trial.
fn stops_after(windows: &[Window], open: Option<u64>) -> Option<usize> {
    let mut watch = GeneratorWatch::new(1_000, Some(100));
    watch.descriptors(open);
    let stop = Flow::Stop(StopReason::Generator);
    windows.iter().position(|window| watch.observe(window) == stop).map(|at| at + 1)
}

fn sending(change: impl Fn(&mut Sending)) -> Vec<Window> {
    let mut sending = Sending { written: 500, ..Sending::default() };
    change(&mut sending);
    windows([(Sending::default(), Strain::default()), (sending, Strain::default())])
}

#[test]
fn it_stops_as_soon_as_it_is_certain_and_not_before() {
    for (windows, open, after) in [
        (busy(&[0.1, 0.9, 0.9, 0.9, 0.9]), None, Some(4)),
        (busy(&[0.9, 0.9, 0.8, 0.9, 0.9]), None, None),
        (sent(&[(10, 9), (10, 9), (10, 9)]), None, Some(3)),
        (sending(|s| s.resource = 1), None, Some(2)),
        (sending(|s| s.measured_late = 10), None, None),
        (sending(|s| s.measured_late = 11), None, Some(2)),
        (sending(|s| s.measured_held_back = 10), None, None),
        (sending(|s| s.measured_held_back = 11), None, Some(2)),
        (busy(&[0.1]), Some(95), None),
        (busy(&[0.1]), Some(96), Some(1)),
    ] {
        assert_eq!(stops_after(&windows, open), after, "{windows:?} {open:?}");
    }
}

#[test]
fn what_it_stops_is_invalid() {
    let stopped: [(Vec<Window>, Change); 5] = [
        (busy(&[0.9, 0.9, 0.9]), Box::new(|_| {})),
        (sent(&[(10, 9), (10, 9), (10, 9)]), Box::new(|_| {})),
        (sending(|s| s.resource = 1), Box::new(|_| {})),
        // A hundred were sent so far, two of them late.
        (sending(|s| s.measured_late = 11), Box::new(|c| c.send_lag = lag(10.1))),
        (
            sending(|s| s.measured_held_back = 11),
            Box::new(|c| c.counts = counts(11, &[(Outcome::TimeoutFirst, 1_000)])),
        ),
    ];
    for (windows, also) in stopped {
        assert!(stops_after(&windows, None).is_some(), "{windows:?}");
        let case = case(|c| {
            c.windows.clone_from(&windows);
            also(c);
        });
        assert!(!case.examined().invalid.is_empty(), "{windows:?}");
    }
    assert_eq!(Ended::from(StopReason::Generator), Ended::Stopped);
}
