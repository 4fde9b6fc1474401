//! When an answer arrived: by the kernel, not by when we came to read it.

use crate::client::{Heard, chat, session, target};
use crate::on_one_thread;
use crate::server::{chunk, stream};
use plimsoll::load::{Arrival, Asked, Client, Observer};
use plimsoll::trial::Outcome;
use plimsoll::workload::{HistoryMode, Salt};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::time::Instant;

const WORD: &str = r#"{"choices":[{"delta":{"content":"a"}}]}"#;
const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
/// How long the reader does something else.
const BUSY: Duration = Duration::from_millis(50);

/// A server on a thread of its own: a word at once, two more when it is told, each in a segment of
/// its own; then it says so and ends the stream.
fn serve(listener: &TcpListener, go: &Receiver<()>, sent: &Sender<Instant>) {
    let (mut tcp, _) = listener.accept().unwrap();
    tcp.set_nodelay(true).unwrap();
    let word = chunk(format!("data: {WORD}\n\n").as_bytes());
    while tcp.read(&mut [0; 4096]).unwrap() > 0 {
        tcp.write_all(&stream(&[WORD], false)).unwrap();
        if go.recv().is_err() {
            return;
        }
        tcp.write_all(&word).unwrap();
        tcp.write_all(&word).unwrap();
        let end = chunk(format!("data: {STOP}\n\ndata: [DONE]\n\n").as_bytes());
        sent.send(Instant::now()).unwrap();
        tcp.write_all(&[&end[..], b"0\r\n\r\n"].concat()).unwrap();
    }
}

/// Blocks the thread at the first chunk until the next ones have waited for a while.
struct Busy {
    heard: Heard,
    go: Sender<()>,
    sent: Receiver<Instant>,
    written: std::cell::Cell<Option<Instant>>,
}

impl Observer for Busy {
    fn connected(&self, took: Duration) {
        self.heard.connected(took);
    }
    fn written(&self, at: Instant) {
        self.heard.written(at);
    }
    fn first_byte(&self, arrival: Arrival) {
        self.heard.first_byte(arrival);
    }
    fn chunk(&self, arrival: Arrival, answer: bool) {
        self.heard.chunk(arrival, answer);
        if self.heard.chunks() == 1 {
            self.go.send(()).unwrap();
            self.written.set(Some(self.sent.recv().unwrap()));
            #[expect(
                clippy::disallowed_methods,
                reason = "a thread that is kept busy is the point"
            )]
            std::thread::sleep(BUSY);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_waited_for_us_arrived_when_it_came() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (go, told) = channel();
    let (sending, sent) = channel();
    let server = std::thread::spawn(move || serve(&listener, &told, &sending));
    on_one_thread(async {
        let client = Client::new(&target(chat(true)), &[&url]).await.unwrap();
        let mut busy = Busy { heard: Heard::default(), go, sent, written: None.into() };
        let session = session(0);
        let asked = Asked {
            session: &session,
            turn: 0,
            request: 0,
            salt: Salt::new(0, 0, "c", 0),
            history: HistoryMode::None,
            answers: &[],
            setting: None,
        };
        // The kernel takes a while until it stamps; then the same answer once more.
        let began = Instant::now();
        for is_warm in [false, true] {
            loop {
                busy.heard = Heard::default();
                let exchanged = client.exchange(&asked, Instant::now(), &busy).await;
                assert_eq!(exchanged.ending.outcome, Outcome::Ok, "{exchanged:?}");
                let stamped = |(arrival, _): &(Arrival, Instant)| arrival.lag.is_some();
                if is_warm || busy.heard.arrivals.borrow().iter().all(stamped) {
                    break;
                }
                assert!(began.elapsed() < Duration::from_secs(10), "{:?}", busy.heard);
            }
        }
        let written = busy.written.get().unwrap();
        let arrivals = busy.heard.arrivals.borrow();
        for (arrival, heard) in &arrivals[1..3] {
            assert!(*heard >= written + BUSY);
            // The clocks are compared to much better than a millisecond.
            assert!(arrival.at <= written + Duration::from_millis(1), "{arrival:?} {written:?}");
            assert!(arrival.lag.unwrap() > BUSY / 2, "{arrival:?}");
            assert!(arrival.at >= arrivals[0].0.at, "{arrivals:?}");
        }
        assert_eq!(client.clock_steps(), 0);
    });
    server.join().unwrap();
}
