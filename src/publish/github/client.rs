//! The requests. Octocrab's own types ask for fields that may be missing, its own retries repeat a
//! POST that was stored, and its own update of a comment sends a POST: only its low level is used.

use super::api::{CommentFile, ErrorFile, PullFile, UserFile, comments};
use crate::publish::encoding::percent_encoded;
use crate::publish::{Answer, Failure, Move, Outcome, PAGE, Publication, Request, TIME_MAX};
use octocrab::Octocrab;
use reqwest::header::{HeaderName, USER_AGENT};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Longest wait for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    /// The repository is not named `owner/name`.
    #[error("`{0}` is no repository: `owner/name` is expected")]
    Repository(String),
    /// The address of the platform cannot be used.
    #[error("cannot speak to `{url}`: {message}")]
    Client {
        /// The address.
        url: String,
        /// Why.
        message: String,
    },
}

/// A repository on GitHub.
#[derive(Debug, Clone)]
pub struct GitHub {
    client: Octocrab,
    repository: String,
}

/// What is sent: method, path with query, body.
struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
}

#[derive(Clone, Copy)]
enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

impl GitHub {
    /// Speaks for this token to this repository (`owner/name`) at the address of the platform's API.
    /// Must be called inside a runtime.
    ///
    /// # Errors
    /// The address or the repository is none.
    pub fn new(api: &str, token: &SecretString, repository: &str) -> Result<Self, GitHubError> {
        let is_name = |name: &str| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
                && !name.chars().all(|c| c == '.')
        };
        if !repository.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
        {
            return Err(GitHubError::Repository(repository.to_owned()));
        }
        let failed = |message: String| GitHubError::Client { url: api.to_owned(), message };
        // Nobody else may have installed one; a second one is refused, and that is as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            // A moved repository is an error that names its new place: a POST must not become a GET.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let client = Octocrab::builder()
            .base_uri(api.trim_end_matches('/'))
            .map_err(|error| failed(error.to_string()))?
            .personal_token(token.clone())
            .add_header(USER_AGENT, concat!("plimsoll/", env!("CARGO_PKG_VERSION")).to_owned())
            .add_header(HeaderName::from_static("x-github-api-version"), "2022-11-28".to_owned())
            .build_with_reqwest(http)
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { client, repository: repository.to_owned() })
    }

    /// Publishes, within [`TIME_MAX`].
    pub async fn publish(&self, mut publication: Publication) -> Outcome {
        let began = Instant::now();
        loop {
            let (wait, request) = match publication.next() {
                Move::Ask(wait, request) => (wait, request),
                Move::Done(outcome) => return outcome,
            };
            sleep(wait).await;
            let Ok(answer) = timeout_at(began + TIME_MAX, self.ask(&request)).await else {
                let seconds = TIME_MAX.as_secs();
                return Outcome::Failed(format!("the platform did not answer within {seconds} s"));
            };
            publication.answered(answer, began.elapsed());
        }
    }

    async fn ask(&self, request: &Request) -> Result<Answer, Failure> {
        let text = self.send(&self.call(request)).await?;
        Ok(match request {
            Request::User => Answer::User(read::<UserFile>(&text)?.login),
            Request::Pulls { .. } => {
                let pulls = read::<Vec<PullFile>>(&text)?;
                Answer::Pulls(pulls.into_iter().map(Into::into).collect())
            }
            Request::Pull(_) => Answer::Pull(read::<PullFile>(&text)?.into()),
            Request::Comments(..) => {
                let (comments, count) = comments(&text).map_err(|error| unreadable(&error))?;
                Answer::Comments(comments, count)
            }
            Request::Create(..) | Request::Update(..) => {
                Answer::Written(read::<CommentFile>(&text)?.into())
            }
            Request::Delete(_) => Answer::Deleted,
        })
    }

    fn call(&self, request: &Request) -> Call {
        let repository = &self.repository;
        let call = |method, path: String| Call { method, path, body: None };
        let with = |method, path: String, body: &str| Call {
            method,
            path,
            body: Some(json!({ "body": body })),
        };
        let comment = |id: &u64| format!("/repos/{repository}/issues/comments/{id}");
        match request {
            Request::User => call(Method::Get, "/user".to_owned()),
            Request::Pulls { owner, branch } => {
                let head = percent_encoded(&format!("{owner}:{branch}"), b"-._~");
                let query = format!("state=open&head={head}&per_page={PAGE}");
                call(Method::Get, format!("/repos/{repository}/pulls?{query}"))
            }
            Request::Pull(number) => {
                call(Method::Get, format!("/repos/{repository}/pulls/{number}"))
            }
            // By number instead of the link that the answer names: behind a proxy its host differs.
            Request::Comments(number, page) => call(
                Method::Get,
                format!("/repos/{repository}/issues/{number}/comments?per_page={PAGE}&page={page}"),
            ),
            Request::Create(number, body) => {
                with(Method::Post, format!("/repos/{repository}/issues/{number}/comments"), body)
            }
            Request::Update(id, body) => with(Method::Patch, comment(id), body),
            Request::Delete(id) => call(Method::Delete, comment(id)),
        }
    }

    /// The body of a good answer.
    async fn send(&self, call: &Call) -> Result<String, Failure> {
        let (client, path, body) = (&self.client, call.path.as_str(), call.body.as_ref());
        let answer = match call.method {
            Method::Get => client._get(path).await,
            Method::Post => client._post(path, body).await,
            Method::Patch => client._patch(path, body).await,
            Method::Delete => client._delete(path, body).await,
        };
        let answer = answer.map_err(|error| lost(&error))?;
        let status = answer.status();
        let header = |name: &str| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (wait, left, location) =
            (header("retry-after"), header("x-ratelimit-remaining"), header("location"));
        let text = client.body_to_string(answer).await.map_err(|error| lost(&error))?;
        if status.is_success() {
            return Ok(text);
        }
        let said: ErrorFile = serde_json::from_str(&text).unwrap_or_default();
        let moved = location.filter(|_| status.is_redirection());
        let message = match moved {
            Some(place) => format!("moved to {place}"),
            None if said.message.is_empty() => {
                status.canonical_reason().unwrap_or("no reason").to_owned()
            }
            None => said.text(),
        };
        Err(Failure {
            status: Some(status.as_u16()),
            is_rate_limit: status.as_u16() == 429
                || (status.as_u16() == 403
                    && (wait.is_some()
                        || left.as_deref() == Some("0")
                        || message.to_ascii_lowercase().contains("rate limit"))),
            retry_after: wait.and_then(|wait| wait.trim().parse().ok()).map(Duration::from_secs),
            message,
        })
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| unreadable(&error))
}

/// An answer that says nothing we know. Asking again would not help.
fn unreadable(error: &serde_json::Error) -> Failure {
    let message = format!("an answer of the platform cannot be read: {error}");
    Failure { status: Some(200), message, retry_after: None, is_rate_limit: false }
}

/// No answer.
fn lost(error: &octocrab::Error) -> Failure {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        text = source.to_string();
        cause = source.source();
    }
    let message = format!("the platform cannot be reached: {text}");
    Failure { status: None, message, retry_after: None, is_rate_limit: false }
}
