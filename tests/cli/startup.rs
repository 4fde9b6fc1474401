//! Targets that never get ready: exit code 4, before any load.

use super::bench::{Bench, Ran};
use super::faulty::{Fault, Server, suite};

/// Runs a check on a target with which nothing can be measured.
fn refused(target: &str) -> Ran {
    let bench = Bench::with(&suite(target));
    let ran = bench.run(&["check"]).exits(4);
    println!("{ran}");
    ran
}

#[test]
fn explore() {
    let _turn = super::turns::shared();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    refused(&format!("command: [sleep, 60]\n  port: {port}"));
    refused("url: http://127.0.0.1:1");
    refused("url: http://nowhere.invalid");
    let server = Server::start(Fault::None);
    refused(&format!("url: https://127.0.0.1:{}", server.port()));
    refused("command: [sh, -c, 'echo one; echo cannot bind >&2; exit 7']");
    refused("command: [./no-such-program]");
    refused("command: [sleep, '60']\n  ready: { within: 300ms }");
    let server = Server::start(Fault::Dead);
    refused(&format!("url: {}", server.url()));
}
