//! A pool of workers behind one queue: what a plain HTTP service is.

use plimsoll::demo::model::{Admission, Event, Progress, Request};
use plimsoll::run::{Model, Service};
use plimsoll::workload::{Length, Random};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

/// Requests have no tokens here: the length of the prompt is the rank of their size. So sizes belong to
/// the sequence: a trial that plays it again has the same ones.
pub(crate) const SIZES: Length = Length::Uniform(1, SIZES_MAX);
const SIZES_MAX: u32 = 1_000_000;

/// Size of a request relative to the mean: exponential, that is gamma with coefficient of variation 1.
pub(crate) fn size(request: &Request) -> f64 {
    -libm::log((f64::from(request.prompt_tokens) - 0.5) / f64::from(SIZES_MAX))
}

/// A queue that is full.
pub(crate) const SHED: Admission = Admission::Shed { retry_after: Duration::from_secs(1) };

/// A request that is answered at once and whole.
pub(crate) fn answered(id: u64, at: Duration) -> Event {
    Event { id, at, progress: Progress::Finished }
}

/// So many workers, each with one request at a time, in order of arrival.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pool {
    pub(crate) workers: usize,
    /// Most requests that wait; further ones are shed.
    pub(crate) queue: usize,
    /// Mean time that a request takes.
    pub(crate) mean: Duration,
    /// Standard deviation of the logarithm of the time that requests of one size take.
    pub(crate) jitter: f64,
}

impl Service for Pool {
    fn start(&self, seed: u64) -> Box<dyn Model> {
        Box::new(Working {
            pool: *self,
            random: Random::new(seed, "pool"),
            speed: 1.0,
            waiting: VecDeque::new(),
            busy: BinaryHeap::new(),
            events: Vec::new(),
        })
    }
}

#[derive(Debug)]
struct Working {
    pool: Pool,
    random: Random,
    speed: f64,
    /// Number, and time at full speed.
    waiting: VecDeque<(u64, Duration)>,
    /// End and number.
    busy: BinaryHeap<Reverse<(Duration, u64)>>,
    events: Vec<Event>,
}

impl Working {
    fn run_to(&mut self, now: Duration) {
        while let Some(Reverse((end, id))) = self.busy.peek().copied()
            && end <= now
        {
            self.busy.pop();
            self.events.push(answered(id, end));
            if let Some((id, time)) = self.waiting.pop_front() {
                self.begin(end, id, time);
            }
        }
    }

    fn begin(&mut self, now: Duration, id: u64, time: Duration) {
        self.busy.push(Reverse((now + time.div_f64(self.speed), id)));
    }
}

impl Model for Working {
    fn submit(&mut self, now: Duration, request: Request) -> Admission {
        self.run_to(now);
        let Pool { workers, queue, mean, jitter } = self.pool;
        let jitter = libm::exp(jitter * self.random.normal());
        let time = mean.mul_f64(size(&request) * jitter);
        if self.busy.len() < workers {
            self.begin(now, request.id, time);
        } else if self.waiting.len() < queue {
            self.waiting.push_back((request.id, time));
        } else {
            return SHED;
        }
        Admission::Accepted
    }

    fn next_event(&self) -> Option<Duration> {
        let ended = self.events.first().map(|event| event.at);
        ended.or_else(|| self.busy.peek().map(|Reverse((end, _))| *end))
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
