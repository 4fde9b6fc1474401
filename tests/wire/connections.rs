//! When a connection is opened, used again, given up.

use crate::client::{LONG, SHORT, ask, chat, limits, session, target};
use crate::on_one_thread;
use crate::server::{Act, Server, stream, whole};
use plimsoll::config::plan::{ConnectionMode, TargetPlan, Timeouts};
use plimsoll::load::{Asked, Client, ClientError, Exchanged};
use plimsoll::trial::Outcome;
use plimsoll::workload::{HistoryMode, Salt};
use std::time::Duration;
use tokio::time::Instant;

fn ok() -> Act {
    Act::Send(stream(
        &[r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#, "[DONE]"],
        true,
    ))
}

async fn client(server: &Server, connection: ConnectionMode) -> Client {
    let target = TargetPlan { connection, ..target(chat(true)) };
    Client::new(&target, &[server.url()]).await.unwrap()
}

fn ended(exchanged: &Exchanged) -> (Outcome, u32) {
    (exchanged.ending.outcome, exchanged.ending.reconnects)
}

#[test]
fn a_connection_is_used_again_as_the_mode_says() {
    on_one_thread(async {
        for (mode, connections) in
            [(ConnectionMode::Pooled, 1), (ConnectionMode::PerSession, 2), (ConnectionMode::New, 4)]
        {
            let server = Server::start(|_| vec![ok()]).await;
            let client = client(&server, mode).await;
            for (index, turn) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let (exchanged, _) = ask(&client, index, turn).await;
                assert_eq!(ended(&exchanged), (Outcome::Ok, 0), "{mode:?}");
            }
            assert_eq!(server.connections(), connections, "{mode:?}");
            let says_close = server.seen.borrow().calls[0].text.contains("connection: close");
            assert_eq!(says_close, mode == ConnectionMode::New);
        }
    });
}

#[test]
fn the_last_turn_of_a_session_gives_its_connection_up() {
    on_one_thread(async {
        let server = Server::start(|_| vec![ok()]).await;
        let client = client(&server, ConnectionMode::PerSession).await;
        ask(&client, 0, 1).await;
        assert_eq!(client.idle(), 1);
        ask(&client, 0, 2).await;
        assert_eq!(client.idle(), 0);
    });
}

#[test]
fn a_reused_connection_that_dies_before_an_answer_is_replaced_once_and_counted() {
    for act in [Act::Close, Act::Reset] {
        on_one_thread(async {
            let server =
                Server::start(
                    move |call| {
                        if call.request == 0 { vec![ok()] } else { vec![act.clone()] }
                    },
                )
                .await;
            let client = client(&server, ConnectionMode::Pooled).await;
            for reconnects in [0, 1, 1] {
                let (exchanged, heard) = ask(&client, 0, 0).await;
                assert_eq!(ended(&exchanged), (Outcome::Ok, reconnects));
                assert_eq!(heard.chunks(), 1);
            }
            assert_eq!(server.connections(), 3);
        });
    }
}

#[test]
fn a_server_that_closes_after_each_stream_without_saying_so_fails_no_request() {
    on_one_thread(async {
        let server = Server::start(|_| vec![ok(), Act::Close]).await;
        let client = client(&server, ConnectionMode::Pooled).await;
        for _ in 0..20 {
            let (exchanged, _) = ask(&client, 0, 0).await;
            assert_eq!(exchanged.ending.outcome, Outcome::Ok);
        }
        assert_eq!(server.connections(), 20);
    });
}

