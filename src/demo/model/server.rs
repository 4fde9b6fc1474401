//! The server: a queue, a batch, and steps one after the other.

use super::chance::Chance;
use super::freeze::Freezes;
use super::request::{Admission, Event, Progress, Request, Stats};
use crate::demo::Profile;
use std::collections::VecDeque;
use std::time::Duration;

/// What a shed client is told to wait. The queue of the built-in profile empties within it.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A simulated server by continuous batching.
///
/// A step runs whenever there is work. At its start waiting requests join the batch in order of
/// arrival, and up to `prefill_chunk` prompt tokens are taken, in the same order. At its end every
/// sequence whose prompt is done produces one token; the step that completes a prompt so gives its
/// first token. The next step begins at the same instant.
///
/// How many tokens an answer has is drawn with the request, by seed: see
/// [`output_min`](Request::output_min).
///
/// How often it is looked at changes nothing: events carry the model's times, however late they are
/// fetched.
#[derive(Debug, Clone)]
pub struct Server {
    profile: Profile,
    chance: Chance,
    freezes: Option<Freezes>,
    speed: f64,
    now: Duration,
    step_end: Option<Duration>,
    running: Vec<Sequence>,
    waiting: VecDeque<Sequence>,
    events: Vec<Event>,
    totals: Stats,
}

#[derive(Debug, Clone)]
struct Sequence {
    id: u64,
    prompt_left: u32,
    output_left: u32,
    held: u32,
    end: Progress,
    client: Client,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    Listens,
    Gone,
}

impl Server {
    /// An idle server at time zero. A batch or a prefill chunk of 0 in the profile counts as 1.
    #[must_use]
    pub fn new(profile: &Profile) -> Self {
        Self {
            profile: profile.clone(),
            chance: Chance::new(profile.seed),
            freezes: Freezes::new(profile.faults.freeze_every, profile.faults.freeze_for),
            speed: 1.0,
            now: Duration::ZERO,
            step_end: None,
            running: Vec::new(),
            waiting: VecDeque::new(),
            events: Vec::new(),
            totals: Stats::default(),
        }
    }

    /// Takes a request in, or says why not. A `now` before the model's own time counts as that
    /// time: what has happened stays.
    pub fn submit(&mut self, now: Duration, request: Request) -> Admission {
        self.run_to(now);
        let lot = self.chance.lot();
        let faults = &self.profile.faults;
        let prompt = request.prompt_tokens.max(1);
        let output = request.output_tokens.max(1);
        if prompt.saturating_add(output) > self.profile.context {
            self.totals.refused += 1;
            return Admission::ContextExceeded { limit: self.profile.context };
        }
        if lot.error < faults.error_rate {
            self.totals.failed += 1;
            return Admission::Failed;
        }
        if lot.shed < faults.shed_rate || self.is_full() {
            self.totals.shed += 1;
            return Admission::Shed { retry_after: RETRY_AFTER };
        }
        let length = lot.length(request.output_min.max(1), output);
        let whole = if length < output { Progress::Stopped } else { Progress::Finished };
        let is_cut = lot.truncate < faults.truncate_rate;
        self.waiting.push_back(Sequence {
            id: request.id,
            prompt_left: prompt,
            output_left: if is_cut { length.div_ceil(2) } else { length },
            held: 0,
            end: if is_cut { Progress::Cut } else { whole },
            client: Client::Listens,
        });
        self.totals.accepted += 1;
        if self.step_end.is_none() {
            self.start_step();
        }
        Admission::Accepted
    }

    /// Steps that begin after `now` go so fast, finite and `> 0`: 1 is the speed of the profile.
    pub fn set_speed(&mut self, now: Duration, speed: f64) {
        self.run_to(now);
        self.speed = speed;
    }

    /// The client went away: no further events, and the place is free from the next step on. An
    /// unknown or finished request is ignored.
    pub fn cancel(&mut self, now: Duration, id: u64) {
        self.run_to(now);
        if let Some(at) = self.waiting.iter().position(|sequence| sequence.id == id) {
            self.waiting.remove(at);
            self.totals.cancelled += 1;
        } else if let Some(sequence) = self.running.iter_mut().find(|sequence| sequence.id == id)
            && sequence.client == Client::Listens
        {
            sequence.client = Client::Gone;
            self.totals.cancelled += 1;
        }
    }

