//! The task that owns the model and plays it on the real clock.

use super::metrics::Latencies;
use crate::demo::Profile;
use crate::demo::model::{Admission, Event, Progress, Request, Server};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// Messages to the driver that may lie unread. When it is full a handler waits, so its client does;
/// a cancel is dropped, and the driver notices at the request's next token instead.
const MESSAGES: usize = 4_096;

enum Message {
    Submit {
        at: Instant,
        prompt_tokens: u32,
        output_tokens: u32,
        output_min: u32,
        events: mpsc::Sender<Event>,
        reply: oneshot::Sender<Result<u64, Admission>>,
    },
    Cancel {
        at: Instant,
        id: u64,
    },
    Metrics {
        reply: oneshot::Sender<String>,
    },
    Speed {
        at: Instant,
        speed: f64,
    },
}

/// A handler's line to the driver.
#[derive(Debug, Clone)]
pub(super) struct Line {
    messages: mpsc::Sender<Message>,
}

/// What the driver said to a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// Its tokens follow.
    Accepted(Tokens),
    /// It was not taken, and why.
    Refused(Admission),
    /// The server is stopping.
    Stopped,
}

impl Line {
    /// Hands a request in as of now; the output is that of [`Request`].
    pub(super) async fn submit(
        &self,
        prompt_tokens: u32,
        output_tokens: u32,
        output_min: u32,
    ) -> Answer {
        // As long as the answer can get: the driver never finds it full.
        let room = usize::try_from(output_tokens).unwrap_or(usize::MAX).max(1);
        let (events, tokens) = mpsc::channel(room.min(Semaphore::MAX_PERMITS));
        let (reply, admission) = oneshot::channel();
        let at = Instant::now();
        let message =
            Message::Submit { at, prompt_tokens, output_tokens, output_min, events, reply };
        if self.messages.send(message).await.is_err() {
            return Answer::Stopped;
        }
        match admission.await {
            Ok(Ok(id)) => Answer::Accepted(Tokens {
                id,
                events: tokens,
                end: None,
                messages: self.messages.clone(),
            }),
            Ok(Err(admission)) => Answer::Refused(admission),
            Err(_) => Answer::Stopped,
        }
    }

    /// Steps that begin from now on go so fast, finite and `> 0`; false when the server is stopping.
    pub(super) async fn set_speed(&self, speed: f64) -> bool {
        self.messages.send(Message::Speed { at: Instant::now(), speed }).await.is_ok()
    }

    /// The Prometheus text, or nothing when the server is stopping.
    pub(super) async fn metrics(&self) -> Option<String> {
        let (reply, text) = oneshot::channel();
        self.messages.send(Message::Metrics { reply }).await.ok()?;
        text.await.ok()
    }
}

/// The tokens of one request. Dropped before the end, it cancels the request.
#[derive(Debug)]
pub(super) struct Tokens {
    id: u64,
    events: mpsc::Receiver<Event>,
    end: Option<Progress>,
    messages: mpsc::Sender<Message>,
}

impl Tokens {
    /// The request's number, counted from 0.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The next token, or nothing after the last.
    pub(super) async fn next(&mut self) -> Option<Progress> {
        let event = self.events.recv().await?;
        if event.progress != Progress::More {
            self.end = Some(event.progress);
        }
        Some(event.progress)
    }
}

impl Drop for Tokens {
    fn drop(&mut self) {
        if self.end.is_none() {
            let _ = self.messages.try_send(Message::Cancel { at: Instant::now(), id: self.id });
        }
    }
}

/// Owns the model, its clock and all that is counted.
pub(super) struct Driver {
    model: Server,
    start: Instant,
    messages: mpsc::Receiver<Message>,
    open: HashMap<u64, Open>,
    next_id: u64,
    latencies: Latencies,
    leak: usize,
    kept: Vec<Vec<u8>>,
    name: String,
}

/// A request that was accepted and is not over.
struct Open {
    from: Duration,
    last: Option<Duration>,
    events: mpsc::Sender<Event>,
}

/// A driver whose model's time zero is `start`, and a line to it.
pub(super) fn driver(profile: &Profile, start: Instant) -> (Line, Driver) {
    let (sender, messages) = mpsc::channel(MESSAGES);
    let driver = Driver {
        model: Server::new(profile),
        start,
        messages,
        open: HashMap::new(),
        next_id: 0,
        latencies: Latencies::default(),
        leak: usize::try_from(profile.faults.leak).unwrap_or(usize::MAX),
        kept: Vec::new(),
        name: super::MODEL.to_owned(),
    };
    (Line { messages: sender }, driver)
}

