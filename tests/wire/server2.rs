//! A server that speaks HTTP/2, and may misbehave.

use crate::identity::Identity;
use bytes::Bytes;
use h2::server::{Connection, SendResponse, handshake};
use h2::{Reason, RecvStream};
use hyper::{HeaderMap, Response};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const EVENTS: [&str; 3] = [
    "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
];

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A stream of events.
    Stream,
    /// The same, once this many requests have come.
    After(usize),
    /// A body that is no stream.
    Plain,
    /// Its stream is reset.
    Reset,
    /// Its stream is reset after the first event.
    Cut,
    /// Nothing, ever.
    Stall,
    /// A stream, after which the server takes no more on this connection.
    Farewell,
    /// The connection is closed.
    Die,
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) connection: usize,
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) was_reset: bool,
}

/// The server; it stops when dropped.
pub(crate) struct Server2 {
    pub(crate) url: String,
    pub(crate) seen: Rc<RefCell<Vec<Request>>>,
    connections: Rc<Cell<usize>>,
    closed: Rc<Cell<usize>>,
    _tasks: JoinSet<()>,
}

type Script = dyn Fn(usize) -> Answer;

impl Server2 {
    /// Starts one that answers the request of each number, from 0, as `script` says.
    pub(crate) async fn start(script: impl Fn(usize) -> Answer + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self::over(url, async move || listener.accept().await.unwrap().0, script)
    }

    /// The same over TLS, as `localhost`.
    pub(crate) async fn start_tls(
        identity: &Identity,
        script: impl Fn(usize) -> Answer + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let acceptor = identity.acceptor(&[b"h2"]);
        let accept =
            async move || acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        Self::over(url, accept, script)
    }

    fn over<S: AsyncRead + AsyncWrite + Unpin + 'static>(
        url: String,
        mut accept: impl AsyncFnMut() -> S + 'static,
        script: impl Fn(usize) -> Answer + 'static,
    ) -> Self {
        let script: Rc<Script> = Rc::new(script);
        let seen = Rc::new(RefCell::new(Vec::new()));
        let (connections, closed) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (all, counted, ended) = (Rc::clone(&seen), Rc::clone(&connections), Rc::clone(&closed));
        let mut tasks = JoinSet::new();
        tasks.spawn_local(async move {
            let mut serving = JoinSet::new();
            loop {
                let stream = accept().await;
                let number = counted.replace(counted.get() + 1);
                let (all, script) = (Rc::clone(&all), Rc::clone(&script));
                let ended = Rc::clone(&ended);
                serving.spawn_local(async move {
                    if let Ok(connection) = handshake(stream).await {
                        serve(connection, number, script, all).await;
                    }
                    ended.set(ended.get() + 1);
                });
            }
        });
        Self { url, seen, connections, closed, _tasks: tasks }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.get()
    }

    pub(crate) fn request(&self, number: usize) -> Request {
        self.seen.borrow()[number].clone()
    }

    /// Waits until what was seen satisfies `condition`; fails after ten seconds.
    pub(crate) async fn until(&self, condition: impl Fn(&[Request]) -> bool) {
        eventually(|| condition(&self.seen.borrow())).await;
    }

    /// Waits until this many connections have ended.
    pub(crate) async fn until_closed(&self, count: usize) {
        eventually(|| self.closed.get() == count).await;
    }
}

async fn eventually(condition: impl Fn() -> bool) {
    let poll = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), poll).await.expect("never seen");
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut connection: Connection<S, Bytes>,
    number: usize,
    script: Rc<Script>,
    seen: Rc<RefCell<Vec<Request>>>,
) {
    let mut answers = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let index = seen.borrow().len();
        let (parts, body) = request.into_parts();
        seen.borrow_mut().push(Request {
            connection: number,
            method: parts.method.to_string(),
            uri: parts.uri.to_string(),
            headers: parts.headers,
            body: String::new(),
            was_reset: false,
        });
        let answer = script(index);
        if answer == Answer::Die {
            return;
        }
        if answer == Answer::Farewell {
            connection.graceful_shutdown();
        }
        answers.spawn_local(respond_to(answer, respond, body, index, Rc::clone(&seen)));
    }
}

async fn respond_to(
    answer: Answer,
    mut respond: SendResponse<Bytes>,
    mut body: RecvStream,
    index: usize,
    seen: Rc<RefCell<Vec<Request>>>,
) {
    while let Some(Ok(data)) = body.data().await {
        body.flow_control().release_capacity(data.len()).unwrap();
        let mut seen = seen.borrow_mut();
        seen[index].body.push_str(std::str::from_utf8(&data).unwrap());
    }
    match answer {
        Answer::Reset => return respond.send_reset(Reason::INTERNAL_ERROR),
        Answer::Stall => {
            if poll_fn(|cx| respond.poll_reset(cx)).await.is_ok() {
                seen.borrow_mut()[index].was_reset = true;
            }
            return pending().await;
        }
        Answer::After(count) => eventually(|| seen.borrow().len() >= count).await,
        Answer::Stream | Answer::Plain | Answer::Cut | Answer::Farewell | Answer::Die => {}
    }
    let media = if answer == Answer::Plain { "text/plain" } else { "text/event-stream" };
    let response = Response::builder().header("content-type", media).body(()).unwrap();
    let mut stream = respond.send_response(response, false).unwrap();
    for event in EVENTS {
        stream.send_data(event.into(), false).unwrap();
        if answer == Answer::Cut {
            // Lets the first event go out.
            tokio::time::sleep(Duration::from_millis(5)).await;
            return stream.send_reset(Reason::INTERNAL_ERROR);
        }
        tokio::task::yield_now().await;
    }
    stream.send_data(Bytes::new(), true).unwrap();
}
