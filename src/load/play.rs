//! When each request of a trial is due: pure, asked by both rigs. Times are since the trial's start.

use super::share::Share;
use crate::trial::{Load, Outcome, RequestId, TrialPlan};
use crate::workload::{Extent, Sequence, Session, SessionLaw};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::rc::Rc;
use std::time::Duration;

/// How long a closed-loop client waits after a failure.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);
/// The longest that it waits because the target asked for it.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A request that is due.
#[derive(Debug, Clone)]
pub struct Due {
    /// Which request.
    pub id: RequestId,
    /// When the schedule wants it; never re-anchored, however late we are.
    pub intended: Duration,
    /// Its session.
    pub session: Rc<Session>,
}

/// Plays a sequence of sessions under a load. Open loop: session i is due at `offset / rate`. Closed
/// loop: a session is due when a slot becomes free. A later turn is due when the one before it ended
/// plus its think time. Sessions go on without end; the caller stops.
#[derive(Debug)]
pub struct Play {
    load: Load,
    sequence: Sequence,
    share: Share,
    /// Open loop: the next session that is not on the heap yet.
    upcoming: Option<Session>,
    heap: BinaryHeap<Reverse<(Duration, RequestId)>>,
    sessions: HashMap<u64, Rc<Session>>,
}

impl Play {
    /// A worker's share of the play of `plan` under this law of sessions.
    #[must_use]
    pub fn new(law: &SessionLaw, plan: &TrialPlan, share: Share) -> Self {
        let mut play = Self {
            load: plan.load,
            sequence: Sequence::new(law, plan.load.arrivals(), plan.seed),
            share,
            upcoming: None,
            heap: BinaryHeap::new(),
            sessions: HashMap::new(),
        };
        match plan.load {
            Load::Open { .. } => play.upcoming = play.next_session(),
            Load::Closed { concurrency } => {
                for _ in 0..share.part(concurrency.get().into()) {
                    play.start_next(Duration::ZERO);
                }
            }
        }
        play
    }

    /// What a play of `plan` holds.
    #[must_use]
    pub fn extent(law: &SessionLaw, plan: &TrialPlan) -> Extent {
        Sequence::extent(law, plan.load.arrivals(), plan.seed, plan.cut, plan.count)
    }

