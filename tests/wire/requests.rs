//! What goes out, and what is told of it.

use crate::client::{SHORT, ask, chat, http, limits, managed, target};
use crate::on_one_thread;
use crate::server::{Act, Server, stream, whole};
use plimsoll::config::plan::{TargetPlan, Timeouts};
use plimsoll::load::{Client, ClientError};
use plimsoll::trial::{Outcome, Usage};

const WORD: &str = r#"{"choices":[{"delta":{"content":"a "}}]}"#;
const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#;
const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;

fn ok() -> Act {
    Act::Send(stream(&[WORD, WORD, STOP, USAGE, "[DONE]"], true))
}

#[test]
fn a_chat_request_says_who_what_and_how_much() {
    on_one_thread(async {
        let server = Server::start(|_| vec![ok()]).await;
        let headers = vec![("Authorization".to_owned(), "Bearer sk-123456".into())];
        let target = TargetPlan { headers, ..target(chat(true)) };
        let client = Client::new(&target, &[format!("{}/base/", server.url())]).await.unwrap();
        assert!(client.has_tokens());
        let (exchanged, _) = ask(&client, 0, 0).await;
        assert_eq!(exchanged.answer, "a a ");
        let usage = Usage { prompt_tokens: 9, completion_tokens: 2 };
        assert_eq!(exchanged.ending.usage, Some(usage));
        let text = server.seen.borrow().calls[0].text.clone();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /base/v1/chat/completions HTTP/1.1\r\n"), "{head}");
        for line in [
            format!("host: {}", server.address()),
            "authorization: Bearer sk-123456".into(),
            "content-type: application/json".into(),
            format!("content-length: {}", body.len()),
        ] {
            assert!(head.lines().any(|l| l == line), "{line} in {head}");
        }
        assert!(!head.contains("accept-encoding"));
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["model"], "tiny");
        assert_eq!(body["max_tokens"], 3);
        assert_eq!(body["stream_options"]["include_usage"], true);
    });
}

#[test]
fn a_plain_request_fills_its_template_in() {
    on_one_thread(async {
        let server = Server::start(|_| vec![Act::Send(whole("201 Made", "", ""))]).await;
        let api =
            http("PUT", "/items/{session}?turn={turn}&q={prompt}", Some("{\"n\": {request}}"));
        let headers = vec![("x-turn".to_owned(), "{session}-{turn}".into())];
        let target = TargetPlan { headers, ..target(api) };
        let client = Client::new(&target, &[server.url()]).await.unwrap();
        let (exchanged, heard) = ask(&client, 5, 1).await;
        assert_eq!(exchanged.ending.outcome, Outcome::Ok);
        assert_eq!(heard.chunks(), 1);
        let text = server.seen.borrow().calls[0].text.clone();
        assert!(text.starts_with("PUT /items/5?turn=1&q="), "{text}");
        assert!(
            text.contains("\r\nx-turn: 5-1\r\n") && text.ends_with("\r\n\r\n{\"n\": 16}"),
            "{text}"
        );
    });
}

#[test]
fn a_request_without_body_says_so_where_one_is_expected() {
    on_one_thread(async {
        for (method, says) in [("POST", true), ("GET", false)] {
            let server = Server::start(|_| vec![Act::Send(whole("200 OK", "", ""))]).await;
            let target = target(http(method, "/", None));
            let client = Client::new(&target, &[server.url()]).await.unwrap();
            let (exchanged, heard) = ask(&client, 0, 0).await;
            assert_eq!(exchanged.ending.outcome, Outcome::Ok);
            assert_eq!(heard.written.get(), 1);
            let said = server.seen.borrow().calls[0].text.contains("content-length: 0\r\n");
            assert_eq!(said, says, "{method}");
        }
    });
}

#[test]
fn stream_options_are_left_out_once_a_target_refuses_them() {
    on_one_thread(async {
        let server = Server::start(|call| {
            if call.text.contains("stream_options") {
                let error = r#"{"error":{"message":"unknown field stream_options"}}"#;
                vec![Act::Send(whole("400 Bad Request", "", error))]
            } else {
                vec![ok()]
            }
        })
        .await;
        let target = target(chat(true));
        let client = Client::new(&target, &[server.url()]).await.unwrap();
        for _ in 0..2 {
            assert_eq!(ask(&client, 0, 0).await.0.ending.outcome, Outcome::Ok);
        }
        assert_eq!(server.seen.borrow().calls.len(), 3);
    });
}

#[test]
fn a_target_that_always_names_them_is_asked_only_twice() {
    on_one_thread(async {
        let bad = whole("400 Bad Request", "", "stream_options, whatever you send");
        let server = Server::start(move |_| vec![Act::Send(bad.clone())]).await;
        let target = target(chat(true));
        let client = Client::new(&target, &[server.url()]).await.unwrap();
        assert_eq!(ask(&client, 0, 0).await.0.ending.outcome, Outcome::HttpError);
        assert_eq!(server.seen.borrow().calls.len(), 2);
    });
}

#[test]
fn a_failure_shows_what_was_said_but_no_key() {
    on_one_thread(async {
        let body = "bad key sk-123456\u{1b}[2J\nask \u{202e}us";
        let answer = whole("401 Unauthorized", "", body);
        let server = Server::start(move |_| vec![Act::Send(answer.clone())]).await;
        let headers = vec![("authorization".to_owned(), "Bearer sk-123456".into())];
        let target = TargetPlan { headers, ..target(chat(true)) };
        let client = Client::new(&target, &[server.url()]).await.unwrap();
        let detail = ask(&client, 0, 0).await.0.detail.unwrap();
        assert_eq!(detail, "status 401: bad key [redacted] [2J ask us");
    });
}

