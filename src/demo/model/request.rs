//! What goes into the model and what comes out of it.

use std::time::Duration;

/// A request as the model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Chosen by the caller, unique among the requests that are not finished.
    pub id: u64,
    /// Tokens of the prompt; 0 counts as 1.
    pub prompt_tokens: u32,
    /// Most tokens to generate; 0 counts as 1.
    pub output_tokens: u32,
    /// Fewest tokens to generate. The answer ends by itself at a length drawn uniformly from here to
    /// `output_tokens`; from there on it is exactly that long.
    pub output_min: u32,
}

/// What became of a request at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// It waits or runs; its events follow.
    Accepted,
    /// The queue was full, or the fault `shed_rate` hit it.
    Shed {
        /// When to try again.
        retry_after: Duration,
    },
    /// Prompt and output together exceed the context.
    ContextExceeded {
        /// Most tokens of prompt and output together.
        limit: u32,
    },
    /// The fault `error_rate` hit it.
    Failed,
}

/// One token of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The request.
    pub id: u64,
    /// End of the step that produced the token, since the server's start.
    pub at: Duration,
    /// What follows it.
    pub progress: Progress,
}

/// What follows a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More tokens.
    More,
    /// Nothing: the request has all its tokens.
    Finished,
    /// Nothing: the answer ended by itself before it had all its tokens.
    Stopped,
    /// Nothing: the fault `truncate_rate` cut it, the stream ends without a terminal signal.
    Cut,
}

/// State of the server now, and its totals since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Sequences in the batch.
    pub running: usize,
    /// Requests in the queue.
    pub waiting: usize,
    /// Tokens in the cache.
    pub tokens_held: u64,
    /// Steps ended.
    pub steps: u64,
    /// Requests accepted.
    pub accepted: u64,
    /// Requests shed.
    pub shed: u64,
    /// Requests failed on purpose.
    pub failed: u64,
    /// Requests refused because of the context.
    pub refused: u64,
    /// Requests that got all their tokens.
    pub finished: u64,
    /// Requests whose answer ended by itself before that.
    pub stopped: u64,
    /// Requests cut on purpose.
    pub cut: u64,
    /// Requests whose client went away.
    pub cancelled: u64,
    /// Prompt tokens prefilled.
    pub prompt_tokens: u64,
    /// Tokens generated.
    pub generated_tokens: u64,
}