#[test]
fn a_second_death_is_a_reset() {
    on_one_thread(async {
        let server = Server::start(|call| {
            if (call.connection, call.request) == (0, 0) { vec![ok()] } else { vec![Act::Reset] }
        })
        .await;
        let client = client(&server, ConnectionMode::Pooled).await;
        assert_eq!(ended(&ask(&client, 0, 0).await.0), (Outcome::Ok, 0));
        assert_eq!(ended(&ask(&client, 0, 0).await.0), (Outcome::Reset, 1));
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn a_reused_connection_that_dies_inside_an_answer_is_not_tried_again() {
    on_one_thread(async {
        let server = Server::start(|call| match call.request {
            0 => vec![ok()],
            _ => vec![Act::Send(b"HTTP/1.1 200 O".to_vec()), Act::Close],
        })
        .await;
        let client = client(&server, ConnectionMode::Pooled).await;
        assert_eq!(ended(&ask(&client, 0, 0).await.0), (Outcome::Ok, 0));
        assert_eq!(ended(&ask(&client, 0, 0).await.0), (Outcome::Reset, 0));
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_connection_that_the_server_ends_is_not_kept() {
    on_one_thread(async {
        let body = r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#;
        let headers = "content-type: application/json\r\nconnection: close\r\n";
        let answer = whole("200 OK", headers, body);
        let server = Server::start(move |_| vec![Act::Send(answer.clone())]).await;
        let target = target(chat(false));
        let client = Client::new(&target, &[server.url()]).await.unwrap();
        for connections in [1, 2] {
            assert_eq!(ended(&ask(&client, 0, 0).await.0), (Outcome::Ok, 0));
            assert_eq!((client.idle(), server.connections()), (0, connections));
        }
    });
}

#[test]
fn a_refusal_keeps_its_connection_and_a_timeout_does_not() {
    on_one_thread(async {
        let server = Server::start(|call| match call.request {
            0 => vec![Act::Send(whole("503 Busy", "retry-after: 7\r\n", "busy"))],
            _ => vec![Act::Stall],
        })
        .await;
        let timeouts = Timeouts { first_chunk: SHORT, ..limits() };
        let target = TargetPlan { timeouts, ..target(chat(true)) };
        let client = Client::new(&target, &[server.url()]).await.unwrap();
        let (shed, _) = ask(&client, 0, 0).await;
        assert_eq!(ended(&shed), (Outcome::Shed, 0));
        assert_eq!(shed.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(shed.detail.as_deref(), Some("status 503: busy"));
        assert_eq!(client.idle(), 1);
        assert_eq!(ended(&ask(&client, 0, 0).await.0), (Outcome::TimeoutFirst, 0));
        assert_eq!((client.idle(), server.connections()), (0, 1));
        server.until(|seen| seen.closed == 1).await;
    });
}

#[test]
fn a_cancelled_request_closes_its_connection() {
    on_one_thread(async {
        let server = Server::start(|_| vec![Act::Stall]).await;
        let client = client(&server, ConnectionMode::Pooled).await;
        tokio::select! {
            biased;
            _ = ask(&client, 0, 0) => panic!("answered"),
            () = server.until(|seen| seen.calls.len() == 1) => {}
        }
        server.until(|seen| seen.closed == 1).await;
        assert_eq!(client.idle(), 0);
    });
}

#[test]
fn connections_are_opened_before_they_are_needed() {
    on_one_thread(async {
        let server = Server::start(|_| vec![ok()]).await;
        let pooled = client(&server, ConnectionMode::Pooled).await;
        let began = Instant::now();
        assert_eq!(pooled.prewarm(20).await, 20);
        assert!(began.elapsed() >= Duration::from_millis(2) * 19, "at most 500 a second");
        assert_eq!(pooled.prewarm(5).await, 20);
        ask(&pooled, 0, 0).await;
        server.until(|seen| seen.connections == 20).await;
        assert_eq!(pooled.idle(), 20);
        drop(pooled);
        server.until(|seen| seen.closed == 20).await;
        let new = client(&server, ConnectionMode::New).await;
        assert_eq!(new.prewarm(20).await, 0);
    });
}

/// An address that refuses connections for as long as the socket lives: bound, not listening.
fn refusing() -> (tokio::net::TcpSocket, String) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

#[test]
fn a_refused_connection_says_where() {
    on_one_thread(async {
        let (_socket, address) = refusing();
        let target = target(chat(true));
        let client = Client::new(&target, &[format!("http://{address}")]).await.unwrap();
        assert_eq!(client.prewarm(3).await, 0);
        let (exchanged, heard) = ask(&client, 0, 0).await;
        assert_eq!(exchanged.ending.outcome, Outcome::Connect);
        assert!(exchanged.detail.unwrap().contains(&address));
        assert_eq!(heard.written.get(), 0);
        assert_eq!(client.get("/health").await.unwrap_err().outcome, Outcome::Connect);
    });
}

#[test]
fn tls_against_a_port_without_it_is_no_connection() {
    on_one_thread(async {
        for (act, connect, outcome) in [
            (Act::Send(whole("400 Bad Request", "", "")), LONG, Outcome::Connect),
            (Act::Close, LONG, Outcome::Connect),
            (Act::Stall, SHORT, Outcome::TimeoutConnect),
        ] {
            let server = Server::start(move |_| vec![act.clone()]).await;
            let timeouts = Timeouts { connect, ..limits() };
            let target = TargetPlan { timeouts, ..target(chat(true)) };
            let url = format!("https://{}", server.address());
            let client = Client::new(&target, &[&url]).await.unwrap();
            let (exchanged, _) = ask(&client, 0, 0).await;
            assert_eq!(exchanged.ending.outcome, outcome, "{exchanged:?}");
        }
    });
}

#[test]
fn a_limit_that_passed_before_we_began_is_seen_at_once() {
    on_one_thread(async {
        let server = Server::start(|_| vec![Act::Stall]).await;
        let client = client(&server, ConnectionMode::Pooled).await;
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
        let intended = Instant::now() - LONG;
        let exchanged = client.exchange(&asked, intended, &crate::client::Heard::default()).await;
        let timeouts = [Outcome::TimeoutConnect, Outcome::TimeoutFirst];
        assert!(timeouts.contains(&exchanged.ending.outcome), "{exchanged:?}");
    });
}

#[test]
fn a_target_without_an_address_is_an_error_before_any_request() {
    on_one_thread(async {
        let target = target(chat(true));
        let unresolved = Client::new(&target, &["http://no-such-host.invalid:1"]).await;
        assert!(matches!(unresolved, Err(ClientError::Dns { .. })));
        let unusable = Client::new(&target, &["no-such-host"]).await;
        assert!(matches!(unusable, Err(ClientError::Url { .. })));
    });
}

#[test]
fn sessions_take_turns_over_the_replicas_and_each_keeps_to_its_own() {
    on_one_thread(async {
        let servers = [Server::start(|_| vec![ok()]).await, Server::start(|_| vec![ok()]).await];
        let urls = servers.each_ref().map(Server::url);
        let client = Client::new(&target(chat(true)), &urls).await.unwrap();
        assert_eq!(client.prewarm(4).await, 4);
        for (index, turn) in [(0, 0), (1, 0), (2, 0), (0, 1), (3, 0), (1, 1), (1, 2)] {
            assert_eq!(ended(&ask(&client, index, turn).await.0), (Outcome::Ok, 0));
        }
        for (server, calls) in servers.iter().zip([3, 4]) {
            server.until(|seen| seen.connections == 2).await;
            assert_eq!(server.seen.borrow().calls.len(), calls);
        }
        assert_eq!(client.idle(), 4);
        let none: &[String] = &[];
        let unusable = Client::new(&target(chat(true)), none).await;
        assert!(matches!(unusable, Err(ClientError::Url { .. })));
    });
}

#[test]
fn a_socket_of_this_machine_is_spoken_to_as_a_port_is() {
    on_one_thread(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.sock");
        let server = Server::start_at(&path, |call| match call.request {
            2 => vec![Act::Close],
            _ => vec![ok()],
        });
        let client = Client::new(&target(chat(true)), &[server.url()]).await.unwrap();
        assert_eq!(client.prewarm(1).await, 1);
        for reconnects in [0, 0, 1] {
            let (exchanged, heard) = ask(&client, 0, 0).await;
            assert_eq!(ended(&exchanged), (Outcome::Ok, reconnects));
            assert!(heard.arrivals.borrow().iter().all(|(arrival, _)| arrival.lag.is_none()));
        }
        assert_eq!(server.connections(), 2);
        let text = server.seen.borrow().calls[0].text.clone();
        assert!(text.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{text}");
        assert!(text.contains("\r\nhost: localhost\r\n"), "{text}");

        let missing = format!("unix:{}", folder.path().join("missing").display());
        let client = Client::new(&target(chat(true)), &[&missing]).await.unwrap();
        let (exchanged, _) = ask(&client, 0, 0).await;
        assert_eq!(ended(&exchanged), (Outcome::Connect, 0));
        assert!(exchanged.detail.unwrap().contains(&missing));
    });
}