impl Driver {
    /// Plays the model until every line is gone. It sleeps until absolute instants, so being woken
    /// late never adds up. Messages come first: their stamps are older than now, and the model runs
    /// up to each stamp, so they cannot hold its tokens back.
    pub(super) async fn run(mut self) {
        loop {
            let due = self.model.next_event().and_then(|at| self.start.checked_add(at));
            tokio::select! {
                biased;
                message = self.messages.recv() => match message {
                    Some(message) => self.handle(message),
                    None => return,
                },
                () = sleep_until(due) => self.deliver(self.start.elapsed()),
            }
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Submit { at, prompt_tokens, output_tokens, output_min, events, reply } => {
                let from = at.saturating_duration_since(self.start);
                self.deliver(from);
                let id = self.next_id;
                self.next_id += 1;
                let request = Request { id, prompt_tokens, output_tokens, output_min };
                let answer = match self.model.submit(from, request) {
                    Admission::Accepted => Ok(id),
                    refused @ (Admission::Shed { .. }
                    | Admission::ContextExceeded { .. }
                    | Admission::Failed) => Err(refused),
                };
                if answer.is_ok() {
                    self.open.insert(id, Open { from, last: None, events });
                    if self.leak > 0 {
                        self.kept.push(vec![1; self.leak]); // not zero: pages that were touched
                    }
                }
                if let Err(Ok(id)) = reply.send(answer) {
                    self.cancel(from, id); // the handler is gone already
                }
            }
            Message::Cancel { at, id } => {
                let at = at.saturating_duration_since(self.start);
                self.deliver(at);
                self.cancel(at, id);
            }
            Message::Speed { at, speed } => {
                let at = at.saturating_duration_since(self.start);
                self.deliver(at);
                self.model.set_speed(at, speed);
            }
            Message::Metrics { reply } => {
                self.deliver(self.start.elapsed());
                let _ = reply.send(self.latencies.text(&self.name, &self.model.stats()));
            }
        }
    }

    fn cancel(&mut self, at: Duration, id: u64) {
        if self.open.remove(&id).is_some() {
            self.model.cancel(at, id);
        }
    }

    /// Runs the model up to `now` and passes every token on.
    fn deliver(&mut self, now: Duration) {
        for event in self.model.advance(now) {
            let Some(open) = self.open.get_mut(&event.id) else { continue };
            match open.last.replace(event.at) {
                None => self.latencies.first(event.at.saturating_sub(open.from)),
                Some(last) => self.latencies.gap(event.at.saturating_sub(last)),
            }
            let is_lost = open.events.try_send(event).is_err();
            match event.progress {
                Progress::More if is_lost => self.cancel(now, event.id),
                Progress::More => {}
                Progress::Finished | Progress::Stopped => {
                    self.latencies.whole(event.at.saturating_sub(open.from));
                    self.open.remove(&event.id);
                }
                Progress::Cut => {
                    self.open.remove(&event.id);
                }
            }
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submit(
        driver: &mut Driver,
    ) -> (oneshot::Receiver<Result<u64, Admission>>, mpsc::Receiver<Event>) {
        let (events, tokens) = mpsc::channel(4);
        let (reply, answer) = oneshot::channel();
        let at = driver.start;
        driver.handle(Message::Submit {
            at,
            prompt_tokens: 1,
            output_tokens: 4,
            output_min: 4,
            events,
            reply,
        });
        (answer, tokens)
    }

    fn leaking(leak: u64) -> Driver {
        let mut profile = Profile::named("llm").unwrap();
        profile.faults.leak = leak;
        driver(&profile, Instant::now()).1
    }

    #[test]
    fn a_leak_keeps_its_bytes_for_each_accepted_request() {
        let mut driver = leaking(1_000);
        let _open = (submit(&mut driver), submit(&mut driver));
        assert_eq!(driver.kept.iter().map(Vec::len).sum::<usize>(), 2_000);
        let mut driver = leaking(0);
        let _open = submit(&mut driver);
        assert!(driver.kept.is_empty());
    }

    #[test]
    fn a_speed_counts_for_what_begins_after_it() {
        let first = |speed: f64| {
            let mut driver = leaking(0);
            let at = driver.start;
            driver.handle(Message::Speed { at, speed });
            let _open = submit(&mut driver);
            driver.model.next_event().unwrap().as_secs_f64()
        };
        assert!((first(0.5) / first(1.0) - 2.0).abs() < 1e-3);
    }

    #[test]
    fn a_client_that_stops_listening_is_cancelled_at_its_next_token() {
        let mut driver = leaking(0);
        let (mut answer, tokens) = submit(&mut driver);
        assert_eq!(answer.try_recv(), Ok(Ok(0)));
        drop(tokens);
        let first = driver.model.next_event().unwrap();
        driver.deliver(first);
        assert_eq!(driver.model.stats().cancelled, 1);
        assert!(driver.open.is_empty());
    }

    #[test]
    fn tokens_arrive_in_full_and_then_the_line_closes() {
        let mut driver = leaking(0);
        let (_answer, mut tokens) = submit(&mut driver);
        driver.deliver(Duration::from_secs(1));
        let seen: Vec<_> = std::iter::from_fn(|| tokens.try_recv().ok()).collect();
        assert_eq!(seen.len(), 4);
        assert_eq!(seen.last().map(|event| event.progress), Some(Progress::Finished));
        assert_eq!(tokens.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }
}
