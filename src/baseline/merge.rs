//! Several measurements of the same thing as one, which then knows how far two runs lie apart.

use super::fingerprint::{Difference, Weight, differences};
use super::record::{Baseline, BaselineCheck, SourceKind};
use super::refusal::Refusal;
use crate::check::Estimate;
use crate::stats::{Response, Z_90};
use crate::units::as_f64;

/// One candidate of several runs, oldest first: the capacity is the geometric mean of theirs, its interval
/// holds what differs between them, and their spread beyond what each knows of itself is that between runs.
///
/// # Errors
/// There is none, or they did not measure the same thing on such a machine.
pub fn merge(runs: &[Baseline]) -> Result<Baseline, Refusal> {
    let Some((newest, others)) = runs.split_last() else { return Err(Refusal::Nothing) };
    let mut merged = newest.clone();
    if others.is_empty() {
        return Ok(merged);
    }
    let mut excess = Vec::new();
    for (name, check) in &mut merged.checks {
        let entries = runs.iter().map(|run| same(newest, run, name, check));
        let entries: Vec<&BaselineCheck> = entries.collect::<Result<_, _>>()?;
        let (joined, variance) = joined(check, &entries);
        excess.push(variance);
        *check = joined;
    }
    let mean = excess.iter().sum::<f64>() / as_f64(excess.len().max(1) as u64);
    merged.environment.machine_sd = Some(mean.sqrt());
    merged.environment.runs = u32::try_from(runs.len()).unwrap_or(u32::MAX);
    Ok(merged)
}

/// The entry of a run, if it may be merged with that of the newest.
fn same<'a>(
    newest: &Baseline,
    run: &'a Baseline,
    name: &str,
    check: &BaselineCheck,
) -> Result<&'a BaselineCheck, Refusal> {
    let unlike = |difference: String| Refusal::Unlike { check: name.to_owned(), difference };
    let Some(entry) = run.checks.get(name) else {
        return Err(unlike(format!("the run of {} did not measure it", run.recorded.time)));
    };
    if entry.digest != check.digest {
        return Err(unlike("they measured different configurations".to_owned()));
    }
    if entry.sequence != check.sequence {
        return Err(unlike(format!(
            "they played different sequences ({} + {} sessions and {} + {}); measure again, \
             one run begins where the last ended",
            entry.sequence.cut, entry.sequence.count, check.sequence.cut, check.sequence.count
        )));
    }
    let (then, now) = (&run.environment, &newest.environment);
    let of_machine = differences(&then.fingerprint, &now.fingerprint);
    let binding = |it: &Difference| it.weight == Weight::Binding;
    match of_machine.iter().find(|it| binding(it) && now.source == SourceKind::Managed) {
        Some(difference) => Err(unlike(difference.to_string())),
        None => Ok(entry),
    }
}

/// All of them as one, and the variance of ln(capacity) between runs beyond what each knows of itself.
fn joined(newest: &BaselineCheck, entries: &[&BaselineCheck]) -> (BaselineCheck, f64) {
    let n = as_f64(entries.len().max(1) as u64);
    let mean = |f: &dyn Fn(&BaselineCheck) -> f64| entries.iter().map(|it| f(it)).sum::<f64>() / n;
    let capacity = |it: &BaselineCheck| it.metrics.get("capacity").map_or(1.0, |it| it.value).ln();
    let middle = mean(&capacity);
    let between = mean(&|it| (capacity(it) - middle).powi(2)) * n / (n - 1.0);
    let within = mean(&|it| it.sd_log.powi(2));
    // Few runs may lie together by luck: no more certain than their own intervals allow.
    let known = if between > within { between } else { within };
    let sd_log = (known / n).sqrt();
    let mut joined = newest.clone();
    for (name, metric) in &mut joined.metrics {
        let all = entries.iter().filter_map(|it| it.metrics.get(name));
        *metric = pooled(metric, all);
    }
    if let Some(capacity) = joined.metrics.get_mut("capacity") {
        let ends = |z: f64| (middle + z * Z_90 * sd_log).exp();
        (capacity.value, capacity.low, capacity.high) = (middle.exp(), ends(-1.0), ends(1.0));
    }
    joined.sd_log = sd_log;
    joined.response = mean_response(entries, n);
    joined.seen = entries.iter().flat_map(|it| it.seen.clone()).collect();
    joined.trials = entries.iter().map(|it| it.trials).sum();
    joined.elapsed = entries.iter().map(|it| it.elapsed).sum();
    (joined, (between - within).clamp(0.0, f64::MAX))
}