#[test]
fn the_observer_hears_of_each_step_once_and_in_order() {
    on_one_thread(async {
        let server = Server::start(|_| vec![ok()]).await;
        let target = target(chat(true));
        let client = Client::new(&target, &[server.url()]).await.unwrap();
        // The second goes over the connection of the first.
        for opening in [&["connected"][..], &[]] {
            let before = tokio::time::Instant::now();
            let (_, heard) = ask(&client, 0, 0).await;
            let order = heard.order.borrow();
            let steps: Vec<&str> = order.iter().map(|(what, _)| *what).collect();
            assert_eq!(steps, [opening, &["written", "first byte", "chunk", "chunk"]].concat());
            assert!(before <= order[0].1);
            assert!(order.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{order:?}");
        }
    });
}

#[test]
fn a_large_request_is_written_only_when_its_last_byte_is() {
    on_one_thread(async {
        let server = Server::start(|_| vec![Act::Send(whole("200 OK", "", ""))]).await;
        let body = "x".repeat(8 << 20);
        let target = target(http("POST", "/", Some(&body)));
        let client = Client::new(&target, &[server.url()]).await.unwrap();
        let (exchanged, heard) = ask(&client, 0, 0).await;
        assert_eq!(exchanged.ending.outcome, Outcome::Ok);
        let steps: Vec<&str> = heard.order.borrow().iter().map(|(what, _)| *what).collect();
        assert_eq!(steps, ["connected", "written", "first byte", "chunk"]);
    });
}

#[test]
fn a_request_that_the_target_does_not_take_is_not_written() {
    on_one_thread(async {
        // Connections wait in its queue; nobody reads.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let timeouts = Timeouts { first_chunk: SHORT, ..limits() };
        let body = "x".repeat(32 << 20);
        let target = TargetPlan { timeouts, ..target(http("POST", "/", Some(&body))) };
        let client = Client::new(&target, &[&url]).await.unwrap();
        let (exchanged, heard) = ask(&client, 0, 0).await;
        assert_eq!(exchanged.ending.outcome, Outcome::TimeoutFirst);
        let steps: Vec<&str> = heard.order.borrow().iter().map(|(what, _)| *what).collect();
        assert_eq!(steps, ["connected"]);
    });
}

#[test]
fn an_answer_before_the_end_of_the_request_counts() {
    on_one_thread(async {
        // Reads only the head, answers, and never reads the rest.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let body = "x".repeat(32 << 20);
        let target = target(http("POST", "/", Some(&body)));
        let client = Client::new(&target, &[&url]).await.unwrap();
        let answer = async {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0; 16]).await.unwrap();
            stream.write_all(&whole("413 Too Large", "", "")).await.unwrap();
            stream
        };
        let ((exchanged, heard), _stream) = tokio::join!(ask(&client, 0, 0), answer);
        assert_eq!(exchanged.ending.outcome, Outcome::HttpError);
        assert_eq!(heard.written.get(), 1);
        assert_eq!(client.idle(), 0);
    });
}

#[test]
fn a_failure_shows_no_secret_of_the_targets_environment() {
    on_one_thread(async {
        let said = "invalid key sk-123456 of tenant-7";
        let server = Server::start(move |_| vec![Act::Send(whole("500 Broken", "", said))]).await;
        let secrets = vec!["sk-123456".into()];
        let target = TargetPlan { source: managed(secrets), ..target(chat(true)) };
        let client = Client::new(&target, &[server.url()]).await.unwrap();
        let (exchanged, _) = ask(&client, 0, 0).await;
        let detail = exchanged.detail.unwrap();
        assert_eq!(detail, "status 500: invalid key [redacted] of tenant-7");
    });
}

#[test]
fn a_probe_tells_the_status() {
    on_one_thread(async {
        let server = Server::start(|_| vec![Act::Send(whole("404 Not Here", "", "no"))]).await;
        let target = target(chat(true));
        let client = Client::new(&target, &[format!("{}/base", server.url())]).await.unwrap();
        assert_eq!(client.get("/health").await, Ok(404));
        let text = server.seen.borrow().calls[0].text.clone();
        assert!(text.starts_with("GET /base/health HTTP/1.1\r\n"), "{text}");
    });
}

#[test]
fn a_url_can_be_the_whole_request() {
    on_one_thread(async {
        let server = Server::start(|_| vec![Act::Send(whole("200 OK", "", ""))]).await;
        let url = format!("{}/search/?q=a%20b", server.url());
        let whole = target(http("GET", "", None));
        let client = Client::new(&whole, &[&url]).await.unwrap();
        let (exchanged, _) = ask(&client, 0, 0).await;
        assert_eq!(exchanged.ending.outcome, Outcome::Ok);
        let text = server.seen.borrow().calls[0].text.clone();
        assert!(text.starts_with("GET /search/?q=a%20b HTTP/1.1\r\n"), "{text}");
        let below = target(http("GET", "/", None));
        assert!(matches!(Client::new(&below, &[&url]).await, Err(ClientError::Url { .. })));
    });
}
