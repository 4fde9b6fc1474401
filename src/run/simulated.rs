//! The simulated rig: the demo's model in virtual time, fed by the same schedule and counted by the
//! same recorder as the live rig. A whole check takes milliseconds.

use super::{Rig, RunError};
use crate::demo::Profile;
use crate::demo::model::{Admission, Event, Progress, Request, Server};
use crate::load::{Due, Play, Share, pause};
use crate::trial::{
    Ended, Ending, Expected, Flow, Outcome, Readings, Recorder, RequestId, Timeline, TrialPlan,
    TrialReport, Usage, Watch, Window,
};
use crate::workload::{HistoryMode, Random, Session, SessionLaw};
use std::collections::HashMap;
use std::time::Duration;

/// A rig in virtual time.
#[derive(Debug)]
pub struct Simulated {
    profile: Profile,
    law: SessionLaw,
    /// Standard deviation of the logarithm of the server's speed between trials.
    speed_sd: f64,
    /// Share of the requests that the generator is late with or loses, to test that it is noticed.
    starved: bool,
    random: Random,
    elapsed: Duration,
}

impl Simulated {
    /// A rig for this server and law of sessions; `seed` draws what differs between its trials.
    #[must_use]
    pub fn new(profile: Profile, law: SessionLaw, seed: u64) -> Self {
        let random = Random::new(seed, "simulated");
        Self { profile, law, speed_sd: 0.0, starved: false, random, elapsed: Duration::ZERO }
    }

    /// With a server whose speed differs between trials by this standard deviation (of its logarithm).
    #[must_use]
    pub fn with_speed_sd(self, speed_sd: f64) -> Self {
        Self { speed_sd, ..self }
    }

    /// With a generator that sends every request 100 ms late.
    #[must_use]
    pub fn starved(self) -> Self {
        Self { starved: true, ..self }
    }

    /// Runs one trial.
    pub fn trial(
        &mut self,
        plan: &TrialPlan,
        watch: &mut dyn Watch,
        seen: &mut dyn FnMut(&Window),
    ) -> TrialReport {
        let mut profile = self.profile.clone();
        profile.seed = self.random.bits();
        profile.faults.slowdown *= libm::exp(self.speed_sd * self.random.normal());
        let report = World::new(&profile, &self.law, plan, self.starved).run(plan, watch, seen);
        self.elapsed += report.elapsed;
        report
    }
}

impl Rig for Simulated {
    async fn run_trial(
        &mut self,
        plan: &TrialPlan,
        watch: &mut dyn Watch,
        seen: &mut dyn FnMut(&Window),
    ) -> Result<TrialReport, RunError> {
        Ok(self.trial(plan, watch, seen))
    }

    fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

/// One trial's server, schedule and recorder.
struct World<'a> {
    law: &'a SessionLaw,
    play: Play,
    recorder: Recorder,
    server: Server,
    running: HashMap<u64, (RequestId, u64)>,
    next_id: u64,
    lag: Duration,
}

impl<'a> World<'a> {
    fn new(profile: &Profile, law: &'a SessionLaw, plan: &TrialPlan, starved: bool) -> Self {
        let requests = Play::extent(law, plan).requests;
        let expected = Expected {
            requests,
            request_limit: plan.request_limit,
            has_tokens: true,
            has_pauses: law.has_pauses(),
        };
        Self {
            law,
            play: Play::new(law, plan, Share::WHOLE),
            recorder: Recorder::new(plan.clone(), expected),
            server: Server::new(profile),
            running: HashMap::new(),
            next_id: 0,
            lag: if starved { Duration::from_millis(100) } else { Duration::ZERO },
        }
    }

    fn run(
        mut self,
        plan: &TrialPlan,
        watch: &mut dyn Watch,
        seen: &mut dyn FnMut(&Window),
    ) -> TrialReport {
        let mut tick = Duration::from_secs(1);
        let mut timeline = Timeline::default();
        let (now, ended) = loop {
            let due = self.play.next_due().map(|due| due + self.lag);
            let next = [due, self.server.next_event(), Some(tick)].into_iter().flatten().min();
            let now = next.unwrap_or(tick);
            if now >= plan.time_limit {
                break (plan.time_limit, Ended::Stopped);
            }
            for event in self.server.advance(now) {
                self.heard(event);
            }
            let until = now.saturating_sub(self.lag);
            while !self.recorder.is_spent()
                && let Some(due) = self.play.pop(until)
            {
                self.send(&due, now);
            }
            if self.recorder.is_decided() {
                break (now, Ended::Complete);
            }
            if self.recorder.is_spent() && self.play.next_due().is_some_and(|due| due <= until) {
                break (now, Ended::Stopped);
            }
            if now >= tick {
                let window = self.recorder.close_window(now);
                seen(&window);
                let flow = watch.observe(&window);
                timeline.push(window);
                if let Flow::Stop(reason) = flow {
                    break (now, reason.into());
                }
                tick += Duration::from_secs(1);
            }
        };
        self.recorder.into_report(now, ended, Readings::default(), timeline)
    }

    fn send(&mut self, due: &Due, now: Duration) {
        self.recorder.intended(due.id, due.intended);
        self.recorder.written(due.id, now);
        let turn = due.id.turn as usize;
        let output_tokens = due.session.turns.get(turn).map_or(1, |turn| turn.output_tokens);
        let prompt_tokens = prompt_tokens(&due.session, turn, self.law.history);
        let id = self.next_id;
        self.next_id += 1;
        // Exactly so long, as with `ignore_eos`.
        let request = Request { id, prompt_tokens, output_tokens, output_min: output_tokens };
        match self.server.submit(now, request) {
            Admission::Accepted => {
                self.running.insert(id, (due.id, u64::from(output_tokens)));
            }
            Admission::Shed { retry_after } => {
                self.ended(due.id, now, Ending::of(Outcome::Shed), Some(retry_after));
            }
            Admission::ContextExceeded { .. } | Admission::Failed => {
                self.ended(due.id, now, Ending::of(Outcome::HttpError), None);
            }
        }
    }

    fn heard(&mut self, event: Event) {
        let Some(&(id, tokens)) = self.running.get(&event.id) else { return };
        self.recorder.chunk(id, event.at, true);
        let ending = match event.progress {
            Progress::More => return,
            Progress::Finished | Progress::Stopped => {
                let usage = Usage { prompt_tokens: 0, completion_tokens: tokens };
                Ending { usage: Some(usage), ..Ending::of(Outcome::Ok) }
            }
            Progress::Cut => Ending::of(Outcome::Truncated),
        };
        self.running.remove(&event.id);
        self.ended(id, event.at, ending, None);
    }

    fn ended(
        &mut self,
        id: RequestId,
        at: Duration,
        ending: Ending,
        retry_after: Option<Duration>,
    ) {
        self.recorder.end(id, at, ending);
        let ok = ending.outcome == Outcome::Ok;
        let pause = pause(ending.outcome, retry_after);
        for lost in self.play.ended(id, at, ok, pause) {
            self.recorder.lost(lost, at);
        }
    }
}

/// Tokens that a turn sends: its own, and with inherited history all that went before.
fn prompt_tokens(session: &Session, turn: usize, history: HistoryMode) -> u32 {
    let own = session.turns.get(turn).map_or(0, |turn| turn.prompt_tokens);
    match history {
        HistoryMode::None => own,
        HistoryMode::Inherit => {
            let before = session.turns.iter().take(turn);
            before.map(|turn| turn.prompt_tokens + turn.output_tokens).sum::<u32>() + own
        }
    }
}
