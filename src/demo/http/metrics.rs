//! `GET /metrics`: the Prometheus text format, with the names that vLLM uses.

use crate::demo::model::Stats;
use std::fmt::Write;
use std::time::Duration;

/// Upper bounds in seconds.
const FIRST: &[f64] =
    &[0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0];
const GAP: &[f64] = &[0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0];
const WHOLE: &[f64] = &[0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Latencies as the server sees them: on the model's clock, from the arrival of a request.
#[derive(Debug)]
pub(super) struct Latencies {
    first: Histogram,
    gap: Histogram,
    whole: Histogram,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            first: Histogram::new(FIRST),
            gap: Histogram::new(GAP),
            whole: Histogram::new(WHOLE),
        }
    }
}

impl Latencies {
    /// A request's first token came.
    pub(super) fn first(&mut self, after: Duration) {
        self.first.record(after);
    }

    /// A further token came.
    pub(super) fn gap(&mut self, after: Duration) {
        self.gap.record(after);
    }

    /// A request finished.
    pub(super) fn whole(&mut self, after: Duration) {
        self.whole.record(after);
    }

    /// The whole page.
    pub(super) fn text(&self, model: &str, stats: &Stats) -> String {
        let label = format!("model_name=\"{}\"", escaped(model));
        let mut page = Page { text: String::new(), label };
        page.value("vllm:num_requests_running", "gauge", count(stats.running));
        page.value("vllm:num_requests_waiting", "gauge", count(stats.waiting));
        page.value("vllm:prompt_tokens_total", "counter", stats.prompt_tokens);
        page.value("vllm:generation_tokens_total", "counter", stats.generated_tokens);
        page.family("vllm:request_success_total", "counter");
        page.sample("vllm:request_success_total", ",finished_reason=\"length\"", stats.finished);
        page.sample("vllm:request_success_total", ",finished_reason=\"stop\"", stats.stopped);
        page.histogram("vllm:time_to_first_token_seconds", &self.first);
        page.histogram("vllm:time_per_output_token_seconds", &self.gap);
        page.histogram("vllm:inter_token_latency_seconds", &self.gap);
        page.histogram("vllm:e2e_request_latency_seconds", &self.whole);
        page.value("demo:tokens_held", "gauge", stats.tokens_held);
        page.value("demo:steps_total", "counter", stats.steps);
        page.value("demo:requests_accepted_total", "counter", stats.accepted);
        page.value("demo:requests_shed_total", "counter", stats.shed);
        page.value("demo:requests_refused_total", "counter", stats.refused);
        page.value("demo:requests_failed_total", "counter", stats.failed);
        page.value("demo:requests_cut_total", "counter", stats.cut);
        page.value("demo:requests_cancelled_total", "counter", stats.cancelled);
        page.text
    }
}

#[derive(Debug)]
struct Histogram {
    buckets: Vec<(f64, u64)>,
    sum: Duration,
    count: u64,
}

impl Histogram {
    fn new(bounds: &[f64]) -> Self {
        let buckets = bounds.iter().map(|bound| (*bound, 0)).collect();
        Self { buckets, sum: Duration::ZERO, count: 0 }
    }

    fn record(&mut self, value: Duration) {
        let seconds = value.as_secs_f64();
        for (_, count) in self.buckets.iter_mut().filter(|(bound, _)| seconds <= *bound) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(value);
        self.count += 1;
    }
}

/// Writing to a string cannot fail, so the results are dropped.
struct Page {
    text: String,
    label: String,
}

impl Page {
    fn value(&mut self, name: &str, kind: &str, value: u64) {
        self.family(name, kind);
        self.sample(name, "", value);
    }

    fn family(&mut self, name: &str, kind: &str) {
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, more: &str, value: u64) {
        let _ = writeln!(self.text, "{name}{{{}{more}}} {value}", self.label);
    }

    fn histogram(&mut self, name: &str, histogram: &Histogram) {
        let (label, count) = (&self.label, histogram.count);
        let text = &mut self.text;
        let _ = writeln!(text, "# TYPE {name} histogram");
        for (bound, count) in &histogram.buckets {
            let _ = writeln!(text, "{name}_bucket{{{label},le=\"{bound}\"}} {count}");
        }
        let _ = writeln!(text, "{name}_bucket{{{label},le=\"+Inf\"}} {count}");
        let _ = writeln!(text, "{name}_sum{{{label}}} {}", histogram.sum.as_secs_f64());
        let _ = writeln!(text, "{name}_count{{{label}}} {count}");
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// A label's value: backslash, quote and line feed are escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_the_last_holds_all() {
        let mut latencies = Latencies::default();
        for ms in [10, 150, 60_000] {
            latencies.first(Duration::from_millis(ms));
        }
        let text = latencies.text("m", &Stats { running: 3, ..Stats::default() });
        for line in [
            "# TYPE vllm:num_requests_running gauge",
            "vllm:num_requests_running{model_name=\"m\"} 3",
            "vllm:request_success_total{model_name=\"m\",finished_reason=\"length\"} 0",
            "# TYPE vllm:time_to_first_token_seconds histogram",
            "vllm:time_to_first_token_seconds_bucket{model_name=\"m\",le=\"0.01\"} 1",
            "vllm:time_to_first_token_seconds_bucket{model_name=\"m\",le=\"0.1\"} 1",
            "vllm:time_to_first_token_seconds_bucket{model_name=\"m\",le=\"1\"} 2",
            "vllm:time_to_first_token_seconds_bucket{model_name=\"m\",le=\"+Inf\"} 3",
            "vllm:time_to_first_token_seconds_sum{model_name=\"m\"} 60.16",
            "vllm:time_to_first_token_seconds_count{model_name=\"m\"} 3",
            "vllm:e2e_request_latency_seconds_count{model_name=\"m\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_name_cannot_break_out_of_its_label() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
