//! How a sequence differs from the law that it was drawn from: known before anything is sent.

use super::{Arrivals, Length, Sequence, SessionLaw};
use crate::units::as_f64;

/// What the measured sessions of a sequence hold, each as a factor of what the law says: 1 is its mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Realised {
    /// Sessions per time between the first and the last arrival; 1 for fewer than two.
    pub rate: f64,
    /// Turns of a session.
    pub turns: f64,
    /// Tokens of a turn's own prompt.
    pub prompt_tokens: f64,
    /// Tokens that a turn asks for.
    pub output_tokens: f64,
}

impl Realised {
    /// Of the sessions `cut..cut + count`.
    #[must_use]
    pub fn of(law: &SessionLaw, arrivals: Arrivals, seed: u64, cut: u64, count: u64) -> Self {
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let mut span: Option<(f64, f64)> = None;
        let (mut sessions, mut turns, mut prompt_tokens, mut output_tokens) = (0, 0, 0, 0);
        for session in Sequence::new(law, arrivals, seed).skip(size(cut)).take(size(count)) {
            let first = span.map_or(session.offset, |(first, _)| first);
            span = Some((first, session.offset));
            sessions += 1;
            for turn in &session.turns {
                turns += 1;
                prompt_tokens += u64::from(turn.prompt_tokens);
                output_tokens += u64::from(turn.output_tokens);
            }
        }
        let span = span.map_or(0.0, |(first, last)| last - first);
        let of_law = |sum: u64, n: u64, length: Length| {
            if n == 0 { 1.0 } else { as_f64(sum) / as_f64(n) / length.mean() }
        };
        Self {
            rate: if span > 0.0 { as_f64(sessions - 1) / span } else { 1.0 },
            turns: of_law(turns, sessions, law.turns),
            prompt_tokens: of_law(prompt_tokens, turns, law.prompt_tokens),
            output_tokens: of_law(output_tokens, turns, law.output_tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Realised;
    use crate::workload::{Arrivals, HistoryMode, Length, Sequence, SessionLaw, ThinkTime};
    use std::time::Duration;

    fn law() -> SessionLaw {
        SessionLaw {
            turns: Length::Uniform(1, 3),
            prompt_tokens: Length::Normal { mean: 100.0, sd: 40.0, min: 20, max: 300 },
            output_tokens: Length::Zipf { exponent: 1.1, min: 4, max: 64 },
            think_time: ThinkTime::Fixed(Duration::ZERO),
            history: HistoryMode::Inherit,
        }
    }

    #[test]
    fn a_long_sequence_is_its_law_and_a_short_one_is_not() {
        let realised = |count| Realised::of(&law(), Arrivals::Poisson, 3, count / 5, count);
        let off = |count| {
            let Realised { rate, turns, prompt_tokens, output_tokens } = realised(count);
            [rate, turns, prompt_tokens, output_tokens].map(|factor| (factor - 1.0).abs())
        };
        assert!(off(50_000).iter().all(|off| *off < 0.02), "{:?}", realised(50_000));
        assert!(off(60).iter().any(|off| *off > 0.05), "{:?}", realised(60));
    }

    #[test]
    fn only_the_measured_sessions_count() {
        let sessions: Vec<_> = Sequence::new(&law(), Arrivals::Poisson, 3).take(30).collect();
        let span = sessions[29].offset - sessions[10].offset;
        let realised = Realised::of(&law(), Arrivals::Poisson, 3, 10, 20);
        assert!((realised.rate - 19.0 / span).abs() < 1e-12, "{realised:?}");
        let turns: usize = sessions[10..].iter().map(|session| session.turns.len()).sum();
        assert!(
            (realised.turns - f64::from(u32::try_from(turns).unwrap()) / 20.0 / 2.0).abs() < 1e-12,
            "{realised:?}"
        );
    }

    #[test]
    fn equal_gaps_and_fixed_lengths_are_the_law() {
        let one = Length::Fixed(1);
        let law = SessionLaw { turns: one, prompt_tokens: one, output_tokens: one, ..law() };
        let is_one = |realised: Realised| {
            let Realised { rate, turns, prompt_tokens, output_tokens } = realised;
            [rate, turns, prompt_tokens, output_tokens].iter().all(|it| (it - 1.0).abs() < 1e-12)
        };
        for count in [0, 1, 2, 50] {
            assert!(is_one(Realised::of(&law, Arrivals::Constant, 1, 0, count)), "{count}");
        }
    }
}
