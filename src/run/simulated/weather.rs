//! How fast a simulated target is at each moment: what a real machine does to a service.

use crate::workload::Random;
use std::ops::Range;
use std::time::Duration;

/// How often a speed that moves by itself is looked at.
const STEP: Duration = Duration::from_millis(500);

/// What moves the speed of a target whose code stays the same. Deviations and drifts are of ln(speed):
/// 0.01 is 1 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// Factor on the speed in all trials, `> 0`: another machine.
    pub machine: f64,
    /// Standard deviation between trials; drawn anew for each.
    pub between_sd: f64,
    /// How it moves within a trial.
    pub wander: Option<Wander>,
    /// Added with each trial; −0.01: each is 1 % slower than the one before.
    pub drift_per_trial: f64,
    /// Added with each second of the rig's own time; −0.1 / 600: 10 % slower after ten minutes.
    pub drift_per_s: f64,
    /// Who else works on the machine.
    pub neighbour: Option<Neighbour>,
    /// Time between two trials.
    pub pause: Duration,
}

impl Weather {
    /// Always the target's own speed, and two seconds between trials.
    #[must_use]
    pub const fn calm() -> Self {
        Self {
            machine: 1.0,
            between_sd: 0.0,
            wander: None,
            drift_per_trial: 0.0,
            drift_per_s: 0.0,
            neighbour: None,
            pause: Duration::from_secs(2),
        }
    }
}

/// A slow movement about the mean (Ornstein and Uhlenbeck), begun anew with each trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wander {
    /// Standard deviation of ln(speed).
    pub sd: f64,
    /// Time in which the correlation falls to 1/e.
    pub correlation: Duration,
}

impl Wander {
    /// 1 %, in twenty seconds.
    pub const SLIGHT: Self = Self { sd: 0.01, correlation: Duration::from_secs(20) };
}

/// Another process that works in bursts, one in each `every`, at a random moment. Bursts lie on the
/// rig's own time: one may hit two trials, or the pause between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Time that has one burst, longer than a burst.
    pub every: Duration,
    /// Length of the shortest burst.
    pub shortest: Duration,
    /// Length of the longest; all between are equally likely.
    pub longest: Duration,
    /// Factor on the target's speed during a burst, `> 0`.
    pub speed: f64,
    /// CPU that a burst uses, in cores: what the trial's readings tell of it.
    pub cores: f64,
}

impl Neighbour {
    /// Halves the speed for four to ten seconds of each minute.
    pub const ONCE_A_MINUTE: Self = Self {
        every: Duration::from_secs(60),
        shortest: Duration::from_secs(4),
        longest: Duration::from_secs(10),
        speed: 0.5,
        cores: 0.5,
    };

    /// The burst of this number, since the rig's start.
    fn burst(&self, seed: u64, number: u32) -> Range<Duration> {
        let mut random = Random::new(seed, &format!("burst {number}"));
        let more = self.longest.saturating_sub(self.shortest).mul_f64(random.unit());
        let length = self.shortest + more;
        let before = self.every.saturating_sub(length).mul_f64(random.unit());
        let start = self.every * number + before;
        start..start + length
    }

    /// The first burst that ends after `time`.
    fn next(&self, seed: u64, time: Duration) -> Range<Duration> {
        let number = self.number(time);
        let burst = self.burst(seed, number);
        if burst.end > time { burst } else { self.burst(seed, number + 1) }
    }

    /// How long it worked in this span of the rig's time.
    fn worked(&self, seed: u64, span: Range<Duration>) -> Duration {
        let bursts = self.number(span.start)..=self.number(span.end);
        bursts
            .map(|number| self.burst(seed, number))
            .map(|burst| burst.end.min(span.end).saturating_sub(burst.start.max(span.start)))
            .sum()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "minutes of a simulation"
    )]
    fn number(&self, time: Duration) -> u32 {
        time.div_duration_f64(self.every) as u32
    }
}

