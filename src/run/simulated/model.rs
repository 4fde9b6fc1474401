//! What the simulated rig asks of the service that it plays against.

use crate::demo::Profile;
use crate::demo::model::{Admission, Event, Request, Server};
use std::fmt::Debug;
use std::time::Duration;

/// A service as a discrete-event model. Times are since its start. How often it is looked at must
/// change nothing but when a new speed is heard of.
pub trait Model: Debug {
    /// Takes a request in, or says why not.
    fn submit(&mut self, now: Duration, request: Request) -> Admission;

    /// When to call [`advance`](Self::advance) next; `None` when nothing is going on.
    fn next_event(&self) -> Option<Duration>;

    /// Runs to `now` and returns what happened up to and including it, in order of time.
    fn advance(&mut self, now: Duration) -> Vec<Event>;

    /// From now on the service is so fast, `> 0`; 1 is its own speed. What it has begun (a step, a
    /// request in a worker) may end at the old one.
    fn set_speed(&mut self, now: Duration, speed: f64);
}

/// A service that is started anew for each trial.
pub trait Service: Debug + Send + Sync {
    /// The service, idle, at time zero. `seed` draws what it leaves to chance.
    fn start(&self, seed: u64) -> Box<dyn Model>;
}

impl Model for Server {
    fn submit(&mut self, now: Duration, request: Request) -> Admission {
        Self::submit(self, now, request)
    }

    fn next_event(&self) -> Option<Duration> {
        Self::next_event(self)
    }

    fn advance(&mut self, now: Duration) -> Vec<Event> {
        Self::advance(self, now)
    }

    fn set_speed(&mut self, now: Duration, speed: f64) {
        Self::set_speed(self, now, speed);
    }
}

impl Service for Profile {
    fn start(&self, seed: u64) -> Box<dyn Model> {
        Box::new(Server::new(&Self { seed, ..self.clone() }))
    }
}
