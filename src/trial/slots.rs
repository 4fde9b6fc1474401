//! Requests in flight, by their id.

use super::RequestId;
use super::request::InFlight;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

/// Requests in flight. They keep their place while others come and go: only small numbers move.
#[derive(Debug, Default)]
pub(super) struct Slots {
    by_id: HashMap<RequestId, usize, BuildHasherDefault<Mix>>,
    slots: Vec<InFlight>,
    free: Vec<usize>,
}

impl Slots {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn insert(&mut self, id: RequestId, request: InFlight) {
        let free = self.free.pop().and_then(|at| Some((at, self.slots.get_mut(at)?)));
        let at = if let Some((at, slot)) = free {
            *slot = request;
            at
        } else {
            self.slots.push(request);
            self.slots.len() - 1
        };
        if let Some(replaced) = self.by_id.insert(id, at) {
            self.free.push(replaced);
        }
    }

    pub(super) fn get_mut(&mut self, id: RequestId) -> Option<&mut InFlight> {
        self.slots.get_mut(*self.by_id.get(&id)?)
    }

    pub(super) fn remove(&mut self, id: RequestId) -> Option<InFlight> {
        let at = self.by_id.remove(&id)?;
        self.free.push(at);
        let nobody = InFlight::new(Duration::ZERO, false);
        self.slots.get_mut(at).map(|slot| std::mem::replace(slot, nobody))
    }

    /// All of them, in the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (RequestId, &InFlight)> {
        let mut by_id: Vec<(RequestId, usize)> =
            self.by_id.iter().map(|(id, at)| (*id, *at)).collect();
        by_id.sort_unstable();
        by_id.into_iter().filter_map(|(id, at)| Some((id, self.slots.get(at)?)))
    }

    /// Calls `change` for each, in any order.
    pub(super) fn for_each(&mut self, mut change: impl FnMut(&mut InFlight)) {
        for at in self.by_id.values() {
            if let Some(request) = self.slots.get_mut(*at) {
                change(request);
            }
        }
    }
}

/// Numbers that we made ourselves need no hash that withstands an attacker, and it is asked for at
/// every chunk.
#[derive(Debug, Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio, an odd number.
        self.0 = (self.0.rotate_left(26) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;
    use crate::trial::RequestId;
    use crate::trial::request::InFlight;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    proptest! {
        #[test]
        fn they_are_a_map(steps in prop::collection::vec((0_u64..6, any::<bool>()), 0..60)) {
            let (mut slots, mut map) = (Slots::default(), BTreeMap::new());
            for (step, (session, comes)) in steps.into_iter().enumerate() {
                let id = RequestId { session, turn: 0 };
                let at = Duration::from_secs(step as u64 + 1);
                if comes {
                    slots.insert(id, InFlight::new(at, true));
                    map.insert(id, at);
                } else {
                    let gone = slots.remove(id).map(|request| request.intended);
                    prop_assert_eq!(gone, map.remove(&id));
                }
                prop_assert_eq!(slots.get_mut(id).map(|r| r.intended), map.get(&id).copied());
                let all: BTreeMap<_, _> = slots.iter().map(|(id, r)| (id, r.intended)).collect();
                prop_assert_eq!(&all, &map);
                prop_assert_eq!(slots.len(), map.len());
                prop_assert!(slots.slots.len() <= 7);
            }
        }
    }
}
