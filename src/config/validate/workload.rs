//! `workload`: seeds and distributions.

use super::Context;
use crate::config::decode::{Section, Spanned};
use crate::config::leaf::Time;
use crate::config::model::{History, Length as RawLength, Normal, ThinkTime as RawThinkTime};
use crate::config::model::{Workload, Zipf};
use crate::config::source::Span;
use crate::workload::{HistoryMode, Length, SessionLaw, ThinkTime};
use std::time::Duration;

/// Largest length that is believed to be meant.
const LENGTH_MAX: u32 = 100_000_000;

impl Context<'_> {
    /// Seed and law of the sessions.
    pub(super) fn workload(&mut self, raw: Option<&Workload>) -> (Option<u64>, Option<SessionLaw>) {
        let seed = raw.and_then(|raw| raw.seed.as_ref()).map_or(42, |seed| seed.value);
        let sessions = raw.and_then(|raw| raw.sessions.as_ref());
        let turns = self.length(sessions.and_then(|raw| raw.turns.as_ref()), 1);
        let prompt = self.length(sessions.and_then(|raw| raw.prompt_tokens.as_ref()), 128);
        let output = self.length(sessions.and_then(|raw| raw.output_tokens.as_ref()), 64);
        let think = self.think_time(sessions.and_then(|raw| raw.think_time.as_ref()));
        let history = sessions.and_then(|raw| raw.history.as_ref());
        let history = match history.map(|history| history.value) {
            None | Some(History::Inherit) => HistoryMode::Inherit,
            Some(History::None) => HistoryMode::None,
        };
        let law = || {
            Some(SessionLaw {
                turns: turns?,
                prompt_tokens: prompt?,
                output_tokens: output?,
                think_time: think?,
                history,
            })
        };
        (Some(seed), law())
    }

    fn length(&mut self, raw: Option<&Spanned<RawLength>>, default: u32) -> Option<Length> {
        let Some(raw) = raw else { return Some(Length::Fixed(default)) };
        match &raw.value {
            RawLength::Fixed(length) => {
                self.bounds((raw.span, *length), (raw.span, *length))?;
                Some(Length::Fixed(*length))
            }
            RawLength::Uniform(bounds) => {
                let [low, high] = bounds.items.as_slice() else {
                    let what = "`uniform` takes two numbers".to_owned();
                    self.out_of_range(bounds.span, what, "write `{ uniform: [100, 500] }`");
                    return None;
                };
                self.bounds((low.span, low.value), (high.span, high.value))?;
                Some(Length::Uniform(low.value, high.value))
            }
            RawLength::Normal(normal) => self.normal(normal),
            RawLength::Zipf(zipf) => self.zipf(zipf),
        }
    }

    fn normal(&mut self, raw: &Normal) -> Option<Length> {
        let mean = self.required(raw, raw.mean.as_ref(), "mean", "write `mean: 300`");
        let sd = self.required(raw, raw.sd.as_ref(), "sd", "write `sd: 80`");
        let bounds = self.min_max(raw, raw.min.as_ref(), raw.max.as_ref());
        let (mean, sd, (min, max)) = (mean?, sd?, bounds?);
        let is_inside = (f64::from(min)..=f64::from(max)).contains(&mean.value);
        if !is_inside {
            let what = "`mean` lies outside `min` to `max`".to_owned();
            self.out_of_range(mean.span, what, format!("write a mean from {min} to {max}"));
        }
        let is_spread = sd.value.is_finite() && sd.value > 0.0;
        if !is_spread {
            let what = "`sd` must be greater than zero".to_owned();
            self.out_of_range(sd.span, what, "for a fixed length write the number alone");
        }
        (is_inside && is_spread).then_some(Length::Normal {
            mean: mean.value,
            sd: sd.value,
            min,
            max,
        })
    }

    fn zipf(&mut self, raw: &Zipf) -> Option<Length> {
        let exponent =
            self.required(raw, raw.exponent.as_ref(), "exponent", "write `exponent: 1.2`");
        let bounds = self.min_max(raw, raw.min.as_ref(), raw.max.as_ref());
        let (exponent, (min, max)) = (exponent?, bounds?);
        let is_fit = exponent.value > 0.0 && exponent.value <= 20.0;
        if !is_fit {
            let what = "`exponent` is out of range".to_owned();
            self.out_of_range(exponent.span, what, "write a number above 0, up to 20");
        }
        is_fit.then_some(Length::Zipf { exponent: exponent.value, min, max })
    }

    fn min_max(
        &mut self,
        section: &dyn Section,
        min: Option<&Spanned<u32>>,
        max: Option<&Spanned<u32>>,
    ) -> Option<(u32, u32)> {
        let max = self.required(section, max, "max", "write the largest length: `max: 900`")?;
        let min = min.map_or((max.span, 1), |min| (min.span, min.value));
        self.bounds(min, (max.span, max.value))?;
        Some((min.1, max.value))
    }

    /// Both at least 1, and in order.
    fn bounds(&mut self, low: (Span, u32), high: (Span, u32)) -> Option<()> {
        for (span, length) in [low, high] {
            if !(1..=LENGTH_MAX).contains(&length) {
                let what = format!("a length of {length} is out of range");
                self.out_of_range(span, what, format!("write a number from 1 to {LENGTH_MAX}"));
                return None;
            }
        }
        if low.1 > high.1 {
            let what = format!("the smallest length, {}, is above the largest", low.1);
            self.conflict((low.0, what), (high.0, "the largest"), "swap them");
            return None;
        }
        Some(())
    }

    fn think_time(&mut self, raw: Option<&Spanned<RawThinkTime>>) -> Option<ThinkTime> {
        match raw.map(|raw| &raw.value) {
            None => Some(ThinkTime::Fixed(Duration::ZERO)),
            Some(RawThinkTime::Fixed(Time(time))) => Some(ThinkTime::Fixed(*time)),
            Some(RawThinkTime::Exponential(mean)) => {
                self.time(Some(mean), "exponential", Duration::ZERO).map(ThinkTime::Exponential)
            }
        }
    }
}
