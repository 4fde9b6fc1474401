//! Every kind of misbehaviour, in each shape of an answer, in open and in closed loop.

use crate::cell::{LONG, Offer, closed, open, plan, play, target, timeouts};
use crate::server::Server;
use crate::table::{Fault, Row, Shape, TABLE};
use futures_util::StreamExt as _;
use plimsoll::trial::{Ended, InvalidReason, Outcome, Patient, TrialPlan, TrialReport};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Trials at the same time: they mostly wait.
const AT_ONCE: usize = 16;
/// Far more than any of these trials takes, and less than the limits that must not pass.
const ENDS_WITHIN: Duration = Duration::from_secs(40);

/// One trial of the matrix.
#[derive(Clone, Copy)]
struct Cell {
    row: &'static Row,
    shape: Shape,
    offer: Offer,
}

impl Cell {
    fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().flat_map(|row| {
            Shape::ALL.into_iter().flat_map(move |shape| {
                Offer::ALL.into_iter().map(move |offer| Self { row, shape, offer })
            })
        })
    }

    fn name(&self) -> String {
        format!("{}, {:?}, {:?}", self.row.name, self.shape, self.offer)
    }

    /// Few sessions where each is many megabytes.
    fn plan(&self) -> TrialPlan {
        let is_large = self.row.fault == Fault::NeverReads
            || (self.row.fault == Fault::Oversized && self.shape != Shape::Stream);
        match (self.offer, is_large) {
            (Offer::Open, false) => plan(open(60.0), 4, 20),
            (Offer::Closed, false) => plan(closed(8), 4, 20),
            (Offer::Open, true) => plan(open(2.0), 0, 2),
            (Offer::Closed, true) => plan(closed(1), 0, 2),
        }
    }

    async fn run(self) -> Done {
        let outcome = self.row.outcome(self.shape);
        let server = Server::start(self.row.fault, self.shape).await;
        let padding = if self.row.fault == Fault::NeverReads { 12 << 20 } else { 0 };
        let target = target(self.shape, timeouts(self.row.fault, outcome), padding);
        let (plan, stop) = (self.plan(), CancellationToken::new());
        let mut calm = Patient;
        let trial = play(&plan, &target, server.url(), &mut calm, &stop);
        let report = timeout(ENDS_WITHIN, trial).await.ok().map(Result::unwrap);
        server.is_left().await;
        Done { cell: self, address: server.address(), report }
    }

    /// What should hold for its report and does not.
    fn problems(&self, report: &TrialReport) -> Vec<String> {
        let (expected, counts) = (self.row.outcome(self.shape), &report.counts);
        let sum: u64 = Outcome::ALL.iter().map(|&outcome| counts.of(outcome)).sum();
        let last = report.windows.last().map_or(0, |window| window.measured_ended);
        let died = self.row.fault == Fault::ClosesWhenReused;
        let not_ok = expected != Outcome::Ok;
        let checks = [
            ("ended", report.ended == Ended::Complete),
            ("the class", counts.by_outcome == BTreeMap::from([(expected, self.plan().count)])),
            ("intended", counts.intended == self.plan().count),
            ("the sum of outcomes", sum == counts.intended && last == sum),
            ("the example", report.failures.keys().eq(not_ok.then_some(&expected))),
            ("reconnects", !died || counts.reconnects > 0),
            ("held back", counts.held_back == 0),
            ("the generator", report.health.invalid.iter().all(is_of_this_machine)),
        ];
        let broken = checks.into_iter().filter(|(_, holds)| !holds);
        let told = |(what, _)| {
            let (name, ended, health) = (self.name(), report.ended, &report.health.invalid);
            format!("{name}: {what}: {ended:?} {counts:?} {:?} {health:?}", report.failures)
        };
        broken.map(told).collect()
    }
}

/// A trial that has ended.
struct Done {
    cell: Cell,
    /// Of its server.
    address: String,
    /// `None`: it did not end.
    report: Option<TrialReport>,
}

impl Done {
    fn problems(&self) -> Vec<String> {
        match &self.report {
            Some(report) => self.cell.problems(report),
            None => vec![format!("{}: hangs", self.cell.name())],
        }
    }

    /// What its failures looked like.
    fn examples(&self) -> impl Iterator<Item = String> {
        let failures = self.report.iter().flat_map(|report| report.failures.values());
        failures.map(|text| text.replace(&self.address, "ADDRESS"))
    }
}

/// Whether other work on this machine can bring this about, at any time and without any target. All
/// else would be the target's fault told as ours, or a defect.
fn is_of_this_machine(reason: &InvalidReason) -> bool {
    match reason {
        InvalidReason::SendLag { .. }
        | InvalidReason::Behind { .. }
        | InvalidReason::ReceiveLag { .. }
        | InvalidReason::LoopLag { .. }
        | InvalidReason::Cpu { .. }
        // An answer at once leaves the slot empty for as long as we need to see it.
        | InvalidReason::InFlight { .. }
        | InvalidReason::Clock { .. } => true,
        InvalidReason::Coalesced { .. }
        | InvalidReason::Offered { .. }
        | InvalidReason::Resource { .. }
        | InvalidReason::Descriptors { .. }
        | InvalidReason::Dropped { .. }
        | InvalidReason::LittlesLaw { .. }
        | InvalidReason::Accounting { .. } => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_misbehaviour_has_its_class_and_none_hangs_or_is_blamed_on_us() {
    assert!(ENDS_WITHIN < LONG);
    let trials = futures_util::stream::iter(Cell::all()).map(|cell| Box::pin(cell.run()));
    let done: Vec<Done> = trials.buffered(AT_ONCE).collect().await;
    let problems: Vec<String> = done.iter().flat_map(Done::problems).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    insta::assert_snapshot!("examples", examples(&done));
}

/// What each class looks like, one line a row and shape; both loops should give the same.
fn examples(done: &[Done]) -> String {
    let mut table = String::new();
    for row in &TABLE {
        let _ = writeln!(table, "{}", row.name);
        for shape in Shape::ALL {
            let is_here = |cell: &Cell| cell.row.fault == row.fault && cell.shape == shape;
            let here = done.iter().filter(|done| is_here(&done.cell));
            let shown: BTreeSet<String> = here.flat_map(Done::examples).collect();
            let shown: Vec<String> = shown.into_iter().collect();
            let class = row.outcome(shape).name();
            let line = format!("  {shape:?} {class}: {}", shown.join(" | "));
            let _ = writeln!(table, "{}", line.trim_end_matches(": "));
        }
    }
    table
}
