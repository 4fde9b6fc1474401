//! One fixed, seeded sequence of sessions in unit-rate time. Every trial plays it, stretched by
//! 1 / rate: common random numbers, without which a trial's noise is mostly the workload's own.

use super::law::{NORMAL_DRAWS_MAX, zipf_ranks, zipf_weight};
use super::{Arrivals, Length, Random, SessionLaw, ThinkTime};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::time::Duration;

/// One request of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Tokens of its own prompt, without inherited history.
    pub prompt_tokens: u32,
    /// Tokens asked for.
    pub output_tokens: u32,
    /// Pause after the previous turn's end; zero for the first turn.
    pub think_time: Duration,
}

/// One session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Its number in the sequence, from 0.
    pub index: u64,
    /// Arrival in unit-rate time: at rate r it is due at `offset / r` seconds.
    pub offset: f64,
    /// Its requests, in order; at least one.
    pub turns: Vec<Turn>,
}

/// What makes two sequences the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceId {
    /// Seed of the suite.
    pub seed: u64,
    /// Sessions played before the measured ones.
    pub cut: u64,
    /// Measured sessions.
    pub count: u64,
    /// SHA-256 over arrivals and lengths of the `cut + count` sessions, hexadecimal, 16 digits.
    pub digest: String,
}

/// What a play of a sequence holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// Requests in the measured sessions.
    pub requests: u64,
    /// Output tokens that these ask for.
    pub output_tokens: u64,
    /// Most requests of one session, measured or not.
    pub turns_max: u32,
    /// Longest think time of a whole session, measured or not.
    pub think_max: Duration,
    /// Its identity.
    pub id: SequenceId,
}

/// An endless stream of sessions; the first ones are always the same for a law and a seed.
#[derive(Debug, Clone)]
pub struct Sequence {
    law: SessionLaw,
    arrivals: Arrivals,
    gaps: Random,
    lengths: Random,
    zipf: Vec<(Length, Vec<f64>)>,
    offset: f64,
    next: u64,
}

impl Sequence {
    /// The sequence of this law, arrival process and seed, from its start.
    #[must_use]
    pub fn new(law: &SessionLaw, arrivals: Arrivals, seed: u64) -> Self {
        let zipf = [law.turns, law.prompt_tokens, law.output_tokens]
            .into_iter()
            .filter_map(|length| Some((length, zipf_table(length)?)))
            .collect();
        Self {
            law: law.clone(),
            arrivals,
            gaps: Random::new(seed, "arrivals"),
            lengths: Random::new(seed, "lengths"),
            zipf,
            offset: 0.0,
            next: 0,
        }
    }

    /// What the sessions `0..cut + count` hold, of which those from `cut` on are measured.
    #[must_use]
    pub fn extent(law: &SessionLaw, arrivals: Arrivals, seed: u64, cut: u64, count: u64) -> Extent {
        let (mut requests, mut output_tokens) = (0, 0);
        let (mut turns_max, mut think_max) = (0, Duration::ZERO);
        let mut hash = Sha256::new();
        let played = usize::try_from(cut.saturating_add(count)).unwrap_or(usize::MAX);
        for session in Self::new(law, arrivals, seed).take(played) {
            turns_max = turns_max.max(u32::try_from(session.turns.len()).unwrap_or(u32::MAX));
            think_max = think_max.max(session.turns.iter().map(|turn| turn.think_time).sum());
            hash.update(session.offset.to_bits().to_le_bytes());
            for turn in &session.turns {
                hash.update(turn.prompt_tokens.to_le_bytes());
                hash.update(turn.output_tokens.to_le_bytes());
                hash.update(turn.think_time.as_nanos().to_le_bytes());
            }
            if session.index >= cut {
                requests += session.turns.len() as u64;
                let asked = session.turns.iter().map(|turn| u64::from(turn.output_tokens));
                output_tokens += asked.sum::<u64>();
            }
        }
        let digest = hash.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Extent {
            requests,
            output_tokens,
            turns_max,
            think_max,
            id: SequenceId { seed, cut, count, digest },
        }
    }

    fn gap(&mut self) -> f64 {
        match self.arrivals {
            Arrivals::Poisson => self.gaps.exponential(),
            Arrivals::Gamma { cv } => self.gaps.gamma(1.0 / (cv * cv)),
            // Half a gap first, so that equal schedules of two runs do not start on the same instant.
            Arrivals::Constant if self.next == 0 => 0.5,
            Arrivals::Constant => 1.0,
        }
    }

    fn draw(&mut self, length: Length) -> u32 {
        match length {
            Length::Fixed(n) => n,
            Length::Uniform(low, high) => self.lengths.whole(low, high),
            Length::Normal { mean, sd, min, max } => {
                normal_length(&mut self.lengths, mean, sd, min, max)
            }
            Length::Zipf { min, .. } => {
                let u = self.lengths.unit();
                let table = self.zipf.iter().find(|(known, _)| *known == length);
                let rank = table.map_or(0, |(_, cumulated)| cumulated.partition_point(|&c| c < u));
                min.saturating_add(u32::try_from(rank).unwrap_or(0)).clamp(min, length.max())
            }
        }
        .max(1)
    }