    /// When to call [`advance`](Self::advance) next: the end of the running step, or the oldest
    /// event that was not fetched yet. `None` when idle.
    #[must_use]
    pub fn next_event(&self) -> Option<Duration> {
        self.events.first().map(|event| event.at).or(self.step_end)
    }

    /// Runs to `now` and returns all events up to and including it that were not returned yet, in
    /// order of time, then of admission.
    pub fn advance(&mut self, now: Duration) -> Vec<Event> {
        self.run_to(now);
        std::mem::take(&mut self.events)
    }

    /// State and totals as of the last call.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            running: self.running.len(),
            waiting: self.waiting.len(),
            tokens_held: self.running.iter().map(|sequence| u64::from(sequence.held)).sum(),
            ..self.totals
        }
    }

    /// An idle server is never full, even with a queue of length 0.
    fn is_full(&self) -> bool {
        self.step_end.is_some() && length(self.waiting.len()) >= self.profile.max_queue
    }

    fn run_to(&mut self, now: Duration) {
        while let Some(end) = self.step_end.filter(|end| *end <= now) {
            self.now = end;
            self.finish_step();
            self.start_step();
        }
        self.now = self.now.max(now);
    }

    fn start_step(&mut self) {
        let room = self.profile.max_num_seqs.max(1).saturating_sub(length(self.running.len()));
        let joining = self.waiting.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        self.running.extend(self.waiting.drain(..joining));
        if self.running.is_empty() {
            self.step_end = None;
            return;
        }
        let chunk = self.profile.prefill_chunk.max(1);
        let mut budget = chunk;
        for sequence in &mut self.running {
            let taken = budget.min(sequence.prompt_left);
            sequence.prompt_left -= taken;
            sequence.held = sequence.held.saturating_add(taken);
            budget -= taken;
        }
        let prefilled = chunk - budget;
        self.totals.prompt_tokens += u64::from(prefilled);
        let length = self.step_length(prefilled);
        self.step_end = Some(match self.freezes {
            Some(freezes) => freezes.end(self.now, length),
            None => self.now.saturating_add(length),
        });
    }

    fn finish_step(&mut self) {
        for sequence in &mut self.running {
            if sequence.prompt_left > 0 || sequence.client == Client::Gone {
                continue;
            }
            sequence.output_left -= 1;
            sequence.held = sequence.held.saturating_add(1);
            self.totals.generated_tokens += 1;
            let progress = if sequence.output_left > 0 { Progress::More } else { sequence.end };
            match progress {
                Progress::More => {}
                Progress::Finished => self.totals.finished += 1,
                Progress::Stopped => self.totals.stopped += 1,
                Progress::Cut => self.totals.cut += 1,
            }
            self.events.push(Event { id: sequence.id, at: self.now, progress });
        }
        self.totals.steps += 1;
        self.running
            .retain(|sequence| sequence.output_left > 0 && sequence.client == Client::Listens);
    }

    /// The formula of [`Profile`], and the cold start of the very first step.
    fn step_length(&mut self, prefilled: u32) -> Duration {
        let profile = &self.profile;
        let held =
            self.running.iter().fold(0_u32, |sum, sequence| sum.saturating_add(sequence.held));
        let nominal = profile.step.as_secs_f64()
            + profile.per_sequence.as_secs_f64() * f64::from(length(self.running.len()))
            + profile.per_token.as_secs_f64() * f64::from(held)
            + profile.per_prefill_token.as_secs_f64() * f64::from(prefilled);
        let slowdown = profile.faults.slowdown / self.speed;
        let seconds = slowdown * nominal * self.chance.factor(profile.jitter);
        let is_first = self.totals.steps == 0;
        let cold_start = if is_first { profile.faults.cold_start } else { Duration::ZERO };
        // Out of range only for a profile without sense: then the step never ends.
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).saturating_add(cold_start)
    }
}

/// A length as the profile counts; batch and queue are bounded by 32 bits.
fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
