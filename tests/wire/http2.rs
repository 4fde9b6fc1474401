//! HTTP/2: streams that share connections.

use crate::client::{LONG, SHORT, ask, chat, http, limits, target};
use crate::identity::Identity;
use crate::on_one_thread;
use crate::server::{Act, Server, whole};
use crate::server2::{Answer, Server2};
use futures_util::future::join_all;
use plimsoll::config::plan::{Api, HttpVersion, TargetPlan, Timeouts};
use plimsoll::load::{Client, Exchanged};
use plimsoll::trial::Outcome;
use std::time::Duration;
use tokio::time::Instant;

fn over(connections: usize, api: Api) -> TargetPlan {
    let http = HttpVersion::Two { connections: connections.try_into().unwrap() };
    TargetPlan { http, ..target(api) }
}

async fn client(server: &Server2, connections: usize) -> Client {
    Client::new(&over(connections, chat(true)), &[&server.url]).await.unwrap()
}

fn ended(exchanged: &Exchanged) -> (Outcome, u32) {
    (exchanged.ending.outcome, exchanged.ending.reconnects)
}

#[test]
fn a_stream_is_answered_and_its_connection_used_again() {
    on_one_thread(async {
        let server = Server2::start(|_| Answer::Stream).await;
        let client = client(&server, 1).await;
        let began = Instant::now();
        let (mut is_stamped, mut opening) = (false, &["connected"][..]);
        // The kernel takes a while until it stamps.
        while !is_stamped && began.elapsed() < Duration::from_secs(10) {
            let before = Instant::now();
            let (exchanged, heard) = ask(&client, 0, 0).await;
            assert_eq!(ended(&exchanged), (Outcome::Ok, 0), "{exchanged:?}");
            let steps: Vec<_> = heard.order.borrow().iter().map(|(what, _)| *what).collect();
            assert_eq!(steps, [opening, &["written", "first byte", "chunk", "chunk"]].concat());
            opening = &[];
            for (arrival, heard) in heard.arrivals.borrow().iter() {
                assert!(before <= arrival.at && arrival.at <= *heard, "{arrival:?}");
                is_stamped |= arrival.lag.is_some();
            }
        }
        assert_eq!(is_stamped, cfg!(target_os = "linux"));
        assert_eq!((client.idle(), server.connections()), (1, 1));
        let request = server.request(0);
        assert_eq!(request.method, "POST");
        assert_eq!(request.uri, format!("{}/v1/chat/completions", server.url));
        assert!(!request.headers.contains_key("host"), "{request:?}");
        assert!(request.body.contains("\"model\":\"tiny\""), "{request:?}");
    });
}

#[test]
fn a_request_without_body_and_one_with_much_go_out_whole() {
    on_one_thread(async {
        let server = Server2::start(|_| Answer::Plain).await;
        let body = "x".repeat(3 << 20);
        for (api, length) in
            [(http("GET", "/a?b", None), 0), (http("PUT", "/", Some(&body)), body.len())]
        {
            let client = Client::new(&over(1, api), &[&server.url]).await.unwrap();
            let (exchanged, heard) = ask(&client, 0, 0).await;
            assert_eq!(ended(&exchanged), (Outcome::Ok, 0), "{exchanged:?}");
            assert_eq!((heard.written.get(), heard.chunks()), (1, 1));
            server.until(|seen| seen.last().is_some_and(|last| last.body.len() == length)).await;
        }
        assert_eq!(server.request(0).uri, format!("{}/a?b", server.url));
    });
}

#[test]
fn streams_are_spread_over_the_connections() {
    on_one_thread(async {
        let server = Server2::start(|_| Answer::After(9)).await;
        let client = client(&server, 3).await;
        assert_eq!(client.prewarm(100).await, 3);
        let all = join_all((0..9).map(|session| ask(&client, session, 0))).await;
        assert!(all.iter().all(|(exchanged, _)| ended(exchanged) == (Outcome::Ok, 0)));
        assert_eq!(server.connections(), 3);
        for connection in 0..3 {
            let on_it = |seen: &&crate::server2::Request| seen.connection == connection;
            assert_eq!(server.seen.borrow().iter().filter(on_it).count(), 3);
        }
    });
}

