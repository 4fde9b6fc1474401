//! `target.demo`: a profile and what is changed of it.

use super::Context;
use crate::config::decode::Spanned;
use crate::config::leaf::{Part, Time};
use crate::config::model::{Demo, ProfileName};
use crate::demo::{Faults, Profile};
use std::time::Duration;

impl Context<'_> {
    pub(super) fn demo(&mut self, raw: &Demo) -> Option<Profile> {
        let hint = "write `profile: llm`";
        let name = self.required(raw, raw.profile.as_ref(), "profile", hint)?;
        let mut profile = Profile::named(match name.value {
            ProfileName::Llm => "llm",
        })?;
        self.demo_speed(raw, &mut profile);
        self.demo_faults(raw, &mut profile.faults);
        Some(profile)
    }

    fn demo_faults(&mut self, raw: &Demo, faults: &mut Faults) {
        if let Some(slowdown) = &raw.slowdown {
            faults.slowdown = slowdown.value;
            if !(0.01..=1000.0).contains(&slowdown.value) {
                let hint = "write a factor from 0.01 to 1000";
                self.out_of_range(slowdown.span, "`slowdown` is out of range", hint);
            }
        }
        self.share(raw.error_rate.as_ref(), "error_rate", &mut faults.error_rate);
        self.share(raw.truncate_rate.as_ref(), "truncate_rate", &mut faults.truncate_rate);
        self.share(raw.shed_rate.as_ref(), "shed_rate", &mut faults.shed_rate);
        set_time(raw.startup_delay.as_ref(), &mut faults.startup_delay);
        set_time(raw.cold_start.as_ref(), &mut faults.cold_start);
        set_time(raw.freeze_for.as_ref(), &mut faults.freeze_for);
        faults.leak = raw.leak.as_ref().map_or(faults.leak, |leak| leak.value.0);
        let every = raw.freeze_every.as_ref();
        faults.freeze_every =
            every.and_then(|every| self.time(Some(every), "freeze_every", Duration::ZERO));
    }

    fn demo_speed(&mut self, raw: &Demo, profile: &mut Profile) {
        set_time(raw.per_sequence.as_ref(), &mut profile.per_sequence);
        set_time(raw.per_token.as_ref(), &mut profile.per_token);
        set_time(raw.per_prefill_token.as_ref(), &mut profile.per_prefill_token);
        if let Some(step) = self.time(raw.step.as_ref(), "step", profile.step) {
            profile.step = step;
        }
        self.count(raw.prefill_chunk.as_ref(), "prefill_chunk", &mut profile.prefill_chunk);
        self.count(raw.max_num_seqs.as_ref(), "max_num_seqs", &mut profile.max_num_seqs);
        self.count(raw.context.as_ref(), "context", &mut profile.context);
        self.share(raw.jitter.as_ref(), "jitter", &mut profile.jitter);
        profile.max_queue = raw.max_queue.as_ref().map_or(profile.max_queue, |max| max.value);
        profile.seed = raw.seed.as_ref().map_or(profile.seed, |seed| seed.value);
    }

    /// A share of at most 1.
    fn share(&mut self, raw: Option<&Spanned<Part>>, key: &str, place: &mut f64) {
        let Some(raw) = raw else { return };
        *place = raw.value.0;
        if raw.value.0 > 1.0 {
            let hint = "write a share from `0%` to `100%`";
            self.out_of_range(raw.span, format!("`{key}` is more than all"), hint);
        }
    }

    /// A number that must not be zero.
    fn count(&mut self, raw: Option<&Spanned<u32>>, key: &str, place: &mut u32) {
        let Some(raw) = raw else { return };
        *place = raw.value;
        if raw.value == 0 {
            self.zero(raw.span, key);
        }
    }
}

fn set_time(raw: Option<&Spanned<Time>>, place: &mut Duration) {
    if let Some(raw) = raw {
        *place = raw.value.0;
    }
}
