//! A service of another kind: workers that wake by a clock, take what waits as a batch, and stand still
//! while their memory is cleared up.

use crate::pool::{SHED, answered, size};
use plimsoll::demo::model::{Admission, Event, Request};
use plimsoll::run::{Model, Service};
use plimsoll::workload::Random;
use std::collections::VecDeque;
use std::time::Duration;

/// Each worker is idle or has one batch, whose requests are all answered at its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batcher {
    pub(crate) workers: usize,
    /// An idle worker looks at the queue at whole multiples of this.
    pub(crate) tick: Duration,
    /// Most requests that it takes at once.
    pub(crate) batch: usize,
    /// Most requests that wait; further ones are shed.
    pub(crate) queue: usize,
    /// Time of a batch without its requests.
    pub(crate) fixed: Duration,
    /// Mean time that a request adds.
    pub(crate) each: Duration,
    /// Mean time between two freezes; the gaps differ by up to half of it.
    pub(crate) freeze_every: Duration,
    pub(crate) freeze_shortest: Duration,
    pub(crate) freeze_longest: Duration,
}

impl Service for Batcher {
    fn start(&self, seed: u64) -> Box<dyn Model> {
        let mut random = Random::new(seed, "freezes");
        Box::new(Working {
            batcher: *self,
            speed: 1.0,
            now: Duration::ZERO,
            freeze: self.freeze_every.mul_f64(random.unit()),
            random,
            waiting: VecDeque::new(),
            busy: Vec::new(),
            events: Vec::new(),
        })
    }
}

#[derive(Debug)]
struct Working {
    batcher: Batcher,
    random: Random,
    speed: f64,
    /// How far it has run: the end of a freeze, while it stands still.
    now: Duration,
    /// When the next freeze begins.
    freeze: Duration,
    waiting: VecDeque<(u64, f64)>,
    /// Batches and when each ends.
    busy: Vec<(Duration, Vec<u64>)>,
    events: Vec<Event>,
}

impl Working {
    fn next_end(&self) -> Option<Duration> {
        self.busy.iter().map(|(end, _)| *end).min()
    }

    /// When an idle worker looks at a queue that is not empty.
    fn next_look(&self) -> Option<Duration> {
        let is_due = !self.waiting.is_empty() && self.busy.len() < self.batcher.workers;
        let ticks = u32::try_from(self.now.as_nanos().div_ceil(self.batcher.tick.as_nanos()));
        ticks.ok().filter(|_| is_due).map(|ticks| self.batcher.tick * ticks)
    }

    fn run_to(&mut self, now: Duration) {
        loop {
            let (end, look) = (self.next_end(), self.next_look());
            let next = [Some(self.freeze), end, look].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= now) else { break };
            self.now = at;
            if self.freeze == at {
                self.stand_still();
            } else if end == Some(at) {
                self.finish();
            } else {
                self.look();
            }
        }
        self.now = self.now.max(now);
    }

    fn stand_still(&mut self) {
        let Batcher { freeze_every, freeze_shortest, freeze_longest, .. } = self.batcher;
        let more = (freeze_longest - freeze_shortest).mul_f64(self.random.unit());
        let length = freeze_shortest + more;
        self.busy.iter_mut().for_each(|(end, _)| *end += length);
        self.now += length;
        self.freeze = self.now + freeze_every.mul_f64(0.5 + self.random.unit());
    }

    fn finish(&mut self) {
        let now = self.now;
        for (_, ids) in self.busy.extract_if(.., |(end, _)| *end == now) {
            self.events.extend(ids.into_iter().map(|id| answered(id, now)));
        }
    }

    fn look(&mut self) {
        let taken = self.waiting.len().min(self.batcher.batch);
        let (ids, sizes): (Vec<u64>, Vec<f64>) = self.waiting.drain(..taken).unzip();
        let time = self.batcher.fixed + self.batcher.each.mul_f64(sizes.iter().sum());
        self.busy.push((self.now + time.div_f64(self.speed), ids));
    }
}

impl Model for Working {
    fn submit(&mut self, now: Duration, request: Request) -> Admission {
        self.run_to(now);
        if self.waiting.len() >= self.batcher.queue {
            return SHED;
        }
        self.waiting.push_back((request.id, size(&request)));
        Admission::Accepted
    }

    fn next_event(&self) -> Option<Duration> {
        let ended = self.events.first().map(|event| event.at);
        ended.or_else(|| [self.next_end(), self.next_look()].into_iter().flatten().min())
    }

    fn advance(&mut self, now: Duration) -> Vec<Event> {
        self.run_to(now);
        std::mem::take(&mut self.events)
    }

    fn set_speed(&mut self, now: Duration, speed: f64) {
        self.run_to(now);
        self.speed = speed;
    }
}
