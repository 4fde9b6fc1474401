//! The control of a trial: starts its workers together, joins their windows, asks the watch, and
//! adds up what they counted.

#[cfg(test)]
mod tests;

use super::clock::Clock;
use super::error::LoadError;
use super::link::{Delta, Order, Part, Word};
use super::probe::{Descriptors, MachineMeter, Others};
use super::worker::Job;
use crate::trial::{
    Closing, Ended, Flow, GeneratorWatch, Readings, Timeline, TraceRow, TrialReport, Watch, Window,
};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Time between the word to start and the start.
const LEAD: Duration = Duration::from_millis(20);

/// Who is told while a trial runs.
pub struct Audience<'a> {
    /// May end it.
    pub watch: &'a mut dyn Watch,
    /// Sees each window as it closes, once a second.
    pub windows: &'a mut dyn FnMut(&Window),
    /// Takes a row for each request, once a second; `None`: nobody wants them, and none are made.
    pub rows: Option<&'a mut dyn FnMut(TraceRows)>,
}

/// Rows of requests that have ended.
#[derive(Debug)]
pub struct TraceRows {
    /// The trial's start by the system's monotonic clock.
    pub start_monotonic: Duration,
    /// The rows.
    pub rows: Vec<TraceRow>,
}

/// The control's end of all links.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) workers: usize,
    pub(super) words: mpsc::UnboundedReceiver<(usize, Word)>,
    pub(super) orders: watch::Sender<Order>,
    /// Ends a trial that can only become invalid.
    pub(super) generator: GeneratorWatch,
    /// The target's process, if it is ours: what it uses is not foreign.
    pub(super) target_pids: Vec<i32>,
}

/// What was known of the machine before the trial.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    pub(super) descriptors_limit: Option<u64>,
    /// Sessions per second that the calibration foretells.
    pub(super) can_offer_per_s: Option<f64>,
}

impl Played {
    /// The trial's report.
    pub(super) fn report(self, job: &Job, known: Known) -> Option<TrialReport> {
        let workers = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        let whole = self.parts.into_iter().reduce(|mut sum, part| {
            sum.join(part);
            sum
        })?;
        let readings = Readings {
            cpu_cores: whole.cpu_cores,
            workers,
            descriptors: self.descriptors.most(),
            descriptors_limit: known.descriptors_limit,
            can_offer_per_s: known.can_offer_per_s,
            scarce: job.cap.scarce,
            steal_cores: self.others.steal_cores,
            foreign_cores: self.others.foreign_cores,
            reference_speed: None,
            in_flight_mean: None,
        };
        let (ended, expected) = (whole.ended, whole.expected);
        let closing = Closing { ended, expected, readings, timeline: self.timeline };
        let report = whole.totals.report(job.plan.clone(), closing);
        Some(TrialReport { failures: whole.failures, ..report })
    }
}

/// What is known when all workers have ended.
#[derive(Debug)]
pub(super) struct Played {
    parts: Vec<Part>,
    timeline: Timeline,
    descriptors: Descriptors,
    others: Others,
}

impl Seat {
    /// Listens to the workers until all have ended; `None` when one was lost without a word.
    ///
    /// # Errors
    /// The first error of a worker.
    pub(super) async fn supervise(
        mut self,
        audience: &mut Audience<'_>,
    ) -> Option<Result<Played, LoadError>> {
        let (mut ready, mut decided) = (0, 0);
        let mut joiner = Joiner::new(self.workers);
        let mut played = Played {
            parts: Vec::with_capacity(self.workers),
            timeline: Timeline::default(),
            descriptors: Descriptors::default(),
            others: Others::default(),
        };
        let (mut clock, mut machine) = (None, None);
        while played.parts.len() < self.workers {
            let (worker, word) = self.words.recv().await?;
            match word {
                Word::Ready => {
                    ready += 1;
                    if ready == self.workers {
                        let start = *clock.insert(Clock::starting_in(LEAD));
                        machine = Some(MachineMeter::start(&self.target_pids));
                        self.order(Order::Start(start));
                    }
                }
                Word::Window(delta) => {
                    let Delta { window, rows } = *delta;
                    audience.take(clock, rows);
                    joiner.add(worker, &window);
                    while let Some(window) = joiner.next() {
                        played.descriptors.sample();
                        self.generator.descriptors(played.descriptors.most());
                        (audience.windows)(&window);
                        self.look(audience.watch, &window);
                        played.timeline.push(window);
                    }
                }
                Word::Decided => {
                    decided += 1;
                    if decided == self.workers {
                        self.order(Order::End(Ended::Complete));
                    }
                }
                Word::Done(part) => match *part {
                    Err(error) => return Some(Err(error)),
                    Ok(mut part) => {
                        self.order(Order::End(part.ended));
                        audience.take(clock, std::mem::take(&mut part.last.rows));
                        joiner.end(worker, std::mem::take(&mut part.last.window));
                        played.parts.push(part);
                    }
                },
            }
        }
        played.descriptors.sample();
        played.others = machine.map(|machine| machine.others()).unwrap_or_default();
        while let Some(window) = joiner.next() {
            played.timeline.push(window);
        }
        Some(Ok(played))
    }

    fn look(&mut self, watch: &mut dyn Watch, window: &Window) {
        for flow in [self.generator.observe(window), watch.observe(window)] {
            if let Flow::Stop(reason) = flow {
                self.order(Order::End(reason.into()));
            }
        }
    }

    /// Tells all workers. Once a trial was told to end, that stands.
    fn order(&self, order: Order) {
        self.orders.send_if_modified(|current| {
            let is_new = !matches!(current, Order::End(_));
            if is_new {
                *current = order;
            }
            is_new
        });
    }
}

impl Audience<'_> {
    fn take(&mut self, clock: Option<Clock>, rows: Vec<TraceRow>) {
        if let (Some(take), Some(clock), false) = (&mut self.rows, clock, rows.is_empty()) {
            take(TraceRows { start_monotonic: clock.monotonic(Duration::ZERO), rows });
        }
    }
}

/// Joins the windows of several workers: those of the same second become one.
#[derive(Debug)]
struct Joiner {
    joined: BTreeMap<u32, Window>,
    /// The number of each worker's next window; of one that has ended also its last window.
    workers: Vec<(u32, Option<Window>)>,
}

impl Joiner {
    fn new(workers: usize) -> Self {
        Self { joined: BTreeMap::new(), workers: vec![(0, None); workers] }
    }

    fn add(&mut self, worker: usize, window: &Window) {
        if let Some((next, _)) = self.workers.get_mut(worker) {
            *next = window.index + 1;
        }
        match self.joined.entry(window.index) {
            Entry::Vacant(entry) => {
                entry.insert(window.clone());
            }
            Entry::Occupied(mut entry) => entry.get_mut().join(window),
        }
    }

    /// The worker's last window.
    fn end(&mut self, worker: usize, window: Window) {
        self.add(worker, &window);
        if let Some((_, last)) = self.workers.get_mut(worker) {
            *last = Some(window);
        }
    }

    /// The oldest window that all workers have seen and that was not given yet.
    fn next(&mut self) -> Option<Window> {
        let index = *self.joined.first_key_value()?.0;
        let is_seen = |(next, last): &(u32, Option<Window>)| *next > index || last.is_some();
        if !self.workers.iter().all(is_seen) {
            return None;
        }
        let mut window = self.joined.remove(&index)?;
        let gone = self.workers.iter().filter(|(next, _)| *next <= index);
        gone.filter_map(|(_, last)| last.as_ref()).for_each(|last| window.carry(last));
        Some(window)
    }
}
