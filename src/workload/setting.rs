//! What a search varies of sessions and requests, where it does not vary the load.

use super::{Length, SessionLaw};
use std::sync::Arc;

/// What is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dial {
    /// Tokens of each turn's own prompt.
    PromptTokens,
    /// Tokens that each turn asks for.
    OutputTokens,
    /// Requests of a session.
    Turns,
    /// Items that one request carries.
    Items,
    /// The variable of this name in the request.
    Parameter(Arc<str>),
}

impl Dial {
    /// The name in suites and reports.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::PromptTokens => "prompt_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Turns => "turns",
            Self::Items => "items",
            Self::Parameter(name) => name,
        }
    }

    /// The unit of its values, for reports; of a parameter only its name is known.
    #[must_use]
    pub fn unit(&self) -> &str {
        match self {
            Self::PromptTokens | Self::OutputTokens => "tokens",
            Self::Turns => "turns",
            Self::Items => "items",
            Self::Parameter(name) => name,
        }
    }
}

/// What one trial sets it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What is set.
    pub dial: Dial,
    /// To what, in the dial's unit; at least 1.
    pub value: u32,
}

impl SessionLaw {
    /// This law with the length that a trial sets; items and parameters belong to the request.
    #[must_use]
    pub fn with(&self, setting: Option<&Setting>) -> Self {
        let mut law = self.clone();
        if let Some(Setting { dial, value }) = setting {
            let length = match dial {
                Dial::PromptTokens => &mut law.prompt_tokens,
                Dial::OutputTokens => &mut law.output_tokens,
                Dial::Turns => &mut law.turns,
                Dial::Items | Dial::Parameter(_) => return law,
            };
            *length = Length::Fixed(*value);
        }
        law
    }
}

#[cfg(test)]
mod tests {
    use super::{Dial, Setting};
    use crate::workload::{
        Arrivals, HistoryMode, Length, Sequence, Session, SessionLaw, ThinkTime,
    };
    use std::time::Duration;

    fn sessions(dial: Dial, value: u32) -> Vec<Session> {
        let law = SessionLaw {
            turns: Length::Uniform(1, 3),
            prompt_tokens: Length::Uniform(20, 300),
            output_tokens: Length::Uniform(4, 64),
            think_time: ThinkTime::Exponential(Duration::from_secs(1)),
            history: HistoryMode::Inherit,
        };
        let law = law.with(Some(&Setting { dial, value }));
        Sequence::new(&law, Arrivals::Poisson, 42).take(50).collect()
    }

    #[test]
    fn each_dial_sets_its_own_length_and_all_else_is_the_same_at_every_value() {
        let of_all = |sessions: &[Session]| -> Vec<(u32, u32, usize)> {
            let turns = |session: &Session| session.turns.len();
            sessions
                .iter()
                .flat_map(|s| {
                    s.turns.iter().map(move |t| (t.prompt_tokens, t.output_tokens, turns(s)))
                })
                .collect()
        };
        let offsets = |sessions: &[Session]| sessions.iter().map(|s| s.offset).collect::<Vec<_>>();
        for dial in [Dial::PromptTokens, Dial::OutputTokens, Dial::Turns, Dial::Items] {
            let (few, many) = (sessions(dial.clone(), 2), sessions(dial.clone(), 900));
            assert_eq!(offsets(&few), offsets(&many), "{dial:?}");
            let (few, many) = (of_all(&few), of_all(&many));
            match dial {
                Dial::PromptTokens => {
                    assert!(many.iter().all(|(prompt, ..)| *prompt == 900));
                    let rest = |all: &[(u32, u32, usize)]| {
                        all.iter().map(|(_, output, turns)| (*output, *turns)).collect::<Vec<_>>()
                    };
                    assert_eq!(rest(&few), rest(&many));
                }
                Dial::OutputTokens => assert!(many.iter().all(|(_, output, _)| *output == 900)),
                Dial::Turns => assert!(many.iter().all(|(.., turns)| *turns == 900)),
                Dial::Items | Dial::Parameter(_) => assert_eq!(few, many),
            }
        }
    }
}