    /// When the next request is due; `None` while all wait for an answer.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        let waiting = self.heap.peek().map(|Reverse((at, _))| *at);
        match (waiting, self.upcoming_at()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The next request that is due at `now`, if any.
    pub fn pop(&mut self, now: Duration) -> Option<Due> {
        while let (Load::Open { .. }, Some(at)) = (self.load, self.upcoming_at())
            && at <= now
        {
            let next = self.next_session();
            if let Some(session) = std::mem::replace(&mut self.upcoming, next) {
                self.enter(session, at);
            }
        }
        let Reverse((intended, id)) = *self.heap.peek()?;
        if intended > now {
            return None;
        }
        self.heap.pop();
        let session = Rc::clone(self.sessions.get(&id.session)?);
        Some(Due { id, intended, session })
    }

    /// A request ended at `at`. Schedules the session's next turn, or, in closed loop, a new session
    /// after `pause` (a client that was turned away waits). Returns the later turns that are lost
    /// because this one failed.
    pub fn ended(
        &mut self,
        id: RequestId,
        at: Duration,
        ok: bool,
        pause: Duration,
    ) -> Vec<RequestId> {
        let Some(session) = self.sessions.get(&id.session) else { return Vec::new() };
        let next = RequestId { turn: id.turn + 1, ..id };
        let later = session.turns.get(next.turn as usize);
        if let (true, Some(turn)) = (ok, later) {
            self.heap.push(Reverse((at + turn.think_time, next)));
            return Vec::new();
        }
        let turns = u32::try_from(session.turns.len()).unwrap_or(u32::MAX);
        let lost = (next.turn..turns).map(|turn| RequestId { turn, ..id }).collect();
        self.sessions.remove(&id.session);
        if matches!(self.load, Load::Closed { .. }) {
            self.start_next(at + pause);
        }
        lost
    }

    fn upcoming_at(&self) -> Option<Duration> {
        match (self.load, &self.upcoming) {
            (Load::Open { rate, .. }, Some(session)) => {
                Duration::try_from_secs_f64(session.offset / rate.as_per_second()).ok()
            }
            _ => None,
        }
    }

    fn start_next(&mut self, at: Duration) {
        if let Some(session) = self.next_session() {
            self.enter(session, at);
        }
    }

    fn next_session(&mut self) -> Option<Session> {
        let share = self.share;
        self.sequence.find(|session| share.has(session.index))
    }

    fn enter(&mut self, session: Session, at: Duration) {
        self.heap.push(Reverse((at, RequestId { session: session.index, turn: 0 })));
        self.sessions.insert(session.index, Rc::new(session));
    }
}

/// How long a closed-loop client waits before it starts its next session.
#[must_use]
pub fn pause(outcome: Outcome, retry_after: Option<Duration>) -> Duration {
    if outcome == Outcome::Ok {
        Duration::ZERO
    } else if outcome == Outcome::Shed {
        retry_after.map_or(PAUSE_AFTER_FAILURE, |asked| asked.min(PAUSE_MAX))
    } else {
        PAUSE_AFTER_FAILURE
    }
}

#[cfg(test)]
mod tests {
    use super::{Play, Share};
    use crate::trial::{Load, Purpose, RequestId, TrialPlan};
    use crate::units::{KnobValue, Rate};
    use crate::workload::{Arrivals, HistoryMode, Length, Sequence, SessionLaw, ThinkTime};
    use proptest::prelude::*;
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn law(turns: u32) -> SessionLaw {
        SessionLaw {
            turns: Length::Fixed(turns),
            prompt_tokens: Length::Fixed(10),
            output_tokens: Length::Fixed(4),
            think_time: ThinkTime::Fixed(Duration::from_secs(2)),
            history: HistoryMode::Inherit,
        }
    }

    fn plan(load: Load) -> TrialPlan {
        TrialPlan {
            index: 0,
            check: "c".into(),
            purpose: Purpose::Play,
            side: crate::trial::Side::Only,
            knob: "rate".into(),
            value: KnobValue::new(load.value()).unwrap(),
            load,
            setting: None,
            seed: 9,
            cut: 2,
            count: 10,
            slos: Vec::new(),
            time_limit: Duration::from_secs(60),
            request_limit: u64::MAX,
        }
    }

    fn open(per_s: f64) -> Load {
        Load::Open { rate: Rate::per_second(per_s).unwrap(), arrivals: Arrivals::Poisson }
    }

    #[test]
    fn the_plan_is_the_sequence_stretched_by_the_rate_exactly() {
        let offsets: Vec<f64> =
            Sequence::new(&law(1), Arrivals::Poisson, 9).take(200).map(|s| s.offset).collect();
        for rate in [0.5, 20.0] {
            let mut play = Play::new(&law(1), &plan(open(rate)), Share::WHOLE);
            for (i, offset) in offsets.iter().enumerate() {
                let at = play.next_due().unwrap();
                assert_eq!(at, Duration::from_secs_f64(offset / rate));
                assert!(play.pop(at - Duration::from_nanos(1)).is_none());
                let due = play.pop(at).unwrap();
                assert_eq!((due.id.session, due.intended), (i as u64, at));
            }
        }
    }

