//! What we read of the platform's answers: as few fields as possible, since any other may be missing
//! or null in one odd comment.

use crate::publish::{Comment, Pull, Sha};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct CommentFile {
    id: u64,
    body: Option<String>,
    user: Option<UserFile>,
    #[serde(default)]
    html_url: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct UserFile {
    pub(super) login: String,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct PullFile {
    number: u64,
    state: String,
    head: HeadFile,
}

#[derive(Debug, Deserialize)]
struct HeadFile {
    sha: String,
    repo: Option<RepoFile>,
}

#[derive(Debug, Deserialize)]
struct RepoFile {
    id: u64,
}

/// What is said of a request that failed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorFile {
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

impl ErrorFile {
    /// Both parts of it.
    pub(super) fn text(&self) -> String {
        let more = self.errors.iter().filter_map(|error| {
            error.as_str().or_else(|| error.get("message").and_then(serde_json::Value::as_str))
        });
        std::iter::once(self.message.as_str()).chain(more).collect::<Vec<_>>().join(": ")
    }
}

impl From<CommentFile> for Comment {
    fn from(file: CommentFile) -> Self {
        Self {
            id: file.id,
            body: file.body.unwrap_or_default(),
            author: file.user.map(|user| (user.login, user.kind == "Bot")),
            url: file.html_url,
        }
    }
}

impl From<PullFile> for Pull {
    fn from(file: PullFile) -> Self {
        Self {
            number: file.number,
            is_open: file.state == "open",
            head: Sha::parse(&file.head.sha),
            repository: file.head.repo.map(|repo| repo.id),
        }
    }
}

/// The comments of a page, those that cannot be read left out, and how many there were.
pub(super) fn comments(text: &str) -> serde_json::Result<(Vec<Comment>, usize)> {
    let page: Vec<serde_json::Value> = serde_json::from_str(text)?;
    let count = page.len();
    let read = |value| serde_json::from_value::<CommentFile>(value).ok().map(Comment::from);
    Ok((page.into_iter().filter_map(read).collect(), count))
}