/// The weather during one trial. Times are since the trial's start.
#[derive(Debug)]
pub(super) struct Sky {
    weather: Weather,
    seed: u64,
    /// When the trial began, in the rig's time.
    began: Duration,
    /// ln(speed) that holds all through the trial.
    steady: f64,
    wander: f64,
    random: Random,
    next_step: Option<Duration>,
    speed: f64,
    next_change: Option<Duration>,
}

impl Sky {
    /// At the start of trial `number`, which begins at `began` of the rig's time and is `apart` (of
    /// ln(speed)) from the others.
    pub(super) fn new(
        weather: Weather,
        seed: u64,
        number: u32,
        began: Duration,
        apart: f64,
    ) -> Self {
        let mut random = Random::new(seed, &format!("wander {number}"));
        let drift = weather.drift_per_trial * f64::from(number);
        let moves = weather.wander.is_some() || weather.drift_per_s != 0.0;
        let mut sky = Self {
            weather,
            seed,
            began,
            steady: libm::log(weather.machine) + apart + drift,
            wander: weather.wander.map_or(0.0, |wander| wander.sd * random.normal()),
            random,
            next_step: moves.then_some(STEP),
            speed: 1.0,
            next_change: None,
        };
        sky.look(Duration::ZERO);
        sky
    }

    /// The speed now.
    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// When the speed will be another; `None`: never.
    pub(super) fn next_change(&self) -> Option<Duration> {
        self.next_change
    }

    /// Goes on to the next change.
    pub(super) fn advance(&mut self, now: Duration) {
        if let Some(step) = self.next_step.filter(|step| *step <= now) {
            self.next_step = Some(step + STEP);
            if let Some(Wander { sd, correlation }) = self.weather.wander {
                let kept = libm::exp(-STEP.div_duration_f64(correlation));
                let fresh = sd * libm::sqrt(1.0 - kept * kept);
                self.wander = kept * self.wander + fresh * self.random.normal();
            }
        }
        self.look(now);
    }

    fn look(&mut self, now: Duration) {
        let time = self.began + now;
        let drift = self.weather.drift_per_s * time.as_secs_f64();
        self.speed = libm::exp(self.steady + self.wander + drift);
        self.next_change = self.next_step;
        let Some(neighbour) = self.weather.neighbour else { return };
        let burst = neighbour.next(self.seed, time);
        let edge = if burst.start <= time {
            self.speed *= neighbour.speed;
            burst.end
        } else {
            burst.start
        };
        let edge = edge.saturating_sub(self.began);
        self.next_change = Some(self.next_step.map_or(edge, |step| step.min(edge)));
    }

    /// CPU of others from the trial's start until `now`, in cores; `None` where nobody looks.
    pub(super) fn foreign_cores(&self, now: Duration) -> Option<f64> {
        let neighbour = self.weather.neighbour?;
        let worked = neighbour.worked(self.seed, self.began..self.began + now);
        Some(if now.is_zero() { 0.0 } else { neighbour.cores * worked.div_duration_f64(now) })
    }
}

#[cfg(test)]
mod tests {
    use super::{Neighbour, Sky, Wander, Weather};
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    /// ln(speed) at each change within so many seconds of trial `number`, from its start.
    fn course(weather: Weather, number: u32, began: u32, seconds: u64) -> Vec<(Duration, f64)> {
        let mut sky = Sky::new(weather, 3, number, SECOND * began, 0.0);
        let mut course = vec![(Duration::ZERO, sky.speed().ln())];
        while let Some(at) = sky.next_change().filter(|at| at.as_secs() < seconds) {
            sky.advance(at);
            course.push((at, sky.speed().ln()));
        }
        course
    }

