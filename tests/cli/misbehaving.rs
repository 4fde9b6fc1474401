//! Targets that answer wrongly.
use super::bench::Bench;
use super::faulty::{Fault, Server, suite};
#[test]
fn explore() {
    let _turn = super::turns::shared();
    for fault in [Fault::None, Fault::NotFound, Fault::Html, Fault::Truncated, Fault::Gzip, Fault::Endless, Fault::Large, Fault::NotText, Fault::Silent, Fault::EchoesHeaders] {
        let server = Server::start(fault);
        let bench = Bench::with(&suite(&format!("url: {}", server.url())));
        let began = super::processes::now();
        let ran = bench.run(&["check", "--fail-on", "regression,inconclusive,invalid"]);
        println!("##### {fault:?} {:?}\n{ran}", began.elapsed().unwrap());
    }
    let bench = Bench::with(&suite(&super::faulty::command("dies")));
    let ran = bench.run(&["check"]);
    println!("##### dies\n{ran}");
    println!("{}", bench.in_run("report.md"));
}
