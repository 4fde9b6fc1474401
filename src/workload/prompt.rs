//! Contents of the requests. Lengths belong to the sequence; the words come from the salt, so that
//! no two trials send the same text and no prefix cache of the target is hit by accident.

use super::{HistoryMode, Random, Session};
use std::fmt;

/// What makes the contents of a trial its own: of the suite's seed, the run, the check and the trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(u64);

impl Salt {
    /// The salt of trial number `trial` of `check` in the run that drew `run`.
    #[must_use]
    pub fn new(seed: u64, run: u64, check: &str, trial: u32) -> Self {
        Self(Random::new(seed ^ run.rotate_left(32), &format!("salt/{check}/{trial}")).bits())
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user.
    User,
    /// The model, in inherited history.
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The text: about one token a word.
    pub text: String,
}

/// The messages that turn number `turn` of `session` sends. `answers` are the texts that earlier
/// turns got; a missing one is left out.
#[must_use]
pub fn conversation(
    session: &Session,
    turn: usize,
    salt: Salt,
    history: HistoryMode,
    answers: &[String],
) -> Vec<Message> {
    let first = match history {
        HistoryMode::Inherit => 0,
        HistoryMode::None => turn,
    };
    let mut messages = Vec::new();
    for (number, law) in session.turns.iter().enumerate().take(turn + 1).skip(first) {
        let name = format!("prompt/{}/{number}", session.index);
        messages.push(Message {
            role: Role::User,
            text: words(&mut Random::new(salt.0, &name), law.prompt_tokens),
        });
        if let Some(answer) = answers.get(number).filter(|_| number < turn) {
            messages.push(Message { role: Role::Assistant, text: answer.clone() });
        }
    }
    messages
}

/// `count` words of two or three syllables: pronounceable, so that a tokenizer splits them evenly.
fn words(random: &mut Random, count: u32) -> String {
    const SYLLABLES: [&str; 16] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu",
        "va",
    ];
    let mut text = String::with_capacity(usize::try_from(count).unwrap_or(0).saturating_mul(6));
    for word in 0..count {
        if word > 0 {
            text.push(' ');
        }
        let mut bits = random.bits();
        for _ in 0..2 + (bits >> 60 & 1) {
            text.push_str(
                SYLLABLES.get(usize::try_from(bits & 15).unwrap_or(0)).copied().unwrap_or("ba"),
            );
            bits >>= 4;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Role, Salt, conversation};
    use crate::workload::{HistoryMode, Session, Turn};
    use std::time::Duration;

    fn session() -> Session {
        let turn = Turn { prompt_tokens: 12, output_tokens: 4, think_time: Duration::ZERO };
        Session { index: 3, offset: 1.0, turns: vec![turn; 3] }
    }

    #[test]
    fn no_two_trials_share_a_first_word_sequence() {
        let text = |trial| {
            let salt = Salt::new(42, 7, "rate", trial);
            conversation(&session(), 0, salt, HistoryMode::Inherit, &[]).remove(0).text
        };
        assert_ne!(text(0), text(1));
        assert_eq!(text(0), text(0));
        assert_eq!(text(0).split(' ').count(), 12);
    }

    #[test]
    fn history_is_inherited_with_the_answers_that_came() {
        let salt = Salt::new(1, 1, "c", 0);
        let answers = ["one".to_owned(), "two".to_owned()];
        let roles: Vec<Role> = conversation(&session(), 2, salt, HistoryMode::Inherit, &answers)
            .iter()
            .map(|m| m.role)
            .collect();
        assert_eq!(roles, [Role::User, Role::Assistant, Role::User, Role::Assistant, Role::User]);
        assert_eq!(conversation(&session(), 2, salt, HistoryMode::None, &answers).len(), 1);
        let first = conversation(&session(), 0, salt, HistoryMode::Inherit, &[]);
        assert_eq!(
            conversation(&session(), 2, salt, HistoryMode::Inherit, &answers).first(),
            first.first()
        );
    }
}