#[test]
fn requests_that_need_the_same_connection_open_it_once() {
    on_one_thread(async {
        let server = Server2::start(|_| Answer::After(5)).await;
        let client = client(&server, 1).await;
        let all = join_all((0..5).map(|session| ask(&client, session, 0))).await;
        assert!(all.iter().all(|(exchanged, _)| ended(exchanged) == (Outcome::Ok, 0)));
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_stream_that_ends_badly_leaves_its_connection_alone() {
    for (answer, outcome) in [
        (Answer::Reset, Outcome::Reset),
        (Answer::Cut, Outcome::Reset),
        (Answer::Stall, Outcome::TimeoutFirst),
    ] {
        on_one_thread(async {
            let bad = answer;
            let server =
                Server2::start(move |number| if number == 1 { bad } else { Answer::Stream }).await;
            let timeouts = Timeouts { first_chunk: SHORT, ..limits() };
            let target = TargetPlan { timeouts, ..over(1, chat(true)) };
            let client = Client::new(&target, &[&server.url]).await.unwrap();
            for expected in [Outcome::Ok, outcome, Outcome::Ok] {
                let (exchanged, _) = ask(&client, 0, 0).await;
                assert_eq!(ended(&exchanged), (expected, 0), "{answer:?}: {exchanged:?}");
            }
            assert_eq!(server.connections(), 1, "{answer:?}");
        });
    }
}

#[test]
fn a_cancelled_request_resets_its_stream_and_no_other() {
    on_one_thread(async {
        let server =
            Server2::start(|number| if number == 0 { Answer::Stall } else { Answer::Stream }).await;
        let client = client(&server, 1).await;
        tokio::select! {
            biased;
            _ = ask(&client, 0, 0) => panic!("answered"),
            () = server.until(|seen| seen.len() == 1) => {}
        }
        server.until(|seen| seen[0].was_reset).await;
        assert_eq!(ended(&ask(&client, 1, 0).await.0), (Outcome::Ok, 0));
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn after_a_farewell_the_next_request_opens_a_new_connection() {
    on_one_thread(async {
        let server = Server2::start(|_| Answer::Farewell).await;
        let client = client(&server, 1).await;
        for _ in 0..3 {
            let (exchanged, _) = ask(&client, 0, 0).await;
            assert_eq!(exchanged.ending.outcome, Outcome::Ok, "{exchanged:?}");
        }
        assert_eq!(server.connections(), 3);
    });
}

#[test]
fn a_request_on_a_connection_that_dies_before_an_answer_is_repeated_once() {
    on_one_thread(async {
        let server = Server2::start(|number| match number {
            1 | 3 | 4 => Answer::Die,
            _ => Answer::Stream,
        })
        .await;
        let client = client(&server, 1).await;
        for expected in [(Outcome::Ok, 0), (Outcome::Ok, 1), (Outcome::Reset, 1), (Outcome::Ok, 0)]
        {
            let (exchanged, _) = ask(&client, 0, 0).await;
            assert_eq!(ended(&exchanged), expected, "{exchanged:?}");
        }
        assert_eq!(server.connections(), 4);
    });
}

#[test]
fn a_fresh_connection_that_dies_is_a_reset() {
    on_one_thread(async {
        let server = Server2::start(|_| Answer::Die).await;
        let client = client(&server, 1).await;
        assert_eq!(ended(&ask(&client, 0, 0).await.0), (Outcome::Reset, 0));
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_client_that_is_dropped_closes_its_connections() {
    on_one_thread(async {
        let server = Server2::start(|_| Answer::Stream).await;
        let client = client(&server, 2).await;
        assert_eq!(client.prewarm(2).await, 2);
        assert_eq!(client.get("/").await, Ok(200));
        drop(client);
        server.until_closed(2).await;
    });
}

#[test]
fn over_tls_it_is_agreed_upon() {
    on_one_thread(async {
        let identity = Identity::new();
        let server = Server2::start_tls(&identity, |_| Answer::Stream).await;
        let trusting = |connections| TargetPlan {
            ca: vec![identity.ca.clone()],
            ..over(connections, chat(true))
        };
        let client = Client::new(&trusting(1), &[&server.url]).await.unwrap();
        let (exchanged, _) = ask(&client, 0, 0).await;
        assert_eq!(ended(&exchanged), (Outcome::Ok, 0), "{exchanged:?}");
        assert!(server.request(0).uri.starts_with("https://localhost:"));

        let old = Server::start_tls(&identity, |_| vec![Act::Stall]).await;
        let client = Client::new(&trusting(1), &[old.url()]).await.unwrap();
        let (exchanged, _) = ask(&client, 0, 0).await;
        assert_eq!(ended(&exchanged), (Outcome::Connect, 0), "{exchanged:?}");
    });
}

#[test]
fn a_server_of_http_1_is_told_apart() {
    on_one_thread(async {
        let server = Server::start(|_| vec![Act::Send(whole("400 Bad Request", "", ""))]).await;
        let timeouts = Timeouts { first_chunk: LONG, ..limits() };
        let target = TargetPlan { timeouts, ..over(1, chat(true)) };
        let client = Client::new(&target, &[server.url()]).await.unwrap();
        let (exchanged, _) = ask(&client, 0, 0).await;
        assert_eq!(ended(&exchanged), (Outcome::Malformed, 0), "{exchanged:?}");
    });
}