    fn think_time(&mut self) -> Duration {
        match self.law.think_time {
            ThinkTime::Fixed(pause) => pause,
            ThinkTime::Exponential(mean) => mean.mul_f64(self.lengths.exponential()),
        }
    }
}

impl Iterator for Sequence {
    type Item = Session;

    fn next(&mut self) -> Option<Session> {
        self.offset += self.gap();
        let turns = self.draw(self.law.turns);
        let turns = (0..turns)
            .map(|turn| Turn {
                prompt_tokens: self.draw(self.law.prompt_tokens),
                output_tokens: self.draw(self.law.output_tokens),
                think_time: if turn == 0 { Duration::ZERO } else { self.think_time() },
            })
            .collect();
        let session = Session { index: self.next, offset: self.offset, turns };
        self.next += 1;
        Some(session)
    }
}

/// Draws again outside the range; a law whose mass lies elsewhere gives the nearer bound.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to lie in min..=max"
)]
fn normal_length(random: &mut Random, mean: f64, sd: f64, min: u32, max: u32) -> u32 {
    for _ in 0..NORMAL_DRAWS_MAX {
        let drawn = libm::round(mean + sd * random.normal());
        if drawn >= f64::from(min) && drawn <= f64::from(max) {
            return drawn as u32;
        }
    }
    if mean < f64::from(min) { min } else { max }
}

/// Cumulated shares of a Zipf law.
fn zipf_table(length: Length) -> Option<Vec<f64>> {
    let Length::Zipf { exponent, min, max } = length else { return None };
    let weights = zipf_ranks(min, max).map(|rank| zipf_weight(rank, exponent));
    let mut cumulated: Vec<f64> = weights
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    let total = cumulated.last().copied().unwrap_or(1.0);
    for share in &mut cumulated {
        *share /= total;
    }
    Some(cumulated)
}

#[cfg(test)]
mod tests {
    use super::{Sequence, Session};
    use crate::workload::{Arrivals, HistoryMode, Length, SessionLaw, ThinkTime};
    use std::time::Duration;

    fn law() -> SessionLaw {
        SessionLaw {
            turns: Length::Uniform(1, 3),
            prompt_tokens: Length::Normal { mean: 100.0, sd: 40.0, min: 20, max: 300 },
            output_tokens: Length::Zipf { exponent: 1.1, min: 4, max: 64 },
            think_time: ThinkTime::Exponential(Duration::from_secs(1)),
            history: HistoryMode::Inherit,
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_sessions_and_another_seed_others() {
        let take = |seed| {
            Sequence::new(&law(), Arrivals::Poisson, seed).take(50).collect::<Vec<Session>>()
        };
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
    }

    #[test]
    fn the_identity_of_a_sequence_is_pinned() {
        let extent = |arrivals, seed| Sequence::extent(&law(), arrivals, seed, 10, 100);
        let gamma = extent(Arrivals::Gamma { cv: 2.0 }, 42);
        let said = format!("{} {}", gamma.requests, gamma.id.digest);
        insta::assert_snapshot!(said, @"200 f8dac4e539da0a73");
        assert_ne!(extent(Arrivals::Poisson, 42).id.digest, gamma.id.digest);
        assert_ne!(extent(Arrivals::Gamma { cv: 2.0 }, 43).id.digest, gamma.id.digest);
        assert_eq!(gamma.turns_max, 3);
        let sessions = Sequence::new(&law(), Arrivals::Poisson, 42).take(110);
        let pauses = sessions.map(|s| s.turns.iter().map(|turn| turn.think_time).sum::<Duration>());
        assert_eq!(pauses.max(), Some(gamma.think_max));
    }

    #[test]
    fn gaps_have_mean_one_and_are_never_clipped() {
        for (arrivals, longest_at_least) in [
            (Arrivals::Poisson, 7.0),
            (Arrivals::Gamma { cv: 2.0 }, 15.0),
            (Arrivals::Constant, 0.99),
        ] {
            let offsets: Vec<f64> =
                Sequence::new(&law(), arrivals, 3).take(20_000).map(|s| s.offset).collect();
            let longest = offsets
                .windows(2)
                .map(|w| w[1] - w[0])
                .fold(0.0, |a: f64, b| if b > a { b } else { a });
            assert!((offsets[19_999] / 20_000.0 - 1.0).abs() < 0.04, "{arrivals:?}");
            assert!(longest > longest_at_least, "{arrivals:?}: {longest}");
        }
    }

    #[test]
    fn lengths_stay_in_their_range() {
        for session in Sequence::new(&law(), Arrivals::Poisson, 5).take(3_000) {
            assert!((1..=3).contains(&session.turns.len()));
            assert_eq!(session.turns[0].think_time, Duration::ZERO);
            for turn in session.turns {
                assert!(
                    (20..=300).contains(&turn.prompt_tokens)
                        && (4..=64).contains(&turn.output_tokens),
                    "{turn:?}"
                );
            }
        }
    }
}
