//! `target.demo`: a profile and what is changed of it.

use super::Context;
use crate::config::decode::Spanned;
use crate::config::leaf::{Part, Time};
use crate::config::model::{Demo, ProfileName};
use crate::demo::Profile;
use std::time::Duration;

impl Context<'_> {
    pub(super) fn demo(&mut self, raw: &Demo) -> Option<Profile> {
        let name = self.required(raw, raw.profile.as_ref(), "profile", "write `profile: llm`")?;
        let mut profile = Profile::named(match name.value {
            ProfileName::Llm => "llm",
        })?;
        let mut is_fit = self.demo_faults(raw, &mut profile);
        is_fit &= self.demo_speed(raw, &mut profile);
        is_fit.then_some(profile)
    }

    fn demo_faults(&mut self, raw: &Demo, profile: &mut Profile) -> bool {
        let faults = &mut profile.faults;
        let mut is_fit = true;
        if let Some(slowdown) = &raw.slowdown {
            faults.slowdown = slowdown.value;
            if !(slowdown.value >= 0.01 && slowdown.value <= 1000.0) {
                let what = "`slowdown` is out of range".to_owned();
                self.out_of_range(slowdown.span, what, "write a factor from 0.01 to 1000");
                is_fit = false;
            }
        }
        is_fit &= self.share(raw.error_rate.as_ref(), "error_rate", &mut faults.error_rate);
        is_fit &=
            self.share(raw.truncate_rate.as_ref(), "truncate_rate", &mut faults.truncate_rate);
        is_fit &= self.share(raw.shed_rate.as_ref(), "shed_rate", &mut faults.shed_rate);
        set_time(raw.startup_delay.as_ref(), &mut faults.startup_delay);
        set_time(raw.cold_start.as_ref(), &mut faults.cold_start);
        set_time(raw.freeze_for.as_ref(), &mut faults.freeze_for);
        faults.leak = raw.leak.as_ref().map_or(faults.leak, |leak| leak.value.0);
        if let Some(every) = &raw.freeze_every {
            faults.freeze_every = self.time(Some(every), "freeze_every", Duration::ZERO);
            is_fit &= faults.freeze_every.is_some();
        }
        is_fit
    }

    fn demo_speed(&mut self, raw: &Demo, profile: &mut Profile) -> bool {
        let mut is_fit = true;
        set_time(raw.per_sequence.as_ref(), &mut profile.per_sequence);
        set_time(raw.per_token.as_ref(), &mut profile.per_token);
        set_time(raw.per_prefill_token.as_ref(), &mut profile.per_prefill_token);
        match self.time(raw.step.as_ref(), "step", profile.step) {
            Some(step) => profile.step = step,
            None => is_fit = false,
        }
        is_fit &=
            self.count(raw.prefill_chunk.as_ref(), "prefill_chunk", &mut profile.prefill_chunk);
        is_fit &= self.count(raw.max_num_seqs.as_ref(), "max_num_seqs", &mut profile.max_num_seqs);
        is_fit &= self.count(raw.context.as_ref(), "context", &mut profile.context);
        is_fit &= self.share(raw.jitter.as_ref(), "jitter", &mut profile.jitter);
        profile.max_queue = raw.max_queue.as_ref().map_or(profile.max_queue, |max| max.value);
        profile.seed = raw.seed.as_ref().map_or(profile.seed, |seed| seed.value);
        is_fit
    }

    /// A share of at most 1.
    fn share(&mut self, raw: Option<&Spanned<Part>>, key: &str, place: &mut f64) -> bool {
        let Some(raw) = raw else { return true };
        *place = raw.value.0;
        let is_fit = raw.value.0 <= 1.0;
        if !is_fit {
            let what = format!("`{key}` is more than all");
            self.out_of_range(raw.span, what, "write a share from `0%` to `100%`");
        }
        is_fit
    }

    /// A number that must not be zero.
    fn count(&mut self, raw: Option<&Spanned<u32>>, key: &str, place: &mut u32) -> bool {
        let Some(raw) = raw else { return true };
        *place = raw.value;
        if raw.value == 0 {
            self.zero(raw.span, key);
        }
        raw.value != 0
    }
}

fn set_time(raw: Option<&Spanned<Time>>, place: &mut Duration) {
    if let Some(raw) = raw {
        *place = raw.value.0;
    }
}