    proptest! {
        #[test]
        fn the_plans_of_all_workers_together_are_the_sequence_exactly(
            workers in 1_u32..=16,
            seed in any::<u64>(),
            rate in 0.5_f64..5_000.0,
            sessions in 1_usize..200,
        ) {
            let plan = TrialPlan { seed, ..plan(open(rate)) };
            let at = |offset: f64| Duration::from_secs_f64(offset / rate);
            let all = Sequence::new(&law(1), Arrivals::Poisson, seed).take(sessions);
            let expected: Vec<(u64, Duration)> = all.map(|s| (s.index, at(s.offset))).collect();
            let until = expected[sessions - 1].1;
            let mut planned = Vec::new();
            for share in Share::each(workers) {
                let mut play = Play::new(&law(1), &plan, share);
                let due = std::iter::from_fn(|| play.pop(until));
                planned.extend(due.map(|due| (due.id.session, due.intended)));
                prop_assert!(play.next_due() > Some(until));
            }
            planned.sort_unstable();
            prop_assert_eq!(planned, expected);
        }

        #[test]
        fn the_slots_of_all_workers_together_are_the_concurrency(
            workers in 1_u32..=16, concurrency in 1_u32..200,
        ) {
            let concurrency = NonZeroU32::new(concurrency).unwrap();
            let plan = plan(Load::Closed { concurrency });
            let mut started = Vec::new();
            for share in Share::each(workers) {
                let mut play = Play::new(&law(1), &plan, share);
                let due = std::iter::from_fn(|| play.pop(Duration::ZERO));
                started.extend(due.map(|due| due.id.session));
            }
            started.sort_unstable();
            prop_assert!(started.iter().copied().eq(0..u64::from(concurrency.get())));
        }
    }

    #[test]
    fn being_late_changes_no_due_time() {
        let mut play = Play::new(&law(1), &plan(open(100.0)), Share::WHOLE);
        let late = Duration::from_secs(3);
        let first = play.pop(late).unwrap();
        let second = play.pop(late).unwrap();
        assert!(first.intended < second.intended && second.intended < Duration::from_millis(500));
    }

    #[test]
    fn later_turns_wait_for_the_answer_and_the_think_time() {
        let mut play =
            Play::new(&law(2), &plan(Load::Closed { concurrency: NonZeroU32::MIN }), Share::WHOLE);
        let first = play.pop(Duration::ZERO).unwrap();
        assert!(play.next_due().is_none());
        assert!(play.ended(first.id, Duration::from_secs(5), true, Duration::ZERO).is_empty());
        assert_eq!(play.next_due(), Some(Duration::from_secs(7)));
        let second = play.pop(Duration::from_secs(7)).unwrap();
        assert_eq!(second.id, RequestId { session: 0, turn: 1 });
        play.ended(second.id, Duration::from_secs(8), true, Duration::ZERO);
        assert_eq!(play.pop(Duration::from_secs(8)).unwrap().id, RequestId { session: 1, turn: 0 });
    }

    #[test]
    fn a_failed_turn_loses_the_rest_of_its_session_and_frees_the_slot_after_a_pause() {
        let mut play =
            Play::new(&law(3), &plan(Load::Closed { concurrency: NonZeroU32::MIN }), Share::WHOLE);
        let first = play.pop(Duration::ZERO).unwrap();
        let lost = play.ended(first.id, Duration::from_secs(1), false, Duration::from_secs(4));
        assert_eq!(lost, [RequestId { session: 0, turn: 1 }, RequestId { session: 0, turn: 2 }]);
        assert_eq!(play.next_due(), Some(Duration::from_secs(5)));
    }

    #[test]
    fn closed_loop_keeps_exactly_its_concurrency_in_flight() {
        let concurrency = NonZeroU32::new(7).unwrap();
        let mut play = Play::new(&law(1), &plan(Load::Closed { concurrency }), Share::WHOLE);
        let mut in_flight = Vec::new();
        let mut now = Duration::ZERO;
        for step in 0..200_usize {
            while let Some(due) = play.pop(now) {
                in_flight.push(due.id);
            }
            assert_eq!(in_flight.len(), 7);
            now += Duration::from_millis(10);
            play.ended(in_flight.swap_remove(step % 7), now, true, Duration::ZERO);
        }
    }
}
