//! Moving from axum's extractor is a change of import: one chat program, compiled against both, has
//! the same conversation.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used, clippy::duplicate_mod, unreachable_pub)]

use axum::Router;
use std::time::Duration;
use tidewire::{Client, Error, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

#[path = "axum_chat"]
mod with_axum {
    use axum::extract::ws;
    #[path = "program.rs"]
    pub mod program;
}

#[path = "axum_chat"]
mod with_tidewire {
    use tidewire::axum as ws;
    #[path = "program.rs"]
    pub mod program;
}

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_chat_of_an_axum_user_runs_on_axums_extractor() {
    converse(with_axum::program::router()).await;
}

#[tokio::test]
async fn the_same_chat_runs_on_ours() {
    converse(with_tidewire::program::router()).await;
}

/// The next message of a visitor is this line.
async fn hear(visitor: &mut WebSocket, line: &str) {
    let message = timeout(PATIENCE, visitor.recv()).await.expect(line);
    let message = message.unwrap().expect(line);
    assert_eq!(message.as_text(), Some(line));
}

async fn converse(app: Router) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });

    let mut http = TcpStream::connect(addr).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    http.write_all(request).await.unwrap();
    let mut answer = String::new();
    http.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("a chat room"), "{answer}");

    let client = || Client::new(format!("ws://{addr}/room"));
    let offering = client().subprotocol("chat.v1").subprotocol("chat.v0");
    let mut ada = offering.connect().await.unwrap();
    assert_eq!(ada.subprotocol().as_deref(), Some("chat.v1"));
    ada.send(&b"binary is no name"[..]).await.unwrap();
    ada.send("ada").await.unwrap();
    hear(&mut ada, "welcome to chat.v1").await;
    hear(&mut ada, "ada joined").await;

    let mut bob = client().connect().await.unwrap();
    assert_eq!(bob.subprotocol(), None);
    bob.send("bob").await.unwrap();
    for visitor in [&mut ada, &mut bob] {
        hear(visitor, "bob joined").await;
    }
    ada.send("hello, bob").await.unwrap();
    for visitor in [&mut ada, &mut bob] {
        hear(visitor, "ada: hello, bob").await;
    }
    bob.send("🦀".repeat(1000)).await.unwrap();
    for visitor in [&mut ada, &mut bob] {
        hear(visitor, &format!("bob: {}", "🦀".repeat(1000))).await;
    }
    bob.send(vec![7; 300]).await.unwrap();
    bob.ping(b"you there?").unwrap();
    for visitor in [&mut ada, &mut bob] {
        hear(visitor, "bob shows 300 bytes").await;
        hear(visitor, "bob pings with 10 bytes").await;
    }

    // A name that is taken is refused with a code.
    let mut second = client().connect().await.unwrap();
    second.send("ada").await.unwrap();
    hear(&mut second, "that name is taken").await;
    let end = timeout(PATIENCE, second.recv()).await.unwrap();
    let Err(Error::Closed(story)) = end else {
        panic!("{end:?}");
    };
    assert_eq!(
        story.received.unwrap().to_string(),
        "1008 (policy violation): taken"
    );

    // Who leaves in order says why; who vanishes does not.
    let story = timeout(PATIENCE, bob.close(4001, "bye"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(story.received.unwrap().code.0, 4001);
    hear(&mut ada, "bob says 4001").await;
    hear(&mut ada, "bob left").await;
    let eve = client().connect().await.unwrap();
    eve.send("eve").await.unwrap();
    hear(&mut ada, "eve joined").await;
    drop(eve);
    hear(&mut ada, "eve left").await;

    // A message over the limit ends the connection of who sent it.
    let mut big = client().connect().await.unwrap();
    big.send("big").await.unwrap();
    hear(&mut ada, "big joined").await;
    hear(&mut big, "big joined").await;
    big.send("x".repeat(5000)).await.unwrap();
    hear(&mut ada, "big left").await;

    // A name that was left is free again.
    let mut bob = client().connect().await.unwrap();
    bob.send("bob").await.unwrap();
    hear(&mut bob, "bob joined").await;
}
