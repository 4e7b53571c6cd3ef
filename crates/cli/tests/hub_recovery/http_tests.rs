//! The listeners over HTTP, against answers as the protocol describes them.

use crate::http::{OverPoll, OverSse};
use crate::transport::{Positions, Told, Transport, Wish, cursor, payload};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Gives each answer to one request, and gives the requests back.
async fn scripted(answers: Vec<String>) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(tcp.read_u8().await.unwrap());
            }
            requests.push(String::from_utf8(request).unwrap());
            // In small pieces, as networks do it.
            for piece in answer.as_bytes().chunks(7) {
                tcp.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
        requests
    });
    (addr, serving)
}

fn message(channel: &str, pos: &str) -> String {
    let text = payload("p1-1", 9);
    format!(r#"{{"op":"message","channel":"{channel}","pos":"{pos}","at":1,"text":"{text}"}}"#)
}

fn begin(channel: &str, pos: &str) -> String {
    format!(r#"{{"op":"ok","channel":"{channel}","pos":"{pos}"}}"#)
}

async fn three(transport: &dyn Transport, addr: SocketAddr, positions: &Positions) -> Vec<String> {
    let wish = Wish {
        addr,
        positions,
        buffer: None,
    };
    let mut line = transport.open(wish).await.unwrap();
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(match line.next().await.unwrap() {
            Told::Begin { channel, pos, .. } => format!("begin {channel} {pos}"),
            Told::Record { channel, pos, mark } => format!("{channel} {} {mark}", pos.unwrap()),
            other => panic!("{other:?}"),
        });
    }
    all
}

fn at(pos: [&str; 2]) -> Positions {
    let [a, b] = pos.map(|pos| Some(pos.to_owned()));
    [("chat:a", a), ("chat:b", b)].into()
}

#[tokio::test]
async fn events_are_read_and_resumed_by_cursor() {
    let [before, one, two] = [["g-1", "g-2"], ["g-3", "g-2"], ["g-3", "g-4"]];
    let [before, one, two] = [before, one, two].map(|pos| cursor(&at(pos)).unwrap());
    let events = [
        ": hello\n\n".to_owned(),
        "data: {\"op\":\"ok\",\"channel\":\"chat:a\",\"pos\":\"g-3\",\"recovered\":true}\n\n"
            .to_owned(),
        format!("id: {one}\ndata: {}\n\n", message("chat:a", "g-3")),
        format!("id: {two}\ndata: {}\n\n", message("chat:b", "g-4")),
    ];
    let chunks = events.map(|event| format!("{:x}\r\n{event}\r\n", event.len()));
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (addr, serving) = scripted(vec![format!("{head}{}0\r\n\r\n", chunks.concat())]).await;
    let told = three(&OverSse, addr, &at(["g-1", "g-2"])).await;
    assert_eq!(
        told,
        ["begin chat:a g-3", "chat:a g-3 p1-1", "chat:b g-4 p1-1"]
    );
    let request = &serving.await.unwrap()[0];
    assert!(request.starts_with("GET /sse?channel=chat:a&channel=chat:b HTTP/1.1\r\n"));
    assert!(
        request.contains(&format!("Last-Event-ID: {before}\r\n")),
        "{request}"
    );
}

#[tokio::test]
async fn polls_go_on_from_the_cursor_of_the_last() {
    let [first, second] = [["g-1", "g-2"], ["g-1", "g-4"]];
    let [first, second] = [first, second].map(|pos| cursor(&at(pos)).unwrap());
    let answer = |cursor: &str, messages: &str| {
        let body = format!(r#"{{"cursor":"{cursor}","client":"C.S","messages":[{messages}]}}"#);
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let answers = vec![
        answer(
            &first,
            &[begin("chat:a", "g-1"), begin("chat:b", "g-2")].join(","),
        ),
        answer(&second, &message("chat:b", "g-4")),
    ];
    let (addr, serving) = scripted(answers).await;
    let nowhere = [("chat:a", None), ("chat:b", None)].into();
    let told = three(&OverPoll, addr, &nowhere).await;
    assert_eq!(
        told,
        ["begin chat:a g-1", "begin chat:b g-2", "chat:b g-4 p1-1"]
    );
    let requests = serving.await.unwrap();
    assert!(!requests[0].contains("since="), "{}", requests[0]);
    assert!(
        requests[1].contains(&format!("&since={first}&client=C.S ")),
        "{}",
        requests[1]
    );
}
