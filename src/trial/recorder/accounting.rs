//! Every request that becomes due is accounted for, whatever happens to it and in which order.

use super::{Ending, Expected, Recorder, RequestId};
use crate::trial::{
    Ended, InvalidReason, Load, Outcome, Readings, Timeline, TrialPlan, TrialReport,
};
use crate::units::{KnobValue, Rate};
use crate::workload::Arrivals;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

/// What can be told to a recorder about one request.
#[derive(Debug, Clone, Copy)]
enum Event {
    Intended,
    Connected,
    Begun,
    Written,
    FirstByte,
    Received,
    Chunk,
    End(Outcome),
    NotSent(Outcome),
    Lost,
    /// Of no request: a second has passed.
    Window,
}

/// Of the sessions 0 to 5, 1 to 3 are measured.
const MEASURED: std::ops::Range<u64> = 1..4;

fn recorder() -> Recorder {
    let load = Load::Open { rate: Rate::per_second(10.0).unwrap(), arrivals: Arrivals::Constant };
    let slos = ["p50 ttfc < 30ms", "p90 tbc < 5ms", "error_rate < 10%"];
    let plan = TrialPlan {
        index: 0,
        check: "c".into(),
        purpose: crate::trial::Purpose::Play,
        side: crate::trial::Side::Only,
        knob: "rate".into(),
        value: KnobValue::new(load.value()).unwrap(),
        load,
        setting: None,
        seed: 1,
        cut: MEASURED.start,
        count: MEASURED.end - MEASURED.start,
        slos: slos.iter().map(|text| crate::slo::Slo::parse(text).unwrap()).collect(),
        time_limit: Duration::from_secs(60),
        request_limit: u64::MAX,
    };
    let expected =
        Expected { requests: 6, request_limit: u64::MAX, has_tokens: true, has_pauses: false };
    Recorder::new(plan, expected)
}

fn tell(recorder: &mut Recorder, event: Event, id: RequestId, at: Duration) {
    match event {
        Event::Intended => recorder.intended(id, at),
        Event::Connected => recorder.connected(id, Duration::from_millis(1)),
        Event::Begun => recorder.begun(id),
        Event::Written => recorder.written(id, at),
        Event::FirstByte => recorder.first_byte(id, at),
        Event::Received => recorder.received(id, at, true, None),
        Event::Chunk => recorder.chunk(id, at, true),
        Event::End(outcome) => recorder.end(id, at, Ending::of(outcome)),
        Event::NotSent(outcome) => recorder.not_sent(id, at, at, outcome),
        Event::Lost => recorder.lost(id, at),
        Event::Window => {}
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let outcome = prop::sample::select(&Outcome::ALL[..]);
    prop_oneof![
        4 => Just(Event::Intended),
        1 => prop::sample::select(vec![
            Event::Connected, Event::Begun, Event::Written, Event::FirstByte, Event::Received,
            Event::Lost, Event::Window,
        ]),
        2 => Just(Event::Chunk),
        3 => outcome.clone().prop_map(Event::End),
        1 => outcome.prop_map(Event::NotSent),
    ]
}

fn any_ended() -> impl Strategy<Value = Ended> {
    prop::sample::select(vec![Ended::Complete, Ended::Settled, Ended::Overload, Ended::Stopped])
}

fn accounting(report: &TrialReport) -> Option<(u64, u64)> {
    report.health.invalid.iter().find_map(|reason| {
        let InvalidReason::Accounting { intended, ended } = reason else { return None };
        Some((*intended, *ended))
    })
}

proptest! {
    #[test]
    fn what_became_due_has_ended_whatever_happens_in_whatever_order(
        events in prop::collection::vec((any_event(), 0_u64..6, 0_u32..2, 0_u64..40), 0..120),
        ended in any_ended(),
    ) {
        let (mut recorder, mut timeline) = (recorder(), Timeline::default());
        let (mut open, mut due, mut twice) = (BTreeSet::new(), 0_u64, 0_u64);
        let mut now = Duration::ZERO;
        for (event, session, turn, step) in events {
            now += Duration::from_millis(step);
            let id = RequestId { session, turn };
            let is_measured = MEASURED.contains(&session);
            if let Event::Intended | Event::NotSent(_) | Event::Lost = event {
                due += u64::from(is_measured);
                // A request that is due again while it runs takes the place of the first.
                twice += u64::from(is_measured && open.contains(&id));
            }
            match event {
                Event::Intended => _ = open.insert(id),
                Event::End(_) | Event::NotSent(_) | Event::Lost => _ = open.remove(&id),
                Event::Window => timeline.push(recorder.close_window(now)),
                Event::Connected
                | Event::Begun
                | Event::Written
                | Event::FirstByte
                | Event::Received
                | Event::Chunk => {}
            }
            tell(&mut recorder, event, id, now);
            prop_assert_eq!(recorder.in_flight(), open.len());
        }
        let report = recorder.into_report(now, ended, Readings::default(), timeline);
        let by_class: u64 = Outcome::ALL.iter().map(|&outcome| report.counts.of(outcome)).sum();
        prop_assert_eq!((report.counts.intended, by_class), (due, due - twice));
        prop_assert_eq!(accounting(&report), (twice > 0).then_some((due, due - twice)));
        let last = report.windows.last().unwrap();
        prop_assert_eq!(last.measured_ended, by_class);
    }
}

#[test]
fn a_request_that_is_lost_or_counted_twice_makes_the_trial_invalid() {
    for (lost, twice) in [(0, 0), (1, 0), (0, 1)] {
        let mut recorder = recorder();
        for session in MEASURED {
            let id = RequestId { session, turn: 0 };
            recorder.intended(id, Duration::ZERO);
            recorder.written(id, Duration::ZERO);
            recorder.end(id, Duration::from_millis(9), Ending::of(Outcome::Ok));
        }
        recorder.totals.counts.intended += lost;
        *recorder.totals.counts.by_outcome.entry(Outcome::Ok).or_default() += twice;
        let ended = (Ended::Complete, Readings::default(), Timeline::default());
        let report = recorder.into_report(Duration::from_millis(9), ended.0, ended.1, ended.2);
        let expected = (lost + twice > 0).then_some((3 + lost, 3 + twice));
        assert_eq!(accounting(&report), expected);
        assert_eq!(report.is_valid(), expected.is_none(), "{:?}", report.health.invalid);
    }
}
