//! From many checks to the figures that are promised of them.

use crate::crew::parallel;
use crate::gate::{Gate, Searched, Verdict, defend, search, uneven};
use crate::services::Subject;
use crate::truth::Truth;
use plimsoll::check::Prior;
use plimsoll::run::Weather;
use std::ops::Range;
use std::time::Duration;

/// Standard deviations of ln(speed) between trials that everything is promised for …
pub(crate) const QUIET: [f64; 3] = [0.0, 0.01, 0.03];
/// … and one for which less is.
pub(crate) const NOISY: f64 = 0.05;

/// Baselines of one service on one kind of machine.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) subject: Subject,
    pub(crate) between_sd: f64,
    pub(crate) searches: Vec<Searched>,
    /// Of each search, what a gate learns of it.
    priors: Vec<Option<Prior>>,
}

impl Bench {
    /// So many searches, over sequences of these seeds by turns.
    pub(crate) fn new(
        subject: &Subject,
        between_sd: f64,
        searches: u64,
        sequences: Range<u64>,
    ) -> Self {
        let of = |job: u64| sequences.start + job % (sequences.end - sequences.start);
        let searches = parallel(0..searches, |job| {
            let mut rig = subject.rig(uneven(between_sd), noise(between_sd, 0, job));
            search(subject, of(job), &mut rig)
        });
        let priors = searches.iter().map(|searched| searched.accepted(subject)).collect();
        Self { subject: subject.clone(), between_sd, searches, priors }
    }

    /// So many gates on each baseline, of a service that carries this share of what it did. `machine_sd`:
    /// of ln(speed) of the machines that gates run on; the baseline knows of it.
    pub(crate) fn gates(&self, share: f64, each: u64, machine_sd: f64) -> Vec<Gate> {
        let what = (share * 100.0).round() as u64 + if machine_sd > 0.0 { 1_000 } else { 0 };
        self.each_prior(each, |seed, prior| {
            let truth = Truth::of(&self.subject, &prior.sequence);
            let seed = noise(self.between_sd, what, seed);
            let mut random = plimsoll::workload::Random::new(seed, "machine");
            let machine = truth.speed(share) * (machine_sd * random.normal()).exp();
            let weather = Weather { machine, ..uneven(self.between_sd) };
            let prior = Prior { machine_sd, ..prior.clone() };
            defend(&self.subject, &prior, &mut self.subject.rig(weather, seed))
        })
    }

    /// `work` for each baseline `each` times, with a number of its own.
    pub(crate) fn each_prior<T: Send>(
        &self,
        each: u64,
        work: impl Fn(u64, &Prior) -> T + Sync,
    ) -> Vec<T> {
        let priors: Vec<&Prior> = self.priors.iter().flatten().collect();
        parallel(0..priors.len() as u64 * each, |job| work(job, priors[(job / each) as usize]))
    }

    /// Relative errors of what the searches found against the sequences' own crossings, with whether
    /// the interval holds the truth and half its width.
    pub(crate) fn errors(&self) -> Vec<SearchError> {
        parallel(0..self.searches.len() as u64, |job| {
            let searched = &self.searches[job as usize];
            let (value, [low, high]) = searched.interval()?;
            let own = Truth::of(&self.subject, searched.sequence()?).crossing;
            Some(SearchError {
                error: (value / own).ln(),
                is_covered: (low..=high).contains(&own),
                half_width: (high / low).ln() / 2.0,
            })
        })
        .into_iter()
        .flatten()
        .collect()
    }

    pub(crate) fn accepted(&self) -> usize {
        self.priors.iter().flatten().count()
    }
}

/// A seed of its own for what is done on a machine of this unevenness.
pub(crate) fn noise(between_sd: f64, what: u64, job: u64) -> u64 {
    (((between_sd * 1_000.0).round() as u64) << 48) | (what << 32) | job
}

/// Time of a search that is to notice a drift of 1 % a trial.
pub(crate) const DRIFT: Duration = Duration::from_secs(600);

/// Searches of this subject, so long or as long as its own if that is longer, while what it carries falls
/// by 1 % from each trial to the next.
pub(crate) fn drifting(bench: &Bench, time: Duration) -> Vec<Searched> {
    let subject = bench.subject.searched_for(time);
    parallel(0..bench.searches.len() as u64, |job| {
        let sequence = bench.searches[job as usize].sequence().unwrap();
        let drift_per_trial = Truth::of(&bench.subject, sequence).speed(0.99).ln();
        let weather = Weather { drift_per_trial, ..uneven(bench.between_sd) };
        let mut rig = bench.subject.rig(weather, noise(bench.between_sd, 2_000, job));
        search(&subject, sequence.seed, &mut rig)
    })
}

/// How many of the searches that found anything say that the target drifted, and how many found.
pub(crate) fn named(searches: &[Searched]) -> (usize, usize) {
    let named = searches.iter().filter(|it| it.is_drifted()).count();
    (named, named + searches.iter().filter(|it| it.interval().is_some()).count())
}

/// How far a search was off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SearchError {
    pub(crate) error: f64,
    pub(crate) is_covered: bool,
    pub(crate) half_width: f64,
}

/// What many searches were off by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accuracy {
    pub(crate) bias: f64,
    pub(crate) rmse: f64,
    pub(crate) worst: f64,
    pub(crate) coverage: f64,
    pub(crate) half_width: f64,
}

impl Accuracy {
    pub(crate) fn of(errors: &[SearchError]) -> Self {
        let covered = errors.iter().filter(|error| error.is_covered).count();
        Self {
            bias: mean(errors.iter().map(|it| it.error)),
            rmse: mean(errors.iter().map(|it| it.error * it.error)).sqrt(),
            worst: errors.iter().map(|it| it.error.abs()).max_by(f64::total_cmp).unwrap_or(0.0),
            coverage: covered as f64 / errors.len() as f64,
            half_width: mean(errors.iter().map(|it| it.half_width)),
        }
    }
}

/// How many gates came to this.
pub(crate) fn count(gates: &[Gate], verdict: Verdict) -> usize {
    gates.iter().filter(|gate| gate.verdict == verdict).count()
}

/// The share of gates that came to this.
pub(crate) fn share(gates: &[Gate], verdict: Verdict) -> f64 {
    count(gates, verdict) as f64 / gates.len() as f64
}

pub(crate) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// The value that 95 % do not exceed.
pub(crate) fn p95(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[(values.len() * 95).div_ceil(100).saturating_sub(1)]
}
