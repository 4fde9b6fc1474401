//! HTTP/1.1 as servers speak it: where an answer ends, and whether its connection is used again.

use crate::client::{ask, http, target};
use crate::on_one_thread;
use crate::server::{Act, Server};
use plimsoll::config::plan::TargetPlan;
use plimsoll::load::Client;
use plimsoll::trial::Outcome;

/// A body of five bytes, framed in every way; whether the connection lasts.
const ANSWERS: [(&str, bool); 10] = [
    ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", true),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n\r\nhello", true),
    (
        "HTTP/1.1 200\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nt: 1\r\n\r\n",
        true,
    ),
    (
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\n\
      content-length: 5\r\n\r\nhello",
        true,
    ),
    ("HTTP/1.1 204 No Content\r\n\r\n", true),
    ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true),
    ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello", false),
    ("HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", false),
    ("HTTP/1.0 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nhello", true),
    ("HTTP/1.1 200 OK\r\n\r\nhello", false),
];

async fn client(url: &str, target: TargetPlan) -> Client {
    Client::new(&target, &[url]).await.unwrap()
}

#[test]
fn an_answer_ends_where_http_says_however_its_bytes_are_cut() {
    for (answer, lasts) in ANSWERS {
        let until_close = answer == ANSWERS[9].0;
        let whole = answer.as_bytes();
        let cuts = (1..whole.len()).map(|at| {
            let (first, second) = whole.split_at(at);
            vec![Act::Send(first.to_vec()), Act::Pause, Act::Send(second.to_vec())]
        });
        let shapes = [vec![Act::Send(whole.to_vec())], vec![Act::SendBytewise(whole.to_vec())]];
        for mut acts in shapes.into_iter().chain(cuts) {
            if until_close {
                acts.push(Act::Close);
            }
            on_one_thread(async {
                let server = Server::start(move |_| acts.clone()).await;
                let client = client(&server.url(), target(http("GET", "/", None))).await;
                for turn in 0..2 {
                    let (exchanged, heard) = ask(&client, 0, turn).await;
                    let ending = exchanged.ending;
                    assert_eq!((ending.outcome, ending.reconnects), (Outcome::Ok, 0), "{answer:?}");
                    assert_eq!((heard.written.get(), heard.chunks()), (1, 1), "{answer:?}");
                }
                assert_eq!(server.connections(), if lasts { 1 } else { 2 }, "{answer:?}");
            });
        }
    }
}

#[test]
fn the_answer_to_a_head_request_is_its_head() {
    on_one_thread(async {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
        let server = Server::start(|_| vec![Act::Send(answer.to_vec())]).await;
        let client = client(&server.url(), target(http("HEAD", "/", None))).await;
        for turn in 0..2 {
            assert_eq!(ask(&client, 0, turn).await.0.ending.outcome, Outcome::Ok);
        }
        assert_eq!(server.connections(), 1);
    });
}
