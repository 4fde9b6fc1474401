//! One request over real sockets, against a server that misbehaves on purpose. What is asserted are
//! classes, never durations.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

mod arrivals;
mod behaviours;
mod client;
mod connections;
mod http1;
mod http2;
mod identity;
mod requests;
mod server;
mod server2;
mod tls;
mod trial;

/// Runs a test on one thread, as a worker does.
fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}
