//! One trial in virtual time.

use super::model::Model;
use super::weather::Sky;
use crate::demo::model::{Admission, Event, Progress, Request};
use crate::load::{Due, Play, Share, pause};
use crate::trial::{
    Ended, Ending, Flow, Outcome, Readings, Recorder, RequestId, Timeline, TrialPlan, TrialReport,
    Usage, Watch, Window,
};
use crate::workload::{HistoryMode, Session, SessionLaw};
use std::time::Duration;

/// One trial's service, schedule and recorder.
pub(super) struct World<'a> {
    law: &'a SessionLaw,
    play: Play,
    recorder: Recorder,
    model: Box<dyn Model>,
    sky: Sky,
    /// What the model was given, and the tokens asked for: its number there is its place here.
    given: Vec<(RequestId, u64)>,
    lag: Duration,
}

impl<'a> World<'a> {
    pub(super) fn new(
        mut model: Box<dyn Model>,
        sky: Sky,
        law: &'a SessionLaw,
        plan: &TrialPlan,
        recorder: Recorder,
        lag: Duration,
    ) -> Self {
        model.set_speed(Duration::ZERO, sky.speed());
        let play = Play::new(law, plan, Share::WHOLE);
        Self { law, play, recorder, model, sky, given: Vec::new(), lag }
    }

    pub(super) fn run(
        mut self,
        plan: &TrialPlan,
        watch: &mut dyn Watch,
        seen: &mut dyn FnMut(&Window),
    ) -> TrialReport {
        let mut tick = Duration::from_secs(1);
        let mut timeline = Timeline::default();
        let (now, ended) = loop {
            let due = self.play.next_due().map(|due| due + self.lag);
            let next = [due, self.model.next_event(), self.sky.next_change(), Some(tick)];
            let now = next.into_iter().flatten().min().unwrap_or(tick);
            if now >= plan.time_limit {
                break (plan.time_limit, Ended::Stopped);
            }
            for event in self.model.advance(now) {
                self.heard(event);
            }
            if self.sky.next_change() == Some(now) {
                self.sky.advance(now);
                self.model.set_speed(now, self.sky.speed());
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
        let readings =
            Readings { foreign_cores: self.sky.foreign_cores(now), ..Readings::default() };
        self.recorder.into_report(now, ended, readings, timeline)
    }

    fn send(&mut self, due: &Due, now: Duration) {
        self.recorder.intended(due.id, due.intended);
        self.recorder.written(due.id, now);
        let turn = due.id.turn as usize;
        let output_tokens = due.session.turns.get(turn).map_or(1, |turn| turn.output_tokens);
        let prompt_tokens = prompt_tokens(&due.session, turn, self.law.history);
        let id = self.given.len() as u64;
        self.given.push((due.id, u64::from(output_tokens)));
        // Exactly so long, as with `ignore_eos`.
        let request = Request { id, prompt_tokens, output_tokens, output_min: output_tokens };
        match self.model.submit(now, request) {
            Admission::Accepted => {}
            Admission::Shed { retry_after } => {
                self.ended(due.id, now, Ending::of(Outcome::Shed), Some(retry_after));
            }
            Admission::ContextExceeded { .. } | Admission::Failed => {
                self.ended(due.id, now, Ending::of(Outcome::HttpError), None);
            }
        }
    }

    fn heard(&mut self, event: Event) {
        let given = usize::try_from(event.id).ok().and_then(|id| self.given.get(id));
        let Some(&(id, tokens)) = given else { return };
        self.recorder.chunk(id, event.at, true);
        let ending = match event.progress {
            Progress::More => return,
            Progress::Finished | Progress::Stopped => {
                let usage = Usage { prompt_tokens: 0, completion_tokens: tokens };
                Ending { usage: Some(usage), ..Ending::of(Outcome::Ok) }
            }
            Progress::Cut => Ending::of(Outcome::Truncated),
        };
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
