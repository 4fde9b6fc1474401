//! `plimsoll trial` as a process of its own: what its options put on the wire.

use crate::identity::Identity;
use crate::on_one_thread;
use crate::server2::{Answer, Server2};
use serde_json::Value;
use tokio::process::Command;

/// Forty sessions, without anything of our environment.
async fn trial(arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.env_clear().kill_on_drop(true);
    command.args(["trial", "--rate", "200", "--sessions", "40", "--format", "json"]);
    let output = command.args(arguments).output().await.unwrap();
    // A busy machine makes it invalid.
    assert!(matches!(output.status.code(), Some(0 | 6)), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn http_2_is_spoken_over_as_many_connections_as_asked_for() {
    on_one_thread(async {
        for (more, connections) in [(&[][..], 1), (&["--connections", "3"], 3)] {
            // Only HTTP/2 is understood.
            let server = Server2::start(|_| Answer::Plain).await;
            let url = format!("{}/a?b", server.url);
            let trial = trial(&[&[&*url, "--http", "2"], more].concat()).await;
            assert_eq!(trial["counts"]["ok"], 40, "{trial}");
            // One more asked whether the server lives.
            assert_eq!(server.connections(), 1 + connections, "{more:?}");
            let seen = server.seen.borrow();
            assert!(seen[1..].iter().all(|request| request.uri == url), "{:?}", seen[1]);
        }
    });
}

#[test]
fn an_authority_that_is_named_is_trusted() {
    on_one_thread(async {
        let identity = Identity::new();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &identity.pem).unwrap();
        let server = Server2::start_tls(&identity, |_| Answer::Plain).await;
        let ca = file.path().to_str().unwrap();
        let trial = trial(&[&server.url, "--http", "2", "--ca", ca]).await;
        assert_eq!(trial["counts"]["ok"], 40, "{trial}");
    });
}
