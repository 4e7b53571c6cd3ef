//! The tester's local agent: the pace of both sides, and their ends.
#![allow(clippy::unwrap_used)]

mod common;
mod far;

use common::*;
use far::*;
use serde_json::json;
use std::time::Duration;
use tidewire::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

#[tokio::test]
async fn ends_are_told_by_who_and_how() {
    let page = Page::new().await;
    let (mut agent, mut tcp) = upgraded(&page, json!({})).await;
    tcp.write_all(&[0x88, 6, 0x0f, 0xa0, b'g', b'o', b'n', b'e'])
        .await
        .unwrap();
    _ = tcp.shutdown().await;
    let close =
        json!({"ev": "close", "code": 4000, "reason": "gone", "by": "server", "clean": true});
    assert_eq!(agent.until("close").await, close);
    assert_eq!(agent.ended().await, 1000);

    let (mut agent, tcp) = upgraded(&page, json!({})).await;
    drop(tcp);
    let close = agent.until("close").await;
    assert_eq!(
        json!([close["code"], close["by"], close["clean"]]),
        json!([1006, "nobody", false])
    );
    assert_eq!(agent.ended().await, 1000);
}

#[tokio::test]
async fn a_page_that_leaves_takes_its_far_socket_along() {
    let page = Page::new().await;
    let (agent, mut tcp) = upgraded(&page, json!({})).await;
    drop(agent);
    let mut rest = Vec::new();
    let read = timeout(PATIENCE, async {
        // Its Close comes masked; then it waits for ours.
        let mut head = [0; 2];
        tcp.read_exact(&mut head).await.unwrap();
        assert_eq!(head, [0x88, 0x82]);
        tcp.shutdown().await.unwrap();
        tcp.read_to_end(&mut rest).await.unwrap();
    });
    read.await.unwrap();
}

#[tokio::test]
async fn a_page_that_leaves_during_the_handshake_takes_its_far_socket_along() {
    let page = Page::new().await;
    // Whoever waits for an answer to its request, and to its TLS hello.
    for scheme in ["ws", "wss"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}/", listener.local_addr().unwrap());
        let agent = page.dial(json!({"url": url})).await;
        let (mut tcp, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let mut asked = vec![0; 16 * 1024];
        assert!(tcp.read(&mut asked).await.unwrap() > 0);
        drop(agent);
        // Before the handshake's own limit of ten seconds.
        let ended = timeout(Duration::from_secs(5), async {
            while let Ok(1..) = tcp.read(&mut asked).await {}
        });
        ended.await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let page = Page::new().await;
    for (begin, piece, event) in [
        (
            "",
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
            "error",
        ),
        ("HTTP/1.1 403 Forbidden\r\n", "X: aaaaaaaa\r\n", "error"),
        ("HTTP/1.1 403 Forbidden\r\nX: ", "aaaaaaaaaaaaaaaa", "error"),
        (
            "HTTP/1.1 403 Forbidden\r\n\r\n",
            "aaaaaaaaaaaaaaaa",
            "refused",
        ),
        ("", "SSH-2.0-aaaaaaaa", "error"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let mut agent = page.dial(json!({"url": url})).await;
        let (mut tcp, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        read_head(&mut tcp).await;
        let flood = async {
            let mut sent = begin.len();
            if tcp.write_all(begin.as_bytes()).await.is_ok() {
                let pieces = piece.repeat(1000);
                while tcp.write_all(pieces.as_bytes()).await.is_ok() {
                    sent += pieces.len();
                }
            }
            sent
        };
        let told = async {
            let mut bytes = 0;
            loop {
                let told = agent.next().await;
                bytes += told.to_string().len();
                if told["ev"] == event {
                    return bytes;
                }
            }
        };
        let (sent, told) = timeout(PATIENCE, async { tokio::join!(flood, told) })
            .await
            .unwrap();
        // What the system holds on the way is sent, and told to nobody.
        assert!(sent < 64 << 20, "{sent} bytes of {begin}{piece}");
        assert!(told < 1 << 20, "{told} bytes of {begin}{piece}");
        assert_eq!(agent.ended().await, 1000);
    }
}

#[tokio::test]
async fn a_page_that_does_not_read_slows_the_far_server_down() {
    let page = Page::new().await;
    let (mut agent, mut tcp) = upgraded(&page, json!({"frames": true})).await;
    let mut message = vec![0x82, 126, 0xff, 0xff];
    message.resize(4 + 0xffff, 7);
    let mut sent = 0_usize;
    while let Ok(written) = timeout(
        Duration::from_secs(2),
        tcp.write(&message[sent % message.len()..]),
    )
    .await
    {
        sent += written.unwrap();
        assert!(sent < 256 << 20, "nobody slows it down");
    }
    // All of it arrives when the page reads on.
    let whole = sent / message.len();
    assert!(whole > 3);
    let mut received = 0;
    while received < whole {
        if let Message::Binary(payload) = agent.any().await {
            assert_eq!(payload.len(), 0xffff);
            received += 1;
        }
    }
}

#[tokio::test]
async fn a_far_server_that_does_not_read_slows_the_page_down() {
    let page = Page::new().await;
    let (agent, mut tcp) = upgraded(&page, json!({"deflate": false})).await;
    let payload = vec![7; 1 << 20];
    let mut sent = 0;
    while let Ok(done) = timeout(Duration::from_secs(2), agent.ws.send(payload.clone())).await {
        done.unwrap();
        sent += 1;
        assert!(sent < 256, "nobody slows it down");
    }
    assert!(sent > 0);
    drop(agent);
    // And when the page is gone, that is noticed, though nothing was read from it.
    let all = timeout(PATIENCE, async {
        let mut chunk = vec![0; 1 << 20];
        while let Ok(1..) = tcp.read(&mut chunk).await {}
    });
    all.await.unwrap();
}

#[tokio::test]
async fn a_hub_that_stops_says_goodbye_to_both() {
    let page = Page::new().await;
    let (mut agent, mut tcp) = upgraded(&page, json!({})).await;
    let far = tokio::spawn(async move {
        let mut bytes = Vec::new();
        let mut head = [0; 8];
        tcp.read_exact(&mut head).await.unwrap();
        tcp.shutdown().await.unwrap();
        tcp.read_to_end(&mut bytes).await.unwrap();
        head[0]
    });
    let stopping = tokio::spawn(page.running.stop());
    assert_eq!(agent.ended().await, 1001);
    assert_eq!(timeout(PATIENCE, far).await.unwrap().unwrap(), 0x88);
    timeout(PATIENCE, stopping).await.unwrap().unwrap();
}
