//! Listening, routing, health, stopping.

use super::MODEL;
use super::completion::{complete, error, unavailable};
use super::driver::{Line, driver};
use super::openai::Api;
use crate::demo::Profile;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde_json::json;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Connections that the kernel may hold before they are accepted: a burst of an open-loop load
/// must not be refused there. The kernel's own limit (often 4096) holds as well.
const BACKLOG: u32 = 4_096;

/// Largest body; the longest prompt that fits the context is far below.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How often the file with the speed is read.
const SPEED_EVERY: Duration = Duration::from_secs(1);

/// How long open streams may go on once asked to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Binds a listener for [`serve`]; port 0 takes a free one.
///
/// # Errors
/// As the kernel says: mostly that the address is in use or not this machine's.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves the profile until `stop`; open answers then get five seconds. Where a file is named, the
/// speed is what stands in it, read again each second: 1 is that of the profile.
///
/// The model's time starts with the call. During `startup_delay` the port answers, as a server's
/// does that loads its weights: `/health/live` and `/metrics` with 200, all else with 503.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    profile: Profile,
    speed: Option<PathBuf>,
    stop: CancellationToken,
) -> io::Result<()> {
    let start = Instant::now();
    let (line, driver) = driver(&profile, start);
    let paced = follow(line.clone(), speed);
    let ready_at = start.checked_add(profile.faults.startup_delay);
    let app = App { line, profile: Arc::new(profile), ready_at };
    let listener = listener.tap_io(send_at_once);
    let served = axum::serve(listener, router(app))
        .with_graceful_shutdown(stop.clone().cancelled_owned())
        .into_future();
    let grace = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        biased;
        () = grace => Ok(()),
        () = driver.run() => Ok(()),
        () = paced => Ok(()),
        result = served => result,
    }
}

/// Keeps the speed that stands in a file. One that is not there or makes no sense changes nothing.
async fn follow(line: Line, file: Option<PathBuf>) {
    let Some(file) = file else { return std::future::pending().await };
    loop {
        let text = tokio::fs::read_to_string(&file).await.unwrap_or_default();
        let speed =
            text.trim().parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0);
        if let Some(speed) = speed
            && !line.set_speed(speed).await
        {
            return;
        }
        tokio::time::sleep(SPEED_EVERY).await;
    }
}

/// With Nagle's algorithm on, each small chunk would wait for the client's delayed ack.
fn send_at_once(stream: &mut TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "failed to turn TCP_NODELAY on");
    }
}

#[derive(Debug, Clone)]
struct App {
    line: Line,
    profile: Arc<Profile>,
    /// None where the clock ends before.
    ready_at: Option<Instant>,
}

impl App {
    /// Time left until it is ready.
    fn loading(&self) -> Option<Duration> {
        let left = match self.ready_at {
            Some(at) => at.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        };
        (!left.is_zero()).then_some(left)
    }
}

fn router(app: App) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(text))
        .route("/v1/models", get(models))
        .route("/health", get(ready))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/health/startup", get(ready))
        .route("/metrics", get(metrics))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(app)
}

async fn chat(State(app): State<App>, body: Result<Bytes, BytesRejection>) -> Response {
    generate(Api::Chat, &app, body).await
}

async fn text(State(app): State<App>, body: Result<Bytes, BytesRejection>) -> Response {
    generate(Api::Text, &app, body).await
}

async fn generate(api: Api, app: &App, body: Result<Bytes, BytesRejection>) -> Response {
    if let Some(left) = app.loading() {
        return loading(left);
    }
    match body {
        Ok(body) => complete(api, &body, &app.line).await,
        Err(rejection) => {
            let text = rejection.body_text();
            error(rejection.status(), "invalid_request_error", "invalid_body", &text)
        }
    }
}

async fn models(State(app): State<App>) -> Response {
    if let Some(left) = app.loading() {
        return loading(left);
    }
    let model = json!({
        "id": MODEL, "object": "model", "created": 0, "owned_by": "plimsoll",
        "max_model_len": app.profile.context,
    });
    Json(json!({ "object": "list", "data": [model] })).into_response()
}

async fn live() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

async fn ready(State(app): State<App>) -> Response {
    match app.loading() {
        Some(left) => loading(left),
        None => Json(json!({ "status": "ok" })).into_response(),
    }
}

async fn metrics(State(app): State<App>) -> Response {
    match app.line.metrics().await {
        Some(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
            .into_response(),
        None => unavailable("the server is stopping", Duration::from_secs(1)),
    }
}

async fn unknown() -> Response {
    error(StatusCode::NOT_FOUND, "invalid_request_error", "not_found", "no such route")
}

fn loading(left: Duration) -> Response {
    unavailable("the server is starting", left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn small_chunks_are_not_held_back() {
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(!stream.nodelay().unwrap());
        send_at_once(&mut stream);
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn a_port_in_use_is_refused() {
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let error = bind(listener.local_addr().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
