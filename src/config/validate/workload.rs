//! `workload.sessions`: the distributions.

use super::Context;
use crate::config::decode::{Section, Spanned};
use crate::config::leaf::Time;
use crate::config::model::{History, Length as RawLength, Normal, Sessions};
use crate::config::model::{ThinkTime as RawThinkTime, Zipf};
use crate::config::source::Span;
use crate::workload::{HistoryMode, Length, SessionLaw, ThinkTime};
use std::time::Duration;

/// Largest length that is believed to be meant.
const LENGTH_MAX: u32 = 100_000_000;

impl Context<'_> {
    pub(super) fn sessions(&mut self, raw: Option<&Sessions>) -> Option<SessionLaw> {
        let turns = self.length(raw.and_then(|raw| raw.turns.as_ref()), 1);
        let prompt_tokens = self.length(raw.and_then(|raw| raw.prompt_tokens.as_ref()), 128);
        let output_tokens = self.length(raw.and_then(|raw| raw.output_tokens.as_ref()), 64);
        let think_time = self.think_time(raw.and_then(|raw| raw.think_time.as_ref()));
        let history = raw.and_then(|raw| raw.history.as_ref());
        Some(SessionLaw {
            turns: turns?,
            prompt_tokens: prompt_tokens?,
            output_tokens: output_tokens?,
            think_time: think_time?,
            history: match history.map(|history| history.value) {
                None | Some(History::Inherit) => HistoryMode::Inherit,
                Some(History::None) => HistoryMode::None,
            },
        })
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
                    let hint = "write `{ uniform: [100, 500] }`";
                    self.out_of_range(bounds.span, "`uniform` takes two numbers", hint);
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
        if !(f64::from(min)..=f64::from(max)).contains(&mean.value) {
            let hint = format!("write a mean from {min} to {max}");
            self.out_of_range(mean.span, "`mean` lies outside `min` to `max`", hint);
        }
        if !(sd.value.is_finite() && sd.value > 0.0) {
            let hint = "for a fixed length write the number alone";
            self.out_of_range(sd.span, "`sd` must be greater than zero", hint);
        }
        Some(Length::Normal { mean: mean.value, sd: sd.value, min, max })
    }

    fn zipf(&mut self, raw: &Zipf) -> Option<Length> {
        let hint = "write `exponent: 1.2`";
        let exponent = self.required(raw, raw.exponent.as_ref(), "exponent", hint);
        let bounds = self.min_max(raw, raw.min.as_ref(), raw.max.as_ref());
        let exponent = self.number(Some(exponent?), "exponent", 1.0, (0.0, 20.0));
        let (min, max) = bounds?;
        Some(Length::Zipf { exponent: exponent?, min, max })
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