/// The metric over all trials of all runs.
fn pooled<'a>(newest: &Estimate, all: impl Iterator<Item = &'a Estimate>) -> Estimate {
    let mut pooled = Estimate { value: 0.0, samples: 0, trials: 0, ..newest.clone() };
    for metric in all {
        pooled.value += metric.value * as_f64(metric.samples);
        pooled.samples += metric.samples;
        pooled.trials += metric.trials;
        pooled.low = if metric.low < pooled.low { metric.low } else { pooled.low };
        pooled.high = if metric.high > pooled.high { metric.high } else { pooled.high };
    }
    pooled.value /= as_f64(pooled.samples.max(1));
    pooled
}

fn mean_response(entries: &[&BaselineCheck], n: f64) -> Response {
    let mut mean = Response { slopes: [0.0; 10], spreads: [0.0; 5] };
    for entry in entries {
        let Response { slopes, spreads } = entry.response;
        mean.slopes.iter_mut().zip(slopes).for_each(|(sum, weight)| *sum += weight / n);
        mean.spreads.iter_mut().zip(spreads).for_each(|(sum, weight)| *sum += weight / n);
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::baseline::{Baseline, fixture};

    /// A run with this capacity, known to 1 %.
    fn run(capacity: f64) -> Baseline {
        let mut run = fixture::baseline();
        let entry = run.checks.get_mut("chat-rate").unwrap();
        entry.sd_log = 0.01;
        let metric = entry.metrics.get_mut("capacity").unwrap();
        (metric.value, metric.low, metric.high) = (capacity, capacity * 0.98, capacity * 1.02);
        run
    }

    #[test]
    fn runs_that_lie_apart_give_a_wide_interval_and_a_spread_between_runs() {
        let merged = merge(&[run(40.0), run(44.0), run(42.0), run(41.0), run(43.0)]).unwrap();
        let entry = &merged.checks["chat-rate"];
        let capacity = &entry.metrics["capacity"];
        // Logarithms 3.689, 3.784, 3.738, 3.714, 3.761: mean 3.7371, sd 0.03767.
        assert!((capacity.value - 41.976).abs() < 1e-2, "{capacity:?}");
        assert!((entry.sd_log - 0.03767 / 5_f64.sqrt()).abs() < 1e-4, "{}", entry.sd_log);
        assert!(capacity.low < 41.0 && capacity.high > 43.0, "{capacity:?}");
        let machine_sd = merged.environment.machine_sd.unwrap();
        assert!((machine_sd - (0.03767_f64.powi(2) - 0.01_f64.powi(2)).sqrt()).abs() < 1e-4);
        assert_eq!((merged.environment.runs, entry.trials, entry.seen.len()), (5, 70, 30));
        assert_eq!(capacity.samples, 5 * 12_840);
        assert!((entry.response.slope() - fixture::response().slope()).abs() < 1e-9);
    }

    #[test]
    fn runs_that_agree_are_no_more_certain_than_they_can_know() {
        let merged = merge(&[run(42.0), run(42.0)]).unwrap();
        let entry = &merged.checks["chat-rate"];
        assert!((entry.sd_log - 0.01 / 2_f64.sqrt()).abs() < 1e-6, "{}", entry.sd_log);
        assert!(merged.environment.machine_sd.unwrap() < 1e-9);
        let alone = merge(&[run(42.0)]).unwrap();
        assert_eq!(alone, run(42.0), "one run is what it was");
    }

    #[test]
    fn what_is_not_the_same_measurement_is_refused_with_the_difference() {
        assert!(merge(&[]).is_err());
        let refused = |change: fn(&mut Baseline)| {
            let mut other = run(42.0);
            change(&mut other);
            merge(&[other, run(42.0)]).unwrap_err().to_string()
        };
        assert!(refused(|it| it.checks.clear()).contains("did not measure it"));
        assert!(
            refused(|it| it.checks.get_mut("chat-rate").unwrap().digest = "x".into())
                .contains("different configurations")
        );
        assert!(
            refused(|it| it.checks.get_mut("chat-rate").unwrap().sequence.count = 7)
                .contains("different sequences")
        );
        assert!(refused(|it| it.environment.fingerprint.cores = Some(64)).contains("cores"));
    }
}
