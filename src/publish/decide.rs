//! What to do with the comments that are there: a pure function of them and of ours.

use super::event::Sha;
use super::marker::{FirstLine, Key, Marker};

/// A comment under a pull request, as far as it matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comment {
    /// Its id; a later comment has a greater one.
    pub id: u64,
    /// Its text.
    pub body: String,
    /// Who wrote it: login, and whether the platform calls them a bot.
    pub author: Option<(String, bool)>,
    /// Where it is read.
    pub url: String,
}

/// What is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// The first line.
    pub marker: Marker,
    /// The pull request's commit that was measured.
    pub head: Sha,
    /// The login that the token writes as.
    pub author: String,
    /// The whole comment, marker included.
    pub body: String,
    /// A shorter one, for a platform that takes less.
    pub shorter: String,
    /// Whether a first comment would be noise: nothing is wrong, and only problems are wanted.
    pub is_quiet: bool,
    /// Whether another workflow may have published the same run already, and then stands.
    pub defers: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Write a first comment.
    Create,
    /// Write this body, if any, to this comment, and delete the others, which are ours as well.
    Keep {
        /// The comment that stays.
        id: u64,
        /// Its new text; `None` where it says so already.
        body: Option<String>,
        /// Comments of ours that a race left.
        surplus: Vec<u64>,
        /// Why ours is not what is written, if it is not.
        why: Option<Why>,
    },
    /// Write nothing.
    Nothing(Why),
}

/// Why nothing of ours is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The pull request has a newer commit.
    Superseded,
    /// The pull request is closed.
    Closed,
    /// No open pull request, or more than one, has this commit.
    NoPull,
    /// A later run of the same commit has published.
    NewerRun,
    /// This run is published already.
    Unchanged,
    /// A later version of Plimsoll looks after the comment.
    LaterVersion,
    /// Nothing is wrong, and only problems are wanted.
    Quiet,
}

/// What to do about these comments, all that there are.
#[must_use]
pub fn decide(comments: &[Comment], ours: &Ours) -> Decision {
    let written_by_us = |comment: &&Comment| {
        let Some((login, is_bot)) = &comment.author else { return false };
        *login == ours.author && (*is_bot || !login.ends_with("[bot]"))
    };
    let mut mine: Vec<(&Comment, Marker)> = Vec::new();
    for comment in comments.iter().filter(written_by_us) {
        match Marker::read(&comment.body) {
            FirstLine::Ours(marker) if marker.key == ours.marker.key => {
                mine.push((comment, marker))
            }
            FirstLine::Later(key)
                if key.as_ref().is_none_or(|key: &Key| *key == ours.marker.key) =>
            {
                return Decision::Nothing(Why::LaterVersion);
            }
            FirstLine::Ours(_) | FirstLine::Later(_) | FirstLine::None => {}
        }
    }
    mine.sort_by_key(|(comment, _)| comment.id);
    let Some((kept, _)) = mine.first() else {
        return if ours.is_quiet { Decision::Nothing(Why::Quiet) } else { Decision::Create };
    };
    let (body, why) = wanted(&mine, ours);
    let is_there = same(&kept.body, &body);
    Decision::Keep {
        id: kept.id,
        surplus: mine.iter().skip(1).map(|(comment, _)| comment.id).collect(),
        why: why.or(is_there.then_some(Why::Unchanged)),
        body: (!is_there).then_some(body),
    }
}

/// The text of the newest run of our commit, which need not be ours.
fn wanted(mine: &[(&Comment, Marker)], ours: &Ours) -> (String, Option<Why>) {
    let stored = mine.iter().filter(|(_, marker)| marker.is_of(&ours.head));
    match stored.max_by_key(|(_, marker)| marker.run) {
        Some((comment, marker)) if marker.run > ours.marker.run => {
            (comment.body.clone(), Some(Why::NewerRun))
        }
        Some((comment, marker)) if marker.run == ours.marker.run && ours.defers => {
            (comment.body.clone(), Some(Why::Unchanged))
        }
        Some(_) | None => (ours.body.clone(), None),
    }
}

/// The platform may have changed how lines end.
fn same(stored: &str, body: &str) -> bool {
    let lines = |text: &str| {
        text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
    };
    lines(stored) == lines(body)
}
