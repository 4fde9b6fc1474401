//! The two routes that generate: from a body to a stream or a document.

use super::driver::{Answer, Line, Tokens};
use super::openai::{Api, Delivery, Order, OrderError, Scribe};
use crate::demo::model::{Admission, Progress};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

/// Answers one request.
pub(super) async fn complete(api: Api, body: &[u8], line: &Line) -> Response {
    let order = match Order::parse(api, body) {
        Ok(order) => order,
        Err(error) => return malformed(&error),
    };
    match line.submit(order.prompt_tokens, order.output_tokens, order.output_min).await {
        Answer::Accepted(tokens) => {
            let scribe = Scribe::new(&order, tokens.id());
            match order.delivery {
                Delivery::Plain => plain(scribe, tokens).await,
                Delivery::Stream | Delivery::StreamWithUsage => {
                    streamed(scribe, tokens, order.delivery)
                }
            }
        }
        Answer::Refused(admission) => refused(admission, &order),
        Answer::Stopped => unavailable("the server is stopping", Duration::from_secs(1)),
    }
}

/// An error as OpenAI words it.
pub(super) fn error(status: StatusCode, kind: &str, code: &str, message: &str) -> Response {
    let body = json!({
        "error": { "message": message, "type": kind, "param": null, "code": code },
    });
    (status, Json(body)).into_response()
}

/// 503 with `Retry-After` in whole seconds, rounded up, at least 1.
pub(super) fn unavailable(message: &str, retry_after: Duration) -> Response {
    let seconds = retry_after.as_secs().saturating_add(u64::from(retry_after.subsec_nanos() > 0));
    let mut response =
        error(StatusCode::SERVICE_UNAVAILABLE, "server_error", "overloaded", message);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}

fn malformed(problem: &OrderError) -> Response {
    let message = match problem.source() {
        Some(source) => format!("{problem}: {source}"),
        None => problem.to_string(),
    };
    error(StatusCode::BAD_REQUEST, "invalid_request_error", "invalid_value", &message)
}

fn refused(admission: Admission, order: &Order) -> Response {
    match admission {
        Admission::Shed { retry_after } => unavailable("the queue is full", retry_after),
        Admission::ContextExceeded { limit } => {
            let message = format!(
                "the context holds {limit} tokens, but {} of prompt and {} of output were asked",
                order.prompt_tokens, order.output_tokens
            );
            let code = "context_length_exceeded";
            error(StatusCode::BAD_REQUEST, "invalid_request_error", code, &message)
        }
        Admission::Failed | Admission::Accepted => {
            let message = "an internal error, on purpose";
            error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "internal_error", message)
        }
    }
}

async fn plain(mut scribe: Scribe, mut tokens: Tokens) -> Response {
    let mut text = String::new();
    let mut finish_reason = None;
    while let Some(progress) = tokens.next().await {
        text.push_str(&scribe.token());
        finish_reason = reason(progress);
    }
    Json(scribe.document(&text, finish_reason)).into_response()
}

/// The headers go out at once, the role with the first token, the end with the last.
fn streamed(scribe: Scribe, tokens: Tokens, delivery: Delivery) -> Response {
    let frames = futures_util::stream::unfold(
        (scribe, tokens),
        move |(mut scribe, mut tokens)| async move {
            let progress = tokens.next().await?;
            Some((Ok::<_, Infallible>(frame(&mut scribe, progress, delivery)), (scribe, tokens)))
        },
    );
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, Body::from_stream(frames)).into_response()
}

/// All events of one token, in one write.
fn frame(scribe: &mut Scribe, progress: Progress, delivery: Delivery) -> Bytes {
    let mut frame = String::new();
    if let Some(role) = scribe.role() {
        push(&mut frame, &role);
    }
    let token = scribe.token();
    push(&mut frame, &scribe.text(&token));
    if let Some(reason) = reason(progress) {
        push(&mut frame, &scribe.finish(reason));
        if delivery == Delivery::StreamWithUsage {
            push(&mut frame, &scribe.last());
        }
        frame.push_str("data: [DONE]\n\n");
    }
    frame.into()
}

/// Why the answer ends here, if it does and says so.
fn reason(progress: Progress) -> Option<&'static str> {
    match progress {
        Progress::More | Progress::Cut => None,
        Progress::Finished => Some("length"),
        Progress::Stopped => Some("stop"),
    }
}

fn push(frame: &mut String, event: &Value) {
    frame.push_str("data: ");
    frame.push_str(&event.to_string());
    frame.push_str("\n\n");
}