    fn mean_and_sd(values: &[f64]) -> (f64, f64) {
        let n = f64::from(u32::try_from(values.len()).unwrap());
        let mean = values.iter().sum::<f64>() / n;
        (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
    }

    #[test]
    fn calm_weather_never_changes() {
        let calm = Sky::new(Weather::calm(), 1, 9, SECOND * 100, 0.0);
        assert_eq!((calm.speed(), calm.next_change()), (1.0, None));
        assert_eq!(calm.foreign_cores(SECOND), None);
    }

    #[test]
    fn what_holds_all_through_a_trial_adds_up() {
        let weather = Weather { machine: 0.8, drift_per_trial: -0.01, ..Weather::calm() };
        let sky = Sky::new(weather, 1, 5, SECOND, 0.02);
        assert!((sky.speed() / (0.8 * (0.02_f64 - 0.05).exp()) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_drift_goes_on_with_the_time_of_the_rig() {
        let weather = Weather { drift_per_s: -0.1 / 600.0, ..Weather::calm() };
        let (at, speed) = *course(weather, 0, 570, 31).last().unwrap();
        assert_eq!(at, SECOND * 30 + SECOND / 2);
        assert!((speed + 0.1 * 600.5 / 600.0).abs() < 1e-12, "{speed}");
    }

    #[test]
    fn it_wanders_by_its_deviation_and_forgets_in_its_time() {
        let weather = Weather { wander: Some(Wander::SLIGHT), ..Weather::calm() };
        // Independent trials: their starts, and pairs of moments 20 s apart.
        let trials: Vec<_> = (0..2_000).map(|number| course(weather, number, 0, 21)).collect();
        let at = |half: usize| -> Vec<f64> { trials.iter().map(|trial| trial[half].1).collect() };
        let (first, later) = (at(0), at(40));
        for values in [&first, &later] {
            let (mean, sd) = mean_and_sd(values);
            assert!(mean.abs() < 0.001 && (sd - 0.01).abs() < 0.000_6, "{mean} {sd}");
        }
        let products: Vec<f64> = first.iter().zip(&later).map(|(a, b)| a * b / 1e-4).collect();
        let (kept, _) = mean_and_sd(&products);
        assert!((kept - 0.368).abs() < 0.08, "{kept}");
    }

    #[test]
    fn a_neighbour_works_once_in_each_minute_and_is_seen_in_full() {
        let weather = Weather { neighbour: Some(Neighbour::ONCE_A_MINUTE), ..Weather::calm() };
        let whole = course(weather, 0, 0, 3_600);
        let bursts: Vec<f64> = whole[1..]
            .chunks(2)
            .map(|edges| {
                assert!((edges[0].1 - 0.5_f64.ln()).abs() < 1e-12 && edges[1].1 == 0.0);
                assert_eq!(edges[0].0.as_secs() / 60, edges[1].0.as_secs() / 60);
                (edges[1].0 - edges[0].0).as_secs_f64()
            })
            .collect();
        assert_eq!(bursts.len(), 60);
        assert!(bursts.iter().all(|length| (4.0..=10.0).contains(length)), "{bursts:?}");
        let sky = Sky::new(weather, 3, 0, Duration::ZERO, 0.0);
        let seen = sky.foreign_cores(SECOND * 3_600).unwrap();
        assert!((seen - 0.5 * bursts.iter().sum::<f64>() / 3_600.0).abs() < 1e-9, "{seen}");
        // Trials that begin within a burst, and the same minutes cut into pieces.
        let burst = (whole[1].0, whole[2].0);
        let within = Sky::new(weather, 3, 7, burst.0 + SECOND, 0.0);
        assert_eq!(within.next_change(), Some(burst.1 - burst.0 - SECOND));
        assert!((within.foreign_cores(SECOND).unwrap() - 0.5).abs() < 1e-9);
        let pieces = (0..3_600).map(|s| Sky::new(weather, 3, s, SECOND * s, 0.0));
        let sum: f64 = pieces.filter_map(|sky| sky.foreign_cores(SECOND)).sum();
        assert!((sum / 3_600.0 - seen).abs() < 1e-9, "{sum}");
        assert_eq!(within.foreign_cores(Duration::ZERO), Some(0.0));
    }
}
