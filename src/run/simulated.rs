//! The simulated rig: a model of a service in virtual time, fed by the same schedule and counted by
//! the same recorder as the live rig. A whole check takes milliseconds.

mod model;
mod weather;
mod world;

use super::{Rig, RunError};
use crate::demo::Profile;
use crate::load::Play;
use crate::trial::{Expected, Recorder, TrialPlan, TrialReport, Watch, Window};
use crate::workload::{Random, SessionLaw, Setting};
pub use model::{Model, Service};
use std::sync::Arc;
use std::time::Duration;
use weather::Sky;
pub use weather::{Neighbour, Wander, Weather};
use world::World;

/// A rig in virtual time.
#[derive(Debug)]
pub struct Simulated {
    service: Arc<dyn Service>,
    law: SessionLaw,
    weather: Weather,
    /// How late the generator is with every request, to test that it is noticed.
    lag: Duration,
    seed: u64,
    random: Random,
    trials: u32,
    elapsed: Duration,
    /// What the last trial played, and the requests that it measured: to tell them the whole sequence is
    /// drawn.
    measured: Option<(Played, u64)>,
}

/// Seed, cut and count of a trial, and what its knob set.
type Played = ([u64; 3], Option<Setting>);

impl Simulated {
    /// A rig for the demo of this profile and this law of sessions; `seed` draws what differs between
    /// its trials, which follow each other without a pause.
    #[must_use]
    pub fn new(profile: Profile, law: SessionLaw, seed: u64) -> Self {
        Self::serving(Arc::new(profile), law, seed)
    }

    /// The same for any service.
    #[must_use]
    pub fn serving(service: Arc<dyn Service>, law: SessionLaw, seed: u64) -> Self {
        Self {
            service,
            law,
            weather: Weather { pause: Duration::ZERO, ..Weather::calm() },
            lag: Duration::ZERO,
            seed,
            random: Random::new(seed, "simulated"),
            trials: 0,
            elapsed: Duration::ZERO,
            measured: None,
        }
    }

    /// With a server whose speed differs between trials by this standard deviation (of its logarithm).
    #[must_use]
    pub fn with_speed_sd(self, speed_sd: f64) -> Self {
        Self { weather: Weather { between_sd: speed_sd, ..self.weather }, ..self }
    }

    /// In this weather.
    #[must_use]
    pub fn with_weather(self, weather: Weather) -> Self {
        Self { weather, ..self }
    }

    /// With a generator that sends every request 100 ms late.
    #[must_use]
    pub fn starved(self) -> Self {
        Self { lag: Duration::from_millis(100), ..self }
    }

    /// Runs one trial.
    pub fn trial(
        &mut self,
        plan: &TrialPlan,
        watch: &mut dyn Watch,
        seen: &mut dyn FnMut(&Window),
    ) -> TrialReport {
        let law = self.law.with(plan.setting.as_ref());
        let model = self.service.start(self.random.bits());
        let apart = -self.weather.between_sd * self.random.normal();
        let sky = Sky::new(self.weather, self.seed, self.trials, self.elapsed, apart);
        let expected = Expected {
            requests: self.requests(&law, plan),
            request_limit: plan.request_limit,
            has_tokens: true,
            has_pauses: self.law.has_pauses(),
        };
        let recorder = Recorder::new(plan.clone(), expected);
        let world = World::new(model, sky, &law, plan, recorder, self.lag);
        let report = world.run(plan, watch, seen);
        self.trials += 1;
        self.elapsed += report.elapsed + self.weather.pause;
        report
    }

    fn requests(&mut self, law: &SessionLaw, plan: &TrialPlan) -> u64 {
        let key = ([plan.seed, plan.cut, plan.count], plan.setting.clone());
        match &self.measured {
            Some((of, requests)) if *of == key => *requests,
            Some(_) | None => {
                let requests = Play::extent(law, plan).requests;
                self.measured = Some((key, requests));
                requests
            }
        }
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

    async fn wait(&mut self, time: Duration) -> Result<(), RunError> {
        self.elapsed += time;
        Ok(())
    }

    fn elapsed(&self) -> Duration {
        self.elapsed
    }
}
