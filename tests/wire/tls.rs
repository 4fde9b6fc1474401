//! TLS that works, and TLS that must not.

use crate::client::{ask, chat, target};
use crate::identity::Identity;
use crate::on_one_thread;
use crate::server::{Act, Server, stream};
use plimsoll::config::plan::TargetPlan;
use plimsoll::load::Client;
use plimsoll::trial::Outcome;
use std::time::Duration;
use tokio::time::Instant;

const WORD: &str = r#"{"choices":[{"delta":{"content":"a"}}]}"#;

fn ok() -> Act {
    Act::Send(stream(
        &[WORD, r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, "[DONE]"],
        true,
    ))
}

#[test]
fn a_server_whose_authority_is_named_is_trusted_and_its_connection_kept() {
    on_one_thread(async {
        let identity = Identity::new();
        let server = Server::start_tls(&identity, |_| vec![ok()]).await;
        let target = TargetPlan { ca: vec![identity.ca.clone()], ..target(chat(true)) };
        let client = Client::new(&target, &[server.url()]).await.unwrap();
        let began = Instant::now();
        let mut is_stamped = false;
        // The kernel takes a while until it stamps.
        while !is_stamped && began.elapsed() < Duration::from_secs(10) {
            let before = Instant::now();
            let (exchanged, heard) = ask(&client, 0, 0).await;
            assert_eq!(exchanged.ending.outcome, Outcome::Ok, "{exchanged:?}");
            let steps: Vec<_> = heard.order.borrow().iter().map(|(what, _)| *what).collect();
            let told = ["written", "first byte", "chunk"];
            assert_eq!(steps[steps.len() - told.len()..], told);
            for (arrival, heard) in heard.arrivals.borrow().iter() {
                assert!(before <= arrival.at && arrival.at <= *heard, "{arrival:?}");
                is_stamped |= arrival.lag.is_some();
            }
        }
        assert_eq!(is_stamped, cfg!(target_os = "linux"));
        assert_eq!((client.idle(), server.connections()), (1, 1));
    });
}

#[test]
fn a_server_that_nobody_vouches_for_is_no_connection() {
    on_one_thread(async {
        let identity = Identity::new();
        let server = Server::start_tls(&identity, |_| vec![ok()]).await;
        for ca in [Vec::new(), vec![Identity::new().ca]] {
            let target = TargetPlan { ca, ..target(chat(true)) };
            let client = Client::new(&target, &[server.url()]).await.unwrap();
            let (exchanged, heard) = ask(&client, 0, 0).await;
            assert_eq!(exchanged.ending.outcome, Outcome::Connect, "{exchanged:?}");
            assert_eq!(heard.written.get(), 0);
        }
        assert_eq!(server.connections(), 0);
    });
}
