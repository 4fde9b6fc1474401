//! The capacity over several sequences of the same workload: one sequence is a sample, and another one
//! may weigh a little more or less.

use super::course::Course;
use super::{Capacity, Estimate, History, Step};
use crate::config::plan::Method;
use crate::search::{Answer, Ask, Refine};
use crate::trial::Purpose;
use crate::units::{Ratio, as_f64};

/// Name of the metric.
pub const OVER_SEQUENCES: &str = "capacity_over_sequences";
/// 95 % points of Student's t with 1 to 8 degrees of freedom (Fisher 1925, table IV).
const T_95: [f64; 8] = [6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860];

impl Capacity {
    /// The next trial of another sequence than the suite's own, from its capacity on; `None` when all
    /// have their answer, or no more can be afforded.
    pub(super) fn other_sequence(
        &self,
        history: &History,
        course: &Course,
        found: f64,
    ) -> Option<Step> {
        if self.search.method == Method::Bisect {
            return None;
        }
        let search = Refine { start: Some(found), ..self.refine() };
        for seed in self.other_seeds() {
            let points = course.of_seed(history, seed).points;
            let (Ask::Play(value) | Ask::Probe(value)) = search.next(&points) else { continue };
            let mut plan = self.plan(history, value, Purpose::Play)?;
            plan.seed = seed;
            return self.gap(history, course, &plan, 0).is_none().then(|| Step::run(plan));
        }
        None
    }

    /// Seeds of the sequences that are played besides the suite's own.
    fn other_seeds(&self) -> impl Iterator<Item = u64> {
        let own = self.sizing.seed();
        (1..u64::from(self.search.sequences)).map(move |n| own.wrapping_add(n))
    }

    /// The middle of the capacities of all sequences that have one; `None` for fewer than two. The
    /// interval is that of a mean of so few (Student 1908), each of them known as its own search says.
    pub(super) fn over_sequences(
        &self,
        history: &History,
        course: &Course,
        own: &Estimate,
    ) -> Option<Estimate> {
        let search = Refine { start: Some(own.value), ..self.refine() };
        let (mut logs, mut within) = (Vec::new(), 0.0);
        let (mut samples, mut trials) = (0, 0);
        for seed in std::iter::once(self.sizing.seed()).chain(self.other_seeds()) {
            let course = course.of_seed(history, seed);
            let Some(Answer::Crossing { value, .. }) = search.settle(&course.points) else {
                continue;
            };
            logs.push(value.ln());
            within += search.belief(&course.points)?.crossing().sd().powi(2);
            for trial in course.plays(history) {
                samples += trial.counts.ended();
                trials += 1;
            }
        }
        let t = *T_95.get(logs.len().checked_sub(2)?)?;
        logs.sort_by(f64::total_cmp);
        let n = as_f64(logs.len() as u64);
        let mean = logs.iter().sum::<f64>() / n;
        let between = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let half = t * ((between + within / n) / n).sqrt();
        let middle = f64::midpoint(*logs.get((logs.len() - 1) / 2)?, *logs.get(logs.len() / 2)?);
        Some(Estimate {
            value: middle.exp(),
            low: (middle - half).exp(),
            high: (middle + half).exp(),
            samples,
            trials,
            spread: Ratio::new(between.sqrt()).unwrap_or(Ratio::ZERO),
            ..own.clone()
        })
    }
}
