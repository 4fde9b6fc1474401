//! A capacity in items, where requests carry several.

use crate::config::plan::Api;
use crate::trial::{Evidence, Purpose, TrialReport, tidy};
use crate::units::number;
use crate::workload::{Dial, Setting};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the highest full trial that held got answered, in items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ItemsResult {
    /// Items of a request.
    pub per_request: u32,
    /// Items of requests that were ok, per second.
    pub per_s: f64,
    /// The knob's value there.
    pub at: f64,
}

impl ItemsResult {
    /// Of these trials; `None` where a request is one item.
    pub(super) fn of(api: &Api, trials: &[TrialReport]) -> Option<Self> {
        let Api::Http(request) = api else { return None };
        let held = trials.iter().filter(|trial| {
            trial.is_valid()
                && trial.plan.purpose == Purpose::Play
                && trial.evidence == Evidence::Met
        });
        let best = held.max_by(|a, b| a.plan.value.get().total_cmp(&b.plan.value.get()))?;
        let per_request = match &best.plan.setting {
            Some(Setting { dial: Dial::Items, value }) => *value,
            Some(_) | None if request.items_per_request == 1 => return None,
            Some(_) | None => request.items_per_request,
        };
        let per_s = best.rates.achieved * f64::from(per_request);
        Some(Self { per_request, per_s: tidy(per_s), at: tidy(best.plan.value.get()) })
    }

    /// `4 120 items/s (100 a request) at 41.2 sessions/s, the highest value that held`.
    pub(super) fn sentence(&self, unit: &str) -> String {
        format!(
            "{} items/s ({} a request) at {} {unit}, the highest value that held",
            number::plain(self.per_s),
            number::count(self.per_request.into()),
            number::plain(self.at)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::ItemsResult;
    use crate::config::plan::{Api, HttpRequest};
    use crate::report::fixture;
    use crate::trial::{Evidence, TrialReport};
    use crate::units::KnobValue;
    use crate::workload::{Dial, Setting};

    fn api(items_per_request: u32) -> Api {
        let request = HttpRequest {
            method: "POST".into(),
            path: "/".into(),
            body: None,
            item: None,
            items_per_request,
        };
        Api::Http(request)
    }

    fn trial(value: f64, evidence: Evidence, dial: Option<Dial>) -> TrialReport {
        let mut trial = fixture::trial_report(12, 0);
        trial.plan.value = KnobValue::new(value).unwrap();
        trial.plan.setting = dial.map(|dial| Setting { dial, value: 30 });
        trial.rates.achieved = value;
        trial.evidence = evidence;
        trial
    }

    #[test]
    fn items_are_those_of_the_highest_trial_that_held() {
        let trials = [
            trial(40.0, Evidence::Met, None),
            trial(41.2, Evidence::Met, None),
            trial(44.0, Evidence::Violated, None),
        ];
        let items = ItemsResult::of(&api(100), &trials).unwrap();
        assert_eq!(
            items.sentence("sessions/s"),
            "4\u{a0}120 items/s (100 a request) at 41.2 sessions/s, the highest value that held"
        );
        assert_eq!(ItemsResult::of(&api(1), &trials), None);
        assert_eq!(ItemsResult::of(&api(100), &trials[2..]), None);
        let varied = [trial(7.0, Evidence::Met, Some(Dial::Items))];
        let items = ItemsResult::of(&api(1), &varied).unwrap();
        assert_eq!((items.per_request, items.per_s), (30, 210.0));
    }
}
