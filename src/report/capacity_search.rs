//! `capacity_search_results.json`: the answer of a search in the shape that Veeksha's capacity search
//! writes, so that what reads one reads the other. Keys after `history` are ours.

use super::check_result::CheckResult;
use super::conclusion_result::ConclusionResult;
use super::{Results, json, number};
use crate::slo::{Slo, Statistic};
use crate::trial::{EvidenceResult, TrialResult, TrialSlo, Validity, tidy};
use crate::units::Quantity;
use serde::Serialize;

#[derive(Serialize)]
struct Search<'a> {
    traffic_scheduler_type: &'static str,
    searched_knob: &'static str,
    start_value: Option<f64>,
    max_value: Option<f64>,
    expansion_factor: Option<f64>,
    max_iterations: Option<u32>,
    /// Decimals to which `best_value` is known.
    precision: i32,
    iterations_run: usize,
    best_value: Option<f64>,
    best_run_dir: Option<String>,
    history: Vec<Iteration<'a>>,
    check: &'a str,
    conclusion: &'a ConclusionResult,
    best_value_low: Option<f64>,
    best_value_high: Option<f64>,
    confidence: Option<f64>,
}

#[derive(Serialize)]
struct Iteration<'a> {
    value: f64,
    /// Only what was shown counts: an undecided or invalid trial did not meet anything.
    all_slos_met: bool,
    run_dir: String,
    slo_results: SloResults<'a>,
    validity: Validity,
    evidence: EvidenceResult,
}

#[derive(Serialize)]
struct SloResults<'a> {
    all_slos_met: bool,
    results: Vec<Condition<'a>>,
}

#[derive(Serialize)]
struct Condition<'a> {
    met: bool,
    slo_metric_key: String,
    /// Seconds, a share or per second; `null` beyond everything that was observed.
    observed_value: Option<f64>,
    threshold: Option<f64>,
    percentile: Option<f64>,
    metric: &'static str,
    name: &'a str,
    lower_is_better: bool,
}

/// The file of one check of a run.
#[must_use]
pub fn render(results: &Results, check: &CheckResult) -> String {
    let (traffic, knob) = match check.knob.as_str() {
        "rate" => ("rate", "traffic_scheduler.interval_generator.arrival_rate"),
        "concurrency" => ("concurrent", "traffic_scheduler.target_concurrent_sessions"),
        _ => ("other", "other"),
    };
    let best = check.capacity();
    let run_dir = |trial: &TrialResult| {
        format!("{}/trials.jsonl#{}/{}", results.run, check.name, trial.index)
    };
    let best_trial = best.and_then(|best| {
        check
            .trials
            .iter()
            .filter(|trial| is_met(trial) && trial.value <= best.high)
            .max_by(|a, b| a.value.total_cmp(&b.value))
    });
    json::render(&Search {
        traffic_scheduler_type: traffic,
        searched_knob: knob,
        start_value: check.search.map(|search| search.from),
        max_value: check.search.and_then(|search| search.to),
        expansion_factor: check.search.map(|search| search.expand),
        max_iterations: check.search.map(|search| search.max_trials),
        precision: best
            .and_then(|best| number::decimals_of(best.value, best.low, best.high))
            .map_or(0, |decimals| if decimals > 0 { decimals } else { 0 }),
        iterations_run: check.trials.len(),
        best_value: best.map(|best| best.value),
        best_run_dir: best_trial.map(run_dir),
        history: check
            .trials
            .iter()
            .map(|trial| Iteration {
                value: trial.value,
                all_slos_met: is_met(trial),
                run_dir: run_dir(trial),
                slo_results: SloResults {
                    all_slos_met: is_met(trial),
                    results: trial.slos.iter().filter_map(condition).collect(),
                },
                validity: trial.validity,
                evidence: trial.evidence,
            })
            .collect(),
        check: &check.name,
        conclusion: &check.conclusion,
        best_value_low: best.map(|best| best.low),
        best_value_high: best.map(|best| best.high),
        confidence: best.map(|best| best.confidence),
    })
}

fn is_met(trial: &TrialResult) -> bool {
    trial.validity == Validity::Valid && trial.evidence == EvidenceResult::Met
}

fn condition(result: &TrialSlo) -> Option<Condition<'_>> {
    let slo = Slo::parse(&result.text).ok()?;
    let metric = slo.metric.name();
    let percentile = match slo.statistic {
        Statistic::Quantile(q) => Some(q.get()),
        Statistic::Mean | Statistic::Max | Statistic::Min | Statistic::Whole => None,
    };
    let to_base = Quantity::factor(&result.unit);
    Some(Condition {
        met: result.evidence == EvidenceResult::Met,
        slo_metric_key: percentile.map_or_else(
            || metric.to_owned(),
            |q| format!("{metric}_p{}", number::plain(q * 100.0)),
        ),
        observed_value: result.observed.map(|observed| tidy(observed * to_base)),
        threshold: Some(slo.limit.value()),
        percentile,
        metric,
        name: &result.text,
        lower_is_better: slo.comparison.bounds_above(),
    })
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::report::fixture;

    #[test]
    fn the_file_has_the_keys_that_others_read() {
        let results = fixture::regression();
        let text = render(&results, &results.checks[0]);
        insta::assert_snapshot!("capacity-search", text);
    }

    #[test]
    fn without_a_capacity_there_is_no_best_value() {
        let results = fixture::invalid();
        let text = render(&results, &results.checks[0]);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(json["best_value"].is_null() && json["best_run_dir"].is_null());
        assert!(json["history"].as_array().unwrap().iter().all(|i| i["all_slos_met"] == false));
    }
}
