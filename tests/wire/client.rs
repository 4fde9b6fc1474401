//! The client under test, and what it told its observer.

use plimsoll::config::plan::{
    Api, ConnectionMode, HttpRequest, HttpVersion, ManagedTarget, Ready, Residency, StatusClasses,
    TargetPlan, TargetSource, Timeouts,
};
use plimsoll::load::{Arrival, Asked, Client, Exchanged, Observer};
use plimsoll::workload::{HistoryMode, Salt, Session, Turn};
use secrecy::SecretString;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Long enough for any machine; a test that waits for it is broken.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Short enough to wait for.
pub(crate) const SHORT: Duration = Duration::from_millis(150);

pub(crate) fn limits() -> Timeouts {
    Timeouts { connect: LONG, first_chunk: LONG, between_chunks: LONG, total: LONG }
}

pub(crate) fn chat(stream: bool) -> Api {
    Api::OpenAiChat {
        path: "/v1/chat/completions".into(),
        model: "tiny".into(),
        stream,
        extra: serde_json::Map::new(),
    }
}

pub(crate) fn http(method: &str, path: &str, body: Option<&str>) -> Api {
    Api::Http(HttpRequest {
        method: method.into(),
        path: path.into(),
        body: body.map(str::to_owned),
        item: None,
        items_per_request: 1,
    })
}

pub(crate) fn target(api: Api) -> TargetPlan {
    TargetPlan {
        source: TargetSource::Url(String::new()),
        api,
        headers: Vec::new(),
        timeouts: limits(),
        status: StatusClasses { ok: (200..300).collect(), shed: [429, 503].into() },
        ca: Vec::new(),
        http: HttpVersion::One,
        connection: ConnectionMode::Pooled,
        labels: BTreeMap::new(),
    }
}

/// A process of ours that was told these secrets.
pub(crate) fn managed(secrets: Vec<SecretString>) -> TargetSource {
    TargetSource::Managed(ManagedTarget {
        command: Vec::new(),
        directory: ".".into(),
        env: BTreeMap::new(),
        pass_env: BTreeSet::new(),
        secrets,
        port: None,
        ready: Ready { path: "/".into(), within: Duration::from_secs(1) },
        grace: Duration::from_secs(1),
        build: None,
        artifacts: Vec::new(),
        residency: Residency::Both,
    })
}

/// A session of three turns.
pub(crate) fn session(index: u64) -> Session {
    let turn = Turn { prompt_tokens: 4, output_tokens: 3, think_time: Duration::ZERO };
    Session { index, offset: 0.0, turns: vec![turn; 3] }
}

/// What the observer heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) written: Cell<u32>,
    pub(crate) order: RefCell<Vec<(&'static str, Instant)>>,
    /// Each chunk's arrival, and when we heard of it.
    pub(crate) arrivals: RefCell<Vec<(Arrival, Instant)>>,
}

impl Heard {
    pub(crate) fn chunks(&self) -> usize {
        self.order.borrow().iter().filter(|(what, _)| *what == "chunk").count()
    }
}

impl Observer for Heard {
    fn connected(&self, _: Duration) {
        self.order.borrow_mut().push(("connected", Instant::now()));
    }
    fn written(&self, at: Instant) {
        self.written.set(self.written.get() + 1);
        self.order.borrow_mut().push(("written", at));
    }
    fn first_byte(&self, arrival: Arrival) {
        self.order.borrow_mut().push(("first byte", arrival.at));
    }
    fn chunk(&self, arrival: Arrival, _answer: bool) {
        self.order.borrow_mut().push(("chunk", arrival.at));
        self.arrivals.borrow_mut().push((arrival, Instant::now()));
    }
}

/// Sends turn `turn` of session `index`.
pub(crate) async fn ask(client: &Client, index: u64, turn: usize) -> (Exchanged, Heard) {
    let session = session(index);
    let heard = Heard::default();
    let asked = Asked {
        session: &session,
        turn,
        request: index * 3 + turn as u64,
        salt: Salt::new(1, 2, "check", 3),
        history: HistoryMode::Inherit,
        answers: &[],
        setting: None,
    };
    let exchanged = client.exchange(&asked, Instant::now(), &heard).await;
    (exchanged, heard)
}
